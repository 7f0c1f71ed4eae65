//! The list of loops as rows: state, progress, convergence, age and cost of each.
//!
//! The order is [`roster`]'s; this only finds the words.

use super::clock::Clock;
use super::roster::{Section, roster};
use super::{Out, Scene, collisions, usage};
use crate::app::tui::overlay::{Overlay, Purpose};
use crate::app::tui::ui::Focus;
use crate::loops::agent::Ladder;
use crate::loops::core::activity::FailureClass;
use crate::loops::core::event::{ParkReason, PauseKind, Trouble};
use crate::loops::core::fleet::{FleetRun, Ownership, park_word};
use crate::loops::core::ids::{Millis, RunId};
use crate::loops::core::schedule::WhyWaiting;
use crate::loops::core::state::{Iteration, RunState};
use crate::loops::core::step::InterruptWhy;
use crate::loops::core::transition::RunStatus;
use crate::loops::core::verdict::Decision;
use crate::loops::core::watch::{Left, left};
use crate::widgets::loop_list::{Bar, Filter, ListRow, LoopList, LoopRow, visible_rows};
use crate::widgets::mark::Mark;
use crate::widgets::scrollbar::Extent;
use crate::widgets::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// The state of a run as a mark.
pub(super) fn mark(run: &FleetRun) -> Mark {
    if matches!(run.ownership, Ownership::Other { .. }) && !run.state.is_finished() {
        return Mark::Elsewhere;
    }
    if run.problem.is_some() {
        return Mark::Stuck;
    }
    if run.seems_stuck() {
        return Mark::Stuck;
    }
    match run.state.status {
        RunStatus::Finished => run.state.outcome.as_ref().map_or(Mark::Done, |(o, _)| super::story::outcome_mark(*o)),
        RunStatus::Parked => match &run.state.park {
            Some(ParkReason::NeedsHuman { .. }) => Mark::NeedsYou,
            Some(ParkReason::Limit { .. } | ParkReason::Behind { .. }) => Mark::Held,
            Some(ParkReason::Budget { .. }) => Mark::Exhausted,
            _ => Mark::Stuck,
        },
        _ if run.is_interrupted() => Mark::Interrupted,
        RunStatus::Queued => Mark::Queued,
        RunStatus::Paused | RunStatus::Pausing | RunStatus::Frozen => Mark::Paused,
        RunStatus::Stopping => Mark::Stopped,
        RunStatus::Running => Mark::Running,
    }
}

/// A word that says more than the state; `None` where the progress says enough.
pub(super) fn word(scene: &Scene<'_>, run: &FleetRun) -> Option<String> {
    let state = &run.state;
    if run.problem.is_some() {
        return Some("journal unreadable".to_owned());
    }
    if run.seems_stuck()
        && let Some(word) = super::attention::stuck_word(state)
    {
        return Some(word.to_owned());
    }
    if let Some(until) = state.wakes() {
        return Some(format!("limit {}", scene.clock.until(until)));
    }
    let word = match state.status {
        RunStatus::Parked => match &state.park {
            Some(ParkReason::Limit { until: None, .. }) => "held",
            Some(ParkReason::Budget { .. } | ParkReason::Account { class: FailureClass::Budget, .. }) => "budget",
            Some(ParkReason::Account { class: FailureClass::Auth, .. }) => "login",
            // The words that are too long for the column.
            Some(ParkReason::Blocked { .. }) => "blocked",
            Some(ParkReason::Attention { kind: Trouble::UnreadableVerdict, .. }) => "no verdict",
            park => park.as_ref().map_or("needs you", park_word),
        },
        RunStatus::Finished => {
            return state.outcome.as_ref().map(|(outcome, _)| outcome.word().to_owned()).filter(|word| word != "done");
        }
        _ if run.is_interrupted() => "interrupted",
        RunStatus::Paused if state.pause == Some(PauseKind::Interrupted) => "interrupted",
        RunStatus::Paused => "paused",
        RunStatus::Pausing | RunStatus::Stopping if let Some(left) = ending(state, scene.clock) => {
            return Some(format!("kill {left}"));
        }
        RunStatus::Pausing => "pausing",
        RunStatus::Frozen => "frozen",
        RunStatus::Stopping => "stopping",
        RunStatus::Queued if provider_hold(scene, state).is_some() => "held",
        RunStatus::Queued | RunStatus::Running => return None,
    };
    Some(word.to_owned())
}

