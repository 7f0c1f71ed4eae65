//! The help for this place: what each key does here, and why some do nothing.
//! See [`Help`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::pane::{Pane, centred};
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct HelpKey<'a> {
    /// The key as it is written.
    pub key: &'a str,
    /// What it does.
    pub says: &'a str,
    /// Why it does not apply now.
    pub disabled: Option<&'a str>,
}

impl HelpKey<'_> {
    fn role(&self, enabled: Role) -> Role {
        if self.disabled.is_some() { Role::Disabled } else { enabled }
    }

    /// As many of its names as have room, the first at least.
    fn names(&self) -> &str {
        let ends = self.key.match_indices(' ').map(|(at, _)| at).chain([self.key.len()]);
        let fitting = |end: &usize| self.key.get(..*end).is_some_and(|names| text::width(names) <= usize::from(KEYS));
        let end = ends.clone().rfind(fitting).or_else(|| ends.clone().next());
        end.and_then(|end| self.key.get(..end)).unwrap_or(self.key)
    }
}

/// Keys that belong together.
#[derive(Debug, Clone, Copy)]
pub struct HelpGroup<'a> {
    /// What they are about.
    pub title: &'a str,
    /// The keys.
    pub keys: &'a [HelpKey<'a>],
}

/// The overlay's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct Help<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// Where one is, such as `Loops`.
    pub place: &'a str,
    /// The keys by group.
    pub groups: &'a [HelpGroup<'a>],
    /// Rows that are scrolled out at the top.
    pub scroll: usize,
}

/// A row of one column of the overlay.
enum Row<'a> {
    Title(&'a str),
    Key(&'a HelpKey<'a>, String),
    /// What did not fit on the key's row.
    More(String, Role),
    Blank,
}

/// A column narrower than this is hard to read.
const COLUMN: u16 = 44;

impl<'a> Help<'a> {
    /// How many rows can be scrolled out on a screen of that size.
    #[must_use]
    pub fn most_scroll(&self, screen: Rect) -> usize {
        let (_, inside, columns) = self.place_on(screen);
        let longest = columns.iter().map(Vec::len).max().unwrap_or_default();
        longest.saturating_sub(usize::from(inside.height))
    }

    fn place_on(&self, screen: Rect) -> (Rect, Rect, Vec<Vec<Row<'a>>>) {
        let two = screen.width >= 2 * COLUMN + 8 && self.groups.len() > 1;
        let width = if two { (2 * COLUMN + 14).min(screen.width - 4) } else { (COLUMN + 12).min(screen.width) };
        let per = (width.saturating_sub(4) / if two { 2 } else { 1 }).saturating_sub(1);
        let groups: Vec<_> = self.groups.iter().map(|g| rows_of(g, per)).collect();
        let all: usize = groups.iter().map(Vec::len).sum();
        let mut columns = vec![Vec::new()];
        let mut taken = 0;
        for group in groups {
            // The second column begins with the group that crosses the middle.
            if two && columns.len() == 1 && taken > 0 && taken + group.len() / 2 >= all / 2 {
                columns.push(Vec::new());
            }
            taken += group.len();
            if let Some(last) = columns.last_mut() {
                last.extend(group);
            }
        }
        for column in &mut columns {
            column.pop_if(|row| matches!(row, Row::Blank));
        }
        let longest = columns.iter().map(Vec::len).max().unwrap_or_default();
        let height = u16::try_from(longest).unwrap_or(u16::MAX).saturating_add(2);
        let outer = centred(screen, width, height.min(screen.height.saturating_sub(2).max(3)));
        (outer, Pane::inner(outer), columns)
    }
}

fn rows_of<'a>(group: &HelpGroup<'a>, width: u16) -> Vec<Row<'a>> {
    let mut rows = vec![Row::Title(group.title)];
    for key in group.keys {
        let room = usize::from(width.saturating_sub(KEYS + 3));
        let mut says = text::wrap(key.says, room).into_iter();
        rows.push(Row::Key(key, says.next().unwrap_or_default()));
        rows.extend(says.map(|line| Row::More(line, key.role(Role::Text))));
        if let Some(why) = key.disabled {
            rows.extend(text::wrap(why, room).into_iter().map(|line| Row::More(line, Role::Attention)));
        }
    }
    rows.push(Row::Blank);
    rows
}

/// The columns of the key names.
const KEYS: u16 = 8;

