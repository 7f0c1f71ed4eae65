//! Each pattern, played: it raises its own signal, once, and clears it; and what a policy does about it.

use super::play::{Play, Trip, finding, repeats, signal, silent, trip};
use super::{Heal, Pattern, Policy, Remedy, look, overdue, overdue_at};
use crate::loops::core::command::Ask;
use crate::loops::core::event::{CpuUse, Event, ParkReason, RemedyTaken, Sign, Trouble};
use crate::loops::core::ids::{Millis, Who};
use crate::loops::core::state::Silence;
use crate::loops::core::step::{StepKind, Usage};
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::transition::RunStatus;

const LETTERS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// Iterations with content and words of their own.
fn varied(n: usize, shape: impl Fn(usize, &mut Trip)) -> Vec<Trip> {
    let one = |i: usize| {
        let mut next = trip(LETTERS[i % 12]);
        next.said = format!(
            "this time I looked at part {} of the thing and changed what was wrong there",
            LETTERS[i % 12].repeat(i + 1)
        );
        shape(i, &mut next);
        next
    };
    (0..n).map(one).collect()
}

fn raises(pattern: Pattern, trips: Vec<Trip>) -> Play {
    let play = Play::of(trips);
    assert_eq!(play.raised(), [pattern], "{:?}", play.run.watched.signals);
    assert!(play.run.watched.raised(pattern).is_some());
    play
}

#[test]
fn a_silent_idle_step_is_raised_while_it_runs_and_clears_with_its_next_word() {
    let mut play = Play::new(Policy::default());
    let still = vec![silent(10, Some(false)), silent(20, Some(false)), silent(40, Some(false))];
    let quiet = Trip { signals: still, ..trip("a") };
    play.play([Trip { signals: [quiet.signals.clone(), vec![signal(Sign::Resumed, 41, None, 0)]].concat(), ..quiet }]);
    assert_eq!(play.raised(), [Pattern::Silence]);
    assert_eq!(play.run.watched.signals, []);
    let what = play.events.iter().find_map(|event| match event {
        Event::SignalRaised(e) => Some((*e.sighting).clone()),
        _ => None,
    });
    let sighting = what.unwrap();
    assert_eq!(sighting.what, "the actor prints nothing any more, for 20m, and its processes do nothing");
    assert_eq!(sighting.cost.ms, 20 * 60_000);
}

#[test]
fn a_command_may_be_quiet_for_longer_than_an_agent_and_the_evidence_says_what_was_used() {
    let mut play = Play::of([trip("a")]);
    let usage = Some(Usage { input: Some(900), ..Usage::default() });
    let quiet = |play: &mut Play, kind: StepKind, minutes: u64, used_ms: u64| {
        let cpu = CpuUse { used_ms, over_ms: 750_000 };
        let (busy, cpu) = (Some(cpu.busy()), Some(cpu));
        let step = play.run.steps.last_mut().unwrap();
        step.kind = kind;
        step.silence =
            Some(Silence { since: Millis(5), for_ms: minutes * 60_000, from_start: false, busy, cpu, usage });
        look(&play.run).first().map(|seen| (seen.what.clone(), seen.cost.usage.input))
    };
    let told = |text: &str| Some((text.to_owned(), Some(900)));
    let actor = "the actor prints nothing any more, for 25m, and its processes used no CPU in 12m30s";
    assert_eq!(quiet(&mut play, StepKind::Actor, 25, 0), told(actor));
    assert_eq!(quiet(&mut play, StepKind::Gate("tests".to_owned()), 25, 0), None);
    let gate = "the gate tests prints nothing any more, for 31m, and its processes used 120ms of CPU in 12m30s";
    assert_eq!(quiet(&mut play, StepKind::Gate("tests".to_owned()), 31, 120), told(gate));
    assert_eq!(quiet(&mut play, StepKind::Setup, 90, 30_000), None, "a build that works in turns with waiting works");
}