/// Which held provider keeps a run from its slot, in words.
pub(super) fn provider_hold(scene: &Scene<'_>, state: &RunState) -> Option<String> {
    let (provider, hold) = scene.ctx.fleet.held_provider(state, scene.clock.now())?;
    let why = hold.class.word();
    Some(match hold.until {
        Some(until) => format!("provider {provider} is held until {}: {why}", scene.clock.until(until)),
        None => format!("provider {provider} is held: {why}"),
    })
}

/// How long the running step has been silent, where a watch has noticed; `whole` says more than fits on a row.
pub(super) fn silent(state: &RunState, clock: &Clock<'_>, whole: bool) -> Option<String> {
    let silence = state.active_step()?.silence?;
    let age = clock.age(silence.since);
    let first = if silence.from_start { "no output" } else { "silent" };
    let cpu = match silence.busy {
        Some(true) => ", CPU busy",
        Some(false) => ", CPU idle",
        None => "",
    };
    Some(if whole { format!("{first} {age}{cpu}") } else { format!("{first} {age}") })
}

/// When the running step's processes, which the operator has ended, are killed at the latest: `in 3s`, then `now`.
pub(super) fn ending(state: &RunState, clock: &Clock<'_>) -> Option<String> {
    let asked = matches!(state.must_interrupt()?, InterruptWhy::Pause | InterruptWhy::Stop);
    state.active_step().filter(|step| asked && step.process.is_some())?;
    let Ladder { int, term } = Ladder::default();
    let grace = u64::try_from((int + term).as_millis()).unwrap_or(u64::MAX);
    let killed = Millis(state.status_since.0.saturating_add(grace));
    let left = clock.countdown(killed);
    Some(if killed > clock.now() { format!("in {left}") } else { left })
}

/// How much was left after each iteration: one cell for each, as high as it is of the most there was, and coloured by what
/// was said of it.
pub(super) fn strip(state: &RunState) -> Vec<Bar> {
    let left = left(state);
    let most = left.iter().filter_map(|(_, left)| left.map(|left| left.all())).max().unwrap_or(0);
    left.iter().map(|(iteration, left)| bar(iteration, left.as_ref(), most)).collect()
}

/// Where there is no colour, what was said of an iteration is told by the shape: bars are for `continue` alone, dotted ones
/// for failed gates.
fn bar(iteration: &Iteration, left: Option<&Left>, most: usize) -> Bar {
    let open = iteration.ended.is_none();
    let Some(left) = left else {
        let (role, shape) = if open { (Role::Running, "…") } else { (Role::Dim, "·") };
        return Bar { level: 0, role, shape: Some(shape) };
    };
    let level = level(left.all(), most);
    let dotted = ["⣀", "⣤", "⣶", "⣿"].get(usize::from(level.saturating_sub(1) / 2)).copied();
    let decision = iteration.verdict.as_ref().map(|verdict| verdict.decision);
    let (role, shape) = match (iteration.passed, open, decision) {
        (true, _, _) | (_, false, Some(Decision::Done)) => (Role::Ok, Some("✓")),
        (_, _, Some(Decision::NeedsHuman)) => (Role::Accent, Some("?")),
        (_, _, Some(Decision::Unknown)) => (Role::Danger, Some("!")),
        (_, true, _) => (Role::Running, Some("…")),
        (_, _, Some(_)) => (Role::Attention, None),
        (_, _, None) if left.failing == 0 => (Role::Ok, Some("◦")),
        (_, _, None) => (Role::Danger, dotted),
    };
    Bar { level, role, shape }
}

