//! The gates of a run: a row per gate, a column per iteration, the tail of the selected one below.
//! See [`GateTable`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::matrix::{self, Room};
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};
use super::transcript::{Anchor, StyledLine, Transcript};

/// What a gate said in one iteration.
#[derive(Debug, Clone, Copy)]
pub struct GateCell {
    /// Passed, failed, running, flaky, or nothing.
    pub mark: Mark,
    /// How many failures, where they were counted.
    pub failures: Option<u32>,
    /// Whether it lets an iteration through that weakened tests.
    pub doubtful: bool,
}

impl GateCell {
    fn text(&self) -> String {
        match self.failures.filter(|n| *n > 0) {
            _ if self.doubtful => format!("{}{DOUBT}", self.mark.glyph()),
            Some(n) => format!("{}{n}", self.mark.glyph()),
            None => self.mark.glyph().to_owned(),
        }
    }

    const fn role(&self) -> Role {
        if self.doubtful { Role::Attention } else { self.mark.role() }
    }
}

/// Stands behind a result that is not to be taken at its face value.
const DOUBT: &str = "⚠";

/// One gate.
#[derive(Debug, Clone, Copy)]
pub struct GateRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it checks; empty where nobody said so.
    pub kind: &'a str,
    /// What it runs.
    pub command: &'a str,
    /// False where its failure does not count.
    pub required: bool,
    /// Its results, as many as [`GateTable::iterations`].
    pub cells: &'a [GateCell],
    /// How long the last run took or has taken.
    pub duration: Option<&'a str>,
    /// The state of the last run, and a word for it such as `exit 101` or `timed out`.
    pub last: (Mark, &'a str),
    /// Whether that lets an iteration through that weakened tests.
    pub doubtful: bool,
    /// True for the row whose tail is shown.
    pub selected: bool,
}

/// The table's props.
#[derive(Debug, Clone, Copy)]
pub struct GateTable<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The heads of the iteration columns; the latest that fit are shown.
    pub iterations: &'a [&'a str],
    /// The visible gates.
    pub rows: &'a [GateRow<'a>],
    /// Where they lie among all gates.
    pub extent: Extent,
    /// The title of the tail, such as `tests i4, exit 101`.
    pub tail_title: &'a str,
    /// The last lines of the selected gate's output.
    pub tail: &'a [StyledLine],
    /// What to say where there is no gate.
    pub empty: &'a str,
}

/// The room for the rows and for the tail. The first line is the head.
#[must_use]
pub fn gate_areas(area: Rect, gates: usize) -> (Rect, Rect) {
    let head = area.height.min(1);
    let left = area.height - head;
    let wanted = u16::try_from(gates).unwrap_or(u16::MAX).max(1);
    let rows = wanted.min(if left >= 6 { left / 2 } else { left });
    let top = area.y + head;
    (Rect { y: top, height: rows, ..area }, Rect { y: top + rows, height: left - rows, ..area })
}

#[derive(Clone, Copy)]
struct Columns {
    name: u16,
    kind: u16,
    command: u16,
    cells: u16,
    duration: u16,
    last: u16,
}

