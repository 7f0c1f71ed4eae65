//! The journal's speed: appending, syncing, and replaying 100,000 events beside merely reading the same file.
//!
//! Compare rows of one run with each other; the disk and the machine decide the absolute figures.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use loopdash::loops::core::event::{
    Event, GateFinished, Guidance, IterationStarted, Record, SnapshotTaken, Spawned, StepFinished, StepStarted,
    VerdictReached, When,
};
use loopdash::loops::core::gate::GateResult;
use loopdash::loops::core::ids::{Millis, RunId, StepId, Who};
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

/// The records of iterations as they come: actor, snapshot, gate, critic.
fn records(count: usize) -> Vec<Record> {
    (1..=count as u64)
        .map(|seq| Record { seq, at: Millis(1_700_000_000_000 + seq * 40), run: run(), event: event(seq as u32) })
        .collect()
}

fn event(n: u32) -> Event {
    let step = StepId(n / 3);
    match n % 12 {
        0 => IterationStarted { iteration: n / 12, test: "CP-SPEC-005".to_owned() }.into(),
        1 | 4 | 7 => StepStarted {
            step,
            kind: StepKind::Actor,
            iteration: n / 12,
            agent: Some("claude".to_owned()),
            argv: ["claude", "-p", "--verbose", "--output-format", "stream-json"].map(str::to_owned).to_vec(),
            cwd: "/home/user/.local/state/worktrees/auth-refactor".to_owned(),
            prompt: Some(format!("steps/{step}-actor/prompt.md")),
            guidance: Vec::new(),
        }
        .into(),
        2 | 5 | 8 => Spawned { step, pid: 10_000 + n, start: 123_456_789 }.into(),
        3 | 6 => StepFinished { step, end: end(n) }.into(),
        9 => SnapshotTaken {
            step,
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            tree: "89abcdef0123456789abcdef0123456789abcdef".to_owned(),
            empty: false,
            parent: Some("fedcba9876543210fedcba9876543210fedcba98".to_owned()),
            files: 12,
            insertions: 340,
            deletions: 57,
            skipped: Vec::new(),
        }
        .into(),
        10 => {
            let outcome = GateResult::Failed { exit: Exit::Code(101) };
            GateFinished { step, gate: "tests".to_owned(), required: true, outcome, duration_ms: 4_321 }.into()
        }
        _ if n.is_multiple_of(24) => {
            let text = "keep the public signature as it is".to_owned();
            Guidance { id: n, text, when: When::Next, who: Who::Operator }.into()
        }
        _ => VerdictReached { step, verdict: verdict() }.into(),
    }
}

fn end(n: u32) -> StepEnd {
    StepEnd {
        exit: Some(Exit::Code(0)),
        cause: Cause::Natural,
        duration_ms: u64::from(n),
        stdout_bytes: 48_213,
        stderr_bytes: 112,
        lines: 903,
        left_behind: Vec::new(),
        usage: None,
        error: None,
        claim: true,
        question: None,
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
