//! Setting a worktree back to a commit's content, and bringing back what was removed.
//! [`set_back`] keeps what is there in the trash first, touches only what differs, and never an ignored file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{Delta, ErrorCode, Repository, Tree};

use super::cli::Call;
use super::error::GitError;
use super::lock::with_repo_lock;
use super::paths::{as_path, display};
use super::refs::{commit_at, tree_at};
use super::repo::{Head, open_exactly, open_objects};
use super::scan::Why;
use super::trash::{self, Keeping, Trash, branch_tip};
use super::workspace::Workspace;
use super::worktree::readd;
use crate::loops::fault;

/// A large worktree on a slow, busy disk.
const LIMIT: Duration = Duration::from_secs(900);

/// What [`set_back`] is asked for.
#[derive(Debug, Clone)]
pub struct SetBack {
    /// The worktree.
    pub workspace: Workspace,
    /// The commit whose content it gets.
    pub to: String,
    /// Where its branch goes, if it is known where it was then; with none the branch stays.
    pub head: Option<String>,
    /// What for, in a word for the kept commit.
    pub why: String,
    /// When it was asked for, in milliseconds since the Unix epoch: done again after a crash, it answers what was there
    /// before the first try.
    pub asked: Option<u64>,
}

/// Makes the worktree's content that of a commit: files that the commit does not have go, ignored ones stay. The branch
/// goes where `head` says as long as the worktree is on it. Everything that was there is kept first.
///
/// # Errors
/// [`GitError::NotOurs`] for the operator's own checkout, [`GitError::InTheWay`] when an ignored file lies where the commit
/// has one, [`GitError::WorktreeDirty`] when a file cannot be read, and those of [`trash::keep`]; the worktree is as it was then.
pub fn set_back(wish: &SetBack) -> Result<Trash, GitError> {
    let workspace = &wish.workspace;
    if workspace.in_place {
        return Err(GitError::NotOurs { path: workspace.path.clone() });
    }
    with_repo_lock(&workspace.common_dir, || {
        let objects = open_objects(&workspace.common_dir)?;
        let target = commit_at(&objects, &wish.to)?;
        let Keeping { trash: kept, now } = trash::keep(workspace, &wish.why, wish.asked)?;
        fault::at("setback.kept");
        let tree = target.tree().map_err(GitError::lib("read a tree"))?;
        if let Some(lost) = kept.skipped.iter().find(|skipped| matches!(skipped.why, Why::Unreadable(_))) {
            let why = format!("{}: {}", lost.path, lost.why);
            return Err(GitError::WorktreeDirty { path: workspace.path.clone(), why });
        }
        refuse_in_the_way(&objects, workspace, &now, &tree)?;
        if let Some(head) = &wish.head {
            move_branch(&objects, workspace, head)?;
        }
        fault::at("setback.moved");
        write_content(workspace, &now, &tree)?;
        Ok(kept)
    })
}

/// Brings kept content back: into the worktree that is there, after keeping what it holds; or into one made again, on its
/// branch. Also tells whether it was made again.
///
/// # Errors
/// Those of [`set_back`] and [`readd`].
pub fn bring_back(wish: &SetBack) -> Result<(Workspace, Option<Trash>), GitError> {
    let workspace = &wish.workspace;
    match workspace.check() {
        Ok(()) => set_back(wish).map(|kept| (workspace.clone(), Some(kept))),
        Err(GitError::WorktreeGone { .. }) if !workspace.in_place => {
            restore_branch(wish)?;
            readd(workspace, Some(&wish.to)).map(|again| (again, None))
        }
        Err(error) => Err(error),
    }
}

/// A branch that went with its worktree comes back first; one that is there by now stays where it is.
fn restore_branch(wish: &SetBack) -> Result<(), GitError> {
    let (Some(branch), Some(head)) = (&wish.workspace.branch, &wish.head) else { return Ok(()) };
    let objects = open_objects(&wish.workspace.common_dir)?;
    let commit = commit_at(&objects, head)?;
    match objects.branch(branch, &commit, false) {
        Ok(_) => Ok(()),
        Err(error) if error.code() == ErrorCode::Exists => Ok(()),
        Err(error) => Err(GitError::lib("make the branch again")(error)),
    }
}

