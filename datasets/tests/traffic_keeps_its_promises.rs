//! A log is deterministic, in the order of time, of the asked size, labelled, and written without being kept in memory.

use promptprint_datasets::{CampaignSpec, Format, Model, Output, Recorder, Traffic};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

fn model(requests: u64, seed: u64, campaigns: &[&str]) -> Model {
    Model {
        requests,
        accounts: None,
        seed,
        start_ms: 1_788_220_800_000,
        days: 30,
        campaigns: campaigns.iter().map(|spec| spec.parse::<CampaignSpec>().expect("a campaign")).collect(),
        traps: "all".parse().expect("all traps"),
        bytes_mean: 650.0,
    }
}

/// Log, labels of requests, labels of accounts.
struct Written {
    log: String,
    requests: String,
    accounts: String,
}

fn write(model: &Model, format: Format) -> Written {
    let mut traffic = Traffic::new(model).expect("a model that can be carried out");
    let mut recorder = Recorder::new(Output { format, hide_orgs: false });
    let (mut log, mut requests, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
    while recorder.write_next(&mut traffic, &mut log, Some(&mut requests)).expect("memory takes everything") {}
    Recorder::write_accounts(&traffic, &mut accounts).expect("memory takes everything");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Written { log: text(log), requests: text(requests), accounts: text(accounts) }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn the_same_model_gives_the_same_bytes_and_another_seed_other_ones() {
    let a = write(&model(4_000, 3, &["accounts=20"]), Format::Mixed);
    let b = write(&model(4_000, 3, &["accounts=20"]), Format::Mixed);
    let c = write(&model(4_000, 4, &["accounts=20"]), Format::Mixed);
    assert_eq!((&a.log, &a.requests, &a.accounts), (&b.log, &b.requests, &b.accounts));
    assert_ne!(a.log, c.log);
}

#[test]
fn requests_come_in_the_order_of_time_with_labels_that_add_up() {
    let written = write(
        &model(20_000, 11, &["accounts=60,templates=3", "name=late,accounts=30,style=request,start=10"]),
        Format::Plain,
    );
    let (mut last, mut ids, mut by_account) = (0, HashSet::new(), HashMap::<String, u64>::new());
    for (line, label) in written.log.lines().zip(written.requests.lines()) {
        let (request, label) = (json(line), json(label));
        let ts = request["ts"].as_u64().expect("a time");
        assert!(ts >= last && ts < 1_788_220_800_000 + 30 * 86_400_000, "{line}");
        last = ts;
        assert_eq!(request["id"], label["id"]);
        assert!(ids.insert(request["id"].to_string()), "an id twice: {line}");
        assert!(!request["prompt"].as_str().expect("a prompt").is_empty(), "{line}");
        *by_account.entry(request["account"].to_string()).or_default() += 1;
    }
    assert_eq!(ids.len(), 20_000);
    let mut kinds = HashSet::new();
    let mut guilty = HashMap::<String, u64>::new();
    for line in written.accounts.lines() {
        let account = json(line);
        assert_eq!(by_account.remove(&account["account"].to_string()), account["requests"].as_u64(), "{line}");
        kinds.insert(account["kind"].to_string());
        if let Some(campaign) = account["campaign"].as_str() {
            *guilty.entry(campaign.to_owned()).or_default() += 1;
        }
    }
    assert!(by_account.is_empty(), "accounts without label");
    assert_eq!(guilty, HashMap::from([("c1".to_owned(), 60), ("late".to_owned(), 30)]));
    assert!(kinds.len() >= 16, "{kinds:?}");
}

#[test]
fn every_form_is_valid_json_with_a_user_turn() {
    for format in [Format::OpenAi, Format::Anthropic, Format::Mixed] {
        let written = write(&model(2_000, 5, &["accounts=10,cloak=ide"]), format);
        for line in written.log.lines() {
            let request = json(line);
            match request["messages"].as_array() {
                Some(messages) => assert_eq!(messages.last().expect("a message")["role"], "user", "{line}"),
                None => assert!(format == Format::Mixed && request["prompt"].is_string(), "{line}"),
            }
        }
    }
}

#[test]
fn campaigns_of_every_hardness_can_be_made() {
    for spec in [
        "accounts=40,style=exact,reword=0,affix=0",
        "accounts=40,style=account,reword=0.2,paraphrase=0.6,shuffle",
        "accounts=40,style=request,obfuscate=mixed,affix=0.9",
        "accounts=40,cover=0.99,rate=0.2",
        "accounts=400,oneshot",
        "accounts=40,shards=topic,draw=shard,samples=3,pool=240",
        "accounts=40,cloak=ide,draw=shard",
        "accounts=20,hydra=0.05,rate=0.4",
        "accounts=40,succession=burst,days=3,lifetime=1-2,start=20",
        "accounts=40,published,templates=1,style=exact,subject=math",
        "accounts=40,succession=uniform,lifetime=30",
        "accounts=40,languages=5,templates=2,session=6",
    ] {
        let written = write(&model(15_000, 9, &[spec]), Format::Plain);
        assert_eq!(written.log.lines().count(), 15_000, "{spec}");
        let guilty = written.accounts.lines().filter(|line| line.contains("\"campaign\":\"c1\"")).count();
        assert_eq!(guilty, spec.split(['=', ',']).nth(1).and_then(|n| n.parse().ok()).unwrap_or(0), "{spec}");
        let campaign = written.requests.lines().filter(|line| line.contains("\"kind\":\"campaign\"")).count();
        assert!(campaign >= 20, "{spec}: {campaign} campaign requests");
    }
}

#[test]
fn one_off_prompts_are_not_copies_of_each_other() {
    let written = write(&model(30_000, 13, &[]), Format::Plain);
    // Windows of 24 characters, with the first account that wrote them: people repeat themselves, not each other.
    let mut seen = HashMap::<u64, String>::new();
    let (mut prompts, mut alike) = (0_u32, 0_u32);
    for (line, label) in
        written.log.lines().zip(written.requests.lines()).filter(|(_, label)| label.contains("\"kind\":\"human\""))
    {
        let request = json(line);
        let account = request["account"].to_string();
        let letters: Vec<char> = request["prompt"].as_str().expect("a prompt").chars().collect();
        if letters.len() < 60 {
            continue;
        }
        let hash =
            |window: &[char]| window.iter().fold(7_u64, |h, c| h.wrapping_mul(1_000_003) ^ u64::from(u32::from(*c)));
        let windows: HashSet<u64> = letters.windows(24).map(hash).collect();
        let known = windows.iter().filter(|window| seen.get(window).is_some_and(|first| *first != account)).count();
        prompts += 1;
        alike += u32::from(known * 4 > windows.len());
        for window in windows {
            seen.entry(window).or_insert_with(|| account.clone());
        }
        assert!(label.contains("\"template_id\":null"));
    }
    assert!(prompts > 3_000, "{prompts}");
    assert!(alike * 500 < prompts, "{alike} of {prompts} one-off prompts repeat a quarter of what others wrote");
}

/// Counts lines and keeps none.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::from(bytes.last() == Some(&b'\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_long_log_streams() {
    let mut traffic =
        Traffic::new(&Model { accounts: Some(2_000), ..model(150_000, 21, &["accounts=100"]) }).expect("a model");
    let mut recorder = Recorder::new(Output::default());
    let mut counter = Counter(0);
    while recorder.write_next(&mut traffic, &mut counter, None).expect("a counter takes everything") {}
    assert_eq!(counter.0, 150_000);
}

#[test]
fn a_log_too_small_for_its_campaign_is_refused() {
    let error = Traffic::new(&model(100, 1, &["accounts=500"])).expect_err("500 accounts need more than 100 requests");
    assert!(error.to_string().contains("at least"), "{error}");
}
