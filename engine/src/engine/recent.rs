//! What this process saw lately and no sealed segment holds yet: a bounded table of leaders, private to the process.
//!
//! Two generations share the memory. When the maintainer has sealed all that the older one counts, it is emptied and the
//! younger takes its place, so traffic is counted in the segments or here, and twice only between a seal and the next look.

use std::sync::{Mutex, MutexGuard};

use super::counter::AccountCounter;
use super::lookup::{Probe, Senders};
use crate::index::SKETCH_BYTES;
use crate::index::leaders::RADIUS_SLOTS;
use crate::index::lsh::band_hash;
use crate::num::{high64, low32, low64, u32_saturating, u64_of, usize_of};
use crate::simd::{Kernels, prefetch};
use crate::sketch::minhash::resemblance_of_unequal;
use crate::verdict::{Nearest, Place, Verdict};

/// Texts one generation holds: 2 x 65,536 texts of 460 bytes, tables included, are 58 MiB.
const TEXTS_MAX: usize = 1 << 16;
/// Bands probed; eight of four rows find J = .8 with probability .985.
const BANDS: usize = 8;
/// Buckets of one band, each of [`WAYS`] places; a full one forgets its oldest.
const BUCKET_BITS: u32 = 15;
const WAYS: usize = 4;
/// Bits of a text's number plus one; above them is room for a tag.
const NUMBER_BITS: u32 = 17;
const _: () = assert!(TEXTS_MAX < 1 << NUMBER_BITS && BUCKET_BITS + NUMBER_BITS <= u32::BITS);

/// The recent traffic of one process.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    old: Generation,
    new: Generation,
}

/// One text, as it is taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting<'a> {
    pub(super) fingerprint: u128,
    pub(super) class: u8,
    pub(super) signature: &'a [u8; SKETCH_BYTES],
    pub(super) account: Option<u64>,
    pub(super) time_ms: Option<i64>,
}

#[derive(Debug, Clone)]
struct Text {
    signature: [u8; SKETCH_BYTES],
    accounts: AccountCounter,
    class: u8,
    requests: u64,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
}

/// A fingerprint's high half, its low half chooses the bucket, and the number plus one of the text it is counted with.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    tag: u64,
    text: u32,
}

/// Where a text is counted.
#[derive(Debug, Clone, Copy)]
struct Found {
    text: usize,
    unequal: u32,
    is_exact: bool,
}

#[derive(Debug, Default)]
struct Generation {
    texts: Vec<Text>,
    /// Place that the next text overwrites once the table is full.
    next: usize,
    /// Number of a text plus one, 0 where free, and above it what the hash has beside the bucket; a text that was overwritten
    /// is noticed when it is compared.
    buckets: Vec<u32>,
    /// Every text by its fingerprint, those that joined a leader too.
    known: Vec<Known>,
    /// The last sequence of the log that is counted here.
    sequence: u64,
}

impl Recent {
    /// Held for a few memory accesses, never across I/O.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes in one text of the request with log sequence `sequence`.
    pub(super) fn insert(&self, sighting: &Sighting<'_>, sequence: u64, kernels: Kernels) {
        let mut generations = self.lock();
        generations.new.sequence = sequence;
        generations.new.insert(sighting, kernels);
    }

    /// Forgets what is sealed: everything up to `sequence` of the log.
    pub(super) fn sealed_up_to(&self, sequence: u64) {
        let mut generations = self.lock();
        if generations.old.sequence <= sequence {
            let Generations { old, new } = &mut *generations;
            std::mem::swap(old, new);
            new.clear();
            if old.sequence <= sequence {
                old.clear();
            }
        }
    }

