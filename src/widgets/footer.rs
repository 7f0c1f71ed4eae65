//! The bottom line: the keys that matter here.
//! See [`Footer`]; what does not fit leaves by rank.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// One key and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint<'a> {
    /// The key as it is written, such as `Enter`.
    pub key: &'a str,
    /// What it does.
    pub word: &'a str,
    /// False where it does not apply now; it is drawn dim.
    pub enabled: bool,
    /// The higher, the earlier it leaves a narrow screen; 0 leaves last.
    pub rank: u8,
}

/// The footer's props.
#[derive(Debug, Clone, Copy)]
pub struct Footer<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The keys in the order they are shown.
    pub hints: &'a [Hint<'a>],
    /// A message that takes the line's place for a while, such as why a key does not apply.
    pub message: Option<(&'a str, Role)>,
}

fn wide(hint: &Hint<'_>) -> usize {
    text::width(hint.key) + text::width(hint.word) + 3
}

/// Which of the hints are shown in that many columns, in order. Disabled ones leave before enabled ones of their rank.
fn fitting<'h>(hints: &'h [Hint<'h>], columns: usize) -> Vec<&'h Hint<'h>> {
    let mut kept: Vec<&Hint<'_>> = hints.iter().collect();
    while kept.iter().map(|h| wide(h)).sum::<usize>() > columns + 1 {
        let worst = kept.iter().enumerate().max_by_key(|(i, h)| (h.rank, !h.enabled, *i)).map(|(i, _)| i);
        match worst {
            Some(index) => kept.remove(index),
            None => break,
        };
    }
    kept
}

/// Writes the hints that fit into what is left of the row.
pub(crate) fn draw_hints(hints: &[Hint<'_>], pen: &mut Pen<'_, '_>) {
    for hint in fitting(hints, usize::from(pen.left())) {
        let (key, word) = if hint.enabled { (Role::Key, Role::Dim) } else { (Role::Disabled, Role::Disabled) };
        pen.put(hint.key, key).gap(1).put(hint.word, word).gap(2);
    }
}

impl Widget for &Footer<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.ground(Role::Bar).gap(1);
        if let Some((message, role)) = self.message {
            pen.put(message, role);
            return;
        }
        draw_hints(self.hints, &mut pen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, theme};

    const fn hint(key: &'static str, word: &'static str, rank: u8) -> Hint<'static> {
        Hint { key, word, enabled: true, rank }
    }

    const HINTS: [Hint<'static>; 6] = [
        hint("p", "pause", 1),
        Hint { key: "r", word: "resume", enabled: false, rank: 2 },
        hint("s", "skip test", 2),
        hint("Enter", "zoom", 3),
        hint(":", "palette", 2),
        hint("?", "help", 0),
    ];

    #[test]
    fn hints_leave_by_rank_and_disabled_ones_first() {
        let theme = theme();
        let footer = Footer { theme: &theme, hints: &HINTS, message: None };
        let shown: Vec<_> = [80, 60, 44, 40, 28, 16, 8, 3].into_iter().map(|w| draw(&footer, w, 1).concat()).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        p pause  r resume  s skip test  Enter zoom  : palette  ? help
        p pause  r resume  s skip test  : palette  ? help
        p pause  s skip test  : palette  ? help
        p pause  s skip test  ? help
        p pause  ? help
        ? help
        ? help
        ");
        let buf = paint(&footer, 80, 1);
        assert!(has_role(&buf, "resume", Role::Disabled) && has_role(&buf, "Enter", Role::Key));
        hold_at_all_sizes(&footer);
    }

    #[test]
    fn a_message_takes_the_line() {
        let theme = theme();
        let footer = Footer {
            theme: &theme,
            hints: &HINTS,
            message: Some(("nothing to resume: fix-ci is running", Role::Attention)),
        };
        assert_eq!(draw(&footer, 30, 1), [" nothing to resume: fix-ci is…"]);
    }
}
