//! The readable story of an agent's step: its activities as lines, each with a kind that a screen can colour.
//! [`Teller`] writes them, [`read`] takes one apart again.
//!
//! A story lies on disk as a transcript of its own. Each line begins with one control character that tells its kind,
//! which cleaning drops, so that a search, `cat` and a pipe see the words alone. What the agent wrote stands in it as it
//! wrote it: clean it before it is shown.

use std::fmt::Write as _;

use crate::loops::core::activity::{Activity, Failure, FailureClass};
use crate::loops::core::ids::Millis;
use crate::loops::core::step::Usage;

/// Lines of a tool's result that are told; the others are counted.
const RESULT_LINES: usize = 4;
/// Columns of a line of a tool's result.
const RESULT_WIDTH: usize = 240;
/// Tools at work whose names are remembered.
const MOST_TOOLS: usize = 32;
/// A tool that took less time tells nothing by it; streams that report a tool only at its end give none at all.
const WORTH_TELLING_MS: u64 = 100;
/// What is kept of the buffer between two pieces.
const SPARE_BYTES: usize = 64 * 1024;

/// What a line of a story is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// What the agent says.
    Text,
    /// What it thinks.
    Thinking,
    /// A tool that it starts: name, blank, summary.
    Tool,
    /// What a tool gave.
    Result,
    /// A tool that ended well.
    Passed,
    /// A tool that did not.
    Failed,
    /// Why the agent could not do its work.
    Trouble,
    /// A wait for the next attempt.
    Wait,
    /// What it used.
    Usage,
    /// Something odd.
    Warning,
}

impl LineKind {
    /// Every kind with the character that stands before its lines: controls that a terminal and a cleaner ignore.
    const MARKS: [(Self, u8); 10] = [
        (Self::Text, 0x01),
        (Self::Thinking, 0x02),
        (Self::Tool, 0x03),
        (Self::Result, 0x04),
        (Self::Passed, 0x05),
        (Self::Failed, 0x06),
        (Self::Wait, 0x10),
        (Self::Usage, 0x11),
        (Self::Warning, 0x12),
        (Self::Trouble, 0x13),
    ];

    fn mark(self) -> u8 {
        Self::MARKS.iter().find(|(kind, _)| *kind == self).map_or(0x01, |(_, mark)| *mark)
    }
}

/// The kind of a story's line, and its words. A line without a mark is text.
pub fn read(line: &[u8]) -> (LineKind, &[u8]) {
    let Some((first, rest)) = line.split_first() else { return (LineKind::Text, line) };
    match LineKind::MARKS.iter().find(|(_, mark)| mark == first) {
        Some((kind, _)) => (*kind, rest),
        None => (LineKind::Text, line),
    }
}

/// Turns activities into lines.
#[derive(Debug, Default)]
pub(super) struct Teller {
    out: Vec<u8>,
    /// The kind of the line that is not ended yet.
    open: Option<LineKind>,
    tools: Vec<Tool>,
    /// The tool whose start is the last line told.
    last: Option<String>,
    /// What the last tool that has ended was used for: a stream tells of its edits after it.
    ended: String,
    /// Whether it has said anything.
    said: bool,
}

#[derive(Debug)]
struct Tool {
    id: String,
    words: String,
    since: Millis,
}

impl Teller {
    /// Takes the next activity.
    pub(super) fn tell(&mut self, activity: &Activity, now: Millis) {
        match activity {
            Activity::Text { text, whole } => {
                self.said = true;
                self.words(LineKind::Text, text, *whole);
            }
            Activity::Thinking { text, whole } => self.words(LineKind::Thinking, text, *whole),
            Activity::ToolStarted { id, name, summary } => self.tool_started(id, name, summary, now),
            Activity::ToolEnded { id, ok, exit, bytes, head } => self.tool_ended(id, *ok, *exit, (*bytes, head), now),
            Activity::FileEdited { path } => {
                let names_it = |words: &str| words.contains(path.as_str());
                if !names_it(&self.ended) && !self.tools.iter().any(|tool| names_it(&tool.words)) {
                    self.line(LineKind::Tool, &format!("edits {path}"));
                }
            }
            Activity::Retry { attempt, of, delay_ms, status, class } => {
                self.line(LineKind::Wait, &retry(*attempt, *of, *delay_ms, *status, *class));
            }
            Activity::RateLimited { .. } => self.line(LineKind::Wait, "its provider lets it wait"),
            Activity::Warning { text } => self.line(LineKind::Warning, text),
            Activity::Broken { what } => self.line(LineKind::Warning, &format!("a line that is no event: {what}")),
            Activity::Failed(failure) => self.line(LineKind::Trouble, &failed(failure)),
            Activity::Final { text } => {
                // Streams repeat the last text here; only one that said nothing else has it here alone.
                if let Some(text) = text.as_ref().filter(|_| !self.said) {
                    self.words(LineKind::Text, text, true);
                }
            }
            Activity::Started { .. } | Activity::Used { .. } | Activity::Idle { .. } | Activity::Unknown { .. } => {}
        }
    }

    /// Tells what the step used.
    pub(super) fn used(&mut self, usage: &Usage) {
        let words = used(usage);
        if !words.is_empty() {
            self.line(LineKind::Usage, &words);
        }
    }

    /// Ends the line that is open, before something else stands in the story.
    pub(super) fn end_line(&mut self) {
        if self.open.take().is_some() {
            self.out.push(b'\n');
        }
    }

