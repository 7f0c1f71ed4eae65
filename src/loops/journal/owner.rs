//! Who owns a run: the lock on its journal decides, [`Owner`] in `owner.json` only says who holds it.
//!
//! The lock is flock on the journal itself, through the one descriptor that also writes: it dies with its process, and
//! children do not inherit it.

use super::atomic::replace;
use super::error::JournalError;
use super::store::RunDir;
use crate::loops::core::ids::Millis;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// A process that owns a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Its start time as the system counts it (Linux: clock ticks since boot), so that a reused pid is not taken for
    /// it; `None` where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// When it started, for people; milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// Its loopdash version.
    pub version: String,
}

impl Owner {
    /// This process.
    pub fn current() -> Self {
        // Once, so that it is the same each time whatever the clock does.
        static SINCE: OnceLock<Option<Millis>> = OnceLock::new();
        let pid = std::process::id();
        let start = start_time(pid);
        let since = *SINCE.get_or_init(|| start.and_then(moment));
        Self { pid, start, since, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Whether such a process exists, as far as the system tells.
    pub fn exists(&self) -> bool {
        self.start.is_none() || self.start == start_time(self.pid)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loopdash {} with pid {}", self.version, self.pid)?;
        self.since.map_or(Ok(()), |since| write!(f, " since {}", clock(since)))
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

/// The moment that lies that many clock ticks after the start of the system.
#[cfg(target_os = "linux")]
fn moment(ticks: u64) -> Option<Millis> {
    let up = std::fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = up.split_ascii_whitespace().next()?.parse().ok()?;
    let started = Duration::from_millis(ticks.checked_mul(1000)? / rustix::param::clock_ticks_per_second().max(1));
    let ago = Duration::try_from_secs_f64(up).ok()?.saturating_sub(started);
    let since = SystemTime::now().checked_sub(ago)?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Millis(u64::try_from(since.as_millis()).ok()?))
}

#[cfg(not(target_os = "linux"))]
fn moment(_ticks: u64) -> Option<Millis> {
    None
}

/// A time of day here, with the date if it is not today's.
fn clock(at: Millis) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let (at, now) = (at.to_zoned(jiff::tz::TimeZone::system()), jiff::Zoned::now());
    at.strftime(if at.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" }).to_string()
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
            let told = format!("pid {} since ", me.pid);
            let since = me.to_string().split_once(&told).map(|(_, since)| since.to_owned()).unwrap();
            assert!(since.len() >= 8 && since.contains(':'), "{since}");
            // This process has not been running for an hour, and does not start in the future.
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
            assert!(me.since.is_some_and(|since| since.0 <= now + 1_000 && since.0 + 3_600_000 > now), "{me:?}");
        }
        let text = serde_json::to_string(&me).unwrap();
        assert_eq!(serde_json::from_str::<Owner>(&text).unwrap(), me);
    }
}
