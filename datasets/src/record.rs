//! How a request is written: our plain form, OpenAI chat or Anthropic Messages bodies with ids beside them; and the labels.

use crate::cohort::{Cohort, Draft, Org, Script};
use crate::num::index;
use crate::plan::Actor;
use crate::rng::{Rng, key, mix};
use crate::stream::{Event, Traffic};
use std::fmt::Write as _;
use std::io::{self, Write};

/// The form of the log's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `{"id","account","ts","prompt"}` and who sent it.
    #[default]
    Plain,
    /// Chat completion bodies.
    OpenAi,
    /// Messages bodies.
    Anthropic,
    /// Each account has a form of its own: 70 % plain, 20 % OpenAI, 10 % Anthropic.
    Mixed,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Output {
    /// The form of its lines.
    pub format: Format,
    /// Leaves organisations out of the log (never out of the labels).
    pub hide_orgs: bool,
}

const MODELS: [&str; 5] = ["large-1", "large-1", "small-1", "small-1", "code-1"];
const AGENTS_UA: [&str; 8] = [
    "python-sdk/1.52",
    "python-sdk/1.60",
    "node-sdk/4.1",
    "curl/8.5",
    "Mozilla/5.0 (X11)",
    "Mozilla/5.0 (Windows)",
    "Mozilla/5.0 (Macintosh)",
    "okhttp/4.12",
];

/// Twelve hexadecimal digits that belong to `n` and to no other number below 2^48, without giving away their order.
fn opaque(n: u64, secret: u64) -> u64 {
    const MASK: u64 = (1 << 48) - 1;
    let secret = mix(secret);
    let mut x = (n ^ secret) & MASK;
    for _ in 0..3 {
        x = x.wrapping_mul(0x5bd1_e995_9e37_79b1 | 1) & MASK;
        x ^= x >> 25;
    }
    x
}

/// The tools of a request: each between `open` and `close`, its parameters under `schema`.
fn tools(line: &mut String, open: &str, schema: &str, close: &str) {
    line.push_str(",\"tools\":[");
    for (i, (name, parameter)) in TOOLS.iter().enumerate() {
        line.push_str(if i > 0 { "," } else { "" });
        _ = write!(
            line,
            "{open}\"name\":\"{name}\",\"{schema}\":{{\"type\":\"object\",\"properties\":{{\"{parameter}\":{{\"type\":\"string\"}}}}}}{close}"
        );
    }
    line.push(']');
}

