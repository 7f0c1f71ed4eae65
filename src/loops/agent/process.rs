//! Starting children. [`Supervisor`] owns the two threads that do nothing but serve them, a [`Running`] is one of them,
//! and a [`Control`] is the lever on it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Access, access};
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::family::{self, Family};
use super::launch::{Cause, Ended, Exit, Input, Launch, RUN_MARK, STEP_MARK};
use super::pty::{self, Pty};
use super::pump::{self, Sink, Source};
use super::resolve::{SpawnError, resolve};
use super::shim;
use super::step::{Step, Wish};
use super::transcript::{LiveOutput, Stream};
use super::warden::Warden;

/// Threads that read pipes. More of them would leave less of the machine to the screen when many children print.
const PUMP_THREADS: usize = 2;
/// Files that have to be free for a child to be started.
const SPARE_FILES: usize = 16;
/// A thread that nobody needs for a moment is kept: where the system gives no new ones, work would wait for ever.
const KEEP_THREADS: Duration = Duration::from_secs(24 * 60 * 60);
/// Output beyond this is read and counted, and not stored.
const TRANSCRIPT_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// Starts children, and keeps everything that concerns them off other threads. They die with it: a supervisor belongs
/// to a whole process, not to a piece of work.
pub struct Supervisor {
    runtime: Option<Runtime>,
    handle: Handle,
    inner: Arc<Inner>,
}

struct Inner {
    shim: Shim,
    warden: Arc<Warden>,
    limit: u64,
    sole: bool,
}

impl Supervisor {
    /// A supervisor that starts children by way of the loopdash binary at `shim_exe`. On Linux this process becomes the
    /// one that orphans below it come to.
    pub fn new(shim_exe: PathBuf) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // In loopdash itself nobody else starts sessions; a test or a program that embeds it may.
        let canonical = |path: &Path| path.canonicalize().ok();
        let sole = std::env::current_exe().is_ok_and(|own| canonical(&own) == canonical(&shim_exe));
        let runtime = Builder::new_multi_thread()
            .worker_threads(PUMP_THREADS)
            .thread_name("loopdash-pump")
            .thread_keep_alive(KEEP_THREADS)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        handle.spawn_blocking(|| ());
        let shim = Shim::open(shim_exe)?;
        let warden = Arc::new(Warden::new(shim.path.clone()));
        #[cfg(target_os = "linux")]
        handle.spawn(bury(sole, Arc::clone(&warden)));
        let inner = Inner { shim, warden, limit: TRANSCRIPT_LIMIT, sole };
        Ok(Self { runtime: Some(runtime), handle, inner: Arc::new(inner) })
    }

    /// Lets a transcript store at most `bytes`; output beyond is read, counted and reported.
    #[must_use]
    pub fn with_transcript_limit(mut self, bytes: u64) -> Self {
        let Inner { shim, warden, sole, .. } = &*self.inner;
        let inner = Inner { shim: shim.clone(), warden: Arc::clone(warden), limit: bytes, sole: *sole };
        self.inner = Arc::new(inner);
        self
    }

    /// Starts a child. When this returns it runs and its transcript is being written.
    pub async fn spawn(&self, launch: Launch) -> Result<Running, SpawnError> {
        let inner = Arc::clone(&self.inner);
        // On a thread that lives as long as the runtime: the child gets its KILL when the thread that started it ends.
        let started = self.handle.spawn(async move { start(&inner, launch) });
        started.await.unwrap_or_else(|gone| Err(SpawnError::Other(io::Error::other(gone))))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A child that runs. Dropped without being waited for, it is stopped.
#[derive(Debug)]
pub struct Running {
    /// Process id, and id of its session.
    pub pid: u32,
    /// Start time, which identifies it together with the pid; see [`Proc::start`](super::tree::Proc::start).
    pub start: u64,
    /// Its output so far.
    pub live: Arc<LiveOutput>,
    control: Control,
    done: oneshot::Receiver<Ended>,
    over: bool,
}

impl Running {
    /// The lever on it, for whoever may need it.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Waits for its end: exited, its output read, everything it left behind stopped.
    pub async fn wait(mut self) -> Ended {
        let ended = (&mut self.done).await;
        self.over = true;
        ended.unwrap_or_else(|_| Ended {
            exit: Exit::Signal(rustix::process::Signal::KILL.as_raw()),
            cause: Cause::Stopped,
            out_of_memory: false,
            memory_short: false,
            duration: Duration::ZERO,
            stdout_bytes: self.live.stdout_bytes(),
            stderr_bytes: self.live.stderr_bytes(),
            lines: self.live.lines(),
            left_behind: Vec::new(),
            heard: None,
            story: None,
            pipes_held: false,
            transcript_error: Some("loopdash went away while it ran".into()),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.control.stop();
        }
    }
}

/// The lever on a child. Every call returns at once, and does nothing after its end.
#[derive(Clone, Debug)]
pub struct Control {
    wish: Arc<watch::Sender<Wish>>,
}

impl Control {
    /// Stops it and all it started, in stages; asked again, with KILL.
    pub fn stop(&self) {
        self.wish.send_modify(|wish| wish.stops = wish.stops.saturating_add(1));
    }

    /// Halts it and all it started, where they stand; the time frozen does not count.
    pub fn freeze(&self) {
        self.wish.send_modify(|wish| wish.frozen = true);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.wish.send_modify(|wish| wish.frozen = false);
    }
}

/// The file that children are started by.
#[derive(Clone)]
struct Shim {
    path: PathBuf,
    /// Keeps the file that was there at the start, so that an upgrade does not mix versions.
    _file: Arc<File>,
}

impl Shim {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = Arc::new(File::open(&path)?);
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            let kept = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            if kept.exists() {
                return Ok(Self { path: kept, _file: file });
            }
        }
        Ok(Self { path, _file: file })
    }
}

