//! What a front end holds of a running loopdash: [`Link`]. It asks, listens, and reads what lies beside the journals.
//!
//! Today the engine is in this process. Everything here could as well be asked through a socket: requests and updates
//! are plain data, and what is read is named by run and step.

use crate::loops::agent::launched::Launched;
use crate::loops::agent::transcript::{Edition, LiveOutput, Transcript};
use crate::loops::core::command::{Command, Rejected, Request};
use crate::loops::core::event::Record;
use crate::loops::core::ids::{RunId, StepId, Who};
use crate::loops::core::step::StepKind;
use crate::loops::engine::{Accepted, Handle, Subscription};
use crate::loops::git::GitError;
use crate::loops::git::diff::{Diff, between};
use crate::loops::journal::{JournalError, Store, replay_into};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A way to the engine and to what it has written; cheap to clone.
#[derive(Clone, Debug)]
pub struct Link {
    handle: Handle,
    store: Store,
}

impl Link {
    /// A link to the engine of this process.
    pub const fn new(handle: Handle, store: Store) -> Self {
        Self { handle, store }
    }

    /// Asks for something on the operator's behalf.
    ///
    /// # Errors
    /// The engine's reason, or that it is gone.
    pub async fn send(&self, command: Command) -> Result<Accepted, Rejected> {
        self.handle.send(Request { who: Who::Operator, command }).await
    }

    /// The fleet as it is, and what happens to it from there on.
    ///
    /// # Errors
    /// The engine is gone.
    pub async fn subscribe(&self) -> Result<Subscription, Rejected> {
        self.handle.subscribe().await
    }

    /// What a step printed, or told: as it comes, where it runs here, else from its directory. Reading it blocks.
    pub fn transcript(
        &self,
        run: RunId,
        (step, kind): (StepId, &StepKind),
        edition: Edition,
        live: Option<Arc<LiveOutput>>,
    ) -> Transcript {
        let live = live.and_then(|live| match edition {
            Edition::Raw => Some(live),
            Edition::Story => live.story().map(|story| Arc::clone(story.live())),
        });
        match live {
            Some(live) => Transcript::live(live),
            None => Transcript::edition(&self.store.run_dir(run).step_dir(step, kind), edition),
        }
    }

    /// How a step was launched, where that was written down, and its directory. Blocks.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn launched(&self, run: RunId, step: StepId, kind: &StepKind) -> (PathBuf, io::Result<Option<Launched>>) {
        let dir = self.store.run_dir(run).step_dir(step, kind);
        let launched = Launched::read(&dir);
        (dir, launched)
    }

    /// Hands each record of a run's journal to `each`, in order. Blocks.
    ///
    /// # Errors
    /// The journal cannot be read, or is damaged; what stands before the damage was handed on.
    pub fn journal(&self, run: RunId, each: impl FnMut(Record)) -> Result<(), JournalError> {
        replay_into(&self.store.run_dir(run), each).map(|_| ())
    }

    /// Compares two snapshots of a repository. Blocks.
    ///
    /// # Errors
    /// One of them is gone, or the repository cannot be read.
    pub fn diff(&self, common_dir: &Path, from: &str, to: &str) -> Result<Diff, GitError> {
        between(common_dir, from, to)
    }
}
