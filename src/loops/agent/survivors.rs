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
    let marked = runs.iter().flat_map(|run| tree::marked(run)).map(|proc| proc.pid).collect();
    of_runs(&tree::table(), marked, spawned).into_iter().map(tree::describe).collect()
}

fn of_runs(table: &[Proc], marked: HashSet<u32>, spawned: &[(u32, u64)]) -> Vec<Proc> {
    let mut pids = marked;
    // After a reboot another process may have this pid and even this start time, but it hardly leads a session too.
    let leads = |proc: &&Proc| spawned.contains(&(proc.pid, proc.start)) && proc.sid == proc.pid;
    let leaders: Vec<&Proc> = table.iter().filter(leads).collect();
    pids.extend(leaders.iter().map(|proc| proc.pid));
    tree::closure(table, &pids, &HashSet::new()).into_iter().filter(Proc::is_alive).collect()
}

/// Living processes of steps: by the mark in their environment, or as part of a session that one of `leaders` leads or led;
/// with everything that these have started.
pub(super) fn of_steps(marks: &[&str], leaders: &[(u32, u64)]) -> Vec<Proc> {
    led_or_marked(&tree::table(), tree::of_steps(marks), leaders)
}

fn led_or_marked(table: &[Proc], marked: HashSet<u32>, leaders: &[(u32, u64)]) -> Vec<Proc> {
    // The system gives a session's number to no other process while somebody is in it.
    let usurped = |(pid, start): (u32, u64)| table.iter().any(|proc| proc.pid == pid && proc.start != start);
    let led: HashSet<u32> = leaders.iter().filter(|leader| !usurped(**leader)).map(|(pid, _)| *pid).collect();
    let pids = marked.union(&led).copied().collect();
    tree::closure(table, &pids, &led).into_iter().filter(Proc::is_alive).collect()
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

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::launch::{RUN_MARK, STEP_MARK};
    use super::*;
    use std::path::Path;

    /// A process of a fake `/proc`: pid, parent, session, start time, and what its environment holds, if it can be read.
    fn process(root: &Path, [pid, ppid, sid]: [u32; 3], start: u64, environment: Option<&str>) {
        let dir = root.join(pid.to_string());
        std::fs::create_dir(&dir).unwrap();
        let stat = format!("{pid} (sleep) S {ppid} {sid} {sid} 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {start} 1000 10");
        std::fs::write(dir.join("stat"), stat).unwrap();
        if let Some(text) = environment {
            std::fs::write(dir.join("environ"), text).unwrap();
        }
    }

    fn pids(found: &[Proc]) -> Vec<u32> {
        let mut pids: Vec<u32> = found.iter().map(|proc| proc.pid).collect();
        pids.sort_unstable();
        pids
    }

    fn far(pid: u32) -> u32 {
        // No process of the machine, and so not this one.
        4_000_000_000 + pid
    }

    #[test]
    fn a_pid_means_nothing_without_its_start_time_or_a_mark() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let mark = |run: &str| format!("HOME=/\0{RUN_MARK}={run}\0{STEP_MARK}={run}/3\0");
        let [a, b, c, d, e] = [10, 20, 30, 40, 50].map(far);
        process(root, [a, 1, a], 700, None);
        process(root, [b, 1, b], 700, Some(&mark("mine")));
        process(root, [c, 1, c], 700, Some(&mark("other")));
        process(root, [d, c, c], 700, Some(""));
        process(root, [e, 1, a], 701, Some("HOME=/\0"));
        // One that ended after it was listed, and one of which only the half is there.
        std::fs::create_dir(root.join(far(60).to_string())).unwrap();
        std::fs::create_dir(root.join(far(70).to_string())).unwrap();
        std::fs::write(root.join(far(70).to_string()).join("stat"), "4000000070 (sl").unwrap();
        let table = tree::table_in(root);
        assert_eq!(pids(&table), [a, b, c, d, e]);

        let marked = |name, value: &str| tree::pids_with_in(root, name, &[value]);
        assert_eq!(pids(&of_runs(&table, marked(RUN_MARK, "mine"), &[])), [b], "the other run's is another's");
        assert_eq!(pids(&of_runs(&table, marked(RUN_MARK, "nobody's"), &[(a, 700)])), [a, e], "its session with it");
        assert_eq!(pids(&of_runs(&table, HashSet::new(), &[(a, 699)])), [0; 0], "a pid given out again");
        assert_eq!(pids(&of_runs(&table, HashSet::new(), &[(d, 700)])), [0; 0], "no leader, so no step's process");

        assert_eq!(pids(&led_or_marked(&table, marked(STEP_MARK, "mine/3"), &[(a, 700)])), [a, b, e]);
        assert_eq!(
            pids(&led_or_marked(&table, marked(STEP_MARK, "mine/4"), &[(a, 699)])),
            [0; 0],
            "a pid given out again"
        );
        // Its leader is gone: who is in its session is known by that, and the number is nobody else's.
        std::fs::remove_dir_all(root.join(a.to_string())).unwrap();
        assert_eq!(pids(&led_or_marked(&tree::table_in(root), HashSet::new(), &[(a, 700)])), [e]);
        // It ends between the table and the look at environments, or the other way round.
        std::fs::remove_dir_all(root.join(b.to_string())).unwrap();
        assert_eq!(pids(&of_runs(&tree::table_in(root), HashSet::from([b]), &[(b, 700)])), [0; 0]);
        assert_eq!(pids(&of_runs(&table, marked(RUN_MARK, "mine"), &[])), [0; 0]);
    }
}
