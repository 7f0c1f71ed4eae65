//! Worktrees, snapshots and diffs beside the `git` program doing the same, in repositories of 1,000 and 50,000 files.
//! Bounds to hold: snapshot with diff at most 1.5 times `git`'s, a new worktree at most 1.1 times; a snapshot with the collisions
//! of twelve runs at most twice one without; all that is worked out of an iteration at most twice its snapshot. On a busy machine
//! compare with `cargo bench --bench git -- --pairs`, which runs the two in turn and prints the ratio; `-- --iteration` runs only
//! the last.

#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to report to")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use divan::Bencher;
use loopdash::loops::agent::transcript::Transcript;
use loopdash::loops::core::event::{
    Admitted, Event, IterationStarted, Record, SnapshotTaken, StepFinished, StepStarted, Submitted, TestFailed,
    TestStarted,
};
use loopdash::loops::core::ids::{Millis, RunId, StepId};
use loopdash::loops::core::spec::{AgentSpec, Limits, LoopSpec, Trigger};
use loopdash::loops::core::state::{OBJECTIVE_TEST, RunState};
use loopdash::loops::core::step::{Cause, Exit, StepEnd, StepKind};
use loopdash::loops::core::watch;
use loopdash::loops::engine::workshop::evidence::{Look, failure_digest};
use loopdash::loops::engine::workshop::weighing::weigh;
use loopdash::loops::git::{
    AddWorktree, Collide, RepoInfo, TakeSnapshot, Work, Workspace, add, collide, diff, discover, take,
};

const CHANGED: usize = 20;

fn main() {
    let asked = |name: &str| std::env::args().any(|arg| arg == name);
    match (asked("--pairs"), asked("--iteration")) {
        (true, _) => pairs(),
        (_, true) => iterations(),
        _ => divan::main(),
    }
}

/// What an iteration costs beside its snapshot alone: what the last two changed, and since the base, for evidence and weighing;
/// the digest of a failed gate; the signals; and what it collides with.
fn iterations() {
    for (files, rounds) in [(1_000, 41), (50_000, 21)] {
        let bed = bed(files);
        // One that changed the same files.
        let other = bed.works().1.remove(1);
        let (gate, run) = (bed.gate_output(), watched());
        let mut last = [bed.commit(None), bed.commit(None)];
        ratio(&format!("iteration and snapshot, {files} files"), rounds, |whole| {
            bed.change();
            let began = Instant::now();
            let now = bed.commit(Some(&last[1]));
            if whole {
                bed.work_out(&last, &now, &gate, &run, &other);
            }
            let took = began.elapsed();
            last = [std::mem::take(&mut last[1]), now];
            took
        });
    }
}

