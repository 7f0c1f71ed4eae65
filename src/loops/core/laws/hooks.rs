//! Hooks around a run and its iterations, and what becomes of a run whose hook fails.
//! Played with every hook there is.

use super::dice::{ACCEPTED, GOOD};
use super::driver::{Driver, kinds, spec};
use super::operator::hooks;
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Outcome, ParkReason, StepInterrupted, Trouble};
use crate::loops::core::hook::Hook;
use crate::loops::core::plan::Wait;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::step::{InterruptWhy, StepKind};

#[test]
fn hooks_run_around_what_they_are_named_for() {
    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    while driver.settle() != Wait::Nothing {
        // The first critic asks for more, everything else is well.
        let second = driver.run.active_step().is_some_and(|step| step.kind == StepKind::Critic && step.iteration == 2);
        driver.end(if second { ACCEPTED } else { GOOD });
    }
    let trip = ["hook pre_iteration", "actor", "snapshot", "gate", "critic", "hook post_iteration"];
    let whole = [&["hook pre_run", "worktree"][..], &trip, &trip, &["hook post_run"]].concat();
    assert_eq!(kinds(&driver), whole);
    assert_eq!(driver.run.outcome.as_ref().map(|(outcome, _)| *outcome), Some(Outcome::Done));
}

#[test]
fn a_hook_that_has_to_succeed_needs_a_person_and_the_others_do_not() {
    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    for hook in [Hook::PreRun, Hook::PreIteration] {
        while driver.run.active_step().is_none_or(|step| step.kind != StepKind::Hook(hook)) {
            driver.end(GOOD);
            driver.settle();
        }
        driver.end(1);
        assert_eq!(driver.settle(), Wait::Person);
        assert!(
            matches!(&driver.run.park, Some(ParkReason::Attention { kind: Trouble::Hook, detail }) if detail.contains(hook.key()))
        );
        driver.ask(&Ask::Retry).unwrap();
        driver.settle();
    }
    while driver.settle() != Wait::Nothing {
        let dice = match driver.run.active_step().map(|step| &step.kind) {
            Some(StepKind::Hook(hook)) if !hook.must_succeed() => 2,
            Some(StepKind::Critic) => ACCEPTED,
            _ => GOOD,
        };
        driver.end(dice);
    }
    let times = |hook: Hook| kinds(&driver).into_iter().filter(|kind| *kind == hook.word()).count();
    assert_eq!(Hook::ALL.map(times), [2, 2, 1, 1], "what failed was tried again");
    assert_eq!(driver.run.outcome.as_ref().map(|(outcome, _)| *outcome), Some(Outcome::Done));
}

#[test]
fn a_run_that_is_stopped_has_its_last_hook_and_one_that_never_began_has_none() {
    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    driver.ask(&Ask::Stop).unwrap();
    assert_eq!(driver.settle(), Wait::Nothing);
    assert_eq!(kinds(&driver), [""; 0]);

    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    driver.settle();
    driver.ask(&Ask::Stop).unwrap();
    driver.end(GOOD);
    driver.settle();
    assert_eq!(kinds(&driver), ["hook pre_run", "hook post_run"]);
    // Killed at the operator's wish: it is not begun again.
    let step = driver.run.active.unwrap();
    driver.commit(StepInterrupted::new(step, InterruptWhy::Pause).into());
    assert_eq!(driver.settle(), Wait::Nothing);
}
