//! What a loopdash that died left running: found again by its marks, and stopped before its runs go on.
//! [`find`] looks, [`stop`] ends them.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::Signal;

use super::signal;
use super::tree::{self, Proc};

const TERM_GRACE: Duration = Duration::from_secs(2);
const KILL_GRACE: Duration = Duration::from_millis(500);
const ROUNDS: usize = 10;

/// Living processes of the runs `runs`: by the mark in their environment, or because they are one of `spawned` (pid and
/// start time, as journalled); with everything that these have started. Takes some milliseconds.
pub fn find(runs: &[String], spawned: &[(u32, u64)]) -> Vec<Proc> {
    let table = tree::table();
    let mut pids: HashSet<u32> = runs.iter().flat_map(|run| tree::marked(run)).map(|proc| proc.pid).collect();
    // After a reboot another process may have this pid and even this start time, but it hardly leads a session too.
    let leads = |proc: &&Proc| spawned.contains(&(proc.pid, proc.start)) && proc.sid == proc.pid;
    let leaders: Vec<&Proc> = table.iter().filter(leads).collect();
    pids.extend(leaders.iter().map(|proc| proc.pid));
    let found = tree::closure(&table, &pids, &HashSet::new());
    found.into_iter().filter(Proc::is_alive).map(tree::describe).collect()
}

/// Living processes of steps: by the mark in their environment, or as part of a session that one of `leaders` leads or led;
/// with everything that these have started.
pub(super) fn of_steps(marks: &[&str], leaders: &[(u32, u64)]) -> Vec<Proc> {
    let table = tree::table();
    // The system gives a session's number to no other process while somebody is in it.
    let usurped = |(pid, start): (u32, u64)| table.iter().any(|proc| proc.pid == pid && proc.start != start);
    let led: HashSet<u32> = leaders.iter().filter(|leader| !usurped(**leader)).map(|(pid, _)| *pid).collect();
    let pids = tree::of_steps(marks).union(&led).copied().collect();
    tree::closure(&table, &pids, &led).into_iter().filter(Proc::is_alive).collect()
}

/// Stops them, TERM first and then KILL, with what they start meanwhile. Returns those that are gone, within about seven
/// seconds at worst; dropping the future does not call it off.
pub async fn stop(procs: Vec<Proc>) -> Vec<Proc> {
    let stopping = tokio::task::spawn_blocking(move || stop_now(procs, TERM_GRACE));
    stopping.await.unwrap_or_default()
}

/// As [`stop`], with another time between TERM and KILL; none leaves TERM out. Blocks.
pub(super) fn stop_now(procs: Vec<Proc>, term: Duration) -> Vec<Proc> {
    let mut all = procs.clone();
    for round in 0..ROUNDS {
        let pids = all.iter().filter(|proc| signal::same(proc)).map(|proc| proc.pid).collect();
        let alive: Vec<Proc> =
            tree::closure(&tree::table(), &pids, &HashSet::new()).into_iter().filter(Proc::is_alive).collect();
        if alive.is_empty() {
            break;
        }
        let (signals, grace) = if round == 0 && !term.is_zero() {
            (&[Signal::TERM, Signal::CONT][..], term)
        } else {
            (&[Signal::KILL][..], KILL_GRACE)
        };
        signal::send_all(&alive, signals);
        signal::await_exit(&alive, grace);
        all.extend(alive);
    }
    let gone = |proc: &Proc| !tree::process(proc.pid).is_some_and(|now| now.start == proc.start && now.is_alive());
    procs.into_iter().filter(gone).collect()
}