    /// Adds to `verdict` and `accounts` what is known of a text and its near-duplicates.
    pub(super) fn look_up(
        &self,
        probe: &Probe<'_>,
        kernels: Kernels,
        accounts: &mut AccountCounter,
        verdict: &mut Verdict,
    ) {
        let generations = self.lock();
        for generation in [&generations.old, &generations.new] {
            let Some(Found { text, unequal, is_exact }) = generation.nearest(probe, kernels) else { continue };
            let text = &generation.texts[text];
            accounts.unite(&text.accounts);
            add(text, verdict);
            let resemblance = resemblance_of_unequal(unequal);
            if verdict.nearest.is_none_or(|known| !known.is_exact && (is_exact || known.resemblance < resemblance)) {
                verdict.nearest = Some(Nearest { place: Place::Recent, resemblance, is_exact });
            }
        }
    }
}

fn add(text: &Text, verdict: &mut Verdict) {
    let mut senders = Senders { requests: verdict.requests_seen, first_ms: verdict.first_ms, last_ms: verdict.last_ms };
    senders.add(Senders { requests: text.requests, first_ms: text.first_ms, last_ms: text.last_ms });
    verdict.requests_seen = senders.requests;
    verdict.first_ms = senders.first_ms;
    verdict.last_ms = senders.last_ms;
}

/// What a place keeps of a hash beside its bucket, which is the upper bits.
const fn tag(hash: u32) -> u32 {
    hash & ((1 << (u32::BITS - NUMBER_BITS)) - 1)
}

impl Generation {
    fn clear(&mut self) {
        self.texts.clear();
        self.next = 0;
        self.buckets.fill(0);
        self.known.fill(Known::default());
        self.sequence = 0;
    }

    /// The places of one bucket.
    fn bucket(table: usize, hash: u32) -> std::ops::Range<usize> {
        let start = ((table << BUCKET_BITS) + usize_of(hash >> (32 - BUCKET_BITS))) * WAYS;
        start..start + WAYS
    }

    /// The places of the bucket of one fingerprint.
    fn known_bucket(fingerprint: u128) -> std::ops::Range<usize> {
        let start = usize_of(low32(low64(fingerprint)) >> (32 - BUCKET_BITS)) * WAYS;
        start..start + WAYS
    }

    /// The texts of one bucket whose hash is `hash` as far as it is kept.
    fn in_bucket(&self, table: usize, hash: u32) -> impl Iterator<Item = usize> {
        let places = self.buckets.get(Self::bucket(table, hash)).unwrap_or(&[]);
        let same = places.iter().filter(move |held| **held >> NUMBER_BITS == tag(hash));
        let texts = same.filter_map(|held| (held & ((1 << NUMBER_BITS) - 1)).checked_sub(1).map(usize_of));
        texts.filter(|text| *text < self.texts.len())
    }

    /// What the very text is counted with. Its place may have been given to another text since: that one is not near it.
    fn exact(&self, probe: &Probe<'_>, kernels: Kernels) -> Option<usize> {
        let known = self.known.get(Self::known_bucket(probe.fingerprint)).unwrap_or(&[]);
        let same = known.iter().filter(|known| known.tag == high64(probe.fingerprint));
        same.filter_map(|known| known.text.checked_sub(1).map(usize_of)).find(|at| {
            self.texts.get(*at).is_some_and(|text| {
                text.class == probe.class && kernels.unequal_bytes(probe.signature, &text.signature) <= RADIUS_SLOTS
            })
        })
    }

