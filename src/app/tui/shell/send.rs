//! What the last frame lacked is sent for here: pages of output, diffs, colours, tails, journals, searches.
//!
//! Each wish becomes at most one job of its kind; what a frame still lacks is wished for again by the next.

use super::Shell;
use crate::app::tui::jobs::{Kind, Sources};
use crate::app::tui::search::Text;
use crate::app::tui::ui::Pane;
use crate::app::view::doc::Doc;
use crate::app::view::loaded::{DiffKey, OutputWant, SearchWant};
use crate::app::view::page::Page;
use crate::app::view::{gates, tests_pane, verdict};
use crate::loops::core::ids::RunId;
use crate::loops::core::state::RunState;
use std::ops::Range;
use std::sync::Arc;

impl Shell {
    /// Starts the jobs for what the last frame would have liked to have.
    pub(super) fn send_for(&mut self) {
        let wants = self.wants.clone();
        if let Some(want) = wants.output {
            self.send_for_output(want);
        }
        if let Some(key) = wants.diff.filter(|key| self.loaded.diff(key).is_none()) {
            self.jobs.diff(key);
        }
        if let Some((key, rows)) = wants.paint {
            self.send_for_colours(&key, rows);
        }
        if let Some(key) = wants.tail.filter(|key| self.tail_asked != Some(*key) && !self.jobs.is_busy(Kind::Tail))
            && let Some(sources) = self.sources(key.run)
        {
            self.tail_asked = Some(key);
            self.jobs.tail(key, sources);
        }
        if let Some(run) = wants.journal.filter(|run| self.loaded.journal.run != Some(*run))
            && !self.jobs.is_busy(Kind::Journal)
        {
            self.meanwhile.clear();
            self.jobs.journal(run);
        }
        if let Some(key) = wants.xray.filter(|key| self.loaded.xray.as_ref().is_none_or(|(of, _)| of != key))
            && let Some(step) = self.fleet.state(key.run).and_then(|state| state.step(key.step))
        {
            self.jobs.xray(key, step.clone());
        }
        if let Some(want) = wants.search.filter(|want| self.searched.as_ref() != Some(want))
            && let Some(text) = self.text_of(&want)
        {
            self.searched = Some(want.clone());
            self.jobs.search(want, text);
        }
    }

    fn send_for_output(&mut self, want: OutputWant) {
        let Some(state) = self.fleet.state(want.run).filter(|_| !self.jobs.is_busy(Kind::Page)) else { return };
        let doc = self.doc(state);
        let total = doc.total();
        let range = Page::wanted(want.top, want.height, total);
        // Only the last line can still grow; what lies above is read once.
        let version = if range.end == total { self.looked.0 } else { 0 };
        let shown_total = if range.end == total { total } else { 0 };
        let asked = (want.run, self.ui.raw, range.clone(), shown_total, version);
        if self.asked.as_ref() == Some(&asked) {
            return;
        }
        let Some(sources) = self.sources(want.run) else { return };
        self.asked = Some(asked);
        self.jobs.page(doc, range, sources);
    }

    fn send_for_colours(&mut self, key: &DiffKey, rows: Range<usize>) {
        if self.jobs.is_busy(Kind::Paint) {
            return;
        }
        if let Some(Ok(doc)) = self.loaded.diff(key) {
            let hunks = doc.unpainted(rows);
            let doc = Arc::clone(doc);
            if !hunks.is_empty() {
                self.jobs.paint(doc, hunks);
            }
        }
    }

    /// The document that a search is to go through.
    fn text_of(&self, want: &SearchWant) -> Option<Text> {
        let state = self.fleet.state(want.run)?;
        Some(match want.pane {
            Pane::Output => Text::Output(self.doc(state), self.sources(want.run)?),
            Pane::Diff => match want.diff.as_ref().and_then(|key| self.loaded.diff(key)) {
                Some(Ok(doc)) => Text::Diff(Arc::clone(doc)),
                // There is none, and nothing in it is found at once.
                Some(Err(_)) | None => Text::Lines(Vec::new()),
            },
            Pane::Timeline => Text::Timeline(self.loaded.journal.records.clone(), Box::new(state.clone())),
            Pane::Verdict => Text::Lines(verdict::lines(state)),
            Pane::Tests => Text::Lines(tests_pane::lines(state)),
            Pane::Gates => {
                let tail = self.wants.tail.map_or(0, |tail| tail.lines);
                Text::Gates(gates::lines(state), tail, self.sources(want.run)?)
            }
        })
    }

    /// The output of a run as far as it is known here.
    fn doc(&self, state: &RunState) -> Doc {
        let live = self.loaded.live.filter(|live| live.run == state.id);
        Doc::of(state, live, self.ui.raw)
    }

    pub(super) fn sources(&self, run: RunId) -> Option<Sources> {
        Some(Sources::new(self.fleet.state(run)?, self.live.get(&run).cloned()))
    }
}
