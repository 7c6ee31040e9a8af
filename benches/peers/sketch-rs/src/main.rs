//! Times text to signature in promptprint and in the Rust peers, and writes the same text for the Python ones.
//! `main FOLDER` prints JSON lines and leaves `c5-650.txt` and so on (length-prefixed) and pre-hashed shingles there.

use cpu_time::ThreadTime;
use gaoya::minhash::{MinHasher, MinHasher32};
use promptprint::simd::{HASHES_MAX, HashKeys, Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use promptprint_benches::corpus::{Script, prompts};
use std::hash::BuildHasher;
use std::hint::black_box;

/// The least of many short runs: what the machine can do when nobody disturbs it. In CPU time, as in the Python half: a run
/// longer than a time slice would else hold whatever else runs on this core.
fn best(runs: usize, mut work: impl FnMut()) -> f64 {
    (0..runs).fold(f64::MAX, |least, _| {
        let started = ThreadTime::now();
        work();
        least.min(started.elapsed().as_secs_f64())
    })
}

fn report(engine: &str, case: &str, bytes: usize, seconds: f64) {
    println!(r#"{{"engine":"{engine}","case":"{case}","bytes_per_s":{:.0}}}"#, bytes as f64 / seconds);
}

fn keys() -> HashKeys {
    let mut state = 1_u64;
    HashKeys::from_words(&std::array::from_fn(|_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 32) as u32
    }))
}

/// The hashes of the shingles of a normal form, as the sketcher makes them.
fn shingle(form: &NormalForm, kernels: Kernels, keys: &HashKeys, words: bool, mut each: impl FnMut(&[u32])) {
    let mut out = [0; HASHES_MAX + 64];
    if words {
        let mut all = [0; HASHES_MAX + 64];
        let (_, count) = kernels.hash_words(form.bytes(), 0, keys, &mut all);
        let count = kernels.hash_triples(&all[..count], keys, &mut out);
        each(&out[..count]);
    } else {
        let text = form.bytes();
        for at in (0..text.len().saturating_sub(4)).step_by(HASHES_MAX) {
            let count = kernels.hash_bytes(&text[at..(at + HASHES_MAX + 4).min(text.len())], keys, &mut out);
            each(&out[..count]);
        }
    }
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("a folder to write to");
    for (case, size, words) in [("c5-650", 650, false), ("c5-4300", 4300, false), ("w3-650", 650, true)] {
        let texts = prompts(Script::English, size, 1_300_000 / size, 7);
        let bytes: usize = texts.iter().map(String::len).sum();
        let mut file = Vec::new();
        for text in &texts {
            file.extend_from_slice(&u32::try_from(text.len()).expect("short").to_le_bytes());
            file.extend_from_slice(text.as_bytes());
        }
        std::fs::write(format!("{folder}/{case}.txt"), &file)?;
        let spec = Spec::new(if words { Shingle::W3 } else { Shingle::C5 });
        let keys = keys();
        for level in Level::ALL {
            let Ok(kernels) = Kernels::for_level(level) else { continue };
            let normalizer = Normalizer::new(kernels);
            let sketcher = Sketcher::new(spec, &SketchSeed::new([1; 32]), kernels);
            let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
            let seconds = best(40, || {
                for text in &texts {
                    normalizer.normalize(text.as_bytes(), &mut form);
                    black_box(sketcher.signature(&form, &mut scratch));
                }
            });
            report(&format!("promptprint-{level}"), case, bytes, seconds);
            if kernels.level() != Kernels::detect().level() {
                continue;
            }
            report("promptprint", case, bytes, seconds);
            let seconds = best(40, || {
                for text in &texts {
                    normalizer.normalize(text.as_bytes(), &mut form);
                    shingle(&form, kernels, &keys, words, |hashes| {
                        black_box(hashes);
                    });
                }
            });
            report("our-shingling", case, bytes, seconds);
            // Pre-hashed shingles, distinct in each text as the peers want them, for whoever takes hashes.
            let (mut hashes, mut offsets) = (Vec::new(), vec![0_u64]);
            for text in &texts {
                normalizer.normalize(text.as_bytes(), &mut form);
                let mut set: Vec<u64> = Vec::new();
                shingle(&form, kernels, &keys, words, |some| {
                    set.extend(some.iter().map(|&h| u64::from(h) << 32 | u64::from(h.wrapping_mul(0x9e37_79b1))));
                });
                set.sort_unstable();
                set.dedup();
                hashes.extend(set.iter().flat_map(|h| h.to_le_bytes()));
                offsets.push(hashes.len() as u64 / 8);
            }
            let offsets: Vec<u8> = offsets.iter().flat_map(|at| at.to_le_bytes()).collect();
            std::fs::write(format!("{folder}/{case}.hashes"), &hashes)?;
            std::fs::write(format!("{folder}/{case}.offsets"), offsets)?;
            let sets: Vec<Vec<u32>> = texts
                .iter()
                .map(|text| {
                    normalizer.normalize(text.as_bytes(), &mut form);
                    let mut set = Vec::new();
                    shingle(&form, kernels, &keys, words, |some| set.extend_from_slice(some));
                    set.sort_unstable();
                    set.dedup();
                    set
                })
                .collect();
            let seconds = best(40, || {
                for set in &sets {
                    black_box(sketcher.lanes_of_hashes(set));
                }
            });
            report("promptprint-hashed", case, bytes, seconds);
        }
        peers(case, &texts, bytes, words);
    }
    // Text that is not English, which no peer treats in another way.
    for script in [Script::Code, Script::Chinese, Script::Mixed] {
        for size in [650, 4300] {
            let texts = prompts(script, size, 1_300_000 / size, 7);
            let kernels = Kernels::detect();
            let normalizer = Normalizer::new(kernels);
            let sketcher = Sketcher::new(Spec::default(), &SketchSeed::new([1; 32]), kernels);
            let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
            let seconds = best(20, || {
                for text in &texts {
                    normalizer.normalize(text.as_bytes(), &mut form);
                    black_box(sketcher.signature(&form, &mut scratch));
                }
            });
            report("promptprint", &format!("c5-{size}-{}", script.name()), texts.iter().map(String::len).sum(), seconds);
        }
    }
    // Pre-hashed sets of one size each, for the question at which size who is faster.
    for n in [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 10_000, 100_000_usize] {
        let count = (200_000 / n).clamp(2, 20_000);
        let mut random = promptprint_benches::corpus::Random::new(n as u64);
        let mut word = || (random.below(1 << 31)) as u32;
        let sets: Vec<Vec<u32>> = (0..count).map(|_| (0..n).map(|_| word()).collect()).collect();
        let hashes: Vec<u8> =
            sets.iter().flatten().flat_map(|&h| (u64::from(h) << 32 | u64::from(h)).to_le_bytes()).collect();
        let offsets: Vec<u8> = (0..=count).flat_map(|i| ((i * n) as u64).to_le_bytes()).collect();
        std::fs::write(format!("{folder}/n{n}.hashes"), hashes)?;
        std::fs::write(format!("{folder}/n{n}.offsets"), offsets)?;
        let sketcher = Sketcher::new(Spec::default(), &SketchSeed::new([1; 32]), Kernels::detect());
        let seconds = best(20, || {
            for set in &sets {
                black_box(sketcher.lanes_of_hashes(set));
            }
        });
        report("promptprint-hashed", &format!("n{n}"), 8 * n * count, seconds);
    }
    Ok(())
}

