//! The nearest requests without a threshold: leaders from the graphs of each segment, their members after them, ranked.
//!
//! Bands find what resembles a text at .7 and above, and nothing below. The graphs give the nearest there are, however far:
//! by signature, which counts common shingles, or by embedding code, which forgives other words and order.

use std::collections::{HashMap, HashSet};

use crate::corpus::exemplars::Exemplars;
use crate::corpus::snapshot::Segment;
use crate::corpus::view::SegmentView;
use crate::error::{Error, Result};
use crate::index::SKETCH_BYTES;
use crate::index::hnsw::{self, Flat, Graph, Hit, Metric, Row, SearchOptions};
use crate::index::lsh::Candidates;
use crate::limits::CANDIDATES_MAX;
use crate::num::{f64_of, u32_saturating, usize_of};
use crate::simd::Kernels;
use crate::sketch::embedding::cosine_of_unequal_bits;
use crate::sketch::minhash::resemblance_of_unequal;

/// What nearness is judged by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// Bands of the signature: near-duplicates above a threshold.
    #[default]
    Bands,
    /// The signatures, nearest first.
    Signature,
    /// The embedding codes, nearest first.
    Code,
    /// Both lists as one, by reciprocal rank (Cormack, Clarke, Buettcher 2009): what is high in either comes first.
    All,
}

impl By {
    /// All choices.
    pub const ALL: [Self; 4] = [Self::Bands, Self::Signature, Self::Code, Self::All];

    /// The name that [`str::parse`] reads back.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bands => "bands",
            Self::Signature => "signature",
            Self::Code => "code",
            Self::All => "all",
        }
    }
}

impl std::str::FromStr for By {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name).ok_or_else(|| Error::InvalidArgument {
            argument: "by",
            reason: format!("{name:?} is none of bands, signature, code and all"),
        })
    }
}

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeighborOptions {
    /// What nearness is judged by; [`By::Bands`] is taken as [`By::Signature`].
    pub by: By,
    /// Requests at most.
    pub top: usize,
    /// Leaders kept while searching a graph: more is slower and finds more.
    pub ef: usize,
    /// The least resemblance, or cosine where codes decide; `None` takes the nearest however far.
    pub min: Option<f32>,
}

impl Default for NeighborOptions {
    fn default() -> Self {
        Self { by: By::Signature, top: 10, ef: 256, min: None }
    }
}

/// What is looked for: one text, by either sketch or both.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// Texts of this class alone are compared.
    pub class: u8,
    /// Its signature.
    pub signature: Option<&'a [u8; SKETCH_BYTES]>,
    /// Its embedding code, the store's own or one of a caller who gave the store its codes.
    pub code: Option<&'a [u8; SKETCH_BYTES]>,
}

/// A segment to search.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its columns.
    pub view: SegmentView<'a>,
    /// Its hidden rows.
    pub segment: &'a Segment,
}

/// One request, as near as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Place of its segment among the sources.
    pub segment: usize,
    /// Its row there.
    pub row: usize,
    /// Estimated resemblance of the text that is near, 0 to 1; `None` where the probe has no signature.
    pub resemblance: Option<f32>,
    /// Estimated cosine of the embeddings, -1 to 1; `None` where either has no code.
    pub cosine: Option<f32>,
}

/// The answer to a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neighbors {
    /// Requests, nearest first; equal ones by segment and row.
    pub hits: Vec<Neighbor>,
    /// Whether a bound cut the search short: there may be nearer ones then.
    pub truncated: bool,
}

/// The buffers of a search; one a thread.
#[derive(Debug, Default)]
pub struct NeighborScratch {
    graph: hnsw::Scratch,
    hits: Vec<Hit>,
    candidates: Candidates,
}

/// A text that is near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    distance: u32,
    segment: usize,
    form: u32,
}

/// Rank at which a list counts half of what its first counts; the value of the paper.
const RANK_CONSTANT: f64 = 60.0;

