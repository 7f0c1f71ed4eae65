//! How steps end at random: one number chooses the end of any step, so that a whole run is a list of them.
//! Some of these numbers have names.

use super::driver::{Driver, ended, verdict};
use crate::loops::core::activity::{Failure, FailureClass};
use crate::loops::core::event::{
    Chore, ClockJumped, Event, Kept, LockAwaited, MergeConflicted, Merged, PauseKind, Restored, Rewound, Scrapped,
    SnapshotTaken, StepFinished, StepInterrupted, Trashed, VerdictReached, WorkspaceReady,
};
use crate::loops::core::gate::GateResult;
use crate::loops::core::ids::{StepId, Who};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::setback::Remedy;
use crate::loops::core::state::StepRecord;
use crate::loops::core::step::{AgentEnd, Cause, Exit, InterruptWhy, StepEnd, StepKind};
use crate::loops::core::transition::RunStatus;
use crate::loops::core::verdict::Decision;

impl Driver {
    /// Ends the running step: `dice` chooses how.
    pub(super) fn end(&mut self, dice: u8) {
        let Some(step) = self.run.active_step().cloned() else { return };
        if let Some(why) = self.run.must_interrupt() {
            return self.commit(StepInterrupted::new(step.id, why).into());
        }
        if dice == 0 {
            let why = InterruptWhy::Crash;
            self.commit(StepInterrupted::new(step.id, why).into());
            // What is done to the worktree of a run that stands still leaves it standing, and one that ends goes on ending.
            if self.run.is_live() && self.run.status != RunStatus::Stopping {
                self.commit(crate::loops::core::event::Paused { kind: PauseKind::Interrupted }.into());
            }
            return;
        }
        let mut end = match &step.kind {
            StepKind::Worktree => self.workspace(),
            StepKind::Setup => well(),
            StepKind::Hook(_) => hook(dice),
            StepKind::Actor => actor(dice),
            StepKind::Snapshot if dice % 9 == 1 => unable("worktree gone"),
            StepKind::Snapshot => self.snapshot(step.id, dice),
            StepKind::Keep if dice % 9 == 1 => unable("worktree gone"),
            StepKind::Keep => self.keep(step.id, dice),
            kind if kind.is_chore() && dice % 5 == 1 => unable("in the way"),
            StepKind::Rewind | StepKind::Scrap | StepKind::Restore | StepKind::Land => self.chore(&step, dice),
            StepKind::Gate(name) => self.any_gate(step.id, name, dice),
            StepKind::Critic if dice % 7 == 5 && is_setback(dice) => failed(dice),
            StepKind::Critic => self.critic(step.id, dice),
        };
        if dice % 11 == 10 && matches!(step.kind, StepKind::Actor | StepKind::Critic | StepKind::Setup) {
            end = StepEnd { exit: None, cause: Cause::NotStarted, error: Some("not found".to_owned()), ..end };
        }
        self.commit(StepFinished { step: step.id, end }.into());
    }

    fn workspace(&mut self) -> StepEnd {
        let ready = WorkspaceReady {
            path: "/w".to_owned(),
            branch: Some("run/law".to_owned()),
            base: "b".to_owned(),
            git_dir: "/g".to_owned(),
            common_dir: "/g".to_owned(),
            in_place: false,
            fresh: self.run.workspace.is_none(),
            included: Vec::new(),
        };
        self.commit(ready.into());
        well()
    }

    fn snapshot(&mut self, step: StepId, dice: u8) -> StepEnd {
        let taken = SnapshotTaken {
            step,
            commit: "c".to_owned(),
            tree: "t".to_owned(),
            empty: dice % 7 == 1,
            parent: None,
            files: 1,
            insertions: 1,
            deletions: 0,
            skipped: Vec::new(),
            head: None,
            undone: Vec::new(),
            touched: Vec::new(),
        };
        self.commit(taken.into());
        well()
    }

    fn keep(&mut self, step: StepId, dice: u8) -> StepEnd {
        let paths = vec!["a.rs".to_owned(); usize::from(dice % 2)];
        let (files, by) = (u32::from(dice % 3), self.run.keep.unwrap_or(Who::Actor));
        let (commit, tree) = ("k".to_owned(), "t".to_owned());
        self.commit(Kept { step, by, commit, tree, files, insertions: 1, deletions: 0, paths }.into());
        well()
    }