/// The Rust peers, driven as their documentation does: lower case and split by the standard library.
fn peers(case: &str, texts: &[String], bytes: usize, words: bool) {
    let some = &texts[..texts.len() / 10];
    let some_bytes = bytes / 10;
    let folded = |text: &String| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let triples = |text: &str| -> Vec<String> {
        let words: Vec<&str> = text.split(' ').collect();
        words.windows(3).map(|triple| triple.join(" ")).collect()
    };
    let gaoya = MinHasher32::new(128);
    let seconds = best(3, || {
        for text in some {
            let text = folded(text);
            if words {
                black_box(gaoya.create_signature(triples(&text).iter()));
            } else {
                black_box(gaoya.create_signature(text.as_bytes().windows(5)));
            }
        }
    });
    report("gaoya-text", case, some_bytes, seconds);
    // These two take numbers, so their users hash shingles themselves; here with the standard library.
    let hashes = |text: &str| -> Vec<u64> {
        let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
        if words {
            triples(text).iter().map(|triple| hasher.hash_one(triple)).collect()
        } else {
            text.as_bytes().windows(5).map(|window| hasher.hash_one(window)).collect()
        }
    };
    let seconds = best(3, || {
        for text in some {
            let sketch: minhash_rs::prelude::MinHash<u32, 128> = hashes(&folded(text)).into_iter().collect();
            black_box(sketch);
        }
    });
    report("minhash-rs-text", case, some_bytes, seconds);
    let seconds = best(3, || {
        for text in some {
            let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
            let mut sketch =
                probminhash::densminhash::OptDensMinHash::<f32, u64, std::hash::DefaultHasher>::new(128, hasher);
            let _ = black_box(sketch.sketch_slice(&hashes(&folded(text))));
        }
    });
    report("probminhash-text", case, some_bytes, seconds);
}
