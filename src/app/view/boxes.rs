//! Everything that is not a pane: footer, help, dialogs, boxes, palette, chooser, and what to do where there is no loop.
//!
//! Keys and their words come from the action table alone.

use super::{Out, Scene, list};
use crate::app::sentence::park;
use crate::app::tui::action::{Action, Group, Place, Row, TABLE, row_of};
use crate::app::tui::ask::disabled;
use crate::app::tui::chord::shown;
use crate::app::tui::overlay::{Chooser, Dialog, Offer, Overlay, Palette, PaletteOf, Purpose, TextBox};
use crate::app::tui::ui::{Focus, Pane, Tone};
use crate::app::tui::update::overlays::{offer_disabled, offers};
use crate::loops::core::event::{ParkReason, When};
use crate::loops::core::ids::RunId;
use crate::widgets::chooser::{Chooser as ChooserBox, ChooserRow};
use crate::widgets::dialog::{Choice, Dialog as DialogBox};
use crate::widgets::footer::{Footer, Hint};
use crate::widgets::help::{Help, HelpGroup, HelpKey};
use crate::widgets::mark::Mark;
use crate::widgets::notice::EmptyState;
use crate::widgets::palette::{Palette as PaletteBox, PaletteRow};
use crate::widgets::prompt_box::PromptBox;
use crate::widgets::scrollbar::Extent;
use crate::widgets::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// The places whose keys a key press would be looked up in, the layers on top left out.
fn place_below(pane: Pane) -> &'static [Place] {
    match pane {
        Pane::Output => &[Place::Output, Place::Main],
        Pane::Diff => &[Place::Diff, Place::Main],
        _ => &[Place::Main],
    }
}

pub(super) fn first_key(row: &Row) -> String {
    row.keys.first().map(|key| shown(key)).unwrap_or_default()
}

/// Draws the footer: a message while there is one, else the keys.
pub(super) fn footer(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let ui = scene.ui;
    if let Some(toast) = ui.toast.as_ref().filter(|toast| toast.until > scene.clock.now()) {
        scene.clock.wake_at(toast.until);
        let (mark, role) = match toast.tone {
            Tone::Good => (Mark::Passed, Role::Ok),
            Tone::Info => (Mark::Info, Role::Text),
            Tone::Bad => (Mark::Stuck, Role::Attention),
        };
        let text = format!("{} {}", mark.glyph(), toast.text);
        return Footer { theme: scene.theme, hints: &[], message: Some((&text, role)) }.render(area, buf);
    }
    if ui.leaving {
        let message = Some(("ending the loops in order; the screen closes when they are safe", Role::Attention));
        return Footer { theme: scene.theme, hints: &[], message }.render(area, buf);
    }
    let places = place_below(ui.pane);
    let none = scene.ctx.fleet.runs.is_empty();
    let here =
        |row: &&Row| row.places.iter().any(|place| places.contains(place)) && !(none && row.group != Group::Loopdash);
    let rows = TABLE.iter().filter(|row| !row.hint.is_empty()).filter(here);
    // The question that is asked comes first; where nothing is asked, its key is not worth the room. Nor is the one to wait
    // for another run where none is met, nor the one to land what is not over.
    let rare = |row: &Row| matches!(row.action, Action::Answer | Action::HoldBehind | Action::Land);
    let asked = |row: &Row| !rare(row) || disabled(row.action, ui, scene.ctx).is_none();
    let rows: Vec<(&Row, String)> = rows.filter(|row| asked(row)).map(|row| (row, first_key(row))).collect();
    let hints: Vec<Hint<'_>> = rows
        .iter()
        .map(|(row, key)| Hint {
            key,
            word: row.hint,
            enabled: disabled(row.action, ui, scene.ctx).is_none(),
            rank: rank(row),
        })
        .collect();
    Footer { theme: scene.theme, hints: &hints, message: None }.render(area, buf);
}

/// Help and the palette stay longest, as they lead to the rest.
const fn rank(row: &Row) -> u8 {
    match row.action {
        Action::Help => 0,
        Action::Palette => 1,
        Action::Answer | Action::HoldBehind | Action::Pause | Action::Resume => 2,
        _ => match row.group {
            Group::Steer => 3,
            _ => 4,
        },
    }
}

