//! The place to work: a worktree made, found again after a restart, or the operator's own checkout.
//!
//! The step is idempotent, because a run passes it each time it gets a slot.

use super::{Done, Job, Workshop};
use crate::loops::core::event::WorkspaceReady;
use crate::loops::core::worktree_path::{self, PathVariables};
use crate::loops::engine::order::Order;
use crate::loops::git::{self, AddWorktree, GitError, RepoInfo, Workspace};
use std::path::{Path, PathBuf};

impl Workshop {
    pub(super) async fn place(&self, job: &mut Job) -> Done {
        match self.find_place(&job.order).await {
            Ok(ready) => Done { facts: vec![ready.into()], ..job.well() },
            Err(why) => job.failed(why),
        }
    }

    async fn find_place(&self, order: &Order) -> Result<WorkspaceReady, String> {
        if let Some(known) = self.git_place(order) {
            return match self.git.check(known.clone()).await {
                Ok(()) => Ok(ready(&known, false, Vec::new())),
                Err(GitError::WorktreeGone { .. }) if !known.in_place => {
                    let again = self.git.readd(known, order.snapshot.clone()).await.map_err(|e| e.to_string())?;
                    let included = self.include(order, &again).await?;
                    Ok(ready(&again, true, included))
                }
                Err(error) => Err(error.to_string()),
            };
        }
        let repo = self.git.discover(PathBuf::from(&order.spec.repo)).await.map_err(|error| error.to_string())?;
        let run = order.run.to_string();
        if Self::in_place(order) {
            let place = self.git.in_place(repo, run).await.map_err(|error| error.to_string())?;
            return Ok(ready(&place, true, Vec::new()));
        }
        let slug = git::slug(&order.spec.name);
        let path = self.path(order, &repo, &slug)?;
        let branch = order.spec.branch.clone();
        let wish = AddWorktree { repo, base: order.base.clone(), slug, branch, path, run };
        let place = self.git.add(wish).await.map_err(|error| error.to_string())?;
        let included = self.include(order, &place).await?;
        Ok(ready(&place, true, included))
    }

    async fn include(&self, order: &Order, place: &Workspace) -> Result<Vec<String>, String> {
        let repo = self.git.discover(PathBuf::from(&order.spec.repo)).await.map_err(|error| error.to_string())?;
        if repo.bare {
            return Ok(Vec::new());
        }
        let included = self.git.include(repo, place.clone()).await.map_err(|error| error.to_string())?;
        for (path, why) in &included.skipped {
            tracing::warn!(path, why, "not copied into the worktree");
        }
        Ok(included.copied)
    }

    /// The workspace as git knows it, from what the journal says of it.
    pub(super) fn git_place(&self, order: &Order) -> Option<Workspace> {
        let place = order.workspace.as_ref()?;
        Some(Workspace {
            path: PathBuf::from(&place.path),
            branch: place.branch.clone(),
            base: place.base.clone(),
            run: order.run.to_string(),
            git_dir: PathBuf::from(&place.git_dir),
            common_dir: PathBuf::from(&place.common_dir),
            in_place: place.in_place,
        })
    }

    fn path(&self, order: &Order, repo: &RepoInfo, slug: &str) -> Result<PathBuf, String> {
        let text = |path: Option<&Path>| path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let variables = PathVariables {
            repo: &repo.name,
            repo_parent: &text(repo.root.parent()),
            slug,
            run: &order.run.short(),
            state: &text(Some(&self.state)),
            home: &std::env::var("HOME").unwrap_or_default(),
        };
        let template = order.spec.worktree_path.as_deref().unwrap_or(worktree_path::DEFAULT);
        worktree_path::expand(template, &variables).map_err(|error| format!("engine.worktree_path {error}"))
    }
}

fn ready(place: &Workspace, fresh: bool, included: Vec<String>) -> WorkspaceReady {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    WorkspaceReady {
        path: text(&place.path),
        branch: place.branch.clone(),
        base: place.base.clone(),
        git_dir: text(&place.git_dir),
        common_dir: text(&place.common_dir),
        in_place: place.in_place,
        fresh,
        included,
    }
}
