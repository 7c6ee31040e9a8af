//! What people ask in English, once: questions, wishes, drafts and worries, each from many short choices.

use crate::grammar::expand;
use crate::lexicon::capitalise;
use crate::rng::Rng;

/// Forms of a request. No fixed run is longer than a few words, so that two one-off prompts share grammar, not text.
const ASKS: [&str; 64] = [
    "{how|in what way} {do|can|should} {i|we|people} $v $N{ $P|}{?|}",
    "{what|which} $n {is|would be} {best|right|cheapest|safest} {for|to $v} $N{ when $S|}?",
    "why {does|did|would} $N $v $N {even though|although|while} $S",
    "{explain|describe|clarify} {how|why} $N $z $N{, $w as if to a $j|}",
    "{write|draft|compose} {a|one} {$a |}{email|letter|note|message|reply} to {my|our|the} $j {about|on|regarding} $N. $S.",
    "{difference|connection|relation} between $N and $N{ $P|}",
    "{give|list|name|suggest} {me |}$# {ideas|ways|reasons|examples|names} {to $v|for|of} $N{ $P|}",
    "{is|was} it {$a|$a or $a} that $S?",
    "$S. {what|who|how much} {should|can|must} I $v{ now| next|}?",
    "{translate|say|put} \"$S\" {in|into} $l",
    "{fix|improve|shorten|polish} {this|the following}: $S and $S",
    "{plan|outline|schedule} a $n {for|around} $N, {budget|cost} $x, {$# people|$q}",
    "{write|invent|tell} {me |}a {$a |}{poem|story|joke|song|limerick|fable} {about|with|featuring} $N{ and $N|}",
    "{can|could} {you|someone} {check|verify|tell me} {if|whether} $S{, because $S|}?",
    "{compare|rank|weigh} $s, $s and $s {by|on} $n{ and $n|}",
    "$N {vs|versus|or} $N for $g $s",
    "{pros|advantages} {and|&} {cons|drawbacks} of $g $N",
    "I am a $j {in|from|near} $c{ and $S|}. {Help|Advise|Guide} me {$v|with} $N.",
    "my $n {is|feels|got} $a {after|since|because} $S. {ideas|what to do|normal}?",
    "{calculate|compute|estimate} {the |}$n {if|when|given} $N {costs|has|takes} $q and $N $q",
    "{convert|change} $q {to|into} $s",
    "{summarise|sum up} {what|how} $N $d{ $P|} in $# {words|lines|points}",
    "{rewrite|rephrase}: $S, {but|yet} $S. {more|less} {$a|formal|casual|direct}",
    "{role|imagine|pretend}: you are a $j. $S. {what do you|how would you} $v?",
    "{what|who} {was|is|are} the $a $n {of|behind|in} $c{ $D|}?",
    "{recipe|instructions|directions} {for|to make} $a $n with $s, $s{, $s|} and $q of $n",
    "{need|looking for|want} {a |}{caption|slogan|title|name|tagline} for {my|our} $n {that|which} $z $s",
    "{should|must|may} {i|we|one} $v $N {before|or|and then} $v $N?",
    "{when|where} {did|does|will} $N $v{ $P|}{ $D|}?",
    "$S. {true|false|really}?",
    "{quiz|test|interview} me on $N: $# {questions|rounds}, {$a|hard|easy}",
    "{what happens|what if} $S {while|and} $S?",
    "{review|critique|judge} my $n: $S. $S.{ $S.|}",
    "{teach|show} me {the |}$n of $g $N {step by step|slowly|quickly|}",
    "{find|spot|name} {the |}{flaw|error|gap} {in|here}: $S, {so|therefore} $S",
    "{turn|make} {this|these notes} into {bullets|a table|an agenda|minutes}: $S; $S; $S",
    "$p {said|claims|thinks} $S. {agree|fair|is that so}?",
    "{best|good|cheap} $s {for|near|under} {$x|$c|$N}",
    "{history|origin|meaning} of {the |}$a $n{ in $c|}",
    "{how many|how much} $s {fit|go|are} {in|into} $N?",
    "{create|build|design} a {lesson|workout|study|meal|travel} plan: $N, $q, {avoid|include} $s",
    "{classify|tag|sort} $s, $s, $s{, $s|} and $s by $n",
    "{argue|debate} {for|against} $g $N{, $# lines|}",
    "{who|what} {else |}{uses|needs|makes} $a $s $P?",
    "{proofread|edit}: \"$S. $S.\"",
    "{my|our} $j {asked|told} {me|us} to $v $N {by|before} $D. {where do i start|what first}?",
    "{excel|spreadsheet|sheets} {formula|function} {to|that} $v {the |}$n {when|if} $n {>|<|=} $#",
    "{regex|pattern} {for|matching} $s {followed by|but not} $s",
    "{bash|shell|cli} {command|one-liner} to $v {all |}$s {in|under} /$i/$i",
    "{why|how come} {does my|is my} $e {code|script|build} $v {when|after} $i {is|returns} $#?",
    "{sql|query}: {join|group|count} $i {by|on} $i where $i {>|<} $#",
    "{symptoms|signs|causes} of $a $n in {adults|kids|dogs|plants|engines}",
    "{etiquette|rules|law} {about|on} $g $s in $c",
    "{gift|present} {for|to} {a|my} $j who {likes|hates|collects} $s, {under|around} $x",
    "{birthday|wedding|farewell} {speech|toast} for $f: $S, $S",
    "{cover letter|resume line|bio} {for|as} {a |}$j at $c. I $d $N and $d $s.",
    "{is|are} $N {safe|legal|worth it|overrated} {for|in|with} $N",
    "{predict|guess} {how|whether} $N will $v {by|in} 20$#",
    "{what's|whats} {the|a} word for {when|someone who} $S",
    "{continue|finish}: $S. {Then|Suddenly|Later} $p",
    "{dialogue|scene} between a $j and a $j {about|over} $N, $a {tone|mood}",
    "{checklist|template|form} for $g $N {with|including} $s and $s",
    "{analogy|metaphor|example} for $N {using|with} $s",
    "$N? $N? {which|pick}, and why{ not $N|}",
];

