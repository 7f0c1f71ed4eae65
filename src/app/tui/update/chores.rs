//! What is done with a run's worktree as a whole, by key: rewind, scrap, land and undo, each with its question.
//!
//! What holds work that may be nowhere else is scrapped only when its name is typed.

use super::super::action::Action;
use super::super::ask::{ask_of, selected};
use super::super::msg::Effect;
use super::super::overlay::{Choice, Dialog, Intent, Offer, Overlay, PaletteOf, Purpose};
use super::super::ui::{Tone, Ui};
use super::overlays::open_palette;
use super::{Ctx, open_text, steering};
use crate::app::sentence::{count, time_of};
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::decide::decide;
use crate::loops::core::event::Chore;
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::state::{Iteration, RunState};

/// Questions before landing that a box has room for.
const QUESTIONS: usize = 3;

/// The iterations that a run can go back to, the latest first, and its base.
pub(super) fn offers(ctx: &Ctx<'_>, run: RunId) -> Vec<(Offer, String)> {
    let Some(state) = ctx.fleet.state(run) else { return Vec::new() };
    let kept = state.iterations.iter().rev().filter(|one| state.snapshot_of(one.number).is_some());
    let mut all: Vec<(Offer, String)> =
        kept.map(|one| (Offer::Rewind(run, one.number), format!("iteration {}: {}", one.number, words(one)))).collect();
    all.push((Offer::Rewind(run, 0), "base: what the work started from".to_owned()));
    all
}

fn words(iteration: &Iteration) -> String {
    let result = iteration.result.as_deref().unwrap_or("open");
    let result: String = plain_str(result).chars().take(60).collect();
    match &iteration.snapshot {
        Some(kept) => {
            format!("{result}, {}, +{} −{}", count(kept.files, "file"), kept.insertions, kept.deletions)
        }
        None => result,
    }
}

pub(super) fn perform(ui: &mut Ui, ctx: &Ctx<'_>, action: Action) -> Vec<Effect> {
    let Some(state) = selected(ui, ctx).map(|run| &run.state) else { return Vec::new() };
    match action {
        Action::Rewind => open_palette(ui, ctx, PaletteOf::Rewind(state.id)),
        // Whether it is merged is looked at when it goes; without a change there is nothing to merge.
        Action::Scrap if state.has_changes() => {
            open_text(ui, Purpose::Scrap(state.id));
        }
        _ => {
            if let Ok((run, ask)) = ask_of(action, "", ui, ctx) {
                ui.overlays.push(Overlay::Dialog(confirm(run, ask, state)));
            }
        }
    }
    Vec::new()
}

/// Asks once about an iteration that was chosen.
pub(super) fn chosen(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, iteration: u32) -> Vec<Effect> {
    let Some(state) = ctx.fleet.state(run) else { return Vec::new() };
    let ask = Ask::Chore { chore: Chore::Rewind { iteration } };
    match decide(state, &ask, Who::Operator) {
        Ok(_) => ui.overlays.push(Overlay::Dialog(confirm(run, ask, state))),
        Err(rejected) => ui.say(Tone::Bad, rejected.0, ctx.now),
    }
    Vec::new()
}

/// Scraps a run whose name was typed; another text leaves the box open.
pub(super) fn named(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, typed: &str) -> Vec<Effect> {
    let Some(state) = ctx.fleet.state(run) else { return Vec::new() };
    if typed != state.label {
        ui.say(Tone::Bad, format!("type {} to scrap it, or Esc to leave it", state.label), ctx.now);
        return Vec::new();
    }
    let ask = Ask::Chore { chore: Chore::Scrap { named: true } };
    if let Err(rejected) = decide(state, &ask, Who::Operator) {
        ui.say(Tone::Bad, rejected.0, ctx.now);
        return Vec::new();
    }
    ui.overlays.pop();
    let said = steering::said(&ask, &state.label);
    vec![Effect::Send { command: Command::Run { run, ask }, said }]
}

fn confirm(run: RunId, ask: Ask, state: &RunState) -> Dialog {
    let label = &state.label;
    let (title, body, verb) = match &ask {
        Ask::Chore { chore: Chore::Rewind { iteration } } => {
            let to = if *iteration == 0 { "its base".to_owned() } else { format!("iteration {iteration}") };
            let body = "Its worktree and branch become what they were then. What came after is kept; u brings it back. \
                        Ignored files stay as they are.";
            (format!("Set {label} back to {to}?"), body.to_owned(), "set it back")
        }
        Ask::Chore { chore: Chore::Undo } => {
            let (what, when) = state.undo.as_ref().map_or_else(Default::default, |undo| {
                let what = match undo.chore {
                    Chore::Rewind { iteration } => format!("rewind to {iteration}"),
                    Chore::Scrap { .. } => "scrap".to_owned(),
                    Chore::Undo | Chore::Land { .. } => "undo".to_owned(),
                };
                (what, kept_at(&undo.trash.name).map(|at| format!(" as it was at {}", time_of(at))).unwrap_or_default())
            });
            let body =
                format!("Its worktree comes back{when}. What it holds now is kept first; u again brings that back.");
            (format!("Undo the {what} of {label}?"), body, "bring it back")
        }
        Ask::Chore { chore: Chore::Land { .. } } => {
            let questions = state.ask_before_landing();
            let mut asked: String = questions.iter().take(QUESTIONS).map(|why| format!("{why}. ")).collect();
            if questions.len() > QUESTIONS {
                asked += &format!("And {} more; Diff shows all. ", questions.len() - QUESTIONS);
            }
            let body = "One commit on its target holds its work and what came there meanwhile. A target that is checked out \
                        is not moved; a conflict changes nothing.";
            let title = if asked.is_empty() { format!("Land {label}?") } else { format!("Land {label} all the same?") };
            (title, format!("{}{body}", plain_str(&asked)), "land it")
        }
        _ => {
            let body = "Its worktree and branch go. Nothing of it differs from where it started; u brings them back.";
            (format!("Scrap {label}?"), body.to_owned(), "scrap it")
        }
    };
    // What needs no asking is nothing to be warned of.
    let danger = !matches!(&ask, Ask::Chore { chore: Chore::Land { asked: false } });
    let choice = |key, label: &str, intent, danger| Choice { key, label: label.to_owned(), intent, danger };
    Dialog {
        title,
        body,
        choices: vec![
            choice('n', "leave it", Intent::Nothing, false),
            choice('y', verb, Intent::Ask(run, ask), danger),
        ],
        selected: 0,
        since: None,
    }
}

/// When a ref of the trash was made: its name says.
fn kept_at(name: &str) -> Option<Millis> {
    name.rsplit(['/', '-']).next()?.parse().ok().map(Millis)
}
