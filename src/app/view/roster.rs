//! The list of loops in the order in which the operator reads it: [`roster`].
//!
//! Cursor keys and the list widget both walk this, so what is next on the screen is next for the key.

use crate::loops::core::event::Outcome;
use crate::loops::core::fleet::{Fleet, FleetRun, Ownership};
use crate::loops::core::ids::RunId;
use crate::loops::core::transition::RunStatus;
use std::cmp::Reverse;

/// A heading of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Waiting for a person.
    NeedsYou,
    /// With a slot.
    Running,
    /// Waiting for a slot, or for a provider.
    Queued,
    /// Paused or left behind.
    Paused,
    /// Owned by another loopdash.
    Elsewhere,
    /// Over.
    Ended,
}

impl Section {
    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NeedsYou => "NEEDS YOU",
            Self::Running => "RUNNING",
            Self::Queued => "QUEUED",
            Self::Paused => "PAUSED",
            Self::Elsewhere => "ELSEWHERE",
            Self::Ended => "ENDED",
        }
    }

    /// Where a run is listed.
    pub fn of(run: &FleetRun) -> Self {
        if matches!(run.ownership, Ownership::Other { .. }) && !run.state.is_finished() {
            return Self::Elsewhere;
        }
        if run.problem.is_some() {
            return Self::NeedsYou;
        }
        match run.state.status {
            _ if run.seems_stuck() => Self::NeedsYou,
            RunStatus::Finished => Self::Ended,
            RunStatus::Parked if run.state.needs_person() => Self::NeedsYou,
            RunStatus::Parked => Self::Queued,
            _ if run.is_interrupted() => Self::Paused,
            RunStatus::Paused => Self::Paused,
            RunStatus::Queued => Self::Queued,
            RunStatus::Running | RunStatus::Pausing | RunStatus::Stopping | RunStatus::Frozen => Self::Running,
        }
    }
}

/// The sections that are not empty, each with its runs, after the filter.
pub fn roster(fleet: &Fleet, filter: &str) -> Vec<(Section, Vec<RunId>)> {
    let wanted = filter.trim().to_lowercase();
    let mut rows: Vec<(Section, &FleetRun)> = fleet
        .runs
        .values()
        .filter(|run| wanted.is_empty() || run.state.label.to_lowercase().contains(&wanted))
        .map(|run| (Section::of(run), run))
        .collect();
    rows.sort_by_cached_key(|(section, run)| {
        let state = &run.state;
        let age = (state.created, state.order, state.id);
        let within = match section {
            Section::NeedsYou => {
                let stuck = state.watched.stuck().filter(|_| run.seems_stuck());
                (Reverse(0), stuck.map_or(state.status_since, |raised| raised.at).0)
            }
            Section::Queued => (Reverse(state.priority), 0),
            // What was done comes before what was not, the latest first.
            Section::Ended => {
                let done = matches!(state.outcome, Some((Outcome::Done, _)));
                (Reverse(u8::from(done)), u64::MAX - state.status_since.0)
            }
            Section::Running | Section::Paused | Section::Elsewhere => (Reverse(0), 0),
        };
        (*section, within, age)
    });
    let mut sections: Vec<(Section, Vec<RunId>)> = Vec::new();
    for (section, run) in rows {
        match sections.last_mut() {
            Some((last, runs)) if *last == section => runs.push(run.state.id),
            _ => sections.push((section, vec![run.state.id])),
        }
    }
    sections
}

/// The runs of the roster without headings.
pub fn order(fleet: &Fleet, filter: &str) -> Vec<RunId> {
    roster(fleet, filter).into_iter().flat_map(|(_, runs)| runs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::fixture;

    #[test]
    fn those_who_wait_for_a_person_come_first_and_each_run_once() {
        let fleet = fixture::busy();
        let sections = roster(&fleet, "");
        assert!(sections.is_sorted_by_key(|(section, _)| *section));
        let listed: Vec<RunId> = order(&fleet, "");
        assert_eq!(listed.len(), fleet.runs.len());
        assert_eq!(sections.first().map(|(section, _)| *section), Some(Section::NeedsYou));
    }

    #[test]
    fn the_filter_ignores_case_and_may_leave_nothing() {
        let fleet = fixture::busy();
        assert_eq!(order(&fleet, "FIX-ci").len(), 1);
        assert!(order(&fleet, "no such loop").is_empty());
    }
}
