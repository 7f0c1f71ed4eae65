//! Children that misbehave in every way we know, under the real supervisor and the real shim.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use loopdash::loops::agent::transcript::{Stream, Transcript};
use loopdash::loops::agent::{
    Cause, Ended, Exit, Input, Ladder, Launch, Running, SpawnError, Supervisor, survivors, tree,
};
use tokio::sync::OnceCell;

/// Longer than anything here takes on a busy machine; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// One supervisor for all tests, as in the real program, on a runtime that no single test owns.
async fn supervisor() -> &'static Supervisor {
    static ONE: OnceCell<Supervisor> = OnceCell::const_new();
    ONE.get_or_init(|| async { Supervisor::new(PathBuf::from(env!("CARGO_BIN_EXE_loopdash"))).unwrap() }).await
}

/// A step of a run of its own, in a directory of its own.
pub(super) struct Bench {
    root: tempfile::TempDir,
    run: String,
}

impl Bench {
    pub(super) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let run = format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { root: tempfile::tempdir().unwrap(), run }
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn launch(&self, argv: &[&str]) -> Launch {
        Launch {
            argv: argv.iter().map(OsString::from).collect(),
            cwd: self.path().to_owned(),
            env: Vec::new(),
            env_remove: Vec::new(),
            stdin: Input::Null,
            terminal: false,
            run: self.run.clone(),
            step: 1,
            dir: self.path().join("steps/1-actor"),
            timeout: None,
            ladder: Ladder { int: Duration::from_millis(300), term: Duration::from_millis(300) },
            listen: None,
        }
    }

    pub(super) fn sh(&self, script: &str) -> Launch {
        self.launch(&["/bin/sh", "-c", script])
    }

    pub(super) fn transcript(&self) -> Transcript {
        Transcript::open(&self.path().join("steps/1-actor"))
    }

    pub(super) async fn start(&self, launch: Launch) -> Running {
        supervisor().await.spawn(launch).await.unwrap()
    }

    /// Runs to the end, and makes sure that nothing is left.
    pub(super) async fn run(&self, launch: Launch) -> Ended {
        let running = self.start(launch).await;
        self.end(running).await
    }

    pub(super) async fn end(&self, running: Running) -> Ended {
        let pid = running.pid;
        let ended = tokio::time::timeout(PATIENCE, running.wait()).await.expect("the step ends");
        self.assert_clean(pid);
        ended
    }

    fn assert_clean(&self, leader: u32) {
        assert_eq!(tree::marked(&self.run), []);
        let own = std::process::id();
        let zombies: Vec<_> = tree::table().into_iter().filter(|proc| proc.ppid == own && proc.sid == leader).collect();
        assert_eq!(zombies, []);
    }

    async fn refused(&self, launch: Launch) -> SpawnError {
        supervisor().await.spawn(launch).await.expect_err("it cannot start")
    }
}

/// Waits until the output holds `text`.
pub(super) async fn printed(running: &Running, text: &str) {
    let transcript = Transcript::live(running.live.clone());
    let waiting = async {
        let mut seen = 0;
        while !transcript.tail(100, 10_000).unwrap().contains(text) {
            seen = running.live.changed(seen).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the output comes");
}

/// Waits until `holds`, where nothing announces it.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn state_of(pid: u32) -> char {
    tree::process(pid).map_or('-', |proc| proc.state)
}

/// Whether a frozen process stands still. One that waits for its vforked child, which is stopped, is `D`.
fn stands_still(state: char) -> bool {
    matches!(state, 'T' | 'D')
}

#[tokio::test]
async fn statuses_and_signals_are_told_apart() {
    let bench = Bench::new("status");
    let ended = bench.run(bench.sh("echo out; echo err >&2; exit 7")).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Code(7), Cause::Natural));
    assert_eq!((ended.stdout_bytes, ended.stderr_bytes, ended.lines), (4, 4, 2));
    assert_eq!((ended.left_behind.len(), ended.pipes_held, ended.transcript_error), (0, false, None));
    let bench = Bench::new("signal");
    let ended = bench.run(bench.sh("kill -SEGV $$")).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Signal(11), Cause::Natural));
    let bench = Bench::new("zero");
    assert!(bench.run(bench.launch(&["true"])).await.exit.ok());
}

