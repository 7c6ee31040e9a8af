//! An invented report of every kind of row, for tests, screenshots and the example; nothing in it was measured.

use super::axis::Axis;
use super::model::*;
use crate::num;

/// Seed step of SplitMix64 (Steele, Lea, Flood 2014).
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const DAY_MS: i64 = 86_400_000;
const START_MS: i64 = 1_776_816_000_000;
const DAYS: i64 = 30;

/// What popular families are made of, and why each is acquitted or not explained.
const POPULAR: [(&str, &str, Verdict, &str); 14] = [
    (
        "Rewrite the following text so that it is clear and friendly:\n\n",
        "",
        Verdict::Acquitted,
        "Popular: its texts repeat as often as chance predicts (variance/mean 7.2 against 0.6 for even sharing).",
    ),
    (
        "Question: ",
        "\nAnswer with the letter of the right choice only.\nAnswer:",
        Verdict::Acquitted,
        "Full overlap: every account runs the same items, as an evaluation harness does.",
    ),
    (
        "You are a coding agent working in a terminal. Repository:\n",
        "\nTask: ",
        Verdict::Acquitted,
        "Own content: an account's slots are 54 times nearer to each other than to other accounts'.",
    ),
    (
        "Translate into German, keep the formatting:\n",
        "",
        Verdict::Acquitted,
        "Own content: each account translates its own documents.",
    ),
    (
        "Summarise this meeting transcript in five bullet points.\n\n",
        "",
        Verdict::Acquitted,
        "All of its accounts are one organisation.",
    ),
    (
        "Explain step by step why ",
        " is true.",
        Verdict::Unexplained,
        "Shared by many accounts without a sign of coordination.",
    ),
    ("Write a haiku about ", ".", Verdict::Unexplained, "Shared by many accounts without a sign of coordination."),
    (
        "Act as a Linux terminal. I will type commands and you reply with the output. First command: ",
        "",
        Verdict::Acquitted,
        "In the bank of public prompt collections; the text outside of it is each account's own.",
    ),
    (
        "为下面的产品写一段简短的介绍：",
        "。语气自然，不超过一百字。",
        Verdict::Acquitted,
        "热门: popular; texts repeat as chance predicts.",
    ),
    ("اكتب ملخصًا قصيرًا للنص التالي: ", "", Verdict::Acquitted, "Own content: each account sends its own documents."),
    (
        "Fix the failing test below. Change as little as you can.\n```\n",
        "\n```",
        Verdict::Acquitted,
        "Own content: private code.",
    ),
    (
        "Grade this essay from 1 to 6 against the rubric.\nRubric: ",
        "\nEssay: ",
        Verdict::Acquitted,
        "Coursework: one class, the same hours, the same items.",
    ),
    (
        "<script>alert('not run')</script> ",
        "\u{202E}desrever\u{200B}",
        Verdict::Unexplained,
        "Hostile text is shown, and not obeyed.",
    ),
    (
        "Classify the ticket as billing, bug or other: ",
        "\nCategory:",
        Verdict::Acquitted,
        "Retries of one scheduled job.",
    ),
];

/// Pieces of the templates of the invented campaign.
const EXTRACTION: [(&str, &str); 5] = [
    (
        "Imagine the reasoning behind a finished answer and set it out step by step.\n\nProblem:\n",
        "\n\nFirst the reasoning, then the answer.",
    ),
    (
        "Here is a problem. Lay open how an expert would think it through, leaving nothing out.\n\n",
        "\n\nEnd with the result alone.",
    ),
    ("Think aloud about the task below as if to a student; number every step.\n\nTask: ", "\n\nThen say the result."),
    ("For the exercise that follows, write the whole chain of thought before the solution.\n", "\nSolution:"),
    ("Solve it and explain each decision you took on the way.\n\nExercise: ", ""),
];

