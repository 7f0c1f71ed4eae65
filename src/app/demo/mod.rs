//! The demo: a small real project, scripted agents that are real processes, and seven loops that show everything.
//!
//! Nothing of it needs a key, a network or an installed agent; [`agent::main`] also serves the tests.

pub mod agent;
pub mod expected;
mod flood;
pub mod loops;
mod player;
pub mod project;
mod review;
pub mod run;
pub mod script;
pub mod stage;
mod stream;
pub mod verbs;
