//! The process table, as far as it tells which processes an agent has started.
//! A [`Proc`] is identified by pid and start time together, because the system gives pids out again.

use std::collections::HashSet;
#[cfg(target_os = "linux")]
use std::io::Read;
#[cfg(target_os = "linux")]
use std::path::Path;

use super::launch::{RUN_MARK, STEP_MARK};
use crate::loops::mask::Mask;

mod load;
#[cfg(any(test, not(target_os = "linux")))]
mod ps;

pub use load::{Load, cpu_time, load};

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proc {
    /// Process id.
    pub pid: u32,
    /// Its parent's.
    pub ppid: u32,
    /// Its session's; on systems that do not say, its process group's.
    pub sid: u32,
    /// When it started. On Linux clock ticks since boot (field 22 of `/proc/PID/stat`), elsewhere seconds; only good for
    /// telling whether it is still the same process.
    pub start: u64,
    /// The system's letter for its state: `Z` is dead and not yet waited for, `T` is stopped.
    pub state: char,
    /// The program's name; the whole command line once asked for. As the process gave it: clean it before it is shown.
    pub command: String,
}

impl Proc {
    /// Whether it can still do something.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// Where the system tells of its processes.
#[cfg(target_os = "linux")]
const PROC: &str = "/proc";

/// All processes there are. Takes a few milliseconds.
pub fn table() -> Vec<Proc> {
    #[cfg(target_os = "linux")]
    return table_in(Path::new(PROC));
    #[cfg(not(target_os = "linux"))]
    ps::table()
}

/// One that ends between being listed and being read is not there.
#[cfg(target_os = "linux")]
pub(super) fn table_in(root: &Path) -> Vec<Proc> {
    pids_in(root).filter_map(|pid| process_in(root, pid)).collect()
}

#[cfg(target_os = "linux")]
fn pids_in(root: &Path) -> impl Iterator<Item = u32> {
    std::fs::read_dir(root).into_iter().flatten().flatten().filter_map(|dir| dir.file_name().to_str()?.parse().ok())
}

/// One process, if it is there.
pub fn process(pid: u32) -> Option<Proc> {
    #[cfg(target_os = "linux")]
    return process_in(Path::new(PROC), pid);
    #[cfg(not(target_os = "linux"))]
    ps::process(pid)
}

#[cfg(target_os = "linux")]
fn process_in(root: &Path, pid: u32) -> Option<Proc> {
    parse_stat(&std::fs::read(root.join(format!("{pid}/stat"))).ok()?)
}

/// What `pid` has started, and what those have, as far as the chain of parents is unbroken.
pub fn descendants(pid: u32) -> Vec<Proc> {
    let table = table();
    let found = closure(&table, &HashSet::from([pid]), &HashSet::new());
    found.into_iter().filter(|proc| proc.pid != pid).collect()
}

/// Living processes whose environment says that they belong to `run`. Those of other users cannot be seen.
pub fn marked(run: &str) -> Vec<Proc> {
    let own = std::process::id();
    let pids = pids_with(RUN_MARK, &[run]);
    table().into_iter().filter(|proc| proc.pid != own && proc.is_alive() && pids.contains(&proc.pid)).collect()
}

/// The processes whose environment names one of the steps `marks`.
pub(super) fn of_steps(marks: &[&str]) -> HashSet<u32> {
    pids_with(STEP_MARK, marks)
}

fn pids_with(name: &str, values: &[&str]) -> HashSet<u32> {
    #[cfg(target_os = "linux")]
    return pids_with_in(Path::new(PROC), name, values);
    #[cfg(not(target_os = "linux"))]
    ps::pids_with(name, values)
}

#[cfg(target_os = "linux")]
pub(super) fn pids_with_in(root: &Path, name: &str, values: &[&str]) -> HashSet<u32> {
    let marked = |pid: &u32| environment(root, *pid).is_some_and(|bytes| has_entry(&bytes, name, values));
    pids_in(root).filter(marked).collect()
}

/// Fills in the whole command line, its secrets masked.
pub(super) fn describe(mut proc: Proc) -> Proc {
    #[cfg(target_os = "linux")]
    if let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", proc.pid)) {
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let line = words.join(" ");
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut proc.command);
        }
    }
    let clean = super::sanitize::plain_str(&proc.command).replace('\n', " ");
    proc.command = Mask::of_process().text(&clean).chars().take(200).collect();
    proc
}

/// Everything of `table` that is in `pids` or in one of the sessions `sids`, that a process of these has started, or
/// that shares a session with one of these. A session that somebody else leads is left alone: a step's process is in its
/// starter's, which may be the operator's shell, until it has one of its own.
pub(super) fn closure(table: &[Proc], pids: &HashSet<u32>, sids: &HashSet<u32>) -> Vec<Proc> {
    let own = std::process::id();
    let own_sid = process(own).map_or(0, |proc| proc.sid);
    let leaders: HashSet<u32> =
        table.iter().filter(|proc| proc.pid == proc.sid && proc.is_alive()).map(|proc| proc.pid).collect();
    let (mut pids, mut sids) = (pids.clone(), sids.clone());
    loop {
        let before = (pids.len(), sids.len());
        for proc in table.iter().filter(|proc| proc.pid > 1 && proc.pid != own) {
            if pids.contains(&proc.pid) || pids.contains(&proc.ppid) || sids.contains(&proc.sid) {
                pids.insert(proc.pid);
                let anothers = leaders.contains(&proc.sid) && !pids.contains(&proc.sid);
                if proc.sid != own_sid && proc.sid > 1 && !anothers {
                    sids.insert(proc.sid);
                }
            }
        }
        if (pids.len(), sids.len()) == before {
            return table.iter().filter(|proc| proc.pid != own && pids.contains(&proc.pid)).cloned().collect();
        }
    }
}

