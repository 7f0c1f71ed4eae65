//! Chores on a worktree: rewind, scrap, land and undo, when they may run and what they take back.
//! Played around scripted verdicts.

use super::dice::GOOD;
use super::driver::{Driver, play, play_to, spec, test};
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Chore, Outcome, PauseKind, StepInterrupted, TestsWeighed};
use crate::loops::core::plan::Wait;
use crate::loops::core::state::{Landing, RunState};
use crate::loops::core::step::{InterruptWhy, StepKind};
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::verdict::Decision;
use crate::loops::core::weigh::{TestChange, TestChangeKind};

fn rewind(iteration: u32) -> Ask {
    Ask::Chore { chore: Chore::Rewind { iteration } }
}

#[test]
fn a_rewind_sets_aside_what_came_after_and_undo_takes_that_back() {
    let mut driver = Driver::new(spec(vec![test("a", &[]), test("b", &[])]));
    let verdicts = [Decision::Continue, Decision::Done, Decision::Continue, Decision::NeedsHuman];
    assert_eq!(play(&mut driver, &verdicts), Wait::Person);
    let status =
        |driver: &Driver, id: &str| (driver.run.test(id).unwrap().status, driver.run.test(id).unwrap().attempts);
    assert_eq!((status(&driver, "a").0, status(&driver, "b").1, driver.run.counted), (TestStatus::Passed, 1, 3));
    assert!(driver.ask(&rewind(9)).is_err());
    driver.ask(&rewind(1)).unwrap();
    driver.settle();
    driver.end(GOOD);
    assert_eq!(driver.settle(), Wait::Resume, "it waits for the operator's look");
    assert_eq!((status(&driver, "a"), status(&driver, "b")), ((TestStatus::Pending, 1), (TestStatus::Pending, 0)));
    assert_eq!(driver.run.iterations.iter().filter(|one| one.aside).count(), 3);
    assert_eq!(driver.run.feedback_for("a").unwrap().number, 1);
    assert_eq!((driver.run.counted, driver.run.iterations.len()), (3, 4), "what was used stays used");
    assert!(driver.run.pending_notes().any(|note| note.text.contains("after iteration 1. Iterations 2 to 4")));
    assert!(driver.ask(&rewind(2)).is_err(), "it was set aside");
    let rewound = driver.run.clone();

    driver.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
    driver.settle();
    driver.end(GOOD);
    assert_eq!(status(&driver, "a").0, TestStatus::Passed);
    assert!(driver.run.iterations.iter().all(|one| !one.aside));
    driver.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
    driver.settle();
    driver.end(GOOD);
    let aside = |run: &RunState| run.iterations.iter().map(|one| one.aside).collect::<Vec<_>>();
    assert_eq!((&driver.run.tests, aside(&driver.run)), (&rewound.tests, aside(&rewound)), "undone twice");

    driver.ask(&Ask::Resume).unwrap();
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.iterations.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
    assert!(driver.ask(&rewind(1)).is_err(), "it is done");
}

#[test]
fn chores_wait_until_nothing_works_and_a_crash_does_not_lose_them() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Critic);
    assert!(driver.ask(&rewind(0)).unwrap_err().contains("pause it first"));
    assert!(driver.ask(&Ask::Chore { chore: Chore::Undo }).is_err());
    driver.ask(&Ask::Pause { kind: PauseKind::Now }).unwrap();
    driver.end(GOOD);
    driver.settle();
    assert!(driver.ask(&Ask::Chore { chore: Chore::Scrap { named: true } }).unwrap_err().contains("stop it first"));
    driver.ask(&rewind(0)).unwrap();
    driver.settle();
    assert_eq!(driver.run.active_step().unwrap().kind, StepKind::Rewind);
    driver.commit(StepInterrupted::new(driver.run.active.unwrap(), InterruptWhy::Crash).into());
    driver.ask(&Ask::Resume).unwrap();
    play_to(&mut driver, &StepKind::Rewind);
    assert!(driver.run.workspace_ready, "its place is looked at first");
    driver.end(GOOD);
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.iterations.len(), 2);

    driver.ask(&Ask::Chore { chore: Chore::Scrap { named: false } }).unwrap();
    driver.settle();
    driver.end(GOOD);
    assert!(driver.run.scrapped && driver.settle() == Wait::Nothing);
    assert!(driver.ask(&Ask::Chore { chore: Chore::Scrap { named: true } }).is_err());
    driver.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
}

#[test]
fn what_is_weakened_stays_so_when_a_later_iteration_is_cut_off_before_its_snapshot() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Snapshot);
    let step = driver.run.active.unwrap();
    driver.end(GOOD);
    let changes =
        vec![TestChange { kind: TestChangeKind::Deleted, path: "tests/till.sh".to_owned(), count: None, what: None }];
    driver.commit(TestsWeighed { step, changes: changes.clone() }.into());
    play_to(&mut driver, &StepKind::Critic);
    driver.end(6);
    play_to(&mut driver, &StepKind::Actor);
    assert_eq!((driver.run.iterations.len(), driver.run.weakened()), (2, changes.as_slice()));
    driver.ask(&Ask::Stop).unwrap();
    driver.end(GOOD);
    driver.settle();
    assert!(driver.run.is_finished());
    let questions = driver.run.ask_before_landing();
    assert!(questions.len() == 2 && questions[1].contains("tests/till.sh"), "{questions:?}");
    let land = |asked| Ask::Chore { chore: Chore::Land { asked } };
    assert!(driver.ask(&land(false)).unwrap_err().contains("asked about first"));
    driver.ask(&land(true)).unwrap();
    driver.settle();
    driver.end(10);
    assert!(matches!(driver.run.landing, Some(Landing::Merged(_))) && driver.run.chore.is_none());
}
