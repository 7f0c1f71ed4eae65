//! Events of gates: the lock that one waits for, and what it came to.
//!
//! Each struct is the payload of the [`Event`](super::Event) of its name.

use crate::loops::core::coverage::Coverage;
use crate::loops::core::gate::{Excuse, GateKind, GateResult};
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::runner::TestsSeen;
use serde::{Deserialize, Serialize};

/// A gate waits for a lock that another has; it is over when its process is there, or its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockAwaited {
    /// By which step.
    pub step: StepId,
    /// Which lock.
    pub lock: String,
    /// Who had it when the wait began, in their own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub holder: String,
}

/// A gate has its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFinished {
    /// By which step.
    pub step: StepId,
    /// The gate's name.
    pub gate: String,
    /// What it checks, if its definition says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<GateKind>,
    /// Whether the iteration needs it.
    pub required: bool,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: GateResult,
    /// Wall time.
    pub duration_ms: u64,
    /// The digest of the end of what it printed, normalised, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What its tests came to, where its runner is understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Box<TestsSeen>>,
    /// Its coverage, where it is held to a floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Why its failure, or that of its first run in this iteration, does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excuse: Option<Excuse>,
    /// On the base: the run that found this before, on the same commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_by: Option<RunId>,
}

impl GateFinished {
    /// A gate that ended so, of whose output nothing is known.
    pub const fn new(step: StepId, gate: String, required: bool, outcome: GateResult, duration_ms: u64) -> Self {
        Self {
            step,
            gate,
            kind: None,
            required,
            outcome,
            duration_ms,
            digest: None,
            tests: None,
            coverage: None,
            excuse: None,
            found_by: None,
        }
    }
}
