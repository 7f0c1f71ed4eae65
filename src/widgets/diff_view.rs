//! A diff: what it compares, its files, its hunks with words and syntax, and the findings that point into it.
//! See [`DiffView`]; rows and files are the visible ones, the caller scrolls.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::flow::Flow;
use super::format;
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme};
use super::verdict_view::Severity;

mod props;

pub use props::{DiffFinding, DiffLine, DiffRow, DiffSpan, FileRow, Scope, Sign};

/// The diff's props.
#[derive(Debug, Clone, Copy)]
pub struct DiffView<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// What it can compare with.
    pub scopes: &'a [Scope<'a>],
    /// Files changed, lines added, lines removed.
    pub totals: (u64, u64, u64),
    /// The visible files.
    pub files: &'a [FileRow<'a>],
    /// Where they lie among all files.
    pub file_extent: Extent,
    /// The visible rows.
    pub rows: &'a [DiffRow<'a>],
    /// Where they lie among all rows.
    pub extent: Extent,
    /// The row the cursor is on, among the visible ones.
    pub cursor: Option<usize>,
    /// True to wrap long lines, false to cut them.
    pub wrap: bool,
    /// First column shown of lines that are cut.
    pub column: usize,
    /// Findings to list below.
    pub findings: &'a [DiffFinding<'a>],
    /// What to say where nothing changed, or while the diff is read.
    pub empty: &'a str,
}

/// How the area is divided between files, rows and findings. The caller asks it how many rows to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffAreas {
    /// The line with scopes and totals.
    pub head: Rect,
    /// The file list.
    pub files: Rect,
    /// The hunks.
    pub rows: Rect,
    /// The findings.
    pub findings: Rect,
}

/// Divides an area for that many files and findings: both give way to the hunks, and leave first on low screens.
#[must_use]
pub fn diff_areas(area: Rect, files: usize, findings: usize) -> DiffAreas {
    let fits = |n: usize, most: u16| u16::try_from(n).unwrap_or(u16::MAX).min(most);
    let head = Rect { height: area.height.min(1), ..area };
    let mut left = area.height - head.height;
    let mut y = area.y + head.height;
    let listed = if left >= 9 { fits(files, (left / 4).clamp(1, 8)) } else { 0 };
    let files = Rect { y: y + u16::from(listed > 0 && left > 20), height: listed, ..area };
    let used = if listed > 0 { files.bottom() - y + 1 } else { 0 };
    y += used;
    left -= used;
    let below = if left >= 12 && findings > 0 { fits(findings.saturating_mul(2), left / 4) } else { 0 };
    let used = if below > 0 { below + 1 } else { 0 };
    let rows = Rect { y, height: left - used, ..area };
    let findings = Rect { y: rows.bottom() + u16::from(below > 0), height: below, ..area };
    DiffAreas { head, files, rows, findings }
}

/// The columns of a file's counts, findings and a short warning.
const FILE_COUNTS: u16 = 20;

/// Columns of the gutter: finding, two numbers of that many digits, sign.
fn gutter(digits: u16) -> u16 {
    3 + digits + 1 + digits + 3
}