#[tokio::test]
async fn a_child_leads_a_session_and_knows_its_step() {
    let bench = Bench::new("env");
    let mut launch =
        bench.sh(r#"echo "$LOOPDASH_RUN $LOOPDASH_STEP $EXTRA ${HOME-none} $0 $(pwd)"; ps -o sid= -p $$; echo $$"#);
    launch.env = vec![("EXTRA".into(), "a b".into())];
    launch.env_remove = vec!["HOME".into()];
    let ended = bench.run(launch).await;
    assert!(ended.exit.ok());
    let text = bench.transcript().tail(10, 1_000).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let cwd = bench.path().canonicalize().unwrap();
    assert_eq!(lines[0], format!("{0} {0}/1 a b none /bin/sh {1}", bench.run, cwd.display()));
    assert_eq!(lines[1], lines[2]);
}

#[tokio::test]
async fn a_mebibyte_reaches_it_byte_for_byte() {
    let bytes: Vec<u8> = (0..1_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let bench = Bench::new("stdin");
    let mut launch = bench.launch(&["cat"]);
    launch.stdin = Input::Bytes(bytes.clone().into());
    assert!(bench.run(launch).await.exit.ok());
    assert_eq!(fs::read(bench.path().join("steps/1-actor/stdout.log")).unwrap(), bytes);

    let bench = Bench::new("stdin-file");
    fs::write(bench.path().join("prompt.md"), &bytes).unwrap();
    let mut launch = bench.launch(&["cat"]);
    launch.stdin = Input::File(bench.path().join("prompt.md"));
    assert!(bench.run(launch).await.exit.ok());
    assert_eq!(fs::read(bench.path().join("steps/1-actor/stdout.log")).unwrap(), bytes);
}

#[tokio::test]
async fn a_prompt_that_nobody_reads_holds_nothing_up() {
    let bench = Bench::new("unread");
    let mut launch = bench.sh("exec <&-; echo done");
    launch.stdin = Input::Bytes(vec![b'x'; 1 << 20].into());
    let ended = bench.run(launch).await;
    assert!(ended.exit.ok());
    assert!(ended.duration < PATIENCE / 2);
    let bench = Bench::new("null");
    assert!(bench.run(bench.launch(&["cat"])).await.exit.ok());
}

#[tokio::test]
async fn deaf_children_are_killed_on_time() {
    let bench = Bench::new("deaf");
    let script = "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done";
    let running = bench.start(bench.sh(script)).await;
    printed(&running, "ready").await;
    let asked = Instant::now();
    running.control().stop();
    let ended = bench.end(running).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Signal(9), Cause::Stopped));
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());

    let bench = Bench::new("hurry");
    let mut launch = bench.sh(script);
    launch.ladder = Ladder { int: PATIENCE, term: PATIENCE };
    let running = bench.start(launch).await;
    printed(&running, "ready").await;
    running.control().stop();
    running.control().stop();
    assert_eq!(bench.end(running).await.exit, Exit::Signal(9));
}

#[tokio::test]
async fn stopping_lets_it_say_a_last_word() {
    let bench = Bench::new("polite");
    let mut launch = bench.sh("trap 'echo bye; exit 3' INT; echo ready; while :; do sleep 0.05; done");
    launch.ladder.int = PATIENCE;
    let running = bench.start(launch).await;
    printed(&running, "ready").await;
    running.control().stop();
    let ended = bench.end(running).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Code(3), Cause::Stopped));
    assert_eq!(bench.transcript().last_line().unwrap().unwrap(), "bye");
}

