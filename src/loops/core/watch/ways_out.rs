//! Ways out that change more than the next step, played: back to the best iteration, and past a blocked test.

use super::play::{Play, Trip, finding, trip};
use super::{Heal, Pattern, Policy, Remedy, best, left};
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Chore, Event, ParkReason, PauseKind, RemedyTaken};
use crate::loops::core::ids::Who;
use crate::loops::core::step::{InterruptWhy, StepKind};
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::transition::RunStatus;

/// What `cargo test` prints when these fail.
fn red(failed: &[&str]) -> Option<String> {
    let lines: Vec<String> = failed.iter().map(|name| format!("test {name} ... FAILED")).collect();
    Some(format!(
        "running {n} tests\n{}\n\nfailures:\n    {}\n\ntest result: FAILED. 0 passed; {n} failed; 0 ignored; 0 measured; \
         0 filtered out; finished in 0.01s\n",
        lines.join("\n"),
        failed.join("\n    "),
        n = failed.len()
    ))
}

/// The second was the best; from the third on the same two fail.
fn declines(n: usize) -> Vec<Trip> {
    let one = |i: usize| {
        let failed: &[&str] = match i {
            0 => &["a::x", "a::y", "a::z"],
            1 => &["a::x"],
            _ => &["a::x", "a::y"],
        };
        Trip { red: red(failed), ..trip(format!("t{i}")) }
    };
    (0..n).map(one).collect()
}

/// More that fail as those do.
fn more(n: usize) -> Vec<Trip> {
    (0..n).map(|i| Trip { red: red(&["a::x", "a::y"]), ..trip(format!("m{i}")) }).collect()
}

fn standing(play: &Play) -> Vec<u32> {
    play.run.standing().map(|iteration| iteration.number).collect()
}

fn healing(remedies: &[Remedy]) -> Policy {
    Policy { heal: remedies.iter().map(|remedy| Heal { remedy: *remedy, limit: 1 }).collect(), ..Policy::default() }
}

/// Pauses at once, with whatever has to be done first.
fn pause(play: &mut Play) {
    play.ask(&Ask::Pause { kind: PauseKind::Now }).unwrap();
    play.interrupted(play.run.active.unwrap());
    while let Some(kind) = play.settle() {
        play.step(&kind, &trip("none"));
    }
    assert_eq!(play.run.status, RunStatus::Paused);
}

fn rewind(play: &mut Play, iteration: u32) {
    play.ask(&Ask::Chore { chore: Chore::Rewind { iteration } }).unwrap();
    assert_eq!(play.settle(), Some(StepKind::Rewind));
    play.step(&StepKind::Rewind, &trip("none"));
}

#[test]
fn what_was_left_counts_tests_one_by_one_and_findings_until_the_critic_speaks_again() {
    let mut trips = declines(3);
    let findings = vec![finding("f", "a", 1, "mend this"), finding("g", "b", 1, "and that")];
    trips.insert(1, Trip { findings, ..trip("f") });
    let play = Play::of(trips);
    let counts: Vec<Option<(usize, usize)>> =
        left(&play.run).iter().map(|(_, left)| left.map(|left| (left.blocking, left.failing))).collect();
    assert_eq!(counts, [Some((0, 3)), Some((2, 0)), Some((2, 1)), Some((2, 2)), None]);
    assert_eq!(best(&play.run, &"objective".to_owned()).unwrap().0.number, 2);
}

#[test]
fn the_best_iteration_is_one_of_the_test_at_work_that_stands_and_of_several_the_last() {
    let mut play = Play::of(declines(5));
    let test = "objective".to_owned();
    assert_eq!(best(&play.run, &test).unwrap().0.number, 2);
    assert_eq!(best(&play.run, &"another".to_owned()), None);
    play.run.iterations[1].aside = true;
    assert_eq!(best(&play.run, &test).unwrap().0.number, 5);
}

