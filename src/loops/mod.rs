//! loops
pub mod agent;
pub mod core;
pub mod engine;
pub mod git;
pub mod journal;
