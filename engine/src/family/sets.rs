//! Disjoint sets, joined towards the smaller number so that the outcome does not depend on the order of joins.

use crate::num;
use crate::simd::table;

/// Numbers `0..count`, each in one set.
pub(super) struct Sets(Vec<u32>);

impl Sets {
    /// Every number in a set of its own.
    pub(super) fn new(count: usize) -> Self {
        let mut parents: Vec<u32> = table(count);
        parents.iter_mut().zip(0u32..).for_each(|(parent, own)| *parent = own);
        Self(parents)
    }

    fn parent(&self, of: u32) -> u32 {
        self.0.get(num::usize_of(of)).copied().unwrap_or(of)
    }

    /// The smallest number of the set; halves the path on its way.
    pub(super) fn root(&mut self, mut of: u32) -> u32 {
        while self.parent(of) != of {
            let grand = self.parent(self.parent(of));
            if let Some(slot) = self.0.get_mut(num::usize_of(of)) {
                *slot = grand;
            }
            of = grand;
        }
        of
    }

    /// Makes the sets of `a` and `b` one.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(num::usize_of(a.max(b))) {
            *slot = a.min(b);
        }
    }

    /// Numbers the sets from 0 by their smallest member: the set of every member, and how many there are.
    pub(super) fn number(&mut self) -> (Vec<u32>, usize) {
        let (mut numbers, mut next): (Vec<u32>, u32) = (table(self.0.len()), 0);
        for of in 0..num::u32_saturating(self.0.len()) {
            let root = self.root(of);
            let number = if root == of { next } else { numbers.get(num::usize_of(root)).copied().unwrap_or(0) };
            next += u32::from(root == of);
            if let Some(slot) = numbers.get_mut(num::usize_of(of)) {
                *slot = number;
            }
        }
        (numbers, num::usize_of(next))
    }
}

/// Values that are told again and again, each once: they are put in order whenever there is no room for more.
#[derive(Debug)]
pub(super) struct Distinct<T>(Vec<T>);

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Distinct<T> {
    pub(super) fn push(&mut self, value: T) {
        if self.0.len() == self.0.capacity() {
            self.put_in_order();
            // Sorting must not become the work.
            self.0.reserve(self.0.len() / 2 + 1024);
        }
        self.0.push(value);
    }

    fn put_in_order(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// Ascending.
    pub(super) fn into_vec(mut self) -> Vec<T> {
        self.put_in_order();
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_numbered_by_their_smallest_member_in_any_order_of_joins() {
        let joins = [(5, 2), (2, 9), (7, 1)];
        let mut expected = None;
        for rotation in 0..joins.len() {
            let mut sets = Sets::new(10);
            for step in 0..joins.len() {
                let (a, b) = joins[(rotation + step) % joins.len()];
                sets.join(a, b);
            }
            let numbered = sets.number();
            assert_eq!(numbered.1, 7);
            assert_eq!(expected.get_or_insert(numbered.clone()), &numbered);
        }
    }

    #[test]
    fn what_is_told_again_is_held_once() {
        let mut distinct = Distinct::default();
        for n in 0..20_000_u32 {
            distinct.push(n.wrapping_mul(7919) % 300);
        }
        assert!(distinct.0.capacity() < 5_000, "{} places for 300 values", distinct.0.capacity());
        assert_eq!(distinct.into_vec(), (0..300).collect::<Vec<_>>());
    }
}
