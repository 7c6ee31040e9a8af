//! Fills the campaign columns from a JSONL log, with families given by a file or by a label, for experiments.

use promptprint::campaign::{Columns, Lists, NONE, SlotValue, Unit};
use promptprint::family::anchor::{Anchorer, Anchors, Scratch, encode};
use promptprint::family::{Documents, MineOptions, NO_ACCOUNT, Use, mine};
use promptprint::num;
use promptprint::simd::Kernels;
use promptprint::text::{NormalForm, Normalizer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufRead;

/// Owned columns and the names behind the numbers.
#[derive(Default)]
pub struct Table {
    pub account_names: Vec<String>,
    pub labels: Vec<Option<String>>,
    account: Vec<u32>,
    time_ms: Vec<i64>,
    request: Vec<u32>,
    document: Vec<u32>,
    obfuscated: Vec<bool>,
    principal: Vec<u32>,
    family: Vec<u32>,
    slot: Vec<SlotValue>,
    offsets: Vec<u64>,
    tokens: Vec<u32>,
    families: u32,
    kinds: Vec<String>,
    campaigns: BTreeSet<String>,
    guilty: BTreeSet<u32>,
    words: Vec<Vec<u32>>,
    anchors: Vec<u8>,
    anchor_starts: Vec<usize>,
}

impl Documents for Table {
    fn count(&self) -> u32 {
        num::u32_saturating(self.anchor_starts.len())
    }
    fn anchors(&self, document: u32) -> &[u8] {
        let at = num::usize_of(document);
        let end = self.anchor_starts.get(at + 1).copied().unwrap_or(self.anchors.len());
        &self.anchors[self.anchor_starts[at]..end]
    }
    fn class(&self, _document: u32) -> u8 {
        1
    }
}

type Failure = Box<dyn std::error::Error>;

fn intern(map: &mut HashMap<String, u32>, name: &str) -> u32 {
    let next = num::u32_saturating(map.len());
    *map.entry(name.to_owned()).or_insert(next)
}

/// FNV-1a with a final mix, enough for an experiment.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in bytes {
        state = (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    state ^= state >> 32;
    state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^ (state >> 32)
}

/// Words, and pairs of neighbouring ideographs.
fn words(text: &str, out: &mut Vec<u32>) {
    out.clear();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        if word.is_ascii() {
            out.push(num::low32(hash(word.as_bytes())));
        } else {
            let chars: Vec<char> = word.chars().collect();
            for pair in chars.windows(2) {
                out.push(num::low32(hash(pair.iter().collect::<String>().as_bytes())));
            }
        }
    }
}

