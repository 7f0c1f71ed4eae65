//! A box to type into, one line or many, with the cursor always in view.
//! See [`PromptBox`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::pane::{Pane, centred};
use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// The box's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct PromptBox<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// What it is for, such as `Note for auth-refactor`.
    pub title: &'a str,
    /// A question or an explanation above the text.
    pub message: &'a str,
    /// What was typed.
    pub input: &'a str,
    /// The cursor in it, counted in `char`s.
    pub cursor: usize,
    /// True where a line end may be typed.
    pub many_lines: bool,
    /// What to do next, such as `Enter sends, Esc leaves`.
    pub hint: &'a str,
    /// Why what was typed cannot be taken.
    pub error: Option<&'a str>,
}

/// Draws a line of input with a cursor; scrolls sideways so that the cursor stays in view.
pub(crate) fn input_line(theme: &Theme, lead: &str, input: &str, cursor: usize, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, theme, area, 0);
    pen.gap(1).put(lead, Role::Key);
    let room = usize::from(pen.left().saturating_sub(1));
    let before: String = input.chars().take(cursor).collect();
    let before = text::clean(&before);
    let mut skipped = 0;
    let mut from = 0;
    for (at, grapheme) in before.grapheme_indices(true) {
        if before.width() - skipped < room.max(1) {
            break;
        }
        skipped += grapheme.width();
        from = at + grapheme.len();
    }
    let left = before.get(from..).unwrap_or_default();
    pen.put(left, Role::Strong);
    let rest: String = input.chars().skip(cursor).collect();
    let rest = text::clean(&rest);
    let under = rest.graphemes(true).next().unwrap_or(" ");
    pen.styled(under, theme.style(Role::Strong).add_modifier(Modifier::REVERSED));
    pen.put(rest.get(under.len().min(rest.len())..).unwrap_or_default(), Role::Strong);
}

/// The typed text as rows, and the row and column of the cursor.
fn layout(input: &str, cursor: usize, columns: usize) -> (Vec<String>, (usize, usize)) {
    let columns = columns.max(2);
    let mut rows = vec![String::new()];
    let mut used = 0;
    let mut place = (0, 0);
    let mut chars = 0;
    for grapheme in input.graphemes(true) {
        if chars <= cursor {
            place = (rows.len() - 1, used);
        }
        chars += grapheme.chars().count();
        if grapheme.ends_with('\n') {
            rows.push(String::new());
            used = 0;
        } else {
            let shown = text::clean(grapheme);
            let wide = shown.width();
            if used + wide > columns {
                rows.push(String::new());
                used = 0;
                if chars > cursor && place.0 + 2 == rows.len() && chars - grapheme.chars().count() == cursor {
                    place = (rows.len() - 1, 0);
                }
            }
            if let Some(row) = rows.last_mut() {
                row.push_str(&shown);
            }
            used += wide;
        }
    }
    if cursor >= chars {
        if used >= columns {
            rows.push(String::new());
            used = 0;
        }
        place = (rows.len() - 1, used);
    }
    (rows, place)
}

impl PromptBox<'_> {
    fn draw_input(&self, area: Rect, buf: &mut Buffer) {
        if !self.many_lines {
            input_line(self.theme, "› ", self.input, self.cursor, area, buf);
            return;
        }
        let (rows, (row, column)) = layout(self.input, self.cursor, usize::from(area.width.saturating_sub(4)));
        let first = (row + 1).saturating_sub(usize::from(area.height));
        for (y, text) in (0..area.height).zip(rows.iter().skip(first)) {
            Pen::new(buf, self.theme, area, y).gap(1).put("│ ", Role::Border).put(text, Role::Strong);
        }
        let spot = (u16::try_from(column), u16::try_from(row - first));
        if let (Ok(column), Ok(y)) = spot
            && y < area.height
            && column + 3 < area.width
        {
            let cell = Rect::new(area.x + 3 + column, area.y + y, 1, 1).intersection(buf.area);
            buf.set_style(cell, self.theme.style(Role::Strong).add_modifier(Modifier::REVERSED));
        }
    }
}

