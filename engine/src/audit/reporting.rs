//! Fills the report: what was read, the families and campaigns with names opened, and how to get the same answer again.

use std::collections::HashMap;

use super::ingest::Summary;
use super::judge::{CampaignRow, Judged, Names};
use crate::campaign::{self, DecoyReport, Lift, NONE, Options, Unit, Verdict};
use crate::corpus::families::{Piece, Skeleton};
use crate::corpus::names::Reader;
use crate::corpus::snapshot::{Snapshot, display_id};
use crate::corpus::{NO_TIME, population::Place};
use crate::error::Result;
use crate::num::{f64_of_u64, u32_saturating, u64_of, usize_of};
use crate::report::Axis;
use crate::report::model::{
    AccountRow, Advice, CampaignRow as ReportCampaign, Count, Edge, Enrichment, ErrorRates, Evidence, Explanation,
    FamilyRow, Inputs, LogRow, Meta, Parameter, Piece as ReportPiece, Report, Skeleton as ReportSkeleton, SkippedLine,
    Slot as ReportSlot, Supports, Totals, Verdict as ReportVerdict,
};
use crate::request::PartKind;
use crate::store::Store;

/// Requests named for an analyst to read in the operator's own log.
const EXEMPLARS: usize = 5;

/// Who asks for the report, and how the store was judged.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// The store as the caller named it.
    pub store: String,
    /// Now, Unix ms.
    pub made_ms: i64,
    /// The commands that give this report again.
    pub reproduce: Vec<String>,
    /// How campaigns were judged.
    pub judge: Options,
    /// What became of shuffled copies of the log, where any were judged.
    pub decoys: Option<DecoyReport>,
}

/// Builds the report of a judged store.
/// # Errors
/// [`crate::Error::Corrupt`]; [`crate::Error::Io`].
pub fn report(
    store: &Store,
    snapshot: &Snapshot,
    judged: &Judged<'_>,
    summary: &Summary,
    options: &ReportOptions,
) -> Result<Report> {
    let times = judged.population.time_ms.iter().copied().filter(|time| *time != NO_TIME);
    let (first_ms, last_ms) = (times.clone().min(), times.clone().max());
    let axis = first_ms.zip(last_ms).map_or_else(Axis::default, |(first, last)| Axis::covering(first, last));
    let mut timeline = axis.timeline();
    times.for_each(|time| axis.count(&mut timeline, time));
    let mut filler = Filler::new(judged, axis)?;
    let rows = judged.rows(true)?;
    let mut report = Report {
        meta: meta(store, options, first_ms, last_ms),
        inputs: inputs(summary, judged),
        totals: totals(store, snapshot, judged, &filler)?,
        axis,
        timeline,
        campaigns: Vec::new(),
        families: Vec::new(),
        error_rates: error_rates(judged, options),
        limits: limits(),
        reproduce: options.reproduce.clone(),
    };
    let mut campaign_of: HashMap<String, String> = HashMap::new();
    for row in rows.iter().filter(|row| row.verdict == "convicted" || row.verdict == "review") {
        for family in &row.families {
            campaign_of.insert(family.clone(), row.campaign.clone());
        }
        report.campaigns.push(filler.campaign(row)?);
    }
    for family in 0..judged.tables.len() {
        report.families.push(filler.family(family, &campaign_of)?);
    }
    report.rank();
    Ok(report)
}

/// What is gathered over all rows once, and the sealed tables it opens names from.
struct Filler<'a> {
    judged: &'a Judged<'a>,
    axis: Axis,
    ids: Vec<Reader<'a>>,
    names: Names<'a>,
    identities: Vec<Vec<u128>>,
    unit_of: HashMap<u32, usize>,
    timelines: Vec<Vec<u32>>,
    exemplars: Vec<Vec<Place>>,
    /// Requests of each account.
    totals: Vec<u64>,
    /// Per family: requests of its accounts, in it and in all.
    exclusivity: Vec<(u64, u64)>,
    in_families: u64,
}

