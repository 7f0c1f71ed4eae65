//! Making a run's worktree: on a branch of its own, outside the operator's checkout, one at a time per repository.
//! [`add`] makes one, [`readd`] makes a vanished one again, [`in_place`] uses the checkout itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{BranchType, ErrorCode, Repository, WorktreeLockStatus};

use super::cli::Call;
use super::diff::EMPTY;
use super::error::GitError;
use super::lock::with_repo_lock;
use super::names::{branch_for, free_branch, kept_ref, numbered, taken_back};
use super::refs::{commit_at, keep};
use super::repo::{Head, RepoInfo, checked_version, open_objects, tidy};
use super::trash::note_left;
use super::workspace::{Workspace, git_dir_of, read_marker};

/// A checkout of a large repository on a slow, busy disk.
const CHECKOUT_LIMIT: Duration = Duration::from_secs(900);
/// Names that appear between our look and git's own are tried again this often.
const ATTEMPTS: usize = 5;
const PATH_VARIANTS: usize = 1_000;

/// What [`add`] is asked for.
#[derive(Debug, Clone)]
pub struct AddWorktree {
    /// The repository to work on.
    pub repo: RepoInfo,
    /// A revision to start from; `HEAD` of `repo` when none.
    pub base: Option<String>,
    /// A short name, from [`super::names::slug`].
    pub slug: String,
    /// The branch to make; `run/<slug>` when none. A taken name gets `-2`, `-3`, ...
    pub branch: Option<String>,
    /// Where the worktree shall be, absolute. A taken path gets `-2`, `-3`, ...
    pub path: PathBuf,
    /// The run's id.
    pub run: String,
}

/// Makes a branch and a worktree on it, and keeps the base commit alive under `refs/loopdash/<run>/base`. The
/// operator's checkout, index, branches and configuration are not touched, and nothing is ever forced. What a loopdash that
/// died right after this had made for the run is taken as it stands.
///
/// # Errors
/// [`GitError::NoCommits`], [`GitError::BadRevision`], [`GitError::PathInside`], [`GitError::BadName`],
/// [`GitError::NameTaken`], and whatever `git worktree add` reports.
pub fn add(wish: &AddWorktree) -> Result<Workspace, GitError> {
    checked_version()?;
    let base_ref = kept_ref(&wish.run, "base")?;
    let repo = wish.repo.open()?;
    let base = resolve_base(&repo, wish)?;
    let wanted_path = std::path::absolute(&wish.path).map_err(GitError::io("make absolute", &wish.path))?;
    refuse_inside(&wish.repo, &wanted_path)?;
    let wanted_branch = wish.branch.clone().unwrap_or_else(|| branch_for(&wish.slug));

    let call = checkout_call(&wish.repo.root)?;
    with_repo_lock(&wish.repo.common_dir, || {
        if let Some(made) = made_before(&repo, wish, &base) {
            keep(&repo, &base_ref, &base)?;
            return Ok(made);
        }
        let branch = make_branch(&repo, &wanted_branch, &base)?;
        let added = free_path(&repo, &wanted_path).and_then(|path| {
            make_parent(&path)?;
            call.args(["worktree", "add", "--quiet", "--"]).arg(&path).arg(&branch).run()?;
            Ok(path)
        });
        let path = added.inspect_err(|_| take_back(&repo, &branch, &base, &wish.run))?;
        let workspace = register(&path, branch, &base, wish)?;
        keep(&repo, &base_ref, &base)?;
        Ok(workspace)
    })
}

/// A worktree that carries this run's mark, which is written last, with nothing on its branch yet.
fn made_before(repo: &Repository, wish: &AddWorktree, base: &str) -> Option<Workspace> {
    let listed = std::fs::read_dir(wish.repo.common_dir.join("worktrees")).ok()?;
    listed.flatten().map(|entry| entry.path()).find_map(|git_dir| {
        if read_marker(&git_dir).as_deref() != Some(wish.run.as_str()) {
            return None;
        }
        let worktree = repo.find_worktree(git_dir.file_name()?.to_str()?).ok()?;
        let path = tidy(worktree.path());
        let opened = super::repo::open_exactly(&path).ok()?;
        let Head::Branch { name, commit } = Head::of(&opened).ok()? else { return None };
        if commit != base {
            return None;
        }
        let branch = Some(name);
        let (base, run, common_dir) = (base.to_owned(), wish.run.clone(), wish.repo.common_dir.clone());
        let made = Workspace { path, branch, base, run, git_dir, common_dir, in_place: false };
        made.check().ok().map(|()| made)
    })
}

/// Makes the branch in the process: `git worktree add -b` would start another program for it. Whoever takes the name
/// between our look and this gets to keep it.
fn make_branch(repo: &Repository, wanted: &str, base: &str) -> Result<String, GitError> {
    let commit = commit_at(repo, base)?;
    for _ in 0..ATTEMPTS {
        let name = free_branch(repo, wanted)?;
        match repo.branch(&name, &commit, false) {
            Ok(_) => return Ok(name),
            Err(error) if matches!(error.code(), ErrorCode::Exists | ErrorCode::Locked) => {}
            Err(error) => return Err(GitError::lib("make a branch")(error)),
        }
    }
    Err(GitError::NameTaken { name: wanted.to_owned() })
}

