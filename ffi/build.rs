//! Names the shared library: its soname carries the major version of the ABI, so that an incompatible one is another file.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpromptprint.so.0");
    }
}
