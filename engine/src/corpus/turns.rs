//! The turns of conversations: which requests ask which turn, and which parts only tell an earlier one again.
//!
//! A chat of n turns is logged n times, each time with all turns before. One rule makes each turn count once: a part of an
//! earlier turn is left out when the request that asked this turn is here. It looks at the set of requests, not at their
//! order, so however a log is shuffled or sharded, full compaction leaves the same parts. A turn whose own request was
//! never logged stays, in every request that tells it: a made-up history hides nothing.
//!
//! A turn is a keyed hash of the chain of messages up to it and of its sender; no text can be read from it.

use std::collections::{HashMap, HashSet};

use super::{NONE, section};
use crate::column::{Column, Value, encode};
use crate::error::{CorruptKind, Result};
use crate::num::{u32_saturating, usize_of};
use crate::store::segment::{Container, ContainerWriter};

/// The turns of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestTurns {
    /// Those that it asks itself.
    pub asked: Vec<u64>,
    /// Parts that belong to an earlier turn, by their place among the request's parts, ascending.
    pub earlier: Vec<(u32, u64)>,
}

impl RequestTurns {
    /// Whether the part at `place` belongs to an earlier turn.
    #[must_use]
    pub fn is_earlier(&self, place: usize) -> bool {
        self.earlier.binary_search_by_key(&u32_saturating(place), |(place, _)| *place).is_ok()
    }
}

/// The turns of a segment in the making.
#[derive(Debug, Default)]
pub(super) struct Making {
    /// Turn and number of the request that asks it, in order of arrival.
    asked: Vec<(u64, u32)>,
    earlier: Vec<EarlierPart>,
}

/// A part that tells an earlier turn again.
#[derive(Debug, Clone, Copy)]
struct EarlierPart {
    turn: u64,
    part: u32,
    bytes: u32,
}

impl Making {
    /// Takes the turns of request number `request` in, whose parts begin at `first_part` and have `bytes` each.
    pub(super) fn push(&mut self, turns: &RequestTurns, request: u32, first_part: u32, bytes: impl Fn(usize) -> u32) {
        self.asked.extend(turns.asked.iter().map(|turn| (*turn, request)));
        let part = |&(place, turn): &(u32, u64)| EarlierPart {
            turn,
            part: first_part.saturating_add(place),
            bytes: bytes(usize_of(place)),
        };
        self.earlier.extend(turns.earlier.iter().map(part));
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        (self.asked.len() + self.earlier.len()) * 16
    }

    /// Finds the parts to leave out because the segment holds the request that asked their turn, and forgets them; those
    /// that stay come second, with the bytes of their text. Both ascend.
    pub(super) fn settle(&mut self) -> (Vec<u32>, Vec<(u32, u32)>) {
        if self.earlier.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let asked: HashSet<u64> = self.asked.iter().map(|(turn, _)| *turn).collect();
        let (known, kept): (Vec<_>, Vec<_>) = self.earlier.iter().partition(|part| asked.contains(&part.turn));
        self.earlier = kept;
        let mut known: Vec<u32> = known.iter().map(|part| part.part).collect();
        known.sort_unstable();
        let mut kept: Vec<(u32, u32)> = self.earlier.iter().map(|part| (part.part, part.bytes)).collect();
        kept.sort_unstable();
        (known, kept)
    }

    /// Gives the parts that stay their new numbers, after those in `left_out` (ascending) are gone.
    pub(super) fn renumber(&mut self, left_out: &[u32]) {
        for part in &mut self.earlier {
            part.part -= u32_saturating(left_out.partition_point(|gone| *gone < part.part));
        }
    }

    /// Writes the turns, where there are any; `row_of` and `part_of` give the sealed numbers of requests and parts.
    pub(super) fn write(
        &self,
        row_of: impl Fn(u32) -> u32,
        part_of: impl Fn(u32) -> u32,
        writer: &mut ContainerWriter,
    ) -> Result<()> {
        if !self.asked.is_empty() {
            let mut asked: Vec<(u64, u32)> = self.asked.iter().map(|(turn, row)| (*turn, row_of(*row))).collect();
            asked.sort_unstable();
            writer.section(section::TURNS_ASKED, &encode(asked.iter().map(|(turn, _)| *turn)))?;
            writer.section(section::TURN_ROWS, &encode(asked.iter().map(|(_, row)| *row)))?;
        }
        if !self.earlier.is_empty() {
            let mut told: Vec<(u64, u32)> = self.earlier.iter().map(|part| (part.turn, part_of(part.part))).collect();
            told.sort_unstable();
            writer.section(section::TURNS_TOLD, &encode(told.iter().map(|(turn, _)| *turn)))?;
            writer.section(section::TURN_PARTS, &encode(told.iter().map(|(_, part)| *part)))?;
        }
        Ok(())
    }

