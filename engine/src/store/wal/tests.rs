//! What a log promises after each kind of damage: every truncation, every flipped bit, holes below and above what was synced.

use super::super::fs::RealFs;
use super::*;

const IDENTITY: Identity = Identity { spec: [1; 16], key_check: [2; 8], key_epoch: 3 };

fn example(bodies: &[&[u8]], commit_after: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let log = Log::create(&RealFs::default(), dir.path(), IDENTITY, 7, 0x9f3a, true).expect("a log");
    for (index, body) in bodies.iter().enumerate() {
        let sequence = log.push(1, body).expect("pushed");
        assert_eq!(sequence, u64_of(index) + 1);
        if index + 1 == commit_after {
            log.commit(sequence).expect("synced");
            assert_eq!(log.synced(), sequence);
        }
    }
    log.flush().expect("written");
    let path = dir.path().join(DIR).join(log.name());
    let bytes = std::fs::read(&path).expect("the log");
    (dir, path, bytes)
}

fn bodies(contents: &Contents<'_>) -> Vec<Vec<u8>> {
    contents.records.iter().map(|(_, _, body)| body.to_vec()).collect()
}

#[test]
fn records_come_back_in_order() {
    let (_dir, path, bytes) = example(&[b"one", b"", b"three"], 2);
    let contents = read(&bytes, &path).expect("sound").expect("a header");
    assert_eq!(contents.identity, IDENTITY);
    assert_eq!(bodies(&contents), [b"one".to_vec(), Vec::new(), b"three".to_vec()]);
    assert_eq!(contents.cut_bytes, 0);
}

#[test]
fn every_truncation_gives_a_prefix() {
    let whole: [&[u8]; 4] = [b"a", b"bb", b"ccc", b"dddddddddd"];
    let (_dir, path, bytes) = example(&whole, 2);
    for end in 0..bytes.len() {
        let Some(contents) = read(&bytes[..end], &path).expect("a cut tail is no damage") else { continue };
        let found = bodies(&contents);
        assert!(found.len() <= whole.len() && found.iter().zip(whole).all(|(found, body)| found == body), "{end}");
    }
}

#[test]
fn a_flipped_bit_never_changes_a_record() {
    let whole: [&[u8]; 3] = [b"first", b"second", b"third"];
    let (_dir, path, bytes) = example(&whole, 2);
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1 << bit;
            // Either the damage is told, or what is read is a prefix of what was written; the padding is of no record.
            if let Ok(Some(contents)) = read(&damaged, &path) {
                let found = bodies(&contents);
                assert!(found.iter().zip(whole).all(|(found, body)| found == body), "byte {index} bit {bit}");
            }
        }
    }
}

#[test]
fn a_hole_in_what_was_acknowledged_is_damage_and_above_it_is_a_tail() {
    // Records 1 and 2 are synced before 3 and 4 are written, so 3 and 4 say: synced through 2.
    let (_dir, path, bytes) = example(&[b"one", b"two", b"three", b"four"], 2);
    let starts: Vec<usize> = (0..4).map(|n| FILE_HEADER_BYTES + n * (RECORD_HEADER_BYTES + 8)).collect();
    for (lost, is_damage) in [(0, true), (1, true), (2, false)] {
        let mut holed = bytes.clone();
        holed[starts[lost]..starts[lost + 1]].fill(0);
        match read(&holed, &path) {
            Err(Error::Corrupt { offset, .. }) => assert!(is_damage && offset == u64_of(starts[lost]), "{lost}"),
            Ok(Some(contents)) => {
                assert!(!is_damage, "{lost}");
                assert_eq!(contents.records.len(), lost);
                assert!(contents.cut_bytes > 0);
            }
            other => panic!("{lost}: {other:?}"),
        }
    }
}

#[test]
fn zeros_behind_the_last_record_are_a_tail() {
    let (_dir, path, mut bytes) = example(&[b"one"], 1);
    bytes.resize(bytes.len() + 4096, 0);
    let contents = read(&bytes, &path).expect("no damage").expect("a header");
    assert_eq!((contents.records.len(), contents.cut_bytes), (1, 4096));
}

#[test]
fn a_record_of_another_log_is_not_read() {
    let (_dir, path, mut bytes) = example(&[b"one"], 1);
    let mut foreign = Vec::new();
    put_record(&mut foreign, 0x1234, Record { sequence: 2, synced_through: 1, kind: 1, length: 3 }, b"two");
    bytes.extend_from_slice(&foreign);
    assert_eq!(read(&bytes, &path).expect("no damage").expect("a header").records.len(), 1);
}

#[test]
fn one_past_each_bound_is_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let log = Log::create(&RealFs::default(), dir.path(), IDENTITY, 7, 1, true).expect("a log");
    let most = vec![7; BODY_BYTES_MAX];
    log.push(1, &most).expect("the most");
    assert!(matches!(log.push(1, &vec![7; BODY_BYTES_MAX + 1]), Err(Error::LimitExceeded { .. })));
    let mut taken = 1;
    while log.push(1, &most).is_ok() {
        taken += 1;
    }
    assert!(matches!(log.push(1, &most), Err(Error::Busy { .. })) && taken < 5);
    log.flush().expect("written");
    log.push(1, &most).expect("room again");
}

#[test]
fn threads_that_commit_share_syncs_and_lose_nothing() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let log = Log::create(&RealFs::default(), dir.path(), IDENTITY, 7, 1, true).expect("a log");
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..50_u8 {
                    let sequence = log.push(1, &[thread, n]).expect("pushed");
                    log.commit(sequence).expect("synced");
                    assert!(log.synced() >= sequence);
                }
            });
        }
    });
    let path = dir.path().join(DIR).join(log.name());
    let bytes = std::fs::read(&path).expect("the log");
    let contents = read(&bytes, &path).expect("sound").expect("a header");
    let mut found = bodies(&contents);
    found.sort();
    let expected: Vec<Vec<u8>> = (0..8).flat_map(|thread| (0..50).map(move |n| vec![thread, n])).collect();
    assert_eq!(found, expected);
}

#[derive(Debug)]
struct FailingSync;

impl WriteFile for FailingSync {
    fn append(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Err(Error::io("sync", Path::new("x"), std::io::Error::other("no disk")))
    }
}

#[test]
fn a_failed_sync_poisons_and_is_never_retried() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let log = Log::create(&RealFs::default(), dir.path(), IDENTITY, 7, 1, true).expect("a log");
    log.output().file = Box::new(FailingSync);
    let sequence = log.push(1, b"x").expect("pushed");
    assert!(matches!(log.commit(sequence), Err(Error::Io { .. })));
    log.output().file = RealFs::default().create(&dir.path().join("fine")).expect("a file");
    assert!(matches!(log.commit(sequence), Err(Error::Poisoned { .. })));
    assert!(matches!(log.push(1, b"y"), Err(Error::Poisoned { .. })));
    assert_eq!(log.synced(), 0);
}