impl GateTable<'_> {
    /// Ranked: name, last result, the latest iterations, how long it took, what it checks, the command.
    fn columns(&self, width: u16, heads: &[&str]) -> Columns {
        let name = text::longest(self.rows.iter().map(|r| r.name), 16).max(5).min(width.saturating_sub(3));
        let mut room = Room(width.saturating_sub(3 + name));
        let doubt = u16::from(self.rows.iter().any(|r| r.doubtful));
        let last = match room.take(text::longest(self.rows.iter().map(|r| r.last.1), 16).max(6) + 2 + doubt, 0) {
            0 => room.take(1, 0),
            wide => wide,
        };
        let all = u16::try_from(matrix::full_width(heads)).unwrap_or(u16::MAX);
        let some = all.min((width / 3).max(12)).min(room.0.saturating_sub(2));
        let cells = if some < 3 { 0 } else { room.take(some, 1) };
        let duration = room.take(6, 2);
        let kind = room.take(text::longest(self.rows.iter().map(|r| r.kind), 8), 0);
        let command = text::longest(self.rows.iter().map(|r| r.command), 50).min(room.0.saturating_sub(2));
        Columns { name, kind, command: if command < 8 { 0 } else { command }, cells, duration, last }
    }

    fn draw_row(&self, row: &GateRow<'_>, heads: &[&str], c: Columns, mut pen: Pen<'_, '_>) {
        pen.put(if row.selected { "▸" } else { " " }, Role::Key).gap(1);
        pen.field(row.name, c.name, Align::Left, if row.selected { Role::Strong } else { Role::Text }).gap(1);
        if c.kind > 0 {
            pen.field(row.kind, c.kind, Align::Left, Role::Dim).gap(1);
        }
        if c.command > 0 {
            pen.field(row.command, c.command, Align::Left, Role::Dim).gap(1);
        }
        if c.cells > 0 {
            let texts: Vec<String> = row.cells.iter().map(GateCell::text).collect();
            let shown = texts.iter().zip(row.cells).map(|(t, c)| (t.as_str(), c.role()));
            matrix::cells(&mut pen, heads, shown, c.cells);
            pen.gap(1);
        }
        if c.duration > 0 {
            pen.field(row.duration.unwrap_or_default(), c.duration, Align::Right, Role::Dim).gap(1);
        }
        let (mark, word) = row.last;
        let doubt = row.doubtful || (!row.required && mark == Mark::Failed);
        let role = if doubt { Role::Attention } else { mark.role() };
        pen.put(mark.glyph(), role);
        if row.doubtful && c.last > 1 {
            pen.put(DOUBT, role);
        }
        if c.last > 1 {
            pen.gap(1).put(word, role);
            if !row.required && usize::from(pen.left()) > 10 {
                pen.put(", advisory", Role::Dim);
            }
        }
    }

    fn draw_tail(&self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.put("─ ", Role::Border).put(self.tail_title, Role::Strong).gap(1).rule(0, Role::Border);
        let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
        let tail = Transcript {
            theme: self.theme,
            lines: self.tail,
            anchor: Anchor::Bottom,
            wrap: true,
            column: 0,
            hits: &[],
            extent: Extent::default(),
            follow: None,
            empty: "it printed nothing",
        };
        (&tail).render(rest, buf);
    }
}

