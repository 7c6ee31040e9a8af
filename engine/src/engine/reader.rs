//! Answers what is known of a prompt, from the sealed segments of the newest manifest that was seen.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, TryLockError};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;

use super::counter::AccountCounter;
use super::lookup::{self, Probe, Senders};
use super::recent::Recent;
use super::sealed::Sealed;
use super::writer::{rank, signature_of};
use crate::corpus::NONE;
use crate::corpus::builder::PreparedPart;
use crate::corpus::families::FamilyInfo;
use crate::corpus::prepare::{CodeSource, PrepareScratch, Preparer};
use crate::corpus::snapshot::{check_keys, display_id, spec_of};
use crate::error::{Error, Result};
use crate::index::lsh::Candidates;
use crate::key::Keys;
use crate::num::{u32_saturating, u64_of, usize_of};
use crate::query::neighbors::NeighborScratch;
use crate::request::{Part, PartKind};
use crate::simd::Kernels;
use crate::sketch::minhash::{Signature, resemblance_of_unequal};
use crate::store::Store;
use crate::store::fs::{Fs, RealFs};
use crate::verdict::{Advice, Depth, FamilySeen, Nearest, Place, Verdict};

/// Looks at a lock that is only ever held for the exchange of a pointer; whoever is not let in by then goes on without.
const SPINS: usize = 10_000;
/// Buffers kept for calls to come: more threads than this allocate their own.
const POOL: usize = 64;
/// Text beyond which a buffer is given back to the system after its call.
const KEPT_TEXT_BYTES: usize = 256 << 10;
/// Attempts to open a manifest while a maintainer replaces it.
const REFRESH_ATTEMPTS: usize = 4;

/// How a store is read.
#[derive(Debug, Clone)]
pub struct ReaderOptions {
    /// The key file; `None` is the one beside the store.
    pub key: Option<PathBuf>,
    /// Reads files into memory instead of mapping them: for file systems that may lose a page.
    pub copy: bool,
    /// Reads every byte of a file against its checksum before answers come from it; a damaged one is left out and told of in
    /// [`Reader::trouble`]. Costs a read of the store at every open.
    pub verify: bool,
    /// The least resemblance of a text that counts as near, 0 to 1; below .7 the bands begin to miss.
    pub resemblance_min: f32,
    /// Milliseconds between looks for a new manifest, made by the query that finds them passed; 0 leaves it to
    /// [`Reader::refresh`]. A look costs one small read, a new manifest the mapping of its new files.
    pub refresh_ms: u64,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { key: None, copy: false, verify: false, resemblance_min: 0.8, refresh_ms: 1000 }
    }
}

/// How one prompt is looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueryOptions {
    /// Microseconds after which no further step begins; 0 is no deadline. What was left out stands in [`Verdict::depth`].
    pub deadline_us: u32,
}

/// One piece of text to look up or observe.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: PartKind,
    /// Its bytes as sent; what is not UTF-8 counts as U+FFFD.
    pub text: &'a [u8],
}

impl<'a> From<&'a Part> for Piece<'a> {
    fn from(part: &'a Part) -> Self {
        Self { kind: part.kind, text: part.text.as_bytes() }
    }
}

/// A store opened for questions; share it between threads, open it before `fork()`.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    key_path: PathBuf,
    options: ReaderOptions,
    unequal_max: u32,
    kernels: Kernels,
    fs: Arc<dyn Fs>,
    state: RwLock<Arc<State>>,
    opened: Instant,
    next_look_ms: AtomicU64,
    scratches: ArrayQueue<Box<Scratch>>,
}

/// What a reader knows at one moment.
#[derive(Debug, Default)]
pub(super) struct State {
    preparer: Option<Arc<Preparer>>,
    sealed: Option<Sealed>,
    /// The bytes of CURRENT that this state was opened from.
    current: Vec<u8>,
    trouble: Vec<String>,
}

impl State {
    pub(super) fn preparer(&self) -> Option<&Arc<Preparer>> {
        self.preparer.as_ref()
    }

    pub(super) fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }
}

/// The buffers of one call.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) prepare: PrepareScratch,
    pub(super) candidates: Candidates,
    pub(super) neighbors: NeighborScratch,
    text_bytes: usize,
}

impl Scratch {
    /// Remembers that a text of so many bytes went through.
    pub(super) fn note_text(&mut self, bytes: usize) {
        self.text_bytes = self.text_bytes.max(bytes);
    }
}

