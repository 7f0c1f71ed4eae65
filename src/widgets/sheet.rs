//! A sheet of facts on top of the screen: titled parts of labelled lines, longer than the screen if need be.
//! See [`Sheet`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::pane::{Pane, centred};
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};

/// One fact.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// What it is; empty where it goes on with the line above.
    pub label: &'a str,
    /// The fact; wrapped.
    pub text: &'a str,
    /// How it is written.
    pub role: Role,
}

/// Facts that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What they are about.
    pub title: &'a str,
    /// The facts.
    pub facts: &'a [Fact<'a>],
}

/// The overlay's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// Pieces of the title.
    pub title: &'a [(&'a str, Role)],
    /// What the keys do here.
    pub remark: &'a str,
    /// The parts; those without a fact are left out.
    pub parts: &'a [Part<'a>],
    /// Rows that are scrolled out at the top.
    pub scroll: usize,
}

/// The sheet is no wider than this.
const WIDEST: u16 = 116;
/// A label is cut beyond this.
const LABEL: u16 = 14;

/// A row of the sheet.
enum Row<'a> {
    Blank,
    Title(&'a str),
    Fact(&'a str, String, Role),
}

impl<'a> Sheet<'a> {
    fn label_width(&self) -> u16 {
        text::longest(self.parts.iter().flat_map(|part| part.facts).map(|fact| fact.label), LABEL)
    }

    fn rows(&self, width: u16) -> Vec<Row<'a>> {
        let room = usize::from(width.saturating_sub(self.label_width() + 4));
        let mut rows = Vec::new();
        for part in self.parts.iter().filter(|part| !part.facts.is_empty()) {
            if !rows.is_empty() {
                rows.push(Row::Blank);
            }
            rows.push(Row::Title(part.title));
            for fact in part.facts {
                for (i, line) in text::wrap(fact.text, room).into_iter().enumerate() {
                    rows.push(Row::Fact(if i == 0 { fact.label } else { "" }, line, fact.role));
                }
            }
        }
        rows
    }

    fn place_on(&self, screen: Rect) -> (Rect, Vec<Row<'a>>) {
        let width = if screen.width < 60 { screen.width } else { (screen.width - 4).min(WIDEST) };
        let rows = self.rows(width.saturating_sub(2));
        let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2);
        (centred(screen, width, height.min(screen.height.saturating_sub(2).max(3))), rows)
    }

    /// How many rows can be scrolled out on a screen of that size.
    #[must_use]
    pub fn most_scroll(&self, screen: Rect) -> usize {
        let (outer, rows) = self.place_on(screen);
        rows.len().saturating_sub(usize::from(Pane::inner(outer).height))
    }
}

impl Widget for &Sheet<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 4 || screen.height < 3 {
            return;
        }
        let (outer, rows) = self.place_on(screen);
        let pane = Pane { title: self.title, remark: Some((self.remark, Role::Dim)), ..Pane::new(self.theme, true) };
        let inside = pane.overlay(outer, buf);
        let scroll = self.scroll.min(rows.len().saturating_sub(usize::from(inside.height)));
        let labels = self.label_width();
        for (y, row) in (0..inside.height).zip(rows.iter().skip(scroll)) {
            let mut pen = Pen::new(buf, self.theme, inside, y);
            pen.gap(1);
            match row {
                Row::Blank => {}
                Row::Title(title) => {
                    pen.put(title, Role::Heading);
                }
                Row::Fact(label, line, role) => {
                    pen.field(label, labels, Align::Right, Role::Dim).gap(2).put(line, *role);
                }
            }
        }
        let extent = Extent { total: rows.len(), offset: scroll, visible: usize::from(inside.height) };
        scrollbar(self.theme, extent, Rect { x: outer.right() - 1, width: 1, ..inside }, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};

    const PARTS: [Part<'static>; 3] = [
        Part {
            title: "End",
            facts: &[
                Fact { label: "exit", text: "exit 1", role: Role::Danger },
                Fact { label: "took", text: "2m41s", role: Role::Text },
            ],
        },
        Part { title: "Processes", facts: &[] },
        Part {
            title: "Launch",
            facts: &[
                Fact { label: "command", text: "claude -p --output-format stream-json --verbose", role: Role::Text },
                Fact { label: "added", text: "LOOPDASH_LOOP=auth", role: Role::Text },
                Fact { label: "", text: "LOOPDASH_SLOT=2", role: Role::Text },
            ],
        },
    ];

    #[test]
    fn facts_wrap_under_themselves_and_empty_parts_are_left_out() {
        let theme = theme();
        let title = [("X-ray", Role::Strong), (" · i2 actor", Role::Dim)];
        let sheet = Sheet { theme: &theme, title: &title, remark: "Esc closes", parts: &PARTS, scroll: 0 };
        insta::assert_snapshot!(shot(&sheet, 44, 12), @"
        ▏
        ▏╭─ X-ray · i2 actor ────────── Esc closes ─╮
        ▏│ End                                      ┃
        ▏│    exit  exit 1                          ┃
        ▏│    took  2m41s                           ┃
        ▏│                                          ┃
        ▏│ Launch                                   ┃
        ▏│ command  claude -p --output-format       ┃
        ▏│          stream-json --verbose           ┃
        ▏│   added  LOOPDASH_LOOP=auth              │
        ▏╰──────────────────────────────────────────╯
        ▏
        ");
        assert!(has_role(&paint(&sheet, 44, 12), "exit 1", Role::Danger));
        assert_eq!(sheet.most_scroll(Rect::new(0, 0, 44, 8)), 5);
        let low = draw(&Sheet { scroll: 99, ..sheet }, 44, 8).concat();
        assert!(low.contains("LOOPDASH_SLOT=2") && !low.contains("exit 1"), "{low}");
        hold_at_all_sizes(&sheet);
        hold_at_all_sizes(&Sheet { parts: &[], ..sheet });
    }
}
