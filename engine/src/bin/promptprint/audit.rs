//! `audit`: logs in, report out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use promptprint::audit::{self, Judged, ReportOptions};
use promptprint::campaign::Options;
use promptprint::report::{self, Report};
use promptprint::store::Maintainer;
use promptprint::store::fs::RealFs;
use promptprint::{Error, Result};

use super::common::{self, BankArgs, Opened};
use super::index::{self, LogArgs};
use super::output::Out;

/// The whole job: index the logs, mine families, judge campaigns, and write the report over everything in the store. The
/// report is one HTML page that needs no network. Gateways on the store are told of the verdicts at their next look.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    logs: LogArgs,
    #[command(flatten)]
    banks: BankArgs,
    /// Write the report as one HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    report_json: Option<PathBuf>,
    /// Write the report as CSV tables into a folder: campaigns, accounts, edges, evidence, families
    #[arg(long, value_name = "DIR")]
    report_csv: Option<PathBuf>,
    /// Shuffled copies of the log to judge beside it: how often the method errs here
    #[arg(long, value_name = "N", default_value_t = 1)]
    decoys: usize,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let indexed = index::read_logs(&args.logs)?;
    let mut out = Out::new();
    indexed.tell(&mut out)?;
    if indexed.summary.interrupted {
        out.finish()?;
        return Ok(indexed.code);
    }
    let opened = common::open(&args.logs.store, &args.logs.key)?;
    let container = audit::family_container(&opened.store)?;
    let options = Options::default();
    let judged = audit::judge(&opened.snapshot, &container, &opened.keys, &options, args.banks.open(&opened.store)?)?;
    findings(&judged, &mut out)?;
    publish(args, &opened, &judged)?;
    if args.report.is_some() || args.report_json.is_some() || args.report_csv.is_some() {
        let decoys = (args.decoys > 0).then(|| judged.decoys(&options, args.decoys)).transpose()?;
        if let Some(decoys) = &decoys {
            out.line(common::decoys_line(decoys))?;
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let store = args.logs.store.store.display().to_string();
        let options = ReportOptions {
            made_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
            reproduce: vec![format!("promptprint campaigns --all --store {store}")],
            store,
            judge: options,
            decoys,
        };
        let report = audit::report(&opened.store, &opened.snapshot, &judged, &indexed.summary, &options)?;
        if let Some(path) = &args.report {
            write(path, &report, report::html::write_html)?;
            out.line(format_args!("report: {}", path.display()))?;
        }
        if let Some(path) = &args.report_json {
            write(path, &report, report::json::write_json)?;
            out.line(format_args!("report: {}", path.display()))?;
        }
        if let Some(dir) = &args.report_csv {
            let failed = |source| Error::Io { op: "make the folder", path: dir.clone(), source };
            std::fs::create_dir_all(dir).map_err(failed)?;
            for table in report::Table::ALL {
                let path = dir.join(format!("{}.csv", table.name()));
                write(&path, &report, |report, file| report::write_csv(report, table, file))?;
            }
            out.line(format_args!("report: {}", dir.display()))?;
        }
    }
    out.finish()?;
    Ok(indexed.code)
}

/// Tells gateways what was judged. A maintainer that holds the store, or has changed it since it was judged, does so itself.
fn publish(args: &Args, opened: &Opened, judged: &Judged<'_>) -> Result<()> {
    let mut maintainer =
        match Maintainer::open(&args.logs.store.store, RealFs::shared(), || opened.store.manifest().clone()) {
            Err(Error::Locked { .. }) => return Ok(()),
            maintainer => maintainer?,
        };
    if maintainer.store().manifest().sequence != opened.store.manifest().sequence {
        return Ok(());
    }
    let spec = audit::spec_of(opened.store.manifest(), opened.store.dir())?;
    audit::publish_judged(&mut maintainer, &opened.keys, spec, judged)
}

fn write(path: &Path, report: &Report, writer: impl FnOnce(&Report, &mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let failed = |source| Error::Io { op: "write the report", path: path.to_path_buf(), source };
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    writer(report, &mut file)?;
    file.flush().map_err(failed)
}

/// The answer in a few lines, for whoever does not open the report.
fn findings(judged: &Judged<'_>, out: &mut Out) -> Result<()> {
    let rows = judged.rows(true)?;
    let count = |verdict: &str| rows.iter().filter(|row| row.verdict == verdict).count();
    out.line(format_args!(
        "the store holds {} requests of {} accounts, {} families",
        judged.request_count(),
        judged.population.accounts.len(),
        judged.tables.len()
    ))?;
    out.line(format_args!(
        "{} campaigns convicted, {} groups to review, {} unexplained, {} acquitted",
        count("convicted"),
        count("review"),
        count("unexplained"),
        count("acquitted")
    ))?;
    for row in rows.iter().filter(|row| row.verdict == "convicted") {
        out.line(format_args!(
            "  convicted {}: {} accounts, {} families",
            row.campaign,
            row.accounts.len(),
            row.families.len()
        ))?;
    }
    Ok(())
}
