//! Chooses the anchors of a text: keyed fingerprints of three-token shingles, dense where templates show (both ends),
//! thin in the middle.
//!
//! A skeleton may be too short for a shingle: in `Question: ... Answer:` each one reaches into the slot. So a text has one
//! more anchor, its frame: the first word and the last.
//!
//! Winnowing (Schleimer, Wilkerson, Aiken 2003) thins the middle: of every `WINDOW` neighbouring shingles the one with
//! the smallest hash stays, so that two texts which share a run of `WINDOW + 2` tokens surely share an anchor.

use std::ops::RangeInclusive;

use super::disguised::Disguised;
use crate::limits;
use crate::num;
use crate::simd::{Inlined, Kernels, Loop, dispatch};
use crate::text::normalize::NormalForm;
use crate::text::tokens::{Tokenizer, folded_multiply};

/// Tokens of one shingle. Two lose the order of words, four lose reworded skeletons.
pub const SHINGLE_TOKENS: usize = 3;
/// Shingles kept whole at the beginning of a text.
pub const HEAD: usize = 24;
/// Shingles kept whole at its end. As many as at the beginning: a skeleton that stands after its slot is no shorter.
pub const TAIL: usize = 24;
/// Neighbouring shingles of the middle of which one stays.
pub const WINDOW: usize = 6;
/// Bits of an anchor's fingerprint: five bytes on disk. Of 10^9 distinct anchors one in a thousand meets another.
pub const FINGERPRINT_BITS: u32 = 40;

/// One anchor: a keyed fingerprint and where its shingle begins, counted in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Keyed fingerprint, below `2^FINGERPRINT_BITS`.
    pub fingerprint: u64,
    /// Index of the shingle's first token; 0 is BEGIN.
    pub position: u32,
}

/// The anchors of one text; a buffer to be used again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    /// In the order of the text, each fingerprint once (at its first place).
    pub anchors: Vec<Anchor>,
    /// Tokens of the text, BEGIN and END included.
    pub token_count: u32,
    /// Bytes of its normal form.
    pub text_bytes: u32,
}

/// Buffers of [`Anchorer::anchors`], one a thread.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    tokens: Vec<u64>,
    shingles: Vec<u64>,
    /// The order in which the shingles of the middle are chosen, smallest first.
    orders: Vec<u64>,
    chosen: Vec<u32>,
    /// The fingerprints of the chosen shingles.
    fingerprints: Vec<u64>,
    /// For the fingerprints chosen so far, where in `out` they are plus one; by their low bits, 0 where free.
    seen: Vec<u16>,
    spare: Vec<u32>,
}

/// Places for fingerprints while repeated ones are looked for: twice as many as there are anchors at most.
const SEEN: usize = 2 * limits::ANCHORS_MAX;
const _: () = assert!(SEEN.is_power_of_two() && SEEN <= 1 << 15, "places are masked, and numbered in 16 bits");

/// Makes anchors under a secret key.
#[derive(Clone)]
pub struct Anchorer {
    tokenizer: Tokenizer,
    multipliers: [u64; SHINGLE_TOKENS],
    order: u64,
    prf: [u64; 2],
    kernels: Kernels,
}

impl std::fmt::Debug for Anchorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anchorer").finish_non_exhaustive()
    }
}

impl Anchorer {
    /// An anchorer under `key`; equal keys give equal anchors on every machine and at every level.
    #[must_use]
    pub fn new(key: &[u8; 32], kernels: Kernels) -> Self {
        let mut words = [0u64; 9];
        let mut reader = blake3::Hasher::new_keyed(key).update(b"promptprint anchors 1").finalize_xof();
        for word in &mut words {
            let mut bytes = [0u8; 8];
            reader.fill(&mut bytes);
            *word = u64::from_le_bytes(bytes);
        }
        let [a, b, c, d, e, f, g, h, i] = words;
        let (tokenizer, multipliers) = (Tokenizer::new([a, b, c]), [d | 1, e | 1, f | 1]);
        Self { tokenizer, multipliers, order: g | 1, prf: [h, i], kernels }
    }