impl<'a> Filler<'a> {
    fn new(judged: &'a Judged<'a>, axis: Axis) -> Result<Self> {
        let population = &judged.population;
        let families = judged.tables.len();
        let mut filler = Self {
            judged,
            axis,
            ids: population.views().iter().map(|view| view.ids()).collect::<Result<Vec<_>>>()?,
            names: Names::new(population, judged.keys())?,
            identities: population.views().iter().map(|view| view.identities_by_row()).collect(),
            unit_of: HashMap::new(),
            timelines: vec![axis.timeline(); families],
            exemplars: vec![Vec::new(); families],
            totals: vec![0; population.accounts.len()],
            exclusivity: vec![(0, 0); families],
            in_families: 0,
        };
        for (index, unit) in judged.findings.units.iter().enumerate() {
            let own = unit.families.iter().filter(|family| unit.guests.binary_search(family).is_err());
            filler.unit_of.extend(own.map(|family| (*family, index)));
        }
        for account in population.account_of.iter().filter(|account| **account != NONE) {
            filler.totals[usize_of(*account)] += 1;
        }
        let mut last = u32::MAX;
        for part in &population.uses {
            let place = population.documents[usize_of(part.document)];
            let family = judged.tables.of_form(usize_of(place.segment), usize_of(place.index));
            let Some(family) = family.map(usize_of) else { continue };
            if part.request != last {
                filler.in_families += 1;
                last = part.request;
            }
            let time = population.time_ms[usize_of(part.request)];
            if time != NO_TIME {
                axis.count(&mut filler.timelines[family], time);
            }
            if filler.exemplars[family].len() < EXEMPLARS {
                filler.exemplars[family].push(population.requests[usize_of(part.request)]);
            }
        }
        for (family, unit) in filler.unit_of.iter().map(|(family, unit)| (usize_of(*family), *unit)) {
            let edges = &judged.unit(unit).view.edges;
            let inside = edges.iter().map(|edge| u64::from(edge.requests)).sum();
            let all = edges.iter().map(|edge| filler.totals[usize_of(edge.account)]).sum();
            filler.exclusivity[family] = (inside, all);
        }
        Ok(filler)
    }

    /// An attribute that stands out, by the name that the log gives it.
    fn enrichment(&mut self, lift: &Lift) -> Result<Enrichment> {
        let value = match self.judged.traffic.tag_place(lift.value) {
            Some(place) => self.names.at(place)?,
            None => String::new(),
        };
        Ok(Enrichment {
            tag: lift.tag.clone(),
            value,
            accounts: u64_of(lift.principals),
            share: lift.share,
            base_share: lift.null,
        })
    }

    fn request_ids(&mut self, places: &[Place]) -> Result<Vec<String>> {
        let mut ids = Vec::with_capacity(places.len());
        for place in places {
            let (segment, row) = (usize_of(place.segment), usize_of(place.index));
            let view = self.judged.population.view(*place);
            let own = || self.identities[segment].get(row).copied().unwrap_or(0);
            ids.push(display_id(view, &mut self.ids[segment], self.judged.keys(), row, own)?);
        }
        Ok(ids)
    }

    fn family(&mut self, family: usize, campaign_of: &HashMap<String, String>) -> Result<FamilyRow> {
        let info = self.judged.tables.info(family)?;
        let skeleton = self.judged.tables.skeleton(self.judged.keys(), family)?;
        let unit = self.unit_of.get(&u32_saturating(family)).map(|unit| self.judged.unit(*unit));
        let (inside, all) = self.exclusivity[family];
        let places = std::mem::take(&mut self.exemplars[family]);
        let id = format!("{:016x}", info.id);
        Ok(FamilyRow {
            part: part_name(info.class).to_owned(),
            skeleton: skeleton.as_ref().map(skeleton_of),
            requests: info.requests,
            accounts: u64::from(info.accounts),
            principals: u64::from(info.principals),
            documents: u64::from(info.documents),
            exclusivity: f64_of_u64(inside) / f64_of_u64(all.max(1)),
            first_ms: known(info.first_ms),
            last_ms: known(info.last_ms),
            timeline: self.timelines[family].clone(),
            verdict: unit.map_or(ReportVerdict::Unexplained, |unit| verdict_of(unit.judgement.verdict)),
            reason: unit.map(|unit| unit.judgement.sentence()).unwrap_or_default(),
            campaign: campaign_of.get(&id).cloned(),
            exemplars: self.request_ids(&places)?,
            family: id,
        })
    }

