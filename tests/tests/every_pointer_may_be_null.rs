//! Every exported function, called with NULL in each pointer in turn, gives a status, and the process lives. The calls are
//! made from the committed header and compared with `symbols.txt`, so a new function is tested by being there.

use std::collections::BTreeSet;
use std::fmt::Write;

use promptprint_tests::abi;

/// A function of the header: what it gives back, its name, the types and names of its parameters.
struct Prototype {
    result: String,
    name: String,
    parameters: Vec<(String, String)>,
}

fn prototypes(header: &str) -> Vec<Prototype> {
    let is_start = |line: &str| line.contains(" promptprint_") || line.contains("*promptprint_");
    let mut found = Vec::new();
    for statement in header.split(';').map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" ")) {
        let Some((head, parameters)) = statement.split_once('(') else { continue };
        if !is_start(head) || head.contains("typedef") || head.contains('{') {
            continue;
        }
        let split = |words: &str| {
            let at = words.rfind([' ', '*']).expect("a type and a name") + 1;
            (words[..at].trim().to_owned(), words[at..].to_owned())
        };
        let (result, name) = split(head);
        let parameters = parameters.trim_end_matches(')');
        let parameters = if parameters == "void" { Vec::new() } else { parameters.split(", ").map(split).collect() };
        found.push(Prototype { result, name, parameters });
    }
    found
}

/// A sound argument of a type: every one that an exported function may take.
fn sound(kind: &str, name: &str) -> &'static str {
    match (kind, name) {
        ("const struct promptprint_reader *", _) => "reader",
        ("struct promptprint_reader *", _) => "another_reader()",
        ("struct promptprint_reader **", _) => "&out_reader",
        ("const struct promptprint_writer *", _) => "writer",
        ("struct promptprint_writer *", _) => "another_writer()",
        ("struct promptprint_writer **", _) => "&out_writer",
        ("struct promptprint_request *", _) => "a_request()",
        ("struct promptprint_request **", _) => "&out_request",
        ("const struct promptprint_options *", _) => "&options",
        ("const struct promptprint_query_options *", _) => "&query_options",
        ("const struct promptprint_writer_options *", _) => "&writer_options",
        ("const struct promptprint_envelope *", _) => "&envelope",
        ("const struct promptprint_part *", _) => "&part",
        ("struct promptprint_verdict *", _) => "&verdict",
        ("struct promptprint_sketch *", _) => "&sketch",
        ("const void *", _) => "\"some text\"",
        ("char *", _) => "words",
        ("size_t *", _) => "&bytes",
        ("uint64_t *", _) => "&number",
        ("size_t", "capacity") => "sizeof words",
        ("size_t", "part_count") => "1",
        ("size_t", _) => "9",
        ("uint32_t" | "int32_t", _) => "1",
        ("uint64_t", _) => "0",
        _ => panic!("no argument for `{kind} {name}`: add one"),
    }
}

/// The calls of one function: all arguments sound, and then each pointer NULL.
fn calls(function: &Prototype, body: &mut String) {
    let pointers = function.parameters.iter().enumerate().filter(|(_, (kind, _))| kind.ends_with('*'));
    let nulls: Vec<Option<usize>> = [None].into_iter().chain(pointers.map(|(at, _)| Some(at))).collect();
    for null in nulls {
        let arguments: Vec<&str> = (function.parameters.iter().enumerate())
            .map(|(at, (kind, name))| if Some(at) == null { "NULL" } else { sound(kind, name) })
            .collect();
        let call = format!("{}({})", function.name, arguments.join(", "));
        let which = null.map_or("", |at| function.parameters[at].1.as_str());
        let handle = null == Some(0) && function.parameters[0].0.contains("promptprint_");
        let _ = match function.result.as_str() {
            "promptprint_status" => {
                // Without its handle or options no call can do anything; an output or an option may be left out.
                let expected = if null.is_none() {
                    "STATUS_OK"
                } else if handle {
                    "STATUS_NULL"
                } else {
                    "STATUS_ANY"
                };
                writeln!(body, "    told({expected}, \"{}\", \"{which}\", (int)({call}));", function.name)
            }
            _ => writeln!(body, "    (void){call};"),
        };
        body.push_str("    tidy();\n");
    }
}

