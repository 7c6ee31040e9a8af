//! One observed request as the body of a log record: what the maintainer needs to take it into a segment, and nothing more.
//!
//! No text, as everywhere at rest; names and ids are in its head, which is sealed. The parts behind it are what segments
//! keep in the open too: keyed digests and hashes. Sealing costs 1.5 us a kilobyte, so it is done where it hides something.

use super::LEVELS;
use super::builder::{PreparedPart, PreparedRequest};
use super::turns::RequestTurns;
use crate::column::Value;
use crate::family::disguised::Disguised;
use crate::index::SKETCH_BYTES;
use crate::key::Keys;
use crate::limits;
use crate::num::{bytes_at, u16_at, u32_at, u32_saturating, usize_of};
use crate::request::PartKind;
use crate::sketch::EmbeddingCode;

/// The kind of a log record that holds one request.
pub const KIND: u32 = 1;

/// What the head is sealed for.
const PURPOSE: &str = "observed request";

const VERSION: u8 = 1;
const NO_NAME: u16 = u16::MAX;
/// Says of a part that its normal form is empty.
const IS_EMPTY: u8 = 1;
/// Says of a part that an embedding code follows its signature.
const HAS_CODE: u8 = 2;
/// Says of a part that it has disguised tokens; which ones follows.
const IS_DISGUISED: u8 = 4;

/// The body of the record of `request`, its head sealed.
#[must_use]
pub fn seal(request: &PreparedRequest, keys: &Keys) -> Vec<u8> {
    let parts = request.parts.iter();
    let parts_bytes: usize = parts.map(|part| 512 + part.anchors.len() + 4 * part.tokens.len()).sum();
    let mut head = Vec::with_capacity(256);
    encode_head(request, &mut head);
    let head = keys.seal(PURPOSE, &head);
    let mut body = Vec::with_capacity(8 + head.len() + parts_bytes);
    u32_saturating(head.len()).write(&mut body);
    body.extend_from_slice(&head);
    encode_parts(request, &mut body);
    body
}

/// Opens what [`seal`] made; `None` for anything else, or under another key.
#[must_use]
pub fn open(body: &[u8], keys: &Keys) -> Option<PreparedRequest> {
    let mut input = Input(body);
    let head_bytes = usize_of(input.u32()?);
    let mut plain = keys.open(PURPOSE, input.take(head_bytes)?)?;
    plain.extend_from_slice(input.0);
    decode(&plain)
}

/// Appends the head of `request`, all that names anybody, to `out`.
fn encode_head(request: &PreparedRequest, out: &mut Vec<u8>) {
    out.push(VERSION);
    request.identity.write(out);
    request.time_ms.write(out);
    put_name(request.id.as_deref(), out);
    for name in &request.origin {
        put_name(name.as_deref(), out);
    }
}

/// Appends the parts of `request` to `out`.
fn encode_parts(request: &PreparedRequest, out: &mut Vec<u8>) {
    u32_saturating(request.parts.len()).write(out);
    for part in &request.parts {
        let has_code = part.code != EmbeddingCode::EMPTY.0;
        let is_disguised = part.disguised != Disguised::NONE;
        let held = if part.is_empty { IS_EMPTY } else { 0 }
            | if has_code { HAS_CODE } else { 0 }
            | if is_disguised { IS_DISGUISED } else { 0 };
        out.extend_from_slice(&[part.kind.number(), part.flags, held]);
        if is_disguised {
            out.extend_from_slice(&part.disguised.bytes());
        }
        part.fingerprint.write(out);
        part.bytes.write(out);
        out.extend_from_slice(&part.signature);
        if has_code {
            out.extend_from_slice(&part.code);
        }
        u32_saturating(part.anchors.len()).write(out);
        out.extend_from_slice(&part.anchors);
        u32_saturating(part.tokens.len()).write(out);
        // At once: one by one they were a good part of what a record costs.
        let start = out.len();
        out.resize(start + 4 * part.tokens.len(), 0);
        for (to, token) in out[start..].chunks_exact_mut(4).zip(&part.tokens) {
            to.copy_from_slice(&token.to_le_bytes());
        }
    }
}

