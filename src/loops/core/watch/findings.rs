//! Findings across verdicts: which is which, whether it was worked on, and whether two ask for opposite things.
//!
//! The critic's ids are a hint and no more: many number anew each time. What a finding says, and where, decides.

use crate::loops::core::ids::TestId;
use crate::loops::core::verdict::{Finding, Severity};
use std::collections::BTreeSet;

/// Points that are remembered; those that were gone the longest are dropped beyond that.
const MOST_POINTS: usize = 400;
/// Contradictions that are remembered.
const MOST_CONTRADICTIONS: usize = 40;
/// Lines that a finding may have moved by and still stand at the same place.
const NEAR: u32 = 8;

/// All findings of a run, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    points: Vec<Point>,
    /// The judged iterations of each verdict, in order, with the test.
    judged: Vec<(u32, TestId)>,
    contradictions: Vec<Contradiction>,
    /// Iterations behind which a rewind went back; their verdicts are about work that is not there.
    aside: BTreeSet<u32>,
    next: u32,
}

/// One finding through all verdicts that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its number in the run, from 1.
    pub id: u32,
    /// The test whose iterations it belongs to.
    pub test: TestId,
    /// As the last verdict that names it has it.
    pub finding: Finding,
    /// The iterations whose verdicts name it.
    pub seen: Vec<u32>,
    /// The iterations after it in which the actor said that all is done.
    pub claimed: Vec<u32>,
    /// The iterations that changed its lines, or its file where it names no line.
    pub touched: Vec<u32>,
}

/// Where a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The last verdict is the first to name it.
    New,
    /// Named by the last verdict and by the one before.
    StillThere,
    /// Named again after a verdict that did not.
    Back,
    /// Not named by the last verdict.
    Gone,
}

/// Two findings of verdicts in a row that ask for opposite things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The iteration of the later one.
    pub iteration: u32,
    /// What was asked for.
    pub before: String,
    /// What is asked for now.
    pub after: String,
}

impl Ledger {
    /// Takes a verdict's findings in. A verdict of the same iteration is replaced.
    pub fn judge(&mut self, iteration: u32, test: &TestId, findings: &[Finding]) {
        self.forget(iteration);
        let before = self.last_judged(test);
        let mut taken: BTreeSet<u32> = BTreeSet::new();
        let mut new = Vec::new();
        for finding in findings {
            let known = self.points.iter_mut().filter(|point| point.test == *test && !taken.contains(&point.id));
            let best = known
                .filter_map(|point| Some((likeness(&point.finding, finding)?, point)))
                .max_by_key(|(likeness, point)| (*likeness, point.seen.last().copied()));
            match best {
                Some((_, point)) => {
                    taken.insert(point.id);
                    point.finding = finding.clone();
                    point.seen.push(iteration);
                }
                None => new.push(finding),
            }
        }
        for finding in new {
            self.contradictions.extend(before.and_then(|before| self.contradicted(before, test, iteration, finding)));
            self.next += 1;
            let (claimed, touched) = (Vec::new(), Vec::new());
            let finding = finding.clone();
            self.points.push(Point {
                id: self.next,
                test: test.clone(),
                finding,
                seen: vec![iteration],
                claimed,
                touched,
            });
        }
        self.judged.push((iteration, test.clone()));
        let over = self.contradictions.len().saturating_sub(MOST_CONTRADICTIONS);
        self.contradictions.drain(..over);
        if self.points.len() > MOST_POINTS {
            self.points.sort_by_key(|point| (point.seen.last().copied(), point.id));
            self.points.drain(..self.points.len() - MOST_POINTS);
            self.points.sort_by_key(|point| point.id);
        }
    }

    /// Takes back what the verdict of an iteration said, as another follows.
    fn forget(&mut self, iteration: u32) {
        self.judged.retain(|(judged, _)| *judged != iteration);
        self.contradictions.retain(|contradiction| contradiction.iteration != iteration);
        for point in &mut self.points {
            point.seen.retain(|seen| *seen != iteration);
        }
        self.points.retain(|point| !point.seen.is_empty());
    }

    fn contradicted(&self, before: u32, test: &TestId, iteration: u32, finding: &Finding) -> Option<Contradiction> {
        let last = self.points.iter().filter(|point| point.test == *test && point.seen.contains(&before));
        let old = last.map(|point| &point.finding).find(|old| contradict(old, finding))?;
        Some(Contradiction { iteration, before: old.text.clone(), after: finding.text.clone() })
    }

    /// Notes that the actor said in `iteration` that all is done.
    pub fn claim(&mut self, iteration: u32, test: &TestId) {
        let last = self.last_judged(test);
        let open = |point: &&mut Point| point.test == *test && last.is_some_and(|last| point.seen.contains(&last));
        for point in self.points.iter_mut().filter(open) {
            point.claimed.retain(|claimed| *claimed != iteration);
            point.claimed.push(iteration);
        }
    }

    /// Notes that `iteration` changed the lines of these points.
    pub fn touch(&mut self, iteration: u32, ids: &[u32]) {
        for point in self.points.iter_mut().filter(|point| ids.contains(&point.id)) {
            point.touched.retain(|touched| *touched != iteration);
            point.touched.push(iteration);
        }
    }

    /// Takes in which iterations are set aside now.
    pub(in crate::loops::core) fn set_aside(&mut self, aside: BTreeSet<u32>) {
        self.aside = aside;
    }

    fn standing(&self, test: &TestId) -> impl DoubleEndedIterator<Item = u32> {
        let meant = self.judged.iter().filter(move |(at, of)| of == test && !self.aside.contains(at));
        meant.map(|(iteration, _)| *iteration)
    }