#[test]
fn what_a_stuck_run_costs_goes_on_while_its_evidence_stays() {
    let stands = |i: usize, t: &mut Trip| {
        if i > 1 {
            t.tree = "b".to_owned()
        }
    };
    let play = Play::of(varied(7, stands));
    let raised = play.run.watched.raised(Pattern::NoChange).unwrap();
    let (then, now) = (raised.sighting.cost, raised.sighting.so_far(&play.run, play.run.updated));
    assert_eq!((then.usage.micro_usd, now.usage.micro_usd), (Some(300_000), Some(500_000)));
    let later = Millis(play.run.updated.0 + 60_000);
    assert_eq!(raised.sighting.so_far(&play.run, later).ms - now.ms, 60_000, "the running step counts");
}

#[test]
fn the_same_tool_call_is_raised_while_the_step_runs() {
    let mut play = Play::new(Policy::default());
    play.play([Trip { signals: vec![repeats(19), repeats(20), repeats(40)], ..trip("a") }]);
    assert_eq!(play.raised(), [Pattern::SameTool]);
    assert_eq!(play.run.watched.signals, [], "it is over with its step");
}

#[test]
fn no_change_is_measured_by_content_and_commits() {
    let play = raises(
        Pattern::NoChange,
        varied(5, |i, t| {
            if i > 1 {
                t.tree = "b".to_owned()
            }
        }),
    );
    let sighting = &play.run.watched.raised(Pattern::NoChange).unwrap().sighting;
    assert_eq!((sighting.first, sighting.iterations), (3, 3));
    assert_eq!(sighting.cost.usage.micro_usd, Some(300_000));
    assert!(sighting.what.starts_with("nothing has changed for 3 iterations"), "{}", sighting.what);
}

#[test]
fn a_signal_clears_when_the_work_moves_again_and_may_be_raised_anew() {
    let stands = |i: usize, t: &mut Trip| {
        if (1..4).contains(&i) || (6..10).contains(&i) {
            t.tree = LETTERS[i / 6 * 5].to_owned()
        }
    };
    let play = Play::of(varied(10, stands));
    assert_eq!(play.raised(), [Pattern::NoChange, Pattern::NoChange]);
    let cleared = play.events.iter().filter(|event| matches!(event, Event::SignalCleared(_))).count();
    assert_eq!(cleared, 1);
}

#[test]
fn content_that_comes_back_is_told_with_where_from() {
    let play = raises(Pattern::TreeAgain, varied(5, |i, t| t.tree = LETTERS[i % 3].to_owned()));
    let what = &play.run.watched.raised(Pattern::TreeAgain).unwrap().sighting.what;
    assert!(what.starts_with("i5 has the content of i2 again"), "{what}");
    raises(
        Pattern::TreeAgain,
        varied(4, |i, t| {
            t.tree = LETTERS[i % 2].to_owned();
            t.undone = if i > 0 { vec!["h".to_owned()] } else { Vec::new() };
        }),
    );
}

#[test]
fn a_hunk_that_is_made_and_undone_in_turns() {
    let play = raises(
        Pattern::Undone,
        varied(3, |i, t| {
            if i > 0 {
                t.undone = vec!["h".to_owned()]
            }
        }),
    );
    let what = &play.run.watched.raised(Pattern::Undone).unwrap().sighting.what;
    assert_eq!(what, "a.rs:7 is changed and changed back: undone in i2, i3");
}

#[test]
fn the_same_failures_but_for_numbers_and_times() {
    let output = |i: usize| {
        format!("test index_rebuild failed after {i}.2{i}s at /tmp/run-{i}/x.rs:{i}, one of the two that fail")
    };
    let play = raises(Pattern::SameFailures, varied(7, |i, t| t.red = Some(output(i))));
    let what = &play.run.watched.raised(Pattern::SameFailures).unwrap().sighting.what;
    assert_eq!(what, "4 iterations fail in the same way: tests (exit 101)");
}

