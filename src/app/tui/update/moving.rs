//! Moving about: the selection, scrolling, focus, jumps and hits.
//!
//! The output scrolls by rows that only the next frame can count, so a key leaves a debt in
//! [`OutputAt::pending`](super::super::ui::OutputAt) and the frame reports what it paid.

use super::super::action::Action;
use super::super::overlay::Overlay;
use super::super::ui::{Focus, OutputAt, Pane, SearchState, Ui};
use super::Ctx;
use crate::app::view::doc::Doc;
use crate::app::view::loaded::SearchWant;
use crate::app::view::roster;
use crate::loops::core::ids::RunId;

/// Columns that one key press moves along cut lines.
const ACROSS: u16 = 8;

/// Does `action` if it only moves; `false` if it is something else.
pub(super) fn perform(ui: &mut Ui, ctx: &Ctx<'_>, action: Action) -> bool {
    let page = ui.page.max(1) as i64;
    match action {
        Action::Down => by(ui, ctx, 1),
        Action::Up => by(ui, ctx, -1),
        Action::PageDown => by(ui, ctx, page),
        Action::PageUp => by(ui, ctx, -page),
        Action::HalfDown => by(ui, ctx, (page / 2).max(1)),
        Action::HalfUp => by(ui, ctx, -(page / 2).max(1)),
        Action::Top => to_end(ui, ctx, false),
        Action::Bottom => to_end(ui, ctx, true),
        Action::Left => sideways(ui, false),
        Action::Right => sideways(ui, true),
        Action::NextRun => run_by(ui, ctx, 1),
        Action::PrevRun => run_by(ui, ctx, -1),
        Action::NextAttention => next_attention(ui, ctx),
        Action::SwitchFocus => {
            ui.focus = if ui.focus == Focus::List { Focus::Pane } else { Focus::List };
            ui.zoom &= ui.focus == Focus::Pane;
        }
        Action::Zoom => {
            ui.zoom = !ui.zoom;
            ui.focus = Focus::Pane;
        }
        Action::Back => back(ui),
        Action::NextFile => jump(ui, ctx, true, true),
        Action::PrevFile => jump(ui, ctx, false, true),
        Action::NextHunk => jump(ui, ctx, true, false),
        Action::PrevHunk => jump(ui, ctx, false, false),
        Action::NextHit => hit(ui, ctx, 1),
        Action::PrevHit => hit(ui, ctx, -1),
        _ => return false,
    }
    true
}

/// Moves what the keys go to by `rows`.
fn by(ui: &mut Ui, ctx: &Ctx<'_>, rows: i64) {
    if ui.focus == Focus::List {
        return run_by(ui, ctx, rows);
    }
    match ui.pane {
        Pane::Output => ui.output.pending = ui.output.pending.saturating_add(rows),
        Pane::Diff => ui.tops.diff = moved(ui.tops.diff, rows),
        Pane::Verdict => ui.tops.verdict = moved(ui.tops.verdict, rows),
        Pane::Timeline => {
            ui.tops.timeline = moved(ui.tops.timeline, rows);
            ui.tops.timeline_held = true;
        }
        Pane::Tests => {
            let ids: Vec<String> = with_run(ui, ctx, |state| state.tests.iter().map(|test| test.id.clone()).collect());
            ui.test = neighbour(&ids, ui.test.as_ref(), rows);
        }
        Pane::Gates => {
            let names = gate_names(ui, ctx);
            ui.gate = neighbour(&names, ui.gate.as_ref(), rows);
        }
    }
}

/// The gates of the selected run, in their order, those of its tests included.
pub(super) fn gate_names(ui: &Ui, ctx: &Ctx<'_>) -> Vec<String> {
    with_run(ui, ctx, crate::app::view::gates::names)
}

fn with_run<T: Default>(ui: &Ui, ctx: &Ctx<'_>, f: impl FnOnce(&crate::loops::core::state::RunState) -> T) -> T {
    ui.selected.and_then(|run| ctx.fleet.state(run)).map(f).unwrap_or_default()
}

/// Saturating at both ends; the frame clamps it to what there is.
fn moved(top: usize, rows: i64) -> usize {
    let distance = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX);
    if rows < 0 { top.saturating_sub(distance) } else { top.saturating_add(distance) }
}

/// The item `rows` away from the current one, at most to the ends; the first (or last) if there is no current one.
fn neighbour<T: Clone + PartialEq>(items: &[T], current: Option<&T>, rows: i64) -> Option<T> {
    let last = items.len().checked_sub(1)?;
    let index = match current.and_then(|current| items.iter().position(|item| item == current)) {
        Some(index) => moved(index, rows).min(last),
        // The first row counts as selected while none is.
        None => moved(0, rows).min(last),
    };
    items.get(index).cloned()
}

