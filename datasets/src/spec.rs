//! What the caller asks for: campaigns and traps, in a small notation such as `accounts=600,templates=4,reword=0.1`.

use crate::problem::Subject;
use crate::reword::Obfuscation;
use std::fmt;
use std::str::FromStr;

/// How far a campaign's wording varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The same text everywhere.
    Exact,
    /// Each account has its own wording.
    Account,
    /// Each request has its own wording.
    Request,
}

/// How a campaign draws its problems from the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// With replacement.
    Replace,
    /// Without: each problem goes to as many requests as `samples` says, then never again until the pool is used up.
    Shard,
}

/// When the accounts of a campaign live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Succession {
    /// A fixed number of seats; within hours of an account's last request a new one takes its seat.
    Chain,
    /// Beginnings are spread evenly.
    Uniform,
    /// All accounts begin within two days.
    Burst,
}

/// One campaign. Parsed from `key=value,...`; every key has a default.
#[derive(Debug, Clone)]
pub struct CampaignSpec {
    /// Its name in the labels; empty means c1, c2, ... by position.
    pub name: String,
    /// How many accounts.
    pub accounts: u32,
    /// How many templates.
    pub templates: u32,
    /// Share of the fixed words that are changed, 0 to 0.5.
    pub reword: f64,
    /// Chance that a choice in a sentence's form is made anew, 0 to 1.
    pub paraphrase: f64,
    /// Whether sentences change places.
    pub shuffle: bool,
    /// Chance of an affix around the prompt.
    pub affix: f64,
    /// Whose wording it is.
    pub style: Style,
    /// Tricks with characters.
    pub obfuscate: Obfuscation,
    /// Share of letters those tricks touch.
    pub obfuscate_rate: f64,
    /// Share of an account's traffic that is innocent, 0 to 0.99.
    pub cover: f64,
    /// Campaign requests per account and day.
    pub rate: f64,
    /// Days an account lives: shortest and longest.
    pub lifetime: (f64, f64),
    /// How many problems there are.
    pub pool: u64,
    /// How many requests ask the same problem under `draw=shard`.
    pub samples: u64,
    /// How problems are drawn.
    pub draw: Draw,
    /// Whether each account has a topic of its own.
    pub topics: bool,
    /// Each account sends one request.
    pub one_shot: bool,
    /// Requests hide behind the system text of a popular IDE agent.
    pub cloak: bool,
    /// The campaign rides in accounts that look like people: this share of their traffic is the campaign's.
    pub hydra: Option<f64>,
    /// When accounts live.
    pub succession: Succession,
    /// What problems are about; `None` mixes.
    pub subject: Option<Subject>,
    /// In how many languages each template is written, 1 to 5; an account keeps to one.
    pub languages: u32,
    /// Mean requests of a session; 1 is a steady trickle.
    pub session: f64,
    /// The first template is one that was published, and innocent people use it too.
    pub published: bool,
    /// First day of the campaign.
    pub start_day: f64,
    /// How many days it lasts; 0 means to the end.
    pub days: f64,
}

impl Default for CampaignSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            accounts: 100,
            templates: 2,
            reword: 0.1,
            paraphrase: 0.3,
            shuffle: false,
            affix: 0.2,
            style: Style::Account,
            obfuscate: Obfuscation::None,
            obfuscate_rate: 0.04,
            cover: 0.15,
            rate: 3.5,
            lifetime: (4.0, 12.0),
            pool: 5_000,
            samples: 1,
            draw: Draw::Replace,
            topics: false,
            one_shot: false,
            cloak: false,
            hydra: None,
            succession: Succession::Chain,
            subject: None,
            languages: 1,
            session: 1.2,
            published: false,
            start_day: 0.0,
            days: 0.0,
        }
    }
}

/// A description that cannot be understood or carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// The part at fault.
    pub part: String,
    /// What would be right there.
    pub expected: String,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}': expected {}", self.part, self.expected)
    }
}

