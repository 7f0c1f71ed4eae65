//! A loaded stretch of a run's output and the arithmetic of scrolling through it: [`Page`] and [`Page::resolve`].
//!
//! Rows are screen rows, lines are document lines; only lines that are loaded have a known height.

use super::doc::{Doc, DocLine};
use crate::loops::core::ids::RunId;
use crate::widgets::transcript::StyledLine;
use std::collections::BTreeMap;
use std::ops::Range;

/// Lines loaded above and below what is seen, in screens.
const MARGIN: u64 = 2;

/// Loaded lines of one run.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Whose.
    pub run: Option<RunId>,
    /// The document as it was when they were read.
    pub doc: Doc,
    /// The range that was asked for; lines of output in it are in `lines`.
    pub range: Range<u64>,
    /// Lines of output by document line.
    pub lines: BTreeMap<u64, StyledLine>,
    /// Why reading failed, if it did.
    pub error: Option<String>,
}

/// Where the view stands, after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Document line at the top, and its rows that are scrolled out.
    pub top: (u64, u16),
    /// Whether the last row of the document is on the screen.
    pub end: bool,
}

/// The room that the lines have.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Columns of the pane.
    pub width: u16,
    /// Rows for lines.
    pub height: u16,
    /// Whether long lines are wrapped.
    pub wrap: bool,
}

impl Page {
    /// The rows of a line; 1 while it is not loaded.
    fn height(&self, line: u64, room: Room) -> u64 {
        if !room.wrap {
            return 1;
        }
        self.lines.get(&line).map_or(1, |text| text.height(room.width).max(1) as u64)
    }

    /// The top of the last screen.
    fn last_top(&self, room: Room) -> (u64, u16) {
        self.up((self.doc.total(), 0), u64::from(room.height), room)
    }

    fn up(&self, (mut line, row): (u64, u16), rows: u64, room: Room) -> (u64, u16) {
        let mut left = rows;
        let mut row = u64::from(row);
        while left > row {
            left -= row;
            let Some(above) = line.checked_sub(1) else { return (0, 0) };
            line = above;
            row = self.height(line, room);
        }
        (line, u16::try_from(row - left).unwrap_or(u16::MAX))
    }

    fn down(&self, (mut line, row): (u64, u16), rows: u64, room: Room) -> (u64, u16) {
        let mut left = rows.saturating_add(u64::from(row));
        while line < self.doc.total() {
            let height = self.height(line, room);
            if left < height {
                break;
            }
            left -= height;
            line += 1;
        }
        (line, u16::try_from(left).unwrap_or(u16::MAX))
    }

    /// Where the view comes to stand from `top` (`None`: the end) after `pending` rows, never past either end.
    pub fn resolve(&self, top: Option<(u64, u16)>, pending: i64, room: Room) -> Stand {
        let last = self.last_top(room);
        let from = top.unwrap_or(last);
        let rows = pending.unsigned_abs();
        let wanted = if pending < 0 { self.up(from, rows, room) } else { self.down(from, rows, room) };
        let top = wanted.min(last);
        Stand { top, end: top >= last }
    }

    /// The lines to load for a view that stands at `top` (`None`: the end) of a document of `total` lines.
    pub fn wanted(top: Option<(u64, u16)>, height: u16, total: u64) -> Range<u64> {
        let height = u64::from(height.max(1));
        let Some((line, _)) = top else { return total.saturating_sub(height * MARGIN)..total };
        let from = line.saturating_sub(height * MARGIN);
        from..line.saturating_add(height * (MARGIN + 1)).min(total)
    }

    /// What stands on the lines from `from` on, at most `count`: rules by step, text where it is loaded.
    pub fn seen(&self, from: u64, count: u16) -> Vec<(u64, DocLine, Option<&StyledLine>)> {
        let to = from.saturating_add(u64::from(count)).min(self.doc.total());
        (from..to).filter_map(|line| Some((line, self.doc.at(line)?, self.lines.get(&line)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::fixture;
    use crate::widgets::transcript::Stream;

    const ROOM: Room = Room { width: 24, height: 6, wrap: true };

    /// A page with all lines loaded, some of them several rows high.
    fn page() -> Page {
        let state = fixture::run("auth-refactor");
        let doc = Doc::of(&state, None, false);
        let lines = (0..doc.total())
            .filter(|line| matches!(doc.at(*line), Some(DocLine::Text(..))))
            .map(|line| (line, StyledLine::plain(Stream::Out, "word ".repeat(1 + (line as usize % 5) * 4))))
            .collect();
        Page { range: 0..doc.total(), doc, lines, ..Page::default() }
    }

    fn rows_before(page: &Page, (line, row): (u64, u16)) -> u64 {
        (0..line).map(|line| page.height(line, ROOM)).sum::<u64>() + u64::from(row)
    }

    #[test]
    fn scrolling_moves_by_exactly_the_rows_asked_for_until_an_end() {
        let page = page();
        let all: u64 = (0..page.doc.total()).map(|line| page.height(line, ROOM)).sum();
        let last = all - u64::from(ROOM.height);
        let mut stand = page.resolve(None, 0, ROOM);
        assert!(stand.end);
        assert_eq!(rows_before(&page, stand.top), last);
        for step in [-1i64, -1, -5, -3, 2, -17, 9, 1, -1] {
            let before = rows_before(&page, stand.top);
            stand = page.resolve(Some(stand.top), step, ROOM);
            assert_eq!(rows_before(&page, stand.top), before.saturating_add_signed(step).min(last), "{step}");
        }
        assert_eq!(page.resolve(Some(stand.top), -100_000, ROOM), Stand { top: (0, 0), end: false });
        assert!(page.resolve(Some((0, 0)), 100_000, ROOM).end);
    }

    #[test]
    fn a_short_document_stands_at_its_top_and_end() {
        let page = page();
        let room = Room { height: 2_000, ..ROOM };
        assert_eq!(page.resolve(None, -5, room), Stand { top: (0, 0), end: true });
        assert_eq!(Page::default().resolve(Some((9, 3)), 4, ROOM), Stand { top: (0, 0), end: true });
    }

    #[test]
    fn what_is_wanted_holds_what_will_be_seen() {
        assert_eq!(Page::wanted(None, 10, 1_000), 980..1_000);
        assert_eq!(Page::wanted(Some((470, 0)), 10, 1_000), 450..500);
        assert_eq!(Page::wanted(Some((3, 9)), 10, 1_000), 0..33);
        assert_eq!(Page::wanted(Some((995, 0)), 10, 1_000), 975..1_000);
        assert_eq!(Page::wanted(None, 0, 0), 0..0);
    }
}
