//! The fold itself: how each event changes a [`RunState`].
//!
//! Nothing here decides; decisions are events already. An event that does not fit is refused by the transition tables,
//! counted, and leaves the state as it was.

use super::{Delivery, Iteration, Note, RunState, Workspace};
use crate::loops::core::event::{Event, ParkReason, PauseKind, Record, Submitted, When};
use crate::loops::core::gate::GateResult;
use crate::loops::core::ids::Millis;
use crate::loops::core::spec::MAX_PRIORITY;
use crate::loops::core::step::InterruptWhy;
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::transition::{RunMove, RunStatus, TestMove, run_after, test_after};
use std::sync::Arc;

/// The id of the one test of a loop without a list.
pub const OBJECTIVE_TEST: &str = "objective";

impl RunState {
    /// Changes the state by one record.
    pub fn apply(&mut self, record: &Record) {
        self.seq = record.seq;
        self.updated = record.at;
        let at = record.at;
        match &record.event {
            Event::Submitted(e) => self.submitted(e, at),
            Event::Admitted(e) => {
                if self.shift(RunMove::Admit, at) {
                    self.slot = Some(e.slot);
                    self.first_admitted.get_or_insert(at);
                    self.workspace_ready = false;
                }
            }
            Event::Parked(e) => {
                if self.shift(RunMove::Park, at) {
                    self.park = Some(e.reason.clone());
                    self.trouble = None;
                    if matches!(e.reason, ParkReason::NeedsHuman { .. }) {
                        self.close_iteration(at, "asked");
                    }
                }
            }
            Event::Unparked(_) => {
                if self.shift(RunMove::Unpark, at) {
                    self.park = None;
                    self.actor_failures = 0;
                }
            }
            Event::PauseRequested(e) => {
                if self.shift(RunMove::AskPause, at) {
                    self.pause = Some(e.kind);
                    if e.kind == PauseKind::Now {
                        self.interrupt_step(InterruptWhy::Pause);
                    }
                }
            }
            Event::Paused(e) => {
                let step = match e.kind {
                    PauseKind::Freeze => RunMove::Freeze,
                    PauseKind::Interrupted => RunMove::Interrupt,
                    PauseKind::AfterStep | PauseKind::Now => RunMove::Pause,
                };
                if self.shift(step, at) {
                    self.pause = Some(e.kind);
                }
            }
            Event::Resumed(_) => {
                if self.shift(RunMove::Resume, at) {
                    self.pause = None;
                    if self.interrupt == Some(InterruptWhy::Pause) {
                        self.interrupt = None;
                    }
                }
            }
            Event::StopRequested(_) => {
                if self.shift(RunMove::AskStop, at) {
                    self.park = None;
                    self.pause = None;
                    self.interrupt_step(InterruptWhy::Stop);
                }
            }
            Event::Reopened(e) => {
                if self.shift(RunMove::Reopen, at) {
                    self.outcome = None;
                    self.max_iterations = e.max_iterations;
                    self.actor_failures = 0;
                }
            }
            Event::WorkspaceReady(e) => {
                if e.fresh {
                    self.setup_done = false;
                }
                self.workspace = Some(Workspace {
                    path: e.path.clone(),
                    branch: e.branch.clone(),
                    base: e.base.clone(),
                    git_dir: e.git_dir.clone(),
                    common_dir: e.common_dir.clone(),
                    in_place: e.in_place,
                });
                self.workspace_ready = true;
            }
            Event::TestStarted(e) => {
                self.move_test(&e.test, TestMove::Start);
            }
            Event::TestPassed(e) => {
                if self.move_test(&e.test, TestMove::Pass).is_some() {
                    self.close_counted(at, "done");
                    if let Some(iteration) = self.iterations.last_mut() {
                        iteration.passed = true;
                    }
                }
            }
            Event::TestFailed(e) => {
                if let Some(test) = self.move_test(&e.test, TestMove::Fail) {
                    test.attempts = test.attempts.saturating_add(1);
                    test.last_error = Some(e.why.clone());
                    self.close_counted(at, e.why.clone());
                }
            }
            Event::TestBlocked(e) => {
                self.move_test(&e.test, TestMove::Block);
            }
            Event::TestSkipped(e) => self.take_away(&e.test, TestMove::Skip, at, "skipped"),
            Event::TestReset(e) => {
                self.take_away(&e.test, TestMove::Reset, at, "reset");
                if let Some(test) = self.test_mut(&e.test).filter(|test| test.status == TestStatus::Pending) {
                    test.attempts = 0;
                    test.last_error = None;
                }
            }
            Event::TestRetried(e) => {
                if let Some(test) = self.move_test(&e.test, TestMove::Retry) {
                    test.max_attempts = Some(test.attempts.saturating_add(1));
                }
            }
            Event::TestAdded(e) => {
                if self.test(&e.test.id).is_some() {
                    self.refused += 1;
                } else {
                    self.tests.push(TestSpec { status: TestStatus::Pending, attempts: 0, ..e.test.clone() });
                }
            }
            Event::IterationStarted(e) => {
                self.close_iteration(at, "abandoned");
                self.iterations.push(Iteration::new(e.iteration, e.test.clone(), at));
            }
            Event::StepStarted(e) => self.step_started(e, at),
            Event::Spawned(e) => {
                if let Some(step) = self.steps.last_mut().filter(|step| step.id == e.step) {
                    step.process = Some((e.pid, e.start));
                }
            }
            Event::StepFinished(e) => self.step_finished(e, at),
            Event::StepInterrupted(e) => self.step_interrupted(e, at),
            Event::SnapshotTaken(e) => self.snapshot_taken(e),
            Event::GateFinished(e) => self.gate_finished(e),
            Event::VerdictReached(e) => self.verdict_reached(e),
            Event::Guidance(e) => self.guidance(e),
            Event::Answered(e) => self.notes.push(Note {
                id: e.id,
                text: e.text.clone(),
                question: Some(e.question.clone()),
                when: When::Next,
                who: e.who,
                delivery: Delivery::Pending,
            }),
            Event::Retried(_) => self.retried(),
            Event::GatesRerun(_) => {
                if self.active.is_some() {
                    self.interrupt_step(InterruptWhy::RerunGates);
                } else if let Some(iteration) = self.open_iteration_mut() {
                    iteration.clear_checks();
                }
            }
            Event::PrioritySet(e) => self.priority = e.priority.min(MAX_PRIORITY),
            Event::LimitsSet(e) => {
                if let Some(max) = e.max_iterations {
                    self.max_iterations = max;
                }
            }
            Event::Noted(_) => {}
            Event::Finished(e) => {
                if self.shift(RunMove::Finish, at) {
                    self.outcome = Some((e.outcome, e.reason.clone()));
                    self.park = None;
                    self.close_iteration(at, e.outcome.word());
                }
            }
        }
    }

