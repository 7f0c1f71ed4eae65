//! The frame of a pane or a box: rounded border, title on the left, a remark on the right.
//! See [`Pane`]; boxes that lie on top of the screen use [`Pane::overlay`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::border;
use ratatui::widgets::{Block, Widget};
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use super::theme::{Role, Theme};

/// A border with a title line.
#[derive(Debug, Clone, Copy)]
pub struct Pane<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// Pieces of the title with their roles; the first is kept longest.
    pub title: &'a [(&'a str, Role)],
    /// Remark at the right end of the title line, dropped where there is no room.
    pub remark: Option<(&'a str, Role)>,
    /// The role of the border, usually [`Role::Border`] or [`Role::BorderFocus`].
    pub border: Role,
}

impl<'a> Pane<'a> {
    /// A pane without title, bright where it has the focus.
    #[must_use]
    pub fn new(theme: &'a Theme, focused: bool) -> Self {
        let border = if focused { Role::BorderFocus } else { Role::Border };
        Self { theme, title: &[], remark: None, border }
    }

    /// What is left inside the border.
    #[must_use]
    pub fn inner(area: Rect) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    /// Clears the area, draws the pane on it, and returns the inside.
    pub(crate) fn overlay(&self, area: Rect, buf: &mut Buffer) -> Rect {
        let area = area.intersection(buf.area);
        clear(area, self.theme, buf);
        self.render(area, buf);
        Self::inner(area)
    }
}

impl Widget for &Pane<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.width < 2 || area.height < 2 {
            return;
        }
        Block::bordered().border_set(border::ROUNDED).border_style(self.theme.style(self.border)).render(area, buf);
        if area.width < 8 {
            return;
        }
        let line = Rect::new(area.x + 2, area.y, area.width - 4, 1);
        title_line(self.theme, self.title, self.remark, line, buf);
    }
}

/// A line across, such as under the tabs, or in place of a border where panes are stacked.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// [`Role::Border`], or [`Role::BorderFocus`] where it heads the pane that keys go to.
    pub role: Role,
}

impl Widget for &Rule<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        Pen::new(buf, self.theme, area, 0).rule(0, self.role);
    }
}

/// Writes a title and a remark over a border's top line.
pub(crate) fn title_line(
    theme: &Theme,
    title: &[(&str, Role)],
    remark: Option<(&str, Role)>,
    line: Rect,
    buf: &mut Buffer,
) {
    let first = title.first().map_or(0, |(text, _)| super::text::width(text).min(16));
    let mut pen = Pen::new(buf, theme, line, 0);
    if let Some((text, role)) = remark {
        let padded = format!(" {text} ");
        if usize::from(pen.left()) > super::text::width(&padded) + first + 3 {
            pen.at_end(&padded, role);
        }
    }
    if !title.is_empty() {
        pen.gap_blank();
        for (text, role) in title {
            if pen.left() > 1 {
                let room = usize::from(pen.left() - 1);
                let cut = super::text::cut(text, room).into_owned();
                pen.put(&cut, *role);
            }
        }
        pen.gap_blank();
    }
}

/// Blanks an area for something that lies on top.
///
/// A wide character that reaches into it from the left is blanked too: the terminal would go on showing it whole, and
/// the first column of the box would be missing.
pub(crate) fn clear(area: Rect, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    for y in area.y..area.bottom() {
        if area.x > buf.area.x
            && let Some(cell) = buf.cell_mut((area.x - 1, y))
            && cell.symbol().width() > 1
        {
            cell.set_symbol(" ");
        }
        for x in area.x..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    buf.set_style(area, theme.style(Role::Overlay));
}

/// A box of at most that size in the middle of the screen.
#[must_use]
pub fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect::new(screen.x + (screen.width - width) / 2, screen.y + (screen.height - height) / 2, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, text_of, theme};

    #[test]
    fn title_and_remark_share_the_top_line_by_rank() {
        let theme = theme();
        let title = [("auth-refactor", Role::Strong), (" · iteration 4", Role::Dim)];
        let pane = Pane { title: &title, remark: Some(("run/auth", Role::Branch)), ..Pane::new(&theme, true) };
        assert_eq!(draw(&pane, 48, 2)[0], "╭─ auth-refactor · iteration 4 ───── run/auth ─╮");
        assert_eq!(draw(&pane, 26, 2)[0], "╭─ auth-refactor · ite… ─╮");
        let buf = paint(&pane, 48, 3);
        assert!(has_role(&buf, "╭", Role::BorderFocus) && has_role(&buf, "run/auth", Role::Branch));
        hold_at_all_sizes(&pane);
        let rule = Rule { theme: &theme, role: Role::Border };
        assert_eq!(draw(&rule, 5, 2), ["─────", ""]);
        hold_at_all_sizes(&rule);
    }

    #[test]
    fn a_box_over_a_wide_character_keeps_its_border() {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 3));
        for y in 0..3 {
            buf.set_string(0, y, "日本語日本語", theme.style(Role::Text));
        }
        Pane::new(&theme, false).overlay(Rect::new(3, 0, 5, 3), &mut buf);
        assert_eq!(text_of(&buf)[1], "日 │   │本語");
        assert_eq!(centred(Rect::new(0, 0, 10, 5), 40, 3), Rect::new(0, 1, 10, 3));
    }
}
