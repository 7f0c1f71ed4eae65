//! Keeping what is in the worktree around a take-over: what the actor had left, and what the operator changed.
//!
//! The same snapshot as an iteration's, under another ref, with the paths that differ from what was kept before.

use super::{Done, Job, Workshop, count};
use crate::loops::core::event::Kept;
use crate::loops::git::{GitError, TakeSnapshot, Workspace};

impl Workshop {
    pub(super) async fn keep(&self, job: &mut Job) -> Done {
        let Some(place) = self.git_place(&job.order) else { return job.failed("there is no worktree".to_owned()) };
        match self.kept(job, place).await {
            Ok(fact) => Done { facts: vec![fact.into()], ..job.well() },
            Err(error) => job.failed(error.to_string()),
        }
    }

    async fn kept(&self, job: &Job, place: Workspace) -> Result<Kept, GitError> {
        let (parent, by) = job.order.keep.clone();
        let before = parent.clone().unwrap_or_else(|| place.base.clone());
        let common_dir = place.common_dir.clone();
        let leaf = format!("keep-{}", job.order.step);
        let taken = self.git.take(TakeSnapshot { workspace: place, leaf, parent }).await?;
        let diff = self.git.between(common_dir, before, taken.commit.clone()).await?;
        Ok(Kept {
            step: job.order.step,
            by,
            commit: taken.commit,
            tree: taken.tree,
            files: count(diff.files.len()),
            insertions: count(diff.insertions),
            deletions: count(diff.deletions),
            paths: diff.files.into_iter().map(|file| file.path).take(Kept::MOST_PATHS).collect(),
        })
    }
}
