//! The panes of the detail side as tabs with their keys.
//! See [`Tabs`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// One tab.
#[derive(Debug, Clone, Copy)]
pub struct Tab<'a> {
    /// The key that opens it.
    pub key: &'a str,
    /// Its name.
    pub word: &'a str,
    /// Its name where there is little room.
    pub short: &'a str,
    /// A remark behind the name, such as a count, in that role; the first to go.
    pub badge: Option<(&'a str, Role)>,
}

/// The tabs' props.
#[derive(Debug, Clone, Copy)]
pub struct Tabs<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The tabs in order.
    pub tabs: &'a [Tab<'a>],
    /// The open one.
    pub open: usize,
}

/// The tabs of the design: Output, Diff, Verdict, Tests, Gates, Timeline.
pub const PANES: [Tab<'static>; 6] = [
    Tab { key: "1", word: "Output", short: "Out", badge: None },
    Tab { key: "2", word: "Diff", short: "Diff", badge: None },
    Tab { key: "3", word: "Verdict", short: "Verd", badge: None },
    Tab { key: "4", word: "Tests", short: "Tests", badge: None },
    Tab { key: "5", word: "Gates", short: "Gates", badge: None },
    Tab { key: "6", word: "Timeline", short: "Time", badge: None },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Badges,
    Words,
    Short,
    Tight,
    OpenOnly,
    OpenKey,
}

impl Tabs<'_> {
    fn label(&self, index: usize, tab: &Tab<'_>, detail: Detail) -> String {
        let (key, word, short) = (text::clean(tab.key), text::clean(tab.word), text::clean(tab.short));
        match detail {
            Detail::Badges | Detail::Words => format!(" {key} {word} "),
            Detail::Short => format!(" {key} {short} "),
            Detail::Tight if index != self.open => format!(" {key} {short}"),
            Detail::Tight => format!(" {key} {short} "),
            Detail::OpenOnly if index == self.open => format!(" {key} {short} "),
            Detail::OpenOnly | Detail::OpenKey => format!(" {key} "),
        }
    }

    fn wide(&self, detail: Detail) -> usize {
        let badge = |i: usize, tab: &Tab<'_>| {
            let shown = tab.badge.filter(|_| detail == Detail::Badges);
            shown.map_or(0, |(text, _)| text::width(text) + 1 + usize::from(i == self.open))
        };
        self.tabs.iter().enumerate().map(|(i, tab)| text::width(&self.label(i, tab, detail)) + badge(i, tab)).sum()
    }
}

impl Widget for &Tabs<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        let room = usize::from(pen.left());
        let order = [Detail::Badges, Detail::Words, Detail::Short, Detail::Tight, Detail::OpenOnly];
        let detail = order.into_iter().find(|d| self.wide(*d) <= room).unwrap_or(Detail::OpenKey);
        for (i, tab) in self.tabs.iter().enumerate() {
            let role = if i == self.open { Role::Badge } else { Role::Dim };
            let label = self.label(i, tab, detail);
            if detail == Detail::OpenKey && text::width(&label) > usize::from(pen.left()) {
                break;
            }
            pen.put(&label, role);
            if let Some((badge, tone)) = tab.badge.filter(|_| detail == Detail::Badges) {
                // The open tab is a block of its own colour; a badge must not stick to it.
                pen.gap(u16::from(i == self.open)).put(badge, tone).gap(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, theme};

    #[test]
    fn words_shorten_before_keys_go() {
        let theme = theme();
        let mut panes = PANES;
        panes[2].badge = Some(("2", Role::Danger));
        let tabs = Tabs { theme: &theme, tabs: &panes, open: 1 };
        let shown: Vec<_> = [70, 62, 52, 46, 24, 8].into_iter().map(|w| draw(&tabs, w, 1).concat()).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        1 Output  2 Diff  3 Verdict 2  4 Tests  5 Gates  6 Timeline
        1 Output  2 Diff  3 Verdict 2  4 Tests  5 Gates  6 Timeline
        1 Out  2 Diff  3 Verd  4 Tests  5 Gates  6 Time
        1 Out 2 Diff  3 Verd 4 Tests 5 Gates 6 Time
        1  2 Diff  3  4  5  6
        1  2
        ");
        let buf = paint(&tabs, 70, 1);
        assert!(has_role(&buf, "2 Diff", Role::Badge) && has_role(&buf, "1 Output", Role::Dim));
        hold_at_all_sizes(&tabs);
        hold_at_all_sizes(&Tabs { open: 99, tabs: &[], ..tabs });
    }

    #[test]
    fn the_badge_of_the_open_tab_stands_off() {
        let theme = theme();
        let mut panes = PANES;
        panes[1].badge = Some(("+8", Role::Ok));
        let shown = |open| draw(&Tabs { theme: &theme, tabs: &panes, open }, 80, 1).concat();
        assert!(shown(1).contains("2 Diff  +8"), "{}", shown(1));
        assert!(shown(0).contains("2 Diff +8"), "{}", shown(0));
    }
}
