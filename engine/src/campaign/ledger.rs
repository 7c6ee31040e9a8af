//! The ledger: what each account did over the whole log, and the edges (account, group of families) that evidence hangs on.

use super::columns::{Columns, NONE};
use crate::num;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// Slots of the background token counter: a fixed 16 MiB, whatever the log. Two tokens that meet in one slot look more
/// common than they are, hence less telling: the error is towards innocence.
const TOKEN_SLOTS: usize = 1 << 22;

/// What one account did over the whole log, in all families and in none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Account {
    /// Requests.
    pub requests: u32,
    /// Time of the first one, Unix ms.
    pub first_ms: i64,
    /// Time of the last one, Unix ms.
    pub last_ms: i64,
    /// Days with at least one, counted from the beginning of the log.
    pub active_days: u32,
}

/// One edge: what one account did in one view.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The account.
    pub account: u32,
    /// Its principal.
    pub principal: u32,
    /// Where its rows begin in [`View::rows`].
    pub begin: usize,
    /// Where they end.
    pub end: usize,
    /// Requests in the view.
    pub requests: u32,
    /// Time of the first, Unix ms.
    pub first_ms: i64,
    /// Time of the last, Unix ms.
    pub last_ms: i64,
    /// Days with at least one.
    pub active_days: u32,
    /// Share of all its requests that lie in the view, 0 to 1.
    pub share: f64,
}

impl Edge {
    /// Days from the first to the last request, both counted.
    #[must_use]
    pub fn span_days(&self) -> f64 {
        num::f64_of_i64(self.last_ms - self.first_ms) / num::f64_of_i64(DAY_MS)
    }
}

/// The rows of one family, or of several joined ones, by account.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Row numbers, by account and within an account by time.
    pub rows: Vec<u32>,
    /// One edge an account, by ascending account.
    pub edges: Vec<Edge>,
    /// Distinct principals.
    pub principals: usize,
    /// Requests of all edges.
    pub requests: usize,
}

/// The log as the statistics see it.
#[derive(Debug)]
pub struct Ledger<'a> {
    /// The columns themselves.
    pub columns: &'a Columns<'a>,
    /// Per account.
    pub accounts: Vec<Account>,
    /// Row numbers of all attributed rows, by account and then by time.
    pub account_rows: Vec<u32>,
    /// Where account `i` begins in `account_rows`; one more than there are accounts.
    pub account_begin: Vec<usize>,
    /// Time of the first row, Unix ms.
    pub begin_ms: i64,
    /// Time of the last row, Unix ms.
    pub end_ms: i64,
    /// Accounts with at least one request.
    pub active_accounts: usize,
    /// Rows that no account can be asked about.
    pub unattributed_rows: usize,
    token_accounts: Vec<u32>,
}

impl<'a> Ledger<'a> {
    /// Reads the columns once. They must have passed [`Columns::check`].
    #[must_use]
    pub fn new(columns: &'a Columns<'a>) -> Self {
        let count = columns.principal.len();
        let mut begin = vec![0_usize; count + 1];
        let mut unattributed_rows = 0;
        for &account in columns.account {
            match begin.get_mut(num::usize_of(account).saturating_add(1)) {
                Some(slot) if account != NONE => *slot += 1,
                _ => unattributed_rows += 1,
            }
        }
        for index in 1..begin.len() {
            begin[index] += begin[index - 1];
        }
        let mut next = begin.clone();
        let mut rows = vec![0_u32; begin.last().copied().unwrap_or(0)];
        for (row, &account) in columns.account.iter().enumerate() {
            if account != NONE {
                let at = &mut next[num::usize_of(account)];
                rows[*at] = num::u32_saturating(row);
                *at += 1;
            }
        }
        let begin_ms = columns.time_ms.first().copied().unwrap_or(0);
        let end_ms = columns.time_ms.last().copied().unwrap_or(0);
        let mut ledger = Self {
            columns,
            accounts: Vec::with_capacity(count),
            account_rows: rows,
            account_begin: begin,
            begin_ms,
            end_ms,
            active_accounts: 0,
            unattributed_rows,
            token_accounts: Vec::new(),
        };
        ledger.accounts = (0..count).map(|account| ledger.summary(ledger.rows_of(account))).collect();
        ledger.active_accounts = ledger.accounts.iter().filter(|account| account.requests > 0).count();
        ledger.count_tokens();
        ledger
    }

