//! The part of the fold that is about work items: tests and the iterations that work on them.
//!
//! Each method is the event of its name; the transition table decides whether it holds.

use super::{Iteration, RunState};
use crate::loops::core::event::{IterationStarted, TestAdded, TestFailed, TestPassed, TestReset, TestRetried};
use crate::loops::core::ids::Millis;
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::transition::TestMove;

impl RunState {
    pub(super) fn test_passed(&mut self, e: &TestPassed, at: Millis) {
        if let Some(test) = self.move_test(&e.test, TestMove::Pass) {
            test.attempts = test.attempts.saturating_add(1);
            test.last_error = None;
            self.close_counted(at, "done");
            if let Some(iteration) = self.iterations.last_mut() {
                iteration.passed = true;
            }
        }
    }

    pub(super) fn test_failed(&mut self, e: &TestFailed, at: Millis) {
        if let Some(test) = self.move_test(&e.test, TestMove::Fail) {
            test.attempts = test.attempts.saturating_add(1);
            test.last_error = Some(e.why.clone());
            self.close_counted(at, e.why.clone());
        }
    }

    pub(super) fn test_reset(&mut self, e: &TestReset, at: Millis) {
        self.take_away(&e.test, TestMove::Reset, at, "reset");
        if let Some(test) = self.test_mut(&e.test).filter(|test| test.status == TestStatus::Pending) {
            test.attempts = 0;
            test.last_error = None;
        }
    }

    pub(super) fn test_retried(&mut self, e: &TestRetried) {
        if let Some(test) = self.move_test(&e.test, TestMove::Retry) {
            test.max_attempts = Some(test.attempts.saturating_add(1));
        }
    }

    pub(super) fn test_added(&mut self, e: &TestAdded) {
        if self.test(&e.test.id).is_some() {
            self.refused += 1;
        } else {
            self.tests.push(TestSpec { status: TestStatus::Pending, attempts: 0, ..e.test.clone() });
        }
    }

    pub(super) fn iteration_started(&mut self, e: &IterationStarted, at: Millis) {
        self.close_iteration(at, "abandoned");
        self.change_all_hands();
        self.iterations.push(Iteration::new(e.iteration, e.test.clone(), at));
    }
}
