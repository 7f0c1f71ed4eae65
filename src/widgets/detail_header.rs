//! What the detail side is about: loop, iteration and test on its border, phases and agents below.
//! See [`DetailHeader`], which draws over the top border of a pane and one row inside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::pane::title_line;
use super::pen::Pen;
use super::phase_strip::{Phase, PhaseStrip};
use super::text;
use super::theme::{Role, Theme};

/// The header's props. The first row of its area is the pane's top border.
#[derive(Debug, Clone, Copy)]
pub struct DetailHeader<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The run's name.
    pub name: &'a str,
    /// The run's state, with a word of its own where it needs one.
    pub state: Option<(Mark, &'a str)>,
    /// The iteration shown; 0 before the first.
    pub iteration: u32,
    /// Id and title of the test at work.
    pub test: Option<(&'a str, &'a str)>,
    /// The run's branch.
    pub branch: Option<&'a str>,
    /// Actor and critic.
    pub agents: Option<(&'a str, &'a str)>,
    /// What the run has used, in words: the whole of it first, then less; the first that there is room for is shown.
    pub used: &'a [String],
    /// True where the run works in the operator's own checkout.
    pub in_place: bool,
    /// True where another loopdash owns the run.
    pub read_only: bool,
    /// The phases of the iteration.
    pub phases: &'a [Phase<'a>],
}

impl DetailHeader<'_> {
    fn title(&self, line: Rect, buf: &mut Buffer) {
        let iteration = match self.iteration {
            0 => String::new(),
            n if line.width < 60 => format!(" i{n}"),
            n => format!(" · iteration {n}"),
        };
        let (id, title) = self.test.map_or_else(Default::default, |(id, title)| {
            let room = usize::from(line.width).saturating_sub(64);
            (
                format!(" · {}", text::clean(id)),
                if room < 8 { String::new() } else { format!(" {}", text::clean(title)) },
            )
        });
        let mut pieces = vec![(self.name, Role::Strong), (iteration.as_str(), Role::Dim)];
        if line.width >= 40 {
            pieces.extend([(id.as_str(), Role::Text), (title.as_str(), Role::Dim)]);
        }
        let pieces: Vec<_> = pieces.into_iter().filter(|(text, _)| !text.is_empty()).collect();
        // The test's id outranks the branch.
        let id_end = text::width(self.name) + text::width(&iteration) + text::width(&id) + 2;
        let branch = self.branch.filter(|b| line.width < 40 || id_end + text::width(b) + 4 < usize::from(line.width));
        title_line(self.theme, &pieces, branch.map(|b| (b, Role::Branch)), line, buf);
    }

    /// Badges a person must not miss, widest first.
    fn badges(&self) -> Vec<(&'static str, Role)> {
        let mut badges = Vec::new();
        if self.in_place {
            badges.push((" IN PLACE: your checkout ", Role::KeyDanger));
        }
        if self.read_only {
            badges.push((" READ-ONLY: another loopdash ", Role::Badge));
        }
        badges
    }
}

