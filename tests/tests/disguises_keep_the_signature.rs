//! Look-alike letters, invisible characters, other compositions and full-width forms change a signature little or not at all.

use promptprint::simd::Kernels;
use promptprint::sketch::{Scratch, Shingle, Signature, SketchSeed, Sketcher, Spec, resemblance};
use promptprint::text::{NormalForm, Normalizer};

/// A small generator (Marsaglia's xorshift), so that the prompts are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}

/// Prose with accents, capitals and line breaks.
fn prose(random: &mut Random, word_count: usize) -> String {
    const SYLLABLES: [&str; 24] = [
        "ca", "pro", "mé", "ex", "to", "sy", "ri", "pa", "ñu", "the", "on", "si", "ge", "ka", "lé", "he", "ion", "us",
        "co", "ja", "be", "so", "fi", "xo",
    ];
    let mut text = String::new();
    for i in 0..word_count {
        let mut word: String = (0..1 + random.below(4)).map(|_| SYLLABLES[random.below(SYLLABLES.len())]).collect();
        if random.below(8) == 0 {
            word = word.to_uppercase();
        }
        text.push_str(&word);
        text.push_str(if i % 11 == 10 { ".\n" } else { " " });
    }
    text
}

/// Cyrillic and Greek letters that look like Latin ones.
fn look_alike(c: char) -> Option<char> {
    let pairs = [
        ('a', 'а'),
        ('c', 'с'),
        ('e', 'е'),
        ('o', 'о'),
        ('p', 'р'),
        ('x', 'х'),
        ('y', 'у'),
        ('s', 'ѕ'),
        ('i', 'і'),
        ('j', 'ј'),
        ('h', 'һ'),
    ];
    pairs.iter().find(|(latin, _)| *latin == c).map(|&(_, other)| other)
}

/// The letter and its accent apart.
fn decomposed(c: char, out: &mut String) {
    match c {
        'é' => out.push_str("e\u{301}"),
        'É' => out.push_str("E\u{301}"),
        'ñ' => out.push_str("n\u{303}"),
        'Ñ' => out.push_str("N\u{303}"),
        _ => out.push(c),
    }
}

/// Every disguise: its name, and what it makes of a prompt.
fn disguises(prompt: &str, random: &mut Random) -> Vec<(&'static str, String)> {
    const INVISIBLE: [char; 6] = ['\u{200b}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{202e}'];
    let mut swap = |share: usize| -> String {
        prompt.chars().map(|c| if random.below(100) < share { look_alike(c).unwrap_or(c) } else { c }).collect()
    };
    let (some, all) = (swap(20), swap(100));
    let mut invisible = String::new();
    let mut apart = String::new();
    for c in prompt.chars() {
        invisible.push(c);
        if random.below(10) == 0 {
            invisible.push(INVISIBLE[random.below(INVISIBLE.len())]);
        }
        decomposed(c, &mut apart);
    }
    let wide = |c: char| match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        _ => c,
    };
    let bold = |c: char| match c {
        'a'..='z' => char::from_u32(u32::from(c) - u32::from('a') + 0x1d41a).unwrap_or(c),
        _ => c,
    };
    vec![
        ("look-alikes, one letter in five", some),
        ("look-alikes, every letter that has one", all),
        ("invisible characters, one in ten", invisible),
        ("accents apart (NFD)", apart),
        ("full width", prompt.chars().map(wide).collect()),
        ("mathematical bold", prompt.chars().map(bold).collect()),
        ("ligatures", prompt.replace("fi", "\u{fb01}")),
        ("no-break spaces", prompt.replace(' ', "\u{a0}")),
        ("capitals", prompt.to_uppercase()),
        ("white space", prompt.replace(' ', " \t ").replace('\n', "\r\n\r\n")),
    ]
}

#[test]
fn a_disguised_prompt_has_the_signature_of_the_clean_one() {
    let kernels = Kernels::detect();
    let normalizer = Normalizer::new(kernels);
    for shingle in [Shingle::C5, Shingle::W3] {
        let sketcher = Sketcher::new(Spec::new(shingle), &SketchSeed::new([3; 32]), kernels);
        let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
        let mut signature = |prompt: &str| -> Signature {
            normalizer.normalize(prompt.as_bytes(), &mut form);
            sketcher.signature(&form, &mut scratch)
        };
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let mut totals: Vec<(&str, f32, f32, usize)> = Vec::new();
        const PROMPTS: usize = 200;
        for i in 0..PROMPTS {
            let prompt = prose(&mut random, 10 + i);
            let clean = signature(&prompt);
            for (place, (name, disguised)) in disguises(&prompt, &mut random).into_iter().enumerate() {
                let near = resemblance(&clean, &signature(&disguised), kernels);
                if totals.len() == place {
                    totals.push((name, 0.0, 1.0, 0));
                }
                let (_, sum, least, equal_count) = &mut totals[place];
                *sum += near;
                *least = least.min(near);
                *equal_count += usize::from(near == 1.0);
            }
        }
        for (name, sum, least, equal_count) in totals {
            let mean = sum / 200.0;
            eprintln!("{shingle} {name}: mean {mean:.4}, least {least:.3}, equal {equal_count} of {PROMPTS}");
            assert!(mean > 0.97 && least > 0.75, "{shingle} {name}: mean {mean}, least {least}");
        }
    }
}
