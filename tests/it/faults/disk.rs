//! Faults of disks: full, failing, read-only.

use super::invariants::{Before, assert_acknowledged, assert_told};
use super::matrix::Row;
use super::watched::{Watched, until};
use crate::ground::{Ground, Told, skipped};
use crate::screen::{a_loop, leave, open, with_loops};
use crate::term::Term;
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::step::StepKind;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 4,
        fault: "no space for the journal",
        happens: "the batch is taken back whole and tried again each second, nothing is acted on meanwhile, and the screen \
            says so; when there is room, everything goes on by itself, what was asked for meanwhile included: it is said to be \
            kept. Told to end twice, loopdash waits no longer, and runs end where their journals do. A summary waits the \
            same way, and the next start writes one that is not there. Who would take a run up meanwhile is refused. What agents print meanwhile is kept in memory, the \
            last megabyte of it, for a minute after the agent's end; where more is missing, the transcript and the \
            Timeline say how much. The file system is real where the test, or its copy in a user namespace, may mount one; \
            failpoints try each append there is",
        tests: &[
            "it::faults::disk::row_04_a_full_disk_holds_new_steps_until_there_is_room",
            "it::faults::disk::row_04_a_refused_append_anywhere_is_made_up_for",
            "it::faults::disk::row_04_a_run_on_a_full_disk_is_kept_from_its_first_record_on",
            "it::faults::disk::row_04_loopdash_can_be_left_on_a_full_disk",
            "it::faults::disk::row_04_a_resume_on_a_full_disk_is_refused_with_what_to_do",
            "it::faults::disk::row_04_a_summary_waits_for_room_too",
            "it::faults::disk::row_04_output_that_a_full_disk_loses_is_told",
            "loops::agent::transcript::owed::tests::the_end_is_kept_and_what_is_gone_is_counted",
            "loops::journal::tail::tests::a_full_disk_at_any_call_loses_nothing",
            "loops::journal::append::tests::a_real_file_that_is_full_and_cannot_be_cut_is_not_written_again",
        ],
    },
    Row {
        number: 6,
        fault: "a write or sync of the journal fails",
        happens: "the run is given up with its reason, its agents are stopped, others go on; headless ends with status 2. So \
            it is when the writing panics. \
            Whoever takes the run up again writes the journal over itself and syncs that before going on, as no second sync \
            of the same pages can be trusted. The failure is a failpoint",
        tests: &[
            "it::faults::disk::row_06_a_failed_sync_gives_the_run_up_and_it_can_be_taken_up_again",
            "it::faults::disk::row_06_others_go_on_while_one_is_given_up",
            "it::faults::disk::row_06_a_writer_that_panics_is_a_failure_of_its_run_alone",
            "loops::engine::ledger::tests::what_nobody_can_write_is_not_said_to_be_written",
            "loops::journal::tail::tests::any_other_failure_at_any_call_poisons_and_leaves_no_half_batch",
        ],
    },
    Row {
        number: 31,
        fault: "read-only repository, state directory or home; NFS without locks",
        happens: "refused at the start with the path, before anything of a run is made; looking at runs (`list`, `show`, `log`) still works. On NFS the lock \
            is the server's business: `flock` is emulated since Linux 2.6.12, and a mount without locks is refused \
            with the system's reason. NFS itself has no test",
        tests: &[
            "it::faults::disk::row_31_a_repository_that_cannot_be_written_is_refused_at_the_start",
            "loops::journal::store::tests::a_root_that_cannot_be_written_is_refused_by_name",
            "it::baddays::a_state_directory_that_cannot_be_written_is_named",
            "loops::journal::store::tests::viewing_makes_nothing",
        ],
    },
];

/// A small file system of its own, as long as it is held.
pub(super) struct Small(pub(super) PathBuf);

impl Small {
    /// Mounts one at `place`; `None` where that is not allowed: see [`as_root_of_its_own`].
    pub(super) fn mount(place: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"]).arg(&place);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(place))
    }

    /// Takes all of its room but `left` bytes.
    pub(super) fn fill(&self, left: u64) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[b'x'; 4096]).is_ok() {}
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(left)).unwrap();
        path
    }
}

/// Set for a test that runs in namespaces of its own.
const INSIDE: &str = "LOOPDASH_TEST_NAMESPACE";

