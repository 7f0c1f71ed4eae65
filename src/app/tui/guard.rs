//! A second process that gives the terminal back when loopdash cannot: after an abort, a crash, a `kill -9`.
//! [`Guard`] is its handle here, [`main`] its body, `loopdash __guard`.
//!
//! It stands beside loopdash and not around it, so that signals, job control and the exit status stay loopdash's own. It
//! holds the terminal and the reading end of a pipe; the pipe's end is loopdash's end, whatever ended it.

use super::terminal::restoring;
use crate::loops::agent::not_an_orphan;
use rustix::fd::{AsFd, OwnedFd};
use rustix::termios::{LocalModes, OptionalActions, OutputModes, tcgetattr, tcsetattr};
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "__guard";
/// Its name in the process table: whoever kills all that is called loopdash still needs it.
const NAME: &str = "tty-keeper";
/// What loopdash tells it: the terminal is mine, or it is as it was found.
const TAKEN: u8 = b't';
const GIVEN: u8 = b'g';

/// The way to the guard. A panic hook has no other way to it than this.
static GUARD: Mutex<Option<(Child, ChildStdin)>> = Mutex::new(None);

/// Starts the guard of `terminal`, while that is still as it was found.
///
/// # Errors
/// The process cannot be started.
pub(super) fn start(terminal: OwnedFd) -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(terminal).stderr(Stdio::piped()).current_dir("/");
    let mut child = command.spawn()?;
    not_an_orphan(child.id());
    // It has to see the terminal as it was found before that is changed.
    if let Some(mut ready) = child.stderr.take() {
        ready.read_exact(&mut [0])?;
    }
    let pipe = child.stdin.take().ok_or_else(|| io::Error::other("no pipe to the guard"))?;
    *GUARD.lock().unwrap_or_else(PoisonError::into_inner) = Some((child, pipe));
    Ok(())
}

/// Tells the guard whether the terminal is to be given back should loopdash be gone.
pub(super) fn tell(taken: bool) {
    // Held only for such a write; a panic in the middle of one leaves the guard with what it knows.
    if let Ok(mut guard) = GUARD.try_lock()
        && let Some((_, pipe)) = guard.as_mut()
    {
        // A guard that is gone cannot be helped.
        let _ = pipe.write_all(&[if taken { TAKEN } else { GIVEN }]);
    }
}

/// Sends the guard away.
pub(super) fn stop() {
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((mut child, pipe)) = guard {
        drop(pipe);
        let _ = child.wait();
    }
}

/// The guard's body: returns when loopdash is gone, the terminal given back if need be.
pub fn main() -> ExitCode {
    // In a session of its own the terminal is not its controlling one: no signal of it comes here, and setting it needs
    // no foreground.
    let _ = rustix::process::setsid();
    let terminal = io::stdout();
    let Ok(before) = tcgetattr(terminal.as_fd()) else { return ExitCode::FAILURE };
    // It works under its file's name, too.
    let _ = std::fs::write("/proc/self/comm", NAME);
    if io::stderr().write_all(b".").is_err() {
        return ExitCode::FAILURE;
    }
    let mut taken = false;
    let mut word = [0; 64];
    loop {
        match io::stdin().read(&mut word) {
            Ok(0) => break,
            Ok(count) => taken = word.get(count - 1) == Some(&TAKEN),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    if !taken {
        return ExitCode::SUCCESS;
    }
    // Only from the state that loopdash had set: a shell that is back already has its own.
    let raw = |now: &rustix::termios::Termios| {
        !now.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
            && !now.output_modes.contains(OutputModes::OPOST)
    };
    if tcgetattr(terminal.as_fd()).is_ok_and(|now| raw(&now)) {
        let _ = tcsetattr(terminal.as_fd(), OptionalActions::Now, &before);
    }
    let mut bytes = restoring();
    bytes.extend_from_slice(b"loopdash ended without a word; `loopdash resume` goes on with its loops\r\n");
    super::terminal::write_patiently_to(&terminal, &bytes);
    ExitCode::SUCCESS
}
