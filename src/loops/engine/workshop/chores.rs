//! What is done with a worktree as a whole: set back to an iteration, scrapped, landed, brought back.
//!
//! Content that goes is kept in the trash by the git layer first; the facts name where.

use super::place::ready;
use super::{Done, Job, Workshop};
use crate::loops::core::event::{
    Chore, Event, MergeConflicted, Merged, Noted, Restored, Rewound, Scrapped, Trashed, Waits,
};
use crate::loops::core::ids::StepId;
use crate::loops::core::spec::LoopSpec;
use crate::loops::engine::order::Errand;
use crate::loops::git::trash::Trash;
use crate::loops::git::{Joined, Land, Scrap, SetBack, Work, Workspace};
use crate::loops::mask::Mask;

/// Characters of a landed commit's first line.
const SUBJECT: usize = 72;

impl Workshop {
    pub(super) async fn chore(&self, job: &mut Job) -> Done {
        let held = match self.held(&job.order).await {
            Ok(held) => held,
            Err(error) => return job.failed(error.to_string()),
        };
        match self.done(job).await {
            Ok(facts) => Done { facts: held.into_iter().chain(facts).collect(), ..job.well() },
            Err(why) => Done { facts: held, ..job.failed(why) },
        }
    }

    async fn done(&self, job: &Job) -> Result<Vec<Event>, String> {
        let workspace = self.git_place(&job.order).ok_or("there is no worktree")?;
        let step = job.order.step;
        // Answers the same for the same asking, however often it is tried.
        let asked = Some(job.order.asked.0);
        match job.order.errand.clone().ok_or("nothing was asked for")? {
            Errand { chore: Chore::Scrap { named }, .. } => {
                let last = job.order.keep.0.clone();
                let wish = Scrap { workspace, last, named, branch: true, asked };
                let scrapped = self.git.scrap(wish).await.map_err(|error| error.to_string())?;
                let (trash, branch_left) = (scrapped.trash.map(trashed), scrapped.branch_left);
                Ok(vec![Scrapped { step: Some(step), trash, branch_left }.into()])
            }
            Errand { chore: Chore::Land { .. }, to, .. } => {
                let commit = to.ok_or("there is no snapshot to land")?;
                let left_out = self.git.standing(workspace.clone(), Some(commit.clone())).await;
                let joined = self.git.land(landing(&job.order.spec, &workspace, commit)).await;
                let joined = joined.map_err(|error| error.to_string())?;
                let left_out = left_out.is_ok_and(|standing| standing.dirty).then(|| {
                    let text = "what was changed in its worktree since the last snapshot was not landed".to_owned();
                    Noted { text }.into()
                });
                Ok([joined_event(joined, Some(step))].into_iter().chain(left_out).collect())
            }
            Errand { chore, to, head } => {
                let commit = to.ok_or("there is no snapshot to go back to")?;
                let why = chore.step().word().to_owned();
                let wish = SetBack { workspace: workspace.clone(), to: commit.clone(), head, why, asked };
                let (place, trash) = self.git.bring_back(wish).await.map_err(|error| error.to_string())?;
                let mut facts = if trash.is_none() { self.made_again(job, &place).await } else { Vec::new() };
                let trash = trash.map(trashed);
                facts.push(match chore {
                    Chore::Rewind { iteration } => Rewound { step, iteration, commit, trash }.into(),
                    Chore::Undo | Chore::Scrap { .. } | Chore::Land { .. } => Restored { step, commit, trash }.into(),
                });
                Ok(facts)
            }
        }
    }

    /// A worktree that was made again lacks what git ignores; setup runs when its run goes on.
    async fn made_again(&self, job: &Job, place: &Workspace) -> Vec<Event> {
        match self.include(&job.order, place).await {
            Ok(included) => ready(place, true, included),
            Err(why) => {
                let mut facts = ready(place, true, Default::default());
                facts.push(Noted { text: format!("the files of .worktreeinclude were not copied: {why}") }.into());
                facts
            }
        }
    }
}

/// What the git layer is asked for to land a run's work that `commit` holds.
pub fn landing(spec: &LoopSpec, workspace: &Workspace, commit: String) -> Land {
    let objective =
        spec.objective.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty());
    // Others read the target's history: a secret that somebody wrote into an objective stays here.
    let subject = Mask::of_process().text(objective.unwrap_or(&spec.name));
    let subject: String = subject.chars().filter(|c| !c.is_control()).take(SUBJECT).collect();
    Land {
        common_dir: workspace.common_dir.clone(),
        run: workspace.run.clone(),
        work: Work { base: workspace.base.clone(), commit },
        target: spec.base.clone(),
        message: format!("{subject}\n\nLoopdash-Run: {}\n", workspace.run),
    }
}

/// What came of it, as the journal has it.
pub fn joined_event(joined: Joined, step: Option<StepId>) -> Event {
    match joined {
        Joined::Landed { target, commit, files } => Merged { step, target, commit, files, waits: None }.into(),
        Joined::Ready { target, commit, files, name, checkout } => {
            let waits = Some(Waits { name, checkout: checkout.to_string_lossy().into_owned() });
            Merged { step, target, commit, files, waits }.into()
        }
        Joined::Nothing { target, commit } => Merged { step, target, commit, files: 0, waits: None }.into(),
        Joined::Conflict { target, commit, files } => MergeConflicted { step, target, commit, files }.into(),
    }
}

/// Where it is kept, as the journal has it.
pub fn trashed(trash: Trash) -> Trashed {
    let Trash { name, commit, head, skipped, .. } = trash;
    let skipped = skipped.iter().map(|left| format!("{}: {}", left.path, left.why)).collect();
    Trashed { name, commit, head, skipped }
}
