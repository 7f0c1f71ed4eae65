//! The thread that reads the terminal: [`Input::start`]. Each key carries the last frame the terminal had when it was read.
//!
//! It sleeps in `poll` until there is a byte; a terminal that has gone away ends it.

use super::keys::{Keys, Typed};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Keys that may wait; a reader that falls this far behind holds the thread.
const WAITING: usize = 256;
/// How long an escape may stand alone before it is a key, in nanoseconds.
const ESCAPE_NS: i64 = 25_000_000;

/// Something from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromTerminal {
    /// A key or a paste, and the last frame that had been written when it was read.
    Typed(Typed, u64),
    /// There is no terminal any more.
    Gone,
}

/// The reading thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Input {
    /// What was read.
    pub events: mpsc::Receiver<FromTerminal>,
    /// Closing it wakes the thread.
    wake: OwnedFd,
    thread: JoinHandle<()>,
}

/// The terminal's own file, whatever standard input is.
///
/// # Errors
/// There is no terminal.
pub fn terminal_file() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() { stdin.as_fd().try_clone_to_owned() } else { Ok(File::open("/dev/tty")?.into()) }
}

impl Input {
    /// Starts to read `terminal`. `painted` is the number of the last frame that was written to it.
    ///
    /// # Errors
    /// No pipe or thread can be made.
    pub fn start(terminal: OwnedFd, painted: Arc<AtomicU64>) -> io::Result<Self> {
        let (end, wake) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (events_in, events) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            read(terminal.as_fd(), end.as_fd(), &painted, &events_in);
            // Nobody listens any more if this fails.
            let _ = events_in.blocking_send(FromTerminal::Gone);
        })?;
        Ok(Self { events, wake, thread })
    }

    /// Ends the thread and waits until it is gone, so that no key is taken from whoever reads the terminal next.
    pub fn end(self) {
        drop((self.wake, self.events));
        // It does not panic, and has nothing to say if it did.
        let _ = self.thread.join();
    }
}

fn read(terminal: BorrowedFd<'_>, end: BorrowedFd<'_>, painted: &AtomicU64, events: &mpsc::Sender<FromTerminal>) {
    let mut keys = Keys::default();
    let mut bytes = [0u8; 4096];
    loop {
        let patience = keys.is_half_escape().then_some(Timespec { tv_sec: 0, tv_nsec: ESCAPE_NS });
        let mut fds = [PollFd::from_borrowed_fd(terminal, PollFlags::IN), PollFd::from_borrowed_fd(end, PollFlags::IN)];
        let ready = match poll(&mut fds, patience.as_ref()) {
            Ok(ready) => ready,
            Err(Errno::INTR) => continue,
            Err(_) => return,
        };
        if !fds[1].revents().is_empty() {
            return;
        }
        let seen = painted.load(Ordering::Acquire);
        let typed = if ready == 0 {
            keys.flush().into_iter().collect()
        } else {
            let state = fds[0].revents();
            if state.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                return;
            }
            match rustix::io::read(terminal, &mut bytes) {
                Ok(0) => return,
                Ok(got) => keys.feed(bytes.get(..got).unwrap_or_default()),
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(_) => return,
            }
        };
        for typed in typed {
            if events.blocking_send(FromTerminal::Typed(typed, seen)).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    fn key(code: KeyCode) -> Typed {
        Typed::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[tokio::test]
    async fn keys_carry_the_frame_that_was_written_before_they_were_read() {
        let (terminal, typist) = rustix::pipe::pipe().unwrap();
        let painted = Arc::new(AtomicU64::new(3));
        let mut input = Input::start(terminal, Arc::clone(&painted)).unwrap();
        rustix::io::write(&typist, b"Sy").unwrap();
        assert_eq!(input.events.recv().await, Some(FromTerminal::Typed(key(KeyCode::Char('S')), 3)));
        painted.store(4, Ordering::Release);
        assert_eq!(input.events.recv().await, Some(FromTerminal::Typed(key(KeyCode::Char('y')), 3)));
        rustix::io::write(&typist, b"\x1b").unwrap();
        assert_eq!(input.events.recv().await, Some(FromTerminal::Typed(key(KeyCode::Esc), 4)));
    }

    #[tokio::test]
    async fn a_terminal_that_goes_away_is_noticed() {
        let (terminal, typist) = rustix::pipe::pipe().unwrap();
        let mut input = Input::start(terminal, Arc::default()).unwrap();
        drop(typist);
        assert_eq!(input.events.recv().await, Some(FromTerminal::Gone));
        assert_eq!(input.events.recv().await, None);
    }
}
