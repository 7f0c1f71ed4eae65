//! The tests of a run: state, tries and dependencies, a column per iteration, the selected one explained below.
//! See [`TestTable`]; rows are the visible ones.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::matrix::{self, Room};
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};

/// One test.
#[derive(Debug, Clone, Copy)]
pub struct TestRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its state.
    pub mark: Mark,
    /// A word that says more than the state, such as `waits for CP-003`.
    pub word: Option<&'a str>,
    /// What each iteration made of it, as many as [`TestTable::iterations`].
    pub cells: &'a [Mark],
    /// Attempts so far and at most.
    pub tries: (u32, u32),
    /// Ids it depends on, as they are to be shown.
    pub needs: &'a str,
    /// True for the row the keys act on.
    pub selected: bool,
}

/// What there is to say about the selected test.
#[derive(Debug, Clone, Copy)]
pub struct TestDetail<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its state and a sentence about it, such as `blocked after 3 attempts`.
    pub state: (Mark, &'a str),
    /// Its acceptance criteria.
    pub criteria: &'a [&'a str],
    /// The command that verifies it.
    pub verify: Option<&'a str>,
    /// What went wrong last.
    pub last_error: Option<&'a str>,
    /// Ids of the tests that wait for it.
    pub dependents: &'a str,
}

/// The table's props.
#[derive(Debug, Clone, Copy)]
pub struct TestTable<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The heads of the iteration columns, such as `base`, `i1`, `i2`; the latest that fit are shown.
    pub iterations: &'a [&'a str],
    /// The visible tests.
    pub rows: &'a [TestRow<'a>],
    /// Where they lie among all tests.
    pub extent: Extent,
    /// The selected test, where it is to be explained.
    pub detail: Option<TestDetail<'a>>,
    /// What to say where there is no test.
    pub empty: &'a str,
}

/// The room for the rows and for the detail, in an area of that height with so many tests. The first line is the head.
#[must_use]
pub fn test_areas(area: Rect, tests: usize, detail: bool) -> (Rect, Rect) {
    let head = area.height.min(1);
    let left = area.height - head;
    let wanted = u16::try_from(tests).unwrap_or(u16::MAX).max(1);
    let rows = if detail && left >= 8 { wanted.min(left - (left * 2 / 5).max(5)) } else { left };
    let below = if detail && left >= 8 { left - rows } else { 0 };
    let top = area.y + head;
    (Rect { y: top, height: rows, ..area }, Rect { y: top + rows, height: below, ..area })
}

#[derive(Clone, Copy)]
struct Columns {
    id: u16,
    title: u16,
    cells: u16,
    tries: u16,
    needs: u16,
    state: u16,
}

