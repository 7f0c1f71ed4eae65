//! Hearing that a branch has moved, whoever moved it: [`Moves`] names repositories whose branches or `HEAD` were written.

use crate::loops::notices::{Ear, Notices, writes};
use notify::RecursiveMode;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where branches stand in a git directory.
const BRANCHES: [&str; 2] = ["refs/heads", "reftable"];

/// Why a repository cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch the branches of {}: {source}; they are looked at after the next snapshot", common_dir.display())]
pub struct MovesError {
    common_dir: PathBuf,
    source: notify::Error,
}

/// Watches repositories for as long as it lives.
#[derive(Debug)]
pub struct BranchWatch {
    ear: Ear<PathBuf>,
    followed: Followed,
}

/// The git directories of repositories in which a branch may have moved.
pub type Moves = Notices<PathBuf>;

#[derive(Clone, Debug, Default)]
struct Followed(Arc<Mutex<BTreeSet<PathBuf>>>);

impl BranchWatch {
    /// A watch that follows no repository yet.
    ///
    /// # Errors
    /// The system has no more watches.
    pub fn new() -> Result<(Self, Moves), notify::Error> {
        let followed = Followed::default();
        let of = followed.clone();
        let (ear, moves) = Ear::new(move |notice| match notice {
            Some((path, kind)) if writes(kind) => repository(&of.lock(), path).into_iter().collect(),
            Some(_) => Vec::new(),
            None => of.lock().iter().cloned().collect(),
        })?;
        Ok((Self { ear, followed }, moves))
    }

    /// Hears of this repository from now on; a second time changes nothing.
    ///
    /// # Errors
    /// [`MovesError`]; it is not followed then, so that another call tries again.
    pub fn follow(&mut self, common_dir: &Path) -> Result<(), MovesError> {
        // Before it is listened to, or the first notice would find nobody who follows.
        if !self.followed.lock().insert(common_dir.to_owned()) {
            return Ok(());
        }
        self.listen(common_dir).map_err(|source| {
            self.followed.lock().remove(common_dir);
            MovesError { common_dir: common_dir.to_owned(), source }
        })
    }

    fn listen(&mut self, common_dir: &Path) -> notify::Result<()> {
        // `HEAD`, and `packed-refs`.
        self.ear.listen(common_dir, RecursiveMode::NonRecursive)?;
        let branches = BRANCHES.map(|name| common_dir.join(name));
        branches
            .iter()
            .filter(|path| path.is_dir())
            .try_for_each(|path| self.ear.listen(path, RecursiveMode::Recursive))
    }
}

impl Followed {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        // Each holder leaves a set behind, which is whole whatever happened to it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The repository whose branches stand at this path, if they do. A lock on one is not yet a change.
fn repository(followed: &BTreeSet<PathBuf>, path: &Path) -> Option<PathBuf> {
    let of = followed.iter().find(|common_dir| path.starts_with(common_dir))?;
    let within = path.strip_prefix(of).ok()?;
    let locked = within.extension().is_some_and(|extension| extension == "lock");
    let meant = within == Path::new("HEAD")
        || within == Path::new("packed-refs")
        || BRANCHES.iter().any(|branches| within.starts_with(branches));
    (meant && !locked).then(|| of.clone())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::Fixture;
    use super::*;

    #[tokio::test]
    async fn a_commit_a_packed_branch_and_a_checkout_are_heard() {
        let fixture = Fixture::new();
        fixture.commit("one");
        let common_dir = fixture.info().common_dir;
        let (mut watch, mut moves) = BranchWatch::new().unwrap();
        for _ in 0..2 {
            assert!(watch.follow(Path::new("/no/such/repository")).is_err());
        }
        watch.follow(&common_dir).unwrap();
        watch.follow(&common_dir).unwrap();
        fixture.write("a", "two");
        fixture.commit("two");
        assert_eq!(moves.next().await.as_ref(), Some(&common_dir));
        fixture.git(["pack-refs", "--all"]);
        assert_eq!(moves.next().await.as_ref(), Some(&common_dir));
        fixture.git(["checkout", "-q", "-b", "deep/er/branch"]);
        assert_eq!(moves.next().await.as_ref(), Some(&common_dir));
        drop(watch);
        while moves.next().await.is_some() {}
    }

    #[test]
    fn only_branches_and_head_are_meant() {
        let followed: BTreeSet<PathBuf> = [PathBuf::from("/r/.git")].into();
        let meant = |path: &str| repository(&followed, Path::new(path)).is_some();
        assert!(
            ["HEAD", "packed-refs", "refs/heads/main", "refs/heads/a/b", "reftable/tables.list"]
                .iter()
                .all(|name| { meant(&format!("/r/.git/{name}")) && !meant(&format!("/r/.git/{name}.lock")) })
        );
        assert!(
            !["index", "COMMIT_EDITMSG", "refs/loopdash/r/1", "objects/ab/cd", "refs/remotes/o/main"]
                .iter()
                .any(|name| meant(&format!("/r/.git/{name}")))
        );
        assert!(!meant("/other/.git/HEAD"));
    }
}