    fn campaign(&mut self, row: &CampaignRow) -> Result<ReportCampaign> {
        let judged = self.judged;
        let mut timeline = self.axis.timeline();
        let mut edges: HashMap<u32, Vec<Edge>> = HashMap::new();
        let mut span: Option<(i64, i64)> = None;
        let mut requests = 0;
        let mut places = Vec::new();
        let members: HashMap<u32, f64> = row.accounts.iter().map(|account| (account.index, account.strength)).collect();
        judged.traffic.with_columns(|columns| {
            for unit in row.units.iter().map(|unit| judged.unit(*unit)) {
                for edge in unit.view.edges.iter().filter(|edge| members.contains_key(&edge.account)) {
                    requests += u64::from(edge.requests);
                    span = Some(span.map_or((edge.first_ms, edge.last_ms), |(first, last)| {
                        (first.min(edge.first_ms), last.max(edge.last_ms))
                    }));
                    edges.entry(edge.account).or_default().push(Edge {
                        family: unit
                            .families
                            .first()
                            .and_then(|family| judged.tables.name(*family))
                            .unwrap_or_else(|| row.campaign.clone()),
                        requests: u64::from(edge.requests),
                        strength: members[&edge.account],
                    });
                    for at in unit.view.rows_of(edge) {
                        self.axis.count(&mut timeline, columns.time_ms[usize_of(*at)]);
                        if places.len() < EXEMPLARS {
                            places.push(judged.population.requests[usize_of(columns.request[usize_of(*at)])]);
                        }
                    }
                }
            }
        });
        let unit = judged.unit(row.units[0]);
        let mut accounts = Vec::with_capacity(row.accounts.len());
        for account in &row.accounts {
            let own = edges.remove(&account.index).unwrap_or_default();
            let spans = row
                .units
                .iter()
                .flat_map(|unit| judged.unit(*unit).view.edges.iter().filter(|edge| edge.account == account.index));
            let (first, last) = spans
                .fold((i64::MAX, i64::MIN), |(first, last), edge| (first.min(edge.first_ms), last.max(edge.last_ms)));
            accounts.push(AccountRow {
                account: account.account.clone(),
                principal: None,
                strength: account.strength,
                requests: self.totals[usize_of(account.index)],
                family_requests: own.iter().map(|edge| edge.requests).sum(),
                first_ms: (first <= last).then_some(first),
                last_ms: (first <= last).then_some(last),
                edges: own,
            });
        }
        let exemplars = self.request_ids(&places)?;
        let lifts = row.units.iter().flat_map(|unit| &judged.unit(*unit).lifts);
        let enrichment: Result<Vec<Enrichment>> = lifts.map(|lift| self.enrichment(lift)).collect();
        Ok(ReportCampaign {
            campaign: row.campaign.clone(),
            verdict: if row.number.is_some() { ReportVerdict::Convicted } else { verdict_of(unit.judgement.verdict) },
            advice: advice_of(row.advice),
            reason: row.reason.clone(),
            weight: -(unit.judgement.p.max(1e-300)).log10(),
            families: row.families.clone(),
            principals: u64_of(unit.view.principals),
            requests,
            first_ms: span.map(|span| span.0),
            last_ms: span.map(|span| span.1),
            flagged_ms: None,
            served_share: None,
            timeline,
            evidence: unit.judgement.evidence.iter().map(evidence_of).collect(),
            innocent_explanations: explanations(unit),
            enrichment: enrichment?,
            exemplars,
            accounts,
        })
    }
}

fn explanations(unit: &Unit) -> Vec<Explanation> {
    campaign::explanations(unit, None)
        .into_iter()
        .map(|one| Explanation {
            tested: one.question.trim_end_matches('?').to_owned(),
            outcome: one.finding,
            explains: one.explains,
        })
        .collect()
}

fn evidence_of(evidence: &campaign::Evidence) -> Evidence {
    let finite = |value: f64| value.is_finite().then_some(value);
    Evidence {
        kind: evidence.kind.name().to_owned(),
        meaning: evidence.kind.meaning().to_owned(),
        value: finite(evidence.value).unwrap_or(0.0),
        null: finite(evidence.null),
        p: finite(evidence.p),
        n: u64_of(evidence.n),
        supports: if evidence.holds { Supports::Accuse } else { Supports::Neutral },
    }
}

fn verdict_of(verdict: Verdict) -> ReportVerdict {
    match verdict {
        Verdict::Convicted => ReportVerdict::Convicted,
        Verdict::Review => ReportVerdict::Review,
        Verdict::Unexplained => ReportVerdict::Unexplained,
        Verdict::Acquitted => ReportVerdict::Acquitted,
    }
}

fn advice_of(name: &str) -> Advice {
    match name {
        "review" => Advice::Review,
        "step_up" => Advice::StepUp,
        _ => Advice::Allow,
    }
}

fn skeleton_of(skeleton: &Skeleton) -> ReportSkeleton {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => ReportPiece::Text(text.clone()),
        Piece::Slot(slot) => ReportPiece::Slot(ReportSlot {
            kind: slot.kind.clone(),
            min_bytes: slot.min_bytes,
            max_bytes: slot.max_bytes,
            distinct: slot.distinct,
        }),
    };
    ReportSkeleton { pieces: skeleton.pieces.iter().map(piece).collect() }
}

