//! Landing a run's work: one commit on its target that joins both, worked out in memory and kept under a ref first.
//! [`land`] moves the target only from where it was looked at, and never under somebody's checkout.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, MergeOptions, Oid, Repository, Signature};

use super::collide::{Work, ancestor, target, tree_of};
use super::diff::changed;
use super::error::GitError;
use super::landed::{Landed, landed};
use super::lock::with_repo_lock;
use super::names::kept_ref;
use super::paths::display;
use super::refs::{OURS, commit_at, point};
use super::repo::{Head, open_objects};
use crate::loops::fault;

/// The last part of the ref that keeps what was landed.
const LEAF: &str = "landed";

/// What [`land`] is asked for.
#[derive(Debug, Clone)]
pub struct Land {
    /// The git directory of the repository.
    pub common_dir: PathBuf,
    /// The run's id, for the ref that keeps the commit.
    pub run: String,
    /// The run's work.
    pub work: Work,
    /// The branch to land on, as for a collision.
    pub target: Option<String>,
    /// What the commit says.
    pub message: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// The target is at a commit that holds the work.
    Landed {
        /// The branch.
        target: String,
        /// Its new commit.
        commit: String,
        /// Files that it changes there.
        files: u32,
    },
    /// The commit is made. Its target is checked out somewhere, where moving it would look like a change of files.
    Ready {
        /// The branch.
        target: String,
        /// The commit, which the branch can be forwarded to.
        commit: String,
        /// Files that it changes there.
        files: u32,
        /// The ref that keeps it.
        name: String,
        /// Where the branch is checked out.
        checkout: PathBuf,
    },
    /// Both have changed the same places; nothing was moved.
    Conflict {
        /// The branch.
        target: String,
        /// Its commit.
        commit: String,
        /// The files, as they are shown.
        files: Vec<String>,
    },
    /// It is there already, or there is none.
    Nothing {
        /// The branch.
        target: String,
        /// Its commit.
        commit: String,
    },
}

/// Lands the work.
///
/// # Errors
/// [`GitError::NoTarget`] where there is no branch to land on, [`GitError::RefMoved`] when the target moved meanwhile, and
/// failures to read or write the repository. The target is where it was then.
pub fn land(wish: &Land) -> Result<Joined, GitError> {
    with_repo_lock(&wish.common_dir, || join(wish)).map_err(GitError::or_full(&wish.common_dir))
}

fn join(wish: &Land) -> Result<Joined, GitError> {
    let name = kept_ref(&wish.run, LEAF)?;
    let repo = open_objects(&wish.common_dir)?;
    let Some((branch, tip)) = target(&repo, &wish.common_dir, wish.target.as_deref())? else {
        return Err(GitError::NoTarget { path: wish.common_dir.clone() });
    };
    let there = Landed { common_dir: wish.common_dir.clone(), work: wish.work.clone(), target: wish.target.clone() };
    if landed(&there)?.is_none() {
        return Ok(Joined::Nothing { target: branch, commit: tip });
    }
    let base = tree_of(&repo, &ancestor(&repo, &wish.work.base, &tip)?)?;
    let (theirs, ours) = (tree_of(&repo, &tip)?, tree_of(&repo, &wish.work.commit)?);
    let mut options = MergeOptions::new();
    options.find_renames(true).fail_on_conflict(false);
    let failed = || GitError::lib("join the work with its target");
    let mut index = repo.merge_trees(&base, &theirs, &ours, Some(&options)).map_err(failed())?;
    if index.has_conflicts() {
        let mut files = Vec::new();
        for conflict in index.conflicts().map_err(failed())? {
            let conflict = conflict.map_err(failed())?;
            let side = [conflict.our, conflict.their, conflict.ancestor].into_iter().flatten().next();
            files.extend(side.map(|entry| display(&entry.path)));
        }
        files.sort();
        files.dedup();
        return Ok(Joined::Conflict { target: branch, commit: tip, files });
    }
    let tree = index.write_tree_to(&repo).and_then(|id| repo.find_tree(id)).map_err(failed())?;
    let files = changed(&repo, Some(&theirs), Some(&tree))?.map_or(u32::MAX, |files| files.len() as u32);
    let parent = commit_at(&repo, &tip)?;
    let who = author(&wish.common_dir).map_err(GitError::lib("name the commit's author"))?;
    let id = repo.commit(None, &who, &who, &wish.message, &tree, &[&parent]).map_err(failed())?;
    // Before the target moves: what is at one of these refs was moved there by us.
    point(&repo, &name, id).map_err(GitError::lib("write the landed work's ref"))?;
    fault::at("land.kept");
    let commit = id.to_string();
    if let Some(checkout) = checkout_of(&wish.common_dir, &branch)? {
        return Ok(Joined::Ready { target: branch, commit, files, name, checkout });
    }
    forward(&repo, &branch, parent.id(), id)?;
    fault::at("land.moved");
    Ok(Joined::Landed { target: branch, commit, files })
}