/// The height of `count` of `most`, 1 to 8. From one to two is as far as from twenty to forty, so that a suite of which all
/// fails does not flatten what comes after.
fn level(count: usize, most: usize) -> u8 {
    if count == 0 || most == 0 {
        return 1;
    }
    let share = (count as f64).ln_1p() / (most as f64).ln_1p();
    1 + (share * 7.0).ceil().clamp(1.0, 7.0) as u8
}

/// A row's texts, which its props borrow.
struct Texts<'a> {
    run: &'a FleetRun,
    word: Option<String>,
    strip: Vec<Bar>,
    age: String,
    cost: Option<String>,
}

/// What stands on a row of the list.
enum Line {
    Section(Section, usize),
    Run(RunId),
    Gap,
}

/// Draws the list.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, border: bool, buf: &mut Buffer, out: &mut Out) {
    let ui = scene.ui;
    let fleet = scene.ctx.fleet;
    let editing = matches!(ui.overlays.last(), Some(Overlay::Text(text)) if text.purpose == Purpose::Filter);
    let filtered = editing || !ui.filter.is_empty();
    let height = usize::from(visible_rows(area.height, border, filtered));
    let lines = lines(&roster(fleet, &ui.filter), height);
    let matches = lines.iter().filter(|line| matches!(line, Line::Run(_))).count();
    let selected = lines.iter().position(|line| matches!(line, Line::Run(run) if ui.selected == Some(*run)));
    let top = top(ui.tops.list, selected, lines.len(), height);
    out.seen.tops.list = top;

    let shown = lines.get(top..(top + height).min(lines.len())).unwrap_or_default();
    let held = fleet.held(scene.clock.now());
    let texts: Vec<Option<Texts<'_>>> = shown
        .iter()
        .map(|line| match line {
            Line::Run(run) => fleet.runs.get(run).map(|entry| texts(scene, entry, held.get(run))),
            Line::Section(..) | Line::Gap => None,
        })
        .collect();
    let rows: Vec<ListRow<'_>> = shown
        .iter()
        .zip(&texts)
        .map(|(line, texts)| match (line, texts) {
            (Line::Section(section, runs), _) => ListRow::Section(section.title(), *runs),
            (Line::Run(run), Some(texts)) => ListRow::Loop(row(texts, ui.selected == Some(*run))),
            _ => ListRow::Gap,
        })
        .collect();
    LoopList {
        theme: scene.theme,
        rows: &rows,
        extent: Extent { total: lines.len(), offset: top, visible: height },
        count: fleet.runs.len(),
        focused: ui.focus == Focus::List,
        border,
        filter: filtered.then_some(Filter { text: &ui.filter, editing, matches }),
        empty: if ui.loading { "reading journals…" } else { "no loops" },
    }
    .render(area, buf);
}

/// The rows with headings; without gaps between the sections where they would not all fit.
fn lines(sections: &[(Section, Vec<RunId>)], height: usize) -> Vec<Line> {
    let runs: usize = sections.iter().map(|(_, runs)| runs.len()).sum();
    let gaps = runs + sections.len() * 2 <= height + 1;
    let mut lines = Vec::with_capacity(runs + sections.len() * 2);
    for (i, (section, runs)) in sections.iter().enumerate() {
        if i > 0 && gaps {
            lines.push(Line::Gap);
        }
        lines.push(Line::Section(*section, runs.len()));
        lines.extend(runs.iter().map(|run| Line::Run(*run)));
    }
    lines
}

/// Scrolls as little as keeps the selected row in view, and its heading with it at the very top.
fn top(before: usize, selected: Option<usize>, total: usize, height: usize) -> usize {
    let last = total.saturating_sub(height);
    let Some(selected) = selected else { return before.min(last) };
    if selected <= 1 {
        return 0;
    }
    before.min(selected).max((selected + 1).saturating_sub(height)).min(last)
}