impl DiffView<'_> {
    fn draw_head(&self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.gap(1);
        if !self.scopes.is_empty() {
            pen.put("since", Role::Dim).gap(1);
        }
        for scope in self.scopes {
            let (text, role) = if scope.open {
                (format!(" {} ", text::clean(scope.word)), Role::Badge)
            } else {
                (format!(" {} ", text::clean(scope.word)), Role::Dim)
            };
            if pen.left() > 24 || scope.open {
                pen.put(&text, role);
            }
        }
        let (files, added, removed) = self.totals;
        pen.gap(2).put(&format::plural(files, "file"), Role::Text);
        pen.gap(2).put(&format!("+{}", format::count(added)), Role::Added);
        pen.gap(1).put(&format!("−{}", format::count(removed)), Role::Removed);
        let blocking = self.findings.iter().filter(|f| f.severity == Severity::Blocking).count();
        if blocking > 0 {
            pen.at_end(&format!("● {blocking} blocking "), Role::Danger);
        }
    }

    /// Draws a file: in the list with its counts in columns behind `names`, in a header with them behind the name.
    fn draw_file(&self, file: &FileRow<'_>, names: Option<u16>, mut pen: Pen<'_, '_>) {
        let listed = names.is_some();
        let tone = match file.status {
            'A' => Role::Added,
            'D' => Role::Removed,
            _ => Role::Attention,
        };
        pen.put(if file.selected && listed { "▸" } else { " " }, Role::Key).gap(1);
        pen.put(&file.status.to_string(), tone).gap(1);
        let counts = if pen.left() > 30 { FILE_COUNTS } else { 0 };
        let room = pen.left().saturating_sub(counts);
        let columns = names.map_or(room, |n| n.min(room));
        let role = if listed && !file.selected { Role::Text } else { Role::Strong };
        let before = pen.left();
        match file.from.map(text::clean) {
            Some(from) if text::width(&from) + text::width(file.path) + 3 <= usize::from(columns) => {
                pen.put(&from, Role::Dim).put(" → ", Role::Dim).put(file.path, role);
            }
            _ => {
                pen.put(&text::cut_front(file.path, usize::from(columns)), role);
            }
        }
        if listed {
            pen.gap(columns.saturating_sub(before - pen.left()));
        }
        if counts > 0 && file.binary {
            pen.field("binary", 14, Align::Right, Role::Dim);
        } else if counts > 0 {
            let wide = if listed { 7 } else { 2 };
            for (text, role) in [
                (format!("+{}", format::count(file.added)), Role::Added),
                (format!("−{}", format::count(file.removed)), Role::Removed),
            ] {
                pen.field(
                    &text,
                    u16::try_from(text::width(&text)).unwrap_or(wide).max(wide - 1) + 1,
                    Align::Right,
                    role,
                );
            }
        }
        if let Some((severity, n)) = file.findings {
            pen.gap(2).put(&format!("{}{n}", severity.glyph()), severity.role());
        }
        if let Some(warning) = file.warning {
            pen.gap(2).put(&format!("⚠ {}", text::clean(warning)), Role::Attention);
        }
        if !listed && pen.left() > 2 {
            pen.gap(1).rule(0, Role::Border);
        }
    }

    fn line_flow<'f>(&self, sign: Sign, spans: &'f [DiffSpan<'f>]) -> Flow<'f> {
        let theme = self.theme;
        let (ground, word) = match sign {
            Sign::Context => (Style::new(), Style::new()),
            Sign::Added => (theme.style(Role::AddedLine), theme.style(Role::AddedWord)),
            Sign::Removed => (theme.style(Role::RemovedLine), theme.style(Role::RemovedWord)),
        };
        let plain = theme.style(Role::Text);
        let styled = spans.iter().map(move |span| {
            let base = span.syntax.map_or(plain, |role| plain.patch(theme.style(role)));
            (span.text, base.patch(if span.changed { ground.patch(word) } else { ground }))
        });
        // A reviewer must see what reorders or hides text.
        Flow::new(styled, Some(theme.style(Role::KeyDanger)))
    }

    /// Draws one row of the diff at `y` and returns how many rows of the screen it took.
    fn draw_row(&self, row: &DiffRow<'_>, digits: u16, area: Rect, y: u16, cursor: bool, buf: &mut Buffer) -> u16 {
        let mut pen = Pen::new(buf, self.theme, area, y);
        match row {
            DiffRow::File(file) => {
                pen.put("──", Role::Border);
                self.draw_file(file, None, pen);
            }
            DiffRow::Hunk { ranges, within } => {
                pen.gap(1)
                    .put("@@ ", Role::Gutter)
                    .put(ranges, Role::Hunk)
                    .put(" @@ ", Role::Gutter)
                    .put(within, Role::Dim);
            }
            DiffRow::Gap(n) => {
                pen.gap(gutter(digits) - 2).put("┆ ", Role::Gutter);
                pen.put(&format::plural(u64::from(*n), "unchanged line"), Role::Faint);
            }
            DiffRow::Group(word) => {
                pen.gap(1).put(word, Role::Heading).gap(1).rule(0, Role::Border);
            }
            DiffRow::Warning(words) => {
                pen.gap(gutter(digits) - 2).put("⚠ ", Role::Attention).put(&text::clean(words), Role::Attention);
            }
            DiffRow::Note(note) => {
                pen.gap(gutter(digits)).put(note, Role::Dim);
            }
            DiffRow::Line(line) => return self.draw_line(line, digits, area, y, cursor, buf),
        }
        1
    }

    fn draw_line(&self, line: &DiffLine<'_>, digits: u16, area: Rect, y: u16, cursor: bool, buf: &mut Buffer) -> u16 {
        let flow = self.line_flow(line.sign, line.spans);
        let wide = gutter(digits);
        let columns = area.width.saturating_sub(wide + 1);
        let rows: Vec<Option<_>> = match self.wrap {
            true => flow.rows(columns, usize::from(area.height - y)).into_iter().map(Some).collect(),
            false => vec![None],
        };
        let (ground, mark, role) = match line.sign {
            Sign::Context => (None, " ", Role::Dim),
            Sign::Added => (Some(Role::AddedLine), "+", Role::Added),
            Sign::Removed => (Some(Role::RemovedLine), "−", Role::Removed),
        };
        for (i, cells) in (0u16..).zip(&rows) {
            let mut pen = Pen::new(buf, self.theme, area, y + i);
            if let Some(ground) = ground {
                pen.ground(ground);
            }
            if i > 0 {
                pen.gap(wide - 2).put("↪", Role::Gutter);
            } else {
                match (line.finding, cursor) {
                    (Some((severity, n)), _) => {
                        pen.field(&format!("{}{n}", severity.glyph()), 3, Align::Left, severity.role())
                    }
                    (None, true) => pen.put("▸", Role::Key).gap(2),
                    (None, false) => pen.gap(3),
                };
                for number in [line.old, line.new] {
                    let number = number.map(|n| n.to_string()).unwrap_or_default();
                    pen.field(&number, digits, Align::Right, if cursor { Role::Strong } else { Role::Gutter }).gap(1);
                }
                pen.put(mark, role);
            }
            if area.width > wide {
                let at = Rect::new(area.x + wide, area.y + y + i, columns, 1);
                match cells {
                    Some(cells) => flow.draw(cells, at, buf),
                    None => flow.draw_cut(self.column, self.theme, at, buf),
                }
            }
        }
        u16::try_from(rows.len()).unwrap_or(u16::MAX)
    }

    /// The digits that line numbers have room for.
    fn digits(&self, area: Rect) -> u16 {
        let largest = self.rows.iter().map(|row| match row {
            DiffRow::Line(line) => line.old.max(line.new).unwrap_or_default(),
            _ => 0,
        });
        let digits = largest.max().unwrap_or_default().checked_ilog10().unwrap_or_default() + 1;
        u16::try_from(digits).unwrap_or(10).max(if area.width < 60 { 2 } else { 4 })
    }

    /// Where the text of the visible rows stands in the area of the rows, line numbers left out: the row's index among
    /// those passed, and its part of the screen.
    #[must_use]
    pub fn places(&self, area: Rect) -> Vec<(usize, Rect)> {
        let digits = self.digits(area);
        let mut places = Vec::with_capacity(self.rows.len());
        let mut y = 0;
        for (index, row) in self.rows.iter().enumerate() {
            if y >= area.height {
                break;
            }
            let (lead, height) = match row {
                DiffRow::Line(line) => {
                    let columns = area.width.saturating_sub(gutter(digits) + 1);
                    let flow = self.line_flow(line.sign, line.spans);
                    let rows = if self.wrap { flow.rows(columns, usize::from(area.height - y)).len() } else { 1 };
                    (gutter(digits).min(area.width), u16::try_from(rows).unwrap_or(u16::MAX))
                }
                _ => (0, 1),
            };
            let width = (area.width - lead).saturating_sub(1);
            if !matches!(row, DiffRow::Gap(_)) {
                places.push((index, Rect { x: area.x + lead, y: area.y + y, width, height }));
            }
            y += height;
        }
        places
    }

    fn draw_rows(&self, area: Rect, buf: &mut Buffer) {
        let digits = self.digits(area);
        let mut y = 0;
        for (i, row) in self.rows.iter().enumerate() {
            if y >= area.height {
                break;
            }
            y += self.draw_row(row, digits, area, y, self.cursor == Some(i), buf);
        }
    }

    fn draw_findings(&self, area: Rect, buf: &mut Buffer) {
        let mut y = 0;
        for finding in self.findings {
            let place = text::cut_front(finding.place, 24);
            let indent = u16::try_from(text::width(&place)).unwrap_or_default() + 16;
            let room = usize::from(area.width.saturating_sub(indent + 1));
            for (i, row) in text::wrap(finding.text, room).into_iter().enumerate() {
                let mut pen = Pen::new(buf, self.theme, area, y);
                if i == 0 {
                    let head = format!("{}{} {}", finding.severity.glyph(), finding.number, finding.severity.word());
                    pen.gap(1)
                        .field(&head, 12, Align::Left, finding.severity.role())
                        .gap(1)
                        .put(&place, Role::Path)
                        .gap(2);
                } else {
                    pen.gap(indent);
                }
                pen.put(&row, Role::Text);
                y = y.saturating_add(1);
            }
        }
    }
}

