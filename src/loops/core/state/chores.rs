//! The part of the fold that is about the worktree as a whole: rewound, scrapped, brought back.
//!
//! Iterations that a rewind leaves behind are set aside, not forgotten: their numbers are not used again, and what they
//! used stays counted. What undo returns to is remembered in [`Undo`].

use super::{Delivery, Note, RunState};
use crate::loops::core::event::{
    Chore, ChoreAsked, MergeConflicted, Merged, Outcome, PauseKind, Restored, Rewound, Scrapped, Trashed, When,
};
use crate::loops::core::ids::Millis;
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::transition::{RunMove, TestMove};
use crate::loops::core::weigh::TestChange;

/// What undo returns to.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// What it takes back.
    pub chore: Chore,
    /// The content.
    pub trash: Trashed,
    /// The work items as they were.
    tests: Vec<TestSpec>,
    /// The last iteration there was.
    last: u32,
    /// Those that were set aside.
    aside: Vec<u32>,
}

/// What came of landing a run's work.
#[derive(Clone, Debug, PartialEq)]
pub enum Landing {
    /// It is on its target, or waits to be taken over there.
    Merged(Merged),
    /// Both have changed the same places.
    Conflicted(MergeConflicted),
}

impl RunState {
    /// What has to be asked about before its work is landed, a line each.
    pub fn ask_before_landing(&self) -> Vec<String> {
        let ended = self.outcome.as_ref().filter(|(outcome, _)| *outcome != Outcome::Done);
        let ended = ended.map(|(outcome, reason)| format!("it is not done, but {}: {reason}", outcome.word()));
        ended.into_iter().chain(self.ask_before_merge()).collect()
    }

    /// What whoever merges its work has to be asked about first, a line each.
    pub fn ask_before_merge(&self) -> Vec<String> {
        self.weakened().iter().map(|change| format!("tests weakened: {}", change.words())).collect()
    }

    /// What its work as it was kept last does to tests. An iteration that has no snapshot was not weighed, and takes nothing
    /// back of what the one before did.
    pub fn weakened(&self) -> &[TestChange] {
        let kept = self.standing().rfind(|iteration| iteration.snapshot.is_some());
        kept.map_or(&[], |iteration| &iteration.weighed)
    }

    pub(super) fn merged(&mut self, e: &Merged) {
        self.chore = None;
        self.landing = Some(Landing::Merged(e.clone()));
    }

    pub(super) fn merge_conflicted(&mut self, e: &MergeConflicted) {
        self.chore = None;
        self.landing = Some(Landing::Conflicted(e.clone()));
    }

    pub(super) fn chore_asked(&mut self, e: &ChoreAsked, at: Millis) {
        // What was cut short has kept what there was before it: whatever is asked for next answers for that.
        if self.chore.is_none() {
            self.chore_asked = at;
        }
        self.chore = Some(e.chore);
        self.chore_by = e.who;
    }

    /// Remembers the ref `leaf` of the run that keeps a commit.
    pub(super) fn keeps(&mut self, leaf: &str, commit: &str) {
        self.refs.insert(format!("refs/loopdash/{}/{leaf}", self.id), commit.to_owned());
    }

    /// What undo would return to from here.
    fn remember(&mut self, chore: Chore, trash: Option<&Trashed>) -> Option<Box<Undo>> {
        if let Some(trash) = trash {
            self.refs.insert(trash.name.clone(), trash.commit.clone());
        }
        Some(Box::new(Undo {
            chore,
            trash: trash?.clone(),
            tests: self.tests.clone(),
            last: self.iterations.last().map_or(0, |iteration| iteration.number),
            aside: self.iterations.iter().filter(|one| one.aside).map(|one| one.number).collect(),
        }))
    }

