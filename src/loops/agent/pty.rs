//! A terminal of its own for a child that insists on one: [`Pty`], our side of it and the child's.
//!
//! The child prints as into a file: no echo, no carriage returns added. It is asked nothing and told nothing through the
//! terminal, except that standard input, where that is the terminal, has ended.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

/// Rows of the terminal.
pub const ROWS: u16 = 40;
/// Its columns: what a program that wraps its words for a person has room for.
pub const COLUMNS: u16 = 120;
/// What programs are told of it, where nobody says otherwise: nothing draws it, but what asks for a terminal is seldom
/// content with a dumb one.
pub(super) const TERM: &str = "xterm-256color";

/// How often what reads from the terminal is told that there is nothing, as often as it asks within reason. A terminal has
/// no end that stays.
const ENDS: usize = 16;

/// A pair of terminal ends.
pub(super) struct Pty {
    /// Ours: what the child prints is read here.
    pub(super) ours: OwnedFd,
    /// The child's; to be closed when it has started.
    child: OwnedFd,
}

impl Pty {
    /// A new one, which is no process's controlling terminal yet.
    pub(super) fn open() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        #[cfg(not(target_os = "linux"))]
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let ours = openpt(flags)?;
        #[cfg(not(target_os = "linux"))]
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let child = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let mut modes = tcgetattr(&child)?;
        modes.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        modes.output_modes -= OutputModes::OPOST;
        tcsetattr(&child, OptionalActions::Now, &modes)?;
        tcsetwinsize(&child, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 })?;
        Ok(Self { ours, child })
    }

    /// The child's end, as one of its standard streams.
    pub(super) fn stdio(&self) -> io::Result<Stdio> {
        Ok(self.child.try_clone()?.into())
    }

    /// The child's end as its standard input, which has ended: the key that says so was typed ahead. Whatever asks a
    /// question there is not answered, and does not wait.
    pub(super) fn ended_input(&self) -> io::Result<Stdio> {
        let end = tcgetattr(&self.child)?.special_codes[SpecialCodeIndex::VEOF];
        rustix::io::write(self.ours.as_fd(), &[end; ENDS])?;
        self.stdio()
    }
}