/// Finds the requests nearest to `probes` in `sources`, the nearest by any probe first. Every row of `sources` that is hidden, and
/// the one of identity `exclude`, is left out. `exemplars` serves the codes of segments that have no graph of their own.
/// # Errors
/// [`Error::InvalidArgument`] for a `min` without meaning, and for codes where neither side has any; [`Error::Corrupt`]
/// when a graph contradicts its section.
pub fn neighbors(
    sources: &[Source<'_>],
    exemplars: Option<&Exemplars>,
    probes: &[Probe<'_>],
    exclude: Option<u128>,
    options: &NeighborOptions,
    kernels: Kernels,
    scratch: &mut NeighborScratch,
) -> Result<Neighbors> {
    check(sources, options)?;
    let search = Search { sources, exemplars, options, kernels };
    let mut answer = Neighbors::default();
    let mut found: Vec<Found> = Vec::new();
    for probe in probes {
        let by_signature = !matches!(options.by, By::Code);
        let by_code = matches!(options.by, By::Code | By::All);
        let mut lists = Vec::new();
        for (metric, wanted) in [(Metric::UnequalBytes, by_signature), (Metric::HammingBits, by_code)] {
            let sketch = if metric == Metric::UnequalBytes { probe.signature } else { probe.code };
            if let Some(sketch) = sketch.filter(|_| wanted) {
                lists.push(search.texts(probe.class, metric, sketch, scratch, &mut answer.truncated)?);
            }
        }
        found.extend(search.score(probe, &lists));
    }
    found.sort_unstable_by(|a, b| b.rank.total_cmp(&a.rank).then((a.segment, a.form).cmp(&(b.segment, b.form))));
    search.rows(&found, exclude, &mut answer);
    Ok(answer)
}

fn check(sources: &[Source<'_>], options: &NeighborOptions) -> Result<()> {
    let wrong = |argument, reason: &str| Err(Error::InvalidArgument { argument, reason: reason.to_owned() });
    if options.min.is_some_and(|min| !(-1.0..=1.0).contains(&min)) {
        return wrong("min", "must be a resemblance or a cosine, at most 1");
    }
    let has_codes = |source: &Source<'_>| source.view.has_codes() || source.view.form_count() == 0;
    if options.by == By::Code && !sources.is_empty() && !sources.iter().any(has_codes) {
        return wrong("by", "the store keeps no embedding codes; index with --graph leaders or families");
    }
    Ok(())
}

/// A text with its scores; the higher `rank`, the nearer.
#[derive(Debug, Clone, Copy)]
struct Found {
    rank: f64,
    segment: usize,
    form: u32,
    resemblance: Option<f32>,
    cosine: Option<f32>,
}

/// What all steps of one query share.
struct Search<'a> {
    sources: &'a [Source<'a>],
    exemplars: Option<&'a Exemplars>,
    options: &'a NeighborOptions,
    kernels: Kernels,
}

impl Search<'_> {
    /// The texts nearest to `sketch` over all segments, nearest first: enough for the rows wanted and the one left out.
    fn texts(
        &self,
        class: u8,
        metric: Metric,
        sketch: &[u8; SKETCH_BYTES],
        scratch: &mut NeighborScratch,
        truncated: &mut bool,
    ) -> Result<Vec<Near>> {
        let wanted = self.options.top.saturating_add(1);
        let mut near = Vec::new();
        if let Some(exemplars) = self.exemplars.filter(|_| metric == Metric::HammingBits) {
            let covered = |segment: usize| self.served_by(exemplars, segment);
            let visible = |segment: usize, form: u32| covered(segment) && self.is_visible(segment, form, class);
            let options = SearchOptions { k: wanted, ef: self.options.ef };
            let hits = &mut scratch.hits;
            let searched = exemplars.search(sketch, &options, visible, self.kernels, &mut scratch.graph, hits)?;
            *truncated |= searched.truncated;
            for hit in hits {
                let place = exemplars.place(hit.row);
                near.extend(place.map(|(segment, form)| Near { distance: hit.distance, segment, form }));
            }
        }
        for segment in 0..self.sources.len() {
            let served = self.exemplars.is_some_and(|exemplars| self.served_by(exemplars, segment));
            if metric == Metric::UnequalBytes || !served {
                self.leaders(segment, class, metric, sketch, scratch, truncated)?;
                near.extend(scratch.hits.iter().map(|hit| Near { distance: hit.distance, segment, form: hit.row.0 }));
            }
        }
        self.add_members(class, metric, sketch, &mut near, truncated);
        near.sort_unstable();
        near.dedup();
        near.truncate(wanted);
        Ok(near)
    }

    /// Whether the codes of a segment are searched among the exemplars instead of in the segment.
    fn served_by(&self, exemplars: &Exemplars, segment: usize) -> bool {
        self.sources.get(segment).is_some_and(|source| !source.view.has_code_graph() && exemplars.covers(segment))
    }

    /// Leaves the leaders of one segment that are nearest to `sketch` in the scratch: twice as many as are wanted, since a
    /// member may be nearer than its leader.
    fn leaders(
        &self,
        segment: usize,
        class: u8,
        metric: Metric,
        sketch: &[u8; SKETCH_BYTES],
        scratch: &mut NeighborScratch,
        truncated: &mut bool,
    ) -> Result<()> {
        let Some(source) = self.sources.get(segment) else { return Ok(()) };
        let view = &source.view;
        let k = self.options.top.saturating_add(1).saturating_mul(2);
        let keep = |row: Row| {
            usize_of(row.0) < view.leader_count()
                && has_sketch(view, metric, row.0)
                && self.is_visible(segment, row.0, class)
        };
        let NeighborScratch { graph: buffers, hits, candidates } = scratch;
        match view.graph(metric, self.kernels)? {
            Some(graph) => self.walk(&graph, sketch, k, keep, buffers, hits),
            None => {
                let flat = Flat { sketches: view.leader_sketches(metric), metric, kernels: self.kernels };
                flat.search(sketch, k, keep, buffers, hits);
            }
        }
        if metric == Metric::UnequalBytes {
            // Bands find what shares four slots in a row wherever it lies in the graph.
            view.bands().candidates(sketch, class, candidates);
            *truncated |= candidates.truncated;
            for leader in candidates.ids.iter().filter(|leader| keep(Row(**leader))) {
                if let Some(signature) = view.signature(usize_of(*leader)) {
                    hits.push(Hit { distance: self.kernels.unequal_bytes(sketch, signature), row: Row(*leader) });
                }
            }
            hits.sort_unstable();
            hits.dedup();
            hits.truncate(k);
        }
        Ok(())
    }

    /// Searches a graph; where a filter (class, hidden rows) let too few of what it met through, again with more effort, and
    /// in the end by looking at everything.
    fn walk(
        &self,
        graph: &Graph<'_>,
        sketch: &[u8; SKETCH_BYTES],
        k: usize,
        keep: impl Fn(Row) -> bool + Copy,
        buffers: &mut hnsw::Scratch,
        hits: &mut Vec<Hit>,
    ) {
        for effort in [1, 8] {
            let ef = self.options.ef.max(k).saturating_mul(effort);
            let searched = graph.search(sketch, &SearchOptions { k, ef }, keep, buffers, hits);
            if !searched.truncated || hits.len() >= k {
                return;
            }
        }
        graph.search_exact(sketch, &SearchOptions { k, ef: 0 }, keep, buffers, hits);
    }

    /// The members of the leaders found, which are as near as their leaders or nearly.
    fn add_members(
        &self,
        class: u8,
        metric: Metric,
        sketch: &[u8; SKETCH_BYTES],
        near: &mut Vec<Near>,
        truncated: &mut bool,
    ) {
        let mut looked = 0;
        for at in 0..near.len() {
            let Near { segment, form, .. } = near[at];
            let Some(source) = self.sources.get(segment) else { continue };
            for member in source.view.members_of(usize_of(form)) {
                looked += 1;
                if looked > CANDIDATES_MAX {
                    *truncated = true;
                    return;
                }
                let form = u32_saturating(member);
                let own = match metric {
                    Metric::UnequalBytes => source.view.signature(member),
                    Metric::HammingBits => source.view.code(member),
                };
                if let Some(own) = own.filter(|_| self.is_visible(segment, form, class)) {
                    let distance = match metric {
                        Metric::UnequalBytes => self.kernels.unequal_bytes(sketch, own),
                        Metric::HammingBits => self.kernels.hamming(sketch, own),
                    };
                    near.push(Near { distance, segment, form });
                }
            }
        }
    }

    /// Whether a text is of the class and some request that is not hidden uses it.
    fn is_visible(&self, segment: usize, form: u32, class: u8) -> bool {
        let Some(source) = self.sources.get(segment) else { return false };
        let form = usize_of(form);
        source.view.class(form) == class
            && (!source.segment.has_hidden()
                || source.view.uses_of(form).any(|row| !source.segment.is_hidden(usize_of(row))))
    }

    /// Gives the texts of one probe's lists both scores and one rank.
    fn score(&self, probe: &Probe<'_>, lists: &[Vec<Near>]) -> Vec<Found> {
        let mut fused: HashMap<(usize, u32), f64> = HashMap::new();
        for list in lists {
            for near in list {
                // Equal distances share a rank, so that it does not depend on how requests were divided.
                let rank = list.partition_point(|other| other.distance < near.distance) + 1;
                *fused.entry((near.segment, near.form)).or_default() += 1.0 / (RANK_CONSTANT + f64_of(rank));
            }
        }
        let mut found: Vec<Found> = fused
            .into_iter()
            .filter_map(|((segment, form), rank)| {
                let view = &self.sources.get(segment)?.view;
                let signature = probe.signature.zip(view.signature(usize_of(form)));
                let code = probe.code.zip(view.code(usize_of(form)));
                let resemblance = signature.map(|(a, b)| resemblance_of_unequal(self.kernels.unequal_bytes(a, b)));
                let cosine = code.map(|(a, b)| cosine_of_unequal_bits(self.kernels.hamming(a, b)));
                let rank = match self.options.by {
                    By::All => rank,
                    By::Code => cosine.map_or(-1.0, f64::from),
                    By::Bands | By::Signature => resemblance.map_or(-1.0, f64::from),
                };
                Some(Found { rank, segment, form, resemblance, cosine })
            })
            .collect();
        if let Some(min) = self.options.min {
            let enough = |score: Option<f32>| score.is_some_and(|score| score >= min);
            found.retain(|found| match self.options.by {
                By::Code => enough(found.cosine),
                By::All => enough(found.resemblance) || enough(found.cosine),
                By::Bands | By::Signature => enough(found.resemblance),
            });
        }
        found
    }

    /// The requests that use the texts (nearest first), each by the text that is nearest.
    fn rows(&self, found: &[Found], exclude: Option<u128>, answer: &mut Neighbors) {
        let own: Vec<Option<usize>> =
            self.sources.iter().map(|source| exclude.and_then(|identity| source.view.row_of(identity))).collect();
        let mut seen = HashSet::new();
        for &Found { segment, form, resemblance, cosine, .. } in found {
            let Some(source) = self.sources.get(segment) else { continue };
            for row in source.view.uses_of(usize_of(form)) {
                if answer.hits.len() >= self.options.top {
                    return;
                }
                let row = usize_of(row);
                let is_own = own.get(segment) == Some(&Some(row));
                if !is_own && !source.segment.is_hidden(row) && seen.insert((segment, row)) {
                    answer.hits.push(Neighbor { segment, row, resemblance, cosine });
                }
            }
        }
    }
}

/// Whether a leader has the sketch that is compared; an empty text has none.
fn has_sketch(view: &SegmentView<'_>, metric: Metric, form: u32) -> bool {
    match metric {
        Metric::UnequalBytes => !view.is_empty_text(usize_of(form)),
        Metric::HammingBits => view.code(usize_of(form)).is_some(),
    }
}
