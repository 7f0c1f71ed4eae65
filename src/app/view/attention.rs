//! The Attention list: what needs the operator across all runs, with the evidence and the keys that solve it.
//!
//! The order is [`needs`]'s; the selected entry shows its card.

use super::collisions::unlanded;
use super::{Scene, list, usage};
use crate::app::sentence;
use crate::app::tui::action::{Action, row_of};
use crate::app::tui::ask::disabled;
use crate::app::tui::chord::shown;
use crate::app::tui::overlay::AttentionBox;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::alert::{Alert, AlertKind};
use crate::loops::core::attention::{Need, NeedKey, Why, needs};
use crate::loops::core::event::ParkReason;
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::ids::TestId;
use crate::loops::core::state::RunState;
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::watch::{Raised, Remedy, best, left};
use crate::loops::core::weigh::in_words;
use crate::widgets::attention::{Attention, Entry};
use crate::widgets::footer::Hint;
use crate::widgets::mark::Mark;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Iterations whose burden is told.
const MOST_ITERATIONS: usize = 8;

/// An entry's own texts.
struct Card {
    mark: Mark,
    name: String,
    reason: String,
    age: String,
    cost: String,
    evidence: Vec<(&'static str, String)>,
    keys: Vec<(String, &'static str, bool)>,
}

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, shown: &AttentionBox, screen: Rect, buf: &mut Buffer) {
    let needs = needs(scene.ctx.fleet);
    let selected = shown.position(&needs.iter().filter_map(Need::key).collect::<Vec<_>>()).unwrap_or_default();
    let cards: Vec<Card> = needs.iter().enumerate().map(|(at, need)| card(scene, need, at == selected)).collect();
    let evidence: Vec<Vec<(&str, &str)>> =
        cards.iter().map(|card| card.evidence.iter().map(|(label, text)| (*label, text.as_str())).collect()).collect();
    let hint = |(key, word, enabled): &(String, &'static str, bool)| (key.clone(), *word, *enabled);
    let keys: Vec<Vec<(String, &str, bool)>> = cards.iter().map(|card| card.keys.iter().map(hint).collect()).collect();
    let keys: Vec<Vec<Hint<'_>>> = keys.iter().map(|keys| hints(keys)).collect();
    let entries: Vec<Entry<'_>> = cards
        .iter()
        .zip(evidence.iter().zip(&keys))
        .map(|(card, (evidence, keys))| Entry {
            mark: card.mark,
            name: &card.name,
            reason: &card.reason,
            age: &card.age,
            cost: &card.cost,
            evidence,
            keys,
        })
        .collect();
    let some = !entries.is_empty();
    let below: Vec<(String, &str, bool)> =
        [(Action::GoThere, "go there", some), (Action::Dismiss, "seen", some), (Action::Cancel, "back", true)]
            .into_iter()
            .map(|(action, word, enabled)| (key_of(action), word, enabled))
            .collect();
    let below = hints(&below);
    Attention { theme: scene.theme, entries: &entries, selected, keys: &below }.render(screen, buf);
}

fn hints<'a>(keys: &'a [(String, &'a str, bool)]) -> Vec<Hint<'a>> {
    keys.iter().map(|(key, word, enabled)| Hint { key, word, enabled: *enabled, rank: 0 }).collect()
}

fn key_of(action: Action) -> String {
    row_of(action).and_then(|row| row.keys.first()).map(|key| shown(key)).unwrap_or_default()
}

/// The selected one with its evidence and keys; the others need only their heads.
fn card(scene: &Scene<'_>, need: &Need<'_>, selected: bool) -> Card {
    let state = need.run.map(|run| &run.state);
    let (mark, mut reason) = head(need);
    if let (Why::Parked(Some(ParkReason::Behind { .. })), Some(state)) = (&need.why, state) {
        reason = format!("waits {reason}{}", unlanded(scene, state));
    }
    let evidence = if selected { evidence(scene, need) } else { Vec::new() };
    let keys = if selected { keys(scene, need) } else { Vec::new() };
    if let Some(owner) = elsewhere(need) {
        reason = format!("[{owner}] {reason}");
    }
    Card {
        mark,
        name: match (&need.why, state) {
            (Why::Held { provider, .. }, _) => plain_str(provider),
            (_, state) => state.map_or_else(|| "all loops".to_owned(), |state| plain_str(&state.label)),
        },
        reason: plain_str(&reason).replace('\n', " "),
        age: scene.clock.age(need.since),
        cost: state.and_then(|state| usage::dollars(&state.usage)).unwrap_or_default(),
        evidence: evidence.into_iter().map(|(label, text)| (label, plain_str(&text))).collect(),
        keys,
    }
}

fn head(need: &Need<'_>) -> (Mark, String) {
    let parked = need.run.map_or(Mark::Stuck, list::mark);
    match &need.why {
        Why::Parked(Some(ParkReason::NeedsHuman { question, .. })) => (parked, format!("asks: {question}")),
        Why::Parked(Some(ParkReason::Attention { kind, detail })) => (parked, format!("{}: {detail}", kind.word())),
        Why::Parked(Some(reason)) => (parked, sentence::park(reason)),
        Why::Parked(None) => (parked, "needs you".to_owned()),
        Why::Unreadable(problem) => (Mark::Stuck, format!("its journal cannot be read: {problem}")),
        Why::Stuck(raised) => {
            let first = raised.first().map(|raised| &raised.sighting);
            let words = first.map(|sighting| format!("{}: {}", sighting.pattern.word(), sighting.what));
            (Mark::Stuck, words.unwrap_or_default())
        }
        Why::Told(raised) => (Mark::Info, format!("{}: {}", raised.sighting.pattern.word(), raised.sighting.what)),
        Why::Held { hold, .. } => {
            (Mark::NeedsYou, format!("held for all loops, {}: {}", hold.class.word(), hold.detail))
        }
        Why::Alert(alert) => (Mark::Stuck, format!("{}: {}", alert.kind.word(), alert.what)),
    }
}

fn evidence(scene: &Scene<'_>, need: &Need<'_>) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match &need.why {
        Why::Stuck(raised) => lines.extend(raised.iter().flat_map(|raised| signal(scene, need, raised))),
        Why::Told(raised) => lines.extend(signal(scene, need, raised)),
        // Told by name below.
        Why::Parked(Some(ParkReason::Blocked { .. })) => {}
        Why::Parked(Some(reason)) => {
            lines.push((
                if matches!(reason, ParkReason::NeedsHuman { .. }) { "question" } else { "why" },
                sentence::park(reason),
            ));
        }
        Why::Parked(None) => {}
        Why::Unreadable(problem) => lines.push(("journal", (*problem).to_owned())),
        Why::Held { provider, hold } => {
            lines.push(("why", format!("{}: {}", hold.class.word(), hold.detail)));
            let waits = |run: &&FleetRun| !run.state.is_finished() && run.state.names_provider(provider);
            let waiting: Vec<&str> =
                scene.ctx.fleet.runs.values().filter(waits).map(|run| run.state.label.as_str()).collect();
            if !waiting.is_empty() {
                lines.push(("waiting", waiting.join(", ")));
            }
        }
        Why::Alert(alert) => lines.push(("evidence", alert.what.clone())),
    }
    if let Some(owner) = elsewhere(need) {
        lines.push(("belongs to", format!("{owner}; its keys work there")));
    }
    if let Some(command) = command_for(need) {
        lines.push(("look with", command));
    }
    if let Some(state) = need.run.map(|run| &run.state) {
        let blocked = blocked_of(need);
        lines.extend(blocked.iter().filter_map(|id| {
            let test = state.tests.iter().find(|test| test.id == *id)?;
            Some(("blocked", format!("{id}  {}", test.title)))
        }));
        let at_work = state.standing().next_back().map(|last| &last.test);
        if let Some(test) = blocked.last().or(at_work) {
            lines.extend(work(state, test));
        }
        let waiting = state.tests.iter().filter(|test| test.depends_on.iter().any(|id| blocked.contains(id)));
        let waiting: Vec<&str> = waiting.map(|test| test.id.as_str()).collect();
        if !waiting.is_empty() {
            lines.push(("held up", waiting.join(", ")));
        }
    }
    lines
}

/// What was seen, and since when at what cost until now.
fn signal(scene: &Scene<'_>, need: &Need<'_>, raised: &Raised) -> [(&'static str, String); 2] {
    let sighting = &raised.sighting;
    let which = match (sighting.first, sighting.iterations) {
        (0, _) | (_, 0) => String::new(),
        (first, 1) => format!(" in i{first}"),
        (first, many) => format!(" since i{first}, {many} iterations"),
    };
    let cost = need.run.map_or(sighting.cost, |run| sighting.so_far(&run.state, scene.clock.now()));
    let spent = format!("{}{which}: {}", scene.clock.when(sighting.since), sentence::cost(&cost));
    [(sighting.pattern.word(), sighting.what.clone()), ("since", spent)]
}

/// The tests for whose sake it waits, in the order in which they came to a halt.
fn blocked_of<'a>(need: &'a Need<'_>) -> &'a [TestId] {
    match &need.why {
        Why::Parked(Some(ParkReason::Blocked { tests })) => tests,
        _ => &[],
    }
}

/// How the last iterations of a test went, which was the best, and what was done about it already.
fn work(state: &RunState, test: &TestId) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let of_test = left(state).into_iter().filter(|(iteration, _)| iteration.test == *test);
    let judged: Vec<(u32, usize)> =
        of_test.filter_map(|(iteration, left)| Some((iteration.number, left?.wrong()))).collect();
    let last = judged.get(judged.len().saturating_sub(MOST_ITERATIONS)..).unwrap_or_default();
    if !last.is_empty() {
        let each: Vec<String> = last.iter().map(|(number, open)| format!("i{number} {open}")).collect();
        let best =
            best(state, test).map(|(best, left)| format!("; the best is i{} with {}", best.number, left.wrong()));
        let best = best.unwrap_or_default();
        lines.push(("open", format!("{}{best}", each.join("  "))));
    }
    let last = state.standing().rfind(|iteration| iteration.test == *test && iteration.snapshot.is_some());
    let ask = last.map(|last| in_words(&last.weighed)).unwrap_or_default();
    if !ask.is_empty() {
        lines.push(("weakened", format!("tests: {ask}")));
    }
    let taken: Vec<String> = state
        .watched
        .taken
        .iter()
        .map(|taken| format!("{} in i{} by {}", taken.remedy.word(), taken.iteration, taken.who.word()))
        .collect();
    if !taken.is_empty() {
        lines.push(("tried", taken.join(", ")));
    }
    lines
}

/// The keys that solve it, those that cannot be used now dimmed.
fn keys(scene: &Scene<'_>, need: &Need<'_>) -> Vec<(String, &'static str, bool)> {
    let state = need.run.map(|run| &run.state);
    let blocked = state.is_some_and(|state| state.tests.iter().any(|test| test.status == TestStatus::Blocked));
    let actions: Vec<(Action, &'static str)> = match &need.why {
        Why::Stuck(_) => Remedy::ALL.into_iter().map(|remedy| (Action::of_remedy(remedy), remedy.word())).collect(),
        Why::Parked(Some(ParkReason::NeedsHuman { .. })) => vec![(Action::Answer, "answer")],
        Why::Parked(Some(ParkReason::Budget { .. })) => {
            vec![(Action::Limit, "another budget"), (Action::Retry, "retry")]
        }
        Why::Parked(Some(ParkReason::Behind { .. })) => vec![(Action::HoldBehind, "go on without")],
        Why::Parked(_) if blocked => {
            let stronger = (Action::HealStronger, Remedy::Stronger.word());
            vec![
                (Action::Retry, "retry"),
                stronger,
                (Action::SkipTest, Remedy::Skip.word()),
                (Action::WaiveTest, Remedy::Waive.word()),
            ]
        }
        Why::Parked(_) => vec![(Action::Retry, "retry"), (Action::Note, "note")],
        Why::Held { .. } => vec![(Action::Retry, "try again")],
        Why::Unreadable(_) => vec![(Action::CopyPath, "copy the command")],
        // Room for it, or an end to it: neither says that anything is wrong.
        Why::Told(_) => vec![(Action::Pause, "pause"), (Action::Limit, "iteration limit"), (Action::Stop, "stop")],
        Why::Alert(Alert { kind: AlertKind::Disk, .. }) => {
            vec![(Action::CopyPath, "copy the command"), (Action::CapDown, "one loop fewer")]
        }
        Why::Alert(_) => vec![(Action::CapDown, "one loop fewer")],
    };
    let free = |action| match action {
        Action::CopyPath => command_for(need).is_some(),
        action => disabled(action, scene.ui, scene.ctx).is_none(),
    };
    let row = |(action, word)| (key_of(action), word, free(action));
    actions.into_iter().map(row).collect()
}

/// A command that helps where no key does: one that shows what can be read of a run, or makes room.
pub fn command_for(need: &Need<'_>) -> Option<String> {
    match (&need.why, need.run) {
        (Why::Unreadable(_), Some(run)) => Some(format!("loopdash log {}", run.state.id.short())),
        (Why::Alert(Alert { kind: AlertKind::Disk, .. }), _) => Some("loopdash clean".to_owned()),
        _ => None,
    }
}

/// Whose run it is, if it is not for this loopdash to steer.
fn elsewhere(need: &Need<'_>) -> Option<String> {
    match need.run?.ownership {
        Ownership::Other { pid: Some(pid) } => Some(format!("loopdash process {pid}")),
        Ownership::Other { pid: None } => Some("another loopdash".to_owned()),
        _ => None,
    }
}

/// The word of a run that seems stuck, for the list.
pub(super) fn stuck_word(state: &RunState) -> Option<&'static str> {
    let raised = state.watched.stuck().filter(|_| !state.is_finished() && !state.needs_person())?;
    Some(raised.sighting.pattern.short())
}

/// The keys of all entries, in the order of the list.
pub fn order(fleet: &crate::loops::core::fleet::Fleet) -> Vec<NeedKey> {
    needs(fleet).iter().filter_map(Need::key).collect()
}
