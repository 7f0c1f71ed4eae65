//! A loopdash without a screen from start to end: [`session`] starts the engine, asks it for runs and follows them.

use super::follow::{FollowError, Followed, Following, follow};
use super::interrupt::complain;
use super::{Printer, Style};
use crate::app::boot::{self, Boot};
use crate::loops::core::command::{Command, Rejected, Request};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::spec::{LoopSpec, Trigger};
use crate::loops::core::state::RunState;
use crate::loops::engine::{Handle, Running};
use std::time::Duration;

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Work {
    /// New runs.
    Submit {
        /// Of these loops.
        specs: Vec<LoopSpec>,
        /// Launched so.
        trigger: Trigger,
    },
    /// Interrupted runs, as their journals leave them, go on.
    Resume(Vec<Resumed>),
}

/// A run that is to go on.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// As its journal leaves it.
    pub state: RunState,
    /// What is asked of it to go on.
    pub command: Command,
}

/// Why a session did not come about.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No engine.
    #[error("{0:#}")]
    Boot(anyhow::Error),
    /// The engine refuses what it was asked.
    #[error("{0}")]
    Refused(Rejected),
    /// The engine cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
}

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After this it ends as if interrupted.
    pub deadline: Option<Duration>,
    /// Milliseconds that a run may wait in a row for a provider.
    pub max_wait: u64,
}

/// Starts an engine, has the work done, and returns when every run has ended or waits for something that does not come
/// soon enough, and the engine is gone.
///
/// # Errors
/// [`SessionError`]; nothing is left running then.
pub fn session(boot: Boot, work: Work, style: Style, patience: Patience) -> Result<Followed, SessionError> {
    let runtime = boot::runtime(None).map_err(|error| SessionError::Boot(error.into()))?;
    runtime.block_on(async move {
        let store = boot.store.clone();
        let Running { handle, task } = boot::start(boot).map_err(SessionError::Boot)?;
        let followed = run(&handle, store, work, style, patience).await;
        if followed.is_err() {
            super::interrupt::shut_down(&handle).await;
        }
        drop(handle);
        // A panic of the engine's task is in the log; what it left is found by the next start.
        let _ = task.await;
        followed
    })
}

async fn run(
    handle: &Handle,
    store: crate::loops::journal::Store,
    work: Work,
    style: Style,
    patience: Patience,
) -> Result<Followed, SessionError> {
    // A run is named after what else is on the box, so that has to be known first.
    handle.subscribe().await.map_err(SessionError::Refused)?.loaded().await;
    let subscription = handle.subscribe().await.map_err(SessionError::Refused)?;
    let resumable = !matches!(work, Work::Submit { trigger: Trigger::Demo, .. });
    let runs = match work {
        Work::Submit { specs, trigger } => {
            submit(handle, specs, trigger).await?.into_iter().map(RunState::new).collect()
        }
        Work::Resume(runs) => resume(handle, runs).await?,
    };
    let printer = Printer::new(style, std::io::stdout());
    Ok(follow(Following { handle: handle.clone(), store, subscription, runs, printer, resumable, patience }).await?)
}

async fn submit(handle: &Handle, specs: Vec<LoopSpec>, trigger: Trigger) -> Result<Vec<RunId>, SessionError> {
    let request = Request { who: Who::Cli, command: Command::Submit { specs, trigger } };
    let accepted = handle.send(request).await.map_err(SessionError::Refused)?;
    if let Some(note) = accepted.note {
        complain(&note);
    }
    Ok(accepted.runs)
}

/// Asks each to go on; one that is refused is told and left out, unless it is the only one.
async fn resume(handle: &Handle, runs: Vec<Resumed>) -> Result<Vec<RunState>, SessionError> {
    let (mut going, mut refused) = (Vec::new(), Vec::new());
    for Resumed { state, command } in runs {
        match handle.send(Request { who: Who::Cli, command }).await {
            Ok(_) => going.push(state),
            Err(Rejected(why)) => refused.push(format!("{} cannot go on: {why}", state.label)),
        }
    }
    // Each is told once: the last by whoever gets the error.
    let last = if going.is_empty() { refused.pop() } else { None };
    refused.iter().for_each(|why| complain(why));
    last.map_or(Ok(going), |why| Err(SessionError::Refused(Rejected(why))))
}
