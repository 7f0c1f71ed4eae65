//! The Gates pane: each gate's result in each iteration, and the end of what the selected one printed.
//!
//! The tests' own `verify` commands share one row.

use super::loaded::TailKey;
use super::{Out, Scene, find};
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::gate::{Excuse, GateResult, GateSpec, VERIFY_GATE, kind_beside};
use crate::loops::core::ids::StepId;
use crate::loops::core::state::{GateRun, Iteration, RunState, gate_words};
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

/// Failures of one kind that are named below the selected gate's output.
const MOST_FAILURES: usize = 8;

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
    kind: &'static str,
    command: String,
    required: bool,
    cells: Vec<GateCell>,
    duration: Option<String>,
    last: (Mark, String),
    doubtful: bool,
}

/// What is seen and can be searched: a row for each gate, and the step whose last lines are shown with it.
pub fn lines(state: &RunState) -> Vec<(String, Option<StepId>)> {
    let line = |name: String| {
        let last = last_run(state, &name).map(|(_, run)| run);
        let word = last.map(GateRun::words).unwrap_or_default();
        ([name.as_str(), kind(state, &name), &command(state, &name), &word].join("\n"), last.map(|run| run.step))
    };
    names(state).into_iter().map(line).collect()
}

fn spec<'a>(state: &'a RunState, name: &str) -> Option<&'a GateSpec> {
    state.spec.iter().flat_map(|spec| &spec.gates).find(|gate| gate.name == name)
}

fn kind(state: &RunState, name: &str) -> &'static str {
    kind_beside(name, spec(state, name).and_then(|gate| gate.kind))
}

fn command(state: &RunState, name: &str) -> String {
    spec(state, name).map_or_else(|| "each test's own command".to_owned(), |gate| gate.command.display())
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
    let base = has_base(state).then(|| "base".to_owned());
    let numbers = shown.iter().map(|iteration| format!("i{}", iteration.number));
    let heads: Vec<String> = base.into_iter().chain(numbers).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let texts: Vec<Texts> = names.iter().skip(top).take(height).map(|name| texts(scene, state, shown, name)).collect();
    let rows: Vec<GateRow<'_>> = (top..)
        .zip(&texts)
        .map(|(index, texts)| GateRow {
            name: &texts.name,
            kind: texts.kind,
            command: &texts.command,
            required: texts.required,
            cells: &texts.cells,
            duration: texts.duration.as_deref(),
            last: (texts.last.0, &texts.last.1),
            doubtful: texts.doubtful,
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
    let printed = scene.loaded.tail.as_ref().filter(|(of, _)| Some(*of) == key).map_or(&words[..], |(_, lines)| lines);
    let failures = last.map(|(_, run)| failures(run)).unwrap_or_default();
    let tail: Vec<StyledLine> = printed.iter().cloned().chain(failures).collect();
    let title = match last {
        Some((Some(iteration), run)) => {
            let doubt = if doubtful(Some(iteration), Some(run)) { ", TESTS WEAKENED, see Diff:" } else { "," };
            format!("{} i{}{doubt} {}", run.name, iteration.number, run.words())
        }
        Some((None, run)) => format!("{} on the base, {}", run.name, run.words()),
        None => names.get(selected).cloned().unwrap_or_default(),
    };
    GateTable {
        theme: scene.theme,
        iterations: &heads,
        rows: &rows,
        extent: Extent { total: names.len(), offset: top, visible: height },
        tail_title: &title,
        tail: &tail,
        empty: "no gates: add [[loop.gate]] to the loop, so that something besides the agent checks its work",
    }
    .render(area, buf);
    let current = find::current(scene) == Some(selected);
    find::mark_table(scene, rows_area, selected - top, tail_area, current, buf);
}

/// A gate's last run, and its iteration, if it was not on the base.
fn last_run<'a>(state: &'a RunState, name: &str) -> Option<(Option<&'a Iteration>, &'a GateRun)> {
    let in_iteration = |iteration: &'a Iteration| {
        iteration.gates.iter().rev().find(|gate| gate.name == name).map(|gate| (Some(iteration), gate))
    };
    let on_base = || state.on_base(name).map(|gate| (None, gate));
    state.iterations.iter().rev().find_map(in_iteration).or_else(on_base)
}

/// Whether some gate runs on the base, or did.
fn has_base(state: &RunState) -> bool {
    !state.base_gates.is_empty() || state.base_gate().is_some()
}

