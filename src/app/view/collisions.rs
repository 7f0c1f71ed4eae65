//! What a run's work meets, as lines above its diff: other runs that changed the same files, and its target.
//!
//! What no merge can join comes first; what only overlaps is told in fewer words.

use super::Scene;
use super::boxes::first_key;
use crate::app::tui::action::{Action, row_of};
use crate::app::tui::ask::disabled;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::collision::{Clash, Collisions, Meeting};
use crate::loops::core::ids::RunId;
use crate::loops::core::state::RunState;
use crate::widgets::format::plural;
use crate::widgets::text::cut;
use crate::widgets::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines that the diff gives up for it at most.
const MOST_LINES: usize = 3;
/// Rows that the diff keeps.
const LEAST_ROWS: u16 = 8;
/// Files that a line names.
const NAMED: usize = 3;

/// Draws the lines and gives the area that is left.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer) -> Rect {
    let lines = lines(scene, state);
    let most = usize::from(area.height.saturating_sub(LEAST_ROWS)).min(MOST_LINES);
    let shown = lines.len().min(most);
    let offer = offer(scene, state);
    for (row, (text, role, offers)) in (area.y..).zip(lines.iter().take(shown)) {
        let more = if row == area.y + most as u16 - 1 && lines.len() > shown {
            format!("  +{} more", lines.len() - shown)
        } else {
            String::new()
        };
        let more = if *offers { format!("{offer}{more}") } else { more };
        let columns = usize::from(area.width);
        let text = cut(text, columns.saturating_sub(more.chars().count()));
        buf.set_stringn(area.x, row, cut(&format!("{text}{more}"), columns), columns, scene.theme.style(*role));
    }
    let taken = u16::try_from(shown).unwrap_or_default();
    Rect { y: area.y + taken, height: area.height - taken, ..area }
}

/// The word for the list: a merge of this run would stop.
pub(super) fn word(scene: &Scene<'_>, run: RunId) -> Option<String> {
    let stops = scene.ctx.fleet.collisions.get(&run).is_some_and(Collisions::stops);
    stops.then(|| "collides".to_owned())
}

/// The key that has it wait, or go on, where that may be asked.
fn offer(scene: &Scene<'_>, state: &RunState) -> String {
    let several = scene.ctx.fleet.collisions.get(&state.id).is_some_and(|met| met.with.len() > 1);
    let what = match &state.behind {
        Some(_) => "goes on",
        None if several => "waits for one",
        None => "waits for it",
    };
    match disabled(Action::HoldBehind, scene.ui, scene.ctx) {
        None => format!("  {} {what}", row_of(Action::HoldBehind).map(first_key).unwrap_or_default()),
        Some(_) => String::new(),
    }
}

/// What is missing for a run to go on that is held behind one that has ended, to follow "has landed".
pub(super) fn unlanded(scene: &Scene<'_>, state: &RunState) -> String {
    let branch = scene.ctx.fleet.collisions.get(&state.id).and_then(|met| met.unlanded.as_deref());
    match branch {
        None => String::new(),
        Some("") => ": it has ended, and no branch is checked out that its work could be on".to_owned(),
        Some(branch) => format!(": it has ended, and its work is not in {} yet", plain_str(branch)),
    }
}

/// Each line with its role, and whether the offer belongs to it: the first that is about another run.
fn lines(scene: &Scene<'_>, state: &RunState) -> Vec<(String, Role, bool)> {
    let mut lines: Vec<(u8, String)> = Vec::new();
    if let Some((_, label)) = &state.behind {
        lines.push((0, format!("waits until {} has landed{}", plain_str(label), unlanded(scene, state))));
    }
    let met = scene.ctx.fleet.collisions.get(&state.id);
    if let Some(landing) = met.and_then(|met| met.landing.as_ref()).filter(|landing| landing.meeting.stops()) {
        let branch = plain_str(&landing.branch);
        lines.push((1, format!("does not merge into {branch}: {}", conflicts(&landing.meeting))));
    }
    for (run, meeting) in met.iter().flat_map(|met| &met.with) {
        let Some(name) = scene.ctx.fleet.state(*run).map(|other| plain_str(&other.label)) else { continue };
        let beside = meeting.files.iter().any(|clash| !clash.lines.is_empty());
        lines.push(match (meeting.stops(), beside) {
            (true, _) => (2, format!("does not merge with {name}: {}", conflicts(meeting))),
            (false, true) => (3, format!("both {name} and it change {}", files(meeting.files.iter(), meeting.more))),
            (false, false) => (4, format!("{name} changes it too: {}", files(meeting.files.iter(), meeting.more))),
        });
    }
    lines.sort_by_key(|(rank, _)| *rank);
    let role = |rank: u8| if rank <= 2 { Role::Attention } else { Role::Dim };
    let offered = lines.iter().position(|(rank, _)| *rank != 1);
    let line = |(at, (rank, text))| (format!(" ⇄ {text}"), role(rank), Some(at) == offered);
    lines.into_iter().enumerate().map(line).collect()
}

fn conflicts(meeting: &Meeting) -> String {
    let places: u32 = meeting.conflicts().map(|clash| clash.places).sum();
    format!("{} in {}", plural(u64::from(places), "place"), files(meeting.conflicts(), 0))
}

/// The first files with the lines at which both work, the others by their number.
fn files<'a>(clashes: impl Iterator<Item = &'a Clash>, more: usize) -> String {
    let clashes: Vec<&Clash> = clashes.collect();
    let named = clashes.iter().take(NAMED).map(|clash| place(clash)).collect::<Vec<_>>().join(", ");
    match clashes.len().saturating_sub(NAMED) + more {
        0 => named,
        more => format!("{named} +{more}"),
    }
}

/// A file with the lines at which both work: `src/a.rs 10-14 and 80-90`.
fn place(clash: &Clash) -> String {
    let path = plain_str(&clash.path);
    let mut lines: Vec<String> = clash.lines.iter().map(ToString::to_string).collect();
    if clash.more > 0 {
        lines.push(format!("{} more", clash.more));
    }
    match lines.split_last() {
        None => path,
        Some((last, [])) => format!("{path} {last}"),
        Some((last, first)) => format!("{path} {} and {last}", first.join(", ")),
    }
}