impl Table {
    /// `labels` is a file of request labels (id, template_id, kind, campaign) where the log holds none itself.
    pub fn read(
        log: &str,
        accounts: &str,
        labels: Option<&str>,
        families: Option<&str>,
        hide_orgs: bool,
    ) -> Result<Self, Failure> {
        let mut labelled: HashMap<String, serde_json::Value> = HashMap::new();
        if let Some(path) = labels {
            for line in std::io::BufReader::new(std::fs::File::open(path)?).lines() {
                let value: serde_json::Value = serde_json::from_str(&line?)?;
                labelled.insert(value["id"].as_str().unwrap_or_default().to_owned(), value);
            }
        }
        let mut org: HashMap<String, String> = HashMap::new();
        for line in std::io::BufReader::new(std::fs::File::open(accounts)?).lines() {
            let value: serde_json::Value = serde_json::from_str(&line?)?;
            if let (Some(account), Some(name)) = (value["account"].as_str(), value["org"].as_str()) {
                org.insert(account.to_owned(), name.to_owned());
            }
        }
        let mut given: HashMap<String, String> = HashMap::new();
        if let Some(path) = families.filter(|path| *path != "mine") {
            for line in std::io::BufReader::new(std::fs::File::open(path)?).lines() {
                let line = line?;
                if let Some((id, family)) = line.split_once('\t') {
                    given.insert(id.to_owned(), family.to_owned());
                }
            }
        }
        let mut table = Self { offsets: vec![0], ..Self::default() };
        let (mut names, mut parties, mut texts, mut family_names) =
            (HashMap::new(), HashMap::new(), HashMap::<Vec<u8>, u32>::new(), HashMap::new());
        let normalizer = Normalizer::new(Kernels::detect());
        let mut form = NormalForm::new();
        let mut buffer = Vec::new();
        let (anchorer, mut scratch, mut anchors) = (Anchorer::new(&[7; 32]), Scratch::default(), Anchors::default());
        let mut lines: Vec<(i64, String)> = Vec::new();
        for line in std::io::BufReader::new(std::fs::File::open(log)?).lines() {
            let line = line?;
            let value: serde_json::Value = serde_json::from_str(&line)?;
            lines.push((value["ts"].as_i64().unwrap_or(0), line));
        }
        lines.sort_by_key(|(time, _)| *time);
        for (row, (time, line)) in lines.iter().enumerate() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let label = labelled.get(value["id"].as_str().unwrap_or_default()).unwrap_or(&value);
            let name = value["account"].as_str().unwrap_or_default();
            let account = intern(&mut names, name);
            if num::usize_of(account) == table.principal.len() {
                let party = match org.get(name).filter(|_| !hide_orgs) {
                    Some(org) => format!("o{org}"),
                    None => format!("a{name}"),
                };
                table.principal.push(intern(&mut parties, &party));
                table.account_names.push(name.to_owned());
            }
            normalizer.normalize(value["prompt"].as_str().unwrap_or_default().as_bytes(), &mut form);
            let next = num::u32_saturating(texts.len());
            let document = *texts.entry(form.bytes().to_vec()).or_insert(next);
            if document == next {
                words(form.text(), &mut buffer);
                table.words.push(buffer.clone());
                anchorer.anchors(&form, &mut scratch, &mut anchors);
                table.anchor_starts.push(table.anchors.len());
                encode(&anchors, &mut table.anchors);
                let id = value["id"].as_str().unwrap_or_default();
                let family = if families.is_some() {
                    given.get(id).map(String::as_str).filter(|name| !name.is_empty() && *name != "-1" && *name != "-")
                } else {
                    label["template_id"].as_str()
                };
                table.family.push(family.map_or(NONE, |name| intern(&mut family_names, name)));
            }
            let changes = form.changes();
            table.kinds.push(label["kind"].as_str().unwrap_or_default().to_owned());
            if let Some(campaign) = label["campaign"].as_str() {
                table.campaigns.insert(campaign.to_owned());
                table.guilty.insert(account);
            }
            table.account.push(account);
            table.time_ms.push(*time);
            table.request.push(num::u32_saturating(row));
            table.document.push(document);
            table.obfuscated.push(changes.ignorables_removed > 0 || changes.confusables_folded > 0);
            table.labels.push(
                label["campaign"].as_str().map(str::to_owned).or_else(|| label["kind"].as_str().map(str::to_owned)),
            );
        }
        table.families = num::u32_saturating(family_names.len());
        for words in &table.words {
            let mut words = words.clone();
            words.sort_unstable();
            words.dedup();
            table.tokens.extend(words);
            table.offsets.push(num::u64_of(table.tokens.len()));
        }
        if families == Some("mine") {
            table.mine_before(i64::MAX)?;
        } else {
            table.fill_slots();
        }
        Ok(table)
    }

    /// Mines families from the rows before a time.
    pub fn mine_before(&mut self, time_ms: i64) -> Result<(), Failure> {
        let rows = self.time_ms.partition_point(|&at| at < time_ms);
        let uses: Vec<Use> = (0..rows)
            .map(|row| Use {
                document: self.document[row],
                account: if self.account[row] == NONE { NO_ACCOUNT } else { self.account[row] },
                principal: self.principal.get(num::usize_of(self.account[row])).copied().unwrap_or(NONE),
                time_ms: self.time_ms[row],
            })
            .collect();
        let seen = uses.iter().map(|request| request.document + 1).max().unwrap_or(0);
        let all_starts = self.anchor_starts.clone();
        self.anchor_starts.truncate(num::usize_of(seen));
        let end = all_starts.get(num::usize_of(seen)).copied().unwrap_or(self.anchors.len());
        let rest = self.anchors.split_off(end);
        let found = mine(&*self, &uses, &MineOptions::default(), &|_, _, _| true)?;
        self.anchors.extend(rest);
        self.anchor_starts = all_starts;
        self.family = vec![NONE; self.words.len()];
        for (document, best) in found.of_document.iter().enumerate() {
            if let Some(best) = best {
                self.family[document] = best.family;
            }
        }
        self.families = num::u32_saturating(found.families.len());
        self.fill_slots();
        Ok(())
    }

    /// A document's slot value: its words that fewer than a fifth of its family's documents hold.
    fn fill_slots(&mut self) {
        let documents = std::mem::take(&mut self.words);
        let mut by_family: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (document, &family) in self.family.iter().enumerate() {
            by_family.entry(family).or_default().push(document);
        }
        self.slot = vec![SlotValue::default(); documents.len()];
        for (family, members) in by_family {
            let mut counts: HashMap<u32, usize> = HashMap::new();
            for &member in &members {
                let mut words = documents[member].clone();
                words.sort_unstable();
                words.dedup();
                for word in words {
                    *counts.entry(word).or_default() += 1;
                }
            }
            let most = if family == NONE { usize::MAX } else { (members.len() / 12).max(2) };
            for &member in &members {
                let mut votes = [0_i32; 64];
                let mut joined = Vec::new();
                let slot: Vec<u32> = documents[member].iter().copied().filter(|word| counts[word] <= most).collect();
                for &word in &slot {
                    joined.extend_from_slice(&word.to_le_bytes());
                    let bits = hash(&word.to_le_bytes());
                    for (bit, vote) in votes.iter_mut().enumerate() {
                        *vote += if bits >> bit & 1 == 1 { 1 } else { -1 };
                    }
                }
                let code = votes
                    .iter()
                    .enumerate()
                    .fold(0_u64, |code, (bit, &vote)| if vote > 0 { code | 1 << bit } else { code });
                self.slot[member] = SlotValue { hash: hash(&joined), code, bytes: num::u32_saturating(slot.len() * 5) };
            }
        }
        self.words = documents;
    }

    pub fn columns(&self) -> Columns<'_> {
        Columns {
            account: &self.account,
            time_ms: &self.time_ms,
            request: &self.request,
            document: &self.document,
            obfuscated: &self.obfuscated,
            tags: &[],
            principal: &self.principal,
            family: &self.family,
            slot: &self.slot,
            tokens: Lists { offsets: &self.offsets, values: &self.tokens },
            token_share: 1.0,
            families: self.families,
            bank: &[],
        }
    }

    /// Times of the first and the last row.
    pub fn span(&self) -> (i64, i64) {
        (self.time_ms.first().copied().unwrap_or(0), self.time_ms.last().copied().unwrap_or(0))
    }

    /// Per labelled campaign, its requests: (time, account).
    pub fn truth(&self) -> BTreeMap<String, Vec<(i64, u32)>> {
        let mut truth: BTreeMap<String, Vec<(i64, u32)>> = BTreeMap::new();
        for (row, label) in self.labels.iter().enumerate() {
            if let Some(label) = label.as_ref().filter(|label| self.campaigns.contains(*label)) {
                truth.entry(label.clone()).or_default().push((self.time_ms[row], self.account[row]));
            }
        }
        truth
    }

    /// Per labelled campaign, the rows that are its own, cover traffic left out.
    pub fn own_rows(&self) -> BTreeMap<String, Vec<u32>> {
        let mut own: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (row, label) in self.labels.iter().enumerate() {
            if let Some(label) = label.as_ref().filter(|label| self.campaigns.contains(*label))
                && self.kinds[row] == "campaign"
            {
                own.entry(label.clone()).or_default().push(num::u32_saturating(row));
            }
        }
        own
    }

    /// True when the account is labelled as a campaign's.
    pub fn guilty(&self, account: u32) -> bool {
        self.guilty.contains(&account)
    }

    /// The commonest label among a unit's rows, with its share: for the eyes of the experimenter only.
    pub fn describe(&self, unit: &Unit) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for &row in &unit.view.rows {
            *counts.entry(self.labels[num::usize_of(row)].as_deref().unwrap_or("-")).or_default() += 1;
        }
        counts.into_iter().max_by_key(|&(_, count)| count).map_or(String::new(), |(label, count)| {
            format!("{label} {:.2}", num::f64_of(count) / num::f64_of(unit.view.rows.len().max(1)))
        })
    }
}
