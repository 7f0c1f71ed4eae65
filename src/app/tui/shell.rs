//! What the dashboard's thread holds between two things that happen: [`Shell`]. It folds, draws, and sends for what is
//! missing.
//!
//! The loop around it is in `run`; here nothing waits.

mod clipboard;
mod make;
mod send;
mod spot;
mod visit;
mod watch;

pub(super) use make::Made;

use super::Options;
use super::afar::Afar;
use super::jobs::{Done, Jobs};
use super::keymap::Keymap;
use super::msg::{Effect, Msg};
use super::pace::Pace;
use super::screen::{Painter, Writer};
use super::ui::{Pane, TakeOver, Tone, Ui};
use super::update::{Ctx, DiffMark, update};
use crate::app::notify::terminal_call;
use crate::app::view::clock::Clock;
use crate::app::view::loaded::{Loaded, SearchWant, TailKey, Wants};
use crate::app::view::timeline::is_told;
use crate::app::view::{Scene, diff_key, draw};
use crate::loops::agent::sanitize::plain_str;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::attention::Edges;
use crate::loops::core::command::Command;
use crate::loops::core::event::{Event, Record};
use crate::loops::core::fleet::Fleet;
use crate::loops::core::ids::{Millis, RunId, StepId};
use crate::loops::core::state::StepOutcome;
use crate::loops::engine::{Update, system_clock};
use crate::loops::fault;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the end waits for a frame that is being written.
const LAST_FRAME: Duration = Duration::from_millis(500);
/// Cells of a frame at most, however large the terminal says it is.
const MOST_CELLS: u32 = 400_000;

/// Which lines were asked for last, and of which state of the document.
type PageAsked = (RunId, bool, Range<u64>, u64, u64);

/// Everything that lives as long as the screen.
pub(super) struct Shell {
    ui: Ui,
    fleet: Fleet,
    loaded: Loaded,
    options: Options,
    keymap: Keymap,
    live: HashMap<RunId, (StepId, Arc<LiveOutput>)>,
    afar: Afar,
    painter: Painter,
    pub(super) writer: Writer,
    pub(super) jobs: Jobs,
    pace: Pace,
    clock: Arc<dyn Fn() -> Millis + Send + Sync>,
    wants: Wants,
    /// Something visible may have changed.
    dirty: bool,
    /// The next frame does not wait for its turn.
    at_once: bool,
    /// When time alone changes what is shown.
    change: Option<Instant>,
    /// The run that is taken over while the screen steps aside.
    visiting: Option<TakeOver>,
    /// What needed a person when the fleet was last looked at.
    edges: Edges,
    /// Goes out with the next frame.
    extra: Vec<u8>,
    asked: Option<PageAsked>,
    /// The version of the selected run's live output that was looked at, and when.
    looked: (u64, Instant),
    /// Records of the wanted journal that came while it was being read.
    meanwhile: Vec<Arc<Record>>,
    /// What was searched last.
    searched: Option<SearchWant>,
    /// Step whose tail was asked for last, so that an unreadable one is not asked for again and again.
    tail_asked: Option<TailKey>,
}

impl Shell {
    pub(super) fn new(options: Options, size: (u16, u16), writer: Writer, jobs: Jobs) -> Self {
        Self {
            ui: Ui::new(size),
            fleet: Fleet::new(0, 0),
            loaded: Loaded::default(),
            options,
            keymap: Keymap::default(),
            live: HashMap::new(),
            afar: Afar::default(),
            painter: Painter::new(),
            writer,
            jobs,
            pace: Pace::new(),
            clock: system_clock(),
            wants: Wants::default(),
            dirty: true,
            at_once: true,
            change: None,
            visiting: None,
            edges: Edges::default(),
            extra: Vec::new(),
            asked: None,
            looked: (0, Instant::now()),
            meanwhile: Vec::new(),
            searched: None,
            tail_asked: None,
        }
    }

    /// Takes the fleet as it is.
    pub(super) fn start_from(&mut self, fleet: Fleet, live: Vec<(RunId, StepId, Arc<LiveOutput>)>) {
        self.fleet = fleet;
        self.live = live.into_iter().map(|(run, step, output)| (run, (step, output))).collect();
        // Records may have been missed.
        self.loaded.journal.run = None;
        self.call();
        self.tell(Msg::Fleet);
    }