impl Widget for &GateTable<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if self.rows.is_empty() {
            for (i, line) in (1u16..).zip(text::wrap(self.empty, usize::from(area.width.saturating_sub(4)))) {
                Pen::new(buf, self.theme, area, i).gap(2).put(&line, Role::Dim);
            }
            return;
        }
        // A count such as `✗12` is wider than `i4`.
        let wide: Vec<String> =
            self.iterations.iter().map(|h| text::fit(h, text::width(h).max(3), Align::Right)).collect();
        let heads: Vec<&str> = wide.iter().map(String::as_str).collect();
        let (rows, below) = gate_areas(area, self.extent.total.max(self.rows.len()));
        let columns = self.columns(area.width, &heads);
        let mut pen = Pen::new(buf, self.theme, area, 0);
        let more = [columns.kind, columns.command].into_iter().filter(|wide| *wide > 0).map(|wide| wide + 1);
        let lead = columns.name + more.sum::<u16>();
        pen.gap(2).field("gate", lead, Align::Left, Role::Dim).gap(1);
        if columns.cells > 0 {
            matrix::head(&mut pen, &heads, columns.cells);
            pen.gap(1);
        }
        if columns.duration > 0 {
            pen.field("took", columns.duration, Align::Right, Role::Dim).gap(1);
        }
        if columns.last > 1 {
            pen.put("last", Role::Dim);
        }
        for (i, row) in (0..rows.height).zip(self.rows) {
            let pen = Pen::new(buf, self.theme, rows, i).select(row.selected);
            self.draw_row(row, &heads, columns, pen);
        }
        scrollbar(self.theme, self.extent, Rect { x: area.right() - 1, width: 1, ..rows }, buf);
        if below.height > 1 {
            let gap = u16::from(below.height > 6);
            self.draw_tail(Rect { y: below.y + gap, height: below.height - gap, ..below }, buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};
    use crate::widgets::transcript::Stream;

    const fn cell(mark: Mark, failures: Option<u32>) -> GateCell {
        GateCell { mark, failures, doubtful: false }
    }

    const CELLS: [GateCell; 3] = [cell(Mark::Failed, Some(12)), cell(Mark::Failed, Some(2)), cell(Mark::Passed, None)];

    const ROW: GateRow<'static> = GateRow {
        name: "tests",
        kind: "",
        command: "cargo test -p auth",
        required: true,
        cells: &CELLS,
        duration: Some("14s"),
        last: (Mark::Passed, "exit 0"),
        doubtful: false,
        selected: true,
    };

    #[test]
    fn a_green_in_an_iteration_that_weakened_tests_is_doubtful() {
        let theme = theme();
        let cells = [cell(Mark::Passed, None), GateCell { doubtful: true, ..cell(Mark::Passed, None) }];
        let rows = [GateRow { cells: &cells, last: (Mark::Passed, "passed, 84.2 %"), doubtful: true, ..ROW }];
        let table = GateTable {
            theme: &theme,
            iterations: &["i1", "i2"],
            rows: &rows,
            extent: Extent { total: 1, offset: 0, visible: 1 },
            tail_title: "",
            tail: &[],
            empty: "",
        };
        let shown: Vec<_> = [60, 40, 16].into_iter().flat_map(|w| draw(&table, w, 2)[1..].to_vec()).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        ▸ tests cargo test -p au…   ✓  ✓⚠    14s ✓⚠ passed, 84.2 %
        ▸ tests   ✓  ✓⚠ ✓⚠ passed, 84.2 %
        ▸ tests  ✓⚠  ✓
        ");
        let buf = paint(&table, 60, 2);
        assert!(has_role(&buf, "✓⚠", Role::Attention));
        hold_at_all_sizes(&table);
    }

    const ROWS: [GateRow<'static>; 3] = [
        ROW,
        GateRow {
            name: "types",
            command: "tsc --noEmit",
            cells: &[cell(Mark::Passed, None), cell(Mark::Nothing, None), cell(Mark::Active, None)],
            last: (Mark::Active, "running"),
            selected: false,
            ..ROW
        },
        GateRow {
            name: "deny",
            kind: "audit",
            command: "cargo deny check",
            required: false,
            last: (Mark::Failed, "timed out"),
            selected: false,
            ..ROW
        },
    ];

    #[test]
    fn gates_by_iterations_with_the_tail_below() {
        let theme = theme();
        let tail = [
            StyledLine::plain(Stream::Out, "test result: ok. 41 passed"),
            StyledLine::plain(Stream::Err, "warning: slow"),
        ];
        let table = GateTable {
            theme: &theme,
            iterations: &["base", "i1", "i2"],
            rows: &ROWS,
            extent: Extent { total: 3, offset: 0, visible: 3 },
            tail_title: "tests i2, exit 0",
            tail: &tail,
            empty: "",
        };
        insta::assert_snapshot!(shot(&table, 76, 10), @"
        ▏  gate                           base  i1  i2   took last
        ▏▸ tests       cargo test -p auth  ✗12  ✗2   ✓    14s ✓ exit 0
        ▏  types       tsc --noEmit          ✓   ·   ◉    14s ◉ running
        ▏  deny  audit cargo deny check    ✗12  ✗2   ✓    14s ✗ timed out, advisory
        ▏─ tests i2, exit 0 ─────────────────────────────────────────────────────────
        ▏   test result: ok. 41 passed
        ▏ ┃ warning: slow
        ▏
        ▏
        ▏
        ");
        let shown: Vec<_> = [44, 30, 16].into_iter().flat_map(|w| draw(&table, w, 4)[..3].to_vec()).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
          gate  base  i1  i2   took last
        ▸ tests  ✗12  ✗2   ✓    14s ✓ exit 0
          types    ✓   ·   ◉    14s ◉ running
          gate   i1  i2  last
        ▸ tests  ✗2   ✓  ✓ exit 0
          types   ·   ◉  ◉ running
          gate   i2
        ▸ tests   ✓  ✓
          types   ◉  ◉
        ");
        let buf = paint(&table, 76, 10);
        for (text, role) in
            [("✗12", Role::Danger), ("◉", Role::Running), ("timed out", Role::Attention), ("warning", Role::Stderr)]
        {
            assert!(has_role(&buf, text, role), "{text}");
        }
        hold_at_all_sizes(&table);
        hold_at_all_sizes(&GateTable { rows: &[], tail: &[], empty: "No gates: only the critic judges.", ..table });
    }
}
