//! The Timeline pane: everything that happened to the run, one sentence each.
//!
//! It follows its end until the operator scrolls up.

use super::story::tell;
use super::{Out, Scene};
use crate::loops::core::event::{Event, Record};
use crate::loops::core::state::RunState;
use crate::widgets::scrollbar::Extent;
use crate::widgets::timeline::{Entry, Timeline};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::sync::Arc;

/// Whether an event is worth a line: process ids are in the journal for whoever looks for them.
pub fn is_told(record: &Record) -> bool {
    !matches!(record.event, Event::Spawned(_))
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    out.wants.journal = Some(state.id);
    let journal = &scene.loaded.journal;
    let mine = journal.run == Some(state.id);
    let records: &[Arc<Record>] = if mine { &journal.records } else { &[] };
    let height = usize::from(area.height).max(1);
    let last = records.len().saturating_sub(height);
    let follow = !scene.ui.tops.timeline_held || scene.ui.tops.timeline >= last;
    let top = if follow { last } else { scene.ui.tops.timeline };
    out.seen.tops.timeline = if mine { top } else { scene.ui.tops.timeline };
    out.seen.tops.timeline_held = if mine { !follow } else { scene.ui.tops.timeline_held };
    out.seen.page = height;

    let shown = records.get(top..(top + height).min(records.len())).unwrap_or_default();
    let told: Vec<_> = shown.iter().map(|record| (scene.clock.when(record.at), tell(&record.event, state))).collect();
    let entries: Vec<Entry<'_>> = told
        .iter()
        .map(|(time, told)| Entry {
            time,
            who: told.who,
            mark: told.mark,
            text: &told.text,
            chapter: told.chapter.as_deref(),
            selected: false,
        })
        .collect();
    let trouble = journal.error.as_ref().filter(|_| mine).map(|error| format!("its journal cannot be read: {error}"));
    Timeline {
        theme: scene.theme,
        entries: &entries,
        follow,
        extent: Extent { total: records.len(), offset: top, visible: height },
        empty: trouble.as_deref().unwrap_or(if mine { "nothing has happened yet" } else { "reading…" }),
    }
    .render(area, buf);
}
