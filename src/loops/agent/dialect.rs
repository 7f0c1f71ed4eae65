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