impl std::error::Error for SpecError {}

fn wrong(part: &str, expected: impl Into<String>) -> SpecError {
    SpecError { part: part.to_owned(), expected: expected.into() }
}

fn number<T: FromStr + PartialOrd + fmt::Display>(part: &str, value: &str, low: T, high: T) -> Result<T, SpecError> {
    match value.parse::<T>() {
        Ok(n) if n >= low && n <= high => Ok(n),
        _ => Err(wrong(part, format!("a number from {low} to {high}"))),
    }
}

impl FromStr for CampaignSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut spec = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "name" => value.clone_into(&mut spec.name),
                "accounts" => spec.accounts = number(part, value, 1, 1_000_000)?,
                "templates" => spec.templates = number(part, value, 1, 1_000)?,
                "reword" => spec.reword = number(part, value, 0.0, 0.5)?,
                "paraphrase" => spec.paraphrase = number(part, value, 0.0, 1.0)?,
                "shuffle" => spec.shuffle = true,
                "affix" => spec.affix = number(part, value, 0.0, 1.0)?,
                "style" => {
                    spec.style = match value {
                        "exact" => Style::Exact,
                        "account" => Style::Account,
                        "request" => Style::Request,
                        _ => return Err(wrong(part, "style=exact, account or request")),
                    }
                }
                "obfuscate" => {
                    spec.obfuscate = match value {
                        "none" => Obfuscation::None,
                        "homoglyph" => Obfuscation::Homoglyph,
                        "zerowidth" => Obfuscation::ZeroWidth,
                        "case" => Obfuscation::Case,
                        "mixed" => Obfuscation::Mixed,
                        _ => return Err(wrong(part, "obfuscate=none, homoglyph, zerowidth, case or mixed")),
                    }
                }
                "obfuscate-rate" => spec.obfuscate_rate = number(part, value, 0.0, 1.0)?,
                "cover" => spec.cover = number(part, value, 0.0, 0.99)?,
                "rate" => spec.rate = number(part, value, 0.01, 100_000.0)?,
                "lifetime" => {
                    let (low, high) = value.split_once('-').unwrap_or((value, value));
                    let low = number(part, low, 0.01, 10_000.0)?;
                    spec.lifetime = (low, number(part, high, low, 10_000.0)?);
                }
                "pool" => spec.pool = number(part, value, 1, 1_000_000_000)?,
                "samples" => spec.samples = number(part, value, 1, 1_000_000)?,
                "draw" => {
                    spec.draw = match value {
                        "replace" => Draw::Replace,
                        "shard" => Draw::Shard,
                        _ => return Err(wrong(part, "draw=replace or shard")),
                    }
                }
                "shards" => {
                    spec.topics = match value {
                        "topic" => true,
                        "none" => false,
                        _ => return Err(wrong(part, "shards=topic or none")),
                    }
                }
                "oneshot" => spec.one_shot = true,
                "cloak" => {
                    spec.cloak = match value {
                        "ide" => true,
                        "none" => false,
                        _ => return Err(wrong(part, "cloak=ide or none")),
                    }
                }
                "hydra" => spec.hydra = Some(number(part, value, 0.001, 1.0)?),
                "succession" => {
                    spec.succession = match value {
                        "chain" => Succession::Chain,
                        "uniform" => Succession::Uniform,
                        "burst" => Succession::Burst,
                        _ => return Err(wrong(part, "succession=chain, uniform or burst")),
                    }
                }
                "subject" => {
                    spec.subject = match Subject::ALL.into_iter().find(|s| s.name() == value) {
                        None if value != "mix" => {
                            return Err(wrong(part, "subject=math, code, reason, read, agent, general or mix"));
                        }
                        found => found,
                    }
                }
                "languages" => spec.languages = number(part, value, 1, 5)?,
                "session" => spec.session = number(part, value, 1.0, 10_000.0)?,
                "published" => spec.published = true,
                "start" => spec.start_day = number(part, value, 0.0, 10_000.0)?,
                "days" => spec.days = number(part, value, 0.0, 10_000.0)?,
                _ => return Err(wrong(part, "a key of the campaign notation (datasets/README.md)")),
            }
        }
        Ok(spec)
    }
}

