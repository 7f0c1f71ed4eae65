//! Keys while something lies on top: dialogs, boxes, the palette, the chooser and help.
//!
//! The uppermost layer gets every key; what it does not know goes nowhere.

use super::super::action::{Action, TABLE};
use super::super::ask::disabled;
use super::super::chord::Chord;
use super::super::msg::Effect;
use super::super::overlay::{Offer, Overlay, Palette, PaletteOf, Purpose, TextBox, XrayBox};
use super::super::ui::{Tone, Ui};
use super::{Ctx, agents, attention, chores, moving, perform, steering};
use crate::app::view::roster;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::ids::RunId;
use crossterm::event::KeyCode;
use tui_input::{Input, InputRequest};

pub(super) fn key(ui: &mut Ui, ctx: &Ctx<'_>, chord: Chord, action: Option<Action>) -> Vec<Effect> {
    if action == Some(Action::Cancel) {
        return cancel(ui);
    }
    match ui.overlays.last_mut() {
        Some(Overlay::Help) => {
            match action {
                Some(action) => moving::in_overlay(ui, action),
                None if matches!(chord.typed(), Some('?' | 'q')) => return cancel(ui),
                None => {}
            }
            Vec::new()
        }
        Some(Overlay::Xray(_)) if matches!(chord.typed(), Some('I' | 'q')) => cancel(ui),
        Some(Overlay::Xray(_)) => xray_key(ui, ctx, action),
        Some(Overlay::Attention(_)) => attention::key(ui, ctx, chord, action),
        Some(Overlay::Dialog(_)) => dialog(ui, ctx, chord, action),
        Some(Overlay::Chooser(_)) => chooser(ui, ctx, action),
        Some(Overlay::Palette(palette)) => {
            if let Some(edit) = edit_of(chord, action) {
                let _ = palette.input.handle(edit);
                palette.selected = 0;
            }
            palette_key(ui, ctx, action)
        }
        Some(Overlay::Text(text)) => {
            match (action, edit_of(chord, action)) {
                (Some(Action::Accept), _) => return accept_text(ui, ctx),
                (Some(Action::NewLine), _) if text.purpose.multi_line() => {
                    text.insert("\n");
                }
                (_, Some(InputRequest::InsertChar(c))) => {
                    text.insert(c.encode_utf8(&mut [0; 4]));
                }
                (_, Some(edit)) => text.edit(edit),
                _ => {}
            }
            live_filter(ui, ctx);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// A paste goes to a text field or nowhere.
pub(super) fn paste(ui: &mut Ui, ctx: &Ctx<'_>, text: &str) -> Vec<Effect> {
    let whole = match ui.overlays.last_mut() {
        Some(Overlay::Text(field)) => field.insert(text),
        Some(Overlay::Palette(palette)) => {
            for c in text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200) {
                let _ = palette.input.handle(InputRequest::InsertChar(c));
            }
            palette.selected = 0;
            true
        }
        _ => {
            ui.say(Tone::Info, "nothing here takes a paste; n opens a note", ctx.now);
            true
        }
    };
    if !whole {
        ui.say(Tone::Bad, "the paste was cut: put a text that long into a file and name the file", ctx.now);
    }
    live_filter(ui, ctx);
    Vec::new()
}

/// The list narrows while the filter is typed.
fn live_filter(ui: &mut Ui, ctx: &Ctx<'_>) {
    let Some(Overlay::Text(text)) = ui.overlays.last() else { return };
    if text.purpose == Purpose::Filter {
        ui.filter = text.text().to_owned();
        let runs = roster::order(ctx.fleet, &ui.filter);
        if ui.selected.is_none_or(|run| !runs.contains(&run)) {
            ui.select(runs.first().copied().or(ui.selected));
        }
    }
}

fn cancel(ui: &mut Ui) -> Vec<Effect> {
    if let Some(Overlay::Text(text)) = ui.overlays.pop()
        && text.purpose == Purpose::Filter
    {
        ui.filter.clear();
    }
    Vec::new()
}

/// How a key edits a line of text, beyond what the table binds.
fn edit_of(chord: Chord, action: Option<Action>) -> Option<InputRequest> {
    if action.is_some() {
        return None;
    }
    if let Some(c) = chord.typed() {
        return Some(InputRequest::InsertChar(c));
    }
    let is = |key: &str| Chord::parse(key) == Some(chord);
    match chord.code() {
        KeyCode::Backspace if is("backspace") => Some(InputRequest::DeletePrevChar),
        KeyCode::Backspace => Some(InputRequest::DeletePrevWord),
        KeyCode::Delete => Some(InputRequest::DeleteNextChar),
        KeyCode::Left if is("left") => Some(InputRequest::GoToPrevChar),
        KeyCode::Left => Some(InputRequest::GoToPrevWord),
        KeyCode::Right if is("right") => Some(InputRequest::GoToNextChar),
        KeyCode::Right => Some(InputRequest::GoToNextWord),
        KeyCode::Home => Some(InputRequest::GoToStart),
        KeyCode::End => Some(InputRequest::GoToEnd),
        _ if is("ctrl-a") => Some(InputRequest::GoToStart),
        _ if is("ctrl-e") => Some(InputRequest::GoToEnd),
        _ if is("ctrl-w") => Some(InputRequest::DeletePrevWord),
        _ if is("ctrl-u") => Some(InputRequest::DeleteLine),
        _ if is("ctrl-k") => Some(InputRequest::DeleteTillEnd),
        _ => None,
    }
}

fn dialog(ui: &mut Ui, ctx: &Ctx<'_>, chord: Chord, action: Option<Action>) -> Vec<Effect> {
    let Some(Overlay::Dialog(dialog)) = ui.overlays.last_mut() else { return Vec::new() };
    let last = dialog.choices.len().saturating_sub(1);
    let taken = match action {
        Some(Action::ChoiceNext) => {
            dialog.selected = (dialog.selected + 1).min(last);
            return Vec::new();
        }
        Some(Action::ChoicePrev) => {
            dialog.selected = dialog.selected.saturating_sub(1);
            return Vec::new();
        }
        Some(Action::Accept) => dialog.choices.get(dialog.selected),
        _ => chord.typed().and_then(|c| dialog.choices.iter().find(|choice| choice.key == c)),
    };
    let Some(intent) = taken.map(|choice| choice.intent.clone()) else { return Vec::new() };
    ui.overlays.pop();
    steering::intend(ui, ctx, intent)
}

fn chooser(ui: &mut Ui, ctx: &Ctx<'_>, action: Option<Action>) -> Vec<Effect> {
    let Some(Overlay::Chooser(chooser)) = ui.overlays.last_mut() else { return Vec::new() };
    match action {
        Some(Action::Mark) => {
            if let Some((_, marked)) = chooser.runs.get_mut(chooser.selected) {
                *marked = !*marked;
            }
        }
        Some(Action::MarkAll) => {
            let all = chooser.runs.iter().all(|(_, marked)| *marked);
            chooser.runs.iter_mut().for_each(|(_, marked)| *marked = !all);
        }
        Some(Action::Accept) => {
            let effects = chooser
                .runs
                .iter()
                .filter(|(run, marked)| *marked && ctx.fleet.runs.get(run).is_some_and(|run| run.is_interrupted()))
                .map(|(run, _)| adopt(ctx, *run))
                .collect();
            ui.overlays.pop();
            return effects;
        }
        Some(action) => moving::in_overlay(ui, action),
        None => {}
    }
    Vec::new()
}

/// Takes up an interrupted run and lets it go on.
pub(super) fn adopt(ctx: &Ctx<'_>, run: RunId) -> Effect {
    let label = ctx.fleet.state(run).map(|state| state.label.clone()).unwrap_or_default();
    Effect::Send { command: Command::Adopt { run, resume: true }, said: format!("resumed {label}") }
}

/// Opens the X-ray of the step that the open pane stands on, else of the running one, else of the last program.
pub(super) fn open_xray(ui: &mut Ui, ctx: &Ctx<'_>) {
    let Some(state) = ui.selected.and_then(|run| ctx.fleet.state(run)) else { return };
    let stands = ui.step.filter(|step| state.step(*step).is_some()).or(state.active);
    let program = || state.steps.iter().rev().find(|step| !step.argv.is_empty()).or(state.steps.last());
    let Some(step) = stands.or_else(|| program().map(|step| step.id)) else { return };
    ui.tops.xray = 0;
    ui.overlays.push(Overlay::Xray(XrayBox { run: state.id, step, look: 1 }));
}

fn xray_key(ui: &mut Ui, ctx: &Ctx<'_>, action: Option<Action>) -> Vec<Effect> {
    let Some(Overlay::Xray(shown)) = ui.overlays.last_mut() else { return Vec::new() };
    let steps = ctx.fleet.state(shown.run).map_or(&[][..], |state| &state.steps);
    let at = steps.iter().position(|step| step.id == shown.step).unwrap_or_default();
    let other = match action {
        Some(Action::NextStep) => at + 1,
        Some(Action::PrevStep) => at.wrapping_sub(1),
        Some(Action::LookAgain) => {
            shown.look = shown.look.wrapping_add(1);
            return Vec::new();
        }
        Some(Action::CopyCommand) => return vec![Effect::CopyCommand],
        Some(action) => {
            moving::in_overlay(ui, action);
            return Vec::new();
        }
        None => return Vec::new(),
    };
    if let Some(step) = steps.get(other) {
        shown.step = step.id;
        ui.tops.xray = 0;
    }
    Vec::new()
}

pub(super) fn open_palette(ui: &mut Ui, ctx: &Ctx<'_>, of: PaletteOf) {
    let mut palette = Palette { input: Input::default(), of, selected: 0 };
    palette.selected = first_enabled(&palette, ui, ctx);
    ui.overlays.push(Overlay::Palette(palette));
}

/// The best offer that can be taken; the best of all if none can.
fn first_enabled(palette: &Palette, ui: &Ui, ctx: &Ctx<'_>) -> usize {
    let offers = offers(palette, ui, ctx);
    offers.iter().position(|(offer, ..)| offer_disabled(offer, ui, ctx).is_none()).unwrap_or_default()
}

/// What the palette offers for what was typed, best match first: the offer, its text and the matching characters.
pub fn offers(palette: &Palette, ui: &Ui, ctx: &Ctx<'_>) -> Vec<(Offer, String, Vec<u32>)> {
    use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
    use nucleo_matcher::{Config, Matcher, Utf32Str};
    let mut all: Vec<(Offer, String)> = Vec::new();
    if palette.of == PaletteOf::Everything {
        let rows = TABLE.iter().filter(|row| row.in_palette());
        all.extend(rows.map(|row| (Offer::Do(row.action), row.name.to_owned())));
        let runs = roster::order(ctx.fleet, "");
        let label = |run| ctx.fleet.state(run).map(|state| state.label.clone()).unwrap_or_default();
        all.extend(runs.into_iter().map(|run| (Offer::Go(run), format!("go to {}", label(run)))));
    }
    match palette.of {
        PaletteOf::Agents(run) => all.extend(agents::offers(ui, run)),
        PaletteOf::Rewind(run) => all.extend(chores::offers(ctx, run)),
        PaletteOf::Everything | PaletteOf::Loops => {
            let loops = ctx.loops.iter().enumerate();
            all.extend(loops.map(|(index, spec)| (Offer::Start(index), format!("start {}", spec.name))));
        }
    }
    let typed = palette.input.value().trim();
    if typed.is_empty() {
        return all.into_iter().map(|(offer, text)| (offer, text, Vec::new())).collect();
    }
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut scored: Vec<(u32, Offer, String, Vec<u32>)> = Vec::new();
    for (offer, text) in all {
        let (mut chars, mut at) = (Vec::new(), Vec::new());
        if let Some(score) = pattern.indices(Utf32Str::new(&text, &mut chars), &mut matcher, &mut at) {
            at.sort_unstable();
            at.dedup();
            scored.push((score, offer, text, at));
        }
    }
    scored.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, offer, text, at)| (offer, text, at)).collect()
}

