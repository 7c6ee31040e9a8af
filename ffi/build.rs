//! Names the shared library and hides what is not its own.
//!
//! The soname carries the major version of the ABI, so that an incompatible library is another file. A dependency exports C
//! functions of its own; rustc passes them on, and only a second version script takes them back, which the linker that comes
//! with rustc understands and GNU ld refuses. Where it is not at hand they stay visible; `symbols.txt` is compared where it is.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=hidden.map");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpromptprint.so.0");
    if links_with_own_lld() {
        let map = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default() + "/hidden.map";
        println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={map}");
    }
}

/// Whether rustc links for this target with the lld that it brings.
fn links_with_own_lld() -> bool {
    let target = std::env::var("TARGET").unwrap_or_default();
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if target != "x86_64-unknown-linux-gnu" || flags.contains("linker") || flags.contains("fuse-ld") {
        return false;
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let Ok(output) = Command::new(rustc).args(["--print", "sysroot"]).output() else { return false };
    let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Path::new(&sysroot).join("lib/rustlib").join(target).join("bin/gcc-ld/ld.lld").exists()
}
