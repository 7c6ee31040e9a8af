//! The committed headers and the list of symbols are those of the code. PROMPTPRINT_BLESS=1 writes them anew.

use std::path::Path;
use std::process::Command;

use promptprint_tests::abi;

fn compare(path: &Path, fresh: &str) {
    if std::env::var_os("PROMPTPRINT_BLESS").is_some() {
        std::fs::write(path, fresh).expect("the file is written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "{} is stale; run this test with PROMPTPRINT_BLESS=1", path.display());
}

fn header(config: &str) -> String {
    let ffi = abi::workspace().join("ffi");
    let config = cbindgen::Config::from_file(ffi.join(config)).expect("a configuration");
    // It follows the modules of lib.rs by itself.
    let builder = cbindgen::Builder::new().with_config(config).with_src(ffi.join("src/lib.rs"));
    let mut bytes = Vec::new();
    builder.generate().expect("a header").write(&mut bytes);
    String::from_utf8(bytes).expect("UTF-8")
}

/// Leaves out what stands between `#if` and `#endif`, C23's fixed types of enums, but for the types that C99 knows.
fn without_preprocessor(header: &str) -> String {
    let mut depth = 0_usize;
    let mut bare = String::new();
    for line in header.lines() {
        let line = line.trim_end();
        depth += usize::from(line.starts_with("#if"));
        let is_plain_type = ["typedef int32_t ", "typedef uint32_t "].iter().any(|start| line.starts_with(start));
        if (depth == 0 || is_plain_type) && !line.starts_with("//") {
            bare.push_str(line);
            bare.push('\n');
        }
        depth -= usize::from(line.starts_with("#endif"));
    }
    bare
}

#[test]
fn headers() {
    let include = abi::workspace().join("ffi/include");
    compare(&include.join("promptprint.h"), &header("cbindgen.toml"));
    let bare = without_preprocessor(&header("cbindgen_ffi.toml"));
    assert!(!bare.contains('#') && !bare.contains("/*"), "LuaJIT and cffi read neither macros nor comments of C++");
    compare(&include.join("promptprint_ffi.h"), &bare);
}

#[test]
fn symbols() {
    let library = abi::library_dir().join("libpromptprint.so");
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().expect("nm runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut symbols: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    symbols.sort_unstable();
    let fresh = symbols.join("\n") + "\n";
    compare(&abi::workspace().join("ffi/symbols.txt"), &fresh);
    assert!(symbols.iter().all(|symbol| symbol.starts_with("promptprint_")), "{fresh}");
}
