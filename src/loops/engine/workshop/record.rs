//! What was launched is written down beside the step's output, for whoever wants to know or to do it again by hand.
//!
//! Nothing depends on it: a step goes on without it where the disk does not take it.

use crate::loops::agent::launched::{Launched, Sent};
use crate::loops::agent::probe::known_version;
use crate::loops::agent::{Input, Launch, find_program};
use crate::loops::engine::order::Order;
use crate::loops::git::blob_name;
use std::path::Path;

/// Writes down how a step is launched. `state` is the state directory, where what programs told of themselves is kept.
pub(super) async fn record(order: &Order, launch: &Launch, state: &Path) {
    let mut launched = Launched { prompt: order.agent().map(|agent| agent.prompt), ..Launched::default() };
    let text = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
    for (name, value) in &launch.env {
        launched.add(text(name), text(value));
    }
    // As they were configured: what a reference stands for stays where it is.
    for (name, value) in order.agent().iter().flat_map(|agent| &agent.env) {
        launched.add(name.clone(), value.clone());
    }
    launched.terminal = launch.terminal;
    launched.dropped = launch.env_remove.iter().map(|name| text(name)).collect();
    let (dir, stdin) = (launch.dir.clone(), launch.stdin.clone());
    let program = order.agent().and_then(|_| find_program(launch).ok());
    let state = state.to_owned();
    let kept = tokio::task::spawn_blocking(move || {
        launched.version = program.and_then(|file| known_version(&file, &state));
        if let Input::Bytes(bytes) = &stdin {
            launched.stdin = blob_name(bytes).map(|blob| Sent { bytes: bytes.len() as u64, blob });
        }
        launched.keep(&dir)
    });
    match kept.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, step = %order.step, "how the step is launched could not be written down")
        }
        Err(error) => tracing::error!(%error, "writing down how a step is launched failed"),
    }
}