/// What `cargo test` prints, its tests in the order in which they end.
fn cargo(ok: &[&str], failed: &[&str], turn: usize) -> String {
    let mut lines: Vec<String> = ok.iter().map(|name| format!("test {name} ... ok")).collect();
    lines.extend(failed.iter().map(|name| format!("test {name} ... FAILED")));
    let count = lines.len();
    lines.rotate_left(turn * 3 % count);
    format!(
        "running {count} tests\n{}\n\nfailures:\n    {}\n\ntest result: FAILED. {} passed; {} failed; 0 ignored; \
         0 measured; 0 filtered out; finished in 0.{turn}3s\n",
        lines.join("\n"),
        failed.join("\n    "),
        ok.len(),
        failed.len()
    )
}

#[test]
fn the_same_tests_are_the_same_in_whatever_order_a_runner_prints_them() {
    let ok = ["a::one", "a::two", "b::three", "b::four", "c::five"];
    let output = |i: usize| {
        let failed = if i.is_multiple_of(2) { ["io::reads", "io::writes"] } else { ["io::writes", "io::reads"] };
        cargo(&ok, &failed, i)
    };
    let play = raises(Pattern::SameFailures, varied(4, |i, t| t.red = Some(output(i))));
    let what = &play.run.watched.raised(Pattern::SameFailures).unwrap().sighting.what;
    assert_eq!(what, "4 iterations fail in the same way: tests (exit 101): io::reads, io::writes");
    let another = |i: usize| cargo(&ok, &[["x::case_1", "x::case_2", "x::case_3", "x::case_4"][i]], 0);
    assert_eq!(Play::of(varied(4, |i, t| t.red = Some(another(i)))).raised(), []);
}

#[test]
fn another_test_that_fails_is_another_failure_whichever_runner_names_it() {
    let pytest = |i: usize| {
        let name = ["reads", "writes", "seeks", "closes", "opens", "locks"][i];
        format!(
            "=== FAILURES ===\nE   assert 3 == {i}\n=== short test summary info ===\n\
             FAILED tests/test_io.py::test_{name} - assert 3 == {i}\n=== 1 failed, 40 passed in 0.{i}2s ===\n"
        )
    };
    assert_eq!(Play::of(varied(6, |i, t| t.red = Some(pytest(i)))).raised(), []);
    // A runner that nobody knows.
    let own =
        |i: usize| format!("the suite of the whole shop was run and this is what failed in it\nnot ok case_{i}\n");
    assert_eq!(Play::of(varied(6, |i, t| t.red = Some(own(i)))).raised(), []);
    let shuffled = |i: usize| {
        let mut lines = ["ok cart holds its things", "ok prices add up", "not ok the till opens", "3 of the suite ran"];
        lines.rotate_left(i % 4);
        lines.join("\n")
    };
    raises(Pattern::SameFailures, varied(4, |i, t| t.red = Some(shuffled(i))));
}

#[test]
fn the_same_last_words() {
    let said = "I have looked at everything once more and I am sure that the work is complete now";
    raises(Pattern::SameOutput, varied(4, |_, t| t.said = said.to_owned()));
}

#[test]
fn findings_that_stay_although_they_are_worked_on() {
    let old = || finding("f1", "src/a.rs", 9, "the lock is held while the file is written");
    let new = |i: usize| {
        finding(
            "f2",
            "src/b.rs",
            50 * (i as u32 + 1),
            [
                "no test covers it",
                "the name misleads",
                "an error is swallowed",
                "it allocates in a loop",
                "docs are wrong",
            ][i],
        )
    };
    let play = raises(Pattern::FindingsStay, varied(5, |i, t| t.findings = vec![old(), new(i)]));
    let what = &play.run.watched.raised(Pattern::FindingsStay).unwrap().sighting.what;
    assert_eq!(
        what,
        "1 of 2 findings are still there after 5 verdicts: src/a.rs:9 the lock is held while the file is written"
    );
}

