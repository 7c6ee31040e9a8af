//! Time is linear in the prompt: in each of 30 worst-case families 10 MB take at most 13 times as long as 1 MB.
//! `tests/linear` counts instructions for the same families, which is exact; this is the guard that runs everywhere.

use promptprint::simd::Kernels;
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use promptprint_tests::worst::worst_cases;
use std::time::{Duration, Instant};

#[test]
#[ignore = "a clock decides; run it alone, in a release build, on a quiet machine"]
fn ten_times_the_prompt_is_ten_times_the_work() {
    let kernels = Kernels::detect();
    let normalizer = Normalizer::new(kernels);
    for shingle in [Shingle::C5, Shingle::W3] {
        let sketcher = Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels);
        let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
        let mut best = |prompt: &str| {
            let mut once = || {
                let started = Instant::now();
                normalizer.normalize(prompt.as_bytes(), &mut form);
                std::hint::black_box(sketcher.signature(&form, &mut scratch));
                started.elapsed()
            };
            (0..5).map(|_| once()).min().unwrap_or(Duration::MAX)
        };
        for ((name, small), (_, large)) in worst_cases(1_000_000).zip(worst_cases(10_000_000)) {
            let (small, large) = (best(&small), best(&large));
            eprintln!("{shingle} {name}: {small:?}, {large:?}");
            assert!(large < 13 * small, "{shingle} {name}: {small:?} for 1 MB, {large:?} for 10 MB");
        }
    }
}