    /// Replaces `out` by the anchors of `form`: at most [`limits::ANCHORS_MAX`], linear in the text.
    pub fn anchors(&self, form: &NormalForm, scratch: &mut Scratch, out: &mut Anchors) {
        self.tokenizer.tokenize(form, self.kernels, &mut scratch.tokens);
        out.anchors.clear();
        out.token_count = num::u32_saturating(scratch.tokens.len());
        out.text_bytes = num::u32_saturating(form.bytes().len());
        dispatch(self.kernels, Choose { anchorer: self, scratch });
        let Scratch { tokens, chosen, fingerprints, seen, .. } = scratch;
        seen.clear();
        seen.resize(SEEN, 0);
        for (&position, &fingerprint) in chosen.iter().zip(fingerprints.iter()).take(limits::ANCHORS_MAX) {
            // A repeated shingle counts once, where it stands first: positions ascend.
            if is_new(fingerprint, seen, &out.anchors) {
                out.anchors.push(Anchor { fingerprint, position });
            }
        }
        if let [begin, first, _, .., last, _] = tokens.as_slice() {
            // It stands at END, where no shingle begins.
            let fingerprint = self.fingerprint(self.mix([*begin, *first, *last]));
            if is_new(fingerprint, seen, &out.anchors) {
                out.anchors.push(Anchor { fingerprint, position: out.token_count - 1 });
            }
        }
    }

    /// Replaces `out` by 32-bit hashes of the tokens of the text whose anchors `scratch` made last, as they come, repeated ones
    /// too; whoever keeps them puts them [`in_order`]. Of more than [`limits::TOKENS_MAX`] only what is then kept.
    pub fn token_hashes(&self, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let Scratch { tokens, spare, .. } = scratch;
        out.clear();
        out.extend(tokens.iter().map(|&token| num::high32(token)));
        if out.len() > limits::TOKENS_MAX {
            in_order(out, spare);
            std::mem::swap(out, spare);
        }
    }

    /// Which of the `tokens` of `form` (in any order, repeated ones too) are disguised.
    #[must_use]
    pub fn disguised(&self, form: &NormalForm, tokens: &[u32]) -> Disguised {
        let mut kept = Vec::with_capacity(tokens.len());
        in_order(tokens, &mut kept);
        let place = |at: &u32| {
            let token = num::high32(self.tokenizer.token_at(form, num::usize_of(*at))?);
            kept.binary_search(&token).ok()
        };
        let wider = |places: RangeInclusive<usize>, place: usize| place.min(*places.start())..=place.max(*places.end());
        let places = form.disguised_words().iter().filter_map(place).map(|place| place..=place);
        let all = places.reduce(|all, place| wider(all, *place.start()));
        all.map_or(Disguised::NONE, |places| Disguised::between(places, kept.len()))
    }

    #[inline(always)]
    fn mix(&self, [first, second, third]: [u64; SHINGLE_TOKENS]) -> u64 {
        let [a, b, c] = self.multipliers;
        mix_in(mix_in(mix_in(0, first, a), second, b), third, c)
    }

    /// SipHash-1-3 (Aumasson and Bernstein 2012) of one word: what reaches the disk tells nothing without the key.
    #[inline(always)]
    fn fingerprint(&self, mixed: u64) -> u64 {
        let [k0, k1] = self.prf;
        let mut v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        for word in [mixed, 8 << 56] {
            v[3] ^= word;
            sip_round(&mut v);
            v[0] ^= word;
        }
        v[2] ^= 0xff;
        sip_round(&mut v);
        sip_round(&mut v);
        sip_round(&mut v);
        (v[0] ^ v[1] ^ v[2] ^ v[3]) & ((1 << FINGERPRINT_BITS) - 1)
    }
}

#[inline(always)]
fn mix_in(sum: u64, token: u64, multiplier: u64) -> u64 {
    sum.wrapping_add(token.wrapping_mul(multiplier)).rotate_left(29)
}

/// Shingles of the tokens, positions chosen of them, and their fingerprints: loops without jumps, that `simd` compiles for
/// each level.
struct Choose<'a> {
    anchorer: &'a Anchorer,
    scratch: &'a mut Scratch,
}