fn start(inner: &Inner, launch: Launch) -> Result<Running, SpawnError> {
    let program = find_program(&launch)?;
    let mark = format!("{}/{}", launch.run, launch.step);
    let mut command = Command::new(&inner.shim.path);
    let words = shim::arguments(std::process::id(), launch.terminal, program.as_os_str(), &launch.argv);
    command.args(words).current_dir(&launch.cwd);
    if launch.terminal {
        command.env("TERM", pty::TERM).env_remove("COLUMNS").env_remove("LINES");
    }
    for name in &launch.env_remove {
        command.env_remove(name);
    }
    command.envs(launch.env.iter().map(|(name, value)| (name, value)));
    command.env(RUN_MARK, &launch.run).env(STEP_MARK, &mark);
    let pty = streams(&mut command, &launch)?;

    let record = |source: io::Error| match SpawnError::from_system(source) {
        SpawnError::Other(source) => SpawnError::Transcript { dir: launch.dir.clone(), source },
        exhausted => exhausted,
    };
    let sink = Sink::open(&launch.dir, launch.listen, inner.limit).map_err(record)?;
    let live = sink.live();
    // Nothing was printed, and the next attempt begins its transcript anew.
    let not_started = |sink: Sink, error| {
        sink.discard();
        SpawnError::from_system(error)
    };
    let watch = match inner.warden.expect(&mark) {
        Ok(watch) => watch,
        Err(error) => return Err(not_started(sink, error)),
    };
    let began = Instant::now();
    let spawned = Family::start(mark, inner.sole, || {
        headroom()?;
        let child = command.spawn()?;
        Ok((child.id().unwrap_or_default(), child))
    });
    let (family, mut child) = match spawned {
        Ok(spawned) => spawned,
        Err(error) => {
            watch.over();
            return Err(not_started(sink, error));
        }
    };
    watch.led_by(family.leader());

    let exited = CancellationToken::new();
    if let (Input::Bytes(bytes), Some(stdin)) = (launch.stdin, child.stdin.take()) {
        tokio::spawn(pump::feed(stdin, bytes, exited.clone()));
    }
    let terminal = pty.map(|pty| pty.ours);
    let sources = match sources(&mut child, terminal.as_ref()) {
        Ok(sources) => sources,
        Err(error) => {
            let _ = child.start_kill();
            family.leader_is_gone();
            watch.over();
            return Err(not_started(sink, error));
        }
    };
    let cut = CancellationToken::new();
    let pump = tokio::spawn(pump::pump(sources, sink, cut.clone()));
    let (wish, wishes) = watch::channel(Wish::default());
    let (tell, done) = oneshot::channel();
    let (pid, start) = (family.leader().pid, family.leader().start);
    let (timeout, ladder) = (launch.timeout, launch.ladder);
    let step = Step { child, family, terminal, began, pump, cut, exited, wishes, timeout, ladder };
    tokio::spawn(async move {
        let ended = step.run().await;
        watch.over();
        let _ = tell.send(ended);
    });
    Ok(Running { pid, start, live, control: Control { wish: Arc::new(wish) }, done, over: false })
}

