//! Runs one stage of sketching a number of times, for `benches/neon` to count its instructions:
//! `sketch_stage STAGE REPEATS BYTES`, STAGE being normal-form, c5, w3 or distance. `PROMPTPRINT_LEVEL` names the level.

use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use std::hint::black_box;

/// Words of one line of a prompt that says nothing.
const LINE: &str =
    "Summarise the following Paragraph about trade on the river, number by number, for a reader of twelve. ";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let stage = arguments.next().ok_or("which stage?")?;
    let repeats: usize = arguments.next().ok_or("how often?")?.parse()?;
    let bytes: usize = arguments.next().ok_or("how many bytes?")?.parse()?;
    let level = Level::from_env_value(&std::env::var("PROMPTPRINT_LEVEL").unwrap_or_default())?;
    let kernels = level.map_or(Ok(Kernels::detect()), Kernels::for_level)?;
    // The lines are numbered, so that shingles do not repeat more than in prose.
    let mut prompt = String::new();
    for number in 0_u64.. {
        if prompt.len() >= bytes {
            break;
        }
        let word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        prompt.extend(LINE.split_inclusive(' ').map(|w| format!("{:x} {w}", word >> (40 + w.len()))));
    }
    prompt.truncate(bytes);
    let normalizer = Normalizer::new(kernels);
    let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
    normalizer.normalize(prompt.as_bytes(), &mut form);
    let sketcher = |shingle| Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels);
    let (c5, w3) = (sketcher(Shingle::C5), sketcher(Shingle::W3));
    let (a, b) = (c5.signature(&form, &mut scratch), w3.signature(&form, &mut scratch));
    for _ in 0..repeats {
        match stage.as_str() {
            "normal-form" => normalizer.normalize(black_box(prompt.as_bytes()), &mut form),
            "c5" => _ = black_box(c5.signature(black_box(&form), &mut scratch)),
            "w3" => _ = black_box(w3.signature(black_box(&form), &mut scratch)),
            "distance" => _ = black_box(kernels.unequal_bytes(black_box(&a.0), black_box(&b.0))),
            other => return Err(format!("there is no stage {other:?}").into()),
        }
    }
    Ok(())
}
