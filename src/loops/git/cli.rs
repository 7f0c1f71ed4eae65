//! Running the `git` program: an argument list, a deaf configuration, bounded output and a time limit.
//! A [`Call`] is one such run; nothing a repository configures can make it start another program.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::error::GitError;

/// Bytes of standard output kept unless a call says otherwise.
const OUTPUT_LIMIT: usize = 16 << 20;
/// Bytes of standard error kept; the rest is read and dropped.
const ERROR_LIMIT: usize = 16 << 10;

/// Settings that would let a repository run programs, open the network or take locks. They are given with command
/// scope, which no file can override. The system configuration is *not* switched off: only root writes it, and it is
/// where `safe.directory` and site-wide line-ending rules live.
const DEAF: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.sshCommand", "false"),
    ("core.askPass", "false"),
    ("core.alternateRefsCommand", "false"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("commit.gpgSign", "false"),
    ("submodule.recurse", "false"),
    ("protocol.allow", "never"),
    ("advice.detachedHead", "false"),
    // Two workers halve the checkout of 50,000 files and double that of 1,000.
    ("checkout.workers", "2"),
    ("checkout.thresholdForParallelism", "10000"),
];

/// One run of `git`. Build it with [`Call::new`], add arguments, then [`Call::run`].
#[derive(Debug)]
pub(crate) struct Call {
    directory: PathBuf,
    args: Vec<OsString>,
    config: Vec<(OsString, OsString)>,
    index: Option<PathBuf>,
    limit: Duration,
}

