//! One change of a repository's worktrees at a time, on the whole box.
//! [`with_repo_lock`] waits on a mutex within this process and on the file `loopdash.lock` between processes.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::GitError;

/// How long another loopdash may take; a checkout of a large repository on a slow disk is minutes.
const PATIENCE: Duration = Duration::from_secs(600);

type Locks = BTreeMap<PathBuf, Arc<Mutex<()>>>;
static LOCKS: LazyLock<Mutex<Locks>> = LazyLock::new(|| Mutex::new(BTreeMap::new()));

/// Runs `work` while no other thread or loopdash process changes the worktrees of this repository.
pub(crate) fn with_repo_lock<T>(common_dir: &Path, work: impl FnOnce() -> Result<T, GitError>) -> Result<T, GitError> {
    let mutex = {
        let mut locks = held(&LOCKS);
        Arc::clone(locks.entry(common_dir.to_owned()).or_default())
    };
    // Threads wait here, without polling; only a second process makes the file lock wait.
    let _turn = held(&mutex);
    let _file = lock_file(&common_dir.join("loopdash.lock"), PATIENCE)?;
    work()
}

/// A thread that panicked while it held the lock left nothing half done in memory.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock goes with the file handle, so it cannot outlive the process. There is no lock call with a time limit, hence
/// the growing pauses.
fn lock_file(path: &Path, patience: Duration) -> Result<File, GitError> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(GitError::NotAFile { path: path.to_owned() });
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(GitError::io("create the lock file", path))?;
    let began = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => {
                return Err(GitError::Io { what: "lock", path: path.to_owned(), source });
            }
            Err(TryLockError::WouldBlock) if began.elapsed() >= patience => {
                return Err(GitError::LockHeld { path: path.to_owned(), waited: patience });
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(200));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_held_lock_is_reported_and_a_released_one_is_taken() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("loopdash.lock");
        let first = lock_file(&path, Duration::ZERO).unwrap();
        assert!(matches!(lock_file(&path, Duration::ZERO), Err(GitError::LockHeld { .. })));
        drop(first);
        lock_file(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn work_never_overlaps() {
        let place = tempfile::tempdir().unwrap();
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    with_repo_lock(place.path(), || {
                        use std::sync::atomic::Ordering::SeqCst;
                        assert_eq!(inside.fetch_add(1, SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, SeqCst);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
    }
}
