//! Faults of the terminal and of the program on it: signals, crashes, stalls, sizes.

use super::matrix::Row;
use crate::ground::Ground;
use crate::screen::{a_loop, assert_nothing_runs, leave, open, with_loops};
use crate::term::{Term, until};
use loopdash::loops::core::event::Outcome;
use loopdash::loops::core::transition::RunStatus;
use rustix::process::Signal;
use std::path::Path;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 35,
        fault: "TERM, INT, HUP, a terminal that vanishes",
        happens: "TERM and INT end in order and pause what is live. After HUP, or when the terminal vanishes, the screen ends \
            and the loops go on without one, until each has ended or waits for a person; the next dashboard says so \
            (`on_hangup = \"stop\"` pauses them instead)",
        tests: &[
            "it::faults::terminal::row_35_a_hang_up_ends_the_screen_and_no_loop",
            "it::faults::terminal::row_35_a_vanished_terminal_ends_no_loop",
            "it::faults::terminal::row_35_a_hang_up_can_stop_the_loops",
            "it::screen::signals_give_the_terminal_back_and_pause_what_is_live",
            "it::interrupt::ctrl_c_pauses_in_order_and_resume_goes_on",
            "it::interrupt::a_hang_up_ends_nothing",
        ],
    },
    Row {
        number: 36,
        fault: "TSTP and CONT from the shell",
        happens: "the terminal is given back before loopdash stops, and set up and painted whole after it goes on; agents work \
            on meanwhile",
        tests: &["it::screen::a_stop_by_the_shell_gives_the_terminal_back_and_a_continue_takes_it_again"],
    },
    Row {
        number: 37,
        fault: "panic, abort, SEGV or kill -9 while the screen is up",
        happens: "a panic restores the terminal before its message; a panic in a step's task concerns its run only. For what \
            leaves no time for that, a small process beside loopdash holds the terminal and restores it when loopdash is gone",
        tests: &[
            "it::faults::terminal::row_37_whatever_ends_it_the_terminal_is_given_back",
            "it::screen::a_panic_gives_the_terminal_back_before_its_message",
        ],
    },
    Row {
        number: 38,
        fault: "a storm of sizes down to one cell, with dialogs open",
        happens: "drawn as it fits, or `too small`; correct afterwards",
        tests: &["it::screen::a_storm_of_sizes_down_to_one_cell_is_survived"],
    },
    Row {
        number: 39,
        fault: "a slow or stalled terminal",
        happens: "one thread writes, one frame at a time: it alone waits, frames are dropped, loops go on",
        tests: &["app::tui::screen::tests::a_stalled_terminal_holds_one_frame_and_nobody"],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_whatever_ends_it_the_terminal_is_given_back() {
    for fault in ["panic:key", "abort:key", "segv:key", "kill -9"] {
        let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
        let (home, state) = (ground.path("home"), ground.path("state"));
        let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", &state), ("LOOPDASH_FAULT", Path::new(fault))];
        let mut term = Term::start(&["--start-all"], &ground.repo(), &env, (36, 120));
        term.see("at work").await;
        if fault == "kill -9" {
            term.signal(Signal::KILL);
        } else {
            term.keys("j").await;
        }
        assert!(!term.ended().await.success(), "{fault}");
        let word = if fault == "panic:key" { "panicked" } else { "ended without a word" };
        term.see(word).await;
        assert_eq!(term.disorder().await, [""; 0], "{fault}");
        until("no process is left", || ground.runs().iter().all(|ran| ran.is_gone())).await;
        assert_eq!(ground.ran().state.status, RunStatus::Running, "{fault}: the next start finds it interrupted");
    }
}

/// A dashboard on a loop whose actor goes on when the file `go` is there.
async fn at_work(config: &str) -> (Ground, Term) {
    let wait = "while [ ! -e ../../go ]; do sleep 0.02; done";
    let ground =
        with_loops(&[a_loop("slow", &["say", "at work", "sh", wait, "touch", "x", "claim"]), config.to_owned()]);
    let term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    (ground, term)
}

async fn goes_on(ground: &Ground) {
    std::fs::write(ground.path("go"), "").unwrap();
    until("the loop is done", || matches!(ground.ran().state.outcome, Some((Outcome::Done, _)))).await;
}

async fn is_told(ground: &Ground) {
    let mut term = open(ground, &[]);
    term.see("went on without a screen").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    assert_nothing_runs(ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_a_hang_up_ends_the_screen_and_no_loop() {
    let (ground, mut term) = at_work("").await;
    term.signal(Signal::HUP);
    term.gone("Loops").await;
    assert_eq!(term.disorder().await, [""; 0]);
    assert!(!term.is_over());
    goes_on(&ground).await;
    term.ended().await;
    is_told(&ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_a_vanished_terminal_ends_no_loop() {
    let (ground, term) = at_work("").await;
    let mut child = term.vanish().await;
    let fleet = ground.path("state/fleet.jsonl");
    until("it has noticed", || std::fs::read_to_string(&fleet).is_ok_and(|text| text.contains("screen_lost"))).await;
    goes_on(&ground).await;
    tokio::time::timeout(std::time::Duration::from_secs(60), child.wait()).await.unwrap().unwrap();
    is_told(&ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_a_hang_up_can_stop_the_loops() {
    let (ground, mut term) = at_work("[engine]\non_hangup = \"stop\"\n").await;
    term.signal(Signal::HUP);
    assert_eq!(term.ended().await.code(), Some(130));
    assert_eq!(term.disorder().await, [""; 0]);
    assert_eq!(ground.ran().state.status, RunStatus::Paused);
    assert_nothing_runs(&ground);
}
