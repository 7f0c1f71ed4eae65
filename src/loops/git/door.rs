//! The one door between the async program and git: blocking work runs on threads set aside for it, a few at a time.
//! A [`Git`] is cheap to clone; each call opens the repository afresh, so nothing is shared between calls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::cli::{self, GitVersion};
use super::collide::{self, Collide};
use super::diff::{self, Diff, FileDiff};
use super::error::GitError;
use super::include::{self, Included};
use super::land::{self, Joined, Land};
use super::landed::{self, Landed};
use super::pins::{self, Begun, Held, Touched};
use super::repo::{self, RepoInfo};
use super::scrap::{self, Scrap, Scrapped, Standing};
use super::setback::{self, SetBack};
use super::snapshot::{self, Snapshot, TakeSnapshot};
use super::trash::Trash;
use super::workspace::Workspace;
use super::worktree::{self, AddWorktree};
use crate::loops::core::collision::{Landing, Meeting};

/// Git operations at once: enough to keep a disk busy, few enough to leave the processor to agents and gates.
const AT_ONCE: usize = 4;
/// Changes of worktrees at once: those of one repository wait for each other, and must not keep snapshots waiting.
const CHANGES_AT_ONCE: usize = 2;

/// Access to git for async code. Each method runs the function of the same name; see there for what it does.
///
/// Work that has begun runs to its end even when the caller no longer waits for it.
#[derive(Debug, Clone)]
pub struct Git {
    all: Arc<Semaphore>,
    changes: Arc<Semaphore>,
}

impl Default for Git {
    fn default() -> Self {
        Self::new()
    }
}

