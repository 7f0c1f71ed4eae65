//! What the operator sees and where their hands are: [`Ui`]. Nothing in it is true of the loops.
//!
//! It changes in [`update`](super::update::update) alone; drawing only reads it.

use super::overlay::{Overlay, PaletteOf};
use crate::app::agents::Agents;
use crate::loops::core::ids::{Millis, RunId, StepId};

/// The panes of the detail side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    /// What its steps print.
    #[default]
    Output,
    /// What it changed.
    Diff,
    /// What the critic said.
    Verdict,
    /// Its work items.
    Tests,
    /// What the gates found.
    Gates,
    /// Everything that happened.
    Timeline,
}

impl Pane {
    /// In the order of their keys.
    pub const ALL: [Self; 6] = [Self::Output, Self::Diff, Self::Verdict, Self::Tests, Self::Gates, Self::Timeline];

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|pane| *pane == self).unwrap_or_default()
    }

    /// The pane `by` places further, round the corner.
    pub fn step(self, by: isize) -> Self {
        let index = (self.index() as isize + by).rem_euclid(Self::ALL.len() as isize);
        Self::ALL.get(index as usize).copied().unwrap_or_default()
    }
}

/// Where moving keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// To the list of loops.
    #[default]
    List,
    /// To the open pane.
    Pane,
}

/// What a diff is measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All the run's work.
    #[default]
    Base,
    /// What the last iteration changed.
    LastIteration,
}

/// Where the output is scrolled to. Lines count through the whole document, all steps of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputAt {
    /// The line and the row of it at the top, where the operator has scrolled; `None` follows the end.
    pub top: Option<(u64, u16)>,
    /// Rows to go from there, down if positive; the next frame resolves them.
    pub pending: i64,
    /// Lines there were when following ended, to count what is new.
    pub left_at: u64,
    /// Columns hidden at the left, where lines are cut.
    pub across: u16,
}

/// A search through what the open pane shows of the selected run. What a line is, is the pane's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchState {
    /// What is looked for.
    pub query: String,
    /// Which search this is, counted from 1: the same words typed again are looked for again.
    pub number: u64,
    /// Lines of the pane's document that match, ascending; `None` while looking.
    pub hits: Option<Vec<u64>>,
    /// Whether there are more than are listed.
    pub more: bool,
    /// Which hit the operator stands on; `None` before they have gone to one in this pane.
    pub current: Option<usize>,
    /// Whether to go to a hit as soon as one is found.
    pub go: bool,
    /// Whether the next frame has to bring the current hit into view.
    pub reveal: bool,
}

impl SearchState {
    /// The line of the current hit.
    pub fn line(&self) -> Option<u64> {
        self.hits.as_ref()?.get(self.current?).copied()
    }

    /// Looks for the same in another pane, without going anywhere.
    pub fn elsewhere(&mut self) {
        *self = Self { query: std::mem::take(&mut self.query), number: self.number, ..Self::default() };
    }
}

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something went as asked.
    Good,
    /// Something is worth knowing.
    Info,
    /// Something was refused or failed.
    Bad,
}

/// A message in the footer's place for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// How serious.
    pub tone: Tone,
    /// When it goes away.
    pub until: Millis,
}

/// How long a message stays, in milliseconds.
pub const TOAST_MS: u64 = 6_000;

/// Where the panes that scroll by rows stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tops {
    /// First visible row of the list.
    pub list: usize,
    /// Of the diff.
    pub diff: usize,
    /// Columns hidden at the left of the diff.
    pub diff_across: u16,
    /// Of the verdicts.
    pub verdict: usize,
    /// Of the tests.
    pub tests: usize,
    /// Of the timeline.
    pub timeline: usize,
    /// Whether the timeline is held there instead of following its end.
    pub timeline_held: bool,
    /// Of the help screen.
    pub help: usize,
    /// Of a step's X-ray.
    pub xray: usize,
}

