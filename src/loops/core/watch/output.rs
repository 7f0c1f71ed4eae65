//! The signal from what an actor says last: the same words, iteration after iteration.

use super::policy::Policy;
use super::trips::Trips;
use super::{Pattern, Sighting};

/// Iterations in a row that ended with the same words, normalised. Words too few to mean anything have no digest.
pub(super) fn same(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let said =
        |trip: &super::trips::Trip<'_>| trip.iteration.actor.as_ref().and_then(|actor| actor.said().map(str::to_owned));
    let last = said(trips.all.last()?)?;
    let alike = trips.trailing(|trip| said(trip).as_ref() == Some(&last));
    trips.sighting(policy, Pattern::SameOutput, alike, || {
        format!("the actor ended {alike} iterations with the same words, but for numbers, times and paths")
    })
}