/// One part, as it is looked up.
#[derive(Debug, Clone, Copy)]
struct Sketch<'a> {
    class: u8,
    fingerprint: u128,
    signature: Signature,
    has_family: bool,
    /// Its anchors as they are kept; `None` where its normal form is in the scratch and they are still to be made.
    anchors: Option<&'a [u8]>,
}

/// The kinds of part that are looked up, in the order in which they count: the user's turns where there are any, else
/// whatever ranks first.
fn looked_up(kinds: impl Iterator<Item = PartKind> + Clone) -> impl Iterator<Item = PartKind> {
    let user = [PartKind::LastUser, PartKind::FirstUser, PartKind::Prompt];
    let present = user.map(|kind| kinds.clone().any(|other| other == kind).then_some(kind));
    let other = if present.iter().all(Option::is_none) { kinds.min_by_key(|kind| rank(*kind)) } else { None };
    present.into_iter().flatten().chain(other)
}

/// A clock that is only read where there is a deadline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    pub(super) fn new(deadline_us: u32) -> Self {
        Self((deadline_us > 0).then(|| (Instant::now(), Duration::from_micros(u64::from(deadline_us)))))
    }

    /// A clock that stands `elapsed` behind its beginning.
    #[cfg(test)]
    pub(super) fn begun(elapsed: Duration, length: Duration) -> Self {
        Self(Instant::now().checked_sub(elapsed).map(|start| (start, length)))
    }

    pub(super) fn passed(&self) -> bool {
        self.0.is_some_and(|(start, length)| start.elapsed() >= length)
    }

    /// Whether as much work again as was done so far would pass it: each step costs about what the ones before did.
    pub(super) fn too_near(&self) -> bool {
        self.0.is_some_and(|(start, length)| start.elapsed() * 2 >= length)
    }

    /// Whether `bytes` of text surely take longer than all of it, at a byte a nanosecond.
    pub(super) fn hopeless(&self, bytes: usize) -> bool {
        self.0.is_some_and(|(_, length)| u128::from(u64_of(bytes)) > length.as_nanos())
    }
}

impl Reader {
    /// Opens the store in `dir`. A store or key that is missing, damaged or foreign gives a reader that knows nothing and
    /// says so in [`Reader::trouble`]; a later [`Reader::refresh`] may find it whole.
    /// # Errors
    /// [`Error::InvalidArgument`] for options without meaning.
    pub fn open(dir: &Path, options: ReaderOptions) -> Result<Self> {
        if !(0.0..=1.0).contains(&options.resemblance_min) {
            return Err(Error::InvalidArgument {
                argument: "resemblance_min",
                reason: format!("{} is not a resemblance between 0 and 1", options.resemblance_min),
            });
        }
        let reader = Self {
            dir: dir.to_path_buf(),
            key_path: options.key.clone().unwrap_or_else(|| Keys::default_path(dir)),
            unequal_max: lookup::unequal_max(options.resemblance_min),
            kernels: Kernels::detect(),
            fs: Arc::new(RealFs { copy: options.copy }),
            state: RwLock::default(),
            opened: Instant::now(),
            next_look_ms: AtomicU64::new(options.refresh_ms),
            scratches: ArrayQueue::new(POOL),
            options,
        };
        reader.refresh();
        Ok(reader)
    }

    /// The folder of the store.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What could not be read, in words that tell what to do; empty when all is well.
    #[must_use]
    pub fn trouble(&self) -> Vec<String> {
        self.state().map(|state| state.trouble.clone()).unwrap_or_default()
    }

    /// Sequence number of the manifest that answers come from; `None` without a store.
    #[must_use]
    pub fn manifest_sequence(&self) -> Option<u64> {
        self.state()?.sealed().map(|sealed| sealed.manifest().sequence)
    }

    /// Looks for a new manifest and opens it; returns whether answers come from another one now. Queries go on meanwhile
    /// and never wait. What cannot be opened leaves the reader as it was, if it knew anything.
    pub fn refresh(&self) -> bool {
        let Some(before) = self.state() else { return false };
        for _ in 0..REFRESH_ATTEMPTS {
            let current = self.fs.read(&self.dir.join("CURRENT"), 256).unwrap_or_default();
            if before.sealed.is_some() && (current.is_empty() || current == before.current) {
                return false;
            }
            match self.load(&before, current) {
                Ok(state) => return self.exchange(state),
                // The maintainer may have replaced it between two reads: look again.
                Err(error) if before.sealed.is_none() => {
                    let trouble = vec![error.to_string()];
                    let preparer = before.preparer.clone();
                    self.exchange(State { preparer, trouble, ..State::default() });
                }
                Err(_) => {}
            }
        }
        false
    }