/// What the last frame turned out to show; the shell reports it after drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The frame's number, counted from 1.
    pub frame: u64,
    /// Rows of the open pane's scrolling part.
    pub page: usize,
    /// Where the panes came to stand after clamping.
    pub tops: Tops,
    /// The output's top line and row; `None` while its end is followed.
    pub output_top: Option<(u64, u16)>,
    /// Lines of the output's document.
    pub output_lines: u64,
    /// Whether the scrolled output reached its end, so that it follows again.
    pub output_end: bool,
    /// Rows that were pending when it was drawn and are resolved now.
    pub output_resolved: i64,
    /// Whether the search's current hit was brought into view.
    pub revealed: bool,
    /// The step that the open pane stands on; none where it stands on the whole run.
    pub step: Option<StepId>,
    /// The finding that the Verdict pane stands on: its verdict's iteration, and which it is of those shown with it.
    pub finding: Option<(u32, usize)>,
}

/// A run that the operator takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeOver {
    /// Which.
    pub run: RunId,
    /// Whether it goes on by itself afterwards, because it was at work before.
    pub goes_on: bool,
}

/// Everything about the screen that outlives a frame.
#[derive(Clone, Debug)]
pub struct Ui {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The selected run.
    pub selected: Option<RunId>,
    /// Whether the operator has done something since the start; until then the first row is selected.
    pub at_work: bool,
    /// Where moving keys go.
    pub focus: Focus,
    /// The open pane.
    pub pane: Pane,
    /// Whether the pane has the whole screen.
    pub zoom: bool,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Whether the output is shown as it was printed, where there is a story of it.
    pub raw: bool,
    /// Only runs whose name holds this are listed.
    pub filter: String,
    /// The search in force.
    pub search: Option<SearchState>,
    /// Searches begun so far.
    pub searches: u64,
    /// Where the output is scrolled to.
    pub output: OutputAt,
    /// Where the other panes are.
    pub tops: Tops,
    /// What the diff is measured from.
    pub scope: Scope,
    /// The selected row of Tests.
    pub test: Option<String>,
    /// The selected row of Gates.
    pub gate: Option<String>,
    /// What lies on top, the uppermost last.
    pub overlays: Vec<Overlay>,
    /// A passing message.
    pub toast: Option<Toast>,
    /// Standing trouble of the engine.
    pub trouble: Option<String>,
    /// Whether the journals are still being read.
    pub loading: bool,
    /// Whether the operator has left and the engine is ending its runs.
    pub leaving: bool,
    /// Rows of the open pane, as last drawn.
    pub page: usize,
    /// The step that the open pane stands on, as last drawn.
    pub step: Option<StepId>,
    /// The finding that the Verdict pane stands on; see [`Seen::finding`].
    pub finding: Option<(u32, usize)>,
    /// Whether interrupted runs have been offered.
    pub offered: bool,
    /// The run whose pause is waited for before the screen steps aside.
    pub taking_over: Option<TakeOver>,
    /// The agents that roles of this run can be given, as they were read last.
    pub agents: Option<(RunId, Result<Agents, String>)>,
}

impl Ui {
    /// Whether what a palette offers is yet to be read.
    pub fn awaits_agents(&self, of: PaletteOf) -> bool {
        matches!(of, PaletteOf::Agents(run) if self.agents.as_ref().is_none_or(|(known, _)| *known != run))
    }

    /// The screen at the start.
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            selected: None,
            at_work: false,
            focus: Focus::List,
            pane: Pane::Output,
            zoom: false,
            wrap: true,
            raw: false,
            filter: String::new(),
            search: None,
            searches: 0,
            output: OutputAt::default(),
            tops: Tops::default(),
            scope: Scope::Base,
            test: None,
            gate: None,
            overlays: Vec::new(),
            toast: None,
            trouble: None,
            loading: true,
            leaving: false,
            page: 10,
            step: None,
            finding: None,
            offered: false,
            taking_over: None,
            agents: None,
        }
    }

    /// Selects a run and starts its panes anew; selecting the same one changes nothing.
    pub fn select(&mut self, run: Option<RunId>) {
        if self.selected == run {
            return;
        }
        self.selected = run;
        self.output = OutputAt::default();
        self.tops = Tops { list: self.tops.list, ..Tops::default() };
        self.test = None;
        self.gate = None;
        self.step = None;
        self.finding = None;
        self.search = None;
    }

    /// Shows a message for a while.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>, now: Millis) {
        self.toast = Some(Toast { text: text.into(), tone, until: Millis(now.0 + TOAST_MS) });
    }
}
