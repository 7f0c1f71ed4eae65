//! Keys that act on loops: requests, the questions before the ones that destroy, and the boxes for those with a text.
//!
//! Nothing here changes a loop; it leaves as [`Effect::Send`].

use super::super::action::{Action, row_of};
use super::super::ask::{ask_of, partners, resume_of, retry_of, selected, test_meant};
use super::super::msg::{Effect, Wish};
use super::super::overlay::{Choice, Dialog, Intent, Overlay, Purpose};
use super::super::ui::{TakeOver, Ui};
use super::{Ctx, open_text};
use crate::app::sentence::amount;
use crate::loops::core::command::{Ask, Command, LiveRuns};
use crate::loops::core::event::{ParkReason, When};
use crate::loops::core::fleet::Ownership;
use crate::loops::core::state::RunState;
use crate::loops::core::transition::RunStatus;
use crate::loops::core::watch::{Remedy, best, note_for};

pub(super) fn perform(ui: &mut Ui, ctx: &Ctx<'_>, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => quit(ui, ctx),
        Action::CapUp => cap(ctx, ctx.fleet.cap.saturating_add(1)),
        Action::CapDown => cap(ctx, ctx.fleet.cap.saturating_sub(1)),
        Action::CopyPath => {
            let place = selected(ui, ctx).and_then(|run| run.state.workspace.as_ref());
            place.map(|place| Effect::Copy(place.path.clone())).into_iter().collect()
        }
        Action::Shell => vec![Effect::Visit(Wish::Shell)],
        Action::Edit => vec![Effect::Visit(Wish::Editor)],
        Action::TakeOver => take_over(ui, ctx),
        Action::Resume => match resume_of(ui, ctx) {
            Ok(command) => vec![Effect::Send { command, said: format!("resumed {}", label(ui, ctx)) }],
            Err(_) => Vec::new(),
        },
        Action::Note
        | Action::Interrupt
        | Action::Answer
        | Action::AddTest
        | Action::Limit
        | Action::WaiveTest
        | Action::HealNote => {
            ask_text(ui, ctx, action);
            Vec::new()
        }
        Action::Retry => match retry_of(ui, ctx) {
            Ok(command) => {
                let said = match &command {
                    Command::Run { ask, .. } => said(ask, &label(ui, ctx)),
                    Command::LiftHold { provider } => format!("{provider} is tried again"),
                    _ => String::new(),
                };
                vec![Effect::Send { command, said }]
            }
            Err(_) => Vec::new(),
        },
        Action::HoldBehind => match which_one(ui, ctx) {
            Some(which) => {
                ui.overlays.push(Overlay::Dialog(which));
                Vec::new()
            }
            None => request(ui, ctx, action),
        },
        action => request(ui, ctx, action),
    }
}

/// Sends what an action asks of the selected run, after a question if it destroys something.
fn request(ui: &mut Ui, ctx: &Ctx<'_>, action: Action) -> Vec<Effect> {
    match ask_of(action, "", ui, ctx) {
        Ok((run, ask)) if row_of(action).is_some_and(|row| row.asks) => {
            let state = ctx.fleet.state(run);
            ui.overlays.push(Overlay::Dialog(confirm(Intent::Ask(run, ask), state)));
            Vec::new()
        }
        Ok((run, ask)) => {
            let said = said(&ask, &label(ui, ctx));
            vec![Effect::Send { command: Command::Run { run, ask }, said }]
        }
        Err(_) => Vec::new(),
    }
}

/// Asks for the pause; the screen steps aside when it has come.
fn take_over(ui: &mut Ui, ctx: &Ctx<'_>) -> Vec<Effect> {
    let Ok((run, ask)) = ask_of(Action::TakeOver, "", ui, ctx) else { return Vec::new() };
    let goes_on = ctx.fleet.state(run).is_some_and(|state| match state.status {
        RunStatus::Running | RunStatus::Queued => true,
        RunStatus::Parked => !state.needs_person(),
        _ => false,
    });
    ui.taking_over = Some(TakeOver { run, goes_on });
    let said = said(&ask, &label(ui, ctx));
    vec![Effect::Send { command: Command::Run { run, ask }, said }]
}

fn label(ui: &Ui, ctx: &Ctx<'_>) -> String {
    selected(ui, ctx).map(|run| run.state.label.clone()).unwrap_or_default()
}

fn cap(ctx: &Ctx<'_>, cap: u32) -> Vec<Effect> {
    let said = match ctx.fleet.slots_in_use() {
        used if used > cap as usize => format!("cap {cap}: {used} running, none of them is stopped"),
        _ => format!("cap {cap}"),
    };
    vec![Effect::Send { command: Command::SetCap { cap }, said }]
}