impl Loop for Choose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Inlined>(self, _: K) {
        let Self { anchorer, scratch } = self;
        let Scratch { tokens, shingles, orders, chosen, fingerprints, .. } = scratch;
        shingles.clear();
        if tokens.len() <= SHINGLE_TOKENS {
            // BEGIN, at most one word, END: too short for a template, but it is still itself.
            let each = tokens.iter().zip(&anchorer.multipliers);
            shingles.push(each.fold(0, |sum, (token, multiplier)| mix_in(sum, *token, *multiplier)));
        } else {
            shingles.resize(tokens.len() + 1 - SHINGLE_TOKENS, 0);
            for (((shingle, a), b), c) in shingles.iter_mut().zip(tokens.iter()).zip(&tokens[1..]).zip(&tokens[2..]) {
                *shingle = anchorer.mix([*a, *b, *c]);
            }
        }
        choose(shingles, anchorer.order, orders, chosen);
        fingerprints.clear();
        fingerprints.extend(chosen.iter().map(|at| shingles.get(num::usize_of(*at)).copied().unwrap_or(0)));
        for fingerprint in fingerprints.iter_mut() {
            *fingerprint = anchorer.fingerprint(*fingerprint);
        }
    }
}

/// Chooses shingle positions, ascending: the head and the tail whole, the middle winnowed and, where it is still too much,
/// thinned by halving the hash range, so that any two texts thin alike. At most [`limits::ANCHORS_MAX`] less one.
#[inline(always)]
fn choose(shingles: &[u64], order: u64, orders: &mut Vec<u64>, chosen: &mut Vec<u32>) {
    chosen.clear();
    let count = shingles.len();
    let tail_from = count.saturating_sub(TAIL).max(HEAD.min(count));
    chosen.extend((0..HEAD.min(count)).map(num::u32_saturating));
    let middle = shingles.get(HEAD.min(count)..tail_from).unwrap_or(&[]);
    orders.clear();
    orders.extend(middle.iter().map(|&shingle| folded_multiply(shingle, order)));
    winnow(orders, chosen);
    let tail = num::u32_saturating(tail_from)..num::u32_saturating(count);
    let room = limits::ANCHORS_MAX - TAIL - 1;
    let mut shift = 0;
    while chosen.len() > room && shift < 63 {
        shift += 1;
        let head = num::u32_saturating(HEAD);
        chosen.retain(|&at| {
            let order = at.checked_sub(head).and_then(|at| orders.get(num::usize_of(at)));
            order.is_none_or(|order| order >> (64 - shift) == 0)
        });
    }
    chosen.extend(tail);
}

/// Windows of one round of [`winnow`].
const ROUND: usize = 64;

/// Appends the place of the smallest order of each window of [`WINDOW`] neighbours, the last of equal ones; each place once,
/// ascending, counted from the head. Which of two is smaller is a coin toss, so it is selected and never jumped on.
#[inline(always)]
fn winnow(orders: &[u64], chosen: &mut Vec<u32>) {
    const _: () = assert!(WINDOW == 6, "a window is three pairs");
    let windows = (orders.len() + 1).saturating_sub(WINDOW);
    if windows == 0 {
        return;
    }
    let (mut kept, mut last) = (chosen.len(), u64::MAX);
    chosen.resize(kept + windows, 0);
    for from in (0..windows).step_by(ROUND) {
        let count = ROUND.min(windows - from);
        let mut one = [[0; ROUND + WINDOW]; 2];
        let (mut two, mut four, mut six) = (one, one, one);
        one[0][..count + WINDOW - 1].copy_from_slice(&orders[from..from + count + WINDOW - 1]);
        one[1].iter_mut().zip(num::u64_of(HEAD + from)..).for_each(|(place, at)| *place = at);
        least(&one, &one, 1, &mut two);
        least(&two, &two, 2, &mut four);
        least(&four, &two, 4, &mut six);
        for &place in &six[1][..count] {
            // Written always, and kept where the next window has another one.
            kept += usize::from(place != last && last != u64::MAX);
            chosen[kept] = num::low32(place);
            last = place;
        }
    }
    chosen.truncate(kept + 1);
}

/// The lesser of each order of `left` and the order of `right` that stands `distance` behind it, with its place; of equal ones
/// the one behind.
#[inline(always)]
fn least(
    left: &[[u64; ROUND + WINDOW]; 2],
    right: &[[u64; ROUND + WINDOW]; 2],
    distance: usize,
    out: &mut [[u64; ROUND + WINDOW]; 2],
) {
    let [orders, places] = out;
    let left = left[0].iter().zip(&left[1]);
    let right = right[0][distance..].iter().zip(&right[1][distance..]);
    for (((order, place), left), right) in orders.iter_mut().zip(places).zip(left).zip(right) {
        let (left, right) = ((*left.0, *left.1), (*right.0, *right.1));
        (*order, *place) = if right.0 <= left.0 { right } else { left };
    }
}

