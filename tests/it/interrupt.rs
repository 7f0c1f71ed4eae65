//! Headless loopdash when it is told to end: once, twice, by a lost terminal, by a reader that leaves.

use crate::ground::{Ground, Live, Ran, Told};
use loopdash::loops::core::event::{Event, Outcome, PauseKind};
use loopdash::loops::core::step::InterruptWhy;
use loopdash::loops::core::transition::RunStatus;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// An agent that works until it is ended, then does its work when it is started again.
pub(crate) const SECOND_TIME: &str = r#"
[[scene]]
when = { exists = ["begun"] }
steps = [{ touch = "x" }, "claim"]
[[scene]]
steps = [{ touch = "begun" }, { say = "working" }, "hang"]
"#;

/// A loopdash whose actor has said that it works.
pub(crate) fn working(ground: &Ground, actor: &[&str]) -> Live {
    let mut live = Live::start(ground.run_command(actor, &[], &["--output"]));
    live.until("working");
    live
}

#[track_caller]
fn paused(ground: &Ground) -> Ran {
    let ran = ground.ran();
    assert_eq!(ran.state.status, RunStatus::Paused, "{:?}", ran.records.last());
    assert_eq!(ran.state.pause, Some(PauseKind::Now));
    assert_eq!(ran.state.active, None);
    ran.assert_gone();
    ran
}

#[test]
fn ctrl_c_pauses_in_order_and_resume_goes_on() {
    for signal in [Signal::INT, Signal::TERM] {
        let ground = Ground::new();
        ground.write("agent.toml", SECOND_TIME);
        ground.commit("agent");
        let live = working(&ground, &["play", "agent.toml"]);
        live.signal(signal);
        let told = live.end().exits(130);
        assert!(told.err.contains("`loopdash resume`"), "{}", told.err);
        let ran = paused(&ground);
        let why = ran.events(|event| match event {
            Event::StepInterrupted(e) => Some(e.why),
            _ => None,
        });
        assert_eq!(why, [InterruptWhy::Pause]);

        let told = ground.loopdash(&["resume", "--headless"]).exits(0);
        assert!(!told.out.contains("submitted"), "only what is new is told:\n{}", told.out);
        let ran = ground.ran();
        assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
        assert_eq!((ran.state.iterations.len(), ran.state.refused), (1, 0));
        assert!(ground.loopdash(&["resume"]).exits(0).err.contains("no run is interrupted"));
    }
}

#[test]
fn a_second_one_ends_at_once_and_leaves_no_process() {
    let ground = Ground::new();
    let live = working(&ground, &["ignore-term", "orphan", "say", "working", "hang"]);
    let asked = Instant::now();
    live.signal(Signal::INT);
    live.signal(Signal::INT);
    // The two signals may arrive as one; then it is a question of the first one's patience.
    let mut live = live;
    while live.child.try_wait().unwrap().is_none() && asked.elapsed() < Duration::from_secs(30) {
        live.signal(Signal::INT);
        std::thread::park_timeout(Duration::from_millis(20));
    }
    live.end().exits(130);
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    ground.ran().assert_gone();
}

#[test]
fn once_is_enough_for_an_agent_that_ignores_it() {
    let ground = Ground::new();
    let live = working(&ground, &["ignore-term", "orphan", "say", "working", "hang"]);
    live.signal(Signal::INT);
    live.end().exits(130);
    paused(&ground);
}

#[test]
fn a_hang_up_ends_nothing() {
    let ground = Ground::new();
    let go = ground.path("go");
    let wait = format!("while [ ! -e '{}' ]; do sleep 0.02; done", go.display());
    let live = working(&ground, &["say", "working", "sh", &wait, "touch", "x", "claim"]);
    live.signal(Signal::HUP);
    std::fs::write(go, "").unwrap();
    live.end().exits(0);
}

#[test]
fn a_reader_that_leaves_ends_it_in_order_and_quietly() {
    let ground = Ground::new();
    let Live { mut child, lines } = working(&ground, &["say", "working", "hang"]);
    drop(lines);
    // The next line that it would print is its own, about the pause.
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    paused(&ground);

    let ground = Ground::new();
    let command = ground.run_command(&["sh", "yes | head -200", "hang"], &[], &["--output"]);
    let mut live = Live::start(command);
    live.until("y");
    let Live { child, lines } = live;
    drop(lines);
    let told = Told::from(child.wait_with_output().unwrap());
    assert_eq!((told.code, told.err.as_str()), (Some(3), ""));
    paused(&ground);
}

#[test]
fn a_killed_loopdash_leaves_runs_that_resume() {
    let ground = Ground::new();
    ground.write("agent.toml", SECOND_TIME);
    ground.commit("agent");
    let mut live = working(&ground, &["play", "agent.toml"]);
    live.child.kill().unwrap();
    live.child.wait().unwrap();
    let told = ground.loopdash(&["resume", "--headless"]).exits(0);
    assert!(told.out.contains("interrupted") || told.out.contains("loopdash itself had ended"), "{}", told.out);
    let ran = ground.ran();
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
    ran.assert_gone();
}

#[test]
fn several_interrupted_runs_are_named_and_resumed_together() {
    let ground = Ground::new();
    ground.write("agent.toml", SECOND_TIME);
    ground.commit("agent");
    for _ in 0..2 {
        let live = working(&ground, &["play", "agent.toml"]);
        live.signal(Signal::INT);
        live.end().exits(130);
    }
    let labels: Vec<String> = ground.runs().iter().map(|ran| ran.state.label.clone()).collect();
    assert_eq!(labels, ["make-a-note", "make-a-note#2"]);
    let told = ground.loopdash(&["resume", "--headless"]).exits(64);
    assert!(labels.iter().all(|label| told.err.contains(label)), "{}", told.err);
    ground.loopdash(&["resume", "--all", "--headless"]).exits(0);
    assert!(ground.runs().iter().all(|ran| matches!(ran.state.outcome, Some((Outcome::Done, _)))));
}
