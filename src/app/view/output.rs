//! The Output pane: all steps of the run as one document, followed or scrolled through.
//!
//! Rules are written from the fold at each frame; lines come from the loaded [`Page`].

use super::collisions::unlanded;
use super::doc::{Doc, DocLine};
use super::loaded::OutputWant;
use super::page::{Page, Room};
use super::{Out, Scene, find, list, step_name, usage};
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::event::ParkReason;
use crate::loops::core::ids::StepId;
use crate::loops::core::schedule::WhyWaiting;
use crate::loops::core::state::{RunState, StepOutcome, StepRecord};
use crate::loops::core::step::{InterruptWhy, StepKind, Usage};
use crate::loops::core::transition::RunStatus;
use crate::loops::core::usage::Total;
use crate::widgets::format;
use crate::widgets::mark::Mark;
use crate::widgets::scrollbar::Extent;
use crate::widgets::theme::{Ink, Role};
use crate::widgets::transcript::{Anchor, Follow, Hit, Stream, StyledLine, Transcript};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Characters of a tool's use that the bottom line has room for.
const TOOL_WIDTH: usize = 48;

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    let ui = scene.ui;
    let room = Room { width: area.width, height: area.height.saturating_sub(1), wrap: ui.wrap };
    let live = scene.live(state);
    let doc = Doc::of(state, live, ui.raw);
    let total = doc.total();
    let empty = Page::default();
    let fits = |page: &&Page| page.run == Some(state.id) && page.doc.is_raw() == ui.raw;
    let page = Some(&scene.loaded.page).filter(fits).unwrap_or(&empty);

    let stand = page.resolve(ui.output.top, ui.output.pending, room);
    // While nothing of the run is loaded, where the operator wanted to go must not be forgotten.
    let known = page.run.is_some();
    let following = (stand.end && known) || (ui.output.top.is_none() && ui.output.pending >= 0);
    let top = if following { None } else { Some(stand.top) };
    out.wants.output = Some(OutputWant { run: state.id, top, height: room.height });
    out.seen.output_lines = total;
    out.seen.page = usize::from(room.height).max(1);
    if known {
        out.seen.output_top = top;
        out.seen.output_end = following;
        out.seen.output_resolved = ui.output.pending;
    } else {
        out.seen.output_top = ui.output.top;
    }

    out.seen.step = step_at(scene, &doc, top.map(|(line, _)| line));
    find::want(scene, state, u64::from(ui.raw), None, out);
    let (mut lines, hits) = on_screen(scene, state, page, stand.top.0, room.height);
    let at_end = page.doc.total() <= stand.top.0.saturating_add(lines.len() as u64);
    if following && at_end {
        lines.extend(problem(scene, state));
        lines.extend(afterword(scene, state));
    }
    let rows = lines.iter().map(|line| if ui.wrap { line.height(area.width) } else { 1 }).sum::<usize>();
    let anchor = if !following {
        Anchor::Top { skip: usize::from(stand.top.1) }
    } else if rows <= usize::from(room.height) {
        Anchor::Top { skip: 0 }
    } else {
        Anchor::Bottom
    };
    let empty = empty_words(scene, state, page);
    let sums = usage::shrinking(&used(scene, state));
    let facts: Vec<String> = doing(scene, state).into_iter().collect();
    let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
    let offset = if following { total.saturating_sub(u64::from(room.height)) } else { stand.top.0 };
    Transcript {
        theme: scene.theme,
        lines: &lines,
        anchor,
        wrap: ui.wrap,
        column: usize::from(ui.output.across),
        hits: &hits,
        extent: Extent {
            total: usize::try_from(total).unwrap_or(usize::MAX),
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
            visible: usize::from(room.height),
        },
        follow: Some(Follow {
            following,
            live: !state.is_finished(),
            total,
            fresh: total.saturating_sub(ui.output.left_at),
            facts: &facts,
            used: &sums,
            search: ui.search.as_ref().map(find::fact),
        }),
        empty: &empty,
    }
    .render(area, buf);
}

