//! Tests of loopdash as a whole: real processes, real files, real terminals.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod baddays;
mod cli;
mod configuration;
mod demo;
mod faults;
mod ground;
mod headless;
mod interrupt;
mod layers;
mod processes;
mod screen;
mod scripted;
mod steering;
mod term;
mod worklist;
