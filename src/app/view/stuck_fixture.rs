//! A fleet in which a run seems stuck, another has been at work for long, and many runs fail.
//!
//! For snapshots of the list and of what needs the operator, and for tests of the keys that solve it.

use super::fixture::{Life, busy};
use crate::loops::core::alert::AlertKind;
use crate::loops::core::event::{RemedyTaken, SignalRaised};
use crate::loops::core::fleet::{Fleet, FleetRun, Ownership};
use crate::loops::core::ids::{Millis, Who};
use crate::loops::core::step::{StepKind, Usage};
use crate::loops::core::watch::{Cost, Pattern, Remedy, Sighting};

/// The busy fleet with those three.
pub fn stuck() -> Fleet {
    let mut fleet = busy();
    let mut life = Life::new("sql-migrate", 70, Vec::new());
    life.after(1_000).admit(3);
    for _ in 1..=4 {
        life.iterate("objective", 1).act(30).gate("tests", 101, 9).fail("objective", 1, "gate tests: exit 101");
    }
    let since = life.state().iterations.first().map_or(Millis(0), |first| first.started);
    let usage = Usage { input: Some(400_000), cached: None, output: Some(31_000), micro_usd: Some(1_900_000) };
    let sighting = |pattern, what: &str, first, iterations| {
        let cost = Cost { ms: 24 * 60_000, usage };
        SignalRaised { sighting: Box::new(Sighting { pattern, what: what.to_owned(), since, first, iterations, cost }) }
    };
    let (pattern, who) = (Pattern::SameFailures, Who::Harness);
    let what = "2 fail".to_owned();
    life.put(RemedyTaken { remedy: Remedy::Note, pattern: Some(pattern), test: None, what, who });
    life.put(sighting(pattern, "4 iterations fail in the same way: tests (exit 101)", 1, 4));
    let back = "i4 has the content of i2 again; 2 of the last 4 iterations came back to earlier content";
    life.put(sighting(Pattern::TreeAgain, back, 2, 3));
    life.iterate("objective", 5);
    life.begin(StepKind::Actor, Some("claude"));
    let mut long = Life::new("e2e-flakes", 130, Vec::new());
    long.after(1_000).admit(4).iterate("objective", 1);
    long.begin(StepKind::Actor, Some("claude"));
    long.put(sighting(Pattern::LongRun, "at work for 2h5m", 1, 1));
    for life in [life, long] {
        let state = life.state();
        assert_eq!(state.refused, 0, "{} is no legal life", state.label);
        fleet.runs.insert(state.id, FleetRun { state, ownership: Ownership::Mine, problem: None });
    }
    let what = "4 of the last 10 finished runs failed: css-grid, dead-code, i18n-de, docs";
    fleet.alerts.raise(AlertKind::FailureRate, what, Millis(super::fixture::NOW.0 - 9 * 60_000));
    fleet
}
