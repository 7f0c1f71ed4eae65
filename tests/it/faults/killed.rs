//! Faults of loopdash itself: killed while its steps' processes are at work, with whoever watches over them.

use super::invariants::Before;
use super::matrix::Row;
use super::watched::until;
use crate::ground::{Ground, Live, Ran};
use crate::screen::{a_script, open, with_loops};
use loopdash::loops::agent::tree::{self, Proc};
use loopdash::loops::core::event::{Event, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) const ROWS: &[Row] = &[Row {
    number: 34,
    fault: "kill -9 of loopdash with agents at work",
    happens: "the kernel kills each agent with it, and a second process that loopdash starts with its first step ends the \
        rest: what shares the agent's session, descends from it, or carries its mark gets TERM, and 0.4 s later KILL. It \
        outlives what ends loopdash and its terminal, and is replaced when it dies itself. The next start looks again, \
        and names what it had to stop. What had wiped its environment, left its session and lost its parent before is not \
        found",
    tests: &[
        "it::faults::killed::row_34_nothing_of_its_steps_outlives_a_killed_loopdash",
        "it::faults::killed::row_34_what_was_frozen_is_ended_too",
        "it::faults::killed::row_34_who_watches_over_steps_outlives_signals_and_is_replaced",
        "it::faults::killed::row_34_the_next_loopdash_may_start_at_once",
        "it::processes::a_killed_loopdash_takes_its_agents_and_what_escaped_along",
        "it::screen::after_a_kill_the_next_start_offers_the_run_and_it_goes_on",
    ],
}];

/// More than what it takes on a busy machine; half a second on an idle one.
const SOON: Duration = Duration::from_secs(5);

/// A script with children of each kind, five of them, that write to a file in the worktree for as long as they live.
fn spread(go_on: &str) -> String {
    let writer = |name: &str, deaf: &str| format!("{deaf} while :; do echo {name} >>alive-{name}; sleep 0.05; done");
    format!(
        "cat >/dev/null
        if [ -e begun ]; then touch x; echo LOOPDASH_DONE; exit 0; fi
        ({same}) >/dev/null 2>&1 &
        setsid sh -c '{own}' >/dev/null 2>&1 &
        ({holding}) &
        setsid sh -c '{deaf}' &
        sh -c '{behind}'\"$(echo ' ; :')\" >/dev/null &
        for name in same own holding deaf behind; do while [ ! -e alive-$name ]; do sleep 0.02; done; done
        touch begun; echo all are out
        {go_on}",
        same = writer("same", ""),
        own = writer("own", ""),
        holding = writer("holding", ""),
        deaf = writer("deaf", "trap \"\" TERM INT HUP;"),
        behind = writer("behind", "trap \"\" TERM;"),
    )
}

/// A loopdash without a screen whose agent has all these children.
fn at_work(ground: &Ground) -> Live {
    let script = spread("echo working; while :; do sleep 1; done");
    crate::ground::program(&ground.path("bin/spreader"), &format!("#!/bin/sh\n{script}\n"));
    // Behind a wrapper, as `npx` is one, that waits for it and does not become it.
    crate::ground::program(&ground.path("bin/wrapper"), "#!/bin/sh\nspreader\nexit $?\n");
    let mut live = Live::start(ground.command(&[
        "run",
        "--headless",
        "--output",
        "-p",
        "Spread.",
        "--actor",
        "wrapper",
        "--critic",
        "none",
    ]));
    live.until("working");
    live
}

fn marked(ground: &Ground) -> Vec<Proc> {
    tree::marked(&ground.ran().dir.run().to_string())
}

/// Waits until nothing carries the run's mark any more, and checks that it did not take long.
#[track_caller]
fn all_end(ground: &Ground, since: Instant) {
    until("nothing of the run is left", || marked(ground).is_empty());
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
}

/// Those that watch over the steps of the loopdash `pid`.
fn wardens(pid: u32) -> Vec<Proc> {
    tree::table().into_iter().filter(|proc| proc.ppid == pid && proc.command == "step-warden").collect()
}

/// The only one, when it is there.
fn warden(pid: u32) -> Proc {
    until("somebody watches over the steps", || wardens(pid).len() == 1);
    wardens(pid).remove(0)
}

fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn goes_on(ground: &Ground) -> Ran {
    ground.loopdash(&["resume", "--headless"]).exits(0);
    let ran = ground.ran();
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))), "{:?}", ran.state.outcome);
    assert_eq!(ran.state.iterations.len(), 1);
    ran
}

#[test]
fn row_34_nothing_of_its_steps_outlives_a_killed_loopdash() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let mut live = at_work(&ground);
    assert!(marked(&ground).len() > 6, "{:?}", marked(&ground));
    let watcher = warden(live.child.id());
    live.child.kill().unwrap();
    all_end(&ground, Instant::now());
    live.child.wait().unwrap();
    until("who watched over them is gone, too", || {
        tree::process(watcher.pid).is_none_or(|now| now.start != watcher.start)
    });
    let runs = before.holds(&ground);
    assert!(runs[0].state.active_step().is_some(), "the journal ends in the step");
    let ran = goes_on(&ground);
    let named = ran.events(|event| match event {
        Event::StepInterrupted(e) => Some(e.left_behind.len()),
        _ => None,
    });
    assert_eq!(named, [0], "nothing was left to be found");
}

#[test]
fn row_34_who_watches_over_steps_outlives_signals_and_is_replaced() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let mut live = at_work(&ground);
    let pid = live.child.id();
    let first = warden(pid);
    let link = |name: &str| std::fs::read_link(format!("/proc/{}/{name}", first.pid)).unwrap_or_default();
    assert_eq!(link("cwd"), Path::new("/"));
    assert_eq!(first.sid, first.pid, "it leads a session");
    let held: Vec<PathBuf> = std::fs::read_dir(format!("/proc/{}/fd", first.pid))
        .unwrap()
        .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap_or_default())
        .collect();
    let outside = |path: &PathBuf| !path.starts_with(ground.base()) && !path.starts_with("/dev/pts");
    assert!(held.iter().all(outside), "{held:?}");
    for signal in [Signal::HUP, Signal::INT, Signal::TERM, Signal::QUIT] {
        kill(first.pid, signal);
    }
    assert_eq!(warden(pid), Proc { state: warden(pid).state, ..first.clone() }, "it goes on");
    kill(first.pid, Signal::KILL);
    until("another one takes its place", || wardens(pid).iter().any(|now| now.pid != first.pid && now.is_alive()));
    live.child.kill().unwrap();
    all_end(&ground, Instant::now());
    live.child.wait().unwrap();
    before.holds(&ground);
}

#[test]
fn row_34_the_next_loopdash_may_start_at_once() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let mut live = at_work(&ground);
    live.child.kill().unwrap();
    live.child.wait().unwrap();
    goes_on(&ground);
    let runs = before.holds(&ground);
    let ends = runs[0].events(|event| matches!(event, Event::StepInterrupted(_)).then_some(()));
    assert_eq!(ends.len(), 1, "only the killed one's step was ended, not the next one's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_34_what_was_frozen_is_ended_too() {
    let ground = with_loops(&[a_script("spread", &spread("while :; do sleep 1; done"), "")]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("all are out").await;
    term.keys("Z").await;
    term.see("frozen").await;
    let still = |proc: &Proc| matches!(proc.state, 'T' | 'D');
    until("all its processes stand still", || marked(&ground).iter().all(still));
    term.signal(Signal::KILL);
    let since = Instant::now();
    term.ended().await;
    all_end(&ground, since);
    before.holds_on(&ground, &term).await;
}
