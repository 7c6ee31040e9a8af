//! Static models in Model2Vec format: each token has a vector, and a text is the sum of its tokens' vectors.
//!
//! The floats of the model are brought to fixed point when it is loaded, and summed as integers, so the code of a text does
//! not depend on the CPU, on the order of a sum or on the compiler.

use std::sync::Arc;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tokenizers::Tokenizer;

use super::rotate::{self, RotationKeys};
use super::vector::{exponent, fixed_point, flips};
use super::{CODE_BITS, EmbeddingCode};
use crate::error::{Error, Result};
use crate::num::{f32_of, f32_of_u32, u32_at, u64_at, u64_of, usize_of};
use crate::simd::Kernels;

/// Bytes of a text that a model is asked about: tokenizers take far longer than hashing, and the beginning says what a
/// prompt is about.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The longest vector of a token that is taken.
const DIMENSIONS_MAX: usize = 4096;

/// Bits behind the point of a token's weight.
const WEIGHT_BITS: u32 = 16;

/// A model: shared by all threads.
pub struct StaticModel {
    tokenizer: Tokenizer,
    /// Fixed point; a row after the other.
    rows: Vec<i32>,
    dimensions: usize,
    /// The row of each token where the model says so; else a token's number is its row.
    row_of: Option<Vec<u32>>,
    /// The weight of each token in fixed point, where the model has any.
    weights: Option<Vec<i32>>,
    unknown: Option<u32>,
    origin: String,
}

impl std::fmt::Debug for StaticModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StaticModel({}, {} numbers a token)", self.origin, self.dimensions)
    }
}

impl StaticModel {
    /// Reads a model from the bytes of its `tokenizer.json` and `model.safetensors`. The vectors are the tensor `embeddings`
    /// (or `embedding.weight`), a row a token; `weights` and `mapping` are taken where they are there.
    /// # Errors
    /// [`Error::InvalidArgument`] naming what cannot be used.
    pub fn from_bytes(tokenizer: &[u8], tensors: &[u8]) -> Result<Arc<Self>> {
        let wrong = |reason: String| Error::InvalidArgument { argument: "model", reason };
        let digest = blake3::Hasher::new().update(tokenizer).update(tensors).finalize();
        let parsed = SafeTensors::deserialize(tensors).map_err(|error| wrong(format!("model.safetensors: {error}")))?;
        let tokenizer = Tokenizer::from_bytes(tokenizer).map_err(|error| wrong(format!("tokenizer.json: {error}")))?;
        let table = parsed
            .tensor("embeddings")
            .or_else(|_| parsed.tensor("embedding.weight"))
            .map_err(|_| wrong("model.safetensors has no tensor named embeddings".to_owned()))?;
        let &[row_count, dimensions] = table.shape() else {
            return Err(wrong(format!("embeddings has the shape {:?}, not rows by numbers", table.shape())));
        };
        if dimensions == 0 || dimensions > DIMENSIONS_MAX {
            return Err(wrong(format!("a vector has {dimensions} numbers, not 1 to {DIMENSIONS_MAX}")));
        }
        let numbers = floats(&table).ok_or_else(|| wrong(format!("embeddings are of type {:?}", table.dtype())))?;
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(wrong("a number of the embeddings is not finite".to_owned()));
        }
        let top = numbers.iter().map(|&number| exponent(number)).max().unwrap_or(0);
        let rows = numbers.iter().map(|&number| fixed_point(number, top)).collect();
        let row_of = match parsed.tensor("mapping") {
            Ok(tensor) => Some(integers(&tensor).ok_or_else(|| wrong("mapping is not of integers".to_owned()))?),
            Err(_) => None,
        };
        if row_of.iter().flatten().any(|&row| usize_of(row) >= row_count) {
            return Err(wrong("mapping names a row that is not there".to_owned()));
        }
        let weights = match parsed.tensor("weights") {
            Ok(tensor) => Some(floats(&tensor).ok_or_else(|| wrong("weights are not floats".to_owned()))?),
            Err(_) => None,
        };
        let weights = weights.map(|weights| weights.into_iter().map(fixed_weight).collect());
        let unknown = ["[UNK]", "<unk>"].into_iter().find_map(|token| tokenizer.token_to_id(token));
        let origin = format!("model {}", &digest.to_hex()[..16]);
        Ok(Arc::new(Self { tokenizer, rows, dimensions, row_of, weights, unknown, origin }))
    }

    /// The name under which a store remembers this model: it follows from its bytes.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The code of a text; [`EmbeddingCode::EMPTY`] when the model knows none of its tokens, or cannot cut it into any.
    pub(super) fn code(&self, text: &str, keys: &RotationKeys, kernels: Kernels) -> EmbeddingCode {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let Ok(tokens) = self.tokenizer.encode_fast(text.get(..end).unwrap_or_default(), false) else {
            return EmbeddingCode::EMPTY;
        };
        let mut sums = vec![0_i64; self.dimensions];
        for &token in tokens.get_ids().iter().filter(|token| Some(**token) != self.unknown) {
            let row = match &self.row_of {
                Some(rows) => rows.get(usize_of(token)).copied(),
                None => Some(token),
            };
            let start = row.and_then(|row| usize_of(row).checked_mul(self.dimensions));
            let Some(vector) = start.and_then(|start| self.rows.get(start..start + self.dimensions)) else { continue };
            let weight = self
                .weights
                .as_ref()
                .map_or(1 << WEIGHT_BITS, |weights| weights.get(usize_of(token)).copied().unwrap_or(1 << WEIGHT_BITS));
            for (sum, number) in sums.iter_mut().zip(vector) {
                *sum += (i64::from(*number) * i64::from(weight)) >> WEIGHT_BITS;
            }
        }
        fold(&sums, keys, kernels)
    }
}

