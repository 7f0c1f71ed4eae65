//! What gates found on the base, what they find after it, and what passes when tried again.
//! Played by scripted results of one gate.

use super::dice::{GOOD, failing};
use super::driver::{Driver, agent, ended, kinds, spec, verdict};
use crate::loops::core::event::{Event, Record, StepFinished, VerdictReached};
use crate::loops::core::gate;
use crate::loops::core::gate::GateResult;
use crate::loops::core::ids::StepId;
use crate::loops::core::plan::Wait;
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::step::{Cause, Exit, StepKind};
use crate::loops::core::verdict::Decision;

const RED: GateResult = GateResult::Failed { exit: Exit::Code(101) };

/// A run whose gate runs on the base and, where it fails anew, again; its gates end as `gates` says, the critic accepts.
fn gated(critic: bool, gates: &[(GateResult, Option<TestsSeen>)]) -> (Driver, Wait) {
    let mut definition = LoopSpec { critic: critic.then(|| agent("critic")), ..spec(Vec::new()) };
    (definition.gates[0].baseline, definition.gates[0].rerun) = (true, true);
    let (mut driver, mut gates) = (Driver::new(definition), gates.iter().cloned());
    loop {
        let wait = driver.settle();
        let Wait::Step(step) = wait else { return (driver, wait) };
        match driver.run.active_step().unwrap().kind.clone() {
            StepKind::Gate(name) => {
                let Some((outcome, tests)) = gates.next() else { return (driver, wait) };
                driver.gate(&name, outcome, tests, false);
                driver.commit(StepFinished { step, end: ended(Exit::Code(0), Cause::Natural) }.into());
            }
            StepKind::Critic => {
                driver.commit(VerdictReached { step, verdict: verdict(Decision::Done) }.into());
                driver.commit(StepFinished { step, end: ended(Exit::Code(0), Cause::Natural) }.into());
            }
            _ => driver.end(GOOD),
        }
    }
}

/// What the run's passed test is said to be met by.
fn evidence(driver: &Driver) -> String {
    let passed = |record: &Record| match &record.event {
        Event::TestPassed(e) => Some(e.evidence.clone()),
        _ => None,
    };
    driver.journal.iter().find_map(passed).unwrap()
}

#[test]
fn gates_run_on_the_base_until_that_is_sure_and_what_fails_there_keeps_nothing_back() {
    let red = || (RED, Some(failing(&["a"])));
    let (driver, wait) = gated(true, &[red(), red(), red()]);
    assert_eq!(wait, Wait::Nothing);
    assert_eq!(kinds(&driver), ["worktree", "gate", "gate", "actor", "snapshot", "gate", "critic"]);
    let (base, run) = (driver.run.on_base("tests").unwrap(), &driver.run.iterations[0]);
    assert_eq!((base.step, base.runs, driver.run.is_on_base(base.step)), (StepId(3), 2, true));
    assert_eq!((run.passed, evidence(&driver).as_str()), (true, "verdict done, red as on the base: tests"));
}

#[test]
fn what_is_new_is_tried_again_once_and_then_fails_the_iteration_without_another_try_in_the_next() {
    let both = || Some(failing(&["a", "b"]));
    let old = || (RED, Some(failing(&["a"])));
    let gates = [old(), old(), (RED, both()), (RED, both()), (RED, both())];
    let (driver, _) = gated(true, &gates);
    let expected =
        ["worktree", "gate", "gate", "actor", "snapshot", "gate", "gate", "actor", "snapshot", "gate", "actor"];
    assert_eq!(kinds(&driver)[..11], expected);
    let gate = &driver.run.iterations[0].gates[0];
    assert_eq!((gate.runs, gate.holds()), (2, false));
    let told = "gate tests: exit 101, 7 passed 2 failed (1 known 1 new)";
    assert_eq!(driver.run.iterations[0].result.as_deref(), Some(told));
}

#[test]
fn what_passes_when_tried_again_is_flaky() {
    let gates = [(GateResult::Passed, None), (RED, Some(failing(&["b"]))), (GateResult::Passed, Some(failing(&[])))];
    let (driver, wait) = gated(false, &gates);
    assert_eq!(wait, Wait::Nothing);
    assert_eq!(driver.run.iterations[0].gates[0].words(), "passed, flaky, 7 passed 1 failed (1 flaky)");
    assert_eq!(evidence(&driver), "claimed, flaky: tests");
}

#[test]
fn what_is_flaky_on_the_base_is_tried_again_in_each_iteration_and_is_new_if_it_fails_twice() {
    let (bad, good) = (|| (RED, Some(failing(&["a"]))), || (GateResult::Passed, Some(failing(&[]))));
    let (driver, wait) = gated(true, &[bad(), good(), bad(), good()]);
    assert_eq!((wait, evidence(&driver).as_str()), (Wait::Nothing, "verdict done, flaky: tests"));
    assert_eq!(driver.run.on_base("tests").unwrap().words(), "passed, flaky, 7 passed 1 failed (1 flaky)");
    let (driver, _) = gated(true, &[bad(), good(), bad(), bad(), bad(), good()]);
    let [first, second] = &driver.run.iterations[..2] else { panic!() };
    assert_eq!((first.gates[0].holds(), first.gates[0].runs), (false, 2));
    assert_eq!(
        (second.gates[0].excuse, second.gates[0].runs),
        (Some(gate::Excuse::Flaky), 2),
        "tried again all the same"
    );
}

#[test]
fn an_advisory_gate_is_tried_again_as_well() {
    let mut definition = spec(Vec::new());
    (definition.gates[0].required, definition.gates[0].rerun) = (false, true);
    let mut driver = Driver::new(definition);
    let mut outcomes = [RED, GateResult::Passed].into_iter();
    while let Wait::Step(step) = driver.settle() {
        match driver.run.active_step().unwrap().kind.clone() {
            StepKind::Gate(name) => {
                let Some(outcome) = outcomes.next() else { break };
                driver.gate(&name, outcome, None, false);
                driver.commit(StepFinished { step, end: ended(Exit::Code(0), Cause::Natural) }.into());
            }
            StepKind::Critic => break,
            _ => driver.end(GOOD),
        }
    }
    assert_eq!(driver.run.iterations[0].gates[0].words(), "passed, flaky");
}

#[test]
fn a_claim_with_nothing_but_excuses_beside_it_is_not_enough() {
    let (driver, _) = gated(false, &[(RED, None), (RED, None), (RED, None)]);
    let result = driver.run.iterations[0].result.as_deref();
    assert_eq!(result, Some("claimed, and nothing but that speaks for it, red as on the base: tests"));
    assert!(!driver.run.iterations[0].passed);
}
