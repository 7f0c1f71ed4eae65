//! Rounds: commit what is decided, start what is durable, ask what comes next, until nothing changes.
//!
//! The order inside a round is the law: journal, fold, tell, act.

use super::baseline::BaseGate;
use super::handle::{Accepted, Update};
use super::order::Order;
use super::report::Wish;
use super::task::{Batch, Engine, LiveStep, Reply};
use crate::loops::core::command::Rejected;
use crate::loops::core::event::{Admitted, Event, Parked, Record};
use crate::loops::core::fleet::Ownership;
use crate::loops::core::ids::RunId;
use crate::loops::core::plan::{Next, Work, next};
use crate::loops::core::schedule::{self, Active, Bounds, Place, Waiting};
use crate::loops::core::setback::Setback;
use crate::loops::core::state::{RunState, StepRecord};
use crate::loops::core::step::StepKind;
use crate::loops::core::transition::RunStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;

/// What an operator hears of a request whose journal's disk is full.
const KEPT: &str = "kept; it waits for room on the disk";

impl Engine {
    /// Goes round until every run waits for something outside the engine.
    pub(super) async fn settle(&mut self) {
        loop {
            self.commit_pending().await;
            self.advance().await;
            self.admit();
            if self.pending.is_empty() {
                break;
            }
        }
    }

    async fn commit_pending(&mut self) {
        let mut batches: BTreeMap<RunId, Vec<Record>> = BTreeMap::new();
        let mut replies: Vec<(RunId, Reply)> = Vec::new();
        let at = self.now();
        if let Some(jump) = self.steady.jump(at) {
            let started = self.mine(|state| state.first_admitted.is_some() && !state.is_finished());
            let news = started.into_iter().map(|run| Batch { run, events: vec![jump.into()], reply: None });
            // Before all that has times of the new clock.
            self.pending.splice(..0, news);
        }
        for Batch { run, events, reply } in std::mem::take(&mut self.pending) {
            let records = batches.entry(run).or_default();
            let full = self.full.get(&run).and_then(|waiting| waiting.last());
            let last = records.last().or(full).map(|record| record.seq);
            let last = last.or_else(|| self.fleet.state(run).map(|state| state.seq)).unwrap_or_default();
            records.extend((last + 1..).zip(events).map(|(seq, event)| Record { seq, at, run, event }));
            replies.extend(reply.map(|reply| (run, reply)));
        }
        batches.retain(|run, records| match self.full.get_mut(run) {
            Some(waiting) => {
                waiting.append(records);
                false
            }
            None => !records.is_empty(),
        });
        let committed = self.ledger.commit(batches.into_iter().collect()).await;
        let mut failed: BTreeMap<RunId, String> = BTreeMap::new();
        for (run, records, result) in committed {
            match result {
                Ok(()) => self.committed(run, records),
                Err(error) => {
                    let why = error.to_string();
                    self.not_committed(run, records, error);
                    if !self.full.contains_key(&run) {
                        failed.insert(run, why);
                    }
                }
            }
        }
        for (run, (answer, mut accepted)) in replies {
            // What waits for room is not refused: it is carried out when there is some.
            if self.full.contains_key(&run) {
                accepted.note = Some(KEPT.to_owned());
            }
            let word = match failed.get(&run) {
                None => Ok(accepted),
                Some(why) => Err(Rejected(format!("it could not be journalled: {why}"))),
            };
            let _: Result<(), Result<Accepted, Rejected>> = answer.send(word);
        }
    }

