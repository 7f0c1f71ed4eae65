//! Events of a run's life: submitted, admitted, parked, paused, steered, finished.
//!
//! Each struct is the payload of the [`Event`](super::Event) of its name.

use crate::loops::core::activity::FailureClass;
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::budget::{Breach, Budget, Resource};
use crate::loops::core::ids::{Millis, RunId, TestId, Who};
use crate::loops::core::spec::{LoopSpec, Trigger};
use serde::{Deserialize, Serialize};

/// The run exists: its whole definition and how it was launched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submitted {
    /// `name`, or `name#2` for the second run of that name.
    pub label: String,
    /// The resolved definition.
    pub spec: Box<LoopSpec>,
    /// How it was launched.
    pub trigger: Trigger,
    /// The commit that the run's work is measured against; `None` in a repository without commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The loopdash that wrote this.
    pub version: String,
    /// Position among the runs that were submitted with it, so that equal moments keep their order.
    #[serde(default)]
    pub order: u32,
}

/// It has a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Which, from 0; the number a gate or an agent may use to choose a port.
    pub slot: u32,
}

/// Why a run waits for something outside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum ParkReason {
    /// A question needs an answer.
    NeedsHuman {
        /// The question.
        question: String,
        /// Who asks.
        from: Who,
    },
    /// Something is wrong that only a person can mend.
    Attention {
        /// Which kind of trouble.
        kind: Trouble,
        /// The evidence, as a fragment.
        detail: String,
    },
    /// Every test left is blocked or depends on a blocked one.
    Blocked {
        /// The blocked tests.
        tests: Vec<TestId>,
    },
    /// Its agent's provider lets it wait, or is held for all; the step is then repeated, and nothing is counted.
    Limit {
        /// Until when; absent while the provider is held until somebody lifts that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Millis>,
        /// Whose limit it is.
        provider: String,
        /// Which kind.
        class: FailureClass,
        /// What was said.
        detail: String,
    },
    /// A budget is used up.
    Budget {
        /// Which.
        which: Resource,
        /// Whether it is the fleet's, over the last 24 hours, and not the run's own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        fleet: bool,
        /// Used, in the resource's unit.
        used: u64,
        /// Allowed.
        limit: u64,
    },
    /// Its agent's login or account has to be mended; the step is then repeated, and nothing is counted.
    Account {
        /// Whose login or account it is.
        provider: String,
        /// Which of the two.
        class: FailureClass,
        /// What was said, and what to do.
        detail: String,
    },
    /// Another run's work is to land first; it then goes on by itself.
    Behind {
        /// Which.
        run: RunId,
        /// What that run is called.
        label: String,
    },
}

impl ParkReason {
    /// For a budget that is used up: the run's own, or the fleet's.
    pub const fn budget(breach: Breach, fleet: bool) -> Self {
        let Breach { which, used, limit } = breach;
        Self::Budget { which, fleet, used, limit }
    }

    /// Whether a person has to do something; otherwise the run goes on by itself, or with another run that asks.
    pub const fn asks(&self) -> bool {
        !matches!(self, Self::Limit { .. } | Self::Behind { .. })
    }

    /// The provider that it waits for.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Limit { provider, .. } | Self::Account { provider, .. } => Some(provider),
            _ => None,
        }
    }
}

/// Trouble that needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The critic answered twice without a readable verdict.
    UnreadableVerdict,
    /// The worktree could not be made, or is gone.
    Worktree,
    /// The setup command failed.
    Setup,
    /// The actor could not be started, or failed several times in a row.
    Actor,
    /// The critic could not be started.
    Critic,
    /// A required gate could not be started.
    Gate,
    /// The worktree could not be snapshotted.
    Snapshot,
    /// A step changed what is not its run's: somebody's refs, or what steers git.
    Repository,
    /// It is stuck, and somebody had it parked for that.
    Stuck,
    /// A hook failed that had to succeed.
    Hook,
}