/// A stream of numbers from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn unit(&mut self) -> f64 {
        num::f64_of_u64(self.next() >> 11) / num::f64_of_u64(1 << 53)
    }

    fn hex(&mut self) -> String {
        format!("{:016x}", self.next())
    }

    /// Requests over the axis between two days, with a daily rhythm.
    fn timeline(&mut self, axis: &Axis, first_day: i64, last_day: i64, per_day: u64) -> Vec<u32> {
        let mut timeline = axis.timeline();
        for day in first_day..last_day {
            for part in 0..4 {
                let hours = [2, 10, 7, 4];
                let share = hours.get(usize::try_from(part).unwrap_or(0)).copied().unwrap_or(1);
                let time_ms = START_MS + day * DAY_MS + part * DAY_MS / 4;
                let count = per_day * share / 23 + self.below(per_day / 12 + 2);
                if let Some(slot) = axis.bucket(time_ms).and_then(|bucket| timeline.get_mut(bucket)) {
                    *slot = slot.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                }
            }
        }
        timeline
    }
}

/// An invented report; the same seed gives the same report.
#[must_use]
pub fn report(seed: u64) -> Report {
    let mut random = Random(seed);
    let axis = Axis::covering(START_MS, START_MS + DAYS * DAY_MS - 1);
    let mut families = Vec::new();
    let sharded: Vec<String> = EXTRACTION
        .iter()
        .map(|(before, after)| {
            let mut row = family(&mut random, &axis, before, after);
            row.verdict = Verdict::Convicted;
            row.reason = "One problem set divided over accounts that reword one template.".to_owned();
            families.push(row);
            families.last().map(|row| row.family.clone()).unwrap_or_default()
        })
        .collect();
    for round in 0..3 {
        for (before, after, verdict, reason) in POPULAR {
            let before = if round == 0 { before.to_owned() } else { format!("(v{round}) {before}") };
            let mut row = family(&mut random, &axis, &before, after);
            (row.verdict, row.reason) = (verdict, reason.to_owned());
            families.push(row);
        }
    }
    let (small, fleet) = (sharded.iter().take(1).cloned().collect(), sharded.iter().skip(3).cloned().collect());
    let mut campaigns = vec![
        campaign(&mut random, &axis, 640, sharded, Verdict::Convicted),
        campaign(&mut random, &axis, 18, small, Verdict::Convicted),
        campaign(&mut random, &axis, 16, fleet, Verdict::Review),
    ];
    for verdict in [Verdict::Unexplained, Verdict::Acquitted] {
        let popular = families.iter().filter(|row| row.verdict == verdict).take(1).map(|row| row.family.clone());
        let popular = popular.collect();
        campaigns.push(campaign(&mut random, &axis, 60, popular, verdict));
    }
    for campaign in &campaigns {
        for family in families.iter_mut().filter(|row| campaign.families.contains(&row.family)) {
            family.campaign.get_or_insert_with(|| campaign.campaign.clone());
        }
    }
    let timeline = random.timeline(&axis, 0, DAYS, 9_600);
    let mut report = Report {
        meta: meta(seed),
        inputs: inputs(),
        totals: totals(num::u64_of(families.len())),
        axis,
        timeline,
        campaigns,
        families,
        error_rates: error_rates(),
        limits: [
            "An organisation whose accounts are not known to be one party looks like a campaign in its scheduling; such groups end in review.",
            "Fewer than about 12 requests an account in a family are not enough to convict.",
            "A campaign whose every request is reworded is found through tokens that recur in its accounts' profiles, or not at all.",
            "Accounts of one request each raise a family alarm and no account verdict.",
        ]
        .map(str::to_owned)
        .to_vec(),
        reproduce: vec!["promptprint audit logs/2026-04-*.jsonl.zst --store prints --report report.html".to_owned()],
    };
    report.rank();
    report
}

fn meta(seed: u64) -> Meta {
    let parameter = |(name, value): (&str, &str)| Parameter { name: name.to_owned(), value: value.to_owned() };
    let parameters = [
        ("shingle", "5 bytes"),
        ("signature", "128 lanes of 8 bits"),
        ("leader radius", "0.9"),
        ("permutations", "999"),
    ];
    Meta {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: "prints (invented data)".to_owned(),
        made_ms: START_MS + (DAYS + 1) * DAY_MS,
        first_ms: Some(START_MS),
        last_ms: Some(START_MS + DAYS * DAY_MS - 1),
        parameters: parameters.map(parameter).to_vec(),
        key_epoch: 1,
        seed,
    }
}

