//! The part of the fold that is about steps: started, ended, interrupted, and what they found.
//!
//! A step's end also settles what was asked for by interrupting it, whichever way it ended.

use super::{Circling, Delivery, GateRun, Note, RunState, Silence, SnapshotInfo, StepOutcome, StepRecord};
use crate::loops::core::event::{
    GateFinished, Guidance, LockAwaited, RepositoryTouched, Sign, Signal, SnapshotTaken, StepFinished, StepInterrupted,
    StepStarted, Trouble, VerdictReached, When,
};
use crate::loops::core::gate::GateResult;
use crate::loops::core::hook::Hook;
use crate::loops::core::ids::{Millis, StepId};
use crate::loops::core::setback::Setback;
use crate::loops::core::step::{Cause, InterruptWhy, StepEnd, StepKind};
use crate::loops::core::transition::RunStatus;
use crate::loops::core::verdict::Decision;

impl RunState {
    pub(super) fn step_started(&mut self, e: &StepStarted, at: Millis) {
        for note in self.notes.iter_mut().filter(|note| e.guidance.contains(&note.id)) {
            note.delivery = Delivery::InFlight(e.step);
        }
        self.steps.push(StepRecord {
            id: e.step,
            kind: e.kind.clone(),
            iteration: e.iteration,
            agent: e.agent.clone(),
            argv: e.argv.clone(),
            cwd: e.cwd.clone(),
            started: at,
            ended: None,
            process: None,
            silence: None,
            circling: None,
            awaits: None,
            end: None,
        });
        self.active = Some(e.step);
        self.interrupt = None;
    }

    /// Ends the active step; `None` if `id` is not it, as a late message would be.
    fn end_step(&mut self, id: StepId, at: Millis, end: StepOutcome) -> Option<StepKind> {
        let step = self.steps.last_mut().filter(|step| step.id == id && step.end.is_none());
        let Some(step) = step else {
            self.refused += 1;
            return None;
        };
        step.ended = Some(at);
        step.silence = None;
        step.circling = None;
        step.awaits = None;
        step.end = Some(end);
        self.active = None;
        Some(step.kind.clone())
    }

    /// Adds what the step used that ended last.
    fn count_usage(&mut self) {
        if let Some(step) = self.steps.last() {
            step.add_to(&mut self.usage);
        }
    }

    pub(super) fn step_finished(&mut self, e: &StepFinished, at: Millis) {
        let Some(kind) = self.end_step(e.step, at, StepOutcome::Finished(e.end.clone())) else { return };
        let interrupt = self.interrupt.take();
        self.count_usage();
        let repeated = self.set_back(&kind, &e.end, at);
        for note in self.notes.iter_mut().filter(|note| note.delivery == Delivery::InFlight(e.step)) {
            note.delivery = if repeated { Delivery::Pending } else { Delivery::Delivered(e.step) };
        }
        if repeated {
            return self.after_interrupt(interrupt);
        }
        let not_started = e.end.cause == Cause::NotStarted;
        match kind {
            StepKind::Worktree if !e.end.ok() => self.trouble = Some((Trouble::Worktree, e.end.word())),
            StepKind::Setup if e.end.ok() => self.setup_done = true,
            StepKind::Setup => self.trouble = Some((Trouble::Setup, e.end.word())),
            StepKind::Actor if not_started => self.trouble = Some((Trouble::Actor, e.end.word())),
            StepKind::Actor => self.actor_finished(&e.end),
            StepKind::Snapshot if !e.end.ok() => {
                self.trouble = Some((Trouble::Snapshot, e.end.word()));
                self.workspace_ready = false;
            }
            StepKind::Critic if not_started => self.trouble = Some((Trouble::Critic, e.end.word())),
            // The run's own snapshot meets the same trouble, and parks the run with it.
            StepKind::Keep if !e.end.ok() => self.keep = None,
            // Nothing was done then; what was done is told before its end.
            StepKind::Rewind | StepKind::Scrap | StepKind::Restore | StepKind::Land => self.chore = None,
            StepKind::Hook(hook) if hook.must_succeed() && !e.end.ok() => {
                self.trouble = Some((Trouble::Hook, format!("{}: {}", hook.word(), e.end.word())));
            }
            StepKind::Hook(hook) => self.hook_done(hook),
            StepKind::Worktree | StepKind::Snapshot | StepKind::Keep | StepKind::Gate(_) | StepKind::Critic => {}
        }
        self.after_interrupt(interrupt);
    }

