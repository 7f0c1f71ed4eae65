//! A list with check marks, such as which interrupted runs to resume.
//! See [`Chooser`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::footer::{Hint, draw_hints};
use super::mark::Mark;
use super::pane::{Pane, centred};
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct ChooserRow<'a> {
    /// True where it is chosen.
    pub checked: bool,
    /// Its state.
    pub mark: Mark,
    /// Its name.
    pub name: &'a str,
    /// What else is to be known, such as `i4, gates, 18m ago`.
    pub detail: &'a str,
}

/// The overlay's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct Chooser<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// What is chosen, such as `5 interrupted runs`.
    pub title: &'a str,
    /// A sentence above.
    pub message: &'a str,
    /// The visible rows.
    pub rows: &'a [ChooserRow<'a>],
    /// The one the cursor is on, among them.
    pub selected: usize,
    /// Where they lie among all rows.
    pub extent: Extent,
    /// How many of all rows are chosen.
    pub checked: usize,
    /// The keys below the list.
    pub hints: &'a [Hint<'a>],
}

impl Chooser<'_> {
    /// How many rows are visible on a screen of that size.
    #[must_use]
    pub fn visible_rows(&self, screen: Rect) -> u16 {
        let (_, inside, said) = self.place_on(screen);
        inside.height.saturating_sub(said + 1)
    }

    fn place_on(&self, screen: Rect) -> (Rect, Rect, u16) {
        let width = (screen.width * 3 / 4).clamp(40, 84).min(screen.width);
        let lines = text::wrap(self.message, usize::from(width.saturating_sub(4))).len();
        let said = (u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(1)).min(screen.height / 3);
        let rows = u16::try_from(self.extent.total.max(self.rows.len())).unwrap_or(u16::MAX);
        let height = rows.saturating_add(said + 4).min(screen.height.saturating_sub(2).max(4));
        let outer = centred(screen, width, height);
        (outer, Pane::inner(outer), said)
    }
}

impl Widget for &Chooser<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 8 || screen.height < 4 {
            return;
        }
        let (outer, inside, said) = self.place_on(screen);
        let title = [(self.title, Role::Strong)];
        let chosen = format!("{} of {} chosen", self.checked, self.extent.total.max(self.rows.len()));
        let pane = Pane {
            title: &title,
            remark: Some((&chosen, Role::Dim)),
            border: Role::BorderAttention,
            theme: self.theme,
        };
        pane.overlay(outer, buf);
        for (y, line) in (0..said).zip(text::wrap(self.message, usize::from(inside.width.saturating_sub(2)))) {
            Pen::new(buf, self.theme, inside, y).gap(1).put(&line, Role::Dim);
        }
        let said = said.min(inside.height);
        let list = Rect { y: inside.y + said, height: inside.height.saturating_sub(said + 1), ..inside };
        let names = text::longest(self.rows.iter().map(|r| r.name), (inside.width / 2).max(8));
        for (y, row) in (0..list.height).zip(self.rows) {
            let selected = usize::from(y) == self.selected;
            let mut pen = Pen::new(buf, self.theme, list, y).select(selected);
            pen.put(if selected { "▸" } else { " " }, Role::Key).gap(1);
            let (check, role) = if row.checked { ("[✓]", Role::Ok) } else { ("[ ]", Role::Dim) };
            pen.put(check, role).gap(1).put(row.mark.glyph(), row.mark.role()).gap(1);
            pen.field(row.name, names, Align::Left, Role::Text).gap(2).put(row.detail, Role::Dim);
        }
        scrollbar(self.theme, self.extent, Rect { x: outer.right() - 1, width: 1, ..list }, buf);
        let mut pen = Pen::new(buf, self.theme, inside, inside.height.saturating_sub(1));
        draw_hints(self.hints, pen.gap(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{has_role, hold_at_all_sizes, paint, shot, theme};

    #[test]
    fn chosen_rows_are_ticked() {
        let theme = theme();
        let row =
            ChooserRow { checked: true, mark: Mark::Interrupted, name: "auth-refactor", detail: "i4, gates, 18m ago" };
        let rows = [row, ChooserRow { checked: false, name: "fix-ci", detail: "i1, actor, 2h ago", ..row }];
        let hint = |key, word| Hint { key, word, enabled: true, rank: 0 };
        let hints = [hint("Space", "choose"), hint("Enter", "resume"), hint("Esc", "leave them")];
        let chooser = Chooser {
            theme: &theme,
            title: "Interrupted runs",
            message: "loopdash was ended while these were at work.",
            rows: &rows,
            selected: 1,
            extent: Extent { total: 2, offset: 0, visible: 2 },
            checked: 1,
            hints: &hints,
        };
        insta::assert_snapshot!(shot(&chooser, 64, 12), @"
        ▏
        ▏
        ▏        ╭─ Interrupted runs ─────────── 1 of 2 chosen ─╮
        ▏        │ loopdash was ended while these were at work. │
        ▏        │                                              │
        ▏        │  [✓] ↯ auth-refactor  i4, gates, 18m ago     │
        ▏        │▸ [ ] ↯ fix-ci         i1, actor, 2h ago      │
        ▏        │                                              │
        ▏        │ Space choose  Enter resume  Esc leave them   │
        ▏        ╰──────────────────────────────────────────────╯
        ▏
        ▏
        ");
        assert!(has_role(&paint(&chooser, 64, 12), "[✓]", Role::Ok));
        assert_eq!(chooser.visible_rows(Rect::new(0, 0, 64, 12)), 3);
        hold_at_all_sizes(&chooser);
    }
}
