//! Tests that take their time: `cargo test --test slow`. The ordinary command leaves them out; `.ci/run` calls both.
//!
//! Each does as much as a check of a change can wait for, and more when its variable says so.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cuts;
mod diffs;
mod floods;
#[expect(dead_code, reason = "the other tests use all of it")]
#[path = "../it/ground.rs"]
mod ground;
#[expect(dead_code, reason = "the other tests use all of it")]
#[path = "../it/faults/invariants.rs"]
mod invariants;
mod journals;
mod kills;
#[expect(dead_code, reason = "the other tests use all of it")]
#[path = "../it/term.rs"]
mod term;
#[expect(dead_code, reason = "the other tests use all of it")]
#[path = "../it/faults/watched.rs"]
mod watched;

/// How much a variable asks for.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
