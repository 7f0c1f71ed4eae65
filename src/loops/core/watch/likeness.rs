//! Whether two findings of different verdicts are the same point, and whether they ask for opposite things.
//!
//! The critic's ids are a hint and no more: many number anew each time. What a finding says, and where, decides.

use crate::loops::core::verdict::Finding;
use std::collections::BTreeSet;

/// Lines that a finding may have moved by and still stand at the same place.
const NEAR: u32 = 8;

/// How alike two findings are that mean the same point, in thousandths; `None` for two points.
pub(super) fn likeness(one: &Finding, other: &Finding) -> Option<u32> {
    let files = match (&one.file, &other.file) {
        (Some(one), Some(other)) => Some(one == other),
        _ => None,
    };
    let near = match (one.line, other.line) {
        (Some(one), Some(other)) => one.abs_diff(other) <= NEAR,
        _ => false,
    };
    if one.text == other.text && files != Some(false) {
        return Some(1000 + u32::from(one.id == other.id));
    }
    let text = overlap(&words(&one.text), &words(&other.text));
    let opposite = polarity(&one.text, &other.text);
    let least = match (files, near, one.id == other.id) {
        // The same id is the critic's word that it is the same; a different place and other words speak against it.
        (Some(true), _, true) if !opposite && (near || one.line.is_none() || other.line.is_none()) => 100,
        (Some(true), _, true) if !opposite => 600,
        (None, _, true) if !opposite => 150,
        (Some(true), true, false) if !opposite => 350,
        (Some(true), false, false) if !opposite => 750,
        (None, _, false) if !opposite => 750,
        (Some(false), _, true) => 500,
        _ => return None,
    };
    (text >= least).then_some(text + if one.id == other.id { 100 } else { 0 })
}

/// Whether two findings ask for opposite things at one place: they talk about the same, with opposite words.
pub(super) fn contradict(one: &Finding, other: &Finding) -> bool {
    let place = match (&one.file, &other.file) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let near = match (one.line, other.line) {
        (Some(one), Some(other)) => one.abs_diff(other) <= 3 * NEAR,
        _ => true,
    };
    place && near && polarity(&one.text, &other.text) && overlap(&topic(&one.text), &topic(&other.text)) >= 450
}

/// Words that ask for one thing, and those that ask for its opposite.
const OPPOSITES: [(&[&str], &[&str]); 14] = [
    (
        &["add", "include", "insert", "introduce", "missing", "needs", "lacks"],
        &["remove", "drop", "delete", "unnecessary", "redundant", "needless", "superfluous", "unneeded"],
    ),
    (&["public", "export", "expose"], &["private", "hide", "internal"]),
    (&["async", "asynchronous"], &["sync", "synchronous"]),
    (&["enable", "enabled"], &["disable", "disabled"]),
    (&["split", "extract", "separate"], &["merge", "inline", "combine", "join"]),
    (
        &["longer", "increase", "raise", "more", "larger", "bigger"],
        &["shorter", "decrease", "lower", "fewer", "smaller", "less", "reduce"],
    ),
    (&["tabs"], &["spaces"]),
    (&["keep", "restore"], &["remove", "drop", "delete", "discard"]),
    (&["strict", "stricter"], &["lenient", "looser", "relax"]),
    (&["always"], &["never"]),
    (&["generic"], &["concrete", "specific"]),
    (&["mutable"], &["immutable"]),
    (&["eager", "eagerly"], &["lazy", "lazily"]),
    (&["use", "must", "should"], &["avoid", "not"]),
];

/// Whether one text asks for a thing and the other for its opposite.
fn polarity(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let has = |words: &BTreeSet<String>, any: &[&str]| any.iter().any(|word| words.contains(*word));
    OPPOSITES.iter().any(|(for_it, against)| {
        let (a, b) = (has(&one, for_it), has(&one, against));
        let (c, d) = (has(&other, for_it), has(&other, against));
        (a && !b && d && !c) || (b && !a && c && !d)
    })
}

/// The words of a text, lower case, without those that say nothing.
fn words(text: &str) -> BTreeSet<String> {
    const NOTHING: [&str; 24] = [
        "the", "a", "an", "is", "are", "be", "to", "of", "in", "on", "it", "its", "and", "or", "that", "this", "there",
        "for", "with", "at", "by", "as", "still", "again",
    ];
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    parts.map(str::to_lowercase).filter(|word| !NOTHING.contains(&word.as_str())).take(200).collect()
}

/// What a text is about: its words without those that ask for a thing or its opposite.
fn topic(text: &str) -> BTreeSet<String> {
    let asking = |word: &String| {
        OPPOSITES.iter().any(|(one, other)| one.contains(&word.as_str()) || other.contains(&word.as_str()))
    };
    words(text).into_iter().filter(|word| !asking(word)).collect()
}

/// How many of two texts' words are in both, in thousandths of the shorter one and of all, whichever says less twice over.
fn overlap(one: &BTreeSet<String>, other: &BTreeSet<String>) -> u32 {
    let both = one.intersection(other).count();
    let all = one.len() + other.len() - both;
    u32::try_from((both * 1000).checked_div(all).unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::verdict::Severity;

    fn finding(id: &str, place: Option<(&str, u32)>, text: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            severity: Severity::Blocking,
            file: place.map(|(file, _)| file.to_owned()),
            line: place.map(|(_, line)| line),
            text: text.to_owned(),
        }
    }

    fn same(one: &Finding, other: &Finding) -> bool {
        likeness(one, other).is_some()
    }

    #[test]
    fn a_finding_is_known_by_what_it_says_and_where_and_not_by_its_number() {
        let old = finding("f1", Some(("src/a.rs", 12)), "the session outlives the user when the token expires");
        let reworded = finding("f1", Some(("src/a.rs", 14)), "session still outlives its user if the token expires");
        let renumbered = finding("f3", Some(("src/a.rs", 15)), "the session outlives the user when a token expires");
        let other = finding("f1", Some(("src/b.rs", 90)), "no test covers the empty list");
        assert!(same(&old, &reworded) && same(&old, &renumbered));
        assert!(!same(&old, &other), "the same number alone is nothing");
        assert!(!same(&finding("1", None, "add a lock"), &finding("2", None, "remove the lock")));
    }

    #[test]
    fn opposite_demands_at_one_place_contradict_and_others_do_not() {
        let ask = |text: &str| finding("f", Some(("cache.rs", 10)), text);
        let cases = [
            ("add a lock around the cache lookup", "remove the lock around the cache lookup", true),
            ("the retry loop is missing a delay", "the delay in the retry loop is unnecessary", true),
            ("make the parser public", "make the parser private", true),
            ("add a lock around the cache lookup", "remove the dead import", false),
            ("add a lock around the cache lookup", "add a test for the cache lookup", false),
            ("remove the debug print", "remove the other debug print, too", false),
        ];
        for (one, other, expected) in cases {
            assert_eq!(contradict(&ask(one), &ask(other)), expected, "{one} / {other}");
        }
        let far = Finding { line: Some(400), ..ask("remove the lock around the cache lookup") };
        assert!(!contradict(&ask("add a lock around the cache lookup"), &far));
    }
}
