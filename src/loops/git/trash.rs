//! The trash: what a worktree holds, kept as a commit under `refs/loopdash/trash/<run>/<time>` before it goes.
//! [`keep`] is called first by everything that removes a worktree or sets it back; without its commit nothing goes. Work
//! that is done again after a crash finds what its first try kept by the moment it was asked for.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use git2::{BranchType, Commit, ErrorCode, Oid, Reference, Repository};

use super::diff::EMPTY;
use super::error::GitError;
use super::names::kept_ref;
use super::refs::{self, commit_at};
use super::repo::{Head, open_objects};
use super::scan::{Scanned, Skipped, scan};
use super::snapshot::write;
use super::workspace::Workspace;

/// Where kept content lies, a folder for each run.
const TRASH: &str = "refs/loopdash/trash";
/// The line of a kept commit that says for which work it was kept, and the one that says where the branch was.
const ASKED: &str = "asked: ";
const BRANCH: &str = "branch: ";
/// Names tried, a millisecond apart, until one is free.
const ATTEMPTS: u64 = 10_000;

/// What was kept. Ids are 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trash {
    /// The ref that keeps it.
    pub name: String,
    /// The commit: its tree is the worktree's content, ignored files not among it; what `HEAD`, the branch and the index
    /// held hangs on as parents.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// Where the branch was.
    pub head: Option<String>,
    /// What is in the worktree but not, or not wholly, in the commit.
    pub skipped: Vec<Skipped>,
}

/// What [`keep`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// Where the content is kept that was there before anything was changed.
    pub trash: Trash,
    /// The tree of the worktree as it is now: another than that of `trash` if an earlier try has changed something.
    pub now: String,
}

/// A ref of the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// The run whose content it keeps.
    pub run: String,
    /// When it was made, in seconds since the Unix epoch.
    pub at: i64,
    /// The commit, or whatever else a ref was at that somebody deleted.
    pub commit: String,
}

/// Keeps all that the worktree holds, untracked files included. Ignored files are not kept, as in a snapshot. The
/// worktree, its index and every branch stay as they are. With the moment at which the work was asked for (milliseconds
/// since the Unix epoch) that becomes the ref's name, and a second call for it answers what the first one kept; what is
/// there by then is kept besides, if it differs.
///
/// # Errors
/// Those of a snapshot, and [`GitError::NameTaken`] when no ref can be made for it. Nothing may be removed then.
pub fn keep(workspace: &Workspace, why: &str, asked: Option<u64>) -> Result<Keeping, GitError> {
    let store = || {
        let Scanned { tree, skipped, head } = scan(workspace)?;
        let repo = open_objects(&workspace.common_dir)?;
        let first = asked.and_then(|asked| first_try(&repo, workspace, asked));
        let now = tree.to_string();
        if let Some(trash) = first.clone().filter(|first| first.tree == now) {
            return Ok(Keeping { trash: Trash { skipped, ..trash }, now });
        }
        let head = head.as_ref().and_then(Head::commit).map(ToOwned::to_owned);
        let mut parents: Vec<Commit<'_>> = Vec::new();
        let branch = branch_tip(&repo, workspace);
        let base = Some(workspace.base.clone()).filter(|base| head.is_none() && *base != EMPTY);
        for id in [head, branch.clone(), base].into_iter().flatten() {
            add(&mut parents, commit_at(&repo, &id)?);
        }
        if let Some(index) = index_commit(&repo, workspace, tree, &parents)? {
            add(&mut parents, index);
        }
        let asked = asked.filter(|_| first.is_none());
        let message = message(workspace, why, asked, branch.as_deref());
        let commit = write(&repo, tree, &parents, &message)?;
        let name = point_at(&repo, &workspace.run, commit, asked.unwrap_or_else(millis))?;
        let kept = Trash { name, commit: commit.to_string(), tree: now.clone(), head: branch, skipped: Vec::new() };
        Ok(Keeping { trash: Trash { skipped, ..first.unwrap_or(kept) }, now })
    };
    store().map_err(GitError::or_full(&workspace.common_dir))
}