/// Moves a branch, if it is still where it was.
fn forward(repo: &Repository, branch: &str, from: Oid, to: Oid) -> Result<(), GitError> {
    let name = format!("refs/heads/{branch}");
    match repo.reference_matching(&name, to, true, from, "loopdash: land") {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::NotFound) => {
            let found = repo.refname_to_id(&name).map_or_else(|_| "nothing".to_owned(), |id| id.to_string());
            Err(GitError::RefMoved { name, expected: from.to_string(), found })
        }
        Err(error) => Err(GitError::lib("move the target")(error)),
    }
}

/// Where a branch is checked out, if it is.
fn checkout_of(common_dir: &Path, branch: &str) -> Result<Option<PathBuf>, GitError> {
    let repo = Repository::open(common_dir).map_err(GitError::lib("open the repository"))?;
    let on_it = |repo: &Repository| Head::of(repo).is_ok_and(|head| head.branch() == Some(branch));
    if !repo.is_bare() && on_it(&repo) {
        return Ok(Some(repo.workdir().unwrap_or(common_dir).to_owned()));
    }
    let names = repo.worktrees().map_err(GitError::lib("list worktrees"))?;
    for name in names.iter().flatten().flatten() {
        let Ok(worktree) = repo.find_worktree(name) else { continue };
        // One whose directory is gone has nobody in it.
        if Repository::open_from_worktree(&worktree).is_ok_and(|repo| on_it(&repo)) {
            return Ok(Some(worktree.path().to_owned()));
        }
    }
    Ok(None)
}

/// The operator, who landed it; or loopdash, where git does not know them.
fn author(common_dir: &Path) -> Result<Signature<'static>, git2::Error> {
    let own = Repository::open(common_dir).and_then(|repo| Ok(repo.signature()?.to_owned()));
    own.or_else(|_| Signature::now("loopdash", "loopdash@localhost"))
}

