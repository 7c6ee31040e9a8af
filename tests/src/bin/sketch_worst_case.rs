//! Sketches one worst case, for `linear` to count the instructions of or to time: `sketch_worst_case FAMILY BYTES [RUNS]`
//! sketches it once, or, when there is a number of runs, prints the nanoseconds of the fastest.

use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let family: usize = arguments.next().ok_or("which family?")?.parse()?;
    let bytes = arguments.next().ok_or("how many bytes?")?.parse()?;
    let runs: Option<u32> = arguments.next().map(|runs| runs.parse()).transpose()?;
    let level = Level::from_env_value(&std::env::var("PROMPTPRINT_LEVEL").unwrap_or_default())?;
    let kernels = level.map_or(Ok(Kernels::detect()), Kernels::for_level)?;
    let (_, prompt) = promptprint_tests::worst::worst_cases(bytes).nth(family).ok_or("there is no such family")?;
    let normalizer = Normalizer::new(kernels);
    let sketchers =
        [Shingle::C5, Shingle::W3].map(|shingle| Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels));
    let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
    let mut least = Duration::MAX;
    for _ in 0..runs.unwrap_or(1) {
        let started = Instant::now();
        normalizer.normalize(black_box(prompt.as_bytes()), &mut form);
        for sketcher in &sketchers {
            black_box(sketcher.signature(&form, &mut scratch));
        }
        least = least.min(started.elapsed());
    }
    if runs.is_some() {
        use std::io::Write;
        writeln!(std::io::stdout(), "{}", least.as_nanos())?;
    }
    Ok(())
}