/// Takes in a fingerprint, a keyed hash and so spread evenly by its low bits; tells whether it was not in `anchors`. `seen`
/// has a free place, since it has more places than there are anchors.
fn is_new(fingerprint: u64, seen: &mut [u16], anchors: &[Anchor]) -> bool {
    let mut at = num::usize_of(num::low32(fingerprint)) % SEEN;
    while let Some(place) = seen.get_mut(at) {
        match usize::from(*place).checked_sub(1).and_then(|known| anchors.get(known)) {
            Some(known) if known.fingerprint == fingerprint => return false,
            Some(_) => at = (at + 1) % SEEN,
            None => {
                *place = u16::try_from(anchors.len() + 1).unwrap_or(u16::MAX);
                return true;
            }
        }
    }
    false
}

/// Replaces `out` by the hashes of tokens as they are kept: each once, ascending, at most [`limits::TOKENS_MAX`] (the smallest).
pub fn in_order(hashes: &[u32], out: &mut Vec<u32>) {
    sort_hashes(hashes, out);
    out.dedup();
    out.truncate(limits::TOKENS_MAX);
}

/// Replaces `out` by `hashes` in order. They are keyed, so their high bits spread them
/// over buckets evenly: one pass puts each into its bucket, one insertion sort all buckets in order.
fn sort_hashes(hashes: &[u32], out: &mut Vec<u32>) {
    const BUCKETS: usize = 256;
    // Equal words fill buckets unevenly: a bound on what one unlucky bucket costs.
    const SPREAD_MAX: usize = 4 * BUCKETS;
    let bucket = |hash: u32| num::usize_of(hash >> 24) % BUCKETS;
    out.clear();
    out.extend_from_slice(hashes);
    if !(32..=SPREAD_MAX).contains(&hashes.len()) {
        return out.sort_unstable();
    }
    let mut next = [0_usize; BUCKETS];
    for &hash in hashes {
        next[bucket(hash)] += 1;
    }
    let mut start = 0;
    for place in &mut next {
        start += std::mem::replace(place, start);
    }
    for &hash in hashes {
        let place = &mut next[bucket(hash)];
        out[*place] = hash;
        *place += 1;
    }
    for at in 1..out.len() {
        let hash = out[at];
        let mut to = at;
        while to > 0 && out[to - 1] > hash {
            out[to] = out[to - 1];
            to -= 1;
        }
        out[to] = hash;
    }
}

