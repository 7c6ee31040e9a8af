//! Problem sets: what evaluation harnesses, courses and campaigns ask for. A set is a seed; problem `n` of it is always the
//! same text, so a set of any size costs nothing to keep.

use crate::grammar::expand;
use crate::rng::Rng;

/// What kind of problems a set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Word problems with numbers.
    Math,
    /// Programming tasks.
    Code,
    /// Questions with options, or to be argued.
    Reason,
    /// A passage with a question.
    Read,
    /// Tasks for an agent with tools.
    Agent,
    /// Everyday instructions of all kinds.
    General,
}

impl Subject {
    /// All subjects.
    pub const ALL: [Self; 6] = [Self::Math, Self::Code, Self::Reason, Self::Read, Self::Agent, Self::General];

    /// The name in a campaign's description.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Math => "math",
            Self::Code => "code",
            Self::Reason => "reason",
            Self::Read => "read",
            Self::Agent => "agent",
            Self::General => "general",
        }
    }
}

const MATH: [&str; 14] = [
    "$p {buys|sells|packs|carries} $# $s {for|at} $x each{ and $# $s {for|at} $x|}. {How many|How much} {is left|does $p have|remains} {after|when} $g $# of them?",
    "A $n {holds|needs|loses} $q per {hour|day|week}. {In|After} $q, {how many|what share of} $s {are|were} {left|used|missing}?",
    "{There are|$c has} $# $s and $# $s. {If|When} $p {takes|adds} $#, what is the {ratio|total|difference}?",
    "$p {walks|drives|cycles} $q {to|toward} $c and $q back{, resting $q|}. {Find|What is} the {average speed|total time}.",
    "{Solve|Find} {x|n|k} {if|so that} $#x + $# = $# - $#x{, where x is a $a $n|}.",
    "The $n of $p is $# {years|metres|points} {more|less} than {twice|half|three times} that of $p. Together: $#. {Find|Give} {both|each}.",
    "A {box|bag|shelf} {contains|has} $# $a, $# $a and $# $a $s. Two are drawn. {Probability|Chance} that {both|neither} {are|is} $a?",
    "{Each|Every} $j at $c {earns|makes} $x {per|a} {day|shift}, and $# of them {skip|take} $q. {Total|How much} {pay|cost} {for|over} $q?",
    "{How many ways|In how many ways} can $# $s be {arranged|seated|split} {if|so that} $# {are|stay} {together|apart}?",
    "$p {reads|paints|bakes} $# $s in $q, $p in $q. {Together|Jointly}, how long for $# $s?",
    "A rectangle {for|of} $s has {sides|area} $q and $q. {Its|The} {perimeter|diagonal|area} {grows|shrinks} by $#%: {new value|find it}?",
    "{Prices|Rents|Fees} of $s {rose|fell} $#% then $#%. From $x, what is the {final|present} price {at|in} $c?",
    "The {sum|product} of {two|three} {consecutive|distinct} $a integers is $#. {Which|Find them}{, given that $S|}?",
    "$p has $# {coins|stamps|cards}: $# are $a, the rest $a. {After|Once} $p {gives|trades} $# for $#, how many are $a?",
];
const CODE: [&str; 10] = [
    "{Write|Implement} {a|the} {function|method|class} $i that {takes|is given} {a list of|two|a map from} $s and {returns|yields} the $a $n{ by $n|}. {Edge cases|Mind}: {no|empty} $s, $# $s.",
    "{Given|For} {an array|a string|a tree|a graph} of $s, {find|count|merge} {those that|all which} $v {at most|at least} $# $s{ in O(n{ log n|}) time|}.",
    "{Debug|Repair}: $i($i) {returns|raises} $# {when|if} $S.",
    "Design a $n {service|queue|cache} for $c: $q, {must|should} $v $s {within|under} $#ms. {Show|Give} {the API|types|code}.",
    "{Refactor|Port} $i from $e to $e{; keep $i and $i|}. It $z $s {by|per} $n.",
    "{Parse|Validate} $s {like|such as} \"$i=$#;$i=$h\" into $I{, rejecting $a ones|}.",
    "{Write|Give} {SQL|a query} over $i($i, $i, $i): {top $#|the median|monthly} $s {per|by} $n {excluding|where} $i {>|<} $#.",
    "{Simulate|Model} $# $s that $v $s {each|every} $q; {print|return} the $n {after|at} step $#.",
    "{Optimise|Speed up} $g $# $s {where|when} $N $z $N{; memory below $#MB|}.",
    "{Write|Add} {tests|property tests|a benchmark} for $i, which $z $s {unless|when} $S.",
];
const REASON: [&str; 10] = [
    "{If|Suppose} $S, and $S, {does it follow|can we conclude} that $S?",
    "{Which|What} {option|answer} {fits|is right}: $S?\n(A) $N\n(B) $N\n(C) $N\n(D) $N",
    "{Four|Five} $s - $p, $p, $p and $p - {sit|stand|queue} {in a row|around $N}. $p is {left|right} of $p; $p is not {last|next to $p}. {Who|Which one} $z $N?",
    "{Why|How} might $N $v $N {even if|though} $S? {Consider|Weigh} $s and $s.",
    "{Premise|Fact}: $S. {Premise|Fact}: {all|no|some} $s $v $s. {Claim|Conclusion}: $S. {Valid|Sound}?",
    "{Is|Was} $N {the cause|a symptom} of $N, {given|knowing} $S and $S?",
    "{Rank|Order} {these|the} $s: $N, $N, $N. {Criterion|By}: $n{, then $n|}.",
    "$p {believes|says} $S. $p {denies|doubts} it: $S. {Who|Which of them} {is|has} the better {case|argument}?",
    "{Find|Name} the {hidden|weakest} assumption: {because|since} $S, $c {should|must} $v $N.",
    "{Explain|Trace} {what|how} $N {changes|becomes} {when|after} $N $z $N, {then|and finally} $S.",
];
const AGENT: [&str; 5] = [
    "{Book|Reserve|Cancel} {a|the} $n for $f {on|before} $D{, at most $x|}; {notify|tell} $p {if|unless} $S.",
    "{Find|Collect} {the |}$# {latest|largest} $s of $c, {compare|sum} $n and {file|save} {a report|a sheet} {as|in} $i.csv.",
    "{Open|Search} $i, {filter|sort} by $n, {then|and} $v {each|every} $n whose $n is $a{. Stop after $#|}.",
    "{Migrate|Move} $q of $s from $i to $i, {keeping|without} $s; {roll back|stop} when $S.",
    "{Investigate|Find out} why $S {since|after} $D; {check|read} $i and $i, {report|say} the $n.",
];

