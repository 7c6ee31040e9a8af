//! A C or C++ program links the library and gets the answers of the bulk job, under every standard it may be written to.
#![allow(clippy::print_stdout, reason = "a test says what it skipped, and its seed")]

use promptprint_tests::abi;

const PROMPT: &str =
    "Solve the following problem step by step, and give the answer at the end: how many primes are below 1000?";
const NEAR: &str =
    "Solve the following problem step by step, and give the answer at the end: how many primes are below 5000?";
const FAR: &str = "Please write a short story about a lighthouse keeper who collects umbrellas that were lost at sea.";

fn lines() -> Vec<String> {
    let mut lines: Vec<String> = (0..6)
        .map(|n| format!(r#"{{"id":"r{n}","account":"a{}","ts":{},"prompt":"{PROMPT}"}}"#, n % 3, 1000 + n))
        .collect();
    lines
        .push(r#"{"id":"s","account":"b","ts":5,"prompt":"An unrelated question about the weather in April."}"#.into());
    lines
}

/// The ways to compile a program that C and C++ share, without a warning.
fn every_standard() -> Vec<(&'static str, Vec<String>)> {
    [("cc", "c99"), ("cc", "c11"), ("c++", "c++11"), ("c++", "c++20")]
        .into_iter()
        .map(|(compiler, standard)| {
            let language = if compiler == "cc" { "-xc" } else { "-xc++" };
            let flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", &format!("-std={standard}"), language];
            (compiler, flags.map(str::to_owned).to_vec())
        })
        .collect()
}

fn compile(source: &str, compiler: &str, flags: &[String], dir: &std::path::Path) -> std::path::PathBuf {
    abi::compile(source, compiler, &flags.iter().map(String::as_str).collect::<Vec<_>>(), dir)
}

#[test]
fn the_first_program_runs_under_every_standard() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = abi::make_store(dir.path(), &lines());
    let store = store.to_str().expect("UTF-8");
    let mut answers = Vec::new();
    for (compiler, flags) in every_standard() {
        answers.push(abi::run(&compile("query.c", compiler, &flags, dir.path()), &[store, PROMPT, "r0", NEAR, FAR]));
    }
    assert!(answers[0].starts_with("exact requests=6 accounts=3 first=1000 last=1005 fingerprint="), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn a_gateway_runs_under_every_standard_and_loses_nothing() {
    for (compiler, flags) in every_standard() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = abi::make_store(dir.path(), &lines());
        let told = abi::run(&compile("gateway.c", compiler, &flags, dir.path()), &[store.to_str().expect("UTF-8")]);
        assert_eq!(sealed(&store).to_string(), told.trim(), "{flags:?}");
    }
}

/// The requests that `maintain` finds in the logs of `store`.
fn sealed(store: &std::path::Path) -> u64 {
    use promptprint::audit::{self, MaintainOptions, Silent};
    use promptprint::{corpus::prepare::Preparer, key::Keys, simd::Kernels, store::fs::RealFs};
    let spec = promptprint::sketch::spec::Spec::new(promptprint::sketch::spec::Shingle::C5);
    let (mut maintainer, keys) =
        audit::open_or_create(store, &Keys::default_path(store), spec, RealFs::shared()).expect("the store opens");
    let preparer = Preparer::new(spec, keys, Kernels::detect());
    let options = MaintainOptions { mine: false, ..MaintainOptions::default() };
    let done = audit::maintain(&mut maintainer, &preparer, Kernels::detect(), &options, &Silent).expect("a pass");
    assert!(done.trouble.is_empty() && done.repeated == 0, "{done:?}");
    done.requests
}

#[test]
fn servers_that_fork_and_servers_of_threads_lose_nothing() {
    for (source, name) in [("prefork.c", "forks"), ("threads.c", "threads")] {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = abi::make_store(dir.path(), &lines());
        let program = abi::compile(
            source,
            "cc",
            &["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror"],
            dir.path(),
        );
        let told = abi::run(&program, &[store.to_str().expect("UTF-8")]);
        assert_eq!(sealed(&store).to_string(), told.trim(), "{name}");
    }
}

/// A program and its arguments beside the store.
const PROGRAMS: [(&str, &[&str]); 2] = [("query.c", &[PROMPT, "r0", NEAR, FAR]), ("gateway.c", &[])];

#[test]
fn no_error_under_the_sanitizers_of_addresses_and_undefined_behaviour() {
    for (source, rest) in PROGRAMS.into_iter().chain([("prefork.c", &[][..]), ("threads.c", &[][..])]) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = abi::make_store(dir.path(), &lines());
        let sanitized =
            ["-std=c11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let program = abi::compile(source, "cc", &sanitized, dir.path());
        let _ = abi::run(&program, &[&[store.to_str().expect("UTF-8")][..], rest].concat());
    }
}

#[test]
fn no_error_and_no_leak_under_valgrind() {
    if std::process::Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return;
    }
    for (source, rest) in PROGRAMS {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = abi::make_store(dir.path(), &lines());
        let program = abi::compile(source, "cc", &["-std=c11", "-g"], dir.path());
        let strict = ["-q", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible"];
        let called = [program.to_str().expect("UTF-8"), store.to_str().expect("UTF-8")];
        let _ = abi::run(std::path::Path::new("valgrind"), &[&strict[..], &called, rest].concat());
    }
}

#[test]
fn luajit_and_cffi_read_the_bare_header() {
    let header = abi::workspace().join("ffi/include/promptprint_ffi.h");
    let header = header.to_str().expect("UTF-8");
    let readers = [
        ("luajit", vec!["-e", "require('ffi').cdef(io.open(arg[1]):read('*a'))", header]),
        ("python3", vec!["-c", "import sys, cffi; cffi.FFI().cdef(open(sys.argv[1]).read())", header]),
    ];
    for (program, arguments) in readers {
        let Ok(output) = std::process::Command::new(program).args(&arguments).output() else {
            println!("skipped: {program} is not installed (tests/gateways reads the header with it)");
            continue;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains("No module named") {
            println!("skipped: {program} has no cffi (tests/gateways reads the header with it)");
            continue;
        }
        assert!(output.status.success(), "{program}: {errors}");
    }
}
