//! Every truncation of a small segment is refused when it is opened, and `verify` finds every flipped byte.

use promptprint::corpus::view::SegmentView;
use promptprint::store::map::Bytes;
use promptprint::store::segment::{Container, FileKind};
use promptprint_tests::abi::workspace;
use promptprint_tests::cli::{ok, run};

use crate::support::{arg, log, write};

fn small_store(dir: &std::path::Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let store = dir.join("store");
    let path = write(dir, "log.jsonl", &log(12));
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    let segment = std::fs::read_dir(&store)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "segment"))
        .expect("a segment");
    (store, segment)
}

#[test]
fn every_truncation_and_every_flipped_byte_is_found() {
    // The golden, so that the layout which is cut and flipped is the one that users have on their disks.
    let segment = workspace().join("tests/golden/store-v2/00000001.segment");
    let whole = std::fs::read(&segment).expect("bytes");
    let golden = Container::open(Bytes::owned(whole.clone()), &segment, FileKind::Segment).expect("whole, it opens");
    golden.verify().expect("whole, it is sound");
    for end in 0..whole.len() {
        let cut = Bytes::owned(whole[..end].to_vec());
        assert!(Container::open(cut, &segment, FileKind::Segment).is_err(), "cut at {end}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        let found = Container::open(Bytes::owned(bytes), &segment, FileKind::Segment).and_then(|container| {
            // Reading damaged columns may answer wrongly, but never panics.
            if let Ok(view) = SegmentView::new(&container) {
                let _ = view.check_deep();
                for form in 0..view.form_count() {
                    let _ = (
                        view.members_of(form),
                        view.uses_of(form).count(),
                        view.anchors(form),
                        view.tokens(form).len(),
                    );
                }
                for part in 0..view.part_count() {
                    let _ = view.disguised_of(part);
                }
            }
            container.verify()
        });
        assert!(found.is_err(), "byte {at}");
    }
}

#[test]
fn verify_tells_damage_by_file_and_exit_code() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (store, segment) = small_store(dir.path());
    let mut bytes = std::fs::read(&segment).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&segment).expect("removed");
    std::fs::write(&segment, bytes).expect("written");
    let output = run(&["verify", "--store", arg(&store)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("DAMAGED"));
}
