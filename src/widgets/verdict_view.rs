//! The critic's verdicts, iteration by iteration, with what changed since the one before.
//! See [`VerdictView`]; [`VerdictView::height`] tells the caller how far it can scroll.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::format;
use super::mark::Mark;
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text;
use super::theme::{Role, Theme};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth saying, no more.
    Nit,
    /// The work cannot be accepted with it.
    Blocking,
}

impl Severity {
    /// One column wide.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Nit => "◦",
            Self::Blocking => "●",
        }
    }

    /// The word on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nit => "nit",
            Self::Blocking => "blocking",
        }
    }

    /// The role of its colour.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Nit => Role::Attention,
            Self::Blocking => Role::Danger,
        }
    }
}

/// What became of a finding since the verdict before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Raised for the first time.
    New,
    /// Raised before and still there.
    StillThere,
    /// Raised again after it was gone.
    Back,
    /// Raised before and no longer.
    Gone,
}

impl Change {
    const fn says(self) -> (&'static str, Role) {
        match self {
            Self::New => ("+ new", Role::Accent),
            Self::StillThere => ("= still there", Role::Attention),
            Self::Back => ("↩ back", Role::Danger),
            Self::Gone => ("✓ gone", Role::Ok),
        }
    }
}

/// One finding of a verdict.
#[derive(Debug, Clone, Copy)]
pub struct FindingRow<'a> {
    /// How grave.
    pub severity: Severity,
    /// The number that it keeps through all verdicts.
    pub number: Option<u32>,
    /// File and line, where it names them.
    pub place: Option<&'a str>,
    /// What it says.
    pub text: &'a str,
    /// What became of it.
    pub change: Change,
    /// What else happened to it, what says most first; as many are shown as have room in one line.
    pub facts: &'a [String],
    /// True for the one the cursor is on.
    pub selected: bool,
}

/// The verdict of one iteration.
#[derive(Debug, Clone, Copy)]
pub struct VerdictBlock<'a> {
    /// The iteration.
    pub iteration: u32,
    /// The state that gives it glyph and colour.
    pub mark: Mark,
    /// The verdict's word: `done`, `continue`, `needs human`, `unknown`, or why there is none.
    pub word: &'a str,
    /// 0 to 1, where it was given.
    pub confidence: Option<f64>,
    /// Who judged; empty where nobody did.
    pub critic: &'a str,
    /// When, as it is to be shown.
    pub when: &'a str,
    /// The critic's summary.
    pub summary: &'a str,
    /// Its findings, and those that are gone.
    pub findings: &'a [FindingRow<'a>],
    /// True where the cursor is on the verdict itself.
    pub selected: bool,
}

/// The props.
#[derive(Debug, Clone, Copy)]
pub struct VerdictView<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The verdicts, the latest first.
    pub blocks: &'a [VerdictBlock<'a>],
    /// Rows that are scrolled out at the top.
    pub scroll: usize,
    /// What to say where there is none.
    pub empty: &'a str,
}

/// A row as pieces; `true` where it belongs to what the cursor is on.
type Row = (Vec<(String, Role)>, bool);

/// Wider lines are hard to read.
const WIDEST: usize = 110;

fn rows_of(block: &VerdictBlock<'_>, width: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut head = vec![
        (format!(" i{}  ", block.iteration), Role::Dim),
        (format!("{} {}", block.mark.glyph(), text::clean(block.word)), block.mark.role()),
    ];
    if let Some(confidence) = block.confidence {
        head.push((format!("  {} sure", format::percent(confidence)), Role::Dim));
    }
    let gone = block.findings.iter().filter(|f| f.change == Change::Gone).count();
    let open = block.findings.len() - gone;
    if open > 0 {
        head.push((format!("  {}", format::plural(open as u64, "finding")), Role::Text));
    }
    if gone > 0 {
        head.push((format!("  {gone} gone"), Role::Ok));
    }
    for word in [block.critic, block.when].into_iter().filter(|word| !word.is_empty()) {
        head.push((format!("  {}", text::clean(word)), Role::Faint));
    }
    rows.push((head, block.selected));
    let room = width.min(WIDEST);
    for line in text::wrap(block.summary, room.saturating_sub(6)) {
        rows.push((vec![(format!("     {line}"), Role::Text)], block.selected));
    }
    for finding in block.findings {
        finding_rows(finding, room, &mut rows);
    }
    rows.push((Vec::new(), false));
    rows
}