/// What to do where there is no loop.
pub(super) fn empty(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let key = |action| row_of(action).map(first_key).unwrap_or_default();
    let (new, start, quit) = (key(Action::NewLoop), key(Action::StartLoop), key(Action::Quit));
    let (text, mut steps) = if scene.configured {
        let text = "loopdash.toml names loops; none of them has been started here yet.";
        (text, vec![(start.as_str(), "start a loop of loopdash.toml"), ("loopdash --start-all", "start them all")])
    } else {
        let text = "There is no loopdash.toml in this repository and no unfinished loop on this box.";
        (
            text,
            vec![
                ("loopdash init", "write a commented loopdash.toml"),
                ("loopdash demo", "watch a fleet work, with nothing installed"),
            ],
        )
    };
    if scene.ctx.no_new_loop.is_none() {
        steps.insert(0, (new.as_str(), "start a loop from a prompt"));
    }
    steps.push((quit.as_str(), "leave"));
    EmptyState { theme: scene.theme, title: "No loops yet", text, steps: &steps }.render(area, buf);
}

/// Draws the layers on top, the uppermost last.
pub(super) fn overlays(scene: &Scene<'_>, screen: Rect, buf: &mut Buffer, out: &mut Out) {
    for overlay in &scene.ui.overlays {
        match overlay {
            Overlay::Help => help(scene, screen, buf, out),
            Overlay::Dialog(dialog) => draw_dialog(scene, dialog, screen, buf),
            Overlay::Text(text) if text.purpose == Purpose::Filter => {}
            Overlay::Text(text) => draw_text(scene, text, screen, buf),
            Overlay::Palette(palette) => draw_palette(scene, palette, screen, buf),
            Overlay::Chooser(chooser) => draw_chooser(scene, chooser, screen, buf),
            Overlay::Xray(shown) => super::xray::draw(scene, shown, screen, buf, out),
            Overlay::Attention(shown) => super::attention::draw(scene, shown, screen, buf),
        }
    }
}

fn help(scene: &Scene<'_>, screen: Rect, buf: &mut Buffer, out: &mut Out) {
    let ui = scene.ui;
    let places = place_below(ui.pane);
    let words: Vec<(Group, String, Option<String>, &Row)> = TABLE
        .iter()
        .filter(|row| row.group != Group::Boxes && row.places.iter().any(|place| places.contains(place)))
        .map(|row| {
            let keys: Vec<String> = row.keys.iter().take(3).map(|key| shown(key)).collect();
            (row.group, keys.join(" "), disabled(row.action, ui, scene.ctx), row)
        })
        .collect();
    let keys: Vec<(Group, Vec<HelpKey<'_>>)> = Group::ALL
        .into_iter()
        .map(|group| {
            let of = words.iter().filter(|(of, ..)| *of == group);
            let keys = of.map(|(_, key, why, row)| HelpKey { key, says: row.doc, disabled: why.as_deref() }).collect();
            (group, keys)
        })
        .collect();
    let groups: Vec<HelpGroup<'_>> = keys
        .iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(group, keys)| HelpGroup { title: group.title(), keys })
        .collect();
    let place = if ui.focus == Focus::List { "Loops" } else { pane_name(ui.pane) };
    let help = Help { theme: scene.theme, place, groups: &groups, scroll: 0 };
    let scroll = ui.tops.help.min(help.most_scroll(screen));
    out.seen.tops.help = scroll;
    Help { scroll, ..help }.render(screen, buf);
}

const fn pane_name(pane: Pane) -> &'static str {
    match pane {
        Pane::Output => "Output",
        Pane::Diff => "Diff",
        Pane::Verdict => "Verdict",
        Pane::Tests => "Tests",
        Pane::Gates => "Gates",
        Pane::Timeline => "Timeline",
    }
}

