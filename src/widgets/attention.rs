//! The list of what needs the operator, on top of the screen: each with its reason, the selected one with its evidence and keys.
//! See [`Attention`].

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

/// Something that needs the operator.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its state.
    pub mark: Mark,
    /// Whose it is.
    pub name: &'a str,
    /// Why, in a line.
    pub reason: &'a str,
    /// For how long, as it is to be shown.
    pub age: &'a str,
    /// What it has cost, as it is to be shown; empty where nothing is known.
    pub cost: &'a str,
    /// What is known of it, label and text; wrapped.
    pub evidence: &'a [(&'a str, &'a str)],
    /// The keys that solve it.
    pub keys: &'a [Hint<'a>],
}

/// The overlay's props; it places itself on the screen it is given.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// All entries, the most urgent first.
    pub entries: &'a [Entry<'a>],
    /// The one that keys act on.
    pub selected: usize,
    /// The keys of the list itself.
    pub keys: &'a [Hint<'a>],
}

/// The overlay is no wider than this.
const WIDEST: u16 = 140;
/// A label of the evidence is cut beyond this.
const LABEL: u16 = 16;

enum Row<'a> {
    Blank,
    Head(usize, &'a Entry<'a>),
    Rest(String),
    Fact(&'a str, String),
    Keys(&'a [Hint<'a>]),
}

impl<'a> Attention<'a> {
    /// All rows, and which of them belong to the selected entry.
    fn rows(&self, width: u16) -> (Vec<Row<'a>>, std::ops::Range<usize>) {
        let mut rows = Vec::new();
        let mut chosen = 0..0;
        let narrow = width < 60;
        for (index, entry) in self.entries.iter().enumerate() {
            let from = rows.len();
            rows.push(Row::Head(index, entry));
            let selected = index == self.selected;
            if narrow {
                rows.push(Row::Rest(text::cut(entry.reason, usize::from(width.saturating_sub(5))).into_owned()));
            }
            let lines = || per_line(entry.keys, usize::from(width.saturating_sub(5))).map(Row::Keys);
            // Where there is little room, what can be done comes before why.
            if selected && narrow {
                rows.extend(lines());
            }
            if selected {
                let labels = self.labels(entry);
                let room = usize::from(width.saturating_sub(labels + 8)).max(10);
                for (label, fact) in entry.evidence {
                    for (i, line) in text::wrap(fact, room).into_iter().enumerate() {
                        rows.push(Row::Fact(if i == 0 { label } else { "" }, line));
                    }
                }
                if !narrow {
                    rows.extend(lines());
                }
                chosen = from..rows.len();
            }
            rows.push(Row::Blank);
        }
        rows.pop();
        (rows, chosen)
    }

    fn labels(&self, entry: &Entry<'_>) -> u16 {
        text::longest(entry.evidence.iter().map(|(label, _)| *label), LABEL)
    }

    fn draw_head(&self, index: usize, entry: &Entry<'_>, inside: Rect, y: u16, buf: &mut Buffer) {
        let selected = index == self.selected;
        let mut pen = Pen::new(buf, self.theme, inside, y).select(selected);
        pen.put(if selected { " ▸ " } else { "   " }, Role::Key);
        pen.put(entry.mark.glyph(), entry.mark.role()).gap(1);
        let right = if entry.cost.is_empty() {
            format!("{:>4} ", entry.age)
        } else {
            format!("{:>4}  {:>7} ", entry.age, entry.cost)
        };
        if usize::from(pen.left()) > text::width(&right) + 10 {
            pen.at_end(&right, Role::Dim);
        }
        let narrow = inside.width < 60;
        let name = if narrow { pen.left() } else { pen.left().min(20) };
        pen.field(entry.name, name, Align::Left, Role::Strong);
        if !narrow {
            let room = usize::from(pen.left().saturating_sub(2));
            pen.gap(1).put(&text::cut(entry.reason, room), Role::Text);
        }
    }
}