    /// Lets something happen to the screen.
    pub(super) fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        self.dirty |= !matches!(msg, Msg::Drawn(_));
        let marks = self.marks();
        let ctx = Ctx {
            fleet: &self.fleet,
            loops: &self.options.loops,
            no_new_loop: self.options.new_loop.as_ref().err().map(String::as_str),
            on_start: self.options.on_start,
            now: (self.clock)(),
            diff_marks: &marks,
            keymap: &self.keymap,
        };
        update(&mut self.ui, &ctx, msg)
    }

    fn marks(&self) -> Vec<DiffMark> {
        let key = self.ui.selected.and_then(|run| self.fleet.state(run)).and_then(|run| diff_key(run, self.ui.scope));
        match key.and_then(|key| self.loaded.diff(&key)) {
            Some(Ok(doc)) => doc.marks().to_vec(),
            _ => Vec::new(),
        }
    }

    /// The next frame is drawn as soon as the terminal takes it.
    pub(super) const fn urgent(&mut self) {
        self.at_once = true;
        self.dirty = true;
    }

    /// Has everything painted anew.
    pub(super) const fn repaint(&mut self) {
        self.painter.anew();
        self.urgent();
    }

    /// Draws if there is something to draw and its time has come.
    pub(super) fn draw_if_due(&mut self) {
        let now = Instant::now();
        self.count_afar(now);
        if self.change.is_some_and(|change| change <= now) {
            self.change = None;
            self.dirty = true;
        }
        if self.dirty && !self.writer.is_busy() && (self.at_once || self.pace.next(now) <= now) {
            self.draw_now();
        }
    }

    /// When to come back although nothing has happened; `writing` is whether a frame is under way.
    pub(super) fn due(&self, writing: bool) -> Option<Instant> {
        let now = Instant::now();
        // A frame under way ends with a word of its own.
        let frame = (self.dirty && !writing).then(|| if self.at_once { now } else { self.pace.next(now) });
        let afar = self.afar_due(now).map(|(_, _, due)| due);
        frame.into_iter().chain(self.change).chain(afar).min()
    }

    /// Draws a frame and sends for what it lacks. The writer must be idle.
    pub(super) fn draw_now(&mut self) {
        self.look();
        let now = (self.clock)();
        let (columns, rows) = self.ui.size;
        let rows = rows.min(u16::try_from(MOST_CELLS / u32::from(columns.max(1))).unwrap_or(u16::MAX));
        let mut frame = Buffer::empty(Rect::new(0, 0, columns, rows));
        let zone = self.options.zone.clone();
        let clock = Clock::new(now, &zone);
        let marks = self.marks();
        let ctx = Ctx {
            fleet: &self.fleet,
            loops: &self.options.loops,
            no_new_loop: self.options.new_loop.as_ref().err().map(String::as_str),
            on_start: self.options.on_start,
            now,
            diff_marks: &marks,
            keymap: &self.keymap,
        };
        let scene = Scene {
            ui: &self.ui,
            ctx: &ctx,
            loaded: &self.loaded,
            theme: &self.options.theme,
            clock: &clock,
            place: self.options.place.as_deref(),
            configured: self.options.configured,
        };
        fault::at("render");
        let mut out = draw(&scene, &mut frame);
        let change = clock.next_change();
        let mut bytes = std::mem::take(&mut self.extra);
        match self.painter.paint(frame) {
            Ok(painted) => bytes.extend(painted),
            Err(error) => tracing::warn!(%error, "a frame could not be painted"),
        }
        let began = Instant::now();
        self.pace.drew(began, bytes.len());
        out.seen.frame = self.writer.next_frame();
        self.writer.send(bytes);
        self.wants = out.wants;
        self.dirty = false;
        self.at_once = false;
        self.change = change.map(|at| began + Duration::from_millis(at.since(now)));
        self.tell(Msg::Drawn(out.seen));
        self.send_for();
    }

    /// Takes what a job brought; some of it is a message.
    pub(super) fn loaded(&mut self, done: Done) -> Option<Msg> {
        if let Done::Count(counted) = &done {
            if self.afar.counted(counted, Instant::now()) {
                self.output_changed();
            }
            return None;
        }
        self.dirty = true;
        match done {
            Done::Count(_) => {}
            Done::Page(page) => {
                let another = self.loaded.page.run != page.run || self.loaded.page.doc.is_raw() != page.doc.is_raw();
                let first = another || self.ui.output.top.is_some();
                self.at_once |= first && page.run == self.ui.selected;
                self.loaded.page = *page;
            }
            Done::Diff(key, diff) => {
                self.at_once = true;
                self.loaded.diff = Some((key, diff));
            }
            Done::Paint => {}
            Done::Tail(key, lines) => {
                self.at_once = true;
                self.loaded.tail = Some((key, lines));
            }
            Done::Journal(mut journal) => {
                let last = journal.records.last().map_or(0, |record| record.seq);
                let newer = self.meanwhile.drain(..).filter(|record| journal.run == Some(record.run));
                journal.records.extend(newer.filter(|record| record.seq > last));
                self.at_once = true;
                self.loaded.journal = journal;
            }
            Done::Found(msg) => return Some(*msg),
            Done::Xray(key, xray) => {
                self.at_once = true;
                self.loaded.xray = Some((key, *xray));
            }
        }
        None
    }

    /// Takes word of the engine.
    pub(super) fn update(&mut self, update: Update) {
        match update {
            Update::Record(record) => self.record(&record),
            Update::Run(entry) => {
                let run = entry.state.id;
                self.afar.happened(run);
                self.fleet.runs.insert(run, *entry);
            }
            Update::Caps { cap, gate_cap } => {
                self.fleet.cap = cap;
                self.fleet.gate_cap = gate_cap;
            }
            Update::Holds(holds) => self.fleet.holds = holds,
            Update::Alerts(alerts) => self.fleet.alerts = alerts,
            Update::Raises(raises) => self.fleet.raises = raises,
            Update::Collisions(collisions) => self.fleet.collisions = collisions,
            Update::Live { run, step, output } => {
                self.live.insert(run, (step, output));
            }
            Update::Trouble(trouble) => {
                self.tell(Msg::Trouble(trouble));
            }
            Update::Loaded | Update::Ended => {}
        }
        self.call();
        self.tell(Msg::Fleet);
    }

    /// Calls for the operator if something begins to need one.
    fn call(&mut self) {
        for need in self.edges.look(&self.fleet) {
            self.extra.extend(terminal_call(self.options.calls, &need));
        }
    }

    fn record(&mut self, record: &Arc<Record>) {
        self.fleet.apply(record);
        self.afar.happened(record.run);
        if matches!(record.event, Event::StepFinished(_) | Event::StepInterrupted(_)) {
            self.live.remove(&record.run);
        }
        if let Some((tone, said)) = chore_told(&self.fleet, record) {
            self.tell(Msg::Say(tone, said));
        }
        if is_told(record) {
            if self.loaded.journal.run == Some(record.run) {
                self.loaded.journal.records.push(Arc::clone(record));
            } else if self.wants.journal == Some(record.run) {
                self.meanwhile.push(Arc::clone(record));
            }
        }
    }

    /// The command that starts what the dashboard was opened for.
    pub(super) fn first_command(&mut self) -> Option<Command> {
        let specs = std::mem::take(&mut self.options.start);
        (!specs.is_empty()).then_some(Command::Submit { specs, trigger: self.options.trigger })
    }

    /// The operator leaves; the engine is ending its runs.
    pub(super) fn leaving(&mut self) {
        self.ui.leaving = true;
        self.ui.search = None;
        self.ui.pane = Pane::Output;
        self.urgent();
    }

    /// Waits a moment for the frame that is being written, so that nothing follows what restores the terminal.
    pub(super) async fn let_go(&mut self) {
        if self.writer.is_busy() {
            // A terminal that takes nothing is left as it is.
            let _ = tokio::time::timeout(LAST_FRAME, self.writer.idle()).await;
        }
    }
}

/// What came of something that was done to a worktree, in words for the footer.
fn chore_told(fleet: &Fleet, record: &Record) -> Option<(Tone, String)> {
    let state = fleet.state(record.run)?;
    let step = match &record.event {
        Event::StepFinished(ended) => state.step(ended.step).filter(|step| step.kind.is_chore())?,
        _ => return None,
    };
    let (label, what) = (&state.label, step.kind.word());
    Some(match &step.end {
        Some(StepOutcome::Finished(end)) if !end.ok() => {
            (Tone::Bad, format!("{label}: {what} did not happen: {}", plain_str(&end.word())))
        }
        _ => (Tone::Good, format!("{label}: {what} is done")),
    })
}
