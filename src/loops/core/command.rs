//! Commands: what front ends ask of the engine. Each is accepted as events, or rejected with a reason.
//!
//! A front end never changes state by itself; whatever a key does is one of these.

use super::agent::{AgentSpec, Role};
use super::alert::AlertKind;
use super::budget::Resource;
use super::event::{Chore, PauseKind, When};
use super::ids::{RunId, TestId, Who};
use super::spec::{LoopSpec, Trigger};
use super::test_state::TestSpec;
use super::watch::{Pattern, Remedy};
use serde::{Deserialize, Serialize};

/// A request to the engine, with who makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Who.
    pub who: Who,
    /// What.
    pub command: Command,
}

/// Something a front end may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Make a run of each of these loops; they queue together, so that priority and order decide who starts first.
    Submit {
        /// The resolved definitions.
        specs: Vec<LoopSpec>,
        /// How it was launched.
        trigger: Trigger,
    },
    /// Ask something of one run.
    Run {
        /// Which.
        run: RunId,
        /// What.
        #[serde(flatten)]
        ask: Ask,
    },
    /// Take ownership of an unfinished run that no live loopdash owns, and resume it if `resume`.
    Adopt {
        /// Which.
        run: RunId,
        /// Whether it goes on at once, or stays paused.
        resume: bool,
    },
    /// Runs at once.
    SetCap {
        /// At least 1.
        cap: u32,
    },
    /// Gates at once.
    SetGateCap {
        /// At least 1.
        cap: u32,
    },
    /// Start a provider's agents again, and let the runs go on that wait for it.
    LiftHold {
        /// Which.
        provider: String,
    },
    /// A larger budget for all runs, for the next 24 hours; for good it is raised in the configuration.
    SetFleetBudget {
        /// Which.
        which: Resource,
        /// In the resource's unit.
        limit: u64,
    },
    /// Be told no more of an alert of the fleet, until it is raised again.
    AcknowledgeAlert {
        /// Which.
        alert: AlertKind,
    },
    /// Leave in order.
    Shutdown {
        /// What becomes of live runs.
        live: LiveRuns,
    },
}

/// What becomes of live runs when loopdash leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveRuns {
    /// Paused now; the next start offers them.
    Pause,
    /// Stopped for good.
    Stop,
}

/// Something asked of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Pause in one of three ways.
    Pause {
        /// Which way.
        kind: PauseKind,
    },
    /// Stand still with nothing running, so that the operator can work in the worktree; what changes there until the run
    /// goes on is kept as theirs.
    TakeOver,
    /// Go on.
    Resume,
    /// End it, leaving nothing running.
    Stop,
    /// Leave a test out.
    SkipTest {
        /// Which.
        test: TestId,
        /// Why, for the journal.
        why: String,
    },
    /// Let a test count as met.
    WaiveTest {
        /// Which.
        test: TestId,
        /// Why, for the journal.
        why: String,
    },
    /// Start a test over.
    ResetTest {
        /// Which.
        test: TestId,
    },
    /// Do something to the worktree as a whole.
    Chore {
        /// What.
        #[serde(flatten)]
        chore: Chore,
    },
    /// Give a blocked test one more attempt.
    RetryTest {
        /// Which.
        test: TestId,
    },
    /// Try again whatever parked or ended the run.
    Retry,
    /// Run the gates of the open iteration again.
    RerunGates,
    /// End the running step and start it anew.
    Restart,
    /// Do something about a signal.
    Heal {
        /// Which signal.
        pattern: Pattern,
        /// What.
        remedy: Remedy,
        /// The note's text, or why a test is left out or counts as met; empty for words of the harness.
        text: String,
    },
    /// Do something about a blocked test.
    Unblock {
        /// Which test.
        test: TestId,
        /// What: the stronger agent from its first attempt on, or leave it out, or let it count as met.
        remedy: Remedy,
    },
    /// Be told no more of a signal that is raised, until it is raised again.
    Acknowledge {
        /// Which.
        pattern: Pattern,
    },
    /// Say something to the actor.
    Note {
        /// What.
        text: String,
        /// When.
        when: When,
    },
    /// Answer the question it waits with.
    Answer {
        /// The answer.
        text: String,
    },
    /// Add a test.
    AddTest {
        /// The test, pending.
        test: Box<TestSpec>,
    },
    /// Another priority.
    SetPriority {
        /// 0 to 9.
        priority: u8,
    },
    /// Another agent in a role, from the next iteration on.
    SetAgent {
        /// Which role.
        role: Role,
        /// The agent, resolved for it.
        agent: Box<AgentSpec>,
    },
    /// Another budget.
    SetBudget {
        /// Which.
        which: Resource,
        /// In the resource's unit; more than was used.
        limit: u64,
    },
    /// Wait until another run's work has landed, or wait no longer.
    HoldBehind {
        /// Which; `None` lets it go on.
        run: Option<RunId>,
        /// What that run is called.
        label: String,
    },
    /// Another iteration limit.
    SetMaxIterations {
        /// At least 1.
        max: u32,
    },
}

/// Why a command was refused: a fragment such as `the run is paused already`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejected(pub String);