#[tokio::test]
async fn escaped_children_are_found_and_named() {
    let bench = Bench::new("escape");
    let ended =
        bench.run(bench.sh("setsid sh -c 'setsid sleep 301 & sleep 302' & sleep 303 & sleep 0.2; echo done")).await;
    assert_eq!((ended.exit, ended.cause, ended.pipes_held), (Exit::Code(0), Cause::Natural, true));
    let commands: Vec<&str> = ended.left_behind.iter().map(|left| left.command.as_str()).collect();
    for want in ["sleep 301", "sleep 302", "sleep 303"] {
        assert!(commands.contains(&want), "{commands:?}");
    }
    let alive = ended.left_behind.iter().filter(|left| tree::process(left.pid).is_some_and(|proc| proc.is_alive()));
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn children_that_wipe_their_environment_are_found() {
    let bench = Bench::new("wiped");
    let running = bench.start(bench.sh("env -i setsid sh -c 'trap \"\" TERM INT; echo ready; sleep 304' & wait")).await;
    printed(&running, "ready").await;
    let mut children = Vec::new();
    until("its child is there", || {
        children = tree::descendants(running.pid);
        children.iter().any(|proc| proc.command == "sleep")
    })
    .await;
    running.control().stop();
    bench.end(running).await;
    for proc in children {
        assert!(tree::process(proc.pid).is_none_or(|now| now.start != proc.start), "{proc:?}");
    }
}

#[tokio::test]
async fn a_child_that_stops_itself_can_be_ended() {
    let bench = Bench::new("sigstop");
    let running = bench.start(bench.sh("kill -STOP $$; sleep 300")).await;
    until("it stops", || state_of(running.pid) == 'T').await;
    running.control().stop();
    let ended = bench.end(running).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Signal(2), Cause::Stopped));
}

#[tokio::test]
async fn time_runs_out() {
    let bench = Bench::new("timeout");
    let mut launch = bench.sh("echo begun; setsid sleep 305");
    launch.timeout = Some(Duration::from_millis(300));
    let ended = bench.run(launch).await;
    assert_eq!(ended.cause, Cause::TimedOut);
    assert!(!ended.exit.ok());
    assert!(ended.duration >= Duration::from_millis(300) && ended.duration < PATIENCE / 2);
}

#[tokio::test]
async fn frozen_time_does_not_count() {
    let bench = Bench::new("freeze");
    let time = Duration::from_secs(5);
    let mut launch = bench.sh("echo begun; setsid sh -c 'while :; do echo tick; sleep 0.02; done'");
    launch.timeout = Some(time);
    let running = bench.start(launch).await;
    printed(&running, "tick").await;
    running.control().freeze();
    until("all of it stands still", || {
        let family = tree::marked(&bench.run);
        !family.is_empty() && family.iter().all(|proc| stands_still(proc.state))
    })
    .await;
    let frozen = Instant::now();
    let lines = running.live.lines();
    tokio::time::sleep(Duration::from_millis(700)).await;
    // One more may have been in the pipe; running on, it would have printed dozens.
    assert!(running.live.lines() <= lines + 2);
    let frozen = frozen.elapsed();
    running.control().thaw();
    let ended = bench.end(running).await;
    assert_eq!(ended.cause, Cause::TimedOut);
    assert!(ended.lines > lines, "it went on");
    assert!(ended.duration >= time + frozen, "{:?}", ended.duration);
}

#[tokio::test]
async fn a_frozen_child_can_be_stopped() {
    let bench = Bench::new("frozen-stop");
    let running = bench.start(bench.sh("echo ready; sleep 306")).await;
    printed(&running, "ready").await;
    running.control().freeze();
    until("it stands still", || stands_still(state_of(running.pid))).await;
    running.control().stop();
    let ended = bench.end(running).await;
    assert_eq!((ended.exit.ok(), ended.cause), (false, Cause::Stopped));
}

