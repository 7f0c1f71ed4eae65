//! Keys in the list of what needs the operator: choosing, solving, going there, and having seen it.
//!
//! The run of the chosen entry is the selected one, so that every key means it.

use super::super::action::Action;
use super::super::chord::Chord;
use super::super::msg::Effect;
use super::super::overlay::{AttentionBox, Overlay};
use super::super::ui::{Focus, Tone, Ui};
use super::{Ctx, perform};
use crate::app::view::attention::{command_for, order};
use crate::loops::core::attention::{NeedKey, Why, needs};
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::ids::RunId;
use crate::loops::core::watch::Pattern;

/// Opens the list, at the selected run if it is in it.
pub(super) fn open(ui: &mut Ui, ctx: &Ctx<'_>) {
    let keys = order(ctx.fleet);
    let own = keys.iter().position(|key| run_of(*key).is_some() && run_of(*key) == ui.selected);
    ui.overlays.push(Overlay::Attention(AttentionBox::default()));
    choose(ui, &keys, own.unwrap_or_default());
}

const fn run_of(key: NeedKey) -> Option<RunId> {
    match key {
        NeedKey::Waits(run) | NeedKey::Stuck(run) | NeedKey::Told(run, _) => Some(run),
        NeedKey::Held(_) | NeedKey::Alert(_) => None,
    }
}

fn choose(ui: &mut Ui, keys: &[NeedKey], index: usize) {
    let at = keys.get(index).copied();
    if let Some(Overlay::Attention(shown)) = ui.overlays.last_mut() {
        *shown = AttentionBox { at, index };
    }
    if let Some(run) = at.and_then(run_of) {
        ui.select(Some(run));
    }
}

pub(super) fn key(ui: &mut Ui, ctx: &Ctx<'_>, chord: Chord, action: Option<Action>) -> Vec<Effect> {
    let Some(Overlay::Attention(shown)) = ui.overlays.last() else { return Vec::new() };
    let keys = order(ctx.fleet);
    let Some(at) = shown.position(&keys) else {
        if action.is_some() || matches!(chord.typed(), Some('0' | 'q')) {
            ui.overlays.pop();
        }
        return Vec::new();
    };
    // What was chosen may be solved by now; keys then mean what stands in its place.
    choose(ui, &keys, at);
    let last = keys.len() - 1;
    match action {
        Some(Action::Down) => choose(ui, &keys, (at + 1).min(last)),
        Some(Action::Up) => choose(ui, &keys, at.saturating_sub(1)),
        Some(Action::Top) => choose(ui, &keys, 0),
        Some(Action::Bottom) => choose(ui, &keys, last),
        Some(Action::GoThere) => {
            ui.overlays.pop();
            ui.filter.clear();
            ui.focus = Focus::Pane;
        }
        Some(Action::Dismiss) => return keys.get(at).map(|key| seen(ui, ctx, *key)).unwrap_or_default(),
        Some(Action::CopyPath) => {
            let needs = needs(ctx.fleet);
            let command = needs.iter().find(|need| need.key() == keys.get(at).copied()).and_then(command_for);
            return command.map_or_else(|| perform(ui, ctx, Action::CopyPath), |command| vec![Effect::Copy(command)]);
        }
        Some(action) => return perform(ui, ctx, action),
        None if matches!(chord.typed(), Some('0' | 'q')) => drop(ui.overlays.pop()),
        None => {}
    }
    Vec::new()
}

/// Has the engine note that it was seen; who waits has to be helped.
fn seen(ui: &mut Ui, ctx: &Ctx<'_>, key: NeedKey) -> Vec<Effect> {
    let acknowledge = |run: RunId, pattern: Pattern| {
        let command = Command::Run { run, ask: Ask::Acknowledge { pattern } };
        Effect::Send { command, said: format!("{} is seen", pattern.word()) }
    };
    match key {
        NeedKey::Waits(_) | NeedKey::Held(_) => {
            ui.say(Tone::Info, "it waits for you until it is solved", ctx.now);
            Vec::new()
        }
        NeedKey::Told(run, pattern) => vec![acknowledge(run, pattern)],
        NeedKey::Stuck(run) => {
            let signals =
                needs(ctx.fleet).into_iter().find(|need| need.key() == Some(key)).map(|need| match need.why {
                    Why::Stuck(raised) => raised.iter().map(|raised| raised.sighting.pattern).collect(),
                    _ => Vec::new(),
                });
            signals.into_iter().flatten().map(|pattern| acknowledge(run, pattern)).collect()
        }
        NeedKey::Alert(kind) => {
            let said = format!("{} is seen", kind.word());
            vec![Effect::Send { command: Command::AcknowledgeAlert { alert: kind }, said }]
        }
    }
}
