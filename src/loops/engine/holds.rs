//! Runs that wait for a provider: parked, held together, and woken when their time has come or somebody lifts the hold.
//!
//! What holds is a fact of the fleet, told to every loopdash of the box. One timer serves all who wait.

use super::handle::Update;
use super::prepare::AfterAdopt;
use super::task::{Engine, Inner};
use crate::loops::core::budget::{Breach, Resource};
use crate::loops::core::event::{ParkReason, Parked, Unparked};
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::hold::{Hold, Holds, judge};
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::plan::Work;
use crate::loops::core::setback::Setback;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::state::RunState;
use crate::loops::core::step::{StepEnd, StepKind};
use crate::loops::core::transition::RunStatus;
use crate::loops::journal::fleet::{self, FleetFact, FleetRecord};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest sleep at a stretch: a timer stands still while the machine sleeps, and the wall clock does not.
const NAP: Duration = Duration::from_secs(60);

/// Facts on their way to the file: they stand there in the order in which they came about, and the engine waits for none.
#[derive(Debug, Default)]
pub(super) struct Facts {
    waiting: Mutex<VecDeque<FleetRecord>>,
    writing: Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever held it left a whole queue behind, whatever happened to it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Parks a run whose agent could not work, and holds the provider if it is the provider's trouble.
    pub(super) fn set_back(&mut self, run: RunId, setback: &Setback) {
        let others = self.fleet.runs.values().filter(|run| run.ownership != Ownership::Nobody).map(|run| &run.state);
        let (reason, hold) = judge(run, setback, dice(), &self.fleet.holds, others);
        self.queue(run, vec![Parked { reason }.into()], None);
        if let Some(hold) = hold {
            let fact = FleetFact::ProviderHeld { provider: setback.provider.clone(), hold: hold.clone() };
            self.say_hold(&setback.provider, Some(hold), fact);
        }
    }

    /// What a run is parked for instead of starting `work`: the fleet's budget is used up, or its agent's provider held.
    pub(super) fn held_back(&self, state: &RunState, work: &Work) -> Option<ParkReason> {
        let provider = provider(state.spec.as_deref()?, &work.kind)?;
        // An iteration that has begun may be judged.
        let stops = |breach: &Breach| breach.which != Resource::Iterations || work.kind == StepKind::Actor;
        if let Some(breach) = self.fleet.breaches(self.now()).find(stops) {
            return Some(ParkReason::budget(breach, true));
        }
        let Hold { class, detail, until } = self.fleet.holds.get(provider, self.now())?.clone();
        Some(ParkReason::Limit { until, provider: provider.to_owned(), class, detail })
    }

    /// Starts a provider's agents again and wakes those who wait for it. Whether anything waited.
    pub(super) fn lift(&mut self, provider: &str, who: Who) -> bool {
        let held = self.fleet.holds.get(provider, self.now()).is_some();
        if held {
            let fact = FleetFact::ProviderFreed { provider: provider.to_owned(), who };
            self.say_hold(provider, None, fact);
        }
        self.wake_all(who, |state| state.awaited_provider() == Some(provider)) || held
    }

    /// An agent that worked shows that its login and account are in order.
    pub(super) fn step_worked(&mut self, run: RunId, end: &StepEnd) {
        let Some(state) = self.fleet.state(run).filter(|_| end.ok()) else { return };
        let step = state.active_step().map(|step| &step.kind);
        let Some(provider) = state.spec.as_deref().zip(step).and_then(|(spec, kind)| provider(spec, kind)) else {
            return;
        };
        if self.fleet.holds.get(provider, self.now()).is_some_and(|hold| hold.until.is_none()) {
            let provider = provider.to_owned();
            self.lift(&provider, Who::Harness);
        }
    }

    fn say_hold(&mut self, provider: &str, hold: Option<Hold>, fact: FleetFact) {
        let at = self.now();
        if self.fleet.holds.hear(provider, at, hold) {
            self.tell(Update::Holds(self.fleet.holds.clone()));
            self.record_fact(at, fact);
        }
    }

    /// Notes a fact where the few facts about no run are kept.
    pub(super) fn record_fact(&self, at: Millis, fact: FleetFact) {
        let (store, facts) = (self.config.store.clone(), Arc::clone(&self.facts));
        lock(&facts.waiting).push_back(FleetRecord { at, fact });
        self.tracker.spawn_blocking(move || {
            let _turn = lock(&facts.writing);
            let Some(record) = lock(&facts.waiting).pop_front() else { return };
            if let Err(error) = fleet::append(&store, &record) {
                tracing::warn!(%error, "fleet journal not written");
            }
        });
    }