/// Whether a value of a ref is what one of the runs has landed: such a move is nobody else's.
pub(super) fn is_landing(ours: &std::collections::BTreeMap<String, String>, value: &str) -> bool {
    let of_run =
        |name: &str| name.strip_prefix(OURS).and_then(|name| name.split_once('/')).is_some_and(|it| it.1 == LEAF);
    ours.iter().any(|(name, commit)| commit == value && of_run(name))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::super::refs::{compare, observe};
    use super::super::testing::Fixture;
    use super::*;

    /// A repository with a run's work on `work`, and where both began.
    fn worked() -> (Fixture, Land) {
        let fixture = Fixture::new();
        fixture.write("a.rs", "one\ntwo\nthree\n");
        fixture.write("b.rs", "b\n");
        fixture.commit("base");
        let base = fixture.git(["rev-parse", "HEAD"]);
        fixture.git(["checkout", "-q", "-b", "work"]);
        fixture.write("a.rs", "one\nTWO\nthree\n");
        fixture.write("new.rs", "new\n");
        fixture.commit("work");
        let work = Work { base, commit: fixture.git(["rev-parse", "HEAD"]) };
        let (common_dir, target) = (fixture.info().common_dir, Some("main".to_owned()));
        let message = "Make it louder\n".to_owned();
        (fixture, Land { common_dir, run: "r".to_owned(), work, target, message })
    }

    #[test]
    fn work_joins_what_came_meanwhile_in_one_commit_on_its_target() {
        let (fixture, wish) = worked();
        fixture.git(["checkout", "-q", "main"]);
        fixture.write("b.rs", "B\n");
        fixture.commit("meanwhile");
        let tip = fixture.git(["rev-parse", "main"]);
        fixture.git(["checkout", "-q", "--detach"]);
        let before = observe(&wish.common_dir).unwrap();
        let Joined::Landed { target, commit, files } = land(&wish).unwrap() else { panic!("not landed") };
        assert_eq!((target.as_str(), files), ("main", 2));
        assert_eq!(fixture.git(["rev-parse", "main", "main^"]), format!("{commit}\n{tip}"));
        assert_eq!(fixture.git(["show", "main:a.rs"]), "one\nTWO\nthree");
        assert_eq!(fixture.git(["show", "main:b.rs"]), "B");
        assert_eq!(fixture.git(["log", "-1", "--format=%s", "main"]), "Make it louder");
        assert_eq!(fixture.git(["status", "--porcelain"]), "", "the checkout is as it was");
        // Other runs' steps are not told that somebody moved it.
        let after = observe(&wish.common_dir).unwrap();
        assert!(compare(&before, &after, "another", &[]).is_empty());
        assert_eq!(land(&wish).unwrap(), Joined::Nothing { target, commit });
        // On top of it, somebody else has.
        fixture.git(["branch", "-f", "main", &tip]);
        let later = observe(&wish.common_dir).unwrap();
        assert_eq!(compare(&after, &later, "another", &[]).len(), 1);
    }

    #[test]
    fn a_target_that_is_checked_out_is_not_moved_under_its_files() {
        let (fixture, wish) = worked();
        fixture.git(["checkout", "-q", "main"]);
        let tip = fixture.git(["rev-parse", "main"]);
        let Joined::Ready { commit, name, checkout, .. } = land(&wish).unwrap() else { panic!("not ready") };
        assert_eq!((fixture.git(["rev-parse", "main"]), name.as_str()), (tip.clone(), "refs/loopdash/r/landed"));
        assert!(checkout.join("a.rs").exists() && fixture.git(["status", "--porcelain"]).is_empty());
        fixture.git(["merge", "-q", "--ff-only", &name]);
        assert_eq!(fixture.git(["rev-parse", "main", "main^"]), format!("{commit}\n{tip}"));
        // In a worktree of its own it is checked out as well.
        fixture.git(["checkout", "-q", "--detach", &tip]);
        fixture.git(["branch", "-f", "main", &tip]);
        let aside = tempfile::tempdir().unwrap();
        let place = aside.path().join("aside");
        fixture.git(["worktree", "add", "-q", place.to_str().unwrap(), "main"]);
        let Joined::Ready { checkout, .. } = land(&wish).unwrap() else { panic!("not ready") };
        assert_eq!(checkout.canonicalize().unwrap(), place.canonicalize().unwrap());
        std::fs::remove_dir_all(&place).unwrap();
        assert!(matches!(land(&wish), Ok(Joined::Landed { .. })));
    }

    #[test]
    fn a_conflict_names_its_files_and_moves_nothing() {
        let (fixture, wish) = worked();
        fixture.git(["checkout", "-q", "main"]);
        fixture.write("a.rs", "one\n2\nthree\n");
        fixture.commit("the same line");
        fixture.git(["checkout", "-q", "--detach"]);
        let refs = fixture.git(["for-each-ref"]);
        let tip = fixture.git(["rev-parse", "main"]);
        let conflict = Joined::Conflict { target: "main".to_owned(), commit: tip, files: vec!["a.rs".to_owned()] };
        assert_eq!(land(&wish).unwrap(), conflict);
        assert_eq!(fixture.git(["for-each-ref"]), refs);
    }

    #[test]
    fn a_target_that_moves_meanwhile_stays_where_it_went() {
        let (fixture, wish) = worked();
        let repo = fixture.open();
        let (from, to) = (Oid::from_str(&wish.work.base).unwrap(), Oid::from_str(&wish.work.commit).unwrap());
        let elsewhere = fixture.git(["rev-parse", "main^"]);
        fixture.git(["branch", "-f", "main", &elsewhere]);
        let Err(GitError::RefMoved { found, .. }) = forward(&repo, "main", from, to) else { panic!("moved") };
        assert_eq!((found, fixture.git(["rev-parse", "main"])), (elsewhere.clone(), elsewhere));
    }

    #[test]
    fn without_a_branch_there_is_nothing_to_land_on() {
        let (fixture, wish) = worked();
        fixture.git(["checkout", "-q", "--detach"]);
        let nowhere = Land { target: None, ..wish };
        assert!(matches!(land(&nowhere), Err(GitError::NoTarget { .. })));
    }
}