impl Trouble {
    /// The words for the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnreadableVerdict => "verdict unreadable",
            Self::Worktree => "worktree trouble",
            Self::Setup => "setup failed",
            Self::Actor => "actor failing",
            Self::Critic => "critic failing",
            Self::Gate => "gate cannot run",
            Self::Snapshot => "snapshot failed",
            Self::Repository => "repository changed",
            Self::Stuck => "stuck",
            Self::Hook => "hook failed",
        }
    }
}

/// It waits for something outside it and has given its slot back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// What for.
    #[serde(flatten)]
    pub reason: ParkReason,
}

/// What it waited for is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unparked {
    /// By whom.
    pub who: Who,
}

/// How a run is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// When the running step has ended.
    AfterStep,
    /// At once: the running step is ended and starts anew on resume.
    Now,
    /// At once: the step's processes are stopped where they are and keep their slot.
    Freeze,
    /// loopdash went away under it.
    Interrupted,
}

impl PauseKind {
    /// The words for the timeline.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AfterStep => "after the step",
            Self::Now => "now",
            Self::Freeze => "frozen",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Someone wants it paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseRequested {
    /// How.
    pub kind: PauseKind,
    /// Who.
    pub who: Who,
}

/// It is paused: its processes are gone, or frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// How.
    pub kind: PauseKind,
}

/// It goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// By whom.
    pub who: Who,
}

/// Someone wants it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequested {
    /// Who.
    pub who: Who,
}

/// A finished run goes on, with more iterations allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// By whom.
    pub who: Who,
    /// The limit from here on.
    pub max_iterations: u32,
}

/// When a note is to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// In the next actor prompt.
    Next,
    /// At once: the running step is ended and the actor starts again with it.
    Now,
}

/// The operator says something to the actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guidance {
    /// Its number in the run, from 1, shared with answers.
    pub id: u32,
    /// What.
    pub text: String,
    /// When it is to be heard.
    pub when: When,
    /// Who says it.
    pub who: Who,
}

/// The operator answers a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Its number in the run, from 1, shared with notes.
    pub id: u32,
    /// The question.
    pub question: String,
    /// The answer.
    pub text: String,
    /// Who answers.
    pub who: Who,
}

/// Something that blocked the run is to be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// By whom.
    pub who: Who,
}

/// The gates of the open iteration run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatesRerun {
    /// By whom.
    pub who: Who,
}

/// Another priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrioritySet {
    /// 0 to 9.
    pub priority: u8,
    /// By whom.
    pub who: Who,
}

/// Other limits; an absent one stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsSet {
    /// Iterations that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u32>,
    /// What may be used up.
    #[serde(default, flatten)]
    pub budget: Budget,
    /// By whom.
    pub who: Who,
}

/// Another agent in a role, from the next iteration on; at once where none is open, and where the run is parked for the one
/// that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSet {
    /// Which role.
    pub role: Role,
    /// The agent, resolved for it.
    pub agent: Box<AgentSpec>,
    /// By whom.
    pub who: Who,
}

/// It is to wait until the work of another run of its repository has landed, or no longer. What runs goes on to its step's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBehind {
    /// Which; `None` lets it go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<RunId>,
    /// What that run is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// By whom.
    pub who: Who,
}

/// The wall clock went another way than time did, so that differences of moments before and after are wrong by as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockJumped {
    /// By how many milliseconds; below zero when it was set back.
    pub by_ms: i64,
}

/// Something worth telling that changes no state, such as a hand edit that was not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The sentence.
    pub text: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every test is passed or skipped, at least one passed.
    Done,
    /// A limit was reached first.
    Exhausted,
    /// It could not be carried out.
    Failed,
    /// Someone stopped it.
    Stopped,
}

impl Outcome {
    /// The word for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Exhausted => "exhausted",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// The run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// How.
    pub outcome: Outcome,
    /// Why, as a fragment.
    pub reason: String,
}