/// Keeps what is left of a worktree that is gone: where its branch is, and the commit that held its content last. None when
/// there is neither. Done again, it answers as [`keep`] does.
pub(crate) fn keep_gone(
    workspace: &Workspace,
    why: &str,
    last: Option<&str>,
    asked: Option<u64>,
) -> Result<Option<Trash>, GitError> {
    let repo = open_objects(&workspace.common_dir)?;
    if let Some(first) = asked.and_then(|asked| first_try(&repo, workspace, asked)) {
        return Ok(Some(first));
    }
    let branch = branch_tip(&repo, workspace);
    let mut parents: Vec<Commit<'_>> = Vec::new();
    for id in branch.as_deref().into_iter().chain(last) {
        // Of what is gone from the repository nothing can be kept.
        if let Ok(commit) = commit_at(&repo, id) {
            add(&mut parents, commit);
        }
    }
    let Some(content) = parents.last() else { return Ok(None) };
    let tree = content.tree_id();
    let message = message(workspace, why, asked, branch.as_deref());
    let commit = write(&repo, tree, &parents, &message)?;
    let name = point_at(&repo, &workspace.run, commit, asked.unwrap_or_else(millis))?;
    let (commit, tree) = (commit.to_string(), tree.to_string());
    Ok(Some(Trash { name, commit, tree, head: branch, skipped: Vec::new() }))
}

/// The words of a kept commit; the last lines are read again by [`first_try`].
fn message(workspace: &Workspace, why: &str, asked: Option<u64>, branch: Option<&str>) -> String {
    let mut text = format!("loopdash: {why}: what run {} had in its worktree\n", workspace.run);
    let asked = asked.map(|asked| format!("{ASKED}{asked}\n"));
    let branch = branch.map(|branch| format!("{BRANCH}{branch}\n"));
    if let Some(asked) = asked {
        text.push('\n');
        text.extend([Some(asked), branch].into_iter().flatten());
    }
    text
}

/// What was kept for the work that was asked for at this moment.
fn first_try(repo: &Repository, workspace: &Workspace, asked: u64) -> Option<Trash> {
    let mark = format!("{ASKED}{asked}");
    for folder in folders(&workspace.run) {
        for time in asked..asked.saturating_add(ATTEMPTS) {
            let name = format!("{folder}{time}");
            // The first that is free ended the search for a name, too.
            let Ok(commit) = repo.find_reference(&name).and_then(|found| found.peel_to_commit()) else { break };
            let text = String::from_utf8_lossy(commit.message_bytes()).into_owned();
            if text.lines().any(|line| line == mark) {
                let head = text.lines().find_map(|line| line.strip_prefix(BRANCH)).map(str::to_owned);
                let (commit, tree) = (commit.id().to_string(), commit.tree_id().to_string());
                return Some(Trash { name, commit, tree, head, skipped: Vec::new() });
            }
        }
    }
    None
}

/// Notes under `refs/loopdash/<run>/left` where `HEAD` of a worktree was that goes; what was noted before moves to the trash.
pub(crate) fn note_left(repo: &Repository, run: &str, commit: &str) -> Result<(), GitError> {
    let left = kept_ref(run, "left")?;
    if let Ok(before) = repo.refname_to_id(&left)
        && before.to_string() != commit
    {
        point(repo, run, before)?;
    }
    refs::keep(repo, &left, commit)
}

/// Makes a ref of the trash for a commit, under a name of its own.
pub(crate) fn point(repo: &Repository, run: &str, commit: Oid) -> Result<String, GitError> {
    point_at(repo, run, commit, millis())
}

fn millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or_default()
}

/// A ref in the way of the folder blocks all names in it; the run's own folder is the way around.
fn folders(run: &str) -> [String; 2] {
    [format!("{TRASH}/{run}/"), format!("refs/loopdash/{run}/trash-")]
}

/// The same, with the first free name from this moment on.
fn point_at(repo: &Repository, run: &str, commit: Oid, from: u64) -> Result<String, GitError> {
    for folder in folders(run) {
        for time in from..from.saturating_add(ATTEMPTS) {
            let name = format!("{folder}{time}");
            if !Reference::is_valid_name(&name) {
                return Err(GitError::BadName { name: run.to_owned() });
            }
            // Matching "nothing" is looked at under the ref's lock; that it exists is looked at before, which two can pass.
            match repo.reference_matching(&name, commit, false, Oid::ZERO_SHA1, "loopdash") {
                Ok(_) => return Ok(name),
                Err(error) if error.code() == ErrorCode::Modified => {}
                Err(error) if error.code() == ErrorCode::Exists && repo.find_reference(&name).is_ok() => {}
                // Locked by whoever tries the same name, or blocked.
                Err(error) if error.code() == ErrorCode::Locked => {}
                Err(_) => break,
            }
        }
    }
    Err(GitError::NameTaken { name: format!("{TRASH}/{run}") })
}

