//! What can go wrong between loopdash and a git repository, told so that the reader knows what to do next.
//! Everything in [`crate::loops::git`] fails with a [`GitError`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::repo::MINIMUM_GIT;
use crate::loops::lack::remedy;

/// With less room than this, in bytes, a store that fails without a reason has failed for want of it: more than any one
/// file that a snapshot takes up untracked.
const SCARCE: u64 = 64 << 20;
/// Less than the smallest file takes.
const NOTHING: u64 = 4 << 10;

/// What is to be done so that git can be started.
fn to_start(error: &std::io::Error) -> String {
    let install = || format!("install git {MINIMUM_GIT} or newer and put it on PATH");
    remedy(error).map_or_else(install, str::to_owned)
}

/// A git operation that did not happen. Nothing was changed unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The `git` program could not be started at all.
    #[error("cannot start `git`: {source}; {}", to_start(.source))]
    Missing {
        /// Why the spawn failed.
        source: std::io::Error,
    },
    /// The `git` program is older than this crate can work with.
    #[error("`git` is {found}, too old; install git {MINIMUM_GIT} or newer")]
    TooOld {
        /// What `git --version` answered.
        found: String,
    },
    /// No repository at this path or above it.
    #[error("{path:?} is not inside a git repository; run `git init` there or start from a repository")]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// The repository belongs to another user and git was not told to trust it.
    #[error(
        "{path:?} belongs to another user; if you trust it, run `git config --global --add safe.directory {path:?}`"
    )]
    Unsafe {
        /// The repository.
        path: PathBuf,
    },
    /// The repository uses a format that this crate's git library cannot read.
    #[error("the repository at {path:?} uses {what}, which loopdash cannot read; use a clone without it")]
    Unsupported {
        /// The repository.
        path: PathBuf,
        /// The format, by git's name for it.
        what: String,
    },
    /// Nothing can be written in the git directory, so neither worktrees nor snapshots can be made.
    #[error(
        "{path:?} cannot be written: {source}; loopdash keeps snapshots there, so mount it writable or use a clone"
    )]
    ReadOnly {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The repository has no working tree, and the operation needs one.
    #[error("{path:?} is a bare repository; use isolation `worktree` or start from a checkout")]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// The repository has no commit to branch from.
    #[error(
        "{path:?} has no commits to start from; run `git commit --allow-empty -m start` there, or use isolation `none`"
    )]
    NoCommits {
        /// The repository.
        path: PathBuf,
    },
    /// There is no branch that work could land on.
    #[error("{path:?} is on no branch to land on; check one out, or name the loop's `base`")]
    NoTarget {
        /// The repository.
        path: PathBuf,
    },
    /// A revision does not name a commit or tree of this repository.
    #[error("{rev:?} is not a commit of this repository; name a branch, a tag or a commit id that exists")]
    BadRevision {
        /// The text as given.
        rev: String,
    },
    /// A branch, run or ref name that git does not allow.
    #[error("{name:?} is not a legal git name; use letters, digits, `-`, `_`, `.` and `/`")]
    BadName {
        /// The name as given.
        name: String,
    },
    /// Every variation of a name that was tried exists already.
    #[error("{name:?} and its numbered variants are all taken; choose another name or delete old branches")]
    NameTaken {
        /// The name as wished.
        name: String,
    },
    /// A worktree was asked for inside the operator's checkout or repository.
    #[error("{path:?} lies inside {inside:?}; choose a worktree path outside the checkout")]
    PathInside {
        /// The path as asked for.
        path: PathBuf,
        /// The checkout or repository it lies in.
        inside: PathBuf,
    },
    /// Something else already stands where the worktree should be.
    #[error("{path:?} already exists; move it away or choose another worktree path")]
    PathTaken {
        /// The path.
        path: PathBuf,
    },
    /// The worktree's directory is no longer there.
    #[error("the worktree {path:?} is gone; resume the run to have it recreated from its branch")]
    WorktreeGone {
        /// Where it was.
        path: PathBuf,
    },
    /// Something is there, but it is not the worktree that loopdash made.
    #[error("{path:?} is no longer the worktree of this run ({why}); move it away, then resume the run")]
    WorktreeReplaced {
        /// Where it was.
        path: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// The worktree holds content that no ref of its run keeps, so it was left alone.
    #[error("{path:?} holds work that no snapshot keeps ({why}); take a snapshot first, or remove it by hand")]
    WorktreeDirty {
        /// The worktree.
        path: PathBuf,
        /// What would be lost.
        why: String,
    },
    /// A worktree could not be set back, for something in it is in no commit and would be written over.
    #[error("{path} is ignored by git, and the kept content has a file in its place; move it away, then try again")]
    InTheWay {
        /// The path in the worktree, escaped for reading.
        path: String,
    },
    /// A worktree with content that is nowhere else was to go, and nobody typed its name.
    #[error("{path:?} is {why}: type its run's name to have it removed all the same")]
    Unnamed {
        /// The worktree.
        path: PathBuf,
        /// What it is, in a few words.
        why: &'static str,
    },
    /// A file of the repository's own bookkeeping is a FIFO, a device or the like: reading it might never end.
    #[error("{path:?} is not a regular file, so git was not run there; put it right, then go on")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A removal was asked for something loopdash did not make.
    #[error("{path:?} was not made by loopdash, so it is left alone; remove it by hand if you mean to")]
    NotOurs {
        /// The path.
        path: PathBuf,
    },
    /// The worktree is locked by `git worktree lock`.
    #[error("the worktree {path:?} is locked ({reason}); run `git worktree unlock` on it first")]
    Locked {
        /// The worktree.
        path: PathBuf,
        /// The reason given to git, or a note that there is none.
        reason: String,
    },
    /// Another loopdash held the repository's lock for too long.
    #[error("another loopdash is changing the worktrees of this repository; {path:?} stayed locked for {waited:?}")]
    LockHeld {
        /// The lock file.
        path: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// A ref is not where it was expected, so it was not moved.
    #[error("{name} is at {found}, not at {expected}, so it was left alone; look at it and try again")]
    RefMoved {
        /// The full ref name.
        name: String,
        /// Where it was expected, `nothing` when it should not exist.
        expected: String,
        /// Where it is.
        found: String,
    },
    /// A `git` command failed.
    #[error("`git {command}` failed ({status}): {stderr}")]
    Failed {
        /// The arguments, for reading.
        command: String,
        /// Exit code or signal.
        status: String,
        /// The end of what it said, without control characters.
        stderr: String,
    },
    /// A `git` command ran for too long and was ended.
    #[error("`git {command}` was still running after {limit:?} and was ended; is the disk or the repository stuck?")]
    TimedOut {
        /// The arguments, for reading.
        command: String,
        /// The time it had.
        limit: Duration,
    },
    /// A `git` command printed more than was expected of it.
    #[error("`git {command}` printed more than {limit} bytes; the repository is larger than loopdash expects here")]
    TooMuchOutput {
        /// The arguments, for reading.
        command: String,
        /// The bound, in bytes.
        limit: usize,
    },
    /// The file system refused.
    #[error("cannot {what} {path:?}: {source}")]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The git library refused.
    #[error("cannot {what}: {source}")]
    Library {
        /// What was tried, as a verb with its object.
        what: &'static str,
        /// The library's answer.
        source: git2::Error,
    },
    /// Something could not be stored, and hardly any room is left.
    #[error("No space left on device: {free} bytes are free where {} is; make room and it goes on", path.display())]
    Full {
        /// The git directory.
        path: PathBuf,
        /// Bytes that are free there.
        free: u64,
    },
    /// The program is shutting down, or the operation itself broke.
    #[error("the git operation was cut short; if loopdash is not shutting down, this is a fault in it")]
    Stopped,
}

impl GitError {
    /// For `map_err` on file system calls: `what` is a verb, `path` its object.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// For `map_err` on what stores objects in the git directory `path`: where a write fails the library says "no error",
    /// so the disk is asked.
    pub(crate) fn or_full(path: &Path) -> impl FnOnce(Self) -> Self {
        move |error| {
            let vague = match &error {
                Self::Library { source, .. } => source.message() == "no error",
                Self::Io { source, .. } => source.to_string().contains("no error"),
                _ => false,
            };
            let free = rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
            // Where nothing fits any more, whatever the library says last is of something else.
            let none = free < NOTHING && matches!(error, Self::Library { .. });
            if none || vague && free < SCARCE { Self::Full { path: path.to_owned(), free } } else { error }
        }
    }

    /// For `map_err` on git library calls: `what` is a verb with its object.
    pub(crate) fn lib(what: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Library { what, source }
    }
}
