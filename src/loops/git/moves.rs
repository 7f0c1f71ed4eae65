//! Hearing that a branch has moved, whoever moved it: [`Moves`] names repositories whose branches or `HEAD` were written.
//!
//! The file system's own notices are used, never a timer. Notices of one repository that nobody has taken yet are one.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

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
    watcher: RecommendedWatcher,
    shared: Arc<Shared>,
}

/// Where a [`BranchWatch`] puts what it hears.
#[derive(Debug)]
pub struct Moves {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    moved: BTreeSet<PathBuf>,
    followed: BTreeSet<PathBuf>,
    closed: bool,
}

impl BranchWatch {
    /// A watch that follows no repository yet.
    ///
    /// # Errors
    /// The system has no more watches.
    pub fn new() -> Result<(Self, Moves), notify::Error> {
        let shared = Arc::<Shared>::default();
        let hear = Arc::clone(&shared);
        let watcher = crate::loops::notices::watcher(move |notice: notify::Result<notify::Event>| match notice {
            Ok(notice) if !notice.need_rescan() => {
                if changes(notice.kind) {
                    hear.add(|followed| notice.paths.iter().filter_map(|path| repository(followed, path)).collect());
                }
            }
            // Notices were lost: look at everything.
            _ => hear.add(|followed| followed.iter().cloned().collect()),
        })?;
        Ok((Self { watcher, shared: Arc::clone(&shared) }, Moves { shared }))
    }

    /// Hears of this repository from now on; a second time changes nothing.
    ///
    /// # Errors
    /// [`MovesError`].
    pub fn follow(&mut self, common_dir: &Path) -> Result<(), MovesError> {
        if !self.shared.lock().followed.insert(common_dir.to_owned()) {
            return Ok(());
        }
        let mut watch = |path: &Path, mode| {
            let failed = |source| MovesError { common_dir: common_dir.to_owned(), source };
            self.watcher.watch(path, mode).map_err(failed)
        };
        // `HEAD`, and `packed-refs`.
        watch(common_dir, RecursiveMode::NonRecursive)?;
        let branches = BRANCHES.map(|name| common_dir.join(name));
        branches.iter().filter(|path| path.is_dir()).try_for_each(|path| watch(path, RecursiveMode::Recursive))
    }
}

impl Drop for BranchWatch {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_one();
    }
}

impl Moves {
    /// The git directory of the next repository in which a branch may have moved; `None` once the watch is gone.
    pub async fn next(&mut self) -> Option<PathBuf> {
        loop {
            {
                let mut waiting = self.shared.lock();
                if let Some(moved) = waiting.moved.pop_first() {
                    return Some(moved);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.shared.ready.notified().await;
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Each holder leaves sets behind, which are whole whatever happened to it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, which: impl FnOnce(&BTreeSet<PathBuf>) -> Vec<PathBuf>) {
        let mut waiting = self.lock();
        let moved = which(&waiting.followed);
        if !moved.is_empty() {
            waiting.moved.extend(moved);
            drop(waiting);
            self.ready.notify_one();
        }
    }
}

/// Whether a notice says that something was written; a look changes nothing.
const fn changes(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if !matches!(access, AccessKind::Close(AccessMode::Write)))
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
