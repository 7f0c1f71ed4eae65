//! What comes in: requests of front ends, reports of steps, results of helper tasks.
//!
//! A request is decided by the pure core on the state as journalled; its answer is sent when its events are durable.

use super::handle::{Accepted, FrontMessage, Update};
use super::prepare::{AfterAdopt, Prepared};
use super::report::{Ended, Report, Wish};
use super::task::{Engine, Inner, Reply};
use crate::loops::core::command::{Ask, Command, LiveRuns, Rejected, Request};
use crate::loops::core::decide::decide;
use crate::loops::core::event::{
    Event, PauseKind, PauseRequested, Paused, Spawned, StepFinished, StepInterrupted, StopRequested,
};
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::setback::Remedy;
use crate::loops::core::state::RunState;
use crate::loops::core::step::{InterruptWhy, StepEnd};
use crate::loops::core::transition::RunStatus;
use crate::loops::journal::watch::Change;
use tokio::sync::oneshot;

type Answer = oneshot::Sender<Result<Accepted, Rejected>>;

fn refuse(answer: Answer, why: impl Into<String>) {
    // Whoever asked may be gone; then nobody needs the reason.
    let _ = answer.send(Err(Rejected(why.into())));
}

impl Engine {
    pub(super) async fn front(&mut self, message: FrontMessage) {
        match message {
            FrontMessage::Subscribe(answer) => {
                let _ = answer.send(self.subscription());
            }
            FrontMessage::Request(request, answer) => self.request(request, answer).await,
        }
    }

    async fn request(&mut self, request: Request, answer: Answer) {
        let Request { who, command } = request;
        match command {
            Command::Submit { specs, trigger } => {
                if self.leaving.is_some() {
                    return refuse(answer, "loopdash is shutting down");
                }
                self.spawn_prepare(specs, trigger, answer);
            }
            Command::Run { run, ask } => self.ask(run, ask, who, answer).await,
            Command::Adopt { run, resume } => {
                if self.ledger.owns(run) {
                    return refuse(answer, "it is in hand already");
                }
                let then = if resume { AfterAdopt::Ask(Ask::Resume, who, answer) } else { AfterAdopt::Keep(answer) };
                self.spawn_adopt(run, then);
            }
            Command::SetCap { cap } => {
                self.config.caps.engine = cap.max(1);
                self.claim_slots().await;
                self.caps_changed(answer);
            }
            Command::SetGateCap { cap } => {
                self.config.gate_cap = cap.max(1);
                self.caps_changed(answer);
            }
            Command::LiftHold { provider } => {
                if !self.lift(&provider, who) {
                    return refuse(answer, format!("provider {provider} is not held"));
                }
                let _ = answer.send(Ok(Accepted::default()));
            }
            Command::SetFleetBudget { which, limit } => {
                let _ = answer.send(self.raise_budget(which, limit, who).map(|()| Accepted::default()));
            }
            Command::AcknowledgeAlert { alert } => {
                if !self.see_alert(alert, who) {
                    return refuse(answer, "there is no such alert any more, or it has been seen");
                }
                let _ = answer.send(Ok(Accepted::default()));
            }
            Command::Shutdown { live } => self.shutdown(live, who, answer),
        }
    }

    fn caps_changed(&mut self, answer: Answer) {
        let (cap, gate_cap) = (self.config.caps.engine, self.config.gate_cap);
        if (self.fleet.cap, self.fleet.gate_cap) != (cap, gate_cap) {
            self.fleet.cap = cap;
            self.fleet.gate_cap = gate_cap;
            self.record_caps();
            self.tell(Update::Caps { cap, gate_cap });
        }
        let _ = answer.send(Ok(Accepted::default()));
        self.dirty.append(&mut self.waiting_for_gate);
    }

    async fn ask(&mut self, run: RunId, ask: Ask, who: Who, answer: Answer) {
        if self.has_pending(run) {
            self.settle().await;
        }
        if self.full.contains_key(&run) {
            return refuse(answer, "its journal's disk is full; make room and it goes on by itself");
        }
        let Some(entry) = self.fleet.runs.get(&run) else {
            // The store may not have been read yet, or is not to be; the run's own journal knows.
            return self.spawn_adopt(run, AfterAdopt::Ask(ask, who, answer));
        };
        if !self.ledger.owns(run) {
            // What cannot be done in any case needs no taking over.
            if entry.state.is_finished()
                && let Err(rejected) = decide(&entry.state, &ask, who)
            {
                let _ = answer.send(Err(rejected));
                return;
            }
            return self.spawn_adopt(run, AfterAdopt::Ask(ask, who, answer));
        }
        if ask == Ask::Stop && entry.state.status == RunStatus::Stopping {
            self.wish(run, Wish::Kill);
            let accepted = Accepted { runs: vec![run], note: Some("ending it at once".to_owned()) };
            let _ = answer.send(Ok(accepted));
            return;
        }
        if let Ask::HoldBehind { run: Some(other), .. } = ask
            && let Err(why) = self.may_wait(run, other)
        {
            return refuse(answer, why);
        }
        self.decide(run, &ask, who, answer);
    }