#[test]
fn a_rewind_to_the_best_iteration_ends_the_step_and_the_run_goes_on_with_a_fresh_watch() {
    let mut play = Play::of(declines(6));
    assert_eq!(play.raised(), [Pattern::SameFailures]);
    let heal = Ask::Heal { pattern: Pattern::SameFailures, remedy: Remedy::Rewind, text: String::new() };
    play.ask(&heal).unwrap();
    assert_eq!(play.run.must_interrupt(), Some(InterruptWhy::Rewind));
    assert!(play.ask(&heal).is_err(), "once is enough");
    play.interrupted(play.run.active.unwrap());
    assert_eq!(play.settle(), Some(StepKind::Rewind));
    play.step(&StepKind::Rewind, &trip("none"));
    assert_eq!(play.settle(), Some(StepKind::Actor));
    assert_eq!((play.run.status, standing(&play)), (RunStatus::Running, vec![1, 2, 8]));
    assert_eq!(play.run.watched.signals, []);
    let note = play.run.notes.last().unwrap();
    assert!(note.text.contains("after iteration 2. Iterations 3 to 7 were set aside"), "{}", note.text);
    assert_eq!(note.who, Who::Operator);
    // Three in a row like those before are no four.
    play.play(more(3));
    assert_eq!(play.raised(), [Pattern::SameFailures]);
    play.play(more(1));
    assert_eq!(play.raised().len(), 2);
}

#[test]
fn there_is_nothing_to_go_back_to_when_the_last_was_the_best() {
    let mut trips = declines(4);
    trips.extend((0..4).map(|i| Trip { red: red(&["a::x"]), ..trip(format!("u{i}")) }));
    let mut play = Play::of(trips);
    let heal = Ask::Heal { pattern: Pattern::SameFailures, remedy: Remedy::Rewind, text: String::new() };
    assert_eq!(play.ask(&heal), Err("no iteration was better than i8, the last one".to_owned()));
}

#[test]
fn a_policy_goes_back_within_its_limit_and_then_takes_the_next() {
    let mut play = Play::new(healing(&[Remedy::Restart, Remedy::Rewind, Remedy::Park]));
    let taken = |play: &Play| play.run.watched.taken.iter().map(|taken| taken.remedy).collect::<Vec<_>>();
    play.play(declines(6));
    play.play(more(3));
    assert_eq!((taken(&play), standing(&play)), (vec![Remedy::Rewind], vec![1, 2, 7, 8, 9, 10]));
    assert_eq!(play.run.notes.last().unwrap().who, Who::Harness);
    play.play(more(1));
    assert_eq!(taken(&play), [Remedy::Rewind, Remedy::Park]);
    assert_eq!(play.run.status, RunStatus::Parked);
}

#[test]
fn a_rewind_by_hand_takes_what_was_raised_along() {
    let mut play = Play::of(declines(6));
    pause(&mut play);
    assert!(play.run.watched.stuck().is_some());
    rewind(&mut play, 1);
    assert_eq!((play.run.watched.stuck(), standing(&play)), (None, vec![1]), "what is gone is not stuck");
    play.ask(&Ask::Resume).unwrap();
    play.play(more(3));
    assert_eq!(play.raised().len(), 1, "what was set aside does not count");
}

#[test]
fn findings_of_what_was_set_aside_are_not_open() {
    let a = || finding("a", "src/a.rs", 1, "the lock is never released");
    let b = || finding("b", "src/b.rs", 1, "an empty name is taken");
    let mut play = Play::of([
        Trip { findings: vec![a()], ..trip("t0") },
        Trip { findings: vec![a(), b()], ..trip("t1") },
        Trip { findings: vec![b()], ..trip("t2") },
    ]);
    let test = "objective".to_owned();
    let open = |play: &Play| play.run.watched.findings.open(&test).map(|point| point.id).collect::<Vec<_>>();
    assert_eq!(open(&play), [2]);
    pause(&mut play);
    rewind(&mut play, 1);
    assert_eq!(open(&play), [1]);
    assert_eq!(play.run.watched.findings.judged(&test), [1]);
    play.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
    assert_eq!(play.settle(), Some(StepKind::Restore));
}

