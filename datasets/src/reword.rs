//! How a campaign disguises its template: other forms of a sentence, synonyms, other order, affixes, and characters that look
//! alike or cannot be seen.

use crate::grammar::expand;
use crate::rng::Rng;

/// One variant of a template: that of an account, or that of a single request.
#[derive(Debug, Clone)]
pub(crate) struct Rewording {
    /// What the variant is drawn from.
    pub(crate) seed: u64,
    /// Share of the words that change.
    pub(crate) words: f64,
    /// Chance that a choice of the sentence's pattern is made anew.
    pub(crate) paraphrase: f64,
    /// Whether sentences change places.
    pub(crate) shuffle: bool,
}

impl Rewording {
    /// The order of `n` units, or `None` when they stay.
    pub(crate) fn order(&self, n: usize) -> Option<Vec<usize>> {
        self.shuffle.then(|| {
            let mut rng = Rng::of(&[self.seed, 31]);
            let mut order: Vec<usize> = (0..n).collect();
            for i in (1..n).rev() {
                order.swap(i, rng.at(i + 1));
            }
            order
        })
    }

    /// Who chooses the forms of sentence `at`.
    pub(crate) fn forms(&self, at: usize) -> Option<(Rng, f64)> {
        (self.paraphrase > 0.0).then(|| (Rng::of(&[self.seed, crate::num::count(at), 37]), self.paraphrase))
    }
}

/// Words of instructions that mean about the same, by group.
const SYNONYMS: [&[&str]; 74] = [
    &["write", "compose", "draft", "produce", "create"],
    &["give", "provide", "supply", "offer", "present"],
    &["explain", "clarify", "describe", "spell out", "lay out"],
    &["solve", "work out", "resolve", "answer", "tackle"],
    &["problem", "exercise", "question", "task", "puzzle"],
    &["step", "stage", "move", "phase"],
    &["steps", "stages", "moves", "phases"],
    &["reasoning", "thinking", "thoughts", "deliberation", "argument"],
    &["answer", "result", "solution", "conclusion", "reply"],
    &["final", "last", "closing", "concluding"],
    &["before", "prior to", "ahead of"],
    &["after", "following", "once past"],
    &["show", "display", "reveal", "exhibit"],
    &["every", "each", "any single"],
    &["all", "the whole of", "every one of"],
    &["must", "should", "have to", "need to"],
    &["never", "at no time", "do not ever"],
    &["always", "in every case", "without exception"],
    &["use", "apply", "employ", "make use of"],
    &["only", "solely", "just", "nothing but"],
    &["careful", "cautious", "thorough", "diligent"],
    &["carefully", "cautiously", "thoroughly", "diligently"],
    &["detailed", "elaborate", "full", "in-depth"],
    &["detail", "depth", "particulars"],
    &["short", "brief", "concise", "compact"],
    &["clear", "plain", "lucid", "unambiguous"],
    &["check", "verify", "test", "double-check"],
    &["list", "enumerate", "itemise", "name"],
    &["following", "next", "below", "given"],
    &["expert", "specialist", "professional", "authority"],
    &["experienced", "seasoned", "veteran", "skilled"],
    &["think", "reason", "reflect", "ponder"],
    &["write down", "note", "record", "put down"],
    &["alternative", "other", "different", "competing"],
    &["alternatives", "options", "other ways", "possibilities"],
    &["reject", "discard", "rule out", "drop"],
    &["mistake", "error", "slip", "fault"],
    &["mistakes", "errors", "slips", "faults"],
    &["begin", "start", "open", "commence"],
    &["end", "finish", "close", "conclude"],
    &["line", "row", "sentence"],
    &["text", "passage", "content", "material"],
    &["user", "customer", "reader", "client"],
    &["complete", "entire", "full", "whole"],
    &["state", "name", "say", "declare"],
    &["assumption", "premise", "presumption"],
    &["assumptions", "premises", "presumptions"],
    &["important", "essential", "crucial", "key"],
    &["keep", "hold", "preserve", "retain"],
    &["first", "at the start", "to begin with"],
    &["then", "next", "afterwards", "after that"],
    &["finally", "lastly", "in the end", "at last"],
    &["respond", "reply", "answer", "react"],
    &["format", "form", "layout", "shape"],
    &["help", "assist", "support", "aid"],
    &["exactly", "precisely", "strictly", "accurately"],
    &["good", "sound", "solid", "fine"],
    &["student", "learner", "pupil", "trainee"],
    &["teacher", "tutor", "instructor", "coach"],
    &["long", "lengthy", "extended", "extensive"],
    &["ideas", "notions", "concepts", "thoughts"],
    &["imagine", "suppose", "picture", "assume"],
    &["aloud", "out loud", "in writing", "openly"],
    &["between", "inside", "within"],
    &["tags", "markers", "labels"],
    &["skip", "omit", "leave out", "pass over"],
    &["your", "the"],
    &["please", "kindly"],
    &["and", "as well as", "plus"],
    &["with", "using", "along with"],
    &["that", "which"],
    &["how", "in what way"],
    &["so that", "such that"],
    &["because", "since", "as"],
];

