//! Worktrees, snapshots and diffs beside the `git` program doing the same, in repositories of 1,000 and 50,000 files.
//! Bounds to hold: snapshot with diff at most 1.5 times `git`'s, a new worktree at most 1.1 times; a snapshot with the collisions
//! of twelve runs at most twice one without. On a busy machine compare
//! with `cargo bench --bench git -- --pairs`, which runs the two in turn and prints the ratio.

#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to report to")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use divan::Bencher;
use loopdash::loops::git::{
    AddWorktree, Collide, RepoInfo, TakeSnapshot, Work, Workspace, add, collide, diff, discover, take,
};

const CHANGED: usize = 20;

fn main() {
    if std::env::args().any(|arg| arg == "--pairs") { pairs() } else { divan::main() }
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
