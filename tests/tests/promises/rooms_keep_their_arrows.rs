//! Data walks one way: a room of the engine uses the rooms its arrow names and no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use promptprint_tests::abi::workspace;

/// What every room may use.
const COMMON: [&str; 4] = ["num", "limits", "error", "column"];

/// Each room with the rooms it may use beside the common ones.
const ARROWS: [(&str, &[&str]); 12] = [
    ("simd", &[]),
    ("text", &["simd"]),
    ("request", &["text"]),
    ("sketch", &["text", "simd"]),
    ("store", &[]),
    ("index", &["sketch", "simd"]),
    ("family", &["index", "simd", "sketch", "text"]),
    ("campaign", &["family", "index", "sketch"]),
    ("key", &[]),
    ("corpus", &["family", "index", "key", "request", "simd", "sketch", "store", "text", "verdict"]),
    ("query", &["corpus", "index", "request", "simd", "sketch"]),
    ("report", &["campaign", "family", "verdict"]),
];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            sources(&entry.expect("an entry").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_path_buf());
    }
}

/// The names that stand behind `crate::`, alone or in braces.
fn names(rest: &str) -> Vec<&str> {
    let group = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
    let word = |text: &str| {
        text.trim().len() - text.trim().trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_').len()
    };
    group
        .map_or_else(|| vec![rest], |group| group.split(',').collect())
        .into_iter()
        .map(|text| &text.trim()[..word(text)])
        .filter(|name| !name.is_empty())
        .collect()
}

/// A file that its folder's `mod.rs` declares for tests alone.
fn is_test(file: &Path) -> bool {
    let declared = file.parent().and_then(|folder| std::fs::read_to_string(folder.join("mod.rs")).ok());
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    declared.is_some_and(|text| text.contains(&format!("#[cfg(test)]\nmod {name};")))
}

#[test]
fn no_room_uses_a_room_behind_its_back() {
    let root = workspace().join("engine/src");
    let mut wrong = BTreeSet::new();
    for (room, allowed) in ARROWS {
        let mut files = Vec::new();
        sources(&root.join(room), &mut files);
        sources(&root.join(format!("{room}.rs")), &mut files);
        files.retain(|file| file.exists() && !is_test(file));
        assert!(!files.is_empty(), "room {room} is gone");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("readable");
            // What tests use is their own business.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for rest in code.split("crate::").skip(1) {
                for name in names(rest) {
                    let is_module = root.join(name).is_dir() || root.join(format!("{name}.rs")).exists();
                    if is_module && name != room && !allowed.contains(&name) && !COMMON.contains(&name) {
                        wrong.insert(format!("{} uses {name}", file.strip_prefix(&root).expect("inside").display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
