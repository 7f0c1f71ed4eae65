//! Hooks: commands of the operator's that run before and after a run and each of its iterations, as steps of the run.
//!
//! [`due`] says which one has to run before a decision of [`next`](super::plan::next) is carried out. What comes before
//! something has to end well, or the run needs a person; what comes after is only told.

use super::event::{Event, ParkReason, Parked};
use super::plan::Next;
use super::state::RunState;
use super::step::StepKind;
use super::transition::RunStatus;
use serde::{Deserialize, Serialize};

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Once, when the run first has a slot, before its worktree is made.
    PreRun,
    /// Before an iteration's actor; not again when the actor is restarted in it.
    PreIteration,
    /// When an iteration has come to its end by itself.
    PostIteration,
    /// Before the run ends, however it does, if it ever had a slot.
    PostRun,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PreRun, Self::PreIteration, Self::PostIteration, Self::PostRun];

    /// Its key in the configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Self::PreRun => "pre_run",
            Self::PreIteration => "pre_iteration",
            Self::PostIteration => "post_iteration",
            Self::PostRun => "post_run",
        }
    }

    /// The words for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PreRun => "hook pre_run",
            Self::PreIteration => "hook pre_iteration",
            Self::PostIteration => "hook post_iteration",
            Self::PostRun => "hook post_run",
        }
    }

    /// Whether what it is named for waits for its success.
    pub const fn must_succeed(self) -> bool {
        matches!(self, Self::PreRun | Self::PreIteration)
    }
}

/// A run's hooks: program and arguments each; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hooks {
    /// For [`Hook::PreRun`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_run: Vec<String>,
    /// For [`Hook::PreIteration`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_iteration: Vec<String>,
    /// For [`Hook::PostIteration`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_iteration: Vec<String>,
    /// For [`Hook::PostRun`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_run: Vec<String>,
    /// Milliseconds until one is stopped.
    pub timeout_ms: u64,
}

impl Hooks {
    /// Program and arguments of a hook; empty where there is none.
    pub fn command(&self, hook: Hook) -> &[String] {
        match hook {
            Hook::PreRun => &self.pre_run,
            Hook::PreIteration => &self.pre_iteration,
            Hook::PostIteration => &self.post_iteration,
            Hook::PostRun => &self.post_run,
        }
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        Hook::ALL.iter().all(|hook| self.command(*hook).is_empty())
    }
}

/// Which hooks of a run, or of an iteration, are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HooksDone {
    /// The one before it.
    pub before: bool,
    /// The one after it; not any more when what it came after is done again.
    pub after: bool,
}

/// The hook that has to run before `decision` is carried out.
pub(super) fn due(run: &RunState, decision: &Next) -> Option<Hook> {
    let hooks = &run.spec.as_ref()?.hooks;
    let there = |hook: Hook| Some(hook).filter(|hook| !hooks.command(*hook).is_empty());
    match decision {
        Next::Start(work)
            if work.kind == StepKind::Worktree && run.status == RunStatus::Running && !run.hooks.before =>
        {
            there(Hook::PreRun)
        }
        Next::Start(work) if work.kind == StepKind::Actor => {
            run.open_iteration().filter(|iteration| !iteration.hooks.before)?;
            there(Hook::PreIteration)
        }
        Next::Commit(events) if events.iter().any(|event| matches!(event, Event::Finished(_))) => {
            there(Hook::PostRun).filter(|_| !run.hooks.after && run.first_admitted.is_some())
        }
        Next::Commit(events) if events.iter().any(closes) => {
            run.open_iteration().filter(|iteration| !iteration.hooks.after)?;
            there(Hook::PostIteration)
        }
        _ => None,
    }
}

/// Whether a decision ends the open iteration by what it came to.
fn closes(event: &Event) -> bool {
    let asks = |parked: &Parked| matches!(parked.reason, ParkReason::NeedsHuman { .. });
    match event {
        Event::TestPassed(_) | Event::TestFailed(_) => true,
        Event::Parked(parked) => asks(parked),
        _ => false,
    }
}
