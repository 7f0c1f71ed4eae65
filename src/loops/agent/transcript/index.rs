//! Where things are in a transcript: binary search over the records on disk and the few that are not there yet.
//! [`Index`] is a snapshot; for a running step it stays valid while the step writes on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Files;
use super::live::Tail;
use super::marks::{Marks, RECORD_BYTES, Record, Stream};

const SCAN_BYTES: usize = 64 * 1024;

/// The records of a transcript up to one moment.
pub(super) struct Index<'a> {
    file: Option<&'a File>,
    tail: Tail,
}

impl<'a> Index<'a> {
    pub(super) fn new(file: Option<&'a File>, tail: Tail) -> Self {
        Self { file, tail }
    }

    /// The position after the last stored byte.
    pub(super) fn end(&self) -> Record {
        self.tail.end
    }

    /// The number of records, the closing one included.
    pub(super) fn len(&self) -> u64 {
        self.tail.on_disk + self.tail.pending.len() as u64
    }

    /// Record `i`, or the end of the transcript for `i` at or past the last one.
    pub(super) fn get(&self, i: u64) -> io::Result<Record> {
        match i.checked_sub(self.tail.on_disk) {
            None => read_record(self.file, i),
            Some(past) => {
                let past = usize::try_from(past).unwrap_or(usize::MAX);
                Ok(self.tail.pending.get(past).copied().unwrap_or(self.tail.end))
            }
        }
    }

    /// The last record for which `holds` is true, given that it is true for a first stretch of them; 0 if for none.
    pub(super) fn last_where(&self, holds: impl Fn(&Record) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(&self.get(middle)?) { low = middle + 1 } else { high = middle }
        }
        Ok(low.saturating_sub(1))
    }

    /// The record from which line `line` can be read from its beginning.
    pub(super) fn before_line(&self, line: u64) -> io::Result<u64> {
        self.last_where(|record| record.line < line || (record.line == line && !record.mid))
    }
}

fn read_record(file: Option<&File>, i: u64) -> io::Result<Record> {
    let mut bytes = [0; RECORD_BYTES];
    let file = file.ok_or_else(|| damaged(i))?;
    file.read_exact_at(&mut bytes, i * RECORD_BYTES as u64)?;
    Record::decode(&bytes).ok_or_else(|| damaged(i))
}

fn damaged(i: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the transcript's index is damaged at record {i}; delete the .idx file to read it without"),
    )
}

/// The index end of a transcript that nobody here is writing. A finished one takes one read; after a crash, or when
/// `order.idx` is missing, what it does not cover is read once and counted again.
pub(super) fn recover(files: &Files) -> io::Result<Tail> {
    let order = files.order()?;
    let out_len = length(files.stream(Stream::Stdout)?)?;
    let err_len = length(files.stream(Stream::Stderr)?)?;
    let mut on_disk = length(order)? / RECORD_BYTES as u64;
    let mut last = match on_disk.checked_sub(1) {
        Some(i) => read_record(order, i).ok().filter(|record| record.out <= out_len && record.err <= err_len),
        None => None,
    };
    if let Some(end) = last.filter(|record| record.end && record.out == out_len && record.err == err_len) {
        return Ok(Tail { end, on_disk, pending: Vec::new() });
    }
    if last.is_none_or(|record| record.end) {
        (on_disk, last) = (0, None);
    }
    let mut marks = last.map_or_else(Marks::new, Marks::resume);
    let mut pending = Vec::new();
    let first = marks.now().stream;
    let second = if first == Stream::Stdout { Stream::Stderr } else { Stream::Stdout };
    let mut buffer = vec![0; SCAN_BYTES];
    for stream in [first, second] {
        let Some(file) = files.stream(stream)? else { continue };
        loop {
            let now = marks.now();
            let got = file.read_at(&mut buffer, now.offset_of(stream))?;
            let Some(bytes) = buffer.get(..got).filter(|bytes| !bytes.is_empty()) else { break };
            pending.extend(marks.advance(stream, bytes, now.at_ms));
        }
    }
    Ok(Tail { end: marks.now(), on_disk, pending })
}

fn length(file: Option<&File>) -> io::Result<u64> {
    file.map_or(Ok(0), |file| Ok(file.metadata()?.len()))
}