fn draw_dialog(scene: &Scene<'_>, dialog: &Dialog, screen: Rect, buf: &mut Buffer) {
    let keys: Vec<String> = dialog.choices.iter().map(|choice| choice.key.to_string()).collect();
    let choices: Vec<Choice<'_>> = dialog
        .choices
        .iter()
        .zip(&keys)
        .map(|(choice, key)| Choice { key, word: &choice.label, danger: choice.danger, disabled: None })
        .collect();
    DialogBox {
        theme: scene.theme,
        title: &dialog.title,
        message: &dialog.body,
        items: &[],
        choices: &choices,
        default: Some(dialog.selected),
        danger: dialog.choices.iter().any(|choice| choice.danger),
    }
    .render(screen, buf);
}

/// The budget that a run is parked for.
fn breached<'a>(scene: &Scene<'a>, run: &RunId) -> Option<&'a ParkReason> {
    scene.ctx.fleet.state(*run)?.park.as_ref().filter(|park| matches!(park, ParkReason::Budget { .. }))
}

fn draw_text(scene: &Scene<'_>, text: &TextBox, screen: Rect, buf: &mut Buffer) {
    let label = |run: &RunId| scene.ctx.fleet.state(*run).map(|state| state.label.clone()).unwrap_or_default();
    let (title, message) = match &text.purpose {
        Purpose::Note(run, When::Next) => {
            (format!("Note for {}", label(run)), "The actor reads it in its next prompt.".to_owned())
        }
        Purpose::Note(run, When::Now) => (
            format!("Interrupt {}", label(run)),
            "Its step ends now, and the actor starts anew with this note.".to_owned(),
        ),
        Purpose::Answer(run, question) => (format!("Answer {}", label(run)), question.clone()),
        Purpose::Heal(run) => {
            (format!("Note to {}, which seems stuck", label(run)), "The watch over it starts anew.".to_owned())
        }
        Purpose::Waive(run, test) => (
            format!("Why does {test} of {} count as met?", label(run)),
            "It is shown as waived by your word; its dependents may start. A reset takes that back.".to_owned(),
        ),
        Purpose::AddTest(run) => (format!("New test of {}", label(run)), "What must hold, in a few words.".to_owned()),
        Purpose::Limit(run) if breached(scene, run).is_some() => {
            let reason = breached(scene, run).map(park).unwrap_or_default();
            match breached(scene, run) {
                Some(ParkReason::Budget { fleet: true, .. }) => (
                    "Budget of all loops".to_owned(),
                    format!("{reason}. How much until this time tomorrow? Such as 2M or $20."),
                ),
                _ => {
                    (format!("Budget of {}", label(run)), format!("{reason}. How much instead? Such as 2M, $20 or 4h."))
                }
            }
        }
        Purpose::Limit(run) => {
            let now = scene.ctx.fleet.state(*run).map_or(0, |state| state.max_iterations);
            (format!("Iterations of {}", label(run)), format!("It ends after {now} now. After how many instead?"))
        }
        Purpose::Model(run, role, name) => (
            format!("{} of {}: {name}", role.word(), label(run)),
            "With which model? Empty leaves it to the agent.".to_owned(),
        ),
        Purpose::Scrap(run) => (
            format!("Scrap {}", label(run)),
            "Its worktree and branch go, and hold work that may be nowhere else. It is kept, and u brings it back. Type \
             its name to scrap it."
                .to_owned(),
        ),
        Purpose::NewLoop => {
            ("New loop".to_owned(), "What is it to reach? It runs with this repository's defaults.".to_owned())
        }
        Purpose::Filter => ("Filter".to_owned(), String::new()),
        Purpose::Search => (format!("Search {}", pane_name(scene.ui.pane)), "Lower case finds either case.".to_owned()),
    };
    let many = text.purpose.multi_line();
    let error = scene.ui.toast.as_ref().filter(|toast| toast.tone == Tone::Bad && toast.until > scene.clock.now());
    PromptBox {
        theme: scene.theme,
        title: &title,
        message: &message,
        input: text.input.value(),
        cursor: text.input.cursor(),
        many_lines: many,
        hint: if many { "Enter sends, Alt-Enter breaks the line, Esc leaves" } else { "Enter takes it, Esc leaves" },
        error: error.map(|toast| toast.text.as_str()),
    }
    .render(screen, buf);
}

