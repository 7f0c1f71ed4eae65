//! All runs that one loopdash knows, as a fold of their records, with who owns each.
//!
//! A front end holds one of these and keeps it current by applying what the engine sends.

use super::alert::Alerts;
use super::budget::{Breach, Budget, DAY, Raises, Used};
use super::collision::Collisions;
use super::event::{Outcome, ParkReason, Record};
use super::hold::{Hold, Holds};
use super::ids::{Millis, RunId};
use super::schedule::{Active, Bounds, Caps, Waiting, WhyWaiting, explain};
use super::state::{RunState, StepOutcome};
use super::step::{InterruptWhy, StepKind};
use super::transition::RunStatus;
use super::usage::Total;
use std::collections::BTreeMap;

/// Who may steer a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This loopdash.
    Mine,
    /// Another live loopdash; shown read-only.
    Other {
        /// Its process, if it left word.
        pid: Option<u32>,
    },
    /// Nobody: finished, or left behind by a loopdash that is gone.
    Nobody,
}

/// A run as the fleet knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetRun {
    /// Its fold.
    pub state: RunState,
    /// Who may steer it.
    pub ownership: Ownership,
    /// Why its journal cannot be read any further, if so.
    pub problem: Option<String>,
}

impl FleetRun {
    /// Whether it works, or waits to, and shows a pattern that nobody has looked at yet.
    pub fn seems_stuck(&self) -> bool {
        let here = self.ownership == Ownership::Mine && self.problem.is_none();
        here && self.state.is_live() && self.state.watched.stuck().is_some()
    }

    /// Whether it was left in the middle of its work and can be taken up.
    pub fn is_interrupted(&self) -> bool {
        self.ownership == Ownership::Nobody && self.problem.is_none() && !self.state.is_finished()
    }
}

/// All runs, and the numbers that hold for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// By id, which is by age.
    pub runs: BTreeMap<RunId, FleetRun>,
    /// Runs that may have a slot at once.
    pub cap: u32,
    /// Gates that may run at once.
    pub gate_cap: u32,
    /// Providers that are held.
    pub holds: Holds,
    /// Runs that may have a slot at once in any one repository; `None` is unlimited.
    pub repo_cap: Option<u32>,
    /// Runs that may have a slot at once with an agent, by its name; an absent one is unlimited.
    pub agent_caps: BTreeMap<String, u32>,
    /// What all runs may use up in 24 hours, as configured.
    pub budget: Budget,
    /// What operators have allowed beyond that.
    pub raises: Raises,
    /// What the live runs meet; one that meets nothing has no entry.
    pub collisions: BTreeMap<RunId, Collisions>,
    /// What has to be known about all of them.
    pub alerts: Alerts,
}

/// How many runs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// With a slot.
    pub running: usize,
    /// Parked for a person, or at work and seemingly stuck.
    pub needs_you: usize,
    /// Waiting for a slot, or for a provider.
    pub queued: usize,
    /// Paused or interrupted.
    pub paused: usize,
    /// Finished done.
    pub done: usize,
    /// Finished otherwise.
    pub ended: usize,
}

/// Why a text names no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nothing matches.
    #[error("no run is called or starts with {0:?}; `loopdash list` shows them")]
    None(String),
    /// More than one does.
    #[error("{text:?} names several runs: {}; type more of the id", .candidates.join(", "))]
    Ambiguous {
        /// What was typed.
        text: String,
        /// Label and short id of each.
        candidates: Vec<String>,
    },
}

impl Fleet {
    /// An empty fleet.
    pub fn new(cap: u32, gate_cap: u32) -> Self {
        let agent_caps = BTreeMap::new();
        let budget = Budget { tokens: None, micro_usd: None, wall_clock_ms: None, iterations: None };
        let holds = Holds::new();
        let raises = Raises::new();
        let (runs, collisions, alerts) = (BTreeMap::new(), BTreeMap::new(), Alerts::default());
        Self { runs, cap, gate_cap, repo_cap: None, agent_caps, holds, budget, raises, collisions, alerts }
    }