fn finding_rows(finding: &FindingRow<'_>, room: usize, rows: &mut Vec<Row>) {
    let gone = finding.change == Change::Gone;
    let tone = if gone { Role::Dim } else { finding.severity.role() };
    let (change, change_role) = finding.change.says();
    let mut head = vec![
        (if finding.selected { "   ▸ " } else { "     " }.to_owned(), Role::Key),
        (format!("{} {}", finding.severity.glyph(), finding.severity.word()), tone),
    ];
    // Where there is little room, place and change come before its number.
    let number = finding.number.map(|number| format!(" #{number}"));
    let number = number.filter(|number| room >= 34 + 12 + text::width(number)).unwrap_or_default();
    let beside = 34 + text::width(&number);
    head.push((number, Role::Dim));
    if let Some(place) = finding.place {
        head.push((
            format!("  {}", text::cut_front(place, room.saturating_sub(beside).max(12))),
            if gone { Role::Dim } else { Role::Path },
        ));
    }
    head.push((format!("  {change}"), change_role));
    rows.push((head, finding.selected));
    let facts = fitting(finding.facts, room.saturating_sub(9));
    if !facts.is_empty() {
        rows.push((vec![(format!("       {facts}"), Role::Dim)], finding.selected));
    }
    for line in text::wrap(finding.text, room.saturating_sub(9)) {
        rows.push((vec![(format!("       {line}"), if gone { Role::Dim } else { Role::Text })], finding.selected));
    }
}

/// The first of these that fit into a line.
fn fitting(facts: &[String], room: usize) -> String {
    let mut line = String::new();
    for fact in facts {
        let more = if line.is_empty() { text::clean(fact).into_owned() } else { format!(", {}", text::clean(fact)) };
        if text::width(&line) + text::width(&more) > room {
            break;
        }
        line.push_str(&more);
    }
    line
}

impl VerdictView<'_> {
    /// The rows all verdicts take at that width.
    #[must_use]
    pub fn height(&self, width: u16) -> usize {
        self.blocks.iter().map(|b| rows_of(b, usize::from(width)).len()).sum()
    }

    /// The finding that the view stands on when `top` is its first row: the one that the cursor is on, else the first with a
    /// place of which a row is there or below; as its block's and its own position.
    #[must_use]
    pub fn finding_at(&self, top: usize, width: u16) -> Option<(usize, usize)> {
        let room = usize::from(width).min(WIDEST);
        let mut row = 0;
        let mut first = None;
        for (at, block) in self.blocks.iter().enumerate() {
            let all = rows_of(block, usize::from(width)).len();
            let heights = block.findings.iter().map(|finding| {
                let mut rows = Vec::new();
                finding_rows(finding, room, &mut rows);
                rows.len()
            });
            let heights: Vec<usize> = heights.collect();
            // The last row of a block is empty.
            let mut end = row + all - 1 - heights.iter().sum::<usize>();
            for (index, (finding, height)) in block.findings.iter().zip(&heights).enumerate() {
                end += height;
                if finding.selected {
                    return Some((at, index));
                }
                if first.is_none() && end > top && finding.place.is_some() {
                    first = Some((at, index));
                }
            }
            row += all;
        }
        first
    }

    /// The rows of what the cursor is on, so that the caller can scroll to them; empty where it is on nothing.
    #[must_use]
    pub fn selected_rows(&self, width: u16) -> Range<usize> {
        let selected: Vec<bool> =
            self.blocks.iter().flat_map(|b| rows_of(b, usize::from(width))).map(|(_, selected)| selected).collect();
        let first = selected.iter().position(|selected| *selected).unwrap_or_default();
        let rows = selected.iter().skip(first).take_while(|selected| **selected).count();
        first..first + rows
    }
}

