//! Builds the C library and the C programs of `tests/c`, as a user of the library would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use promptprint::audit::{self, IndexOptions, Silent, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::key::Keys;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;

/// The top folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder with `libpromptprint.so`, `.so.0` and `.a`, built on first use. PROMPTPRINT_LIBRARY names one that is built
/// already.
///
/// # Panics
/// When the library does not build.
#[must_use]
pub fn library_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = std::env::var_os("PROMPTPRINT_LIBRARY").map_or_else(build_library, PathBuf::from);
        let soname = dir.join("libpromptprint.so.0");
        if !soname.exists() {
            // Another test may make the same link at the same time.
            let _ = std::os::unix::fs::symlink("libpromptprint.so", &soname);
        }
        assert!(soname.exists(), "no shared library in {}", dir.display());
        dir
    })
}

fn build_library() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--package", "promptprint-ffi", "--message-format=json"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let file = text.split('"').find(|word| word.ends_with("/libpromptprint.so")).expect("cargo names the library");
    Path::new(file).parent().expect("a file has a folder").to_path_buf()
}

/// Compiles `source` of `tests/c` with `compiler` and `flags` against the shared library; returns the program.
///
/// # Panics
/// When it does not compile.
#[must_use]
pub fn compile(source: &str, compiler: &str, flags: &[&str], out_dir: &Path) -> PathBuf {
    let name = format!("{source}-{compiler}{}", flags.concat()).replace(['/', '=', ',', '.', '+'], "_");
    let program = out_dir.join(name);
    let library = library_dir();
    let output = Command::new(compiler)
        .args(flags)
        .arg("-I")
        .arg(workspace().join("ffi/include"))
        .arg("-o")
        .arg(&program)
        .arg(workspace().join("tests/c").join(source))
        .arg("-L")
        .arg(library)
        .arg("-lpromptprint")
        .arg("-lpthread")
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(output.status.success(), "{compiler} {flags:?} {source}:\n{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// Runs `program` and returns what it printed.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn run(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {}\n{printed}\n{errors}", program.display(), output.status);
    printed
}

/// Makes a store in `dir/store` from the lines of a log, with families.
///
/// # Panics
/// When the store cannot be made.
#[must_use]
pub fn make_store(dir: &Path, lines: &[String]) -> PathBuf {
    let (log, store) = (dir.join("log.jsonl"), dir.join("store"));
    std::fs::write(&log, lines.join("\n")).expect("the log is written");
    let spec = Spec::new(Shingle::C5);
    let (mut maintainer, keys) =
        audit::open_or_create(&store, &Keys::default_path(&store), spec, RealFs::shared()).expect("a new store");
    let kernels = Kernels::detect();
    let preparer = Preparer::new(spec, keys, kernels);
    let mut texts = TextCache::new(1 << 20);
    let options = IndexOptions::default();
    audit::index(&mut maintainer, &preparer, kernels, &[log], &options, &mut texts, &Silent).expect("the log is read");
    audit::mine_families(&mut maintainer, &preparer, Some(&texts), &Silent).expect("families are mined");
    store
}
