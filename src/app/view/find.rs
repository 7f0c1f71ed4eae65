//! The open pane's search on the screen: what is to be searched, the line that counts the hits, and the marks.
//!
//! A pane says where its text stands; the marks are laid over it once it is drawn, for all panes alike. Output marks its
//! own lines, as only it knows how they were wrapped.

use super::loaded::{DiffKey, SearchWant};
use super::{Out, Scene};
use crate::app::tui::action::{Action, row_of};
use crate::app::tui::chord::shown;
use crate::app::tui::ui::{Pane, SearchState};
use crate::loops::agent::transcript::Query;
use crate::loops::core::state::RunState;
use crate::widgets::search_line::{SearchFact, SearchLine};
use crate::widgets::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr;

/// A part of the screen with text of the pane's document, and whether the current hit is in it.
pub(super) type Place = (Rect, bool);

/// The search as a fact to be told.
pub(super) fn fact(search: &SearchState) -> SearchFact<'_> {
    SearchFact {
        query: &search.query,
        found: search.hits.as_ref().map(Vec::len),
        at: search.current.map_or(0, |current| current + 1),
        more: search.more,
    }
}

/// Draws the line that counts the hits at the end of the pane, and returns what is left of it. Output has a line of its
/// own.
pub(super) fn line(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let Some(search) = scene.ui.search.as_ref().filter(|_| scene.ui.pane != Pane::Output && area.height > 2) else {
        return area;
    };
    let key = |action| row_of(action).and_then(|row| row.keys.first()).map(|key| shown(key)).unwrap_or_default();
    let (next, before, end) = (key(Action::NextHit), key(Action::PrevHit), key(Action::Back));
    let keys = [(next.as_str(), "next"), (before.as_str(), "previous"), (end.as_str(), "ends it")];
    let below = Rect { y: area.bottom() - 1, height: 1, ..area };
    SearchLine { theme: scene.theme, search: fact(search), keys: &keys }.render(below, buf);
    Rect { height: area.height - 1, ..area }
}

/// Wants the pane's document searched, of which `version` tells one state from another.
pub(super) fn want(scene: &Scene<'_>, state: &RunState, version: u64, diff: Option<DiffKey>, out: &mut Out) {
    out.wants.search = scene.ui.search.as_ref().map(|search| SearchWant {
        run: state.id,
        pane: scene.ui.pane,
        query: search.query.clone(),
        number: search.number,
        version,
        diff,
    });
}

/// The line of the pane's document with the current hit.
pub(super) fn current(scene: &Scene<'_>) -> Option<usize> {
    scene.ui.search.as_ref().and_then(SearchState::line).and_then(|line| usize::try_from(line).ok())
}

/// That line, if this frame has to bring it into view.
pub(super) fn reveal(scene: &Scene<'_>) -> Option<usize> {
    current(scene).filter(|_| scene.ui.search.as_ref().is_some_and(|search| search.reveal))
}

/// Marks what matches in these places.
pub(super) fn mark(scene: &Scene<'_>, places: &[Place], buf: &mut Buffer) {
    let Some(query) = scene.ui.search.as_ref().and_then(|search| Query::new(&search.query)) else { return };
    let (hit, current) = (scene.theme.style(Role::SearchHit), scene.theme.style(Role::SearchCurrent));
    for (place, is_current) in places {
        lay(&query, *place, if *is_current { current } else { hit }, buf);
    }
}

/// Marks what matches in a table whose row `selected` is explained below. The current hit is that row with what is said
/// of it.
pub(super) fn mark_table(scene: &Scene<'_>, rows: Rect, selected: usize, below: Rect, current: bool, buf: &mut Buffer) {
    let row = |y: u16| {
        let area = Rect { y: rows.y + y, height: 1, width: rows.width.saturating_sub(1), ..rows };
        (area, current && usize::from(y) == selected)
    };
    let mut places: Vec<Place> = (0..rows.height).map(row).collect();
    places.push((below, current));
    mark(scene, &places, buf);
}

/// Lays a style over what matches in each row of a place.
fn lay(query: &Query, place: Rect, style: Style, buf: &mut Buffer) {
    let place = place.intersection(buf.area);
    for y in place.y..place.bottom() {
        // The byte at which the text of each column begins.
        let (mut text, mut begins) = (String::new(), Vec::new());
        let mut x = place.x;
        while let Some(cell) = buf.cell((x, y)).filter(|_| x < place.right()) {
            begins.push((text.len(), x));
            text.push_str(cell.symbol());
            x += u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        }
        for hit in query.find_in(&text) {
            let cells = begins.iter().filter(|(byte, _)| hit.contains(byte));
            cells.for_each(|(_, x)| buf.set_style(Rect::new(*x, y, 1, 1), style));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use ratatui::style::Color;

    #[test]
    fn wide_characters_before_a_match_do_not_shift_its_mark() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 2));
        buf.set_string(0, 0, "日本 OK, ok", Style::new());
        buf.set_string(0, 1, "ok", Style::new());
        let (query, style) = (Query::new("ok").unwrap(), Style::new().bg(Color::Red));
        lay(&query, Rect::new(2, 0, 18, 1), style, &mut buf);
        lay(&query, Rect::new(0, 1, 1, 9), style, &mut buf);
        let marked = |y| (0..20).filter(|x| buf.cell((*x, y)).unwrap().bg == Color::Red).collect::<Vec<u16>>();
        assert_eq!(marked(0), [5, 6, 9, 10]);
        assert_eq!(marked(1), [0u16; 0], "what the place cuts is no match");
    }
}
