//! What a running step shares with readers in this process: counters, the end of the index, and a wake-up.
//! [`LiveOutput`] holds a few kilobytes whatever the process prints; the bytes themselves are on disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::Edition;
use super::marks::{Record, Stream};
use crate::loops::agent::vitals::LiveStory;

const SILENT: u64 = u64::MAX;

/// Live counters of one step's output. Reading them takes no lock and disturbs nobody.
#[derive(Debug)]
pub struct LiveOutput {
    dir: PathBuf,
    edition: Edition,
    story: OnceLock<Arc<LiveStory>>,
    began: Instant,
    out_bytes: AtomicU64,
    err_bytes: AtomicU64,
    lines: AtomicU64,
    last_ms: AtomicU64,
    finished: AtomicBool,
    tail: Mutex<Tail>,
    wake: Notify,
    short: watch::Sender<Option<String>>,
}

/// The end of the index: where the stored output stops, and the records that are not on disk yet.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) end: Record,
    pub(super) on_disk: u64,
    pub(super) pending: Vec<Record>,
}

impl LiveOutput {
    pub(super) fn new(dir: PathBuf, edition: Edition) -> Self {
        Self {
            dir,
            edition,
            story: OnceLock::new(),
            began: Instant::now(),
            out_bytes: AtomicU64::new(0),
            err_bytes: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            last_ms: AtomicU64::new(SILENT),
            finished: AtomicBool::new(false),
            tail: Mutex::new(Tail { end: Record::START, on_disk: 0, pending: Vec::new() }),
            wake: Notify::new(),
            short: watch::Sender::new(None),
        }
    }

    /// Why output waits to be stored, while it does: the disk is full.
    pub fn shortage(&self) -> watch::Receiver<Option<String>> {
        self.short.subscribe()
    }

    pub(super) fn is_short(&self, why: Option<&str>) {
        self.short.send_if_modified(|known| {
            let changed = known.as_deref() != why;
            if changed {
                *known = why.map(str::to_owned);
            }
            changed
        });
    }

    /// The step directory that holds the transcript files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn edition(&self) -> Edition {
        self.edition
    }

    /// What the step's agent tells in its stream; `None` where there is no stream to be read.
    pub fn story(&self) -> Option<&Arc<LiveStory>> {
        self.story.get()
    }

    pub(in crate::loops::agent) fn tells(&self, story: Arc<LiveStory>) {
        // A step has one story; a second one would be lost.
        let _ = self.story.set(story);
    }

    /// Bytes read from standard output so far, stored or not.
    pub fn stdout_bytes(&self) -> u64 {
        self.out_bytes.load(Ordering::Acquire)
    }

    /// Bytes read from standard error so far, stored or not.
    pub fn stderr_bytes(&self) -> u64 {
        self.err_bytes.load(Ordering::Acquire)
    }

    /// Lines in the transcript so far, an unfinished last one included.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Acquire)
    }

    /// When output last arrived, in milliseconds since the step began; `None` before the first byte.
    pub fn last_output_ms(&self) -> Option<u64> {
        Some(self.last_ms.load(Ordering::Acquire)).filter(|at| *at != SILENT)
    }

    /// How long the process has printed nothing.
    pub fn silent_for(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.last_output_ms().unwrap_or(0)))
    }

    /// Whether the transcript is complete: nothing more will be written.
    pub fn finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// A number that grows with the output, for [`LiveOutput::changed`].
    pub fn version(&self) -> u64 {
        self.stdout_bytes().wrapping_add(self.stderr_bytes()).wrapping_add(u64::from(self.finished()))
    }

    /// Waits until the version differs from `seen`, and returns the new one; at once if it does already. However much
    /// arrived in between, it is one wake-up, and a step that nobody watches pays for none. The end counts as a change;
    /// after it there is no other, so ask [`LiveOutput::finished`] before waiting again.
    pub async fn changed(&self, seen: u64) -> u64 {
        loop {
            let mut woken = std::pin::pin!(self.wake.notified());
            woken.as_mut().enable();
            let version = self.version();
            if version != seen {
                return version;
            }
            woken.await;
        }
    }

    /// Waits until the transcript is complete.
    pub async fn ended(&self) {
        let mut seen = self.version();
        while !self.finished() {
            seen = self.changed(seen).await;
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, stream: Stream, read: u64, lines: u64, at_ms: u64) {
        let counter = match stream {
            Stream::Stdout => &self.out_bytes,
            Stream::Stderr => &self.err_bytes,
        };
        counter.fetch_add(read, Ordering::Release);
        self.lines.store(lines, Ordering::Release);
        self.last_ms.store(at_ms, Ordering::Release);
        self.wake.notify_waiters();
    }

    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }
}