/// A run whose last twelve iterations each left something else, which is as far as signals look back.
fn watched() -> RunState {
    let id = RunId::new(uuid::Uuid::nil());
    let mut run = RunState::new(id);
    let mut put = |event: Event| {
        let seq = run.seq + 1;
        run.apply(&Record { seq, at: Millis(seq * 1_000), run: id, event });
    };
    let actor = AgentSpec::new("a", vec!["a".to_owned()]);
    let limits = Limits {
        max_iterations: 20,
        max_attempts: 20,
        wall_clock_ms: None,
        tokens: None,
        micro_usd: None,
        iterations: None,
    };
    let spec = LoopSpec {
        name: "bench".to_owned(),
        repo: "/r".to_owned(),
        objective: "Get somewhere.".to_owned(),
        tests: Vec::new(),
        tests_file: None,
        critic: None,
        actor,
        stronger: None,
        critic_when: Default::default(),
        isolation: Default::default(),
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits,
        context_files: Vec::new(),
        setup: None,
        gates: Vec::new(),
        stuck: watch::Policy::default(),
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    };
    let (label, version) = ("bench".to_owned(), "0".to_owned());
    put(Submitted { label, spec: Box::new(spec), trigger: Trigger::Cli, base: None, version, order: 0 }.into());
    put(Admitted { slot: 0 }.into());
    for iteration in 1..=12 {
        put(TestStarted { test: OBJECTIVE_TEST.to_owned(), attempt: iteration }.into());
        put(IterationStarted { iteration, test: OBJECTIVE_TEST.to_owned() }.into());
        for (step, kind) in [(iteration * 2, StepKind::Actor), (iteration * 2 + 1, StepKind::Snapshot)] {
            let (step, snapshot) = (StepId(step), kind == StepKind::Snapshot);
            let (agent, argv, cwd) = (None, Vec::new(), "/r".to_owned());
            put(StepStarted { step, kind, iteration, agent, argv, cwd, prompt: None, guidance: Vec::new() }.into());
            if snapshot {
                let commit = format!("{iteration:040}");
                let tree = commit.clone();
                let (skipped, undone, touched) = (Vec::new(), Vec::new(), Vec::new());
                let (empty, parent, head, files, insertions, deletions) = (false, None, None, 20, 20, 20);
                put(SnapshotTaken {
                    step,
                    commit,
                    tree,
                    empty,
                    parent,
                    files,
                    insertions,
                    deletions,
                    skipped,
                    head,
                    undone,
                    touched,
                }
                .into());
            }
            let end = StepEnd { exit: Some(Exit::Code(0)), ..StepEnd::new(Cause::Natural) };
            put(StepFinished { step, end }.into());
        }
        put(TestFailed { test: OBJECTIVE_TEST.to_owned(), attempt: iteration, why: "not yet".to_owned() }.into());
    }
    assert_eq!((run.iterations.len(), run.refused), (12, 0));
    run
}

/// Each round runs both, so that other work on the machine slows them alike.
fn pairs() {
    for (files, rounds) in [(1_000, 41), (50_000, 21)] {
        let bed = bed(files);
        ratio(&format!("snapshot and diff, {files} files"), rounds, |ours| {
            bed.change();
            let began = Instant::now();
            if ours {
                bed.snapshot()
            } else {
                bed.snapshot_by_git()
            };
            began.elapsed()
        });
    }
    for (files, rounds) in [(1_000, 41), (50_000, 21)] {
        let bed = bed(files);
        let (mine, others) = bed.works();
        // In the place of git's part stands a snapshot: what it costs to be told of collisions after one.
        ratio(&format!("collisions and snapshot, {files} files"), rounds, |both| {
            bed.change();
            let began = Instant::now();
            bed.snapshot();
            if both {
                bed.collisions(&mine, &others);
            }
            began.elapsed()
        });
    }
    iterations();
    // After the others, and both at the same path: where many files were just deleted, ext4 is slow to make new ones.
    for (files, rounds) in [(1_000, 21), (50_000, 5)] {
        let bed = bed(files);
        ratio(&format!("worktree add, {files} files"), rounds, |ours| {
            let began = Instant::now();
            let made = if ours { bed.worktree() } else { bed.worktree_by_git() };
            let took = began.elapsed();
            drop(made);
            took
        });
    }
}

fn ratio(what: &str, rounds: usize, mut once: impl FnMut(bool) -> Duration) {
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // The first of a pair meets colder caches; take turns.
        let first = once(round % 2 == 0);
        let second = once(round % 2 != 0);
        let (our, their) = if round % 2 == 0 { (first, second) } else { (second, first) };
        ours.push(our.as_secs_f64() * 1e3);
        theirs.push(their.as_secs_f64() * 1e3);
        ratios.push(our.as_secs_f64() / their.as_secs_f64());
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (ours, theirs, ratio) = (median(&mut ours), median(&mut theirs), median(&mut ratios));
    println!("{what:<34} loopdash {ours:>9.1} ms   git {theirs:>9.1} ms   median ratio {ratio:.2}");
}

/// A repository with a worktree on it.
struct Bed {
    place: tempfile::TempDir,
    repo: RepoInfo,
    workspace: Workspace,
    files: usize,
}

