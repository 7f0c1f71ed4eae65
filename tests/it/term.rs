//! A real terminal for tests: a pty with a screen parser behind it, which keys go into and states are read from.
//!
//! Everything waits for a state of the screen or of the process, never for a time; the limit only ends a failed test.

use pty_process::{OwnedWritePty, Size};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Action, LocalModes, tcflow, tcgetattr};
use std::fs::File;
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// How long a state may take before the test is given up.
const LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at a state that nothing announces.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Waits for a state outside the terminal that nothing announces.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, waiting).await.is_ok(), "never: {what}");
}

struct Seen {
    parser: Mutex<vt100::Parser>,
    raw: Mutex<Vec<u8>>,
    changed: Notify,
}

/// loopdash in a terminal.
pub(crate) struct Term {
    seen: Arc<Seen>,
    keys: OwnedWritePty,
    child: tokio::process::Child,
    tty: OwnedFd,
    reader: tokio::task::JoinHandle<()>,
}

fn size_of(rows: u16, cols: u16) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(rows).unwrap(), NonZeroU16::new(cols).unwrap())
}

impl Term {
    /// Starts loopdash with `arguments` in `cwd`, on a terminal of this size.
    pub(crate) fn start(arguments: &[&str], cwd: &Path, env: &[(&str, &Path)], size: (u16, u16)) -> Self {
        Self::start_by(&[], arguments, cwd, env, size)
    }

    /// The same, through `wrap`, which is to become loopdash.
    pub(crate) fn start_by(
        wrap: &[&str],
        arguments: &[&str],
        cwd: &Path,
        env: &[(&str, &Path)],
        (rows, cols): (u16, u16),
    ) -> Self {
        let words: Vec<&str> =
            wrap.iter().copied().chain([crate::ground::LOOPDASH]).chain(arguments.iter().copied()).collect();
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(Size::new(rows, cols)).unwrap();
        let tty = pty.as_fd().try_clone_to_owned().unwrap();
        let mut command = pty_process::Command::new(words[0])
            .args(&words[1..])
            .current_dir(cwd)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env("TZ", "UTC")
            .kill_on_drop(true);
        for (name, value) in env {
            command = command.env(name, value);
        }
        let child = command.spawn(pts).unwrap();
        let (r, c) = size_of(rows, cols);
        let seen = Arc::new(Seen {
            parser: Mutex::new(vt100::Parser::new(r, c, 0)),
            raw: Mutex::default(),
            changed: Notify::new(),
        });
        let (mut output, keys) = pty.into_split();
        let feed = Arc::clone(&seen);
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            // EIO is how a pty says that its other side is closed.
            while let Ok(count @ 1..) = output.read(&mut buffer).await {
                feed.parser.lock().unwrap().process(&buffer[..count]);
                feed.raw.lock().unwrap().extend_from_slice(&buffer[..count]);
                feed.changed.notify_waiters();
            }
        });
        Self { seen, keys, child, tty, reader }
    }

    /// The screen's text, a line each.
    pub(crate) fn text(&self) -> String {
        self.seen.parser.lock().unwrap().screen().contents()
    }

    /// Everything that was written to the terminal.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.raw.lock().unwrap().clone()
    }

    /// Waits until the screen satisfies `done`.
    pub(crate) async fn until(&self, what: &str, done: impl Fn(&str) -> bool) {
        let waiting = async {
            loop {
                let changed = self.seen.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if done(&self.text()) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(LIMIT, waiting).await.is_err() {
            panic!("never on the screen: {what}\n{}", self.text());
        }
    }

    /// Waits until `text` is on the screen.
    pub(crate) async fn see(&self, text: &str) {
        self.until(text, |screen| screen.contains(text)).await;
    }

    /// Waits until a text is on the screen that may go over the end of a row.
    pub(crate) async fn see_words(&self, text: &str) {
        let joined = |screen: &str| screen.split_whitespace().collect::<Vec<_>>().join(" ");
        self.until(text, |screen| joined(screen).contains(text)).await;
    }

    /// Waits until `text` is not on the screen any more.
    pub(crate) async fn gone(&self, text: &str) {
        self.until(&format!("{text} gone"), |screen| !screen.contains(text)).await;
    }

    /// Waits until loopdash has ended, or `text` is on the screen: whether it is.
    pub(crate) async fn until_over_or(&mut self, text: &str) -> bool {
        let mut seen = false;
        for _ in 0..LIMIT.as_millis() / LOOK_AGAIN.as_millis() {
            seen = self.text().contains(text);
            if seen || self.is_over() {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        seen
    }

    /// Types bytes as they are.
    pub(crate) async fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
    }

    /// Answers what is on the screen with a key, as a person does: again, if it was too early to count, because the
    /// frame had reached the terminal but loopdash did not know that yet.
    pub(crate) async fn answer(&mut self, key: &str, dialog: &str) {
        for _ in 0..200 {
            self.keys(key).await;
            for _ in 0..30 {
                if !self.text().contains(dialog) || self.is_over() {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        panic!("{key:?} was never taken\n{}", self.text());
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        let (r, c) = size_of(rows.max(2), cols.max(4));
        self.seen.parser.lock().unwrap().screen_mut().set_size(r, c);
        self.keys.resize(Size::new(rows, cols)).unwrap();
    }

    /// Has the terminal take nothing any more, as Ctrl-S and a dead connection do, or take it again.
    pub(crate) fn stall(&self, stalled: bool) {
        // Through loopdash's side of it: asked of this side, it is the keys that would not pass.
        let side = File::open(format!("/proc/{}/fd/0", self.pid())).unwrap();
        tcflow(side, if stalled { Action::OOff } else { Action::OOn }).unwrap();
    }

    /// Whether loopdash has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Takes the terminal away, as a lost connection does; what is left is the process.
    pub(crate) async fn vanish(self) -> tokio::process::Child {
        let Self { keys, child, tty, reader, .. } = self;
        reader.abort();
        let _ = reader.await;
        drop((keys, tty));
        child
    }

    /// loopdash's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends loopdash a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for loopdash to end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("loopdash never ended\n{}", self.text())).unwrap()
    }

    /// What is not as a shell would want it back: empty when the terminal was left in order.
    pub(crate) async fn disorder(&self) -> Vec<&'static str> {
        // The last bytes may still be on their way through the pty.
        for _ in 0..200 {
            if self.wrong().is_empty() {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.wrong()
    }

    fn wrong(&self) -> Vec<&'static str> {
        let parser = self.seen.parser.lock().unwrap();
        let screen = parser.screen();
        let local = tcgetattr(&self.tty).unwrap().local_modes;
        let checks = [
            (screen.alternate_screen(), "on the alternate screen"),
            (screen.hide_cursor(), "cursor hidden"),
            (screen.bracketed_paste(), "bracketed paste on"),
            (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "mouse on"),
            (!local.contains(LocalModes::ICANON | LocalModes::ECHO), "terminal raw"),
        ];
        checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, what)| what).collect()
    }
}