/// Deletes a branch that was just made, for a worktree that did not come to be; only while nothing was added to it.
fn take_back(repo: &Repository, branch: &str, base: &str, run: &str) {
    // Said first, and for good: another run's step that began when the branch was there shall not think it stolen. Without
    // room for that it is deleted all the same, or each try would leave one more.
    let _said = taken_back(run, branch).and_then(|name| keep(repo, &name, base));
    if let Ok(mut made) = repo.find_branch(branch, BranchType::Local)
        && made.get().target().is_some_and(|id| id.to_string() == base)
    {
        // If it cannot be deleted it stays, which harms nobody.
        let _ = made.delete();
    }
}

/// The operator's checkout as a workspace. Its base is the commit at `HEAD`, or the empty tree when there is none yet.
///
/// # Errors
/// [`GitError::Bare`] when there is no checkout.
pub fn in_place(repo: &RepoInfo, run: &str) -> Result<Workspace, GitError> {
    if repo.bare {
        return Err(GitError::Bare { path: repo.root.clone() });
    }
    let base_ref = kept_ref(run, "base")?;
    let opened = repo.open()?;
    let head = Head::of(&opened)?;
    if let Some(commit) = head.commit() {
        keep(&opened, &base_ref, commit)?;
    }
    let workspace = Workspace {
        path: repo.root.clone(),
        branch: None,
        base: head.commit().unwrap_or(EMPTY).to_owned(),
        run: run.to_owned(),
        git_dir: repo.git_dir.clone(),
        common_dir: repo.common_dir.clone(),
        in_place: true,
    };
    workspace.check()?;
    Ok(workspace)
}

/// Makes a vanished worktree again: at the same path, on its branch (made again where it was last seen, or at the base,
/// if it was deleted), and with the content of a snapshot when one is given. A worktree that is still there is left as
/// it is. The commit that `HEAD` of the vanished worktree was at is kept under `refs/loopdash/<run>/left`.
///
/// # Errors
/// [`GitError::WorktreeReplaced`] when something else is there now, [`GitError::Locked`],
/// [`GitError::WorktreeGone`] for a checkout that loopdash did not make, and whatever `git worktree add` reports.
pub fn readd(workspace: &Workspace, restore: Option<&str>) -> Result<Workspace, GitError> {
    match workspace.check() {
        Ok(()) => return Ok(workspace.clone()),
        Err(GitError::WorktreeGone { .. }) if !workspace.in_place => {}
        Err(error) => return Err(error),
    }
    checked_version()?;
    with_repo_lock(&workspace.common_dir, || {
        let objects = open_objects(&workspace.common_dir)?;
        forget(&objects, workspace)?;
        let branch = workspace.branch.as_deref().unwrap_or("HEAD");
        make_parent(&workspace.path)?;
        let call = checkout_call(&workspace.common_dir)?.args(["worktree", "add", "--quiet"]);
        let call = if objects.find_branch(branch, BranchType::Local).is_ok() {
            call.arg("--").arg(&workspace.path).arg(branch)
        } else {
            let left = kept_ref(&workspace.run, "left")?;
            let from = objects.refname_to_id(&left).map_or_else(|_| workspace.base.clone(), |id| id.to_string());
            call.args(["--no-track", "-b", branch, "--"]).arg(&workspace.path).arg(from)
        };
        call.run()?;
        let mut again = workspace.clone();
        again.git_dir = git_dir_of(&workspace.path).map_err(|why| replaced(&workspace.path, why))?;
        again.write_marker()?;
        if let Some(commit) = restore {
            restore_content(&objects, &again, commit)?;
        }
        Ok(again)
    })
}

/// Makes the files of a worktree those of a commit. `HEAD`, the branch and the index stay.
fn restore_content(objects: &Repository, workspace: &Workspace, commit: &str) -> Result<(), GitError> {
    let commit = commit_at(objects, commit)?;
    let empty = |tree: git2::Tree<'_>| tree.is_empty();
    let head = Head::of(&super::repo::open_exactly(&workspace.path)?)?;
    let head_is_empty = match head.commit() {
        Some(id) => commit_at(objects, id)?.tree().map(empty).unwrap_or(false),
        None => true,
    };
    // With nothing on either side git has no file to match and calls that an error.
    if head_is_empty && commit.tree().map(empty).unwrap_or(false) {
        return Ok(());
    }
    Call::new(&workspace.path)
        .without_filters()?
        .limit(CHECKOUT_LIMIT)
        .args(["restore", "--quiet", "--no-overlay", "--worktree"])
        .arg(format!("--source={}", commit.id()))
        .args(["--", "."])
        .run()?;
    Ok(())
}

