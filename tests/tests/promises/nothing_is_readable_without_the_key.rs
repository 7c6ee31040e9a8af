//! With the key a report names accounts and shows skeletons; without it a store tells neither, nor any prompt text.

use std::fmt::Write;

use promptprint_tests::cli::{ok, run};

use crate::support::{arg, write};

/// Canaries: an account, an organisation, a key, a request id, the skeleton, and a slot.
const CANARIES: [&str; 6] =
    ["canary-account", "canary-org", "canary-key", "canary-request", "canary skeleton words", "canary-slot"];

fn canary_log() -> String {
    // Among other traffic: a log of one template alone has nothing that the template could stand out from.
    let mut log = crate::support::log(1200);
    for n in 0..240 {
        let _ = writeln!(
            log,
            r#"{{"id":"canary-request-{n}","account":"canary-account-{}","org":"canary-org-{n}","key":"canary-key-{n}","ts":{},"prompt":"These are the canary skeleton words that everybody repeats before the colon: canary-slot-{n} {}"}}"#,
            n % 24,
            1_790_000_000_000_u64 + n * 1000,
            n * 7919
        );
    }
    log
}

#[test]
fn no_byte_of_a_store_holds_a_name_or_a_text() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let path = write(dir.path(), "log.jsonl", &canary_log());
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    for entry in std::fs::read_dir(&store).expect("a folder") {
        let file = entry.expect("an entry").path();
        if !file.is_file() {
            continue;
        }
        let bytes = std::fs::read(&file).expect("readable");
        for canary in CANARIES {
            let found = bytes.windows(canary.len()).any(|window| window.eq_ignore_ascii_case(canary.as_bytes()));
            assert!(!found, "{canary} stands in {}", file.display());
        }
    }
    let families = ok(&["families", "--store", arg(&store)]);
    assert!(families.contains("canary skeleton words"), "with the key the skeleton is shown: {families}");
    assert!(ok(&["families", "--members", "--store", arg(&store)]).contains("canary-request-7"));
}

#[test]
fn no_skeletons_means_none() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let path = write(dir.path(), "log.jsonl", &canary_log());
    let _ = ok(&["index", arg(&path), "--store", arg(&store), "--no-skeletons"]);
    let families = ok(&["families", "--json", "--store", arg(&store)]);
    assert!(families.contains(r#""skeleton":null"#) && !families.contains("canary"), "{families}");
}

#[test]
fn a_missing_open_or_foreign_key_is_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let key = dir.path().join("store.key");
    let path = write(dir.path(), "log.jsonl", &canary_log());
    let _ = ok(&["index", arg(&path), "--store", arg(&store)]);
    let other = dir.path().join("other");
    let _ = ok(&["index", arg(&path), "--store", arg(&other)]);
    let needs_key: [&[&str]; 5] = [
        &["index", arg(&path)],
        &["near", "--input", arg(&path)],
        &["families"],
        &["campaigns"],
        &["why", "canary-account-1"],
    ];
    let refused = |message: &str| {
        for call in needs_key {
            let output = run(&[call, &["--store", arg(&store)]].concat());
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && told.contains(message), "{call:?}: {told}");
        }
        assert!(ok(&["verify", "--store", arg(&store)]).contains(" 0 damaged"));
        assert!(ok(&["stats", "--store", arg(&store)]).contains("1440 (0 hidden)"));
    };
    let saved = std::fs::read(&key).expect("a key");
    std::fs::copy(dir.path().join("other.key"), &key).expect("copied");
    refused("is the key of another store");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&key, &saved).expect("written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        refused("can be read by others");
    }
    std::fs::remove_file(&key).expect("removed");
    refused("cannot be read");
}