    /// Records are durable: everyone may know, and what they ask for may happen.
    pub(super) fn committed(&mut self, run: RunId, records: Vec<Record>) {
        for record in records {
            self.fleet.apply(&record);
            let record = Arc::new(record);
            self.tell(Update::Record(Arc::clone(&record)));
            match &record.event {
                Event::StepStarted(_) => self.start_step(run),
                Event::Finished(_) => {
                    self.finish(run);
                    self.weigh_failures();
                }
                Event::Reopened(_) => self.forget_summary(run),
                Event::SnapshotTaken(_) => self.look_for_collisions(run),
                Event::Scrapped(_) | Event::Merged(_) => self.look_if_landed(run),
                Event::HeldBehind(_) => self.forget_landing(run),
                event if changes_tests(event) => self.write_tests(run),
                _ => {}
            }
        }
        self.dirty.insert(run);
        self.release_after_chore(run);
        let Some(state) = self.fleet.state(run) else { return };
        let wish = match (state.must_interrupt().is_some(), state.must_freeze()) {
            (true, _) => Wish::Stop,
            (false, true) => Wish::Freeze,
            (false, false) => Wish::Run,
        };
        self.wish(run, wish);
        if self.releasing.remove(&run) {
            self.release(run);
            self.recovered(run);
        }
    }

    /// Asks the core what each run needs that may have changed.
    async fn advance(&mut self) {
        let mut gates: Vec<(RunId, Work)> = Vec::new();
        let mut set_back: BTreeMap<RunId, Setback> = BTreeMap::new();
        for run in std::mem::take(&mut self.dirty) {
            if !self.ledger.owns(run) || self.full.contains_key(&run) || self.has_pending(run) {
                continue;
            }
            let Some(state) = self.fleet.state(run) else { continue };
            if state.status == RunStatus::Running && state.active.is_none() && state.open_iteration().is_none() {
                let news = self.test_files.look(state).await;
                if !news.is_empty() {
                    self.queue(run, news, None);
                    continue;
                }
            }
            match next(state) {
                Next::Wait(_) => {}
                Next::Commit(events) => self.queue(run, events, None),
                Next::SetBack(setback) => drop(set_back.insert(run, setback)),
                Next::Start(work) if matches!(work.kind, StepKind::Gate(_)) => gates.push((run, work)),
                Next::Start(work) => match self.held_back(state, &work) {
                    Some(reason) => self.queue(run, vec![Parked { reason }.into()], None),
                    None => self.announce(run, &work),
                },
            }
        }
        // One in a round: the next has to see how this one is parked.
        if let Some((run, setback)) = set_back.pop_first() {
            self.set_back(run, &setback);
            self.dirty.extend(set_back.into_keys());
        }
        self.grant_gates(gates);
    }

    /// Journals that a step starts; it does when that is durable.
    fn announce(&mut self, run: RunId, work: &Work) {
        let Some(state) = self.fleet.state(run) else { return };
        let dir = self.config.store.run_dir(run);
        let Some(order) = Order::new(state, work, dir, self.now()) else { return };
        self.queue(run, vec![order.announce().into()], None);
        self.starting.insert(run, order);
    }

    /// Gates have a cap of their own; who gets none is asked again when one ends.
    fn grant_gates(&mut self, wanting: Vec<(RunId, Work)>) {
        if wanting.is_empty() {
            return;
        }
        let is_gate = |run: &&RunId| {
            // One that waits for a lock leaves its place to others.
            let runs = |step: &StepRecord| matches!(step.kind, StepKind::Gate(_)) && step.awaits.is_none();
            self.fleet.state(**run).and_then(RunState::active_step).is_some_and(runs)
        };
        let in_use = self.live.keys().filter(is_gate).count();
        let wanting = self.not_twice(wanting);
        let candidates: Vec<Place> =
            wanting.iter().filter_map(|(run, _)| self.fleet.state(*run)).map(Place::of).collect();
        let in_use = u32::try_from(in_use).unwrap_or(u32::MAX);
        let granted = schedule::grant_gates(&candidates, in_use, self.config.gate_cap, self.now());
        for (run, work) in wanting {
            if granted.contains(&run) {
                self.announce(run, &work);
            } else {
                self.waiting_for_gate.insert(run);
            }
        }
    }

