//! The answer to an appeal: everything that was weighed about one account, and what would change the outcome.

use super::columns::Columns;
use super::evidence::{Advice, Evidence, Reason, Verdict};
use super::{Findings, Unit, bank::BankHit};
use crate::num;

/// One innocent explanation that was tested.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// What was asked.
    pub question: &'static str,
    /// What was found, with the figure.
    pub finding: String,
    /// True when it explains the family.
    pub explains: bool,
}

/// One edge of the account.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WhyEdge {
    /// Index of the unit in the findings.
    pub unit: usize,
    /// Its families; none for a component of the residual linker.
    #[serde(skip)]
    pub families: Vec<u32>,
    /// Accounts of the unit.
    pub accounts: usize,
    /// Its principals.
    pub principals: usize,
    /// Requests of this account in it.
    pub requests: u32,
    /// Their share of all its requests.
    pub share: f64,
    /// First of them, Unix ms.
    pub first_ms: i64,
    /// Last of them, Unix ms.
    pub last_ms: i64,
    /// Strength of the edge where the unit is convicted, 0 to 1.
    pub strength: Option<f64>,
    /// Verdict on this edge.
    pub verdict: Verdict,
    /// Reason of the unit's verdict.
    pub reason: Reason,
    /// The same in a sentence.
    pub sentence: String,
    /// Every statistic with its null, p and n.
    pub evidence: Vec<Evidence>,
    /// p-value of the conjunction, and adjusted over all units.
    pub p: f64,
    /// Adjusted over all units judged.
    pub q: f64,
    /// Innocent explanations tested.
    pub explanations: Vec<Explanation>,
    /// The nearest entry of the banks to each family that has one, nearest first.
    #[serde(skip)]
    pub bank: Vec<BankHit>,
    /// What would change the verdict.
    pub would_change: Vec<String>,
}

/// Everything about one account.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Why {
    /// The account's number.
    pub account: u32,
    /// The strongest verdict over its edges.
    pub verdict: Verdict,
    /// What a gateway is advised to do.
    pub advice: Advice,
    /// Its campaign, an index into the findings.
    pub campaign: Option<usize>,
    /// True when it came in by a fragment too small to be judged alone.
    pub adopted: bool,
    /// All edges, strongest verdict first, then by requests.
    pub edges: Vec<WhyEdge>,
}

impl Findings {
    /// The verdict on one account: convicted only as a member of a campaign.
    #[must_use]
    pub fn verdict(&self, account: u32) -> Verdict {
        self.why_edges(account)
            .map(|(_, _, verdict)| verdict)
            .max()
            .unwrap_or(Verdict::Unexplained)
            .max(if self.membership(account).is_some() { Verdict::Convicted } else { Verdict::Acquitted })
    }

    /// The campaign of an account, and its place among the members.
    fn membership(&self, account: u32) -> Option<(usize, usize)> {
        self.campaigns.iter().enumerate().find_map(|(number, campaign)| {
            let place = campaign.members.binary_search_by_key(&account, |member| member.account).ok()?;
            Some((number, place))
        })
    }

    /// The units in which an account has an edge: (unit, place of the edge, verdict on the edge).
    fn why_edges(&self, account: u32) -> impl Iterator<Item = (usize, usize, Verdict)> + '_ {
        self.units.iter().enumerate().filter_map(move |(index, unit)| {
            let place = unit.view.edges.binary_search_by_key(&account, |edge| edge.account).ok()?;
            Some((index, place, self.edge_verdict(unit, place)))
        })
    }

    /// A convicted view accuses only edges strong enough; a weak one is left unexplained.
    fn edge_verdict(&self, unit: &Unit, place: usize) -> Verdict {
        let strong = unit.strength.get(place).is_some_and(|&strength| strength >= super::strength::ACCUSE_MIN);
        match unit.judgement.verdict {
            Verdict::Convicted if !strong => Verdict::Unexplained,
            Verdict::Review if unit.view.edges.get(place).is_some_and(|edge| edge.requests < 2) => Verdict::Unexplained,
            verdict => verdict,
        }
    }

    /// Everything that was weighed about one account.
    #[must_use]
    pub fn why(&self, columns: &Columns<'_>, account: u32) -> Why {
        let mut edges: Vec<WhyEdge> = self
            .why_edges(account)
            .filter_map(|(index, place, verdict)| {
                let unit = self.units.get(index)?;
                let edge = unit.view.edges.get(place)?;
                let hit = |&family: &u32| columns.bank.get(num::usize_of(family)).copied().flatten();
                let mut bank: Vec<BankHit> = unit.families.iter().filter_map(hit).collect();
                bank.sort_by(|a, b| b.share.total_cmp(&a.share).then((a.bank, a.entry).cmp(&(b.bank, b.entry))));
                let strength = unit.strength.get(place).copied();
                Some(WhyEdge {
                    unit: index,
                    families: unit.families.clone(),
                    accounts: unit.view.edges.len(),
                    principals: unit.view.principals,
                    requests: edge.requests,
                    share: edge.share,
                    first_ms: edge.first_ms,
                    last_ms: edge.last_ms,
                    strength,
                    verdict,
                    reason: unit.judgement.reason,
                    sentence: unit.judgement.sentence(),
                    evidence: unit.judgement.evidence.clone(),
                    p: unit.judgement.p,
                    q: unit.judgement.q,
                    explanations: explanations(unit, bank.first().copied()),
                    bank,
                    would_change: would_change(unit, verdict, strength),
                })
            })
            .collect();
        edges.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(b.requests.cmp(&a.requests)).then(a.unit.cmp(&b.unit)));
        let membership = self.membership(account);
        let verdict = self.verdict(account);
        Why {
            account,
            verdict,
            advice: verdict.advice(),
            campaign: membership.map(|(number, _)| number),
            adopted: membership.is_some_and(|(number, place)| {
                self.campaigns.get(number).and_then(|campaign| campaign.members.get(place)).is_some_and(|m| m.adopted)
            }),
            edges,
        }
    }
}

