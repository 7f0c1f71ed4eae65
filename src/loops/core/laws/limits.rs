//! Limits of providers, which count nothing, and budgets of the run, which ask a person.
//! Played by scripted failures and usage.

use super::dice::GOOD;
use super::driver::{Driver, ended, play, play_to, play_to_wait, spec};
use crate::loops::core::activity::FailureClass;
use crate::loops::core::budget::Resource;
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Outcome, ParkReason, StepFinished, When};
use crate::loops::core::plan::Wait;
use crate::loops::core::spec::{Limits, LoopSpec};
use crate::loops::core::state::Delivery;
use crate::loops::core::step::{Cause, Exit, StepEnd, StepKind, Usage};
use crate::loops::core::verdict::Decision;

#[test]
fn a_limit_repeats_the_actor_and_counts_nothing() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.ask(&Ask::Note { text: "use tabs".to_owned(), when: When::Next }).unwrap();
    play_to(&mut driver, &StepKind::Actor);
    driver.end(1);
    play_to(&mut driver, &StepKind::Actor);
    assert_eq!((driver.run.actor_failures, driver.run.counted, driver.run.iterations.len()), (1, 1, 2));
    let mut waits = Vec::new();
    for streak in 1..=4 {
        driver.fail(FailureClass::Overloaded, None);
        assert_eq!(driver.settle(), Wait::Provider);
        let ended = driver.run.steps.last().unwrap().ended.unwrap();
        waits.push(driver.run.wakes().unwrap().since(ended));
        assert_eq!((driver.run.slot, driver.run.needs_person(), driver.run.setbacks.0), (None, false, streak));
        assert!(driver.ask(&Ask::Resume).is_err(), "it resumes by itself");
        driver.wake();
        play_to(&mut driver, &StepKind::Actor);
    }
    assert!(waits.iter().zip([30, 60, 120, 240]).all(|(wait, most)| *wait <= most * 1000 + 1000), "{waits:?}");
    let run = &driver.run;
    assert_eq!((run.actor_failures, run.counted, run.iterations.len(), run.tests[0].attempts), (1, 1, 2, 1));
    driver.end(GOOD);
    assert_eq!(driver.run.setbacks.0, 0, "a step that works ends the row");
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.counted, 2);
}

#[test]
fn a_note_whose_step_met_a_limit_is_told_again() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.ask(&Ask::Note { text: "use tabs".to_owned(), when: When::Next }).unwrap();
    play_to(&mut driver, &StepKind::Actor);
    driver.fail(FailureClass::Rate, Some(60_000));
    assert_eq!(driver.run.notes[0].delivery, Delivery::Pending);
    driver.settle();
    assert_eq!(driver.run.wakes().unwrap().since(driver.run.steps.last().unwrap().ended.unwrap()), 60_000);
}

#[test]
fn a_critic_that_meets_a_limit_is_asked_again_and_the_work_is_kept() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Critic);
    let steps = driver.run.steps.len();
    driver.fail(FailureClass::Rate, None);
    assert_eq!(driver.settle(), Wait::Provider);
    driver.ask(&Ask::Retry).unwrap();
    play_to(&mut driver, &StepKind::Critic);
    // Its place is looked at again after any wait.
    let since: Vec<_> = driver.run.steps[steps..].iter().map(|step| step.kind.clone()).collect();
    assert_eq!(since, [StepKind::Worktree, StepKind::Critic]);
    assert_eq!(driver.run.open_iteration().unwrap().asks, 0);
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!((driver.run.iterations.len(), driver.run.counted), (1, 1));
}

#[test]
fn a_login_asks_a_person_and_counts_nothing() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Actor);
    driver.fail(FailureClass::Auth, None);
    assert_eq!(driver.settle(), Wait::Person);
    assert!(matches!(&driver.run.park, Some(ParkReason::Account { class: FailureClass::Auth, .. })));
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!((driver.run.iterations.len(), driver.run.counted), (1, 1));
}

