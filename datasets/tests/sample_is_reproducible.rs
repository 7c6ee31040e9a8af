//! The committed sample is what the documented command makes, byte for byte; another machine gets the same.

use promptprint_datasets::{CampaignSpec, Format, Model, Output, Recorder, Traffic};
use std::io::{self, Read, Write};
use std::path::Path;

/// The command of `datasets/make-sample.sh`, as a model.
fn model() -> Model {
    let campaign = |spec: &str| spec.parse::<CampaignSpec>().expect("the notation of the README");
    Model {
        requests: 22_000,
        accounts: None,
        seed: 20_261_121,
        start_ms: 1_788_220_800_000,
        days: 30,
        campaigns: vec![
            campaign("accounts=110,templates=3,rate=3,reword=0.08"),
            campaign("accounts=90,templates=2,rate=2.5,style=request,reword=0.12,obfuscate=mixed,affix=0.5,cover=0.3"),
        ],
        traps: "public=1.5,viral=2,app=0.7".parse().expect("the notation of the README"),
        bytes_mean: 470.0,
    }
}

/// Keeps a digest of what is written, not the bytes.
#[derive(Default)]
struct Digest(blake3::Hasher);

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn digest_of(path: &str) -> blake3::Hash {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut digest = Digest::default();
    let mut decoder = zstd::stream::read::Decoder::new(file).expect("a zstd file");
    io::copy(&mut decoder, &mut digest).expect("a whole zstd file");
    digest.0.finalize()
}

#[test]
fn the_sample_and_its_labels_are_what_the_command_makes() {
    let mut traffic = Traffic::new(&model()).expect("a model that can be carried out");
    let mut recorder = Recorder::new(Output { format: Format::Plain, hide_orgs: false });
    let (mut log, mut requests, mut accounts) = (Digest::default(), Digest::default(), Digest::default());
    while recorder.write_next(&mut traffic, &mut log, Some(&mut requests)).expect("a digest takes everything") {}
    Recorder::write_accounts(&traffic, &mut accounts).expect("a digest takes everything");
    assert_eq!(log.0.finalize(), digest_of("sample/traffic.jsonl.zst"), "the sample: run datasets/make-sample.sh");
    assert_eq!(requests.0.finalize(), digest_of("labels/requests.jsonl.zst"), "the labels of requests");
    assert_eq!(accounts.0.finalize(), digest_of("labels/accounts.jsonl.zst"), "the labels of accounts");
}

#[test]
fn the_digests_are_those_that_were_published() {
    let published = include_str!("../digests.txt");
    for line in published.lines() {
        let (digest, path) = line.split_once("  ").expect("digest, two spaces, path");
        assert_eq!(digest_of(path).to_hex().as_str(), digest, "{path}");
    }
    assert_eq!(published.lines().count(), 3);
}

#[test]
fn the_sample_is_small_enough_to_be_committed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let bytes: u64 = std::fs::read_dir(folder)
        .expect("the sample")
        .map(|entry| entry.expect("an entry").metadata().expect("a size").len())
        .sum();
    assert!(bytes <= 3_000_000, "{bytes} bytes");
    let mut first = String::new();
    let file = std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/traffic.jsonl.zst"))
        .expect("the sample");
    zstd::stream::read::Decoder::new(file).expect("a zstd file").take(4_096).read_to_string(&mut first).ok();
    assert!(!first.contains("campaign") && !first.contains("template_id"), "labels stay apart from the log");
}
