//! Putting the engine together: supervisor, git, store and caps from the configuration.
//!
//! [`start`] is the one place where real steps meet the engine; dashboard, headless runs and demo all pass through it.

use super::config::Config as FileConfig;
use super::notify::{self, Notify};
use crate::loops::agent::Supervisor;
use crate::loops::core::budget::Budget;
use crate::loops::core::schedule::Caps;
use crate::loops::engine::workshop::{Ports, Workshop};
use crate::loops::engine::{self, Running, Startup, system_clock, system_eye};
use crate::loops::git::Git;
use crate::loops::journal::Store;
use crate::loops::lack;
use anyhow::Context;
use std::sync::Arc;
use std::time::Duration;

/// What a front end chooses of the engine.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Where journals lie.
    pub store: Store,
    /// How many runs at once, in all, per repository and per agent.
    pub caps: Caps,
    /// Gates at once.
    pub gate_cap: u32,
    /// What all runs may use up in 24 hours.
    pub budget: Budget,
    /// The ports of its slots.
    pub ports: Ports,
    /// What to do with runs found at the start.
    pub startup: Startup,
    /// The command that is told of what begins to need a person.
    pub notify: Option<Notify>,
}

impl Boot {
    /// The caps that the configuration asks for.
    pub fn new(store: Store, config: &FileConfig, startup: Startup) -> Self {
        let agents = config.agents.iter().filter_map(|(name, agent)| Some((name.clone(), agent.cap?))).collect();
        let caps = Caps { engine: config.engine.cap, repository: config.engine.repo_cap, agents };
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let gate_cap = config.gate_cap(processors);
        let (budget, notify, ports) = (config.engine.budget(), config.notify.told(), config.engine.ports());
        Self { store, caps, gate_cap, ports, budget, startup, notify }
    }
}

/// A runtime for an engine, with `workers` threads or as many as there are processors. A thread that nobody needs for a
/// moment is kept, and one is there from the start: where the system gives no new ones, a commit would wait for ever.
///
/// # Errors
/// The system gives no threads.
pub fn runtime(workers: Option<usize>) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    let runtime = builder.enable_all().thread_keep_alive(Duration::from_secs(24 * 60 * 60)).build()?;
    runtime.spawn_blocking(|| ());
    Ok(runtime)
}

/// Starts an engine with real steps on the current runtime.
///
/// # Errors
/// loopdash's own executable cannot be found, or the threads that read children cannot be made.
pub fn start(boot: Boot) -> anyhow::Result<Running> {
    let shim = std::env::current_exe().context("find loopdash's own executable, which starts the agents")?;
    let supervisor = Supervisor::new(shim).map_err(|error| {
        let remedy = lack::remedy(&error).unwrap_or("nothing was begun, so it may be started again");
        anyhow::anyhow!("cannot watch over child processes: {error}; {remedy}")
    })?;
    let state = boot.store.root().to_owned();
    let git = Git::new();
    let supervisor = Arc::new(supervisor);
    let workshop = Workshop::new(Arc::clone(&supervisor), git.clone(), state).with_ports(boot.ports);
    let config = engine::Config {
        store: boot.store,
        caps: boot.caps,
        gate_cap: boot.gate_cap,
        budget: boot.budget,
        startup: boot.startup,
        git,
        clock: system_clock(),
        eye: system_eye(),
    };
    let Running { handle, task } = engine::start(config, Arc::new(workshop));
    let Some(notify) = boot.notify else { return Ok(Running { handle, task }) };
    let told = tokio::spawn(notify::watch(handle.clone(), supervisor, notify));
    let task = tokio::spawn(async move {
        // A panic of either is in the log.
        let _ = tokio::join!(task, told);
    });
    Ok(Running { handle, task })
}
