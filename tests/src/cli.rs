//! Runs the `promptprint` program as a user does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::abi::workspace;

/// The program, built on first use. PROMPTPRINT_PROGRAM names one that is built already.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os("PROMPTPRINT_PROGRAM").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // The profile of the tests, so that what they built already is used again.
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--package",
            "promptprint",
            "--bin",
            "promptprint",
            "--profile",
            "test",
            "--message-format=json",
        ])
        // Beside the tests' package, whose features its dependencies then share.
        .args(if cfg!(feature = "parquet") {
            &["--package", "promptprint-tests", "--features", "promptprint-tests/parquet"][..]
        } else {
            &[]
        })
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = text.split('"').collect();
    let at = words.iter().rposition(|word| *word == "executable").expect("cargo names the program");
    PathBuf::from(words[at + 2])
}

/// Runs the program with `args`.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn run(args: &[&str]) -> Output {
    Command::new(program()).args(args).output().expect("the program starts")
}

/// Runs the program, which must succeed, and returns its standard output.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn ok(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The labelled data, or `None` (saying so) where PROMPTPRINT_DATA is not set.
#[must_use]
pub fn labelled(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PROMPTPRINT_DATA");
    if folder.is_none() {
        eprintln!("skipped: PROMPTPRINT_DATA is not set");
    }
    folder.map(|folder| Path::new(&folder).join(name))
}