    /// Applies a record, making room for a run not seen before as one of mine.
    pub fn apply(&mut self, record: &Record) {
        self.runs
            .entry(record.run)
            .or_insert_with(|| FleetRun { state: RunState::new(record.run), ownership: Ownership::Mine, problem: None })
            .state
            .apply(record);
    }

    /// A run's fold.
    pub fn state(&self, run: RunId) -> Option<&RunState> {
        self.runs.get(&run).map(|entry| &entry.state)
    }

    /// Runs by state, those of other loopdash processes included.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for run in self.runs.values() {
            let place = match run.state.status {
                _ if run.is_interrupted() && run.state.is_live() => &mut counts.paused,
                _ if run.seems_stuck() => &mut counts.needs_you,
                RunStatus::Running | RunStatus::Pausing | RunStatus::Stopping | RunStatus::Frozen => {
                    &mut counts.running
                }
                RunStatus::Parked if run.state.needs_person() => &mut counts.needs_you,
                RunStatus::Queued | RunStatus::Parked => &mut counts.queued,
                RunStatus::Paused => &mut counts.paused,
                RunStatus::Finished => match run.state.outcome {
                    Some((Outcome::Done, _)) => &mut counts.done,
                    _ => &mut counts.ended,
                },
            };
            *place += 1;
        }
        counts
    }

    /// Slots in use by my runs.
    pub fn slots_in_use(&self) -> usize {
        self.runs.values().filter(|run| run.ownership == Ownership::Mine && run.state.slot.is_some()).count()
    }

    /// What all runs have used in the 24 hours before `now`, by the ends of their steps and iterations; of time that in
    /// which agents worked.
    pub fn used(&self, now: Millis) -> Used {
        let mut total = Total::default();
        let mut used = Used::default();
        let since = Millis(now.0.saturating_sub(DAY));
        // The last ones come first: a run's steps are in order, and most of a long run's are of other days.
        let recent = self
            .states()
            .flat_map(|state| state.steps.iter().rev().take_while(|step| step.ended.is_none_or(|at| at > since)));
        for step in recent.filter(|step| matches!(step.kind, StepKind::Actor | StepKind::Critic)) {
            step.add_to(&mut total);
            // When a step ended that a crash cut off, nobody knows.
            let crashed = matches!(step.end, Some(StepOutcome::Interrupted { why: InterruptWhy::Crash, .. }));
            let worked = step.ended.filter(|_| !crashed).map_or(0, |ended| ended.since(step.started));
            used.wall_clock_ms = used.wall_clock_ms.saturating_add(worked);
        }
        let recent = self
            .states()
            .flat_map(|state| state.iterations.iter().rev().take_while(|one| one.ended.is_none_or(|at| at > since)));
        used.iterations = recent.filter(|iteration| iteration.counted).count() as u64;
        Used { usage: total.known, ..used }
    }

    /// The budgets of all runs that are used up.
    pub fn breaches(&self, now: Millis) -> impl Iterator<Item = Breach> {
        // What was used is looked for only where there is a budget.
        let budget = Some(self.raises.over(self.budget, now)).filter(|budget| *budget != Budget::default());
        budget.into_iter().flat_map(move |budget| budget.breaches(&self.used(now)))
    }

    /// The held provider that keeps a run from starting its agents, and the hold.
    pub fn held_provider<'a>(&'a self, run: &'a RunState, now: Millis) -> Option<(&'a str, &'a Hold)> {
        let mut providers = run.spec.as_deref()?.providers();
        providers.find_map(|provider| Some((provider, self.holds.get(provider, now)?)))
    }

    /// The limits that keep my queued runs waiting; a run without one is about to start, or waits for a pause to end.
    pub fn held(&self, now: Millis) -> BTreeMap<RunId, WhyWaiting> {
        let mine = || self.runs.values().filter(|run| run.ownership == Ownership::Mine).map(|run| &run.state);
        let active: Vec<Active<'_>> = mine().filter_map(Active::of).collect();
        let caps = Caps { engine: self.cap, repository: self.repo_cap, agents: self.agent_caps.clone() };
        let queued = mine().filter(|state| state.status == RunStatus::Queued).filter_map(Waiting::of);
        explain(queued, &active, Bounds { caps: &caps, holds: &self.holds, now })
    }

    /// The run that `text` names: a label, else a unique prefix of an id, else a unique prefix of a label.
    ///
    /// # Errors
    /// [`FindError`] lists the candidates.
    pub fn find(&self, text: &str) -> Result<RunId, FindError> {
        let ways: [&dyn Fn(&RunState) -> bool; 3] =
            [&|state| state.label == text, &|state| state.id.matches(text), &|state| {
                !text.is_empty() && state.label.starts_with(text)
            }];
        let found = ways.iter().map(|fits| self.states().filter(|state| fits(state)).collect::<Vec<_>>());
        let hits = found.into_iter().find(|hits| !hits.is_empty()).unwrap_or_default();
        match hits.as_slice() {
            [] => Err(FindError::None(text.to_owned())),
            [one] => Ok(one.id),
            several => Err(FindError::Ambiguous {
                text: text.to_owned(),
                candidates: several.iter().map(|state| format!("{} ({})", state.label, state.id.short())).collect(),
            }),
        }
    }

    fn states(&self) -> impl Iterator<Item = &RunState> {
        self.runs.values().map(|run| &run.state)
    }

    /// The label of the next run of a loop: its name, or `name#2` and so on if that is taken.
    pub fn label_for(&self, name: &str) -> String {
        let taken = |label: &str| self.states().any(|state| state.label == label);
        if !taken(name) {
            return name.to_owned();
        }
        (2u32..).map(|n| format!("{name}#{n}")).find(|label| !taken(label)).unwrap_or_else(|| name.to_owned())
    }
}