/// Words that can be slipped in anywhere.
const FILLERS: [&str; 20] = [
    "really",
    "indeed",
    "simply",
    "here",
    "now",
    "overall",
    "in general",
    "as needed",
    "as usual",
    "where possible",
    "too",
    "again",
    "also",
    "in turn",
    "directly",
    "fully",
    "rather",
    "mainly",
    "for sure",
    "at all",
];

/// Replaces the share `words` of the words behind `start` by synonyms; a word that has none gets a neighbour or is dropped.
pub(crate) fn reword_words(rewording: &Rewording, at: usize, start: usize, out: &mut String) {
    if rewording.words <= 0.0 {
        return;
    }
    let mut rng = Rng::of(&[rewording.seed, crate::num::count(at), 41]);
    let sentence = out.split_off(start);
    for (i, token) in sentence.split(' ').enumerate() {
        if i > 0 {
            out.push(' ');
        }
        if !rng.chance(rewording.words) {
            out.push_str(token);
            continue;
        }
        let core = token.trim_end_matches(['.', ',', ':', ';', '!', '?']);
        let group = SYNONYMS.iter().find(|group| group.iter().any(|word| word.eq_ignore_ascii_case(core)));
        if let Some(group) = group {
            let begin = out.len();
            let mut other = rng.pick(group);
            if other.eq_ignore_ascii_case(core) {
                other = group.iter().copied().find(|word| !word.eq_ignore_ascii_case(core)).unwrap_or(other);
            }
            out.push_str(other);
            if core.starts_with(|c: char| c.is_ascii_uppercase()) {
                crate::lexicon::capitalise(out, begin);
            }
            out.push_str(token.get(core.len()..).unwrap_or(""));
        } else if core.len() <= 3 && i > 0 && rng.chance(0.4) {
            out.push_str(token.get(core.len()..).unwrap_or(""));
        } else {
            out.push_str(token);
            if token.len() == core.len() {
                out.push(' ');
                out.push_str(rng.pick(&FILLERS));
            }
        }
    }
}

/// What is put around a whole prompt.
const PREFIXES: [&str; 10] = [
    "{Hi|Hello|Hey}{ there|}{,|!} ",
    "{Task|Job|Item} $#: ",
    "[{$h|$i}] ",
    "{Please|Kindly} {read|do} this{ for $p|}. ",
    "{For|From} $c. ",
    "# $a $n\n",
    "$S. ",
    "{Thanks in advance|Appreciated}. ",
    "({batch|round|lot} $#) ",
    "{As|Like} {agreed|discussed} $D: ",
];
const SUFFIXES: [&str; 8] = [
    " {Thanks|Thank you|Cheers}{!|.}",
    "\n-- $f",
    " ($h)",
    " {No rush|Take care}{.|!}",
    "\n\n{ref|id}: $h",
    " $S.",
    "\n{Best|Regards},\n$p",
    " {Ok|Go|Ready}?",
];

