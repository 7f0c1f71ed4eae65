//! What steps print, read from their transcripts as they grow: [`Outputs`].
//!
//! Nothing is buffered here: a slow reader reads later from the transcript, and the agents never wait for it.

use crate::loops::agent::transcript::{LiveOutput, Stream, Transcript};
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
}

#[derive(Debug)]
struct Open {
    transcript: Arc<Transcript>,
    live: Option<Arc<LiveOutput>>,
    next: u64,
}

impl Outputs {
    pub(super) fn new() -> Self {
        let (tick, ticks) = mpsc::channel(TICKS);
        Self { open: HashMap::new(), tick, ticks, tasks: JoinSet::new() }
    }

    /// Follows a step that runs.
    pub(super) fn follow(&mut self, place: Place, live: Arc<LiveOutput>) {
        if self.open.get(&place).is_some_and(|open| open.live.is_some()) {
            return;
        }
        let next = self.open.get(&place).map_or(0, |open| open.next);
        let transcript = Arc::new(Transcript::live(Arc::clone(&live)));
        self.open.insert(place, Open { transcript, live: Some(Arc::clone(&live)), next });
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
        let Some(kind) = run.step(place.1).map(|step| step.kind.clone()) else { return };
        let mut open = self.open.remove(&place).unwrap_or_else(|| {
            let dir = store.run_dir(run.id).step_dir(place.1, &kind);
            Open { transcript: Arc::new(Transcript::open(&dir)), live: None, next: 0 }
        });
        open.print(place.1, run, printer, true).await;
    }
}

impl Open {
    async fn print(&mut self, step: StepId, run: &RunState, printer: &mut Printer, ended: bool) {
        loop {
            let (transcript, live, next) = (Arc::clone(&self.transcript), self.live.clone(), self.next);
            let read = tokio::task::spawn_blocking(move || piece(&transcript, live.as_deref(), next, ended)).await;
            let Ok(Ok(lines)) = read else { return };
            if lines.is_empty() {
                return;
            }
            self.next += lines.len() as u64;
            printer.output(run, step, &lines).await;
        }
    }
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
