//! Moves bytes: from a child's pipes to its transcript, and from memory to its standard input.
//! Reading never waits for anybody but the disk, so a child is never held up by a screen or an engine.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::ChildStdin;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::tap::{Listen, Tap, Tapped};
use super::transcript::{Edition, LiveOutput, Stream, Totals, Writer};

/// What one read takes.
const CHUNK_BYTES: usize = 256 * 1024;
/// What a pipe for standard output is asked to hold, so that a child that prints much changes places with us seldom. The
/// system grants a user 64 MiB of this before it shrinks all their new pipes: a hundred children must fit.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 512 * 1024;
/// Reads before another step has its turn.
const TURN: usize = 4;
/// Between two attempts to store what a full disk refused.
const OWED_PAUSE: Duration = Duration::from_millis(500);
/// How long an ended step waits for room. Its end can hardly be journalled before there is some, as both lie on one disk.
const OWED_FOR: Duration = Duration::from_secs(60);
/// What is taken at the end from a pipe that somebody keeps filling.
const LAST_BYTES: usize = 16 * 1024 * 1024;

thread_local! {
    // One for each thread, not for each child: it is full only between a read and the write that follows.
    static CHUNK: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK_BYTES]);
}

/// The reading end of one of a child's outputs: a pipe, or our side of its terminal.
pub(super) struct Source {
    from: Receiver,
    stream: Stream,
}

impl Source {
    /// Takes a file descriptor, which does not block from now on.
    pub(super) fn new(fd: OwnedFd, stream: Stream) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if stream == Stream::Stdout {
            // Refused to those who have many large pipes already, and by terminals; the default size works too.
            let _ = rustix::pipe::fcntl_setpipe_size(&fd, PIPE_BYTES);
        }
        rustix::io::ioctl_fionbio(&fd, true)?;
        // Unchecked, because a terminal is no pipe; it is waited for and read like one.
        Ok(Self { from: Receiver::from_owned_fd_unchecked(fd)?, stream })
    }

    /// Waits until there is something to read, or nothing ever will be. Whether that could be waited for.
    async fn readable(source: Option<&Self>) -> bool {
        match source {
            Some(source) => source.from.readable().await.is_ok(),
            None => std::future::pending().await,
        }
    }

    /// Takes what is there, `turns` reads of it at most. Returns whether it has ended.
    fn drain(&self, sink: &mut Sink, turns: usize) -> bool {
        CHUNK.with_borrow_mut(|chunk| {
            for _ in 0..turns {
                match self.from.try_read(chunk) {
                    Ok(0) => return true,
                    Ok(got) => sink.push(self.stream, chunk.get(..got).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A terminal whose other side is closed by all says EIO, when everything in it was read.
                    Err(_) => return true,
                }
            }
            false
        })
    }
}

/// Where what is read goes.
pub(super) struct Sink {
    writer: Writer,
    /// Whoever listens to the stream, where it is one.
    tap: Option<Tap>,
}

/// What came of reading.
#[derive(Debug)]
pub(super) struct Pumped {
    pub(super) totals: Totals,
    pub(super) tapped: Option<Tapped>,
    /// Whether all that it printed to was closed.
    pub(super) ended: bool,
}

impl Sink {
    /// The transcripts in `dir`, each of at most `limit` bytes; a story among them where there is something to listen to.
    pub(super) fn open(dir: &Path, listen: Option<Listen>, limit: u64) -> io::Result<Self> {
        let writer = Writer::create(dir, Edition::Raw, limit)?;
        let tap = listen.map(|listen| Tap::open(listen, dir, limit)).transpose().inspect_err(|_| writer.discard())?;
        if let Some(tap) = &tap {
            writer.live().tells(tap.story());
        }
        Ok(Self { writer, tap })
    }

    /// Takes back what nothing was written to.
    pub(super) fn discard(&self) {
        self.writer.discard();
        if let Some(tap) = &self.tap {
            tap.discard();
        }
    }

    /// The side that readers share.
    pub(super) fn live(&self) -> Arc<LiveOutput> {
        self.writer.live()
    }

    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        // The story first: readers wake when the transcript has grown, and then find both.
        if let Some(tap) = &mut self.tap {
            tap.push(stream, bytes);
        }
        self.writer.push(stream, bytes);
    }

    fn owes(&self) -> bool {
        self.writer.owes() || self.tap.as_ref().is_some_and(Tap::owes)
    }

    fn pay(&mut self) {
        self.writer.pay();
        if let Some(tap) = &mut self.tap {
            tap.pay();
        }
    }

    /// Waits for room for what a full disk refused, but not for ever.
    async fn settle(&mut self) {
        let until = Instant::now() + OWED_FOR;
        while self.owes() && Instant::now() < until {
            sleep(OWED_PAUSE).await;
            self.pay();
        }
    }

    fn finish(self, ended: bool) -> Pumped {
        let tapped = self.tap.map(Tap::finish);
        Pumped { totals: self.writer.finish(), tapped, ended }
    }
}

/// Reads until all of it has ended, or until `cut` and there is nothing left to read. Of what came at once, what was
/// printed first is mostly on the first source.
pub(super) async fn pump(mut sources: [Option<Source>; 2], mut sink: Sink, cut: CancellationToken) -> Pumped {
    let mut cut = std::pin::pin!(cut.cancelled_owned());
    let mut turns = TURN;
    while sources.iter().any(Option::is_some) {
        let [first, second] = &sources;
        let going = tokio::select! {
            ready = Source::readable(first.as_ref()) => ready,
            ready = Source::readable(second.as_ref()) => ready,
            () = sleep(OWED_PAUSE), if sink.owes() => {
                sink.pay();
                true
            }
            () = &mut cut => {
                turns = LAST_BYTES / CHUNK_BYTES;
                false
            }
        };
        for source in &mut sources {
            source.take_if(|source| source.drain(&mut sink, turns));
        }
        if !going {
            break;
        }
        tokio::task::yield_now().await;
    }
    sink.settle().await;
    sink.finish(sources.iter().all(Option::is_none))
}

/// Writes a child's standard input and ends it. A child that does not want all of it is its own affair.
pub(super) async fn feed(mut stdin: ChildStdin, bytes: Arc<[u8]>, exited: CancellationToken) {
    tokio::select! {
        _ = stdin.write_all(&bytes) => {}
        () = exited.cancelled() => {}
    }
}