fn run_by(ui: &mut Ui, ctx: &Ctx<'_>, rows: i64) {
    let runs = roster::order(ctx.fleet, &ui.filter);
    if let Some(run) = neighbour(&runs, ui.selected.as_ref(), rows) {
        ui.select(Some(run));
    }
}

fn next_attention(ui: &mut Ui, ctx: &Ctx<'_>) {
    let waiting: Vec<RunId> = roster::roster(ctx.fleet, "")
        .into_iter()
        .filter(|(section, _)| *section == roster::Section::NeedsYou)
        .flat_map(|(_, runs)| runs)
        .collect();
    let here = ui.selected.and_then(|run| waiting.iter().position(|other| *other == run));
    let next = here.map_or(0, |here| (here + 1) % waiting.len().max(1));
    if let Some(run) = waiting.get(next) {
        ui.filter.clear();
        ui.select(Some(*run));
    }
}

fn to_end(ui: &mut Ui, ctx: &Ctx<'_>, end: bool) {
    if ui.focus == Focus::List {
        let runs = roster::order(ctx.fleet, &ui.filter);
        let run = if end { runs.last() } else { runs.first() };
        return if let Some(run) = run {
            ui.select(Some(*run))
        };
    }
    let top = if end { usize::MAX } else { 0 };
    match ui.pane {
        Pane::Output => {
            ui.output.pending = 0;
            ui.output.top = if end { None } else { Some((0, 0)) };
        }
        Pane::Diff => ui.tops.diff = top,
        Pane::Verdict => ui.tops.verdict = top,
        Pane::Timeline => {
            ui.tops.timeline = top;
            ui.tops.timeline_held = !end;
        }
        Pane::Tests | Pane::Gates => by(ui, ctx, if end { i64::from(i32::MAX) } else { i64::from(i32::MIN) }),
    }
}

/// Shows the output as it was printed, or its story again. Lines of the one are not lines of the other: the view goes to
/// the beginning of the step that it stood in, and a search is made anew.
pub(super) fn swap_edition(ui: &mut Ui, ctx: &Ctx<'_>) {
    let (before, after) = (ui.raw, !ui.raw);
    let doc = |raw| with_run(ui, ctx, |state| Doc::of(state, None, raw));
    let (old, new) = (doc(before), doc(after));
    let rule = |(line, _)| old.step_at(line).and_then(|step| new.rule_of(step));
    let top = ui.output.top.and_then(rule).map(|rule| (rule, 0));
    ui.output = OutputAt { top, left_at: new.total(), ..OutputAt::default() };
    ui.raw = after;
    if let Some(search) = &mut ui.search {
        search.elsewhere();
    }
}

fn sideways(ui: &mut Ui, right: bool) {
    if ui.focus == Focus::List {
        if right {
            ui.focus = Focus::Pane;
        }
        return;
    }
    let across = match ui.pane {
        Pane::Output if !ui.wrap => &mut ui.output.across,
        Pane::Diff if !ui.wrap => &mut ui.tops.diff_across,
        _ if right => return,
        _ => {
            ui.focus = Focus::List;
            ui.zoom = false;
            return;
        }
    };
    if !right && *across == 0 {
        ui.focus = Focus::List;
        ui.zoom = false;
    } else if right {
        *across = across.saturating_add(ACROSS).min(4_096);
    } else {
        *across = across.saturating_sub(ACROSS);
    }
}

/// Gives up one thing at a time, the nearest first.
fn back(ui: &mut Ui) {
    if ui.search.take().is_some() {
    } else if ui.zoom {
        ui.zoom = false;
    } else if ui.focus == Focus::Pane {
        ui.focus = Focus::List;
    } else {
        ui.filter.clear();
    }
}

fn jump(ui: &mut Ui, ctx: &Ctx<'_>, forward: bool, files: bool) {
    let here = ui.tops.diff;
    let mut stops = ctx.diff_marks.iter().filter(|mark| mark.file || !files).map(|mark| mark.row);
    let stop = if forward { stops.find(|row| *row > here) } else { stops.take_while(|row| *row < here).last() };
    if let Some(row) = stop {
        ui.tops.diff = row;
    }
    ui.focus = Focus::Pane;
}

/// Looks for `query` in the open pane; for nothing, ends the search.
pub(super) fn search(ui: &mut Ui, query: String) {
    ui.search = None;
    if ui.selected.is_none() || query.is_empty() {
        return;
    }
    ui.focus = Focus::Pane;
    ui.searches += 1;
    ui.search = Some(SearchState { query, number: ui.searches, go: true, ..SearchState::default() });
}

