//! The journal's speed: appending, syncing, and replaying 100,000 events beside merely reading the same file.
//!
//! Compare rows of one run with each other; the disk and the machine decide the absolute figures.

#![expect(clippy::expect_used, reason = "a bench that cannot set up its disk has nothing to say")]

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use loopdash::loops::core::event::{
    Admitted, Event, GateFinished, IterationStarted, Record, SnapshotTaken, Spawned, StepFinished, StepStarted,
    Submitted, TestFailed, TestStarted, VerdictReached, WorkspaceReady,
};
use loopdash::loops::core::gate::GateResult;
use loopdash::loops::core::ids::{Millis, RunId, StepId};
use loopdash::loops::core::spec::{AgentSpec, CriticWhen, Isolation, Limits, LoopSpec, Trigger};
use loopdash::loops::core::state::{OBJECTIVE_TEST, RunState};
use loopdash::loops::core::step::{Cause, Exit, StepEnd, StepKind};
use loopdash::loops::core::verdict::{Decision, Finding, Severity, Verdict};
use loopdash::loops::journal::{JournalWriter, RunDir, Store, replay_into};
use std::sync::LazyLock;
use tempfile::TempDir;

const EVENTS: usize = 100_000;

fn main() {
    divan::main();
}

fn run() -> RunId {
    RunId::parse("0192d5a0-1111-7222-8333-444455556666").expect("a fixed id")
}

/// The records of a legal run that never gets done: actor, snapshot, gate and critic, over and over.
fn records(count: usize) -> Vec<Record> {
    (1..)
        .zip(opening().into_iter().chain((1..).flat_map(iteration)).take(count))
        .map(|(seq, event)| Record { seq, at: Millis(1_700_000_000_000 + seq * 40), run: run(), event })
        .collect()
}

fn opening() -> Vec<Event> {
    let ready = WorkspaceReady {
        path: "/home/user/.local/state/worktrees/auth-refactor".to_owned(),
        branch: Some("run/auth-refactor".to_owned()),
        base: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        git_dir: "/home/user/project/.git/worktrees/auth-refactor".to_owned(),
        common_dir: "/home/user/project/.git".to_owned(),
        in_place: false,
        fresh: true,
        included: Vec::new(),
    };
    vec![submitted(), Admitted { slot: 0 }.into(), ready.into()]
}

fn submitted() -> Event {
    let command = vec!["claude".to_owned(), "-p".to_owned()];
    let agent = AgentSpec { timeout_ms: 600_000, ..AgentSpec::new("claude", command) };
    let spec = LoopSpec {
        name: "auth-refactor".to_owned(),
        repo: "/home/user/project".to_owned(),
        objective: "Move the session check into one place.".to_owned(),
        tests: Vec::new(),
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
            max_iterations: u32::MAX,
            max_attempts: u32::MAX,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        gates: Vec::new(),
        stuck: loopdash::loops::core::watch::Policy::default(),
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    };
    let (label, version) = ("auth-refactor".to_owned(), "0.1.0".to_owned());
    Submitted { label, spec: Box::new(spec), trigger: Trigger::Cli, base: None, version, order: 0 }.into()
}

fn iteration(n: u32) -> Vec<Event> {
    let test = || OBJECTIVE_TEST.to_owned();
    let first = n * 4 - 3;
    let mut events =
        vec![TestStarted { test: test(), attempt: n }.into(), IterationStarted { iteration: n, test: test() }.into()];
    let gate = StepKind::Gate("tests".to_owned());
    for (step, kind) in (first..).zip([StepKind::Actor, StepKind::Snapshot, gate, StepKind::Critic]) {
        let step = StepId(step);
        let process = kind != StepKind::Snapshot;
        events.push(started(step, n, kind.clone()));
        if process {
            events.push(Spawned { step, pid: 10_000 + n, start: 123_456_789 }.into());
        }
        events.push(StepFinished { step, end: end(n) }.into());
        match kind {
            StepKind::Snapshot => events.push(snapshot(step)),
            StepKind::Gate(gate) => {
                let outcome = GateResult::Passed;
                events.push(GateFinished::new(step, gate, true, outcome, 4_321).into());
            }
            StepKind::Critic => events.push(VerdictReached { step, verdict: verdict() }.into()),
            _ => {}
        }
    }
    let why = "the critic found 1 blocking point".to_owned();
    events.push(TestFailed { test: test(), attempt: n, why }.into());
    events
}

