//! Text without its colours: a secret is found in what a person reads, whatever sequences stand before or in it.
//!
//! [`Plain`] keeps where each sequence stood, so that what is found is cut out of the text as it came.

use std::borrow::Cow;

/// The longest sequence that is taken for one.
const LONGEST: usize = 64;
/// How JSON and shells spell what a sequence begins with.
const SPELLED: [&[u8]; 5] = [b"\\u001b[", b"\\u001B[", b"\\x1b[", b"\\033[", b"\\e["];

/// A text without its colours.
pub(super) struct Plain<'a> {
    raw: &'a [u8],
    text: Cow<'a, [u8]>,
    cuts: Vec<Cut>,
}

/// A sequence that was taken out.
struct Cut {
    /// Before which byte of what is left.
    at: usize,
    /// Where it began, and how long it was.
    raw: usize,
    length: usize,
}

impl<'a> Plain<'a> {
    pub(super) fn of(raw: &'a [u8]) -> Self {
        let (mut text, mut cuts) = (Vec::new(), Vec::new());
        let mut done = 0;
        for start in memchr::memchr2_iter(0x1b, b'\\', raw) {
            let Some(length) = raw.get(start..).filter(|_| start >= done).and_then(sequence) else { continue };
            text.extend_from_slice(raw.get(done..start).unwrap_or_default());
            cuts.push(Cut { at: text.len(), raw: start, length });
            done = start + length;
        }
        if cuts.is_empty() {
            return Self { raw, text: Cow::Borrowed(raw), cuts };
        }
        text.extend_from_slice(raw.get(done..).unwrap_or_default());
        Self { raw, text: Cow::Owned(text), cuts }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether there was any sequence.
    pub(super) fn is_coloured(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// Whether a sequence stood before this byte.
    pub(super) fn is_cut(&self, at: usize) -> bool {
        self.cuts.binary_search_by_key(&at, |cut| cut.at).is_ok()
    }

    /// Where a piece of the text lies in what it came from.
    pub(super) fn lies(&self, from: usize, to: usize) -> (usize, usize) {
        (self.raw_of(from), to.checked_sub(1).map_or(0, |last| self.raw_of(last) + 1))
    }

    /// The sequences, in order.
    pub(super) fn sequences(&self) -> impl Iterator<Item = &'a [u8]> {
        self.cuts.iter().map(|cut| self.raw.get(cut.raw..cut.raw + cut.length).unwrap_or_default())
    }

    fn raw_of(&self, at: usize) -> usize {
        let before = self.cuts.partition_point(|cut| cut.at <= at);
        match before.checked_sub(1).and_then(|last| self.cuts.get(last)) {
            Some(cut) => cut.raw + cut.length + (at - cut.at),
            None => at,
        }
    }
}

/// How long the sequence is that a text begins with.
fn sequence(text: &[u8]) -> Option<usize> {
    let real = text.starts_with(b"\x1b[");
    let beginning = if real { 2 } else { SPELLED.iter().find(|beginning| text.starts_with(beginning))?.len() };
    let rest = text.get(beginning..)?;
    let rest = rest.get(..LONGEST).unwrap_or(rest);
    let end = rest.iter().position(|byte| !matches!(byte, 0x20..=0x3f))?;
    // What is only spelled may as well be text: then it is a colour or nothing.
    let ends = |byte: &&u8| if real { matches!(byte, 0x40..=0x7e) } else { matches!(byte, b'm' | b'K') };
    rest.get(end).filter(ends).map(|_| beginning + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_taken_out_and_places_found_again() {
        let raw = b"a\x1b[1;31mb\\u001b[0m\x1b[Kc\\nd\x1b[";
        let plain = Plain::of(raw);
        assert_eq!(plain.text(), b"abc\\nd\x1b[");
        assert_eq!(plain.lies(1, 3), (8, 22), "from b to c");
        assert_eq!(plain.sequences().collect::<Vec<_>>(), [&b"\x1b[1;31m"[..], b"\\u001b[0m", b"\x1b[K"]);
        assert!(plain.is_cut(1) && plain.is_cut(2) && !plain.is_cut(0) && !plain.is_cut(3));
        assert_eq!(Plain::of(b"plain").lies(2, 4), (2, 4));
    }
}
