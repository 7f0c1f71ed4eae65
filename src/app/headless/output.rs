//! What steps print, read from their transcripts as they grow: [`Outputs`].
//!
//! Nothing is buffered here: a slow reader reads later from the transcript, and the agents never wait for it. A person
//! reads the story of an agent that has one; a program gets what was printed.

use crate::loops::agent::story::{self, LineKind};
use crate::loops::agent::transcript::{Edition, LiveOutput, Stream, Transcript};
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::state::RunState;
use crate::loops::journal::Store;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Printer;

/// Lines read at once.
const PIECE: u64 = 512;
/// Steps whose growth may wait to be looked at.
const TICKS: usize = 64;

/// A step of a run.
pub(super) type Place = (RunId, StepId);

/// The transcripts of the steps that run, and how far each is printed.
#[derive(Debug)]
pub(super) struct Outputs {
    open: HashMap<Place, Open>,
    tick: mpsc::Sender<Place>,
    ticks: mpsc::Receiver<Place>,
    tasks: JoinSet<()>,
    stories: bool,
}

#[derive(Debug)]
struct Open {
    transcript: Arc<Transcript>,
    edition: Edition,
    live: Option<Arc<LiveOutput>>,
    next: u64,
}

impl Outputs {
    /// None yet; `stories` are wanted where there are any, or everything as it was printed.
    pub(super) fn new(stories: bool) -> Self {
        let (tick, ticks) = mpsc::channel(TICKS);
        Self { open: HashMap::new(), tick, ticks, tasks: JoinSet::new(), stories }
    }

    /// Follows a step that runs.
    pub(super) fn follow(&mut self, place: Place, live: Arc<LiveOutput>) {
        if self.open.get(&place).is_some_and(|open| open.live.is_some()) {
            return;
        }
        let next = self.open.get(&place).map_or(0, |open| open.next);
        let story = live.story().filter(|_| self.stories).map(|story| Arc::clone(story.live()));
        let (edition, live) = story.map_or((Edition::Raw, live), |story| (Edition::Story, story));
        let transcript = Arc::new(Transcript::live(Arc::clone(&live)));
        self.open.insert(place, Open { transcript, edition, live: Some(Arc::clone(&live)), next });
        let tick = self.tick.clone();
        self.tasks.spawn(async move {
            let mut seen = 0;
            while !live.finished() {
                seen = live.changed(seen).await;
                if tick.send(place).await.is_err() {
                    return;
                }
            }
        });
    }

    /// A step that has printed something.
    pub(super) async fn grown(&mut self) -> Option<Place> {
        while self.tasks.try_join_next().is_some() {}
        self.ticks.recv().await
    }

    /// Prints what is there of a step that runs.
    pub(super) async fn print(&mut self, place: Place, run: &RunState, printer: &mut Printer) {
        if let Some(open) = self.open.get_mut(&place) {
            open.print(place.1, run, printer, false).await;
        }
    }

    /// Prints the rest of a step that has ended, all of it if it was never followed.
    pub(super) async fn end(&mut self, place: Place, run: &RunState, store: &Store, printer: &mut Printer) {
        let Some(step) = run.step(place.1) else { return };
        let edition = if self.stories && step.story().is_some() { Edition::Story } else { Edition::Raw };
        let mut open = self.open.remove(&place).unwrap_or_else(|| {
            let dir = store.run_dir(run.id).step_dir(place.1, &step.kind);
            Open { transcript: Arc::new(Transcript::edition(&dir, edition)), edition, live: None, next: 0 }
        });
        open.print(place.1, run, printer, true).await;
    }
}

impl Open {
    async fn print(&mut self, step: StepId, run: &RunState, printer: &mut Printer, ended: bool) {
        loop {
            let (transcript, live, next) = (Arc::clone(&self.transcript), self.live.clone(), self.next);
            let read = tokio::task::spawn_blocking(move || piece(&transcript, live.as_deref(), next, ended)).await;
            let Ok(Ok(mut lines)) = read else { return };
            if self.edition == Edition::Story {
                lines.iter_mut().filter(|(stderr, _)| !stderr).for_each(|(_, line)| *line = signed(line));
            }
            if lines.is_empty() {
                return;
            }
            self.next += lines.len() as u64;
            printer.output(run, step, &lines).await;
        }
    }
}

/// A line of a story with a sign before it that tells what it is.
fn signed(line: &[u8]) -> Vec<u8> {
    let (kind, words) = story::read(line);
    let sign = match kind {
        LineKind::Text | LineKind::Thinking | LineKind::Usage => "",
        LineKind::Tool => "→ ",
        LineKind::Result => "  ",
        LineKind::Passed => "✓ ",
        LineKind::Failed | LineKind::Trouble => "✗ ",
        LineKind::Wait | LineKind::Warning => "! ",
    };
    [sign.as_bytes(), words].concat()
}

/// The next lines. Of a step that runs, the last one only if its newline is there and nothing came meanwhile.
fn piece(
    transcript: &Transcript,
    live: Option<&LiveOutput>,
    next: u64,
    ended: bool,
) -> std::io::Result<Vec<(bool, Vec<u8>)>> {
    let before = live.map(LiveOutput::version);
    let whole = transcript.stdout_tail_bytes(1)? == b"\n";
    let count = transcript.line_count()?;
    let mut lines: Vec<_> = transcript
        .lines(next..count.min(next + PIECE))?
        .into_iter()
        .map(|line| (line.stream == Stream::Stderr, line.bytes))
        .collect();
    let at_end = next + lines.len() as u64 == count;
    let quiet = before == live.map(LiveOutput::version);
    let last_is_whole = quiet && (whole || lines.last().is_some_and(|(stderr, _)| *stderr));
    if !ended && at_end && !last_is_whole {
        lines.pop();
    }
    Ok(lines)
}
