//! Lines on standard output that never block the runs: [`Printer`] hands them to a thread of its own.
//!
//! Everything is cleaned of control sequences; when the place that they go to is gone, the printer says so once on standard
//! error and drops the rest.

use super::interrupt::complain;
use super::words::{Told, Tone, Weight};
use crate::loops::agent::sanitize;
use crate::loops::core::event::{Event, Record};
use crate::loops::core::ids::{Millis, RunId, StepId};
use crate::loops::core::record;
use crate::loops::core::state::RunState;
use crate::loops::mask::{Mask, WORD, replace_in_record};
use serde::Serialize;
use std::io::{self, Write};
use tokio::sync::mpsc;

/// Chunks of lines that may wait for a slow reader.
const WAITING: usize = 64;
/// Columns that a run's name gets.
const NAME: usize = 14;

/// What is printed, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The journal's records as JSON lines instead of words.
    pub json: bool,
    /// What agents and gates print, too.
    pub output: bool,
    /// Details as well.
    pub verbose: bool,
    /// Colours.
    pub colour: bool,
}

/// Why printing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The reader of a pipe left: it has what it wanted.
    Reader,
    /// The terminal or the disk is gone: nobody said that the runs should end.
    Place,
}

/// A line of a step's output, as JSON.
#[derive(Serialize)]
struct OutputLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    run: RunId,
    step: StepId,
    stream: &'static str,
    text: &'a str,
}

/// Prints records and output in one style.
#[derive(Debug)]
pub struct Printer {
    style: Style,
    lines: Option<mpsc::Sender<String>>,
    thread: Option<std::thread::JoinHandle<Option<Gone>>>,
    gone: Option<Gone>,
}

impl Printer {
    /// A printer that writes to `out` from a thread of its own.
    pub fn new(style: Style, mut out: impl Write + Send + 'static) -> Self {
        let (lines, mut waiting) = mpsc::channel::<String>(WAITING);
        let thread = std::thread::spawn(move || {
            while let Some(chunk) = waiting.blocking_recv() {
                if let Err(error) = out.write_all(chunk.as_bytes()).and_then(|()| out.flush()) {
                    if error.kind() == io::ErrorKind::BrokenPipe {
                        return Some(Gone::Reader);
                    }
                    complain(&format!("lines can be written no more ({error}); the runs go on, `loopdash log` tells"));
                    return Some(Gone::Place);
                }
            }
            None
        });
        Self { style, lines: Some(lines), thread: Some(thread), gone: None }
    }

    /// How it prints.
    pub const fn style(&self) -> Style {
        self.style
    }

    /// Prints a record of a run; `run` is its state after it.
    pub async fn record(&mut self, record: &Record, run: &RunState) {
        if self.style.json {
            let free = replace_in_record(record, &mut |_| WORD.to_owned());
            if let Ok(mut line) = record::encode(free.as_ref().unwrap_or(record)) {
                line.push('\n');
                self.print(line).await;
            }
            return;
        }
        let mut chunk = String::new();
        for told in super::words::tell(record, run) {
            if told.weight == Weight::Main || self.style.verbose {
                chunk.push_str(&self.human(record, run, &told));
            }
        }
        self.print(chunk).await;
    }

    /// Prints raw lines of a step's output: `true` marks standard error.
    pub async fn output(&mut self, run: &RunState, step: StepId, lines: &[(bool, Vec<u8>)]) {
        let mut chunk = String::new();
        for (stderr, bytes) in lines {
            let text = sanitize::plain_line(bytes);
            if self.style.json {
                let stream = if *stderr { "stderr" } else { "stdout" };
                let line = OutputLine { kind: "output", run: run.id, step, stream, text: &text };
                chunk.push_str(&serde_json::to_string(&line).unwrap_or_default());
            } else {
                let kind = run.step(step).map_or("step", |step| step.kind.word());
                let mark = if *stderr { '!' } else { '|' };
                chunk.push_str(&format!("         {:<NAME$} {kind:<6} {mark} {text}", name(run)));
            }
            chunk.push('\n');
        }
        self.print(chunk).await;
    }

    /// Prints a line about everything.
    pub async fn say(&mut self, text: &str) {
        if !self.style.json {
            self.print(format!("{}\n", sanitize::plain_str(text))).await;
        }
    }

    /// Whether, and why, nobody hears any more.
    pub const fn gone(&self) -> Option<Gone> {
        self.gone
    }

