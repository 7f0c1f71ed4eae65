//! Asking a program something: an [`Inquiry`] runs it for what it prints, within a few seconds, as the leader of a session
//! of its own. Nothing of it is left afterwards, whatever it started and however it ended.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::family::Family;
use super::launch::STEP_MARK;
use super::{process, shim, signal};
use crate::loops::core::step::Exit;

/// The most that is kept of what it prints, in bytes of each stream; what is more is read and dropped.
const MOST: usize = 1 << 20;
/// How long its pipes may stay open after its exit.
const PIPE_GRACE: Duration = Duration::from_millis(500);
/// How often to look whether it has exited.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long what is left of it has between TERM and KILL, and to be gone after that.
const GRACE: Duration = Duration::from_secs(1);
const SWEEP_ROUNDS: usize = 8;

/// A question to a program.
#[derive(Debug)]
pub(super) struct Inquiry<'a> {
    /// Its file.
    pub(super) file: &'a Path,
    pub(super) args: &'a [String],
    /// Added to loopdash's own environment.
    pub(super) env: &'a [(String, String)],
    /// Taken from it, before the others are added.
    pub(super) env_remove: &'a [OsString],
    /// The loopdash binary, by way of which it is started.
    pub(super) shim: &'a Path,
    /// How long it may take.
    pub(super) patience: Duration,
}

/// What it answered.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    /// `None` if it took too long, and was stopped.
    pub(super) exit: Option<Exit>,
}

impl Inquiry<'_> {
    /// Asks, in an empty directory, with nothing on standard input. Blocks.
    ///
    /// # Errors
    /// It could not be started.
    pub(super) fn ask(&self) -> io::Result<Reply> {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let empty = tempfile::tempdir()?;
        let mark = format!("inquiry/{}-{}", std::process::id(), ASKED.fetch_add(1, Ordering::Relaxed));
        let argv: Vec<OsString> =
            [self.file.as_os_str()].into_iter().chain(self.args.iter().map(OsStr::new)).map(OsStr::to_owned).collect();
        let mut command = Command::new(self.shim);
        command
            .args(shim::arguments(std::process::id(), false, self.file.as_os_str(), &argv))
            .current_dir(empty.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in self.env_remove {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value))).env(STEP_MARK, &mark);
        let (mut family, mut child) = Family::start(mark, false, || {
            process::headroom()?;
            let child = command.spawn()?;
            Ok((child.id(), child))
        })?;
        let mut reply = Reply::default();
        let listened = self.listen(&mut child, &mut reply);
        if reply.exit.is_some() {
            family.leader_is_gone();
        }
        sweep(&mut family);
        if reply.exit.is_none() {
            bury(&mut child);
            family.leader_is_gone();
        }
        family.bury();
        listened.map(|()| reply)
    }

    /// Reads until it has exited and its pipes are closed, or a moment after its exit, or its time is up.
    fn listen(&self, child: &mut Child, reply: &mut Reply) -> io::Result<()> {
        let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
        for pipe in [out.as_ref().map(AsFd::as_fd), err.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        let mut end = Instant::now() + self.patience;
        loop {
            drain(&mut out, &mut reply.out);
            drain(&mut err, &mut reply.err);
            if reply.exit.is_none()
                && let Some(status) = child.try_wait()?
            {
                reply.exit = Some(exit_of(status));
                end = end.min(Instant::now() + PIPE_GRACE);
                continue;
            }
            if (reply.exit.is_some() && out.is_none() && err.is_none()) || Instant::now() >= end {
                return Ok(());
            }
            let open = [out.as_ref().map(AsFd::as_fd), err.as_ref().map(AsFd::as_fd)].into_iter().flatten();
            let mut open: Vec<PollFd<'_>> = open.map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)).collect();
            if poll(&mut open, Timespec::try_from(LOOK_EVERY).ok().as_ref()).is_err() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }
}

/// Reads what there is, and drops the pipe at its end.
fn drain(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) {
    let mut bytes = [0; 16 * 1024];
    // What prints for ever is looked at again after a while.
    for _ in 0..64 {
        let Some(from) = pipe else { return };
        match from.read(&mut bytes) {
            Ok(read @ 1..) => {
                let room = MOST.saturating_sub(into.len()).min(read);
                into.extend_from_slice(bytes.get(..room).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => *pipe = None,
        }
    }
}

/// Stops all that is alive of it, TERM first and then KILL.
fn sweep(family: &mut Family) {
    for round in 0..SWEEP_ROUNDS {
        let alive = family.look();
        if alive.is_empty() {
            return;
        }
        let signals = if round == 0 { &[Signal::TERM, Signal::CONT][..] } else { &[Signal::KILL][..] };
        signal::send_all(&alive, signals);
        signal::await_exit(&alive, GRACE);
    }
}

/// Waits for one that was killed; not for ever, as the kernel may be stuck in it.
fn bury(child: &mut Child) {
    let end = Instant::now() + GRACE;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
        std::thread::sleep(LOOK_EVERY);
    }
}

fn exit_of(status: std::process::ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(Signal::KILL.as_raw())),
    }
}
