//! Who owns a run: the lock on its journal decides, [`Owner`] in `owner.json` only says who holds it.
//!
//! The lock is flock on the journal itself, through the one descriptor that also writes: it dies with its process, and
//! children do not inherit it.

use super::atomic::replace;
use super::error::JournalError;
use super::store::RunDir;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

/// A process that owns a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Its start time as the system counts it (Linux: clock ticks since boot), so that a reused pid is not taken for
    /// it; `None` where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Its loopdash version.
    pub version: String,
}

impl Owner {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, start: start_time(pid), version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Whether such a process exists, as far as the system tells.
    pub fn exists(&self) -> bool {
        self.start.is_none() || self.start == start_time(self.pid)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loopdash {} with pid {}", self.version, self.pid)?;
        self.start.map_or(Ok(()), |start| write!(f, " (started at tick {start})"))
    }
}

/// Whether a run is owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Nobody: it may be opened.
    Free,
    /// A live writer, perhaps in this very process; who, if that is known.
    Held(Option<Owner>),
}

/// Asks who owns a run without taking it.
///
/// # Errors
/// [`JournalError::Io`], such as for a run without a journal.
pub fn lock_of(dir: &RunDir) -> Result<Lock, JournalError> {
    let file = dir.open_journal()?;
    match file.try_lock_shared() {
        Ok(()) => {
            release(&file);
            Ok(Lock::Free)
        }
        Err(TryLockError::WouldBlock) => Ok(Lock::Held(holder(dir))),
        Err(TryLockError::Error(source)) => Err(JournalError::io("lock", &dir.journal())(source)),
    }
}

/// Takes the lock on an open journal and writes down who has it.
pub(super) fn take(dir: &RunDir, file: &File) -> Result<(), JournalError> {
    // Someone who merely asks holds a shared lock for some microseconds; without a live owner that is the likely
    // reason, and worth a second look.
    let mut looks = 5;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                let owner = holder(dir);
                looks -= 1;
                if owner.is_some() || looks == 0 {
                    return Err(JournalError::Owned { run: dir.run(), owner });
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::Error(source)) => return Err(JournalError::io("lock", &dir.journal())(source)),
        }
    }
    let path = dir.owner();
    serde_json::to_vec(&Owner::current())
        .map_err(io::Error::from)
        .and_then(|bytes| replace(&path, &bytes))
        .map_err(JournalError::io("write", &path))
}

/// Gives a lock up at once. Closing the file is not enough: a child that another thread is about to start holds a copy of
/// the descriptor until it has become its program, and the lock with it.
pub(super) fn release(file: &File) {
    // A lock that cannot be given up goes with the file.
    let _ = file.unlock();
}

/// Who `owner.json` names, if that process exists.
fn holder(dir: &RunDir) -> Option<Owner> {
    let bytes = std::fs::read(dir.owner()).ok()?;
    serde_json::from_slice::<Owner>(&bytes).ok().filter(Owner::exists)
}

/// A process's start time in clock ticks since boot.
#[cfg(target_os = "linux")]
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses, which may hold spaces and parentheses of its own; the start time
    // is the 22nd.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn start_time(_pid: u32) -> Option<u64> {
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_reused_pid_is_not_taken_for_the_owner() {
        let me = Owner::current();
        assert!(me.exists());
        if let Some(start) = me.start {
            assert!(!Owner { start: Some(start + 1), ..me.clone() }.exists());
            assert!(me.to_string().contains(&format!("pid {}", me.pid)));
        }
        let text = serde_json::to_string(&me).unwrap();
        assert_eq!(serde_json::from_str::<Owner>(&text).unwrap(), me);
    }
}