/// The innocent explanations in the order in which they are asked, each with its figure.
pub fn explanations(unit: &Unit, bank: Option<BankHit>) -> Vec<Explanation> {
    let content = &unit.judgement.content;
    let mut list = vec![
        Explanation {
            question: "Do the accounts belong to one customer?",
            finding: format!("{} accounts of {} principals", unit.view.edges.len(), unit.view.principals),
            explains: unit.judgement.reason == Reason::FewPrincipals,
        },
        Explanation {
            question: "Is it a known public prompt?",
            finding: match bank {
                Some(hit) => format!("the nearest bank entry holds {:.0} % of its core", 100.0 * hit.share),
                None => "no bank entry shares a fingerprint with it".to_owned(),
            },
            explains: unit.judgement.reason == Reason::KnownPublic,
        },
    ];
    if unit.judgement.evidence.is_empty() {
        return list;
    }
    list.extend([
        Explanation {
            question: "Is the whole text copied?",
            finding: format!(
                "{:.1} effective texts, {:.0} % without a slot",
                content.effective_documents,
                100.0 * content.empty
            ),
            explains: content.same_text(),
        },
        Explanation {
            question: "Does everybody work through the same list?",
            finding: format!("a slot value meets {:.1} % of the principals", 100.0 * content.overlap),
            explains: content.full_overlap(),
        },
        Explanation {
            question: "Are a few tasks simply popular?",
            finding: format!("dispersion {:.2}, chance {:.2}", content.dispersion, content.dispersion_null),
            explains: content.popular(),
        },
        Explanation {
            question: "Does each account bring its own content?",
            finding: if content.mixing.is_nan() {
                "too few slots to say".to_owned()
            } else {
                format!("nearest slots are {:.2} times as often the account's own as by chance", content.mixing)
            },
            explains: content.own_content(),
        },
    ]);
    let disguise = &unit.judgement.disguise;
    if disguise.evades() {
        list.push(Explanation {
            question: "Did a tool, a scanner or a hasty writer leave the disguised letters?",
            finding: format!(
                "{} words of the template are hidden in one request and plain in another of the same account; three places at \
                 each account, and misprints of the content, explain that at p = {:.0e}",
                disguise.words,
                disguise.p()
            ),
            explains: false,
        });
    }
    list
}

/// What an account's owner could bring forward, or what more traffic could show, with the figures that decide.
fn would_change(unit: &Unit, verdict: Verdict, strength: Option<f64>) -> Vec<String> {
    let held = |wanted: bool| -> String {
        let kinds = super::decide::COUNTED.into_iter().filter(|&kind| unit.judgement.holds(kind) == wanted);
        let names: Vec<&str> = kinds.map(super::evidence::Kind::name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    match (verdict, strength) {
        (Verdict::Convicted, _) => vec![
            "Proof that the accounts are one customer's: declared as one principal, they would be acquitted."
                .to_owned(),
            "A public source of the template: in a negative bank, it would be acquitted.".to_owned(),
            format!(
                "Losing evidence: it rests on {} at q = {:.1e}; three kinds, with turnover or with wording, evenness and \
                 pacing, must hold at q <= 0.001.",
                held(true),
                unit.judgement.q
            ),
            format!(
                "This account acting otherwise than the others: its edge has strength {:.2}, below {} it is not accused.",
                strength.unwrap_or(1.0),
                super::strength::ACCUSE_MIN
            ),
        ],
        (Verdict::Unexplained, Some(strength)) => vec![format!(
            "The others are convicted; this account's own requests show too little of the evidence: strength {strength:.2}, \
             from {} on it would be accused.",
            super::strength::ACCUSE_MIN
        )],
        (Verdict::Review, _) => vec![
            "Knowing who the accounts belong to: one owner acquits.".to_owned(),
            format!("More kinds of evidence: {} hold, {} do not.", held(true), held(false)),
        ],
        (Verdict::Unexplained, None) if unit.judgement.evidence.is_empty() => {
            vec!["More traffic: 60 requests of five principals, of which four come back, are judged.".to_owned()]
        }
        (Verdict::Unexplained, None) => vec![format!(
            "Evidence of more kinds: {} hold, {} do not; three and a gate convict.",
            held(true),
            held(false)
        )],
        (Verdict::Acquitted, _) => vec!["The named innocent explanation ceasing to hold.".to_owned()],
    }
}
