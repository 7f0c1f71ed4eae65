//! The head of the detail side: which run, iteration and test, and how far the iteration is.
//!
//! Phases follow from the steps of the last iteration, so that a finished run shows how it ended.

use super::{Scene, list, usage};
use crate::loops::core::agent::Role as Part;
use crate::loops::core::fleet::Ownership;
use crate::loops::core::spec::Isolation;
use crate::loops::core::state::{Iteration, RunState, StepRecord};
use crate::loops::core::step::StepKind;
use crate::loops::core::test_state::TestStatus;
use crate::loops::mask::Mask;
use crate::widgets::detail_header::DetailHeader;
use crate::widgets::format;
use crate::widgets::mark::Mark;
use crate::widgets::phase_strip::{Phase, PhaseKind};
use crate::widgets::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// A phase with the texts that its props borrow.
struct Texts {
    kind: PhaseKind,
    mark: Mark,
    duration: Option<String>,
    note: Option<String>,
}

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer) {
    let Some(run) = scene.ctx.fleet.runs.get(&state.id) else { return };
    let spec = state.spec.as_deref();
    let texts = phases(scene, state);
    let phases: Vec<Phase<'_>> = texts
        .iter()
        .map(|text| Phase {
            kind: text.kind,
            mark: text.mark,
            duration: text.duration.as_deref(),
            note: text.note.as_deref(),
        })
        .collect();
    let iteration = state.iterations.last();
    let test = iteration.and_then(|iteration| state.test(&iteration.test));
    let title = test.map(|test| Mask::of_process().text(&test.title));
    let listed = spec.is_some_and(|spec| !spec.tests.is_empty());
    let mark = list::mark(run);
    let silent = || list::silent(state, scene.clock, true);
    let word = match state.wakes() {
        Some(until) => format!("limit until {}", scene.clock.until(until)),
        None => list::word(scene, run).or_else(silent).unwrap_or_else(|| mark.word().to_owned()),
    };
    let used = usage::shrinking(&state.usage);
    let agents = spec.map(|_| (played(state, Part::Actor), played(state, Part::Critic)));
    DetailHeader {
        theme: scene.theme,
        name: &state.label,
        state: Some((mark, &word)),
        iteration: iteration.map_or(0, |iteration| iteration.number),
        // The objective's own id says nothing to the operator.
        test: test
            .zip(title.as_deref())
            .map(|(test, title)| if listed { (test.id.as_str(), title) } else { (title, "") }),
        branch: state.workspace.as_ref().and_then(|workspace| workspace.branch.as_deref()),
        agents: agents.as_ref().map(|(actor, critic)| (actor.as_str(), critic.as_str())),
        used: &used,
        in_place: spec.is_some_and(|spec| spec.isolation == Isolation::None),
        read_only: matches!(run.ownership, Ownership::Other { .. }),
        phases: &phases,
    }
    .render(area, buf);
}

/// Who plays a role, and who takes it over when the next iteration begins: `claude→codex`.
fn played(state: &RunState, role: Part) -> String {
    let now = state.spec.as_ref().and_then(|spec| spec.agent(role)).map_or("no critic", |agent| agent.name.as_str());
    match state.next_agents.get(role) {
        Some(next) => format!("{now}→{}", next.name),
        None => now.to_owned(),
    }
}