/// Runs the test of this name again as the root of a user namespace, where a file system may be mounted, and says loudly
/// where even that is refused.
#[track_caller]
pub(super) fn as_root_of_its_own(test: &str) {
    let mut unshare = Command::new("unshare");
    let refused = |why: &str| {
        skipped(&format!("no file system may be mounted here ({why})"));
    };
    if std::env::var_os(INSIDE).is_some() {
        return refused("nor in a namespace");
    }
    unshare.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    unshare.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    match unshare.output() {
        Ok(output) if output.stdout.is_empty() => refused(String::from_utf8_lossy(&output.stderr).trim()),
        Ok(output) => {
            let said =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
            assert!(output.status.success(), "in a namespace of its own:\n{said}");
            if let Some((_, why)) =
                said.lines().filter(|line| line.starts_with("skipped: ")).find_map(|line| line.split_once(test))
            {
                skipped(why.trim_start_matches([':', ' ']));
            }
        }
        Err(error) => refused(&error.to_string()),
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A dashboard with a fault on demand.
fn faulty(ground: &Ground, fault: &str) -> Term {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", &state), ("LOOPDASH_FAULT", Path::new(fault))];
    Term::start(&["--start-all"], &ground.repo(), &env, (36, 120))
}

/// A shell command that waits for the file `go`, and the file.
fn until_go(ground: &Ground) -> (String, PathBuf) {
    let go = ground.path("go");
    (format!("while [ ! -e '{}' ]; do sleep 0.02; done", go.display()), go)
}

/// The processor time of a loopdash that waits is next to nothing: under 5 % of one processor.
#[track_caller]
pub(super) fn assert_idle(watched: &Watched) {
    let cpu = watched.cpu_during(Duration::from_secs(2));
    assert!(cpu <= Duration::from_millis(100), "{cpu:?} of processor time in 2 s");
}

#[test]
fn row_04_a_full_disk_holds_new_steps_until_there_is_room() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let Some(disk) = Small::mount(ground.path("state"), "1m") else {
        return as_root_of_its_own("faults::disk::row_04_a_full_disk_holds_new_steps_until_there_is_room");
    };
    let (wait, go) = until_go(&ground);
    let last = "and what was said meanwhile, ".repeat(2_000);
    let words = ["say", "working", "sh", &wait, "touch", "x", "say", &last, "claim"];
    let mut loopdash = Watched::start(ground.run_command(&words, &["done", "fine"], &["--json", "--output"]));
    loopdash.says("\"text\":\"working\"");
    let ballast = disk.fill(0);
    std::fs::write(go, "").unwrap();
    loopdash.says("No space left on device");
    let steps = ground.ran().state.steps.len();
    assert_idle(&loopdash);
    assert!(ground.ran().state.steps.len() <= steps + 1, "what could not be journalled was not acted on");
    std::fs::remove_file(ballast).unwrap();
    let told = loopdash.end().exits(0);
    assert_acknowledged(&ground, &told.out);
    let runs = before.holds(&ground);
    // All of what the agent said is there, and its claim was heard.
    let stored = std::fs::read_to_string(runs[0].steps(&StepKind::Actor)[0].join("stdout.log")).unwrap();
    assert!(stored.contains(last.trim()) && stored.ends_with("LOOPDASH_DONE\n"), "{} bytes", stored.len());
    assert_eq!(runs[0].state.iterations.len(), 1);
    let claimed = runs[0].events(|event| match event {
        Event::StepFinished(e) => Some(e.end.claim),
        _ => None,
    });
    assert!(claimed.contains(&true));
}

#[test]
fn row_04_output_that_a_full_disk_loses_is_told() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let Some(disk) = Small::mount(ground.path("state"), "16m") else {
        return as_root_of_its_own("faults::disk::row_04_output_that_a_full_disk_loses_is_told");
    };
    let (wait, go) = until_go(&ground);
    let words = ["say", "working", "sh", &wait, "touch", "x", "flood", "4", "claim"];
    let mut loopdash = Watched::start(ground.run_command(&words, &["done", "fine"], &["--output"]));
    loopdash.says("working");
    let ballast = disk.fill(0);
    std::fs::write(go, "").unwrap();
    loopdash.says("No space left on device");
    assert_idle(&loopdash);
    std::fs::remove_file(ballast).unwrap();
    let told = loopdash.end().exits(0);
    assert!(told.out.contains("bytes of output were not stored"), "{}", told.err);
    let runs = before.holds(&ground);
    let dir = &runs[0].steps(&StepKind::Actor)[0];
    let (out, err) = (std::fs::read(dir.join("stdout.log")).unwrap(), std::fs::read(dir.join("stderr.log")).unwrap());
    assert!(out.ends_with(b"LOOPDASH_DONE\n"), "the end of it is kept");
    assert!(String::from_utf8_lossy(&err).contains("bytes of output were not stored"), "the transcript says where");
}