#[tokio::test]
async fn a_flood_is_on_disk_to_the_byte() {
    let bench = Bench::new("flood");
    let ended = bench.run(bench.sh("yes 'a line of a flood, with a number 123456789' | head -c 50000000")).await;
    assert!(ended.exit.ok());
    assert_eq!((ended.stdout_bytes, ended.transcript_error.as_ref()), (50_000_000, None));
    let line = b"a line of a flood, with a number 123456789\n";
    let stored = fs::read(bench.path().join("steps/1-actor/stdout.log")).unwrap();
    assert_eq!(stored.len(), 50_000_000);
    assert!(stored.chunks(line.len()).all(|chunk| *chunk == line[..chunk.len()]));
    let lines = 50_000_000_u64.div_ceil(line.len() as u64);
    assert_eq!(ended.lines, lines);
    assert_eq!(bench.transcript().line_count().unwrap(), lines);
    assert_eq!(bench.transcript().lines(lines / 2..lines / 2 + 1).unwrap()[0].bytes, line[..line.len() - 1]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_line_without_end_takes_no_memory() {
    fn resident_kib() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let bench = Bench::new("endless");
    let before = resident_kib();
    let ended = bench.run(bench.sh("head -c 67108864 /dev/zero | tr '\\0' x; printf '\\nend'")).await;
    assert_eq!((ended.stdout_bytes, ended.lines), (67_108_864 + 4, 2));
    let lines = bench.transcript().lines(0..5).unwrap();
    assert!(lines[0].cut && lines[1].bytes == b"end");
    // Other tests run in this process too; a buffered line alone would be 64 MiB.
    assert!(resident_kib() < before + 48 * 1024, "{before} -> {}", resident_kib());
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept() {
    let bench = Bench::new("bytes");
    bench.run(bench.sh(r"printf 'a\377\200b\000c\033]52;c;AA\007\nlast'; printf 'oops\n' >&2")).await;
    assert_eq!(
        fs::read(bench.path().join("steps/1-actor/stdout.log")).unwrap(),
        b"a\xff\x80b\0c\x1b]52;c;AA\x07\nlast"
    );
    let transcript = bench.transcript();
    assert!(transcript.tail(9, 1_000).unwrap().contains("a\u{fffd}\u{fffd}bc\n"));
    let lines = transcript.lines(0..9).unwrap();
    assert_eq!(lines.iter().filter(|line| line.stream == Stream::Stderr).count(), 1);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let bench = Bench::new("refused");
    let error = bench.refused(bench.launch(&["no-such-agent-7731"])).await;
    assert!(matches!(error, SpawnError::NotFound { .. }), "{error}");
    assert!(matches!(bench.refused(bench.launch(&[])).await, SpawnError::Empty));

    fs::write(bench.path().join("plain"), "text").unwrap();
    let error = bench.refused(bench.launch(&["./plain"])).await;
    assert!(matches!(error, SpawnError::NotExecutable { .. }), "{error}");

    let mut launch = bench.sh("true");
    launch.cwd = bench.path().join("gone");
    let error = bench.refused(launch).await;
    assert!(matches!(error, SpawnError::BadCwd { .. }), "{error}");

    let mut launch = bench.sh("true");
    launch.stdin = Input::File(bench.path().join("gone.md"));
    assert!(matches!(bench.refused(launch).await, SpawnError::Input { .. }));

    fs::create_dir_all(bench.path().join("steps")).unwrap();
    fs::write(bench.path().join("steps/1-actor"), "in the way").unwrap();
    assert!(matches!(bench.refused(bench.sh("true")).await, SpawnError::Transcript { .. }));
}

#[tokio::test]
async fn what_fails_in_the_last_moment_fails_like_in_a_shell() {
    let bench = Bench::new("noexec");
    let file = bench.path().join("script");
    fs::write(&file, "#!/\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let ended = bench.run(bench.launch(&["./script"])).await;
    assert_eq!(ended.exit, Exit::Code(126));
    assert!(bench.transcript().last_line().unwrap().unwrap().contains("script"));
}

#[tokio::test]
async fn a_child_may_close_its_output_and_go_on() {
    let bench = Bench::new("closed");
    let ended = bench.run(bench.sh("echo first; exec >&- 2>&-; sleep 0.3; exit 4")).await;
    assert_eq!((ended.exit, ended.lines, ended.pipes_held), (Exit::Code(4), 1, false));
    assert!(ended.duration >= Duration::from_millis(300));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn orphans_that_die_are_buried_while_the_step_runs() {
    let bench = Bench::new("orphans");
    let script = "for i in 1 2 3; do (sleep 0.1 & echo orphan $!) ; done; sleep 0.3; echo ready; sleep 307";
    let running = bench.start(bench.sh(script)).await;
    printed(&running, "ready").await;
    until("they are buried", || !tree::table().iter().any(|proc| proc.sid == running.pid && !proc.is_alive())).await;
    assert!(matches!(state_of(running.pid), 'S' | 'R' | 'D'), "the leader is not taken for an orphan");
    running.control().stop();
    bench.end(running).await;
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let bench = Bench::new("dropped");
    let running = bench.start(bench.sh("setsid sleep 308 & sleep 309")).await;
    let pid = running.pid;
    drop(running);
    until("all of it is gone", || tree::marked(&bench.run).is_empty() && tree::process(pid).is_none()).await;
}

#[tokio::test]
async fn survivors_of_a_crash_are_found_and_stopped() {
    let bench = Bench::new("survivor");
    let running = bench.start(bench.sh("trap '' TERM; setsid sleep 310 & echo ready; while :; do sleep 1; done")).await;
    printed(&running, "ready").await;
    let mut by_mark = Vec::new();
    until("both are found", || {
        by_mark = survivors::find(std::slice::from_ref(&bench.run), &[]);
        let command = |wanted: &str| by_mark.iter().any(|proc| proc.command == wanted);
        command("sleep 310") && by_mark.iter().any(|proc| proc.pid == running.pid)
    })
    .await;
    let by_pid = survivors::find(&[], &[(running.pid, running.start)]);
    assert!(by_pid.iter().any(|proc| proc.pid == running.pid));
    assert_eq!(survivors::find(&[], &[(running.pid, running.start + 1)]), []);
    let stopped = survivors::stop(by_mark.clone()).await;
    assert_eq!(stopped.len(), by_mark.len());
    assert_eq!(bench.end(running).await.exit, Exit::Signal(9));
}

const HOST_DIR: &str = "LOOPDASH_TEST_HOST_DIR";

/// Not a test by itself, and nothing without its variable: the process that the next test kills.
#[tokio::test]
async fn host() {
    let Some(dir) = std::env::var_os(HOST_DIR).map(PathBuf::from) else { return };
    let bench = Bench { root: tempfile::tempdir_in(&dir).unwrap(), run: std::env::var("HOST_RUN").unwrap() };
    let running = bench.start(bench.sh("setsid sleep 311 & echo ready; trap '' TERM; while :; do sleep 1; done")).await;
    printed(&running, "ready").await;
    fs::write(dir.join("pid.new"), format!("{} {}", running.pid, running.start)).unwrap();
    fs::rename(dir.join("pid.new"), dir.join("pid")).unwrap();
    running.wait().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_loopdash_takes_its_agents_and_what_escaped_along() {
    let bench = Bench::new("killed");
    let mut host = std::process::Command::new(std::env::current_exe().unwrap());
    host.args(["--exact", "processes::host"]).stdout(std::process::Stdio::null());
    let mut host = host.env(HOST_DIR, bench.path()).env("HOST_RUN", &bench.run).spawn().unwrap();
    let pid_file = bench.path().join("pid");
    until("the host has an agent", || pid_file.exists()).await;
    let text = fs::read_to_string(pid_file).unwrap();
    let (pid, start) = text.split_once(' ').unwrap();
    let leader: (u32, u64) = (pid.parse().unwrap(), start.parse().unwrap());
    assert!(tree::process(leader.0).is_some_and(|proc| proc.start == leader.1));
    let is_out = |proc: &tree::Proc| proc.command == "sleep 311";
    until("its child is out of the session", || {
        survivors::find(std::slice::from_ref(&bench.run), &[]).iter().any(is_out)
    })
    .await;
    host.kill().unwrap();
    host.wait().unwrap();
    until("the agent dies", || !tree::process(leader.0).is_some_and(|proc| proc.start == leader.1 && proc.is_alive()))
        .await;
    until("and its child", || tree::marked(&bench.run).is_empty()).await;
}