#[inline(always)]
fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;
    use crate::text::normalize::Normalizer;

    fn anchors_of(text: &str) -> Anchors {
        let (mut form, mut scratch, mut out) = (NormalForm::default(), Scratch::default(), Anchors::default());
        Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
        Anchorer::new(&[1; 32], Kernels::detect()).anchors(&form, &mut scratch, &mut out);
        out
    }

    /// Words that are all different.
    fn words(count: u32) -> String {
        (0..count).map(|n| format!("w{}x ", n.wrapping_mul(0x9e37_79b9))).collect()
    }

    #[test]
    fn a_giant_text_gives_no_more_than_the_bound_and_a_repetitive_one_few() {
        assert!(anchors_of(&words(200_000)).anchors.len() <= limits::ANCHORS_MAX);
        assert!(anchors_of(&"again and again ".repeat(100_000)).anchors.len() < 10);
        assert!(!anchors_of("").anchors.is_empty());
    }

    #[test]
    fn a_repeated_shingle_counts_once_where_it_stands_first() {
        let repeated = anchors_of(&format!("{}{}", words(20), words(20)));
        let mut fingerprints: Vec<u64> = repeated.anchors.iter().map(|anchor| anchor.fingerprint).collect();
        assert!(repeated.anchors.windows(2).all(|pair| pair[0].position < pair[1].position));
        assert!(
            repeated.anchors.iter().take(15).enumerate().all(|(at, anchor)| anchor.position == num::u32_saturating(at))
        );
        fingerprints.sort_unstable();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), repeated.anchors.len());
    }

    #[test]
    fn winnowing_takes_the_last_smallest_of_every_window() {
        let mut state = 5_u64;
        for length in 0..60 {
            let orders: Vec<u64> = (0..length)
                .map(|_| {
                    state = folded_multiply(state ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
                    state % 7
                })
                .collect();
            let places = orders.windows(WINDOW).enumerate().map(|(from, window)| {
                let least = window.iter().min().expect("a window");
                from + window.iter().rposition(|order| order == least).expect("it is there")
            });
            let mut expected: Vec<u32> = places.map(|place| num::u32_saturating(HEAD + place)).collect();
            expected.dedup();
            let mut chosen = vec![3];
            winnow(&orders, &mut chosen);
            assert_eq!(chosen[1..], expected, "{orders:?}");
        }
    }

    #[test]
    fn the_first_and_the_last_disguised_token_are_told() {
        let anchorer = Anchorer::new(&[1; 32], Kernels::detect());
        let read = |text: &str| {
            let (mut form, mut scratch, mut tokens) = (NormalForm::default(), Scratch::default(), Vec::new());
            Normalizer::new(Kernels::detect()).normalize(text.as_bytes(), &mut form);
            anchorer.anchors(&form, &mut scratch, &mut Anchors::default());
            anchorer.token_hashes(&mut scratch, &mut tokens);
            (anchorer.disguised(&form, &tokens), tokens)
        };
        for count in [1, 7, 300, 900, 3000] {
            let mut words: Vec<String> =
                (0..count).map(|n: u32| format!("word{}x", n.wrapping_mul(0x9e37_79b9))).collect();
            let (disguised, tokens) = read(&words.join(" "));
            assert_eq!(disguised, Disguised::NONE, "{count} words, none disguised");
            let mut kept = Vec::new();
            in_order(&tokens, &mut kept);
            let mut hidden: Vec<usize> = Vec::new();
            for word in [count / 2, count / 3, 0, count - 1] {
                let word = &mut words[num::usize_of(word)];
                // Alone it stands between BEGIN and END. Of the largest hashes of a long text none is kept.
                let (_, alone) = read(word);
                hidden.extend(kept.binary_search(&alone[1]).ok());
                *word = format!("wo\u{200b}{}", &word[2..]);
                let expected = hidden.iter().min().zip(hidden.iter().max());
                let expected =
                    expected.map_or(Disguised::NONE, |(&first, &last)| Disguised::between(first..=last, kept.len()));
                let (disguised, same) = read(&words.join(" "));
                assert_eq!(same, tokens, "the normal form knows no disguise");
                assert_eq!(disguised, expected, "{count} words, {words:?}");
            }
        }
    }

    #[test]
    fn hashes_come_in_order_however_many() {
        for count in [0, 1, 2, 31, 32, 33, 300, 1024, 1025, 5000] {
            for spread in [1, 0x9e37_79b9_u32] {
                let hashes: Vec<u32> = (0..count).map(|n: u32| (n % 3000).wrapping_mul(spread)).collect();
                let (mut expected, mut out) = (hashes.clone(), vec![7]);
                expected.sort_unstable();
                sort_hashes(&hashes, &mut out);
                assert_eq!(out, expected, "{count} {spread}");
            }
        }
    }

    #[test]
    fn anchors_are_the_same_at_every_level() {
        let at = |level: Level, text: &str| {
            let kernels = Kernels::for_level(level).ok()?;
            let (mut form, mut scratch, mut out) = (NormalForm::default(), Scratch::default(), Anchors::default());
            Normalizer::new(kernels).normalize(text.as_bytes(), &mut form);
            Anchorer::new(&[1; 32], kernels).anchors(&form, &mut scratch, &mut out);
            Some(out)
        };
        // Around a round of windows, and with equal ones, of which the last is chosen.
        for count in (0..12).chain(100..135).chain([180, 2_000]) {
            for text in [words(count), words(count / 9 + 1).repeat(9)] {
                let expected = at(Level::Scalar, &text);
                // Levels that this machine lacks are run where it has them, as the kernels' are.
                for level in Level::ALL {
                    let found = at(level, &text);
                    assert!(found.is_none() || found == expected, "{level:?}, {count} words");
                }
            }
        }
    }

    #[test]
    fn two_texts_share_anchors_of_a_shared_run_wherever_it_stands() {
        let shared = words(30);
        let a = anchors_of(&format!("{} {shared} alpha", words(300).replace('x', "y")));
        let b = anchors_of(&format!("{} {shared} beta", words(500).replace('x', "z")));
        let common = a.anchors.iter().filter(|x| b.anchors.iter().any(|y| y.fingerprint == x.fingerprint)).count();
        assert!(common >= 4, "{common} anchors of a run of 30 words");
    }
}
