//! `families`: prompts made from the same template.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::Result;
use promptprint::corpus::NO_TIME;
use promptprint::corpus::families::{FamilyTables, Piece, Skeleton, stale};
use promptprint::corpus::population::Population;
use promptprint::corpus::snapshot::display_id;
use promptprint::family::Variant;
use promptprint::num::usize_of;
use promptprint::request::PartKind;
use promptprint::store::segment::FileKind;
use serde::Serialize;

use super::common::{self, KeyArgs, Opened, StoreArgs};
use super::index;
use super::input::InputArgs;
use super::output::{Out, time};

/// A family is named by a hex string that stays as long as the heart of its template does. With --members, every request:
/// its family is that of its last user turn, else of the first, else of the plain prompt; `also` lists every other family
/// that a part of it matches. A variant is the texts of one family that share a block, such as examples, which its other
/// texts do not hold: most families have none, and a text has at most one. Its hex string is its own within its family.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Read these logs, as `index` does, and render the skeletons anew from their texts
    #[arg(long, value_name = "LOG", num_args = 1..)]
    log: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    /// List requests with their families instead
    #[arg(long)]
    members: bool,
    /// How finely prompts are grouped: by `family`, or by `variant`, which also tells the variants of each family and, with
    /// --members, of each request
    #[arg(long, value_name = "LEVEL", default_value = "family")]
    level: Level,
    /// One line of JSON a family or request
    #[arg(long)]
    json: bool,
}

/// How finely prompts are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    Family,
    Variant,
}

#[derive(Debug, Serialize)]
struct Row {
    family: String,
    skeleton: Option<String>,
    requests: u64,
    accounts: u32,
    principals: u32,
    documents: u32,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    slots: Vec<SlotRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<Vec<VariantRow>>,
}

#[derive(Debug, Serialize)]
struct VariantRow {
    variant: String,
    requests: u64,
    accounts: u32,
    documents: u32,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
}

#[derive(Debug, Serialize)]
struct SlotRow {
    kind: String,
    min_bytes: u64,
    max_bytes: u64,
    distinct: u64,
}