/// The limit that holds a queued run, in as few words as the column has room for.
fn held_by(why: &WhyWaiting) -> String {
    match why {
        WhyWaiting::Provider { .. } => "held".to_owned(),
        WhyWaiting::Engine { cap } => format!("cap {cap}"),
        WhyWaiting::Repository { cap } => format!("repo cap {cap}"),
        WhyWaiting::Agent { name, cap: 0 } => format!("hold {name}"),
        WhyWaiting::Agent { name, cap } => format!("cap {cap} {name}"),
    }
}

fn texts<'a>(scene: &Scene<'_>, run: &'a FleetRun, held: Option<&WhyWaiting>) -> Texts<'a> {
    let state = &run.state;
    Texts {
        run,
        word: word(scene, run)
            .or_else(|| held.map(held_by))
            .or_else(|| silent(state, scene.clock, false))
            .or_else(|| collisions::word(scene, state.id)),
        strip: strip(state),
        age: scene.clock.age(match state.watched.stuck().filter(|_| run.seems_stuck()) {
            Some(raised) => raised.sighting.since,
            None => state.status_since,
        }),
        cost: usage::dollars(&state.usage),
    }
}

fn row<'t>(texts: &'t Texts<'t>, selected: bool) -> LoopRow<'t> {
    let state = &texts.run.state;
    let (done, all) = state.progress();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let queued = state.status == RunStatus::Queued;
    LoopRow {
        mark: mark(texts.run),
        name: &state.label,
        progress: (all > 1).then_some((count(done), count(all))),
        word: texts.word.as_deref(),
        strip: &texts.strip,
        iteration: state.iterations.last().map(|iteration| iteration.number),
        age: Some(&texts.age),
        cost: texts.cost.as_deref(),
        priority: queued.then_some(state.priority),
        selected,
        marked: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::event::GateFinished;
    use crate::loops::core::gate::GateResult;
    use crate::loops::core::ids::StepId;
    use crate::loops::core::state::GateRun;
    use crate::loops::core::step::Exit;
    use crate::loops::core::verdict::Verdict;
    use std::collections::HashSet;

    #[test]
    fn a_level_grows_with_what_is_left_and_only_nothing_is_the_lowest() {
        for most in [1, 2, 3, 10, 40, 500] {
            let levels: Vec<u8> = (0..=most).map(|count| level(count, most)).collect();
            assert_eq!((levels[0], levels[most]), (1, 8), "{most}");
            assert!(levels.is_sorted() && levels[1] > 1, "{levels:?}");
        }
        assert!(level(20, 40) > level(10, 40) && level(10, 40) > level(3, 40), "forty are told from ten");
    }

    #[test]
    fn without_colour_each_kind_of_cell_has_a_shape_of_its_own() {
        let verdict =
            |decision| Some(Verdict { decision, confidence: None, summary: String::new(), findings: Vec::new() });
        let red = GateResult::Failed { exit: Exit::Code(1) };
        let red = GateRun::new(&GateFinished::new(StepId(1), "tests".to_owned(), true, red, 1), 1);
        let iteration = |decision: Option<Decision>, open: bool| {
            let mut one = Iteration::new(1, "t".to_owned(), Millis(1));
            one.ended = (!open).then_some(Millis(2));
            one.verdict = decision.and_then(verdict);
            one
        };
        let judged = |decision| (iteration(Some(decision), false), Some(Left { blocking: 2, ..Left::default() }));
        let mut failed = iteration(None, false);
        failed.gates.push(red);
        let cells = [
            judged(Decision::Continue),
            judged(Decision::Done),
            judged(Decision::NeedsHuman),
            judged(Decision::Unknown),
            (failed, Some(Left { failing: 2, ..Left::default() })),
            (iteration(None, false), Some(Left::default())),
            (iteration(None, false), None),
            (iteration(None, true), None),
        ];
        let bars: Vec<Bar> = cells.iter().map(|(iteration, left)| bar(iteration, left.as_ref(), 2)).collect();
        let shapes: HashSet<Option<&str>> = bars.iter().map(|bar| bar.shape).collect();
        assert_eq!(shapes.len(), cells.len(), "{bars:?}");
        assert_eq!((bars[0].shape, bars[0].level, bars[4].shape), (None, 8, Some("⣿")));
    }
}