fn palette_key(ui: &mut Ui, ctx: &Ctx<'_>, action: Option<Action>) -> Vec<Effect> {
    let Some(Overlay::Palette(palette)) = ui.overlays.last() else { return Vec::new() };
    let (offers, unread) = (offers(palette, ui, ctx), ui.awaits_agents(palette.of));
    let Some(Overlay::Palette(palette)) = ui.overlays.last_mut() else { return Vec::new() };
    match action {
        Some(Action::ChoiceNext) => palette.selected = (palette.selected + 1).min(offers.len().saturating_sub(1)),
        Some(Action::ChoicePrev) => palette.selected = palette.selected.saturating_sub(1),
        Some(Action::Accept) if unread => {}
        Some(Action::Accept) => {
            let offer = offers.into_iter().nth(palette.selected).map(|(offer, ..)| offer);
            ui.overlays.pop();
            return match offer {
                Some(Offer::Do(action)) => perform(ui, ctx, action),
                Some(Offer::Go(run)) => {
                    ui.filter.clear();
                    ui.select(Some(run));
                    Vec::new()
                }
                Some(Offer::Start(index)) => vec![Effect::StartLoop(index)],
                Some(Offer::Agent(run, role, name)) => agents::chosen(ui, ctx, run, role, name),
                Some(Offer::Rewind(run, iteration)) => chores::chosen(ui, ctx, run, iteration),
                None => Vec::new(),
            };
        }
        _ => {}
    }
    Vec::new()
}