impl TestTable<'_> {
    /// Ranked: id, state, tries, the latest iterations, title, what it needs.
    fn columns(&self, width: u16) -> Columns {
        let id = text::longest(self.rows.iter().map(|r| r.id), 16).max(4).min(width.saturating_sub(3));
        let mut room = Room(width.saturating_sub(3 + id));
        let words = text::longest(self.rows.iter().map(|r| r.word.unwrap_or(r.mark.word())), 24).max(7);
        let state = match room.take(words + 2, 0) {
            0 => room.take(1, 0),
            wide => wide,
        };
        let tries = room.take(5, 8);
        let all = u16::try_from(matrix::full_width(self.iterations)).unwrap_or(u16::MAX);
        let some = all.min((width / 2).max(12)).min(room.0.saturating_sub(14));
        let cells = if some < 5 { 0 } else { room.take(some, 12) };
        let needs = text::longest(self.rows.iter().map(|r| r.needs), 14);
        let needs = if needs > 0 { room.take(needs.max(5), 18) } else { 0 };
        let title = text::longest(self.rows.iter().map(|r| r.title), 60).min(room.0.saturating_sub(4));
        Columns { id, title, cells, tries, needs, state }
    }

    fn draw_head(&self, c: Columns, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.gap(2).field("test", c.id + 1 + c.title, Align::Left, Role::Dim).gap(1);
        if c.cells > 0 {
            matrix::head(&mut pen, self.iterations, c.cells);
            pen.gap(1);
        }
        if c.tries > 0 {
            pen.field("tries", c.tries, Align::Right, Role::Dim).gap(1);
        }
        if c.needs > 0 {
            pen.gap(1).field("needs", c.needs, Align::Left, Role::Dim).gap(1);
        }
        if c.state > 2 {
            pen.gap(1).put("state", Role::Dim);
        }
    }

    fn draw_row(&self, row: &TestRow<'_>, c: Columns, mut pen: Pen<'_, '_>) {
        let quiet = matches!(row.mark, Mark::Skipped | Mark::Waits);
        pen.put(if row.selected { "▸" } else { " " }, Role::Key).gap(1);
        pen.field(row.id, c.id, Align::Left, if row.selected { Role::Strong } else { Role::Text });
        if c.title > 0 {
            pen.gap(1).field(row.title, c.title, Align::Left, if quiet { Role::Faint } else { Role::Dim });
        }
        pen.gap(1);
        if c.cells > 0 {
            matrix::cells(&mut pen, self.iterations, row.cells.iter().map(|m| (m.glyph(), m.role())), c.cells);
            pen.gap(1);
        }
        if c.tries > 0 {
            let (used, most) = row.tries;
            let role = if used >= most && row.mark != Mark::Passed { Role::Danger } else { Role::Text };
            pen.field(&format!("{used}/{most}"), c.tries, Align::Right, role).gap(1);
        }
        if c.needs > 0 {
            pen.gap(1).field(row.needs, c.needs, Align::Left, Role::Dim).gap(1);
        }
        if c.state > 2 {
            pen.gap(1);
        }
        pen.put(row.mark.glyph(), row.mark.role());
        if c.state > 2 {
            pen.gap(1).put(row.word.unwrap_or_else(|| row.mark.word()), row.mark.role());
        }
    }

    fn draw_detail(&self, detail: &TestDetail<'_>, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.width.saturating_sub(5));
        let mut y = 0;
        Pen::new(buf, self.theme, area, y).rule(0, Role::Border);
        y += 1;
        let mut pen = Pen::new(buf, self.theme, area, y);
        let (mark, says) = detail.state;
        let state = format!("{} {}", mark.glyph(), text::clean(says));
        // A title that would push the state off the row goes below it.
        let fits = [detail.id, detail.title, &state].into_iter().map(text::width).sum::<usize>() <= room;
        pen.gap(1).put(detail.id, Role::Strong);
        if fits {
            pen.gap(2).put(detail.title, Role::Text).gap(1);
        }
        pen.gap(2).put(&state, mark.role());
        y += 1;
        let mut row = |lead: &str, lead_role: Role, text: &str, role: Role, most: usize| {
            for (i, line) in text::wrap(text, room.saturating_sub(text::width(lead))).into_iter().take(most).enumerate()
            {
                let mut pen = Pen::new(buf, self.theme, area, y);
                pen.gap(1).put(&if i == 0 { lead.to_owned() } else { " ".repeat(text::width(lead)) }, lead_role);
                pen.put(&line, role);
                y = y.saturating_add(1);
            }
        };
        if !fits {
            row("", Role::Text, detail.title, Role::Text, 4);
        }
        for criterion in detail.criteria {
            row("• ", Role::Dim, criterion, Role::Text, 4);
        }
        if let Some(verify) = detail.verify {
            row("verify  ", Role::Dim, verify, Role::Path, 2);
        }
        if let Some(error) = detail.last_error {
            row("last    ", Role::Dim, error, Role::Danger, 6);
        }
        if !detail.dependents.is_empty() {
            row("held up ", Role::Dim, detail.dependents, Role::Attention, 2);
        }
    }
}

