//! Everything that happened, as sentences: when, who, what.
//! See [`Timeline`]; entries are about one screen of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// When, as it is to be shown.
    pub time: &'a str,
    /// Who did it: `loopdash`, `you`, an agent's name.
    pub who: &'a str,
    /// Glyph and colour.
    pub mark: Mark,
    /// The sentence.
    pub text: &'a str,
    /// Opens an iteration or another chapter: a heading above.
    pub chapter: Option<&'a str>,
    /// True for the entry the cursor is on.
    pub selected: bool,
}

/// The timeline's props.
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// About a screen of entries, oldest first.
    pub entries: &'a [Entry<'a>],
    /// True to hold the last entry to the bottom, false to hold the first to the top.
    pub follow: bool,
    /// Where the entries lie among all entries.
    pub extent: Extent,
    /// What to say where there is none.
    pub empty: &'a str,
}

#[derive(Clone, Copy)]
struct Columns {
    time: u16,
    who: u16,
}

impl Columns {
    fn of(entries: &[Entry<'_>], width: u16) -> Self {
        let time = if width < 30 { 0 } else { text::longest(entries.iter().map(|e| e.time), 12) };
        let who = if width < 50 { 0 } else { text::longest(entries.iter().map(|e| e.who), 12) };
        Self { time, who }
    }

    fn indent(self) -> u16 {
        let field = |n: u16| if n > 0 { n + 2 } else { 0 };
        1 + field(self.time) + field(self.who) + 2
    }
}

/// A row of an entry: its heading, or one row of its sentence.
enum Row {
    Blank,
    Chapter,
    Text(usize, String),
}

impl Timeline<'_> {
    fn rows(&self, entry: &Entry<'_>, columns: Columns, width: u16, first: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        if entry.chapter.is_some() {
            if !first {
                rows.push(Row::Blank);
            }
            rows.push(Row::Chapter);
        }
        let room = usize::from(width.saturating_sub(columns.indent() + 1));
        rows.extend(text::wrap(entry.text, room).into_iter().enumerate().map(|(i, line)| Row::Text(i, line)));
        rows
    }

    fn draw_row(&self, entry: &Entry<'_>, row: &Row, c: Columns, area: Rect, y: u16, buf: &mut Buffer) {
        match row {
            Row::Blank => {}
            Row::Chapter => {
                let mut pen = Pen::new(buf, self.theme, area, y);
                pen.put("─ ", Role::Border)
                    .put(entry.chapter.unwrap_or_default(), Role::Heading)
                    .gap(1)
                    .rule(1, Role::Border);
            }
            Row::Text(i, line) => {
                let mut pen = Pen::new(buf, self.theme, area, y).select(entry.selected);
                if *i > 0 {
                    pen.gap(c.indent());
                } else {
                    pen.put(if entry.selected { "▸" } else { " " }, Role::Key);
                    if c.time > 0 {
                        pen.field(entry.time, c.time, Align::Right, Role::Faint).gap(2);
                    }
                    if c.who > 0 {
                        pen.field(
                            entry.who,
                            c.who,
                            Align::Left,
                            if entry.who == "you" { Role::Note } else { Role::Dim },
                        )
                        .gap(2);
                    }
                    pen.put(entry.mark.glyph(), entry.mark.role()).gap(1);
                }
                let role = match entry.mark.role() {
                    role @ (Role::Danger | Role::Attention) => role,
                    _ => Role::Text,
                };
                pen.put(line, role);
            }
        }
    }
}