/// The step that the operator looks at: that of the current hit, else that of the top line; none while the end is followed.
fn step_at(scene: &Scene<'_>, doc: &Doc, top: Option<u64>) -> Option<StepId> {
    let hit = scene.ui.search.as_ref().and_then(crate::app::tui::ui::SearchState::line);
    match doc.at(hit.filter(|_| top.is_some()).or(top)?)? {
        DocLine::Rule(step) | DocLine::Text(step, _) => Some(step),
    }
}

/// The lines from `first` on that the pane has room for, and what the search finds in them.
fn on_screen(scene: &Scene<'_>, state: &RunState, page: &Page, first: u64, height: u16) -> (Vec<StyledLine>, Vec<Hit>) {
    let lively = scene.live(state).is_some_and(|facts| facts.lively);
    let shown = page.seen(first, height);
    let mut lines: Vec<StyledLine> = Vec::with_capacity(shown.len());
    let mut hits = Vec::new();
    let search = scene.ui.search.as_ref();
    for (number, what, text) in shown {
        let line = match (what, text) {
            (DocLine::Rule(step), _) => rule(scene, state, step, lively),
            (DocLine::Text(..), Some(text)) => text.clone(),
            (DocLine::Text(..), None) => {
                StyledLine::plain(Stream::Meta, if page.error.is_some() { "unreadable" } else { "…" })
            }
        };
        if let Some(search) = search.filter(|_| line.stream != Stream::Rule) {
            let current = search.line() == Some(number);
            hits.extend(matches(&line, &search.query).into_iter().map(|bytes| Hit {
                line: lines.len(),
                bytes,
                current,
            }));
        }
        lines.push(line);
    }
    (lines, hits)
}

/// What to say while there is no line.
fn empty_words(scene: &Scene<'_>, state: &RunState, page: &Page) -> String {
    if let Some(error) = &page.error {
        return format!("its output cannot be read: {error}");
    }
    if state.steps.is_empty() {
        return match scene.ctx.fleet.runs.get(&state.id) {
            Some(run) if run.is_interrupted() => "interrupted before its first step; r goes on".to_owned(),
            _ if state.is_finished() => "it ended before its first step".to_owned(),
            _ if state.status == RunStatus::Queued => held_back(scene, state),
            _ => "waiting for its first step".to_owned(),
        };
    }
    "reading…".to_owned()
}

/// What keeps a queued run from its slot.
fn held_back(scene: &Scene<'_>, state: &RunState) -> String {
    let fleet = scene.ctx.fleet;
    if let Some(words) = super::list::provider_hold(scene, state) {
        return format!("waiting: {words}; R lifts that");
    }
    match fleet.held(scene.clock.now()).get(&state.id) {
        Some(WhyWaiting::Engine { cap }) => {
            format!("waiting for a slot: {} of {cap} are taken; > allows one more", fleet.slots_in_use())
        }
        Some(why) => format!("waiting: {why}"),
        None => "waiting for its turn".to_owned(),
    }
}

/// What becomes of the running step, or what its agent is doing, as far as its stream tells.
fn doing(scene: &Scene<'_>, state: &RunState) -> Option<String> {
    if let (Some(left), Some(step)) = (list::ending(state, scene.clock), state.active_step()) {
        return Some(format!("told to end; {} is killed {left}", step.kind.word()));
    }
    scene.live(state)?;
    let vitals = scene.loaded.vitals.as_ref()?;
    if let Some(wait) = &vitals.wait {
        let attempt = match (wait.attempt, wait.of) {
            (Some(attempt), Some(of)) => format!(" {attempt}/{of}"),
            (Some(attempt), None) => format!(" {attempt}"),
            _ => String::new(),
        };
        let until = wait.until.map(|until| format!(" in {}", scene.clock.countdown(until))).unwrap_or_default();
        return Some(format!("retry{attempt}{until}: {}", wait.class.word()));
    }
    let tool = vitals.tools.first()?;
    let words: String = plain_str(&format!("{} {}", tool.name, tool.summary)).chars().take(TOOL_WIDTH).collect();
    let others = match vitals.tools.len() {
        1 => String::new(),
        tools => format!(" and {} more", tools - 1),
    };
    Some(format!("{} {}{others}", words.replace('\n', " ").trim_end(), scene.clock.running(tool.since, true)))
}