    /// The very text, else the nearest one within the probe's bound.
    fn nearest(&self, probe: &Probe<'_>, kernels: Kernels) -> Option<Found> {
        if let Some(text) = self.exact(probe, kernels) {
            return Some(Found { text, unequal: 0, is_exact: true });
        }
        // Buckets, then texts: each is a miss, and asked for ahead they arrive together.
        let hashes: [u32; BANDS] = std::array::from_fn(|band| band_hash(probe.signature, band, probe.class));
        for (band, hash) in hashes.iter().enumerate() {
            self.buckets.get(Self::bucket(band, *hash).start).into_iter().for_each(prefetch);
        }
        let (mut candidates, mut count) = ([0; BANDS * WAYS], 0);
        for (band, hash) in hashes.iter().enumerate() {
            for at in self.in_bucket(band, *hash) {
                let text = &self.texts[at];
                prefetch(text);
                prefetch(&text.signature[SKETCH_BYTES / 2]);
                prefetch(&text.class);
                candidates[count] = at;
                count += 1;
            }
        }
        let mut best: Option<Found> = None;
        for &at in &candidates[..count] {
            let text = &self.texts[at];
            if text.class != probe.class {
                continue;
            }
            let unequal = kernels.unequal_bytes(probe.signature, &text.signature);
            if unequal <= probe.unequal_max && best.is_none_or(|found| unequal < found.unequal) {
                best = Some(Found { text: at, unequal, is_exact: false });
            }
        }
        best
    }

    fn insert(&mut self, sighting: &Sighting<'_>, kernels: Kernels) {
        if self.buckets.is_empty() {
            self.buckets = vec![0; (BANDS << BUCKET_BITS) * WAYS];
            self.known = vec![Known::default(); WAYS << BUCKET_BITS];
        }
        let probe = Probe {
            fingerprint: sighting.fingerprint,
            class: sighting.class,
            signature: sighting.signature,
            unequal_max: RADIUS_SLOTS,
        };
        let found = self.nearest(&probe, kernels);
        let at = found.map_or_else(|| self.lead(sighting), |found| found.text);
        if !found.is_some_and(|found| found.is_exact) {
            self.know(sighting.fingerprint, at);
        }
        let text = &mut self.texts[at];
        text.requests += 1;
        if let Some(account) = sighting.account {
            text.accounts.insert(account);
        }
        text.first_ms = [text.first_ms, sighting.time_ms].into_iter().flatten().min();
        text.last_ms = text.last_ms.max(sighting.time_ms);
    }

    /// Enters a fingerprint into its table; a full bucket forgets one, by the text's number.
    fn know(&mut self, fingerprint: u128, at: usize) {
        let tag = high64(fingerprint);
        let places = &mut self.known[Self::known_bucket(fingerprint)];
        let free = places.iter().position(|held| held.text == 0 || held.tag == tag);
        places[free.unwrap_or(at % WAYS)] = Known { tag, text: u32_saturating(at) + 1 };
    }

    /// Makes room for a text that leads, and enters it into the tables.
    fn lead(&mut self, sighting: &Sighting<'_>) -> usize {
        let text = Text {
            signature: *sighting.signature,
            accounts: AccountCounter::default(),
            class: sighting.class,
            requests: 0,
            first_ms: None,
            last_ms: None,
        };
        let at = self.next;
        self.next = (self.next + 1) % TEXTS_MAX;
        match self.texts.get_mut(at) {
            Some(oldest) => *oldest = text,
            None => self.texts.push(text),
        }
        let number = u32_saturating(at) + 1;
        for band in 0..BANDS {
            let hash = band_hash(sighting.signature, band, sighting.class);
            let places = &mut self.buckets[Self::bucket(band, hash)];
            let number = number | tag(hash) << NUMBER_BITS;
            let free = places.iter().position(|held| *held == 0 || *held == number);
            places[free.unwrap_or(at % WAYS)] = number;
        }
        debug_assert!(u64_of(self.texts.len()) <= u64_of(TEXTS_MAX), "the table is bounded");
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(n: u32) -> [u8; SKETCH_BYTES] {
        let mut bytes = [0; SKETCH_BYTES];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut bytes);
        bytes
    }

    fn see(recent: &Recent, n: u32, account: u64, sequence: u64) {
        let signature = signature(n);
        let fingerprint = u128::from_le_bytes(*signature.first_chunk().expect("16 bytes"));
        let account =
            u64::from_le_bytes(*blake3::hash(&account.to_le_bytes()).as_bytes().first_chunk().expect("8 bytes"));
        let time_ms = Some(i64::from(n));
        let sighting = Sighting { fingerprint, class: 1, signature: &signature, account: Some(account), time_ms };
        recent.insert(&sighting, sequence, Kernels::detect());
    }

