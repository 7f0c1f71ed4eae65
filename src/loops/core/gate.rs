//! Gates: commands that the harness runs itself, and what their exit says.
//!
//! The output stays in the step's transcript; here is only the typed result.

mod judge;
mod kind;

pub use judge::{Excuse, Ran, judge, judge_base, suspect};
pub use kind::{GateKind, gate_marks, kind_beside};

use super::coverage::CoverageSpec;
use super::step::Exit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a command is given: an argument list, or one string for `sh -c`. The string is the user's own text from config
/// or flags; loopdash never builds one from data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CommandLine {
    /// Run by `sh -c`, exactly as written.
    Shell(String),
    /// Program and arguments, passed as they are.
    Argv(Vec<String>),
}

impl CommandLine {
    /// The argument list to spawn.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Shell(text) => vec!["sh".to_owned(), "-c".to_owned(), text.clone()],
            Self::Argv(argv) => argv.clone(),
        }
    }

    /// The command as a person would type it, for display only.
    pub fn display(&self) -> String {
        match self {
            Self::Shell(text) => text.clone(),
            Self::Argv(argv) => argv.join(" "),
        }
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Shell(text) => text.trim().is_empty(),
            Self::Argv(argv) => argv.first().is_none_or(|program| program.is_empty()),
        }
    }
}

/// One gate of a loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateSpec {
    /// Unique within its loop, such as `tests` or `lint`.
    pub name: String,
    /// What it checks, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<GateKind>,
    /// What to run in the worktree.
    pub command: CommandLine,
    /// Milliseconds until it is stopped and counted as timed out.
    pub timeout_ms: u64,
    /// Whether its failure keeps the iteration from the critic; an advisory gate only reports.
    pub required: bool,
    /// The JUnit report that it writes, relative to the worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
    /// The coverage that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageSpec>,
    /// Whether it runs a second time at once when something new failed in it, to see whether that is flaky.
    #[serde(default)]
    pub rerun: bool,
    /// Whether it runs on the base before the first iteration, so that what fails there already is known.
    #[serde(default)]
    pub baseline: bool,
    /// The lock that it needs for itself while it runs, on the whole box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}

impl GateSpec {
    /// A required gate of this name, without further wishes.
    pub fn new(name: &str, command: CommandLine, timeout_ms: u64) -> Self {
        Self {
            name: name.to_owned(),
            kind: None,
            command,
            timeout_ms,
            required: true,
            junit: None,
            coverage: None,
            rerun: false,
            baseline: false,
            lock: None,
        }
    }
}

/// Whether a text can name a lock: letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first.
pub fn is_lock_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= 64 && name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The name under which a test's own `verify` command runs beside the loop's gates.
pub const VERIFY_GATE: &str = "verify";

/// What became of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum GateResult {
    /// Exit 0.
    Passed,
    /// Another exit status, or a signal: a gate that dies has failed. With exit 0 it fails for its coverage.
    Failed {
        /// How it ended.
        exit: Exit,
    },
    /// It, or by its own words a child of its, was killed while the system counted a process killed for memory; the count
    /// is of the whole machine.
    OutOfMemory,
    /// Stopped by its own timeout.
    TimedOut,
    /// It could not be started; the reason is for the operator, not for the agent.
    CouldNotRun {
        /// Why, as a fragment.
        error: String,
    },
}

impl GateResult {
    /// Whether the gate lets the iteration through.
    pub const fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// What its exit alone says, whatever its coverage is.
    pub const fn by_exit(&self) -> &Self {
        match self {
            Self::Failed { exit: Exit::Code(0) } => &Self::Passed,
            other => other,
        }
    }

    /// `passed`, `exit 101`, `failed` where that is not for its exit, `signal KILL`, `killed (likely out of memory)`, `timed out`, `could not run`.
    pub fn word(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Failed { exit } if exit.ok() => "failed".to_owned(),
            Self::Failed { exit } => exit.word(),
            Self::OutOfMemory => "killed (likely out of memory)".to_owned(),
            Self::TimedOut => "timed out".to_owned(),
            Self::CouldNotRun { .. } => "could not run".to_owned(),
        }
    }
}
