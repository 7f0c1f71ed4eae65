//! `kill -9` at random moments of a running fleet, again and again, until every run has come to its end.
//!
//! `LOOPDASH_KILLS` says how many; the moments come from `LOOPDASH_SEED`, which is printed.

use crate::ground::{Ground, Ran, agent};
use crate::number;
use loopdash::loops::agent::tree;
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::step::StepKind;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Runs at once.
const FLEET: usize = 3;
/// A fleet is let run to its end after so many kills.
const KILLS_A_FLEET: u32 = 10;

/// Longer than a fleet takes on a busy machine; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Moments by chance, the same for the same seed (the xorshift of Marsaglia, 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// A repository with two work items, and a `run` on it: the same work gives the same files, however often it is begun.
fn prepared() -> Ground {
    let ground = Ground::new();
    let tests = r#"{"version":1,"tests":[{"id":"A","title":"a"},{"id":"B","title":"b"}]}"#;
    ground.write("tests.json", tests);
    ground.commit("tests");
    ground
}

fn run(ground: &Ground) -> Command {
    let work = "sleep 0.03; echo half >$LOOPDASH_TEST.txt; sleep 0.03; echo whole >$LOOPDASH_TEST.txt";
    let critic = agent(&["sh", "sleep 0.03", "done", "fine"]);
    let actor = agent(&["sh", work, "claim"]);
    let gate = "sleep 0.02; grep -q whole $LOOPDASH_TEST.txt";
    let mut args = vec!["run", "--json", "-p", "Make notes.", "--actor", &actor, "--critic", &critic];
    args.extend(["--tests", "tests.json", "--gate", gate]);
    ground.command(&args)
}

/// A loopdash whose acknowledged records go to a file, and its complaints to another.
struct Killable {
    child: Child,
    out: tempfile::NamedTempFile,
    err: tempfile::NamedTempFile,
}

/// What a loopdash said until its end.
struct Said {
    code: Option<i32>,
    acknowledged: String,
    complaints: String,
}

impl Killable {
    fn start(mut command: Command) -> Self {
        let file = || tempfile::NamedTempFile::new().unwrap();
        let (out, err) = (file(), file());
        let child = command.stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap()).spawn().unwrap();
        Self { child, out, err }
    }

    /// Kills it; what it had acknowledged by then.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said(None).acknowledged
    }

    /// Waits for its end. One that does not come is told with all that can be seen of it from outside.
    fn end(mut self) -> Said {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.said(status.code());
            }
            if Instant::now() > deadline {
                let seen = seen_of(self.child.id());
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                let Said { acknowledged, complaints, .. } = self.said(None);
                panic!("never ended\n{seen}\n{acknowledged}\n{complaints}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn said(&self, code: Option<i32>) -> Said {
        let text = |file: &tempfile::NamedTempFile| std::fs::read_to_string(file.path()).unwrap();
        Said { code, acknowledged: text(&self.out), complaints: text(&self.err) }
    }
}

/// What each thread of a process waits for, and the processes below it.
fn seen_of(pid: u32) -> String {
    let mut seen = String::new();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks.map(|entry| entry.path()) {
        let read = |name: &str| std::fs::read_to_string(task.join(name)).unwrap_or_default();
        seen.push_str(&format!("{} {} {}\n", read("comm").trim(), read("wchan"), read("syscall").trim()));
    }
    for proc in tree::descendants(pid) {
        seen.push_str(&format!("{proc:?}\n"));
    }
    seen
}

/// Keeps the state directory of a failed test, to be looked into.
struct Evidence<'a>(&'a Ground);

impl Drop for Evidence<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kills-{}", std::process::id()));
            let copied = Command::new("cp").arg("-r").arg(self.0.path("state")).arg(&place).status();
            eprintln!("its state: {} ({copied:?})", place.display());
        }
    }
}

/// What a run comes to, apart from when and where.
pub(super) fn outcome(ran: &Ran) -> (Option<Outcome>, (usize, usize), usize, Option<String>) {
    let tree = ran.state.last_snapshot().map(|snapshot| snapshot.tree.clone());
    (ran.state.outcome.as_ref().map(|(outcome, _)| *outcome), ran.state.progress(), ran.state.iterations.len(), tree)
}

/// No step that ended well has another one of its kind in its iteration.
#[track_caller]
pub(super) fn assert_nothing_repeated(ran: &Ran) {
    let mut ends: BTreeMap<(u32, String), u32> = BTreeMap::new();
    for record in &ran.records {
        let Event::StepFinished(end) = &record.event else { continue };
        let step = ran.state.step(end.step).unwrap();
        if step.kind != StepKind::Worktree && end.end.ok() {
            *ends.entry((step.iteration, step.kind.slug())).or_default() += 1;
        }
    }
    assert!(ends.values().all(|times| *times == 1), "a finished step was repeated: {ends:?}");
}

#[track_caller]
fn assert_kept(ground: &Ground, acknowledged: &str) {
    let journals: Vec<String> =
        ground.runs().iter().map(|ran| std::fs::read_to_string(ran.dir.journal()).unwrap()).collect();
    // The last line may be half printed: then nobody has read it as acknowledged.
    for line in acknowledged.split_inclusive('\n').filter(|line| line.ends_with("}\n") && line.starts_with("{\"v\":")) {
        let body = line.trim_end().strip_suffix('}').unwrap();
        assert!(journals.iter().any(|journal| journal.contains(body)), "acknowledged and lost: {line}");
    }
}

#[test]
fn row_01_kills_at_random_moments_lose_and_repeat_nothing() {
    let kills = number("LOOPDASH_KILLS", 200);
    let seed = number("LOOPDASH_SEED", u64::from(std::process::id()) | 1);
    eprintln!("{kills} kills, LOOPDASH_SEED={seed}");
    let mut chance = Chance(seed);
    let undisturbed = prepared();
    assert_eq!(Killable::start(run(&undisturbed)).end().code, Some(0));
    let expected = outcome(&undisturbed.ran());
    let mut done = 0;
    while done < kills {
        let ground = prepared();
        let _evidence = Evidence(&ground);
        let mut acknowledged = String::new();
        let fleet: Vec<Killable> = (0..FLEET).map(|_| Killable::start(run(&ground))).collect();
        std::thread::sleep(Duration::from_millis(chance.below(500)));
        for one in fleet {
            acknowledged.push_str(&one.kill());
            done += 1;
        }
        for _ in 0..KILLS_A_FLEET {
            let all = Killable::start(ground.command(&["resume", "--all", "--json"]));
            std::thread::sleep(Duration::from_millis(chance.below(700)));
            acknowledged.push_str(&all.kill());
            done += 1;
        }
        let last = Killable::start(ground.command(&["resume", "--all", "--json"])).end();
        let told = format!("seed {seed}: {}\n{}", last.acknowledged, last.complaints);
        assert_eq!(last.code, Some(0), "{told}");
        acknowledged.push_str(&last.acknowledged);
        assert_kept(&ground, &acknowledged);
        // A loopdash that was killed before its submission was durable has left no run.
        for ran in ground.runs().iter().filter(|ran| ran.state.spec.is_some()) {
            assert_eq!(outcome(ran), expected, "{told}\n{:#?}", ran.records);
            assert_eq!(ran.state.refused, 0);
            assert_nothing_repeated(ran);
            ran.assert_gone();
        }
        // The list of work items is the one file of the checkout that loopdash writes.
        assert!(matches!(ground.git(&["status", "--porcelain"]).as_str(), "" | "M tests.json"));
    }
}
