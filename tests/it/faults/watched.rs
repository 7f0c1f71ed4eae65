//! A loopdash without a screen that is watched from outside: what it says, the processor time it takes, its limits.

use crate::ground::Told;
use rustix::process::Pid;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a state that nothing announces.
#[track_caller]
pub(super) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Processor time that a process has taken; its threads, not its children.
pub(super) fn cpu_of(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    // utime and stime are fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms on every Linux there is.
    let ticks: u64 = [fields[11], fields[12]].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// How many files a process has open.
pub(super) fn files_of(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Sets a soft limit of a process from now on, through `wrap`, which is to make whoever asks the process's own user.
#[track_caller]
pub(super) fn limit(wrap: &[&str], pid: u32, resource: &str, soft: &str) {
    let pid = pid.to_string();
    let limit = format!("--{resource}={soft}:");
    let words: Vec<&str> = wrap.iter().copied().chain(["prlimit", "--pid", &pid, &limit]).collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A running loopdash whose output goes to files.
pub(super) struct Watched {
    child: Child,
    _dir: tempfile::TempDir,
    out: PathBuf,
    err: PathBuf,
}

impl Watched {
    pub(super) fn start(mut command: Command) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (out, err) = (dir.path().join("out"), dir.path().join("err"));
        let file = |path| std::fs::File::create(path).unwrap();
        let child = command.stdout(file(&out)).stderr(file(&err)).spawn().unwrap();
        Self { child, _dir: dir, out, err }
    }

    fn told(&self) -> (String, String) {
        let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        (read(&self.out), read(&self.err))
    }

    /// Waits until it has said `text`, on either output.
    #[track_caller]
    pub(super) fn says(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (out, err) = self.told();
            if out.contains(text) || err.contains(text) {
                return;
            }
            let over = self.child.try_wait().unwrap();
            assert!(over.is_none() && Instant::now() < deadline, "never said {text:?} ({over:?})\n{out}\n{err}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Processor time that it takes while `wall` passes; its threads, not its children.
    pub(super) fn cpu_during(&self, wall: Duration) -> Duration {
        let pid = self.pid().as_raw_nonzero().get().unsigned_abs();
        let before = cpu_of(pid);
        std::thread::sleep(wall);
        cpu_of(pid) - before
    }

    /// The most memory that it ever had, in KiB.
    pub(super) fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// How many files it has open.
    pub(super) fn files(&self) -> usize {
        files_of(self.pid().as_raw_nonzero().get().unsigned_abs())
    }

    /// Sets a soft limit of it from now on, through `wrap`, which is to make whoever asks the process's own user.
    #[track_caller]
    pub(super) fn limit(&self, wrap: &[&str], resource: &str, soft: &str) {
        limit(wrap, self.pid().as_raw_nonzero().get().unsigned_abs(), resource, soft);
    }

    pub(super) fn end(mut self) -> Told {
        let code = self.child.wait().unwrap().code();
        let (out, err) = self.told();
        Told { code, out, err }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // After an end this does nothing; after a failed assertion it leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
