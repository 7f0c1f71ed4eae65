//! Runs and records for this part's tests.

use super::append::JournalWriter;
use super::line::seal;
use super::store::{RunDir, Store};
use crate::loops::core::event::{
    Admitted, Event, Finished, GateFinished, Guidance, IterationStarted, Noted, Outcome, PauseKind, PauseRequested,
    Paused, PrioritySet, Record, Resumed, SnapshotTaken, Spawned, StepFinished, StepInterrupted, StepStarted,
    Submitted, TestFailed, TestPassed, TestStarted, VerdictReached, When, WorkspaceReady,
};
use crate::loops::core::gate::GateResult;
use crate::loops::core::ids::{Millis, RunId, StepId, Who};
use crate::loops::core::record::encode;
use crate::loops::core::spec::{AgentSpec, CriticWhen, Isolation, Limits, LoopSpec, Trigger};
use crate::loops::core::step::{Cause, Exit, InterruptWhy, StepEnd, StepKind, Usage};
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::verdict::{Decision, Verdict};
use tempfile::TempDir;

/// A fixed run.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn run(n: u8) -> RunId {
    RunId::parse(&format!("0192d5a0-0000-7000-8000-0000000000{n:02x}")).unwrap()
}

/// A state directory that vanishes.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

/// Gives events their places, one second apart.
pub(super) fn number(run: RunId, events: impl IntoIterator<Item = Event>) -> Vec<Record> {
    (1..)
        .zip(events)
        .map(|(seq, event)| Record { seq, at: Millis(1_700_000_000_000 + seq * 1000), run, event })
        .collect()
}

/// `n` records of several types and sizes.
pub(super) fn records(run: RunId, n: usize) -> Vec<Record> {
    number(
        run,
        (0..n as u32).map(|n| -> Event {
            match n % 6 {
                0 => Admitted { slot: n }.into(),
                1 => IterationStarted { iteration: n, test: format!("CP-{n}") }.into(),
                2 => Spawned { step: StepId(n), pid: 1000 + n, start: 77 }.into(),
                3 => {
                    let text =
                        "mind \"the\" tabs\t,\"crc\":\"00000000\"}\n{\"v\":1,\u{2028}\u{202e}é".repeat(n as usize % 3);
                    Guidance { id: n, text, when: When::Next, who: Who::Operator }.into()
                }
                4 => PrioritySet { priority: 7, who: Who::Cli }.into(),
                _ => Noted { text: "hand edit of CP-1 was not obeyed".to_owned() }.into(),
            }
        }),
    )
}

/// The bytes of a journal that holds these.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn bytes(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        seal(&encode(record).unwrap(), &mut out);
    }
    out
}

/// Puts a journal of these bytes into a run's directory.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn plant(dir: &RunDir, bytes: &[u8]) {
    std::fs::create_dir_all(dir.path()).unwrap();
    std::fs::write(dir.journal(), bytes).unwrap();
}

/// Writes a run and lets go of it.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn write(dir: &RunDir, records: &[Record]) {
    let mut writer = JournalWriter::create(dir).unwrap();
    writer.append(records).unwrap();
    writer.sync().unwrap();
}

/// A whole run: a failed iteration, an interrupted actor, a passed iteration, the end.
pub(super) fn life(run: RunId) -> Vec<Record> {
    number(run, [opening(), failing_iteration(), passing_iteration()].concat())
}

fn opening() -> Vec<Event> {
    let submitted = Submitted {
        label: "auth#2".to_owned(),
        spec: Box::new(spec()),
        trigger: Trigger::Cli,
        base: Some("b0".to_owned()),
        version: "0.1.0".to_owned(),
        order: 0,
    };
    let ready = WorkspaceReady {
        path: "/state/worktrees/auth".to_owned(),
        branch: Some("run/auth".to_owned()),
        base: "b0".to_owned(),
        git_dir: "/repo/.git/worktrees/auth".to_owned(),
        common_dir: "/repo/.git".to_owned(),
        in_place: false,
        fresh: true,
        included: Vec::new(),
    };
    vec![
        submitted.into(),
        Admitted { slot: 0 }.into(),
        started(1, 0, StepKind::Worktree),
        finished(1, StepEnd { exit: None, ..end(0) }),
        ready.into(),
    ]
}

