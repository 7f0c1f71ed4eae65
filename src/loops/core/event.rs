//! Events: the facts and decisions that a run's journal holds, and the only things that change a run's state.
//!
//! Each variant of [`Event`] wraps one plain struct; its snake_case name is the `type` in the journal.

use super::gate::GateResult;
use super::ids::{Millis, RunId, StepId, TestId, Who};
use super::spec::{LoopSpec, Trigger};
use super::step::{InterruptWhy, StepEnd, StepKind};
use super::test_state::TestSpec;
use super::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// Declares the event types once: the enum, its names, and the typed decoder that the journal uses.
macro_rules! events {
    ($($(#[$doc:meta])* $name:literal => $variant:ident,)*) => {
        /// Something that happened to a run.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event { $($(#[$doc])* $variant($variant),)* }

        impl Event {
            /// The names of all event types, in the order of a run's life.
            pub const KINDS: &'static [&'static str] = &[$($name),*];

            /// The journal's `type`.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            /// Reads the fields of an event of this `kind` from the whole JSON object; `None` for a kind that this
            /// loopdash does not know.
            pub(super) fn from_json(kind: &str, json: &str) -> Option<serde_json::Result<Self>> {
                match kind {
                    $($name => Some(serde_json::from_str::<$variant>(json).map(Self::$variant)),)*
                    _ => None,
                }
            }
        }

        impl Serialize for Event {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[derive(Serialize)]
                struct Tagged<'a, T> { #[serde(rename = "type")] kind: &'static str, #[serde(flatten)] fields: &'a T }
                match self {
                    $(Self::$variant(fields) => Tagged { kind: $name, fields }.serialize(serializer)),*
                }
            }
        }

        $(impl From<$variant> for Event {
            fn from(fields: $variant) -> Self { Self::$variant(fields) }
        })*
    };
}

events! {
    /// The run exists.
    "submitted" => Submitted,
    /// It has a slot.
    "admitted" => Admitted,
    /// It waits for something outside it and has given its slot back.
    "parked" => Parked,
    /// What it waited for is settled.
    "unparked" => Unparked,
    /// Someone wants it paused.
    "pause_requested" => PauseRequested,
    /// It is paused.
    "paused" => Paused,
    /// It goes on.
    "resumed" => Resumed,
    /// Someone wants it ended.
    "stop_requested" => StopRequested,
    /// A finished run goes on.
    "reopened" => Reopened,
    /// Its place to work exists.
    "workspace_ready" => WorkspaceReady,
    /// A test's attempt begins.
    "test_started" => TestStarted,
    /// A test is met.
    "test_passed" => TestPassed,
    /// An attempt did not meet the test.
    "test_failed" => TestFailed,
    /// A test is out of attempts.
    "test_blocked" => TestBlocked,
    /// A test is left out.
    "test_skipped" => TestSkipped,
    /// A test starts over.
    "test_reset" => TestReset,
    /// A blocked test gets one more attempt.
    "test_retried" => TestRetried,
    /// A test joined the run.
    "test_added" => TestAdded,
    /// One trip begins.
    "iteration_started" => IterationStarted,
    /// A step is about to start; durable before it does.
    "step_started" => StepStarted,
    /// A step's process exists.
    "spawned" => Spawned,
    /// A step ended by itself or by its timeout.
    "step_finished" => StepFinished,
    /// loopdash ended a step, or lost it.
    "step_interrupted" => StepInterrupted,
    /// The worktree's content is kept.
    "snapshot_taken" => SnapshotTaken,
    /// A gate has its result.
    "gate_finished" => GateFinished,
    /// The critic has spoken, or could not be read.
    "verdict_reached" => VerdictReached,
    /// The operator says something to the actor.
    "guidance" => Guidance,
    /// The operator answers a question.
    "answered" => Answered,
    /// Something that blocked the run is to be tried again.
    "retried" => Retried,
    /// The gates of the open iteration run again.
    "gates_rerun" => GatesRerun,
    /// Another priority.
    "priority_set" => PrioritySet,
    /// Other limits.
    "limits_set" => LimitsSet,
    /// Something worth telling that changes no state.
    "noted" => Noted,
    /// The run is over.
    "finished" => Finished,
}

