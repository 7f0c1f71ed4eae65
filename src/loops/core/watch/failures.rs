//! The signal from the gates: the same ones fail in the same way.

use super::policy::Policy;
use super::trips::{Trip, Trips};
use super::{Pattern, Sighting};

/// How an iteration's required gates failed, each with the digest of what it printed.
fn failed<'a>(trip: &Trip<'a>) -> Vec<(&'a str, Option<&'a str>)> {
    trip.iteration.failed_gates().map(|gate| (gate.name.as_str(), gate.digest.as_deref())).collect()
}

/// Iterations in a row with the same failures. A gate that fails in another way has moved.
pub(super) fn same(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let trips = &trips.closed();
    let last = failed(trips.all.last()?);
    // Without its output nobody can say that a failure is the same.
    if last.is_empty() || last.iter().any(|(_, digest)| digest.is_none()) {
        return None;
    }
    let alike = trips.trailing(|trip| failed(trip) == last);
    trips.sighting(policy, Pattern::SameFailures, alike, || {
        let gates: Vec<String> = trips
            .all
            .last()
            .into_iter()
            .flat_map(|trip| trip.iteration.failed_gates())
            .map(|gate| format!("{} ({})", gate.name, gate.outcome.word()))
            .collect();
        format!("{alike} iterations fail in the same way: {}", gates.join(", "))
    })
}