    fn load(&self, before: &State, current: Vec<u8>) -> Result<State> {
        let store = Store::open(&self.dir, Arc::clone(&self.fs))?;
        let keys = Keys::load(&self.key_path)?;
        check_keys(store.manifest(), &keys, &self.key_path)?;
        let spec = spec_of(store.manifest(), &self.dir)?;
        let same = |known: &&Arc<Preparer>| known.spec() == spec && known.keys().check() == keys.check();
        let preparer = before.preparer.as_ref().filter(same).cloned();
        let preparer =
            preparer.unwrap_or_else(|| Arc::new(Preparer::new(spec, keys, self.kernels).with_codes(CodeSource::None)));
        let sealed = Sealed::open(&store, before.sealed(), self.options.verify);
        let trouble = sealed.trouble().to_vec();
        Ok(State { preparer: Some(preparer), sealed: Some(sealed), current, trouble })
    }

    fn exchange(&self, state: State) -> bool {
        let state = Arc::new(state);
        // Held for this one assignment; the old state is let go of outside.
        let old = match self.state.write() {
            Ok(mut slot) => std::mem::replace(&mut *slot, state),
            Err(poisoned) => std::mem::replace(&mut *poisoned.into_inner(), state),
        };
        drop(old);
        true
    }

    /// What is known now; `None` only where a thread died inside the exchange of a pointer, such as in a fork.
    pub(super) fn state(&self) -> Option<Arc<State>> {
        for _ in 0..SPINS {
            match self.state.try_read() {
                Ok(state) => return Some(Arc::clone(&state)),
                Err(TryLockError::Poisoned(state)) => return Some(Arc::clone(&state.into_inner())),
                Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
            }
        }
        None
    }