/// Keys in as many lines as they need, so that none of those that solve something is left out.
fn per_line<'h>(keys: &'h [Hint<'h>], columns: usize) -> impl Iterator<Item = &'h [Hint<'h>]> {
    let mut left = keys;
    std::iter::from_fn(move || {
        let mut used = 0;
        let fits = left.iter().take_while(|hint| {
            used += text::width(hint.key) + text::width(hint.word) + 3;
            used <= columns + 1
        });
        let count = fits.count().max(1).min(left.len());
        let (line, rest) = left.split_at(count);
        left = rest;
        (!line.is_empty()).then_some(line)
    })
}

impl Widget for &Attention<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        if screen.width < 4 || screen.height < 4 {
            return;
        }
        let width = if screen.width < 84 { screen.width } else { (screen.width - 4).min(WIDEST) };
        let (rows, chosen) = self.rows(width.saturating_sub(2));
        let wanted = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(4).max(7);
        let outer = centred(screen, width, wanted.min(screen.height.saturating_sub(1)));
        let count = format!("{}", self.entries.len());
        let title = [("Attention", Role::Strong)];
        let pane = Pane { title: &title, remark: Some((&count, Role::Dim)), ..Pane::new(self.theme, true) };
        let inside = pane.overlay(outer, buf);
        if inside.height < 2 {
            return;
        }
        let body = Rect { height: inside.height - 1, ..inside };
        if self.entries.is_empty() {
            Pen::new(buf, self.theme, body, 1).gap(3).put("nothing needs you", Role::Dim);
        }
        let height = usize::from(body.height);
        // The selected entry in view, its head at the least.
        let top = (chosen.end.saturating_sub(height)).min(chosen.start);
        for (y, row) in (0..body.height).zip(rows.iter().skip(top)) {
            match row {
                Row::Blank => {}
                Row::Head(index, entry) => self.draw_head(*index, entry, body, y, buf),
                Row::Rest(line) => drop(Pen::new(buf, self.theme, body, y).gap(5).put(line, Role::Text)),
                Row::Fact(label, line) => {
                    let labels = self.entries.get(self.selected).map_or(LABEL, |entry| self.labels(entry));
                    let mut pen = Pen::new(buf, self.theme, body, y);
                    pen.gap(5).field(label, labels, Align::Left, Role::Dim).gap(2).put(line, Role::Text);
                }
                Row::Keys(keys) => {
                    let mut pen = Pen::new(buf, self.theme, body, y);
                    pen.gap(5);
                    draw_hints(keys, &mut pen);
                }
            }
        }
        let mut pen = Pen::new(buf, self.theme, inside, inside.height - 1);
        pen.gap(1);
        draw_hints(self.keys, &mut pen);
        let extent = Extent { total: rows.len(), offset: top, visible: height };
        scrollbar(self.theme, extent, Rect::new(outer.right() - 1, body.y, 1, body.height), buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{has_role, hold_at_all_sizes, paint, shot, theme};

    #[test]
    fn the_selected_entry_shows_its_evidence_and_all_its_keys() {
        let theme = theme();
        let hint = |key, word| Hint { key, word, enabled: true, rank: 0 };
        let keys = [
            hint("1", "note"),
            hint("2", "restart the step"),
            Hint { enabled: false, ..hint("3", "stronger agent") },
            hint("4", "skip test"),
            hint("5", "waive test"),
            hint("6", "park"),
        ];
        let evidence =
            [("same failures", "4 iterations fail in the same way: tests (exit 101)"), ("since", "13:21, $1.90")];
        let stuck = Entry {
            mark: Mark::Stuck,
            name: "perf-index",
            reason: "same failures: 4 iterations",
            age: "41m",
            cost: "$3.10",
            evidence: &evidence,
            keys: &keys,
        };
        let asks =
            Entry { mark: Mark::NeedsYou, name: "docs-site", reason: "asks: which?", age: "18m", cost: "", ..stuck };
        let entries = [asks, stuck];
        let list = Attention { theme: &theme, entries: &entries, selected: 1, keys: &[hint("Enter", "go there")] };
        insta::assert_snapshot!(shot(&list, 70, 14));
        assert!(has_role(&paint(&list, 70, 14), "stronger agent", Role::Disabled));
        hold_at_all_sizes(&list);
        let none = Attention { entries: &[], selected: 0, ..list };
        assert!(shot(&none, 60, 10).contains("nothing needs you"));
        hold_at_all_sizes(&none);
    }
}