fn failing_iteration() -> Vec<Event> {
    let failed = GateResult::Failed { exit: Exit::Code(101) };
    let why = "gate unit\ttests: exit 101".to_owned();
    vec![
        TestStarted { test: "CP-1".to_owned(), attempt: 1 }.into(),
        IterationStarted { iteration: 1, test: "CP-1".to_owned() }.into(),
        started(2, 1, StepKind::Actor),
        finished(2, StepEnd { usage: Some(Usage { output: Some(20), ..Usage::default() }), ..end(0) }),
        started(3, 1, StepKind::Snapshot),
        finished(3, StepEnd { exit: None, ..end(0) }),
        snapshot(3, "c1"),
        started(4, 1, StepKind::Gate(GATE.to_owned())),
        finished(4, end(101)),
        gate(4, failed),
        TestFailed { test: "CP-1".to_owned(), attempt: 1, why }.into(),
    ]
}

fn passing_iteration() -> Vec<Event> {
    let interrupted = StepInterrupted { lines: 4, ..StepInterrupted::new(StepId(5), InterruptWhy::Pause) };
    let summary = "the test is met".to_owned();
    let verdict = Verdict { decision: Decision::Done, confidence: Some(0.9), summary, findings: Vec::new() };
    vec![
        TestStarted { test: "CP-1".to_owned(), attempt: 2 }.into(),
        IterationStarted { iteration: 2, test: "CP-1".to_owned() }.into(),
        started(5, 2, StepKind::Actor),
        PauseRequested { kind: PauseKind::Now, who: Who::Operator }.into(),
        interrupted.into(),
        Paused { kind: PauseKind::Now }.into(),
        Resumed { who: Who::Operator }.into(),
        Admitted { slot: 0 }.into(),
        started(6, 2, StepKind::Actor),
        finished(6, StepEnd { usage: Some(Usage { output: Some(40), ..Usage::default() }), ..end(0) }),
        started(7, 2, StepKind::Snapshot),
        finished(7, StepEnd { exit: None, ..end(0) }),
        snapshot(7, "c2"),
        started(8, 2, StepKind::Gate(GATE.to_owned())),
        finished(8, end(0)),
        gate(8, GateResult::Passed),
        started(9, 2, StepKind::Critic),
        finished(9, end(0)),
        VerdictReached { step: StepId(9), verdict }.into(),
        TestPassed { test: "CP-1".to_owned(), evidence: "verdict done, 1 gate passed".to_owned() }.into(),
        Finished { outcome: Outcome::Done, reason: "every test passed".to_owned() }.into(),
    ]
}

/// A gate with a name that a table must not trip over.
const GATE: &str = "unit\ttests";

fn started(step: u32, iteration: u32, kind: StepKind) -> Event {
    StepStarted {
        step: StepId(step),
        kind,
        iteration,
        agent: None,
        argv: Vec::new(),
        cwd: String::new(),
        prompt: None,
        guidance: Vec::new(),
    }
    .into()
}

fn finished(step: u32, end: StepEnd) -> Event {
    StepFinished { step: StepId(step), end }.into()
}

fn end(code: i32) -> StepEnd {
    StepEnd {
        exit: Some(Exit::Code(code)),
        duration_ms: 250,
        stdout_bytes: 100,
        stderr_bytes: 30,
        lines: 9,
        ..StepEnd::new(Cause::Natural)
    }
}

fn snapshot(step: u32, commit: &str) -> Event {
    SnapshotTaken {
        step: StepId(step),
        commit: commit.to_owned(),
        tree: format!("{commit}-tree"),
        empty: false,
        parent: None,
        files: 3,
        insertions: 40,
        deletions: 2,
        skipped: Vec::new(),
        head: None,
        undone: Vec::new(),
        touched: Vec::new(),
    }
    .into()
}

fn gate(step: u32, outcome: GateResult) -> Event {
    GateFinished::new(StepId(step), GATE.to_owned(), true, outcome, 200).into()
}

fn spec() -> LoopSpec {
    let agent = AgentSpec { timeout_ms: 60_000, ..AgentSpec::new("fake", vec!["fake".to_owned()]) };
    let test = TestSpec {
        id: "CP-1".to_owned(),
        title: "log in".to_owned(),
        criteria: vec!["a wrong password is refused".to_owned()],
        verify: None,
        priority: 0,
        depends_on: Vec::new(),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: None,
        last_error: None,
    };
    LoopSpec {
        name: "auth".to_owned(),
        repo: "/repo".to_owned(),
        objective: "Users can log in.".to_owned(),
        tests: vec![test],
        tests_file: None,
        actor: agent.clone(),
        critic: Some(agent),
        stronger: None,
        critic_when: CriticWhen::Always,
        isolation: Isolation::Worktree,
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits: Limits {
            max_iterations: 10,
            max_attempts: 3,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        gates: Vec::new(),
        stuck: crate::loops::core::watch::Policy::default(),
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    }
}
