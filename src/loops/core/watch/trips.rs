//! The iterations that the signals look at: those of the test at work, since the last remedy, in which an actor worked.

use super::policy::Policy;
use super::{Pattern, Sighting};
use crate::loops::core::state::{Iteration, RunState, SnapshotInfo};

/// How many of the last iterations are looked at: what lies further back says nothing about now.
const MOST: usize = 12;

/// An iteration with what its actor left.
#[derive(Clone, Copy)]
pub(super) struct Trip<'a> {
    pub(super) iteration: &'a Iteration,
    pub(super) snapshot: &'a SnapshotInfo,
}

/// The last iterations of the test at work, in order.
pub(super) struct Trips<'a> {
    pub(super) run: &'a RunState,
    pub(super) all: Vec<Trip<'a>>,
}

impl<'a> Trips<'a> {
    pub(super) fn of(run: &'a RunState) -> Self {
        let Some(last) = run.standing().next_back() else { return Self { run, all: Vec::new() } };
        let meant = run.standing().rev().take_while(|trip| trip.number > run.watched.fresh_after);
        let worked = meant.filter(|iteration| iteration.test == last.test).filter_map(|iteration| {
            let snapshot = iteration.snapshot.as_ref()?;
            iteration.actor.as_ref().filter(|actor| actor.ok() && actor.question.is_none())?;
            Some(Trip { iteration, snapshot })
        });
        let mut all: Vec<Trip<'a>> = worked.take(MOST).collect();
        all.reverse();
        Self { run, all }
    }

    /// Whether the last iteration met its test, so that nothing before it matters any more.
    pub(super) fn is_settled(&self) -> bool {
        self.all.last().is_none_or(|trip| trip.iteration.passed)
    }

    /// Those that are over: of an open one it is not known yet what its gates and its critic say.
    pub(super) fn closed(&self) -> Self {
        let all = self.all.iter().filter(|trip| trip.iteration.ended.is_some()).copied().collect();
        Self { run: self.run, all }
    }

    /// How many of the last iterations in a row are `alike`.
    pub(super) fn trailing(&self, alike: impl Fn(&Trip<'a>) -> bool) -> usize {
        self.all.iter().rev().take_while(|trip| alike(trip)).count()
    }

    /// A sighting in the last `count` iterations, if that reaches the pattern's threshold.
    pub(super) fn sighting(
        &self,
        policy: &Policy,
        pattern: Pattern,
        count: usize,
        what: impl FnOnce() -> String,
    ) -> Option<Sighting> {
        policy.count(pattern).filter(|threshold| count >= *threshold)?;
        let first = self.all.get(self.all.len().checked_sub(count)?)?.iteration.number;
        Some(Sighting::of_iterations(self.run, pattern, first, count, what()))
    }
}
