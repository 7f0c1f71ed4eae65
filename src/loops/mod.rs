//! loops
pub mod agent;
pub mod core;
pub mod engine;
pub mod fault;
pub mod git;
pub mod journal;
pub mod mask;