    /// Whether an agent's step is to be repeated, because it could not work through no fault of the run. Then it is as
    /// if it had not been; what it left in the worktree stays.
    fn set_back(&mut self, kind: &StepKind, end: &StepEnd, at: Millis) -> bool {
        let agent = match kind {
            StepKind::Actor => self.spec.as_ref().map(|spec| &spec.actor),
            StepKind::Critic => self.spec.as_ref().and_then(|spec| spec.critic.as_ref()),
            _ => return false,
        };
        let (streak, since) = self.setbacks;
        let setback =
            agent.zip(end.failure()).and_then(|(agent, why)| Setback::of(agent, why, at, streak.saturating_add(1)));
        self.setbacks = match &setback {
            None => (0, Millis::default()),
            Some(_) => (streak.saturating_add(1), if streak == 0 { at } else { since }),
        };
        self.setback = setback;
        self.setback.is_some()
    }

    /// A hook has run, well or not where that does not matter; it is not due again.
    fn hook_done(&mut self, hook: Hook) {
        let of_iteration = self.open_iteration_mut().map(|iteration| &mut iteration.hooks);
        match (hook, of_iteration) {
            (Hook::PreRun, _) => self.hooks.before = true,
            (Hook::PostRun, _) => self.hooks.after = true,
            (Hook::PreIteration, Some(done)) => done.before = true,
            (Hook::PostIteration, Some(done)) => done.after = true,
            (Hook::PreIteration | Hook::PostIteration, None) => {}
        }
    }

