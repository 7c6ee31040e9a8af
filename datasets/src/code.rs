//! Source code, stack traces and tables: what developers paste. A project has its own vocabulary, so that the code of one
//! account is private and looks like itself.

use crate::grammar::{expand, identifier};
use crate::lexicon::capitalise;
use crate::num::{count, index};
use crate::rng::Rng;
use std::fmt::Write;

/// How many names a project owns.
const PROJECT_NAMES: u64 = 60;

/// The private vocabulary of one project: names that its code repeats and that no other project has.
pub(crate) struct Project(pub(crate) u64);

impl Project {
    /// One of its names.
    pub(crate) fn name(&self, rng: &mut Rng, out: &mut String) {
        let which = rng.skewed(index(PROJECT_NAMES));
        identifier(&mut Rng::of(&[self.0, count(which), 7]), out);
    }

    /// One of its types.
    pub(crate) fn type_name(&self, rng: &mut Rng, out: &mut String) {
        let mut own = Rng::of(&[self.0, rng.below(16), 11]);
        for _ in 0..2 {
            let start = out.len();
            crate::lexicon::noun(&mut own, out);
            capitalise(out, start);
        }
    }

    /// A file of it.
    pub(crate) fn path(&self, rng: &mut Rng, out: &mut String) {
        out.push_str("src/");
        self.name(rng, out);
        out.push('/');
        self.name(rng, out);
        let extension = Rng::of(&[self.0, 3]).pick(&[".rs", ".py", ".ts", ".go", ".java", ".kt", ".sql", ".cpp"]);
        out.push_str(extension);
    }

    /// About `bytes` bytes of source code.
    pub(crate) fn source(&self, rng: &mut Rng, bytes: usize, out: &mut String) {
        let end = out.len() + bytes;
        let style = Rng::of(&[self.0, 3]).below(4);
        while out.len() < end {
            self.function(style, rng, out);
        }
    }

    fn function(&self, style: u64, rng: &mut Rng, out: &mut String) {
        let (head, tail) = match style {
            0 => ("def ", "):\n"),
            1 => ("fn ", ") {\n"),
            2 => ("function ", ") {\n"),
            _ => ("func ", ") error {\n"),
        };
        out.push_str(head);
        self.name(rng, out);
        out.push('(');
        for i in 0..rng.below(4) {
            out.push_str(if i > 0 { ", " } else { "" });
            self.name(rng, out);
        }
        out.push_str(tail);
        for _ in 0..rng.between(2, 7) {
            out.push_str("    ");
            match rng.below(8) {
                0 => {
                    out.push_str("if ");
                    self.name(rng, out);
                    _ = write!(out, " {} {}", rng.pick(&["<", ">", "==", "!=", ">="]), rng.below(500));
                    out.push_str(if style == 0 { ":\n        " } else { " {\n        " });
                    self.name(rng, out);
                    out.push_str(rng.pick(&[" += 1", "()", " = None", ".clear()", " -= 1"]));
                    out.push_str(if style == 0 { "" } else { "\n    }" });
                }
                1 => {
                    out.push_str("return ");
                    self.name(rng, out);
                }
                2 => {
                    out.push_str(if style == 0 { "# " } else { "// " });
                    expand("$S", rng, out);
                }
                3 => {
                    self.name(rng, out);
                    out.push_str(" = ");
                    self.type_name(rng, out);
                    out.push('(');
                    self.name(rng, out);
                    out.push(')');
                }
                _ => {
                    self.name(rng, out);
                    out.push_str(rng.pick(&[" = ", ".push(", ".get(", " += ", " = self."]));
                    let open = out.ends_with('(');
                    self.name(rng, out);
                    out.push_str(if open { ")" } else { "" });
                }
            }
            out.push_str(if style == 0 { "\n" } else { ";\n" });
        }
        out.push_str(if style == 0 { "\n" } else { "}\n\n" });
    }

    /// An error with its stack.
    pub(crate) fn trace(&self, rng: &mut Rng, out: &mut String) {
        self.type_name(rng, out);
        out.push_str(rng.pick(&["Error: ", "Exception: ", " panicked: "]));
        expand("{cannot|failed to|refused to} $v $i {of|in} $I", rng, out);
        for _ in 0..rng.between(2, 6) {
            out.push_str("\n  at ");
            self.path(rng, out);
            _ = write!(out, ":{}:{}", rng.between(1, 900), rng.between(1, 80));
        }
    }
}

/// About `bytes` bytes of a table of comma-separated values.
pub(crate) fn table(rng: &mut Rng, bytes: usize, out: &mut String) {
    let end = out.len() + bytes;
    for i in 0..4 {
        out.push_str(if i > 0 { "," } else { "" });
        identifier(rng, out);
    }
    while out.len() < end {
        expand("\n$f,$c,$#,$#", rng, out);
    }
}