    pub(super) fn rewound(&mut self, e: &Rewound, at: Millis) {
        self.undo = self.remember(Chore::Rewind { iteration: e.iteration }, e.trash.as_ref());
        self.close_iteration(at, "rewound");
        let last = self.iterations.last().map_or(0, |iteration| iteration.number);
        self.set_aside(e.iteration);
        self.moved(at);
        self.last_kept = None;
        let what = match e.iteration {
            0 => "what the work started from".to_owned(),
            n => format!("what it held after iteration {n}"),
        };
        let after = match last.saturating_sub(e.iteration) {
            0 => String::new(),
            1 => format!(" Iteration {last} was set aside."),
            _ => format!(" Iterations {} to {last} were set aside.", e.iteration + 1),
        };
        self.tell_actor(format!(
            "I set the worktree back to {what}.{after} Start from the files that are there now, not from what you remember."
        ));
    }

    pub(super) fn scrapped(&mut self, e: &Scrapped) {
        self.undo = self.remember(Chore::Scrap { named: true }, e.trash.as_ref());
        self.chore = None;
        self.scrapped = true;
        self.workspace_ready = false;
        self.setup_done = false;
    }

    pub(super) fn restored(&mut self, e: &Restored, at: Millis) {
        let Some(undo) = self.undo.take() else {
            self.refused += 1;
            return;
        };
        self.undo = self.remember(Chore::Undo, e.trash.as_ref());
        self.close_iteration(at, "set aside");
        for iteration in &mut self.iterations {
            iteration.aside = iteration.number > undo.last || undo.aside.contains(&iteration.number);
        }
        for test in undo.tests {
            // One that was added since then stays as it is.
            if let Some(now) = self.test_mut(&test.id) {
                *now = test;
            }
        }
        self.moved(at);
        self.last_kept = Some(e.commit.clone());
        if !matches!(undo.chore, Chore::Scrap { .. }) {
            let text =
                "I brought back what the worktree held before I set it back. Start from the files that are there now.";
            self.tell_actor(text.to_owned());
        }
    }

    /// The worktree holds something else: what was wrong with what it held is over.
    fn moved(&mut self, at: Millis) {
        self.chore = None;
        self.keep = None;
        self.trouble = None;
        self.setback = None;
        self.actor_failures = 0;
        self.barren = 0;
        // What was seen of the iterations before says nothing about what comes.
        self.watched.start_afresh(self.iterations.last().map_or(0, |iteration| iteration.number));
        let aside = self.iterations.iter().filter(|one| one.aside).map(|one| one.number);
        self.watched.findings.set_aside(aside.collect());
        if self.status == crate::loops::core::transition::RunStatus::Parked && self.shift(RunMove::SetBack, at) {
            self.park = None;
            self.pause = Some(PauseKind::AfterStep);
        }
    }

    /// Sets aside what came after an iteration, and takes back what it did to the tests.
    fn set_aside(&mut self, after: u32) {
        let ids: Vec<String> = self.tests.iter().map(|test| test.id.clone()).collect();
        for id in ids {
            let gone = |one: &&super::Iteration| one.test == id && one.number > after && !one.aside;
            let counted = self.iterations.iter().filter(gone).filter(|one| one.counted).count();
            if !self.iterations.iter().any(|one| gone(&one)) {
                continue;
            }
            let left = self.iterations.iter().rev().find(|one| one.test == id && one.number <= after && !one.aside);
            let last_error = left.and_then(|one| one.result.clone());
            let status = self.test(&id).map(|test| test.status);
            if matches!(status, Some(TestStatus::Passed | TestStatus::Blocked | TestStatus::Running)) {
                self.move_test(&id, TestMove::Reset);
            }
            if let Some(test) = self.test_mut(&id) {
                test.attempts = test.attempts.saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX));
                test.last_error = last_error;
            }
        }
        for iteration in self.iterations.iter_mut().filter(|one| one.number > after) {
            iteration.aside = true;
        }
    }

    fn tell_actor(&mut self, text: String) {
        let id = self.next_note();
        let (question, who, delivery) = (None, self.chore_by, Delivery::Pending);
        self.notes.push(Note { id, text, question, when: When::Next, who, delivery });
    }
}
