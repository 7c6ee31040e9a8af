//! Near-duplicates of a request: candidates from the bands, re-scored by signature, members after their leaders, ranked.
//! [`neighbors`] answers without a threshold, from the graphs.
//!
//! Jaccard distance is a metric and a member lies within .1 of its leader, so every text at resemblance `min` of the query
//! is a leader found at `min`, or a member of a leader found at `min - .1`.

pub mod neighbors;

use crate::corpus::snapshot::Snapshot;
use crate::corpus::view::SegmentView;
use crate::error::{Error, Result};
use crate::index::SKETCH_BYTES;
use crate::index::lsh::Candidates;
use crate::num::{u32_saturating, usize_of};
use crate::request::PartKind;
use crate::simd::Kernels;
use crate::sketch::EmbeddingCode;
use crate::sketch::minhash::resemblance_of_unequal;

/// How far below `min` a leader may lie whose members are still looked at: the radius of a leader and twice the
/// standard error of the estimates that decided it.
const MEMBER_SLACK: f32 = 0.16;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct NearOptions {
    /// The least estimated resemblance of a hit, 0 to 1.
    pub min: f32,
    /// Hits at most.
    pub top: usize,
}

impl Default for NearOptions {
    fn default() -> Self {
        Self { min: 0.8, top: 10 }
    }
}

/// One part of the query.
#[derive(Debug, Clone, Copy)]
pub struct QueryPart<'a> {
    /// What the part is; it is compared with parts of its class alone.
    pub kind: PartKind,
    /// Its signature.
    pub signature: &'a [u8; SKETCH_BYTES],
    /// Its embedding code; all zero where there is none.
    pub code: &'a [u8; SKETCH_BYTES],
    /// Whether its normal form is empty: near nothing.
    pub is_empty: bool,
}

/// One request near the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Place of its segment in the snapshot.
    pub segment: usize,
    /// Its row there.
    pub row: usize,
    /// Estimated resemblance of its best part, 0 to 1.
    pub resemblance: f32,
}

/// The answer to a query.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// Requests, best first; equal ones by segment and row.
    pub hits: Vec<Hit>,
    /// Whether a bound cut the search short: there may be more hits then.
    pub truncated: bool,
}

/// Which parts decide where there are several: an agent's steps share system block, tools and shape, and are not near for it.
fn weight(kind: PartKind) -> u8 {
    match kind {
        PartKind::Prompt | PartKind::FirstUser | PartKind::LastUser => 2,
        PartKind::ToolResult => 1,
        _ => 0,
    }
}

/// A searcher over one snapshot.
#[derive(Debug)]
pub struct Searcher<'a> {
    snapshot: &'a Snapshot,
    views: Vec<SegmentView<'a>>,
    kernels: Kernels,
}