    /// Waits until all is written.
    pub async fn finish(mut self) -> Option<Gone> {
        self.lines = None;
        self.join().await;
        self.gone
    }

    async fn print(&mut self, chunk: String) {
        let Some(lines) = self.lines.as_ref().filter(|_| !chunk.is_empty()) else { return };
        if lines.send(chunk).await.is_err() {
            self.lines = None;
            self.join().await;
        }
    }

    async fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let ended = tokio::task::spawn_blocking(move || thread.join().ok().flatten()).await;
            self.gone = ended.ok().flatten();
        }
    }

    fn human(&self, record: &Record, run: &RunState, told: &Told) -> String {
        // A test starts before the iteration that works on it.
        let last = run.iterations.last().filter(|_| !matches!(record.event, Event::TestStarted(_)));
        let iteration = last.map_or(String::new(), |iteration| format!("i{}", iteration.number));
        let text = sanitize::plain_str(&Mask::of_process().text(&told.text).replace(['\n', '\r', '\t'], " "));
        let (open, close) = match told.tone {
            _ if !self.style.colour => ("", ""),
            Tone::Plain => ("", ""),
            Tone::Good => ("\x1b[32m", "\x1b[0m"),
            Tone::Bad => ("\x1b[31m", "\x1b[0m"),
            Tone::Ask => ("\x1b[33m", "\x1b[0m"),
        };
        format!("{} {:<NAME$} {iteration:<3} {open}{text}{close}\n", clock(record.at), name(run))
    }
}

fn name(run: &RunState) -> String {
    sanitize::plain_str(&run.label)
}

/// The time of day here.
fn clock(at: Millis) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::event::{Noted, ParkReason, Parked};
    use crate::loops::core::ids::Who;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn noted(text: &str) -> (Record, RunState) {
        let id = RunId::new(uuid::Uuid::nil());
        let record = Record { seq: 1, at: Millis(0), run: id, event: Noted { text: text.into() }.into() };
        let mut run = RunState::new(id);
        run.label = "fix\x1b]0;x\x07-ci".into();
        (record, run)
    }

    async fn printed(style: Style, text: &str) -> String {
        let out = Shared::default();
        let mut printer = Printer::new(style, out.clone());
        let (record, run) = noted(text);
        printer.record(&record, &run).await;
        printer.output(&run, StepId(3), &[(true, b"\x1b[2Jred\x1b[31m \xff".to_vec())]).await;
        assert_eq!(printer.finish().await, None);
        let bytes = out.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn nothing_that_a_terminal_obeys_is_printed() {
        let text = printed(Style { output: true, ..Style::default() }, "evil \x1b]52;c;AAAA\x07\nnote").await;
        assert!(text.contains("evil  note") && text.contains("! red \u{fffd}"), "{text:?}");
        assert!(text.contains("fix-ci"), "{text:?}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }

    #[tokio::test]
    async fn json_lines_are_the_record_and_the_output() {
        let text = printed(Style { json: true, output: true, ..Style::default() }, "hello").await;
        let (record, _) = noted("hello");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(record::encode(&record).unwrap().as_str()));
        let output: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!((&output["type"], &output["stream"]), (&"output".into(), &"stderr".into()));
        assert_eq!(output["text"], "red \u{fffd}");
    }

    #[tokio::test]
    async fn a_reader_that_leaves_is_told_from_a_place_that_is_gone() {
        for (kind, gone) in [(io::ErrorKind::BrokenPipe, Gone::Reader), (io::ErrorKind::Other, Gone::Place)] {
            let mut printer = Printer::new(Style::default(), Broken(kind));
            let (record, run) = noted("x");
            while printer.gone().is_none() {
                printer.record(&record, &run).await;
            }
            assert_eq!(printer.gone(), Some(gone));
            printer.record(&record, &run).await;
        }
    }

    #[tokio::test]
    async fn colour_marks_what_needs_a_person() {
        let out = Shared::default();
        let mut printer = Printer::new(Style { colour: true, ..Style::default() }, out.clone());
        let (mut record, run) = noted("");
        let reason = ParkReason::NeedsHuman { question: "which?".into(), from: Who::Critic };
        record.event = Parked { reason }.into();
        printer.record(&record, &run).await;
        printer.finish().await;
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("\x1b[33mwaits for you: question of the critic: which?\x1b[0m"), "{text:?}");
    }
}