/// What the run has used, with the running step's part as far as its stream tells.
fn used(scene: &Scene<'_>, state: &RunState) -> Total {
    let mut sum = state.usage;
    if let Some(vitals) = scene.loaded.vitals.as_ref().filter(|_| scene.live(state).is_some()) {
        // No dollars at all may be a price that the agent does not know; the step's end tells.
        let micro_usd = vitals.usage.micro_usd.filter(|micro| *micro > 0);
        sum.known.add(&Usage { micro_usd, ..vitals.usage });
    }
    sum
}

/// The rule above a step: what it is, how it went, how long it took.
fn rule(scene: &Scene<'_>, state: &RunState, id: StepId, lively: bool) -> StyledLine {
    let Some(step) = state.step(id) else { return StyledLine::plain(Stream::Rule, "") };
    let name = match (&step.kind, &step.agent) {
        (StepKind::Actor | StepKind::Critic, Some(agent)) => format!("{} {agent}", step.kind.word()),
        (kind, _) => step_name(kind),
    };
    let iteration = if step.iteration > 0 { format!("i{} ", step.iteration) } else { String::new() };
    let (mark, word) = result(state, step);
    let took = match step.ended {
        Some(_) => format::duration(step.duration_ms(scene.clock.now())),
        None => scene.clock.running(step.started, lively),
    };
    let mut spans = vec![
        (iteration, Ink::role(Role::Faint)),
        (format!("{name} "), Ink::role(Role::Strong)),
        (format!("{} ", mark.glyph()), Ink::role(mark.role())),
    ];
    if !word.is_empty() {
        spans.push((format!("{word} "), Ink::role(mark.role())));
    }
    spans.push((took, Ink::role(Role::Dim)));
    let used = step.usage().map(usage::of_step).unwrap_or_default();
    if !used.is_empty() {
        spans.push((format!("  {}", used.join(" ")), Ink::role(Role::Faint)));
    }
    StyledLine { spans, stream: Stream::Rule }
}

/// What `.worktreeinclude` brought into the worktree, in a few words.
fn copied(included: &[String]) -> String {
    match included {
        [] => String::new(),
        [one] => format!("{} copied", plain_str(one)),
        [one, more @ ..] => format!("{} and {} more copied", plain_str(one), more.len()),
    }
}

/// How a step went, in a few words.
pub(super) fn result(state: &RunState, step: &StepRecord) -> (Mark, String) {
    let iteration = state.iterations.iter().find(|iteration| iteration.number == step.iteration);
    match (&step.end, &step.kind) {
        (None, _) => match step.waiting() {
            Some(waits) => (Mark::Waits, plain_str(&waits)),
            None => (Mark::Active, String::new()),
        },
        (Some(StepOutcome::Interrupted { why, .. }), _) => (Mark::Interrupted, interrupted(*why).to_owned()),
        (Some(StepOutcome::Finished(end)), _) if !end.ok() => (Mark::Failed, end.word()),
        (Some(StepOutcome::Finished(_)), StepKind::Worktree) => {
            let first = state.steps.iter().find(|step| step.kind == StepKind::Worktree).map(|first| first.id);
            let place = state.workspace.as_ref().filter(|_| first == Some(step.id));
            (Mark::Passed, place.map(|place| copied(&place.included)).unwrap_or_default())
        }
        (Some(StepOutcome::Finished(_)), StepKind::Snapshot) => {
            let taken = iteration.and_then(|iteration| iteration.snapshot.as_ref());
            taken.map_or((Mark::Passed, String::new()), |taken| {
                let files = format::plural(u64::from(taken.files), "file");
                if taken.empty {
                    (Mark::Skipped, "nothing changed".to_owned())
                } else {
                    (Mark::Passed, format!("{files} +{} −{}", taken.insertions, taken.deletions))
                }
            })
        }
        (Some(StepOutcome::Finished(end)), StepKind::Actor) if end.claim => {
            (Mark::Passed, "claims to be done".to_owned())
        }
        (Some(StepOutcome::Finished(_)), StepKind::Critic) => {
            let verdict = iteration.and_then(|iteration| iteration.verdict.as_ref());
            let words = verdict.map(|verdict| (super::story::decision_mark(verdict.decision), verdict.decision.word()));
            words.map_or((Mark::Passed, String::new()), |(mark, word)| (mark, word.to_owned()))
        }
        (Some(StepOutcome::Finished(_)), _) => (Mark::Passed, String::new()),
    }
}

