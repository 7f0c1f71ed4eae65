//! How two output streams interleaved, as fixed-size records that double as a sparse line index.
//! [`Marks`] is the fold that makes them, used alike by the writer and by readers that must catch up.
//!
//! `order.idx` is a sequence of 32-byte little-endian records, each complete in itself, so any question about a line or
//! an offset is a binary search on disk and nothing about the output has to be kept in memory:
//!
//! | bytes | meaning |
//! |---|---|
//! | 0..8 | offset in `stdout.log` |
//! | 8..16 | offset in `stderr.log` |
//! | 16..24 | index of the line that the next byte belongs to |
//! | 24..28 | milliseconds since the step began |
//! | 28 | stream from here on: 0 stdout, 1 stderr |
//! | 29 | 1 when the line began before this record |
//! | 30 | 1 for the last record of a finished transcript |
//! | 31 | 0x4c, so that a hole of zeroes is not taken for records |

/// Bytes of one record.
pub(super) const RECORD_BYTES: usize = 32;
/// A record is due after this many bytes of one stream.
const SPACING_BYTES: u64 = 256 * 1024;
/// A record is due after this long, when output arrives.
const SPACING_MS: u32 = 1_000;
const SEAL: u8 = 0x4c;

/// Which of the two output streams of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// A position in a transcript, and which stream goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) out: u64,
    pub(super) err: u64,
    pub(super) line: u64,
    pub(super) at_ms: u32,
    pub(super) stream: Stream,
    pub(super) mid: bool,
    pub(super) end: bool,
}

impl Record {
    /// The position before any output.
    pub(super) const START: Self =
        Self { out: 0, err: 0, line: 0, at_ms: 0, stream: Stream::Stdout, mid: false, end: false };

    /// Bytes of both streams before this position.
    pub(super) fn merged(&self) -> u64 {
        self.out.saturating_add(self.err)
    }

    /// Offset in the stream that goes on from here.
    pub(super) fn offset(&self) -> u64 {
        self.offset_of(self.stream)
    }

    pub(super) fn offset_of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Stdout => self.out,
            Stream::Stderr => self.err,
        }
    }

    /// Lines before this position, an unfinished one included.
    pub(super) fn lines(&self) -> u64 {
        self.line + u64::from(self.mid)
    }

    pub(super) fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[0..8].copy_from_slice(&self.out.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.err.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.line.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.at_ms.to_le_bytes());
        bytes[28] = u8::from(self.stream == Stream::Stderr);
        bytes[29] = u8::from(self.mid);
        bytes[30] = u8::from(self.end);
        bytes[31] = SEAL;
        bytes
    }

    /// Reads a record back; `None` when it is not one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
        let [head @ .., stream, mid, end, seal] = bytes;
        if *seal != SEAL || *stream > 1 || *mid > 1 || *end > 1 {
            return None;
        }
        let long = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        Some(Self {
            out: long(0)?,
            err: long(8)?,
            line: long(16)?,
            at_ms: u32::from_le_bytes(head.get(24..28)?.try_into().ok()?),
            stream: if *stream == 1 { Stream::Stderr } else { Stream::Stdout },
            mid: *mid == 1,
            end: *end == 1,
        })
    }
}

/// Folds output into a position, and says when a record is due.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    now: Record,
    last: Option<Record>,
}

impl Marks {
    pub(super) fn new() -> Self {
        Self { now: Record::START, last: None }
    }

    /// Goes on from `record`, which is already on disk.
    pub(super) fn resume(record: Record) -> Self {
        Self { now: Record { end: false, ..record }, last: Some(record) }
    }

    /// The position after everything so far.
    pub(super) fn now(&self) -> Record {
        self.now
    }

    /// Takes the next bytes of a stream; returns the record to write before them, if one is due.
    pub(super) fn advance(&mut self, stream: Stream, bytes: &[u8], at_ms: u32) -> Option<Record> {
        let last_byte = bytes.last()?;
        let switched = stream != self.now.stream;
        if switched {
            self.now.line += u64::from(self.now.mid);
            self.now.mid = false;
            self.now.stream = stream;
        }
        self.now.at_ms = self.now.at_ms.max(at_ms);
        let due = switched
            || self.last.is_none_or(|last| {
                self.now.merged() - last.merged() >= SPACING_BYTES || self.now.at_ms - last.at_ms >= SPACING_MS
            });
        let record = due.then_some(self.now);
        self.last = record.or(self.last);

        let len = bytes.len() as u64;
        match stream {
            Stream::Stdout => self.now.out += len,
            Stream::Stderr => self.now.err += len,
        }
        self.now.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.now.mid = *last_byte != b'\n';
        record
    }

    /// The record that closes a transcript.
    pub(super) fn finish(&self) -> Record {
        Record { end: true, ..self.now }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        (any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>(), any::<[bool; 3]>()).prop_map(
            |(out, err, line, at_ms, [stderr, mid, end])| {
                let stream = if stderr { Stream::Stderr } else { Stream::Stdout };
                Record { out, err, line, at_ms, stream, mid, end }
            },
        )
    }

    proptest! {
        #[test]
        fn records_survive_the_disk(record in record()) {
            prop_assert_eq!(Record::decode(&record.encode()), Some(record));
        }

        #[test]
        fn chunking_changes_no_total(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a')], 0..200), cut in 1_usize..50) {
            let mut whole = Marks::new();
            whole.advance(Stream::Stdout, &text, 0);
            let mut parts = Marks::new();
            for chunk in text.chunks(cut) {
                parts.advance(Stream::Stdout, chunk, 0);
            }
            prop_assert_eq!(whole.now(), parts.now());
        }
    }

    #[test]
    fn a_switch_ends_a_partial_line_and_is_recorded() {
        let mut marks = Marks::new();
        assert!(marks.advance(Stream::Stdout, b"abc", 5).is_some());
        assert_eq!(marks.advance(Stream::Stdout, b"def", 6), None);
        let switch = marks.advance(Stream::Stderr, b"oops\n", 7).unwrap();
        assert_eq!((switch.out, switch.err, switch.line, switch.mid), (6, 0, 1, false));
        marks.advance(Stream::Stdout, b"ghi", 8);
        assert_eq!(marks.now().lines(), 3);
    }

    #[test]
    fn time_and_size_make_records_without_ending_the_line() {
        let mut marks = Marks::new();
        marks.advance(Stream::Stdout, b"a", 0);
        let timed = marks.advance(Stream::Stdout, b"b", 1_000).unwrap();
        assert!(timed.mid);
        assert_eq!(timed.line, 0);
        marks.advance(Stream::Stdout, &vec![b'x'; 300_000], 1_001);
        assert!(marks.advance(Stream::Stdout, b"c", 1_002).is_some());
        assert_eq!(marks.now().lines(), 1);
    }

    #[test]
    fn zeroes_are_not_a_record() {
        assert_eq!(Record::decode(&[0; RECORD_BYTES]), None);
        assert_eq!(Record::decode(&[]), None);
    }
}
