//! Parts what a loose join glued together: two campaigns whose wording is somewhat alike are still two.
//!
//! The accounts of one campaign share its templates, and word them as much alike from one fragment to the next as within a
//! fragment. Where the families of a joined unit fall into parties that share no accounts, and each party is far more like
//! itself than like the other, nothing but the join says that they are one. A template that is two in one is found here too.

use super::counts::TokenCounts;
use super::fragments::root;
use super::ledger::{Edge, Ledger, View};
use super::residual::{ResidualOptions, profile, telling};
use super::wording::weighted_jaccard;
use crate::num;
use std::collections::BTreeMap;

/// Least principals of a party that can stand for itself.
const PRINCIPALS_MIN: usize = 5;
/// Least requests of an account that counts as a user of a family.
const REQUESTS_MIN: u32 = 3;
/// Accounts of a party whose wording is read.
const PROFILES_MAX: usize = 24;
/// Accounts that can say how a template is worded.
const PROFILES_MIN: usize = 3;
/// Families of one account beyond which it is a busy stranger and links nothing.
const FAMILIES_OF_ACCOUNT_MAX: usize = 24;
/// Least likeness of two parties of one campaign, as a share of the geometric mean of the likeness within each.
pub(super) const COHESION: f64 = 0.55;

/// True when two sets of accounts word it about as much alike as each of them does within.
#[must_use]
pub(super) fn as_within(ledger: &Ledger<'_>, a: &[Vec<u32>], b: &[Vec<u32>]) -> bool {
    let within = (likeness(ledger, a, a) * likeness(ledger, b, b)).sqrt();
    is_cohesive(likeness(ledger, a, b), within)
}

/// True when what is alike across is a good part of what is alike within. Where nothing recurs on either side nothing can be told,
/// and nothing is parted.
fn is_cohesive(across: f64, within: f64) -> bool {
    across >= COHESION * within
}

/// Mean weighted Jaccard of the profiles of different accounts; 0 when there is no pair.
fn likeness(ledger: &Ledger<'_>, a: &[Vec<u32>], b: &[Vec<u32>]) -> f64 {
    let same_set = std::ptr::eq(a, b);
    let (mut sum, mut pairs) = (0.0, 0_usize);
    for (place, mine) in a.iter().enumerate() {
        let others = if same_set { b.get(..place).unwrap_or(b) } else { b };
        for theirs in others {
            let (jaccard, _) = weighted_jaccard(mine, theirs, |token| telling(ledger, token));
            sum += if jaccard.is_nan() { 0.0 } else { jaccard };
            pairs += 1;
        }
    }
    sum / num::f64_of(pairs.max(1))
}

/// What recurs at some accounts, and how alike they are.
#[derive(Debug, Default)]
struct Worded {
    profiles: Vec<Vec<u32>>,
    /// Mean likeness of two of them.
    within: f64,
}

/// Accounts that share families.
#[derive(Debug, Default)]
struct Party {
    /// Families, as places in what was given.
    leaves: Vec<usize>,
    /// Over all of them.
    worded: Worded,
    /// Within each of the templates, where there are several.
    of_template: BTreeMap<usize, Worded>,
    principals: usize,
}

