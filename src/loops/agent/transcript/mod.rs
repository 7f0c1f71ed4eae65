//! Transcripts: the raw output of a step on disk, and readers that see it as lines in the order they were printed.
//! [`Transcript`] reads a finished, interrupted or running step; a running one is shared as [`LiveOutput`].
//!
//! A transcript is `stdout.log` and `stderr.log`, byte for byte, and `order.idx`, which tells how the two interleaved
//! (format in `marks.rs`). A line ends at a newline, or where the other stream begins. What an agent's stream tells lies
//! beside it in the same form, as `story.log` and `story.idx`, with a copy of standard error between its lines; see
//! [`story`](super::story). Reading blocks on the disk: call it from a thread that may wait.

mod index;
mod live;
mod marks;
mod owed;
mod search;
mod walk;
mod writer;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use index::Index;
use live::Tail;

pub use live::LiveOutput;
pub use marks::Stream;
pub use search::{Direction, Found, Hit, Query};
pub(super) use writer::{Totals, Writer};

use super::sanitize;
use crate::loops::mask::{Lines, Mask, may_be_body};

/// Which of a step's two transcripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edition {
    /// What it printed, byte for byte.
    Raw,
    /// What its agent's stream told, as lines to read.
    Story,
}

impl Edition {
    const fn file(self, stream: Stream) -> &'static str {
        match (self, stream) {
            (Self::Raw, Stream::Stdout) => "stdout.log",
            (Self::Raw, Stream::Stderr) => "stderr.log",
            (Self::Story, Stream::Stdout) => "story.log",
            (Self::Story, Stream::Stderr) => "story-stderr.log",
        }
    }

    const fn order(self) -> &'static str {
        match self {
            Self::Raw => "order.idx",
            Self::Story => "story.idx",
        }
    }
}

/// A longer line is shown up to here; the rest of it is on disk only.
pub const LINE_CAP: usize = 64 * 1024;

/// How far before the first line that is asked for a key may begin that goes on in it: a key of 16384 bits has 200 lines.
const KEY_LINES: u64 = 200;
/// What is read at once of a whole stream.
const PIECE_BYTES: usize = 256 * 1024;

/// A line as it was printed, without its newline and with its secrets masked, control sequences and all. Clean it before
/// it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLine {
    /// Where it was printed.
    pub stream: Stream,
    /// At most [`LINE_CAP`] bytes.
    pub bytes: Vec<u8>,
    /// Whether the line is longer than that.
    pub cut: bool,
    /// When it was printed, in milliseconds since the step began, to about a second.
    pub at_ms: u64,
}

/// The output of one step. Cheap to open and to hold, however large it is.
#[derive(Debug)]
pub struct Transcript {
    files: Files,
    live: Option<Arc<LiveOutput>>,
    recovered: OnceLock<Tail>,
}

impl Transcript {
    /// The transcript in a step directory. One that is not there is empty. If another process is still writing it, this
    /// sees what was there when it was first read.
    pub fn open(dir: &Path) -> Self {
        Self::edition(dir, Edition::Raw)
    }

    /// The same for one of the editions in a step directory.
    pub fn edition(dir: &Path, edition: Edition) -> Self {
        Self { files: Files::new(dir, edition), live: None, recovered: OnceLock::new() }
    }

    /// The transcript of a running step; each call sees what has been printed by then.
    pub fn live(live: Arc<LiveOutput>) -> Self {
        let files = Files::new(live.dir(), live.edition());
        Self { files, live: Some(live), recovered: OnceLock::new() }
    }

    /// Whether it was begun at all.
    pub fn is_there(&self) -> io::Result<bool> {
        Ok(self.files.stream(Stream::Stdout)?.is_some())
    }

    /// The number of lines, an unfinished last one included.
    pub fn line_count(&self) -> io::Result<u64> {
        Ok(self.index()?.end().lines())
    }

    /// Bytes of both streams that are stored.
    pub fn byte_count(&self) -> io::Result<u64> {
        Ok(self.index()?.end().merged())
    }

