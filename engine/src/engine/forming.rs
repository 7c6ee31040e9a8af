//! Templates that this process noticed and no sealed table holds yet, with how many requests and accounts use them.

use std::sync::{Mutex, PoisonError};

use super::counter::AccountCounter;
use crate::family::Anchors;
use crate::family::forming::{FORMING_MAX, FormingTable};
use crate::num::{high32, usize_of};
use crate::verdict::FamilySeen;

/// The families in the making of one process: 17 MiB, whatever passes.
#[derive(Debug, Default)]
pub(super) struct Forming(Mutex<Counted>);

/// Families that the accounts of one cell may found while the table is filled once: a sixteenth of it.
const FOUNDED_MAX: u8 = 255;
/// Cells that accounts are counted in.
const CELLS: usize = 1 << 12;

#[derive(Debug)]
struct Counted {
    table: FormingTable,
    counts: Vec<Count>,
    /// Families founded, by account; forgotten when the table was filled once.
    founded: Vec<u8>,
    total: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    requests: u64,
    accounts: AccountCounter,
}

impl Default for Counted {
    fn default() -> Self {
        let (counts, founded) = (vec![Count::default(); FORMING_MAX], vec![0; CELLS]);
        Self { table: FormingTable::default(), counts, founded, total: 0 }
    }
}

impl Forming {
    /// Takes in a text that is in no sealed family: `text` is a hash of its normal form, `account` a keyed number. Tells
    /// what was known of its family before, from its founding on. The lock is held for some microseconds.
    pub(super) fn observe(&self, anchors: &Anchors, class: u8, text: u64, account: Option<u64>) -> Option<FamilySeen> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { table, counts, founded, total } = &mut *counted;
        // Who is nobody shares a cell with nobody else in particular.
        let cell = founded.get_mut(usize_of(high32(account.unwrap_or(0))) % CELLS)?;
        let found = table.observe(anchors, class, text, *cell < FOUNDED_MAX)?;
        let count = counts.get_mut(found.place)?;
        if found.is_new {
            *count = Count::default();
            *cell += 1;
            *total += 1;
            if *total >= FORMING_MAX {
                founded.fill(0);
                *total = 0;
            }
        }
        let accounts = count.accounts.count();
        let seen = FamilySeen {
            id: found.id,
            variant: None,
            requests: count.requests,
            accounts,
            principals: accounts,
            is_forming: true,
        };
        count.requests += 1;
        if let Some(account) = account {
            count.accounts.insert(account);
        }
        Some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Anchor;

    /// A text of template `template`: twenty anchors that are its own, at one place.
    fn observe(forming: &Forming, template: u64, text: u64, account: u64) -> Option<FamilySeen> {
        let anchors = (0..20u32)
            .map(|n| Anchor {
                fingerprint: (template * 32 + u64::from(n)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24,
                position: n,
            })
            .collect();
        let anchors = Anchors { anchors, token_count: 60, text_bytes: 400 };
        forming.observe(&anchors, 1, text.wrapping_mul(0x9e37_79b9_7f4a_7c15), Some(account << 32))
    }

    #[test]
    fn one_account_cannot_push_out_the_families_of_others() {
        let forming = Forming::default();
        let theirs = (0..6).filter_map(|n| observe(&forming, 0, n, 1)).next_back().expect("founded");
        let mut founded = 0;
        for template in 1..=6_000 {
            founded += (0..5).filter(|n| observe(&forming, template, *n, 2).is_some()).count().min(1);
        }
        assert!(founded <= usize::from(FOUNDED_MAX), "{founded} families of one account");
        assert_eq!(observe(&forming, 0, 20, 1).map(|family| family.id), Some(theirs.id));
        assert!((0..6).any(|n| observe(&forming, 9_000, n, 3).is_some()), "others go on founding");
    }
}
