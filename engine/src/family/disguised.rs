//! Which tokens of a text are written with disguised letters, as far as two bytes can say.

use std::ops::RangeInclusive;

/// The place that stands for itself and all behind it.
const FAR: u8 = u8::MAX;

/// Where the first disguised token stands in the ascending list of a text's distinct tokens, and where the last, counted from
/// the end: each counted from one, [`u8::MAX`] from there on, both 0 where none of the list is disguised or nobody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disguised([u8; 2]);

/// What [`Disguised`] says of a list of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'t> {
    /// The first disguised token and the last; `None` where it stands too far from its end to be told.
    pub hidden: [Option<u32>; 2],
    /// The tokens before the first and behind the last, as far as they are told: none of them is disguised.
    pub plain: [&'t [u32]; 2],
}

/// Either end of the disguised tokens of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum End {
    /// The first of them.
    #[default]
    First,
    /// The last.
    Last,
}

impl Told<'_> {
    /// The disguised token at this end.
    #[must_use]
    pub const fn at(&self, end: End) -> Option<u32> {
        let [first, last] = self.hidden;
        match end {
            End::First => first,
            End::Last => last,
        }
    }
}

impl Disguised {
    /// Nothing is disguised, or nobody looked.
    pub const NONE: Self = Self([0; 2]);

    /// The disguised tokens of a list of `count` stand at these `places`, counted from zero.
    #[must_use]
    pub fn between(places: RangeInclusive<usize>, count: usize) -> Self {
        let told = |place: usize| u8::try_from(place).unwrap_or(FAR);
        Self([told(places.start() + 1), told(count.saturating_sub(*places.end()).max(1))])
    }

    /// The two bytes it is on disk.
    #[must_use]
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }

    /// What two bytes on disk say of a list of `count` tokens; `None` where they say what cannot be.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 2], count: usize) -> Option<Self> {
        let [first, last] = bytes.map(usize::from);
        let is_possible = (first == 0) == (last == 0) && (first == 0 || first + last <= count + 1);
        is_possible.then_some(Self(bytes))
    }

    /// What it says of `tokens`, the list it was made of; `None` where it says nothing or cannot be of this list.
    #[must_use]
    pub fn tell<'t>(self, tokens: &'t [u32]) -> Option<Told<'t>> {
        let [before, behind] = self.0.map(|place| usize::from(place).checked_sub(1));
        let (before, behind) = (before?, behind?);
        let (plain_before, rest) = tokens.split_at_checked(before)?;
        let (from_first_to_last, plain_behind) = rest.split_at_checked(rest.len().checked_sub(behind)?)?;
        let known = |place: u8, token: Option<&u32>| token.copied().filter(|_| place < FAR);
        let (first, last) = (from_first_to_last.first()?, from_first_to_last.last());
        Some(Told {
            hidden: [known(self.0[0], Some(first)), known(self.0[1], last)],
            plain: [plain_before, plain_behind],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_was_said() {
        for count in [1_usize, 2, 9, 300, 700] {
            let tokens: Vec<u32> = (0..).step_by(3).take(count).collect();
            for first in (0..count).step_by(7) {
                for last in (first..count).step_by(5) {
                    let disguised = Disguised::between(first..=last, count);
                    assert_eq!(Disguised::from_bytes(disguised.bytes(), count), Some(disguised));
                    let told = disguised.tell(&tokens).expect("told");
                    let (near, near_end) = (first < 254, count - 1 - last < 254);
                    assert_eq!(told.hidden, [near.then(|| tokens[first]), near_end.then(|| tokens[last])]);
                    assert_eq!(told.plain[0], &tokens[..first.min(254)]);
                    assert_eq!(told.plain[1], &tokens[last.max(count.saturating_sub(255)) + 1..]);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        assert_eq!(Disguised::NONE.tell(&[1, 2]), None);
        assert_eq!(Disguised::from_bytes([0; 2], 0), Some(Disguised::NONE));
        for bytes in [[0, 1], [1, 0], [1, 4], [4, 1], [2, 3], [255; 2]] {
            assert_eq!(Disguised::from_bytes(bytes, 3), None, "{bytes:?}");
            assert_eq!(Disguised(bytes).tell(&[1, 2, 3]), None, "{bytes:?}");
        }
    }
}
