//! Every kernel of every level this machine has against the scalar definition: all lengths to 1024, 64 alignments.

use super::*;
use proptest::prelude::*;

/// The levels besides scalar; one this machine lacks is named and skipped.
fn levels() -> Vec<Kernels> {
    let (mut here, mut lacking) = (Vec::new(), Vec::new());
    for level in Level::ALL.into_iter().filter(|level| *level != Level::Scalar) {
        match Kernels::for_level(level) {
            Ok(kernels) => here.push(kernels),
            Err(_) => lacking.push(level.name()),
        }
    }
    eprintln!("identity: {here:?}, skipped: {lacking:?}");
    here
}

/// A small generator (Marsaglia's xorshift), so that the cases are the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        crate::num::high32(self.0)
    }

    fn bytes(&mut self, count: usize, pick: impl Fn(u32) -> u8) -> Vec<u8> {
        (0..count).map(|_| pick(self.next())).collect()
    }
}

fn keys() -> HashKeys {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    HashKeys::from_words(&std::array::from_fn(|_| random.next()))
}

fn scalar() -> Kernels {
    Kernels(&scalar::TABLE)
}

/// Text of words and white space, now and then a byte that is not ASCII.
fn texty(high_in_4096: u32) -> impl Fn(u32) -> u8 {
    move |r| match r & 0xfff {
        high if high < high_in_4096 => 0xc3,
        _ => {
            let picks = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-@[`{\x00\x1c\x7f      \t\n\r\x0b\x0c";
            picks[crate::num::usize_of(r >> 12) % picks.len()]
        }
    }
}

/// Slices of every length to 1024, each at another of 64 alignments, and of every alignment at some lengths.
fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let by_length = (0..=1024).map(|length| (length * 7 % 64, length));
    let by_start = (0..64).flat_map(|start| [0, 1, 5, 63, 64, 65, 68, 131, 1023].map(|length| (start, length)));
    by_length.chain(by_start)
}

#[test]
fn distances() {
    let mut random = Random(1);
    for kernels in levels() {
        for case in 0..2000_u32 {
            let a: [u8; 128] = std::array::from_fn(|_| crate::num::low8(random.next()));
            let b = a.map(|byte| if random.next() % 128 < case % 129 { crate::num::low8(random.next()) } else { byte });
            assert_eq!(kernels.unequal_bytes(&a, &b), scalar().unequal_bytes(&a, &b));
            assert_eq!(kernels.hamming(&a, &b), scalar().hamming(&a, &b));
        }
        assert_eq!(kernels.hamming(&[0; 128], &[255; 128]), 1024);
        assert_eq!(kernels.unequal_bytes(&[0; 128], &[255; 128]), 128);
    }
}

#[test]
fn fold_ascii() {
    let mut random = Random(2);
    for kernels in levels() {
        for high in [0, 8, 400] {
            let source = random.bytes(1100, texty(high));
            for (start, length) in shapes() {
                let src = &source[start..start + length];
                for from in [
                    Folded { in_space: true, ..Folded::default() },
                    // Line breaks noted before lie in what was written before.
                    Folded {
                        read: length / 3,
                        written: length / 4,
                        in_space: length % 2 == 0,
                        break_count: (length / 4).min(2),
                    },
                ] {
                    let run = |kernels: Kernels| {
                        let (mut dst, mut breaks) = (vec![7; length + 64], vec![0; length % 7 * 30 + 66]);
                        let mut folded = from;
                        kernels.fold_ascii(src, &mut dst, &mut breaks, &mut folded);
                        dst.truncate(folded.written);
                        breaks.truncate(folded.break_count);
                        (folded, dst, breaks)
                    };
                    assert_eq!(run(kernels), run(scalar()), "{kernels:?} {start} {length}");
                }
            }
        }
    }
}

#[test]
fn fold_ascii_does_nothing_without_room() {
    for kernels in levels().into_iter().chain([scalar()]) {
        let fold = |dst: &mut [u8], breaks: &mut [u32], mut state| {
            kernels.fold_ascii(b"abc", dst, breaks, &mut state);
            state
        };
        let start = Folded::default();
        assert_eq!(fold(&mut [0; 66], &mut [0; 64], start), start);
        assert_eq!(fold(&mut [0; 67], &mut [0; 63], start), start);
        assert_eq!(fold(&mut [0; 67], &mut [0; 64], start).written, 3);
        let lost = Folded { read: 9, written: usize::MAX, break_count: usize::MAX - 64, in_space: false };
        assert_eq!(fold(&mut [0; 99], &mut [0; 99], lost), lost);
    }
}

/// Runs a hashing kernel and sorts what it gives, for its order is its own.
fn sorted(hash: impl Fn(&mut Hashes) -> usize) -> Vec<u32> {
    let mut out = [0; HASHES_MAX + 64];
    let count = hash(&mut out);
    let mut hashes = out[..count].to_vec();
    hashes.sort_unstable();
    hashes
}

#[test]
fn hash_bytes_and_scalars() {
    let (mut random, keys) = (Random(3), keys());
    let source = random.bytes(1200, texty(0));
    let ascii: Vec<u32> = source.iter().map(|&byte| u32::from(byte)).collect();
    let scripts: Vec<u32> =
        (0..1200).map(|_| if random.next() % 3 == 0 { 97 } else { random.next() % 0x11_0000 }).collect();
    for kernels in levels() {
        for (start, length) in shapes().chain([(0, 1028), (3, 1029), (1, 1100)]) {
            let text = &source[start..start + length];
            let expected = sorted(|out| scalar().hash_bytes(text, &keys, out));
            assert_eq!(expected.len(), length.saturating_sub(4).min(HASHES_MAX));
            assert_eq!(sorted(|out| kernels.hash_bytes(text, &keys, out)), expected, "{kernels:?} {start} {length}");
            for text in [&ascii[start..start + length], &scripts[start..start + length]] {
                let expected = sorted(|out| scalar().hash_scalars(text, &keys, out));
                assert_eq!(
                    sorted(|out| kernels.hash_scalars(text, &keys, out)),
                    expected,
                    "{kernels:?} {start} {length}"
                );
            }
            let as_scalars = sorted(|out| scalar().hash_scalars(&ascii[start..start + length], &keys, out));
            assert_eq!(as_scalars, expected, "ASCII hashes alike as bytes and as scalars");
        }
    }
}

#[test]
fn hash_words_and_triples() {
    let (mut random, keys) = (Random(4), keys());
    let source = random.bytes(3000, |r| if r % 6 == 0 { b' ' } else { b'a' + crate::num::low8(r >> 8) % 26 });
    for kernels in levels().into_iter().chain([scalar()]) {
        for (start, length) in shapes().chain([(1, 2999), (0, 2500)]) {
            let text = &source[start..start + length];
            for from in [0, length / 2] {
                let run = |kernels: Kernels| {
                    let mut out = [0; HASHES_MAX + 64];
                    let (next, count) = kernels.hash_words(text, from, &keys, &mut out);
                    (next, out[..count].to_vec())
                };
                let (next, words) = run(kernels);
                assert_eq!((next, words.clone()), run(scalar()), "{kernels:?} {start} {length}");
                let split: Vec<u32> = match text.get(from..).filter(|rest| !rest.is_empty()) {
                    Some(rest) => rest.split(|&byte| byte == b' ').map(|word| keys.hash_word(word)).collect(),
                    None => Vec::new(),
                };
                assert_eq!(words, split[..split.len().min(HASHES_MAX)]);
                let expected = sorted(|out| scalar().hash_triples(&words, &keys, out));
                assert_eq!(sorted(|out| kernels.hash_triples(&words, &keys, out)), expected);
            }
        }
    }
}

#[test]
fn sketch_bytes() {
    let (mut random, keys) = (Random(6), keys());
    let source = random.bytes(1200, texty(0));
    for kernels in levels() {
        for (start, length) in shapes().chain([(0, 1028), (3, 1029), (1, 1100)]) {
            let text = &source[start..start + length];
            let run = |kernels: Kernels| kernels.sketch_bytes(text, &keys, &mut [0; HASHES_MAX + 64]);
            assert_eq!(run(kernels), run(scalar()), "{kernels:?} {start} {length}");
        }
    }
}

#[test]
fn sketch_of_more_than_a_piece() {
    let mut random = Random(7);
    let source: Vec<u32> = (0..5000).map(|_| random.next() >> 1).collect();
    let repeated: Vec<u32> = (0..5000).map(|i| source[i % 90]).collect();
    for kernels in levels() {
        for set in [&source, &repeated] {
            for length in [1023, 1024, 1025, 1039, 2048, 2049, 5000] {
                assert_eq!(kernels.sketch(&set[..length]), scalar().sketch(&set[..length]), "{kernels:?} {length}");
            }
        }
    }
}

#[test]
fn absorb_merge_and_fold() {
    let (mut random, keys) = (Random(5), keys());
    let source: Vec<u32> = (0..1200).map(|_| random.next() >> 1).collect();
    let few: Vec<u32> = (0..1200).map(|i| source[i % 3]).collect();
    for kernels in levels() {
        for source in [&source, &few] {
            for (start, length) in shapes() {
                let set = &source[start..start + length];
                let run = |kernels: Kernels, before: &[u32; LANES]| {
                    let mut lanes = *before;
                    kernels.absorb(set, &mut lanes);
                    lanes
                };
                let fresh = run(scalar(), &[LANE_EMPTY; LANES]);
                assert_eq!(kernels.sketch(set), fresh, "{kernels:?} {start} {length}");
                assert_eq!(run(kernels, &[LANE_EMPTY; LANES]), fresh, "{kernels:?} {start} {length}");
                // Into lanes that hold few hashes, and so late rounds, and into full ones.
                for other in [1, 5, 300] {
                    let mut before = [LANE_EMPTY; LANES];
                    scalar().absorb(&source[1100 - other..1100], &mut before);
                    let both = run(scalar(), &before);
                    assert_eq!(run(kernels, &before), both, "{kernels:?} {start} {length} {other}");
                    let (mut merged, mut expected) = (before, before);
                    kernels.merge(&mut merged, &fresh);
                    scalar().merge(&mut expected, &fresh);
                    assert_eq!(merged, expected);
                    assert_eq!(merged, both, "a union in pieces is the union at once");
                }
                let folded = kernels.fold_lanes(&fresh, keys.fold_multiplier());
                assert_eq!(folded, scalar().fold_lanes(&fresh, keys.fold_multiplier()));
            }
        }
    }
}

proptest! {
    #[test]
    fn fold_ascii_of_anything(src in proptest::collection::vec(prop_oneof![8 => 0_u8..128, 1 => any::<u8>()], 0..400)) {
        for kernels in levels() {
            let run = |kernels: Kernels| {
                let (mut dst, mut breaks) = (vec![0; src.len() + 64], vec![0; src.len() + 64]);
                let mut folded = Folded::default();
                kernels.fold_ascii(&src, &mut dst, &mut breaks, &mut folded);
                (folded, dst[..folded.written].to_vec(), breaks[..folded.break_count].to_vec())
            };
            prop_assert_eq!(run(kernels), run(scalar()));
        }
    }
}
