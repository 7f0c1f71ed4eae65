//! A question with choices, such as before something is destroyed.
//! See [`Dialog`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::pane::{Pane, centred};
use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The key that gives it.
    pub key: &'a str,
    /// What it does.
    pub word: &'a str,
    /// True where it destroys or ends something.
    pub danger: bool,
    /// Why it cannot be chosen.
    pub disabled: Option<&'a str>,
}

/// The dialog's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct Dialog<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The question in a few words.
    pub title: &'a str,
    /// What will happen.
    pub message: &'a str,
    /// The runs, tests or files it is about.
    pub items: &'a [&'a str],
    /// The answers.
    pub choices: &'a [Choice<'a>],
    /// The answer Enter gives, where it gives one.
    pub default: Option<usize>,
    /// True where the question is about losing something.
    pub danger: bool,
}

fn choice_width(choice: &Choice<'_>) -> usize {
    text::width(choice.key) + text::width(choice.word) + 6
}

/// Puts choices on rows of at most that width.
fn choice_rows<'c>(choices: &'c [Choice<'c>], room: usize) -> Vec<Vec<(usize, &'c Choice<'c>)>> {
    let mut rows: Vec<Vec<_>> = vec![Vec::new()];
    let mut used = 0;
    for (i, choice) in choices.iter().enumerate() {
        let wide = choice_width(choice);
        if used > 0 && used + wide > room {
            rows.push(Vec::new());
            used = 0;
        }
        used += wide;
        if let Some(row) = rows.last_mut() {
            row.push((i, choice));
        }
    }
    rows
}

impl Widget for &Dialog<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 8 || screen.height < 3 {
            return;
        }
        let one_row: usize = self.choices.iter().map(choice_width).sum::<usize>() + 4;
        let widest = (screen.width * 3 / 4).max(40).min(screen.width);
        let width = u16::try_from(one_row).unwrap_or(widest).clamp(widest.min(48), widest);
        let room = usize::from(width.saturating_sub(4));
        let message = text::wrap(self.message, room);
        let answers = choice_rows(self.choices, room);
        let tall = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let most_items = screen.height.saturating_sub(tall(message.len() + answers.len() + 5)).max(1);
        let listed = tall(self.items.len()).min(most_items);
        let items_height = listed + u16::from(listed > 0);
        let height = tall(message.len()) + items_height + tall(answers.len()) + 3;
        let outer = centred(screen, width, height);
        let border = if self.danger { Role::Danger } else { Role::BorderAttention };
        let glyph = if self.danger { "⚠ " } else { "? " };
        let title = [(glyph, border), (self.title, Role::Strong)];
        let inside = Pane { title: &title, border, ..Pane::new(self.theme, true) }.overlay(outer, buf);
        // The answers matter most: on a low screen they push the message out.
        let answers_at = inside.height.saturating_sub(tall(answers.len()));
        let mut y = 0;
        for line in message {
            if y < answers_at {
                Pen::new(buf, self.theme, inside, y).gap(1).put(&line, Role::Text);
            }
            y += 1;
        }
        y += u16::from(listed > 0);
        for (i, item) in self.items.iter().take(usize::from(listed)).enumerate() {
            if y < answers_at {
                let more = self.items.len() - i;
                let last = i + 1 == usize::from(listed) && more > 1;
                let text = if last { format!("… and {more} more") } else { (*item).to_owned() };
                Pen::new(buf, self.theme, inside, y).gap(3).put(&text, if last { Role::Dim } else { Role::Strong });
            }
            y += 1;
        }
        for (i, row) in (0u16..).zip(&answers) {
            let mut pen = Pen::new(buf, self.theme, inside, answers_at + i);
            pen.gap(1);
            for (index, choice) in row {
                let (chip, word) = match (choice.disabled.is_some(), choice.danger) {
                    (true, _) => (Role::Disabled, Role::Disabled),
                    (false, true) => (Role::KeyDanger, Role::Text),
                    (false, false) => (Role::KeyChip, Role::Text),
                };
                let word = if self.default == Some(*index) { Role::Strong } else { word };
                pen.put(&format!(" {} ", text::clean(choice.key)), chip).gap(1).put(choice.word, word).gap(3);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, hold_at_all_sizes, paint, shot, style_of, theme};

    const CHOICES: [Choice<'static>; 3] = [
        Choice { key: "p", word: "pause them and quit", danger: false, disabled: None },
        Choice { key: "s", word: "stop them and quit", danger: true, disabled: None },
        Choice { key: "Esc", word: "stay", danger: false, disabled: None },
    ];

    #[test]
    fn a_question_names_what_it_is_about_and_its_answers() {
        let theme = theme();
        let dialog = Dialog {
            theme: &theme,
            title: "Quit with 2 live runs?",
            message: "They are at work. Paused runs go on where they stand when you come back.",
            items: &["auth-refactor", "fix-ci"],
            choices: &CHOICES,
            default: Some(2),
            danger: true,
        };
        insta::assert_snapshot!(shot(&dialog, 84, 12), @"
        ▏
        ▏          ╭─ ⚠ Quit with 2 live runs? ──────────────────────────────────╮
        ▏          │ They are at work. Paused runs go on where they stand when   │
        ▏          │ you come back.                                              │
        ▏          │                                                             │
        ▏          │   auth-refactor                                             │
        ▏          │   fix-ci                                                    │
        ▏          │                                                             │
        ▏          │  p  pause them and quit    s  stop them and quit            │
        ▏          │  Esc  stay                                                  │
        ▏          ╰─────────────────────────────────────────────────────────────╯
        ▏
        ");
        insta::assert_snapshot!(shot(&dialog, 40, 12), @"
        ▏╭─ ⚠ Quit with 2 live runs? ───────────╮
        ▏│ They are at work. Paused runs go on  │
        ▏│ where they stand when you come back. │
        ▏│                                      │
        ▏│   auth-refactor                      │
        ▏│   fix-ci                             │
        ▏│                                      │
        ▏│  p  pause them and quit              │
        ▏│  s  stop them and quit               │
        ▏│  Esc  stay                           │
        ▏╰──────────────────────────────────────╯
        ▏
        ");
        let buf = paint(&dialog, 84, 12);
        assert_eq!(style_of(&buf, " s ").bg, theme.style(Role::KeyDanger).bg);
        assert_eq!(style_of(&buf, " p ").bg, theme.style(Role::KeyChip).bg);
        for height in 5..14 {
            assert!(draw(&dialog, 40, height).concat().contains("stay"), "the answers are kept at {height}");
        }
        let many = ["x"; 90];
        assert!(draw(&Dialog { items: &many, ..dialog }, 60, 14).concat().contains("… and 86 more"));
        hold_at_all_sizes(&dialog);
    }
}
