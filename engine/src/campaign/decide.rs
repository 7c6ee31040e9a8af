//! The decision about one view: acquittals first, then evidence of several independent kinds, then a verdict.

use super::chance;
use super::co_use;
use super::content::{self, Content};
use super::disguise::{self, Disguise};
use super::evidence::{Evidence, Kind, Reason, Verdict};
use super::ledger::{Edge, Ledger, View};
use super::pacing::{self, Strata};
use super::wording::{self, Wording};
use crate::num;

/// Thresholds of the decision. The defaults are meant for every log; they were set with margins, not fitted.
#[derive(Debug, Clone, Copy)]
pub struct DecideOptions {
    /// Fewer principals than this cannot be a campaign.
    pub principals_min: usize,
    /// Fewer requests than this say nothing.
    pub requests_min: usize,
    /// Fewer returning accounts than this say nothing.
    pub returning_min: usize,
    /// Kinds of evidence that a conviction needs.
    pub kinds_min: usize,
    /// Largest adjusted p-value of a conviction.
    pub q_max: f64,
    /// Seed of every sample and permutation.
    pub seed: u64,
}

impl Default for DecideOptions {
    fn default() -> Self {
        Self { principals_min: 5, requests_min: 60, returning_min: 4, kinds_min: 3, q_max: 0.001, seed: 1 }
    }
}

/// What was found about one view.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict about the view; only edges are accused, and only of convicted views.
    pub verdict: Verdict,
    /// Its reason.
    pub reason: Reason,
    /// Every statistic, incriminating ones first.
    pub evidence: Vec<Evidence>,
    /// p-value of "at least the needed number of kinds is real".
    pub p: f64,
    /// The same adjusted over all views judged (Benjamini-Hochberg).
    pub q: f64,
    /// True when the judgement rests on the accounts with five requests or more, the rest being casual users.
    pub core: bool,
    /// Disguised letters of the accounts judged.
    pub disguise: Disguise,
    /// Wording of the accounts judged.
    pub wording: Wording,
    /// Slots of the accounts judged.
    pub content: Content,
    /// Families of each of its templates.
    pub(super) templates: Vec<Vec<u32>>,
    /// Which of its templates are copied word for word.
    pub(super) copied: Vec<bool>,
    /// True when a conviction waits only for its adjusted p-value.
    pub pending: bool,
    /// True when fresh accounts send it once and vanish, whatever is said of others: an alarm about the template.
    pub alarm: bool,
}

impl Judgement {
    pub(super) fn plain(verdict: Verdict, reason: Reason) -> Self {
        Self {
            verdict,
            reason,
            evidence: Vec::new(),
            p: 1.0,
            q: 1.0,
            core: false,
            disguise: Disguise::default(),
            wording: Wording::default(),
            content: Content::default(),
            templates: Vec::new(),
            copied: Vec::new(),
            pending: false,
            alarm: false,
        }
    }

    /// The evidence of one kind, if it was measured.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&Evidence> {
        self.evidence.iter().find(|evidence| evidence.kind == kind)
    }

    /// What an analyst is told, in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.reason.sentence_with(self.alarm)
    }

    /// True when a conviction could not do without the templates that the accounts share.
    pub(super) fn rests_on_co_use(&self) -> bool {
        self.holds(Kind::CoUse) && !self.holds(Kind::Turnover) && !self.holds(Kind::Pacing)
    }

    /// True when evidence of this kind holds.
    #[must_use]
    pub fn holds(&self, kind: Kind) -> bool {
        self.of(kind).is_some_and(|evidence| evidence.holds)
    }
}

/// Judges a view, whose templates are `pieces` (the view itself when it is one template). `known_public` says that its
/// families stand in a negative bank.
#[must_use]
pub fn judge(
    ledger: &Ledger<'_>,
    view: &View,
    pieces: &[&View],
    strata: &Strata,
    known_public: bool,
    options: &DecideOptions,
) -> Judgement {
    if view.principals < options.principals_min {
        return Judgement::plain(Verdict::Acquitted, Reason::FewPrincipals);
    }
    let everyone = judge_edges(ledger, view, &view.edges, pieces, strata, known_public, options);
    if everyone.pending {
        return everyone;
    }
    // A campaign may ride inside a template that strangers use too: ask again about those who use it as a tool.
    let core: Vec<Edge> = view.edges.iter().copied().filter(|edge| edge.requests >= 5).collect();
    if core.len() == view.edges.len() || principals(&core) < options.principals_min {
        return everyone;
    }
    let mut inner = judge_edges(ledger, view, &core, pieces, strata, known_public, options);
    (inner.core, inner.alarm) = (true, everyone.alarm);
    if inner.pending || inner.verdict > everyone.verdict { inner } else { everyone }
}

fn principals(edges: &[Edge]) -> usize {
    let mut principals: Vec<u32> = edges.iter().map(|edge| edge.principal).collect();
    principals.sort_unstable();
    principals.dedup();
    principals.len()
}