/// Opens the box again with a prompt that no loop could be made of, unless something else lies there by now.
pub(super) fn unmade(ui: &mut Ui, ctx: &Ctx<'_>, prompt: &str, why: String) {
    if ui.overlays.is_empty() {
        let mut text = TextBox::new(Purpose::NewLoop);
        text.insert(prompt);
        ui.overlays.push(Overlay::Text(text));
    }
    ui.say(Tone::Bad, why, ctx.now);
}

/// Takes what was typed; the box stays open, with the reason in the footer, if that is refused.
fn accept_text(ui: &mut Ui, ctx: &Ctx<'_>) -> Vec<Effect> {
    let Some(Overlay::Text(field)) = ui.overlays.last() else { return Vec::new() };
    let (purpose, text) = (field.purpose.clone(), field.text().to_owned());
    let action = match &purpose {
        Purpose::Filter => {
            ui.filter = text;
            ui.overlays.pop();
            return Vec::new();
        }
        Purpose::Search => {
            ui.overlays.pop();
            moving::search(ui, text);
            return Vec::new();
        }
        Purpose::Scrap(run) => return chores::named(ui, ctx, *run, &text),
        Purpose::Model(run, role, name) => return agents::set(ui, ctx, *run, *role, name, &text),
        Purpose::NewLoop if text.is_empty() => {
            ui.say(Tone::Bad, "type what the loop has to reach", ctx.now);
            return Vec::new();
        }
        Purpose::NewLoop => {
            ui.overlays.pop();
            return vec![Effect::NewLoop(text)];
        }
        Purpose::Note(_, crate::loops::core::event::When::Next) => Action::Note,
        Purpose::Note(..) => Action::Interrupt,
        Purpose::Answer(..) => Action::Answer,
        Purpose::AddTest(_) => Action::AddTest,
        Purpose::Heal(_) => Action::HealNote,
        Purpose::Waive(run, test) => return waive(ui, ctx, *run, test, text),
        Purpose::Limit(_) => Action::Limit,
    };
    let (Purpose::Note(run, _)
    | Purpose::Answer(run, _)
    | Purpose::AddTest(run)
    | Purpose::Heal(run)
    | Purpose::Limit(run)) = purpose
    else {
        return Vec::new();
    };
    // The text goes to the run it was typed for, whatever is selected by now.
    let mut there = ui.clone();
    there.selected = Some(run);
    if let (Action::Limit, Some(limit)) = (action, super::super::ask::fleet_limit(&text, &there, ctx)) {
        return match limit {
            Ok(command) => {
                ui.overlays.pop();
                vec![Effect::Send {
                    command,
                    said: "a larger budget for all loops, until this time tomorrow".to_owned(),
                }]
            }
            Err(reason) => {
                ui.say(Tone::Bad, reason, ctx.now);
                Vec::new()
            }
        };
    }
    match super::super::ask::ask_of(action, &text, &there, ctx) {
        Ok((run, ask)) if still_asked(&ask, &purpose, ctx) => {
            ui.overlays.pop();
            let label = ctx.fleet.state(run).map(|state| state.label.clone()).unwrap_or_default();
            let said = steering::said(&ask, &label);
            vec![Effect::Send { command: Command::Run { run, ask }, said }]
        }
        Ok(_) => {
            ui.say(Tone::Bad, "it asks something else by now; Esc, then a, shows it", ctx.now);
            Vec::new()
        }
        Err(reason) => {
            ui.say(Tone::Bad, reason, ctx.now);
            Vec::new()
        }
    }
}