/// Appends a JSON string. Texts hold no control characters but line feeds and tabs; all are escaped all the same.
fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') {
        let (before, special) = rest.split_at(at);
        out.push_str(before);
        let mut letters = special.chars();
        match letters.next() {
            Some('\n') => out.push_str("\\n"),
            Some('\t') => out.push_str("\\t"),
            Some(c @ ('"' | '\\')) => {
                out.push('\\');
                out.push(c);
            }
            Some(c) => _ = write!(out, "\\u{:04x}", u32::from(c)),
            None => {}
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends a JSON string or null.
fn nullable(text: Option<&str>, out: &mut String) {
    match text {
        Some(text) => string(text, out),
        None => out.push_str("null"),
    }
}

fn field(name: &str, value: &str, out: &mut String) {
    _ = write!(out, ",\"{name}\":");
    string(value, out);
}

/// Writes the log and its labels.
#[derive(Debug)]
pub struct Recorder {
    output: Output,
    line: String,
    draft: Draft,
}

impl Recorder {
    /// A recorder of this form.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self { output, line: String::new(), draft: Draft::default() }
    }

    /// Writes the next request of `traffic` to `log`, and its labels to `labels`. False at the end.
    ///
    /// # Errors
    /// Those of the writers.
    pub fn write_next(
        &mut self,
        traffic: &mut Traffic,
        log: &mut dyn Write,
        labels: Option<&mut dyn Write>,
    ) -> io::Result<bool> {
        let Some(event) = traffic.next(&mut self.draft) else { return Ok(false) };
        let Some(cohort) = traffic.plan.cohorts.get(index(u64::from(event.cohort))) else { return Ok(false) };
        let seed = traffic.model.seed;
        self.line.clear();
        let line = &mut self.line;
        _ = write!(
            line,
            "{{\"id\":\"r{:012x}\",\"account\":\"a{:012x}\",\"ts\":{}",
            opaque(event.serial, key(&[seed, 271])),
            account_number(seed, event.account),
            traffic.model.start_ms + event.ask.now_ms
        );
        tags(cohort, &event, self.output.hide_orgs, seed, line);
        let format = match self.output.format {
            Format::Mixed => match Rng::of(&[event.ask.who, 277]).below(10) {
                0..=6 => Format::Plain,
                7 | 8 => Format::OpenAi,
                _ => Format::Anthropic,
            },
            one => one,
        };
        let earlier = match (format, &cohort.script, self.draft.kind) {
            (Format::Plain, ..) => Vec::new(),
            (_, Script::Person, "human" | "followup" | "retry") => traffic.earlier(&event),
            _ => Vec::new(),
        };
        body(format, &self.draft, &earlier, event.ask.who, line);
        line.push_str("}\n");
        log.write_all(line.as_bytes())?;
        if let Some(labels) = labels {
            line.clear();
            _ = write!(line, "{{\"id\":\"r{:012x}\",\"template_id\":", opaque(event.serial, key(&[seed, 271])));
            nullable(Some(self.draft.template.as_str()).filter(|name| !name.is_empty()), line);
            _ = write!(line, ",\"kind\":\"{}\",\"campaign\":", self.draft.kind);
            nullable(cohort.campaign.as_deref(), line);
            line.push_str("}\n");
            labels.write_all(line.as_bytes())?;
        }
        Ok(true)
    }

    /// Writes one line for each account that has made a request: `account`, `kind`, `campaign`, `org`, `requests`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_accounts(traffic: &Traffic, labels: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for (account, actor, made) in traffic.accounts() {
            let Some(cohort) = traffic.plan.cohorts.get(index(u64::from(actor.cohort))).filter(|_| made > 0) else {
                continue;
            };
            line.clear();
            _ = write!(
                line,
                "{{\"account\":\"a{:012x}\",\"kind\":\"{}\",\"campaign\":",
                account_number(traffic.model.seed, account),
                cohort.kind
            );
            nullable(cohort.campaign.as_deref(), &mut line);
            line.push_str(",\"org\":");
            match organisation(cohort, actor, traffic.model.seed) {
                Some(org) => _ = write!(line, "\"o{org:012x}\""),
                None => line.push_str("null"),
            }
            _ = writeln!(line, ",\"requests\":{made}}}");
            labels.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

fn account_number(seed: u64, account: u32) -> u64 {
    opaque(u64::from(account), key(&[seed, 281]))
}

fn organisation(cohort: &Cohort, actor: &Actor, seed: u64) -> Option<u64> {
    let name = crate::rng::key_of_name(&cohort.name);
    match cohort.org {
        Org::None => None,
        Org::One => Some(key(&[seed, name, 283]) >> 16),
        Org::Each => Some(key(&[actor.who, 283]) >> 16),
    }
}

/// Who sent it: organisation, key, end user, address, client and model, where accounts of this kind have them.
fn tags(cohort: &Cohort, event: &Event, hide_orgs: bool, seed: u64, line: &mut String) {
    let who = event.ask.who;
    let mut rng = Rng::of(&[who, 293]);
    let org = match cohort.org {
        Org::None => None,
        Org::One => Some(key(&[seed, crate::rng::key_of_name(&cohort.name), 283]) >> 16),
        Org::Each => Some(key(&[who, 283]) >> 16),
    };
    if let Some(org) = org.filter(|_| !hide_orgs) {
        _ = write!(line, ",\"org\":\"o{org:012x}\"");
    }
    let keys = rng.between(1, 2);
    if rng.chance(0.4) {
        _ = write!(line, ",\"key\":\"k{:010x}\"", key(&[who, u64::from(event.ask.session) % keys, 307]) >> 24);
    }
    if cohort.end_users {
        _ = write!(
            line,
            ",\"end_user\":\"u{:08x}\"",
            key(&[who, Rng::of(&[who, u64::from(event.ask.session), 311]).below(200)]) >> 32
        );
    }
    let place = key(&[who, u64::from(event.ask.session) % rng.between(1, 3), 313]);
    // A campaign rents addresses from a few networks; strangers are spread over all of them.
    let network =
        if cohort.campaign.is_some() { key(&[place % 24, crate::rng::key_of_name(&cohort.name)]) } else { place };
    _ = write!(
        line,
        ",\"ip\":\"{}.{}.{}.{}\"",
        11 + (network >> 8) % 180,
        (network >> 16) % 256,
        (network >> 24) % 256,
        1 + place % 254
    );
    field("ua", rng.pick(&AGENTS_UA), line);
    field("model", rng.pick(&MODELS), line);
}

/// Writes the prompt in its form.
fn body(format: Format, draft: &Draft, earlier: &[String], who: u64, line: &mut String) {
    match format {
        Format::Plain | Format::Mixed => {
            line.push_str(",\"prompt\":");
            if draft.system.is_empty() {
                string(&draft.user, line);
            } else {
                string(&draft.system, line);
                line.truncate(line.len() - 1);
                line.push_str("\\n\\n");
                let start = line.len();
                string(&draft.user, line);
                line.remove(start);
            }
        }
        Format::OpenAi => {
            line.push_str(",\"messages\":[");
            if !draft.system.is_empty() {
                line.push_str("{\"role\":\"system\",\"content\":");
                string(&draft.system, line);
                line.push_str("},");
            }
            turns(earlier, &draft.user, who, line);
            line.push(']');
            if draft.tools {
                tools(line, "{\"type\":\"function\",\"function\":{", "parameters", "}}");
            }
            line.push_str(",\"max_tokens\":1024");
        }
        Format::Anthropic => {
            if !draft.system.is_empty() {
                field("system", &draft.system, line);
            }
            line.push_str(",\"messages\":[");
            turns(earlier, &draft.user, who, line);
            line.push(']');
            if draft.tools {
                tools(line, "{", "input_schema", "}");
            }
            line.push_str(",\"max_tokens\":1024");
        }
    }
}

/// The tools of an IDE agent, with a parameter each.
const TOOLS: [(&str, &str); 4] =
    [("read_file", "path"), ("edit_file", "patch"), ("run", "command"), ("search", "pattern")];

fn turns(earlier: &[String], user: &str, who: u64, line: &mut String) {
    let mut answer = String::new();
    for (i, text) in earlier.iter().enumerate() {
        line.push_str("{\"role\":\"user\",\"content\":");
        string(text, line);
        answer.clear();
        crate::english::prose(
            &mut Rng::of(&[who, crate::rng::key_of_name(text), crate::num::count(i), 317]),
            180,
            &mut answer,
        );
        line.push_str("},{\"role\":\"assistant\",\"content\":");
        string(&answer, line);
        line.push_str("},");
    }
    line.push_str("{\"role\":\"user\",\"content\":");
    string(user, line);
    line.push('}');
}
