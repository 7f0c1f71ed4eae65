//! How the screen changes: [`update`], a pure function of what is on it and what happened.
//!
//! Whatever a key does to a loop leaves here as an [`Effect`]; this only moves the operator's own view.

mod agents;
mod attention;
mod chores;
mod moving;
pub mod overlays;
mod steering;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;

use super::action::{Action, Place, row_of};
use super::ask::disabled;
use super::chord::Chord;
use super::keymap::Keymap;
use super::msg::{Effect, Msg};
use super::overlay::{Chooser, Overlay, PaletteOf, Purpose, TextBox};
use super::ui::{Focus, Pane, Scope, Seen, Tone, Ui};
use crate::app::config::OnStart;
use crate::app::view::roster;
use crate::loops::core::fleet::Fleet;
use crate::loops::core::ids::{Millis, RunId};
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::transition::RunStatus;

/// What update and view may look at besides the screen's own state.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'a> {
    /// The loops.
    pub fleet: &'a Fleet,
    /// Loops of the configuration that can be started.
    pub loops: &'a [LoopSpec],
    /// Why no loop can be made of a prompt here.
    pub no_new_loop: Option<&'a str>,
    /// What happens to interrupted runs at the start.
    pub on_start: OnStart,
    /// The moment.
    pub now: Millis,
    /// Rows of the loaded diff at which files and hunks begin.
    pub diff_marks: &'a [DiffMark],
    /// The bindings.
    pub keymap: &'a Keymap,
}

/// A row of the diff that jumps stop at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffMark {
    /// The row, from 0.
    pub row: usize,
    /// Whether a file begins there, not just a hunk.
    pub file: bool,
}

/// Lets something happen to the screen, and says what is to be done outside it.
pub fn update(ui: &mut Ui, ctx: &Ctx<'_>, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key { chord, seen } => return key(ui, ctx, chord, seen),
        Msg::Paste(text) => return overlays::paste(ui, ctx, &text),
        Msg::Resize(columns, rows) => ui.size = (columns, rows),
        Msg::Drawn(seen) => drawn(ui, &seen),
        Msg::Fleet => fleet_changed(ui, ctx),
        Msg::Loaded => {
            ui.loading = false;
            fleet_changed(ui, ctx);
            return offer(ui, ctx);
        }
        Msg::Say(tone, text) => ui.say(tone, text, ctx.now),
        Msg::Trouble(trouble) => ui.trouble = trouble,
        Msg::Agents(run, agents) => agents::known(ui, ctx, run, agents),
        Msg::Unmade { prompt, why } => overlays::unmade(ui, ctx, &prompt, why),
        Msg::Found { want, hits, more } => moving::found(ui, ctx, &want, hits, more),
    }
    Vec::new()
}

/// Where keys go now, the nearest place first.
pub fn places(ui: &Ui) -> &'static [Place] {
    match (ui.overlays.last(), ui.pane) {
        (Some(Overlay::Help), _) => &[Place::Help],
        (Some(Overlay::Dialog(_)), _) => &[Place::Dialog],
        (Some(Overlay::Text(_)), _) => &[Place::Text],
        (Some(Overlay::Palette(_)), _) => &[Place::Palette],
        (Some(Overlay::Chooser(_)), _) => &[Place::Chooser],
        (Some(Overlay::Xray(_)), _) => &[Place::Xray],
        (Some(Overlay::Attention(_)), _) => &[Place::Attention],
        (None, Pane::Output) => &[Place::Output, Place::Main],
        (None, Pane::Diff) => &[Place::Diff, Place::Main],
        (None, _) => &[Place::Main],
    }
}

fn key(ui: &mut Ui, ctx: &Ctx<'_>, chord: Chord, seen: u64) -> Vec<Effect> {
    let action = ctx.keymap.action(places(ui), chord);
    let Some(top) = ui.overlays.last() else {
        ui.toast = None;
        return action.map_or_else(Vec::new, |action| perform(ui, ctx, action));
    };
    // Leaving a question is never wrong, however early the key was typed.
    if !top.heeds(seen) && action != Some(Action::Cancel) {
        return Vec::new();
    }
    overlays::key(ui, ctx, chord, action)
}

