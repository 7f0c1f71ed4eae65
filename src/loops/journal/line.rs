//! A journal line's envelope: the checksum that closes it, and the reader that finds lines in bytes.
//!
//! A line is `{...,"crc":"xxxxxxxx"}` and a newline; the checksum is CRC-32C of everything before `,"crc":"`.

use std::io::{self, Read};

/// The longest line, newline included, in bytes. A longer record is refused, a longer line is damage.
pub const MAX_LINE: usize = 16 << 20;

const MARK: &[u8] = b",\"crc\":\"";
const CLOSE: &[u8] = b"\"}";
const SUFFIX: usize = MARK.len() + 8 + CLOSE.len();
const START: &[u8] = b"{\"v\":";
const CHUNK: usize = 256 << 10;

/// Appends `json`, one JSON object with at least one field, to `out` as a sealed line.
pub(super) fn seal(json: &str, out: &mut Vec<u8>) {
    let body = json.strip_suffix('}').unwrap_or(json).as_bytes();
    out.reserve(body.len() + SUFFIX + 1);
    out.extend_from_slice(body);
    out.extend_from_slice(MARK);
    out.extend_from_slice(&hex(crc32c::crc32c(body)));
    out.extend_from_slice(CLOSE);
    out.push(b'\n');
}

/// Checks a line (without its newline) and gives its JSON, or what is wrong with it.
pub(super) fn unseal(line: &[u8]) -> Result<&str, &'static str> {
    let (body, suffix) = line
        .len()
        .checked_sub(SUFFIX)
        .and_then(|at| line.split_at_checked(at))
        .ok_or("the line is too short to hold a checksum")?;
    let sum = suffix
        .strip_prefix(MARK)
        .and_then(|rest| rest.strip_suffix(CLOSE))
        .ok_or("the line does not end in a checksum")?;
    if sum != hex(crc32c::crc32c(body)) {
        return Err("the checksum does not match");
    }
    std::str::from_utf8(line).map_err(|_| "the line is not UTF-8")
}

/// Whether a line, itself unreadable, ends in a whole record: something was written after the bytes that are damaged.
pub(super) fn ends_in_record(line: &[u8]) -> bool {
    // Inside JSON strings quotes are escaped, so a whole journal has no such mark within a line. The cap keeps hostile
    // bytes from costing a checksum of megabytes at every one of a million marks.
    memchr::memmem::find_iter(line, START).take(8).any(|at| line.get(at..).is_some_and(|rest| unseal(rest).is_ok()))
}

/// Lowercase, eight digits.
fn hex(sum: u32) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|at| {
        let nibble = (sum >> (28 - 4 * at)) & 0xf;
        DIGITS.get(nibble as usize).copied().unwrap_or(b'0')
    })
}

/// What the next bytes of a journal are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, without its newline.
    Whole(&'a [u8]),
    /// A line of this many bytes, newline included, longer than [`MAX_LINE`].
    Long(u64),
    /// The file ends in this many bytes without a newline.
    Partial(u64),
    /// The file ends after a newline, or is empty.
    End,
}

