//! What the program says beside its panes: banners, toasts, what to do where there is nothing, and "too small".
//! See [`Banner`], [`Toasts`], [`EmptyState`], [`TooSmall`] and [`Backdrop`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::pane::{Pane, clear};
use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// Paints the ground of the whole screen; drawn first.
#[derive(Debug, Clone, Copy)]
pub struct Backdrop<'a> {
    /// The theme.
    pub theme: &'a Theme,
}

impl Widget for &Backdrop<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        buf.set_style(area.intersection(buf.area), self.theme.style(Role::Background));
    }
}

/// A few lines under the title that stay until their cause is gone.
#[derive(Debug, Clone, Copy)]
pub struct Banner<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// Glyph and colour.
    pub mark: Mark,
    /// What is the matter.
    pub text: &'a str,
    /// The key that does something about it, and what.
    pub key: Option<(&'a str, &'a str)>,
}

/// A banner's margin, its glyph and the space after it.
const BEFORE: u16 = 3;

impl Banner<'_> {
    /// How many rows it would fill on a screen of this width.
    #[must_use]
    pub fn rows(&self, columns: u16) -> u16 {
        let rows = text::wrap(self.text, usize::from(columns.saturating_sub(BEFORE + 1)));
        u16::try_from(rows.len()).unwrap_or(u16::MAX)
    }
}

/// Text in at most `most` rows. What does not fit is left out before the last row, since errors end with their cause.
fn squeeze(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut rows = text::wrap(text, columns);
    if most > 1 && rows.len() > most {
        let rest = rows.split_off(most - 1).join(" ");
        let end = text::cut_front(&rest, columns.saturating_sub(1));
        let end = end.trim_start_matches(|c: char| !c.is_alphanumeric());
        rows.push(format!("… {end}"));
    } else if rows.len() > most {
        rows = vec![text::cut(text, columns).into_owned()];
    }
    rows
}

impl Widget for &Banner<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.ground(Role::Bar).gap(1);
        if let Some((key, word)) = self.key
            && usize::from(pen.left()) > text::width(key) + text::width(word) + 24
        {
            pen.at_end(&format!("{} ", text::clean(word)), Role::Dim);
            pen.at_end(key, Role::Key);
        }
        pen.put(self.mark.glyph(), self.mark.role()).gap(1);
        // The last column stays free, as the first does.
        let columns = usize::from(pen.left().saturating_sub(u16::from(area.height > 1)));
        let rows = squeeze(self.text, columns, usize::from(area.height));
        let mut rows = rows.iter();
        if let Some(first) = rows.next() {
            pen.put(first, self.mark.role());
        }
        for (row, line) in (1..area.height).zip(rows.map(Some).chain(std::iter::repeat(None))) {
            let mut pen = Pen::new(buf, self.theme, area, row);
            pen.ground(Role::Bar).gap(BEFORE).put(line.map_or("", String::as_str), self.mark.role());
        }
    }
}

/// One short message.
#[derive(Debug, Clone, Copy)]
pub struct Toast<'a> {
    /// Glyph and colour.
    pub mark: Mark,
    /// What happened.
    pub text: &'a str,
}

/// Short messages in the lower right corner of the area, the newest at the bottom.
#[derive(Debug, Clone, Copy)]
pub struct Toasts<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The messages, oldest first; those that do not fit are left out.
    pub toasts: &'a [Toast<'a>],
}

impl Widget for &Toasts<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let widest = (area.width / 2).max(32).min(area.width);
        if widest < 12 {
            return;
        }
        let mut bottom = area.bottom();
        for toast in self.toasts.iter().rev() {
            let lines = text::wrap(toast.text, usize::from(widest.saturating_sub(6)));
            let shown = lines.len().min(4);
            let wide = lines.iter().take(shown).map(|l| text::width(l)).max().unwrap_or_default();
            let height = u16::try_from(shown).unwrap_or(4) + 2;
            let width = u16::try_from(wide).unwrap_or(widest).saturating_add(6).min(widest);
            if bottom < area.y + height {
                break;
            }
            let at = Rect::new(area.right() - width, bottom - height, width, height);
            let inside = Pane { border: toast.mark.role(), ..Pane::new(self.theme, false) }.overlay(at, buf);
            for (y, line) in (0..inside.height).zip(&lines) {
                let mut pen = Pen::new(buf, self.theme, inside, y);
                pen.gap(1)
                    .put(if y == 0 { toast.mark.glyph() } else { " " }, toast.mark.role())
                    .gap(1)
                    .put(line, Role::Text);
            }
            bottom -= height;
        }
    }
}

/// What to do where there is nothing to show.
#[derive(Debug, Clone, Copy)]
pub struct EmptyState<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// What there is none of.
    pub title: &'a str,
    /// What it is good for, or why there is none.
    pub text: &'a str,
    /// Keys or commands, and what they do.
    pub steps: &'a [(&'a str, &'a str)],
}