fn judge_edges(
    ledger: &Ledger<'_>,
    view: &View,
    edges: &[Edge],
    pieces: &[&View],
    strata: &Strata,
    known_public: bool,
    options: &DecideOptions,
) -> Judgement {
    let seed = options.seed ^ u64::from(view.rows.first().copied().unwrap_or(0));
    let requests: usize = edges.iter().map(|edge| num::usize_of(edge.requests)).sum();
    let returning = edges.iter().filter(|edge| edge.requests >= 2).count();
    let one_shot = pacing::one_shot(ledger, view, edges);
    if requests < options.requests_min || (returning < options.returning_min && !one_shot.holds) {
        return Judgement::plain(Verdict::Unexplained, Reason::TooLittle);
    }
    let content = content::measure(ledger, view, edges, seed);
    let (wording, copied) = wording_of(ledger, edges, pieces, seed);
    let disguise = disguise::measure(ledger, view, edges, pieces);
    let evidence = vec![
        pacing::evenness(ledger, view, edges, seed),
        pacing::pacing(ledger, view, edges),
        pacing::turnover(ledger, edges, strata),
        pacing::dedication(ledger, view, edges, strata),
        wording.evidence(&disguise),
        co_use::co_use(ledger, view, pieces),
        content.pool(),
        one_shot,
    ];
    let plain = Judgement::plain(Verdict::Unexplained, Reason::Organic);
    let mut judgement = Judgement { evidence, disguise, wording, content, copied, ..plain };
    let acquittal = acquit(&judgement.content, edges, known_public);
    decide(&mut judgement, options);
    judgement.alarm = acquittal.is_none() && judgement.holds(Kind::OneShot);
    if let Some(reason) = acquittal {
        judgement.verdict = Verdict::Acquitted;
        judgement.reason = reason;
        judgement.pending = false;
        judgement.p = 1.0;
    }
    let acquitting = judgement.content.acquitting();
    judgement.evidence.extend(acquitting);
    judgement
}

/// Wording within each template, put together by requests; and which of the templates are copied.
fn wording_of(ledger: &Ledger<'_>, edges: &[Edge], pieces: &[&View], seed: u64) -> (Wording, Vec<bool>) {
    let parts: Vec<(usize, Wording)> = pieces
        .iter()
        .map(|piece| (piece.requests, wording::compare(ledger, piece, &piece.edges_of(edges), seed)))
        .collect();
    let copied = parts.iter().map(|(_, wording)| wording.is_copied()).collect();
    (Wording::together(parts), copied)
}

/// The first innocent explanation that fits, in the order in which they are asked.
fn acquit(content: &Content, edges: &[Edge], known_public: bool) -> Option<Reason> {
    let mut volumes: Vec<f64> = edges.iter().map(|edge| f64::from(edge.requests)).collect();
    if known_public {
        Some(Reason::KnownPublic)
    } else if content.same_text() {
        Some(Reason::SameText)
    } else if content.full_overlap() {
        Some(Reason::FullOverlap)
    } else if content.popular() {
        Some(Reason::Popularity)
    } else if content.own_content() && chance::median(&mut volumes) >= 5.0 {
        Some(Reason::OwnContent)
    } else {
        None
    }
}

/// Largest p-value of evenness in a conviction without turnover.
const EVEN_P_MAX: f64 = 0.001;

/// The kinds of evidence that a conviction counts.
pub(super) const COUNTED: [Kind; 5] = [Kind::Evenness, Kind::Pacing, Kind::Turnover, Kind::Dedication, Kind::Wording];

/// The kinds that say how accounts live, seen from the first days on.
const LIFE: [Kind; 3] = [Kind::Evenness, Kind::Pacing, Kind::Dedication];

