//! Which processes belong to a step, and whose dead loopdash has to bury.
//! A [`Family`] is a leader and everything that can be traced to it: by parent, session, or environment mark.
//!
//! Being a child subreaper is a property of the process, and so is the list of leaders kept here: an orphan comes to this
//! process whoever started it, and a child that somebody else waits for must not be taken from them.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::signal;
use super::tree::{self, Proc};

/// The leaders that run now, with their environment marks.
static LEADERS: Mutex<BTreeMap<u32, String>> = Mutex::new(BTreeMap::new());

fn leaders() -> MutexGuard<'static, BTreeMap<u32, String>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Children of this process that are no step's, though they lead a session of their own.
static HELPERS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Has a child that loopdash started for itself not taken for an orphan of a step.
pub fn not_an_orphan(pid: u32) {
    HELPERS.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
}

/// Starts such a child, where no step's processes are looked for until it is known as one.
pub(super) fn start_helper(spawn: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
    let _held = leaders();
    let child = spawn()?;
    not_an_orphan(child.id());
    Ok(child)
}

/// A step's processes.
#[derive(Clone, Debug)]
pub(super) struct Family {
    leader: Proc,
    mark: String,
    known: Vec<Proc>,
    sole: bool,
}

impl Family {
    /// Starts a leader. `sole` says that every other session below this process stems from a step.
    pub(super) fn start<T>(
        mark: String,
        sole: bool,
        spawn: impl FnOnce() -> io::Result<(u32, T)>,
    ) -> io::Result<(Self, T)> {
        // Held while it starts, so that nobody takes a leader that dies at once for an orphan.
        let mut leaders = leaders();
        let (pid, child) = spawn()?;
        leaders.insert(pid, mark.clone());
        let unseen = Proc { pid, ppid: std::process::id(), sid: pid, start: 0, state: 'R', command: String::new() };
        let leader = Proc { sid: pid, ..tree::process(pid).unwrap_or(unseen) };
        Ok((Self { leader, mark, known: Vec::new(), sole }, child))
    }

    pub(super) fn leader(&self) -> &Proc {
        &self.leader
    }

    /// Everything that has been seen of the family.
    pub(super) fn known(&self) -> &[Proc] {
        &self.known
    }

    /// To be called when the leader has been waited for: from now on its pid may mean another process.
    pub(super) fn leader_is_gone(&self) {
        leaders().remove(&self.leader.pid);
    }

    /// Looks who is alive now, and remembers them: once a parent is dead, its children cannot be traced through it.
    pub(super) fn look(&mut self) -> Vec<Proc> {
        let table = tree::table();
        let mut pids = tree::of_steps(&[&self.mark]);
        let is = |known: &Proc| table.iter().any(|proc| proc.pid == known.pid && proc.start == known.start);
        pids.extend(self.known.iter().filter(|known| is(known)).map(|known| known.pid));
        let mut sids: HashSet<u32> = HashSet::new();
        let usurped = table.iter().any(|proc| proc.pid == self.leader.pid && proc.start != self.leader.start);
        if !usurped {
            pids.insert(self.leader.pid);
            sids.insert(self.leader.pid);
        }
        pids.extend(self.strays(&table));
        let alive: Vec<Proc> = tree::closure(&table, &pids, &sids).into_iter().filter(Proc::is_alive).collect();
        for proc in &alive {
            if !self.known.iter().any(|known| known.pid == proc.pid && known.start == proc.start) {
                self.known.push(proc.clone());
            }
        }
        alive
    }

    /// Orphans that came to this process and that nothing else tells apart: they are this step's if no other one runs.
    fn strays(&self, table: &[Proc]) -> Vec<u32> {
        let leaders = leaders();
        let others = leaders.keys().any(|pid| *pid != self.leader.pid);
        if !self.sole || others { Vec::new() } else { orphans(table, &leaders).map(|proc| proc.pid).collect() }
    }

    /// Buries the family's dead that came to this process as orphans.
    pub(super) fn bury(&self) {
        let mut sids: HashSet<u32> = self.known.iter().map(|proc| proc.sid).collect();
        sids.insert(self.leader.pid);
        let known: HashSet<(u32, u64)> = self.known.iter().map(|proc| (proc.pid, proc.start)).collect();
        let table = tree::table();
        let leaders = leaders();
        for proc in orphans(&table, &leaders) {
            if self.sole || sids.contains(&proc.sid) || known.contains(&(proc.pid, proc.start)) {
                reap(proc);
            }
        }
    }
}

/// Buries orphans that died while steps run: a script that waits for its daemon to vanish would wait for ever.
pub(super) fn bury_orphans(sole: bool) {
    let table = tree::table();
    let leaders = leaders();
    for proc in orphans(&table, &leaders) {
        if sole || leaders.contains_key(&proc.sid) {
            reap(proc);
        }
    }
}

/// Whether a step runs.
pub(super) fn any_leader() -> bool {
    !leaders().is_empty()
}

/// Children of this process in a session that is neither its own nor led by a running leader's pid itself.
fn orphans<'a>(table: &'a [Proc], leaders: &BTreeMap<u32, String>) -> impl Iterator<Item = &'a Proc> {
    orphans_of(std::process::id(), table, leaders)
}

fn orphans_of<'a>(own: u32, table: &'a [Proc], leaders: &BTreeMap<u32, String>) -> impl Iterator<Item = &'a Proc> {
    // In a container the session's leader may be outside of it, and the session then is 0: as good a number as any.
    let own_sid = table.iter().find(|proc| proc.pid == own).map(|proc| proc.sid);
    let helpers = HELPERS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    table.iter().filter(move |proc| {
        !helpers.contains(&proc.pid)
            && proc.ppid == own
            && own_sid.is_some_and(|own| own != proc.sid)
            && !leaders.contains_key(&proc.pid)
    })
}

/// Waits for one dead child by its pid: waiting for any would take the status from whoever waits for a child of theirs.
fn reap(proc: &Proc) {
    use rustix::process::{Pid, WaitOptions, waitpid};
    if !proc.is_alive() && signal::same(proc) {
        let pid = i32::try_from(proc.pid).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orphans_are_told_from_own_children_in_any_session() {
        let proc = |pid, ppid, sid| Proc { pid, ppid, sid, start: 1, state: 'Z', command: String::new() };
        let leaders = BTreeMap::from([(30, String::new())]);
        for own_sid in [0, 1, 9] {
            // 20 is a child of its own session, 30 a leader, 40 came as an orphan, 50 is somebody else's.
            let table =
                [proc(10, 1, own_sid), proc(20, 10, own_sid), proc(30, 10, 30), proc(40, 10, 31), proc(50, 2, 50)];
            let found: Vec<u32> = orphans_of(10, &table, &leaders).map(|proc| proc.pid).collect();
            assert_eq!(found, [40], "in session {own_sid}");
        }
        // Where this process cannot be seen, nothing can be told.
        assert_eq!(orphans_of(10, &[proc(40, 10, 31)], &leaders).count(), 0);
    }
}
