//! Loops and what runs them: the pure [`core`], the [`engine`] that owns the truth, and its ways to agents, git and disk.
//!
//! Nothing in here knows a terminal.
pub mod agent;
pub mod core;
pub mod engine;
pub mod fault;
pub mod git;
pub mod journal;
pub mod lack;
pub mod mask;
mod notices;
