//! Events: the facts and decisions that a run's journal holds, and the only things that change a run's state.
//!
//! Each variant of [`Event`] wraps one plain struct; its snake_case name is the `type` in the journal.

mod chore;
mod gate;
mod life;
mod watch;
mod work;

pub use chore::*;
pub use gate::*;
pub use life::*;
pub use watch::*;
pub use work::*;

use super::ids::{Millis, RunId};
use serde::Serialize;

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
    /// A test counts as met by somebody's word.
    "test_waived" => TestWaived,
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
    /// The operator works in the worktree.
    "taken_over" => TakenOver,
    /// The worktree's content is kept outside an iteration's order.
    "kept" => Kept,
    /// Something is to be done to the worktree as a whole.
    "chore_asked" => ChoreAsked,
    /// The worktree is what an iteration had left.
    "rewound" => Rewound,
    /// The worktree is removed.
    "scrapped" => Scrapped,
    /// What was taken from the worktree is back.
    "restored" => Restored,
    /// The work is joined with its target.
    "merged" => Merged,
    /// The work and its target have changed the same places.
    "merge_conflicted" => MergeConflicted,
    /// Something of the repository changed that is not the run's.
    "repository_touched" => RepositoryTouched,
    /// A gate waits for its lock.
    "lock_awaited" => LockAwaited,
    /// A snapshot's change weakens tests.
    "tests_weighed" => TestsWeighed,
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
    /// Another agent in a role.
    "agent_set" => AgentSet,
    /// It is to wait until another run has ended, or no longer.
    "held_behind" => HeldBehind,
    /// A watch over a running step saw something odd, or that it is over.
    "signal" => Signal,
    /// A pattern is seen that a person should know of.
    "signal_raised" => SignalRaised,
    /// It is seen no longer.
    "signal_cleared" => SignalCleared,
    /// Somebody has seen it.
    "signal_seen" => SignalSeen,
    /// Something is done about a signal.
    "remedy_taken" => RemedyTaken,
    /// The running step starts anew.
    "step_restarted" => StepRestarted,
    /// The wall clock was set while loopdash ran.
    "clock_jumped" => ClockJumped,
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
