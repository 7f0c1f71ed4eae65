//! Names of things: runs, steps, tests, and moments as data.
//!
//! Ids are newtypes so that a step number never passes for an iteration; generating them is the engine's business.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A run's identity: a UUIDv7, so that ids sort by creation. Any unique prefix of its text names it to a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// Wraps a UUID made elsewhere.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// Reads the hyphenated form, as used for directory names.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The last eight hex digits: the random end of a UUIDv7, short enough for a table and telling enough to type.
    pub fn short(&self) -> String {
        let text = self.0.simple().to_string();
        text.get(24..).unwrap_or_default().to_owned()
    }

    /// Whether `text` names this run: a prefix of the id, or the whole short form.
    pub fn matches(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        !text.is_empty()
            && (self.0.hyphenated().to_string().starts_with(&text)
                || self.0.simple().to_string().starts_with(&text)
                || self.short() == text)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}", self.short())
    }
}

/// A step's number inside its run, counted from 1 and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A test's id as its author wrote it, such as `CP-SPEC-005`.
pub type TestId = String;

/// A moment: milliseconds since the Unix epoch, UTC. Journals are ordered by `seq`, never by this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// Milliseconds from `earlier` to here; 0 if the clock went backwards.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Who asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The person at the dashboard.
    Operator,
    /// A command line, or a script through one.
    Cli,
    /// loopdash itself, by a rule.
    Harness,
    /// The acting agent.
    Actor,
    /// The criticising agent.
    Critic,
    /// The hand-edited `test-state.json`.
    File,
}

impl Who {
    /// The word for the timeline.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Cli => "command line",
            Self::Harness => "loopdash",
            Self::Actor => "actor",
            Self::Critic => "critic",
            Self::File => "test-state file",
        }
    }
}