    /// The lines of `range` that exist, first one first. Costs what the range costs, wherever it is.
    pub fn lines(&self, range: Range<u64>) -> io::Result<Vec<RawLine>> {
        let index = self.index()?;
        let range = range.start..range.end.min(index.end().lines());
        let mut mask = self.mask_before(&index, range.start)?;
        let mut lines = Vec::new();
        walk::scan(&index, &self.files, range, &mut |line| {
            lines.push(RawLine {
                stream: line.stream,
                bytes: mask.line(line.bytes).into_owned(),
                cut: line.cut,
                at_ms: u64::from(line.at_ms),
            });
            ControlFlow::Continue(())
        })?;
        Ok(lines)
    }

    /// The mask as it is where line `start` begins: inside a key or not.
    fn mask_before(&self, index: &Index<'_>, start: u64) -> io::Result<Lines<'static>> {
        let mut mask = Mask::of_process().lines();
        let see = |range: Range<u64>, each: &mut dyn FnMut(&[u8])| {
            walk::scan(index, &self.files, range, &mut |line| {
                each(line.bytes);
                ControlFlow::Continue(())
            })
        };
        if start == 0 {
            return Ok(mask);
        }
        // A key that goes on here has a full line just before or soon behind: two lines of headers may come between.
        let mut may_go_on = false;
        see(start - 1..start + 4, &mut |line| may_go_on |= may_be_body(line))?;
        if may_go_on {
            see(start.saturating_sub(KEY_LINES)..start, &mut |line| drop(mask.line(line)))?;
        }
        Ok(mask)
    }

    /// Looks for at most `limit` lines that match, from line `from` on, that line included. Reads a bounded piece; ask
    /// again from [`Found::resume`].
    pub fn search(&self, query: &Query, from: u64, direction: Direction, limit: usize) -> io::Result<Found> {
        let index = self.index()?;
        match direction {
            Direction::Forward => search::forward(&index, &self.files, query, from, limit),
            Direction::Backward => search::backward(&index, &self.files, query, from, limit),
        }
    }

    /// The end of the transcript as clean text for a prompt or a person: whole lines, no control sequences, at most
    /// `max_lines` and `max_bytes`. A last line that is longer than that alone keeps its end.
    pub fn tail(&self, max_lines: u64, max_bytes: usize) -> io::Result<String> {
        let mut kept: VecDeque<String> = VecDeque::new();
        let mut bytes = 0;
        let mut end = self.line_count()?;
        let first = end.saturating_sub(max_lines);
        'windows: while end > first {
            let start = end.saturating_sub(64).max(first);
            for line in self.lines(start..end)?.iter().rev() {
                let text = sanitize::plain_line(&line.bytes);
                if bytes + text.len() + 1 > max_bytes {
                    if kept.is_empty() {
                        kept.push_front(end_of(&text, max_bytes));
                    }
                    break 'windows;
                }
                bytes += text.len() + 1;
                kept.push_front(text.into_owned());
            }
            end = start;
        }
        Ok(kept.into_iter().collect::<Vec<_>>().join("\n"))
    }