    /// What there is to be written, handed to `write`.
    pub(super) fn flush(&mut self, write: impl FnOnce(&[u8])) {
        if !self.out.is_empty() {
            write(&self.out);
            self.out.clear();
            self.out.shrink_to(SPARE_BYTES);
        }
    }

    fn words(&mut self, kind: LineKind, text: &str, whole: bool) {
        self.last = None;
        if whole {
            self.end_line();
        }
        for (at, part) in text.split('\n').enumerate() {
            if at > 0 {
                self.begin(kind);
                self.end_line();
            }
            if !part.is_empty() {
                self.begin(kind);
                self.out.extend_from_slice(part.as_bytes());
            }
        }
        if whole {
            self.end_line();
        }
    }

    fn begin(&mut self, kind: LineKind) {
        if self.open != Some(kind) {
            self.end_line();
            self.out.push(kind.mark());
            self.open = Some(kind);
        }
    }

    fn line(&mut self, kind: LineKind, text: &str) {
        self.end_line();
        self.last = None;
        self.begin(kind);
        self.out.extend(text.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
        self.end_line();
    }

    fn tool_started(&mut self, id: &str, name: &str, summary: &str, now: Millis) {
        let name: String = name.chars().map(|c| if c.is_whitespace() { '-' } else { c }).collect();
        let words = format!("{name} {}", summary.trim());
        self.line(LineKind::Tool, words.trim_end());
        self.last = Some(id.to_owned());
        if self.tools.len() >= MOST_TOOLS {
            self.tools.remove(0);
        }
        self.tools.push(Tool { id: id.to_owned(), words, since: now });
    }

    fn tool_ended(&mut self, id: &str, ok: Option<bool>, exit: Option<i32>, result: (u64, &str), now: Millis) {
        let known = self.tools.iter().position(|tool| tool.id == id).map(|at| self.tools.remove(at));
        let apart = self.last.as_deref() != Some(id);
        let (bytes, head) = result;
        let mut end = String::new();
        if let Some(tool) = known.as_ref().filter(|_| apart) {
            let _ = write!(end, "{}: ", tool.words.trim_end());
        }
        let well = ok.or(exit.map(|exit| exit == 0));
        end.push_str(match well {
            Some(true) => "ok",
            Some(false) => "failed",
            None => "ended",
        });
        if let Some(exit) = exit.filter(|exit| *exit != 0) {
            let _ = write!(end, ", exit {exit}");
        }
        let took = known.as_ref().map_or(0, |tool| now.since(tool.since));
        self.ended = known.map(|tool| tool.words).unwrap_or_default();
        if took >= WORTH_TELLING_MS {
            let _ = write!(end, ", {}", duration(took));
        }
        self.result(bytes, head);
        self.line(if well == Some(false) { LineKind::Failed } else { LineKind::Passed }, &end);
    }

    /// The first lines of a result, and how much more there is.
    fn result(&mut self, bytes: u64, head: &str) {
        let text = head.trim_end_matches('\n');
        if text.trim().is_empty() {
            return;
        }
        let mut lines = text.split('\n');
        for line in lines.by_ref().take(RESULT_LINES) {
            let cut: String = line.chars().take(RESULT_WIDTH).collect();
            let more = if cut.len() < line.len() { "…" } else { "" };
            self.line(LineKind::Result, &format!("{cut}{more}"));
        }
        let rest = lines.count();
        let unseen = bytes.saturating_sub(head.len() as u64);
        if unseen > 0 {
            let shown: usize = text.split_inclusive('\n').take(RESULT_LINES).map(str::len).sum();
            self.line(LineKind::Result, &format!("… {} more", size(bytes.saturating_sub(shown as u64))));
        } else if rest > 0 {
            self.line(LineKind::Result, &format!("… {rest} more line{}", if rest == 1 { "" } else { "s" }));
        }
    }
}

fn retry(
    attempt: Option<u32>,
    of: Option<u32>,
    delay_ms: Option<u64>,
    status: Option<u16>,
    class: FailureClass,
) -> String {
    let mut text = "tries again".to_owned();
    match (attempt, of) {
        (Some(attempt), Some(of)) => drop(write!(text, " {attempt}/{of}")),
        (Some(attempt), None) => drop(write!(text, ", attempt {attempt}")),
        _ => {}
    }
    if let Some(delay) = delay_ms {
        let _ = write!(text, " in {}", duration(delay));
    }
    let _ = write!(text, ": {}", class.word());
    if let Some(status) = status {
        let _ = write!(text, " ({status})");
    }
    text
}

fn failed(failure: &Failure) -> String {
    let mut text = failure.class.word().to_owned();
    if !failure.message.is_empty() {
        let _ = write!(text, ": {}", failure.message);
    }
    if let Some(status) = failure.status.filter(|status| !failure.message.contains(&status.to_string())) {
        let _ = write!(text, " ({status})");
    }
    text
}

fn used(usage: &Usage) -> String {
    let count = |tokens: Option<u64>, what: &str| tokens.map(|tokens| format!("{tokens} {what}"));
    let dollars = usage.micro_usd.map(|micro| format!("${}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100));
    let parts = [count(usage.input, "in"), count(usage.cached, "cached"), count(usage.output, "out"), dollars];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("used {}", parts.join(", ")) }
}

/// `0.4s`, `12s`, `3m05s`.
fn duration(ms: u64) -> String {
    match ms / 1_000 {
        0..10 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests;
