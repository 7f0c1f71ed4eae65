//! Events of the watch over a run: signals raised and cleared, remedies taken, and what the operator said about them.
//!
//! Each struct is the payload of the [`Event`](super::Event) of its name.

use crate::loops::core::ids::{TestId, Who};
use crate::loops::core::watch::{Pattern, Remedy, Sighting};
use serde::{Deserialize, Serialize};

/// A pattern is seen that a person should know of: told once, until it clears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalRaised {
    /// What was seen, with its evidence.
    #[serde(flatten)]
    pub sighting: Box<Sighting>,
}

/// It is seen no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalCleared {
    /// Which.
    pub pattern: Pattern,
}

/// Somebody has seen it, and is to be told of it no more until it is raised again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalSeen {
    /// Which.
    pub pattern: Pattern,
    /// Who.
    pub who: Who,
}

/// Something is done about a signal, or about a blocked test; what it comes to follows as events of its own. The watch looks at what comes after it
/// alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemedyTaken {
    /// What.
    pub remedy: Remedy,
    /// The signal that led to it; absent where a blocked test did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// The blocked test that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestId>,
    /// The evidence at that time, as a fragment.
    pub what: String,
    /// By whom: the harness takes it by the loop's policy.
    pub who: Who,
}

/// The running step is ended and starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRestarted {
    /// By whom.
    pub who: Who,
}

/// A test counts as met by somebody's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestWaived {
    /// Which.
    pub test: TestId,
    /// Whose word.
    pub who: Who,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}