/// Reads what [`encode_head`] and [`encode_parts`] wrote, one behind the other; `None` for anything else.
fn decode(bytes: &[u8]) -> Option<PreparedRequest> {
    let mut input = Input(bytes);
    if input.take(1)? != [VERSION] {
        return None;
    }
    let identity = u128::from_le_bytes(input.array()?);
    let time_ms = i64::from_le_bytes(input.array()?);
    let id = input.name()?;
    let mut origin: [Option<String>; LEVELS] = Default::default();
    for name in &mut origin {
        *name = input.name()?;
    }
    let part_count = usize_of(input.u32()?);
    if part_count > limits::PARTS_MAX {
        return None;
    }
    let mut parts = Vec::with_capacity(part_count);
    for _ in 0..part_count {
        let head = input.take(3)?;
        let (kind, flags, held) = (PartKind::of_number(*head.first()?)?, *head.get(1)?, *head.get(2)?);
        if held & !(IS_EMPTY | HAS_CODE | IS_DISGUISED) != 0 {
            return None;
        }
        let disguised = if held & IS_DISGUISED == 0 { Disguised::NONE.bytes() } else { input.array()? };
        let fingerprint = u128::from_le_bytes(input.array()?);
        let text_bytes = input.u32()?;
        let signature: [u8; SKETCH_BYTES] = input.array()?;
        let code = if held & HAS_CODE == 0 { EmbeddingCode::EMPTY.0 } else { input.array()? };
        let is_empty = held & IS_EMPTY != 0;
        let anchor_bytes = usize_of(input.u32()?);
        let anchors = input.take(anchor_bytes)?.to_vec();
        let token_count = usize_of(input.u32()?);
        let tokens: Vec<u32> = input.take(token_count.checked_mul(4)?)?.chunks_exact(4).map(u32::read).collect();
        parts.push(PreparedPart {
            kind,
            fingerprint,
            bytes: text_bytes,
            flags,
            disguised: Disguised::from_bytes(disguised, tokens.len())?,
            signature,
            code,
            is_empty,
            anchors,
            tokens,
        });
    }
    input.0.is_empty().then_some(PreparedRequest {
        identity,
        id,
        time_ms,
        origin,
        parts,
        turns: RequestTurns::default(),
    })
}

fn put_name(name: Option<&str>, out: &mut Vec<u8>) {
    let Some(name) = name else { return NO_NAME.write(out) };
    let mut end = name.len().min(limits::NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    u16::try_from(end).unwrap_or(0).write(out);
    out.extend_from_slice(name.as_bytes().get(..end).unwrap_or_default());
}

/// The rest of a body that is being read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        bytes_at(self.take(N)?, 0)
    }

    fn u32(&mut self) -> Option<u32> {
        u32_at(self.take(4)?, 0)
    }

    fn name(&mut self) -> Option<Option<String>> {
        let length = u16_at(self.take(2)?, 0)?;
        if length == NO_NAME {
            return Some(None);
        }
        let bytes = self.take(usize::from(length))?;
        std::str::from_utf8(bytes).ok().map(|name| Some(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> PreparedRequest {
        let part = PreparedPart {
            kind: PartKind::LastUser,
            fingerprint: 77,
            bytes: 12,
            flags: 3,
            disguised: Disguised::NONE,
            signature: [9; SKETCH_BYTES],
            code: [0; SKETCH_BYTES],
            is_empty: false,
            anchors: vec![1, 2, 3],
            tokens: vec![7, 8],
        };
        let mut origin: [Option<String>; LEVELS] = Default::default();
        origin[2] = Some("account é".to_owned());
        PreparedRequest {
            identity: 5,
            id: Some("r1".to_owned()),
            time_ms: -4,
            origin,
            parts: vec![
                part.clone(),
                PreparedPart { code: [7; SKETCH_BYTES], disguised: Disguised::between(0..=1, 2), ..part },
            ],
            turns: RequestTurns::default(),
        }
    }

    fn encode(request: &PreparedRequest, out: &mut Vec<u8>) {
        encode_head(request, out);
        encode_parts(request, out);
    }

    #[test]
    fn a_request_comes_back_and_no_cut_of_it_does() {
        let mut bytes = Vec::new();
        encode(&example(), &mut bytes);
        assert_eq!(format!("{:?}", decode(&bytes)), format!("{:?}", Some(example())));
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_none(), "{end}");
        }
        bytes.push(0);
        assert!(decode(&bytes).is_none());
    }

    #[test]
    fn names_and_ids_are_sealed_and_no_other_key_opens_them() {
        let (keys, other) = (Keys::derive(1, &[7; 32]), Keys::derive(1, &[8; 32]));
        let body = seal(&example(), &keys);
        assert_eq!(format!("{:?}", open(&body, &keys)), format!("{:?}", Some(example())));
        assert!(open(&body, &other).is_none());
        for name in ["account", "r1"] {
            assert!(!body.windows(name.len()).any(|window| window == name.as_bytes()), "{name} can be read");
        }
        for end in 0..body.len() {
            assert!(open(&body[..end], &keys).is_none(), "{end}");
        }
    }

    #[test]
    fn counts_beyond_the_bytes_are_refused_before_anything_is_allocated() {
        let mut bytes = Vec::new();
        encode(&PreparedRequest { parts: Vec::new(), ..example() }, &mut bytes);
        let at = bytes.len() - 4;
        for count in [1_u32, 65, u32::MAX] {
            bytes[at..].copy_from_slice(&count.to_le_bytes());
            assert!(decode(&bytes).is_none(), "{count}");
        }
    }
}