    fn actor_finished(&mut self, end: &StepEnd) {
        self.actor_failures = if end.ok() { 0 } else { self.actor_failures.saturating_add(1) };
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.actor = Some(end.clone());
            let (number, test) = (iteration.number, iteration.test.clone());
            if end.claim {
                let named = end.agent.as_ref().map(|agent| agent.fixed.as_slice()).unwrap_or_default();
                self.watched.findings.claim(number, &test, named);
            }
        }
    }

    pub(super) fn step_interrupted(&mut self, e: &StepInterrupted, at: Millis) {
        let session = e.agent.as_ref().and_then(|agent| agent.session.clone());
        let (lines, story) = (e.lines, e.agent.as_ref().and_then(|agent| agent.story));
        let end = StepOutcome::Interrupted { why: e.why, lines, story, usage: e.usage, session };
        let Some(kind) = self.end_step(e.step, at, end) else { return };
        // Who ends the last hook of a run that is being stopped does not want to see it again.
        let given_up = self.status == RunStatus::Stopping && e.why != InterruptWhy::Crash;
        if kind == StepKind::Hook(Hook::PostRun) && given_up {
            self.hook_done(Hook::PostRun);
        }
        self.count_usage();
        self.interrupt = None;
        for note in self.notes.iter_mut().filter(|note| note.delivery == Delivery::InFlight(e.step)) {
            note.delivery = Delivery::Pending;
        }
        self.after_interrupt(Some(e.why));
    }

    /// What was asked for by interrupting takes effect when the step has ended, whichever way it did.
    fn after_interrupt(&mut self, why: Option<InterruptWhy>) {
        let Some(iteration) = self.open_iteration_mut() else { return };
        match why {
            Some(InterruptWhy::Guidance) => iteration.restart(),
            Some(InterruptWhy::RerunGates) => iteration.clear_checks(),
            _ => {}
        }
    }

    pub(super) fn signalled(&mut self, e: &Signal, at: Millis) {
        let active = self.active == Some(e.step);
        let Some(step) = self.steps.last_mut().filter(|step| active && step.id == e.step) else { return };
        let since = Millis(at.0.saturating_sub(e.for_ms));
        match e.sign {
            Sign::NoOutput | Sign::Silent => {
                let from_start = e.sign == Sign::NoOutput;
                step.silence =
                    Some(Silence { since, for_ms: e.for_ms, from_start, busy: e.busy, cpu: e.cpu, usage: e.usage });
            }
            Sign::Resumed => step.silence = None,
            Sign::Repeating => {
                let call = e.what.clone().unwrap_or_default();
                step.circling = Some(Circling { since, call, times: e.times, usage: e.usage });
            }
            Sign::Varied => step.circling = None,
        }
    }

    pub(super) fn snapshot_taken(&mut self, e: &SnapshotTaken) {
        self.last_kept = None;
        let iteration = self.step(e.step).map_or(0, |step| step.iteration);
        self.keeps(&iteration.to_string(), &e.commit);
        let before = self.last_snapshot().map(|before| (before.tree.as_str(), before.head.as_deref()));
        let moved = before.map_or(!e.empty, |before| before != (e.tree.as_str(), e.head.as_deref()));
        self.barren = if e.empty { self.barren.saturating_add(1) } else { 0 };
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.snapshot = Some(SnapshotInfo {
                commit: e.commit.clone(),
                tree: e.tree.clone(),
                empty: e.empty,
                files: e.files,
                insertions: e.insertions,
                deletions: e.deletions,
                head: e.head.clone(),
                moved,
                undone: e.undone.clone(),
            });
            let number = iteration.number;
            self.watched.findings.touch(number, &e.touched);
        }
    }

    /// Whatever the step came to, a person looks first.
    pub(super) fn repository_touched(&mut self, e: &RepositoryTouched) {
        for commit in &e.lost {
            self.refs.retain(|_, kept| kept != commit);
            self.last_kept = self.last_kept.take().filter(|kept| kept != commit);
            self.undo = self.undo.take().filter(|undo| undo.trash.commit != *commit);
            self.lost.insert(commit.clone());
        }
        if e.changed.is_empty() {
            return;
        }
        let when = match self.step(e.step).map(|step| &step.kind) {
            // It only looks.
            Some(StepKind::Worktree) => "since it worked last".to_owned(),
            kind => format!("while the {} ran", kind.map_or("step", StepKind::word)),
        };
        self.trouble = Some((Trouble::Repository, format!("{when}, {}", e.changed.join(", "))));
    }

    pub(super) fn lock_awaited(&mut self, e: &LockAwaited) {
        let active = self.active == Some(e.step);
        if let Some(step) = self.steps.last_mut().filter(|step| active && step.id == e.step && step.process.is_none()) {
            step.awaits = Some((e.lock.clone(), e.holder.clone()));
        }
    }

    pub(super) fn gate_finished(&mut self, e: &GateFinished) {
        if self.step(e.step).is_some_and(|step| step.iteration == 0) {
            return again(&mut self.base_gates, e);
        }
        if let (true, GateResult::CouldNotRun { error }) = (e.required, &e.outcome) {
            self.trouble = Some((Trouble::Gate, format!("gate {}: {error}", e.gate)));
        }
        if let Some(iteration) = self.open_iteration_mut() {
            again(&mut iteration.gates, e);
        }
    }

    pub(super) fn verdict_reached(&mut self, e: &VerdictReached) {
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.asks = iteration.asks.saturating_add(1);
            iteration.verdict = Some(e.verdict.clone());
            let (number, test) = (iteration.number, iteration.test.clone());
            // What could not be read says nothing about findings.
            if e.verdict.decision != Decision::Unknown {
                self.watched.findings.judge(number, &test, &e.verdict.findings);
            }
        }
    }

    pub(super) fn guidance(&mut self, e: &Guidance) {
        self.notes.push(Note {
            id: e.id,
            text: e.text.clone(),
            question: None,
            when: e.when,
            who: e.who,
            delivery: Delivery::Pending,
        });
        if e.when == When::Now {
            if self.active.is_some() {
                self.interrupt_step(InterruptWhy::Guidance);
            } else if let Some(iteration) = self.open_iteration_mut() {
                iteration.restart();
            }
        }
    }
}

/// Puts a gate's result in the place of its earlier one.
fn again(gates: &mut Vec<GateRun>, e: &GateFinished) {
    match gates.iter_mut().find(|gate| gate.name == e.gate) {
        Some(earlier) => *earlier = GateRun::new(e, earlier.runs.saturating_add(1)),
        None => gates.push(GateRun::new(e, 1)),
    }
}