#[test]
fn findings_that_come_back_after_they_were_fixed() {
    let one = || finding("f1", "src/a.rs", 9, "the lock is held while the file is written");
    let two = || finding("f1", "src/b.rs", 70, "an empty name is taken although the docs refuse it");
    let in_turns = |i: usize, t: &mut Trip| t.findings = vec![if i.is_multiple_of(2) { one() } else { two() }];
    let play = raises(Pattern::FindingsReturn, varied(4, in_turns));
    let what = &play.run.watched.raised(Pattern::FindingsReturn).unwrap().sighting.what;
    assert!(what.starts_with("2 times a finding came back that had been worked on: src/a.rs:9"), "{what}");
}

#[test]
fn findings_that_contradict_the_last_ones() {
    let ask = |i: usize| match i {
        0 => finding("f", "src/a.rs", 9, "add a lock around the cache lookup"),
        1 => finding("f", "src/a.rs", 11, "remove the lock around the cache lookup"),
        2 => finding("f", "src/p.rs", 5, "make the parser module public"),
        _ => finding("f", "src/p.rs", 5, "make the parser module private"),
    };
    let play = raises(Pattern::FindingsContradict, varied(4, |i, t| t.findings = vec![ask(i)]));
    let what = &play.run.watched.raised(Pattern::FindingsContradict).unwrap().sighting.what;
    assert!(what.contains("\"make the parser module public\", then \"make the parser module private\""), "{what}");
}

#[test]
fn a_cost_above_its_line_is_told_and_the_run_goes_on() {
    let mut play = Play::new(Policy { cost_micro_usd: Some(250_000), ..Policy::default() });
    play.play(varied(4, |_, _| {}));
    assert_eq!(play.raised(), [Pattern::Cost]);
    assert_eq!(play.run.watched.raised(Pattern::Cost).unwrap().sighting.what, "it has cost $0.30, more than $0.25");
    assert_eq!(play.run.watched.stuck(), None);
    play.ask(&Ask::Acknowledge { pattern: Pattern::Cost }).unwrap();
    assert_eq!(play.run.watched.open().count(), 0);
    assert!(play.ask(&Ask::Acknowledge { pattern: Pattern::Cost }).is_err());
    play.play(varied(1, |_, _| {}));
    assert_eq!(play.raised(), [Pattern::Cost], "once");
}

#[test]
fn a_long_run_is_told_once_when_its_time_comes() {
    let mut play = Play::new(Policy::default());
    play.settle();
    let first = play.run.first_admitted.unwrap();
    let due = overdue_at(&play.run).unwrap();
    assert_eq!(due.since(first), 2 * 3_600_000);
    assert_eq!(overdue(&play.run, Millis(due.0 - 1)), None);
    let event = overdue(&play.run, due).unwrap();
    play.commit(event);
    play.settle();
    assert_eq!((play.raised(), overdue_at(&play.run)), (vec![Pattern::LongRun], None));
}

#[test]
fn thresholds_are_the_loops_own_and_nothing_watches_what_is_off() {
    let mut off = Play::new(Policy { no_change: None, ..Policy::default() });
    let stands = || {
        varied(7, |i, t| {
            if i > 0 {
                t.tree = "a".to_owned()
            }
        })
    };
    off.play(stands());
    assert_eq!(off.raised(), []);
    let mut early = Play::new(Policy { no_change: Some(1), ..Policy::default() });
    early.play(stands().into_iter().take(2));
    assert_eq!(early.raised(), [Pattern::NoChange]);
}

fn taken(play: &Play) -> Vec<(Remedy, Pattern, Who)> {
    let taken = play.events.iter().filter_map(|event| match event {
        Event::RemedyTaken(RemedyTaken { remedy, pattern, who, .. }) => Some((*remedy, (*pattern)?, *who)),
        _ => None,
    });
    taken.collect()
}

