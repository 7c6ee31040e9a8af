//! Adopts into a campaign the accounts that no family of any size holds: reworded so far that they stand alone, they still
//! share what recurs in their own traffic with several members, and live as the members do.
//!
//! Where each account chooses its words anew, two members have only some choices in common, and an account alone is like
//! none of them; but each of its choices is some members' too. So it is also asked how much of what recurs in its traffic
//! lies within the words that the members choose from.

use super::counts::TokenCounts;
use super::evidence::{Kind, Reason};
use super::join::{Campaign, Member};
use super::kin::Words;
use super::ledger::Ledger;
use super::residual::{ResidualOptions, profile, telling};
use super::strength::{self, Portrait};
use super::wording::weighted_jaccard;
use super::{Unit, chance, pacing};
use crate::num;
use std::collections::{BTreeMap, HashMap};

/// Members of a campaign that an account is compared with.
const MEMBERS_MAX: usize = 300;
/// Tokens of the members that a row must hold to be looked at.
const KNOWN_TOKENS_MIN: usize = 2;
/// Least requests of an adopted account.
const REQUESTS_MIN: usize = 5;
/// Least share, by weight, of what recurs in an account's traffic that lies within the words of the members.
const COVERED_MIN: f64 = 0.6;
/// The same for an account that copies where few do.
const COPIER_COVERED_MIN: f64 = 0.8;
/// Least part of what a member wears of those words, at the median, that the account must wear.
const WORN_MIN: f64 = 0.5;

/// Accounts that were seen in a convicted unit and have an innocent reason to be there; ascending.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    /// Of one template that is anybody's: never adopted.
    pub(super) readers: Vec<u32>,
    /// They word it as many others do where few do: adopted only when nearly all their words are those of members.
    pub(super) copiers: Vec<u32>,
}

/// Adopts accounts into `campaigns`. Only rows count that no unit explains: those of no family, of units too small to be
/// judged, and of units in review or convicted.
pub(super) fn adopt(
    ledger: &Ledger<'_>,
    units: &[Unit],
    campaigns: &mut [Campaign],
    cleared: &Cleared,
    options: &ResidualOptions,
) {
    if campaigns.is_empty() {
        return;
    }
    let wardrobe = Wardrobe::new(ledger, units, campaigns, options);
    let explained = explained_rows(ledger, units);
    let portraits: Vec<Option<(usize, Portrait)>> = campaigns
        .iter()
        .map(|campaign| {
            let main =
                campaign.units.iter().copied().max_by_key(|&unit| (units[unit].view.requests, usize::MAX - unit))?;
            Some((main, strength::portrait(ledger, &units[main].view, &units[main].judgement)))
        })
        .collect();
    let mut counts = TokenCounts::default();
    for account in 0..ledger.accounts.len() {
        let number = num::u32_saturating(account);
        let is_member = |campaign: &Campaign| campaign.members.binary_search_by_key(&number, |m| m.account).is_ok();
        if cleared.readers.binary_search(&number).is_ok() || campaigns.iter().any(is_member) {
            continue;
        }
        let free: Vec<u32> = ledger
            .rows_of(account)
            .iter()
            .copied()
            .filter(|&row| !explained[num::usize_of(row)] && wardrobe.knows(ledger, row))
            .collect();
        if free.len() < REQUESTS_MIN {
            continue;
        }
        let tokens = profile(ledger, &free, options, &mut counts);
        let copies = cleared.copiers.binary_search(&number).is_ok();
        let Some((campaign, worn)) = wardrobe.nearest(ledger, number, &tokens, copies, options) else { continue };
        let Some((main, portrait)) = &portraits[campaign] else { continue };
        // To live as members do says something only where the members' lives do: in a short log every busy account is new.
        if !units[*main].judgement.holds(Kind::Turnover) {
            continue;
        }
        let view = ledger.view(own_rows(ledger, &free, &worn));
        let Some(edge) = view.edges.first() else { continue };
        let shown = strength::shown(ledger, &view, edge, &units[*main].judgement, portrait);
        let alike = num::usize_of(edge.requests) >= REQUESTS_MIN && pacing::dense_life(ledger, edge);
        if alike && shown >= strength::ACCUSE_MIN {
            let member = Member { account: number, strength: shown, requests: edge.requests, adopted: true };
            campaigns[campaign].adopted.push(member);
            campaigns[campaign].adopted_rows.extend(&view.rows);
        }
    }
}

/// Per row: a judged unit has an innocent explanation for it.
fn explained_rows(ledger: &Ledger<'_>, units: &[Unit]) -> Vec<bool> {
    let mut explained = vec![false; ledger.columns.account.len()];
    for unit in units {
        // Judged and found organic is an explanation too: those accounts had their own trial.
        let innocent = matches!(
            unit.judgement.reason,
            Reason::KnownPublic
                | Reason::SameText
                | Reason::FullOverlap
                | Reason::Popularity
                | Reason::OwnContent
                | Reason::Organic
        );
        if innocent {
            for &row in &unit.view.rows {
                explained[num::usize_of(row)] = true;
            }
        }
    }
    explained
}

