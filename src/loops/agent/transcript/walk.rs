//! Reads lines in the order they were printed, touching only the parts asked for. [`scan`] is the one way through a
//! transcript: ranges, tails and searches are built on it.

use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;

use super::index::Index;
use super::marks::{Record, Stream};
use super::{Files, LINE_CAP};

const BLOCK_BYTES: usize = 64 * 1024;

/// One line as [`scan`] shows it: without its newline, at most [`LINE_CAP`] bytes.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) stream: Stream,
    pub(super) at_ms: u32,
    pub(super) bytes: &'a [u8],
    pub(super) cut: bool,
}

/// Shows every line of `range` to `see` until it breaks. Returns how many bytes were read.
pub(super) fn scan(
    index: &Index<'_>,
    files: &Files,
    range: Range<u64>,
    see: &mut dyn FnMut(Line<'_>) -> ControlFlow<()>,
) -> io::Result<u64> {
    if index.len() == 0 || range.is_empty() {
        return Ok(0);
    }
    let mut cursor = Cursor::at(index, index.before_line(range.start)?)?;
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut open: Option<Open> = None;
    let mut read = 0;
    while let Some(block) = cursor.block(index, files, &mut buffer)? {
        read += block.bytes.len() as u64;
        let mut number = block.from.line;
        let mut rest = block.bytes;
        while !rest.is_empty() && number < range.end {
            let newline = memchr::memchr(b'\n', rest);
            let (bytes, after) = match newline {
                Some(at) => (rest.get(..at).unwrap_or(rest), rest.get(at + 1..).unwrap_or_default()),
                None => (rest, &[][..]),
            };
            rest = after;
            if let Some(line) = open.take_if(|line| line.number != number)
                && see(line.show()).is_break()
            {
                return Ok(read);
            }
            if number >= range.start {
                let fits = bytes.get(..LINE_CAP).unwrap_or(bytes);
                if newline.is_some() && open.is_none() {
                    let (stream, at_ms) = (block.from.stream, block.from.at_ms);
                    let line = Line { number, stream, at_ms, bytes: fits, cut: fits.len() < bytes.len() };
                    if see(line).is_break() {
                        return Ok(read);
                    }
                } else {
                    open.get_or_insert_with(|| Open::new(number, &block.from)).extend(bytes);
                    if newline.is_some()
                        && let Some(line) = open.take()
                        && see(line.show()).is_break()
                    {
                        return Ok(read);
                    }
                }
            }
            number += u64::from(newline.is_some());
        }
        if number >= range.end {
            break;
        }
        if open.as_ref().is_some_and(|line| line.cut) {
            cursor.skip_line(index)?;
        }
    }
    if let Some(line) = open {
        let _ = see(line.show());
    }
    Ok(read)
}

/// A line that goes on in the next block.
struct Open {
    number: u64,
    stream: Stream,
    at_ms: u32,
    bytes: Vec<u8>,
    cut: bool,
}

impl Open {
    fn new(number: u64, from: &Record) -> Self {
        Self { number, stream: from.stream, at_ms: from.at_ms, bytes: Vec::new(), cut: false }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_CAP.saturating_sub(self.bytes.len());
        match bytes.get(..room) {
            Some(fits) if fits.len() < bytes.len() => {
                self.bytes.extend_from_slice(fits);
                self.cut = true;
            }
            _ => self.bytes.extend_from_slice(bytes),
        }
    }

    fn show(&self) -> Line<'_> {
        Line { number: self.number, stream: self.stream, at_ms: self.at_ms, bytes: &self.bytes, cut: self.cut }
    }
}

/// Bytes of one stream, and the position they begin at.
struct Block<'a> {
    from: Record,
    bytes: &'a [u8],
}

/// A place in the transcript: after record `i`, before the next one.
struct Cursor {
    i: u64,
    here: Record,
    next: Record,
}

impl Cursor {
    fn at(index: &Index<'_>, i: u64) -> io::Result<Self> {
        Ok(Self { i, here: index.get(i)?, next: index.get(i + 1)? })
    }

    fn block<'b>(&mut self, index: &Index<'_>, files: &Files, buffer: &'b mut [u8]) -> io::Result<Option<Block<'b>>> {
        loop {
            let from = self.here;
            let left = self.next.offset_of(from.stream).saturating_sub(from.offset());
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let got = match (files.stream(from.stream)?, buffer.get_mut(..want)) {
                (Some(file), Some(space)) if want > 0 => file.read_at(space, from.offset())?,
                _ => 0,
            };
            if got > 0 {
                let bytes = buffer.get(..got).unwrap_or_default();
                match from.stream {
                    Stream::Stdout => self.here.out += got as u64,
                    Stream::Stderr => self.here.err += got as u64,
                }
                self.here.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
                self.here.mid = bytes.last() != Some(&b'\n');
                return Ok(Some(Block { from, bytes }));
            }
            // The stretch is read, or its file is shorter than the index says.
            if self.i + 1 >= index.len() {
                return Ok(None);
            }
            *self = Self::at(index, self.i + 1)?;
        }
    }

    /// Goes as far towards the end of the line it stands in as the index knows.
    fn skip_line(&mut self, index: &Index<'_>) -> io::Result<()> {
        let line = self.here.line;
        let last = index.last_where(|record| record.line <= line)?;
        if last > self.i {
            *self = Self::at(index, last)?;
        }
        Ok(())
    }
}