#[test]
fn what_no_wait_mends_counts_and_parks_after_three_in_a_row() {
    let mut driver = Driver::new(spec(Vec::new()));
    for _ in 0..3 {
        play_to(&mut driver, &StepKind::Actor);
        driver.fail(FailureClass::Context, None);
    }
    play_to_wait(&mut driver);
    assert_eq!(driver.run.counted, 3);
    let detail = match &driver.run.park {
        Some(ParkReason::Attention { detail, .. }) => detail.clone(),
        other => panic!("{other:?}"),
    };
    assert!(detail.contains("context too long: no"), "{detail}");
}

#[test]
fn a_budget_parks_before_the_next_agent_and_a_larger_one_goes_on() {
    let limits = Limits {
        max_iterations: 9,
        max_attempts: 5,
        wall_clock_ms: None,
        tokens: Some(100),
        micro_usd: None,
        iterations: None,
    };
    let mut driver = Driver::new(LoopSpec { limits, ..spec(Vec::new()) });
    play_to(&mut driver, &StepKind::Actor);
    let usage = Usage { input: Some(90), cached: Some(5_000), output: Some(30), micro_usd: None };
    let end = StepEnd { usage: Some(usage), claim: true, ..ended(Exit::Code(0), Cause::Natural) };
    driver.commit(StepFinished { step: driver.run.active.unwrap(), end }.into());
    play_to_wait(&mut driver);
    let breached = ParkReason::Budget { which: Resource::Tokens, fleet: false, used: 120, limit: 100 };
    assert_eq!(driver.run.park, Some(breached));
    let iteration = driver.run.open_iteration().unwrap();
    assert!(iteration.snapshot.is_some() && iteration.gates.len() == 1, "what was done is kept and checked");
    assert!(driver.ask(&Ask::Retry).is_err() && driver.ask(&Ask::Resume).is_err(), "it needs another budget");
    assert!(driver.ask(&Ask::SetBudget { which: Resource::Tokens, limit: 120 }).is_err());
    driver.ask(&Ask::SetBudget { which: Resource::Tokens, limit: 500 }).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!((driver.run.iterations.len(), driver.run.outcome.as_ref().unwrap().0), (1, Outcome::Done));
}

#[test]
fn used_up_iterations_of_a_budget_ask_and_those_of_the_limit_end() {
    let limits = Limits { iterations: Some(2), ..spec(Vec::new()).limits };
    let mut driver = Driver::new(LoopSpec { limits, ..spec(Vec::new()) });
    assert_eq!(play(&mut driver, &[Decision::Continue; 9]), Wait::Person);
    let breached = ParkReason::Budget { which: Resource::Iterations, fleet: false, used: 2, limit: 2 };
    assert_eq!((driver.run.park.clone(), driver.run.counted), (Some(breached), 2));
    assert!(driver.run.open_iteration().is_none(), "between two iterations");
    assert!(driver.ask(&Ask::SetBudget { which: Resource::Iterations, limit: 2 }).is_err());
    driver.ask(&Ask::SetBudget { which: Resource::Iterations, limit: 6 }).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Continue; 9]), Wait::Nothing);
    assert_eq!(
        (driver.run.counted, driver.run.outcome.as_ref().unwrap().0),
        (6, Outcome::Exhausted),
        "the limit ends it"
    );
}

#[test]
fn time_that_is_up_parks_the_run() {
    let limits = Limits {
        max_iterations: 9,
        max_attempts: 5,
        wall_clock_ms: Some(1),
        tokens: None,
        micro_usd: None,
        iterations: None,
    };
    let mut driver = Driver::new(LoopSpec { limits, ..spec(Vec::new()) });
    play_to_wait(&mut driver);
    assert!(matches!(driver.run.park, Some(ParkReason::Budget { which: Resource::WallClock, .. })));
    assert_eq!(driver.run.counted, 0);
    driver.ask(&Ask::SetBudget { which: Resource::WallClock, limit: 60_000 }).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
}
