//! What a front end holds of the engine: [`Handle`] to ask, [`Subscription`] to hear.
//!
//! All channels are bounded. A listener that falls behind gets a fresh [`Fleet`] instead of what it missed, so a slow
//! screen never slows the engine.

use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::alert::Alerts;
use crate::loops::core::budget::Raises;
use crate::loops::core::collision::Collisions;
use crate::loops::core::command::{Rejected, Request};
use crate::loops::core::event::Record;
use crate::loops::core::fleet::{Fleet, FleetRun};
use crate::loops::core::hold::Holds;
use crate::loops::core::ids::{RunId, StepId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, oneshot};

/// Requests that may wait for the engine.
pub const REQUESTS: usize = 64;
/// Updates that a listener may be behind before it has to start from a fresh fleet.
pub const UPDATES: usize = 1024;

/// A way to the engine; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) asks: mpsc::Sender<FrontMessage>,
}

/// What a front end may send.
#[derive(Debug)]
pub(super) enum FrontMessage {
    /// A request, and where its answer goes.
    Request(Request, oneshot::Sender<Result<Accepted, Rejected>>),
    /// A wish to listen.
    Subscribe(oneshot::Sender<Subscription>),
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The run it concerned, or the runs it made, in the order asked for.
    pub runs: Vec<RunId>,
    /// Something to tell the operator besides.
    pub note: Option<String>,
}

/// A fleet as it is, and then everything that happens to it.
#[derive(Debug)]
pub struct Subscription {
    /// The state before the first update.
    pub fleet: Fleet,
    /// Output of steps that run now.
    pub live: Vec<(RunId, StepId, Arc<LiveOutput>)>,
    /// What happens from there on; after `Lagged`, subscribe anew.
    pub updates: broadcast::Receiver<Update>,
    /// Whether runs of the box are still being read; [`Update::Loaded`] follows.
    pub loading: bool,
}

impl Subscription {
    /// Waits until all runs of the box have been read. Updates before that are passed over: subscribe anew for a fleet
    /// that holds what they told.
    pub async fn loaded(&mut self) {
        while self.loading {
            match self.updates.recv().await {
                Ok(Update::Loaded | Update::Ended) | Err(broadcast::error::RecvError::Closed) => self.loading = false,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            }
        }
    }
}

/// Something that a listener has to know.
#[derive(Clone, Debug)]
pub enum Update {
    /// An event of a run, already durable if it is a milestone.
    Record(Arc<Record>),
    /// A run appeared or changed hands, or its journal became unreadable: its whole entry.
    Run(Box<FleetRun>),
    /// Other caps.
    Caps {
        /// Runs at once.
        cap: u32,
        /// Gates at once.
        gate_cap: u32,
    },
    /// Other budgets of all runs are raised: all of them.
    Raises(Raises),
    /// Other alerts of the fleet are in force: all of them.
    Alerts(Alerts),
    /// Other providers are held: all of them.
    Holds(Holds),
    /// What live runs meet: all of them.
    Collisions(BTreeMap<RunId, Collisions>),
    /// A step's process prints here.
    Live {
        /// Whose.
        run: RunId,
        /// Which.
        step: StepId,
        /// Its output.
        output: Arc<LiveOutput>,
    },
    /// All runs of the box have been read.
    Loaded,
    /// Trouble of the engine itself, in a sentence for the banner; `None` when it is over.
    Trouble(Option<String>),
    /// The engine has ended: every run of mine is paused or finished.
    Ended,
}

impl Handle {
    /// Asks for something and waits for the answer.
    ///
    /// # Errors
    /// The engine's reason, or that it is gone.
    pub async fn send(&self, request: Request) -> Result<Accepted, Rejected> {
        let (answer, answered) = oneshot::channel();
        let gone = || Rejected("loopdash is shutting down".to_owned());
        self.asks.send(FrontMessage::Request(request, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Starts listening.
    ///
    /// # Errors
    /// The engine is gone.
    pub async fn subscribe(&self) -> Result<Subscription, Rejected> {
        let (answer, answered) = oneshot::channel();
        let gone = || Rejected("loopdash is shutting down".to_owned());
        self.asks.send(FrontMessage::Subscribe(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}