    /// Decides on the journalled state and queues what comes of it.
    pub(super) fn decide(&mut self, run: RunId, ask: &Ask, who: Who, answer: Answer) {
        let Some(state) = self.fleet.state(run) else { return refuse(answer, "there is no such run") };
        match decide(state, ask, who) {
            Ok(events) => {
                let accepted = Accepted { runs: vec![run], note: None };
                // Who tries again says that the provider is worth trying: for all.
                let retried = events.iter().any(|event| matches!(event, Event::Retried(_)));
                let provider = state.awaited_provider().filter(|_| retried).map(str::to_owned);
                self.queue(run, events, Some((answer, accepted)));
                if let Some(provider) = provider {
                    self.lift(&provider, who);
                }
            }
            Err(rejected) => {
                let _ = answer.send(Err(rejected));
                self.release_if_idle(run);
            }
        }
    }

    fn shutdown(&mut self, live: LiveRuns, who: Who, answer: Answer) {
        let again = self.leaving.is_some();
        self.leaving = Some(live);
        if again {
            self.hurries = true;
            self.forsake_full();
        }
        for run in self.mine(|state| state.is_live()) {
            if again {
                self.wish(run, Wish::Kill);
                continue;
            }
            let Some(state) = self.fleet.state(run) else { continue };
            let idle = state.active.is_none();
            let events: Vec<Event> = match (live, state.status) {
                (LiveRuns::Stop, RunStatus::Stopping) => continue,
                (LiveRuns::Stop, _) => vec![StopRequested { who }.into()],
                (LiveRuns::Pause, RunStatus::Stopping) => continue,
                (LiveRuns::Pause, _) => {
                    let kind = PauseKind::Now;
                    let mut events = vec![PauseRequested { kind, who }.into()];
                    if idle {
                        events.push(Paused { kind }.into());
                    }
                    events
                }
            };
            self.queue(run, events, None);
        }
        if live == LiveRuns::Stop {
            for run in self.mine(|state| matches!(state.status, RunStatus::Paused | RunStatus::Parked)) {
                self.queue(run, vec![StopRequested { who }.into()], None);
            }
        }
        let _ = answer.send(Ok(Accepted::default()));
    }

    /// Runs that this loopdash owns and that fit.
    pub(super) fn mine(&self, fits: impl Fn(&RunState) -> bool) -> Vec<RunId> {
        let owned = self.fleet.runs.values().filter(|run| self.ledger.owns(run.state.id) && fits(&run.state));
        owned.map(|run| run.state.id).collect()
    }

    pub(super) fn wish(&mut self, run: RunId, wish: Wish) {
        if let Some(live) = self.live.get(&run) {
            live.wish.send_if_modified(|old| {
                // A stop is never taken back, and a kill never softened.
                let keep = matches!((*old, wish), (Wish::Kill, _) | (Wish::Stop, Wish::Run | Wish::Freeze));
                let changed = !keep && *old != wish;
                if changed {
                    *old = wish;
                }
                changed
            });
        }
    }

    pub(super) fn report(&mut self, report: Report) {
        match report {
            Report::Spawned { run, step, pid, start, output } => {
                let Some(live) = self.live.get_mut(&run).filter(|live| live.step == step) else { return };
                live.output.clone_from(&output);
                self.queue(run, vec![Spawned { step, pid, start }.into()], None);
                if let Some(output) = output {
                    self.tell(Update::Live { run, step, output });
                }
            }
            Report::Signal { run, signal } => {
                if self.live.get(&run).is_some_and(|live| live.step == signal.step) {
                    self.queue(run, vec![signal.into()], None);
                }
            }
            Report::Waits { run, awaited } => {
                if self.live.get(&run).is_some_and(|live| live.step == awaited.step) {
                    self.queue(run, vec![awaited.into()], None);
                    // It gives its place to one that can run.
                    self.dirty.append(&mut self.waiting_for_gate);
                }
            }
            Report::Short { run, step, why } => {
                if self.live.get(&run).is_some_and(|live| live.step == step) {
                    match why {
                        Some(why) => {
                            tracing::warn!(%run, %step, why, "a step waits");
                            self.short.insert(run, why);
                        }
                        None => drop(self.short.remove(&run)),
                    }
                    self.tell_shortage();
                }
            }
            Report::Ended(ended) => self.step_ended(ended),
        }
    }