/// An event with its place in a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Position in the run's journal, from 1, without gaps.
    pub seq: u64,
    /// When it was committed.
    pub at: Millis,
    /// Whose journal it is.
    pub run: RunId,
    /// What happened.
    pub event: Event,
}

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

/// Its place to work exists and was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceReady {
    /// Absolute path.
    pub path: String,
    /// Its branch; `None` in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Commit, or the empty tree, that work is measured against.
    pub base: String,
    /// The worktree's own git directory.
    pub git_dir: String,
    /// The git directory of the repository.
    pub common_dir: String,
    /// Whether it is the operator's own checkout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_place: bool,
    /// Whether it was made by this step: setup has to run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// Files copied because `.worktreeinclude` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
}

/// A test's attempt begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStarted {
    /// Which.
    pub test: TestId,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// A test is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestPassed {
    /// Which.
    pub test: TestId,
    /// The evidence in a few words: verdict, gates.
    pub evidence: String,
}

/// An attempt did not meet the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFailed {
    /// Which.
    pub test: TestId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Why, as a fragment.
    pub why: String,
}

/// A test is out of attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestBlocked {
    /// Which.
    pub test: TestId,
    /// Why, as a fragment.
    pub why: String,
}

/// A test is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSkipped {
    /// Which.
    pub test: TestId,
    /// By whom.
    pub who: Who,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A test starts over with no attempts; its history stays in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReset {
    /// Which.
    pub test: TestId,
    /// By whom.
    pub who: Who,
}

/// A blocked test gets one more attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRetried {
    /// Which.
    pub test: TestId,
    /// By whom.
    pub who: Who,
}

/// A test joined the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAdded {
    /// The whole test, pending.
    pub test: TestSpec,
    /// By whom.
    pub who: Who,
}

/// One trip begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationStarted {
    /// Its number, from 1.
    pub iteration: u32,
    /// The test it works on.
    pub test: TestId,
}

/// A step is about to start; durable before it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStarted {
    /// Its number.
    pub step: StepId,
    /// What it does.
    pub kind: StepKind,
    /// The open iteration; 0 before the first.
    #[serde(default)]
    pub iteration: u32,
    /// The agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What is spawned; empty for git operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cwd: String,
    /// The prompt's file, relative to the run's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Notes and answers that this prompt carries, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guidance: Vec<u32>,
}

/// A step's process exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawned {
    /// Which step's.
    pub step: StepId,
    /// Process id.
    pub pid: u32,
    /// The process's start time as the system counts it (Linux: clock ticks since boot), so that a reused pid is
    /// never taken for it.
    pub start: u64,
}

/// A step ended by itself or by its timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFinished {
    /// Which.
    pub step: StepId,
    /// How.
    #[serde(flatten)]
    pub end: StepEnd,
}

/// loopdash ended a step, or lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepInterrupted {
    /// Which.
    pub step: StepId,
    /// Why.
    pub why: InterruptWhy,
    /// Processes that had outlived it and were stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// Lines in its transcript.
    #[serde(default)]
    pub lines: u64,
}

/// The worktree's content is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotTaken {
    /// By which step.
    pub step: StepId,
    /// The snapshot commit, under `refs/loopdash/<run>/<iteration>`.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// Whether the tree equals the base's: nothing was done at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty: bool,
    /// The snapshot before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Files changed since the base.
    pub files: u32,
    /// Lines added since the base.
    pub insertions: u32,
    /// Lines removed since the base.
    pub deletions: u32,
    /// Paths that could not be kept, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// A gate has its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFinished {
    /// By which step.
    pub step: StepId,
    /// The gate's name.
    pub gate: String,
    /// Whether the iteration needs it.
    pub required: bool,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: GateResult,
    /// Wall time.
    pub duration_ms: u64,
}

/// The critic has spoken, or could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictReached {
    /// By which step.
    pub step: StepId,
    /// What it said.
    #[serde(flatten)]
    pub verdict: Verdict,
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
    /// By whom.
    pub who: Who,
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