/// What surrounds a request, now and then.
const BEFORE: [&str; 16] = [
    "",
    "",
    "",
    "",
    "",
    "hi, ",
    "please ",
    "ok so ",
    "$S. ",
    "{quick|stupid|odd} question: ",
    "hey. $S. ",
    "context: $S, $S. ",
    "{urgent|again}: ",
    "so $S and ",
    "{for|re} $c: ",
    "I'm {new|stuck|late}. ",
];
const AFTER: [&str; 20] = [
    "",
    "",
    "",
    "",
    "",
    "",
    " {thanks|thx|cheers}",
    " {keep it|make it} $a",
    " {in|max} $# {words|sentences|lines}",
    " {don't|no need to} mention $s",
    " {use|include} $s",
    " $S.",
    " {as|like} a $j",
    " for {kids|beginners|experts|my $j}",
    " {with|and} {sources|numbers|examples}",
    " $S, and $S.",
    " I already $d $N.",
    " {also|and} $v $N",
    " ({$c|$D|$x})",
    " - $f",
];

/// A short reply inside a conversation.
const FOLLOW_UPS: [&str; 30] = [
    "{go on|continue|more}",
    "{shorter|longer} please",
    "{and|what about} $N?",
    "why $a?",
    "{no|nope}, I meant $N",
    "{make|keep} it $a",
    "{add|drop} the $n",
    "{now|again} in $l",
    "{ok|great|hm}, {but|and} $S?",
    "{what|which} $n?",
    "{can|could} you $v the $n",
    "{explain|expand} {point|step} $#",
    "as a {table|list|poem}",
    "{that|this} {is|looks} $a",
    "{thanks|thank you}{!|}",
    "{wrong|not quite}: $S",
    "{use|try} $s instead of $s",
    "{what if|suppose} $S",
    "{give|show} {an|one} example {with|of} $N",
    "$# more",
    "{rewrite|redo} {it|the $n part} {for|with} $N",
    "{and|so} the $n?",
    "{does|would} that $v $N?",
    "{code|formula}?",
    "{less|more} $a",
    "{simpler|again|differently}",
    "{start|end} with $N",
    "why not $N",
    "{ignore|forget} the $n",
    "is $N $a then?",
];

/// Writes one request of `scale` times the usual length.
pub(crate) fn ask(rng: &mut Rng, scale: f64, out: &mut String) {
    let start = out.len();
    expand(rng.pick(&BEFORE), rng, out);
    expand(rng.pick(&ASKS), rng, out);
    expand(rng.pick(&AFTER), rng, out);
    let mut more = scale - 1.0 + rng.unit() * 0.8;
    while more > 0.0 && rng.chance(0.8) {
        out.push_str(rng.pick(&[" ", " ", "\n", ". ", "\n\n"]));
        expand(
            rng.pick(&["$S.", "$S and $S.", "{note|also|btw}: $S.", "$S{, so| because} $S.", "{we|I} $d $N, $S."]),
            rng,
            out,
        );
        more -= 0.45;
    }
    if rng.chance(0.7) {
        capitalise(out, start);
    }
    if rng.chance(0.25) {
        slip(rng, start, out);
    }
}

/// Writes a follow-up.
pub(crate) fn follow_up(rng: &mut Rng, out: &mut String) {
    expand(rng.pick(&FOLLOW_UPS), rng, out);
}

/// Writes running text of about `bytes` bytes in paragraphs: what people paste.
pub(crate) fn prose(rng: &mut Rng, bytes: usize, out: &mut String) {
    let end = out.len() + bytes;
    while out.len() < end {
        let start = out.len();
        expand(
            rng.pick(&[
                "$S",
                "$S, {and|but|while|so} $S",
                "$P, $S",
                "{However|Still|Then|Meanwhile|Indeed}, $S",
                "$S {because|until|unless} $S",
                "$D, $S",
            ]),
            rng,
            out,
        );
        capitalise(out, start);
        out.push_str(rng.pick(&[". ", ". ", ". ", ".\n", "! ", ".\n\n", "; "]));
    }
    out.truncate(out.trim_end().len());
}

/// A typing slip: one ASCII letter behind `start` is dropped or doubled.
fn slip(rng: &mut Rng, start: usize, out: &mut String) {
    let at = start + rng.at(out.len() - start);
    if let Some(letter) = out.as_bytes().get(at).copied().filter(u8::is_ascii_lowercase) {
        if rng.chance(0.5) {
            out.remove(at);
        } else {
            out.insert(at, char::from(letter));
        }
    }
}