static SMALL: LazyLock<Bed> = LazyLock::new(|| Bed::new(1_000));
static LARGE: LazyLock<Bed> = LazyLock::new(|| Bed::new(50_000));

fn bed(files: usize) -> &'static Bed {
    if files == 1_000 { &SMALL } else { &LARGE }
}

fn git(directory: &Path, index: Option<&Path>, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.current_dir(directory).args(["-c", "gc.auto=0", "-c", "user.name=b", "-c", "user.email=b@localhost"]);
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn file(number: usize) -> PathBuf {
    format!("d{:03}/s{}/file{number:05}.txt", number / 100, number % 4).into()
}

impl Bed {
    fn new(files: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("project");
        for number in 0..files {
            let path = root.join(file(number));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let lines: Vec<_> = (0..40).map(|line| format!("file {number} line {line}\n")).collect();
            std::fs::write(path, lines.concat()).unwrap();
        }
        git(&root, None, &["init", "-q", "-b", "main"]);
        git(&root, None, &["add", "-A"]);
        git(&root, None, &["commit", "-q", "-m", "start"]);
        git(&root, None, &["repack", "-a", "-d", "-q"]);
        let repo = discover(&root).unwrap();
        let workspace = add(&wish(&repo, place.path().join("worktree"))).unwrap();
        Self { place, repo, workspace, files }
    }

    /// Changes files in a way that was not seen before.
    fn change(&self) {
        let round = ROUND.fetch_add(1, Ordering::Relaxed);
        for number in 0..CHANGED {
            let path = self.workspace.path.join(file(number * self.files / CHANGED));
            let lines: Vec<_> = (0..40).map(|line| format!("round {} line {line}\n", round * (line % 7))).collect();
            std::fs::write(path, lines.concat()).unwrap();
        }
    }

    fn snapshot(&self) {
        let snapshot =
            take(&TakeSnapshot { workspace: self.workspace.clone(), leaf: "1".to_owned(), parent: None }).unwrap();
        assert_eq!(snapshot.files, CHANGED);
        let Workspace { common_dir, base, .. } = &self.workspace;
        assert_eq!(diff::between(common_dir, base, &snapshot.commit).unwrap().files.len(), CHANGED);
    }

    /// A snapshot alone.
    fn commit(&self, parent: Option<&str>) -> String {
        let (workspace, parent) = (self.workspace.clone(), parent.map(str::to_owned));
        let snapshot = take(&TakeSnapshot { workspace, leaf: "1".to_owned(), parent }).unwrap();
        assert!(snapshot.files <= CHANGED);
        snapshot.commit
    }

    /// A step directory with what a gate printed.
    fn gate_output(&self) -> PathBuf {
        let dir = self.place.path().join("gate");
        std::fs::create_dir_all(&dir).unwrap();
        let lines: Vec<_> =
            (0..5_000).map(|line| format!("test module::case_{line} ... FAILED in 0.{line}s\n")).collect();
        std::fs::write(dir.join("stdout.log"), lines.concat()).unwrap();
        dir
    }

    /// All that is worked out of an iteration but its snapshot.
    fn work_out(&self, last: &[String; 2], now: &str, gate: &Path, run: &RunState, other: &Work) {
        let Workspace { common_dir, base, .. } = &self.workspace;
        let [before, last] = last.clone();
        let look = Look { common_dir: common_dir.clone(), before, last, now: now.to_owned(), places: Vec::new() };
        assert!(look.evidence().unwrap().undone.is_empty());
        assert!(weigh(common_dir, (base, now), &[]).unwrap().is_empty());
        assert!(failure_digest(&Transcript::open(gate)).is_some());
        assert!(watch::look(run).is_empty());
        let mine = Work { base: base.clone(), commit: now.to_owned() };
        let wish = Collide { common_dir: common_dir.clone(), mine, others: vec![other.clone()], target: None };
        let (meetings, landing) = collide(&wish).unwrap();
        assert!(meetings.len() == 1 && landing.unwrap().meeting.is_empty());
    }

    /// The work of a run, and that of eleven others: half of them changed files of its.
    fn works(&self) -> (Work, Vec<Work>) {
        let mut works: Vec<Work> = (0..12)
            .map(|run| {
                for number in 0..CHANGED {
                    let shift = if run % 2 == 0 { 0 } else { run };
                    let path = self.workspace.path.join(file(number * self.files / CHANGED + shift));
                    let lines: Vec<_> = (0..40).map(|line| format!("run {} line {line}\n", run * (line % 3))).collect();
                    std::fs::write(path, lines.concat()).unwrap();
                }
                let leaf = format!("work-{run}");
                let taken = take(&TakeSnapshot { workspace: self.workspace.clone(), leaf, parent: None }).unwrap();
                git(&self.workspace.path, None, &["checkout", "-q", "--", "."]);
                Work { base: self.workspace.base.clone(), commit: taken.commit }
            })
            .collect();
        (works.remove(0), works)
    }

    fn collisions(&self, mine: &Work, others: &[Work]) {
        let common_dir = self.workspace.common_dir.clone();
        let wish = Collide { common_dir, mine: mine.clone(), others: others.to_vec(), target: None };
        let (meetings, landing) = collide(&wish).unwrap();
        assert_eq!(meetings.iter().filter(|meeting| meeting.stops()).count(), 5);
        assert!(landing.unwrap().meeting.is_empty());
    }

    fn snapshot_by_git(&self) {
        let Workspace { path, git_dir, base, .. } = &self.workspace;
        let index = self.place.path().join("index");
        std::fs::copy(git_dir.join("index"), &index).unwrap();
        git(path, Some(&index), &["add", "-A"]);
        let tree = String::from_utf8(git(path, Some(&index), &["write-tree"])).unwrap();
        git(path, None, &["diff-tree", "-r", "-p", base, tree.trim()]);
    }

    fn worktree(&'static self) -> Made {
        Made(self, add(&wish(&self.repo, self.place.path().join("added"))).unwrap().path)
    }

    fn worktree_by_git(&'static self) -> Made {
        let (path, number) = (self.place.path().join("added"), ROUND.fetch_add(1, Ordering::Relaxed));
        let branch = format!("by-git-{number}");
        git(&self.repo.root, None, &["worktree", "add", "-q", "-b", &branch, path.to_str().unwrap()]);
        Made(self, path)
    }
}

static ROUND: AtomicUsize = AtomicUsize::new(1);

/// A worktree that goes away again, outside the measured time.
struct Made(&'static Bed, PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        git(&self.0.repo.root, None, &["worktree", "remove", "--force", self.1.to_str().unwrap()]);
    }
}