    /// Refreshes when it is time to; one caller does, the others go on.
    pub(super) fn refresh_in_time(&self) {
        if self.options.refresh_ms == 0 {
            return;
        }
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.next_look_ms.load(Ordering::Relaxed);
        let next = now.saturating_add(self.options.refresh_ms);
        if now >= due && self.next_look_ms.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.refresh();
        }
    }

    /// What is known of a prompt made of `pieces`. The last user turn is looked up, else the first, else the plain prompt,
    /// else the first piece; its family, where it has none, is the next one's.
    #[must_use]
    pub fn query(&self, pieces: &[Piece<'_>], options: QueryOptions) -> Verdict {
        self.refresh_in_time();
        let deadline = Deadline::new(options.deadline_us);
        let Some(state) = self.state() else { return Verdict { store_damaged: true, ..Verdict::default() } };
        let mut scratch = self.scratch();
        let verdict = self.verdict(&state, pieces, deadline, &mut scratch);
        self.give_back(scratch);
        verdict
    }

    /// What is kept of a text, without looking it up; `None` where the reader has no key.
    #[must_use]
    pub fn sketch(&self, piece: &Piece<'_>) -> Option<PreparedPart> {
        let state = self.state()?;
        let mut scratch = self.scratch();
        scratch.note_text(piece.text.len());
        let part = state.preparer()?.text(piece.kind, piece.text, &mut scratch.prepare);
        self.give_back(scratch);
        Some(part)
    }

    pub(super) fn scratch(&self) -> Box<Scratch> {
        self.scratches.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, scratch: Box<Scratch>) {
        if scratch.text_bytes <= KEPT_TEXT_BYTES {
            // A full pool lets the buffer go.
            drop(self.scratches.push(scratch));
        }
    }

    /// The verdict over text that is not sketched yet: only what is looked up is sketched.
    pub(super) fn verdict(
        &self,
        state: &State,
        pieces: &[Piece<'_>],
        deadline: Deadline,
        scratch: &mut Scratch,
    ) -> Verdict {
        let mut verdict = Verdict { store_damaged: !state.trouble.is_empty(), ..Verdict::default() };
        let Some(preparer) = state.preparer() else { return verdict };
        for kind in looked_up(pieces.iter().map(|piece| piece.kind)) {
            let Some(piece) = pieces.iter().rev().find(|piece| piece.kind == kind) else { continue };
            let is_first = verdict.fingerprint.is_none() && verdict.depth == Depth::Full;
            if !is_first && (verdict.family.is_some() || verdict.depth != Depth::Full) {
                break;
            }
            scratch.note_text(piece.text.len());
            if deadline.hopeless(piece.text.len()) {
                verdict.depth = Depth::Skipped;
                break;
            }
            let fingerprint = preparer.fingerprint(piece.kind, piece.text, &mut scratch.prepare);
            if deadline.too_near() {
                verdict.fingerprint.get_or_insert(fingerprint);
                verdict.depth = Depth::Fingerprint;
                break;
            }
            let sketch = Sketch {
                class: piece.kind.class(),
                fingerprint,
                signature: preparer.signature(&mut scratch.prepare),
                has_family: piece.kind.has_family(),
                anchors: None,
            };
            self.add(state, &sketch, deadline, scratch, None, &mut verdict);
        }
        verdict
    }

    /// The verdict over parts that are sketched already, for whoever records them too, and the part whose family is
    /// still unknown after all of them were looked up.
    pub(super) fn verdict_of_parts<'p>(
        &self,
        state: &State,
        parts: &'p [PreparedPart],
        deadline: Deadline,
        scratch: &mut Scratch,
        recent: &Recent,
    ) -> (Verdict, Option<&'p PreparedPart>) {
        let mut verdict = Verdict { store_damaged: !state.trouble.is_empty(), ..Verdict::default() };
        let mut first = None;
        for kind in looked_up(parts.iter().map(|part| part.kind)) {
            let Some(part) = parts.iter().rev().find(|part| part.kind == kind) else { continue };
            if verdict.fingerprint.is_some() && (verdict.family.is_some() || verdict.depth != Depth::Full) {
                break;
            }
            let sketch = Sketch {
                class: kind.class(),
                fingerprint: part.fingerprint,
                signature: signature_of(part),
                has_family: kind.has_family(),
                anchors: Some(&part.anchors),
            };
            self.add(state, &sketch, deadline, scratch, Some(recent), &mut verdict);
            first = first.or(Some(part).filter(|part| kind.has_family() && !part.is_empty));
        }
        let unknown = first.filter(|_| verdict.family.is_none() && verdict.depth == Depth::Full);
        (verdict, unknown)
    }

    /// Looks one part up: the first decides the verdict, a later one only its family.
    fn add(
        &self,
        state: &State,
        sketch: &Sketch<'_>,
        deadline: Deadline,
        scratch: &mut Scratch,
        recent: Option<&Recent>,
        verdict: &mut Verdict,
    ) {
        if verdict.fingerprint.is_none() {
            verdict.fingerprint = Some(sketch.fingerprint);
            self.look_up(state, sketch, deadline, scratch, recent, verdict);
            return;
        }
        let mut other = Verdict::default();
        self.look_up(state, sketch, deadline, scratch, None, &mut other);
        verdict.family = other.family;
        verdict.campaign = other.campaign;
        verdict.advice = other.advice;
    }

    /// Everything that the segments and the recent traffic know of one sketched text.
    fn look_up(
        &self,
        state: &State,
        sketch: &Sketch<'_>,
        deadline: Deadline,
        scratch: &mut Scratch,
        recent: Option<&Recent>,
        verdict: &mut Verdict,
    ) {
        let Sketch { class, fingerprint, signature, .. } = *sketch;
        if signature.is_empty() {
            return;
        }
        let probe = Probe { fingerprint, class, signature: &signature.0, unequal_max: self.unequal_max };
        let mut accounts = AccountCounter::default();
        let mut senders = Senders::default();
        let mut best_unequal = u32::MAX;
        let mut family_place = None;
        let views = state.sealed().into_iter().flat_map(Sealed::segments);
        let views = views.filter_map(|(place, file, segment)| Some((place, file, segment, segment.view().ok()?)));
        for (place, file, segment, view) in views {
            let candidates = &mut scratch.candidates;
            let Some(found) = lookup::nearest(&view, &probe, self.kernels, candidates, &mut verdict.truncated) else {
                continue;
            };
            let count_accounts = !deadline.passed();
            if !count_accounts {
                verdict.depth = Depth::Near;
            }
            let counter = count_accounts.then_some(&mut accounts);
            senders.add(lookup::senders(segment, &view, found.leader, counter, &mut verdict.truncated));
            let is_better = found.unequal < best_unequal || (found.is_exact && best_unequal == 0);
            let row = lookup::row_of(segment, &view, found.form);
            if is_better && row != NONE {
                best_unequal = found.unequal;
                let resemblance = resemblance_of_unequal(found.unequal);
                let place = Place::Sealed { file, row };
                verdict.nearest = Some(Nearest { place, resemblance, is_exact: found.is_exact });
            }
            if is_better {
                family_place = Some((place, found.form, found.is_exact));
            }
        }
        verdict.requests_seen = senders.requests;
        verdict.first_ms = senders.first_ms;
        verdict.last_ms = senders.last_ms;
        if let Some(recent) = recent {
            recent.look_up(&probe, self.kernels, &mut accounts, verdict);
        }
        verdict.accounts_seen = accounts.count();
        verdict.family = family_of(state, sketch, family_place, deadline, scratch);
        let judged = verdict.family.and_then(|family| state.sealed()?.judgement_of(family.id));
        verdict.campaign = judged.map(|judged| judged.campaign).filter(|campaign| *campaign != 0);
        verdict.advice = judged.map_or(Advice::Allow, |judged| judged.advice);
    }

    /// The id of the request at `place`, as its source gave it, else its identity in hex; for logs and people, since it
    /// opens sealed text. `None` for recent traffic, and when the segment has gone or does not open.
    #[must_use]
    pub fn request_id(&self, place: Place) -> Option<String> {
        let Place::Sealed { file, row } = place else { return None };
        let state = self.state()?;
        let segment = state.sealed()?.segment_of_file(file)?;
        let row = usize_of(row);
        if segment.is_hidden(row) {
            return None;
        }
        let view = segment.view().ok()?;
        let identity = || view.identity_of(row).unwrap_or(0);
        display_id(&view, &mut view.ids().ok()?, state.preparer()?.keys(), row, identity).ok()
    }

    /// The kernels this reader computes with.
    pub(super) fn kernels(&self) -> Kernels {
        self.kernels
    }

    pub(super) fn fs(&self) -> &Arc<dyn Fs> {
        &self.fs
    }

    pub(super) fn key_path(&self) -> &Path {
        &self.key_path
    }

    /// Number of live segments that answer.
    #[must_use]
    pub fn segment_count(&self) -> u32 {
        self.state()
            .and_then(|state| state.sealed().map(|sealed| u32_saturating(sealed.segments().count())))
            .unwrap_or(0)
    }
}

