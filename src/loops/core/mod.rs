//! The pure heart of loopdash: what a run is, how events change it, and what comes next.
//!
//! Nothing here knows tokio, git, files, processes or the clock; time arrives in [`event::Record`]s as data. The engine
//! commits events, folds them with [`state::RunState::apply`] and asks [`plan::next`] what to do.

pub mod activity;
pub mod agent;
pub mod alert;
pub mod attention;
pub mod budget;
pub mod collision;
pub mod command;
pub mod coverage;
pub mod decide;
pub mod duration;
pub mod event;
pub mod fleet;
pub mod gate;
pub mod hold;
pub mod hook;
pub mod ids;
#[cfg(test)]
mod laws;
pub mod plan;
pub mod prompt;
pub mod record;
pub mod runner;
pub mod schedule;
pub mod setback;
pub mod spec;
pub mod state;
pub mod step;
pub mod test_state;
pub mod transition;
pub mod usage;
pub mod verdict;
pub mod watch;
pub mod weigh;
pub mod worktree_path;