/// What the texts of a class are called.
fn part_name(class: u8) -> &'static str {
    if class == PartKind::Prompt.class() {
        return "user text";
    }
    PartKind::of_number(class).map_or("", PartKind::name)
}

fn known(ms: i64) -> Option<i64> {
    (ms != NO_TIME).then_some(ms)
}

fn meta(store: &Store, options: &ReportOptions, first_ms: Option<i64>, last_ms: Option<i64>) -> Meta {
    Meta {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: options.store.clone(),
        made_ms: options.made_ms,
        first_ms,
        last_ms,
        parameters: std::iter::once(("spec", store.manifest().spec.clone()))
            .chain(super::parameters(&options.judge))
            .map(|(name, value)| Parameter { name: name.to_owned(), value })
            .collect(),
        key_epoch: store.manifest().key_epoch,
        seed: options.judge.decide.seed,
    }
}

fn inputs(summary: &Summary, judged: &Judged<'_>) -> Inputs {
    let log = |log: &super::ingest::LogCount| LogRow {
        file: log.file.clone(),
        requests: log.requests,
        repeated: log.repeated,
        skipped: log.skipped,
    };
    let skipped = |line: &super::ingest::SkippedLine| SkippedLine {
        file: line.file.clone(),
        line: line.line,
        reason: line.reason.to_string(),
    };
    let no_time = judged.population.time_ms.iter().filter(|time| **time == NO_TIME).count();
    Inputs {
        logs: summary.logs.iter().map(log).collect(),
        requests_before: judged.request_count().saturating_sub(summary.inputs.requests),
        requests_added: summary.inputs.requests,
        repeated: summary.inputs.repeated,
        skipped_lines_count: summary.skipped.count,
        skipped_lines: summary.skipped.samples.iter().map(skipped).collect(),
        media_skipped: summary.inputs.media_skipped,
        cut: 0,
        unattributed: u64_of(judged.population.account_of.iter().filter(|account| **account == NONE).count()),
        without_time: u64_of(no_time),
    }
}

fn totals(store: &Store, snapshot: &Snapshot, judged: &Judged<'_>, filler: &Filler<'_>) -> Result<Totals> {
    let population = &judged.population;
    let mut leaders = 0;
    let mut by_part = vec![0_u64; PartKind::ALL.len()];
    for segment in snapshot.segments() {
        let view = segment.view()?;
        leaders += view.leader_count();
        for part in 0..view.part_count() {
            let place = PartKind::ALL.iter().position(|kind| Some(*kind) == view.kind_of(part));
            if let Some(place) = place {
                by_part[place] += 1;
            }
        }
    }
    let principals: std::collections::BTreeSet<u32> = population.principal_of.iter().copied().collect();
    Ok(Totals {
        requests: judged.request_count(),
        accounts: u64_of(population.accounts.len()),
        principals: u64_of(principals.len()),
        distinct_texts: u64_of(population.documents.len()),
        leaders: u64_of(leaders),
        families: u64_of(judged.tables.len()),
        requests_in_families: filler.in_families,
        bytes_on_disk: store.bytes_on_disk()?,
        by_script: Vec::new(),
        by_part: PartKind::ALL
            .iter()
            .zip(by_part)
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| Count { name: kind.name().to_owned(), count })
            .collect(),
    })
}

fn error_rates(judged: &Judged<'_>, options: &ReportOptions) -> ErrorRates {
    let tested = judged.findings.units.iter().filter(|unit| !unit.judgement.evidence.is_empty()).count();
    ErrorRates {
        groups_tested: u64_of(tested),
        false_discovery_rate: Some(options.judge.decide.q_max),
        statement: vec![
            format!(
                "{tested} groups were tested together; the false-discovery rate among them is held at {} by the procedure of \
                 Benjamini and Hochberg.",
                options.judge.decide.q_max
            ),
            "A conviction needs several independent kinds of evidence over different principals; sharing a template alone \
             never accuses."
                .to_owned(),
        ],
        decoys_tested: options.decoys.map_or(0, |decoys| u64_of(decoys.judged)),
        decoys_convicted: options.decoys.map_or(0, |decoys| u64_of(decoys.convicted)),
        permutations: u64_of(campaign::SHUFFLES),
        ..ErrorRates::default()
    }
}

fn limits() -> Vec<String> {
    [
        "An account with fewer than about twelve requests in a family cannot be convicted, and with fewer than six is not \
         even put up for review.",
        "Accounts that send one request each are never accused; their template may raise an alarm.",
        "One customer's fleet of keys looks like a campaign unless the log names the organisation; then it ends in review.",
        "Prompts that a language model rewrote as a whole, one by one, share no wording and may be missed.",
    ]
    .map(str::to_owned)
    .to_vec()
}