    fn ask(recent: &Recent, n: u32, changed: usize) -> Verdict {
        let mut signature = signature(n);
        let mut fingerprint = u128::from_le_bytes(*signature.first_chunk().expect("16 bytes"));
        for slot in &mut signature[SKETCH_BYTES - changed..] {
            *slot ^= 1;
            fingerprint ^= 1 << 100;
        }
        let (mut accounts, mut verdict) = (AccountCounter::default(), Verdict::default());
        let probe = Probe { fingerprint, class: 1, signature: &signature, unequal_max: 25 };
        recent.look_up(&probe, Kernels::detect(), &mut accounts, &mut verdict);
        verdict.accounts_seen = accounts.count();
        verdict
    }

    #[test]
    fn a_text_and_its_near_duplicates_are_counted_together() {
        let recent = Recent::default();
        for account in 0..5 {
            see(&recent, 7, account, account + 1);
        }
        let verdict = ask(&recent, 7, 0);
        assert_eq!((verdict.requests_seen, verdict.accounts_seen), (5, 5));
        assert!(verdict.nearest.is_some_and(|nearest| nearest.is_exact));
        let near = ask(&recent, 7, 9);
        assert_eq!(near.requests_seen, 5);
        assert!(near.nearest.is_some_and(|nearest| !nearest.is_exact && nearest.resemblance < 1.0));
        assert_eq!(ask(&recent, 8, 0), Verdict::default());
    }

    #[test]
    fn a_text_that_joined_another_is_itself_when_it_comes_again() {
        // Once only the first of near texts was known by its fingerprint, so the others never came again.
        let recent = Recent::default();
        see(&recent, 7, 1, 1);
        let mut signature = signature(7);
        signature[0] ^= 1;
        for sequence in 2..4 {
            let sighting =
                Sighting { fingerprint: 99, class: 1, signature: &signature, account: Some(2), time_ms: Some(0) };
            recent.insert(&sighting, sequence, Kernels::detect());
        }
        let (mut accounts, mut verdict) = (AccountCounter::default(), Verdict::default());
        let probe = Probe { fingerprint: 99, class: 1, signature: &signature, unequal_max: 25 };
        recent.look_up(&probe, Kernels::detect(), &mut accounts, &mut verdict);
        assert!(verdict.nearest.is_some_and(|nearest| nearest.is_exact), "{verdict:?}");
        assert_eq!((verdict.requests_seen, accounts.count()), (3, 2));
    }

    #[test]
    fn what_was_sealed_is_forgotten_and_nothing_else() {
        let recent = Recent::default();
        see(&recent, 1, 1, 10);
        recent.sealed_up_to(9);
        see(&recent, 2, 1, 20);
        assert_eq!(ask(&recent, 1, 0).requests_seen, 1);
        recent.sealed_up_to(10);
        assert_eq!(ask(&recent, 1, 0).requests_seen, 0);
        assert_eq!(ask(&recent, 2, 0).requests_seen, 1);
        recent.sealed_up_to(20);
        assert_eq!(ask(&recent, 2, 0).requests_seen, 0);
    }

    #[test]
    fn memory_is_bounded_and_a_full_table_forgets_the_oldest() {
        let recent = Recent::default();
        let texts = u32_saturating(TEXTS_MAX);
        for n in 0..texts + 10 {
            see(&recent, n, 1, u64::from(n));
        }
        assert_eq!(ask(&recent, 0, 0).requests_seen, 0);
        assert_eq!(ask(&recent, texts + 9, 0).requests_seen, 1);
        let generations = recent.lock();
        let generation = &generations.new;
        let bytes = generation.texts.capacity() * size_of::<Text>()
            + generation.buckets.len() * 4
            + generation.known.len() * size_of::<Known>();
        assert!(bytes * 2 <= 64 << 20, "{bytes}");
    }
}
