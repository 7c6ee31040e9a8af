//! `verify`: every byte of every file against its checksum, every reference against its column.

use std::process::ExitCode;

use promptprint::Result;
use promptprint::corpus::view::SegmentView;
use promptprint::store::Store;
use promptprint::store::fs::RealFs;
use promptprint::store::segment::FileKind;

use super::common::{EXIT_DAMAGED, StoreArgs};
use super::output::Out;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let store = Store::open(&args.store.store, RealFs::shared())?;
    let mut out = Out::new();
    let mut damaged = 0;
    let mut files = 0;
    let mut check = |result: Result<()>, name: &str, out: &mut Out| {
        files += 1;
        match result {
            Ok(()) => out.line(format_args!("{name}  sound")),
            Err(error) => {
                damaged += 1;
                out.line(format_args!("{name}  DAMAGED: {error}"))
            }
        }
    };
    for entry in &store.manifest().segments {
        let result = store.container(&entry.file, FileKind::Segment).and_then(|container| {
            container.verify()?;
            SegmentView::new(&container)?.check_deep()
        });
        check(result, &entry.file, &mut out)?;
        if let Some(file) = &entry.tombstones {
            let result = store.container(file, FileKind::Tombstones).and_then(|container| container.verify());
            check(result, file, &mut out)?;
        }
    }
    if let Some(families) = &store.manifest().families {
        let result = store.container(&families.file, FileKind::Families).and_then(|container| container.verify());
        check(result, &families.file, &mut out)?;
    }
    if let Some(exemplars) = &store.manifest().exemplars {
        let result = store.container(&exemplars.file, FileKind::Exemplars).and_then(|container| container.verify());
        check(result, &exemplars.file, &mut out)?;
    }
    for file in &store.manifest().banks {
        let result = store.container(file, FileKind::Bank).and_then(|container| container.verify());
        check(result, file, &mut out)?;
    }
    out.line(format_args!("{files} files, {damaged} damaged"))?;
    out.finish()?;
    Ok(if damaged == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DAMAGED) })
}
