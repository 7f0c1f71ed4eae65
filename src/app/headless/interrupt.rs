//! Signals of a headless loopdash: [`Interrupts`].
//!
//! Ctrl-C and TERM end in order: runs are paused and can be resumed. A second one ends at once. HUP is not obeyed, so that
//! a lost connection ends no runs; the journal goes on being written.

use super::follow::sleep_until;
use crate::loops::agent::tree;
use crate::loops::core::command::{Command, LiveRuns, Request};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::engine::Handle;
use std::io::{self, Write};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The exit code after an interrupt.
const INTERRUPTED: i32 = 130;
/// How long the engine may take to kill what runs, and to journal that, after a second signal.
const KILLING: Duration = Duration::from_secs(2);
/// How often what is left is looked for and killed.
const ROUNDS: u32 = 40;
const ROUND: Duration = Duration::from_millis(25);

/// Listens for signals until dropped.
#[derive(Debug)]
pub(super) struct Interrupts {
    asked: watch::Receiver<bool>,
    task: AbortHandle,
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Interrupts {
    /// Starts to listen; `runs` are those whose processes a second signal ends, `resumable` whether they will still be
    /// there to go on with.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub(super) fn listen(handle: Handle, runs: Vec<RunId>, resumable: bool) -> io::Result<Self> {
        let mut int = signal(SignalKind::interrupt())?;
        let mut term = signal(SignalKind::terminate())?;
        let mut hup = signal(SignalKind::hangup())?;
        let (ask, asked) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut times = 0;
            let mut patience = None;
            loop {
                tokio::select! {
                    _ = int.recv() => times += 1,
                    _ = term.recv() => times += 1,
                    _ = hup.recv() => continue,
                    () = sleep_until(patience) => times = 3,
                }
                match times {
                    1 => {
                        let later = if resumable { "; paused runs go on with `loopdash resume`" } else { "" };
                        complain(&format!("stopping{later}. Ctrl-C again ends at once"));
                        let _ = ask.send(true);
                    }
                    2 => patience = Some(Instant::now() + KILLING),
                    _ => at_once(&runs),
                }
                let handle = handle.clone();
                tokio::spawn(async move { shut_down(&handle).await });
            }
        });
        Ok(Self { asked, task: task.abort_handle() })
    }

    /// Whether someone interrupted.
    pub(super) fn asked(&self) -> bool {
        *self.asked.borrow()
    }
}

/// Asks the engine to end in order, or, if it is ending already, at once.
pub(super) async fn shut_down(handle: &Handle) {
    let command = Command::Shutdown { live: LiveRuns::Pause };
    // It is refused only by an engine that has ended.
    let _ = handle.send(Request { who: Who::Cli, command }).await;
}

/// A line on standard error, which may be gone.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "loopdash: {}", crate::loops::agent::sanitize::plain_str(text));
}

/// Kills whatever the runs have started and exits. Their journals say that they were at work, and the next loopdash
/// finds them interrupted.
fn at_once(runs: &[RunId]) -> ! {
    let marks: Vec<String> = runs.iter().map(ToString::to_string).collect();
    for _ in 0..ROUNDS {
        let alive: Vec<_> = marks.iter().flat_map(|mark| tree::marked(mark)).filter(tree::Proc::is_alive).collect();
        if alive.is_empty() {
            break;
        }
        for process in alive {
            let pid = i32::try_from(process.pid).ok().and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        std::thread::sleep(ROUND);
    }
    std::process::exit(INTERRUPTED);
}
