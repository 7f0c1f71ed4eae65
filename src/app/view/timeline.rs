//! The Timeline pane: everything that happened to the run, one sentence each.
//!
//! It follows its end until the operator scrolls up.

use super::story::{Told, tell};
use super::{Out, Scene, find};
use crate::loops::core::event::{Event, MergeConflicted, Merged, Record};
use crate::loops::core::ids::StepId;
use crate::loops::core::state::RunState;
use crate::widgets::scrollbar::Extent;
use crate::widgets::timeline::{Entry, Timeline};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::sync::Arc;

/// Whether an event is worth a line: process ids are in the journal for whoever looks for them, and what a gate found is
/// told with the end of its step.
pub fn is_told(record: &Record) -> bool {
    !matches!(record.event, Event::Spawned(_) | Event::GateFinished(_))
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    out.wants.journal = Some(state.id);
    let journal = &scene.loaded.journal;
    let mine = journal.run == Some(state.id);
    let records: &[Arc<Record>] = if mine { &journal.records } else { &[] };
    if mine {
        find::want(scene, state, records.len() as u64, None, out);
    }
    let height = usize::from(area.height).max(1);
    let tell = |record: &Arc<Record>| (scene.clock.when(record.at), tell(&record.event, state));
    let trouble = journal.error.as_ref().filter(|_| mine).map(|error| format!("its journal cannot be read: {error}"));
    let blank = Timeline {
        theme: scene.theme,
        entries: &[],
        follow: true,
        extent: Extent::default(),
        empty: trouble.as_deref().unwrap_or(if mine { "nothing has happened yet" } else { "reading…" }),
    };
    let end: Vec<_> = records.iter().skip(records.len().saturating_sub(height)).map(tell).collect();
    let end: Vec<Entry<'_>> = end.iter().map(|told| entry(told, false)).collect();
    // The top of the last screen: from there on, all that follows is in view.
    let last = records.len() - Timeline { entries: &end, ..blank }.fitting(area);

    let (mut top, mut held) = (scene.ui.tops.timeline, scene.ui.tops.timeline_held);
    if let Some(line) = find::reveal(scene).filter(|_| mine) {
        let context = (height / 6).min(3);
        (top, held) = (line.saturating_sub(context), true);
        out.seen.revealed = true;
    }
    let follow = !held || top >= last;
    let top = if follow { last } else { top };
    out.seen.tops.timeline = if mine { top } else { scene.ui.tops.timeline };
    out.seen.tops.timeline_held = if mine { !follow } else { scene.ui.tops.timeline_held };
    out.seen.page = height;

    // The event that the operator looks at, or the last before it that is about a step.
    let looked = find::current(scene).or((!follow).then_some(top)).filter(|_| mine);
    let before = looked.and_then(|looked| records.get(..=looked)).unwrap_or_default();
    out.seen.step = before.iter().rev().find_map(|record| step_of(&record.event));

    let first = if follow { records.len().saturating_sub(height) } else { top };
    let told: Vec<_> = records.iter().skip(first).take(height).map(tell).collect();
    let current = find::current(scene);
    let entries: Vec<Entry<'_>> =
        (first..).zip(&told).map(|(index, told)| entry(told, current == Some(index))).collect();
    let view = Timeline {
        entries: &entries,
        follow,
        extent: Extent { total: records.len(), offset: top, visible: records.len() - last },
        ..blank
    };
    view.render(area, buf);
    let places: Vec<find::Place> =
        view.places(area).into_iter().map(|(index, place)| (place, current == Some(first + index))).collect();
    find::mark(scene, &places, buf);
}

/// The step that an event is about.
const fn step_of(event: &Event) -> Option<StepId> {
    Some(match event {
        Event::StepStarted(e) => e.step,
        Event::StepFinished(e) => e.step,
        Event::StepInterrupted(e) => e.step,
        Event::GateFinished(e) => e.step,
        Event::SnapshotTaken(e) => e.step,
        Event::Kept(e) => e.step,
        Event::LockAwaited(e) => e.step,
        Event::Rewound(e) => e.step,
        Event::Restored(e) => e.step,
        Event::Merged(Merged { step: Some(step), .. }) => *step,
        Event::MergeConflicted(MergeConflicted { step: Some(step), .. }) => *step,
        _ => return None,
    })
}

/// The row of an event: when, and what it tells.
fn entry((time, told): &(String, Told), selected: bool) -> Entry<'_> {
    Entry { time, who: told.who, mark: told.mark, text: &told.text, chapter: told.chapter.as_deref(), selected }
}
