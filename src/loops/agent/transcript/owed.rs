//! What a full disk refused of a transcript: kept in memory until there is room, the newest of it first.
//! [`Owed`] is bounded; what it has to let go of is counted, so that the transcript can say where something is missing.

use std::collections::VecDeque;

use super::marks::Stream;

/// Bytes that are kept of one transcript. The end of an output says more than its middle: it holds the claim.
const MOST_BYTES: usize = 1024 * 1024;
/// Milliseconds between two attempts to store what is owed.
const PAUSE_MS: u64 = 500;

/// Output that could not be stored yet, in the order in which it came.
#[derive(Debug)]
pub(super) struct Owed {
    parts: VecDeque<(Stream, Vec<u8>)>,
    bytes: usize,
    lost: u64,
    why: String,
    tried_ms: u64,
}

impl Owed {
    /// Nothing yet, because of `why`, at `now_ms`.
    pub(super) fn new(why: String, now_ms: u64) -> Self {
        Self { parts: VecDeque::new(), bytes: 0, lost: 0, why, tried_ms: now_ms }
    }

    /// Takes the next bytes of a stream, and lets go of the oldest where they are too many.
    pub(super) fn add(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = bytes.get(bytes.len().saturating_sub(MOST_BYTES)..).unwrap_or(bytes);
        if kept.len() < bytes.len() {
            self.lost += (bytes.len() - kept.len()) as u64;
        }
        self.bytes += kept.len();
        match self.parts.back_mut() {
            Some((last, part)) if *last == stream => part.extend_from_slice(kept),
            _ => self.parts.push_back((stream, kept.to_vec())),
        }
        while self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.parts.front_mut() else { break };
            let gone = (self.bytes - MOST_BYTES).min(oldest.len());
            oldest.drain(..gone);
            if oldest.is_empty() {
                self.parts.pop_front();
            }
            self.bytes -= gone;
            self.lost += gone as u64;
        }
    }

    /// Whether it is time to try again.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.tried_ms) >= PAUSE_MS
    }

    /// Why it could not be stored.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// Bytes that are gone for good.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// All that is missing now, and why.
    pub(super) fn missing(&self) -> String {
        missing(self.lost + self.bytes as u64, &self.why)
    }

    /// What is to be stored, first a line about what is gone, if anything is.
    pub(super) fn parts(self) -> impl Iterator<Item = (Stream, Vec<u8>)> {
        let note = (self.lost > 0).then(|| format!("loopdash: {}\n", missing(self.lost, &self.why)));
        note.map(|note| (Stream::Stderr, note.into_bytes())).into_iter().chain(self.parts)
    }
}

fn missing(bytes: u64, why: &str) -> String {
    format!("{bytes} bytes of output were not stored: {why}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_what_is_gone_is_counted() {
        let mut owed = Owed::new("no room".to_owned(), 0);
        owed.add(Stream::Stdout, b"first");
        owed.add(Stream::Stderr, &vec![b'e'; MOST_BYTES - 4]);
        owed.add(Stream::Stdout, b"last");
        assert_eq!(owed.lost(), 5);
        assert!(owed.missing().starts_with(&format!("{} bytes", MOST_BYTES + 5)));
        let parts: Vec<_> = owed.parts().collect();
        assert_eq!(parts[0].1, b"loopdash: 5 bytes of output were not stored: no room\n");
        assert_eq!((parts[1].0, parts[1].1.len()), (Stream::Stderr, MOST_BYTES - 4));
        assert_eq!(parts.last().unwrap().1, b"last");
    }

    #[test]
    fn one_piece_larger_than_all_that_is_kept_leaves_its_end() {
        let mut owed = Owed::new("no room".to_owned(), 0);
        owed.add(Stream::Stdout, b"before");
        let mut piece = vec![b'x'; MOST_BYTES + 7];
        *piece.last_mut().unwrap() = b'!';
        owed.add(Stream::Stdout, &piece);
        assert_eq!(owed.lost(), 13);
        let parts: Vec<_> = owed.parts().collect();
        assert_eq!((parts.len(), parts[1].1.len(), parts[1].1.last()), (2, MOST_BYTES, Some(&b'!')));
    }

    #[test]
    fn attempts_are_not_made_too_often() {
        let owed = Owed::new("no room".to_owned(), 1_000);
        assert!(!owed.is_due(1_000 + PAUSE_MS - 1) && owed.is_due(1_000 + PAUSE_MS));
    }
}