impl Widget for &PromptBox<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 8 || screen.height < 3 {
            return;
        }
        let width = (screen.width * 3 / 4).clamp(36, 92).min(screen.width);
        let room = usize::from(width.saturating_sub(4));
        let message = if self.message.is_empty() { Vec::new() } else { text::wrap(self.message, room) };
        let said = u16::try_from(message.len()).unwrap_or(u16::MAX).min(screen.height / 3);
        let typed = if self.many_lines {
            let rows = layout(self.input, self.cursor, room.saturating_sub(2)).0.len();
            u16::try_from(rows).unwrap_or(u16::MAX).clamp(3, 12)
        } else {
            1
        };
        let spaced = u16::from(said > 0);
        let height = 2 + said + spaced + typed + 1;
        let outer = centred(screen, width, height);
        let title = [(self.title, Role::Strong)];
        let inside = Pane { title: &title, ..Pane::new(self.theme, true) }.overlay(outer, buf);
        for (y, line) in (0..said.min(inside.height)).zip(&message) {
            Pen::new(buf, self.theme, inside, y).gap(1).put(line, Role::Text);
        }
        // Typing goes on however low the screen is: hint and message give way to it.
        let bottom = u16::from(inside.height > 1);
        let top = (said + spaced).min(inside.height.saturating_sub(bottom + 1));
        let field = Rect { y: inside.y + top, height: inside.height - top - bottom, ..inside };
        self.draw_input(field, buf);
        if bottom > 0 {
            let mut pen = Pen::new(buf, self.theme, inside, inside.height - 1);
            pen.gap(1);
            match self.error {
                Some(error) => pen.put("✗ ", Role::Danger).put(error, Role::Danger),
                None => pen.put(self.hint, Role::Dim),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{has_role, hold_at_all_sizes, paint, shot, theme};
    use ratatui::style::Style;

    fn prompt(theme: &Theme) -> PromptBox<'_> {
        PromptBox {
            theme,
            title: "Note",
            message: "For the next iteration of auth-refactor.",
            input: "use the clock",
            cursor: 13,
            many_lines: false,
            hint: "Enter sends, Esc leaves",
            error: None,
        }
    }

    fn cursor_of(buf: &Buffer) -> Option<(u16, u16, String)> {
        let reversed = |s: Style| s.add_modifier.contains(Modifier::REVERSED);
        let area = buf.area;
        area.positions()
            .find_map(|p| buf.cell(p).filter(|c| reversed(c.style())).map(|c| (p.x, p.y, c.symbol().to_owned())))
    }

    #[test]
    fn a_line_scrolls_sideways_with_the_cursor() {
        let theme = theme();
        insta::assert_snapshot!(shot(&prompt(&theme), 50, 8), @"
        ▏      ╭─ Note ────────────────────────────╮
        ▏      │ For the next iteration of         │
        ▏      │ auth-refactor.                    │
        ▏      │                                   │
        ▏      │ › use the clock                   │
        ▏      │ Enter sends, Esc leaves           │
        ▏      ╰───────────────────────────────────╯
        ▏
        ");
        let long: String = ('a'..='z').cycle().take(200).collect();
        for cursor in [0, 1, 17, 100, 199, 200, 900] {
            let buf = paint(&PromptBox { input: &long, cursor, ..prompt(&theme) }, 40, 8);
            let (x, _, under) = cursor_of(&buf).unwrap_or_default();
            let expected = long.chars().nth(cursor).unwrap_or(' ').to_string();
            assert_eq!(under, expected, "cursor {cursor}");
            assert!(x < 38);
        }
    }

    #[test]
    fn many_lines_wrap_and_keep_the_cursor_in_view() {
        let theme = theme();
        let text = "first line\nsecond 日本語\n\nfourth is much longer than the box is wide, so it wraps";
        for cursor in 0..=text.chars().count() {
            let prompt = PromptBox { input: text, cursor, many_lines: true, ..prompt(&theme) };
            for (width, height) in [(40, 12), (40, 6), (60, 20)] {
                let (_, _, under) = cursor_of(&paint(&prompt, width, height)).unwrap_or_default();
                let expected =
                    text.chars().nth(cursor).filter(|c| *c != '\n').map_or(" ".to_owned(), |c| c.to_string());
                assert_eq!(under, expected, "cursor {cursor} at {width}x{height}");
            }
        }
        let error = PromptBox { error: Some("a note cannot be empty"), ..prompt(&theme) };
        assert!(has_role(&paint(&error, 60, 10), "a note cannot", Role::Danger));
        hold_at_all_sizes(&error);
        hold_at_all_sizes(&PromptBox { many_lines: true, input: text, cursor: 30, ..error });
        hold_at_all_sizes(&PromptBox { input: "\u{1b}[2J\u{202e}日本", cursor: 2, ..error });
    }
}
