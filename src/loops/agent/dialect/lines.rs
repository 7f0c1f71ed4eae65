//! Bytes in any chunking to lines, without copying what a chunk holds whole.
//!
//! A line ends at the `\n` byte and nowhere else: agents print U+2028 raw. What of a line came with an earlier chunk is
//! kept until its end comes, [`LINE_CAP`] bytes at most; a longer line is told of once and passed over.

/// Bytes of a line that is still read. One line of an agent holds a whole tool result: 270 KB is common.
pub(super) const LINE_CAP: usize = 16 * 1024 * 1024;
/// What an idle splitter may hold on to.
const KEPT_BYTES: usize = 1024 * 1024;

/// A line, without its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Complete.
    Whole(&'a [u8]),
    /// Its stream ended before its newline.
    Last(&'a [u8]),
    /// Longer than [`LINE_CAP`].
    TooLong,
}

/// Splits one stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Hands on each line that `bytes` end.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Line<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.skipping {
                self.skipping = false;
            } else if self.begun.len() + head.len() > LINE_CAP {
                each(Line::TooLong);
            } else if self.begun.is_empty() {
                each(Line::Whole(head));
            } else {
                self.begun.extend_from_slice(head);
                each(Line::Whole(&self.begun));
            }
            self.clear();
        }
        if self.skipping || bytes.is_empty() {
        } else if self.begun.len() + bytes.len() > LINE_CAP {
            each(Line::TooLong);
            self.clear();
            self.skipping = true;
        } else {
            self.begun.extend_from_slice(bytes);
        }
    }

    /// Hands on what stands after the last newline.
    pub(super) fn finish(self, mut each: impl FnMut(Line<'_>)) {
        if !self.begun.is_empty() {
            each(Line::Last(&self.begun));
        }
    }

    fn clear(&mut self) {
        if self.begun.capacity() > KEPT_BYTES {
            self.begun = Vec::new();
        } else {
            self.begun.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut seen = Vec::new();
        let mut note = |line: Line<'_>| {
            seen.push(match line {
                Line::Whole(bytes) => {
                    format!("{} {}", bytes.len(), String::from_utf8_lossy(bytes.get(..3).unwrap_or(bytes)))
                }
                Line::Last(bytes) => format!("last {}", String::from_utf8_lossy(bytes)),
                Line::TooLong => "too long".to_owned(),
            });
        };
        let mut lines = Lines::default();
        for chunk in chunks {
            lines.push(chunk, &mut note);
        }
        assert!(lines.begun.capacity() <= LINE_CAP * 2);
        lines.finish(note);
        seen
    }

    #[test]
    fn a_line_ends_at_the_newline_byte_alone() {
        let text = "a\u{2028}b\r\n\nend".as_bytes();
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(split([head, tail]), ["6 a\u{fffd}", "0 ", "last end"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_over_the_cap_is_told_of_once_and_forgotten() {
        let mut bytes = vec![b'x'; LINE_CAP];
        bytes.extend_from_slice(b"\n");
        let fits = split([bytes.as_slice()]);
        assert_eq!(fits, [format!("{LINE_CAP} xxx")]);
        bytes.insert(0, b'y');
        bytes.extend_from_slice(b"next\n");
        for chunk in [bytes.len(), LINE_CAP + 1, LINE_CAP, 1 << 20] {
            assert_eq!(split(bytes.chunks(chunk)), ["too long", "4 nex"], "by {chunk}");
        }
        assert_eq!(split([vec![b'z'; LINE_CAP + 9].as_slice()]), ["too long"]);
    }
}
