//! `formats`: which logs are understood, and what would be taken from where.

use std::path::PathBuf;
use std::process::ExitCode;

use promptprint::request::formats::Format;
use promptprint::request::map::known_keys;
use promptprint::request::parse::{self, Explanation, ParseOptions, Taken};
use promptprint::request::source::Batch;
use promptprint::{Error, Result};
use serde::Serialize;

use super::input::InputArgs;
use super::output::{Out, time};

/// Without a log, lists the shapes and log formats that are known by themselves. With one, shows for its first lines what
/// each was read as and what was taken from where; nothing is kept. Ends with 1 when none of these lines could be read.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A log; `-` is standard input
    #[arg(value_name = "LOG")]
    log: Option<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
    /// Lines of the log that are shown
    #[arg(long, value_name = "N", default_value_t = 1)]
    lines: usize,
    /// One line of JSON a format or request
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct FormatRow {
    name: &'static str,
    what: &'static str,
    prompt: &'static str,
    fields: &'static str,
    checked: &'static str,
}

#[derive(Serialize)]
struct TakenRow<'a> {
    target: &'static str,
    path: &'a str,
    preview: &'a str,
}

#[derive(Serialize)]
struct RequestRow<'a> {
    line: u64,
    format: &'static str,
    id: Option<&'a str>,
    account: Option<&'a str>,
    principal: Option<&'a str>,
    time_ms: Option<i64>,
    ip: Option<&'a str>,
    user_agent: Option<&'a str>,
    model: Option<&'a str>,
    media_skipped: u32,
    taken: Vec<TakenRow<'a>>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let mut out = Out::new();
    let code = match &args.log {
        Some(log) => explain(log, &args.input.options(None)?, args, &mut out)?,
        None => list(args.json, &mut out)?,
    };
    out.finish()?;
    Ok(code)
}

fn list(json: bool, out: &mut Out) -> Result<ExitCode> {
    for format in Format::ALL {
        let described = format.describe();
        if json {
            let (name, what) = (described.name, described.what);
            let (prompt, fields, checked) = (described.prompt, described.fields, described.checked);
            out.json(&FormatRow { name, what, prompt, fields, checked })?;
            continue;
        }
        out.line(format_args!("{}: {}", described.name, described.what))?;
        out.line(format_args!("    text     {}", described.prompt))?;
        out.line(format_args!("    fields   {}", described.fields))?;
        out.line(format_args!("    checked  {}", described.checked))?;
    }
    if !json {
        out.line("")?;
        out.line("A path map (--map FILE) is TOML; a path is \"$.a.b[0]\", or a list of which the first that is there counts:")?;
        out.line("    prompt = \"$.request.text\"          # or messages, or body for a whole request body")?;
        out.line("    account = [\"$.user.id\", \"$.key\"]")?;
        out.line("    ts = \"$.time\"")?;
        out.line("    ts_unit = \"s\"                      # s, ms (default) or auto; dates are known by themselves")?;
        out.line(format_args!("Its keys: {}", known_keys()))?;
        out.line("Files: JSON lines, JSON lists, CSV and TSV by name, each plain, .gz or .zst; Parquet and Arrow IPC with the feature `parquet`.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(log: &std::path::Path, options: &ParseOptions, args: &Args, out: &mut Out) -> Result<ExitCode> {
    let mut reader = options.open(log)?;
    let (mut batch, mut shown, mut read) = (Batch::default(), 0, 0);
    while shown < args.lines && reader.next_batch(args.lines - shown, 8 << 20, &mut batch)? > 0 {
        for (line, reason) in batch.skipped() {
            eprintln!("promptprint: {}:{line}: {reason}", reader.name());
        }
        for line in batch.lines() {
            match parse::explain(line.bytes, options) {
                Ok(found) => {
                    read += 1;
                    show(reader.name(), line.number, &found, args.json, out)?;
                }
                Err(reason) => eprintln!("promptprint: {}:{}: {reason}", reader.name(), line.number),
            }
        }
        shown += batch.len() + batch.skipped().len();
    }
    if shown == 0 {
        return Err(Error::InvalidArgument { argument: "LOG", reason: format!("{} has no lines", log.display()) });
    }
    Ok(if read == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(log: &str, line: u64, found: &[Explanation], json: bool, out: &mut Out) -> Result<()> {
    if found.is_empty() && !json {
        out.line(format_args!("{log}:{line}: tells of no call of a model"))?;
    }
    for Explanation { parsed, taken } in found {
        let request = &parsed.request;
        let format = parsed.format.describe().name;
        if json {
            let taken =
                taken.iter().map(|Taken { target, path, preview }| TakenRow { target, path, preview }).collect();
            out.json(&RequestRow {
                line,
                format,
                id: request.id.as_deref(),
                account: request.principals.accusable(),
                principal: request.principals.party(),
                time_ms: request.time_ms,
                ip: request.tags.ip.as_deref(),
                user_agent: request.tags.user_agent.as_deref(),
                model: request.tags.model.as_deref(),
                media_skipped: request.media_skipped,
                taken,
            })?;
            continue;
        }
        out.line(format_args!("{log}:{line}: {format}"))?;
        for Taken { target, path, preview } in taken {
            out.line(format_args!("    {target:<12} {path:<44} {}", one_line(preview)))?;
        }
        let none = "(none)";
        let account = request.principals.accusable().unwrap_or("(none: counted, never accused)");
        out.line(format_args!("    = account {account}, principal {}", request.principals.party().unwrap_or(none)))?;
        out.line(format_args!("    = time {}", request.time_ms.map_or_else(|| none.to_owned(), time)))?;
        let (ip, agent) = (request.tags.ip.as_deref(), request.tags.user_agent.as_deref());
        out.line(format_args!("    = ip {}, user agent {}", ip.unwrap_or(none), agent.unwrap_or(none)))?;
        if request.media_skipped > 0 {
            out.line(format_args!("    = {} images, files or other content passed over", request.media_skipped))?;
        }
    }
    Ok(())
}

/// A preview may hold line breaks where the log itself does.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
