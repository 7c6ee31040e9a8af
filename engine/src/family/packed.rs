//! Anchors in few bytes, since every distinct text keeps them on disk: gaps in varints, and five bytes of fingerprint each.

use crate::family::anchor::{Anchor, Anchors};
use crate::limits;
use crate::num;

/// Appends the compact form of `anchors` to `out`: two varints, a count, then per anchor the gap to the one before (a
/// varint, nearly always one byte, absent in the dense head) and five bytes of fingerprint.
pub fn encode(anchors: &Anchors, out: &mut Vec<u8>) {
    // At most ten bytes an anchor, and twenty for the four counts.
    out.reserve(10 * anchors.anchors.len() + 20);
    put_varint(anchors.token_count, out);
    put_varint(anchors.text_bytes, out);
    put_varint(num::u32_saturating(anchors.anchors.len()), out);
    let mut expected = 0;
    let dense = anchors
        .anchors
        .iter()
        .take_while(|a| {
            let fits = a.position == expected;
            expected += 1;
            fits
        })
        .count();
    put_varint(num::u32_saturating(dense), out);
    let mut previous = None;
    for (index, anchor) in anchors.anchors.iter().enumerate() {
        if index >= dense {
            put_varint(anchor.position - previous.map_or(0, |p: u32| p + 1), out);
        }
        previous = Some(anchor.position);
        let bytes = anchor.fingerprint.to_le_bytes();
        out.extend_from_slice(&bytes[..5]);
    }
}

/// Reads what [`encode`] wrote into `out`; `false`, with `out` empty, when the bytes are damaged. Reads no further than
/// [`limits::ANCHORS_MAX`] anchors.
pub fn decode_into(bytes: &[u8], out: &mut Anchors) -> bool {
    out.anchors.clear();
    out.token_count = 0;
    out.text_bytes = 0;
    if read(bytes, out).is_some() {
        return true;
    }
    out.anchors.clear();
    false
}

/// Tokens and bytes of the text that [`encode`] wrote the anchors of, without reading them; `None` for damaged bytes.
#[must_use]
pub fn lengths(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 0;
    Some((take_varint(bytes, &mut at)?, take_varint(bytes, &mut at)?))
}

fn read(bytes: &[u8], out: &mut Anchors) -> Option<()> {
    let mut at = 0;
    out.token_count = take_varint(bytes, &mut at)?;
    out.text_bytes = take_varint(bytes, &mut at)?;
    let count = take_varint(bytes, &mut at)?;
    let dense = take_varint(bytes, &mut at)?;
    if num::usize_of(count) > limits::ANCHORS_MAX || dense > count {
        return None;
    }
    let mut next = 0u32;
    for index in 0..count {
        if index >= dense {
            next = next.checked_add(take_varint(bytes, &mut at)?)?;
        }
        let raw: [u8; 5] = num::bytes_at(bytes, at)?;
        at += 5;
        let [a, b, c, d, e] = raw;
        out.anchors.push(Anchor { fingerprint: u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]), position: next });
        next = next.checked_add(1)?;
    }
    (at == bytes.len()).then_some(())
}

pub(super) fn put_varint(mut n: u32, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(num::low8(n & 0x7f) | 0x80);
        n >>= 7;
    }
    out.push(num::low8(n));
}

pub(super) fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut n = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(*at)?;
        *at += 1;
        let low = u32::from(byte & 0x7f);
        if shift == 28 && low > 0xf {
            return None;
        }
        n |= low << shift;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Anchors of a dense head and then of gaps that take one byte and more.
    fn anchors(count: u32) -> Anchors {
        let place = |n: u32| if n < 24 { n } else { 24 + (n - 24) * (n - 24) };
        let anchor =
            |n: u32| Anchor { fingerprint: u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24, position: place(n) };
        Anchors { anchors: (0..count).map(anchor).collect(), token_count: place(count) + 2, text_bytes: 7 * count }
    }

    #[test]
    fn packed_anchors_come_back_and_damage_never_panics() {
        for count in [0, 1, 2, 5, 50, 500] {
            let anchors = anchors(count);
            let (mut bytes, mut back) = (Vec::new(), Anchors::default());
            encode(&anchors, &mut bytes);
            assert!(decode_into(&bytes, &mut back));
            assert_eq!(anchors, back);
            assert_eq!(lengths(&bytes), Some((anchors.token_count, anchors.text_bytes)));
            for at in 0..bytes.len() {
                assert!(!decode_into(bytes.get(..at).unwrap_or(&[]), &mut back), "cut at {at}");
                let mut damaged = bytes.clone();
                damaged[at] ^= 0xff;
                decode_into(&damaged, &mut back);
                assert!(back.anchors.len() <= limits::ANCHORS_MAX);
            }
        }
    }
}
