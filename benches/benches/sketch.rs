//! How fast is text turned into a signature: each stage and the whole, by level, script and length?
//! Run one level with `PROMPTPRINT_LEVEL`; without it every level this CPU has is measured, in one run.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, Signature, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use promptprint_benches::corpus::{Script, prompts};
use std::hint::black_box;
use std::time::Duration;

const SIZES: [usize; 4] = [100, 650, 4_300, 65_536];

fn levels() -> Vec<Kernels> {
    let asked = Level::from_env_value(&std::env::var("PROMPTPRINT_LEVEL").unwrap_or_default());
    match asked.expect("PROMPTPRINT_LEVEL names a level") {
        Some(level) => vec![Kernels::for_level(level).expect("this CPU has the level asked for")],
        None => Level::ALL.into_iter().filter_map(|level| Kernels::for_level(level).ok()).collect(),
    }
}

/// The answer first: all levels must agree on every prompt that is measured.
fn check(prompts: &[String]) {
    let signatures = |kernels: Kernels| -> Vec<Signature> {
        let (normalizer, mut form, mut scratch) = (Normalizer::new(kernels), NormalForm::new(), Scratch::new());
        let sketcher = Sketcher::new(Spec::default(), &SketchSeed::new([1; 32]), kernels);
        let mut one = |prompt: &String| {
            normalizer.normalize(prompt.as_bytes(), &mut form);
            sketcher.signature(&form, &mut scratch)
        };
        prompts.iter().map(&mut one).collect()
    };
    let scalar = signatures(Kernels::for_level(Level::Scalar).expect("scalar runs everywhere"));
    for kernels in levels() {
        assert!(signatures(kernels) == scalar, "{kernels:?} differs from scalar");
    }
}

fn text_to_signature(criterion: &mut Criterion) {
    for script in Script::ALL {
        for size in SIZES {
            let prompts = prompts(script, size, (200_000 / size).clamp(2, 400), 1);
            check(&prompts);
            let bytes: usize = prompts.iter().map(String::len).sum();
            let mut group = criterion.benchmark_group(format!("{}/{size}", script.name()));
            group.throughput(Throughput::Bytes(u64::try_from(bytes).unwrap_or(u64::MAX)));
            group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(700));
            for kernels in levels() {
                let normalizer = Normalizer::new(kernels);
                let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
                group.bench_function(BenchmarkId::new("normal form", kernels.level()), |bencher| {
                    bencher.iter(|| {
                        for prompt in &prompts {
                            normalizer.normalize(prompt.as_bytes(), &mut form);
                            black_box(form.bytes());
                        }
                    });
                });
                for shingle in [Shingle::C5, Shingle::W3] {
                    let sketcher = Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels);
                    let forms: Vec<NormalForm> = prompts
                        .iter()
                        .map(|prompt| {
                            let mut form = NormalForm::new();
                            normalizer.normalize(prompt.as_bytes(), &mut form);
                            form
                        })
                        .collect();
                    group.bench_function(BenchmarkId::new(format!("{shingle} sketch"), kernels.level()), |bencher| {
                        bencher.iter(|| {
                            for form in &forms {
                                black_box(sketcher.signature(form, &mut scratch));
                            }
                        });
                    });
                    group.bench_function(BenchmarkId::new(format!("{shingle} whole"), kernels.level()), |bencher| {
                        bencher.iter(|| {
                            for prompt in &prompts {
                                normalizer.normalize(prompt.as_bytes(), &mut form);
                                black_box(sketcher.signature(&form, &mut scratch));
                            }
                        });
                    });
                }
            }
            group.finish();
        }
    }
}

fn distances(criterion: &mut Criterion) {
    let pair = |byte: u8| std::array::from_fn::<u8, 128, _>(|i| byte.wrapping_mul(u8::try_from(i).unwrap_or(0)));
    let (a, b) = (pair(7), pair(9));
    let mut group = criterion.benchmark_group("distance");
    for kernels in levels() {
        group.bench_function(BenchmarkId::new("unequal bytes", kernels.level()), |bencher| {
            bencher.iter(|| kernels.unequal_bytes(black_box(&a), black_box(&b)));
        });
        group.bench_function(BenchmarkId::new("hamming", kernels.level()), |bencher| {
            bencher.iter(|| kernels.hamming(black_box(&a), black_box(&b)));
        });
    }
    group.finish();
}

criterion_group!(benches, text_to_signature, distances);
criterion_main!(benches);
