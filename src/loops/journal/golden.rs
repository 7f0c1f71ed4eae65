//! Journals that earlier builds wrote, kept as files: what was written once must be read the same for good.
//!
//! A new event type adds a line to `v1-every-type.jsonl`: run the tests once with `LOOPDASH_BLESS=1`, and look at the
//! difference. A line that changes there is a change of format.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::error::JournalError;
use super::line::{seal, unseal};
use super::replay::{Replay, read};
use super::testing::{bytes, life, number, plant, run, store};
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::budget::Budget;
use crate::loops::core::coverage::{Coverage, CoverageSpec, Percent};
use crate::loops::core::event::{
    AgentSet, Answered, Chore, ChoreAsked, ClockJumped, Event, GateFinished, GatesRerun, Guidance, HeldBehind,
    IterationStarted, Kept, LimitsSet, LockAwaited, MergeConflicted, Merged, Noted, ParkReason, Parked, PauseKind,
    PauseRequested, Paused, PrioritySet, Record, RemedyTaken, Reopened, RepositoryTouched, Restored, Resumed, Retried,
    Rewound, Scrapped, Sign, Signal, SignalCleared, SignalRaised, SignalSeen, Spawned, StepFinished, StepRestarted,
    StepStarted, StopRequested, TakenOver, TestAdded, TestBlocked, TestReset, TestRetried, TestSkipped, TestWaived,
    TestsWeighed, Trashed, Unparked, VerdictReached, Waits, When,
};
use crate::loops::core::gate::{CommandLine, Excuse, GateKind, GateResult, GateSpec};
use crate::loops::core::ids::{Millis, RunId, StepId, Who};
use crate::loops::core::record::{Decoded, decode};
use crate::loops::core::state::{GateRun, RunState};
use crate::loops::core::step::{Cause, Exit, StepEnd, StepKind, Usage};
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::verdict::{Decision, Finding, Severity, Verdict};
use crate::loops::core::watch::{Cost, Pattern, Remedy, Sighting};
use crate::loops::core::weigh::{TestChange, TestChangeKind};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal").join(name)
}

/// The file's bytes; written anew from `make` when asked to.
fn golden(name: &str, make: impl Fn() -> Vec<u8>) -> Vec<u8> {
    let path = fixture(name);
    if std::env::var_os("LOOPDASH_BLESS").is_some() {
        std::fs::write(&path, make()).unwrap();
    }
    std::fs::read(path).unwrap()
}

fn opened(text: &[u8]) -> Result<Replay, JournalError> {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    plant(&dir, text);
    read(&dir)
}

#[test]
fn every_type_reads_and_writes_as_it_did() {
    let records = every_type(run(1));
    let kinds: Vec<_> = records.iter().map(|record| record.event.kind()).collect();
    assert_eq!(kinds, Event::KINDS, "one of each");
    let text = golden("v1-every-type.jsonl", || bytes(&records));
    assert_eq!(opened(&text).unwrap().records, records);
    assert_eq!(String::from_utf8(bytes(&records)), String::from_utf8(text));
}

/// Kinds and coverage came after the first journals: they are left out where nothing is said, and who does not know them reads
/// on without.
#[test]
fn what_gates_were_given_later_reads_and_writes_as_it_did() {
    let records = later_gates(run(1));
    let text = golden("v1-gates.jsonl", || bytes(&records));
    assert_eq!(opened(&text).unwrap().records, records);
    assert_eq!(String::from_utf8(bytes(&records)), String::from_utf8(text.clone()));
    let state = RunState::replay(run(1), &records);
    let words: Vec<String> = state.iterations[0].gates.iter().map(GateRun::words).collect();
    assert_eq!(
        words,
        [
            "exit 2",
            "failed, known, coverage 62.5 % is under the floor of 80 %, as on the base with 62.25 %",
            "failed, no coverage total found in target/lcov.info: the gate did not write it",
        ]
    );
    let plain = String::from_utf8(bytes(&every_type(run(1)))).unwrap();
    assert!(!plain.contains("\"kind\":\"t") && !plain.contains("coverage"));
}

#[test]
fn a_finished_run_folds_to_its_end() {
    let text = golden("v1-finished.jsonl", || bytes(&life(run(1))));
    let replay = opened(&text).unwrap();
    let state = RunState::replay(run(1), &replay.records);
    assert!(state.is_finished());
    assert_eq!((state.refused, state.progress()), (0, (1, 1)));
}