/// The word that says why a parked run needs a person.
pub fn park_word(reason: &ParkReason) -> &'static str {
    match reason {
        ParkReason::NeedsHuman { .. } => "question",
        ParkReason::Attention { kind, .. } => kind.word(),
        ParkReason::Blocked { .. } => "tests blocked",
        ParkReason::Budget { which, .. } => which.word(),
        ParkReason::Behind { .. } => "behind",
        ParkReason::Limit { class, .. } | ParkReason::Account { class, .. } => class.word(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn fleet(labels: &[&str]) -> Fleet {
        let mut fleet = Fleet::new(1, 1);
        for (n, label) in labels.iter().enumerate() {
            let id = RunId::parse(&format!("01935b1e-0000-7000-8000-{n:012}")).unwrap();
            let state = RunState { label: (*label).to_owned(), ..RunState::new(id) };
            fleet.runs.insert(id, FleetRun { state, ownership: Ownership::Mine, problem: None });
        }
        fleet
    }

    #[test]
    fn a_run_is_found_by_label_id_or_a_prefix_of_either() {
        let fleet = fleet(&["auth", "auth#2", "docs"]);
        let label = |text: &str| fleet.find(text).map(|run| fleet.state(run).unwrap().label.clone());
        assert_eq!(label("auth").unwrap(), "auth", "a whole label beats a prefix");
        assert_eq!(label("d").unwrap(), "docs");
        assert_eq!(label("01935b1e-0000-7000-8000-000000000001").unwrap(), "auth#2");
        assert!(matches!(label("au"), Err(FindError::Ambiguous { candidates, .. }) if candidates.len() == 2));
        assert!(matches!(label("01935b1e"), Err(FindError::Ambiguous { .. })));
        assert!(matches!(label(""), Err(FindError::None(_))));
        assert_eq!(fleet.label_for("auth"), "auth#3");
        assert_eq!(fleet.label_for("new"), "new");
    }
}