impl Call {
    /// A call that runs in `directory`, with a minute to finish.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            args: Vec::new(),
            config: Vec::new(),
            index: None,
            limit: Duration::from_secs(60),
        }
    }

    /// Adds arguments.
    pub(crate) fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds one argument.
    pub(crate) fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    /// Replaces the time limit.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Works on this index file instead of the worktree's own.
    pub(crate) fn index(mut self, index: &Path) -> Self {
        self.index = Some(index.to_owned());
        self
    }

    /// Switches off every content filter that the repository's configuration defines. Needed by each call that writes
    /// files into a worktree: `smudge` and `process` name programs.
    pub(crate) fn without_filters(mut self) -> Result<Self, GitError> {
        let listing =
            Call::new(&self.directory).args(["config", "--null", "--name-only", "--get-regexp", r"^filter\."]);
        // Exit 1 means that no such key exists.
        let listed = listing.run_any()?;
        for key in listed.stdout.split(|byte| *byte == 0).filter(|key| !key.is_empty()) {
            let Some(dot) = key.iter().rposition(|byte| *byte == b'.') else { continue };
            let Some(driver) = key.get(..dot) else { continue };
            for (variable, value) in [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")] {
                let mut name = driver.to_vec();
                name.push(b'.');
                name.extend_from_slice(variable.as_bytes());
                let pair = (OsString::from_vec(name), OsString::from(value));
                if !self.config.contains(&pair) {
                    self.config.push(pair);
                }
            }
        }
        Ok(self)
    }

    /// Runs it. A non-zero exit is an error that carries the end of what git said.
    pub(crate) fn run(self) -> Result<Vec<u8>, GitError> {
        let command = self.readable();
        let done = self.run_any()?;
        if done.status.success() {
            return Ok(done.stdout);
        }
        let status = match (done.status.code(), done.status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no status".to_owned(),
        };
        Err(GitError::Failed { command, status, stderr: readable_bytes(&done.stderr) })
    }

    /// Runs it and answers whatever the exit status was.
    fn run_any(self) -> Result<Done, GitError> {
        let readable = self.readable();
        let limit = self.limit;
        let child = self.command().spawn().map_err(|source| {
            // A missing directory and a missing program give the same errno.
            match std::fs::symlink_metadata(&self.directory) {
                Err(gone) => GitError::Io { what: "enter", path: self.directory.clone(), source: gone },
                Ok(_) => GitError::Missing { source },
            }
        })?;
        let done = collect(child, limit).map_err(|end| match end {
            End::Late => GitError::TimedOut { command: readable.clone(), limit },
            End::Io(source) => GitError::Io { what: "wait for git in", path: self.directory.clone(), source },
        })?;
        if done.stdout.len() > OUTPUT_LIMIT {
            return Err(GitError::TooMuchOutput { command: readable, limit: OUTPUT_LIMIT });
        }
        Ok(done)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        // Inherited GIT_DIR, GIT_INDEX_FILE, GIT_EXTERNAL_DIFF, GIT_TRACE and the like would redirect the call.
        for (name, _) in std::env::vars_os() {
            if name.as_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1");
        command.env("GIT_LITERAL_PATHSPECS", "1").env("LC_ALL", "C");
        // The environment carries keys that hold `=`, which `-c` would split in the wrong place.
        let deaf = DEAF.iter().map(|(key, value)| (OsStr::new(key), OsStr::new(value)));
        let given = self.config.iter().map(|(key, value)| (key.as_os_str(), value.as_os_str()));
        let mut count = 0_usize;
        for (key, value) in deaf.chain(given) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        if let Some(index) = &self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        command.args(&self.args).current_dir(&self.directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C on the terminal must not cut a checkout in half, and a late call is ended whole.
        command.process_group(0);
        command
    }

    fn readable(&self) -> String {
        let words: Vec<_> = self.args.iter().map(|arg| readable_bytes(arg.as_bytes())).collect();
        words.join(" ")
    }
}

struct Done {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

enum End {
    Late,
    Io(std::io::Error),
}

/// Reads both pipes as they fill, so that neither can block the child, until they close or time is up.
fn collect(mut child: Child, limit: Duration) -> Result<Done, End> {
    let deadline = Instant::now() + limit;
    let mut pipes = Vec::new();
    pipes.extend(child.stdout.take().map(|pipe| Pipe::new(pipe.into(), OUTPUT_LIMIT + 1)));
    pipes.extend(child.stderr.take().map(|pipe| Pipe::new(pipe.into(), ERROR_LIMIT)));
    let mut chunk = vec![0_u8; 64 << 10];
    while pipes.iter().any(|pipe| pipe.open) {
        match wait(&pipes, deadline) {
            Ok(ready) if ready.is_empty() => {
                end_group(&mut child);
                return Err(End::Late);
            }
            Ok(ready) => {
                for position in ready {
                    if let Some(pipe) = pipes.get_mut(position) {
                        pipe.read(&mut chunk);
                    }
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => {
                end_group(&mut child);
                return Err(End::Io(errno.into()));
            }
        }
    }
    let status = child.wait().map_err(End::Io)?;
    let mut kept = pipes.into_iter().map(|pipe| pipe.kept);
    Ok(Done { status, stdout: kept.next().unwrap_or_default(), stderr: kept.next().unwrap_or_default() })
}

/// Which pipes have something to read or have been closed; none when the deadline has passed.
fn wait(pipes: &[Pipe], deadline: Instant) -> Result<Vec<usize>, Errno> {
    let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).map_err(|_| Errno::INVAL)?;
    let open: Vec<usize> = pipes.iter().enumerate().filter(|(_, pipe)| pipe.open).map(|(at, _)| at).collect();
    let watched = open.iter().filter_map(|at| pipes.get(*at));
    let mut fds: Vec<_> = watched.map(|pipe| PollFd::new(&pipe.file, PollFlags::IN)).collect();
    poll(&mut fds, Some(&left))?;
    let ready = open.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
    Ok(ready.map(|(at, _)| *at).collect())
}

/// The reading end of a pipe. All of it is read and its first bytes are kept: a reader that stops early would break the
/// child's pipe.
struct Pipe {
    file: File,
    keep: usize,
    kept: Vec<u8>,
    open: bool,
}

impl Pipe {
    fn new(handle: OwnedFd, keep: usize) -> Self {
        Self { file: handle.into(), keep, kept: Vec::new(), open: true }
    }

    /// One read, which does not block once the pipe is known to be ready.
    fn read(&mut self, chunk: &mut [u8]) {
        match self.file.read(chunk) {
            Ok(count) if count > 0 => {
                let room = self.keep.saturating_sub(self.kept.len()).min(count);
                self.kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => self.open = false,
        }
    }
}

fn end_group(child: &mut Child) {
    // The child is not reaped yet, so its id and group cannot have been reused.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Text from git for an error message: one line, no control characters, the end kept.
fn readable_bytes(bytes: &[u8]) -> String {
    const KEEP: usize = 600;
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            '\n' | '\r' | '\t' => clean.push(' '),
            other if other.is_control() => clean.push('\u{fffd}'),
            other => clean.push(other),
        }
    }
    let mut from = clean.len().saturating_sub(KEEP);
    while !clean.is_char_boundary(from) {
        from += 1;
    }
    clean.split_off(from)
}

/// A version of the `git` program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number, 0 when absent.
    pub patch: u32,
}

impl std::fmt::Display for GitVersion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.patch == 0 {
            write!(out, "{}.{}", self.major, self.minor)
        } else {
            write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
        }
    }
}