/// Does what a key or the palette names.
pub(super) fn perform(ui: &mut Ui, ctx: &Ctx<'_>, action: Action) -> Vec<Effect> {
    if let Some(reason) = disabled(action, ui, ctx) {
        let name = row_of(action).map_or("that", |row| row.name);
        ui.say(Tone::Bad, format!("{name}: {reason}"), ctx.now);
        return Vec::new();
    }
    // Who only looks up a key or has the screen painted again has not chosen a run by that.
    ui.at_work |= !matches!(action, Action::Help | Action::Redraw | Action::Suspend);
    if moving::perform(ui, ctx, action) {
        return Vec::new();
    }
    match action {
        Action::ShowOutput => show(ui, Pane::Output),
        Action::ShowDiff => show(ui, Pane::Diff),
        Action::ShowVerdict => show(ui, Pane::Verdict),
        Action::ShowTests => show(ui, Pane::Tests),
        Action::ShowGates => show(ui, Pane::Gates),
        Action::ShowTimeline => show(ui, Pane::Timeline),
        Action::NextPane => show(ui, ui.pane.step(1)),
        Action::PrevPane => show(ui, ui.pane.step(-1)),
        Action::Wrap => {
            ui.wrap = !ui.wrap;
            ui.output.across = 0;
            ui.tops.diff_across = 0;
        }
        Action::Raw => moving::swap_edition(ui, ctx),
        Action::DiffScope => {
            ui.scope = if ui.scope == Scope::Base { Scope::LastIteration } else { Scope::Base };
            ui.tops.diff = 0;
        }
        Action::Search => open_text(ui, Purpose::Search),
        Action::Filter => {
            // What is typed stands at the end of the list.
            ui.focus = Focus::List;
            ui.zoom = false;
            open_text(ui, Purpose::Filter);
            let filter = ui.filter.clone();
            if let Some(Overlay::Text(text)) = ui.overlays.last_mut() {
                text.insert(&filter);
            }
        }
        Action::Help => {
            ui.tops.help = 0;
            ui.overlays.push(Overlay::Help);
        }
        Action::Xray => overlays::open_xray(ui, ctx),
        Action::Attention => attention::open(ui, ctx),
        Action::Palette => overlays::open_palette(ui, ctx, PaletteOf::Everything),
        Action::StartLoop => overlays::open_palette(ui, ctx, PaletteOf::Loops),
        Action::SetAgent => return agents::choose(ui, ctx),
        Action::Rewind | Action::Undo | Action::Scrap | Action::Land => return chores::perform(ui, ctx, action),
        Action::NewLoop => open_text(ui, Purpose::NewLoop),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        action => return steering::perform(ui, ctx, action),
    }
    Vec::new()
}

fn show(ui: &mut Ui, pane: Pane) {
    if ui.pane != pane
        && let Some(search) = &mut ui.search
    {
        search.elsewhere();
    }
    ui.pane = pane;
    ui.focus = Focus::Pane;
}

fn open_text(ui: &mut Ui, purpose: Purpose) {
    ui.overlays.push(Overlay::Text(TextBox::new(purpose)));
}

/// Takes over where the frame came to stand, unless a key has moved it since.
fn drawn(ui: &mut Ui, seen: &Seen) {
    ui.page = seen.page.max(1);
    ui.step = seen.step;
    ui.finding = seen.finding;
    ui.tops = seen.tops;
    ui.output.pending -= seen.output_resolved;
    ui.output.top = if seen.output_end { None } else { seen.output_top };
    if seen.output_top.is_none() || seen.output_end {
        ui.output.left_at = seen.output_lines;
    }
    if let Some(search) = &mut ui.search {
        search.reveal &= !seen.revealed;
    }
    for overlay in &mut ui.overlays {
        overlay.drawn(seen.frame);
    }
}

/// Keeps the selection on the operator's run while it is there; on the first row before they have done anything.
fn fleet_changed(ui: &mut Ui, ctx: &Ctx<'_>) {
    let gone = ui.selected.is_none_or(|run| !ctx.fleet.runs.contains_key(&run));
    if gone || !ui.at_work {
        let first = roster::order(ctx.fleet, &ui.filter).first().copied();
        ui.select(first);
    }
}

/// Runs that a loopdash left behind and that can go on as they are; one that waits for a person still does.
pub fn interrupted(fleet: &Fleet) -> Vec<RunId> {
    let left = fleet.runs.values().filter(|run| run.is_interrupted() && run.state.status != RunStatus::Parked);
    left.map(|run| run.state.id).collect()
}

/// Deals with interrupted runs, once, as the configuration says.
fn offer(ui: &mut Ui, ctx: &Ctx<'_>) -> Vec<Effect> {
    let runs = interrupted(ctx.fleet);
    if std::mem::replace(&mut ui.offered, true) || runs.is_empty() {
        return Vec::new();
    }
    match ctx.on_start {
        OnStart::Leave => Vec::new(),
        OnStart::Resume => runs.into_iter().map(|run| overlays::adopt(ctx, run)).collect(),
        OnStart::Ask => {
            let runs = runs.into_iter().map(|run| (run, true)).collect();
            ui.overlays.insert(0, Overlay::Chooser(Chooser { runs, selected: 0, since: None }));
            Vec::new()
        }
    }
}