#[cfg(target_os = "linux")]
fn environment(root: &Path, pid: u32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(root.join(format!("{pid}/environ")))
        .ok()?
        .take(4 * 1024 * 1024)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// Whether a variable has one of these values.
#[cfg(target_os = "linux")]
fn has_entry(environment: &[u8], name: &str, values: &[&str]) -> bool {
    environment.split(|byte| *byte == 0).any(|entry| {
        let value = entry.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        value.is_some_and(|value| values.iter().any(|wanted| wanted.as_bytes() == value))
    })
}

/// One line of `/proc/PID/stat`, as proc_pid_stat(5) describes it. The name in parentheses may hold anything, spaces and
/// parentheses and newlines too, so the fields are counted from the last parenthesis.
fn parse_stat(line: &[u8]) -> Option<Proc> {
    let open = memchr::memchr(b'(', line)?;
    let close = memchr::memrchr(b')', line)?;
    let pid = std::str::from_utf8(line.get(..open)?).ok()?.trim().parse().ok()?;
    let command = String::from_utf8_lossy(line.get(open + 1..close)?).into_owned();
    let mut fields = std::str::from_utf8(line.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let ppid = fields.next()?.parse().ok()?;
    let sid = fields.nth(1)?.parse().ok()?;
    let start = fields.nth(15)?.parse().ok()?;
    Some(Proc { pid, ppid, sid, start, state, command })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn proc(pid: u32, ppid: u32, sid: u32) -> Proc {
        Proc { pid, ppid, sid, start: u64::from(pid), state: 'S', command: String::new() }
    }

    #[test]
    fn names_with_spaces_and_parentheses_are_read() {
        let line = b"4242 (a) R (b)\n) S 17 4242 4200 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 10 18446744073709551615";
        let want = Proc { pid: 4242, ppid: 17, sid: 4200, start: 987_654, state: 'S', command: "a) R (b)\n".into() };
        assert_eq!(parse_stat(line), Some(want));
        for cut in 0..line.len() - 30 {
            let _ = parse_stat(&line[..cut]);
        }
        assert_eq!(parse_stat(b"1 (x) S 0"), None);
    }

    #[test]
    fn entries_are_whole() {
        let environment = b"A=1\0LOOPDASH_STEP=run/1\0B=LOOPDASH_STEP=run/2";
        assert!(has_entry(environment, "LOOPDASH_STEP", &["run/1"]));
        assert!(has_entry(environment, "LOOPDASH_STEP", &["run/7", "run/1"]));
        assert!(!has_entry(environment, "LOOPDASH_STEP", &[]));
        assert!(!has_entry(environment, "LOOPDASH_STEP", &["run/"]));
        assert!(!has_entry(environment, "LOOPDASH_STEP", &["run/2"]));
        assert!(has_entry(environment, "A", &["1"]));
    }

    #[test]
    fn families_hold_together_over_dead_parents() {
        // 10 leads; 11 made a session of its own and died; 12 was its child; 13 made another session; 20 is a stranger.
        let table = [proc(10, 5, 10), proc(12, 1, 11), proc(13, 12, 13), proc(14, 1, 13), proc(20, 1, 20)];
        let pids = |found: Vec<Proc>| found.into_iter().map(|proc| proc.pid).collect::<Vec<_>>();
        assert_eq!(pids(closure(&table, &HashSet::from([10]), &HashSet::new())), [10]);
        assert_eq!(pids(closure(&table, &HashSet::from([10]), &HashSet::from([11]))), [10, 12, 13, 14]);
    }

    #[test]
    fn the_session_of_whoever_started_loopdash_is_none_of_a_step() {
        // 100 is a shell that had loopdash in its session, 102 a step that has not made its own yet, 103 another program.
        let table = [proc(100, 1, 100), proc(102, 1, 100), proc(103, 100, 100), proc(104, 102, 100)];
        let pids = |found: Vec<Proc>| found.into_iter().map(|proc| proc.pid).collect::<Vec<_>>();
        assert_eq!(pids(closure(&table, &HashSet::from([102]), &HashSet::new())), [102, 104]);
        // Marked by itself, its leader takes the session along, wherever it stands in the table.
        let table = [proc(12, 1, 11), proc(13, 1, 11), proc(11, 1, 11)];
        assert_eq!(pids(closure(&table, &HashSet::from([13, 11]), &HashSet::new())), [12, 13, 11]);
    }

    #[test]
    fn this_process_is_seen() {
        let own = process(std::process::id()).unwrap();
        assert!(own.is_alive() && own.start > 0);
        assert!(table().iter().any(|proc| proc.pid == own.pid && proc.start == own.start));
        assert!(closure(&table(), &HashSet::from([own.ppid]), &HashSet::new()).iter().all(|proc| proc.pid != own.pid));
    }
}