/// The traps: innocent kinds that look like something else, with their share of the innocent requests.
pub(crate) const TRAPS: [(&str, f64); 18] = [
    ("app", 0.150),
    ("eval", 0.050),
    ("fleet", 0.030),
    ("reseller", 0.030),
    ("byok", 0.040),
    ("private", 0.030),
    ("ide", 0.090),
    ("coursework", 0.020),
    ("cron", 0.020),
    ("ab", 0.015),
    ("localised", 0.020),
    ("redteam", 0.010),
    ("translate", 0.020),
    ("researcher", 0.015),
    ("published", 0.006),
    ("public", 0.030),
    ("viral", 0.015),
    ("marks", 0.075),
];

/// The traps that came after logs were made whose bytes are kept: only `all`, or their name, puts them in.
const LATER: [&str; 1] = ["marks"];

/// How much of each trap there is: a factor on its usual share. Parsed from `usual`, `all`, `none` or `ide=2,byok=0`.
#[derive(Debug, Clone)]
pub struct TrapSpec {
    weights: Vec<f64>,
}

impl Default for TrapSpec {
    fn default() -> Self {
        Self { weights: TRAPS.iter().map(|(name, _)| if LATER.contains(name) { 0.0 } else { 1.0 }).collect() }
    }
}

impl TrapSpec {
    /// Share of the innocent requests that a trap takes.
    pub(crate) fn share(&self, name: &str) -> f64 {
        TRAPS
            .iter()
            .zip(&self.weights)
            .find(|((trap, _), _)| *trap == name)
            .map_or(0.0, |((_, share), weight)| share * weight)
    }
}

impl FromStr for TrapSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut spec = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None if part == "usual" => spec = Self::default(),
                None if part == "all" => spec.weights.fill(1.0),
                None if part == "none" => spec.weights.fill(0.0),
                Some((name, value)) => {
                    let at = TRAPS.iter().position(|(trap, _)| *trap == name);
                    let weight = at.and_then(|at| spec.weights.get_mut(at));
                    *weight.ok_or_else(|| wrong(part, "the name of a trap (datasets/README.md)"))? =
                        number(part, value, 0.0, 100.0)?;
                }
                None => return Err(wrong(part, "usual, all, none or NAME=FACTOR")),
            }
        }
        let all: f64 = TRAPS.iter().map(|(name, _)| spec.share(name)).sum();
        if all > 0.95 { Err(wrong(text, "traps that leave 5 % of the requests to people")) } else { Ok(spec) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_read_from_its_notation() {
        let spec: CampaignSpec =
            "accounts=600,templates=4,reword=0.1,cover=0.15,rate=3.5,lifetime=4-12,pool=5000,style=request,oneshot,shards=topic,cloak=ide,hydra=0.05"
                .parse()
                .expect("the notation of the README");
        assert_eq!((spec.accounts, spec.templates, spec.style), (600, 4, Style::Request));
        assert!(spec.one_shot && spec.topics && spec.cloak && spec.hydra == Some(0.05));
        assert!("accounts=0".parse::<CampaignSpec>().is_err());
        assert!("colour=red".parse::<CampaignSpec>().is_err());
        assert!("ide=2,byok=0".parse::<TrapSpec>().is_ok());
        assert!("app=50".parse::<TrapSpec>().is_err());
        let share = |text: &str| text.parse::<TrapSpec>().expect("the notation of the README").share("marks");
        assert!(TrapSpec::default().share("marks") == 0.0 && share("ide=2") == 0.0 && share("all") > 0.0);
        assert!(share("usual,marks=1") == share("all"));
    }
}