/// How a gate's last run ended, where there is little room.
fn last_words(run: &GateRun) -> String {
    let coverage = run.coverage.as_ref().filter(|_| run.outcome.by_exit().passed());
    match (coverage, run.excuse) {
        (Some(coverage), Some(excuse)) => format!("{}, {}", excuse.word(), coverage.brief()),
        (Some(coverage), None) if run.outcome.passed() => format!("passed, {}", coverage.brief()),
        (Some(coverage), None) => coverage.brief(),
        (None, excuse) => gate_words(&run.outcome, excuse, None, None),
    }
}

/// The names of failures, new ones last, where the eye is.
fn failures(run: &GateRun) -> Vec<StyledLine> {
    let Some(tests) = run.tests.as_deref() else { return Vec::new() };
    let lists = [("known", &tests.known), ("flaky", &tests.flaky), ("new", &tests.new)];
    let lines = lists.into_iter().flat_map(|(word, names)| {
        let more = names.len().saturating_sub(MOST_FAILURES);
        let more = (more > 0).then(|| format!("{word}: {more} more"));
        more.into_iter().chain(names.iter().take(MOST_FAILURES).rev().map(move |name| format!("{word}: {name}")))
    });
    lines.map(|line| StyledLine::plain(Stream::Meta, plain_str(&line))).collect()
}

fn texts(scene: &Scene<'_>, state: &RunState, shown: &[Iteration], name: &str) -> Texts {
    let running = state.active_step().filter(|step| matches!(&step.kind, StepKind::Gate(of) if of == name));
    let cell = |iteration: Option<&Iteration>, ran: Option<&GateRun>| {
        let number = iteration.map_or(0, |iteration| iteration.number);
        let at_work = running.is_some_and(|step| step.iteration == number);
        let mark = match ran {
            _ if at_work => Mark::Active,
            Some(gate) => mark(gate),
            None => Mark::Nothing,
        };
        let failed = ran.and_then(|gate| gate.tests.as_ref()).map(|tests| tests.failed);
        let failures = failed.filter(|failed| *failed > 0 && !at_work);
        GateCell { mark, failures, doubtful: !at_work && doubtful(iteration, ran) }
    };
    let base = has_base(state).then(|| cell(None, state.on_base(name)));
    let of = |iteration: &Iteration| cell(Some(iteration), iteration.gates.iter().find(|gate| gate.name == name));
    let cells = base.into_iter().chain(shown.iter().map(of)).collect();
    let (iteration, last) = last_run(state, name).map_or((None, None), |(of, run)| (of, Some(run)));
    let lively = scene.live(state).is_some_and(|live| live.lively);
    let duration = running
        .map(|step| scene.clock.running(step.started, lively))
        .or_else(|| last.map(|run| format::duration(run.duration_ms)));
    let word = match (running, last) {
        (Some(step), _) => match step.waiting() {
            Some(waits) => (Mark::Waits, plain_str(&waits)),
            None => (Mark::Active, "running".to_owned()),
        },
        (None, Some(run)) => (mark(run), last_words(run)),
        (None, None) => (Mark::Nothing, "not run".to_owned()),
    };
    Texts {
        name: name.to_owned(),
        kind: kind(state, name),
        command: command(state, name),
        required: spec(state, name).is_none_or(|gate| gate.required),
        cells,
        duration,
        last: word,
        doubtful: running.is_none() && doubtful(iteration, last),
    }
}

/// Whether a gate lets an iteration through that weakened tests, so that it has to be looked at what its word is worth.
fn doubtful(iteration: Option<&Iteration>, ran: Option<&GateRun>) -> bool {
    iteration.is_some_and(|iteration| !iteration.weighed.is_empty()) && ran.is_some_and(GateRun::holds)
}

const fn mark(run: &GateRun) -> Mark {
    match (run.excuse, &run.outcome) {
        (Some(Excuse::Known), _) => return Mark::Known,
        (Some(Excuse::Flaky), _) => return Mark::Flaky,
        (None, _) => {}
    }
    match &run.outcome {
        GateResult::Passed => Mark::Passed,
        GateResult::Failed { .. } | GateResult::OutOfMemory | GateResult::TimedOut => Mark::Failed,
        GateResult::CouldNotRun { .. } => Mark::Stuck,
    }
}
