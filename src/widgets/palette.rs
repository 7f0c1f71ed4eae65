//! The command palette: what was typed, what matches, and which letters did.
//! See [`Palette`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::pane::{Pane, centred};
use super::pen::Pen;
use super::prompt_box::input_line;
use super::scrollbar::{Extent, scrollbar};
use super::text;
use super::theme::{Role, Theme};

/// One command that matches.
#[derive(Debug, Clone, Copy)]
pub struct PaletteRow<'a> {
    /// What it is called.
    pub label: &'a str,
    /// Which characters of the label matched, ascending, counted in `char`s.
    pub matched: &'a [u32],
    /// The key that does the same.
    pub key: &'a str,
    /// Why it does not apply now.
    pub disabled: Option<&'a str>,
}

/// The overlay's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct Palette<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// What it chooses from, such as `Command`.
    pub title: &'a str,
    /// What was typed.
    pub input: &'a str,
    /// The cursor in it, counted in `char`s.
    pub cursor: usize,
    /// What to say where there are no rows.
    pub nothing: &'a str,
    /// The visible rows.
    pub rows: &'a [PaletteRow<'a>],
    /// The selected one among them.
    pub selected: usize,
    /// Where they lie among all that match.
    pub extent: Extent,
}

impl Palette<'_> {
    /// How many rows are visible on a screen of that size.
    #[must_use]
    pub fn visible_rows(screen: Rect) -> u16 {
        Self::place_on(screen).height.saturating_sub(4)
    }

    fn place_on(screen: Rect) -> Rect {
        let height = (screen.height * 2 / 3).clamp(5, 18).min(screen.height);
        let width = (screen.width * 3 / 5).clamp(40, 76).min(screen.width);
        let middle = centred(screen, width, height);
        Rect { y: screen.y + (screen.height - height) / 4, ..middle }
    }

    fn draw_row(&self, row: &PaletteRow<'_>, mut pen: Pen<'_, '_>, selected: bool) {
        pen.put(if selected { "▸" } else { " " }, Role::Key).gap(1);
        if let Some(why) =
            row.disabled.filter(|why| usize::from(pen.left()) > text::width(why) + text::width(row.label) + 4)
        {
            pen.at_end(&format!("{} ", text::clean(why)), Role::Disabled);
        } else {
            pen.at_end(
                &format!("{} ", text::clean(row.key)),
                if row.disabled.is_some() { Role::Disabled } else { Role::Key },
            );
        }
        let plain = match (row.disabled.is_some(), selected) {
            (true, _) => Role::Disabled,
            (false, true) => Role::Strong,
            (false, false) => Role::Text,
        };
        let mut run = String::new();
        let mut lit = false;
        for (i, c) in (0u32..).zip(row.label.chars()) {
            let hit = row.matched.binary_search(&i).is_ok();
            if hit != lit {
                pen.put(&run, if lit { Role::Match } else { plain });
                run.clear();
                lit = hit;
            }
            run.push(c);
        }
        pen.put(&run, if lit { Role::Match } else { plain });
    }
}

impl Widget for &Palette<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 8 || screen.height < 4 {
            return;
        }
        let outer = Palette::place_on(screen);
        let title = [(self.title, Role::Strong)];
        let count = self.extent.total.to_string();
        let pane = Pane { title: &title, remark: Some((&count, Role::Dim)), ..Pane::new(self.theme, true) };
        let inside = pane.overlay(outer, buf);
        input_line(self.theme, ": ", self.input, self.cursor, inside, buf);
        let list = Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside };
        if inside.height > 1 {
            Pen::new(buf, self.theme, inside, 1).rule(0, Role::Border);
        }
        if self.rows.is_empty() {
            Pen::new(buf, self.theme, list, 0).gap(2).put(self.nothing, Role::Dim);
        }
        for (y, row) in (0..list.height).zip(self.rows) {
            let selected = usize::from(y) == self.selected;
            let pen = Pen::new(buf, self.theme, list, y).select(selected);
            self.draw_row(row, pen, selected);
        }
        scrollbar(self.theme, self.extent, Rect { x: outer.right() - 1, width: 1, ..list }, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{has_role, hold_at_all_sizes, paint, shot, theme};

    const ROWS: [PaletteRow<'static>; 3] = [
        PaletteRow { label: "pause after the step", matched: &[0, 1, 2], key: "p", disabled: None },
        PaletteRow { label: "pause now", matched: &[0, 1, 2], key: "P", disabled: None },
        PaletteRow { label: "unpause: resume", matched: &[2, 3, 4], key: "r", disabled: Some("it is running") },
    ];

    #[test]
    fn matched_letters_are_lit_and_reasons_shown() {
        let theme = theme();
        let extent = Extent { total: 3, offset: 0, visible: 3 };
        let (input, nothing, rows) = ("pau", "nothing matches", &ROWS);
        let palette = Palette { theme: &theme, title: "Command", input, cursor: 3, nothing, rows, selected: 1, extent };
        insta::assert_snapshot!(shot(&palette, 60, 14), @"
        ▏
        ▏          ╭─ Command ──────────────────────── 3 ─╮
        ▏          │ : pau                                │
        ▏          │──────────────────────────────────────│
        ▏          │  pause after the step              p │
        ▏          │▸ pause now                         P │
        ▏          │  unpause: resume       it is running │
        ▏          │                                      │
        ▏          │                                      │
        ▏          ╰──────────────────────────────────────╯
        ▏
        ▏
        ▏
        ▏
        ");
        let buf = paint(&palette, 60, 14);
        assert!(has_role(&buf, "pause after", Role::Match) && has_role(&buf, "se after", Role::Text));
        assert!(has_role(&buf, "it is running", Role::Disabled));
        assert_eq!(Palette::visible_rows(Rect::new(0, 0, 60, 14)), 5);
        hold_at_all_sizes(&palette);
        hold_at_all_sizes(&Palette { rows: &[], input: "日本\u{1b}", cursor: 99, ..palette });
    }
}