/// How many topics a set is split over when its shards are topics.
pub(crate) const TOPICS: u64 = 24;

/// Writes problem `n` of the set `seed`. A topic, where given, colours the problem with words of its own.
pub(crate) fn write(seed: u64, n: u64, subject: Subject, topic: Option<u64>, out: &mut String) {
    let rng = &mut Rng::of(&[seed, n, 17]);
    if let Some(topic) = topic {
        let own = &mut Rng::of(&[seed, topic, rng.below(9), 19]);
        expand("{On|About|Concerning} $s{ and $s|}: ", own, out);
    }
    match subject {
        Subject::Math => expand(rng.pick(&MATH), rng, out),
        Subject::Code => expand(rng.pick(&CODE), rng, out),
        Subject::Reason => expand(rng.pick(&REASON), rng, out),
        Subject::Read => {
            let bytes = crate::num::index(rng.between(250, 900));
            crate::english::prose(rng, bytes, out);
            out.push_str("\n\n");
            expand("{What|Why|Who|How many} {does|did|is said of} $N{ $P|}?", rng, out);
        }
        Subject::Agent => expand(rng.pick(&AGENT), rng, out),
        Subject::General => crate::english::ask(rng, 1.6, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_set_has_few_equal_problems() {
        for subject in Subject::ALL {
            let texts: HashSet<String> = (0..2_000)
                .map(|n| {
                    let mut text = String::new();
                    write(5, n, subject, None, &mut text);
                    text
                })
                .collect();
            assert!(texts.len() > 1_950, "{}: {} distinct of 2000", subject.name(), texts.len());
        }
    }
}