fn ask_text(ui: &mut Ui, ctx: &Ctx<'_>, action: Action) {
    let Some(run) = selected(ui, ctx) else { return };
    let id = run.state.id;
    let purpose = match (action, &run.state.park) {
        (Action::Note, _) => Purpose::Note(id, When::Next),
        (Action::Interrupt, _) => Purpose::Note(id, When::Now),
        (Action::AddTest, _) => Purpose::AddTest(id),
        (Action::HealNote, _) => Purpose::Heal(id),
        (Action::WaiveTest, _) => match test_meant(ui, &run.state) {
            Some(test) => Purpose::Waive(id, test.id.clone()),
            None => return,
        },
        (Action::Limit, _) => Purpose::Limit(id),
        (_, Some(ParkReason::NeedsHuman { question, .. })) => Purpose::Answer(id, question.clone()),
        _ => return,
    };
    let words =
        run.state.watched.stuck().filter(|_| action == Action::HealNote).map(|raised| note_for(&raised.sighting));
    open_text(ui, purpose);
    if let (Some(words), Some(Overlay::Text(text))) = (words, ui.overlays.last_mut()) {
        text.insert(&words);
    }
}

/// What the footer says when a request was accepted; nothing if that is empty.
pub(super) fn said(ask: &Ask, label: &str) -> String {
    match ask {
        Ask::Pause { .. } => format!("pausing {label}"),
        Ask::TakeOver => format!("{label}: its step ends; then the worktree is yours"),
        Ask::Resume => format!("resumed {label}"),
        Ask::Stop => format!("stopping {label}"),
        Ask::SkipTest { test, .. } => format!("{label}: {test} is left out"),
        Ask::WaiveTest { test, .. } => format!("{label}: {test} counts as met"),
        Ask::Restart => format!("{label}: its step starts anew"),
        Ask::Heal { remedy, .. } => format!("{label}: {}", remedy.word()),
        Ask::Unblock { test, remedy } => format!("{label}: {} for {test}", remedy.word()),
        Ask::Acknowledge { pattern } => format!("{label}: {} is seen", pattern.word()),
        Ask::ResetTest { test } => format!("{label}: {test} starts over"),
        // Its step tells what came of it.
        Ask::Chore { .. } => String::new(),
        Ask::RetryTest { test } => format!("{label}: {test} gets one more attempt"),
        Ask::Retry => format!("{label} tries again"),
        Ask::RerunGates => format!("{label}: the gates run again"),
        Ask::Note { when: When::Next, .. } => format!("{label}: noted for the next prompt"),
        Ask::Note { when: When::Now, .. } => format!("{label}: the actor starts anew with your note"),
        Ask::Answer { .. } => format!("{label} has your answer"),
        Ask::AddTest { test } => format!("{label}: added {}", test.id),
        Ask::SetPriority { priority } => format!("{label}: priority {priority}"),
        Ask::SetAgent { role, agent } => format!("{label}: {} is to be {}", role.word(), agent.name),
        Ask::SetBudget { which, limit } => format!("{label}: {} {}", which.word(), amount(*which, *limit)),
        Ask::HoldBehind { run: Some(_), label: other } => format!("{label} waits until {other} has landed"),
        Ask::HoldBehind { run: None, .. } => format!("{label} waits for no other run"),
        Ask::SetMaxIterations { max } => format!("{label}: at most {max} iterations"),
    }
}