fn draw_palette(scene: &Scene<'_>, palette: &Palette, screen: Rect, buf: &mut Buffer) {
    let offers = offers(palette, scene.ui, scene.ctx);
    let height = usize::from(PaletteBox::visible_rows(screen)).max(1);
    let top = (palette.selected + 1).saturating_sub(height);
    let shown_offers = offers.iter().skip(top).take(height);
    let texts: Vec<(&str, &[u32], String, Option<String>)> = shown_offers
        .map(|(offer, label, matched)| {
            let key = match offer {
                Offer::Do(action) => row_of(*action).map(first_key).unwrap_or_default(),
                Offer::Go(_) | Offer::Start(_) | Offer::Agent(..) | Offer::Rewind(..) => String::new(),
            };
            (label.as_str(), matched.as_slice(), key, offer_disabled(offer, scene.ui, scene.ctx))
        })
        .collect();
    let rows: Vec<PaletteRow<'_>> = texts
        .iter()
        .map(|(label, matched, key, why)| PaletteRow { label, matched, key, disabled: why.as_deref() })
        .collect();
    PaletteBox {
        theme: scene.theme,
        title: match palette.of {
            PaletteOf::Everything => "Command",
            PaletteOf::Loops => "Start a loop",
            PaletteOf::Agents(_) => "Give a role to another agent",
            PaletteOf::Rewind(_) => "Set the worktree back to",
        },
        nothing: match palette.of {
            of if scene.ui.awaits_agents(of) => "reading the configuration…",
            _ => "nothing matches",
        },
        input: palette.input.value(),
        cursor: palette.input.cursor(),
        rows: &rows,
        selected: palette.selected - top,
        extent: Extent { total: offers.len(), offset: top, visible: height },
    }
    .render(screen, buf);
}

fn draw_chooser(scene: &Scene<'_>, chooser: &Chooser, screen: Rect, buf: &mut Buffer) {
    let fleet = scene.ctx.fleet;
    let texts: Vec<(bool, Mark, &str, String)> = chooser
        .runs
        .iter()
        .filter_map(|(id, marked)| {
            let run = fleet.runs.get(id)?;
            let state = &run.state;
            let at = state
                .iterations
                .last()
                .map_or_else(|| "before its first step".to_owned(), |i| format!("i{}", i.number));
            let step = state.steps.last().map(|step| format!(", {}", super::step_name(&step.kind))).unwrap_or_default();
            let ago = scene.clock.age(state.updated);
            Some((*marked, list::mark(run), state.label.as_str(), format!("{at}{step}, {ago} ago")))
        })
        .collect();
    let rows: Vec<ChooserRow<'_>> = texts
        .iter()
        .map(|(checked, mark, name, detail)| ChooserRow { checked: *checked, mark: *mark, name, detail })
        .collect();
    let title = match rows.len() {
        1 => "1 interrupted loop".to_owned(),
        n => format!("{n} interrupted loops"),
    };
    let hint = |key, word, rank| Hint { key, word, enabled: true, rank };
    let hints = [
        hint("Enter", "resume the marked", 0),
        hint("Space", "mark", 2),
        hint("a", "all or none", 2),
        hint("Esc", "leave them", 1),
    ];
    let view = ChooserBox {
        theme: scene.theme,
        title: &title,
        message: "The loopdash that ran them is gone. Each goes on where its journal ends.",
        rows: &rows,
        selected: chooser.selected,
        extent: Extent { total: rows.len(), offset: 0, visible: rows.len() },
        checked: chooser.runs.iter().filter(|(_, marked)| *marked).count(),
        hints: &hints,
    };
    let height = usize::from(view.visible_rows(screen)).max(1);
    let top = (chooser.selected + 1).saturating_sub(height);
    let seen = rows.get(top..(top + height).min(rows.len())).unwrap_or_default();
    let extent = Extent { total: rows.len(), offset: top, visible: height };
    ChooserBox { rows: seen, selected: chooser.selected - top.min(chooser.selected), extent, ..view }
        .render(screen, buf);
}
