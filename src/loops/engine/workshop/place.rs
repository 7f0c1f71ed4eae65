//! The place to work: a worktree made, found again after a restart, or the operator's own checkout.
//!
//! The step is idempotent, because a run passes it each time it gets a slot.

use super::{Done, Job, Workshop};
use crate::loops::core::event::{Event, Noted, WorkspaceReady};
use crate::loops::core::ids::RunId;
use crate::loops::core::state;
use crate::loops::core::worktree_path::{self, PathVariables};
use crate::loops::engine::order::Order;
use crate::loops::git::{self, AddWorktree, GitError, Included, RepoInfo, Workspace};
use std::path::{Path, PathBuf};

/// Files that are named one by one when they were not copied; the rest are counted.
const MAX_NAMED: usize = 10;

impl Workshop {
    pub(super) async fn place(&self, job: &mut Job) -> Done {
        // First, for a worktree that is gone is made again from what they keep.
        let held = match self.held(&job.order).await {
            Ok(held) => held,
            Err(error) => return job.failed(error.to_string()),
        };
        for fact in &held {
            if let Event::RepositoryTouched(touched) = fact {
                job.order.forget(&touched.lost);
            }
        }
        match self.find_place(&job.order).await {
            Ok(facts) => Done { facts: facts.into_iter().chain(held).collect(), ..job.well() },
            Err(why) => Done { facts: held, ..job.failed(why) },
        }
    }

    async fn find_place(&self, order: &Order) -> Result<Vec<Event>, String> {
        if let Some(known) = self.git_place(order) {
            return match self.git.check(known.clone()).await {
                Ok(()) => Ok(ready(&known, false, Included::default())),
                Err(GitError::WorktreeGone { .. }) if !known.in_place => {
                    let again = self.git.readd(known, order.keep.0.clone()).await.map_err(|e| e.to_string())?;
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
            return Ok(ready(&place, true, Included::default()));
        }
        let slug = git::slug(&order.spec.name);
        let path = self.path(order, &repo, &slug)?;
        let branch = order.spec.branch.clone();
        let wish = AddWorktree { repo, base: order.base.clone(), slug, branch, path, run };
        let place = self.git.add(wish).await.map_err(|error| error.to_string())?;
        let included = self.include(order, &place).await?;
        Ok(ready(&place, true, included))
    }

    pub(super) async fn include(&self, order: &Order, place: &Workspace) -> Result<Included, String> {
        let repo = self.git.discover(PathBuf::from(&order.spec.repo)).await.map_err(|error| error.to_string())?;
        if repo.bare {
            return Ok(Included::default());
        }
        self.git.include(repo, place.clone()).await.map_err(|error| error.to_string())
    }

    /// The workspace as git knows it, from what the journal says of it.
    pub(super) fn git_place(&self, order: &Order) -> Option<Workspace> {
        Some(git_workspace(order.run, order.workspace.as_ref()?))
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

/// A run's place as git knows it.
pub fn git_workspace(run: RunId, place: &state::Workspace) -> Workspace {
    Workspace {
        path: PathBuf::from(&place.path),
        branch: place.branch.clone(),
        base: place.base.clone(),
        run: run.to_string(),
        git_dir: PathBuf::from(&place.git_dir),
        common_dir: PathBuf::from(&place.common_dir),
        in_place: place.in_place,
    }
}

/// The place, and what its run's operator should know of it.
pub(super) fn ready(place: &Workspace, fresh: bool, included: Included) -> Vec<Event> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let ready = WorkspaceReady {
        path: text(&place.path),
        branch: place.branch.clone(),
        base: place.base.clone(),
        git_dir: text(&place.git_dir),
        common_dir: text(&place.common_dir),
        in_place: place.in_place,
        fresh,
        included: included.copied,
    };
    let left_out = left_out(&included.skipped).map(|text| Noted { text }.into());
    [ready.into()].into_iter().chain(left_out).collect()
}

/// A sentence about files that `.worktreeinclude` names and the worktree does not have.
fn left_out(skipped: &[(String, String)]) -> Option<String> {
    let named: Vec<String> = skipped.iter().take(MAX_NAMED).map(|(path, why)| format!("{path} ({why})")).collect();
    let more = match skipped.len() - named.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    (!named.is_empty()).then(|| format!("in .worktreeinclude and not copied: {}{more}", named.join(", ")))
}
