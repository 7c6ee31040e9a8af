//! Finding words and hashing them, given a mask of the spaces in 64 bytes; that mask alone differs between levels.

use super::{HASHES_MAX, HashKeys, Hashes};

/// Hashes each word of `text` from `from` on, until `out` holds [`HASHES_MAX`] or the text ends; `from` is the start of a
/// word. Returns where the next word starts, beyond the text when there is none, and how many words were hashed.
#[inline(always)]
pub(super) fn hash_words(
    text: &[u8],
    from: usize,
    keys: &HashKeys,
    out: &mut Hashes,
    spaces: impl Fn(&[u8; 64]) -> u64,
) -> (usize, usize) {
    let (mut start, mut count, mut block) = (from, 0, from);
    while let Some(rest) = text.get(block..).filter(|rest| !rest.is_empty()) {
        let mut mask = match rest.first_chunk::<64>() {
            Some(bytes) => spaces(bytes),
            None => {
                let mut bytes = [0; 64];
                bytes.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
                spaces(&bytes)
            }
        };
        while mask != 0 {
            if count == HASHES_MAX {
                return (start, count);
            }
            let end = block + crate::num::usize_of(mask.trailing_zeros());
            out[count] = hash_word(text, start, end, keys);
            count += 1;
            start = end + 1;
            mask &= mask - 1;
        }
        block += 64;
    }
    if start <= text.len() && from < text.len() && count < HASHES_MAX {
        out[count] = hash_word(text, start, text.len(), keys);
        return (text.len() + 1, count + 1);
    }
    (start, count)
}

/// [`HashKeys::hash_word`] with a short cut for words of at most eight bytes that do not end the text.
#[inline(always)]
fn hash_word(text: &[u8], start: usize, end: usize, keys: &HashKeys) -> u32 {
    let length = end.saturating_sub(start);
    if let Some(bytes) = text.get(start..).and_then(|rest| rest.first_chunk::<8>())
        && (1..=8).contains(&length)
    {
        let kept = u64::MAX >> (64 - 8 * length);
        return keys.step_word(keys.start_word(length), u64::from_le_bytes(*bytes) & kept);
    }
    keys.hash_word(text.get(start..end).unwrap_or_default())
}
