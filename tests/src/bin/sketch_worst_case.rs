//! Sketches one worst case once, for `linear` to count the instructions of: `sketch_worst_case FAMILY BYTES`.

use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let family: usize = arguments.next().ok_or("which family?")?.parse()?;
    let bytes = arguments.next().ok_or("how many bytes?")?.parse()?;
    let level = Level::from_env_value(&std::env::var("PROMPTPRINT_LEVEL").unwrap_or_default())?;
    let kernels = level.map_or(Ok(Kernels::detect()), Kernels::for_level)?;
    let (_, prompt) = promptprint_tests::worst::worst_cases(bytes).nth(family).ok_or("there is no such family")?;
    let mut form = NormalForm::new();
    Normalizer::new(kernels).normalize(prompt.as_bytes(), &mut form);
    for shingle in [Shingle::C5, Shingle::W3] {
        let sketcher = Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels);
        std::hint::black_box(sketcher.signature(&form, &mut Scratch::new()));
    }
    Ok(())
}
