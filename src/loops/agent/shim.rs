//! The body of `loopdash __exec`: what runs in a child between fork and the agent, without code in the forked parent.
//! [`run`] makes the process a session leader that dies with loopdash, and becomes the agent.

use rustix::process::Signal;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "__exec";

/// Stands for a child whose standard output is to become its controlling terminal.
const TERMINAL: &str = "terminal";
/// Stands for one without a terminal.
const NO_TERMINAL: &str = "none";

/// The arguments that make `loopdash` run `argv` from the file `program`, as a child of process `parent`.
pub(super) fn arguments(parent: u32, terminal: bool, program: &OsStr, argv: &[OsString]) -> Vec<OsString> {
    let terminal = if terminal { TERMINAL } else { NO_TERMINAL };
    let mut arguments = vec![SUBCOMMAND.into(), parent.to_string().into(), terminal.into(), program.to_owned()];
    arguments.extend_from_slice(argv);
    arguments
}

/// Takes what follows the subcommand: the parent's process id, whether there is a terminal, the file to run, and its
/// arguments from `argv[0]` on. Returns only when that failed, having said why on standard error: 127 when the file is not there, 126 otherwise.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let parent = arguments.next().and_then(|parent| parent.to_str()?.parse().ok());
    let terminal = arguments.next();
    let (Some(parent), Some(program), Some(name)) = (parent, arguments.next(), arguments.next()) else {
        eprintln!("loopdash: {SUBCOMMAND} is for loopdash itself; use `loopdash run`");
        return ExitCode::from(64);
    };
    // Fails only for a process that leads a group already, when it was started by hand; it is then a group of its own.
    let _ = rustix::process::setsid();
    let ready = die_with(parent).and_then(|()| match terminal {
        Some(word) if word == TERMINAL => Ok(rustix::process::ioctl_tiocsctty(rustix::stdio::stdout())?),
        _ => Ok(()),
    });
    if let Err(error) = ready {
        eprintln!("loopdash: start {}: {error}", program.display());
        return ExitCode::from(126);
    }
    listen();
    let error = Command::new(&program).arg0(name).args(arguments).exec();
    eprintln!("loopdash: start {}: {error}", program.display());
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}

/// Has the agent start with the signals that end it obeyed, however loopdash was started: a script's shell has INT and
/// QUIT ignored in what it puts in the background, children inherit that, and a shell script cannot undo it. A signal
/// with a handler is back to its default after exec; one that arrives before that is lost, and the next stage is not.
fn listen() {
    for signal in [Signal::INT, Signal::QUIT, Signal::TERM] {
        // Fails only for signals that cannot be handled, which these are not.
        let _ = signal_hook::flag::register(signal.as_raw(), std::sync::Arc::default());
    }
}

/// Asks the kernel for a KILL when loopdash is gone, and fails when it is gone already.
fn die_with(parent: i32) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    match rustix::process::getppid() {
        Some(now) if now.as_raw_pid() == parent => Ok(()),
        _ => Err(std::io::Error::other("loopdash is gone")),
    }
}
