//! One line of a log on its way into the store: parsed, freed of earlier turns that are known, sketched.
//!
//! All lines of a batch are parsed before the first is sketched, so that a conversation's turns are known whatever their
//! order in the batch.

use crate::corpus::builder::PreparedRequest;
use crate::corpus::prepare::{PrepareScratch, Preparer};
use crate::corpus::turns::RequestTurns;
use crate::error::LineError;
use crate::num::{u32_saturating, u64_of};
use crate::request::conversation;
use crate::request::parse::{self, ParseOptions, Parsed};

use super::TextCache;

/// One line, parsed.
pub(super) struct ReadLine {
    pub(super) number: u64,
    pub(super) outcome: Result<Vec<ReadRequest>, LineError>,
}

/// One request of a line, with the turns of its conversation.
pub(super) struct ReadRequest {
    parsed: Parsed,
    pub(super) turns: RequestTurns,
}

/// One request, sketched.
pub(super) struct Taken {
    pub(super) request: PreparedRequest,
    pub(super) media_skipped: u32,
    pub(super) attributed: bool,
    /// Parts left out because the request that asked their turn is known.
    pub(super) parts_known: u64,
    pub(super) texts: Vec<(u128, String)>,
}

/// Parses one line; a blank one gives nothing, a line of some exports several requests.
pub(super) fn read(
    line: &[u8],
    preparer: &Preparer,
    options: &ParseOptions,
    scratch: &mut parse::Scratch,
) -> Result<Vec<ReadRequest>, LineError> {
    let mut all = Vec::new();
    parse::parse_line(line, options, scratch, &mut all)?;
    let with_turns = |parsed: Parsed| ReadRequest { turns: preparer.turns(&parsed), parsed };
    Ok(all.into_iter().map(with_turns).collect())
}

/// Sketches the requests of one line; `is_known` says whether an earlier turn was asked by a request that is known.
pub(super) fn sketch(
    line: &[u8],
    read: Vec<ReadRequest>,
    preparer: &Preparer,
    texts: &TextCache,
    is_known: &(dyn Fn(u64) -> bool + Sync),
    scratch: &mut PrepareScratch,
) -> Vec<Taken> {
    let mut all = Vec::with_capacity(read.len());
    for (index, ReadRequest { mut parsed, mut turns }) in read.into_iter().enumerate() {
        let parts_known = leave_out(&mut parsed, &mut turns, is_known);
        let request = parsed.request;
        let media_skipped = request.media_skipped;
        let attributed = request.principals.accusable().is_some();
        let (mut prepared, mut parts) = preparer.request(request, line, index, scratch);
        prepared.turns = turns;
        let mut kept = Vec::new();
        for (part, source) in prepared.parts.iter().zip(&mut parts) {
            if part.kind.has_family() && texts.wants(part.fingerprint) {
                kept.push((part.fingerprint, std::mem::take(&mut source.text)));
            }
        }
        all.push(Taken { request: prepared, media_skipped, attributed, parts_known, texts: kept });
    }
    all
}

/// Removes the parts whose earlier turn is known, and the turns with them; returns how many parts there were.
pub(super) fn leave_out(parsed: &mut Parsed, turns: &mut RequestTurns, is_known: &dyn Fn(u64) -> bool) -> u64 {
    if turns.earlier.is_empty() {
        return 0;
    }
    let (known, kept): (Vec<_>, Vec<_>) = turns.earlier.iter().partition(|(_, turn)| is_known(*turn));
    let gone = |place: u32| known.binary_search_by_key(&place, |(place, _): &(u32, u64)| *place);
    // What stays moves up by as many as went before it.
    let moved = |(place, turn): (u32, u64)| (place - u32_saturating(gone(place).unwrap_or_else(|before| before)), turn);
    turns.earlier = kept.into_iter().map(moved).collect();
    u64_of(conversation::leave_out(parsed, |place| gone(u32_saturating(place)).is_ok()))
}
