//! Full compaction of the same set of requests gives the same bytes, however they were sharded or shuffled, and the
//! families mined from it are the same bytes too. Families mined before compaction are the same families.

use std::path::Path;

use promptprint::audit::{self, IndexOptions, Silent, TextCache};
use promptprint::corpus::families::FamilyTables;
use promptprint::corpus::prepare::Preparer;
use promptprint::corpus::section;
use promptprint::key::Keys;
use promptprint::num::u64_of;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::Maintainer;
use promptprint::store::fs::RealFs;
use promptprint::store::segment::FileKind;

use crate::support::{examples_log, golden_key, log, varied_log, write};

/// What became of one way to index the lines.
#[derive(PartialEq)]
struct Compacted {
    /// The bytes of the one segment, and of the families mined from it.
    segment: Vec<u8>,
    families: Vec<u8>,
    /// Id, texts, requests and accounts of the families mined before compaction.
    before: Vec<(u64, u32, u64, u32)>,
}

/// A store of `lines` in segments of `segment` requests, under the shared key of the folder.
fn indexed(dir: &Path, name: &str, lines: &[&str], segment: usize) -> (Maintainer, Keys) {
    let path = write(dir, &format!("{name}.jsonl"), &lines.join("\n"));
    let (mut maintainer, keys) =
        audit::open_or_create(&dir.join(name), &dir.join("shared.key"), spec(), RealFs::shared()).expect("store");
    let (preparer, kernels) = (Preparer::new(spec(), keys.clone(), Kernels::detect()), Kernels::detect());
    let options = IndexOptions { segment_requests: segment, ..IndexOptions::default() };
    let summary = audit::index(&mut maintainer, &preparer, kernels, &[path], &options, &mut TextCache::new(0), &Silent)
        .expect("indexed");
    assert_eq!(summary.inputs.requests, u64_of(lines.len()));
    (maintainer, keys)
}

fn spec() -> Spec {
    Spec::new(Shingle::C5)
}

/// Indexes `lines`, mines, compacts and mines again.
fn compacted(dir: &Path, name: &str, lines: &[&str], segment: usize) -> Compacted {
    let (mut maintainer, keys) = indexed(dir, name, lines, segment);
    let kernels = Kernels::detect();
    let preparer = Preparer::new(spec(), keys.clone(), kernels);
    audit::mine_families(&mut maintainer, &preparer, None, &Silent).expect("mined");
    let entry = maintainer.store().manifest().families.clone().expect("families");
    let container = maintainer.store().container(&entry.file, FileKind::Families).expect("container");
    let tables = FamilyTables::new(&container).expect("tables");
    let info = |family| tables.info(family).expect("a row");
    let before: Vec<_> = (0..tables.len()).map(info).map(|f| (f.id, f.documents, f.requests, f.accounts)).collect();
    audit::compact(&mut maintainer, &keys, spec(), kernels).expect("compacted");
    audit::mine_families(&mut maintainer, &preparer, None, &Silent).expect("mined");
    let manifest = maintainer.store().manifest();
    assert_eq!(manifest.segments.len(), 1);
    let read = |file: &str| std::fs::read(dir.join(name).join(file)).expect("a file of the store");
    let families = manifest.families.as_ref().expect("families");
    Compacted { segment: read(&manifest.segments[0].file), families: read(&families.file), before }
}

#[test]
fn shards_and_shuffles_do_not_show() {
    let families = same_in_any_order(&log(600));
    assert!(families >= 3, "three templates are in the log");
}

#[test]
fn variants_and_slot_values_do_not_show_the_order_either() {
    assert_eq!(same_in_any_order(&examples_log()), 1);
}

/// How many families there are in a log, in whatever order and shards it is indexed.
fn same_in_any_order(text: &str) -> usize {
    let dir = tempfile::tempdir().expect("temporary folder");
    golden_key(&dir.path().join("shared"));
    let lines: Vec<&str> = text.lines().collect();
    let whole = compacted(dir.path(), "whole", &lines, 1000);
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    assert!(whole == compacted(dir.path(), "reversed", &reversed, 1000), "order of arrival shows");
    let mut shuffled = lines.clone();
    let mut state = 88_172_645_463_325_252_u64;
    for at in (1..shuffled.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        shuffled.swap(at, usize::try_from(state % (u64_of(at) + 1)).expect("small"));
    }
    assert!(whole == compacted(dir.path(), "sharded", &shuffled, 37), "sharding shows");
    whole.before.len()
}

/// Which words of each part are disguised, as the only segment of a store that was indexed in segments of `segment` requests has it.
fn disguised(dir: &Path, name: &str, lines: &[&str], segment: usize) -> Vec<u8> {
    let (mut maintainer, keys) = indexed(dir, name, lines, segment);
    if maintainer.store().manifest().segments.len() > 1 {
        audit::compact(&mut maintainer, &keys, spec(), Kernels::detect()).expect("compacted");
    }
    let [only] = maintainer.store().manifest().segments.as_slice() else { panic!("one segment") };
    let container = maintainer.store().container(&only.file, FileKind::Segment).expect("container");
    container.section(section::PART_DISGUISED).expect("the section").to_vec()
}

#[test]
fn which_words_are_disguised_is_not_lost() {
    let dir = tempfile::tempdir().expect("temporary folder");
    golden_key(&dir.path().join("shared"));
    let plain = log(120);
    let lines: Vec<&str> = plain.lines().collect();
    assert!(disguised(dir.path(), "plain", &lines, 1000).is_empty(), "it costs nothing where nothing is disguised");
    // An invisible character inside one word of every sixth prompt.
    let hidden = plain.replace("following", "fol\u{200b}lowing");
    let lines: Vec<&str> = hidden.lines().collect();
    let whole = disguised(dir.path(), "whole", &lines, 1000);
    assert_eq!(whole.chunks_exact(2).filter(|places| places[0] > 0 && places[1] > 0).count(), 20);
    assert_eq!(whole, disguised(dir.path(), "sharded", &lines, 37));
}

/// Enough leaders for graphs: those are the same bytes too.
#[test]
fn graphs_do_not_show_the_order_either() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let text = varied_log(9_000);
    let lines: Vec<&str> = text.lines().collect();
    let whole = compacted(dir.path(), "whole", &lines, 10_000);
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    let sharded = compacted(dir.path(), "sharded", &reversed, 3_500);
    assert!(whole.segment.len() > 9_000 * 2 * 250, "{} bytes hold no graphs", whole.segment.len());
    assert!(whole == sharded, "the order of arrival shows in the graphs");
}
