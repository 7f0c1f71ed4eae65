//! What steps tell the engine, and what the engine wishes of a running step.
//!
//! Both travel over bounded channels; a report that names a step which is not the run's active one is dropped, so a late
//! word of an old step never touches its successor.

use super::order::Order;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::event::{Event, LockAwaited, Signal};
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::step::StepEnd;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What the engine wishes of a running step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Go on.
    Run,
    /// Stand still.
    Freeze,
    /// End in order.
    Stop,
    /// End at once.
    Kill,
}

/// Word from a step.
#[derive(Debug)]
pub enum Report {
    /// Its process exists.
    Spawned {
        /// Whose.
        run: RunId,
        /// Which.
        step: StepId,
        /// Process id.
        pid: u32,
        /// The process's start time as the system counts it.
        start: u64,
        /// Where it prints.
        output: Option<Arc<LiveOutput>>,
    },
    /// A watch over it has something to tell.
    Signal {
        /// Whose.
        run: RunId,
        /// What, of which step.
        signal: Signal,
    },
    /// It waits for a lock.
    Waits {
        /// Whose.
        run: RunId,
        /// Which lock, of which step.
        awaited: LockAwaited,
    },
    /// The machine is short of something that it needs to begin, or, with `None`, no longer.
    Short {
        /// Whose.
        run: RunId,
        /// Which.
        step: StepId,
        /// What was refused, as a fragment.
        why: Option<String>,
    },
    /// It has ended.
    Ended(Ended),
}

/// How a step ended.
#[derive(Debug)]
pub struct Ended {
    /// Whose.
    pub run: RunId,
    /// Which.
    pub step: StepId,
    /// What it found out, journalled before its end.
    pub facts: Vec<Event>,
    /// Its end.
    pub end: StepEnd,
    /// Whether it ended because the engine wished so: it is then interrupted, not finished.
    pub stopped: bool,
}

/// Carries out steps: really, or as a test scripts them.
pub trait Steps: Send + Sync + 'static {
    /// Starts a step in a task of its own, which reports once that it has ended, whatever happens.
    fn start(&self, order: Order, wish: watch::Receiver<Wish>, reports: mpsc::Sender<Report>);
}