impl GitVersion {
    /// Reads `git version 2.39.3 (Apple Git-146)`, `git version 2.43.0.windows.1` and their like.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = text.trim().strip_prefix("git version ")?.split_whitespace().next()?;
        let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        Some(Self { major, minor, patch: parts.next().flatten().unwrap_or(0) })
    }
}

/// Asks the `git` program for its version, whatever it is.
///
/// # Errors
/// [`GitError::Missing`] when there is no such program, [`GitError::TooOld`] when its answer cannot be read.
pub fn version() -> Result<GitVersion, GitError> {
    let answer = Call::new(Path::new("/")).args(["version"]).run()?;
    let text = String::from_utf8_lossy(&answer);
    GitVersion::parse(&text).ok_or_else(|| GitError::TooOld { found: readable_bytes(&answer) })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        let of = |text| GitVersion::parse(text).map(|v| (v.major, v.minor, v.patch));
        assert_eq!(of("git version 2.47.3\n"), Some((2, 47, 3)));
        assert_eq!(of("git version 2.39.3 (Apple Git-146)"), Some((2, 39, 3)));
        assert_eq!(of("git version 2.43.0.windows.1"), Some((2, 43, 0)));
        assert_eq!(of("git version 2.50.rc1"), Some((2, 50, 0)));
        assert_eq!(of("hub version 2"), None);
        assert!(GitVersion::parse("git version 2.9.1").unwrap() < GitVersion::parse("git version 2.38.0").unwrap());
    }

    #[test]
    fn a_failing_call_says_what_git_said_without_control_characters() {
        let error = Call::new(Path::new("/")).args(["rev-parse", "--verify", "\u{1b}[31mnope"]).run().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("fatal"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_call_that_hangs_is_ended_with_its_children() {
        let aliased = Call::new(Path::new("/"))
            .args(["-c", "alias.hang=!sleep 1000 & sleep 1000", "hang"])
            .limit(Duration::from_millis(300));
        let began = Instant::now();
        assert!(matches!(aliased.run(), Err(GitError::TimedOut { .. })));
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn much_on_both_pipes_is_read_and_bounded() {
        let both = "alias.both=!head -c 3000000 /dev/zero | tr '\\0' e >&2; head -c 3000000 /dev/zero | tr '\\0' o";
        let call = || Call::new(Path::new("/")).args(["-c", both, "both"]);
        let done = call().run_any().unwrap();
        assert_eq!((done.stdout.len(), done.stderr.len()), (3_000_000, ERROR_LIMIT));
        let endless = "alias.endless=!head -c 20000000 /dev/zero";
        let error = Call::new(Path::new("/")).args(["-c", endless, "endless"]).run().unwrap_err();
        assert!(matches!(error, GitError::TooMuchOutput { .. }), "{error}");
    }

    #[test]
    fn a_missing_directory_is_told_apart_from_a_missing_git() {
        let error = Call::new(Path::new("/no/such/place")).args(["version"]).run().unwrap_err();
        assert!(matches!(error, GitError::Io { .. }), "{error}");
    }
}