/// The mined family of a text. A text that was mined has the family it was given; a new one is compared with the cores of
/// all families, and only then has that of its near-duplicate. `near` is place of the segment, form, and whether it is the
/// very text.
fn family_of(
    state: &State,
    sketch: &Sketch<'_>,
    near: Option<(usize, usize, bool)>,
    deadline: Deadline,
    scratch: &mut Scratch,
) -> Option<FamilySeen> {
    let sealed = state.sealed()?;
    let given = near.and_then(|(place, form, is_exact)| Some((sealed.family_of(place, form)?, is_exact)));
    let info = match given {
        Some((family, true)) => {
            let variant = near.and_then(|(place, form, _)| sealed.variant_of(place, form));
            return Some(FamilySeen { variant, ..FamilySeen::from(family) });
        }
        _ if sketch.has_family && !deadline.passed() => {
            let prepare = &mut scratch.prepare;
            let anchors = match (sketch.anchors, state.preparer()) {
                (Some(encoded), _) => prepare.anchors_of(sketch.fingerprint, encoded),
                (None, Some(preparer)) => preparer.lookup_anchors(prepare),
                (None, None) => return given.map(|(family, _)| FamilySeen::from(family)),
            };
            sealed.family_of_anchors(anchors, sketch.class).or(given.map(|(family, _)| family))?
        }
        _ => given?.0,
    };
    Some(FamilySeen::from(info))
}

impl From<FamilyInfo> for FamilySeen {
    fn from(info: FamilyInfo) -> Self {
        let FamilyInfo { id, requests, accounts, principals, .. } = info;
        Self { id, variant: None, requests, accounts, principals, is_forming: false }
    }
}
