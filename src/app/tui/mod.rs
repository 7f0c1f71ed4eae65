//! The dashboard's shell: keys in, frames out, requests to the engine. It starts at [`run`].
//!
//! [`update`](update::update) and the view are pure; only `run`, `shell`, `jobs`, `input`, `screen` and `terminal` touch
//! the world.

pub mod action;
mod afar;
mod aside;
pub mod ask;
pub mod chord;
pub mod guard;
pub mod input;
pub mod jobs;
pub mod keymap;
pub mod keys;
mod lines;
pub mod msg;
pub mod overlay;
pub mod pace;
pub mod paint;
mod run;
pub mod screen;
pub mod search;
mod shell;
mod signals;
pub mod terminal;
pub mod ui;
pub mod update;
mod xray;

pub use run::{has_terminal, run};

use crate::app::agents::Agents;
use crate::app::config::{OnHangup, OnStart};
use crate::app::notify::Calls;
use crate::loops::core::spec::{LoopSpec, Trigger};
use crate::widgets::theme::Theme;
use jiff::tz::TimeZone;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Makes a loop of a prompt typed on the dashboard, or says why it cannot. It blocks.
pub type NewLoop = Arc<dyn Fn(&str) -> Result<LoopSpec, String> + Send + Sync>;

/// The agents that the configuration of a repository has by now, or why they are not known. It blocks.
pub type AgentsOf = Arc<dyn Fn(&Path) -> Result<Agents, String> + Send + Sync>;

/// What the dashboard is opened with.
#[derive(Clone)]
pub struct Options {
    /// Colours.
    pub theme: Theme,
    /// The time zone of the clock and of the timeline.
    pub zone: TimeZone,
    /// The repository's name, or another word beside the product's.
    pub place: Option<String>,
    /// Whether there is a `loopdash.toml` here.
    pub configured: bool,
    /// Loops that can be started by name.
    pub loops: Vec<LoopSpec>,
    /// Loops to start at once.
    pub start: Vec<LoopSpec>,
    /// How those are recorded as launched.
    pub trigger: Trigger,
    /// What happens to interrupted runs.
    pub on_start: OnStart,
    /// What happens to live runs when the terminal goes away.
    pub on_hangup: OnHangup,
    /// What the terminal is told when something begins to need a person.
    pub calls: Calls,
    /// Something to say at the start.
    pub greeting: Option<String>,
    /// The agents of those loops.
    pub agents: Agents,
    /// The agents that a role can be given in any repository.
    pub agents_of: AgentsOf,
    /// How a prompt becomes a loop; else why none can, as a fragment.
    pub new_loop: Result<NewLoop, String>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("place", &self.place).field("start", &self.start.len()).finish_non_exhaustive()
    }
}

/// How the dashboard was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By the operator.
    Left,
    /// By a signal, or because the terminal went away; live runs were paused.
    Interrupted,
    /// The terminal went away; live runs go on.
    Unseen,
}
