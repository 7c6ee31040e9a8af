//! Embedding codes of generated traffic, as a graph would hold them: of leaders alone, and some of them kept back as queries.

use std::collections::HashSet;
use std::error::Error;

use promptprint::index::leaders;
use promptprint::num::{f64_of, u64_of, usize_of};
use promptprint::request::parse::{self, ParseOptions};
use promptprint::simd::Kernels;
use promptprint::sketch::{Embedder, Scratch, SketchSeed, Sketcher, Spec};
use promptprint::text::{NormalForm, Normalizer};
use promptprint_datasets::{Model, Output, Recorder, Traffic, TrapSpec};
use xxhash_rust::xxh3::xxh3_128;

/// 1024 sign bits.
pub type Code = [u8; 128];

/// Codes to index, and codes to look for.
#[derive(Debug)]
pub struct Codes {
    /// Codes of leaders.
    pub base: Vec<Code>,
    /// Codes of other leaders of the same traffic, taken evenly over it.
    pub queries: Vec<Code>,
    /// Leaders among the distinct texts that were read, 0 to 1.
    pub leader_share: f64,
}

/// Distinct texts that are read for each leader wanted; a leader has less than one member on average.
const TEXTS_A_LEADER: f64 = 1.9;

/// Makes `n` codes and `query_count` queries from the traffic that `seed` gives: people, traps and two campaigns in the
/// proportions of `datasets/README.md`; user texts only.
/// # Errors
/// When the traffic has too few leaders.
pub fn codes(n: usize, query_count: usize, seed: u64) -> Result<Codes, Box<dyn Error>> {
    let kernels = Kernels::detect();
    let sketch_seed = SketchSeed::new([3; 32]);
    let normalizer = Normalizer::new(kernels);
    let sketcher = Sketcher::new(Spec::default(), &sketch_seed, kernels);
    let embedder = Embedder::new(&sketch_seed, kernels);
    let wanted = n + query_count;
    let texts = promptprint::num::usize_of_f64(f64_of(wanted) * TEXTS_A_LEADER);
    let accounts = (wanted / 1500).max(40);
    let model = Model {
        requests: u64_of(wanted) * 4,
        accounts: None,
        seed,
        start_ms: 1_788_220_800_000,
        days: 30,
        campaigns: vec![
            format!("name=c1,accounts={accounts},templates=4,reword=0.1,rate=8").parse()?,
            format!("name=c2,accounts={accounts},templates=3,style=request,obfuscate=mixed,rate=8").parse()?,
        ],
        traps: TrapSpec::default(),
        bytes_mean: 650.0,
    };
    let mut traffic = Traffic::new(&model)?;
    let mut recorder = Recorder::new(Output::default());
    let (mut line, mut parse_scratch, mut parsed) = (Vec::new(), parse::Scratch::default(), Vec::new());
    let (mut form, mut scratch) = (NormalForm::new(), Scratch::default());
    let mut known = HashSet::new();
    let (mut signatures, mut made) = (Vec::new(), Vec::new());
    while made.len() < texts {
        line.clear();
        if !recorder.write_next(&mut traffic, &mut line, None)? {
            break;
        }
        parsed.clear();
        parse::parse_line(&line, &ParseOptions::default(), &mut parse_scratch, &mut parsed)?;
        for part in parsed.iter().flat_map(|one| &one.request.parts).filter(|part| part.kind.class() == 1) {
            normalizer.normalize(part.text.as_bytes(), &mut form);
            if !form.is_empty() && known.insert(xxh3_128(form.bytes())) {
                signatures.push(sketcher.signature(&form, &mut scratch).0);
                made.push(embedder.code(&form).0);
            }
        }
    }
    let unequal = |a: &Code, b: &Code| kernels.unequal_bytes(a, b);
    let leader_of = leaders::assign(made.len(), |i| &signatures[i], |_| 1, |_| false, unequal);
    let mut leading = leader_of.iter().enumerate().filter(|(i, leader)| usize_of(**leader) == *i).map(|(i, _)| made[i]);
    let mut codes = Codes { base: Vec::with_capacity(n), queries: Vec::new(), leader_share: 0.0 };
    let step = wanted / query_count.max(1);
    for (code, at) in leading.by_ref().take(wanted).zip(0..) {
        let is_query = at % step == step - 1 && codes.queries.len() < query_count;
        if is_query { codes.queries.push(code) } else { codes.base.push(code) }
    }
    let leader_count = wanted + leading.count();
    codes.leader_share = f64_of(leader_count) / f64_of(made.len());
    if codes.base.len() != n || codes.queries.len() != query_count {
        return Err(format!("{} texts have fewer than {wanted} leaders", made.len()).into());
    }
    Ok(codes)
}
