//! What a gate's tests came to: the counts that its runner told, and which failed.
//!
//! The names are sorted by [`judge`](super::super::gate::judge) into new, known and flaky ones.

use super::Tally;
use super::names::{MOST_NAMES, sum_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A program whose output is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    /// `cargo test`, and whatever else libtest drives.
    CargoTest,
    /// `cargo nextest run`.
    Nextest,
    /// `pytest`.
    Pytest,
    /// `go test`, with and without `-json`.
    GoTest,
    /// `jest`.
    Jest,
    /// `vitest`.
    Vitest,
    /// Any that writes a JUnit report.
    Junit,
}

/// Counts and names of the tests of one run of a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestsSeen {
    /// Who told.
    pub runners: Vec<Runner>,
    /// Tests that passed; absent where the runner does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<u32>,
    /// Tests that failed, and whatever else kept tests from running: a target that does not build, a file that does not
    /// load.
    pub failed: u32,
    /// Tests that were left out.
    pub skipped: u32,
    /// Failures that the run's base does not have, by name; at most [`MOST_NAMES`] in all three lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
    /// Failures that the run's base has, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// Failures that were gone when the gate ran again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flaky: Vec<String>,
    /// A checksum of all names of failures, where more are named than are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<String>,
}

impl TestsSeen {
    pub(super) fn of(runner: Runner, tally: Tally) -> Self {
        // Only where each failure has a name does it stand for all.
        let all = tally.names.all().filter(|_| tally.names.len() == tally.failed as usize);
        Self {
            runners: vec![runner],
            passed: tally.passed,
            failed: tally.failed,
            skipped: tally.skipped,
            new: tally.names.into_vec(),
            known: Vec::new(),
            flaky: Vec::new(),
            all,
        }
    }

    /// Both together, as of two runners in one gate.
    pub(super) fn and(mut self, other: Self) -> Self {
        let both = self.whole().zip(other.whole());
        let cut = self.new.len() + other.new.len() > MOST_NAMES;
        self.all = both.filter(|_| cut).map(|(one, two)| sum_of(&[one, two], &BTreeMap::new()));
        self.runners.extend(other.runners);
        self.passed = match (self.passed, other.passed) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            _ => None,
        };
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.new.extend(other.new);
        self.new.truncate(MOST_NAMES);
        self
    }

    /// What stands for all names of failures, if each has one.
    fn whole(&self) -> Option<String> {
        let named = self.all_named() || self.failed == 0;
        self.all.clone().or_else(|| named.then(|| sum_of(&self.new, &BTreeMap::new())))
    }

    /// All names of failures that are kept.
    pub fn failures(&self) -> impl Iterator<Item = &String> {
        self.new.iter().chain(&self.known).chain(&self.flaky)
    }

    /// Whether the name of each failure is there: only then can two runs be compared name by name.
    pub fn all_named(&self) -> bool {
        self.failed > 0 && self.failures().count() == self.failed as usize
    }

    /// `412 passed 3 failed (2 known 1 new) 4 skipped`; a count of zero is left out, but for the passed ones.
    pub fn words(&self) -> String {
        let mut words: Vec<String> = self.passed.map(|passed| format!("{passed} passed")).into_iter().collect();
        if self.failed > 0 || words.is_empty() {
            words.push(format!("{} failed{}", self.failed, self.sorted()));
        }
        if self.skipped > 0 {
            words.push(format!("{} skipped", self.skipped));
        }
        words.join(" ")
    }

    /// How the failures divide, once there is something to divide.
    fn sorted(&self) -> String {
        if self.known.is_empty() && self.flaky.is_empty() {
            return String::new();
        }
        let lists = [(&self.known, "known"), (&self.flaky, "flaky"), (&self.new, "new")];
        let words: Vec<String> = lists
            .iter()
            .filter(|(list, _)| !list.is_empty())
            .map(|(list, word)| format!("{} {word}", list.len()))
            .collect();
        format!(" ({})", words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_words() {
        let mut seen = TestsSeen { passed: Some(412), failed: 3, ..TestsSeen::default() };
        assert_eq!(seen.words(), "412 passed 3 failed");
        assert!(!seen.all_named());
        seen.known = vec!["a".into(), "b".into()];
        seen.new = vec!["c".into()];
        seen.skipped = 4;
        assert_eq!(seen.words(), "412 passed 3 failed (2 known 1 new) 4 skipped");
        assert!(seen.all_named());
        assert_eq!(TestsSeen { passed: Some(0), ..TestsSeen::default() }.words(), "0 passed");
        assert_eq!(TestsSeen { failed: 2, ..TestsSeen::default() }.words(), "2 failed");
    }
}
