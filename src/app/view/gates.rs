//! The Gates pane: each gate's result in each iteration, and the end of what the selected one printed.
//!
//! The tests' own `verify` commands share one row.

use super::loaded::TailKey;
use super::{Out, Scene, find};
use crate::loops::core::gate::{GateResult, VERIFY_GATE};
use crate::loops::core::ids::StepId;
use crate::loops::core::state::{GateRun, Iteration, RunState};
use crate::loops::core::step::StepKind;
use crate::widgets::format;
use crate::widgets::gate_table::{GateCell, GateRow, GateTable, gate_areas};
use crate::widgets::mark::Mark;
use crate::widgets::scrollbar::Extent;
use crate::widgets::transcript::{Stream, StyledLine};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// The iterations that get a column at most; the table shows the latest that fit.
const COLUMNS: usize = 24;

/// The names of a run's gates in their order.
pub fn names(state: &RunState) -> Vec<String> {
    let spec = state.spec.iter().flat_map(|spec| &spec.gates).map(|gate| gate.name.clone());
    let mut names: Vec<String> = spec.collect();
    let ran = state.iterations.iter().flat_map(|iteration| &iteration.gates).any(|gate| gate.name == VERIFY_GATE);
    if ran || state.tests.iter().any(|test| test.verify.is_some()) {
        names.push(VERIFY_GATE.to_owned());
    }
    names
}

/// The texts of a gate's row.
struct Texts {
    name: String,
    command: String,
    required: bool,
    cells: Vec<GateCell>,
    duration: Option<String>,
    last: (Mark, String),
}

/// What is seen and can be searched: a row for each gate, and the step whose last lines are shown with it.
pub fn lines(state: &RunState) -> Vec<(String, Option<StepId>)> {
    let line = |name: String| {
        let last = last_run(state, &name).map(|(_, run)| run);
        let word = last.map(|run| run.outcome.word()).unwrap_or_default();
        ([name.as_str(), &command(state, &name), &word].join("\n"), last.map(|run| run.step))
    };
    names(state).into_iter().map(line).collect()
}

fn command(state: &RunState, name: &str) -> String {
    let spec = state.spec.iter().flat_map(|spec| &spec.gates).find(|gate| gate.name == name);
    spec.map_or_else(|| "each test's own command".to_owned(), |gate| gate.command.display())
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    let names = names(state);
    let selected = scene.ui.gate.as_deref().and_then(|name| names.iter().position(|other| other == name)).unwrap_or(0);
    let (rows_area, tail_area) = gate_areas(area, names.len());
    let height = usize::from(rows_area.height).max(1);
    let top = (selected + 1).saturating_sub(height);
    out.seen.page = height;

    let first = state.iterations.len().saturating_sub(COLUMNS);
    let shown = state.iterations.get(first..).unwrap_or_default();
    let heads: Vec<String> = shown.iter().map(|iteration| format!("i{}", iteration.number)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let texts: Vec<Texts> = names.iter().skip(top).take(height).map(|name| texts(scene, state, shown, name)).collect();
    let rows: Vec<GateRow<'_>> = (top..)
        .zip(&texts)
        .map(|(index, texts)| GateRow {
            name: &texts.name,
            command: &texts.command,
            required: texts.required,
            cells: &texts.cells,
            duration: texts.duration.as_deref(),
            last: (texts.last.0, &texts.last.1),
            selected: index == selected,
        })
        .collect();

    let last = names.get(selected).and_then(|name| last_run(state, name));
    let key = last.map(|(_, run)| TailKey { run: state.id, step: run.step, lines: tail_area.height.max(1) });
    out.wants.tail = key;
    out.seen.step = key.map(|key| key.step);
    find::want(scene, state, state.seq, None, out);
    let words = if key.is_some() { "reading…" } else { "it has not run yet" };
    let words = [StyledLine::plain(Stream::Meta, words)];
    let tail = scene.loaded.tail.as_ref().filter(|(of, _)| Some(*of) == key).map_or(&words[..], |(_, lines)| lines);
    let title = match last {
        Some((iteration, run)) => format!("{} i{}, {}", run.name, iteration.number, run.outcome.word()),
        None => names.get(selected).cloned().unwrap_or_default(),
    };
    GateTable {
        theme: scene.theme,
        iterations: &heads,
        rows: &rows,
        extent: Extent { total: names.len(), offset: top, visible: height },
        tail_title: &title,
        tail,
        empty: "no gates: add [[loop.gate]] to the loop, so that something besides the agent checks its work",
    }
    .render(area, buf);
    let current = find::current(scene) == Some(selected);
    find::mark_table(scene, rows_area, selected - top, tail_area, current, buf);
}

fn last_run<'a>(state: &'a RunState, name: &str) -> Option<(&'a Iteration, &'a GateRun)> {
    let in_iteration = |iteration: &'a Iteration| {
        iteration.gates.iter().rev().find(|gate| gate.name == name).map(|gate| (iteration, gate))
    };
    state.iterations.iter().rev().find_map(in_iteration)
}

fn texts(scene: &Scene<'_>, state: &RunState, shown: &[Iteration], name: &str) -> Texts {
    let spec = state.spec.iter().flat_map(|spec| &spec.gates).find(|gate| gate.name == name);
    let running = state.active_step().filter(|step| matches!(&step.kind, StepKind::Gate(of) if of == name));
    let cells = shown
        .iter()
        .map(|iteration| {
            let at_work = running.is_some_and(|step| step.iteration == iteration.number);
            let ran = iteration.gates.iter().find(|gate| gate.name == name);
            let mark = match ran {
                _ if at_work => Mark::Active,
                Some(gate) => mark(&gate.outcome),
                None => Mark::Nothing,
            };
            GateCell { mark, failures: None }
        })
        .collect();
    let last = last_run(state, name).map(|(_, run)| run);
    let lively = scene.live(state).is_some_and(|live| live.lively);
    let duration = running
        .map(|step| scene.clock.running(step.started, lively))
        .or_else(|| last.map(|run| format::duration(run.duration_ms)));
    let word = match (running, last) {
        (Some(_), _) => (Mark::Active, "running".to_owned()),
        (None, Some(run)) => (mark(&run.outcome), run.outcome.word()),
        (None, None) => (Mark::Nothing, "not run".to_owned()),
    };
    Texts {
        name: name.to_owned(),
        command: command(state, name),
        required: spec.is_none_or(|gate| gate.required),
        cells,
        duration,
        last: word,
    }
}

const fn mark(outcome: &GateResult) -> Mark {
    match outcome {
        GateResult::Passed => Mark::Passed,
        GateResult::Failed { .. } | GateResult::TimedOut => Mark::Failed,
        GateResult::CouldNotRun { .. } => Mark::Stuck,
    }
}