/// Moves the branch and the index with it, if the worktree is on its branch.
fn move_branch(objects: &Repository, workspace: &Workspace, to: &str) -> Result<(), GitError> {
    let on = Head::of(&open_exactly(&workspace.path)?)?;
    let Some(branch) = workspace.branch.as_deref().filter(|branch| on.branch() == Some(branch)) else { return Ok(()) };
    let Some(from) = branch_tip(objects, workspace).filter(|from| from != to) else { return Ok(()) };
    let (from, to) = (commit_at(objects, &from)?.id(), commit_at(objects, to)?.id());
    // The index first: whoever holds its lock keeps both where they are.
    Call::new(&workspace.path).limit(LIMIT).args(["read-tree", "--reset"]).arg(to.to_string()).run()?;
    let name = format!("refs/heads/{branch}");
    objects
        .reference_matching(&name, to, true, from, "loopdash: set back")
        .map_err(GitError::lib("move the branch"))
        .map(drop)
}

/// Makes the files those of `to`, given that they are those of `from`, through an index of its own, so that only what
/// differs is written.
fn write_content(workspace: &Workspace, from: &str, to: &Tree<'_>) -> Result<(), GitError> {
    let place = tempfile::Builder::new()
        .prefix("loopdash-index-")
        .tempdir_in(&workspace.git_dir)
        .map_err(GitError::io("make a directory in", &workspace.git_dir))?;
    let index = place.path().join("index");
    // What the worktree's own index knows of its files spares reading them; without it all are read.
    let _ = std::fs::copy(workspace.git_dir.join("index"), &index);
    let call = || Ok(Call::new(&workspace.path).without_filters()?.limit(LIMIT).index(&index));
    let known = call()?.args(["read-tree", "--reset", from]).run();
    if known.is_err() {
        let _ = std::fs::remove_file(&index);
        call()?.args(["read-tree", "--reset", from]).run()?;
    }
    call()?.args(["update-index", "-q", "--refresh"]).run()?;
    call()?.args(["read-tree", "--reset", "-u"]).arg(to.id().to_string()).run()?;
    Ok(())
}

/// What is in the worktree and not in the kept tree is in no ref: it must not be written over.
fn refuse_in_the_way(objects: &Repository, workspace: &Workspace, kept: &str, to: &Tree<'_>) -> Result<(), GitError> {
    let from = tree_at(objects, kept)?;
    let diff = objects.diff_tree_to_tree(from.as_ref(), Some(to), None).map_err(GitError::lib("compare two trees"))?;
    let holds = |path: &Path| from.as_ref().is_some_and(|tree| tree.get_path(path).is_ok());
    for delta in diff.deltas().filter(|delta| delta.status() == Delta::Added) {
        let Some(path) = delta.new_file().path_bytes().map(as_path) else { continue };
        let mut so_far = PathBuf::new();
        for part in path {
            so_far.push(part);
            let Ok(found) = std::fs::symlink_metadata(workspace.path.join(&so_far)) else { break };
            let blocks = match (found.is_dir(), so_far == path) {
                (true, false) => false,
                (true, true) => has_more(&workspace.path, &so_far, &holds),
                (false, _) => !holds(&so_far),
            };
            if blocks {
                return Err(GitError::InTheWay { path: display(so_far.as_os_str().as_encoded_bytes()) });
            }
            if !found.is_dir() {
                break;
            }
        }
    }
    Ok(())
}

/// Whether a directory has a file that the kept tree does not have.
fn has_more(top: &Path, directory: &Path, holds: &impl Fn(&Path) -> bool) -> bool {
    let Ok(entries) = std::fs::read_dir(top.join(directory)) else { return true };
    entries.flatten().any(|entry| {
        let path = directory.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => has_more(top, &path, holds),
            _ => !holds(&path),
        }
    })
}

#[cfg(test)]
mod tests;
