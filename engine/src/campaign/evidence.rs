//! The words of a verdict: kinds of evidence, what each one measured, and how a verdict and its reason are called.

/// One kind of evidence. Kinds are counted, so each rests on another side of the traffic than its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Volumes of the accounts are too even for people.
    Evenness,
    /// The accounts work every day of their lives, and at a steady pace.
    Pacing,
    /// Accounts are born, work and fall silent well inside the log, one after another.
    Turnover,
    /// The accounts do little else.
    Dedication,
    /// Several templates that the same accounts use, and hardly anybody else.
    CoUse,
    /// One request each: new accounts flow into one template.
    OneShot,
    /// The same template in another wording at each account, or letters disguised.
    Wording,
    /// Slot values dealt out from one common pool.
    Pool,
    /// Accounts a slot value meets, over the principals: 1 is full overlap. Acquits.
    Overlap,
    /// Variance over mean of the accounts a slot value meets. Acquits.
    Multiplicity,
    /// How much more alike the slot values of one account are than those of any two. Acquits.
    Mixing,
    /// Share of the requests whose whole text others sent too. Acquits.
    SameText,
    /// How often the next request comes from the same account. Reported only.
    TurnTaking,
    /// Hours of the day in use. Reported only.
    Hours,
    /// How much a tag concentrates in the family. Reported only.
    Tag,
}

impl Kind {
    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Evenness => "evenness",
            Self::Pacing => "pacing",
            Self::Turnover => "turnover",
            Self::Dedication => "dedication",
            Self::CoUse => "co-use",
            Self::OneShot => "one-shot",
            Self::Wording => "wording",
            Self::Pool => "pool",
            Self::Overlap => "overlap",
            Self::Multiplicity => "multiplicity",
            Self::Mixing => "mixing",
            Self::SameText => "same-text",
            Self::TurnTaking => "turn-taking",
            Self::Hours => "hours",
            Self::Tag => "tag",
        }
    }

    /// What it says, for a reader who is no statistician.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Evenness => "people differ widely in how much they use a prompt; these accounts hardly do",
            Self::Pacing => "people skip days and come in sessions; these accounts work every day at a steady pace",
            Self::Turnover => "accounts appear, work hard and fall silent for good, and others take over",
            Self::Dedication => "the accounts do little but this",
            Self::CoUse => "the same accounts use several templates that hardly anybody else uses",
            Self::OneShot => "fresh accounts send this once and are not seen again",
            Self::Wording => "each account sends the same instructions in words of its own, or with disguised letters",
            Self::Pool => "the tasks come from one list which the accounts share out between them",
            Self::Overlap => "near 1, everybody works through the same list: an exam, a benchmark, a harness",
            Self::Multiplicity => "far above chance, a few tasks are popular and most are not: taste, not a plan",
            Self::Mixing => "far above 1, each account brings its own content",
            Self::SameText => "near 1, the whole text is copied: a viral prompt or a collection",
            Self::TurnTaking => "above 1, accounts send in runs; near 0, they take turns",
            Self::Hours => "hours of the day in which the family is active",
            Self::Tag => "one network, payment or program behind many accounts",
        }
    }
}

/// One measured statistic, against what innocence would give.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Evidence {
    /// Which.
    pub kind: Kind,
    /// What was measured.
    pub value: f64,
    /// What the null hypothesis gives.
    pub null: f64,
    /// Probability of a value at least as incriminating under the null; 1 where the statistic can only acquit.
    pub p: f64,
    /// How many accounts, pairs or values it rests on.
    pub n: usize,
    /// True when it counts as evidence of coordination.
    pub holds: bool,
}

/// What is thought of a family, of a campaign, of an account. Only [`Verdict::Convicted`] accuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// An innocent explanation was found, and it is named.
    Acquitted,
    /// Shared, and nobody knows why: popular.
    Unexplained,
    /// Strong evidence, with an innocent explanation that cannot be ruled out, such as a firm's own fleet: for an analyst.
    Review,
    /// Coordinated accounts of different principals.
    Convicted,
}

impl Verdict {
    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Acquitted => "acquitted",
            Self::Unexplained => "unexplained",
            Self::Review => "review",
            Self::Convicted => "convicted",
        }
    }

    /// What a gateway is advised to do; never a ban.
    #[must_use]
    pub fn advice(self) -> Advice {
        match self {
            Self::Acquitted | Self::Unexplained => Advice::Allow,
            Self::Review => Advice::StepUp,
            Self::Convicted => Advice::Review,
        }
    }
}

/// What a gateway is advised to do with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Nothing.
    Allow,
    /// Ask for one more proof of who this is.
    StepUp,
    /// Show it to an analyst.
    Review,
}

impl Advice {
    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Review => "review",
        }
    }
}

/// Why a family got its verdict, apart from the evidence that counts against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// Fewer principals than can conspire.
    FewPrincipals,
    /// Too few requests, or too few accounts that came back, to say anything.
    TooLittle,
    /// In a negative bank: a known public prompt.
    KnownPublic,
    /// The whole text is copied.
    SameText,
    /// Everybody works through the same list.
    FullOverlap,
    /// A few tasks are popular, the rest is not.
    Popularity,
    /// Each account brings its own content.
    OwnContent,
    /// The accounts differ as people do.
    Organic,
    /// Evidence as of a campaign, but one firm's fleet of keys would show the same.
    LikeAFleet,
    /// New one-shot accounts flow into this template: an alarm about the family, no verdict on an account.
    OneShotAlarm,
    /// Enough independent kinds of evidence over different principals.
    Coordinated,
}

impl Reason {
    /// The name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FewPrincipals => "few-principals",
            Self::TooLittle => "too-little",
            Self::KnownPublic => "known-public",
            Self::SameText => "same-text",
            Self::FullOverlap => "full-overlap",
            Self::Popularity => "popularity",
            Self::OwnContent => "own-content",
            Self::Organic => "organic",
            Self::LikeAFleet => "like-a-fleet",
            Self::OneShotAlarm => "one-shot-alarm",
            Self::Coordinated => "coordinated",
        }
    }

    /// The same, and that fresh accounts send it once, where they raise an alarm beside another reason.
    #[must_use]
    pub fn sentence_with(self, alarm: bool) -> String {
        if alarm && self != Self::OneShotAlarm {
            format!("{} Fresh accounts also send it once and vanish; of those none is accused.", self.sentence())
        } else {
            self.sentence().to_owned()
        }
    }

    /// One sentence that an analyst can send to whoever asks.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::FewPrincipals => {
                "Fewer than the least number of unrelated customers send it: one firm, or a few friends."
            }
            Self::TooLittle => {
                "There is too little traffic, or too few accounts came back, to tell a plan from chance."
            }
            Self::KnownPublic => "The template is a known public one, so sharing it says nothing.",
            Self::SameText => "Whole texts are copied from account to account, as viral prompts and collections are.",
            Self::FullOverlap => "Everybody works through the same list of tasks, as with a benchmark or an exam.",
            Self::Popularity => "A few tasks are very popular and the rest are not: taste, not a plan.",
            Self::OwnContent => "Each account brings content of its own; the common part is only a tool's wrapping.",
            Self::Organic => "The accounts differ in volume, days and habits as people do.",
            Self::LikeAFleet => {
                "The accounts act as one, but one honest firm with many keys would look the same; ask who they belong to."
            }
            Self::OneShotAlarm => {
                "Fresh accounts send this template once and vanish. The template deserves a look; no account is accused."
            }
            Self::Coordinated => "Several independent kinds of evidence say that unrelated customers act on one plan.",
        }
    }
}
