//! What a run's work meets, as lines above its diff: other runs that changed the same files, and its target.
//!
//! What no merge can join comes first; what only overlaps is told in fewer words.

use super::Scene;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::collision::{Collisions, Meeting};
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
    for (row, (text, role)) in (area.y..).zip(lines.iter().take(shown)) {
        let more = if row == area.y + most as u16 - 1 && lines.len() > shown {
            format!("  +{} more", lines.len() - shown)
        } else {
            String::new()
        };
        let columns = usize::from(area.width);
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

fn lines(scene: &Scene<'_>, state: &RunState) -> Vec<(String, Role)> {
    let Some(met) = scene.ctx.fleet.collisions.get(&state.id) else { return Vec::new() };
    let mut lines: Vec<(bool, String)> = Vec::new();
    if let Some(landing) = met.landing.as_ref().filter(|landing| landing.meeting.stops()) {
        lines.push((
            true,
            format!("does not merge into {}: {}", plain_str(&landing.branch), conflicts(&landing.meeting)),
        ));
    }
    for (run, meeting) in &met.with {
        let Some(name) = scene.ctx.fleet.state(*run).map(|other| plain_str(&other.label)) else { continue };
        lines.push(match meeting.stops() {
            true => (true, format!("does not merge with {name}: {}", conflicts(meeting))),
            false => (
                false,
                format!(
                    "{name} changes it too: {}",
                    files(meeting.files.iter().map(|clash| clash.path.as_str()), meeting.more)
                ),
            ),
        });
    }
    lines.sort_by_key(|(stops, _)| !stops);
    let role = |stops: bool| if stops { Role::Attention } else { Role::Dim };
    lines.into_iter().map(|(stops, text)| (format!(" ⇄ {text}"), role(stops))).collect()
}

fn conflicts(meeting: &Meeting) -> String {
    let places: u32 = meeting.conflicts().map(|clash| clash.places).sum();
    format!(
        "{} in {}",
        plural(u64::from(places), "place"),
        files(meeting.conflicts().map(|clash| clash.path.as_str()), 0)
    )
}

/// The first files by name, the others by their number.
fn files<'a>(paths: impl Iterator<Item = &'a str>, more: usize) -> String {
    let paths: Vec<&str> = paths.collect();
    let named = paths.iter().take(NAMED).map(|path| plain_str(path)).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(NAMED) + more {
        0 => named,
        more => format!("{named} +{more}"),
    }
}