impl<'a> Searcher<'a> {
    /// A searcher over `snapshot`.
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn new(snapshot: &'a Snapshot, kernels: Kernels) -> Result<Self> {
        Ok(Self { snapshot, views: snapshot.views()?, kernels })
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The columns of the segments, in the order that [`Hit::segment`] counts in.
    #[must_use]
    pub fn views(&self) -> &[SegmentView<'a>] {
        &self.views
    }

    /// What the embedding codes of the snapshot are made by; empty where it has none.
    #[must_use]
    pub fn code_origin(&self) -> &str {
        &self.snapshot.manifest().codes
    }

    /// Requests near one made of `parts`, leaving out the one whose identity is `exclude`. User parts decide where there
    /// are any, else what tools gave back, as in the steps of an agent's run; of a request without either every part does.
    /// # Errors
    /// [`Error::InvalidArgument`] when `min` is no resemblance.
    pub fn near(&self, parts: &[QueryPart<'_>], exclude: Option<u128>, options: NearOptions) -> Result<Hits> {
        if !(0.0..=1.0).contains(&options.min) {
            return Err(Error::InvalidArgument {
                argument: "min",
                reason: format!("{} is not a resemblance between 0 and 1", options.min),
            });
        }
        let mut answer = Hits::default();
        let mut candidates = Candidates::default();
        let mut forms: Vec<(f32, usize, u32)> = Vec::new();
        for part in deciding(parts) {
            for (segment, view) in self.views.iter().enumerate() {
                view.bands().candidates(part.signature, part.kind.class(), &mut candidates);
                answer.truncated |= candidates.truncated;
                for leader in &candidates.ids {
                    self.score(view, part, *leader, options.min, |score, form| forms.push((score, segment, form)));
                }
            }
        }
        forms.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        self.rows(&forms, exclude, options.top, &mut answer);
        Ok(answer)
    }

    fn score(
        &self,
        view: &SegmentView<'_>,
        part: &QueryPart<'_>,
        leader: u32,
        min: f32,
        mut found: impl FnMut(f32, u32),
    ) {
        let leader = usize_of(leader);
        let class = part.kind.class();
        let score = |form: usize| {
            let signature = view.signature(form).filter(|_| view.class(form) == class)?;
            Some(resemblance_of_unequal(self.kernels.unequal_bytes(part.signature, signature)))
        };
        let Some(own) = score(leader) else { return };
        if own >= min {
            found(own, u32_saturating(leader));
        }
        if own >= min - MEMBER_SLACK {
            for member in view.members_of(leader) {
                if let Some(score) = score(member).filter(|score| *score >= min) {
                    found(score, u32_saturating(member));
                }
            }
        }
    }

    /// Requests nearest to one made of `parts`, by their sketches and without a threshold, leaving out the one whose identity
    /// is `exclude`. User parts decide where there are any; else every part does.
    /// # Errors
    /// [`Error::InvalidArgument`] for options without meaning, and where the store keeps no codes that could be compared;
    /// [`Error::Corrupt`].
    pub fn neighbors(
        &self,
        parts: &[QueryPart<'_>],
        exclude: Option<u128>,
        options: &neighbors::NeighborOptions,
        scratch: &mut neighbors::NeighborScratch,
    ) -> Result<neighbors::Neighbors> {
        let probes: Vec<neighbors::Probe<'_>> = deciding(parts)
            .map(|part| neighbors::Probe {
                class: part.kind.class(),
                signature: Some(part.signature),
                code: Some(part.code).filter(|code| **code != EmbeddingCode::EMPTY.0),
            })
            .collect();
        let sources: Vec<neighbors::Source<'_>> = self
            .views
            .iter()
            .zip(self.snapshot.segments())
            .map(|(view, segment)| neighbors::Source { view: *view, segment })
            .collect();
        neighbors::neighbors(&sources, self.snapshot.exemplars(), &probes, exclude, options, self.kernels, scratch)
    }

    /// The requests that use `forms` (best first), each by its best form.
    fn rows(&self, forms: &[(f32, usize, u32)], exclude: Option<u128>, top: usize, answer: &mut Hits) {
        let own: Vec<Option<usize>> =
            self.views.iter().map(|view| exclude.and_then(|identity| view.row_of(identity))).collect();
        let mut seen = std::collections::HashSet::new();
        for (resemblance, segment, form) in forms {
            if answer.hits.len() >= top {
                break;
            }
            for row in self.views[*segment].uses_of(usize_of(*form)) {
                let row = usize_of(row);
                if own[*segment] == Some(row) || self.snapshot.segments()[*segment].is_hidden(row) {
                    continue;
                }
                if seen.insert((*segment, row)) {
                    answer.hits.push(Hit { segment: *segment, row, resemblance: *resemblance });
                    if answer.hits.len() >= top {
                        break;
                    }
                }
            }
        }
    }
}

/// The parts that decide what a request is near: the user's where there are any, else all; never empty ones.
fn deciding<'q, 'a>(parts: &'q [QueryPart<'a>]) -> impl Iterator<Item = &'q QueryPart<'a>> {
    let best = parts.iter().map(|part| weight(part.kind)).max();
    parts.iter().filter(move |part| !part.is_empty && Some(weight(part.kind)) == best)
}
