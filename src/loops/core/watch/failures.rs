//! The signal from the gates: the same tests fail, or, where nobody can name them, a gate fails in the same way.

use super::policy::Policy;
use super::trips::{Trip, Trips};
use super::{Pattern, Sighting};
use crate::loops::core::state::GateRun;

/// Names that the evidence tells.
const MOST_NAMED: usize = 5;

/// What is compared of a gate that failed.
#[derive(PartialEq, Eq)]
enum Failure<'a> {
    /// The tests that newly fail, in the order of their names: all that failed are known by name.
    Tests(Vec<&'a str>),
    /// The digest of what it printed last.
    Output(&'a str),
    /// Nothing is known of it.
    Unknown,
}

fn failure(gate: &GateRun) -> Failure<'_> {
    match gate.tests.as_deref().filter(|tests| tests.all_named() && !tests.new.is_empty()) {
        Some(tests) => {
            let mut names: Vec<&str> = tests.new.iter().map(String::as_str).collect();
            names.sort_unstable();
            Failure::Tests(names)
        }
        None => gate.digest.as_deref().map_or(Failure::Unknown, Failure::Output),
    }
}

/// How an iteration's required gates failed.
fn failed<'a>(trip: &Trip<'a>) -> Vec<(&'a str, Failure<'a>)> {
    trip.iteration.failed_gates().map(|gate| (gate.name.as_str(), failure(gate))).collect()
}

/// Iterations in a row with the same failures. A gate that fails in another way has moved.
pub(super) fn same(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let trips = &trips.closed();
    let last = failed(trips.all.last()?);
    // Without names or output nobody can say that a failure is the same.
    if last.is_empty() || last.iter().any(|(_, failure)| *failure == Failure::Unknown) {
        return None;
    }
    let alike = trips.trailing(|trip| failed(trip) == last);
    trips.sighting(policy, Pattern::SameFailures, alike, || {
        let gates: Vec<String> =
            trips.all.last().into_iter().flat_map(|trip| trip.iteration.failed_gates()).map(told).collect();
        format!("{alike} iterations fail in the same way: {}", gates.join("; "))
    })
}

/// `tests (exit 101)`, and which tests those are.
fn told(gate: &GateRun) -> String {
    let head = format!("{} ({})", gate.name, gate.outcome.word());
    let Failure::Tests(names) = failure(gate) else { return head };
    let more = match names.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{head}: {}{more}", names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", "))
}