impl Git {
    /// A door of its own; clone it rather than making several.
    pub fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), changes: Arc::new(Semaphore::new(CHANGES_AT_ONCE)) }
    }

    /// Runs blocking git work on a thread set aside for it, once one of the few places is free.
    ///
    /// # Errors
    /// Those of the work, and [`GitError::Stopped`] when it broke or the program shuts down.
    pub async fn run<T, F>(&self, work: F) -> Result<T, GitError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, GitError> + Send + 'static,
    {
        let place = Arc::clone(&self.all).acquire_owned().await.map_err(|_| GitError::Stopped)?;
        let working = tokio::task::spawn_blocking(move || {
            // Held by the work, not by its caller: a caller that is dropped must not let more work in.
            let _place = place;
            work()
        });
        working.await.map_err(|_| GitError::Stopped)?
    }

    async fn change<T, F>(&self, work: F) -> Result<T, GitError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, GitError> + Send + 'static,
    {
        let turn = Arc::clone(&self.changes).acquire_owned().await.map_err(|_| GitError::Stopped)?;
        self.run(move || {
            let _turn = turn;
            work()
        })
        .await
    }

    /// See [`cli::version`].
    ///
    /// # Errors
    /// As there.
    pub async fn version(&self) -> Result<GitVersion, GitError> {
        self.run(cli::version).await
    }

    /// See [`repo::discover`].
    ///
    /// # Errors
    /// As there.
    pub async fn discover(&self, path: PathBuf) -> Result<RepoInfo, GitError> {
        self.run(move || repo::discover(&path)).await
    }

    /// See [`worktree::add`].
    ///
    /// # Errors
    /// As there.
    pub async fn add(&self, wish: AddWorktree) -> Result<Workspace, GitError> {
        self.change(move || worktree::add(&wish)).await
    }

    /// See [`worktree::readd`].
    ///
    /// # Errors
    /// As there.
    pub async fn readd(&self, workspace: Workspace, restore: Option<String>) -> Result<Workspace, GitError> {
        self.change(move || worktree::readd(&workspace, restore.as_deref())).await
    }

    /// See [`worktree::in_place`].
    ///
    /// # Errors
    /// As there.
    pub async fn in_place(&self, repo: RepoInfo, run: String) -> Result<Workspace, GitError> {
        self.run(move || worktree::in_place(&repo, &run)).await
    }

    /// See [`Workspace::check`].
    ///
    /// # Errors
    /// As there.
    pub async fn check(&self, workspace: Workspace) -> Result<(), GitError> {
        self.run(move || workspace.check()).await
    }

    /// See [`setback::set_back`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_back(&self, wish: SetBack) -> Result<Trash, GitError> {
        self.change(move || setback::set_back(&wish)).await
    }

    /// See [`setback::bring_back`].
    ///
    /// # Errors
    /// As there.
    pub async fn bring_back(&self, wish: SetBack) -> Result<(Workspace, Option<Trash>), GitError> {
        self.change(move || setback::bring_back(&wish)).await
    }

    /// See [`scrap::scrap`].
    ///
    /// # Errors
    /// As there.
    pub async fn scrap(&self, wish: Scrap) -> Result<Scrapped, GitError> {
        self.change(move || scrap::scrap(&wish)).await
    }

    /// See [`include::include`].
    ///
    /// # Errors
    /// As there.
    pub async fn include(&self, repo: RepoInfo, workspace: Workspace) -> Result<Included, GitError> {
        self.run(move || include::include(&repo, &workspace)).await
    }

    /// See [`snapshot::take`].
    ///
    /// # Errors
    /// As there.
    pub async fn take(&self, wish: TakeSnapshot) -> Result<Snapshot, GitError> {
        self.run(move || snapshot::take(&wish)).await
    }

    /// See [`diff::between`].
    ///
    /// # Errors
    /// As there.
    pub async fn between(&self, common_dir: PathBuf, from: String, to: String) -> Result<Diff, GitError> {
        self.run(move || diff::between(&common_dir, &from, &to)).await
    }

    /// See [`collide::collide`].
    ///
    /// # Errors
    /// As there.
    pub async fn collide(&self, wish: Collide) -> Result<(Vec<Meeting>, Option<Landing>), GitError> {
        self.run(move || collide::collide(&wish)).await
    }

    /// See [`collide::targets`].
    ///
    /// # Errors
    /// As there.
    pub async fn targets(
        &self,
        common_dir: PathBuf,
        names: Vec<Option<String>>,
    ) -> Result<Vec<Option<(String, String)>>, GitError> {
        self.run(move || collide::targets(&common_dir, &names)).await
    }

    /// See [`scrap::standing`].
    ///
    /// # Errors
    /// As there.
    pub async fn standing(&self, workspace: Workspace, last: Option<String>) -> Result<Standing, GitError> {
        self.run(move || scrap::standing(&workspace, last.as_deref())).await
    }

    /// See [`land::land`].
    ///
    /// # Errors
    /// As there.
    pub async fn land(&self, wish: Land) -> Result<Joined, GitError> {
        self.change(move || land::land(&wish)).await
    }

    /// See [`landed::landed`].
    ///
    /// # Errors
    /// As there.
    pub async fn landed(&self, wish: Landed) -> Result<Option<String>, GitError> {
        self.run(move || landed::landed(&wish)).await
    }

    /// See [`diff::load_file`].
    ///
    /// # Errors
    /// As there.
    pub async fn load_file(&self, common_dir: PathBuf, file: FileDiff) -> Result<FileDiff, GitError> {
        self.run(move || diff::load_file(&common_dir, &file)).await
    }

    /// See [`pins::begin`].
    ///
    /// # Errors
    /// As there.
    pub async fn begin(&self, common_dir: PathBuf, run: String) -> Result<Begun, GitError> {
        self.run(move || pins::begin(&common_dir, &run)).await
    }

    /// See [`pins::end`].
    ///
    /// # Errors
    /// As there.
    pub async fn end(
        &self,
        place: Workspace,
        begun: Begun,
        own: Vec<String>,
        runs: PathBuf,
    ) -> Result<Touched, GitError> {
        self.run(move || pins::end(&place.common_dir, &begun, &place.run, &own, &runs)).await
    }

    /// See [`pins::hold`].
    ///
    /// # Errors
    /// As there.
    pub async fn hold(&self, common_dir: PathBuf, kept: BTreeMap<String, String>) -> Result<Held, GitError> {
        self.run(move || pins::hold(&common_dir, &kept)).await
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::testing::Fixture;
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_is_bounded_and_a_panic_stays_inside() {
        let git = Git::new();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..24 {
            let (git, now, most) = (git.clone(), Arc::clone(&now), Arc::clone(&most));
            waiting.spawn(async move {
                git.run(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
                .await
            });
        }
        while let Some(done) = waiting.join_next().await {
            done.unwrap().unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= AT_ONCE);
        let broken: Result<(), _> = git.run(|| panic!("on purpose")).await;
        assert!(matches!(broken, Err(GitError::Stopped)));
        assert!(git.version().await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sixteen_worktrees_at_once_all_come_to_be() {
        let fixture = Fixture::new();
        let before = fixture.fingerprint();
        let git = Git::new();
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..16 {
            let (git, mut wish) = (git.clone(), fixture.wish("same"));
            wish.run = format!("run-{number}");
            waiting.spawn(async move { git.add(wish).await });
        }
        let mut branches = std::collections::BTreeSet::new();
        while let Some(done) = waiting.join_next().await {
            let workspace = done.unwrap().unwrap();
            workspace.check().unwrap();
            branches.insert(workspace.branch.unwrap());
        }
        assert_eq!(branches.len(), 16);
        assert_eq!(fixture.fingerprint(), before);
    }
}