    /// Applies a whole journal.
    pub fn replay<'a>(id: crate::loops::core::ids::RunId, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut state = Self::new(id);
        for record in records {
            state.apply(record);
        }
        state
    }

    fn shift(&mut self, step: RunMove, at: Millis) -> bool {
        match run_after(self.status, step) {
            Ok(to) => {
                if to != self.status {
                    self.status_since = at;
                }
                self.status = to;
                if !to.holds_slot() {
                    self.slot = None;
                }
                true
            }
            Err(_) => {
                self.refused += 1;
                false
            }
        }
    }

    fn move_test(&mut self, id: &str, step: TestMove) -> Option<&mut TestSpec> {
        let to = self.test(id).and_then(|test| test_after(test.status, step).ok());
        let Some(to) = to else {
            self.refused += 1;
            return None;
        };
        let test = self.test_mut(id)?;
        test.status = to;
        Some(test)
    }

    /// A test that the operator takes away from the open iteration ends it, uncounted.
    fn take_away(&mut self, id: &str, step: TestMove, at: Millis, result: &str) {
        let worked_on = self.open_iteration().is_some_and(|iteration| iteration.test == id);
        if self.move_test(id, step).is_some() && worked_on {
            self.close_iteration(at, result);
            self.interrupt_step(InterruptWhy::Test);
        }
    }

    fn close_iteration(&mut self, at: Millis, result: &str) {
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.close(at, result);
        }
    }

    fn close_counted(&mut self, at: Millis, result: impl Into<String>) {
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.close(at, result);
            self.counted = self.counted.saturating_add(1);
        }
    }

    /// A stop outranks every other reason to end the running step.
    pub(super) fn interrupt_step(&mut self, why: InterruptWhy) {
        if self.active.is_some() && self.interrupt != Some(InterruptWhy::Stop) {
            self.interrupt = Some(why);
        }
    }

    fn submitted(&mut self, e: &Submitted, at: Millis) {
        if self.spec.is_some() {
            self.refused += 1;
            return;
        }
        self.label.clone_from(&e.label);
        self.base.clone_from(&e.base);
        self.trigger = e.trigger;
        self.order = e.order;
        self.created = at;
        self.status_since = at;
        self.priority = e.spec.priority.min(MAX_PRIORITY);
        self.max_iterations = e.spec.limits.max_iterations;
        self.tests = if e.spec.tests.is_empty() {
            vec![objective_test(&e.spec.objective)]
        } else {
            e.spec
                .tests
                .iter()
                .cloned()
                .map(|test| match test.status {
                    TestStatus::Running => TestSpec { status: TestStatus::Pending, ..test },
                    _ => test,
                })
                .collect()
        };
        self.spec = Some(Arc::new((*e.spec).clone()));
    }

    fn retried(&mut self) {
        self.trouble = None;
        self.actor_failures = 0;
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.gates.retain(|gate| !matches!(gate.outcome, GateResult::CouldNotRun { .. }));
            if iteration.verdict.as_ref().is_some_and(|v| v.decision == crate::loops::core::verdict::Decision::Unknown)
            {
                iteration.verdict = None;
                iteration.asks = 0;
            }
        }
    }

    /// Whether the running step has to be ended, and why.
    pub fn must_interrupt(&self) -> Option<InterruptWhy> {
        self.active.and(self.interrupt)
    }

    /// Whether the running step's processes have to stand still.
    pub fn must_freeze(&self) -> bool {
        self.status == RunStatus::Frozen && self.active.is_some()
    }
}

/// The one test of a loop without a list: its objective, with attempts bound by iterations alone.
fn objective_test(objective: &str) -> TestSpec {
    let title = objective.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("objective");
    TestSpec {
        id: OBJECTIVE_TEST.to_owned(),
        title: title.trim_start_matches(['#', ' ']).chars().take(120).collect(),
        criteria: Vec::new(),
        verify: None,
        priority: 0,
        depends_on: Vec::new(),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: Some(u32::MAX),
        last_error: None,
    }
}
