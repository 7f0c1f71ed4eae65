//! Faults of the terminal and of the program on it: signals, crashes, stalls, sizes.

use super::invariants::Before;
use super::matrix::Row;
use super::watched::cpu_of;
use crate::ground::Ground;
use crate::screen::{a_loop, a_script, assert_nothing_runs, leave, open, with_loops};
use crate::term::{Term, until};
use loopdash::loops::agent::tree;
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
        tests: &["it::faults::terminal::row_36_a_stop_by_the_shell_gives_the_terminal_back_and_agents_work_on"],
    },
    Row {
        number: 37,
        fault: "panic, abort, SEGV or kill -9 while the screen is up",
        happens: "a panic restores the terminal before its message; a panic in a step's task concerns its run only. For what \
            leaves no time for that, a small process beside loopdash holds the terminal and restores it when loopdash is gone",
        tests: &[
            "it::faults::terminal::row_37_whatever_ends_it_the_terminal_is_given_back",
            "it::faults::terminal::row_37_whatever_breaks_the_first_frame_the_terminal_is_given_back",
            "it::faults::terminal::row_37_a_panic_in_a_step_concerns_its_run_only",
            "it::screen::a_panic_gives_the_terminal_back_before_its_message",
        ],
    },
    Row {
        number: 38,
        fault: "a storm of sizes down to one cell, with dialogs open",
        happens: "drawn as it fits, or `too small`; correct afterwards",
        tests: &[
            "it::faults::terminal::row_38_a_storm_of_sizes_down_to_one_cell_is_survived",
            "app::view::snapshots_test::any_size_is_drawn_with_a_dialog_open_and_the_old_one_again",
        ],
    },
    Row {
        number: 39,
        fault: "a slow or stalled terminal",
        happens: "one thread writes, one frame at a time: it alone waits, frames are dropped, loops go on",
        tests: &[
            "it::faults::terminal::row_39_a_stalled_terminal_holds_up_no_loop_and_gets_no_backlog",
            "app::tui::screen::tests::a_stalled_terminal_holds_one_frame_and_nobody",
        ],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_whatever_ends_it_the_terminal_is_given_back() {
    for fault in ["panic:key", "abort:key", "segv:key", "kill -9"] {
        let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
        let before = Before::of(&ground);
        let mut term = faulty(&ground, fault);
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
        before.holds(&ground);
    }
}

/// A dashboard with a fault in it.
fn faulty(ground: &Ground, fault: &str) -> Term {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", &state), ("LOOPDASH_FAULT", Path::new(fault))];
    Term::start(&["--start-all"], &ground.repo(), &env, (36, 120))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_whatever_breaks_the_first_frame_the_terminal_is_given_back() {
    for fault in ["panic:render", "abort:render", "segv:render"] {
        let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
        let before = Before::of(&ground);
        let mut term = faulty(&ground, fault);
        assert!(!term.ended().await.success(), "{fault}");
        term.see(if fault == "panic:render" { "panicked" } else { "ended without a word" }).await;
        until("no process is left", || ground.runs().iter().all(|ran| ran.is_gone())).await;
        before.holds_on(&ground, &term).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_a_panic_in_a_step_concerns_its_run_only() {
    let work = ["touch", "x", "claim"];
    let gate = "[[loop.gate]]\nname = \"it\"\ncommand = \"test -e x\"\n".to_owned();
    let ground = with_loops(&[a_loop("one", &work), gate.clone(), a_loop("two", &work), gate]);
    let before = Before::of(&ground);
    let mut term = faulty(&ground, "panic:step@2");
    term.until("one is done and one asks", |text| text.contains("1 done") && text.contains("1 needs you")).await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    let done = runs.iter().filter(|ran| matches!(ran.state.outcome, Some((Outcome::Done, _)))).count();
    assert_eq!((runs.len(), done), (2, 1));
    let log = std::fs::read_dir(ground.path("state/logs")).unwrap().map(|entry| entry.unwrap().path());
    let log: String = log.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(log.contains("step task failed"), "{log}");
}

/// A dashboard on a loop whose actor goes on when the file `go` is there.
async fn at_work(config: &str) -> (Ground, Before, Term) {
    let wait = "while [ ! -e ../../go ]; do sleep 0.02; done";
    let ground =
        with_loops(&[a_loop("slow", &["say", "at work", "sh", wait, "touch", "x", "claim"]), config.to_owned()]);
    let before = Before::of(&ground);
    let term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    (ground, before, term)
}

/// A loopdash without its screen takes no processor time for that.
async fn idles(pid: u32) {
    let before = cpu_of(pid);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let taken = cpu_of(pid) - before;
    assert!(taken <= std::time::Duration::from_millis(100), "{taken:?} of processor time in 2 s");
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
    let (ground, before, mut term) = at_work("").await;
    term.signal(Signal::HUP);
    term.gone("Loops").await;
    assert_eq!(term.disorder().await, [""; 0]);
    assert!(!term.is_over());
    idles(term.pid()).await;
    goes_on(&ground).await;
    term.ended().await;
    is_told(&ground).await;
    before.holds(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_a_vanished_terminal_ends_no_loop() {
    let (ground, before, term) = at_work("").await;
    let mut child = term.vanish().await;
    let fleet = ground.path("state/fleet.jsonl");
    until("it has noticed", || std::fs::read_to_string(&fleet).is_ok_and(|text| text.contains("screen_lost"))).await;
    idles(child.id().unwrap()).await;
    goes_on(&ground).await;
    tokio::time::timeout(std::time::Duration::from_secs(60), child.wait()).await.unwrap().unwrap();
    is_told(&ground).await;
    before.holds(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_a_hang_up_can_stop_the_loops() {
    let (ground, before, mut term) = at_work("[engine]\non_hangup = \"stop\"\n").await;
    term.signal(Signal::HUP);
    assert_eq!(term.ended().await.code(), Some(130));
    assert_eq!(term.disorder().await, [""; 0]);
    assert_eq!(ground.ran().state.status, RunStatus::Paused);
    before.holds(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_a_stop_by_the_shell_gives_the_terminal_back_and_agents_work_on() {
    let ticks = "while :; do echo x >>../../ticks; sleep 0.02; done";
    let ground = with_loops(&[a_script("slow", &format!("cat >/dev/null; echo at work; {ticks}"), "")]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    term.signal(Signal::TSTP);
    let pid = term.pid();
    until("loopdash has stopped itself", || tree::process(pid).is_some_and(|process| process.state == 'T')).await;
    assert_eq!(term.disorder().await, [""; 0]);
    let ticks = || std::fs::metadata(ground.path("ticks")).map_or(0, |meta| meta.len());
    let then = ticks();
    until("the agent works on", || ticks() > then + 10).await;
    // It is told of its new size only by looking.
    term.resize(30, 100);
    let written = term.raw().len();
    term.signal(Signal::CONT);
    term.until("drawn again", |text| text.contains("at work") && text.contains("Loops")).await;
    let again = term.raw()[written..].to_vec();
    assert!(again.windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "it took the terminal again");
    leave(&mut term).await;
    before.holds_on(&ground, &term).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_38_a_storm_of_sizes_down_to_one_cell_is_survived() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    for (opens, overlay) in [("?", "Esc closes"), (":timel", "show timeline"), ("S", "cannot be resumed")] {
        term.keys(opens).await;
        term.see(overlay).await;
        let sizes = [(1, 1), (2, 200), (100, 4), (12, 40), (1, 1), (500, 500), (5, 20), (4, 19), (50, 1)];
        for (rows, cols) in sizes {
            let drawn = term.raw().len();
            term.resize(rows, cols);
            // A key without a letter: it neither answers a dialog nor fills the palette.
            term.keys("\x1b[B").await;
            until("the new size is drawn", || term.raw().len() > drawn).await;
        }
        // A terminal that does not know its size, as some serial lines do not.
        term.resize(0, 0);
        term.keys("\x1b[B").await;
        term.resize(36, 120);
        term.see(overlay).await;
        // Alone until it has worked: with a letter right behind it, it would be Alt.
        term.keys("\x1b").await;
        // With its last line, since a frame half painted lacks the overlay, too.
        term.until("it has closed", |screen| !screen.contains(overlay) && screen.contains("palette")).await;
    }
    term.resize(12, 40);
    term.see("slow").await;
    term.resize(36, 120);
    term.see("at work").await;
    leave(&mut term).await;
    before.holds_on(&ground, &term).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_39_a_stalled_terminal_holds_up_no_loop_and_gets_no_backlog() {
    let go = "cat >/dev/null; echo at work; while [ ! -e ../../go ]; do sleep 0.02; done";
    let chatter = "for i in $(seq 250); do echo line $i of many; sleep 0.01; done; touch x; echo LOOPDASH_DONE";
    let text =
        a_script("chatty", &format!("{go}; {chatter}"), "") + "[[loop.gate]]\nname = \"it\"\ncommand = \"test -e x\"\n";
    let ground = with_loops(&[text]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    term.stall(true);
    let drawn = term.raw().len();
    goes_on(&ground).await;
    assert!(term.raw().len() - drawn < 16_384, "what had been written before the stall is all that comes");
    let stalled = term.raw().len();
    term.stall(false);
    term.see("1 done").await;
    let frames = term.raw()[stalled..].windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    assert!(frames <= 4, "{frames} frames had queued up");
    leave(&mut term).await;
    before.holds_on(&ground, &term).await;
}