impl Widget for &EmptyState<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let room = usize::from(area.width.saturating_sub(6)).min(64);
        if room < 4 {
            return;
        }
        let lines = text::wrap(self.text, room);
        let rows = u16::try_from(lines.len() + self.steps.len() + 3).unwrap_or(u16::MAX);
        let keys = self.steps.iter().map(|(key, _)| text::width(key)).max().unwrap_or_default();
        let keys = u16::try_from(keys).unwrap_or(u16::MAX).min(area.width / 2);
        let says =
            self.steps.iter().map(|(_, word)| text::width(word)).max().unwrap_or_default() + usize::from(keys) + 2;
        let wide =
            lines.iter().map(|l| text::width(l)).max().unwrap_or_default().max(text::width(self.title)).max(says);
        let wide = u16::try_from(wide).unwrap_or(u16::MAX);
        let left = area.width.saturating_sub(wide) / 2;
        let left = left.clamp(1, area.width);
        let mut y = area.height.saturating_sub(rows) / 3;
        let mut row = |draw: &dyn Fn(&mut Pen<'_, '_>)| {
            let mut pen = Pen::new(buf, self.theme, area, y);
            draw(pen.gap(left));
            y = y.saturating_add(1);
        };
        row(&|pen| {
            pen.put(self.title, Role::Strong);
        });
        row(&|_| {});
        for line in &lines {
            row(&|pen| {
                pen.put(line, Role::Dim);
            });
        }
        row(&|_| {});
        for (key, word) in self.steps {
            row(&|pen| {
                pen.field(key, keys, text::Align::Left, Role::Key).gap(2).put(word, Role::Text);
            });
        }
    }
}

/// What a screen says that is too small for anything else.
#[derive(Debug, Clone, Copy)]
pub struct TooSmall<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The smallest size there is something to see on.
    pub least: (u16, u16),
}

impl Widget for &TooSmall<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        clear(area, self.theme, buf);
        let (width, height) = self.least;
        let lines =
            ["too small".to_owned(), format!("{}x{}", area.width, area.height), format!("needs {width}x{height}")];
        let top = area.height.saturating_sub(3) / 2;
        for (y, line) in (top..area.height).zip(&lines) {
            let left = usize::from(area.width).saturating_sub(text::width(line)) / 2;
            let mut pen = Pen::new(buf, self.theme, area, y);
            pen.gap(u16::try_from(left).unwrap_or_default())
                .put(line, if y == top { Role::Attention } else { Role::Dim });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};

    #[test]
    fn nothing_to_show_says_what_to_do() {
        let theme = theme();
        let steps = [
            ("n", "start a loop from a prompt"),
            ("loopdash init", "write a commented loopdash.toml"),
            ("loopdash demo", "watch seven scripted loops"),
        ];
        let empty = EmptyState {
            theme: &theme,
            title: "No loops here yet",
            text: "This repository has no loopdash.toml, and no run of this box is unfinished.",
            steps: &steps,
        };
        insta::assert_snapshot!(shot(&empty, 70, 12), @"
        ▏
        ▏   No loops here yet
        ▏
        ▏   This repository has no loopdash.toml, and no run of this box is
        ▏   unfinished.
        ▏
        ▏   n              start a loop from a prompt
        ▏   loopdash init  write a commented loopdash.toml
        ▏   loopdash demo  watch seven scripted loops
        ▏
        ▏
        ▏
        ");
        hold_at_all_sizes(&empty);
    }

    #[test]
    fn banners_and_toasts_carry_their_state() {
        let theme = theme();
        let banner = Banner {
            theme: &theme,
            mark: Mark::Held,
            text: "claude is rate limited until 14:40: 2 runs wait",
            key: Some(("t", "try now")),
        };
        assert_eq!(
            draw(&banner, 80, 1),
            [" ◔ claude is rate limited until 14:40: 2 runs wait                    t try now"]
        );
        assert!(draw(&banner, 30, 1)[0].ends_with('…'));
        let long =
            Banner { text: "perf-index waits: cannot start gate tests: Too many open files", key: None, ..banner };
        assert_eq!((long.rows(200), long.rows(40), long.rows(24)), (1, 2, 4));
        assert_eq!(draw(&long, 40, 2), [" ◔ perf-index waits: cannot start gate", "   tests: Too many open files"]);
        // The beginning says who, the end says why.
        assert_eq!(draw(&long, 26, 2), [" ◔ perf-index waits:", "   … Too many open files"]);
        let toasts = [
            Toast { mark: Mark::Done, text: "rate-limiter is done" },
            Toast {
                mark: Mark::Failed,
                text: "the journal of perf-index could not be written: no space left on device",
            },
        ];
        let view = Toasts { theme: &theme, toasts: &toasts };
        insta::assert_snapshot!(shot(&view, 60, 9), @"
        ▏
        ▏                                  ╭────────────────────────╮
        ▏                                  │ ✓ rate-limiter is done │
        ▏                                  ╰────────────────────────╯
        ▏                             ╭─────────────────────────────╮
        ▏                             │ ✗ the journal of perf-index │
        ▏                             │   could not be written: no  │
        ▏                             │   space left on device      │
        ▏                             ╰─────────────────────────────╯
        ");
        assert!(has_role(&paint(&view, 60, 9), "✗", Role::Danger));
        hold_at_all_sizes(&banner);
        hold_at_all_sizes(&long);
        hold_at_all_sizes(&view);
    }

    #[test]
    fn a_tiny_screen_says_so() {
        let theme = theme();
        let small = TooSmall { theme: &theme, least: (20, 5) };
        assert_eq!(draw(&small, 14, 4), ["  too small", "     14x4", "  needs 20x5", ""].map(String::from));
        assert_eq!(draw(&small, 3, 1), ["to…"]);
        hold_at_all_sizes(&small);
        hold_at_all_sizes(&Backdrop { theme: &theme });
    }
}
