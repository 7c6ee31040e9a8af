//! The vocabularies of the grammar: word lists of `datasets/words`, most frequent first (origin: `datasets/LICENSES.md`).

use crate::rng::Rng;
use std::sync::LazyLock;

/// A list of words, drawn with a preference for its beginning.
pub(crate) type Words = LazyLock<Vec<&'static str>>;

macro_rules! words {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) static $name: Words = LazyLock::new(|| include_str!(concat!("../words/", $file, ".txt")).lines().collect());)*
    };
}

words! {
    NOUNS = "en_noun"; VERBS = "en_verb"; ADJECTIVES = "en_adj"; ADVERBS = "en_adv";
    GIVEN = "given"; SURNAMES = "surname"; JOBS = "job";
    AR = "ar"; CS = "cs"; DE = "de"; EL = "el"; ES = "es"; FA = "fa"; FR = "fr"; IT = "it"; JA = "ja"; KO = "ko"; NL = "nl";
    PL = "pl"; PT = "pt"; RU = "ru"; TH = "th"; TR = "tr"; ZH = "zh"; ZH_CHAR = "zh_char";
}

/// A word of the list, frequent ones more often.
pub(crate) fn word(list: &'static Words, rng: &mut Rng) -> &'static str {
    list.get(rng.skewed(list.len())).copied().unwrap_or("")
}

/// An English noun; now and then a compound of two.
pub(crate) fn noun(rng: &mut Rng, out: &mut String) {
    out.push_str(word(&NOUNS, rng));
}

/// A plural English noun, by the regular rules.
pub(crate) fn plural(rng: &mut Rng, out: &mut String) {
    let noun = word(&NOUNS, rng);
    match noun.as_bytes() {
        [.., before, b's'] if *before != b's' => out.push_str(noun),
        [.., b's' | b'x' | b'z'] | [.., b'c' | b's', b'h'] => {
            out.push_str(noun);
            out.push_str("es");
        }
        [.., before, b'y'] if !b"aeiou".contains(before) => {
            out.push_str(noun.strip_suffix('y').unwrap_or(noun));
            out.push_str("ies");
        }
        _ => {
            out.push_str(noun);
            out.push('s');
        }
    }
}

/// How a verb is bent.
#[derive(Clone, Copy)]
pub(crate) enum Bend {
    /// "adjust"
    Base,
    /// "adjusting"
    Ing,
    /// "adjusted"
    Past,
    /// "adjusts"
    Third,
}

/// The most frequent verbs are irregular, and they make every sentence alike: they are left out.
const IRREGULAR_VERBS: usize = 60;

/// An English verb, bent by the regular rules.
pub(crate) fn verb(bend: Bend, rng: &mut Rng, out: &mut String) {
    let at = IRREGULAR_VERBS + rng.skewed(VERBS.len().saturating_sub(IRREGULAR_VERBS));
    let verb = VERBS.get(at).copied().unwrap_or("sort");
    let stem = verb.strip_suffix('e');
    match bend {
        Bend::Base => out.push_str(verb),
        Bend::Ing => {
            match verb.strip_suffix("ie") {
                Some(stem) => {
                    out.push_str(stem);
                    out.push('y');
                }
                None => out.push_str(stem.filter(|s| !s.ends_with('e')).unwrap_or(verb)),
            }
            out.push_str("ing");
        }
        Bend::Past => {
            out.push_str(
                stem.unwrap_or(verb)
                    .strip_suffix('y')
                    .filter(|s| !s.ends_with(['a', 'e', 'o']))
                    .map_or(stem.unwrap_or(verb), |s| s),
            );
            out.push_str(
                if verb.ends_with('y') && !verb.ends_with("ay") && !verb.ends_with("ey") && !verb.ends_with("oy") {
                    "ied"
                } else {
                    "ed"
                },
            );
        }
        Bend::Third => {
            out.push_str(verb);
            out.push_str(if verb.ends_with(['s', 'x', 'z', 'h', 'o']) { "es" } else { "s" });
        }
    }
}

const ONSETS: [&str; 28] = [
    "b", "br", "c", "cr", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "qu", "r", "s",
    "st", "t", "tr", "v", "w", "y", "z",
];
const NUCLEI: [&str; 14] = ["a", "e", "i", "o", "u", "ai", "ea", "io", "oa", "y", "ou", "ie", "a", "o"];
const CODAS: [&str; 16] = ["", "", "", "n", "r", "l", "s", "x", "th", "nd", "rk", "m", "t", "ck", "ll", "v"];

/// An invented name, capitalised: a product, a firm or a place.
pub(crate) fn invented(rng: &mut Rng, out: &mut String) {
    let start = out.len();
    for _ in 0..rng.between(2, 3) {
        out.push_str(rng.pick(&ONSETS));
        out.push_str(rng.pick(&NUCLEI));
        out.push_str(rng.pick(&CODAS));
    }
    capitalise(out, start);
}

/// Makes the ASCII letter at `start` a capital.
pub(crate) fn capitalise(out: &mut str, start: usize) {
    if let Some(first) = out.get_mut(start..).and_then(|rest| rest.get_mut(..1)) {
        first.make_ascii_uppercase();
    }
}