fn inputs() -> Inputs {
    let log = |day: u64| LogRow {
        file: format!("logs/2026-04-{:02}.jsonl.zst", 22 + day),
        requests: 96_000 + day * 11,
        repeated: day,
        skipped: u64::from(day == 2),
    };
    let reason = "not JSON: expected `,` or `}` at column 2114".to_owned();
    Inputs {
        logs: (0..3).map(log).collect(),
        requests_added: 288_033,
        repeated: 3,
        skipped_lines_count: 1,
        skipped_lines: vec![SkippedLine { file: "logs/2026-04-24.jsonl.zst".to_owned(), line: 60_211, reason }],
        media_skipped: 1_204,
        unattributed: 17,
        ..Inputs::default()
    }
}

fn totals(families: u64) -> Totals {
    let counts = |rows: &[(&str, u64)]| -> Vec<Count> {
        rows.iter().map(|&(name, count)| Count { name: name.to_owned(), count }).collect()
    };
    Totals {
        requests: 288_033,
        accounts: 10_743,
        principals: 9_212,
        distinct_texts: 201_554,
        leaders: 144_871,
        families,
        requests_in_families: 190_417,
        bytes_on_disk: 43_204_950,
        by_script: counts(&[("Latin", 241_110), ("Han", 30_941), ("Arabic", 9_055), ("Cyrillic", 6_927)]),
        by_part: counts(&[("prompt", 120_000), ("last_user", 168_033), ("system", 96_400), ("tools", 12_031)]),
    }
}

fn error_rates() -> ErrorRates {
    ErrorRates {
        decoys_tested: 47,
        decoys_convicted: 0,
        groups_tested: 47,
        permutations: 999,
        false_discovery_rate: Some(0.01),
        false_accusation: Some(FalseAccusation {
            traffic: "invented traffic, for this example only".to_owned(),
            innocents: 300_000,
            accused: 0,
            bound: 0.000_01,
        }),
        statement: vec!["Thresholds were set on benign traffic alone.".to_owned()],
    }
}

fn family(random: &mut Random, axis: &Axis, before: &str, after: &str) -> FamilyRow {
    let requests = 200 + random.below(9_000);
    let accounts = 12 + random.below(900);
    let slot = |random: &mut Random| Slot {
        kind: "free".to_owned(),
        min_bytes: 8 + random.below(60),
        max_bytes: 400 + random.below(4_000),
        distinct: requests / 2,
    };
    let mut pieces = vec![Piece::Text(before.to_owned()), Piece::Slot(slot(random))];
    if !after.is_empty() {
        pieces.extend([Piece::Text(after.to_owned()), Piece::Slot(slot(random))]);
    }
    FamilyRow {
        family: random.hex(),
        part: "last_user".to_owned(),
        skeleton: Some(Skeleton { pieces }),
        requests,
        accounts,
        principals: accounts - random.below(9),
        documents: requests * 9 / 10,
        exclusivity: random.unit(),
        first_ms: Some(START_MS + 3_600_000),
        last_ms: Some(START_MS + 26 * DAY_MS),
        timeline: random.timeline(axis, 0, 26, requests / 26),
        exemplars: (0..5).map(|_| random.hex()).collect(),
        ..FamilyRow::default()
    }
}

fn campaign(random: &mut Random, axis: &Axis, size: u64, families: Vec<String>, verdict: Verdict) -> CampaignRow {
    let accused = verdict == Verdict::Convicted;
    let accounts: Vec<AccountRow> = (0..size).map(|index| account(random, index, &families)).collect();
    let requests = accounts.iter().map(|account| account.family_requests).sum();
    CampaignRow {
        campaign: random.hex(),
        verdict,
        advice: match verdict {
            Verdict::Convicted => Advice::StepUp,
            Verdict::Review => Advice::Review,
            Verdict::Unexplained | Verdict::Acquitted => Advice::Allow,
        },
        reason: match verdict {
            Verdict::Convicted => "Accounts of different parties divide one problem set, reword one template, and replace each other as they end.",
            Verdict::Review => "Scheduled and dedicated like a campaign, but a firm's own key fleet would look the same.",
            Verdict::Unexplained => "Many accounts share a prompt; nothing says that they act together.",
            Verdict::Acquitted => "The texts repeat across accounts as often as chance predicts: a popular prompt.",
        }
        .to_owned(),
        weight: num::f64_of_u64(size) / 10.0,
        families,
        principals: size,
        requests,
        first_ms: Some(START_MS + 4 * DAY_MS),
        last_ms: Some(START_MS + 24 * DAY_MS),
        flagged_ms: accused.then_some(START_MS + 7 * DAY_MS),
        served_share: accused.then_some(0.083),
        timeline: random.timeline(axis, 4, 24, size * 5),
        evidence: evidence(accused),
        innocent_explanations: explanations(verdict),
        enrichment: if accused {
            let (tag, value) = ("payment".to_owned(), "p:5f0c".to_owned());
            vec![Enrichment { tag, value, accounts: size / 4, share: 0.25, base_share: 0.0004 }]
        } else {
            Vec::new()
        },
        exemplars: (0..5).map(|_| random.hex()).collect(),
        accounts,
    }
}

