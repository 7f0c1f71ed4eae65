//! A snapshot: all that a worktree holds, as a commit under `refs/loopdash/<run>/<iteration>`.
//! [`take`] leaves the worktree, its index, `HEAD` and every branch as they are.

use git2::{Commit, Oid, Repository, Signature};

use super::diff::{EMPTY, compare, count};
use super::error::GitError;
use super::names::kept_ref;
use super::refs::{commit_at, point};
use super::repo::{Head, open_objects};
use super::scan::{Scanned, Skipped, scan};
use super::workspace::Workspace;
use crate::loops::fault;

/// What [`take`] is asked for.
#[derive(Debug, Clone)]
pub struct TakeSnapshot {
    /// Where the work is; names the run and the base.
    pub workspace: Workspace,
    /// The last part of the ref's name: the iteration's number, or what else tells it from the run's others.
    pub leaf: String,
    /// The commit of the snapshot before this one.
    pub parent: Option<String>,
}

/// A snapshot that was taken. Ids are 40 hexadecimal digits; counts of lines are against the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The ref that keeps it.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Its tree: equal trees mean equal content.
    pub tree: String,
    /// The snapshot before it.
    pub parent: Option<String>,
    /// Files that differ from the base.
    pub files: usize,
    /// Lines added since the base.
    pub insertions: usize,
    /// Lines removed since the base.
    pub deletions: usize,
    /// Files that differ from the parent snapshot, or from the base when there is none.
    pub changed_since_parent: usize,
    /// The commit the worktree's `HEAD` is at.
    pub head: Option<String>,
    /// The branch checked out now.
    pub branch: Option<String>,
    /// What is in the worktree but not, or not wholly, in the snapshot.
    pub skipped: Vec<Skipped>,
}

/// Takes a snapshot. Its first parent is the snapshot before, or the base; commits the agent made hang on as a further
/// parent, so that resetting them away loses nothing. Taking a snapshot of the same name again keeps the earlier one alive
/// the same way.
///
/// # Errors
/// [`GitError::WorktreeGone`] or [`GitError::WorktreeReplaced`] when there is nothing to look at, and failures of the
/// repository or disk. Files that cannot be stored are no error: they are in [`Snapshot::skipped`].
pub fn take(wish: &TakeSnapshot) -> Result<Snapshot, GitError> {
    store(wish).map_err(GitError::or_full(&wish.workspace.common_dir))
}

fn store(wish: &TakeSnapshot) -> Result<Snapshot, GitError> {
    let TakeSnapshot { workspace, leaf, parent } = wish;
    let name = kept_ref(&workspace.run, leaf)?;
    let Scanned { tree, skipped, head } = scan(workspace)?;
    let repo = open_objects(&workspace.common_dir)?;
    let head_commit = head.as_ref().and_then(Head::commit).map(ToOwned::to_owned);
    let parents = parents(&repo, &name, wish, head_commit.as_deref())?;
    let message = format!("loopdash: snapshot {leaf} of run {}\n", workspace.run);
    fault::io("snapshot").map_err(GitError::io("write the snapshot in", &workspace.common_dir))?;
    let commit = write(&repo, tree, &parents, &message)?;
    point(&repo, &name, commit).map_err(GitError::lib("write the snapshot's ref"))?;

    let since_base = compare(&repo, &workspace.base, &tree.to_string(), false)?;
    let changed_since_parent = match parent {
        Some(parent) => count(&repo, parent, &tree.to_string())?,
        None => since_base.files.len(),
    };
    Ok(Snapshot {
        name,
        commit: commit.to_string(),
        tree: tree.to_string(),
        parent: parent.clone(),
        files: since_base.files.len(),
        insertions: since_base.insertions,
        deletions: since_base.deletions,
        changed_since_parent,
        head: head_commit,
        branch: head.as_ref().and_then(Head::branch).map(ToOwned::to_owned),
        skipped,
    })
}

fn parents<'a>(
    repo: &'a Repository,
    name: &str,
    wish: &TakeSnapshot,
    head: Option<&str>,
) -> Result<Vec<Commit<'a>>, GitError> {
    let mut parents: Vec<Commit<'a>> = Vec::new();
    let first = wish.parent.as_deref().or(Some(wish.workspace.base.as_str()).filter(|base| *base != EMPTY));
    if let Some(first) = first {
        parents.push(commit_at(repo, first)?);
    }
    if let Ok(earlier) = repo.refname_to_id(name) {
        parents.push(repo.find_commit(earlier).map_err(GitError::lib("read the earlier snapshot"))?);
    }
    let grandparents: Vec<Oid> = parents.iter().flat_map(|parent| parent.parent_ids().collect::<Vec<_>>()).collect();
    if let Some(head) = head.filter(|head| *head != wish.workspace.base) {
        let head = commit_at(repo, head)?;
        if !grandparents.contains(&head.id()) {
            parents.push(head);
        }
    }
    let mut distinct: Vec<Commit<'a>> = Vec::new();
    for parent in parents {
        if distinct.iter().all(|other| other.id() != parent.id()) {
            distinct.push(parent);
        }
    }
    Ok(distinct)
}

pub(crate) fn write(repo: &Repository, tree: Oid, parents: &[Commit<'_>], message: &str) -> Result<Oid, GitError> {
    let failed = "write the snapshot";
    // A fixed identity: the operator's may be unset, and these commits are not theirs.
    let who = Signature::now("loopdash", "loopdash@localhost").map_err(GitError::lib(failed))?;
    let tree = repo.find_tree(tree).map_err(GitError::lib(failed))?;
    let parents: Vec<&Commit<'_>> = parents.iter().collect();
    repo.commit(None, &who, &who, message, &tree, &parents).map_err(GitError::lib(failed))
}

#[cfg(test)]
mod tests;
