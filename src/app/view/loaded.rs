//! What was read from disk for the screen: [`Loaded`], and what a frame found missing: [`Wants`].
//!
//! Reading happens off the screen's task; a frame draws what is there and says what it would rather have.

use super::diff_doc::DiffDoc;
use super::page::Page;
use super::xray::{Xray, XrayKey};
use crate::app::tui::ui::{Pane, Scope};
use crate::loops::agent::vitals::Vitals;
use crate::loops::core::event::Record;
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::weigh::TestChange;
use crate::widgets::transcript::StyledLine;
use std::ops::Range;
use std::sync::Arc;

/// A diff that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DiffKey {
    /// Whose.
    pub run: RunId,
    /// Since when.
    pub scope: Scope,
    /// Directory of the repository.
    pub common_dir: String,
    /// Commit or tree before.
    pub from: String,
    /// Commit or tree after.
    pub to: String,
    /// The ways in which what it shows weakens tests, against the base.
    pub weighed: Vec<TestChange>,
}

/// The end of a step's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TailKey {
    /// Whose.
    pub run: RunId,
    /// Which step.
    pub step: StepId,
    /// How many lines at most.
    pub lines: u16,
}

/// How the running step of the selected run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFacts {
    /// Whose.
    pub run: RunId,
    /// Which step.
    pub step: StepId,
    /// Lines by now.
    pub lines: u64,
    /// Lines of its story by now, if it has one.
    pub story: Option<u64>,
    /// Whether it printed something within the last seconds.
    pub lively: bool,
}

/// A run's records, for the timeline.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Whose.
    pub run: Option<RunId>,
    /// In order.
    pub records: Vec<Arc<Record>>,
    /// Why they could not be read, if so.
    pub error: Option<String>,
}

/// Everything read so far.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Output of a run.
    pub page: Page,
    /// Its running step.
    pub live: Option<LiveFacts>,
    /// What that step's agent is doing, where its stream tells.
    pub vitals: Option<Vitals>,
    /// A diff, and what it shows; the message if it could not be made.
    pub diff: Option<(DiffKey, Result<Arc<DiffDoc>, String>)>,
    /// The end of a gate's output.
    pub tail: Option<(TailKey, Vec<StyledLine>)>,
    /// A run's records.
    pub journal: Journal,
    /// A step's X-ray.
    pub xray: Option<(XrayKey, Xray)>,
}

impl Loaded {
    /// The diff that `key` asks for, if it is there.
    pub fn diff(&self, key: &DiffKey) -> Option<&Result<Arc<DiffDoc>, String>> {
        self.diff.as_ref().filter(|(of, _)| of == key).map(|(_, diff)| diff)
    }

    /// The last look at the step that `key` asks for, if there was one.
    pub fn xray(&self, key: XrayKey) -> Option<&Xray> {
        self.xray.as_ref().filter(|(of, _)| (of.run, of.step) == (key.run, key.step)).map(|(_, xray)| xray)
    }
}

/// The lines of output that a frame would like to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputWant {
    /// Whose.
    pub run: RunId,
    /// The line and row at the top; `None` for the end.
    pub top: Option<(u64, u16)>,
    /// Rows of the pane.
    pub height: u16,
}

/// A document to be searched: that of a pane, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWant {
    /// Whose.
    pub run: RunId,
    /// Which pane's.
    pub pane: Pane,
    /// For what.
    pub query: String,
    /// Which search this is; see [`SearchState`](crate::app::tui::ui::SearchState).
    pub number: u64,
    /// What tells this state of the document from another: a document that has changed is searched again.
    pub version: u64,
    /// The diff, where that is what is searched.
    pub diff: Option<DiffKey>,
}

/// What a frame would like to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// A document searched.
    pub search: Option<SearchWant>,
    /// Lines of a run's output.
    pub output: Option<OutputWant>,
    /// A diff.
    pub diff: Option<DiffKey>,
    /// Rows of the diff that are seen, to be coloured.
    pub paint: Option<(DiffKey, Range<usize>)>,
    /// The end of a step's output.
    pub tail: Option<TailKey>,
    /// A run's records.
    pub journal: Option<RunId>,
    /// A step's X-ray.
    pub xray: Option<XrayKey>,
}
