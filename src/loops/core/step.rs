//! Steps: one child process or git operation inside an iteration, and how it ended.
//!
//! A step's transcript lies in `steps/<n>-<kind>/`; [`StepKind::slug`] is the `<kind>`.

use super::activity::Failure;
use super::hook::Hook;
pub use super::usage::Usage;
use serde::{Deserialize, Serialize};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Makes the worktree, or checks that it is still there.
    Worktree,
    /// The loop's setup command.
    Setup,
    /// The acting agent.
    Actor,
    /// The worktree's content as a commit.
    Snapshot,
    /// The same outside an iteration's order: what the actor left before the operator took over, and what the operator
    /// left.
    Keep,
    /// Sets the worktree back to what an iteration left.
    Rewind,
    /// Removes the worktree and its branch.
    Scrap,
    /// Brings back what the last of these two, or of its own kind, took away.
    Restore,
    /// Puts what it holds on its target.
    Land,
    /// One gate, by name.
    Gate(String),
    /// The criticising agent.
    Critic,
    /// A command of the operator's around the run or an iteration.
    Hook(Hook),
}

impl StepKind {
    /// A directory-name part: `actor`, `gate-lint`; characters outside `[A-Za-z0-9_-]` become `_`.
    pub fn slug(&self) -> String {
        match self {
            Self::Gate(name) => {
                let safe: String = name
                    .chars()
                    .take(40)
                    .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
                    .collect();
                format!("gate-{safe}")
            }
            Self::Hook(hook) => format!("hook-{}", hook.key()),
            other => other.word().to_owned(),
        }
    }

    /// Whether it is about the worktree as a whole, and runs while the run's own work stands still.
    pub const fn is_chore(&self) -> bool {
        matches!(self, Self::Rewind | Self::Scrap | Self::Restore | Self::Land)
    }

    /// The word for the screen.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Setup => "setup",
            Self::Actor => "actor",
            Self::Snapshot => "snapshot",
            Self::Keep => "keep",
            Self::Rewind => "rewind",
            Self::Scrap => "scrap",
            Self::Restore => "undo",
            Self::Land => "land",
            Self::Gate(_) => "gate",
            Self::Critic => "critic",
            Self::Hook(hook) => hook.word(),
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Exit status.
    Code(i32),
    /// Killed by this signal number.
    Signal(i32),
}

impl Exit {
    /// Whether the process said success.
    pub const fn ok(self) -> bool {
        matches!(self, Self::Code(0))
    }

    /// `exit 1`, or `signal KILL`.
    pub fn word(self) -> String {
        match self {
            Self::Code(code) => format!("exit {code}"),
            Self::Signal(number) => match signal_name(number) {
                Some(name) => format!("signal {name}"),
                None => format!("signal {number}"),
            },
        }
    }
}

/// Names of the signals whose numbers Linux and macOS share, and of the two more that crash agents.
const fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        5 => "TRAP",
        6 => "ABRT",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        _ => return None,
    })
}

/// Why a process ended when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// By itself.
    Natural,
    /// loopdash stopped it: its step timeout.
    TimedOut,
    /// loopdash stopped it: the agent had said that its work was over, and its process lived on.
    Lingered,
    /// It never ran: the text is in [`StepEnd::error`].
    NotStarted,
}

/// How a step ended that was not interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnd {
    /// Absent for git operations and for processes that never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Why it ended.
    pub cause: Cause,
    /// Whether it was killed, and not by loopdash, while the system killed for want of memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_memory: bool,
    /// Whether the system killed any process for want of memory while this ran: one of its children, maybe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub memory_short: bool,
    /// Wall time.
    pub duration_ms: u64,
    /// Raw bytes on standard output.
    #[serde(default)]
    pub stdout_bytes: u64,
    /// Raw bytes on standard error.
    #[serde(default)]
    pub stderr_bytes: u64,
    /// Lines in the merged transcript.
    #[serde(default)]
    pub lines: u64,
    /// Processes that outlived the step and were stopped, as `pid command`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// Tokens and cost, where the agent reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What went wrong outside the process, as a fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the actor's last line was the completion claim.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claim: bool,
    /// What the actor asks the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// What the agent's stream told of its end; absent for plain text that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Box<AgentEnd>>,
}

