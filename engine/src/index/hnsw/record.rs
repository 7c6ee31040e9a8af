//! One node of the flat graph as it lies in memory and in the file: a sketch, and the list of its links.

use super::{DEGREE, SKETCH_BYTES};

/// Bytes of a node: the sketch, then [`DEGREE`] links of 4 bytes, little-endian.
pub(super) const RECORD_BYTES: usize = SKETCH_BYTES + 4 * DEGREE;

/// Fills the slots of a list behind its last link.
pub(super) const NO_LINK: u32 = u32::MAX;

/// What a search needs of a node; for nodes in memory and for those in a file.
pub(super) trait Node: Sync {
    /// The node's bytes.
    fn bytes(&self) -> &[u8; RECORD_BYTES];

    /// The sketch.
    #[inline(always)]
    fn sketch(&self) -> &[u8; SKETCH_BYTES] {
        let (halves, _) = self.bytes().as_chunks::<SKETCH_BYTES>();
        &halves[0]
    }

    /// The list as it lies: little-endian, [`NO_LINK`] behind the last link.
    #[inline(always)]
    fn list(&self) -> &[u8; 4 * DEGREE] {
        let (halves, _) = self.bytes().as_chunks::<{ 4 * DEGREE }>();
        &halves[1]
    }

    /// The links, nearest or oldest first, as they were stored; any number may come from a damaged file.
    #[inline(always)]
    fn links(&self) -> impl Iterator<Item = u32> + '_ {
        self.list().as_chunks::<4>().0.iter().map(|&slot| u32::from_le_bytes(slot)).take_while(|&link| link != NO_LINK)
    }
}

/// A node in a file, at whatever address the file lies.
impl Node for [u8; RECORD_BYTES] {
    #[inline(always)]
    fn bytes(&self) -> &Self {
        self
    }
}

/// A node in memory; aligned, so that a sketch never touches a third cache line.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct Record([u8; RECORD_BYTES]);

impl Node for Record {
    #[inline(always)]
    fn bytes(&self) -> &[u8; RECORD_BYTES] {
        &self.0
    }
}

impl Record {
    /// A node without links.
    pub(super) fn new(sketch: &[u8; SKETCH_BYTES]) -> Self {
        let mut bytes = [0xff; RECORD_BYTES];
        bytes[..SKETCH_BYTES].copy_from_slice(sketch);
        Self(bytes)
    }

    /// Replaces the list; links past [`DEGREE`] are dropped.
    pub(super) fn set_links(&mut self, links: impl IntoIterator<Item = u32>) {
        let (slots, _) = self.0[SKETCH_BYTES..].as_chunks_mut::<4>();
        let mut links = links.into_iter();
        for slot in slots {
            *slot = links.next().unwrap_or(NO_LINK).to_le_bytes();
        }
    }

    /// How many links the list has.
    pub(super) fn link_count(&self) -> usize {
        self.links().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_as_it_was_stored() {
        let mut record = Record::new(&[7; SKETCH_BYTES]);
        assert_eq!(record.link_count(), 0);
        record.set_links([3, 1, 2]);
        assert_eq!(record.links().collect::<Vec<_>>(), [3, 1, 2]);
        record.set_links(0..40);
        assert_eq!(record.links().collect::<Vec<_>>(), (0..32).collect::<Vec<_>>());
        assert_eq!(record.sketch(), &[7; SKETCH_BYTES]);
    }
}