/// Brings the sums into 1024 numbers of at most 29 bits, and rotates them.
fn fold(sums: &[i64], keys: &RotationKeys, kernels: Kernels) -> EmbeddingCode {
    let mut folded = [0_i64; CODE_BITS];
    for (at, sum) in sums.iter().enumerate() {
        let flip = at >= CODE_BITS && flips(keys.long, u64_of(at));
        folded[at % CODE_BITS] += if flip { -sum } else { *sum };
    }
    let top = folded.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
    if top == 0 {
        return EmbeddingCode::EMPTY;
    }
    let shift = (64 - top.leading_zeros()).saturating_sub(29);
    let mut numbers = [0_i32; CODE_BITS];
    for (number, sum) in numbers.iter_mut().zip(&folded) {
        // At most 29 bits are left.
        *number = i32::try_from(sum >> shift).unwrap_or(0);
    }
    rotate::code(&mut numbers, rotate::Damp::No, keys, kernels)
}

/// The numbers of a tensor of floats; `None` for any other.
fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F16 => Some(data.as_chunks().0.iter().map(|&bytes| float_of_half(u16::from_le_bytes(bytes))).collect()),
        Dtype::BF16 => {
            let wide = |&[low, high]: &[u8; 2]| f32::from_le_bytes([0, 0, low, high]);
            Some(data.as_chunks().0.iter().map(wide).collect())
        }
        Dtype::F32 => Some(data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()),
        Dtype::F64 => Some(data.as_chunks().0.iter().map(|&bytes| f32_of(f64::from_le_bytes(bytes))).collect()),
        _ => None,
    }
}

/// The numbers of a tensor of integers that are rows; `None` for any other.
fn integers(tensor: &TensorView<'_>) -> Option<Vec<u32>> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::I32 | Dtype::U32 => Some((0..data.len() / 4).filter_map(|at| u32_at(data, 4 * at)).collect()),
        Dtype::I64 | Dtype::U64 => {
            (0..data.len() / 8).map(|at| u64_at(data, 8 * at).and_then(|row| u32::try_from(row).ok())).collect()
        }
        _ => None,
    }
}

