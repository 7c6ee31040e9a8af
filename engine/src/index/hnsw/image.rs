//! The graph image: what a [`Draft`] writes and a [`super::Graph`] reads, byte for byte.
//!
//! All integers are little-endian; sections start at multiples of 64 and follow each other in this order, the gaps zero.
//!
//! | section | bytes | what |
//! |---|---|---|
//! | header | 128 | [`Header`] |
//! | records | 256 a node | the sketch, then 32 links of 4 bytes; `0xffff_ffff` behind the last; entry points are the first nodes |
//! | rows | 4 a node | the row; the top bit says that the node has twins |
//! | twins | 8 a twin | node and row of every further row with the same sketch, ascending |

use std::io::{self, Write};

use xxhash_rust::xxh3::xxh3_64;

use super::draft::Draft;
use super::record::{NO_LINK, Node, RECORD_BYTES};
use super::{DEGREE, Metric, Row};
use crate::error::CorruptKind;
use crate::num::{bytes_at, u32_at, u32_saturating, u64_at, u64_of, usize_of};

/// The first bytes of every graph image.
const MAGIC: [u8; 8] = *b"ppgraph\n";

/// The version this build writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;

/// Bytes of the header, and where the records start.
pub(super) const HEADER_BYTES: usize = 128;

/// Bytes of the header that its checksum covers.
const HEADER_CHECKED: usize = 56;

/// Sections start at multiples of a cache line.
const ALIGN: u64 = 64;

/// Set in a row when its node has twins.
pub(super) const HAS_TWINS: u32 = 1 << 31;

/// The header: magic, then these, then a checksum of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) metric: Metric,
    pub(super) nodes: u32,
    pub(super) entries: u32,
    pub(super) twins: u32,
}

/// What is wrong with a header, before a path is known.
pub(super) enum Flaw {
    /// Damaged, at this offset.
    Damaged(u64, CorruptKind),
    /// Of this other version.
    Version(u32),
}

/// Where the sections lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) records: u64,
    pub(super) rows: u64,
    pub(super) twins: u64,
    pub(super) end: u64,
}

impl Header {
    /// The layout that follows from the counts; 64 bits hold it for all counts.
    pub(super) fn layout(&self) -> Layout {
        let records = u64_of(HEADER_BYTES);
        let rows = records + u64::from(self.nodes) * u64_of(RECORD_BYTES);
        let twins = (rows + u64::from(self.nodes) * 4).next_multiple_of(ALIGN);
        let end = (twins + u64::from(self.twins) * 8).next_multiple_of(ALIGN);
        Layout { records, rows, twins, end }
    }

    /// The header's bytes.
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        for word in [
            VERSION,
            self.metric.number(),
            u32_saturating(DEGREE),
            u32_saturating(RECORD_BYTES),
            self.nodes,
            self.entries,
            self.twins,
            0,
        ] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.layout().end.to_le_bytes());
        bytes.resize(HEADER_CHECKED, 0);
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes_at(&bytes, 0).unwrap_or([0; HEADER_BYTES])
    }

    /// Reads and checks a header, and that the sections it promises are all of `image`.
    pub(super) fn parse(image: &[u8]) -> Result<Self, Flaw> {
        let truncated = Flaw::Damaged(u64_of(image.len()), CorruptKind::Truncated);
        let Some(bytes) = bytes_at::<HEADER_BYTES>(image, 0) else { return Err(truncated) };
        if !bytes.starts_with(&MAGIC) {
            return Err(Flaw::Damaged(0, CorruptKind::Magic));
        }
        let word = |at: usize| u32_at(&bytes, 8 + 4 * at).unwrap_or(0);
        let version = word(0);
        if version != VERSION {
            return Err(Flaw::Version(version));
        }
        let checksum = u64_at(&bytes, HEADER_CHECKED).unwrap_or(0);
        if checksum != xxh3_64(bytes.get(..HEADER_CHECKED).unwrap_or(&[])) {
            return Err(Flaw::Damaged(0, CorruptKind::Checksum));
        }
        let damaged = |at: u64, kind| Err(Flaw::Damaged(8 + 4 * at, kind));
        let Some(metric) = Metric::of_number(word(1)) else { return damaged(1, CorruptKind::Value) };
        if usize_of(word(2)) != DEGREE {
            return damaged(2, CorruptKind::Value);
        }
        if usize_of(word(3)) != RECORD_BYTES {
            return damaged(3, CorruptKind::Value);
        }
        let header = Self { metric, nodes: word(4), entries: word(5), twins: word(6) };
        if header.nodes > Row::MAX {
            return damaged(4, CorruptKind::Bounds);
        }
        if header.entries > header.nodes || (header.entries == 0) != (header.nodes == 0) {
            return damaged(5, CorruptKind::Bounds);
        }
        let end = header.layout().end;
        if u64_at(&bytes, 40) != Some(end) {
            return Err(Flaw::Damaged(40, CorruptKind::Bounds));
        }
        match u64_of(image.len()).cmp(&end) {
            std::cmp::Ordering::Less => Err(truncated),
            std::cmp::Ordering::Greater => Err(Flaw::Damaged(end, CorruptKind::Bounds)),
            std::cmp::Ordering::Equal => Ok(header),
        }
    }
}

