//! How a run goes from one iteration to the next, from one test to the next, and to its end.
//! Played to the end by scripted verdicts.

use super::dice::GOOD;
use super::driver::{Driver, play, play_to_wait, spec, test};
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Outcome, ParkReason, PauseKind, When};
use crate::loops::core::ids::RunId;
use crate::loops::core::plan::Wait;
use crate::loops::core::state::Delivery;
use crate::loops::core::step::StepKind;
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::verdict::Decision;

#[test]
fn continue_then_done_takes_exactly_two_iterations() {
    let mut driver = Driver::new(spec(Vec::new()));
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
    assert_eq!(driver.run.iterations.len(), 2);
    assert_eq!(driver.run.iterations[0].result.as_deref(), Some("critic: 1 blocking finding"));
}

#[test]
fn an_unreadable_verdict_is_asked_again_once_and_then_needs_a_person() {
    let mut driver = Driver::new(spec(Vec::new()));
    assert_eq!(play(&mut driver, &[Decision::Unknown, Decision::Unknown]), Wait::Person);
    let critics = driver.run.steps.iter().filter(|s| s.kind == StepKind::Critic).count();
    assert_eq!(critics, 2);
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.iterations.len(), 1, "the critic was asked again in the same iteration");
}

#[test]
fn a_blocked_test_leaves_the_others_running_and_a_reset_frees_its_dependents() {
    let mut driver = Driver::new(spec(vec![test("a", &[]), test("b", &["a"]), test("c", &[])]));
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Continue, Decision::Done]), Wait::Person);
    let status = |driver: &Driver, id: &str| driver.run.test(id).unwrap().status;
    assert_eq!(status(&driver, "a"), TestStatus::Blocked);
    assert_eq!(status(&driver, "b"), TestStatus::Pending);
    assert_eq!(status(&driver, "c"), TestStatus::Passed);
    driver.ask(&Ask::ResetTest { test: "a".to_owned() }).unwrap();
    assert_eq!(driver.run.test("a").unwrap().attempts, 0);
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
}

#[test]
fn iterations_run_out_and_retry_allows_as_many_again() {
    let mut driver = Driver::new(spec(Vec::new()));
    assert_eq!(play(&mut driver, &[Decision::Continue; 6]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Exhausted);
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(driver.run.max_iterations, 12);
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
}

#[test]
fn an_actor_that_changes_nothing_is_not_let_run_all_night() {
    let mut driver = Driver::new(spec(Vec::new()));
    let mut wait = driver.settle();
    while let Wait::Step(_) = wait {
        // These dice leave the tree as it was, and end everything else well.
        let snapshot = driver.run.active_step().is_some_and(|step| step.kind == StepKind::Snapshot);
        driver.end(if snapshot { 8 } else { GOOD });
        wait = driver.settle();
    }
    assert_eq!((wait, driver.run.counted), (Wait::Person, 3));
    assert!(
        matches!(&driver.run.park, Some(ParkReason::Attention { detail, .. }) if detail.contains("nothing was changed"))
    );
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
}

#[test]
fn a_run_that_is_to_wait_ends_its_step_and_goes_on_when_it_is_let() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.settle();
    driver.end(GOOD);
    driver.settle();
    let hold = |run| Ask::HoldBehind { run, label: "other".to_owned() };
    let (own, other) = (driver.run.id, RunId::new(uuid::Uuid::from_u128(7)));
    assert!(driver.ask(&hold(Some(own))).is_err() && driver.ask(&hold(None)).is_err());
    driver.ask(&hold(Some(other))).unwrap();
    assert!(driver.ask(&hold(Some(other))).is_err(), "it waits for that one already");
    assert!(matches!(driver.settle(), Wait::Step(_)), "the actor goes on");
    play_to_wait(&mut driver);
    assert!(matches!(driver.run.park, Some(ParkReason::Behind { run, .. }) if run == other));
    assert!(!driver.run.needs_person() && driver.run.open_iteration().unwrap().snapshot.is_some());
    driver.ask(&Ask::Resume).unwrap();
    assert_eq!(driver.run.behind, None);
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
}

#[test]
fn an_answered_question_goes_on_with_the_same_test() {
    let mut driver = Driver::new(spec(vec![test("a", &[]), test("b", &[])]));
    assert_eq!(play(&mut driver, &[Decision::NeedsHuman]), Wait::Person);
    assert!(driver.ask(&Ask::Resume).is_err() && driver.ask(&Ask::Retry).is_err());
    driver.ask(&Ask::Answer { text: "left".to_owned() }).unwrap();
    driver.settle();
    driver.end(GOOD);
    driver.settle();
    assert_eq!(driver.run.open_iteration().unwrap().test, "a");
    assert_eq!(driver.run.counted, 0, "a question costs no iteration");
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.progress(), (2, 2));
}

#[test]
fn a_note_in_an_interrupted_step_is_told_again() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.settle();
    driver.end(GOOD);
    driver.ask(&Ask::Note { text: "use tabs".to_owned(), when: When::Next }).unwrap();
    driver.settle();
    assert!(matches!(driver.run.notes[0].delivery, Delivery::InFlight(_)));
    driver.ask(&Ask::Pause { kind: PauseKind::Now }).unwrap();
    driver.end(GOOD);
    assert_eq!(driver.run.notes[0].delivery, Delivery::Pending);
    driver.settle();
    driver.ask(&Ask::Resume).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert!(matches!(driver.run.notes[0].delivery, Delivery::Delivered(_)));
}
