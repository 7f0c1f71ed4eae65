//! The signal from what an actor says last: the same words, iteration after iteration, and nothing comes of them.

use super::policy::Policy;
use super::trips::{Trip, Trips};
use super::{Pattern, Sighting, left};

/// Iterations in a row that ended with the same words, normalised. Words too few to mean anything have no digest; and an
/// actor that words its progress always in the same way makes progress: it has claimed completion in vain each time, or
/// changed nothing, and no less is wrong than at first.
pub(super) fn same(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let trips = &trips.closed();
    let last = said(trips.all.last()?)?;
    let alike = trips.trailing(|trip| said(trip) == Some(last) && (claimed(trip) || !trip.snapshot.moved));
    let first = trips.all.get(trips.all.len() - alike)?.iteration.number;
    let seen = trips.sighting(policy, Pattern::SameOutput, alike, || {
        format!("the actor ended {alike} iterations with the same words, but for numbers, times and paths")
    })?;
    let (left, last) = (left(trips.run), trips.all.last()?.iteration.number);
    let wrong = |at: u32| left.iter().find(|(one, _)| one.number == at)?.1.map(|left| left.wrong());
    (wrong(last) >= wrong(first)).then_some(seen)
}

fn said<'a>(trip: &Trip<'a>) -> Option<&'a str> {
    trip.iteration.actor.as_ref()?.said()
}

fn claimed(trip: &Trip<'_>) -> bool {
    trip.iteration.actor.as_ref().is_some_and(|actor| actor.claim)
}