/// The exact value of a half-precision number.
fn float_of_half(bits: u16) -> f32 {
    let (sign, exponent, digits) = (u32::from(bits >> 15), u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        // Below the normal numbers the digits count units of 2^-24.
        0 => {
            let size = f32_of_u32(digits) / 16_777_216.0;
            if sign == 0 { size } else { -size }
        }
        0x1f => f32::from_bits(sign << 31 | 0xff << 23 | digits << 13),
        _ => f32::from_bits(sign << 31 | (exponent + 112) << 23 | digits << 13),
    }
}

/// A weight in fixed point; one that is no number, or 32,768 and more, counts as far as fixed point goes.
fn fixed_weight(weight: f32) -> i32 {
    let scaled = crate::num::f64_of_f32(weight) * 65_536.0;
    i32::try_from(crate::num::i64_of_f64(scaled)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Embedder, cosine_of_unequal_bits};
    use super::*;
    use crate::simd::Level;
    use crate::sketch::SketchSeed;
    use crate::text::{NormalForm, Normalizer};
    use safetensors::tensor::serialize;

    const TOKENIZER: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,"model":{"type":"WordLevel",
        "vocab":{"[UNK]":0,"cat":1,"kitten":2,"car":3,"truck":4},"unk_token":"[UNK]"}}"#;

    fn tensors(parts: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
        let views = parts
            .iter()
            .filter_map(|(name, dtype, shape, data)| Some((*name, TensorView::new(*dtype, shape.clone(), data).ok()?)));
        serialize(views, None).unwrap_or_default()
    }

    fn bytes(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Five tokens of three numbers: animals on one side, vehicles on the other, the unknown far off.
    fn tiny() -> Vec<u8> {
        let table = [9.0, 9.0, 9.0, 1.0, 0.1, 0.0, 0.9, 0.2, 0.05, -0.1, 1.0, 0.3, 0.0, 0.9, 0.35];
        tensors(&[("embeddings", Dtype::F32, vec![5, 3], bytes(&table))])
    }

    fn code_at(level: Level, model: &Arc<StaticModel>, text: &str) -> Option<EmbeddingCode> {
        let kernels = Kernels::for_level(level).ok()?;
        let mut form = NormalForm::new();
        Normalizer::new(kernels).normalize(text.as_bytes(), &mut form);
        Some(Embedder::new(&SketchSeed::new([7; 32]), kernels).code_by_model(model, &form))
    }

    fn cosine(model: &Arc<StaticModel>, a: &str, b: &str) -> f32 {
        let (a, b) = (code_at(Level::Scalar, model, a), code_at(Level::Scalar, model, b));
        let (Some(a), Some(b)) = (a, b) else { panic!("the scalar level is everywhere") };
        cosine_of_unequal_bits(Kernels::detect().hamming(&a.0, &b.0))
    }

    fn loaded(tokenizer: &[u8], tensors: &[u8]) -> Arc<StaticModel> {
        match StaticModel::from_bytes(tokenizer, tensors) {
            Ok(model) => model,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn texts_are_as_near_as_their_tokens_say() {
        let model = loaded(TOKENIZER.as_bytes(), &tiny());
        assert!(cosine(&model, "cat", "kitten") > 0.9);
        assert!(cosine(&model, "cat", "car").abs() < 0.3);
        assert!(cosine(&model, "car unheard", "Car") > 0.999, "unknown tokens count for nothing");
        let nothing = code_at(Level::Scalar, &model, "neither of these");
        assert!(nothing.is_some_and(|code| code.is_empty()));
        assert_ne!(model.origin(), loaded(format!("{TOKENIZER} ").as_bytes(), &tiny()).origin());
    }

    #[test]
    fn weights_and_mapping_are_taken() {
        let table = bytes(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let mapping: Vec<u8> = [1_i32, 0, 0, 1, 1].iter().flat_map(|row| row.to_le_bytes()).collect();
        let weights = bytes(&[1.0, 1.0, 1.0, 0.0, 1.0]);
        let parts = [
            ("embeddings", Dtype::F32, vec![2, 3], table.clone()),
            ("mapping", Dtype::I32, vec![5], mapping),
            ("weights", Dtype::F32, vec![5], weights),
        ];
        let model = loaded(TOKENIZER.as_bytes(), &tensors(&parts));
        assert!(cosine(&model, "cat", "kitten") > 0.999);
        assert!(cosine(&model, "cat car", "cat") > 0.999, "a token without weight counts for nothing");
        assert!(cosine(&model, "truck", "cat").abs() < 0.3);
    }

    #[test]
    fn models_that_cannot_be_used_are_refused_by_name() {
        let far: Vec<u8> = [7_i32; 5].iter().flat_map(|row| row.to_le_bytes()).collect();
        let table = || bytes(&[0.5; 15]);
        for (tokenizer, tensors, told) in [
            ("{}", tiny(), "tokenizer.json"),
            (TOKENIZER, b"short".to_vec(), "model.safetensors"),
            (TOKENIZER, tensors(&[("other", Dtype::F32, vec![5, 3], table())]), "embeddings"),
            (TOKENIZER, tensors(&[("embeddings", Dtype::F32, vec![15], table())]), "shape"),
            (TOKENIZER, tensors(&[("embeddings", Dtype::I32, vec![5, 3], table())]), "type"),
            (TOKENIZER, tensors(&[("embeddings", Dtype::F32, vec![5, 3], bytes(&[f32::NAN; 15]))]), "finite"),
            (
                TOKENIZER,
                tensors(&[("embeddings", Dtype::F32, vec![5, 3], table()), ("mapping", Dtype::I32, vec![5], far)]),
                "mapping",
            ),
        ] {
            let error = StaticModel::from_bytes(tokenizer.as_bytes(), &tensors).err();
            assert!(error.as_ref().is_some_and(|error| error.to_string().contains(told)), "{told}: {error:?}");
        }
    }

    #[test]
    fn half_precision_is_exact() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 5.960_464_5e-8), (0x7bff, 65504.0), (0x8000, -0.0)]
        {
            assert_eq!(float_of_half(bits).to_bits(), f32::to_bits(value));
        }
        assert!(float_of_half(0x7e00).is_nan());
    }

    /// A real model in the folder that PROMPTPRINT_MODEL names; `tests/model/run` fetches one and sets it.
    #[test]
    fn a_real_model_knows_what_words_mean_on_every_level() {
        let Some(folder) = std::env::var_os("PROMPTPRINT_MODEL").map(std::path::PathBuf::from) else {
            eprintln!("skipped: PROMPTPRINT_MODEL is not set");
            return;
        };
        let read = |name: &str| match std::fs::read(folder.join(name)) {
            Ok(bytes) => bytes,
            Err(error) => panic!("{name}: {error}"),
        };
        let model = loaded(&read("tokenizer.json"), &read("model.safetensors"));
        let text = "Write a short poem about the sea at night.";
        let (near, far) =
            ("Compose brief verses on the ocean after dark.", "Fix the null pointer error in this function.");
        let (near, far) = (cosine(&model, text, near), cosine(&model, text, far));
        println!("cosine of a paraphrase {near:.3}, of another task {far:.3}");
        assert!(near > far + 0.1, "{near} and {far}");
        let codes: Vec<EmbeddingCode> =
            Level::ALL.into_iter().filter_map(|level| code_at(level, &model, text)).collect();
        assert!(codes.windows(2).all(|pair| pair[0] == pair[1]));
        let checksum = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&codes[0].0));
        println!("checksum of the code: {checksum}");
        // Known for the model that the script fetches: the same on every machine.
        if let Ok(known) = std::env::var("PROMPTPRINT_MODEL_CODE") {
            assert_eq!(checksum, known);
        }
    }
}