    /// Whether any part tells an earlier turn.
    pub(super) fn has_earlier(&self) -> bool {
        !self.earlier.is_empty()
    }
}

/// The turns of a sealed segment; all columns are empty in one that holds no conversation.
#[derive(Debug, Clone, Copy)]
pub struct TurnColumns<'a> {
    asked: Column<'a, u64>,
    rows: Column<'a, u32>,
    told: Column<'a, u64>,
    parts: Column<'a, u32>,
}

impl<'a> TurnColumns<'a> {
    pub(super) fn new(container: &'a Container) -> Result<Self> {
        let view = Self {
            asked: optional(container, section::TURNS_ASKED)?,
            rows: optional(container, section::TURN_ROWS)?,
            told: optional(container, section::TURNS_TOLD)?,
            parts: optional(container, section::TURN_PARTS)?,
        };
        for (id, agrees) in [
            (section::TURN_ROWS, view.asked.len() == view.rows.len()),
            (section::TURN_PARTS, view.told.len() == view.parts.len()),
        ] {
            if !agrees {
                return Err(container.damaged(id, CorruptKind::Bounds));
            }
        }
        Ok(view)
    }

    /// The first section whose values point outside `row_count` rows and `part_count` parts, or are out of order.
    pub(super) fn damage(&self, row_count: usize, part_count: usize) -> Option<u32> {
        let below = |column: Column<'_, u32>, end: usize| column.iter().all(|value| usize_of(value) < end);
        let checks = [
            (section::TURNS_ASKED, self.asked.iter().is_sorted()),
            (section::TURN_ROWS, below(self.rows, row_count)),
            (section::TURNS_TOLD, self.told.iter().is_sorted()),
            (section::TURN_PARTS, below(self.parts, part_count)),
        ];
        checks.into_iter().find(|(_, holds)| !holds).map(|(id, _)| id)
    }

    /// The rows that ask `turn`.
    pub fn rows_asking(&self, turn: u64) -> impl Iterator<Item = u32> + use<'a> {
        equal(self.asked, self.rows, turn)
    }

    /// The parts that tell `turn` again, because no request that asks it was here when they came.
    pub fn parts_telling(&self, turn: u64) -> impl Iterator<Item = u32> + use<'a> {
        equal(self.told, self.parts, turn)
    }

    /// All turns asked by row, and those told again by part.
    pub(super) fn by_owner(&self) -> (HashMap<u32, Vec<u64>>, HashMap<u32, u64>) {
        let mut asked: HashMap<u32, Vec<u64>> = HashMap::new();
        for (turn, row) in self.asked.iter().zip(self.rows.iter()) {
            asked.entry(row).or_default().push(turn);
        }
        (asked, self.parts.iter().zip(self.told.iter()).collect())
    }
}

fn optional<T: Value>(container: &Container, id: u32) -> Result<Column<'_, T>> {
    Column::new(container.section(id).unwrap_or_default()).ok_or_else(|| container.damaged(id, CorruptKind::Bounds))
}

/// The values beside the entries of an ascending column that equal `turn`.
fn equal<'a>(turns: Column<'a, u64>, beside: Column<'a, u32>, turn: u64) -> impl Iterator<Item = u32> + use<'a> {
    let (mut low, mut high) = (0, turns.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if turns.get(middle).is_some_and(|held| held < turn) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low..turns.len()).take_while(move |at| turns.get(*at) == Some(turn)).filter_map(move |at| beside.get(at))
}

/// The sealed number of each part, for those who know it by its number of arrival; [`NONE`] for one that is gone.
pub(super) fn new_parts(part_count: usize, ranges: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<u32> {
    let mut new = vec![NONE; part_count];
    for (sealed, part) in (0_u32..).zip(ranges.flatten()) {
        if let Some(slot) = new.get_mut(part) {
            *slot = sealed;
        }
    }
    new
}
