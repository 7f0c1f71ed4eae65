//! A stored step read again: after a restart, what its agent said is on disk alone.

use std::io;

use super::{Decoder, Heard};
use crate::loops::agent::sanitize;
use crate::loops::agent::transcript::{Stream, Transcript};
use crate::loops::core::activity::Activity;
use crate::loops::core::agent::DialectName;

/// Reads a stored step as its stream was read while it ran: standard error first, then standard output, in memory that
/// does not grow with them. Blocks on the disk.
pub fn replay(dialect: DialectName, transcript: &Transcript, each: &mut impl FnMut(Activity)) -> io::Result<Heard> {
    let mut decoder = Decoder::new(dialect);
    for stream in [Stream::Stderr, Stream::Stdout] {
        transcript.bytes(stream, &mut |bytes| decoder.push(stream, bytes, each))?;
    }
    Ok(decoder.finish(each))
}

/// What the agent of a step said last, at most `max_bytes` of it, as clean text: where a claim, a question or a verdict
/// stands. Blocks on the disk.
pub fn answer(dialect: DialectName, transcript: &Transcript, max_bytes: usize) -> io::Result<String> {
    let text = match dialect {
        DialectName::Text => sanitize::plain(&transcript.stdout_tail_bytes(max_bytes)?),
        _ => replay(dialect, transcript, &mut |_| {})?.answer(),
    };
    let from = text.ceil_char_boundary(text.len().saturating_sub(max_bytes));
    Ok(text.get(from..).unwrap_or_default().to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::agent::transcript::{Edition, Writer};

    fn stored(out: &[u8]) -> (tempfile::TempDir, Transcript) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("1-critic");
        let mut writer = Writer::create(&dir, Edition::Raw, u64::MAX).unwrap();
        writer.push(Stream::Stdout, out);
        writer.push(Stream::Stderr, b"warning: late\n");
        writer.finish();
        let transcript = Transcript::open(&dir);
        (root, transcript)
    }

    #[test]
    fn text_is_the_clean_end_of_standard_output() {
        let (_root, transcript) = stored(b"much talk\n\x1b[1mDONE\x1b[m\n");
        let answer = |max| answer(DialectName::Text, &transcript, max).unwrap();
        assert_eq!(answer(1_000), "much talk\nDONE\n");
        assert_eq!(answer(12), "DONE\n");
    }

    #[test]
    fn a_stream_is_asked_for_its_final_text() {
        let tool = format!("{{\"type\":\"user\",\"message\":{{\"content\":\"{}\"}}}}\n", "x".repeat(700_000));
        let out = [tool.as_str(), r#"{"type":"result","subtype":"success","result":"all\nis \u001b[1mDONE"}"#, "\n"];
        let (_root, transcript) = stored(out.concat().as_bytes());
        assert_eq!(answer(DialectName::Claude, &transcript, 1_000).unwrap(), "all\nis DONE");
        assert_eq!(answer(DialectName::Claude, &transcript, 4).unwrap(), "DONE");
        let heard = replay(DialectName::Claude, &transcript, &mut |_| {}).unwrap();
        assert_eq!((heard.events, heard.ended, heard.complaint.as_deref()), (2, true, Some("warning: late")));
    }
}