    /// Reads the fleet's facts off the engine's task, then comes back as [`Inner::Facts`].
    pub(super) fn spawn_read_facts(&self) {
        let store = self.config.store.clone();
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            let read = tokio::task::spawn_blocking(move || fleet::read(&store)).await;
            if let Ok(Ok(facts)) = read {
                let _ = inner.send(Inner::Facts(facts)).await;
            }
        });
    }

    /// Reads the fleet's facts before anything can start.
    pub(super) async fn read_facts(&mut self) {
        let store = self.config.store.clone();
        if let Ok(Ok(facts)) = tokio::task::spawn_blocking(move || fleet::read(&store)).await {
            self.fleet.holds = facts.holds();
            self.fleet.raises = facts.raises();
            self.fleet.alerts = facts.alerts();
        }
    }

    /// Takes in what stands in the fleet's file; who waits for a provider that somebody freed goes on.
    pub(super) fn hear_holds(&mut self, holds: &Holds) {
        let now = self.now();
        let held: Vec<String> = self.fleet.holds.in_force(now).map(|(provider, _)| provider.to_owned()).collect();
        if !self.fleet.holds.join(holds) {
            return;
        }
        self.tell(Update::Holds(self.fleet.holds.clone()));
        for provider in held {
            if self.fleet.holds.get(&provider, now).is_none() {
                self.wake_all(Who::Harness, |state| state.awaited_provider() == Some(provider.as_str()));
            }
        }
    }

    /// How long until somebody's time has come; `None` while nobody waits for one.
    pub(super) fn nap(&self) -> Option<Duration> {
        if self.leaving.is_some() {
            return None;
        }
        let now = self.now();
        let parked = self.fleet.runs.values().filter(|run| self.may_wake(run)).filter_map(|run| run.state.wakes());
        let queued = || self.mine(|state| state.status == RunStatus::Queued);
        let held = self.fleet.holds.next_end(now).filter(|_| !queued().is_empty());
        let next = parked.chain(held).chain(self.next_look(now)).min()?;
        Some(Duration::from_millis(next.since(now)).min(NAP))
    }

    /// Wakes those whose time has come. Who waits for a slot behind a hold is asked again by the round that follows.
    pub(super) fn wake(&mut self) {
        let now = self.now();
        self.look(now);
        self.wake_all(Who::Harness, |state| state.wakes().is_some_and(|until| until <= now));
    }

    /// Lets parked runs go on that fit; those that nobody owns are taken up first. Whether there were any.
    fn wake_all(&mut self, who: Who, fits: impl Fn(&RunState) -> bool) -> bool {
        let fitting = self.fleet.runs.values().filter(|run| self.may_wake(run) && fits(&run.state));
        let woken: Vec<RunId> = fitting.map(|run| run.state.id).collect();
        for run in &woken {
            if self.ledger.owns(*run) {
                self.queue(*run, vec![Unparked { who }.into()], None);
            } else {
                self.waking.insert(*run);
                self.spawn_adopt(*run, AfterAdopt::Wake(who));
            }
        }
        !woken.is_empty()
    }

    /// Whether a run may be made to go on: it is mine, or nobody's and this loopdash takes up what waits.
    fn may_wake(&self, run: &FleetRun) -> bool {
        let id = run.state.id;
        if self.leaving.is_some()
            || run.problem.is_some()
            || run.state.taken_over
            || run.state.awaited_provider().is_none()
        {
            return false;
        }
        match run.ownership {
            Ownership::Mine => self.ledger.owns(id) && !self.full.contains_key(&id) && !self.has_pending(id),
            Ownership::Nobody => {
                self.takes_up && !self.loading && !self.waking.contains(&id) && !run.state.needs_person()
            }
            Ownership::Other { .. } => false,
        }
    }
}

/// The provider of the agent that does this step.
fn provider<'a>(spec: &'a LoopSpec, kind: &StepKind) -> Option<&'a str> {
    match kind {
        StepKind::Actor => Some(spec.actor.provider()),
        StepKind::Critic => spec.critic.as_ref().map(|critic| critic.provider()),
        _ => None,
    }
}

/// Random enough to spread who tries again when: bits of a new version 7 UUID.
fn dice() -> u64 {
    (uuid::Uuid::now_v7().as_u128() & u128::from(u32::MAX)) as u64
}