#[derive(Debug, Serialize)]
struct Member {
    id: String,
    family: Option<String>,
    /// Told at the level of variants alone; null where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<Option<String>>,
    also: Vec<Also>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Also {
    part: &'static str,
    family: String,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    if !args.log.is_empty() {
        index::render_from(&args.log, &args.input, &args.store, &args.key)?;
    }
    let opened = common::open(&args.store, &args.key)?;
    let Some(entry) =
        opened.store.manifest().families.clone().filter(|_| opened.store.manifest().families_are_current())
    else {
        return Err(stale());
    };
    let container = opened.store.container(&entry.file, FileKind::Families)?;
    let tables = FamilyTables::new(&container)?;
    let mut out = Out::new();
    if args.members {
        members(&opened, &tables, args, &mut out)?;
    } else {
        list(&opened, &tables, args, &mut out)?;
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn list(opened: &Opened, tables: &FamilyTables<'_>, args: &Args, out: &mut Out) -> Result<()> {
    let mut rows = Vec::with_capacity(tables.len());
    for family in 0..tables.len() {
        let info = tables.info(family)?;
        let skeleton = tables.skeleton(&opened.keys, family)?;
        let variants = match args.level {
            Level::Family => None,
            Level::Variant => Some(tables.variants(family)?.iter().map(VariantRow::from).collect()),
        };
        rows.push(Row {
            family: format!("{:016x}", info.id),
            slots: skeleton.as_ref().map(slots).unwrap_or_default(),
            skeleton: skeleton.map(|skeleton| skeleton.to_string()),
            requests: info.requests,
            accounts: info.accounts,
            principals: info.principals,
            documents: info.documents,
            first_ms: known(info.first_ms),
            last_ms: known(info.last_ms),
            variants,
        });
    }
    rows.sort_by(|a, b| (b.requests, &a.family).cmp(&(a.requests, &b.family)));
    for row in rows {
        if out.is_closed() {
            break;
        }
        if args.json {
            out.json(&row)?;
            continue;
        }
        let span = span(row.first_ms, row.last_ms);
        out.line(format_args!("{}  {} requests of {} accounts{span}", row.family, row.requests, row.accounts))?;
        let skeleton =
            row.skeleton.unwrap_or_else(|| "(no skeleton: none of its texts was at hand; see --log)".to_owned());
        out.line(format_args!("    {}", skeleton.replace('\n', "\n    ")))?;
        for row in row.variants.iter().flatten() {
            let VariantRow { variant, requests, accounts, first_ms, last_ms, .. } = row;
            let span = self::span(*first_ms, *last_ms);
            out.line(format_args!("  variant {variant}  {requests} requests of {accounts} accounts{span}"))?;
        }
    }
    Ok(())
}

fn known(ms: i64) -> Option<i64> {
    (ms != NO_TIME).then_some(ms)
}

fn span(first_ms: Option<i64>, last_ms: Option<i64>) -> String {
    match (first_ms, last_ms) {
        (Some(first), Some(last)) => format!(", {} to {}", time(first), time(last)),
        _ => String::new(),
    }
}

impl From<&Variant> for VariantRow {
    fn from(info: &Variant) -> Self {
        Self {
            variant: format!("{:016x}", info.id),
            requests: info.requests,
            accounts: info.accounts,
            documents: info.documents,
            first_ms: known(info.first_ms),
            last_ms: known(info.last_ms),
        }
    }
}

fn slots(skeleton: &Skeleton) -> Vec<SlotRow> {
    let of = |piece: &Piece| match piece {
        Piece::Text(_) => None,
        Piece::Slot(slot) => Some(SlotRow {
            kind: slot.kind.clone(),
            min_bytes: slot.min_bytes,
            max_bytes: slot.max_bytes,
            distinct: slot.distinct,
        }),
    };
    skeleton.pieces.iter().filter_map(of).collect()
}

fn members(opened: &Opened, tables: &FamilyTables<'_>, args: &Args, out: &mut Out) -> Result<()> {
    let population = Population::new(&opened.snapshot)?;
    let mut ids = population.views().iter().map(|view| view.ids()).collect::<Result<Vec<_>>>()?;
    let identities: Vec<Vec<u128>> = population.views().iter().map(|view| view.identities_by_row()).collect();
    for place in &population.requests {
        if out.is_closed() {
            break;
        }
        let (segment, row) = (usize_of(place.segment), usize_of(place.index));
        let view = population.view(*place);
        let own = || identities[segment].get(row).copied().unwrap_or(0);
        let id = display_id(view, &mut ids[segment], &opened.keys, row, own)?;
        let mut best: Option<(u8, u32, Option<u64>)> = None;
        let mut also = Vec::new();
        for part in view.parts_of(row) {
            let (Some(form), Some(kind)) = (view.form_of(part), view.kind_of(part)) else { continue };
            if !kind.has_family() {
                continue;
            }
            let form = usize_of(form);
            let own = tables.of_form(segment, form);
            if let (Some(family), Some(rank)) = (own, main_rank(kind)) {
                let variant = match args.level {
                    Level::Family => None,
                    Level::Variant => tables.variant_of_form(segment, form)?,
                };
                let here = (rank, family, variant);
                best = Some(best.map_or(here, |best| best.min(here)));
            }
            also.extend(own.map(|family| (kind, family)));
            also.extend(tables.matches_of(segment, form).map(|family| (kind, family)));
        }
        let main = best.map(|(_, family, _)| family);
        let variant = best.and_then(|(.., variant)| variant).map(|variant| format!("{variant:016x}"));
        let member = Member {
            id,
            family: main.and_then(|family| tables.name(family)),
            variant: (args.level == Level::Variant).then_some(variant),
            also: others(&also, main, tables),
        };
        if args.json {
            out.json(&member)?;
        } else {
            let more: Vec<String> = member.also.iter().map(|also| format!("{} {}", also.part, also.family)).collect();
            let family = member.family.as_deref().unwrap_or("-");
            let variant = member.variant.map_or(String::new(), |id| format!("\t{}", id.as_deref().unwrap_or("-")));
            out.line(format_args!("{}\t{family}{variant}\t{}", member.id, more.join(", ")))?;
        }
    }
    Ok(())
}

/// Which part names a request's family: the last user turn, else the first, else the plain prompt.
fn main_rank(kind: PartKind) -> Option<u8> {
    match kind {
        PartKind::LastUser => Some(0),
        PartKind::FirstUser => Some(1),
        PartKind::Prompt => Some(2),
        _ => None,
    }
}

fn others(found: &[(PartKind, u32)], main: Option<u32>, tables: &FamilyTables<'_>) -> Vec<Also> {
    let mut rows = Vec::new();
    for (kind, family) in found.iter().filter(|(_, family)| Some(*family) != main) {
        if let Some(name) = tables.name(*family) {
            let row = Also { part: kind.name(), family: name };
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
    }
    rows
}