/// What an agent's stream, or the watch over it, told of a step's end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentEnd {
    /// Lines of the step's story, which tells what the stream told; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub story: Option<u64>,
    /// The agent's own id for its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What that session has used in all its steps, for agents that report only that; the next step subtracts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_usage: Option<Usage>,
    /// The model that worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why the agent could not do its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The digest of what an actor said last, normalised; absent for a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The findings that an actor names as it claims completion, by their numbers; where it names none, it means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<u32>,
    /// Requests that it tried again.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// Tools that it used.
    #[serde(skip_serializing_if = "is_zero")]
    pub tools: u32,
    /// Events of types that this loopdash does not know.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown: u32,
    /// Lines that were no events.
    #[serde(skip_serializing_if = "is_zero")]
    pub broken: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl StepEnd {
    /// An end without a process, in which nothing went wrong.
    pub const fn new(cause: Cause) -> Self {
        Self {
            exit: None,
            cause,
            out_of_memory: false,
            memory_short: false,
            duration_ms: 0,
            stdout_bytes: 0,
            stderr_bytes: 0,
            lines: 0,
            left_behind: Vec::new(),
            usage: None,
            error: None,
            claim: false,
            question: None,
            agent: None,
        }
    }

    /// Lines of its story, where its agent's stream was told as one.
    pub fn story(&self) -> Option<u64> {
        self.agent.as_ref()?.story
    }

    /// The digest of what an actor said last.
    pub fn said(&self) -> Option<&str> {
        self.agent.as_ref()?.said.as_deref()
    }

    /// Why the agent could not do its work, as its stream or the watch over it tells.
    pub fn failure(&self) -> Option<&Failure> {
        self.agent.as_ref()?.failure.as_ref()
    }

    /// Whether the step succeeded as far as its process and its stream can tell.
    pub fn ok(&self) -> bool {
        self.error.is_none()
            && self.failure().is_none()
            && match self.cause {
                Cause::Natural => self.exit.is_none_or(Exit::ok),
                // How a process exits that had to be stopped says nothing about the work before.
                Cause::Lingered => true,
                Cause::TimedOut | Cause::NotStarted => false,
            }
    }

    /// `rate limited: …`, `exit 1`, `signal KILL`, `killed (likely out of memory)`, `timed out`, `not started: …`, or `ok`.
    pub fn word(&self) -> String {
        if let Some(failure) = self.failure() {
            return match failure.message.as_str() {
                "" => failure.class.word().to_owned(),
                message => format!("{}: {message}", failure.class.word()),
            };
        }
        match (self.cause, &self.error, self.exit) {
            (Cause::TimedOut, _, _) => "timed out".to_owned(),
            (Cause::NotStarted, Some(error), _) => format!("not started: {error}"),
            (_, Some(error), _) => error.clone(),
            (Cause::Natural, None, Some(_)) if self.out_of_memory => "killed (likely out of memory)".to_owned(),
            (Cause::Natural, None, Some(exit)) if !exit.ok() => exit.word(),
            _ => "ok".to_owned(),
        }
    }
}

/// Why loopdash ended a step before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterruptWhy {
    /// Pause now.
    Pause,
    /// Stop the run.
    Stop,
    /// The operator's note is to be heard at once.
    Guidance,
    /// The test it worked on was skipped or reset.
    Test,
    /// The gates are to run again.
    RerunGates,
    /// It is to start anew.
    Restart,
    /// The run gives its slot back and waits for a person.
    Park,
    /// The worktree is to be set back.
    Rewind,
    /// loopdash itself ended, and found it at its next start.
    Crash,
}
