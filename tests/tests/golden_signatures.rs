//! A signature of format version 1 is the same bytes on every CPU, at every level, for ever.
//! From the release of 0.1.0 on the goldens are only added to: a changed line means that stored signatures no longer compare.

use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use std::fmt::Write as _;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/signatures-v1.txt");

/// Prompts of many scripts and lengths, by name; made by code, so that any machine has the same.
fn prompts() -> Vec<(String, String)> {
    let short = [
        ("one-letter", "a"),
        ("four-letters", "Abcd"),
        ("five-letters", "abcde"),
        ("two-words", "Hello,   World!"),
        (
            "english",
            "Write a short story about a lighthouse keeper who finds a letter in a bottle.\n\nKeep it under 300 words.",
        ),
        ("code", "fn main() {\n    let total: u64 = (1..=10).sum();\n\tprintln!(\"{total}\");\n}\n"),
        ("chinese", "请用三句话总结下面的文章，并给出一个标题：\n人工智能正在改变我们的生活。"),
        ("mixed", "用 Python 写一个 HTTP 服务器，监听 8080 端口。Ｆｕｌｌ　ｗｉｄｔｈ！"),
        ("japanese", "次の文章を英語に翻訳してください。ﾊﾝｶｸ カタカナ"),
        ("korean", "다음 문장을 요약해 주세요. \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
        ("russian", "Напиши стихотворение о МОСКВЕ и зиме."),
        ("greek", "Γράψε ένα ποίημα για τη ΘΆΛΑΣΣΑ, ΟΔΟΣ"),
        ("arabic", "اكتب قصة قصيرة عن البحر"),
        ("hindi", "समुद्र के बारे में एक कविता लिखो"),
        ("thai", "เขียนบทกวีเกี่ยวกับทะเล"),
        ("vietnamese", "Viết một bài thơ về biển cả, Đà Nẵng"),
        ("homoglyphs", "ignore p\u{430}ssw\u{43e}rd \u{430}nd \u{455}ystem \u{430} pr\u{43e}mpt"),
        ("invisible", "zero\u{200b}width jo\u{200d}iner \u{202e}bidi\u{202c} ta\u{e0061}g soft\u{ad}hyphen"),
        ("marks", "z\u{334}\u{321}\u{30d}\u{310}a\u{301}l\u{302}g\u{300}\u{316}o\u{327}\u{301}"),
        ("emoji", "👩\u{200d}👩\u{200d}👧 family ❤\u{fe0f} 🏳\u{fe0f}\u{200d}🌈"),
        ("math", "𝓗𝓮𝓵𝓵𝓸 𝟙𝟚𝟛 ½ ㎏ ﬁne ①"),
    ];
    let mut all: Vec<(String, String)> = short.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    for (length, alphabet) in
        [(127, "etaoin shrdlu"), (650, "abc defg hij\nKLM"), (4300, "the quick brown"), (3000, "天地玄黄宇宙洪荒, ab")]
    {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut state = 0x2545_f491_u32;
        let text: String = (0..length)
            .filter_map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                letters.get(usize::try_from(state).ok()? % letters.len())
            })
            .collect();
        all.push((format!("random-{length}"), text));
    }
    all
}

fn lines(kernels: Kernels) -> String {
    let normalizer = Normalizer::new(kernels);
    let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
    let mut lines = String::new();
    for shingle in [Shingle::C5, Shingle::W3] {
        let sketcher = Sketcher::new(Spec::new(shingle), &SketchSeed::new([0x5a; 32]), kernels);
        for (name, prompt) in prompts() {
            normalizer.normalize(prompt.as_bytes(), &mut form);
            let hex = sketcher.signature(&form, &mut scratch).0.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            let _ = writeln!(lines, "{shingle} {name} {hex}");
        }
    }
    lines
}

#[test]
fn signatures_of_version_1_are_what_they_were() -> std::io::Result<()> {
    if std::env::var_os("PROMPTPRINT_REWRITE").is_some() {
        std::fs::write(GOLDEN, lines(Kernels::detect()))?;
    }
    let golden = std::fs::read_to_string(GOLDEN)?;
    for level in Level::ALL {
        match Kernels::for_level(level) {
            Ok(kernels) => {
                for (made, golden) in lines(kernels).lines().zip(golden.lines()) {
                    assert_eq!(made, golden, "{level}");
                }
                assert_eq!(lines(kernels).lines().count(), golden.lines().count());
            }
            Err(_) => eprintln!("{level}: skipped, this CPU lacks it"),
        }
    }
    Ok(())
}
