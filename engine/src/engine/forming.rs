//! Templates that this process noticed and no sealed table holds yet, with how many requests and accounts use them.

use std::sync::{Mutex, PoisonError};

use super::counter::AccountCounter;
use crate::family::Anchors;
use crate::family::forming::{FORMING_MAX, FormingTable};
use crate::verdict::FamilySeen;

/// The families in the making of one process: 17 MiB, whatever passes.
#[derive(Debug, Default)]
pub(super) struct Forming(Mutex<Counted>);

#[derive(Debug)]
struct Counted {
    table: FormingTable,
    counts: Vec<Count>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    requests: u64,
    accounts: AccountCounter,
}

impl Default for Counted {
    fn default() -> Self {
        Self { table: FormingTable::default(), counts: vec![Count::default(); FORMING_MAX] }
    }
}

impl Forming {
    /// Takes in a text that is in no sealed family: `text` is a hash of its normal form, `account` a keyed number. Tells
    /// what was known of its family before, from its founding on. The lock is held for some microseconds.
    pub(super) fn observe(&self, anchors: &Anchors, class: u8, text: u64, account: Option<u64>) -> Option<FamilySeen> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = counted.table.observe(anchors, class, text)?;
        let count = counted.counts.get_mut(found.place)?;
        if found.is_new {
            *count = Count::default();
        }
        let accounts = count.accounts.count();
        let seen =
            FamilySeen { id: found.id, requests: count.requests, accounts, principals: accounts, is_forming: true };
        count.requests += 1;
        if let Some(account) = account {
            count.accounts.insert(account);
        }
        Some(seen)
    }
}
