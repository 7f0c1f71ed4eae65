//! Work items: the `test-state.json` file, its validation, and a test's live state.
//!
//! loopdash alone writes the status; agents and editors only read it, and what they change by hand is reported, not
//! obeyed.

mod check;
mod locate;
mod merge;
mod parse;

pub use merge::{FileChange, merge};
pub use parse::{TEST_FILE_VERSION, TestFileError, TestFileErrors};

use super::ids::TestId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One work item as its author defines it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestSpec {
    /// Unique in its file, such as `CP-SPEC-005`.
    pub id: TestId,
    /// What it is about, in a few words.
    pub title: String,
    /// What must hold for it to be met, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<String>,
    /// A command that proves it: program and arguments, run in the worktree as one more required gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Vec<String>>,
    /// Higher first among tests that could start.
    #[serde(default)]
    pub priority: i32,
    /// Ids that must be passed or skipped before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TestId>,
    /// Where it stands.
    #[serde(default)]
    pub status: TestStatus,
    /// Iterations that were spent on it to their end, the one that met it included.
    #[serde(default)]
    pub attempts: u32,
    /// Attempts after which it is blocked; absent means the loop's `max_attempts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Why the last attempt did not meet it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl TestSpec {
    /// Attempts as they are told everywhere: those made, and the one under way.
    pub const fn tries(&self) -> u32 {
        match self.status {
            TestStatus::Running => self.attempts.saturating_add(1),
            TestStatus::Pending
            | TestStatus::Passed
            | TestStatus::Blocked
            | TestStatus::Skipped
            | TestStatus::Waived => self.attempts,
        }
    }
}

/// Where a test stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestStatus {
    /// Not worked on now.
    #[default]
    Pending,
    /// The open iteration works on it.
    Running,
    /// Met, by gates and verdict.
    Passed,
    /// Out of attempts.
    Blocked,
    /// Left out by the operator.
    Skipped,
    /// Counts as met by the operator's word.
    Waived,
}

impl TestStatus {
    /// The word for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
        }
    }

    /// Whether tests that depend on this one may start.
    pub const fn satisfies(self) -> bool {
        matches!(self, Self::Passed | Self::Skipped | Self::Waived)
    }
}

/// The whole `test-state.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// Format version; this loopdash writes and reads 1.
    pub version: u32,
    /// The work items, in the author's order.
    pub tests: Vec<TestSpec>,
}
