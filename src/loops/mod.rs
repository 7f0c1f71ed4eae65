//! loops
pub mod core;
pub mod agent;
pub mod git;
pub mod journal;
pub mod engine;
