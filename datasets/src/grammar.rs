//! A small grammar notation in which every English text of the generator is written: `{a|b}` chooses, `$n` draws a word.
//! Sentences made of many short choices keep one-off prompts from being near-duplicates of each other.

use crate::lexicon::{self, Bend, capitalise, invented, noun, plural, verb, word};
use crate::num::{count, index, real, scaled};
use crate::rng::{Rng, key};
use std::fmt::Write;

/// Who decides where a pattern leaves a choice. Forms (`{a|b}`) and content (`$n`) are decided apart, because a paraphrase
/// changes the forms of a template and keeps its content.
pub(crate) trait Choice {
    /// Which of `n` alternatives, at this byte of the pattern.
    fn form(&mut self, at: usize, n: usize) -> usize;
    /// The source of content at this byte of the pattern.
    fn content(&mut self, at: usize) -> &mut Rng;
}

/// Everything is decided by one stream: text that is written once.
impl Choice for Rng {
    fn form(&mut self, _: usize, n: usize) -> usize {
        self.at(n)
    }

    fn content(&mut self, _: usize) -> &mut Rng {
        self
    }
}

/// Decisions that follow from a seed and the place in the pattern: text that can be written again, wholly or paraphrased.
pub(crate) struct Fixed {
    seed: u64,
    rng: Rng,
    variant: Option<(Rng, f64)>,
}

impl Fixed {
    /// The text of this seed; with a variant, each form is chosen anew with that probability.
    pub(crate) fn new(seed: u64, variant: Option<(Rng, f64)>) -> Self {
        Self { seed, rng: Rng::of(&[seed]), variant }
    }
}

impl Choice for Fixed {
    fn form(&mut self, at: usize, n: usize) -> usize {
        if let Some((rng, probability)) = &mut self.variant
            && rng.chance(*probability)
        {
            return rng.at(n);
        }
        index(scaled(key(&[self.seed, count(at)]), count(n)))
    }

    fn content(&mut self, at: usize) -> &mut Rng {
        self.rng = Rng::of(&[self.seed, count(at), 1]);
        &mut self.rng
    }
}

/// Writes one text of `pattern` behind `out`.
pub(crate) fn expand(pattern: &str, choice: &mut impl Choice, out: &mut String) {
    expand_from(pattern, 0, choice, out);
}

fn expand_from(pattern: &str, base: usize, choice: &mut impl Choice, out: &mut String) {
    let bytes = pattern.as_bytes();
    let mut i = 0;
    while let Some(step) = pattern.get(i..).and_then(|rest| rest.find(['{', '$'])) {
        out.push_str(pattern.get(i..i + step).unwrap_or(""));
        i += step;
        if bytes.get(i) == Some(&b'$') {
            token(bytes.get(i + 1).copied().unwrap_or(b'$'), choice.content(base + i), out);
            i += 2;
            continue;
        }
        let end = closing(bytes, i);
        let inside = pattern.get(i + 1..end).unwrap_or("");
        let n = alternatives(inside).count();
        let chosen = choice.form(base + i, n);
        if let Some((offset, text)) = alternatives(inside).nth(chosen) {
            expand_from(text, base + i + 1 + offset, choice, out);
        }
        i = end + 1;
    }
    out.push_str(pattern.get(i..).unwrap_or(""));
}

/// The brace that closes the one at `open`.
fn closing(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0_u32;
    for (i, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return i,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    bytes.len()
}

/// The alternatives of a choice, with where they begin.
fn alternatives(inside: &str) -> impl Iterator<Item = (usize, &str)> {
    let (mut start, mut finished) = (0, false);
    std::iter::from_fn(move || {
        if finished {
            return None;
        }
        let mut depth = 0_u32;
        for (i, byte) in inside.bytes().enumerate().skip(start) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b'|' if depth == 0 => {
                    let found = (start, inside.get(start..i).unwrap_or(""));
                    start = i + 1;
                    return Some(found);
                }
                _ => {}
            }
        }
        finished = true;
        Some((start, inside.get(start..).unwrap_or("")))
    })
}