/// Goes to a hit: the one beside the current one, round the corner, or first the one nearest to what is seen.
fn hit(ui: &mut Ui, ctx: &Ctx<'_>, by: isize) {
    let seen = top_line(ui, ctx);
    let Some(search) = &mut ui.search else { return };
    let Some(hits) = search.hits.as_ref().filter(|hits| !hits.is_empty()) else {
        search.go = true;
        return;
    };
    let next = match search.current {
        Some(current) => (current as isize + by).rem_euclid(hits.len() as isize) as usize,
        None => nearest(hits, seen),
    };
    search.current = Some(next);
    go_to_hit(ui, ctx);
}

/// The first line of the pane's document that is seen, as far as it is known; `None` where its end is followed.
fn top_line(ui: &Ui, ctx: &Ctx<'_>) -> Option<u64> {
    let row = |index: Option<usize>| Some(index.unwrap_or_default() as u64);
    match ui.pane {
        Pane::Output => ui.output.top.map(|(line, _)| line),
        Pane::Diff => row(Some(ui.tops.diff)),
        Pane::Timeline => ui.tops.timeline_held.then_some(ui.tops.timeline as u64),
        Pane::Verdict => row(None),
        Pane::Tests => row(with_run(ui, ctx, |state| {
            ui.test.as_ref().and_then(|id| state.tests.iter().position(|test| test.id == *id))
        })),
        Pane::Gates => row(gate_names(ui, ctx).iter().position(|name| ui.gate.as_ref() == Some(name))),
    }
}

/// The first hit from line `seen` on, else the first of all; the last one where the end is seen.
fn nearest(hits: &[u64], seen: Option<u64>) -> usize {
    let Some(seen) = seen else { return hits.len().saturating_sub(1) };
    let after = hits.partition_point(|line| *line < seen);
    if after < hits.len() { after } else { 0 }
}

/// Brings the current hit into view. Where only a frame knows what fits, the next one does it.
fn go_to_hit(ui: &mut Ui, ctx: &Ctx<'_>) {
    let Some(line) = ui.search.as_ref().and_then(SearchState::line) else { return };
    let index = usize::try_from(line).unwrap_or(usize::MAX);
    match ui.pane {
        Pane::Output => {
            // A few rows below the top, so that what led to it is seen.
            ui.output.top = Some((line.saturating_sub(ui.page as u64 / 3), 0));
            ui.output.pending = 0;
        }
        Pane::Tests => ui.test = with_run(ui, ctx, |state| state.tests.get(index).map(|test| test.id.clone())),
        Pane::Gates => ui.gate = gate_names(ui, ctx).into_iter().nth(index),
        Pane::Diff | Pane::Verdict | Pane::Timeline => {
            if let Some(search) = &mut ui.search {
                search.reveal = true;
            }
        }
    }
}

/// Takes what a search found. The first time, it goes to the nearest hit; later, as the document changes, the operator
/// stays where they are.
pub(super) fn found(ui: &mut Ui, ctx: &Ctx<'_>, want: &SearchWant, hits: Vec<u64>, more: bool) {
    let (run, pane, seen) = (ui.selected, ui.pane, top_line(ui, ctx));
    let Some(search) = &mut ui.search else { return };
    if run != Some(want.run) || pane != want.pane || search.number != want.number {
        return;
    }
    let go = std::mem::take(&mut search.go) && !hits.is_empty();
    let last = hits.len().checked_sub(1);
    search.current = match search.line() {
        _ if go => Some(nearest(&hits, seen)),
        Some(line) => last.map(|last| hits.partition_point(|other| *other < line).min(last)),
        None => None,
    };
    search.hits = Some(hits);
    search.more = more;
    if go {
        go_to_hit(ui, ctx);
    }
}

/// Moves the help screen or a list inside a box.
pub(super) fn in_overlay(ui: &mut Ui, action: Action) {
    let page = ui.page.max(1) as i64;
    let rows = match action {
        Action::Down => 1,
        Action::Up => -1,
        Action::PageDown => page,
        Action::PageUp => -page,
        Action::HalfDown => page / 2,
        Action::HalfUp => -(page / 2),
        Action::Top => i64::from(i32::MIN),
        Action::Bottom => i64::from(i32::MAX),
        _ => return,
    };
    match ui.overlays.last_mut() {
        Some(Overlay::Chooser(chooser)) => {
            chooser.selected = moved(chooser.selected, rows).min(chooser.runs.len().saturating_sub(1));
        }
        Some(Overlay::Help) => ui.tops.help = moved(ui.tops.help, rows),
        Some(Overlay::Xray(_)) => ui.tops.xray = moved(ui.tops.xray, rows),
        _ => {}
    }
}
