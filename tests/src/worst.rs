//! Thirty families of prompts made to be slow: each attacks one loop, and grows to any length.

/// The name of each family and what it repeats, after an opening that is written once.
const FAMILIES: [(&str, &str, &str); 30] = [
    ("one letter", "", "a"),
    ("spaces", "a", " "),
    ("line breaks", "a", "\n"),
    ("alternating white space", "", "a \n\t"),
    ("capitals", "", "ABCDEFGH IJKLMNOP "),
    ("one long word", "", "abcdefghijklmnopqrstuvwxyz"),
    ("one-letter words", "", "a b c d e "),
    ("three shingles", "", "abc"),
    ("marks on one letter", "a", "\u{301}"),
    ("marks in falling order", "a", "\u{301}\u{327}\u{323}"),
    (
        "letters with 30 marks",
        "",
        "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    ),
    ("marks without a letter", " ", "\u{345}\u{300}"),
    ("zero width", "a", "\u{200b}"),
    ("zero width between letters", "", "a\u{200b}b\u{200d}"),
    ("tags", "a", "\u{e0041}"),
    ("longest expansion", "", "\u{fdfa}"),
    ("full width", "", "Ｆｕｌｌ　Ｗ"),
    ("jamo", "", "\u{1112}\u{1161}\u{11ab}"),
    ("vowel jamo alone", "a", "\u{1161}"),
    ("syllables and final jamo", "", "\u{ac00}\u{11a8}"),
    ("Chinese", "", "人工智能正在改变我们的生活。"),
    ("Chinese and Latin", "", "中a文b"),
    ("one mixed word", "a", "\u{430}"),
    ("mixed words", "", "p\u{430}ss "),
    ("one mixed word, ASCII between", "\u{430}", "abcdefghijklmnopqrstuvwxyz\u{430}"),
    ("one word, accents far apart", "", "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyzé"),
    ("digits, accents far apart", "é", "0123456789.0123456789.0123456789.0123456789.ü"),
    ("replacement characters", "", "\u{fffd}"),
    ("four bytes", "", "\u{1f600}\u{1d400}"),
    ("line separators", "é", "\u{2028} \u{85}"),
];

/// Every family, as a name and a prompt of about `bytes` bytes.
pub fn worst_cases(bytes: usize) -> impl Iterator<Item = (&'static str, String)> {
    FAMILIES
        .iter()
        .map(move |&(name, opening, repeated)| (name, format!("{opening}{}", repeated.repeat(bytes / repeated.len()))))
}