    /// The last `max` bytes of standard output, as printed.
    pub fn stdout_tail_bytes(&self, max: usize) -> io::Result<Vec<u8>> {
        let Some(file) = self.files.stream(Stream::Stdout)? else { return Ok(Vec::new()) };
        let len = match &self.live {
            Some(live) => live.tail().end.out,
            None => file.metadata()?.len(),
        };
        let start = len.saturating_sub(max as u64);
        let mut bytes = vec![0; usize::try_from(len - start).unwrap_or(max)];
        let mut done = 0;
        while let Some(space) = bytes.get_mut(done..).filter(|space| !space.is_empty()) {
            match file.read_at(space, start + done as u64)? {
                0 => break,
                got => done += got,
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }

    /// All that is stored of one stream, as printed, in pieces and in order.
    pub fn bytes(&self, stream: Stream, each: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let Some(file) = self.files.stream(stream)? else { return Ok(()) };
        let (mut piece, mut at) = (vec![0; PIECE_BYTES], 0);
        loop {
            match file.read_at(&mut piece, at)? {
                0 => return Ok(()),
                got => {
                    each(piece.get(..got).unwrap_or_default());
                    at += got as u64;
                }
            }
        }
    }

    /// All lines of one stream, in order, each whole wherever the other stream broke in, clean of terminal control, and
    /// cut at [`LINE_CAP`] bytes.
    pub fn stream_lines(&self, stream: Stream, each: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let mut open: Vec<u8> = Vec::new();
        self.bytes(stream, &mut |mut piece| {
            while let Some(at) = memchr::memchr(b'\n', piece) {
                let (line, rest) = (piece.get(..at).unwrap_or_default(), piece.get(at + 1..).unwrap_or_default());
                if open.is_empty() {
                    clean(line, each);
                } else {
                    extend(&mut open, line);
                    clean(&open, each);
                    open.clear();
                }
                piece = rest;
            }
            extend(&mut open, piece);
        })?;
        if !open.is_empty() {
            clean(&open, each);
        }
        Ok(())
    }

    /// The last line that says something, clean, for a list of loops.
    pub fn last_line(&self) -> io::Result<Option<String>> {
        let end = self.line_count()?;
        let lines = self.lines(end.saturating_sub(16)..end)?;
        let texts = lines.iter().rev().map(|line| sanitize::plain_line(&line.bytes).trim().to_owned());
        Ok(texts.into_iter().find(|text| !text.is_empty()))
    }

    fn index(&self) -> io::Result<Index<'_>> {
        let tail = match (&self.live, self.recovered.get()) {
            (Some(live), _) => live.tail().clone(),
            (None, Some(tail)) => tail.clone(),
            (None, None) => {
                let tail = index::recover(&self.files)?;
                self.recovered.get_or_init(|| tail).clone()
            }
        };
        Ok(Index::new(self.files.order()?, tail))
    }
}

fn extend(open: &mut Vec<u8>, bytes: &[u8]) {
    let room = LINE_CAP.saturating_sub(open.len());
    open.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

/// Most lines hold nothing to clean.
fn clean(line: &[u8], each: &mut impl FnMut(&[u8])) {
    let line = line.get(..LINE_CAP).unwrap_or(line);
    match memchr::memchr(0x1b, line) {
        None => each(line.strip_suffix(b"\r").unwrap_or(line)),
        Some(_) => each(sanitize::plain_line(line).as_bytes()),
    }
}

fn end_of(text: &str, max_bytes: usize) -> String {
    let from = text.ceil_char_boundary(text.len().saturating_sub(max_bytes.saturating_sub('…'.len_utf8())));
    format!("…{}", text.get(from..).unwrap_or_default())
}

/// The three files, each opened when it is first needed and there.
#[derive(Debug)]
struct Files {
    dir: PathBuf,
    edition: Edition,
    stdout: OnceLock<File>,
    stderr: OnceLock<File>,
    order: OnceLock<File>,
}

impl Files {
    fn new(dir: &Path, edition: Edition) -> Self {
        let dir = dir.to_owned();
        Self { dir, edition, stdout: OnceLock::new(), stderr: OnceLock::new(), order: OnceLock::new() }
    }

    fn stream(&self, stream: Stream) -> io::Result<Option<&File>> {
        let place = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        self.open(place, self.edition.file(stream))
    }

    fn order(&self) -> io::Result<Option<&File>> {
        self.open(&self.order, self.edition.order())
    }

    fn open<'a>(&self, place: &'a OnceLock<File>, name: &str) -> io::Result<Option<&'a File>> {
        if let Some(file) = place.get() {
            return Ok(Some(file));
        }
        match File::open(self.dir.join(name)) {
            Ok(file) => Ok(Some(place.get_or_init(|| file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