impl Timeline<'_> {
    /// The rows that are on the screen, each with its entry's index.
    fn layout(&self, area: Rect) -> Vec<(usize, Row)> {
        let columns = Columns::of(self.entries, area.width);
        let height = usize::from(area.height);
        let mut rows: Vec<(usize, Row)> = Vec::new();
        if self.follow {
            for (i, entry) in self.entries.iter().enumerate().rev() {
                let above = self.rows(entry, columns, area.width, i == 0);
                rows.splice(0..0, above.into_iter().map(|row| (i, row)));
                if rows.len() >= height {
                    break;
                }
            }
            rows.drain(..rows.len().saturating_sub(height));
        } else {
            for (i, entry) in self.entries.iter().enumerate() {
                rows.extend(self.rows(entry, columns, area.width, i == 0).into_iter().map(|row| (i, row)));
                if rows.len() >= height {
                    break;
                }
            }
            rows.truncate(height);
        }
        rows
    }

    /// How many of the last entries are whole in an area of that size, the first of them at its top.
    #[must_use]
    pub fn fitting(&self, area: Rect) -> usize {
        let columns = Columns::of(self.entries, area.width);
        let mut room = usize::from(area.height);
        let fits = |entry: &&Entry<'_>| {
            // The first entry of a view has no blank above its heading.
            let least = self.rows(entry, columns, area.width, true).len();
            let fits = least <= room;
            room = room.saturating_sub(self.rows(entry, columns, area.width, false).len());
            fits
        };
        self.entries.iter().rev().take_while(fits).count()
    }

    /// Where the words of the visible entries stand: the entry's index and the part of a row.
    #[must_use]
    pub fn places(&self, area: Rect) -> Vec<(usize, Rect)> {
        (area.y..area.bottom())
            .zip(self.layout(area))
            .map(|(y, (entry, _))| (entry, Rect { y, height: 1, width: area.width.saturating_sub(1), ..area }))
            .collect()
    }
}

impl Widget for &Timeline<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if self.entries.is_empty() {
            Pen::new(buf, self.theme, area, 1).gap(2).put(self.empty, Role::Dim);
        }
        let columns = Columns::of(self.entries, area.width);
        for (y, (index, row)) in (0..area.height).zip(self.layout(area)) {
            if let Some(entry) = self.entries.get(index) {
                self.draw_row(entry, &row, columns, area, y, buf);
            }
        }
        scrollbar(self.theme, self.extent, Rect { x: area.right() - 1, width: 1, ..area }, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};

    const ENTRY: Entry<'static> = Entry {
        time: "14:03:12",
        who: "loopdash",
        mark: Mark::Info,
        text: "opened the worktree",
        chapter: None,
        selected: false,
    };

    const ENTRIES: [Entry<'static>; 4] = [
        Entry { chapter: Some("iteration 4"), ..ENTRY },
        Entry {
            time: "14:03:15",
            who: "claude",
            mark: Mark::Running,
            text: "the actor began to work on CP-SPEC-005, session tokens expire, with the findings of iteration 3",
            ..ENTRY
        },
        Entry { time: "14:05:56", who: "you", text: "told the next iteration: use the clock you are given", ..ENTRY },
        Entry {
            time: "14:06:40",
            mark: Mark::Failed,
            text: "gate tests failed: exit 101",
            chapter: Some("gates"),
            selected: true,
            ..ENTRY
        },
    ];

    #[test]
    fn sentences_wrap_under_themselves() {
        let theme = theme();
        let line = Timeline { theme: &theme, entries: &ENTRIES, follow: true, extent: Extent::default(), empty: "" };
        insta::assert_snapshot!(shot(&line, 64, 12), @"
        ▏─ iteration 4 ─────────────────────────────────────────────────
        ▏ 14:03:12  loopdash  ● opened the worktree
        ▏ 14:03:15  claude    ▶ the actor began to work on CP-SPEC-005,
        ▏                       session tokens expire, with the findings
        ▏                       of iteration 3
        ▏ 14:05:56  you       ● told the next iteration: use the clock
        ▏                       you are given
        ▏
        ▏─ gates ───────────────────────────────────────────────────────
        ▏▸14:06:40  loopdash  ✗ gate tests failed: exit 101
        ▏
        ▏
        ");
        let shown: Vec<_> = [40, 24].into_iter().flat_map(|w| draw(&line, w, 5)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
                     given

        ─ gates ───────────────────────────────
        ▸14:06:40  ✗ gate tests failed: exit
                     101
           clock you are given

        ─ gates ───────────────
        ▸✗ gate tests failed:
           exit 101
        ");
        assert!(has_role(&paint(&line, 64, 12), "gate tests", Role::Danger));
        assert!(draw(&Timeline { follow: false, ..line }, 64, 2)[1].contains("opened the worktree"));
        hold_at_all_sizes(&line);
        hold_at_all_sizes(&Timeline { follow: false, ..line });
        hold_at_all_sizes(&Timeline { entries: &[], empty: "nothing yet", ..line });
    }
}