fn wish(repo: &RepoInfo, path: PathBuf) -> AddWorktree {
    AddWorktree {
        repo: repo.clone(),
        base: None,
        slug: "bench".to_owned(),
        branch: None,
        path,
        run: "bench".to_owned(),
    }
}

#[divan::bench(args = [1_000, 50_000], sample_count = 15, sample_size = 1)]
fn snapshot_and_diff(bencher: Bencher<'_, '_>, files: usize) {
    let bed = bed(files);
    bencher.with_inputs(|| bed.change()).bench_local_values(|()| bed.snapshot());
}

#[divan::bench(args = [1_000, 50_000], sample_count = 15, sample_size = 1)]
fn snapshot_and_diff_by_git(bencher: Bencher<'_, '_>, files: usize) {
    let bed = bed(files);
    bencher.with_inputs(|| bed.change()).bench_local_values(|()| bed.snapshot_by_git());
}

#[divan::bench(args = [1_000, 50_000], sample_count = 7, sample_size = 1)]
fn worktree_add(bencher: Bencher<'_, '_>, files: usize) {
    bencher.bench_local(|| bed(files).worktree());
}

#[divan::bench(args = [1_000, 50_000], sample_count = 7, sample_size = 1)]
fn worktree_add_by_git(bencher: Bencher<'_, '_>, files: usize) {
    bencher.bench_local(|| bed(files).worktree_by_git());
}
