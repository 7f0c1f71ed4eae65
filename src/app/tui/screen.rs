//! Frames to the terminal: [`Painter`] turns a buffer into the bytes that change the screen, [`Writer`] writes them.
//!
//! One thread writes, one frame at a time: a terminal that stalls stops drawing and nothing else.

use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use tokio::sync::Notify;

/// What the terminal shows, as far as it was told.
#[derive(Debug)]
pub struct Painter {
    shown: Buffer,
    anew: bool,
}

impl Painter {
    /// A painter of a screen of which nothing is known.
    pub fn new() -> Self {
        Self { shown: Buffer::empty(Rect::ZERO), anew: true }
    }

    /// Has the next frame painted whole.
    pub const fn anew(&mut self) {
        self.anew = true;
    }

    /// The bytes that turn what is shown into `frame`; empty if it is shown already.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn paint(&mut self, frame: Buffer) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let whole = self.anew || self.shown.area != frame.area;
        if whole {
            self.shown = Buffer::empty(frame.area);
        }
        let changes = self.shown.diff(&frame);
        // A change within one row cannot be seen half done; most idle minutes have no other.
        let row = changes.first().map(|(_, y, _)| *y);
        let tears = whole || changes.iter().any(|(_, y, _)| Some(*y) != row);
        if tears {
            queue!(bytes, BeginSynchronizedUpdate)?;
        }
        if whole {
            queue!(bytes, ResetColor, Clear(ClearType::All))?;
        }
        if !changes.is_empty() {
            CrosstermBackend::new(&mut bytes).draw(changes.into_iter())?;
        }
        if tears {
            queue!(bytes, EndSynchronizedUpdate)?;
        }
        self.anew = false;
        self.shown = frame;
        Ok(bytes)
    }
}

impl Default for Painter {
    fn default() -> Self {
        Self::new()
    }
}

/// The thread that writes frames.
#[derive(Debug)]
pub struct Writer {
    frames: SyncSender<(u64, Vec<u8>)>,
    sent: u64,
    painted: Arc<AtomicU64>,
    idle: Arc<Notify>,
    gone: Arc<AtomicBool>,
}

impl Writer {
    /// Starts to write to `terminal`.
    ///
    /// # Errors
    /// No thread can be made.
    pub fn start(terminal: OwnedFd) -> io::Result<Self> {
        let (frames, queue) = sync_channel::<(u64, Vec<u8>)>(1);
        let painted = Arc::new(AtomicU64::new(0));
        let idle = Arc::new(Notify::new());
        let gone = Arc::new(AtomicBool::new(false));
        let shared = (Arc::clone(&painted), Arc::clone(&idle), Arc::clone(&gone));
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let (painted, idle, gone) = shared;
            while let Ok((number, bytes)) = queue.recv() {
                if write_all(&terminal, &bytes).is_err() {
                    gone.store(true, Ordering::Release);
                }
                painted.store(number, Ordering::Release);
                idle.notify_one();
            }
        })?;
        Ok(Self { frames, sent: 0, painted, idle, gone })
    }

    /// The number of the last frame that was written, shared with the thread that reads keys.
    pub fn painted(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.painted)
    }

    /// Whether a frame is still being written: then none is taken.
    pub fn is_busy(&self) -> bool {
        self.painted.load(Ordering::Acquire) < self.sent
    }

    /// Whether the terminal no longer takes anything.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Waits until the frame that is being written is out; for ever if there is none.
    pub async fn idle(&self) {
        self.idle.notified().await;
    }

    /// The number that the next frame will have.
    pub const fn next_frame(&self) -> u64 {
        self.sent + 1
    }

    /// Hands a frame over, numbered [`Self::next_frame`]. Must not be called while it is busy; the frame would be lost.
    pub fn send(&mut self, bytes: Vec<u8>) {
        self.sent += 1;
        if bytes.is_empty() && !self.is_behind() {
            self.painted.store(self.sent, Ordering::Release);
        } else if self.frames.try_send((self.sent, bytes)).is_err() {
            self.gone.store(true, Ordering::Release);
        }
    }

    fn is_behind(&self) -> bool {
        self.painted.load(Ordering::Acquire) + 1 < self.sent
    }
}

/// Writes all of it, waiting for a terminal that takes nothing for now.
fn write_all(terminal: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(terminal, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(wrote) => bytes = bytes.get(wrote..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::OUT)];
                match poll(&mut fds, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use ratatui::style::{Color, Style};
    use std::num::NonZeroU16;

    fn frame(text: &str) -> Buffer {
        let mut frame = Buffer::empty(Rect::new(0, 0, 20, 3));
        frame.set_string(1, 1, text, Style::new().fg(Color::Red));
        frame
    }

    fn screen(bytes: &[&[u8]]) -> String {
        let size = |n| NonZeroU16::new(n).unwrap();
        let mut parser = vt100::Parser::new(size(3), size(20), 0);
        bytes.iter().for_each(|bytes| parser.process(bytes));
        parser.screen().contents()
    }

    #[test]
    fn only_what_changed_is_written_and_an_equal_frame_is_nothing() {
        let mut painter = Painter::new();
        let first = painter.paint(frame("hello there")).unwrap();
        assert!(painter.paint(frame("hello there")).unwrap().is_empty());
        let second = painter.paint(frame("hello world")).unwrap();
        assert!(second.len() < first.len());
        assert_eq!(screen(&[&first, &second]).trim(), "hello world");
        let held = |bytes: &[u8]| bytes.starts_with(b"\x1b[?2026h") && bytes.ends_with(b"\x1b[?2026l");
        assert!(held(&first) && !held(&second), "one row is never seen half done");
        let mut two = frame("hello there");
        two.set_string(0, 2, "below", Style::new());
        assert!(held(&painter.paint(two).unwrap()));
        painter.paint(frame("hello world")).unwrap();
        painter.anew();
        let whole = painter.paint(frame("hello world")).unwrap();
        assert_eq!(screen(&[b"junk junk junk", &whole]).trim(), "hello world");
    }

    #[tokio::test]
    async fn a_stalled_terminal_holds_one_frame_and_nobody() {
        let (terminal, end) = rustix::pipe::pipe().unwrap();
        let mut writer = Writer::start(end).unwrap();
        assert!(!writer.is_busy());
        writer.send(vec![b'x'; 4 << 20]);
        assert!(writer.is_busy());
        let mut got = 0;
        let mut bytes = vec![0; 1 << 16];
        while got < 4 << 20 {
            got += rustix::io::read(&terminal, &mut bytes).unwrap();
        }
        writer.idle().await;
        assert!(!writer.is_busy() && !writer.is_gone());
        assert_eq!((writer.painted().load(Ordering::Acquire), writer.next_frame()), (1, 2));
        writer.send(Vec::new());
        assert!(!writer.is_busy());
        drop(terminal);
        writer.send(b"more".to_vec());
        writer.idle().await;
        assert!(writer.is_gone());
    }
}
