//! Tests of loopdash as a whole: real processes, real files, real terminals.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod aside;
mod baddays;
mod clean;
mod cli;
mod configuration;
mod damage;
mod demo;
mod dialects;
mod ends;
mod faults;
mod fleets;
mod fuzzed;
mod ground;
mod headless;
mod interrupt;
mod layers;
mod looking;
mod offers;
mod pauses;
mod probing;
mod processes;
mod ptys;
mod screen;
mod scripted;
mod secrets;
mod setup;
mod steering;
mod stories;
mod streams;
mod stuck;
mod term;
mod undo;
mod watch;
mod worklist;
mod xray;