const fn interrupted(why: InterruptWhy) -> &'static str {
    match why {
        InterruptWhy::Pause => "ended for a pause",
        InterruptWhy::Stop => "stopped",
        InterruptWhy::Guidance => "ended for your note",
        InterruptWhy::Restart => "started anew",
        InterruptWhy::Park => "parked",
        InterruptWhy::Rewind => "set back",
        InterruptWhy::Test => "test taken away",
        InterruptWhy::RerunGates => "gates run again",
        InterruptWhy::Crash => "interrupted",
    }
}

/// Why the journal cannot be read any further, if so.
fn problem(scene: &Scene<'_>, state: &RunState) -> Option<StyledLine> {
    let problem = scene.ctx.fleet.runs.get(&state.id)?.problem.as_ref()?;
    let text = plain_str(&format!("its journal cannot be read further: {problem}"));
    Some(StyledLine { spans: vec![(text, Ink::role(Role::Danger))], stream: Stream::Meta })
}

/// What stands below the last line: the question, the trouble, or the end.
fn afterword(scene: &Scene<'_>, state: &RunState) -> Vec<StyledLine> {
    let line = |text: String, role: Role| StyledLine { spans: vec![(text, Ink::role(role))], stream: Stream::Meta };
    match (&state.park, &state.outcome) {
        (Some(ParkReason::NeedsHuman { question, from }), _) => {
            let mut lines = vec![line(format!("{} asks:", from.word()), Role::Attention)];
            lines.extend(question.lines().map(|text| line(text.to_owned(), Role::Strong)));
            lines.push(line("a answers".to_owned(), Role::Dim));
            lines
        }
        (Some(ParkReason::Attention { kind, detail }), _) => {
            vec![line(format!("{}: {detail}", kind.word()), Role::Danger), line("R tries again".to_owned(), Role::Dim)]
        }
        (Some(ParkReason::Blocked { tests }), _) => {
            vec![
                line(format!("blocked: {}", tests.join(", ")), Role::Danger),
                line("R gives them one more attempt, 4 shows them".to_owned(), Role::Dim),
            ]
        }
        (Some(ParkReason::Behind { label, .. }), _) => vec![
            line(format!("waits until {label} has landed{}", unlanded(scene, state)), Role::Attention),
            line("it goes on then; r or B lets it go on now".to_owned(), Role::Dim),
        ],
        (Some(ParkReason::Limit { until, provider, class, detail }), _) => {
            let (what, then) = match until {
                Some(until) => {
                    (format!("{provider} until {}", scene.clock.until(*until)), "it goes on then; R tries now")
                }
                None => (format!("{provider} is held"), "R tries again, for all that wait for it"),
            };
            vec![
                line(format!("waits for {what}: {}: {detail}", class.word()), Role::Attention),
                line(then.to_owned(), Role::Dim),
            ]
        }
        (Some(reason @ ParkReason::Budget { .. }), _) => {
            let then = "M sets another; S ends it";
            vec![line(crate::app::sentence::park(reason), Role::Attention), line(then.to_owned(), Role::Dim)]
        }
        (Some(ParkReason::Account { provider, class, detail }), _) => {
            vec![line(format!("{} at {provider}: {detail}", class.word()), Role::Danger)]
        }
        (None, Some((outcome, reason))) => {
            vec![line(format!("{}: {reason}", outcome.word()), super::story::outcome_mark(*outcome).role())]
        }
        (None, None) => Vec::new(),
    }
}

/// Where a query occurs in a line: without regard to case unless the query has upper-case letters.
fn matches(line: &StyledLine, query: &str) -> Vec<std::ops::Range<usize>> {
    let text: String = line.spans.iter().map(|(text, _)| text.as_str()).collect();
    crate::loops::agent::transcript::Query::new(query).map(|query| query.find_in(&text)).unwrap_or_default()
}