/// All refs of the trash of a repository, oldest first.
///
/// # Errors
/// When the refs cannot be read.
pub fn list(common_dir: &Path) -> Result<Vec<Kept>, GitError> {
    let repo = open_objects(common_dir)?;
    let mut found = Vec::new();
    for (pattern, cut) in [(format!("{TRASH}/*"), format!("{TRASH}/")), loopdash_pattern()] {
        for reference in repo.references_glob(&pattern).map_err(GitError::lib("list kept refs"))?.flatten() {
            let (Ok(name), Some(target)) = (reference.name(), reference.target()) else { continue };
            let Some((run, leaf)) = name.strip_prefix(&cut).and_then(|rest| rest.split_once('/')) else { continue };
            // What is kept may be much older than its keeping.
            let named = leaf.trim_start_matches("trash-").parse::<i64>().ok().map(|millis| millis / 1000);
            let Some(at) = named.or_else(|| Some(reference.peel_to_commit().ok()?.time().seconds())) else { continue };
            let (name, run, commit) = (name.to_owned(), run.to_owned(), target.to_string());
            found.push(Kept { name, run, at, commit });
        }
    }
    found.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    found.dedup_by(|a, b| a.name == b.name);
    Ok(found)
}

/// The bytes of the files in kept content that differ from a commit, by default from the one at `HEAD`, each content counted
/// once and uncompressed: what there is to bring back. Git stores it smaller, and shares it.
pub fn size(common_dir: &Path, kept: &[Kept], base: Option<&str>) -> u64 {
    let measure = || -> Option<u64> {
        let repo = open_objects(common_dir).ok()?;
        let odb = repo.odb().ok()?;
        let tree = |id: &str| commit_at(&repo, id).ok()?.tree().ok();
        let base = base.and_then(tree).or_else(|| tree("HEAD"));
        let mut contents = BTreeSet::new();
        for one in kept {
            let Some(tree) = tree(&one.commit) else { continue };
            let diff = repo.diff_tree_to_tree(base.as_ref(), Some(&tree), None).ok()?;
            contents.extend(diff.deltas().map(|delta| delta.new_file().id()).filter(|id| !id.is_zero()));
        }
        Some(contents.iter().filter_map(|id| odb.read_header(*id).ok()).map(|(size, _)| size as u64).sum())
    };
    measure().unwrap_or_default()
}

/// Takes a ref out of the trash, if it still keeps what it did when it was listed.
///
/// # Errors
/// [`GitError::RefMoved`], and failures of the repository.
pub fn delete(common_dir: &Path, kept: &Kept) -> Result<(), GitError> {
    let repo = open_objects(common_dir)?;
    let mut reference = match repo.find_reference(&kept.name) {
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(()),
        other => other.map_err(GitError::lib("find a kept ref"))?,
    };
    let found = reference.target().map(|id| id.to_string()).unwrap_or_default();
    if found != kept.commit {
        let (name, expected) = (kept.name.clone(), kept.commit.clone());
        return Err(GitError::RefMoved { name, expected, found });
    }
    reference.delete().map_err(GitError::lib("delete a kept ref"))
}

/// Deletes the refs of a run's snapshots. Its trash stays.
///
/// # Errors
/// Failures of the repository.
pub fn forget_run(common_dir: &Path, run: &str) -> Result<(), GitError> {
    let repo = open_objects(common_dir)?;
    let folder = format!("refs/loopdash/{run}/");
    let found = repo.references_glob(&format!("{folder}*")).map_err(GitError::lib("list kept refs"))?;
    let names = found.flatten().filter_map(|reference| Some(reference.name().ok()?.to_owned()));
    let names: Vec<String> = names.filter(|name| !name.starts_with(&format!("{folder}trash-"))).collect();
    for name in names {
        let mut reference = repo.find_reference(&name).map_err(GitError::lib("find a kept ref"))?;
        reference.delete().map_err(GitError::lib("delete a kept ref"))?;
    }
    Ok(())
}

fn loopdash_pattern() -> (String, String) {
    ("refs/loopdash/*/trash-*".to_owned(), "refs/loopdash/".to_owned())
}

