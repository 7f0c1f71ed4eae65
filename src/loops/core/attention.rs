//! What needs a person, across all runs: [`needs`], by urgency and then by age.
//!
//! A run that waits for a person comes first, as nothing of it goes on; then one that seems stuck, which costs; then what
//! only has to be known.

mod edges;

pub use edges::Edges;

use super::alert::{Alert, AlertKind};
use super::event::ParkReason;
use super::fleet::{Fleet, FleetRun, Ownership};
use super::hold::Hold;
use super::ids::{Millis, RunId};
use super::state::RunState;
use super::watch::{Pattern, Raised};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Need<'a> {
    /// Which run; `None` for the fleet.
    pub run: Option<&'a FleetRun>,
    /// Why.
    pub why: Why<'a>,
    /// Since when.
    pub since: Millis,
}

/// Why a person is needed.
#[derive(Clone, Debug, PartialEq)]
pub enum Why<'a> {
    /// The run waits for them; without a reason only in a damaged journal.
    Parked(Option<&'a ParkReason>),
    /// Its journal cannot be read.
    Unreadable(&'a str),
    /// It seems stuck: all its open signals, the gravest first.
    Stuck(Vec<&'a Raised>),
    /// Something about it has to be known.
    Told(&'a Raised),
    /// A provider is held until somebody lifts that, and no run here asks for it.
    Held {
        /// Which.
        provider: &'a str,
        /// Why.
        hold: &'a Hold,
    },
    /// Something about the fleet has to be known.
    Alert(&'a Alert),
}

/// Tells one need from the others, for as long as there is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeedKey {
    /// A run that waits, or cannot be read.
    Waits(RunId),
    /// A run that seems stuck.
    Stuck(RunId),
    /// Something to be known about a run.
    Told(RunId, Pattern),
    /// A held provider, by a digest of its name.
    Held(u64),
    /// Something to be known about the fleet.
    Alert(AlertKind),
}

impl Need<'_> {
    /// Which one it is.
    pub fn key(&self) -> Option<NeedKey> {
        let run = self.run.map(|run| run.state.id);
        match (&self.why, run) {
            (Why::Parked(_) | Why::Unreadable(_), Some(run)) => Some(NeedKey::Waits(run)),
            (Why::Stuck(_), Some(run)) => Some(NeedKey::Stuck(run)),
            (Why::Told(raised), Some(run)) => Some(NeedKey::Told(run, raised.sighting.pattern)),
            (Why::Held { provider, .. }, _) => {
                let mut hasher = DefaultHasher::new();
                provider.hash(&mut hasher);
                Some(NeedKey::Held(hasher.finish()))
            }
            (Why::Alert(alert), _) => Some(NeedKey::Alert(alert.kind)),
            _ => None,
        }
    }

    const fn urgency(&self) -> u8 {
        match &self.why {
            Why::Alert(Alert { kind: AlertKind::Disk | AlertKind::Memory, .. }) => 0,
            Why::Parked(Some(ParkReason::NeedsHuman { .. })) => 1,
            Why::Parked(_) | Why::Unreadable(_) | Why::Held { .. } => 2,
            Why::Stuck(_) => 3,
            Why::Alert(_) => 4,
            Why::Told(_) => 5,
        }
    }
}

/// All that needs a person, the most urgent first and of these the oldest.
pub fn needs(fleet: &Fleet) -> Vec<Need<'_>> {
    let mut needs: Vec<Need<'_>> =
        fleet.alerts.open().map(|alert| Need { run: None, why: Why::Alert(alert), since: alert.since }).collect();
    needs.extend(fleet.runs.values().flat_map(|entry| of_run(fleet, entry)));
    let held: Vec<Need<'_>> =
        fleet.holds.until_lifted().filter(|(provider, ..)| !is_asked(&needs, provider)).map(of_hold).collect();
    needs.extend(held);
    needs.sort_by_key(|need| (need.urgency(), need.since, need.run.map(|run| run.state.id)));
    needs
}

/// Whether one of the needs is that of a run here that asks for this provider; solving that frees it for all.
fn is_asked(needs: &[Need<'_>], held: &str) -> bool {
    let here = |need: &Need<'_>| need.run.is_some_and(|run| !matches!(run.ownership, Ownership::Other { .. }));
    needs
        .iter()
        .filter(|need| here(need))
        .any(|need| matches!(need.why, Why::Parked(Some(ParkReason::Account { provider, .. })) if provider == held))
}

const fn of_hold<'a>((provider, since, hold): (&'a str, Millis, &'a Hold)) -> Need<'a> {
    Need { run: None, why: Why::Held { provider, hold }, since }
}

/// What one run needs.
fn of_run<'a>(fleet: &Fleet, entry: &'a FleetRun) -> Vec<Need<'a>> {
    let state = &entry.state;
    let (run, since) = (Some(entry), state.status_since);
    if state.is_finished() {
        return Vec::new();
    }
    if let Some(problem) = &entry.problem {
        return vec![Need { run, why: Why::Unreadable(problem), since }];
    }
    if waits(fleet, state) {
        return vec![Need { run, why: Why::Parked(state.park.as_ref()), since }];
    }
    signals(entry)
}