    fn step_ended(&mut self, ended: Ended) {
        let Ended { run, step, mut facts, end, stopped } = ended;
        if self.live.get(&run).is_none_or(|live| live.step != step) {
            tracing::warn!(%run, %step, "late report of a step that is not running");
            return;
        }
        self.live.remove(&run);
        self.dirty.append(&mut self.waiting_for_gate);
        if end.failure().is_some_and(|failure| failure.class.remedy() != Remedy::None) {
            // A critic that could not work has not spoken.
            facts.retain(|fact| !matches!(fact, Event::VerdictReached(_)));
        }
        self.step_worked(run, &end);
        let why = self.fleet.state(run).and_then(|state| state.interrupt);
        let last: Event = if stopped {
            let why = why.unwrap_or(InterruptWhy::Pause);
            // What it found is found again; what it changed stays changed.
            facts.retain(|fact| matches!(fact, Event::RepositoryTouched(_) | Event::Noted(_)));
            let StepEnd { left_behind, lines, usage, agent, .. } = end;
            StepInterrupted { step, why, left_behind, lines, usage, agent }.into()
        } else {
            StepFinished { step, end }.into()
        };
        facts.push(last);
        self.queue(run, facts, None);
    }

    pub(super) async fn inner(&mut self, inner: Inner) {
        match inner {
            Inner::Prepared(prepared) => self.prepared(prepared),
            Inner::Adopted(adopted) => self.adopted(adopted).await,
            Inner::Scanned(scanned) => self.scanned(scanned),
            Inner::Touched(Change::Run(run)) => self.touched(run),
            Inner::Touched(Change::Fleet) => self.spawn_read_facts(),
            Inner::Facts(facts) => {
                self.hear_holds(&facts.holds());
                self.hear_raises(&facts.raises());
                self.hear_alerts(facts.alerts());
            }
            Inner::Machine(machine) => self.weigh_machine(&machine),
            Inner::Foreign(run, entry) => self.foreign(run, entry),
            Inner::Collided(found) => self.collided(*found),
            Inner::Moved(common_dir) => self.branches_moved(common_dir),
            Inner::Targets(seen) => self.targets_seen(seen),
            Inner::Landed(over, found) => self.landed(over, found),
            Inner::Summarised(run, result) => self.summarised(run, result),
        }
    }

    fn prepared(&mut self, prepared: Prepared) {
        let Prepared { runs, answer } = prepared;
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let mut reply: Option<Reply> = Some((answer, Accepted { runs: ids, note: None }));
        let count = runs.len();
        for (order, made) in runs.into_iter().enumerate() {
            let id = made.id;
            let label = self.fleet.label_for(&made.spec.name);
            let mut state = RunState::new(id);
            state.label.clone_from(&label);
            // Told, too: whoever reads the store meanwhile may have taken its journal for somebody else's.
            self.put(FleetRun { state, ownership: Ownership::Mine, problem: None });
            let uncounted = self.uncounted(&made.spec);
            let (writer, submitted) = made.submitted(label, u32::try_from(order).unwrap_or(u32::MAX));
            self.ledger.insert(id, writer);
            let last = order + 1 == count;
            let events = std::iter::once(submitted).chain(uncounted).collect();
            self.queue(id, events, if last { reply.take() } else { None });
        }
        if let Some((answer, accepted)) = reply {
            let _ = answer.send(Ok(accepted));
        }
    }

    /// Makes a run known, or known anew, to everyone.
    pub(super) fn put(&mut self, entry: FleetRun) {
        self.fleet.runs.insert(entry.state.id, entry.clone());
        self.tell(Update::Run(Box::new(entry)));
    }

    /// What a crash interrupted is journalled as such, and the run waits to be resumed.
    pub(super) fn interruption(state: &RunState, left_behind: Vec<String>) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        if let Some(step) = state.active {
            events.push(StepInterrupted { left_behind, ..StepInterrupted::new(step, InterruptWhy::Crash) }.into());
        }
        if state.is_live() && state.status != RunStatus::Stopping {
            events.push(Paused { kind: PauseKind::Interrupted }.into());
        }
        events
    }
}