impl Widget for &VerdictView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if self.blocks.is_empty() {
            for (i, line) in (1u16..).zip(text::wrap(self.empty, usize::from(area.width.saturating_sub(4)))) {
                Pen::new(buf, self.theme, area, i).gap(2).put(&line, Role::Dim);
            }
            return;
        }
        let mut total = 0usize;
        for block in self.blocks {
            for (pieces, selected) in rows_of(block, usize::from(area.width)) {
                if let Some(y) = total.checked_sub(self.scroll).and_then(|y| u16::try_from(y).ok()) {
                    let mut pen = Pen::new(buf, self.theme, area, y).select(selected);
                    for (text, role) in &pieces {
                        pen.put(text, *role);
                    }
                }
                total += 1;
            }
        }
        let extent = Extent { total, offset: self.scroll, visible: usize::from(area.height) };
        scrollbar(self.theme, extent, Rect { x: area.right() - 1, width: 1, ..area }, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};

    const FINDINGS: [FindingRow<'static>; 3] = [
        FindingRow {
            severity: Severity::Blocking,
            number: Some(3),
            facts: &[],
            place: Some("src/auth/session.rs:63"),
            text: "A token whose expiry is exactly now must be refused; `<=` lets it live on.",
            change: Change::StillThere,
            selected: true,
        },
        FindingRow {
            severity: Severity::Nit,
            number: Some(7),
            facts: &[],
            place: None,
            text: "Two clocks are read in one request.",
            change: Change::New,
            selected: false,
        },
        FindingRow {
            severity: Severity::Blocking,
            number: None,
            facts: &[],
            place: Some("src/api.rs:9"),
            text: "No test covers logout.",
            change: Change::Gone,
            selected: false,
        },
    ];

    const BLOCKS: [VerdictBlock<'static>; 2] = [
        VerdictBlock {
            iteration: 4,
            mark: Mark::Held,
            word: "continue",
            confidence: Some(0.8),
            critic: "codex",
            when: "14:02",
            summary: "Close: one boundary is still wrong.",
            findings: &FINDINGS,
            selected: false,
        },
        VerdictBlock {
            iteration: 3,
            mark: Mark::Failed,
            word: "unknown: no verdict could be read",
            confidence: None,
            critic: "codex",
            when: "13:58",
            summary: "",
            findings: &[],
            selected: false,
        },
    ];

    #[test]
    fn the_view_stands_on_the_finding_at_its_top() {
        let theme = theme();
        let unmarked = FINDINGS.map(|finding| FindingRow { selected: false, ..finding });
        let blocks = [VerdictBlock { findings: &unmarked, ..BLOCKS[0] }, BLOCKS[1]];
        let view = VerdictView { theme: &theme, blocks: &blocks, scroll: 0, empty: "" };
        // A head and a summary, then two rows for each finding; the second names no file.
        let stands: Vec<Option<(usize, usize)>> = (0..9).map(|top| view.finding_at(top, 100)).collect();
        let (first, third) = (Some((0, 0)), Some((0, 2)));
        assert_eq!(stands, [first, first, first, first, third, third, third, third, None]);
        let marked = VerdictView { blocks: &BLOCKS, ..view };
        assert_eq!(marked.finding_at(6, 100), first, "the cursor goes before the top");
    }

    #[test]
    fn verdicts_show_findings_and_what_became_of_them() {
        let theme = theme();
        let view = VerdictView { theme: &theme, blocks: &BLOCKS, scroll: 0, empty: "" };
        insta::assert_snapshot!(shot(&view, 60, 14), @"
        ▏ i4  ◔ continue  80% sure  2 findings  1 gone  codex  14:02
        ▏     Close: one boundary is still wrong.
        ▏   ▸ ● blocking #3  src/auth/session.rs:63  = still there
        ▏       A token whose expiry is exactly now must be
        ▏       refused; `<=` lets it live on.
        ▏     ◦ nit #7  + new
        ▏       Two clocks are read in one request.
        ▏     ● blocking  src/api.rs:9  ✓ gone
        ▏       No test covers logout.
        ▏
        ▏ i3  ✗ unknown: no verdict could be read  codex  13:58
        ▏
        ▏
        ▏
        ");
        let buf = paint(&view, 60, 14);
        for (text, role) in
            [("continue", Role::Attention), ("blocking", Role::Danger), ("+ new", Role::Accent), ("✓ gone", Role::Ok)]
        {
            assert!(has_role(&buf, text, role), "{text}");
        }
    }

    #[test]
    fn it_scrolls_by_rows_and_knows_its_height() {
        let theme = theme();
        let view = VerdictView { theme: &theme, blocks: &BLOCKS, scroll: 0, empty: "" };
        let all = draw(&view, 40, 60);
        let height = view.height(40);
        assert!(all[height..].iter().all(String::is_empty));
        let rows = view.selected_rows(40);
        assert_eq!(Some(rows.start), all.iter().position(|r| r.contains('▸')));
        assert_eq!(rows.len(), 4, "its head and its text");
        let head = [VerdictBlock { selected: true, findings: &[], ..BLOCKS[0] }];
        assert_eq!(VerdictView { blocks: &head, ..view }.selected_rows(40), 0..3);
        assert_eq!(VerdictView { blocks: &BLOCKS[1..], ..view }.selected_rows(40), 0..0);
        let scrolled = draw(&VerdictView { scroll: 3, ..view }, 40, 60);
        assert_eq!(scrolled[..height - 3], all[3..height]);
        let past = draw(&VerdictView { scroll: usize::MAX, ..view }, 40, 5).concat();
        assert!(past.chars().all(|c| matches!(c, ' ' | '┃')), "{past}");
        assert!(
            draw(&VerdictView { blocks: &[], empty: "No verdict yet.", ..view }, 40, 5)[1].contains("No verdict yet.")
        );
        hold_at_all_sizes(&view);
    }

    #[test]
    fn what_happened_to_a_finding_is_told_as_far_as_there_is_room() {
        let theme = theme();
        let facts = ["lines not touched", "claimed fixed i12", "gone i13", "raised i2"].map(str::to_owned);
        let findings = [FindingRow { change: Change::Back, facts: &facts, ..FINDINGS[0] }];
        let blocks = [VerdictBlock { findings: &findings, ..BLOCKS[0] }];
        let view = VerdictView { theme: &theme, blocks: &blocks, scroll: 0, empty: "" };
        let at = |width| draw(&view, width, 12).join("\n");
        assert!(at(80).contains("#3  src/auth/session.rs:63  ↩ back"), "{}", at(80));
        assert!(at(80).contains("lines not touched, claimed fixed i12, gone i13, raised i2"), "{}", at(80));
        assert!(at(48).contains("lines not touched, claimed fixed i12") && !at(48).contains("gone"), "{}", at(48));
        assert!(at(30).contains("lines not touched") && !at(30).contains("claimed"), "{}", at(30));
        hold_at_all_sizes(&view);
    }
}