/// Puts something before or after the text behind `start`.
pub(crate) fn affix(rng: &mut Rng, start: usize, out: &mut String) {
    if rng.chance(0.6) {
        let body = out.split_off(start);
        expand(rng.pick(&PREFIXES), rng, out);
        out.push_str(&body);
    }
    if rng.chance(0.6) {
        expand(rng.pick(&SUFFIXES), rng, out);
    }
}

/// Tricks with characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obfuscation {
    /// Text as it is.
    None,
    /// Cyrillic and Greek letters that look Latin.
    Homoglyph,
    /// Characters without width between letters.
    ZeroWidth,
    /// Capitals where none belong.
    Case,
    /// All of them by turns.
    Mixed,
}

/// Changes about the share `rate` of the letters behind `start`.
pub(crate) fn obfuscate(trick: Obfuscation, rate: f64, rng: &mut Rng, start: usize, out: &mut String) {
    let trick = match trick {
        Obfuscation::None => return,
        Obfuscation::Mixed => match rng.below(4) {
            0 => Obfuscation::Homoglyph,
            1 => Obfuscation::ZeroWidth,
            2 => Obfuscation::Case,
            _ => return,
        },
        other => other,
    };
    let text = out.split_off(start);
    for letter in text.chars() {
        if !letter.is_ascii_alphabetic() || !rng.chance(rate) {
            out.push(letter);
            continue;
        }
        match trick {
            Obfuscation::Homoglyph => out.push(look_alike(letter)),
            Obfuscation::Case => out.push(if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }),
            _ => {
                out.push(letter);
                out.push(rng.pick(&['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}']));
            }
        }
    }
}

/// Puts an invisible character behind the first letter of every `each`th word from `start` on: always the same places.
pub(crate) fn mark_words(each: usize, mark: char, start: usize, out: &mut String) {
    let text = out.split_off(start);
    for (at, word) in text.split_inclusive(' ').enumerate() {
        let letters = word.chars().take_while(char::is_ascii_alphabetic).count();
        if at % each.max(1) == 1 && letters > 2 {
            out.push_str(word.split_at(1).0);
            out.push(mark);
            out.push_str(word.split_at(1).1);
        } else {
            out.push_str(word);
        }
    }
}

/// What scanners, typesetters and slips of the keyboard leave in a text from `start` on, at about the share `rate` of its
/// letters: letters of another script, soft hyphens, ligatures, joiners and non-joiners.
pub(crate) fn smudge(rate: f64, rng: &mut Rng, start: usize, out: &mut String) {
    let text = out.split_off(start);
    for letter in text.chars() {
        if !letter.is_ascii_alphabetic() || !rng.chance(rate) {
            out.push(letter);
            continue;
        }
        match rng.below(8) {
            0..=3 => out.push(look_alike(letter)),
            4 => out.extend([letter, '\u{ad}']),
            5 => out.extend([letter, '\u{200c}']),
            6 if letter == 'f' => out.push('\u{fb01}'),
            _ => out.extend([letter, '\u{200d}']),
        }
    }
}

/// A watermark without width behind the third letter of a text: always in the same place, of other characters in each text.
pub(crate) fn watermark(rng: &mut Rng, out: &mut String) {
    if let Some((at, _)) = out.char_indices().nth(3) {
        let mark: String = (0..8).map(|_| rng.pick(&['\u{200b}', '\u{200c}', '\u{2060}'])).collect();
        out.insert_str(at, &mark);
    }
}

/// The Cyrillic or Greek letter that looks like this one, where there is one.
fn look_alike(letter: char) -> char {
    match letter {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'i' => 'і',
        'j' => 'ј',
        'o' => 'о',
        'p' => 'р',
        's' => 'ѕ',
        'x' => 'х',
        'y' => 'у',
        'A' => 'А',
        'B' => 'В',
        'E' => 'Е',
        'H' => 'Н',
        'K' => 'К',
        'M' => 'М',
        'O' => 'О',
        'T' => 'Т',
        'v' => 'ν',
        other => other,
    }
}