impl Draft {
    /// Bytes of the image.
    #[must_use]
    pub fn image_bytes(&self) -> u64 {
        self.header().layout().end
    }

    /// The graph image as one run of bytes. [`Draft::write_to`] needs no second copy in memory.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(crate::num::usize_of_u64(self.image_bytes()).unwrap_or(0));
        match self.write_to(&mut image) {
            Ok(()) => image,
            // Writing to memory does not fail.
            Err(_) => Vec::new(),
        }
    }

    /// Writes the graph image; the same graph gives the same bytes.
    /// # Errors
    /// What `out` says.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let header = self.header();
        let layout = header.layout();
        let order = self.numbering();
        let mut number = vec![NO_LINK; self.nodes.len()];
        for (&old, new) in order.iter().zip(0u32..) {
            number[usize_of(old)] = new;
        }
        let mut twins: Vec<(u32, u32)> = self.twins.iter().map(|&(node, row)| (number[usize_of(node)], row)).collect();
        twins.sort_unstable();
        let mut has_twins = vec![false; self.nodes.len()];
        for &(node, _) in &twins {
            has_twins[usize_of(node)] = true;
        }

        out.write_all(&header.encode())?;
        for &old in &order {
            let mut record = self.nodes[usize_of(old)].clone();
            record.set_links(self.nodes[usize_of(old)].links().map(|link| number[usize_of(link)]));
            out.write_all(record.bytes())?;
        }
        for (&old, &flag) in order.iter().zip(&has_twins) {
            let row = self.rows[usize_of(old)] | if flag { HAS_TWINS } else { 0 };
            out.write_all(&row.to_le_bytes())?;
        }
        pad(out, layout.twins - layout.rows - 4 * u64::from(header.nodes))?;
        for (node, row) in twins {
            out.write_all(&node.to_le_bytes())?;
            out.write_all(&row.to_le_bytes())?;
        }
        pad(out, layout.end - layout.twins - 8 * u64::from(header.twins))
    }

    fn header(&self) -> Header {
        Header {
            metric: self.metric,
            nodes: u32_saturating(self.nodes.len()),
            entries: u32_saturating(self.entries.len()),
            twins: u32_saturating(self.twins.len()),
        }
    }

    /// The order in which nodes are written: the entry points, which are swept one after the other, then around each entry
    /// point what is reached from it first, so that nodes that are visited together share memory pages.
    fn numbering(&self) -> Vec<u32> {
        const UNSEEN: u32 = u32::MAX;
        let mut home = vec![UNSEEN; self.nodes.len()];
        let mut queue: Vec<u32> = Vec::with_capacity(self.nodes.len());
        for (&entry, at) in self.entries.iter().zip(0u32..) {
            home[usize_of(entry)] = at;
            queue.push(entry);
        }
        let mut at = 0;
        while let Some(&node) = queue.get(at) {
            at += 1;
            for link in self.nodes[usize_of(node)].links() {
                if home[usize_of(link)] == UNSEEN {
                    home[usize_of(link)] = home[usize_of(node)];
                    queue.push(link);
                }
            }
        }
        // A node that nothing reaches (there is none after a repair) still has to be written.
        queue.extend(self.ids().into_iter().filter(|&id| home[usize_of(id)] == UNSEEN));
        if let Some(rest) = queue.get_mut(self.entries.len()..) {
            // Stable: within one home the order of discovery stays.
            rest.sort_by_key(|&node| home[usize_of(node)]);
        }
        queue
    }
}

/// Writes zeros; gaps are shorter than [`ALIGN`].
fn pad(out: &mut impl Write, bytes: u64) -> io::Result<()> {
    for _ in 0..bytes {
        out.write_all(&[0])?;
    }
    Ok(())
}