/// Where the run's branch is.
pub(crate) fn branch_tip(repo: &Repository, workspace: &Workspace) -> Option<String> {
    let branch = repo.find_branch(workspace.branch.as_deref()?, BranchType::Local).ok()?;
    branch.get().target().map(|id| id.to_string())
}

/// What is staged and neither in the worktree nor in a commit, as a commit of its own.
fn index_commit<'a>(
    repo: &'a Repository,
    workspace: &Workspace,
    tree: Oid,
    parents: &[Commit<'_>],
) -> Result<Option<Commit<'a>>, GitError> {
    // An index that this library cannot read, or that is in the middle of a merge, has no tree.
    let Ok(mut index) = git2::Index::open(&workspace.git_dir.join("index")) else { return Ok(None) };
    let Ok(staged) = index.write_tree_to(repo) else { return Ok(None) };
    if staged == tree || parents.iter().any(|parent| parent.tree_id() == staged) {
        return Ok(None);
    }
    let message = format!("loopdash: what run {} had staged\n", workspace.run);
    let commit = write(repo, staged, parents, &message)?;
    Ok(Some(repo.find_commit(commit).map_err(GitError::lib("read what was staged"))?))
}

fn add<'a>(parents: &mut Vec<Commit<'a>>, commit: Commit<'a>) {
    if parents.iter().all(|other| other.id() != commit.id()) {
        parents.push(commit);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{Fixture, git, write};
    use super::*;

    #[test]
    fn all_that_a_worktree_holds_is_kept_and_nothing_is_touched() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        let before = fixture.fingerprint();
        git(&workspace.path, ["commit", "-q", "--allow-empty", "-m", "by the agent"]);
        let head = git(&workspace.path, ["rev-parse", "HEAD"]);
        write(&workspace.path.join("staged"), "once");
        git(&workspace.path, ["add", "staged"]);
        write(&workspace.path.join("staged"), "twice");
        write(&workspace.path.join("new/file"), "untracked");
        write(&workspace.path.join("target/out"), "ignored");
        let status = git(&workspace.path, ["status", "--porcelain"]);

        let trash = keep(&workspace, "test", None).unwrap().trash;
        assert!(trash.name.starts_with("refs/loopdash/trash/run-x/"), "{}", trash.name);
        assert_eq!(fixture.git(["show", &format!("{}:new/file", trash.name)]), "untracked");
        assert_eq!(fixture.git(["show", &format!("{}:staged", trash.name)]), "twice");
        assert_eq!(fixture.git(["show", &format!("{}^2:staged", trash.name)]), "once", "what was staged");
        assert_eq!(fixture.git(["ls-tree", "--name-only", &trash.name, "target"]), "", "ignored files are not kept");
        assert_eq!(fixture.git(["rev-parse", &format!("{}^", trash.name)]), head);
        assert_eq!(trash.head, Some(head));
        assert_eq!((git(&workspace.path, ["status", "--porcelain"]), fixture.fingerprint()), (status, before));
        let listed = list(&workspace.common_dir).unwrap();
        assert_eq!(listed.iter().map(|kept| (&*kept.name, &*kept.run)).collect::<Vec<_>>(), [(&*trash.name, "run-x")]);
    }

    #[test]
    fn names_are_unique_however_many_keep_at_once() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..5).for_each(|_| drop(keep(&workspace, "test", None).unwrap().trash)));
            }
        });
        assert_eq!(list(&workspace.common_dir).unwrap().len(), 40);
    }

    #[test]
    fn a_ref_in_the_way_is_gone_around_and_two_keep_everything_in_place() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        fixture.git(["update-ref", "refs/loopdash/trash", "HEAD"]);
        let trash = keep(&workspace, "test", None).unwrap().trash;
        assert!(trash.name.starts_with("refs/loopdash/run-x/trash-"), "{}", trash.name);
        assert_eq!(list(&workspace.common_dir).unwrap().len(), 1);
        fixture.git(["update-ref", "-d", &trash.name]);
        fixture.git(["for-each-ref", "--format=delete %(refname)", "refs/loopdash/run-x"]).lines().for_each(|line| {
            fixture.git(["update-ref", "-d", line.strip_prefix("delete ").unwrap()]);
        });
        fixture.git(["update-ref", "refs/loopdash/run-x", "HEAD"]);
        assert!(matches!(keep(&workspace, "test", None), Err(GitError::NameTaken { .. })));
    }
}
