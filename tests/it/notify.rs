//! Calls for the operator: by a real command, and by the bytes that a real terminal gets.

use crate::ground::{Ground, agent, program};
use crate::screen::{a_loop, leave, open};
use crate::term::until;
use loopdash::loops::agent::tree;
use loopdash::loops::core::event::Event;
use serde_json::Value;

/// Keeps what it is told, a line for each time.
const KEEPER: &str = "#!/bin/sh\n{ cat; echo; } >> \"$CALLS\"\n";

/// The calls that a command was told.
fn calls(ground: &Ground) -> Vec<Value> {
    let text = std::fs::read_to_string(ground.path("calls")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_command_is_told_once_when_a_run_begins_to_need_a_person() {
    let ground = Ground::new();
    program(&ground.path("bin/keep-call"), KEEPER);
    ground.write("loopdash.toml", "[notify]\ncommand = ['keep-call']\n");
    let question = "which one?\u{1b}]0;x\u{7} sk-ant-api03-abcdefghijklmnopqrstuvwxyz";
    let actor = agent(&["touch", "a", "ask", question]);
    let mut command =
        ground.command(&["run", "--headless", "-p", "Make a note.", "--actor", &actor, "--critic", "none"]);
    let output = command.env("CALLS", ground.path("calls")).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let (ran, calls) = (ground.ran(), calls(&ground));
    assert_eq!(calls.len(), 1, "{calls:?}");
    let call = &calls[0];
    let words = ["event", "kind", "reason"].map(|key| call[key].as_str().unwrap());
    assert_eq!(words, ["needs_person", "waits", "question"]);
    assert_eq!(call["evidence"], serde_json::json!([call["text"]]));
    assert_eq!(call["run"], ran.state.id.to_string());
    assert_eq!(call["repo"], ground.repo().display().to_string());
    assert_eq!(call["text"], "question of the actor: which one? sk-ant-[masked]");
    assert_eq!(call["since_ms"], ran.state.status_since.0);
}

#[test]
fn a_command_is_told_once_of_a_run_that_seems_stuck() {
    let ground = Ground::new();
    program(&ground.path("bin/keep-call"), KEEPER);
    ground.write("loopdash.toml", "[notify]\ncommand = ['keep-call']\n[stuck]\nno_change = 2\noff = ['same_output']\n");
    let mut command = ground.command(&["run", "--headless", "-p", "Make a note.", "--critic", "none"]);
    command.args(["--actor", &agent(&["touch", "a", "say", "I did nothing more"]), "--max-iterations", "4"]);
    let output = command.env("CALLS", ground.path("calls")).output().unwrap();
    let calls = calls(&ground);
    let told: Vec<_> =
        calls.iter().map(|call| (call["kind"].as_str().unwrap(), call["reason"].as_str().unwrap())).collect();
    assert_eq!(told, [("stuck", "no_change")], "{}", String::from_utf8_lossy(&output.stderr));
    let raised = ground.ran().events(|event| match event {
        Event::SignalRaised(e) => Some(e.sighting.clone()),
        _ => None,
    });
    assert_eq!(raised.len(), 1);
    assert_eq!(calls[0]["evidence"], serde_json::json!([format!("no change: {}", raised[0].what)]));
    assert_eq!(calls[0]["run"], ground.ran().state.id.to_string());
}

#[test]
fn a_run_that_ends_well_calls_for_nobody() {
    let ground = Ground::new();
    program(&ground.path("bin/keep-call"), KEEPER);
    ground.write("loopdash.toml", "[notify]\ncommand = 'keep-call'\n");
    let actor = agent(&["touch", "a", "claim"]);
    let mut command =
        ground.command(&["run", "--headless", "-p", "Make a note.", "--actor", &actor, "--critic", "none"]);
    assert_eq!(command.env("CALLS", ground.path("calls")).output().unwrap().status.code(), Some(0));
    assert_eq!(calls(&ground), Vec::<Value>::new());
}

#[test]
fn a_command_that_hangs_is_stopped_with_all_it_started() {
    let ground = Ground::new();
    let script = "#!/bin/sh\ntrap '' INT TERM HUP\nsetsid sleep 341 &\necho begun > \"$CALLS\"\nsleep 342\nsleep 343\n";
    program(&ground.path("bin/hang"), script);
    ground.write("loopdash.toml", "[notify]\ncommand = 'hang'\ntimeout = '300ms'\n");
    let actor = agent(&["touch", "a", "ask", "which?"]);
    let mut command =
        ground.command(&["run", "--headless", "-p", "Make a note.", "--actor", &actor, "--critic", "none"]);
    let mut child = command.env("CALLS", ground.path("calls")).spawn().unwrap();
    let pid = child.id();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(ground.path("calls").exists(), "it had begun");
    let run = ground.ran().state.id;
    assert_eq!(tree::marked(&format!("notify-{pid}-{run}")), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_is_told_at_the_edge_and_not_while_a_run_waits() {
    let bell = |raw: &[u8]| raw.iter().filter(|byte| **byte == 7).count();
    let asks = a_loop("asker", &["touch", "a", "ask", "which one?"]);
    let ground = Ground::new();
    program(&ground.path("bin/keep-call"), KEEPER);
    let told = format!("cat >> {}", ground.path("calls").display());
    let command = serde_json::to_string(&["sh", "-c", &format!("{told}; echo >> {}", ground.path("calls").display())]);
    let notify = format!("[notify]\nbell = true\nosc9 = true\ncommand = {}\n", command.unwrap());
    ground.write("loopdash.toml", &format!("{notify}{asks}"));
    ground.commit("configure");
    let mut term = open(&ground, &["--start-all"]);
    term.see("which one?").await;
    let call = b"\x1b]9;loopdash: asker needs you: question of the actor: which one?\x1b\\\x07";
    until("the terminal is told", || term.raw().windows(call.len()).any(|bytes| bytes == call)).await;
    // What is drawn meanwhile tells nothing again.
    term.keys("6").await;
    term.see("submitted").await;
    assert_eq!(bell(&term.raw()), 1);
    // Answered, it asks again: an edge of its own.
    term.keys("a").await;
    term.keys("the left one\r").await;
    until("the second call", || bell(&term.raw()) == 2).await;
    until("the command is told of both", || calls(&ground).len() == 2).await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    assert_eq!(bell(&term.raw()), 2);

    // Found waiting at the next start, it is no edge; with the keys absent, nothing is ever told.
    let mut term = open(&ground, &[]);
    term.see("which one?").await;
    assert_eq!(bell(&term.raw()), 0);
    leave(&mut term).await;
}
