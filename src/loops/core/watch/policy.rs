//! What a loop's watch worries about, and what it may do on its own: the thresholds and the policy of remedies.
//!
//! The defaults are chosen so that healthy runs pass them: `corpus` holds the runs that must not raise anything.

use super::{Pattern, Remedy};
use serde::{Deserialize, Serialize};

/// Thresholds of the signals; an absent one is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Milliseconds without output of an agent, with the CPU idle.
    pub silence_ms: Option<u64>,
    /// The same of a gate, of setup, or of a hook.
    pub command_silence_ms: Option<u64>,
    /// Calls of one tool with one result in a row, within a step.
    pub same_tool: Option<u32>,
    /// Iterations in a row with the same last words, normalised.
    pub same_output: Option<u32>,
    /// Times that earlier content came back.
    pub tree_again: Option<u32>,
    /// Iterations in a row that changed nothing.
    pub no_change: Option<u32>,
    /// Iterations in a row with the same failures.
    pub same_failures: Option<u32>,
    /// Verdicts in a row with a finding that is still there, while no fewer are open.
    pub findings_stay: Option<u32>,
    /// Findings that came back after they had been worked on.
    pub findings_return: Option<u32>,
    /// Findings that ask for the opposite of the verdict before.
    pub findings_contradict: Option<u32>,
    /// Times that one change was undone by the iteration after.
    pub undone: Option<u32>,
    /// Milliseconds since the run first got a slot.
    pub long_run_ms: Option<u64>,
    /// Micro-dollars that a run may cost before a person is told; it goes on.
    pub cost_micro_usd: Option<u64>,
    /// What is done about a signal without asking, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heal: Vec<Heal>,
}

/// A remedy that may be taken without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heal {
    /// Which.
    pub remedy: Remedy,
    /// How often in a run.
    pub limit: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            silence_ms: Some(20 * 60_000),
            command_silence_ms: Some(30 * 60_000),
            same_tool: Some(20),
            same_output: Some(4),
            tree_again: Some(2),
            no_change: Some(3),
            same_failures: Some(4),
            findings_stay: Some(5),
            findings_return: Some(2),
            findings_contradict: Some(2),
            undone: Some(2),
            long_run_ms: Some(2 * 3_600_000),
            cost_micro_usd: None,
            heal: Vec::new(),
        }
    }
}

impl Policy {
    /// Whether it is as it is when nothing was configured.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Has a pattern raised no more.
    pub const fn turn_off(&mut self, pattern: Pattern) {
        match pattern {
            Pattern::Silence => (self.silence_ms, self.command_silence_ms) = (None, None),
            Pattern::LongRun => self.long_run_ms = None,
            Pattern::Cost => self.cost_micro_usd = None,
            Pattern::SameTool => self.same_tool = None,
            Pattern::SameOutput => self.same_output = None,
            Pattern::TreeAgain => self.tree_again = None,
            Pattern::NoChange => self.no_change = None,
            Pattern::SameFailures => self.same_failures = None,
            Pattern::FindingsStay => self.findings_stay = None,
            Pattern::FindingsReturn => self.findings_return = None,
            Pattern::FindingsContradict => self.findings_contradict = None,
            Pattern::Undone => self.undone = None,
        }
    }

    /// The threshold of a pattern that is counted.
    pub(super) const fn count(&self, pattern: Pattern) -> Option<usize> {
        let count = match pattern {
            Pattern::SameTool => self.same_tool,
            Pattern::SameOutput => self.same_output,
            Pattern::TreeAgain => self.tree_again,
            Pattern::NoChange => self.no_change,
            Pattern::SameFailures => self.same_failures,
            Pattern::FindingsStay => self.findings_stay,
            Pattern::FindingsReturn => self.findings_return,
            Pattern::FindingsContradict => self.findings_contradict,
            Pattern::Undone => self.undone,
            Pattern::Silence | Pattern::LongRun | Pattern::Cost => None,
        };
        match count {
            Some(count) if count > 0 => Some(count as usize),
            _ => None,
        }
    }
}
