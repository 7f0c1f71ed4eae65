//! A pen that writes one row from left to right and never leaves it.
//! See [`Pen`]: all text is cleaned and cut here, so no widget counts columns by hand.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::{self, Align};
use super::theme::{Role, Theme};

/// Writes into one row of an area; what does not fit is cut with `…`.
pub(crate) struct Pen<'b, 't> {
    buf: &'b mut Buffer,
    theme: &'t Theme,
    y: u16,
    start: u16,
    x: u16,
    end: u16,
    selected: bool,
}

impl<'b, 't> Pen<'b, 't> {
    /// A pen at the left end of a row of `area`, the first being 0. A row outside area or buffer takes no ink.
    pub(crate) fn new(buf: &'b mut Buffer, theme: &'t Theme, area: Rect, row: u16) -> Self {
        let area = area.intersection(buf.area);
        let inside = row < area.height;
        let y = if inside { area.y + row } else { area.y };
        let end = if inside { area.right() } else { area.x };
        Self { buf, theme, y, start: area.x, x: area.x, end, selected: false }
    }

    /// Paints the whole row as selected where `yes`; text that follows stays readable on that.
    pub(crate) fn select(mut self, yes: bool) -> Self {
        self.selected = yes;
        if yes {
            self.ground(Role::Selection);
        }
        self
    }

    /// Gives what is left of the row the style of a role.
    pub(crate) fn ground(&mut self, role: Role) -> &mut Self {
        let rest = Rect::new(self.x, self.y, self.left(), u16::from(self.x < self.end));
        self.buf.set_style(rest, self.theme.style(role));
        self
    }

    /// The columns left.
    pub(crate) fn left(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// The column of the screen the pen stands at.
    pub(crate) fn column(&self) -> u16 {
        self.x
    }

    /// Writes text in a role's style.
    pub(crate) fn put(&mut self, text: &str, role: Role) -> &mut Self {
        self.styled(text, self.theme.style(role))
    }

    /// Writes text in a style.
    pub(crate) fn styled(&mut self, text: &str, style: Style) -> &mut Self {
        let left = self.left();
        if left > 0 {
            let style = self.shade(style);
            let fitting = text::cut(text, usize::from(left));
            let (x, _) = self.buf.set_stringn(self.x, self.y, &fitting, usize::from(left), style);
            // A wide character may leave its second half free; nothing belongs after the `…`.
            let whole = fitting.len() >= text.len() || !fitting.ends_with(text::ELLIPSIS);
            self.x = if whole { x.min(self.end) } else { self.end };
        }
        self
    }

    /// Moves right without writing.
    pub(crate) fn gap(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.saturating_add(columns).min(self.end);
        self
    }

    /// Moves left again, over what was written.
    pub(crate) fn back(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.saturating_sub(columns).max(self.start);
        self
    }

    /// Moves one column right over whatever stood there, blanking it.
    pub(crate) fn gap_blank(&mut self) -> &mut Self {
        self.put(" ", Role::Text)
    }

    /// Writes text into a field of a fixed width.
    pub(crate) fn field(&mut self, text: &str, columns: u16, align: Align, role: Role) -> &mut Self {
        let columns = columns.min(self.left());
        let cut = text::cut(text, usize::from(columns));
        let used = columns.saturating_sub(u16::try_from(text::width(&cut)).unwrap_or(columns));
        if align == Align::Right {
            self.gap(used);
        }
        self.put(&cut, role);
        if align == Align::Left {
            self.gap(used);
        }
        self
    }

    /// Writes text at the right end, where there is room for it and a space before it, and takes it off the row.
    pub(crate) fn at_end(&mut self, text: &str, role: Role) -> bool {
        let wide = u16::try_from(text::width(text)).unwrap_or(u16::MAX);
        if wide == 0 || wide >= self.left() {
            return false;
        }
        let (x, end) = (self.x, self.end);
        self.x = end - wide;
        self.put(text, role);
        self.x = x;
        self.end = end - wide - 1;
        true
    }

    /// Draws a rule through what is left of the row, but for `keep` columns.
    pub(crate) fn rule(&mut self, keep: u16, role: Role) -> &mut Self {
        let columns = self.left().saturating_sub(keep);
        self.put(&"─".repeat(usize::from(columns)), role)
    }

    fn shade(&self, style: Style) -> Style {
        if self.selected { self.theme.on_selection(style) } else { style }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::widgets::testing::{text_of, theme};

    #[test]
    fn the_row_is_never_left() {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 3));
        let area = Rect::new(2, 1, 5, 1);
        let mut pen = Pen::new(&mut buf, &theme, area, 0);
        pen.put("ab", Role::Text).gap(1).put("日本語日本語", Role::Text).put("more", Role::Text);
        assert_eq!(pen.left(), 0);
        assert_eq!(text_of(&buf), ["          ", "  ab …     ", "          "].map(|s| s.trim_end().to_owned()));
        for row in [1, 7, u16::MAX] {
            Pen::new(&mut buf, &theme, area, row).select(true).put("x", Role::Text).rule(0, Role::Text);
        }
        Pen::new(&mut buf, &theme, Rect::new(50, 50, 9, 9), 0).select(true).put("x", Role::Text);
        assert_eq!(text_of(&buf).concat(), "  ab …");
    }

    #[test]
    fn the_right_end_is_given_away_only_where_there_is_room() {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        let mut pen = Pen::new(&mut buf, &theme, Rect::new(0, 0, 12, 1), 0);
        assert!(pen.at_end("14:03", Role::Dim));
        assert!(!pen.at_end("too wide", Role::Dim));
        pen.put("a long name", Role::Text);
        assert_eq!(text_of(&buf), ["a lon… 14:03"]);
    }

    #[test]
    fn a_selected_row_is_painted_to_its_end_and_its_text_stays_readable() {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        Pen::new(&mut buf, &theme, Rect::new(0, 0, 8, 1), 0).select(true).put("x", Role::Faint);
        let ground = theme.style(Role::Selection).bg;
        assert!(buf.content().iter().all(|c| Some(c.bg) == ground));
        assert_eq!(Some(buf.cell((0, 0)).unwrap().fg), theme.style(Role::Text).fg);
    }
}
