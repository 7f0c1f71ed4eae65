//! Signals from what the snapshots hold: nothing changes, earlier content comes back, a change is undone in turns.
//!
//! Content is compared by its tree, measured against the loop's base, so that committing work never looks like undoing it.

use super::policy::Policy;
use super::trips::{Trip, Trips};
use super::{Pattern, Sighting};
use std::collections::BTreeMap;

/// Iterations in a row that changed nothing and committed nothing.
pub(super) fn no_change(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    // Work that never began has a limit of its own, after which the run waits for a person.
    let still = trips.trailing(|trip| !trip.snapshot.moved && !trip.snapshot.empty);
    trips.sighting(policy, Pattern::NoChange, still, || {
        let stands = trips.all.last().map(|trip| trip.snapshot);
        let (files, plus, minus) = stands.map_or((0, 0, 0), |s| (s.files, s.insertions, s.deletions));
        format!("nothing has changed for {still} iterations; the work stands at {files} files, +{plus} -{minus}")
    })
}

/// Content that comes back, with other content between.
pub(super) fn again(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let back = returns(trips);
    let (last, of) = *back.last().filter(|(index, _)| index + 1 == trips.all.len())?;
    policy.count(Pattern::TreeAgain).filter(|threshold| back.len() >= *threshold)?;
    let (now, before) = (trips.all.get(last)?, trips.all.get(of)?);
    let first = back.first().and_then(|(_, of)| trips.all.get(*of)).unwrap_or(before).iteration.number;
    let what = format!(
        "i{} has the content of i{} again; {} of the last {} iterations came back to earlier content",
        now.iteration.number,
        before.iteration.number,
        back.len(),
        trips.all.len()
    );
    let count = trips.all.iter().filter(|trip| trip.iteration.number >= first).count();
    Some(Sighting::of_iterations(trips.run, Pattern::TreeAgain, first, count, what))
}

/// Which trips came back to which earlier ones' content.
fn returns(trips: &Trips<'_>) -> Vec<(usize, usize)> {
    let trees: Vec<&str> = trips.all.iter().map(|trip| trip.snapshot.tree.as_str()).collect();
    let back = trees.iter().enumerate().filter_map(|(index, tree)| {
        let before = trees.get(..index)?;
        let differs = before.last().is_some_and(|last| last != tree);
        Some((index, before.iter().rposition(|earlier| earlier == tree).filter(|_| differs)?))
    });
    back.collect()
}

/// One change that is undone again and again.
pub(super) fn undone(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let threshold = policy.count(Pattern::Undone)?;
    let back = returns(trips);
    // Where all came back, that is said already.
    let whole = |index: usize| back.iter().any(|(at, _)| *at == index);
    let mut counts: BTreeMap<&str, Vec<&Trip<'_>>> = BTreeMap::new();
    for (_, trip) in trips.all.iter().enumerate().filter(|(index, _)| !whole(*index)) {
        for hunk in &trip.snapshot.undone {
            counts.entry(&hunk.digest).or_default().push(trip);
        }
    }
    let last = trips.all.last()?;
    let hunk = last.snapshot.undone.iter().find(|hunk| {
        counts.get(hunk.digest.as_str()).is_some_and(|trips| {
            trips.len() >= threshold && trips.last().is_some_and(|at| at.iteration.number == last.iteration.number)
        })
    })?;
    let times = counts.get(hunk.digest.as_str())?;
    let first = times.first()?.iteration.number.saturating_sub(1).max(1);
    let which: Vec<String> = times.iter().map(|trip| format!("i{}", trip.iteration.number)).collect();
    let what = format!("{}:{} is changed and changed back: undone in {}", hunk.path, hunk.line, which.join(", "));
    let count = trips.all.iter().filter(|trip| trip.iteration.number >= first).count();
    Some(Sighting::of_iterations(trips.run, Pattern::Undone, first, count, what))
}
