//! `kill -9` in the middle of `index` loses nothing acknowledged: what a manifest names is there afterwards, and the same
//! command again completes the store.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use promptprint_tests::cli::{ok, program};

use crate::support::{arg, log, write};

const REQUESTS: u64 = 4000;

#[test]
fn a_killed_index_keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = write(dir.path(), "log.jsonl", &log(4000));
    let mut interrupted = 0;
    for round in 0..12 {
        let store = dir.path().join(format!("store-{round}"));
        let mut child = Command::new(program())
            .args(["index", arg(&path), "--store", arg(&store), "--segment-requests", "100"])
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        // Wait for the first manifest, then for a while that differs from round to round.
        let deadline = Instant::now() + Duration::from_secs(60);
        while !store.join("CURRENT").exists() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        let _ = child.kill();
        let _ = child.wait();
        let requests = |name: &str| {
            let stats: serde_json::Value =
                serde_json::from_str(&ok(&["stats", "--json", "--store", arg(&store)])).expect("JSON");
            stats[name].as_u64().expect("a count")
        };
        let kept = requests("requests");
        interrupted += u64::from(kept < REQUESTS);
        assert!(ok(&["verify", "--store", arg(&store)]).contains(" 0 damaged"));
        let told = ok(&["index", arg(&path), "--store", arg(&store)]);
        let expected = format!("{} requests new, {kept} repeated", REQUESTS - kept);
        assert!(told.contains(&expected), "round {round}: {told}, expected {expected}");
        assert_eq!(requests("requests"), REQUESTS);
        assert!(ok(&["verify", "--store", arg(&store)]).contains(" 0 damaged"));
    }
    assert!(interrupted > 0, "no run was killed in time to show anything");
}