/// What its signals say, as if nothing graver hid them.
fn signals(entry: &FleetRun) -> Vec<Need<'_>> {
    let run = Some(entry);
    let open: Vec<&Raised> = entry.state.watched.open().collect();
    let (stuck, told): (Vec<&Raised>, Vec<&Raised>) =
        open.into_iter().partition(|raised| raised.sighting.pattern.stuck());
    let told = told.into_iter().map(|raised| Need { run, why: Why::Told(raised), since: raised.at });
    let oldest = stuck.iter().map(|raised| raised.at).min();
    oldest.map(|since| Need { run, why: Why::Stuck(stuck), since }).into_iter().chain(told).collect()
}

/// Whether a run waits for a person: it asks, or is held behind one that has ended and is not merged yet, for loopdash does
/// not merge.
fn waits(fleet: &Fleet, state: &RunState) -> bool {
    let unlanded = || fleet.collisions.get(&state.id).is_some_and(|met| met.unlanded.is_some());
    state.needs_person() || matches!(state.park, Some(ParkReason::Behind { .. })) && unlanded()
}

/// The keys of what a run would need besides, were it not waiting or unreadable.
fn hidden(fleet: &Fleet, entry: &FleetRun) -> Vec<NeedKey> {
    let hides = !entry.state.is_finished() && (entry.problem.is_some() || waits(fleet, &entry.state));
    if hides { signals(entry).iter().filter_map(Need::key).collect() } else { Vec::new() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::activity::FailureClass;
    use crate::loops::core::event::{Event, Parked, Record, SignalCleared, SignalRaised, SignalSeen};
    use crate::loops::core::ids::Who;
    use crate::loops::core::transition::RunStatus;
    use crate::loops::core::watch::{Cost, Sighting};

    pub(super) fn entry(n: u64, status: RunStatus) -> FleetRun {
        let id = RunId::parse(&format!("01935b1e-0000-7000-8000-{n:012}")).unwrap();
        let state = RunState { label: format!("r{n}"), status, status_since: Millis(n), ..RunState::new(id) };
        FleetRun { state, ownership: Ownership::Mine, problem: None }
    }

    pub(super) fn raise(entry: &mut FleetRun, pattern: Pattern, at: u64) {
        let what = "nothing".to_owned();
        let sighting = Sighting { pattern, what, since: Millis(at), first: 1, iterations: 3, cost: Cost::default() };
        let event = SignalRaised { sighting: Box::new(sighting) }.into();
        entry.state.apply(&Record { seq: 1, at: Millis(at), run: entry.state.id, event });
    }

    pub(super) fn parked(entry: &mut FleetRun, at: u64) {
        let reason = ParkReason::NeedsHuman { question: "which?".to_owned(), from: Who::Actor };
        let (run, event) = (entry.state.id, Parked { reason }.into());
        entry.state.apply(&Record { seq: 1, at: Millis(at), run, event });
    }

    pub(super) fn put(fleet: &mut Fleet, run: RunId, event: Event) {
        fleet.apply(&Record { seq: 1, at: Millis(1), run, event });
    }

    pub(super) fn seen(pattern: Pattern) -> Event {
        SignalSeen { pattern, who: Who::Operator }.into()
    }

    pub(super) fn cleared(pattern: Pattern) -> Event {
        SignalCleared { pattern }.into()
    }

    #[test]
    fn who_waits_comes_before_who_is_stuck_and_that_before_what_is_only_told() {
        let mut fleet = Fleet::new(3, 1);
        let mut told = entry(1, RunStatus::Running);
        raise(&mut told, Pattern::LongRun, 2);
        let mut stuck = entry(2, RunStatus::Running);
        raise(&mut stuck, Pattern::NoChange, 50);
        raise(&mut stuck, Pattern::SameFailures, 40);
        let mut waits = entry(3, RunStatus::Running);
        parked(&mut waits, 90);
        let well = entry(4, RunStatus::Running);
        for entry in [told, stuck, waits, well] {
            fleet.runs.insert(entry.state.id, entry);
        }
        fleet.alerts.raise(AlertKind::Disk, "1 GB left", Millis(99));
        let listed: Vec<(String, u64)> = needs(&fleet)
            .iter()
            .map(|need| (need.run.map_or_else(|| "fleet".to_owned(), |run| run.state.label.clone()), need.since.0))
            .collect();
        let expected = [("fleet", 99), ("r3", 90), ("r2", 40), ("r1", 2)].map(|(name, at)| (name.to_owned(), at));
        assert_eq!(listed, expected);
        let signals = needs(&fleet).into_iter().find_map(|need| match need.why {
            Why::Stuck(raised) => Some(raised.iter().map(|raised| raised.sighting.pattern).collect::<Vec<_>>()),
            _ => None,
        });
        assert_eq!(signals.unwrap(), [Pattern::NoChange, Pattern::SameFailures]);
        fleet.alerts.see(AlertKind::Disk);
        assert_eq!(needs(&fleet).len(), 3);
    }

    #[test]
    fn a_provider_held_for_a_person_needs_one_exactly_while_no_run_asks_for_it() {
        let mut fleet = Fleet::new(3, 1);
        let account = |provider: &str| {
            let (provider, detail) = (provider.to_owned(), "logged out".to_owned());
            ParkReason::Account { provider, class: FailureClass::Auth, detail }
        };
        let mut asks = entry(1, RunStatus::Running);
        let event = Parked { reason: account("p") }.into();
        asks.state.apply(&Record { seq: 1, at: Millis(1), run: asks.state.id, event });
        let run = asks.state.id;
        fleet.runs.insert(run, asks);
        let hold = |until| Some(Hold { class: FailureClass::Auth, detail: "logged out".to_owned(), until });
        fleet.holds.hear("p", Millis(5), hold(None));
        fleet.holds.hear("q", Millis(6), hold(Some(Millis(900))));
        let held = |fleet: &Fleet| {
            let all = needs(fleet).into_iter().filter_map(|need| match need.why {
                Why::Held { provider, .. } => Some((provider.to_owned(), need.since.0, need.key())),
                _ => None,
            });
            all.collect::<Vec<_>>()
        };
        assert_eq!(held(&fleet), [], "the run asks");
        fleet.runs.get_mut(&run).unwrap().state.status = RunStatus::Finished;
        let found = held(&fleet);
        assert_eq!(
            found.iter().map(|(provider, since, _)| (provider.as_str(), *since)).collect::<Vec<_>>(),
            [("p", 5)]
        );
        assert!(matches!(found[0].2, Some(NeedKey::Held(_))));
        fleet.holds.hear("p", Millis(7), None);
        assert_eq!(held(&fleet), [], "lifted");
    }
}
