//! The critic's typed answer, and how it is read out of free text. What became of a finding is followed by the watch.
//!
//! The contract: the last JSON object that repeats the step's one-time key is the verdict; anything else is
//! [`Decision::Unknown`], which never accepts. [`read`] is the reader.

mod read;
mod scan;
mod schema;

pub use read::{MAX_FINDINGS, MAX_TEXT, read};
pub use schema::schema;

use serde::{Deserialize, Serialize};

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