/// Takes a vanished worktree off git's list, by name, after keeping the commit it was at.
pub(crate) fn forget(objects: &Repository, workspace: &Workspace) -> Result<(), GitError> {
    let listed = workspace.common_dir.join("worktrees");
    let Some(name) = workspace.git_dir.file_name().filter(|_| workspace.git_dir.parent() == Some(listed.as_path()))
    else {
        return Ok(());
    };
    if !exists(&workspace.git_dir) {
        return Ok(());
    }
    super::repo::guard(&workspace.git_dir, &workspace.common_dir)?;
    let name = name.to_string_lossy();
    let worktree = objects.find_worktree(&name).map_err(GitError::lib("find the worktree's registration"))?;
    let registered = tidy(worktree.path());
    if registered != workspace.path && exists(&registered) {
        return Err(replaced(&workspace.path, format!("moved to {registered:?}")));
    }
    refuse_locked(&worktree, &workspace.path)?;
    if let Ok(head) = std::fs::read_to_string(workspace.git_dir.join("HEAD")) {
        let head = head.trim();
        let id = match head.strip_prefix("ref: ") {
            Some(name) => objects.refname_to_id(name).ok(),
            None => git2::Oid::from_str(head).ok(),
        };
        if let Some(id) = id {
            note_left(objects, &workspace.run, &id.to_string())?;
        }
    }
    worktree.prune(None).map_err(GitError::lib("take the worktree off git's list"))
}

pub(crate) fn refuse_locked(worktree: &git2::Worktree, path: &Path) -> Result<(), GitError> {
    match worktree.is_locked().map_err(GitError::lib("read the worktree's lock"))? {
        WorktreeLockStatus::Unlocked => Ok(()),
        WorktreeLockStatus::Locked(reason) => {
            let reason = reason.filter(|text| !text.is_empty()).unwrap_or_else(|| "no reason given".to_owned());
            Err(GitError::Locked { path: path.to_owned(), reason })
        }
    }
}

pub(crate) fn replaced(path: &Path, why: String) -> GitError {
    GitError::WorktreeReplaced { path: path.to_owned(), why }
}

fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// A call that writes a worktree: without filters, and with time for a large checkout.
fn checkout_call(directory: &Path) -> Result<Call, GitError> {
    Ok(Call::new(directory).without_filters()?.limit(CHECKOUT_LIMIT))
}

fn make_parent(path: &Path) -> Result<(), GitError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(GitError::io("create", parent))
}

fn register(path: &Path, branch: String, base: &str, wish: &AddWorktree) -> Result<Workspace, GitError> {
    let path = std::fs::canonicalize(path).map_err(GitError::io("find", path))?;
    let workspace = Workspace {
        git_dir: git_dir_of(&path).map_err(|why| replaced(&path, why))?,
        path,
        branch: Some(branch),
        base: base.to_owned(),
        run: wish.run.clone(),
        common_dir: wish.repo.common_dir.clone(),
        in_place: false,
    };
    workspace.write_marker()?;
    workspace.check()?;
    Ok(workspace)
}

fn resolve_base(repo: &Repository, wish: &AddWorktree) -> Result<String, GitError> {
    match &wish.base {
        Some(rev) => Ok(commit_at(repo, rev)?.id().to_string()),
        None => match Head::of(repo)?.commit() {
            Some(commit) => Ok(commit.to_owned()),
            None => Err(GitError::NoCommits { path: wish.repo.root.clone() }),
        },
    }
}

/// An agent's tools look upwards for configuration, and the operator's own tools downwards for files: neither may find
/// the other.
fn refuse_inside(repo: &RepoInfo, path: &Path) -> Result<(), GitError> {
    let real = real_place(path);
    let places = [Some(repo.root.as_path()), repo.main_checkout(), Some(repo.common_dir.as_path())];
    for inside in places.into_iter().flatten() {
        if real.starts_with(inside) {
            return Err(GitError::PathInside { path: path.to_owned(), inside: inside.to_owned() });
        }
    }
    Ok(())
}

/// Where a path that need not exist yet will be, symbolic links in its existing part followed.
fn real_place(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = std::fs::canonicalize(ancestor) {
            return path.strip_prefix(ancestor).map_or_else(|_| real.clone(), |rest| real.join(rest));
        }
    }
    path.to_owned()
}

fn free_path(repo: &Repository, wanted: &Path) -> Result<PathBuf, GitError> {
    let names = repo.worktrees().map_err(GitError::lib("list worktrees"))?;
    let mut registered = Vec::new();
    for name in names.iter().flatten().flatten() {
        if let Ok(worktree) = repo.find_worktree(name) {
            registered.push(tidy(worktree.path()));
        }
    }
    let taken = |path: &Path| exists(path) || registered.contains(&real_place(path));
    let name = wanted.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(name) = name else { return Err(GitError::PathTaken { path: wanted.to_owned() }) };
    for number in 1..=PATH_VARIANTS {
        let path = if number == 1 { wanted.to_owned() } else { wanted.with_file_name(numbered(&name, number)) };
        if !taken(&path) {
            return Ok(path);
        }
    }
    Err(GitError::PathTaken { path: wanted.to_owned() })
}

#[cfg(test)]
mod tests;
