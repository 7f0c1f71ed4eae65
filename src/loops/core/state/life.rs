//! The part of the fold that is about a run's life: admitted, parked, paused, stopped, steered, finished.
//!
//! Each method is the event of its name; the transition table decides whether it holds.

use super::{Delivery, Note, RunState, Workspace};
use crate::loops::core::event::{
    Admitted, Answered, Chore, ClockJumped, Finished, LimitsSet, ParkReason, Parked, PauseKind, PauseRequested, Paused,
    Reopened, Spawned, When, WorkspaceReady,
};
use crate::loops::core::ids::Millis;
use crate::loops::core::step::InterruptWhy;
use crate::loops::core::transition::RunMove;

impl RunState {
    pub(super) fn clock_jumped(&mut self, e: &ClockJumped) {
        if self.first_admitted.is_some() {
            self.clock_jumped = self.clock_jumped.saturating_add(e.by_ms);
        }
    }

    pub(super) fn admitted(&mut self, e: &Admitted, at: Millis) {
        if self.shift(RunMove::Admit, at) {
            self.slot = Some(e.slot);
            self.first_admitted.get_or_insert(at);
            self.workspace_ready = false;
            // With a slot anew it is tried anew, whatever came between.
            self.setback = None;
        }
    }

    pub(super) fn parked(&mut self, e: &Parked, at: Millis) {
        if self.shift(RunMove::Park, at) {
            self.park = Some(e.reason.clone());
            self.change_waited_for();
            self.trouble = None;
            self.setback = None;
            if matches!(e.reason, ParkReason::NeedsHuman { .. }) {
                self.close_iteration(at, "asked");
            }
        }
    }

    pub(super) fn unparked(&mut self, at: Millis) {
        if self.shift(RunMove::Unpark, at) {
            self.given_back();
            // Waiting mends a limit, not an actor that fails between two of them.
            if self.park.take().is_none_or(|park| park.asks()) {
                self.actor_failures = 0;
                self.barren = 0;
            }
        }
    }

    pub(super) fn pause_requested(&mut self, e: &PauseRequested, at: Millis) {
        if self.shift(RunMove::AskPause, at) {
            // It waits for its operator now, and for its provider again when it goes on, if that is still held.
            self.park = None;
            self.pause = Some(e.kind);
            if e.kind == PauseKind::Now {
                self.interrupt_step(InterruptWhy::Pause);
            }
        }
    }

    pub(super) fn paused(&mut self, e: &Paused, at: Millis) {
        let step = match e.kind {
            PauseKind::Freeze => RunMove::Freeze,
            PauseKind::Interrupted => RunMove::Interrupt,
            PauseKind::AfterStep | PauseKind::Now => RunMove::Pause,
        };
        if self.shift(step, at) {
            self.pause = Some(e.kind);
        }
    }

    pub(super) fn resumed(&mut self, at: Millis) {
        if self.shift(RunMove::Resume, at) {
            self.given_back();
            self.pause = None;
            if self.interrupt == Some(InterruptWhy::Pause) {
                self.interrupt = None;
            }
        }
    }

    pub(super) fn stop_requested(&mut self, at: Millis) {
        if self.shift(RunMove::AskStop, at) {
            self.park = None;
            self.pause = None;
            self.interrupt_step(InterruptWhy::Stop);
        }
    }

    pub(super) fn reopened(&mut self, e: &Reopened, at: Millis) {
        if self.shift(RunMove::Reopen, at) {
            self.outcome = None;
            // Whoever goes on with a run wants it neither removed nor landed as it was.
            self.chore = self.chore.filter(|chore| !matches!(chore, Chore::Scrap { .. } | Chore::Land { .. }));
            self.max_iterations = e.max_iterations;
            self.hooks.after = false;
            self.actor_failures = 0;
            self.barren = 0;
        }
    }

    pub(super) fn workspace_ready(&mut self, e: &WorkspaceReady) {
        if e.fresh {
            self.setup_done = false;
        }
        let known = self.workspace.take().filter(|_| !e.fresh).map(|place| place.included);
        self.workspace = Some(Workspace {
            included: known.unwrap_or_else(|| e.included.clone()),
            path: e.path.clone(),
            branch: e.branch.clone(),
            base: e.base.clone(),
            git_dir: e.git_dir.clone(),
            common_dir: e.common_dir.clone(),
            in_place: e.in_place,
        });
        self.keeps("base", &e.base);
        self.workspace_ready = true;
        self.scrapped = false;
    }

    pub(super) fn spawned(&mut self, e: &Spawned) {
        if let Some(step) = self.steps.last_mut().filter(|step| step.id == e.step) {
            step.process = Some((e.pid, e.start));
            step.awaits = None;
        }
    }

    pub(super) fn answered(&mut self, e: &Answered) {
        self.notes.push(Note {
            id: e.id,
            text: e.text.clone(),
            question: Some(e.question.clone()),
            when: When::Next,
            who: e.who,
            delivery: Delivery::Pending,
        });
    }

    pub(super) fn gates_rerun(&mut self) {
        if self.active.is_some() {
            self.interrupt_step(InterruptWhy::RerunGates);
        } else if let Some(iteration) = self.open_iteration_mut() {
            iteration.clear_checks();
        }
    }

    pub(super) fn limits_set(&mut self, e: &LimitsSet) {
        if let Some(max) = e.max_iterations {
            self.max_iterations = max;
        }
        self.budget.take(&e.budget);
    }

    pub(super) fn finished(&mut self, e: &Finished, at: Millis) {
        if self.shift(RunMove::Finish, at) {
            self.outcome = Some((e.outcome, e.reason.clone()));
            self.park = None;
            self.close_iteration(at, e.outcome.word());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::event::{Event, Record};
    use crate::loops::core::ids::RunId;

    #[test]
    fn what_the_clock_jumps_is_no_time_of_the_run() {
        const DAY: u64 = 86_400_000;
        let run = RunId::new(uuid::Uuid::nil());
        let mut state = RunState::new(run);
        let mut seq = 0;
        let mut apply = |state: &mut RunState, at, event| {
            seq += 1;
            state.apply(&Record { seq, at: Millis(at), run, event });
        };
        apply(&mut state, DAY, ClockJumped { by_ms: 500 }.into());
        assert_eq!(state.clock_jumped, 0, "no time has been measured yet");
        state.first_admitted = Some(Millis(DAY));
        state.budget.wall_clock_ms = Some(3_600_000);
        apply(&mut state, 2 * DAY + 5_000, ClockJumped { by_ms: DAY as i64 }.into());
        assert_eq!((state.wall_clock(state.updated), state.breaches().count()), (5_000, 0));
        assert_eq!(state.wall_clock_at(6_000), Some(Millis(2 * DAY + 6_000)));
        apply(&mut state, 9_000, ClockJumped { by_ms: -2 * DAY as i64 }.into());
        assert_eq!((state.wall_clock(state.updated), state.breaches().count()), (9_000, 0));
        apply(&mut state, 3_600_000, Event::ClockJumped(ClockJumped { by_ms: 0 }));
        assert_eq!(state.breaches().count(), 1, "the hour is over all the same");
    }
}
