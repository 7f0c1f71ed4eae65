//! The edges into the list of what needs a person: [`Edges`]. Bell, notification and command all go by them.
//!
//! An edge is a key that was not there before. What is found with a run, or at the start, is none; nor is what was hidden
//! for as long as its run waited.

use super::{Need, NeedKey, hidden, needs};
use crate::loops::core::fleet::Fleet;
use crate::loops::core::ids::RunId;
use std::collections::{BTreeSet, HashSet};

/// What the list held when it was last looked at.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    keys: HashSet<NeedKey>,
    runs: BTreeSet<RunId>,
    began: bool,
}

impl Edges {
    /// What has come to need a person since the last look, in the order of the list. The first look gives nothing.
    pub fn look<'a>(&mut self, fleet: &'a Fleet) -> Vec<Need<'a>> {
        let mut listed = needs(fleet);
        let keys =
            listed.iter().filter_map(Need::key).chain(fleet.runs.values().flat_map(|run| hidden(fleet, run))).collect();
        let before = std::mem::replace(&mut self.keys, keys);
        listed.retain(|need| {
            let known = need.run.is_none_or(|run| self.runs.contains(&run.state.id));
            known && need.key().is_some_and(|key| !before.contains(&key))
        });
        if self.runs.len() != fleet.runs.len() {
            self.runs = fleet.runs.keys().copied().collect();
        }
        if std::mem::replace(&mut self.began, true) { listed } else { Vec::new() }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::tests::{cleared, entry, parked, put, raise, seen};
    use super::*;
    use crate::loops::core::alert::AlertKind;
    use crate::loops::core::event::Unparked;
    use crate::loops::core::fleet::{FleetRun, Ownership};
    use crate::loops::core::ids::{Millis, Who};
    use crate::loops::core::transition::RunStatus;
    use crate::loops::core::watch::Pattern;

    /// A fleet of one run, and its edges, which have been looked at once.
    fn fleet_of(entry: FleetRun) -> (Fleet, RunId, Edges) {
        let (mut fleet, run, mut edges) = (Fleet::new(3, 1), entry.state.id, Edges::default());
        fleet.runs.insert(run, entry);
        assert_eq!(edges.look(&fleet), []);
        (fleet, run, edges)
    }

    fn keys(edges: &mut Edges, fleet: &Fleet) -> Vec<NeedKey> {
        edges.look(fleet).iter().filter_map(Need::key).collect()
    }

    #[test]
    fn a_signal_is_one_edge_until_it_is_cleared_and_raised_again() {
        let (mut fleet, run, mut edges) = fleet_of(entry(1, RunStatus::Running));
        raise(fleet.runs.get_mut(&run).unwrap(), Pattern::NoChange, 5);
        assert_eq!(keys(&mut edges, &fleet), [NeedKey::Stuck(run)]);
        assert_eq!(keys(&mut edges, &fleet), [], "it is still there");
        raise(fleet.runs.get_mut(&run).unwrap(), Pattern::SameFailures, 6);
        assert_eq!(keys(&mut edges, &fleet), [], "another pattern of a run that is listed as stuck");
        put(&mut fleet, run, seen(Pattern::NoChange));
        put(&mut fleet, run, seen(Pattern::SameFailures));
        assert_eq!(keys(&mut edges, &fleet), []);
        put(&mut fleet, run, cleared(Pattern::NoChange));
        assert_eq!(keys(&mut edges, &fleet), []);
        raise(fleet.runs.get_mut(&run).unwrap(), Pattern::NoChange, 7);
        assert_eq!(keys(&mut edges, &fleet), [NeedKey::Stuck(run)]);
        raise(fleet.runs.get_mut(&run).unwrap(), Pattern::LongRun, 8);
        assert!(fleet.alerts.raise(AlertKind::Disk, "1 GB", Millis(9)));
        assert_eq!(keys(&mut edges, &fleet), [NeedKey::Alert(AlertKind::Disk), NeedKey::Told(run, Pattern::LongRun)]);
    }

    #[test]
    fn what_is_found_is_no_edge() {
        let mut stuck = entry(1, RunStatus::Running);
        raise(&mut stuck, Pattern::NoChange, 5);
        let (mut fleet, _, mut edges) = fleet_of(stuck);
        assert_eq!(keys(&mut edges, &fleet), []);
        // A store that is still being read brings runs one by one.
        let mut waits = entry(2, RunStatus::Running);
        let run = waits.state.id;
        parked(&mut waits, 9);
        fleet.runs.insert(run, waits);
        assert_eq!(keys(&mut edges, &fleet), []);
        // The loopdash that had it is gone, and this one took it over.
        fleet.runs.get_mut(&run).unwrap().ownership = Ownership::Nobody;
        assert_eq!(keys(&mut edges, &fleet), []);
    }

    #[test]
    fn a_question_is_an_edge_each_time_and_its_answer_brings_no_old_signal_back() {
        let (mut fleet, run, mut edges) = fleet_of(entry(1, RunStatus::Running));
        raise(fleet.runs.get_mut(&run).unwrap(), Pattern::NoChange, 5);
        assert_eq!(keys(&mut edges, &fleet), [NeedKey::Stuck(run)]);
        for at in [10, 20] {
            parked(fleet.runs.get_mut(&run).unwrap(), at);
            assert_eq!(keys(&mut edges, &fleet), [NeedKey::Waits(run)]);
            put(&mut fleet, run, Unparked { who: Who::Operator }.into());
            fleet.runs.get_mut(&run).unwrap().state.status = RunStatus::Running;
            assert_eq!(needs(&fleet).iter().filter_map(Need::key).collect::<Vec<_>>(), [NeedKey::Stuck(run)]);
            assert_eq!(keys(&mut edges, &fleet), [], "it was known before the question");
        }
    }
}