    fn last_judged(&self, test: &TestId) -> Option<u32> {
        self.standing(test).next_back()
    }

    /// The iterations of a test that have a verdict and are not set aside, in order.
    pub fn judged(&self, test: &TestId) -> Vec<u32> {
        self.standing(test).collect()
    }

    /// The findings of a test, in the order in which they were first raised.
    pub fn points(&self, test: &TestId) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |point| point.test == *test)
    }

    /// The findings of a test that its last verdict named.
    pub fn open(&self, test: &TestId) -> impl Iterator<Item = &Point> {
        let last = self.last_judged(test);
        self.points(test).filter(move |point| last.is_some_and(|last| point.seen.contains(&last)))
    }

    /// Verdicts that contradict the one before them.
    pub fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// The point that a verdict's finding is.
    pub fn point_of(&self, iteration: u32, finding: &Finding) -> Option<&Point> {
        let named = self.points.iter().filter(|point| point.seen.contains(&iteration));
        named
            .filter_map(|point| Some((likeness(&point.finding, finding)?, point)))
            .max_by_key(|(likeness, _)| *likeness)
            .map(|(_, point)| point)
    }
}

impl Point {
    /// Whether it keeps its test from being done.
    pub fn blocks(&self) -> bool {
        self.finding.severity == Severity::Blocking
    }

    /// Where it stands as of the verdict of `iteration`, given all judged iterations of its test.
    pub fn standing(&self, judged: &[u32], iteration: u32) -> Standing {
        if !self.seen.contains(&iteration) {
            return Standing::Gone;
        }
        let before = judged.iter().rev().find(|judged| **judged < iteration);
        match (self.seen.first(), before) {
            (Some(first), _) if *first == iteration => Standing::New,
            (_, Some(before)) if self.seen.contains(before) => Standing::StillThere,
            _ => Standing::Back,
        }
    }

    /// The iterations whose verdicts named it again after one that did not, although it had been worked on in between.
    pub fn returns(&self, judged: &[u32]) -> Vec<u32> {
        let pairs = self.seen.windows(2).filter_map(|pair| <[u32; 2]>::try_from(pair).ok());
        pairs
            .filter(|[left, back]| {
                let between = |iteration: &&u32| **iteration > *left && **iteration < *back;
                let worked = |iteration: &u32| *iteration > *left && *iteration <= *back;
                judged.iter().any(|iteration| between(&iteration))
                    && self.touched.iter().chain(&self.claimed).any(worked)
            })
            .map(|[_, back]| back)
            .collect()
    }
}

/// Whether two findings of different verdicts are the same point.
pub fn same(one: &Finding, other: &Finding) -> bool {
    likeness(one, other).is_some()
}

/// How alike two findings are that mean the same point, in thousandths; `None` for two points.
fn likeness(one: &Finding, other: &Finding) -> Option<u32> {
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
fn contradict(one: &Finding, other: &Finding) -> bool {
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
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finding(id: &str, place: Option<(&str, u32)>, text: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            severity: Severity::Blocking,
            file: place.map(|(file, _)| file.to_owned()),
            line: place.map(|(_, line)| line),
            text: text.to_owned(),
        }
    }

    fn test() -> TestId {
        "t".to_owned()
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
    fn a_point_is_followed_from_raised_to_back() {
        let mut ledger = Ledger::default();
        let leak = |id: &str| finding(id, Some(("a.rs", 3)), "the handle leaks when open fails");
        let nit = finding("f2", Some(("b.rs", 9)), "the name says nothing about the unit");
        ledger.judge(1, &test(), &[leak("f1"), nit.clone()]);
        let id = ledger.points(&test()).next().unwrap().id;
        ledger.touch(2, &[id]);
        ledger.claim(2, &test());
        ledger.judge(2, &test(), std::slice::from_ref(&nit));
        let standing = |ledger: &Ledger, at| {
            let judged = ledger.judged(&test());
            ledger.points(&test()).map(|point| point.standing(&judged, at)).collect::<Vec<_>>()
        };
        assert_eq!(standing(&ledger, 2), [Standing::Gone, Standing::StillThere]);
        ledger.judge(3, &test(), &[nit, leak("f7")]);
        assert_eq!(standing(&ledger, 3), [Standing::Back, Standing::StillThere]);
        let point = ledger.points(&test()).next().unwrap();
        assert_eq!(
            (point.seen.as_slice(), point.touched.as_slice(), point.claimed.as_slice()),
            (&[1, 3][..], &[2][..], &[2][..])
        );
        assert_eq!(point.returns(&ledger.judged(&test())), [3]);
        // Asked again in the same iteration, the critic takes its verdict back.
        ledger.judge(3, &test(), &[]);
        assert_eq!(standing(&ledger, 3), [Standing::Gone, Standing::Gone]);
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

    proptest! {
        #[test]
        fn each_finding_of_a_verdict_is_one_point(
            verdicts in prop::collection::vec(prop::collection::vec(("[ab]", "[xy]", 0u32..30, "(add|remove) (the|a) [pq] [rs]"), 0..6), 0..8)
        ) {
            let mut ledger = Ledger::default();
            for (number, verdict) in (1..).zip(&verdicts) {
                let findings: Vec<Finding> = verdict.iter().map(|(id, file, line, text)| finding(id, Some((file, *line)), text)).collect();
                ledger.judge(number, &test(), &findings);
                prop_assert_eq!(ledger.open(&test()).count(), findings.len());
            }
            for point in ledger.points(&test()) {
                prop_assert!(point.seen.is_sorted_by(|a, b| a < b), "{:?}", point.seen);
            }
        }
    }
}
