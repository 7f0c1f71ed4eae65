//! How an agent's output is read for its answer. [`Dialect::Text`] is the only one so far: whatever the agent prints on
//! standard output is what it says.

use std::io;

use super::sanitize;
use super::transcript::Transcript;

/// The form of an agent's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Plain text.
    #[default]
    Text,
}

impl Dialect {
    /// What the agent said last, at most `max_bytes` of it, as clean text: where a claim, a question or a verdict stands.
    /// Blocks on the disk.
    pub fn answer(self, transcript: &Transcript, max_bytes: usize) -> io::Result<String> {
        match self {
            Self::Text => Ok(sanitize::plain(&transcript.stdout_tail_bytes(max_bytes)?)),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::agent::transcript::{Stream, Writer};

    #[test]
    fn text_is_the_clean_end_of_standard_output() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("1-critic");
        let mut writer = Writer::create(&dir, u64::MAX).unwrap();
        writer.push(Stream::Stdout, b"much talk\n\x1b[1mDONE\x1b[m\n");
        writer.push(Stream::Stderr, b"warning: late\n");
        writer.finish();
        let transcript = Transcript::open(&dir);
        assert_eq!(Dialect::Text.answer(&transcript, 1_000).unwrap(), "much talk\nDONE\n");
        assert_eq!(Dialect::Text.answer(&transcript, 12).unwrap(), "DONE\n");
    }
}
