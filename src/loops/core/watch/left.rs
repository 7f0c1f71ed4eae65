//! What was left to do after each iteration: open findings and failing tests; and which iteration was the best.
//!
//! A gate that fails keeps the critic from speaking. What it said last holds until it speaks again.

use crate::loops::core::ids::TestId;
use crate::loops::core::state::{Iteration, RunState};
use crate::loops::core::verdict::{Decision, Severity, Verdict};
use std::collections::BTreeMap;

/// What was left after an iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Findings that keep the test from being done, as of the last verdict until then.
    pub blocking: usize,
    /// The other findings of that verdict.
    pub nits: usize,
    /// Tests that newly failed; a gate that names none counts as one.
    pub failing: usize,
}

impl Left {
    /// How much keeps the test from being done.
    pub const fn wrong(&self) -> usize {
        self.blocking + self.failing
    }

    /// How much there is in all.
    pub const fn all(&self) -> usize {
        self.wrong() + self.nits
    }
}

/// The iterations that no rewind has set aside, in order, with what was left after each; `None` where neither gates nor
/// critic have said anything.
pub fn left(run: &RunState) -> Vec<(&Iteration, Option<Left>)> {
    let mut said: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let each = run.standing().map(|iteration| {
        // What could not be read says nothing about findings.
        let read = iteration.verdict.as_ref().filter(|verdict| verdict.decision != Decision::Unknown);
        if let Some(verdict) = read {
            said.insert(&iteration.test, findings(verdict));
        }
        let judged = iteration.verdict.is_some() || !iteration.gates.is_empty();
        let (blocking, nits) = said.get(iteration.test.as_str()).copied().unwrap_or_default();
        let failing = iteration.failed_gates().map(|gate| gate.failing()).sum();
        (iteration, judged.then_some(Left { blocking, nits, failing }))
    });
    each.collect()
}

fn findings(verdict: &Verdict) -> (usize, usize) {
    let blocking = verdict.findings.iter().filter(|finding| finding.severity == Severity::Blocking).count();
    (blocking, verdict.findings.len() - blocking)
}

/// The iteration of a test after which the least was wrong, the latest of several; of those that are over and have a
/// snapshot to go back to.
pub fn best<'a>(run: &'a RunState, test: &TestId) -> Option<(&'a Iteration, Left)> {
    let over = |one: &Iteration| {
        one.test == *test && one.ended.is_some() && run.snapshot_of(one.number).is_some_and(|snapshot| !snapshot.empty)
    };
    left(run)
        .into_iter()
        .filter_map(|(iteration, left)| Some((iteration, left?)))
        .filter(|(iteration, _)| over(iteration))
        .min_by_key(|(iteration, left)| (left.wrong(), std::cmp::Reverse(iteration.number)))
}