/// Fails where a child could still be started, but not be ended any more: to find who belongs to it takes files, too.
pub(super) fn headroom() -> io::Result<()> {
    let null = File::open("/dev/null")?;
    let spare: io::Result<Vec<File>> = (0..SPARE_FILES).map(|_| null.try_clone()).collect();
    spare.map(drop)
}

fn no_pipe() -> io::Error {
    io::Error::other("the system gave no pipe")
}

/// The file that is started, with all that can be checked beforehand: after the fork there is only a status to tell it by.
///
/// # Errors
/// Why it cannot be.
pub fn find_program(launch: &Launch) -> Result<PathBuf, SpawnError> {
    let bad = |reason: String| SpawnError::BadCwd { path: launch.cwd.clone(), reason };
    match launch.cwd.metadata() {
        Ok(meta) if !meta.is_dir() => return Err(bad("it is not a directory".into())),
        Ok(_) => access(&launch.cwd, Access::EXEC_OK).map_err(|error| bad(error.to_string()))?,
        Err(error) => return Err(bad(error.to_string())),
    }
    let program = launch.argv.first().ok_or(SpawnError::Empty)?;
    resolve(program, child_path(launch).as_deref(), &launch.cwd)
}

/// The `PATH` that the child will have.
fn child_path(launch: &Launch) -> Option<OsString> {
    let path = OsStr::new("PATH");
    let added = launch.env.iter().rev().find(|(name, _)| name == path);
    match added {
        Some((_, value)) => Some(value.clone()),
        None if launch.env_remove.iter().any(|name| name == path) => None,
        None => std::env::var_os(path),
    }
}

/// Gives a command its standard streams; returns the terminal that they are, if it is to have one.
fn streams(command: &mut Command, launch: &Launch) -> Result<Option<Pty>, SpawnError> {
    if !launch.terminal {
        command.stdin(input(&launch.stdin)?).stdout(Stdio::piped()).stderr(Stdio::piped());
        return Ok(None);
    }
    let pty = Pty::open().map_err(SpawnError::from_system)?;
    let stdin = match &launch.stdin {
        Input::Null => pty.ended_input().map_err(SpawnError::from_system)?,
        // A terminal would not carry it as it is: it takes lines of 4 KB at most, and some of its bytes for keys.
        other => input(other)?,
    };
    let output = || pty.stdio().map_err(SpawnError::from_system);
    command.stdin(stdin).stdout(output()?).stderr(output()?);
    Ok(Some(pty))
}

/// What a child's output is read from.
fn sources(child: &mut Child, terminal: Option<&OwnedFd>) -> io::Result<[Option<Source>; 2]> {
    if let Some(ours) = terminal {
        return Ok([Some(Source::new(ours.try_clone()?, Stream::Stdout)?), None]);
    }
    let out = child.stdout.take().ok_or_else(no_pipe)?.into_owned_fd()?;
    let err = child.stderr.take().ok_or_else(no_pipe)?.into_owned_fd()?;
    Ok([Some(Source::new(out, Stream::Stdout)?), Some(Source::new(err, Stream::Stderr)?)])
}

fn input(input: &Input) -> Result<Stdio, SpawnError> {
    match input {
        Input::Null => Ok(Stdio::null()),
        Input::Bytes(_) => Ok(Stdio::piped()),
        Input::File(path) => match File::open(path) {
            Ok(file) => Ok(file.into()),
            Err(source) => Err(SpawnError::Input { path: path.clone(), source }),
        },
    }
}

/// Buries orphans as they die, a few times a second at most, and has the warden replaced should it be among the dead.
#[cfg(target_os = "linux")]
async fn bury(sole: bool, warden: Arc<Warden>) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    use tokio::signal::unix::{SignalKind, signal};
    const OWNERS_FIRST: Duration = Duration::from_millis(50);
    const AT_MOST_EVERY: Duration = Duration::from_millis(200);

    let Ok(mut deaths) = signal(SignalKind::child()) else { return };
    while deaths.recv().await.is_some() {
        tokio::time::sleep(OWNERS_FIRST).await;
        warden.revive();
        let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if family::any_leader() && matches!(waitid(WaitId::All, peek), Ok(Some(_))) {
            let _ = tokio::task::spawn_blocking(move || family::bury_orphans(sole)).await;
            tokio::time::sleep(AT_MOST_EVERY).await;
        }
    }
}
