//! Findings across verdicts: each is one point through all verdicts that name it, with what became of it.
//!
//! Which is which, and whether two ask for opposite things, is said by `likeness`.

use super::likeness::{contradict, likeness};
use crate::loops::core::ids::TestId;
use crate::loops::core::verdict::{Finding, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Points that are remembered; those that were gone the longest are dropped beyond that.
const MOST_POINTS: usize = 400;
/// Contradictions that are remembered.
const MOST_CONTRADICTIONS: usize = 40;

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
    /// Where in each of these verdicts it stands.
    at: BTreeMap<u32, usize>,
    /// The iterations after it in which the actor said that it is fixed, or that all is done.
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
        for (index, finding) in findings.iter().enumerate() {
            let known = self.points.iter_mut().filter(|point| point.test == *test && !taken.contains(&point.id));
            let best = known
                .filter_map(|point| Some((likeness(&point.finding, finding)?, point)))
                .max_by_key(|(likeness, point)| (*likeness, point.seen.last().copied()));
            match best {
                Some((_, point)) => {
                    taken.insert(point.id);
                    point.finding = finding.clone();
                    point.seen.push(iteration);
                    point.at.insert(iteration, index);
                }
                None => new.push((index, finding)),
            }
        }
        for (index, finding) in new {
            self.contradictions.extend(before.and_then(|before| self.contradicted(before, test, iteration, finding)));
            self.next += 1;
            let (claimed, touched) = (Vec::new(), Vec::new());
            let finding = finding.clone();
            self.points.push(Point {
                id: self.next,
                test: test.clone(),
                finding,
                seen: vec![iteration],
                at: BTreeMap::from([(iteration, index)]),
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
            point.at.remove(&iteration);
        }
        self.points.retain(|point| !point.seen.is_empty());
    }

    fn contradicted(&self, before: u32, test: &TestId, iteration: u32, finding: &Finding) -> Option<Contradiction> {
        let last = self.points.iter().filter(|point| point.test == *test && point.seen.contains(&before));
        let old = last.map(|point| &point.finding).find(|old| contradict(old, finding))?;
        Some(Contradiction { iteration, before: old.text.clone(), after: finding.text.clone() })
    }

    /// Notes that the actor said in `iteration` that these points are fixed; that all are, if it names none.
    pub fn claim(&mut self, iteration: u32, test: &TestId, named: &[u32]) {
        let last = self.last_judged(test);
        let open = |point: &&mut Point| {
            let meant = named.is_empty() || named.contains(&point.id);
            meant && point.test == *test && last.is_some_and(|last| point.seen.contains(&last))
        };
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

    /// All iterations of a test that have a verdict, those that are set aside among them, in order.
    pub fn verdicts(&self, test: &TestId) -> impl Iterator<Item = u32> {
        self.judged.iter().filter(move |(_, of)| of == test).map(|(iteration, _)| *iteration)
    }

    /// The point that is the finding at `index` of the verdict of `iteration`.
    pub fn point_at(&self, iteration: u32, index: usize) -> Option<&Point> {
        self.points.iter().find(|point| point.at.get(&iteration) == Some(&index))
    }
}

impl Point {
    /// Whether it keeps its test from being done.
    pub fn blocks(&self) -> bool {
        self.finding.severity == Severity::Blocking
    }

    /// Where it stands as of the verdict of `iteration`; `judged` are the iterations whose verdicts count.
    pub fn standing(&self, judged: &[u32], iteration: u32) -> Standing {
        if !self.seen.contains(&iteration) {
            return Standing::Gone;
        }
        let mut before = judged.iter().rev().filter(|judged| **judged < iteration).map(|at| self.seen.contains(at));
        match before.next() {
            Some(true) => Standing::StillThere,
            _ if before.any(|seen| seen) => Standing::Back,
            _ => Standing::New,
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
    fn a_point_is_followed_from_raised_to_back() {
        let mut ledger = Ledger::default();
        let leak = |id: &str| finding(id, Some(("a.rs", 3)), "the handle leaks when open fails");
        let nit = finding("f2", Some(("b.rs", 9)), "the name says nothing about the unit");
        ledger.judge(1, &test(), &[leak("f1"), nit.clone()]);
        let id = ledger.points(&test()).next().unwrap().id;
        ledger.touch(2, &[id]);
        ledger.claim(2, &test(), &[]);
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
        assert_eq!(ledger.point_at(3, 1).map(|point| point.id), Some(id), "it keeps its number");
        // A claim that names points is about these alone.
        ledger.claim(4, &test(), &[id]);
        let claimed: Vec<bool> = ledger.points(&test()).map(|point| point.claimed.contains(&4)).collect();
        assert_eq!(claimed, [true, false]);
        // What was set aside does not count.
        assert_eq!(ledger.points(&test()).next().unwrap().standing(&[1, 3], 3), Standing::StillThere);
        // Asked again in the same iteration, the critic takes its verdict back.
        ledger.judge(3, &test(), &[]);
        assert_eq!(standing(&ledger, 3), [Standing::Gone, Standing::Gone]);
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
