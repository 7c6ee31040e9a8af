//! The oracle: looks at everything. Other indexes are tested against it, and small sets need nothing else.

use super::SKETCH_BYTES;

/// The `k` nearest of `sketches` by `distance`, nearest first, equal distances by ascending index; at most `max` away.
pub fn nearest<'a>(
    query: &[u8; SKETCH_BYTES],
    sketches: impl Iterator<Item = &'a [u8; SKETCH_BYTES]>,
    distance: impl Fn(&[u8; SKETCH_BYTES], &[u8; SKETCH_BYTES]) -> u32,
    k: usize,
    max: u32,
) -> Vec<(u32, usize)> {
    let mut hits: Vec<(u32, usize)> = sketches
        .enumerate()
        .map(|(index, sketch)| (distance(query, sketch), index))
        .filter(|(distance, _)| *distance <= max)
        .collect();
    hits.sort_unstable();
    hits.truncate(k);
    hits
}