impl Widget for &TestTable<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if self.rows.is_empty() {
            Pen::new(buf, self.theme, area, 1).gap(2).put(self.empty, Role::Dim);
            return;
        }
        let (rows, below) = test_areas(area, self.extent.total.max(self.rows.len()), self.detail.is_some());
        let columns = self.columns(area.width);
        self.draw_head(columns, area, buf);
        for (i, row) in (0..rows.height).zip(self.rows) {
            let pen = Pen::new(buf, self.theme, rows, i).select(row.selected);
            self.draw_row(row, columns, pen);
        }
        scrollbar(self.theme, self.extent, Rect { x: area.right() - 1, width: 1, ..rows }, buf);
        if let Some(detail) = self.detail.filter(|_| below.height > 0) {
            self.draw_detail(&detail, below, buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, theme};
    use Mark::{Active as Run, Failed as Bad, Nothing as No, Passed as Good};

    const ROW: TestRow<'static> = TestRow {
        id: "CP-SPEC-001",
        title: "sessions are created",
        mark: Mark::Passed,
        word: None,
        cells: &[No, Good, Good, Good],
        tries: (1, 3),
        needs: "",
        selected: false,
    };

    const ROWS: [TestRow<'static>; 4] = [
        ROW,
        TestRow {
            id: "CP-SPEC-005",
            title: "session tokens expire",
            mark: Mark::Active,
            cells: &[No, No, Bad, Run],
            tries: (2, 3),
            needs: "002",
            ..ROW
        },
        TestRow {
            id: "CP-SPEC-008",
            title: "admin can revoke",
            mark: Mark::Blocked,
            cells: &[No, Bad, Bad, Bad],
            tries: (3, 3),
            needs: "003",
            selected: true,
            ..ROW
        },
        TestRow {
            id: "CP-SPEC-009",
            title: "revocation is instant",
            mark: Mark::Waits,
            word: Some("waits for 008"),
            cells: &[No; 4],
            tries: (0, 3),
            needs: "008",
            ..ROW
        },
    ];

    fn table(theme: &Theme) -> TestTable<'_> {
        TestTable {
            theme,
            iterations: &["base", "i1", "i2", "i3"],
            rows: &ROWS,
            extent: Extent { total: 4, offset: 0, visible: 4 },
            detail: Some(TestDetail {
                id: "CP-SPEC-008",
                title: "admin can revoke",
                state: (Mark::Blocked, "blocked after 3 attempts"),
                criteria: &[
                    "An admin ends any session from the console; the user sees the login page on the next request.",
                    "The audit log names both.",
                ],
                verify: Some("cargo test -p auth admin"),
                last_error: Some("expected 2 audit rows, found 1"),
                dependents: "CP-SPEC-009",
            }),
            empty: "no tests",
        }
    }

    #[test]
    fn a_table_with_the_selected_test_explained() {
        let theme = theme();
        insta::assert_snapshot!(shot(&table(&theme), 92, 16), @"
        ▏  test                              base i1 i2 i3 tries  needs  state
        ▏  CP-SPEC-001 sessions are created     ·  ✓  ✓  ✓   1/3         ✓ passed
        ▏  CP-SPEC-005 session tokens expire    ·  ·  ✗  ◉   2/3  002    ◉ running
        ▏▸ CP-SPEC-008 admin can revoke         ·  ✗  ✗  ✗   3/3  003    ⊘ blocked
        ▏  CP-SPEC-009 revocation is instant    ·  ·  ·  ·   0/3  008    ○ waits for 008
        ▏────────────────────────────────────────────────────────────────────────────────────────────
        ▏ CP-SPEC-008  admin can revoke   ⊘ blocked after 3 attempts
        ▏ • An admin ends any session from the console; the user sees the login page on the next
        ▏   request.
        ▏ • The audit log names both.
        ▏ verify  cargo test -p auth admin
        ▏ last    expected 2 audit rows, found 1
        ▏ held up CP-SPEC-009
        ▏
        ▏
        ▏
        ");
        let buf = paint(&table(&theme), 92, 16);
        for (text, role) in
            [("◉", Role::Running), ("passed", Role::Ok), ("3/3", Role::Danger), ("expected 2", Role::Danger)]
        {
            assert!(has_role(&buf, text, role), "{text}");
        }
    }

    #[test]
    fn narrow_tables_drop_needs_title_and_old_iterations() {
        let theme = theme();
        let table = TestTable { detail: None, ..table(&theme) };
        let shown: Vec<_> = [60, 46, 30, 18].into_iter().flat_map(|w| draw(&table, w, 3)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        test                  i1 i2 i3   tries  state
        CP-SPEC-001 sessions…  ✓  ✓  ✓     1/3  ✓ passed
        CP-SPEC-005 session…   ·  ✗  ◉     2/3  ◉ running
        test               tries  state
        CP-SPEC-001 sessi…   1/3  ✓ passed
        CP-SPEC-005 sessi…   2/3  ◉ running
        test          state
        CP-SPEC-001  ✓ passed
        CP-SPEC-005  ◉ running
        test
        CP-SPEC-001 ✓
        CP-SPEC-005 ◉
        ");
    }

    #[test]
    fn it_holds_at_every_size_and_any_number_of_iterations() {
        let theme = theme();
        hold_at_all_sizes(&table(&theme));
        let heads: Vec<String> = (0..300).map(|i| format!("i{i}")).collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let many = TestTable { iterations: &heads, ..table(&theme) };
        hold_at_all_sizes(&many);
        assert!(draw(&many, 100, 12)[0].contains("i299"), "the latest iterations are kept");
        hold_at_all_sizes(&TestTable { rows: &[], ..table(&theme) });
        for height in 0..60 {
            let (rows, below) = test_areas(Rect::new(0, 0, 9, height), 500, true);
            assert!(below.bottom() <= height && rows.bottom() <= height);
        }
    }
}