#[test]
fn a_torn_a_damaged_and_a_foreign_type_are_told_apart() {
    let whole = bytes(&life(run(1)));
    let half = whole.len() / 2;
    let torn = golden("v1-torn.jsonl", || whole[..half].to_vec());
    let replay = opened(&torn).unwrap();
    assert_eq!(replay.extent.torn.map(|torn| torn.offset), Some(replay.extent.good_len));
    assert!(replay.records.len() > 10);

    let damaged = golden("v1-damaged.jsonl", || {
        let mut text = whole.clone();
        text[half] ^= 1;
        text
    });
    assert!(matches!(opened(&damaged), Err(JournalError::Damaged { .. })));

    let unknown = golden("v1-unknown-type.jsonl", || {
        let mut text = bytes(&life(run(1))[..2]);
        seal(
            &format!(r#"{{"v":1,"seq":3,"at":1700000003000,"run":"{}","type":"mirrored","to":"b"}}"#, run(1)),
            &mut text,
        );
        text
    });
    let replay = opened(&unknown).unwrap();
    assert_eq!((replay.records.len(), replay.extent.unknown.get("mirrored")), (2, Some(&1)));
}

#[test]
fn a_later_format_is_seen_but_not_opened() {
    let text = golden("v2-newer.jsonl", || {
        let mut text = bytes(&life(run(1))[..2]);
        seal(r#"{"v":2,"n":3,"when":"2031-01-01T00:00:00Z","what":"admitted"}"#, &mut text);
        text
    });
    let replay = opened(&text).unwrap();
    assert_eq!((replay.records.len(), replay.extent.newer), (2, Some(2)));
}

#[test]
fn the_lines_in_the_documentation_are_real_and_its_table_is_whole() {
    let text = include_str!("../../../docs/journal.md");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("{\"v\":")).collect();
    assert!(lines.len() >= 4);
    for line in lines {
        assert!(matches!(decode(unseal(line.as_bytes()).unwrap()).unwrap(), Decoded::Known(_)), "{line}");
    }
    let (_, table) = text.split_once("\n## Types\n").unwrap();
    for kind in Event::KINDS {
        let named = |row: &str| row.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{kind}`")));
        assert!(table.lines().any(named), "{kind}");
    }
}

/// One event of each type, in the order of their list; where a type occurs in a whole run it is taken from there.
fn every_type(run: RunId) -> Vec<Record> {
    let mut events: Vec<Event> = rare();
    events.extend(life(run).into_iter().map(|record| record.event));
    let first = |kind: &&str| events.iter().find(|event| event.kind() == *kind).cloned();
    number(run, Event::KINDS.iter().filter_map(first))
}

/// A run whose gates have kinds and floors: on the base, and in an iteration.
fn later_gates(run: RunId) -> Vec<Record> {
    let floor = Percent::of(80, 100).unwrap();
    let gate = |name: &str, kind, report: Option<&str>| GateSpec {
        kind: Some(kind),
        coverage: report.map(|report| CoverageSpec {
            floor,
            report: Some(report).filter(|report| !report.is_empty()).map(str::to_owned),
        }),
        ..GateSpec::new(name, CommandLine::Shell(format!("make {name}")), 600_000)
    };
    let gates = vec![
        gate("mypy", GateKind::Types, None),
        gate("unit tests", GateKind::Tests, Some("")),
        gate("slow tests", GateKind::Tests, Some("target/lcov.info")),
    ];
    let mut events: Vec<Event> = life(run).into_iter().map(|record| record.event).take(2).collect();
    if let Some(Event::Submitted(e)) = events.first_mut() {
        e.spec.gates = gates;
    }
    let failed = |code| GateResult::Failed { exit: Exit::Code(code) };
    let told = |step, name: &str, kind, outcome| GateFinished {
        kind: Some(kind),
        ..GateFinished::new(StepId(step), name.to_owned(), true, outcome, 200)
    };
    let base = Coverage::new(Ok(Percent::read("62.25").unwrap()), floor, None);
    let held = Coverage::new(Ok(Percent::read("62.5").unwrap()), floor, Some(&base));
    let lost = Coverage::new(Err("in target/lcov.info: the gate did not write it".to_owned()), floor, None);
    let started = |step, name: &str, iteration| StepStarted {
        step: StepId(step),
        kind: StepKind::Gate(name.to_owned()),
        iteration,
        agent: None,
        argv: Vec::new(),
        cwd: String::new(),
        prompt: None,
        guidance: Vec::new(),
    };
    events.extend([
        started(1, "unit tests", 0).into(),
        GateFinished { coverage: Some(base), ..told(1, "unit tests", GateKind::Tests, failed(0)) }.into(),
        IterationStarted { iteration: 1, test: "CP-1".to_owned() }.into(),
        started(2, "mypy", 1).into(),
        told(2, "mypy", GateKind::Types, failed(2)).into(),
        started(3, "unit tests", 1).into(),
        GateFinished {
            coverage: Some(held),
            excuse: Some(Excuse::Known),
            ..told(3, "unit tests", GateKind::Tests, failed(0))
        }
        .into(),
        started(4, "slow tests", 1).into(),
        GateFinished { coverage: Some(lost), ..told(4, "slow tests", GateKind::Tests, failed(0)) }.into(),
    ]);
    number(run, events)
}

/// Events that a plain run has not, or not with all their fields.
fn rare() -> Vec<Event> {
    let test = || "CP-1".to_owned();
    let who = Who::Operator;
    let question = || "May the column be dropped?".to_owned();
    let added = TestSpec {
        id: "CP-2".to_owned(),
        title: "log out".to_owned(),
        criteria: vec!["the session is gone".to_owned()],
        verify: Some(vec!["cargo".to_owned(), "test".to_owned()]),
        priority: -1,
        depends_on: vec![test()],
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: Some(4),
        last_error: None,
    };
    let mut events: Vec<Event> = vec![
        Parked { reason: ParkReason::NeedsHuman { question: question(), from: Who::Critic } }.into(),
        Unparked { who }.into(),
        PauseRequested { kind: PauseKind::AfterStep, who }.into(),
        Paused { kind: PauseKind::Freeze }.into(),
        Resumed { who }.into(),
        StopRequested { who: Who::Cli }.into(),
        Reopened { who, max_iterations: 20 }.into(),
        TestBlocked { test: test(), why: "3 attempts".to_owned() }.into(),
        RepositoryTouched {
            step: StepId(4),
            changed: vec!["refs/heads/main was deleted".to_owned()],
            lost: vec!["c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00".to_owned()],
        }
        .into(),
        TestsWeighed {
            step: StepId(4),
            changes: vec![TestChange {
                kind: TestChangeKind::FewerAssertions,
                path: "tests/a.rs".to_owned(),
                count: Some(2),
                what: None,
            }],
        }
        .into(),
        TestSkipped { test: test(), who, why: "done by hand".to_owned() }.into(),
        TestReset { test: test(), who }.into(),
        TestRetried { test: test(), who }.into(),
        TestAdded { test: added, who: Who::File }.into(),
        Spawned { step: StepId(2), pid: 4242, start: 987_654 }.into(),
        Guidance { id: 1, text: "keep it small\n\"please\"".to_owned(), when: When::Now, who }.into(),
        Answered { id: 2, question: question(), text: "yes".to_owned(), who }.into(),
        Retried { who }.into(),
        GatesRerun { who }.into(),
        PrioritySet { priority: 8, who }.into(),
        LimitsSet { max_iterations: Some(12), budget: Budget::default(), who }.into(),
        AgentSet { role: Role::Actor, agent: Box::new(AgentSpec::new("big", vec!["big".to_owned()])), who }.into(),
        HeldBehind { behind: Some(run(2)), label: "other".to_owned(), who }.into(),
        TakenOver { who }.into(),
        Kept {
            step: StepId(9),
            by: who,
            commit: "c0ffee".to_owned(),
            tree: "7ea".to_owned(),
            files: 2,
            insertions: 5,
            deletions: 1,
            paths: vec!["src/a.rs".to_owned(), "b\\n.txt".to_owned()],
        }
        .into(),
        ChoreAsked { chore: Chore::Rewind { iteration: 3 }, who }.into(),
        Rewound { step: StepId(10), iteration: 3, commit: "c0de".to_owned(), trash: Some(trashed()) }.into(),
        Scrapped { step: Some(StepId(11)), trash: Some(trashed()), branch_left: Some("it moved".to_owned()) }.into(),
        Restored { step: StepId(12), commit: "7a54".to_owned(), trash: Some(trashed()) }.into(),
        Merged {
            step: Some(StepId(13)),
            target: "main".to_owned(),
            commit: "1a4d".to_owned(),
            files: 3,
            waits: waits(),
        }
        .into(),
        MergeConflicted {
            step: None,
            target: "main".to_owned(),
            commit: "7e57".to_owned(),
            files: vec!["a.rs".to_owned()],
        }
        .into(),
        TestWaived { test: test(), who, why: "seen by hand".to_owned() }.into(),
        SignalRaised { sighting: Box::new(sighting()) }.into(),
        SignalCleared { pattern: Pattern::NoChange }.into(),
        SignalSeen { pattern: Pattern::Cost, who }.into(),
        RemedyTaken {
            remedy: Remedy::Note,
            pattern: Some(Pattern::NoChange),
            test: None,
            what: sighting().what,
            who: Who::Harness,
        }
        .into(),
        StepRestarted { who }.into(),
        LockAwaited { step: StepId(4), lock: "db".to_owned(), holder: "shop, gate tests (process 7)".to_owned() }
            .into(),
        Signal { busy: Some(false), ..Signal::new(StepId(2), Sign::Silent, 600_000) }.into(),
        ClockJumped { by_ms: -3_600_000 }.into(),
        Noted { text: "hand edit of CP-1 was not obeyed".to_owned() }.into(),
    ];
    events.extend(rich());
    events
}

fn sighting() -> Sighting {
    let usage = Usage { input: Some(40_000), cached: None, output: Some(3_000), micro_usd: Some(1_900_000) };
    Sighting {
        pattern: Pattern::NoChange,
        what: "nothing has changed for 3 iterations".to_owned(),
        since: Millis(1_700_000_000_000),
        first: 3,
        iterations: 3,
        cost: Cost { ms: 1_440_000, usage },
    }
}

fn waits() -> Option<Waits> {
    Some(Waits { name: "refs/loopdash/r/landed".to_owned(), checkout: "/repo".to_owned() })
}

fn trashed() -> Trashed {
    Trashed {
        name: format!("refs/loopdash/trash/{}/1700000009000", run(1)),
        commit: "7a54".to_owned(),
        head: Some("ba5e".to_owned()),
        skipped: vec!["big.bin: too large".to_owned()],
    }
}

/// Steps and a verdict with every field in use.
fn rich() -> [Event; 3] {
    let end = StepEnd {
        exit: Some(Exit::Signal(9)),
        cause: Cause::TimedOut,
        duration_ms: 90_000,
        stdout_bytes: 1 << 33,
        stderr_bytes: 12,
        lines: 400,
        left_behind: vec!["4243 sleep 600".to_owned()],
        usage: Some(Usage { input: Some(1000), cached: Some(800), output: Some(50), micro_usd: Some(12_500) }),
        error: Some("the stream was cut".to_owned()),
        claim: true,
        question: Some("which port?".to_owned()),
        ..StepEnd::new(Cause::TimedOut)
    };
    let finding = Finding {
        id: "f1".to_owned(),
        severity: Severity::Blocking,
        file: Some("src/a.rs".to_owned()),
        line: Some(12),
        text: "the session outlives the user".to_owned(),
    };
    let summary = "not yet".to_owned();
    let verdict = Verdict { decision: Decision::Continue, confidence: Some(0.75), summary, findings: vec![finding] };
    [
        StepStarted {
            step: StepId(2),
            kind: StepKind::Gate("unit tests".to_owned()),
            iteration: 1,
            agent: Some("fake".to_owned()),
            argv: vec!["sh".to_owned(), "-c".to_owned(), "make check".to_owned()],
            cwd: "/state/worktrees/auth".to_owned(),
            prompt: Some("steps/2-gate-unit_tests/prompt.md".to_owned()),
            guidance: vec![1],
        }
        .into(),
        StepFinished { step: StepId(2), end }.into(),
        VerdictReached { step: StepId(3), verdict }.into(),
    ]
}
