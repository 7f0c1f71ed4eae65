//! Ways to pause a run by key, the slots of the fleet changed while it works, and what waits for them.

use crate::ground::{Ground, Ran};
use crate::screen::{a_loop, leave, open};
use crate::term::{Term, until};
use loopdash::loops::agent::tree;
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::state::StepOutcome;
use loopdash::loops::core::step::StepKind;

/// Loops whose actors say by a file that they are at work, and wait for another.
fn start(names: &[&str], cap: u32) -> (Ground, Term) {
    let ground = Ground::new();
    let base = ground.base().display().to_string();
    let script = format!(
        "touch {base}/at-$LOOPDASH_LOOP; while [ ! -e {base}/go-$LOOPDASH_LOOP ]; do sleep 0.02; done; touch x"
    );
    let verbs = ["say", "at work", "sh", &script, "claim"];
    let loops: Vec<String> = names.iter().map(|name| a_loop(name, &verbs)).collect();
    ground.write("loopdash.toml", &format!("[engine]\ncap = {cap}\n{}", loops.concat()));
    ground.commit("configure");
    let term = open(&ground, &["--start-all"]);
    (ground, term)
}

fn go(ground: &Ground, name: &str) {
    std::fs::write(ground.path(&format!("go-{name}")), "").unwrap();
}

async fn at_work(ground: &Ground, name: &str) {
    let at = ground.path(&format!("at-{name}"));
    until(&format!("{name} is at work"), || at.exists()).await;
}

/// For each of the actor's steps, whether it ran to its end.
fn actor_ends(ran: &Ran) -> Vec<bool> {
    let steps = ran.state.steps.iter().filter(|step| step.kind == StepKind::Actor);
    steps.map(|step| matches!(step.end, Some(StepOutcome::Finished(_)))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_after_the_step_goes_on_with_the_next_one() {
    let (ground, mut term) = start(&["slow"], 3);
    at_work(&ground, "slow").await;
    term.see("at work").await;
    term.keys("p").await;
    term.see("pausing").await;
    assert_eq!(ground.ran().state.active_step().map(|step| step.kind.clone()), Some(StepKind::Actor), "it works on");
    go(&ground, "slow");
    term.see("1 paused").await;
    let ran = ground.ran();
    assert_eq!(actor_ends(&ran), [true]);
    assert!(ran.steps(&StepKind::Snapshot).is_empty());
    term.keys("r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert_eq!(actor_ends(&ran), [true], "the actor is not asked again");
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_run_stands_still_with_its_slot_and_thaws_where_it_was() {
    let (ground, mut term) = start(&["slow"], 3);
    at_work(&ground, "slow").await;
    term.see("at work").await;
    term.keys("Z").await;
    term.see("frozen").await;
    let id = ground.ran().state.id.to_string();
    until("all its processes stand still", || {
        let family = tree::marked(&id);
        // One that waits for its vforked child, which is stopped, is `D`.
        !family.is_empty() && family.iter().all(|process| matches!(process.state, 'T' | 'D'))
    })
    .await;
    term.see("1/3").await;
    let before = ground.ran().state.active_step().and_then(|step| step.process);
    go(&ground, "slow");
    term.keys("r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert_eq!(actor_ends(&ran), [true]);
    assert_eq!(ran.state.steps.iter().find(|step| step.kind == StepKind::Actor).unwrap().process, before);
    ran.assert_gone();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cap_and_priorities_change_while_loops_work_and_wait() {
    let (ground, mut term) = start(&["a", "b", "c", "d"], 1);
    at_work(&ground, "a").await;
    term.see("3 queued").await;
    // d, the last in line, comes before the others.
    term.until("a is selected", |screen| screen.contains("▸ ▶ a")).await;
    term.keys("jjj").await;
    term.until("d is selected", |screen| screen.lines().any(|line| line.contains('▸') && line.contains(" d "))).await;
    term.keys("+").await;
    term.see("priority 6").await;
    term.keys(">").await;
    at_work(&ground, "d").await;
    term.see("2/2").await;
    term.keys("<").await;
    term.see("none of them is stopped").await;
    go(&ground, "a");
    term.see("1 done").await;
    // One runs, and one is the cap: nobody starts before it has ended.
    term.see("1/1").await;
    assert!(!ground.path("at-b").exists() && !ground.path("at-c").exists());
    for name in ["b", "c", "d"] {
        go(&ground, name);
    }
    term.see("4 done").await;
    leave(&mut term).await;
    let mut runs = ground.runs();
    runs.sort_by_key(|ran| ran.state.first_admitted);
    let order: Vec<&str> = runs.iter().map(|ran| ran.state.label.as_str()).collect();
    assert_eq!(order, ["a", "d", "b", "c"]);
    let stopped = |ran: &Ran| ran.records.iter().any(|record| matches!(record.event, Event::StepInterrupted(_)));
    assert!(!runs.iter().any(stopped));
}