/// `loopdash run` with a fault on demand.
pub(super) fn with_fault(ground: &Ground, fault: &str) -> Told {
    let mut command = ground.run_command(&["touch", "x"], &["done", "fine"], &["--json"]);
    Told::from(command.env("LOOPDASH_FAULT", fault).output().unwrap())
}

/// More appends than any of these runs makes.
const APPENDS: usize = 100;

#[test]
fn row_04_a_refused_append_anywhere_is_made_up_for() {
    // Whether the run made that many appends at all.
    let refused = |time: usize| {
        let ground = Ground::new();
        let before = Before::of(&ground);
        let told = with_fault(&ground, &format!("enospc:journal.append@{time}")).exits(0);
        assert_acknowledged(&ground, &told.out);
        let runs = before.holds(&ground);
        assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))), "append {time}");
        told.err.contains("No space left on device")
    };
    let mut times = (1..APPENDS).peekable();
    let mut last = 0;
    while let Some(first) = times.next() {
        let together: Vec<usize> = std::iter::once(first).chain(times.by_ref().take(3)).collect();
        let met: Vec<bool> = std::thread::scope(|scope| {
            let runs: Vec<_> = together.iter().map(|time| scope.spawn(move || refused(*time))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        last += met.iter().filter(|met| **met).count();
        if met.contains(&false) {
            assert!(met.windows(2).all(|pair| pair[0] || !pair[1]), "no append is passed over: {met:?} from {first}");
            break;
        }
    }
    // The run's records come in more batches than this.
    assert!((8..APPENDS - 1).contains(&last), "{last} appends");
}

/// The command in a mount namespace in which `path` is read-only, for root as for everybody.
fn with_read_only(path: &Path, command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    let root = rustix::process::geteuid().is_root();
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    wrapped.arg(if root { "-m" } else { "-rm" }).args(["sh", "-c", script]).arg(path).arg(command.get_program());
    wrapped.args(command.get_args()).env_clear().stdin(Stdio::null());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.current_dir("/");
    wrapped
}

#[test]
fn row_31_a_repository_that_cannot_be_written_is_refused_at_the_start() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let repo = ground.repo();
    let mut command = ground.run_command(&["touch", "x", "claim"], &[], &[]);
    let in_repo = format!("cd '{}' && exec \"$0\" \"$@\"", repo.display());
    // It is entered after it became read-only: a directory held from before would still be writable.
    let mut shell = Command::new("sh");
    shell.args(["-c", &in_repo]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let tried = with_read_only(&repo, &shell).output().unwrap();
    let mounted = !String::from_utf8_lossy(&tried.stderr).contains("unshare:")
        && !String::from_utf8_lossy(&tried.stderr).contains("mount:");
    let told = if mounted {
        Told::from(tried)
    } else {
        assert!(!rustix::process::geteuid().is_root(), "root writes everywhere, and nothing can be mounted: {tried:?}");
        let dot_git = repo.join(".git");
        let mode = |mode| std::fs::set_permissions(&dot_git, std::os::unix::fs::PermissionsExt::from_mode(mode));
        mode(0o555).unwrap();
        let told = Told::from(command.output().unwrap());
        mode(0o755).unwrap();
        told
    };
    let told = assert_told(told, 65, "cannot be written", "mount it writable");
    assert!(told.err.contains("/shop/.git"), "{}", told.err);
    assert!(ground.runs().is_empty(), "nothing was begun");
    before.holds(&ground);
}

#[test]
fn row_04_a_run_on_a_full_disk_is_kept_from_its_first_record_on() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let told = with_fault(&ground, "enospc:journal.append@1").exits(0);
    assert!(told.err.contains("kept; it waits for room on the disk"), "{}", told.err);
    assert!(!told.err.contains("could not be journalled"), "{}", told.err);
    assert_acknowledged(&ground, &told.out);
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_04_loopdash_can_be_left_on_a_full_disk() {
    let ground = with_loops(&[a_loop("stuck", &["say", "at work", "hang"])]);
    let before = Before::of(&ground);
    let mut term = faulty(&ground, "enospc:journal.append@8+");
    term.see("at work").await;
    term.keys("q").await;
    term.see("Leave loopdash?").await;
    term.answer("p", "Leave loopdash?").await;
    term.see("no room for").await;
    term.see_words("No space left on device").await;
    term.keys("q").await;
    term.ended().await;
    let runs = before.holds_on(&ground, &term).await;
    assert!(!runs[0].state.is_finished(), "it ends where its journal does");
    drop(term);
    let mut term = open(&ground, &[]);
    term.see("1 interrupted loop").await;
    term.answer("\x1b", "1 interrupted loop").await;
    leave(&mut term).await;
}

#[test]
fn row_04_a_resume_on_a_full_disk_is_refused_with_what_to_do() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let Some(disk) = Small::mount(ground.path("state"), "1m") else {
        return as_root_of_its_own("faults::disk::row_04_a_resume_on_a_full_disk_is_refused_with_what_to_do");
    };
    let told = ground.run(&["touch", "x"], &[], &["--gate", "true", "--max-iterations", "1"]).exits(1);
    assert!(told.err.contains("all 1 iterations are used; `loopdash resume make-a-note`"), "{}", told.err);
    let journal = ground.ran().dir.journal();
    let ballast = disk.fill(0);
    let bytes = std::fs::read(&journal).unwrap();
    let told = ground.loopdash(&["resume", "make-a-note", "--headless"]);
    let told = told.exits(65);
    let why =
        told.err.lines().find(|line| line.starts_with("loopdash: make-a-note cannot go on: ")).unwrap_or_default();
    assert!(why.contains("No space left on device") && why.contains("; free some space"), "{}", told.err);
    assert!(std::fs::read(&journal).unwrap() == bytes, "not a byte of it was changed");
    // Looking at it needs no room.
    assert!(ground.loopdash(&["show", "make-a-note"]).exits(0).out.contains("exhausted"));
    std::fs::remove_file(ballast).unwrap();
    // With as many iterations again, in which its agent claims no more than before.
    ground.loopdash(&["resume", "make-a-note", "--headless"]).exits(1);
    assert_eq!(before.holds(&ground)[0].state.iterations.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_04_a_summary_waits_for_room_too() {
    let ground = with_loops(&[a_loop("quick", &["touch", "x", "claim"])]);
    let before = Before::of(&ground);
    let mut term = faulty(&ground, "enospc:summary@1");
    term.see("its summary is not written").await;
    let summary = ground.ran().dir.summary();
    until("there is room", || summary.exists());
    term.gone("its summary is not written").await;
    leave(&mut term).await;
    before.holds_on(&ground, &term).await;
    // One that could not be written before the end is written by the next start.
    std::fs::remove_file(&summary).unwrap();
    let mut term = open(&ground, &[]);
    until("the summary is there again", || summary.exists());
    leave(&mut term).await;
}

#[test]
fn row_06_a_failed_sync_gives_the_run_up_and_it_can_be_taken_up_again() {
    std::thread::scope(|scope| {
        for time in [2, 3, 6, 9] {
            scope.spawn(move || {
                let ground = Ground::new();
                let before = Before::of(&ground);
                let told = with_fault(&ground, &format!("eio:journal.sync@{time}"));
                let told = assert_told(told, 2, "Input/output error", "`loopdash resume` goes on");
                assert_acknowledged(&ground, &told.out);
                let suspect = ground.ran().dir.suspect();
                assert!(suspect.exists());
                ground.ran().assert_gone();
                ground.loopdash(&["resume", "--headless"]).exits(0);
                assert!(!suspect.exists(), "its bytes were written anew");
                let runs = before.holds(&ground);
                assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))), "sync {time}");
                assert_eq!(runs[0].state.iterations.len(), 1);
            });
        }
    });
    // The first is that of the submission: it is refused, and nothing has begun.
    let ground = Ground::new();
    assert_told(with_fault(&ground, "eio:journal.sync@1"), 65, "could not be journalled", "`loopdash resume`");
    until("nothing runs", || ground.runs().iter().all(|ran| ran.state.steps.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_06_others_go_on_while_one_is_given_up() {
    let quick = ["touch", "x", "claim"];
    let ground = with_loops(&[a_loop("one", &quick), a_loop("two", &quick)]);
    let before = Before::of(&ground);
    let mut term = faulty(&ground, "eio:journal.sync@7");
    term.see("1 done").await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    let done = |ran: &&crate::ground::Ran| matches!(ran.state.outcome, Some((Outcome::Done, _)));
    assert_eq!(runs.iter().filter(done).count(), 1);
    let given_up: Vec<_> = runs.iter().filter(|ran| !done(ran)).collect();
    assert!(given_up.len() == 1 && given_up[0].dir.suspect().exists());
}

#[test]
fn row_06_a_writer_that_panics_is_a_failure_of_its_run_alone() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let told = assert_told(
        with_fault(&ground, "panic:journal.append@5"),
        2,
        "writing its journal panicked, see the log",
        "`loopdash resume` goes on",
    );
    assert_acknowledged(&ground, &told.out);
    ground.ran().assert_gone();
    ground.loopdash(&["resume", "--headless"]).exits(0);
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))));
}