    /// Without those who want to run a gate on a base on which another run is running it: they find its result afterwards.
    fn not_twice(&mut self, wanting: Vec<(RunId, Work)>) -> Vec<(RunId, Work)> {
        let at_work = self.live.keys().filter_map(|run| {
            let state = self.fleet.state(*run)?;
            BaseGate::of(state, &state.active_step().filter(|step| step.iteration == 0)?.kind)
        });
        let mut taken: BTreeSet<BaseGate> = at_work.collect();
        let (now, later): (Vec<_>, Vec<_>) = wanting.into_iter().partition(|(run, work)| {
            let state = self.fleet.state(*run).filter(|_| work.iteration == 0);
            state.and_then(|state| BaseGate::of(state, &work.kind)).is_none_or(|gate| taken.insert(gate))
        });
        self.waiting_for_gate.extend(later.into_iter().map(|(run, _)| run));
        now
    }

    fn start_step(&mut self, run: RunId) {
        let Some(order) = self.starting.remove(&run) else { return };
        let (wish, wishes) = watch::channel(Wish::Run);
        self.live.insert(run, LiveStep { step: order.step, wish, output: None });
        self.steps.start(order, wishes, self.reports_in.clone());
    }

    /// Gives slots to the runs whose turn it is.
    fn admit(&mut self) {
        if self.leaving.is_some() || self.loading {
            return;
        }
        let ready = |run: RunId| self.ledger.owns(run) && !self.full.contains_key(&run) && !self.has_pending(run);
        let mine = || self.fleet.runs.values().map(|run| &run.state).filter(|state| ready(state.id));
        let queue: Vec<Waiting<'_>> =
            mine().filter(|state| state.status == RunStatus::Queued).filter_map(Waiting::of).collect();
        if queue.is_empty() {
            return;
        }
        let owned = self.fleet.runs.values().map(|run| &run.state).filter(|state| self.ledger.owns(state.id));
        let mut active: Vec<Active<'_>> = owned.filter_map(Active::of).collect();
        active.iter_mut().for_each(|active| active.slot = self.slots.index(active.slot));
        let bounds = Bounds { caps: &self.config.caps, holds: &self.fleet.holds, now: self.now() };
        for admit in schedule::admit(&queue, &active, bounds) {
            let slot = self.slots.number(admit.slot);
            self.queue(admit.run, vec![Admitted { slot }.into()], None);
        }
    }

    /// A run that goes on is not finished, and its summary would say so.
    fn forget_summary(&self, run: RunId) {
        let dir = self.config.store.run_dir(run);
        self.tracker.spawn_blocking(move || {
            for path in [dir.summary(), dir.report()] {
                if let Err(error) = std::fs::remove_file(&path)
                    && error.kind() != std::io::ErrorKind::NotFound
                {
                    tracing::warn!(path = %path.display(), %error, "old summary not removed");
                }
            }
        });
    }

    /// Gives a run up that is not to be worked on here.
    pub(super) fn release(&mut self, run: RunId) {
        drop(self.ledger.release(run));
        if let Some(entry) = self.fleet.runs.get_mut(&run) {
            entry.ownership = Ownership::Nobody;
            let entry = entry.clone();
            self.tell(Update::Run(Box::new(entry)));
        }
    }

    /// A finished run is taken in hand for what is done to its worktree, and given up when that is over.
    fn release_after_chore(&mut self, run: RunId) {
        if self.fleet.state(run).is_some_and(|state| state.chore.is_none() && state.active.is_none()) {
            self.release_if_idle(run);
        }
    }

    pub(super) fn release_if_idle(&mut self, run: RunId) {
        if self.ledger.owns(run) && self.fleet.state(run).is_some_and(RunState::is_finished) {
            self.release(run);
        }
    }

    fn write_tests(&mut self, run: RunId) {
        if let Some(state) = self.fleet.state(run) {
            self.test_files.write(state, &self.tracker);
        }
    }
}

const fn changes_tests(event: &Event) -> bool {
    matches!(
        event,
        Event::TestStarted(_)
            | Event::TestPassed(_)
            | Event::TestFailed(_)
            | Event::TestBlocked(_)
            | Event::TestSkipped(_)
            | Event::TestWaived(_)
            | Event::TestReset(_)
            | Event::TestRetried(_)
            | Event::TestAdded(_)
            | Event::Rewound(_)
            | Event::Restored(_)
    )
}