#[test]
fn a_policy_takes_its_remedies_in_order_each_within_its_limit() {
    let heal = [(Remedy::Restart, 1), (Remedy::Note, 2), (Remedy::Stronger, 1), (Remedy::Park, 1)];
    let heal = heal.map(|(remedy, limit)| Heal { remedy, limit }).to_vec();
    let mut play = Play::new(Policy { heal, no_change: Some(2), ..Policy::default() });
    play.play(varied(20, |i, t| {
        if i > 0 {
            t.tree = "a".to_owned()
        }
    }));
    let by_policy = |remedy| (remedy, Pattern::NoChange, Who::Harness);
    let expected = [Remedy::Note, Remedy::Note, Remedy::Stronger, Remedy::Park].map(by_policy);
    assert_eq!(taken(&play), expected, "a restart is for running steps alone");
    assert_eq!(play.run.status, RunStatus::Parked);
    assert!(
        matches!(&play.run.park, Some(ParkReason::Attention { kind: Trouble::Stuck, detail }) if detail.contains("nothing has changed"))
    );
    assert_eq!(play.run.spec.as_ref().unwrap().actor.name, "big");
    let note = &play.run.notes[0];
    assert!(note.who == Who::Harness && note.text.contains("nothing has changed for 2 iterations"), "{}", note.text);
    play.ask(&Ask::Retry).unwrap();
    assert_eq!(play.settle(), Some(StepKind::Worktree), "and goes on when somebody says so");
}

#[test]
fn a_step_in_circles_is_started_anew_by_policy() {
    let heal = vec![Heal { remedy: Remedy::Restart, limit: 1 }];
    let mut play = Play::new(Policy { heal, ..Policy::default() });
    let circling = Trip { signals: vec![repeats(25)], ..trip("a") };
    play.play([circling]);
    assert_eq!(taken(&play), [(Remedy::Restart, Pattern::SameTool, Who::Harness)]);
    let actors = play.run.steps.iter().filter(|step| step.kind == StepKind::Actor && step.iteration == 1).count();
    assert_eq!(actors, 2, "the second time the limit is used up, and it goes on");
}

#[test]
fn each_remedy_of_the_card_does_what_it_says_and_starts_the_watch_anew() {
    let stuck = || {
        let mut play = Play::new(Policy { no_change: Some(2), ..Policy::default() });
        play.play(varied(4, |i, t| {
            if i > 0 {
                t.tree = "a".to_owned()
            }
        }));
        assert!(play.run.watched.raised(Pattern::NoChange).is_some());
        play
    };
    let heal = |play: &mut Play, remedy| {
        play.ask(&Ask::Heal { pattern: Pattern::NoChange, remedy, text: String::new() }).unwrap();
    };
    let mut play = stuck();
    heal(&mut play, Remedy::Note);
    assert_eq!(play.run.pending_notes().count() + play.run.notes.len(), 2);
    play.settle();
    assert!(play.run.watched.raised(Pattern::NoChange).is_none(), "a fresh start");
    let again = Ask::Heal { pattern: Pattern::NoChange, remedy: Remedy::Note, text: String::new() };
    assert!(play.ask(&again).is_err(), "what is raised no more has no remedy");

    let mut play = stuck();
    heal(&mut play, Remedy::Waive);
    assert_eq!(play.run.tests[0].status, TestStatus::Waived);
    let step = play.run.active.unwrap();
    play.interrupted(step);
    play.settle();
    assert_eq!(play.run.outcome.as_ref().unwrap().1, "the test was waived");

    let mut play = stuck();
    heal(&mut play, Remedy::Park);
    let step = play.run.active.unwrap();
    play.interrupted(step);
    play.settle();
    assert!(play.run.needs_person());

    let mut play = stuck();
    let skip = Ask::Heal { pattern: Pattern::NoChange, remedy: Remedy::Skip, text: String::new() };
    assert_eq!(play.ask(&skip), Err("it is the run's only test; stop the run instead".to_owned()));
}
