//! The terminal's own state: raw and on its other screen while the dashboard is open, and as it was afterwards.
//!
//! [`Terminal`] restores it when dropped; a panic restores it before its message is printed.

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::ThreadId;

/// How long a terminal that takes nothing is waited for before it is left as it is.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// The thread that has the screen, for the panic hook.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Whether the terminal is ours at the moment.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// What other threads would have printed while panicking; told once the screen is gone.
static LATE: Mutex<Vec<String>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// The terminal while it is ours.
#[derive(Debug)]
pub struct Terminal {
    _only: (),
}

/// Whether the terminal says that it can put nothing in a place of its own, as an editor's shell window does.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

/// The terminal's file for writing: standard output, else standard error.
///
/// # Errors
/// Neither is a terminal.
pub fn output_file() -> io::Result<OwnedFd> {
    if io::stdout().is_terminal() {
        io::stdout().as_fd().try_clone_to_owned()
    } else if io::stderr().is_terminal() {
        io::stderr().as_fd().try_clone_to_owned()
    } else {
        Err(io::Error::other("there is no terminal"))
    }
}

impl Terminal {
    /// Takes the terminal for the calling thread.
    ///
    /// # Errors
    /// There is none, or it cannot be set up.
    pub fn enter() -> io::Result<Self> {
        install_hook();
        if let Err(error) = output_file().and_then(super::guard::start) {
            tracing::warn!(%error, "nobody will give the terminal back if loopdash is killed");
        }
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
        let terminal = Self { _only: () };
        terminal.resume()?;
        Ok(terminal)
    }

    /// Gives the terminal back for a while.
    pub fn suspend(&self) {
        restore();
    }

    /// Takes the terminal again, whatever its state has become meanwhile.
    ///
    /// # Errors
    /// It cannot be set up.
    pub fn resume(&self) -> io::Result<()> {
        // What crossterm remembers may be out of date: the shell has set its own modes in the meantime.
        let _ = disable_raw_mode();
        super::guard::tell(true);
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::Release);
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, Hide, EnableBracketedPaste)?;
        write_patiently(&bytes);
        Ok(())
    }

    /// Columns and rows; 80 by 24 if the terminal does not say.
    pub fn size(&self) -> (u16, u16) {
        let size = output_file().and_then(|file| rustix::termios::tcgetwinsize(&file).map_err(io::Error::from));
        size.map_or((80, 24), |size| (size.ws_col, size.ws_row))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        super::guard::stop();
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let late = std::mem::take(&mut *LATE.lock().unwrap_or_else(PoisonError::into_inner));
        for message in late {
            // Nothing can be done if nobody reads it.
            let _ = io::Write::write_all(&mut io::stderr(), format!("{message}\n").as_bytes());
        }
    }
}

/// Puts the terminal back, once, however often it is called.
fn restore() {
    if !ENTERED.swap(false, Ordering::AcqRel) {
        return;
    }
    write_patiently(&restoring());
    let _ = disable_raw_mode();
    super::guard::tell(false);
}

/// What has to be written to put the screen back.
pub(super) fn restoring() -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = queue!(
        bytes,
        EndSynchronizedUpdate,
        ResetColor,
        DisableBracketedPaste,
        DisableMouseCapture,
        Show,
        LeaveAlternateScreen
    );
    bytes
}

/// Writes unless the terminal takes nothing for half a second, as after Ctrl-S.
fn write_patiently(bytes: &[u8]) {
    if let Ok(file) = output_file() {
        write_patiently_to(&file, bytes);
    }
}

/// As [`write_patiently`], to this terminal.
pub(super) fn write_patiently_to(file: &impl AsFd, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut fds = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::OUT)];
        match poll(&mut fds, Some(&PATIENCE)) {
            Ok(1..) => {}
            _ => return,
        }
        match rustix::io::write(file, rest) {
            Ok(wrote) => rest = rest.get(wrote..).unwrap_or_default(),
            Err(_) => return,
        }
    }
}

/// Has a panic of the screen's thread restore the terminal first. A panic elsewhere is kept until the screen is gone.
fn install_hook() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let owner = *OWNER.lock().unwrap_or_else(PoisonError::into_inner);
            let here = std::thread::current();
            if owner.is_some_and(|owner| owner != here.id()) && ENTERED.load(Ordering::Acquire) {
                let name = here.name().unwrap_or("unnamed").to_owned();
                tracing::error!(thread = %name, "{panic}");
                LATE.lock().unwrap_or_else(PoisonError::into_inner).push(format!("thread '{name}': {panic}"));
                return;
            }
            restore();
            before(panic);
        }));
    });
}
