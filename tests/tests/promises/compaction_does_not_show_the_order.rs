//! Full compaction of the same set of requests gives the same bytes, however they were sharded or shuffled.

use std::path::Path;

use promptprint::audit::{self, IndexOptions, Silent, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::num::u64_of;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;

use crate::support::{log, varied_log, write};

/// Indexes `lines` in segments of `segment` requests under the key `key`, compacts, and returns the segment's bytes.
fn compacted(dir: &Path, name: &str, key: &Path, lines: &[&str], segment: usize) -> Vec<u8> {
    let store = dir.join(name);
    let path = write(dir, &format!("{name}.jsonl"), &lines.join("\n"));
    let (spec, kernels) = (Spec::new(Shingle::C5), Kernels::detect());
    let (mut maintainer, keys) = audit::open_or_create(&store, key, spec, RealFs::shared()).expect("store");
    let preparer = Preparer::new(spec, keys.clone(), kernels);
    let options = IndexOptions { segment_requests: segment, ..IndexOptions::default() };
    let summary = audit::index(&mut maintainer, &preparer, kernels, &[path], &options, &mut TextCache::new(0), &Silent)
        .expect("indexed");
    assert_eq!(summary.inputs.requests, u64_of(lines.len()));
    audit::compact(&mut maintainer, &keys, spec, kernels).expect("compacted");
    let manifest = maintainer.store().manifest();
    assert_eq!(manifest.segments.len(), 1);
    std::fs::read(store.join(&manifest.segments[0].file)).expect("segment")
}

#[test]
fn shards_and_shuffles_do_not_show() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let key = dir.path().join("shared.key");
    let text = log(600);
    let lines: Vec<&str> = text.lines().collect();
    let whole = compacted(dir.path(), "whole", &key, &lines, 1000);
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    assert!(whole == compacted(dir.path(), "reversed", &key, &reversed, 1000), "order of arrival shows");
    let mut shuffled = lines.clone();
    let mut state = 88_172_645_463_325_252_u64;
    for at in (1..shuffled.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        shuffled.swap(at, usize::try_from(state % (u64_of(at) + 1)).expect("small"));
    }
    assert!(whole == compacted(dir.path(), "sharded", &key, &shuffled, 37), "sharding shows");
}

/// Enough leaders for graphs: those are the same bytes too.
#[test]
fn graphs_do_not_show_the_order_either() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let key = dir.path().join("shared.key");
    let text = varied_log(9_000);
    let lines: Vec<&str> = text.lines().collect();
    let whole = compacted(dir.path(), "whole", &key, &lines, 10_000);
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    let sharded = compacted(dir.path(), "sharded", &key, &reversed, 3_500);
    assert!(whole.len() > 9_000 * 2 * 250, "{} bytes hold no graphs", whole.len());
    assert!(whole == sharded, "the order of arrival shows in the graphs");
}