/// A test that counts as met by the operator's word, with the reason they give.
fn waive(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, test: &str, why: String) -> Vec<Effect> {
    if why.is_empty() {
        ui.say(Tone::Bad, "say why it counts as met; the journal keeps it", ctx.now);
        return Vec::new();
    }
    ui.overlays.pop();
    let label = ctx.fleet.state(run).map(|state| state.label.clone()).unwrap_or_default();
    let ask = Ask::WaiveTest { test: test.to_owned(), why };
    let said = steering::said(&ask, &label);
    vec![Effect::Send { command: Command::Run { run, ask }, said }]
}

/// An answer is only sent to the question it was typed under.
fn still_asked(ask: &Ask, purpose: &Purpose, ctx: &Ctx<'_>) -> bool {
    use crate::loops::core::event::ParkReason;
    match (ask, purpose) {
        (Ask::Answer { .. }, Purpose::Answer(run, shown)) => ctx.fleet.state(*run).is_some_and(
            |state| matches!(&state.park, Some(ParkReason::NeedsHuman { question, .. }) if question == shown),
        ),
        _ => true,
    }
}

/// Why an offer of the palette does not apply, as a fragment.
pub fn offer_disabled(offer: &Offer, ui: &Ui, ctx: &Ctx<'_>) -> Option<String> {
    match offer {
        Offer::Do(action) => disabled(*action, ui, ctx),
        Offer::Go(_) | Offer::Start(_) | Offer::Agent(..) | Offer::Rewind(..) => None,
    }
}
