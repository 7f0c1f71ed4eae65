//! The phases of an iteration in a row: where it is, how long each took.
//! See [`PhaseStrip`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// Which phase of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseKind {
    /// Worktree and setup command.
    Setup,
    /// The actor works.
    Actor,
    /// The worktree is snapshot.
    Snapshot,
    /// The gates run.
    Gates,
    /// The critic reads.
    Critic,
}

impl PhaseKind {
    /// The word on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Actor => "actor",
            Self::Snapshot => "snapshot",
            Self::Gates => "gates",
            Self::Critic => "critic",
        }
    }

    /// The role of its colour.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Setup => Role::PhaseSetup,
            Self::Actor => Role::PhaseActor,
            Self::Snapshot => Role::PhaseSnapshot,
            Self::Gates => Role::PhaseGates,
            Self::Critic => Role::PhaseCritic,
        }
    }
}

/// One phase of the strip.
#[derive(Debug, Clone, Copy)]
pub struct Phase<'a> {
    /// Which phase.
    pub kind: PhaseKind,
    /// Its state: [`Mark::Waits`], [`Mark::Active`], [`Mark::Passed`], [`Mark::Failed`], [`Mark::Skipped`]
    /// or [`Mark::Interrupted`].
    pub mark: Mark,
    /// How long it took or has taken, as it is to be shown.
    pub duration: Option<&'a str>,
    /// A remark, such as `2/3` gates.
    pub note: Option<&'a str>,
}

/// The strip's props.
#[derive(Debug, Clone, Copy)]
pub struct PhaseStrip<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The phases in order.
    pub phases: &'a [Phase<'a>],
}

/// How much of each phase is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Full,
    Close,
    CurrentTime,
    Words,
    CurrentWord,
    Current,
}

const DETAILS: [Detail; 6] =
    [Detail::Full, Detail::Close, Detail::CurrentTime, Detail::Words, Detail::CurrentWord, Detail::Current];

impl PhaseStrip<'_> {
    /// The columns the strip takes with nothing left out.
    #[must_use]
    pub fn full_width(&self) -> u16 {
        wide(&self.pieces(Detail::Full))
    }

    fn current(&self) -> usize {
        let last_begun = self.phases.iter().rposition(|p| p.mark != Mark::Waits).unwrap_or_default();
        self.phases.iter().position(|p| p.mark == Mark::Active).unwrap_or(last_begun)
    }

    fn pieces(&self, detail: Detail) -> Vec<(String, Role)> {
        let current = self.current();
        let mut pieces = Vec::new();
        for (i, phase) in self.phases.iter().enumerate() {
            let here = i == current;
            if detail == Detail::Current && !here {
                continue;
            }
            if !pieces.is_empty() {
                let reached = phase.mark != Mark::Waits;
                let (line, role) = if reached { ("━━", Role::Gutter) } else { ("──", Role::Border) };
                pieces.push(match detail {
                    Detail::Full => (format!("  {line}  "), role),
                    Detail::CurrentWord | Detail::Current => (" ".to_owned(), role),
                    _ => (" › ".to_owned(), role),
                });
            }
            let glyph = if phase.mark == Mark::Passed { Mark::Info.glyph() } else { phase.mark.glyph() };
            let tone = if phase.mark == Mark::Active { phase.kind.role() } else { phase.mark.role() };
            pieces.push((glyph.to_owned(), tone));
            if detail == Detail::CurrentWord && !here {
                continue;
            }
            let word = match phase.mark {
                Mark::Active => Role::Strong,
                Mark::Waits | Mark::Skipped => Role::Faint,
                Mark::Failed | Mark::Interrupted => phase.mark.role(),
                _ => Role::Text,
            };
            pieces.push((format!(" {}", phase.kind.word()), word));
            let timed =
                matches!(detail, Detail::Full | Detail::Close | Detail::Current) || (here && detail != Detail::Words);
            for extra in [phase.note, phase.duration].into_iter().flatten().filter(|_| timed) {
                pieces.push((format!(" {}", text::clean(extra)), Role::Dim));
            }
            if matches!(phase.mark, Mark::Failed | Mark::Skipped | Mark::Interrupted) && detail == Detail::Full {
                pieces.push((format!(" {}", phase.mark.word()), phase.mark.role()));
            }
        }
        pieces
    }
}

fn wide(pieces: &[(String, Role)]) -> u16 {
    u16::try_from(pieces.iter().map(|(t, _)| text::width(t)).sum::<usize>()).unwrap_or(u16::MAX)
}

impl Widget for &PhaseStrip<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        let mut pieces = Vec::new();
        for detail in DETAILS {
            pieces = self.pieces(detail);
            if wide(&pieces) <= pen.left() {
                break;
            }
        }
        for (text, role) in &pieces {
            pen.put(text, *role);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, style_of, theme};
    use ratatui::style::Modifier;

    fn phase(kind: PhaseKind, mark: Mark, duration: Option<&'static str>) -> Phase<'static> {
        Phase { kind, mark, duration, note: None }
    }

    fn phases() -> [Phase<'static>; 4] {
        [
            phase(PhaseKind::Actor, Mark::Passed, Some("2m41s")),
            phase(PhaseKind::Snapshot, Mark::Passed, Some("0.1s")),
            Phase { note: Some("2/3"), ..phase(PhaseKind::Gates, Mark::Active, Some("38s")) },
            phase(PhaseKind::Critic, Mark::Waits, None),
        ]
    }

    #[test]
    fn it_closes_up_and_keeps_the_current_phase_longest() {
        let theme = theme();
        let phases = phases();
        let strip = PhaseStrip { theme: &theme, phases: &phases };
        let shown: Vec<_> = [80, 60, 50, 45, 24, 16, 6].into_iter().map(|w| draw(&strip, w, 1).concat()).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        ● actor 2m41s  ━━  ● snapshot 0.1s  ━━  ◉ gates 2/3 38s  ──  ○ critic
        ● actor 2m41s › ● snapshot 0.1s › ◉ gates 2/3 38s › ○ critic
        ● actor › ● snapshot › ◉ gates 2/3 38s › ○ critic
        ● actor › ● snapshot › ◉ gates › ○ critic
        ● ● ◉ gates 2/3 38s ○
        ◉ gates 2/3 38s
        ◉ gat…
        ");
        assert_eq!(usize::from(strip.full_width()), text::width(&shown[0]));
        hold_at_all_sizes(&strip);
        hold_at_all_sizes(&PhaseStrip { theme: &theme, phases: &[] });
    }

    #[test]
    fn the_current_phase_is_bold_and_a_failed_one_says_so() {
        let theme = theme();
        let mut phases = phases();
        let buf = paint(&PhaseStrip { theme: &theme, phases: &phases }, 80, 1);
        assert!(style_of(&buf, "gates").add_modifier.contains(Modifier::BOLD));
        assert!(has_role(&buf, "◉", Role::PhaseGates));
        phases[2].mark = Mark::Failed;
        phases[3].mark = Mark::Skipped;
        let strip = PhaseStrip { theme: &theme, phases: &phases };
        assert!(draw(&strip, 90, 1)[0].ends_with("✗ gates 2/3 38s failed  ━━  − critic skipped"));
        assert!(has_role(&paint(&strip, 90, 1), "gates", Role::Danger));
    }
}