    /// The rows of an account, by time.
    #[must_use]
    pub fn rows_of(&self, account: usize) -> &[u32] {
        match (self.account_begin.get(account), self.account_begin.get(account + 1)) {
            (Some(&begin), Some(&end)) => self.account_rows.get(begin..end).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// Time of a row, Unix ms.
    #[must_use]
    pub fn time(&self, row: u32) -> i64 {
        self.columns.time_ms.get(num::usize_of(row)).copied().unwrap_or(self.begin_ms)
    }

    /// Document of a row.
    #[must_use]
    pub fn document(&self, row: u32) -> usize {
        self.columns.document.get(num::usize_of(row)).map_or(usize::MAX, |&document| num::usize_of(document))
    }

    /// Family of a row, or [`NONE`].
    #[must_use]
    pub fn family(&self, row: u32) -> u32 {
        self.columns.family.get(self.document(row)).copied().unwrap_or(NONE)
    }

    /// Days of the log, at least one.
    #[must_use]
    pub fn days(&self) -> f64 {
        (num::f64_of_i64(self.end_ms - self.begin_ms) / num::f64_of_i64(DAY_MS)).max(1.0)
    }

    /// Tokens of a row's document.
    #[must_use]
    pub fn tokens(&self, row: u32) -> &'a [u32] {
        self.columns.tokens.get(self.document(row)).map_or(&[], AsRef::as_ref)
    }

    /// How many accounts used this token anywhere in the log; never below the truth.
    #[must_use]
    pub fn token_accounts(&self, token: u32) -> u32 {
        self.token_accounts.get(slot_of(token)).copied().unwrap_or(0)
    }

    /// The view of these rows (any order, repeats are dropped); unattributed rows are left out.
    #[must_use]
    pub fn view(&self, mut rows: Vec<u32>) -> View {
        let account_of = |row: u32| self.columns.account.get(num::usize_of(row)).copied().unwrap_or(NONE);
        rows.retain(|&row| account_of(row) != NONE);
        rows.sort_unstable_by_key(|&row| (account_of(row), row));
        rows.dedup();
        let mut view = View { rows, ..View::default() };
        let mut begin = 0;
        for part in view.rows.chunk_by(|&a, &b| account_of(a) == account_of(b)) {
            let account = part.first().map_or(NONE, |&row| account_of(row));
            let end = begin + part.len();
            let summary = self.summary(part);
            let total = self.accounts.get(num::usize_of(account)).map_or(1, |all| all.requests.max(1));
            view.edges.push(Edge {
                account,
                principal: self.columns.principal.get(num::usize_of(account)).copied().unwrap_or(account),
                begin,
                end,
                requests: summary.requests,
                first_ms: summary.first_ms,
                last_ms: summary.last_ms,
                active_days: summary.active_days,
                share: f64::from(summary.requests) / f64::from(total),
            });
            view.requests += num::usize_of(summary.requests);
            begin = end;
        }
        let mut principals: Vec<u32> = view.edges.iter().map(|edge| edge.principal).collect();
        principals.sort_unstable();
        principals.dedup();
        view.principals = principals.len();
        view
    }

    /// Requests, first, last and active days of rows of one account in the order of time.
    fn summary(&self, rows: &[u32]) -> Account {
        let mut summary = Account::default();
        let (mut last_request, mut last_day) = (None, None);
        for &row in rows {
            let time_ms = self.time(row);
            let request = self.columns.request.get(num::usize_of(row)).copied();
            if request != last_request || last_request.is_none() {
                summary.requests += 1;
                last_request = request;
            }
            let day = (time_ms - self.begin_ms) / DAY_MS;
            if last_day != Some(day) {
                summary.active_days += 1;
                last_day = Some(day);
            }
            if summary.requests == 1 {
                summary.first_ms = time_ms;
            }
            summary.last_ms = time_ms;
        }
        summary
    }

    /// Counts, for every token, the accounts that used it; one pass, fixed memory.
    fn count_tokens(&mut self) {
        let mut counts = vec![0_u32; TOKEN_SLOTS];
        let mut last = vec![NONE; TOKEN_SLOTS];
        for account in 0..self.accounts.len() {
            let number = num::u32_saturating(account);
            for &row in self.rows_of(account) {
                for &token in self.tokens(row) {
                    let slot = slot_of(token);
                    if last[slot] != number {
                        last[slot] = number;
                        counts[slot] += 1;
                    }
                }
            }
        }
        self.token_accounts = counts;
    }
}

/// The counter of a token.
fn slot_of(token: u32) -> usize {
    num::usize_of(token.wrapping_mul(0x9e37_79b1) >> 10)
}

impl View {
    /// The rows of an edge, by time.
    #[must_use]
    pub fn rows_of(&self, edge: &Edge) -> &[u32] {
        self.rows.get(edge.begin..edge.end).unwrap_or(&[])
    }

    /// Its edges of the accounts that `edges` (ascending) are of.
    pub(super) fn edges_of(&self, edges: &[Edge]) -> Vec<Edge> {
        let is_one = |edge: &&Edge| edges.binary_search_by_key(&edge.account, |known| known.account).is_ok();
        self.edges.iter().filter(is_one).copied().collect()
    }
}
