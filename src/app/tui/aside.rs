//! Another program on the terminal for a while: the operator's shell or editor, or an agent's own screen.
//!
//! [`visit`] gives it the terminal as a shell would, in a process group of its own: Ctrl-C and Ctrl-Z are its affair.

use super::terminal::output_file;
use crate::loops::agent::{RUN_MARK, STEP_MARK};
use nix::sys::signal::{SigSet, Signal as Masked};
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{Pid, Signal, WaitOptions, getpgrp, kill_process_group, waitpid};
use rustix::termios::tcsetpgrp;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a program that stopped itself stands still before it is let go on: there is no shell to bring it back.
const STOPPED: Duration = Duration::from_millis(50);
/// How long it has to go when loopdash is told to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A program to run on the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app::tui) struct Visit {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// Where.
    pub cwd: PathBuf,
    /// Added to its environment.
    pub env: Vec<(String, String)>,
    /// Taken out of its environment.
    pub env_remove: Vec<OsString>,
    /// What it is, in a few words: `the shell`, `the editor`.
    pub what: String,
    /// What to tell before it starts, on the cooked terminal.
    pub hint: String,
}

/// A program that has the terminal.
pub(super) struct Guest {
    pid: Pid,
    terminal: OwnedFd,
}

impl Guest {
    /// Starts a program and gives it the terminal, which must have been given back already.
    ///
    /// # Errors
    /// It cannot be started; the fragment names it.
    pub(super) fn start(visit: &Visit, terminal: OwnedFd) -> Result<Self, String> {
        let (program, arguments) = visit.argv.split_first().ok_or("there is nothing to start")?;
        let failed = |error: io::Error| format!("{} cannot be started: {error}", program.display());
        let copy = |fd: &OwnedFd| fd.try_clone().map(Stdio::from);
        let screen = output_file().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&visit.cwd).process_group(0);
        command.stdin(copy(&terminal).map_err(failed)?);
        command.stdout(copy(&screen).map_err(failed)?).stderr(copy(&screen).map_err(failed)?);
        // What the operator leaves running there is not a step's, and no sweep may take it for one.
        for name in visit.env_remove.iter().map(OsString::as_os_str).chain([RUN_MARK, STEP_MARK].map(OsStr::new)) {
            command.env_remove(name);
        }
        command.envs(visit.env.iter().map(|(name, value)| (name, value)));
        if !visit.hint.is_empty() {
            // Nobody reads it if this fails.
            let _ = rustix::io::write(&screen, format!("{}\n", visit.hint).as_bytes());
        }
        let child = command.spawn().map_err(failed)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("it has no process id")?;
        // It may have looked at the terminal before this, and been stopped for it.
        let _ = tcsetpgrp(&terminal, pid);
        let _ = kill_process_group(pid, Signal::CONT);
        Ok(Self { pid, terminal })
    }

    /// Waits for its end and takes the terminal back. Blocks. What it says of a bad end is a fragment.
    pub(super) fn wait(self) -> Option<String> {
        let status = loop {
            match waitpid(Some(self.pid), WaitOptions::UNTRACED) {
                Ok(Some((_, status))) if status.stopped() => {
                    std::thread::sleep(STOPPED);
                    let _ = kill_process_group(self.pid, Signal::CONT);
                }
                Ok(Some((_, status))) => break Some(status),
                Err(rustix::io::Errno::INTR) | Ok(None) => {}
                Err(_) => break None,
            }
        };
        take_back(&self.terminal);
        let status = status?;
        match (status.exit_status(), status.terminating_signal()) {
            (Some(0), _) => None,
            (Some(code), _) => Some(format!("exit {code}")),
            (None, Some(signal)) => Some(format!("signal {signal}")),
            (None, None) => None,
        }
    }

    /// The lever that ends it when loopdash has to.
    pub(super) const fn group(&self) -> Pid {
        self.pid
    }
}

/// Ends whoever has the terminal, because loopdash is told to end.
pub(super) async fn dismiss(group: Pid) {
    for signal in [Signal::HUP, Signal::TERM, Signal::CONT] {
        let _ = kill_process_group(group, signal);
    }
    tokio::time::sleep(LAST_WORDS).await;
    let _ = kill_process_group(group, Signal::KILL);
}

/// Makes this process the terminal's foreground again. A process in the background that asks for that is stopped, unless
/// the asking thread holds that signal off.
fn take_back(terminal: &impl AsFd) {
    let mut held = SigSet::empty();
    held.add(Masked::SIGTTOU);
    let asked = held.thread_block();
    let _ = tcsetpgrp(terminal, getpgrp());
    if asked.is_ok() {
        let _ = held.thread_unblock();
    }
}