impl Widget for &Help<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 4 || screen.height < 3 {
            return;
        }
        let (outer, inside, columns) = self.place_on(screen);
        let title = [("Keys", Role::Strong), (" · ", Role::Dim), (self.place, Role::Text)];
        let pane = Pane { title: &title, remark: Some(("Esc closes", Role::Dim)), ..Pane::new(self.theme, true) };
        pane.overlay(outer, buf);
        let n = u16::try_from(columns.len()).unwrap_or(1).max(1);
        let per = inside.width / n;
        let longest = columns.iter().map(Vec::len).max().unwrap_or_default();
        let scroll = self.scroll.min(longest.saturating_sub(usize::from(inside.height)));
        for (i, column) in (0u16..).zip(&columns) {
            let area = Rect { x: inside.x + i * per, width: per, ..inside };
            for (y, row) in (0..inside.height).zip(column.iter().skip(scroll)) {
                let mut pen = Pen::new(buf, self.theme, area, y);
                pen.gap(1);
                match row {
                    Row::Title(title) => pen.put(title, Role::Heading),
                    Row::Key(key, says) => pen
                        .field(key.names(), KEYS, Align::Right, key.role(Role::Key))
                        .gap(2)
                        .put(says, key.role(Role::Text)),
                    Row::More(line, role) => pen.gap(KEYS + 2).put(line, *role),
                    Row::Blank => &mut pen,
                };
            }
        }
        let extent = Extent { total: longest, offset: scroll, visible: usize::from(inside.height) };
        scrollbar(self.theme, extent, Rect { x: outer.right() - 1, width: 1, ..inside }, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};

    const GROUPS: [HelpGroup<'static>; 2] = [
        HelpGroup {
            title: "This loop",
            keys: &[
                HelpKey { key: "p", says: "pause after the step", disabled: None },
                HelpKey { key: "r", says: "resume", disabled: Some("fix-ci is running") },
            ],
        },
        HelpGroup {
            title: "Move",
            keys: &[
                HelpKey { key: "j ↓", says: "next loop", disabled: None },
                HelpKey { key: "Enter", says: "zoom the pane", disabled: None },
            ],
        },
    ];

    #[test]
    fn two_columns_where_there_is_room_and_reasons_for_dead_keys() {
        let theme = theme();
        let help = Help { theme: &theme, place: "Loops", groups: &GROUPS, scroll: 0 };
        let wide = shot(&help, 110, 12);
        insta::assert_snapshot!(wide, @"
        ▏
        ▏
        ▏
        ▏    ╭─ Keys · Loops ──────────────────────────────────────────────────────────────────────── Esc closes ─╮
        ▏    │ This loop                                         Move                                             │
        ▏    │        p  pause after the step                         j ↓  next loop                              │
        ▏    │        r  resume                                     Enter  zoom the pane                          │
        ▏    │           fix-ci is running                                                                        │
        ▏    ╰────────────────────────────────────────────────────────────────────────────────────────────────────╯
        ▏
        ▏
        ▏
        ");
        insta::assert_snapshot!(shot(&help, 44, 9), @"
        ▏
        ▏╭─ Keys · Loops ────────────── Esc closes ─╮
        ▏│ This loop                                ┃
        ▏│        p  pause after the step           ┃
        ▏│        r  resume                         ┃
        ▏│           fix-ci is running              │
        ▏│                                          │
        ▏╰──────────────────────────────────────────╯
        ▏
        ");
        let buf = paint(&help, 110, 12);
        assert!(has_role(&buf, "resume", Role::Disabled) && has_role(&buf, "fix-ci is running", Role::Attention));
        assert_eq!((help.most_scroll(Rect::new(0, 0, 110, 30)), help.most_scroll(Rect::new(0, 0, 44, 9))), (0, 3));
        assert!(draw(&Help { scroll: 99, ..help }, 44, 9).concat().contains("zoom the pane"));
        hold_at_all_sizes(&help);
    }

    #[test]
    fn long_words_are_wrapped_and_names_are_left_out_whole() {
        let theme = theme();
        let says = "a page down, or two of them, or as many as there are, and back again if that was too far";
        let keys = [HelpKey { key: "PgDn Space Ctrl-f", says, disabled: None }];
        let help =
            Help { theme: &theme, place: "Loops", groups: &[HelpGroup { title: "Moving", keys: &keys }], scroll: 0 };
        let shown = draw(&help, 60, 12).join("\n");
        assert!(shown.contains("PgDn") && !shown.contains("Space") && !shown.contains('…'), "{shown}");
        assert!(shown.contains("too far"), "{shown}");
    }
}