const PROGRAM: &str = r#"
#include "promptprint.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { STATUS_OK, STATUS_NULL, STATUS_ANY };
static promptprint_options options;
static promptprint_query_options query_options;
static promptprint_writer_options writer_options;
static promptprint_envelope envelope;
static promptprint_part part;
static promptprint_verdict verdict;
static promptprint_sketch sketch;
static promptprint_reader *reader, *out_reader;
static promptprint_writer *writer, *out_writer;
static promptprint_request *out_request;
static char words[64];
static size_t bytes;
static uint64_t number;

static promptprint_reader *another_reader(void)
{
    promptprint_reader *made = NULL;
    if (promptprint_open(&options, &made) != PROMPTPRINT_OK)
        exit(2);
    return made;
}
static promptprint_writer *another_writer(void)
{
    promptprint_writer *made = NULL;
    if (promptprint_writer_open(reader, NULL, &made) != PROMPTPRINT_OK)
        exit(3);
    return made;
}
static promptprint_request *a_request(void)
{
    promptprint_request *made = NULL;
    if (promptprint_request_begin(reader, &made) != PROMPTPRINT_OK || promptprint_request_update(made, "{\"prompt\":\"text\"}", 17) != PROMPTPRINT_OK)
        exit(4);
    return made;
}
static void tidy(void)
{
    promptprint_close(out_reader);
    promptprint_writer_close(out_writer);
    promptprint_request_cancel(out_request);
    out_reader = NULL;
    out_writer = NULL;
    out_request = NULL;
    fflush(stdout);
}
static void told(int expected, const char *function, const char *null, int status)
{
    int known = strcmp(promptprint_status_text(status), "unknown status") != 0;
    int right = expected == STATUS_OK ? status == PROMPTPRINT_OK || status == PROMPTPRINT_DEGRADED || status == PROMPTPRINT_NOT_FOUND
                : expected == STATUS_NULL ? status == PROMPTPRINT_NULL_POINTER : 1;
    printf("%s %s %d\n", function, null, status);
    if (!known || !right) {
        fprintf(stderr, "%s with NULL for '%s' gave %d\n", function, null, status);
        exit(1);
    }
}
int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    options.struct_size = sizeof options;
    options.store = argv[1];
    options.store_bytes = strlen(argv[1]);
    query_options.struct_size = sizeof query_options;
    writer_options.struct_size = sizeof writer_options;
    envelope.struct_size = sizeof envelope;
    verdict.struct_size = sizeof verdict;
    sketch.struct_size = sizeof sketch;
    part.kind = PROMPTPRINT_LAST_USER;
    part.text = "some text";
    part.text_bytes = 9;
    reader = another_reader();
    writer = another_writer();
"#;

#[test]
fn null_in_each_pointer_in_turn_is_a_status() {
    let header = abi::workspace().join("ffi/include/promptprint_ffi.h");
    let functions = prototypes(&std::fs::read_to_string(header).expect("the header"));
    let symbols = std::fs::read_to_string(abi::workspace().join("ffi/symbols.txt")).expect("the symbols");
    let named: BTreeSet<&str> = functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(named, symbols.lines().collect(), "the header declares what is exported");

    let mut program = PROGRAM.to_owned();
    for function in &functions {
        calls(function, &mut program);
    }
    program.push_str("    promptprint_writer_close(writer);\n    promptprint_close(reader);\n    return 0;\n}\n");
    let dir = tempfile::tempdir().expect("temporary folder");
    let source = dir.path().join("null.c");
    std::fs::write(&source, program).expect("written");
    let store = abi::make_store(dir.path(), &[r#"{"id":"r","account":"a","ts":1,"prompt":"some text"}"#.to_owned()]);
    let program = abi::compile(source.to_str().expect("UTF-8"), "cc", &["-std=c11", "-w"], dir.path());
    let told = abi::run(&program, &[store.to_str().expect("UTF-8")]);
    let pointers: usize = functions
        .iter()
        .filter(|function| function.result == "promptprint_status")
        .map(|function| 1 + function.parameters.iter().filter(|(kind, _)| kind.ends_with('*')).count())
        .sum();
    assert_eq!(told.lines().count(), pointers, "{told}");
}
