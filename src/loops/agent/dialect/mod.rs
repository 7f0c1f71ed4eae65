//! Dialects: what the agents' streams tell, as [`Activity`]s; one file for each stream. [`Decoder`] reads bytes as they
//! come, [`Heard`] is what remains of them, [`judge`] says from it how the step went, [`answer`] reads a stored one again.
//!
//! Reading never fails a run. An event of an unknown type is counted, a broken line is noted, a value of an unexpected
//! type counts as absent, and what is there is all on disk besides.

mod aider;
mod answer;
mod claude;
mod codex;
mod cursor;
mod gemini;
mod heard;
mod judge;
mod lines;
mod loose;
mod mend;
mod opencode;
mod text;
mod tool;
mod trouble;

use serde::Deserialize;

use super::sanitize;
use super::transcript::Stream;
use crate::loops::core::activity::Activity;
use crate::loops::core::agent::DialectName;
use crate::loops::core::step::Usage;
use heard::Tell;
use lines::{LINE_CAP, Line, Lines};
use loose::Str;

pub use answer::{answer, replay};
pub use heard::{ANSWER_BYTES, Heard};
pub use judge::{Judged, judge};

/// A line that is no event of its stream.
type Refused = serde_json::Error;

/// Reads an event of which each line holds one.
fn event<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Refused> {
    // A list would be taken for an event's members in their order.
    if !line.trim_ascii_start().starts_with('{') {
        return Err(serde::de::Error::custom("not an object"));
    }
    serde_json::from_str(line)
}

/// What was used, by a stream that counts what came from the cache as input, too.
fn cache_within(input: Option<u64>, cached: Option<u64>, output: Option<u64>) -> Usage {
    let input = input.map(|input| input.saturating_sub(cached.unwrap_or(0)));
    Usage { input, cached, output, micro_usd: None }
}

/// How one stream is understood.
trait Tongue: Send {
    /// Takes a line of standard output, without its newline; `last` has none.
    fn line(&mut self, line: &str, last: bool, tell: &mut Tell<'_>) -> Result<(), Refused>;

    /// Takes a clean line of standard error; whether it was understood, and is no complaint.
    fn aside(&mut self, _line: &str, _tell: &mut Tell<'_>) -> bool {
        false
    }

    /// Both streams have ended.
    fn end(&mut self, _tell: &mut Tell<'_>) {}
}

/// Reads an agent's stream, in whatever pieces it comes.
///
/// Texts and thoughts that come in pieces (`whole` is false) go on until an activity of another kind or a whole one.
pub struct Decoder {
    out: Lines,
    err: Lines,
    tongue: Box<dyn Tongue>,
    heard: Heard,
}

impl Decoder {
    /// Reads a stream of this dialect from its beginning.
    pub fn new(dialect: DialectName) -> Self {
        let tongue: Box<dyn Tongue> = match dialect {
            DialectName::Claude | DialectName::Qwen => Box::new(claude::Claude::new(dialect)),
            DialectName::Text => Box::new(text::Text),
            DialectName::Codex => Box::new(codex::Codex::default()),
            DialectName::Opencode => Box::new(opencode::Opencode::default()),
            DialectName::Gemini => Box::new(gemini::Gemini::default()),
            DialectName::Cursor => Box::new(cursor::Cursor::default()),
            DialectName::Aider => Box::new(aider::Aider::default()),
        };
        Self { out: Lines::default(), err: Lines::default(), tongue, heard: Heard::new(dialect) }
    }

    /// Takes the next bytes of a stream, and hands on what they complete.
    pub fn push(&mut self, stream: Stream, bytes: &[u8], each: &mut impl FnMut(Activity)) {
        let Self { out, err, tongue, heard } = self;
        let mut tell = Tell { heard, each };
        match stream {
            Stream::Stdout => out.push(bytes, |line| speak(tongue.as_mut(), line, &mut tell)),
            Stream::Stderr => err.push(bytes, |line| murmur(tongue.as_mut(), line, &mut tell)),
        }
    }

    /// Takes what stands after the last newlines: the streams have ended.
    pub fn finish(self, each: &mut impl FnMut(Activity)) -> Heard {
        let Self { out, err, mut tongue, mut heard } = self;
        let mut tell = Tell { heard: &mut heard, each };
        err.finish(|line| murmur(tongue.as_mut(), line, &mut tell));
        out.finish(|line| speak(tongue.as_mut(), line, &mut tell));
        tongue.end(&mut tell);
        heard
    }

    /// What has been told so far.
    pub fn heard(&self) -> &Heard {
        &self.heard
    }
}

/// A line of standard output.
fn speak(tongue: &mut dyn Tongue, line: Line<'_>, tell: &mut Tell<'_>) {
    let (bytes, last) = match line {
        Line::Whole(bytes) => (bytes, false),
        Line::Last(bytes) => (bytes, true),
        Line::TooLong => return tell.broken(format!("longer than {} MB", LINE_CAP / 1024 / 1024)),
    };
    let text = String::from_utf8_lossy(bytes);
    let Err(refused) = tongue.line(&text, last, tell) else {
        tell.heard.events += 1;
        return;
    };
    if text.trim().is_empty() {
    } else if let Ok(Kind { kind }) = event(&text) {
        tell.heard.events += 1;
        tell.unknown(if kind.is_empty() { "an object without a type" } else { &kind });
    } else if refused.is_eof() {
        tell.broken("cut off");
        tell.heard.truncated |= last;
        if let Some(mended) = mend::mend(&text).filter(|_| last) {
            // What it holds up to the cut is as good as in any other line.
            let _ = tongue.line(&mended, last, tell);
        }
    } else {
        tell.broken("not an event");
    }
}

/// A line of standard error.
fn murmur(tongue: &mut dyn Tongue, line: Line<'_>, tell: &mut Tell<'_>) {
    if let Line::Whole(bytes) | Line::Last(bytes) = line {
        let line = sanitize::plain_line(bytes);
        if !tongue.aside(&line, tell) {
            tell.heard.complain(&line);
        }
    }
}

/// The one thing that all events have.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Str<'a>,
}

#[cfg(test)]
mod tests;