impl Widget for &DiffView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let areas = diff_areas(area, self.file_extent.total.max(self.files.len()), self.findings.len());
        self.draw_head(areas.head, buf);
        let name = |f: &FileRow<'_>| text::width(f.path) + f.from.map_or(0, |from| text::width(from) + 3);
        let names = self.files.iter().map(name).max().unwrap_or_default().clamp(24, 80);
        let names = u16::try_from(names).unwrap_or(80);
        for (i, file) in (0..areas.files.height).zip(self.files) {
            let pen = Pen::new(buf, self.theme, areas.files, i).select(file.selected);
            self.draw_file(file, Some(names), pen);
        }
        let edge = |area: Rect| Rect { x: area.right() - 1, width: 1, ..area };
        if areas.files.height > 0 {
            scrollbar(self.theme, self.file_extent, edge(areas.files), buf);
            let line = Rect { y: areas.files.bottom(), height: 1, ..area };
            Pen::new(buf, self.theme, line, 0).rule(0, Role::Border);
        }
        if self.rows.is_empty() {
            Pen::new(buf, self.theme, areas.rows, 1).gap(2).put(self.empty, Role::Dim);
        }
        self.draw_rows(areas.rows, buf);
        scrollbar(self.theme, self.extent, edge(areas.rows), buf);
        if areas.findings.height > 0 {
            let line = Rect { y: areas.findings.y - 1, height: 1, ..area };
            Pen::new(buf, self.theme, line, 0).rule(0, Role::Border);
            self.draw_findings(areas.findings, buf);
        }
    }
}

#[cfg(test)]
mod tests;
