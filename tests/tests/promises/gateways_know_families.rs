//! A gateway tells the family of a text that nobody ever sent before: that of the sealed tables, or one that is forming in
//! its own traffic.

use std::sync::Arc;

use promptprint::audit::{self, IndexOptions, Silent, TextCache};
use promptprint::corpus::prepare::Preparer;
use promptprint::corpus::{Level, OriginNames};
use promptprint::engine::{Envelope, Piece, QueryOptions, Reader, ReaderOptions, Writer, WriterOptions};
use promptprint::key::Keys;
use promptprint::request::PartKind;
use promptprint::simd::Kernels;
use promptprint::sketch::spec::{Shingle, Spec};
use promptprint::store::fs::RealFs;
use promptprint::verdict::{FamilySeen, Verdict};

use crate::support::{golden_key, log, word, write};

fn piece(text: &str) -> [Piece<'_>; 1] {
    [Piece { kind: PartKind::Prompt, text: text.as_bytes() }]
}

fn family(verdict: &Verdict) -> FamilySeen {
    verdict.family.expect("the text is of a template")
}

#[test]
fn new_texts_have_the_family_of_their_template() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = dir.path().join("store");
    let path = write(dir.path(), "log.jsonl", &log(600));
    golden_key(&store);
    let (spec, kernels) = (Spec::new(Shingle::C5), Kernels::detect());
    let (mut maintainer, keys) =
        audit::open_or_create(&store, &Keys::default_path(&store), spec, RealFs::shared()).expect("store");
    let preparer = Preparer::new(spec, keys, kernels);
    let mut texts = TextCache::new(0);
    audit::index(&mut maintainer, &preparer, kernels, &[path], &IndexOptions::default(), &mut texts, &Silent)
        .expect("indexed");
    audit::mine_families(&mut maintainer, &preparer, None, &Silent).expect("mined");
    let reader = Arc::new(Reader::open(&store, ReaderOptions::default()).expect("reader"));
    let ask = |text: &str| reader.query(&piece(text), QueryOptions::default());

    let old = log(1).split("\"prompt\":\"").nth(1).expect("a prompt").trim_end_matches("\"}\n").replace("\\n", "\n");
    let known = family(&ask(&old));
    assert!(known.requests > 50 && known.accounts > 1 && !known.is_forming);
    let new =
        "Solve the following problem step by step and show all of the work: how many swans fit into a bath\nAnswer:";
    let verdict = ask(new);
    assert!(verdict.nearest.is_none_or(|nearest| !nearest.is_exact), "nobody sent it before");
    assert_eq!(family(&verdict).id, known.id);
    let other = "You are a careful reviewer of short stories. Rate this one from 1 to 10: the swan and the bath";
    assert_ne!(family(&ask(other)).id, known.id);
    assert_eq!(ask("Why do swans need a bath at all when they live on the water anyway?").family, None);

    // A template that no table holds forms in the writer's own traffic, and a known one is told as before.
    let writer = Writer::open(Arc::clone(&reader), WriterOptions::default()).expect("writer");
    let mut seen = Vec::new();
    for n in 0..8 {
        let text =
            format!("Invent a bedtime rhyme for my little daughter about {} and {} now.", word(n * 5), word(n * 7));
        let mut origin = OriginNames::default();
        origin[Level::Account.index()] = Some(format!("acct-{}", n % 2));
        let envelope = Envelope { origin, ..Envelope::default() };
        let (observed, error) = writer.observe(envelope, &piece(&text), QueryOptions::default()).expect("observed");
        assert!(error.is_none());
        seen.push(observed.verdict.family);
    }
    assert!(seen[..3].iter().all(Option::is_none), "three texts are no evidence");
    let last = seen[7].expect("noticed by the eighth");
    assert!(seen[4..].iter().flatten().all(|family| family.is_forming && family.id == last.id));
    // Texts and accounts count apart by bits of a keyed hash; under the golden key no two of these share one.
    assert_eq!((last.requests, last.accounts), (4, 2));
    let (observed, _) = writer.observe(Envelope::default(), &piece(new), QueryOptions::default()).expect("observed");
    assert_eq!(family(&observed.verdict).id, known.id);
}