fn started(step: StepId, iteration: u32, kind: StepKind) -> Event {
    StepStarted {
        step,
        kind,
        iteration,
        agent: Some("claude".to_owned()),
        argv: ["claude", "-p", "--verbose", "--output-format", "stream-json"].map(str::to_owned).to_vec(),
        cwd: "/home/user/.local/state/worktrees/auth-refactor".to_owned(),
        prompt: Some(format!("steps/{step}-actor/prompt.md")),
        guidance: Vec::new(),
    }
    .into()
}

fn snapshot(step: StepId) -> Event {
    SnapshotTaken {
        step,
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        tree: "89abcdef0123456789abcdef0123456789abcdef".to_owned(),
        empty: false,
        parent: Some("fedcba9876543210fedcba9876543210fedcba98".to_owned()),
        files: 12,
        insertions: 340,
        deletions: 57,
        skipped: Vec::new(),
        head: None,
        undone: Vec::new(),
        touched: Vec::new(),
    }
    .into()
}

fn end(n: u32) -> StepEnd {
    StepEnd {
        exit: Some(Exit::Code(0)),
        duration_ms: u64::from(n),
        stdout_bytes: 48_213,
        stderr_bytes: 112,
        lines: 903,
        claim: true,
        ..StepEnd::new(Cause::Natural)
    }
}

fn verdict() -> Verdict {
    Verdict {
        decision: Decision::Continue,
        confidence: Some(0.8),
        summary: "The parser accepts the new form, but the error path still loses the line number.".to_owned(),
        findings: vec![Finding {
            id: "f1".to_owned(),
            severity: Severity::Blocking,
            file: Some("src/parse.rs".to_owned()),
            line: Some(88),
            text: "the error is built before the span is known".to_owned(),
        }],
    }
}

/// A journal of [`EVENTS`] records that lives as long as the program.
struct Written {
    dir: RunDir,
    bytes: u64,
    _root: TempDir,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let root = tempfile::tempdir().expect("a temporary directory");
    let dir = Store::open(root.path()).expect("a store").run_dir(run());
    let mut writer = JournalWriter::create(&dir).expect("a new run");
    for batch in records(EVENTS).chunks(1_000) {
        writer.append(batch).expect("room");
    }
    writer.sync().expect("a disk that syncs");
    Written { dir, bytes: writer.bytes(), _root: root }
});

#[divan::bench]
fn replay_100k(bencher: Bencher<'_, '_>) {
    let written = &*WRITTEN;
    bencher.counter(BytesCount::new(written.bytes)).bench(|| {
        let mut seen = 0_u64;
        let extent = replay_into(&written.dir, |record| seen += record.seq).expect("a whole journal");
        assert_eq!(extent.records as usize, EVENTS);
        seen
    });
}

#[divan::bench]
fn replay_and_fold_100k(bencher: Bencher<'_, '_>) {
    let written = &*WRITTEN;
    bencher.counter(BytesCount::new(written.bytes)).bench(|| {
        let mut state = RunState::new(run());
        replay_into(&written.dir, |record| state.apply(&record)).expect("a whole journal");
        assert_eq!((state.seq as usize, state.refused), (EVENTS, 0));
        state
    });
}

/// The floor: the bytes and their newlines, nothing understood.
#[divan::bench]
fn read_100k_and_find_newlines(bencher: Bencher<'_, '_>) {
    let written = &*WRITTEN;
    bencher.counter(BytesCount::new(written.bytes)).bench(|| {
        let bytes = std::fs::read(written.dir.journal()).expect("the journal");
        memchr::memchr_iter(b'\n', &bytes).count()
    });
}

#[divan::bench(args = [1, 16, 256])]
fn append_batch(bencher: Bencher<'_, '_>, batch: usize) {
    appending(bencher, batch, false);
}

#[divan::bench(args = [1, 16, 256])]
fn append_batch_and_sync(bencher: Bencher<'_, '_>, batch: usize) {
    appending(bencher, batch, true);
}

fn appending(bencher: Bencher<'_, '_>, batch: usize, sync: bool) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let dir = Store::open(root.path()).expect("a store").run_dir(run());
    let mut writer = JournalWriter::create(&dir).expect("a new run");
    let mut records = records(batch);
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        let next = writer.next_seq();
        for (record, seq) in records.iter_mut().zip(next..) {
            record.seq = seq;
        }
        writer.append(&records).expect("room");
        if sync {
            writer.sync().expect("a disk that syncs");
        }
    });
}