/// Groups the families (by place, ascending, each once), each of the template of that number, into parties; one group when there is
/// nothing to part.
#[must_use]
pub(super) fn parties(
    ledger: &Ledger<'_>,
    leaves: &[&View],
    templates: &[usize],
    options: &ResidualOptions,
) -> Vec<Vec<usize>> {
    let mut found: Vec<Party> = sharing_accounts(leaves)
        .into_iter()
        .map(|group| Party::of(ledger, leaves, group, options).by_template(ledger, leaves, templates, options))
        .collect();
    let (mut large, small): (Vec<Party>, Vec<Party>) =
        found.drain(..).partition(|party| party.principals >= PRINCIPALS_MIN);
    let mut parent: Vec<usize> = (0..large.len()).collect();
    for a in 0..large.len() {
        for b in 0..a {
            let (across, within) = large[a].likeness(ledger, &large[b]);
            if is_cohesive(across, within) {
                let (low, high) = (root(&parent, a).min(root(&parent, b)), root(&parent, a).max(root(&parent, b)));
                parent[high] = low;
            }
        }
    }
    // A few accounts go to the party they are like, or work in; boilerplate carries in many that are like none.
    let own: Vec<Vec<u32>> = large.iter().map(|party| accounts_of(leaves, &party.leaves)).collect();
    let mut strangers: Vec<usize> = Vec::new();
    for party in small {
        let accounts = accounts_of(leaves, &party.leaves);
        let works_in = |at: &usize| {
            let known = accounts.iter().filter(|account| own[*at].binary_search(account).is_ok()).count();
            2 * known >= accounts.len()
        };
        let like = |at: usize| {
            let (across, within) = party.likeness_to(ledger, &large[at]);
            is_cohesive(across, within).then_some((at, across))
        };
        let nearest = (0..large.len()).filter_map(like).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        match nearest.map(|(at, _)| at).or_else(|| (0..large.len()).find(works_in)) {
            Some(at) => large[at].leaves.extend(party.leaves),
            None => strangers.extend(party.leaves),
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, party) in large.into_iter().enumerate() {
        groups.entry(root(&parent, at)).or_default().extend(party.leaves);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    if !strangers.is_empty() {
        groups.push(strangers);
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    if groups.len() < 2 { vec![(0..leaves.len()).collect()] } else { groups }
}

/// Which of these templates is two in one: the others fall into parties that share no accounts, nearly all of its users are
/// of one party alone, and each party words it unlike the others. Returns its place, and the rows of each party, with the rows of nobody's
/// accounts last if there are any.
#[must_use]
pub(super) fn bridge(
    ledger: &Ledger<'_>,
    templates: &[&View],
    options: &ResidualOptions,
) -> Option<(usize, Vec<Vec<u32>>)> {
    (0..templates.len()).find_map(|at| Some((at, sides(ledger, templates, at, options)?)))
}

/// The rows of one template by party of the others, where it is two in one.
fn sides(ledger: &Ledger<'_>, templates: &[&View], at: usize, options: &ResidualOptions) -> Option<Vec<Vec<u32>>> {
    let others: Vec<&View> =
        (templates.iter().enumerate()).filter(|&(place, _)| place != at).map(|(_, &t)| t).collect();
    let parties: Vec<Vec<u32>> = sharing_accounts(&others).iter().map(|group| accounts_of(&others, group)).collect();
    let template = templates.get(at)?;
    let mut sides = vec![Vec::new(); parties.len()];
    let (mut rest, mut users, mut of_one) = (Vec::new(), 0, 0);
    for edge in &template.edges {
        let mut mine = (0..parties.len()).filter(|&party| parties[party].binary_search(&edge.account).is_ok());
        let (first, second) = (mine.next(), mine.next());
        let counts = usize::from(edge.requests >= REQUESTS_MIN);
        users += counts;
        match (first, second) {
            (Some(party), None) => {
                of_one += counts;
                sides[party].extend_from_slice(template.rows_of(edge));
            }
            _ => rest.extend_from_slice(template.rows_of(edge)),
        }
    }
    let views: Vec<View> = sides.iter().map(|rows| ledger.view(rows.clone())).collect();
    let (large, small): (Vec<usize>, Vec<usize>) = (0..sides.len()).partition(|&side| {
        let shared = 10 * views[side].edges.len() >= 3 * parties[side].len();
        shared && Party::of(ledger, &[&views[side]], vec![0], options).principals >= PRINCIPALS_MIN
    });
    if large.len() < 2 || 10 * of_one < 9 * users {
        return None;
    }
    let worded: Vec<Party> = large.iter().map(|&side| Party::of(ledger, &[&views[side]], vec![0], options)).collect();
    let alike = |a: usize, b: usize| as_within(ledger, &worded[a].worded.profiles, &worded[b].worded.profiles);
    if (0..worded.len()).any(|a| (0..a).any(|b| alike(a, b))) {
        return None;
    }
    small.iter().for_each(|&side| rest.extend_from_slice(&sides[side]));
    let mut rows: Vec<Vec<u32>> = large.iter().map(|&side| std::mem::take(&mut sides[side])).collect();
    rows.extend((!rest.is_empty()).then_some(rest));
    Some(rows)
}

/// The accounts of these families, ascending.
fn accounts_of(leaves: &[&View], group: &[usize]) -> Vec<u32> {
    let mut accounts: Vec<u32> =
        group.iter().flat_map(|&at| leaves[at].edges.iter()).map(|edge| edge.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

/// Groups of families that the same accounts use: three in ten of the smaller family's users, or one in ten if they are
/// several, for the accounts of a template in many fragments meet again in many fragments of the next.
fn sharing_accounts(leaves: &[&View]) -> Vec<Vec<usize>> {
    let users = |edge: &&Edge| edge.requests >= REQUESTS_MIN;
    let mut of_account: Vec<(u32, usize)> = Vec::new();
    let mut sizes = Vec::new();
    for (at, view) in leaves.iter().enumerate() {
        of_account.extend(view.edges.iter().filter(users).map(|edge| (edge.account, at)));
        sizes.push(view.edges.iter().filter(users).count());
    }
    of_account.sort_unstable();
    let mut common: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for run in of_account.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() <= FAMILIES_OF_ACCOUNT_MAX) {
        for (place, &(_, a)) in run.iter().enumerate() {
            for &(_, b) in run.iter().skip(place + 1) {
                *common.entry((a, b)).or_default() += 1;
            }
        }
    }
    let mut parent: Vec<usize> = (0..leaves.len()).collect();
    for ((a, b), count) in common {
        let least = sizes[a].min(sizes[b]);
        if 10 * count >= 3 * least || (count >= 3 && 10 * count >= least) {
            let (a, b) = (root(&parent, a), root(&parent, b));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); leaves.len()];
    for at in 0..leaves.len() {
        groups[root(&parent, at)].push(at);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

impl Party {
    fn of(ledger: &Ledger<'_>, leaves: &[&View], group: Vec<usize>, options: &ResidualOptions) -> Self {
        let rows = group.iter().flat_map(|&at| leaves[at].rows.iter().copied()).collect();
        let view = ledger.view(rows);
        let users: Vec<&Edge> = view.edges.iter().filter(|edge| edge.requests >= REQUESTS_MIN).collect();
        let mut principals: Vec<u32> = users.iter().map(|edge| edge.principal).collect();
        principals.sort_unstable();
        principals.dedup();
        let step = users.len().div_ceil(PROFILES_MAX).max(1);
        let mut counts = TokenCounts::default();
        let read = users.iter().step_by(step).map(|edge| profile(ledger, view.rows_of(edge), options, &mut counts));
        let worded = Worded::of(ledger, read.collect());
        Self { leaves: group, worded, principals: principals.len(), ..Self::default() }
    }

    /// The same, with what recurs within each template, where there are several.
    fn by_template(
        mut self,
        ledger: &Ledger<'_>,
        leaves: &[&View],
        templates: &[usize],
        options: &ResidualOptions,
    ) -> Self {
        if templates.iter().all(|template| Some(template) == templates.first()) {
            return self;
        }
        let mut of_template: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &leaf in &self.leaves {
            of_template.entry(templates.get(leaf).copied().unwrap_or(0)).or_default().push(leaf);
        }
        let read = |group: Vec<usize>| Self::of(ledger, leaves, group, options).worded;
        self.of_template = of_template.into_iter().map(|(template, group)| (template, read(group))).collect();
        self
    }

    /// What both word: each template that so many accounts of this one and [`PROFILES_MIN`] of the other do, or all that they send
    /// where there is none.
    fn in_common<'a>(&'a self, other: &'a Self, least: usize) -> Vec<(&'a Worded, &'a Worded)> {
        let both =
            self.of_template.iter().filter_map(|(template, mine)| Some((mine, other.of_template.get(template)?)));
        let enough =
            |(mine, theirs): &(&Worded, &Worded)| mine.profiles.len() >= least && theirs.profiles.len() >= PROFILES_MIN;
        let both: Vec<_> = both.filter(enough).collect();
        if both.is_empty() { vec![(&self.worded, &other.worded)] } else { both }
    }

    /// How alike two parties word what they have in common, and how alike each is within (geometric mean).
    fn likeness(&self, ledger: &Ledger<'_>, other: &Self) -> (f64, f64) {
        let (mut across, mut within) = (0.0, 0.0);
        for (mine, theirs) in self.in_common(other, PROFILES_MIN) {
            across += likeness(ledger, &mine.profiles, &theirs.profiles);
            within += (mine.within * theirs.within).sqrt();
        }
        (across, within)
    }

    /// How alike a few accounts word it to a party, and how alike that is within.
    fn likeness_to(&self, ledger: &Ledger<'_>, party: &Self) -> (f64, f64) {
        let common = self.in_common(party, 1);
        let all = num::f64_of(common.len());
        let across =
            common.iter().map(|(mine, theirs)| likeness(ledger, &mine.profiles, &theirs.profiles)).sum::<f64>();
        let within = common.iter().map(|(_, theirs)| theirs.within).sum::<f64>();
        (across / all, within / all)
    }
}

impl Worded {
    fn of(ledger: &Ledger<'_>, profiles: Vec<Vec<u32>>) -> Self {
        let within = likeness(ledger, &profiles, &profiles);
        Self { profiles, within }
    }
}
