//! The part of the fold that is about the operator at work in the worktree.
//!
//! Two snapshots tell apart who did what: one when the actor has stopped, one when the run goes on. The second sends the
//! actor a note about what it finds changed, through the same door as every other note.

use super::{Delivery, Note, RunState};
use crate::loops::core::event::{Kept, When};
use crate::loops::core::ids::Who;

impl RunState {
    pub(super) fn taken_over(&mut self) {
        self.taken_over = true;
        // Without a slot nothing has run since the last pause, and nothing may: then all since the last snapshot is the
        // operator's.
        self.keep = self.slot.map(|_| Who::Actor);
    }

    /// The run goes on: what changed since it was taken over is to be kept first.
    pub(super) fn given_back(&mut self) {
        if std::mem::take(&mut self.taken_over) {
            self.keep = Some(Who::Operator);
        }
    }

    pub(super) fn kept(&mut self, e: &Kept) {
        self.keep = None;
        self.last_kept = Some(e.commit.clone());
        self.keeps(&format!("keep-{}", e.step), &e.commit);
        if e.by != Who::Operator || e.files == 0 {
            return;
        }
        let text = note(e);
        let id = self.next_note();
        let (question, who, delivery) = (None, Who::Operator, Delivery::Pending);
        self.notes.push(Note { id, text, question, when: When::Next, who, delivery });
        self.barren = 0;
        if let Some(iteration) = self.open_iteration_mut() {
            // What was snapshotted and checked is no longer what is there.
            iteration.snapshot = None;
            iteration.clear_checks();
        }
    }
}

/// What the actor is told.
fn note(e: &Kept) -> String {
    let more = (e.files as usize).saturating_sub(e.paths.len());
    let mut paths = e.paths.join(", ");
    if more > 0 {
        paths.push_str(&format!(" and {more} more"));
    }
    format!(
        "While you were stopped I changed files in the worktree by hand: {paths}. Keep these changes and build on them."
    )
}