impl Widget for &DetailHeader<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.width < 6 || area.height == 0 {
            return;
        }
        self.title(Rect::new(area.x + 2, area.y, area.width - 4, 1), buf);
        let inside = Rect::new(area.x + 2, area.y, area.width - 4, area.height);
        let strip = PhaseStrip { theme: self.theme, phases: self.phases };
        let mut pen = Pen::new(buf, self.theme, inside, 1);
        // A loud badge outranks the strip: it may shorten it, agents and state may not.
        for (badge, role) in self.badges() {
            let short = badge.split(':').next().unwrap_or(badge);
            if !(pen.left() >= 60 && pen.at_end(badge, role)) {
                pen.at_end(&format!("{short} "), role);
            }
        }
        let room = |pen: &Pen<'_, '_>, text: &str, beside: usize| {
            usize::from(pen.left()) > usize::from(strip.full_width()) + text::width(text) + beside + 2
        };
        let state = self.state.map(|(mark, word)| (mark, format!("{} {}", mark.glyph(), text::clean(word))));
        // How the run stands outranks who works on it, and that what they have used.
        let stands = state.as_ref().map_or(0, |(_, state)| text::width(state) + 1);
        if let Some((actor, critic)) = self.agents {
            let agents = format!("{} › {}", text::clean(actor), text::clean(critic));
            if room(&pen, &agents, stands) {
                pen.at_end(&agents, Role::Dim);
            }
        }
        for used in self.used.iter().map(|used| format!(" {} ", text::clean(used))) {
            if room(&pen, &used, stands) {
                pen.at_end(&used, Role::Dim);
                break;
            }
        }
        if let Some((mark, state)) = state {
            if self.phases.is_empty() {
                pen.put(&state, mark.role());
            } else if room(&pen, &state, 0) {
                pen.at_end(&state, mark.role());
            }
        }
        let rest =
            Rect::new(pen.column(), inside.y.saturating_add(1), pen.left(), inside.height.saturating_sub(1).min(1));
        strip.render(rest, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::pane::Pane;
    use crate::widgets::phase_strip::PhaseKind;
    use crate::widgets::testing::{hold_at_all_sizes, style_of, text_of, theme};

    const PHASES: [Phase<'static>; 3] = [
        Phase { kind: PhaseKind::Actor, mark: Mark::Passed, duration: Some("2m41s"), note: None },
        Phase { kind: PhaseKind::Gates, mark: Mark::Active, duration: Some("38s"), note: None },
        Phase { kind: PhaseKind::Critic, mark: Mark::Waits, duration: None, note: None },
    ];

    fn header(theme: &Theme) -> DetailHeader<'_> {
        DetailHeader {
            theme,
            name: "auth-refactor",
            state: None,
            iteration: 4,
            test: Some(("CP-SPEC-005", "session tokens expire")),
            branch: Some("run/auth-refactor"),
            agents: Some(("claude", "codex")),
            used: &[],
            in_place: false,
            read_only: false,
            phases: &PHASES,
        }
    }

    fn shown(header: &DetailHeader<'_>, width: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, 3);
        let mut buf = Buffer::empty(area);
        (&Pane::new(header.theme, true)).render(area, &mut buf);
        header.render(area, &mut buf);
        text_of(&buf).into_iter().take(2).collect()
    }

    #[test]
    fn it_says_less_on_less_room() {
        let theme = theme();
        let rows: Vec<_> = [104, 80, 50, 30].into_iter().flat_map(|w| shown(&header(&theme), w)).collect();
        insta::assert_snapshot!(rows.join("\n"), @"
        ╭─ auth-refactor · iteration 4 · CP-SPEC-005 session tokens expire ──────────────── run/auth-refactor ─╮
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic                                          claude › codex │
        ╭─ auth-refactor · iteration 4 · CP-SPEC-005 session tok… ─ run/auth-refactor ─╮
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic                  claude › codex │
        ╭─ auth-refactor i4 · CP-SPEC-005 ───────────────╮
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic   │
        ╭─ auth-refactor i4 ─────────╮
        │ ● ◉ gates 38s ○            │
        ");
        hold_at_all_sizes(&header(&theme));
    }

    #[test]
    fn what_it_has_used_is_told_as_far_as_there_is_room() {
        let theme = theme();
        let used = ["12k in 40k cached 1.9k out $0.03", "14k tok $0.03"].map(str::to_owned);
        let header = DetailHeader { state: Some((Mark::Active, "running")), used: &used, ..header(&theme) };
        let rows: Vec<_> = [130, 105, 90, 70].into_iter().map(|width| shown(&header, width).remove(1)).collect();
        insta::assert_snapshot!(rows.join("\n"), @"
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic                       ◉ running  12k in 40k cached 1.9k out $0.03  claude › codex │
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic                 ◉ running  14k tok $0.03  claude › codex │
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic                  ◉ running claude › codex │
        │ ● actor 2m41s  ━━  ◉ gates 38s  ──  ○ critic             ◉ running │
        ");
        hold_at_all_sizes(&header);
    }

    #[test]
    fn a_run_in_place_is_loud_at_any_width() {
        let theme = theme();
        let header = DetailHeader { in_place: true, ..header(&theme) };
        for width in [30, 50, 80, 120] {
            assert!(shown(&header, width)[1].contains(" IN PLACE"), "{width}");
        }
        let area = Rect::new(0, 0, 120, 3);
        let mut buf = Buffer::empty(area);
        header.render(area, &mut buf);
        assert_eq!(style_of(&buf, "IN PLACE").bg, theme.style(Role::KeyDanger).bg);
    }
}
