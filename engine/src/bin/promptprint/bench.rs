//! `bench`: how fast this machine makes sketches, by instruction set; what to send in for a machine that is in no table.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use promptprint::num::{f64_of, usize_of};
use promptprint::simd::{Kernels, Level};
use promptprint::sketch::{Scratch, Shingle, Signature, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use promptprint::{Error, Result};
use serde::Serialize;

use super::common;
use super::output::Out;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// Milliseconds to spend on each figure
    #[arg(long, value_name = "MS", default_value_t = 60)]
    milliseconds: u64,
}

/// Bytes of a prompt.
const SIZES: [usize; 4] = [100, 650, 4_300, 65_536];

/// Bytes of all prompts of one size: more than the second-level cache of most machines would hide a slow memory.
const BYTES: usize = 200_000;

/// One figure.
#[derive(Debug, Serialize)]
struct Figure {
    level: &'static str,
    text: &'static str,
    prompt_bytes: usize,
    stage: &'static str,
    megabytes_per_s: f64,
    ns_per_prompt: f64,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let asked = common::level()?;
    let levels: Vec<Kernels> = match asked {
        Some(level) => vec![Kernels::for_level(level)?],
        None => Level::ALL.into_iter().filter_map(|level| Kernels::for_level(level).ok()).collect(),
    };
    let budget = Duration::from_millis(args.milliseconds.clamp(1, 60_000));
    let mut out = Out::new();
    if !args.json {
        out.line(format_args!("{} {}", std::env::consts::ARCH, processor()))?;
        out.line("one thread; MB/s of prompt text, best of many runs; every answer equals that of plain Rust")?;
    }
    for text in [Text::English, Text::Chinese] {
        for size in SIZES {
            let prompts: Vec<String> = (0..(BYTES / size).max(1)).map(|i| text.prompt(size, i)).collect();
            for &kernels in &levels {
                check(kernels, &prompts)?;
                let figures = measure(kernels, text, size, &prompts, budget);
                if args.json {
                    figures.iter().try_for_each(|figure| out.json(figure))?;
                } else {
                    let cells: Vec<String> =
                        figures.iter().map(|f| format!("{} {:.0}", f.stage, f.megabytes_per_s)).collect();
                    out.line(format_args!(
                        "{:7} {:>5} B {:8} {}",
                        text.name(),
                        size,
                        kernels.level(),
                        cells.join(", ")
                    ))?;
                }
                if out.is_closed() {
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// What the system calls its processor, where it says.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    name.trim_start_matches([' ', '\t', ':']).to_owned()
}

/// What a prompt is written in.
#[derive(Debug, Clone, Copy)]
enum Text {
    English,
    Chinese,
}

impl Text {
    const fn name(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::Chinese => "chinese",
        }
    }

    /// Prompt number `number`, of at most `bytes` bytes and nearly as many.
    fn prompt(self, bytes: usize, number: usize) -> String {
        const WORDS: &str = "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day did get come made may part Explain Summarise question context answer JSON";
        let mut state = promptprint::num::u64_of(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |bound: u32| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            promptprint::num::high32(state) % bound
        };
        let words: Vec<&str> = WORDS.split(' ').collect();
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            match self {
                Self::English => {
                    let count = promptprint::num::u32_saturating(words.len());
                    text.push_str(words.get(usize_of(below(count))).copied().unwrap_or_default());
                    text.push_str(if below(13) == 0 { ".\n" } else { " " });
                }
                Self::Chinese => {
                    text.extend(char::from_u32(0x4e00 + below(3000)));
                    if below(15) == 0 {
                        text.push('，');
                    }
                }
            }
        }
        let end = (0..=bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text
    }
}

fn sketcher(shingle: Shingle, kernels: Kernels) -> Sketcher {
    Sketcher::new(Spec::new(shingle), &SketchSeed::new([1; 32]), kernels)
}

/// The answer first: these kernels must agree with plain Rust on every prompt that is measured.
fn check(kernels: Kernels, prompts: &[String]) -> Result<()> {
    let scalar = Kernels::for_level(Level::Scalar)?;
    let signatures = |kernels: Kernels| -> Vec<Signature> {
        let (normalizer, mut form, mut scratch) = (Normalizer::new(kernels), NormalForm::new(), Scratch::new());
        let sketchers = [Shingle::C5, Shingle::W3].map(|shingle| sketcher(shingle, kernels));
        let mut all = Vec::new();
        for prompt in prompts {
            normalizer.normalize(prompt.as_bytes(), &mut form);
            all.extend(sketchers.iter().map(|sketcher| sketcher.signature(&form, &mut scratch)));
        }
        all
    };
    if signatures(kernels) == signatures(scalar) {
        return Ok(());
    }
    Err(Error::InvalidArgument {
        argument: "level",
        reason: format!(
            "{} makes other sketches than scalar on this machine: report it, and do not use it",
            kernels.level()
        ),
    })
}

/// Times each stage and the whole.
fn measure(kernels: Kernels, text: Text, size: usize, prompts: &[String], budget: Duration) -> Vec<Figure> {
    let normalizer = Normalizer::new(kernels);
    let (mut form, mut scratch) = (NormalForm::new(), Scratch::new());
    let bytes: usize = prompts.iter().map(String::len).sum();
    let forms: Vec<NormalForm> = prompts
        .iter()
        .map(|prompt| {
            let mut form = NormalForm::new();
            normalizer.normalize(prompt.as_bytes(), &mut form);
            form
        })
        .collect();
    let figure = |stage, seconds: f64| Figure {
        level: kernels.level().name(),
        text: text.name(),
        prompt_bytes: size,
        stage,
        megabytes_per_s: f64_of(bytes) / seconds / 1e6,
        ns_per_prompt: seconds * 1e9 / f64_of(prompts.len()),
    };
    let mut figures = Vec::new();
    let seconds = best(budget, || {
        for prompt in prompts {
            normalizer.normalize(prompt.as_bytes(), &mut form);
            black_box(form.bytes());
        }
    });
    figures.push(figure("normal form", seconds));
    for (shingle, alone, whole) in [(Shingle::C5, "c5 sketch", "c5 whole"), (Shingle::W3, "w3 sketch", "w3 whole")] {
        let sketcher = sketcher(shingle, kernels);
        let seconds = best(budget, || {
            for form in &forms {
                black_box(sketcher.signature(form, &mut scratch));
            }
        });
        figures.push(figure(alone, seconds));
        let seconds = best(budget, || {
            for prompt in prompts {
                normalizer.normalize(prompt.as_bytes(), &mut form);
                black_box(sketcher.signature(&form, &mut scratch));
            }
        });
        figures.push(figure(whole, seconds));
    }
    figures
}

/// The least of many runs, in seconds: what the machine can do when nobody disturbs it.
fn best(budget: Duration, mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut least = f64::MAX;
    while started.elapsed() < budget || least == f64::MAX {
        let before = Instant::now();
        work();
        least = least.min(before.elapsed().as_secs_f64());
    }
    least.max(1e-9)
}