/// Turns a trailing "a " into "an " before a vowel.
fn article(out: &mut String, start: usize) {
    let vowel = out.as_bytes().get(start).is_some_and(|b| b"aeiouAEIO".contains(b));
    if vowel && (out.get(..start).is_some_and(|s| s.ends_with(" a ") || s == "a " || s.ends_with("\na "))) {
        out.insert(start - 1, 'n');
    }
}

/// Writes what the letter after `$` stands for. Patterns are ours: an unknown letter writes itself.
fn token(letter: u8, rng: &mut Rng, out: &mut String) {
    let start = out.len();
    match letter {
        b'n' => noun(rng, out),
        b's' => plural(rng, out),
        b'v' => verb(Bend::Base, rng, out),
        b'g' => verb(Bend::Ing, rng, out),
        b'd' => verb(Bend::Past, rng, out),
        b'z' => verb(Bend::Third, rng, out),
        b'a' => out.push_str(word(&lexicon::ADJECTIVES, rng)),
        b'r' => out.push_str(word(&lexicon::ADVERBS, rng)),
        b'j' => out.push_str(&word(&lexicon::JOBS, rng).replace('_', " ")),
        b'p' => out.push_str(lexicon::GIVEN.get(rng.at(lexicon::GIVEN.len())).copied().unwrap_or("Kim")),
        b'f' => {
            out.push_str(lexicon::GIVEN.get(rng.at(lexicon::GIVEN.len())).copied().unwrap_or("Kim"));
            out.push(' ');
            out.push_str(lexicon::SURNAMES.get(rng.at(lexicon::SURNAMES.len())).copied().unwrap_or("Lee"));
        }
        b'c' => invented(rng, out),
        b'N' => expand_from(pick(rng, &NOUN_PHRASES), 0, rng, out),
        b'P' => expand_from(pick(rng, &PREPOSITIONS), 0, rng, out),
        b'S' => expand_from(pick(rng, &CLAUSES), 0, rng, out),
        b'#' => number(rng, out),
        b'0' => _ = write!(out, "{}", rng.between(2, 60)),
        b'q' => expand_from(
            "$# {km|kg|hours|days|litres|pages|rows|percent|users|metres|weeks|MB|boxes|seats|tonnes|minutes|degrees}",
            0,
            rng,
            out,
        ),
        b'x' => expand_from("{$ |£|€|CHF |USD |}$#{.5|.99||||}{ euros|k|||||}", 0, rng, out),
        b'D' => expand_from(pick(rng, &DATES), 0, rng, out),
        b'e' => out.push_str(rng.pick(&CODE_LANGUAGES)),
        b'l' => out.push_str(rng.pick(&LANGUAGES)),
        b'i' => identifier(rng, out),
        b'I' => {
            for _ in 0..rng.between(1, 3) {
                let begin = out.len();
                noun(rng, out);
                capitalise(out, begin);
            }
        }
        b'h' => _ = write!(out, "{:0width$x}", rng.next() >> 36, width = 7),
        b' ' => out.push('$'),
        other => out.push(char::from(other)),
    }
    article(out, start);
}

