//! A crash in each write of a run's journal, after each line of it and in the middle of each, and a real `resume` after each.
//!
//! Each time a loopdash really dies there, so that worktree, refs and transcripts are what such a crash leaves.

use crate::ground::{Ground, Ran, Told, agent};
use crate::invariants::{Before, assert_acknowledged};
use crate::kills::{assert_nothing_repeated, outcome};
use crate::watched::until;
use loopdash::loops::core::event::Event;
use loopdash::loops::core::step::StepKind;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Crashes that are tried side by side.
const TOGETHER: usize = 3;

/// Accepts the work of the second iteration, and no other.
const CRITIC: &str = r#"
[[scene]]
steps = [
  { review = { done = "Fine.", more = "Not yet.", checks = [
    { id = "two", command = ["grep", "-qx", "2", "note.txt"], text = "Say it again." },
  ] } },
]
"#;

/// A run of two iterations, each with a gate and a critic, with a fault on demand.
fn run(ground: &Ground, fault: &str) -> Told {
    std::fs::write(ground.path("critic.toml"), CRITIC).unwrap();
    let actor = agent(&["sh", "echo $LOOPDASH_ITERATION >note.txt", "claim"]);
    let critic = agent(&["play", ground.path("critic.toml").to_str().unwrap()]);
    let args = ["run", "--headless", "--json", "-p", "Make a note.", "--gate", "test -s note.txt"];
    let mut command = ground.command(&[&args[..], &["--actor", &actor, "--critic", &critic]].concat());
    Told::from(command.env("LOOPDASH_FAULT", fault).output().unwrap())
}

/// How often each step of each iteration was begun. That of the worktree is not counted: each resume looks after it.
fn begun(ran: &Ran) -> BTreeMap<(u32, String), u32> {
    let mut begun = BTreeMap::new();
    for record in &ran.records {
        if let Event::StepStarted(start) = &record.event
            && start.kind != StepKind::Worktree
        {
            *begun.entry((start.iteration, start.kind.slug())).or_default() += 1;
        }
    }
    begun
}

/// Has the run die in its `write`th write, when so many halves of its lines are on the disk, and resumes it. Whether there
/// was such a place.
fn died_at(write: usize, halves: usize, undisturbed: &Ran) -> bool {
    let place = format!("write {write}, {halves} halves");
    let ground = Ground::new();
    let before = Before::of(&ground);
    let crashed = run(&ground, &format!("tear{halves}:journal.tear@{write}"));
    if crashed.code == Some(0) {
        return false;
    }
    assert_eq!(crashed.code, None, "{place}: {}", crashed.err);
    until("what it ran is gone", || ground.runs().iter().all(Ran::is_gone));
    let left = ground.ran();
    let told = ground.loopdash(&["resume", "--headless", "--json"]).exits(0);
    if left.records.is_empty() {
        assert!(told.err.contains("no run is interrupted"), "{place}: {}", told.err);
        return true;
    }
    assert_acknowledged(&ground, &crashed.out);
    assert_acknowledged(&ground, &told.out);
    let ran = &before.holds(&ground)[0];
    let told = format!("{place}: {}\n{:#?}", told.err, ran.records);
    assert_eq!(ran.records[..left.records.len()], left.records, "{told}");
    assert_eq!(outcome(ran), outcome(undisturbed), "{told}");
    assert_nothing_repeated(ran);
    // One step at most was at work, or had ended unheard, and that one was begun again.
    let (begun, expected) = (begun(ran), begun(undisturbed));
    assert!(begun.keys().eq(expected.keys()), "{told}");
    let again: Vec<_> = begun.iter().filter(|(step, times)| expected[*step] != **times).collect();
    let open = left.state.active.map(|step| left.state.step(step).unwrap());
    let open = open.filter(|step| step.kind != StepKind::Worktree).map(|step| (step.iteration, step.kind.slug()));
    assert!(
        again.len() <= 1 && again.iter().all(|(step, times)| **times == 2 && open.as_ref() == Some(*step)),
        "{told}"
    );
    true
}

#[test]
fn row_01_a_run_that_dies_in_any_write_of_its_journal_is_resumed_to_the_same_end() {
    let ground = Ground::new();
    run(&ground, "").exits(0);
    let undisturbed = ground.ran();
    assert_eq!(undisturbed.state.iterations.len(), 2);
    let (next, places) = (AtomicUsize::new(1), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                loop {
                    let write = next.fetch_add(1, Ordering::Relaxed);
                    let found = (0..).take_while(|halves| died_at(write, *halves, &undisturbed)).count();
                    places.fetch_add(found, Ordering::Relaxed);
                    if found == 0 {
                        break;
                    }
                }
            });
        }
    });
    let places = places.into_inner();
    eprintln!("{places} places in {} records", undisturbed.records.len());
    // Each line's end and middle; how lines come together in writes differs from run to run.
    assert!(places > 2 * undisturbed.records.len() - 10, "{places}");
}
