//! The fold itself: how each event changes a [`RunState`].
//!
//! Nothing here decides; decisions are events already. An event that does not fit is refused by the transition tables,
//! counted, and leaves the state as it was.

use super::RunState;
use crate::loops::core::event::{Event, Record, Submitted};
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
            Event::Admitted(e) => self.admitted(e, at),
            Event::Parked(e) => self.parked(e, at),
            Event::Unparked(_) => self.unparked(at),
            Event::PauseRequested(e) => self.pause_requested(e, at),
            Event::Paused(e) => self.paused(e, at),
            Event::Resumed(_) => self.resumed(at),
            Event::StopRequested(_) => self.stop_requested(at),
            Event::Reopened(e) => self.reopened(e, at),
            Event::WorkspaceReady(e) => self.workspace_ready(e),
            Event::TestStarted(e) => {
                self.move_test(&e.test, TestMove::Start);
            }
            Event::TestPassed(e) => self.test_passed(e, at),
            Event::TestFailed(e) => self.test_failed(e, at),
            Event::TestBlocked(e) => {
                self.move_test(&e.test, TestMove::Block);
            }
            Event::TestSkipped(e) => self.take_away(&e.test, TestMove::Skip, at, "skipped"),
            Event::TestWaived(e) => self.take_away(&e.test, TestMove::Waive, at, "waived"),
            Event::TestReset(e) => self.test_reset(e, at),
            Event::TestRetried(e) => self.test_retried(e),
            Event::TestAdded(e) => self.test_added(e),
            Event::IterationStarted(e) => self.iteration_started(e, at),
            Event::StepStarted(e) => self.step_started(e, at),
            Event::Spawned(e) => self.spawned(e),
            Event::StepFinished(e) => self.step_finished(e, at),
            Event::StepInterrupted(e) => self.step_interrupted(e, at),
            Event::SnapshotTaken(e) => self.snapshot_taken(e),
            Event::TakenOver(_) => self.taken_over(),
            Event::Kept(e) => self.kept(e),
            Event::ChoreAsked(e) => self.chore_asked(e, at),
            Event::Rewound(e) => self.rewound(e, at),
            Event::Scrapped(e) => self.scrapped(e),
            Event::Restored(e) => self.restored(e, at),
            Event::Merged(e) => self.merged(e),
            Event::MergeConflicted(e) => self.merge_conflicted(e),
            Event::RepositoryTouched(e) => self.repository_touched(e),
            Event::LockAwaited(e) => self.lock_awaited(e),
            Event::ClockJumped(e) => self.clock_jumped(e),
            Event::TestsWeighed(e) => {
                if let Some(iteration) = self.open_iteration_mut() {
                    iteration.weighed.clone_from(&e.changes);
                }
            }
            Event::GateFinished(e) => self.gate_finished(e),
            Event::VerdictReached(e) => self.verdict_reached(e),
            Event::Guidance(e) => self.guidance(e),
            Event::Answered(e) => self.answered(e),
            Event::Retried(_) => self.retried(),
            Event::GatesRerun(_) => self.gates_rerun(),
            Event::PrioritySet(e) => self.priority = e.priority.min(MAX_PRIORITY),
            Event::LimitsSet(e) => self.limits_set(e),
            Event::AgentSet(e) => self.agent_set(e),
            Event::HeldBehind(e) => self.behind = e.behind.map(|run| (run, e.label.clone())),
            Event::Signal(e) => self.signalled(e, at),
            Event::SignalRaised(e) => self.signal_raised(e, at),
            Event::SignalCleared(e) => self.signal_cleared(e),
            Event::SignalSeen(e) => self.signal_seen(e),
            Event::RemedyTaken(e) => self.remedy_taken(e, at),
            Event::StepRestarted(e) => self.step_restarted(e),
            Event::Noted(_) => {}
            Event::Finished(e) => self.finished(e, at),
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

    pub(super) fn shift(&mut self, step: RunMove, at: Millis) -> bool {
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

    pub(super) fn move_test(&mut self, id: &str, step: TestMove) -> Option<&mut TestSpec> {
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
    pub(super) fn take_away(&mut self, id: &str, step: TestMove, at: Millis, result: &str) {
        let worked_on = self.open_iteration().is_some_and(|iteration| iteration.test == id);
        if self.move_test(id, step).is_some() && worked_on {
            self.close_iteration(at, result);
            self.interrupt_step(InterruptWhy::Test);
        }
    }

    pub(super) fn close_iteration(&mut self, at: Millis, result: &str) {
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.close(at, result);
        }
    }

    pub(super) fn close_counted(&mut self, at: Millis, result: impl Into<String>) {
        if let Some(iteration) = self.open_iteration_mut() {
            iteration.close(at, result);
            iteration.counted = true;
            self.counted = self.counted.saturating_add(1);
        }
    }

    /// A stop outranks every other reason to end the running step.
    pub(in crate::loops::core) fn interrupt_step(&mut self, why: InterruptWhy) {
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
        self.budget = e.spec.limits.budget();
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
        self.setback = None;
        self.setbacks = (0, Millis::default());
        self.actor_failures = 0;
        self.barren = 0;
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