/// The question before something that cannot be taken back at once.
fn confirm(intent: Intent, state: Option<&RunState>) -> Dialog {
    let label = state.map_or("the run", |state| state.label.as_str());
    let (title, body, verb) = match &intent {
        Intent::Ask(_, Ask::Stop) => (
            format!("Stop {label} for good?"),
            "Its agent is ended. Branch, worktree and snapshots stay; it cannot be resumed, only retried.".to_owned(),
            "stop it",
        ),
        Intent::Ask(_, Ask::SkipTest { test, .. }) => (
            format!("Leave out {test} of {label}?"),
            "Tests that depend on it may start without it. Reset brings it back.".to_owned(),
            "leave it out",
        ),
        Intent::Ask(_, Ask::Heal { remedy: Remedy::Rewind, .. }) => {
            let test = state.and_then(|state| state.standing().next_back()).map(|iteration| &iteration.test);
            let best = state.zip(test).and_then(|(state, test)| best(state, test)).map(|(best, _)| best.number);
            let best = best.map(|number| format!("iteration {number}")).unwrap_or_default();
            (
                format!("Set {label} back to {best}?"),
                "Its step ends now. What came after is kept, and undo brings it back. It goes on from there."
                    .to_owned(),
                "set it back",
            )
        }
        Intent::Ask(_, Ask::Heal { remedy: Remedy::Skip, .. }) => (
            format!("Leave out the test at work of {label}?"),
            "Tests that depend on it may start without it. Reset brings it back.".to_owned(),
            "leave it out",
        ),
        Intent::Ask(_, Ask::Heal { remedy: Remedy::Waive, .. }) => (
            format!("Let the test at work of {label} count as met?"),
            "It is shown as waived, with what was seen as the reason. Reset takes that back.".to_owned(),
            "let it count",
        ),
        Intent::Ask(_, Ask::ResetTest { test }) => {
            let at_work = state.and_then(RunState::open_iteration).is_some_and(|open| open.test == *test);
            let now = if at_work { " The iteration at work on it ends now, uncounted." } else { "" };
            (
                format!("Start {test} of {label} over?"),
                format!("Its attempts are forgotten; what was written stays in the worktree.{now}"),
                "start it over",
            )
        }
        _ => (format!("Do this to {label}?"), String::new(), "do it"),
    };
    Dialog {
        title,
        body,
        choices: vec![
            Choice { key: 'n', label: "leave it".to_owned(), intent: Intent::Nothing, danger: false },
            Choice { key: 'y', label: verb.to_owned(), intent, danger: true },
        ],
        selected: 0,
        since: None,
    }
}

fn quit(ui: &mut Ui, ctx: &Ctx<'_>) -> Vec<Effect> {
    if ui.leaving {
        // Asked for twice: the screen closes now, whatever still has to end.
        return vec![Effect::Quit(LiveRuns::Pause)];
    }
    let live = ctx.fleet.runs.values().filter(|run| run.ownership == Ownership::Mine && run.state.is_live()).count();
    if live == 0 {
        return vec![Effect::Quit(LiveRuns::Pause)];
    }
    let (these, them) = if live == 1 { ("1 loop is".to_owned(), "it") } else { (format!("{live} loops are"), "them") };
    let choice = |key, label: &str, intent, danger| Choice { key, label: label.to_owned(), intent, danger };
    ui.overlays.push(Overlay::Dialog(Dialog {
        title: "Leave loopdash?".to_owned(),
        body: format!("{these} under way. Paused now, the next start offers to go on with {them}."),
        choices: vec![
            choice('n', "stay", Intent::Nothing, false),
            choice('p', &format!("pause {them} and quit"), Intent::Quit(LiveRuns::Pause), false),
            choice('s', &format!("stop {them} and quit"), Intent::Quit(LiveRuns::Stop), true),
        ],
        selected: 0,
        since: None,
    }));
    Vec::new()
}

/// The question behind which of several runs this one is to wait; none where there is nothing to choose.
fn which_one(ui: &Ui, ctx: &Ctx<'_>) -> Option<Dialog> {
    let state = selected(ui, ctx).map(|run| &run.state).filter(|state| state.behind.is_none())?;
    let met = partners(state, ctx);
    if met.len() < 2 {
        return None;
    }
    let choice = |key, label, intent| Choice { key, label, intent, danger: false };
    let partners = ('1'..='9').zip(met).map(|(key, (other, name, stops))| {
        let words = if stops { format!("{name}: does not merge with it") } else { format!("{name}: merges") };
        choice(key, words, Intent::Ask(state.id, Ask::HoldBehind { run: Some(other), label: name }))
    });
    Some(Dialog {
        title: format!("Behind which run is {} to wait?", state.label),
        body: "It goes on when the work of that one is in its target, or when you say so.".to_owned(),
        choices: [choice('n', "none of them".to_owned(), Intent::Nothing)].into_iter().chain(partners).collect(),
        selected: 0,
        since: None,
    })
}

/// Carries out a choice.
pub(super) fn intend(ui: &mut Ui, ctx: &Ctx<'_>, intent: Intent) -> Vec<Effect> {
    match intent {
        Intent::Nothing => Vec::new(),
        Intent::Ask(run, ask) => {
            let label = ctx.fleet.state(run).map(|state| state.label.clone()).unwrap_or_default();
            let said = said(&ask, &label);
            vec![Effect::Send { command: Command::Run { run, ask }, said }]
        }
        Intent::Quit(live) => {
            ui.leaving = true;
            vec![Effect::Quit(live)]
        }
    }
}