/// Finds lines in bytes; memory is bounded by [`MAX_LINE`], however long the file.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> Lines<R> {
    /// Reads from where `input` stands.
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; CHUNK], start: 0, end: 0 }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Line<'_>> {
        let mut searched = self.start;
        loop {
            let fresh = self.buffer.get(searched..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                let (from, to) = (self.start, searched + at);
                self.start = to + 1;
                return Ok(Line::Whole(self.buffer.get(from..to).unwrap_or_default()));
            }
            let held = self.end - self.start;
            if held >= MAX_LINE {
                return self.skip_long();
            }
            self.make_room();
            searched = self.end;
            if self.fill()? == 0 {
                self.start = self.end;
                return Ok(if held == 0 { Line::End } else { Line::Partial(held as u64) });
            }
        }
    }

    /// Moves what is held to the front, and grows the buffer when a line fills it.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).min(MAX_LINE), 0);
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        loop {
            match self.input.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn skip_long(&mut self) -> io::Result<Line<'static>> {
        let mut bytes = (self.end - self.start) as u64;
        loop {
            (self.start, self.end) = (0, 0);
            if self.fill()? == 0 {
                return Ok(Line::Partial(bytes));
            }
            if let Some(at) = memchr::memchr(b'\n', self.buffer.get(..self.end).unwrap_or_default()) {
                self.start = at + 1;
                return Ok(Line::Long(bytes + at as u64 + 1));
            }
            bytes += self.end as u64;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn sealed(json: &str) -> Vec<u8> {
        let mut out = Vec::new();
        seal(json, &mut out);
        out
    }

    #[test]
    fn the_checksum_is_crc_32c_of_what_stands_before_it() {
        // The check value of CRC-32C is that of the digits 1 to 9; here the body is `{"v":1`.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        let line = sealed(r#"{"v":1}"#);
        let expected = format!("{{\"v\":1,\"crc\":\"{:08x}\"}}\n", crc32c::crc32c(b"{\"v\":1"));
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn a_sealed_line_opens_and_any_changed_bit_does_not() {
        let mut line = sealed(r#"{"v":1,"text":"a\nb\"é"}"#);
        assert_eq!(line.pop(), Some(b'\n'));
        assert!(unseal(&line).unwrap().contains("\\n"));
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut flipped = line.clone();
                *flipped.get_mut(at).unwrap() ^= 1 << bit;
                assert!(unseal(&flipped).is_err(), "byte {at} bit {bit}");
            }
        }
        assert!(unseal(b"").is_err());
    }

    #[test]
    fn a_record_glued_to_a_torn_one_is_seen() {
        let whole = sealed(r#"{"v":1,"seq":2}"#);
        let mut glued = br#"{"v":1,"seq":1,"te"#.to_vec();
        glued.extend_from_slice(whole.strip_suffix(b"\n").unwrap());
        assert!(ends_in_record(&glued));
        assert!(!ends_in_record(br#"{"v":1,"seq":1,"te"#));
    }

    /// Gives a few bytes at a time, as a slow disk might.
    struct Dribble<'a>(&'a [u8], usize);
    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(out.len()).min(self.0.len());
            let (now, rest) = self.0.split_at(n);
            out[..n].copy_from_slice(now);
            self.0 = rest;
            Ok(n)
        }
    }

    #[test]
    fn lines_are_found_however_the_bytes_arrive() {
        let text = b"one\n\ntwo\nthr";
        for step in 1..=text.len() {
            let mut lines = Lines::new(Dribble(text, step));
            assert_eq!(lines.next().unwrap(), Line::Whole(b"one"));
            assert_eq!(lines.next().unwrap(), Line::Whole(b""));
            assert_eq!(lines.next().unwrap(), Line::Whole(b"two"));
            assert_eq!(lines.next().unwrap(), Line::Partial(3));
            assert_eq!(lines.next().unwrap(), Line::End);
        }
    }

    #[test]
    fn a_line_without_end_costs_bounded_memory() {
        let mut lines = Lines::new(io::repeat(b'x').take(3 * MAX_LINE as u64).chain(&b"\nnext\n"[..]));
        assert_eq!(lines.next().unwrap(), Line::Long(3 * MAX_LINE as u64 + 1));
        assert!(lines.buffer.len() <= MAX_LINE);
        assert_eq!(lines.next().unwrap(), Line::Whole(b"next"));
        assert_eq!(lines.next().unwrap(), Line::End);
    }

    #[test]
    fn a_line_of_just_the_limit_is_read() {
        let mut bytes = vec![b'x'; MAX_LINE - 1];
        bytes.push(b'\n');
        let mut lines = Lines::new(&bytes[..]);
        match lines.next().unwrap() {
            Line::Whole(line) => assert_eq!(line.len(), MAX_LINE - 1),
            other => panic!("{:?}", matches!(other, Line::Long(_))),
        }
    }
}
