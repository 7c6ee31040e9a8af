//! What the campaign stage reads: columns of plain numbers over requests, accounts, documents and families, and no text.
//!
//! A *document* is a distinct normal form: requests whose text is equal byte for byte after normalisation carry the same
//! document number. A *row* is one use of one document by one request; a request of several parts has several rows,
//! side by side. Rows stand in (time, identity) order, so that a prefix of the rows is the log as it stood that day.

use std::borrow::Cow;

use super::bank::BankHit;
use crate::error::{Error, Result};
use crate::family::disguised::Disguised;
use crate::num;

/// "None" in every `u32` column: no account, no family, no tag.
pub const NONE: u32 = u32::MAX;

/// What varies in a document once its template is taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlotValue {
    /// Keyed hash of all slot values in order; 0 when the document has no slot value.
    pub hash: u64,
    /// Length of all slot values together, in bytes.
    pub bytes: u32,
}

/// A named column of opaque tags (ip prefix, ASN, user agent, payment hash, model), one a row.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    /// How a report calls it.
    pub name: &'a str,
    /// Interned value of each row, [`NONE`] where the log has none.
    pub values: &'a [u32],
}

/// The columns of one log, or of a prefix of it.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Per row: which account sent it, as an index into `principal`; [`NONE`] for an unattributed row, which is counted and
    /// never accused.
    pub account: &'a [u32],
    /// Per row: when, in Unix milliseconds; never descending.
    pub time_ms: &'a [i64],
    /// Per row: number of the request it belongs to; never descending. Rows of one request have one account and time.
    pub request: &'a [u32],
    /// Per row: the document, as an index into the document columns.
    pub document: &'a [u32],
    /// Per row: true when the raw text disguised letters: a look-alike in a token that mixes scripts, or an invisible
    /// character between two ASCII letters. Joiners of scripts that need them, and of emoji, are no disguise.
    pub obfuscated: &'a [bool],
    /// Per row: which of the document's tokens are disguised.
    pub disguised: &'a [Disguised],
    /// Per row, any number of columns: tags of the request.
    pub tags: &'a [Tag<'a>],
    /// Per account: its principal (the widest of payer and organisation, else the account alone), any numbering.
    pub principal: &'a [u32],
    /// Per document: its family, below `families`, or [`NONE`].
    pub family: &'a [u32],
    /// Per document: its slot values within that family.
    pub slot: &'a [SlotValue],
    /// Per document: distinct hashes of its tokens, ascending.
    pub tokens: &'a [Cow<'a, [u32]>],
    /// How many families there are.
    pub families: u32,
    /// Per family: how it stands to the banks (see [`super::bank::nearest`]); empty when there are none.
    pub bank: &'a [Option<BankHit>],
}

impl<'a> Columns<'a> {
    /// The rows before `time_ms`, with all accounts and documents.
    #[must_use]
    pub fn before(&self, time_ms: i64) -> Columns<'a> {
        let rows = self.time_ms.partition_point(|&at| at < time_ms);
        Columns {
            account: self.account.get(..rows).unwrap_or(self.account),
            time_ms: self.time_ms.get(..rows).unwrap_or(self.time_ms),
            request: self.request.get(..rows).unwrap_or(self.request),
            document: self.document.get(..rows).unwrap_or(self.document),
            obfuscated: self.obfuscated.get(..rows).unwrap_or(self.obfuscated),
            disguised: self.disguised.get(..rows).unwrap_or(self.disguised),
            ..*self
        }
    }

    /// Checks that the columns agree with each other, so that the statistics can index without doubt.
    /// # Errors
    /// [`Error::InvalidArgument`] naming the first column that does not fit.
    pub fn check(&self) -> Result<()> {
        let rows = self.account.len();
        let documents = self.family.len();
        let wrong = |reason: &str| Err(Error::InvalidArgument { argument: "columns", reason: reason.to_owned() });
        if rows >= num::usize_of(NONE)
            || documents >= num::usize_of(NONE)
            || self.principal.len() >= num::usize_of(NONE)
        {
            return wrong("more rows, accounts or documents than 32-bit numbers can count");
        }
        let lengths = [self.request.len(), self.document.len(), self.obfuscated.len(), self.disguised.len()];
        if self.time_ms.len() != rows || lengths != [rows; 4] {
            return wrong("row columns differ in length");
        }
        if self.tags.iter().any(|tag| tag.values.len() < rows) {
            return wrong("a tag column is shorter than the rows");
        }
        if self.slot.len() != documents || self.tokens.len() != documents {
            return wrong("document columns differ in length");
        }
        if !self.time_ms.is_sorted() || !self.request.is_sorted() {
            return wrong("rows are not in the order of time and request");
        }
        if self.account.iter().any(|&account| account != NONE && num::usize_of(account) >= self.principal.len()) {
            return wrong("an account number is past the accounts");
        }
        if self.document.iter().any(|&document| num::usize_of(document) >= documents) {
            return wrong("a document number is past the documents");
        }
        if self.family.iter().any(|&family| family != NONE && family >= self.families) {
            return wrong("a family number is past the families");
        }
        if !self.bank.is_empty() && self.bank.len() != num::usize_of(self.families) {
            return wrong("bank is not one a family");
        }
        Ok(())
    }
}