/// The phases of the last iteration, with setup until the first one has begun.
fn phases(scene: &Scene<'_>, state: &RunState) -> Vec<Texts> {
    let lively = scene.live(state).is_some_and(|live| live.lively);
    let number = state.iterations.last().map_or(0, |iteration| iteration.number);
    let iteration = state.iterations.last();
    let last = |wanted: fn(&StepKind) -> bool| {
        state.steps.iter().rev().find(|step| step.iteration == number && wanted(&step.kind))
    };
    let setup = last(|kind| matches!(kind, StepKind::Worktree | StepKind::Setup));
    let mut texts = Vec::new();
    if number == 0 || setup.is_some_and(|step| step.end.is_none()) {
        texts.push(phase(scene, PhaseKind::Setup, setup, lively));
    }
    texts.push(phase(scene, PhaseKind::Actor, last(|kind| *kind == StepKind::Actor), lively));
    texts.push(phase(scene, PhaseKind::Snapshot, last(|kind| *kind == StepKind::Snapshot), lively));
    texts.push(gates(scene, state, iteration, last(|kind| matches!(kind, StepKind::Gate(_))), lively));
    let mut critic = phase(scene, PhaseKind::Critic, last(|kind| *kind == StepKind::Critic), lively);
    let verdict = iteration.and_then(|iteration| iteration.verdict.as_ref());
    if let (Some(verdict), true) = (verdict, critic.mark != Mark::Active) {
        critic.note = Some(verdict.decision.word().to_owned());
    }
    let has_critic = state.spec.as_ref().is_some_and(|spec| spec.critic.is_some());
    if has_critic {
        texts.push(critic);
    }
    // A phase that was passed over in a closed iteration did not wait; it was left out.
    if iteration.is_some_and(|iteration| iteration.ended.is_some()) {
        texts.iter_mut().filter(|text| text.mark == Mark::Waits).for_each(|text| text.mark = Mark::Skipped);
    }
    texts
}

fn phase(scene: &Scene<'_>, kind: PhaseKind, step: Option<&StepRecord>, lively: bool) -> Texts {
    let (mark, duration) = match step {
        None => (Mark::Waits, None),
        Some(step) => match step.ok() {
            None => (Mark::Active, Some(scene.clock.running(step.started, lively))),
            Some(ok) => {
                let took = format::duration(step.duration_ms(scene.clock.now()));
                (if ok { Mark::Passed } else { Mark::Failed }, Some(took))
            }
        },
    };
    Texts { kind, mark, duration, note: None }
}

/// All gates of an iteration as one phase.
fn gates(
    scene: &Scene<'_>,
    state: &RunState,
    iteration: Option<&Iteration>,
    step: Option<&StepRecord>,
    lively: bool,
) -> Texts {
    let mut texts = phase(scene, PhaseKind::Gates, step, lively);
    let Some(iteration) = iteration else { return texts };
    let all = state.gates_of(&iteration.test).len();
    if all == 0 {
        texts.mark = Mark::Skipped;
        return texts;
    }
    let done = iteration.gates.len();
    let failed = iteration.failed_gates().count();
    if texts.mark != Mark::Active && done > 0 {
        texts.mark = match (failed, done < all && iteration.ended.is_none()) {
            (1.., _) => Mark::Failed,
            (0, true) => Mark::Active,
            (0, false) => Mark::Passed,
        };
        texts.duration = Some(format::duration(iteration.gates.iter().map(|gate| gate.duration_ms).sum()));
    }
    let waits = step.and_then(|step| step.awaits.as_ref()).map(|(lock, _)| format!("waits for lock {lock}"));
    texts.note = waits.or_else(|| (all > 1 && done > 0).then(|| format!("{}/{all}", done - failed)));
    texts
}

/// Remarks on the tabs: open findings, tests met, gates failed.
pub(super) fn badges(state: &RunState) -> [Option<(String, Role)>; 6] {
    let last = state.iterations.last();
    let snapshot = state.last_snapshot().filter(|snapshot| !snapshot.empty);
    let blocking =
        state.iterations.iter().rev().find(|one| one.verdict.is_some() && !one.aside).map_or(0, Iteration::blocking);
    let (met, all) = state.progress();
    let blocked = state.tests.iter().any(|test| test.status == TestStatus::Blocked);
    let failed = last.map_or(0, |iteration| iteration.failed_gates().count());
    let weakened = !state.weakened().is_empty();
    [
        None,
        snapshot.map(|snapshot| {
            let counts = format!("+{} −{}", snapshot.insertions, snapshot.deletions);
            if weakened { (format!("{counts} ⚠"), Role::Attention) } else { (counts, Role::Dim) }
        }),
        (blocking > 0).then(|| (blocking.to_string(), Role::Danger)),
        (all > 1).then(|| (format!("{met}/{all}"), if blocked { Role::Danger } else { Role::Dim })),
        (failed > 0).then(|| (format!("✗{failed}"), Role::Danger)),
        None,
    ]
}