fn pick(rng: &mut Rng, list: &[&'static str]) -> &'static str {
    rng.pick(list)
}

/// A snake_case name of one to three words.
pub(crate) fn identifier(rng: &mut Rng, out: &mut String) {
    for i in 0..rng.between(1, 3) {
        if i > 0 {
            out.push('_');
        }
        if rng.chance(0.3) { verb(Bend::Base, rng, out) } else { noun(rng, out) }
    }
}

/// A number as people write them: mostly small, some round, some with decimals.
fn number(rng: &mut Rng, out: &mut String) {
    let size = rng.unit();
    let n = crate::num::whole(crate::num::exp(size * size * 9.0) * (1.0 + rng.unit())) + 1;
    _ = match rng.below(12) {
        0 => write!(out, "{}", n * 10),
        1 => write!(out, "{:.1}", real(n) / 4.0),
        2 => write!(out, "{:.2}", real(n) * 0.37),
        _ => write!(out, "{n}"),
    };
}

const NOUN_PHRASES: [&str; 20] = [
    "the $n",
    "a $a $n",
    "the $a $n",
    "my $n",
    "our $n $n",
    "$s",
    "$a $s",
    "the $n of $s",
    "a $n",
    "some $a $s",
    "this $n",
    "$p's $n",
    "every $n",
    "the $n $P",
    "$g $s",
    "$# $s",
    "the $n at $c",
    "a $n and a $n",
    "the $r $a $n",
    "their $a $n",
];
const PREPOSITIONS: [&str; 22] = [
    "for $N",
    "with $N",
    "without $N",
    "in $c",
    "about $N",
    "from $N",
    "against $N",
    "during the $n",
    "near $c",
    "after $D",
    "before the $n",
    "between $s and $s",
    "on $D",
    "at the $n",
    "under $N",
    "instead of $s",
    "by $g $s",
    "over $q",
    "behind the $n",
    "like a $n",
    "within $q",
    "per $n",
];
const CLAUSES: [&str; 26] = [
    "$N $z $N",
    "$N $d the $n $P",
    "we $d $N {and|but|so} the $n $z",
    "my $j $z that $N is $a",
    "$p wants to $v $N",
    "it $r $d $N",
    "$N is $a {when|because|if} $N $z",
    "nobody $d the $n",
    "I {tried|started|stopped|finished} $g $N",
    "$c $d $q of $s $D",
    "the $n {keeps|began} $g",
    "$N and $N are $a",
    "they {should|could|must|will} $v $N $P",
    "$f $d $N",
    "there are $# $s $P",
    "a $n {costs|weighs|lasts|needs} $q",
    "$N was $d by $N",
    "$s $r $v",
    "the more $N $z, the less $N $z",
    "she is a $a $j $P",
    "$N {seems|looks|feels|sounds} $a",
    "what matters is $N",
    "we have $x for $N",
    "only $N $z $r",
    "you $v $s to $v $N",
    "$g $s {helps|hurts|bores|scares} $N",
];
const DATES: [&str; 12] = [
    "{Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday}",
    "$# {May|June|March|October|August|January}",
    "last {week|month|spring|night|winter}",
    "next {year|week|term|autumn}",
    "{19|20}$#",
    "in $# days",
    "since $#",
    "at {noon|dawn|midnight|seven|half past three}",
    "today",
    "tomorrow {morning|evening}",
    "this {season|quarter|summer}",
    "{early|late} {April|July|September|November|December|February}",
];
const CODE_LANGUAGES: [&str; 22] = [
    "Python",
    "Rust",
    "TypeScript",
    "Go",
    "Java",
    "SQL",
    "Kotlin",
    "C++",
    "bash",
    "R",
    "Swift",
    "PHP",
    "Ruby",
    "C#",
    "Julia",
    "Haskell",
    "Scala",
    "Lua",
    "JavaScript",
    "Elixir",
    "C",
    "Perl",
];
/// Names of languages that a text may be wanted in.
pub(crate) const LANGUAGES: [&str; 24] = [
    "Spanish",
    "German",
    "French",
    "Portuguese",
    "Italian",
    "Dutch",
    "Polish",
    "Czech",
    "Turkish",
    "Arabic",
    "Persian",
    "Hindi",
    "Japanese",
    "Korean",
    "Thai",
    "Vietnamese",
    "Greek",
    "Swedish",
    "Finnish",
    "Romanian",
    "Ukrainian",
    "Indonesian",
    "Hebrew",
    "Bengali",
];
