//! Removing a worktree that loopdash made, once every bit of its content is kept under a ref.
//! [`remove`] refuses in all other cases; it never forces and never follows a symbolic link.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::lock::with_repo_lock;
use super::repo::{open_objects, tidy};
use super::scan::scan;
use super::trash::note_left;
use super::workspace::Workspace;
use super::worktree::{forget, refuse_locked};
use crate::loops::fault;

/// Removes the worktree's directory and takes it off git's list. Its branch and all refs of the run stay, ignored files
/// (build output) go. A worktree that is gone already is only taken off the list, after what an earlier try left of it.
///
/// # Errors
/// [`GitError::NotOurs`] for a checkout that loopdash did not make, [`GitError::WorktreeReplaced`],
/// [`GitError::Locked`], and [`GitError::WorktreeDirty`] when the content is in no snapshot of the run.
pub fn remove(workspace: &Workspace) -> Result<(), GitError> {
    if workspace.in_place {
        return Err(GitError::NotOurs { path: workspace.path.clone() });
    }
    with_repo_lock(&workspace.common_dir, || {
        let objects = open_objects(&workspace.common_dir)?;
        match workspace.check() {
            Ok(()) => {}
            Err(GitError::WorktreeGone { .. }) => {
                clear(&aside(workspace))?;
                return forget(&objects, workspace);
            }
            Err(error) => return Err(error),
        }
        if let Some(name) = workspace.git_dir.file_name() {
            let name = name.to_string_lossy();
            let worktree = objects.find_worktree(&name).map_err(GitError::lib("find the worktree's registration"))?;
            refuse_locked(&worktree, &workspace.path)?;
        }
        refuse_unkept(&objects, workspace)?;
        discard(workspace)?;
        forget(&objects, workspace)
    })
}

fn refuse_unkept(objects: &git2::Repository, workspace: &Workspace) -> Result<(), GitError> {
    let dirty = |why: String| GitError::WorktreeDirty { path: workspace.path.clone(), why };
    let now = scan(workspace)?;
    if let Some(lost) = now.skipped.iter().find(|skipped| skipped.why.loses_content()) {
        return Err(dirty(format!("{}: {}", lost.path, lost.why)));
    }
    let mut is_kept = false;
    for folder in ["", "trash/"] {
        let pattern = format!("refs/loopdash/{folder}{}/*", workspace.run);
        let kept = objects.references_glob(&pattern).map_err(GitError::lib("list kept refs"))?;
        is_kept |= kept.flatten().any(|reference| reference.peel_to_tree().is_ok_and(|tree| tree.id() == now.tree));
    }
    if !is_kept {
        return Err(dirty("changes since the last snapshot".to_owned()));
    }
    if let Some(commit) = now.head.as_ref().and_then(|head| head.commit()) {
        note_left(objects, &workspace.run, commit)?;
    }
    Ok(())
}

/// The directory is renamed before it is emptied: a half-removed worktree must not be taken for a whole one.
fn discard(workspace: &Workspace) -> Result<(), GitError> {
    let aside = aside(workspace);
    clear(&aside)?;
    std::fs::rename(&workspace.path, &aside).map_err(GitError::io("rename", &workspace.path))?;
    fault::at("remove.renamed");
    clear(&aside)
}

/// Where a worktree is while it is emptied. The run's id in the name says whose it was, also when nothing else is left of it.
fn aside(workspace: &Workspace) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(workspace.path.file_name().unwrap_or_default());
    name.push(format!(".removing-{}", workspace.run));
    workspace.path.with_file_name(name)
}

/// Removes what is there, if it is a directory in a place that no link leads to.
fn clear(aside: &Path) -> Result<(), GitError> {
    match std::fs::symlink_metadata(aside) {
        Ok(found) if found.is_dir() && tidy(aside) == aside => {
            std::fs::remove_dir_all(aside).map_err(GitError::io("remove", aside))
        }
        Ok(_) => Err(GitError::PathTaken { path: aside.to_owned() }),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