    fn chore(&mut self, step: &StepRecord, dice: u8) -> StepEnd {
        let trash = (!dice.is_multiple_of(3)).then(|| trashed(dice));
        let done: Event = match self.run.chore {
            Some(Chore::Rewind { iteration }) => {
                Rewound { step: step.id, iteration, commit: "c".to_owned(), trash: Some(trashed(dice)) }.into()
            }
            _ if step.kind == StepKind::Land => {
                let (step, target, commit) = (Some(step.id), "main".to_owned(), "c".to_owned());
                match dice % 2 {
                    0 => Merged { step, target, commit, files: 1, waits: None }.into(),
                    _ => MergeConflicted { step, target, commit, files: vec!["a".to_owned()] }.into(),
                }
            }
            _ if step.kind == StepKind::Scrap => Scrapped { step: Some(step.id), trash, branch_left: None }.into(),
            _ => Restored { step: step.id, commit: "t".to_owned(), trash }.into(),
        };
        self.commit(done);
        well()
    }

    fn any_gate(&mut self, step: StepId, name: &str, dice: u8) -> StepEnd {
        if dice % 16 == 5 {
            let by_ms = if dice.is_multiple_of(3) { i64::MAX } else { -86_400_000 };
            self.commit(ClockJumped { by_ms }.into());
        }
        if dice % 4 == 3 {
            let (lock, holder) = ("db".to_owned(), "another".to_owned());
            self.commit(LockAwaited { step, lock, holder }.into());
        }
        let outcome = match dice % 5 {
            0 => GateResult::Failed { exit: Exit::Code(101) },
            1 => GateResult::CouldNotRun { error: "missing".to_owned() },
            2 => GateResult::TimedOut,
            _ => GateResult::Passed,
        };
        let tests = dice.is_multiple_of(2).then(|| failing(&["a", "b"][..usize::from(dice / 5 % 3)]));
        self.gate(name, outcome, tests, dice.is_multiple_of(2));
        well()
    }

    fn critic(&mut self, step: StepId, dice: u8) -> StepEnd {
        let decision = match dice % 6 {
            0 | 1 => Decision::Continue,
            2 => Decision::NeedsHuman,
            3 => Decision::Unknown,
            _ => Decision::Done,
        };
        self.commit(VerdictReached { step, verdict: verdict(decision) }.into());
        well()
    }
}

fn well() -> StepEnd {
    ended(Exit::Code(0), Cause::Natural)
}

fn unable(error: &str) -> StepEnd {
    StepEnd { error: Some(error.to_owned()), ..well() }
}

fn hook(dice: u8) -> StepEnd {
    match dice % 10 {
        1 => ended(Exit::Code(1), Cause::Natural),
        2 => ended(Exit::Signal(9), Cause::TimedOut),
        _ => well(),
    }
}

fn actor(dice: u8) -> StepEnd {
    match dice % 8 {
        1 => ended(Exit::Code(1), Cause::Natural),
        2 => ended(Exit::Signal(9), Cause::TimedOut),
        3 => StepEnd { question: Some("which?".to_owned()), ..well() },
        4 => unable("no such file"),
        6 => failed(dice),
        _ => StepEnd { claim: true, ..well() },
    }
}

fn trashed(dice: u8) -> Trashed {
    let name = format!("refs/loopdash/trash/r/{dice}");
    Trashed { name, commit: "t".to_owned(), head: Some("h".to_owned()), skipped: Vec::new() }
}

const CLASSES: [FailureClass; 6] = [
    FailureClass::Rate,
    FailureClass::Auth,
    FailureClass::Context,
    FailureClass::Network,
    FailureClass::Quota,
    FailureClass::Other,
];

fn is_setback(dice: u8) -> bool {
    CLASSES[usize::from(dice) / 8 % CLASSES.len()].remedy() != Remedy::None
}

fn failed(dice: u8) -> StepEnd {
    let class = CLASSES[usize::from(dice) / 8 % CLASSES.len()];
    let retry_after_ms = (dice % 2 == 1).then_some(5_000);
    let failure = Failure { retry_after_ms, ..Failure::new(class, "no") };
    StepEnd { agent: Some(Box::new(AgentEnd { failure: Some(failure), ..AgentEnd::default() })), ..well() }
}

/// The dice with which every step ends well.
pub(super) const GOOD: u8 = 13;

/// The dice with which a critic accepts.
pub(super) const ACCEPTED: u8 = 16;

pub(super) fn failing(names: &[&str]) -> TestsSeen {
    let new: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    TestsSeen { passed: Some(7), failed: new.len() as u32, new, ..TestsSeen::default() }
}
