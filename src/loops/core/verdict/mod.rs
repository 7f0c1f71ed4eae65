//! The critic's typed answer, how it is read out of free text, and what changed from one to the next.
//!
//! The contract: the last JSON object that repeats the step's one-time key is the verdict; anything else is
//! [`Decision::Unknown`], which never accepts. [`read`] is the reader.

mod read;
mod scan;
mod schema;

pub use read::{MAX_FINDINGS, MAX_TEXT, read};
pub use schema::schema;

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The confidence below which `done` does not count.
pub const MIN_CONFIDENCE: f64 = 0.5;

/// What the critic decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The test is met.
    Done,
    /// Not yet: the findings say why.
    Continue,
    /// A person must answer something first.
    NeedsHuman,
    /// No verdict could be read; [`Verdict::summary`] says what was wrong.
    Unknown,
}

impl Decision {
    /// The word for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Continue => "continue",
            Self::NeedsHuman => "needs human",
            Self::Unknown => "unknown",
        }
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Keeps the test from being done.
    #[default]
    Blocking,
    /// Worth saying, not worth another iteration.
    Nit,
}

/// One point of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The critic's id for it, kept from verdict to verdict.
    pub id: String,
    /// How much it weighs.
    #[serde(default)]
    pub severity: Severity,
    /// Path in the repository, if it has a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in `file`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is wrong.
    pub text: String,
}

/// A verdict as journalled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The decision.
    #[serde(rename = "verdict")]
    pub decision: Decision,
    /// 0 to 1, as the critic gave it; `None` if it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// One or two sentences; for `needs_human`, the question.
    #[serde(default)]
    pub summary: String,
    /// Its points.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// A verdict that could not be read, with what was wrong.
    pub fn unknown(wrong: impl Into<String>) -> Self {
        Self { decision: Decision::Unknown, confidence: None, summary: wrong.into(), findings: Vec::new() }
    }
}

/// How the findings of one verdict differ from those of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingChanges<'a> {
    /// Only in the later one.
    pub new: Vec<&'a Finding>,
    /// In both, as the later one has them.
    pub still: Vec<&'a Finding>,
    /// Only in the earlier one.
    pub gone: Vec<&'a Finding>,
}

/// Compares two verdicts' findings: the same id is the same finding, and so are the same file and text under another id.
pub fn findings_since<'a>(before: &'a [Finding], now: &'a [Finding]) -> FindingChanges<'a> {
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (index, finding) in before.iter().enumerate() {
        by_id.entry(&finding.id).or_insert(index);
    }
    let mut known = vec![false; before.len()];
    let mut matched = vec![false; now.len()];
    for (finding, matched) in now.iter().zip(&mut matched) {
        if let Some(known) = by_id.remove(finding.id.as_str()).and_then(|index| known.get_mut(index)) {
            (*known, *matched) = (true, true);
        }
    }
    let mut by_place: HashMap<(Option<&str>, &str), Vec<usize>> = HashMap::new();
    for (index, finding) in before.iter().enumerate().filter(|(index, _)| known.get(*index) == Some(&false)) {
        by_place.entry((finding.file.as_deref(), &finding.text)).or_default().push(index);
    }
    for (finding, matched) in now.iter().zip(&mut matched).filter(|(_, matched)| !**matched) {
        let same = by_place.get_mut(&(finding.file.as_deref(), finding.text.as_str())).and_then(Vec::pop);
        if let Some(known) = same.and_then(|index| known.get_mut(index)) {
            (*known, *matched) = (true, true);
        }
    }
    let mut changes = FindingChanges::default();
    for (finding, matched) in now.iter().zip(matched) {
        if matched { changes.still.push(finding) } else { changes.new.push(finding) }
    }
    changes.gone = before.iter().zip(known).filter(|(_, known)| !known).map(|(finding, _)| finding).collect();
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finding(id: &str, file: Option<&str>, text: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            severity: Severity::Blocking,
            file: file.map(str::to_owned),
            line: None,
            text: text.to_owned(),
        }
    }

    fn ids<'a>(findings: &[&'a Finding]) -> Vec<&'a str> {
        findings.iter().map(|finding| finding.id.as_str()).collect()
    }

    #[test]
    fn ids_match_first_then_places() {
        let before = [finding("f1", Some("a.rs"), "x"), finding("f2", Some("b.rs"), "y"), finding("f3", None, "z")];
        let now = [finding("f1", None, "reworded"), finding("f9", Some("b.rs"), "y"), finding("f4", Some("a.rs"), "z")];
        let changes = findings_since(&before, &now);
        assert_eq!(ids(&changes.still), ["f1", "f9"]);
        assert_eq!(ids(&changes.new), ["f4"]);
        assert_eq!(ids(&changes.gone), ["f3"]);
    }

    proptest! {
        #[test]
        fn each_finding_is_counted_once(
            before in prop::collection::vec(("[a-d]", prop::option::of("[xy]"), "[st]"), 0..8),
            now in prop::collection::vec(("[a-d]", prop::option::of("[xy]"), "[st]"), 0..8),
        ) {
            let list = |raw: Vec<(String, Option<String>, String)>| -> Vec<Finding> {
                raw.iter().map(|(id, file, text)| finding(id, file.as_deref(), text)).collect()
            };
            let (before, now) = (list(before), list(now));
            let changes = findings_since(&before, &now);
            prop_assert_eq!(changes.new.len() + changes.still.len(), now.len());
            prop_assert_eq!(changes.gone.len() + changes.still.len(), before.len());
            prop_assert!(findings_since(&now, &now).new.is_empty());
        }
    }
}
