//! The operator takes a worktree over: what is kept, when, as whose, and what the actor is told.

use super::*;
use crate::loops::core::ids::StepId;
use crate::loops::core::state::Delivery;

fn steps(state: &RunState) -> Vec<String> {
    state.steps.iter().map(|step| step.kind.word().to_owned()).collect()
}

/// The actor's first step hangs until it is stopped; everything else takes a second.
fn script() -> Arc<Script> {
    Script::new(|order| match order.kind {
        StepKind::Actor if order.step.0 == 2 => Act::Hang,
        _ => Act::Take(secs(1), Decision::Done),
    })
}

#[tokio::test(start_paused = true)]
async fn both_sides_work_is_kept_and_the_actor_hears_of_it_once() {
    let mut rig = Rig::new(1, 1, script()).await;
    let specs = vec![rig.spec("a", 5)];
    let run = rig.submit(specs).await[0];
    rig.until_run(run, "the actor works", |state| state.active.is_some() && state.steps.len() == 2).await;
    rig.ask(run, Ask::TakeOver).await.unwrap();
    rig.until_run(run, "paused", |state| state.status == RunStatus::Paused).await;
    let state = rig.state(run);
    assert_eq!(steps(state), ["worktree", "actor", "keep"]);
    assert!(state.taken_over && state.active.is_none() && state.slot.is_none());
    assert_eq!(state.last_commit(), Some("k3"), "what the actor had left");
    assert_eq!(state.notes.len(), 0, "the actor knows its own work");

    rig.ask(run, Ask::Resume).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    let state = rig.state(run);
    assert!(!state.taken_over);
    assert_eq!(steps(state)[3..6], ["worktree", "keep", "actor"], "kept before the actor starts");
    let notes: Vec<_> = state.notes.iter().map(|note| (note.who, note.delivery)).collect();
    assert_eq!(notes, [(Who::Operator, Delivery::Delivered(StepId(6)))]);
    assert!(state.notes[0].text.contains("src/a.rs"), "{}", state.notes[0].text);
}

#[tokio::test(start_paused = true)]
async fn what_was_checked_before_is_checked_again() {
    let script = Script::new(|order| match order.kind {
        StepKind::Critic if order.step.0 == 5 => Act::Take(secs(1), Decision::NeedsHuman),
        _ => Act::Take(secs(1), Decision::Done),
    });
    let mut rig = Rig::new(1, 1, script).await;
    let specs = vec![rig.spec("a", 5)];
    let run = rig.submit(specs).await[0];
    rig.until_run(run, "it asks", RunState::needs_person).await;
    rig.ask(run, Ask::TakeOver).await.unwrap();
    assert_eq!(rig.state(run).status, RunStatus::Parked, "nothing runs: it is the operator's at once");
    rig.ask(run, Ask::Answer { text: "so".to_owned() }).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    let kinds = steps(rig.state(run));
    assert_eq!(kinds[5..8], ["worktree", "keep", "actor"], "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_worktree_or_at_its_end_is_not_taken_over() {
    let mut rig = Rig::new(1, 1, Script::new(|_| Act::Take(secs(1), Decision::Done))).await;
    let specs = vec![rig.spec("a", 5), rig.spec("b", 4)];
    let runs = rig.submit(specs).await;
    assert_eq!(rig.ask(runs[1], Ask::TakeOver).await.unwrap_err().0, "it has no worktree yet");
    rig.until_run(runs[0], "done", RunState::is_finished).await;
    assert!(rig.ask(runs[0], Ask::TakeOver).await.unwrap_err().0.starts_with("the run is finished"));
}

#[tokio::test(start_paused = true)]
async fn a_worktree_is_set_back_while_its_run_stands_still_and_a_scrap_gives_the_run_up_again() {
    let mut rig = Rig::new(1, 1, script()).await;
    let specs = vec![rig.spec("a", 5)];
    let run = rig.submit(specs).await[0];
    rig.until_run(run, "the actor works", |state| state.active_step().is_some_and(|s| s.kind == StepKind::Actor)).await;
    let chore = |chore| Ask::Chore { chore };
    assert!(rig.ask(run, chore(Chore::Rewind { iteration: 0 })).await.unwrap_err().0.contains("pause it first"));
    rig.ask(run, Ask::Pause { kind: PauseKind::Now }).await.unwrap();
    rig.until_run(run, "it is paused", |state| state.status == RunStatus::Paused).await;
    rig.ask(run, chore(Chore::Rewind { iteration: 0 })).await.unwrap();
    rig.until_run(run, "it is set back", |state| state.undo.is_some() && state.active.is_none()).await;
    assert_eq!((rig.state(run).status, rig.state(run).slot), (RunStatus::Paused, None));
    rig.ask(run, Ask::Resume).await.unwrap();
    rig.until_run(run, "it is done", RunState::is_finished).await;

    rig.ask(run, chore(Chore::Scrap { named: true })).await.unwrap();
    rig.until_run(run, "it is scrapped", |state| state.scrapped && state.active.is_none()).await;
    rig.until("it is nobody's again", |fleet| fleet.runs[&run].ownership == Ownership::Nobody).await;
    rig.ask(run, chore(Chore::Undo)).await.unwrap();
    rig.until_run(run, "it is back", |state| state.undo.is_some() && state.chore.is_none()).await;
    rig.until("it is nobody's again", |fleet| fleet.runs[&run].ownership == Ownership::Nobody).await;
    assert_eq!(rig.state(run).refused, 0);
}
