//! The signals that the dashboard hears: [`Signals`], one stream each, and how it stops itself for the shell.
//!
//! What each of them means is decided in `run`.

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a terminal program has to answer.
pub(super) struct Signals {
    pub(super) terminate: Signal,
    pub(super) interrupt: Signal,
    pub(super) hangup: Signal,
    pub(super) stop: Signal,
    pub(super) resume: Signal,
    pub(super) resize: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// Stops this process, as Ctrl-Z does, until it is continued.
    pub(super) async fn stop_here(&mut self) {
        while self.resume.recv().now_or_never().is_some() {}
        // Stopping oneself cannot fail but for the process being gone.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        // The signal reaches the process, not this thread: it may run on for a while before it stands still.
        self.resume.recv().await;
    }
}
