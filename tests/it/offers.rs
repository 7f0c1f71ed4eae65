//! Interrupted runs when loopdash starts: offered, resumed or left; and who may have a run that another one has.

use crate::ground::{Ground, LOOPDASH, Live};
use crate::screen::{leave, open};
use crate::term::Term;
use loopdash::loops::core::event::Outcome;
use rustix::process::Signal;

/// An agent that works until it is ended, then does its work when it is started again.
const SECOND_TIME: &str = r#"
[[scene]]
when = { exists = ["begun"] }
steps = [{ touch = "x" }, "claim"]
[[scene]]
steps = [{ touch = "begun" }, { say = "at work" }, "hang"]
"#;

/// Interrupted runs of these names; the last was cut off by a kill, the others were told to end.
fn interrupted(names: &[&str], on_start: &str) -> Ground {
    let ground = Ground::new();
    ground.write("agent.toml", SECOND_TIME);
    let command = serde_json::to_string(&[LOOPDASH, "__agent", "play", "agent.toml"]).unwrap();
    let one = |name: &&str| format!("[[loop]]\nname = {name:?}\nobjective = \"x\"\ncritic = \"none\"\n");
    let loops: String = names.iter().map(one).collect();
    let config = format!("[engine]\non_start = {on_start:?}\n[agents.me]\ncommand = {command}\n{loops}");
    ground.write("loopdash.toml", &config);
    ground.commit("configure");
    for (left, name) in (0..names.len()).rev().zip(names) {
        let mut live = Live::start(ground.command(&["run", "--loop", name, "--headless", "--output"]));
        live.until("at work");
        live.signal(if left == 0 { Signal::KILL } else { Signal::INT });
        live.end();
    }
    ground
}

fn done(ground: &Ground) -> Vec<String> {
    let runs = ground.runs().into_iter().filter(|ran| matches!(ran.state.outcome, Some((Outcome::Done, _))));
    runs.map(|ran| ran.state.label).collect()
}

async fn offered(ground: &Ground) -> Term {
    let term = open(ground, &[]);
    term.see("3 interrupted loops").await;
    term
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_them_some_of_them_or_none() {
    let ground = interrupted(&["a", "b", "c"], "ask");
    let mut term = offered(&ground).await;
    term.answer("\x1b", "3 interrupted loops").await;
    leave(&mut term).await;
    assert_eq!(done(&ground), [""; 0]);

    let mut term = offered(&ground).await;
    term.see("3 of 3 chosen").await;
    // The one on top is left out.
    let rows = ["a", "b", "c"].map(|name| (name, format!("▸ [✓] ↯ {name} ")));
    term.until("a run is on top", |screen| rows.iter().any(|(_, row)| screen.contains(row))).await;
    let screen = term.text();
    let left_out = rows.iter().find(|(_, row)| screen.contains(row)).unwrap().0;
    term.answer(" ", "3 of 3 chosen").await;
    term.see("2 of 3 chosen").await;
    term.answer("\r", "3 interrupted loops").await;
    term.see("2 done").await;
    leave(&mut term).await;
    let mut expected = vec!["a", "b", "c"];
    expected.retain(|name| *name != left_out);
    assert_eq!(done(&ground), expected);

    let mut term = open(&ground, &[]);
    term.see("1 interrupted loop").await;
    term.answer("\r", "1 interrupted loop").await;
    term.see("3 done").await;
    leave(&mut term).await;
    assert!(ground.runs().iter().all(|ran| ran.state.iterations.len() == 1 && ran.state.refused == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_answers_for_the_operator() {
    for (on_start, title, ended) in [("resume", "2 done", 2), ("leave", "2 paused", 0)] {
        let ground = interrupted(&["a", "b"], on_start);
        let mut term = open(&ground, &[]);
        term.see(title).await;
        leave(&mut term).await;
        assert!(!String::from_utf8_lossy(&term.raw()).contains("interrupted loops"), "nothing is asked");
        assert_eq!(done(&ground).len(), ended);
    }
}

#[test]
fn a_run_that_a_live_loopdash_has_cannot_be_taken() {
    let ground = Ground::new();
    let mut live = Live::start(ground.run_command(&["say", "at work", "hang"], &[], &["--output"]));
    live.until("at work");
    let told = ground.loopdash(&["resume", "make-a-note", "--headless"]).exits(3);
    assert!(told.err.contains(&live.child.id().to_string()), "whose it is: {}", told.err);
    assert!(ground.loopdash(&["resume", "--all", "--headless"]).exits(0).err.contains("no run is interrupted"));
    let list = ground.loopdash(&["list"]).exits(0).out;
    assert!(list.contains(&format!("running (pid {})", live.child.id())), "{list}");
    assert!(live.child.try_wait().unwrap().is_none());
    live.signal(Signal::INT);
    live.end().exits(130);
}

#[test]
fn without_a_terminal_the_dashboard_says_what_to_use_instead() {
    let ground = Ground::new();
    let told = ground.loopdash(&[]);
    assert_eq!((told.code, told.out.as_str()), (Some(64), ""), "{}", told.err);
    assert!(told.err.contains("terminal") && told.err.contains("--headless"), "{}", told.err);
    assert!(!ground.path("state").exists(), "nothing was made");
}
