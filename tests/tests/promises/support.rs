//! Logs made on the spot.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use promptprint::key::Keys;
use promptprint_tests::abi::workspace;

/// A small log: `count` requests of `count / 5` accounts, half of them from three templates.
pub fn log(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let prompt = match n % 6 {
            0 => format!(
                "Solve the following problem step by step and show all of the work: case {} of {}\\nAnswer:",
                n * 7919,
                word(n)
            ),
            1 => format!(
                "Translate this sentence into formal written French please: {} {} {}",
                word(n),
                word(n * 3),
                word(n * 7)
            ),
            2 => format!(
                "You are a careful reviewer of short stories. Rate this one from 1 to 10: {} and {}",
                word(n * 5),
                word(n * 11)
            ),
            _ => format!(
                "{} {} {} {} {} {} number {n}",
                word(n),
                word(n * 13),
                word(n * 17),
                word(n * 19),
                word(n * 23),
                word(n * 29)
            ),
        };
        let _ = writeln!(
            text,
            r#"{{"id":"req-{n}","account":"acct-{}","ts":{},"prompt":"{prompt}"}}"#,
            n % (count / 5).max(1),
            1_790_000_000_000_u64 + promptprint::num::u64_of(n) * 60_000
        );
    }
    text
}

/// Puts the golden key where the store in `dir` looks for its own, so that nothing in a test hangs on what a key draws.
pub fn golden_key(dir: &Path) {
    let key = Keys::default_path(dir);
    let _ = std::fs::copy(workspace().join("tests/golden/store-v2.key"), &key).expect("copied");
    restrict(&key);
}

/// Outside of the repository a key is for its owner alone to read.
#[cfg(unix)]
fn restrict(key: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("restricted");
}

#[cfg(not(unix))]
fn restrict(_: &Path) {}

/// A log whose texts lead each other: families of a few words apart, so that neighbours are near without being members.
pub fn varied_log(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let family = n % 400;
        let mut prompt = String::new();
        for at in 0..14 {
            // Half of the words belong to the family, the rest to the request.
            let stem = if at % 2 == 0 { family * 31 + at } else { n * 17 + at * 101 };
            let _ = write!(prompt, "{}{} ", word(stem), word(stem * 7 + 3));
        }
        let time = 1_790_000_000_000_u64 + promptprint::num::u64_of(n) * 1000;
        let _ = writeln!(text, r#"{{"id":"req-{n}","account":"acct-{}","ts":{time},"prompt":"{prompt}"}}"#, n % 97);
    }
    text
}

/// One template of eight accounts, thirty texts each. The first two put the same examples before their question, and the
/// last two ask the same questions.
pub fn examples_log() -> String {
    let mut text = String::new();
    for n in 0..240_usize {
        let account = n % 8;
        let question = if account == 7 { n - 1 } else { n };
        let mut prompt = String::from("Solve the exercise below with great care and show every step of the work. ");
        for at in 0..if account < 2 { 60 } else { 0 } {
            let _ = write!(prompt, "{} ", word(5_000 + at * 17));
        }
        for at in 0..15 {
            let _ = write!(prompt, "{}{} ", word(question * 31 + at), word(question * 7 + at * 3));
        }
        // Texts of one question differ in this alone, which is in no slot: half of all texts have it.
        let closing = if account % 2 == 1 { "kindly" } else { "please" };
        let _ = write!(prompt, "State the final answer in a line of its own, and nothing after it {closing}.");
        let ts = 1_790_000_000_000 + n * 60_000;
        let _ = writeln!(text, r#"{{"id":"req-{n}","account":"acct-{account}","ts":{ts},"prompt":"{prompt}"}}"#);
    }
    text
}

/// A word for a number: 26^3 of them.
pub fn word(n: usize) -> String {
    let letter = |n: usize| char::from(b"etaoinshrdlucmfwypvbgkjqxz"[n % 26]);
    [n, n / 26, n / 7, n / 3, n * 31 + 7].map(letter).iter().collect()
}

/// Writes `text` to `name` in `dir`.
pub fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("log written");
    path
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().expect("UTF-8 path")
}