fn work_item(id: &str, needs: &[&str]) -> TestSpec {
    TestSpec {
        id: id.to_owned(),
        title: id.to_owned(),
        criteria: Vec::new(),
        verify: None,
        priority: 0,
        depends_on: needs.iter().map(|id| (*id).to_owned()).collect(),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: None,
        last_error: None,
    }
}

/// Test `b` waits for test `a`, which fails twice and is blocked; as many iterations as there are trips.
fn blocked(policy: Policy, trips: usize) -> Play {
    let mut play = Play::listed(policy, vec![work_item("a", &[]), work_item("b", &["a"])], 2);
    play.play((0..trips).map(|i| Trip { red: red(&["a::x"]), ..trip(format!("t{i}")) }));
    play
}

#[test]
fn a_blocked_test_starts_over_with_the_stronger_agent_and_its_dependents_follow() {
    let mut play = blocked(Policy::default(), 2);
    assert!(matches!(&play.run.park, Some(ParkReason::Blocked { tests }) if *tests == ["a"]));
    let unblock = |remedy| Ask::Unblock { test: "a".to_owned(), remedy };
    for remedy in [Remedy::Note, Remedy::Restart, Remedy::Rewind, Remedy::Park] {
        assert!(play.ask(&unblock(remedy)).unwrap_err().ends_with("is nothing for a blocked test"));
    }
    play.ask(&unblock(Remedy::Stronger)).unwrap();
    assert_eq!((play.run.spec.as_ref().unwrap().actor.name.as_str(), play.run.tests[0].attempts), ("big", 0));
    assert!(play.ask(&unblock(Remedy::Stronger)).is_err(), "it is blocked no more");
    play.play([Trip { done: true, ..trip("u0") }, Trip { done: true, ..trip("u1") }]);
    assert!(play.run.is_finished(), "{:?}", play.run.status);
    assert_eq!(play.run.progress(), (2, 2));
    let mut play = blocked(Policy::default(), 2);
    play.ask(&unblock(Remedy::Waive)).unwrap();
    play.play([Trip { done: true, ..trip("u0") }]);
    assert!(play.run.is_finished(), "b followed");
}

#[test]
fn a_policy_does_what_it_may_about_a_blocked_test_before_the_run_parks() {
    let taken = |play: &Play| -> Vec<(Remedy, Option<String>, Who)> {
        let taken = play.events.iter().filter_map(|event| match event {
            Event::RemedyTaken(RemedyTaken { remedy, test, who, pattern: None, .. }) => {
                Some((*remedy, test.clone(), *who))
            }
            _ => None,
        });
        taken.collect()
    };
    let mut play = blocked(healing(&[Remedy::Note, Remedy::Stronger, Remedy::Skip]), 4);
    let by_policy = |remedy| (remedy, Some("a".to_owned()), Who::Harness);
    assert_eq!(taken(&play), [Remedy::Stronger, Remedy::Skip].map(by_policy));
    assert_eq!(play.run.tests[0].status, TestStatus::Skipped);
    assert_eq!(play.run.status, RunStatus::Running, "b is at work");
    play.play([Trip { red: red(&["b::x"]), ..trip("v0") }, Trip { red: red(&["b::x"]), ..trip("v1") }]);
    assert!(matches!(&play.run.park, Some(ParkReason::Blocked { tests }) if *tests == ["b"]), "the limits are used up");
    let play = blocked(healing(&[Remedy::Park, Remedy::Skip]), 2);
    assert_eq!((taken(&play), play.run.status), (Vec::new(), RunStatus::Parked), "a person is to decide");
}
