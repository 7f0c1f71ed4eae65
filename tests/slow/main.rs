//! Tests that take their time: `cargo test --test slow`. The ordinary command leaves them out; `.ci/run` calls both.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "the other tests use all of it")]
#[path = "../it/ground.rs"]
mod ground;
mod kills;
