//! What `ffi/install` puts down can be linked by whoever asks pkg-config, shared and static, and the shared library is known
//! by its soname.
#![allow(clippy::print_stdout, reason = "a test says what it skipped")]

use std::path::Path;
use std::process::Command;

use promptprint_tests::abi;

/// What a command prints; `None` where it is not installed.
fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

fn link(prefix: &Path, out: &Path, flags: &[&str]) {
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-o"]).arg(out).arg(abi::workspace().join("tests/c/query.c")).args(flags);
    let _ = said(&mut command).unwrap_or_else(|| panic!("no cc, for {}", prefix.display()));
}

#[test]
fn pkg_config_links_the_installed_library() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let prefix = dir.path().join("prefix");
    let mut install = Command::new("bash");
    install.arg(abi::workspace().join("ffi/install")).arg(&prefix).arg(abi::library_dir());
    let _ = said(&mut install).expect("bash");

    let prompt = "Name the three longest rivers of the continent, and the sea that each of them ends in.";
    let near = "Name the three longest rivers of the continent, and the sea that each of them ends in?";
    let line = format!(r#"{{"id":"r0","account":"a","ts":1000,"prompt":"{prompt}"}}"#);
    let store = abi::make_store(dir.path(), &[line]);
    let arguments = [store.to_str().expect("UTF-8"), prompt, "r0", near, "A question about something else entirely."];

    if let Some(sections) = said(Command::new("objdump").arg("-p").arg(prefix.join("lib/libpromptprint.so"))) {
        let soname = sections.lines().find(|line| line.contains("SONAME")).expect("a soname");
        assert!(soname.ends_with(" libpromptprint.so.0"), "{soname}");
    } else {
        println!("skipped: objdump is not installed");
    }

    let asked = |extra: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(["--cflags", "--libs"]).args(extra);
        said(command.arg("promptprint"))
    };
    let Some(shared) = asked(&[]) else {
        println!("skipped: pkg-config is not installed");
        return;
    };
    let program = dir.path().join("shared");
    link(&prefix, &program, &shared.split_whitespace().collect::<Vec<_>>());
    let mut command = Command::new(&program);
    let told = said(command.args(arguments).env("LD_LIBRARY_PATH", prefix.join("lib"))).expect("it runs");
    assert!(told.starts_with("exact requests=1"), "{told}");

    // The archive in the place of the shared library, with what it needs of the system.
    let fixed = asked(&["--static"]).expect("pkg-config is there").replace("-lpromptprint", "-l:libpromptprint.a");
    let program = dir.path().join("static");
    link(&prefix, &program, &fixed.split_whitespace().collect::<Vec<_>>());
    let told = said(Command::new(&program).args(arguments)).expect("it runs");
    assert!(told.starts_with("exact requests=1"), "{told}");
}
