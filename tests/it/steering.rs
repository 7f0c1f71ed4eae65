//! What the operator says and asks for by keys, in the real program: notes, answers, gates again, a note over a crash.
//!
//! The truth is what agents were sent: the `prompt.md` of each step.

use crate::ground::{Ground, LOOPDASH, Ran};
use crate::screen::{a_loop, leave, open, with_loops};
use crate::term::{Term, until};
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::state::StepOutcome;
use loopdash::loops::core::step::{InterruptWhy, StepKind};
use rustix::process::Signal;

/// An actor that says by a file that iteration N has begun, and waits for another before it changes something.
fn paced(ground: &Ground) -> String {
    let base = ground.base().display().to_string();
    let script = format!(
        "touch {base}/at-$LOOPDASH_ITERATION; \
         while [ ! -e {base}/go-$LOOPDASH_ITERATION ]; do sleep 0.02; done; echo more >>x"
    );
    a_loop("paced", &["say", "at work", "sh", &script])
}

fn start_paced(iterations: u32) -> (Ground, Term) {
    let ground = Ground::new();
    ground.write("loopdash.toml", &format!("{}max_iterations = {iterations}\n", paced(&ground)));
    ground.commit("configure");
    let term = open(&ground, &["--start-all"]);
    (ground, term)
}

async fn at_work(ground: &Ground, iteration: u32) {
    let at = ground.path(&format!("at-{iteration}"));
    until(&format!("iteration {iteration} is at work"), || at.exists()).await;
}

fn go(ground: &Ground, iteration: u32) {
    std::fs::write(ground.path(&format!("go-{iteration}")), "").unwrap();
}

/// For each of the actor's steps: whether its prompt holds `text`, and whether it ran to its end.
fn heard(ran: &Ran, text: &str) -> Vec<(bool, bool)> {
    let steps = ran.state.steps.iter().filter(|step| step.kind == StepKind::Actor);
    let finished = steps.map(|step| matches!(step.end, Some(StepOutcome::Finished(_))));
    ran.prompts(&StepKind::Actor).iter().map(|prompt| prompt.contains(text)).zip(finished).collect()
}

fn interrupted(ran: &Ran) -> Vec<InterruptWhy> {
    ran.events(|event| match event {
        Event::StepInterrupted(e) => Some(e.why),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_stands_in_the_next_prompt_and_in_no_other() {
    let (ground, mut term) = start_paced(3);
    at_work(&ground, 1).await;
    term.see("at work").await;
    term.keys("nMind the till.\r").await;
    term.see("noted for the next prompt").await;
    for iteration in 1..=3 {
        at_work(&ground, iteration).await;
        go(&ground, iteration);
    }
    term.see("exhausted").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert_eq!(heard(&ran, "Mind the till."), [(false, true), (true, true), (false, true)]);
    assert_eq!(interrupted(&ran), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_for_now_starts_the_actor_anew_with_it_and_is_said_once() {
    let (ground, mut term) = start_paced(2);
    at_work(&ground, 1).await;
    term.see("at work").await;
    std::fs::remove_file(ground.path("at-1")).unwrap();
    term.keys("NSell no fish.\r").await;
    at_work(&ground, 1).await;
    go(&ground, 1);
    go(&ground, 2);
    term.see("exhausted").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert_eq!(heard(&ran, "Sell no fish."), [(false, false), (true, true), (false, true)]);
    assert_eq!(interrupted(&ran), [InterruptWhy::Guidance]);
    assert_eq!(ran.state.iterations.len(), 2, "the iteration went on, it was not counted twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_outlives_a_crash_and_one_finished_step_has_heard_it() {
    let (ground, mut term) = start_paced(3);
    at_work(&ground, 1).await;
    term.see("at work").await;
    term.keys("nMind the till.\r").await;
    term.see("noted for the next prompt").await;
    go(&ground, 1);
    at_work(&ground, 2).await;
    term.signal(Signal::KILL);
    term.ended().await;
    (2..=3).for_each(|iteration| go(&ground, iteration));
    ground.loopdash(&["resume", "--headless"]).exits(1);
    let ran = ground.ran();
    let told = heard(&ran, "Mind the till.");
    // The step that the crash cut off had it in its prompt; what it did with it nobody knows, so it is told anew.
    assert_eq!(told, [(false, true), (true, false), (true, true), (false, true)]);
    ran.assert_gone();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_reaches_the_next_prompt_and_the_run_goes_on() {
    let script = r#"
        [[scene]]
        when = { exists = ["x"] }
        steps = [{ touch = "y" }, "claim"]
        [[scene]]
        when = { prompt = ["Deep blue."] }
        steps = [{ touch = "x" }]
        [[scene]]
        steps = [{ ask = "Red or blue?" }]
    "#;
    let ground = with_loops(&[a_loop("curious", &["play", "actor.toml"])]);
    ground.write("actor.toml", script);
    ground.commit("script");
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 needs you").await;
    term.keys("a").await;
    term.see("Red or blue?").await;
    term.keys("Deep blue.\r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert_eq!(heard(&ran, "Deep blue."), [(false, true), (true, true), (false, true)]);
    assert!(ran.prompts(&StepKind::Actor)[1].contains("Red or blue?"), "the question stands beside its answer");
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gates_run_again_and_what_was_judged_is_judged_anew() {
    let ground = Ground::new();
    let base = ground.base().display().to_string();
    let wait = format!("echo asked >>{base}/asked; while [ ! -e {base}/go ]; do sleep 0.02; done");
    let critic = serde_json::to_string(&[LOOPDASH, "__agent", "sh", &wait, "done", "fine"]).unwrap();
    let config = a_loop("gated", &["touch", "x", "claim"]).replace("critic = \"none\"", "critic = \"judge\"");
    let gate = format!("[[loop.gate]]\nname = \"count\"\nbaseline = false\ncommand = \"echo run >>{base}/gates\"\n");
    ground.write("loopdash.toml", &format!("[agents.judge]\ncommand = {critic}\n{config}{gate}"));
    ground.commit("configure");
    let lines = |name: &str| std::fs::read_to_string(ground.path(name)).unwrap_or_default().lines().count();
    let mut term = open(&ground, &["--start-all"]);
    until("the critic is at work", || lines("asked") == 1).await;
    term.see("critic").await;
    term.keys("R").await;
    until("the critic is asked again", || lines("asked") == 2).await;
    assert_eq!(lines("gates"), 2);
    std::fs::write(ground.path("go"), "").unwrap();
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert_eq!(interrupted(&ran), [InterruptWhy::RerunGates]);
    assert_eq!((ran.steps(&StepKind::Actor).len(), ran.state.iterations.len()), (1, 1));
}