/// The rows that wear the words, by half of what is typical for them: an account's other traffic is its own.
fn own_rows(ledger: &Ledger<'_>, rows: &[u32], words: &[u32]) -> Vec<u32> {
    let weight = |row: u32| -> f64 {
        let tokens = ledger.tokens(row).iter().filter(|token| words.binary_search(token).is_ok());
        tokens.map(|&token| telling(ledger, token)).sum()
    };
    let weights: Vec<f64> = rows.iter().map(|&row| weight(row)).collect();
    let mut sorted = weights.clone();
    sorted.sort_by(f64::total_cmp);
    let bar = 0.5 * chance::quantile(&sorted, 0.75);
    rows.iter().zip(weights).filter(|&(_, nats)| bar > 0.0 && nats >= bar).map(|(&row, _)| row).collect()
}

/// What the members of the campaigns wear, to be compared with.
struct Wardrobe {
    /// Campaign, account and recurrent tokens of each member in the sample.
    profiles: Vec<(usize, u32, Vec<u32>)>,
    /// Members by token.
    postings: HashMap<u32, Vec<usize>>,
    /// One bit a hash of each token.
    known: Vec<bool>,
    /// Per campaign: the words that enough members choose.
    words: Vec<Words>,
}

fn bit(token: u32) -> usize {
    num::usize_of(token.wrapping_mul(0x9e37_79b1) >> 16)
}

impl Wardrobe {
    fn new(ledger: &Ledger<'_>, units: &[Unit], campaigns: &[Campaign], options: &ResidualOptions) -> Self {
        let (known, words) = (vec![false; 1 << 16], Vec::new());
        let mut wardrobe = Self { profiles: Vec::new(), postings: HashMap::new(), known, words };
        let mut counts = TokenCounts::default();
        for (number, campaign) in campaigns.iter().enumerate() {
            let step = campaign.members.len().div_ceil(MEMBERS_MAX).max(1);
            for member in campaign.members.iter().step_by(step) {
                let mut rows = Vec::new();
                for view in campaign.units.iter().map(|&unit| &units[unit].view) {
                    if let Ok(at) = view.edges.binary_search_by_key(&member.account, |edge| edge.account) {
                        rows.extend_from_slice(view.rows_of(&view.edges[at]));
                    }
                }
                let tokens = profile(ledger, &rows, options, &mut counts);
                for &token in &tokens {
                    wardrobe.known[bit(token)] = true;
                    wardrobe.postings.entry(token).or_default().push(wardrobe.profiles.len());
                }
                wardrobe.profiles.push((number, member.account, tokens));
            }
            let own = wardrobe.profiles.iter().filter(|(campaign, ..)| *campaign == number);
            let own: Vec<&Vec<u32>> = own.map(|(_, _, tokens)| tokens).collect();
            let words = Words::of(ledger, &own, options.links_min);
            wardrobe.words.push(words);
        }
        wardrobe
    }

    /// True when a row holds enough tokens that members wear to be looked at.
    fn knows(&self, ledger: &Ledger<'_>, row: u32) -> bool {
        ledger.tokens(row).iter().filter(|&&token| self.known[bit(token)]).count() >= KNOWN_TOKENS_MIN
    }

    /// The campaign with most members of like wording, if there are enough of other principals, and what those wear.
    fn nearest(
        &self,
        ledger: &Ledger<'_>,
        account: u32,
        tokens: &[u32],
        copies: bool,
        options: &ResidualOptions,
    ) -> Option<(usize, Vec<u32>)> {
        let principal = |account: u32| ledger.columns.principal.get(num::usize_of(account));
        let mut shared: BTreeMap<usize, f64> = BTreeMap::new();
        for token in tokens {
            for &at in self.postings.get(token).into_iter().flatten() {
                *shared.entry(at).or_default() += telling(ledger, *token);
            }
        }
        let share = if copies { COPIER_COVERED_MIN } else { COVERED_MIN };
        let covered: Vec<bool> = self.words.iter().map(|words| words.cover(ledger, tokens, share, WORN_MIN)).collect();
        let mut links: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, shared) in shared {
            let (campaign, member, worn) = &self.profiles[at];
            // Where the members' own template is short, half of what one of them wears is as telling as it gets.
            let (least, nats_min) = match (covered.get(*campaign), self.words.get(*campaign)) {
                (Some(true), Some(words)) => {
                    let least = if copies { options.jaccard_min } else { 0.5 * options.jaccard_min };
                    (least, options.nats_min.min(WORN_MIN * words.worn))
                }
                _ if copies => continue,
                _ => (options.jaccard_min, options.nats_min),
            };
            if shared < nats_min {
                continue;
            }
            let (jaccard, nats) = weighted_jaccard(tokens, worn, |token| telling(ledger, token));
            if jaccard >= least && nats >= nats_min && principal(*member) != principal(account) {
                links.entry(*campaign).or_default().push(at);
            }
        }
        let (campaign, linked) =
            links.into_iter().max_by_key(|(campaign, linked)| (linked.len(), usize::MAX - campaign))?;
        if linked.len() < options.links_min {
            return None;
        }
        let mut words: Vec<u32> = linked.iter().flat_map(|&at| self.profiles[at].2.iter().copied()).collect();
        words.sort_unstable();
        words.dedup();
        Some((campaign, words))
    }
}