/// Counts independent kinds of evidence and asks for the gate.
fn decide(judgement: &mut Judgement, options: &DecideOptions) {
    let held: Vec<Kind> =
        judgement.evidence.iter().filter(|evidence| evidence.holds).map(|evidence| evidence.kind).collect();
    let holds = |kind: Kind| held.contains(&kind);
    let count = COUNTED.iter().filter(|&&kind| holds(kind)).count();
    let one_content = judgement.content.mixing.is_nan() || judgement.content.mixing <= 1.5;
    let needed = if one_content { options.kinds_min } else { options.kinds_min + 1 };
    // Where nobody was seen to come and go, evenness stands for a plan and must be beyond doubt itself. A template is hidden
    // by plan alone.
    let evades = judgement.disguise.evades();
    let even = judgement.of(Kind::Evenness).is_some_and(|even| even.holds && even.p <= EVEN_P_MAX);
    let own_and_even = holds(Kind::Wording) && (even || (holds(Kind::Evenness) && evades));
    let gate = holds(Kind::Turnover) || (own_and_even && holds(Kind::Pacing));
    let p_of = |kind: &Kind| judgement.of(*kind).map(|evidence| if evidence.holds { evidence.p } else { 1.0 });
    let mut p_values: Vec<f64> = COUNTED.iter().filter_map(p_of).collect();
    // A campaign inside accounts that live their own lives shows neither life nor pace nor dedication. Templates that the
    // same accounts alone use take their place, and only beside a wording of each account's own over one content.
    // Should such accounts keep a pace as well, that is no reason to do without what says more.
    let needs_co_use = !(count >= needed && gate && holds(Kind::Turnover));
    let inside_hosts = needs_co_use && own_and_even && holds(Kind::CoUse) && one_content;
    if inside_hosts {
        p_values.extend(p_of(&Kind::CoUse));
    }
    // Two kinds must be real beyond doubt; the others hold at their own level. Where nobody was seen to come and go, many
    // customers' scheduled jobs in one loose family are the innocent twin, and three must be.
    let real = if holds(Kind::Turnover) { options.kinds_min - 1 } else { options.kinds_min };
    judgement.p = chance::partial_conjunction(&p_values, real);
    // No customers' job hides its template, whatever else they have in common: there evenness, pacing and dedication
    // hold each at its own level, and the weakest of them is evidence beside the hiding, which has nothing to do with
    // it. Twice the smaller p-value, since either way would do.
    if evades && LIFE.iter().all(|&kind| holds(kind)) {
        let weakest = LIFE.iter().filter_map(|&kind| judgement.of(kind)).map(|life| life.p).fold(0.0, f64::max);
        let hidden = chance::fisher(judgement.disguise.p(), weakest);
        judgement.p = (2.0 * judgement.p.min(hidden)).min(1.0);
    }
    judgement.pending = (count >= needed && gate) || inside_hosts;
    if holds(Kind::OneShot) {
        judgement.verdict = Verdict::Review;
        judgement.reason = Reason::OneShotAlarm;
    }
    let own_words = holds(Kind::Wording) && count > 1 && judgement.of(Kind::Wording).is_some_and(|own| own.p < 1e-6);
    if count >= options.kinds_min || own_words {
        judgement.verdict = Verdict::Review;
        judgement.reason = Reason::LikeAFleet;
    }
}

/// Turns pending convictions into convictions where the adjusted p-value allows it.
pub fn adjust(judgements: &mut [&mut Judgement], options: &DecideOptions) {
    let p_values: Vec<f64> = judgements.iter().map(|judgement| judgement.p).collect();
    for (judgement, q) in judgements.iter_mut().zip(chance::benjamini_hochberg(&p_values)) {
        judgement.q = q;
        if judgement.pending && q <= options.q_max {
            judgement.verdict = Verdict::Convicted;
            judgement.reason = Reason::Coordinated;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_beside_common_templates_takes_nothing_from_the_evidence() {
        let judged = |pacing: f64| {
            let found = [
                (Kind::Evenness, 1e-9),
                (Kind::Pacing, pacing),
                (Kind::Turnover, 1.0),
                (Kind::Dedication, 1.0),
                (Kind::Wording, 1e-15),
                (Kind::CoUse, 1e-16),
            ];
            let evidence = found.map(|(kind, p)| Evidence { kind, value: 0.0, null: 1.0, p, n: 80, holds: p < 0.01 });
            let plain = Judgement::plain(Verdict::Unexplained, Reason::Organic);
            let mut judgement = Judgement { evidence: evidence.to_vec(), ..plain };
            decide(&mut judgement, &DecideOptions::default());
            assert!(judgement.pending);
            judgement.p
        };
        assert!(judged(0.4) < 1e-6);
        assert!(judged(0.003) <= judged(0.4), "accounts that live their own lives may keep a pace too");
    }

    #[test]
    fn a_hidden_template_and_lives_alike_say_more_together_than_each() {
        let judged = |p_places: f64, life: f64| {
            let found = [
                (Kind::Evenness, 0.5 * life),
                (Kind::Pacing, life),
                (Kind::Turnover, 1.0),
                (Kind::Dedication, 0.3 * life),
                (Kind::Wording, 3.0 * p_places),
            ];
            let evidence = found.map(|(kind, p)| Evidence { kind, value: 0.0, null: 1.0, p, n: 9, holds: p < 0.05 });
            let hidden =
                Disguise { share: 0.9, p_share: 0.0, words: 12, changing: 0.7, aim: 3.0, ..Disguise::default() };
            let disguise = Disguise { principals: 1.0, p_places, known: 110, ..hidden };
            let plain = Judgement::plain(Verdict::Unexplained, Reason::Organic);
            let mut judgement = Judgement { evidence: evidence.to_vec(), disguise, ..plain };
            decide(&mut judgement, &DecideOptions::default());
            assert_eq!(judgement.pending, p_places < 0.001 && life < 0.05);
            judgement.p
        };
        assert!(judged(2e-4, 3e-3) < 2.5e-5, "{}", judged(2e-4, 3e-3));
        assert!(judged(2e-3, 3e-3) > 1e-3, "what is hidden must be beyond doubt by itself");
        assert!(judged(2e-4, 0.06) > 1e-3, "and the accounts live alike");
    }
}