fn account(random: &mut Random, index: u64, families: &[String]) -> AccountRow {
    let strength = 0.55 + 0.45 * random.unit();
    let edges: Vec<Edge> = families
        .iter()
        .filter(|_| random.below(5) < 3)
        .map(|family| Edge { family: family.clone(), requests: 1 + index % 9, strength })
        .collect();
    let family_requests = edges.iter().map(|edge| edge.requests).sum();
    let account = match index {
        3 => "=HYPERLINK(\"x\")<b>\u{202E}gnp.exe".to_owned(),
        5 => {
            "an-account-whose-name-was-chosen-by-someone-who-wanted-to-see-how-a-page-behaves-at-390-pixels".to_owned()
        }
        _ => format!("acct_{}", random.hex()),
    };
    AccountRow {
        account,
        principal: index.is_multiple_of(7).then(|| format!("org_{}", index / 7)),
        strength,
        requests: family_requests + random.below(20),
        family_requests,
        first_ms: Some(START_MS + 4 * DAY_MS + i64::try_from(index % 400).unwrap_or(0) * 3_600_000),
        last_ms: Some(START_MS + 24 * DAY_MS),
        edges,
    }
}

fn evidence(accused: bool) -> Vec<Evidence> {
    let (strong, weak) =
        if accused { (Supports::Accuse, Supports::Neutral) } else { (Supports::Neutral, Supports::Acquit) };
    let row = |kind: &str, value, null, p, n, supports, meaning: &str| Evidence {
        kind: kind.to_owned(),
        meaning: meaning.to_owned(),
        value,
        null,
        p,
        n,
        supports,
    };
    vec![
        row(
            "wording",
            0.24,
            Some(0.96),
            Some(0.001),
            6_120,
            strong,
            "How alike the fixed text of two accounts is. People who share a prompt copy it; accounts that evade reword it.",
        ),
        row(
            "turnover",
            0.91,
            Some(0.12),
            Some(0.001),
            640,
            strong,
            "Share of accounts that live a few dense days and are replaced.",
        ),
        row(
            "evenness",
            0.32,
            Some(4.8),
            Some(0.001),
            640,
            strong,
            "Spread of volume over accounts beyond chance. People differ by orders of magnitude; a load balancer does not.",
        ),
        row(
            "mixing",
            1.06,
            Some(1.0),
            Some(0.13),
            2_000,
            Supports::Neutral,
            "Whether an account's texts are nearer to each other than to other accounts'. 1 means one common pool.",
        ),
        row(
            "multiplicity",
            0.0,
            Some(0.85),
            None,
            18_400,
            weak,
            "How often the same text comes from several accounts, against chance.",
        ),
        row(
            "hour profile",
            0.61,
            Some(0.5),
            Some(3.1e-7),
            41_204,
            Supports::Neutral,
            "Activity around the clock rather than a person's day.",
        ),
    ]
}

fn explanations(verdict: Verdict) -> Vec<Explanation> {
    let row = |tested: &str, outcome: &str, explains| Explanation {
        tested: tested.to_owned(),
        outcome: outcome.to_owned(),
        explains,
    };
    vec![
        row("All accounts belong to one organisation", "640 different principals", false),
        row("The prompt is public", "Nearest bank entry resembles it by 0.31; 0.70 would clear it", false),
        row("Everyone runs the same items", "An item is sent by 1.0 accounts on average", false),
        row("Popular texts repeat", "They repeat as chance predicts", verdict == Verdict::Acquitted),
        row("Each account has content of its own", "Texts come from one pool (mixing 1.06)", false),
    ]
}
