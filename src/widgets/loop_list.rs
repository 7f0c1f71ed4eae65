//! The list of runs: grouped by what they need, one row each, the columns ranked.
//! See [`LoopList`]; the caller passes the visible rows only.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use super::mark::Mark;
use super::pane::Pane;
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::text::{self, Align};
use super::theme::{Role, Theme, Tier};

/// One cell of a convergence strip: how much was left after an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Height in eighths, 1 to 8; 0 where there is none, and the shape stands there with colours, too.
    pub level: u8,
    /// The role of its colour.
    pub role: Role,
    /// What stands in its place where there is no colour to tell its verdict by.
    pub shape: Option<&'static str>,
}

/// A run as a row.
#[derive(Debug, Clone, Copy)]
pub struct LoopRow<'a> {
    /// The run's state.
    pub mark: Mark,
    /// The run's name, `fix-ci` or `fix-ci#2`.
    pub name: &'a str,
    /// Tests passed and tests in all.
    pub progress: Option<(u32, u32)>,
    /// A word that says more than the progress, such as `question` or `till 14:40`.
    pub word: Option<&'a str>,
    /// What was left after each iteration, oldest first; the latest are shown.
    pub strip: &'a [Bar],
    /// The iteration at work, from 1.
    pub iteration: Option<u32>,
    /// How long it has been in this state, as it is to be shown.
    pub age: Option<&'a str>,
    /// What it has cost, as it is to be shown.
    pub cost: Option<&'a str>,
    /// Its priority, 0 to 9.
    pub priority: Option<u8>,
    /// True for the row the keys act on.
    pub selected: bool,
    /// True where the operator has marked it for a bulk action.
    pub marked: bool,
}

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub enum ListRow<'a> {
    /// A heading and how many runs stand under it.
    Section(&'a str, usize),
    /// A run.
    Loop(LoopRow<'a>),
    /// Nothing.
    Gap,
}

/// The filter as it is typed or in force.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// What was typed.
    pub text: &'a str,
    /// True while it is being typed.
    pub editing: bool,
    /// How many runs match.
    pub matches: usize,
}

/// The list's props.
#[derive(Debug, Clone, Copy)]
pub struct LoopList<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The visible rows, the first of them at the top.
    pub rows: &'a [ListRow<'a>],
    /// Where they lie among all rows.
    pub extent: Extent,
    /// How many runs there are, for the border.
    pub count: usize,
    /// True where keys go to the list.
    pub focused: bool,
    /// False where the list has no border, as on narrow screens.
    pub border: bool,
    /// The filter, where there is one.
    pub filter: Option<Filter<'a>>,
    /// What to say where there is no row.
    pub empty: &'a str,
}

/// The columns of a row after state and name; 0 where a column is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Columns {
    name: u16,
    status: u16,
    strip: u16,
    iteration: u16,
    age: u16,
    cost: u16,
    priority: u16,
}

impl Columns {
    /// Marker, state glyph, the blanks round them, and a blank at the right end.
    const LEAD: u16 = 5;

    /// Gives the columns room by rank: name, word or progress, age, strip, iteration, cost, priority.
    fn of(width: u16) -> Self {
        let mut left = width.saturating_sub(Self::LEAD);
        let mut columns = Self { name: left.min(13), ..Self::default() };
        left -= columns.name;
        let mut take = |wanted: u16, least: u16| {
            let got = if left > wanted {
                wanted
            } else if left > least {
                left - 1
            } else {
                0
            };
            left -= if got > 0 { got + 1 } else { 0 };
            got
        };
        columns.status = take(12, 5);
        columns.age = take(3, 3);
        columns.strip = take(6, 4);
        columns.iteration = take(3, 3);
        columns.cost = take(6, 6);
        columns.priority = if columns.cost > 0 { take(2, 2) } else { 0 };
        // What is left widens reasons first, then names, then reasons again.
        if columns.status > 0 {
            let wider = left.min(3);
            columns.status += wider;
            left -= wider;
        }
        let longer = left.min(11);
        columns.name += longer;
        left -= longer;
        if columns.status > 0 {
            columns.status += left;
        }
        columns
    }

    /// The room of the columns at the right end.
    fn right(self) -> u16 {
        [self.strip, self.iteration, self.age, self.cost, self.priority].iter().filter(|c| **c > 0).map(|c| c + 1).sum()
    }
}

/// How many rows fit into a list of that height; the caller scrolls by it.
#[must_use]
pub const fn visible_rows(height: u16, border: bool, filter: bool) -> u16 {
    height.saturating_sub(if border { 2 } else { 0 }).saturating_sub(if filter { 1 } else { 0 })
}

const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

impl LoopList<'_> {
    fn draw_loop(&self, row: &LoopRow<'_>, columns: Columns, mut pen: Pen<'_, '_>) {
        let theme = self.theme;
        let marker = match (row.selected, row.marked) {
            (true, true) => "▶",
            (true, false) => "▸",
            (false, true) => "+",
            (false, false) => " ",
        };
        pen.put(marker, if self.focused { Role::Key } else { Role::Dim });
        if columns.name > 0 {
            pen.gap(1);
        }
        pen.put(row.mark.glyph(), row.mark.role()).gap(1);
        let finished = matches!(row.mark, Mark::Done | Mark::Stopped | Mark::Elsewhere);
        let name = match (row.selected, finished) {
            (true, _) => Role::Strong,
            (false, true) => Role::Dim,
            (false, false) => Role::Text,
        };
        pen.field(row.name, columns.name, Align::Left, name);
        if columns.status > 0 {
            pen.gap(1);
            Self::draw_status(row, columns.status, &mut pen, theme);
        }
        let rest = columns.right();
        let spare = pen.left().saturating_sub(rest + 1);
        pen.gap(spare);
        if columns.strip > 0 {
            pen.gap(1);
            let shown = row.strip.len().min(usize::from(columns.strip));
            let blank = columns.strip.saturating_sub(u16::try_from(shown).unwrap_or_default());
            for bar in row.strip.iter().skip(row.strip.len() - shown) {
                let height = EIGHTHS[usize::from(bar.level.min(8))];
                let shape = bar.shape.filter(|_| theme.tier() == Tier::None || bar.level == 0);
                pen.put(shape.unwrap_or(height), bar.role);
            }
            pen.gap(blank);
        }
        let iteration = row.iteration.map(|n| format!("i{n}")).unwrap_or_default();
        let priority = row.priority.map(|n| format!("p{n}")).unwrap_or_default();
        let late = if row.mark.urgent() { row.mark.role() } else { Role::Dim };
        let fields = [
            (iteration.as_str(), columns.iteration, Role::Dim),
            (row.age.unwrap_or_default(), columns.age, late),
            (row.cost.unwrap_or_default(), columns.cost, Role::Dim),
            (priority.as_str(), columns.priority, Role::Faint),
        ];
        for (text, columns, role) in fields.into_iter().filter(|f| f.1 > 0) {
            pen.gap(1).field(text, columns, Align::Right, role);
        }
    }

    /// The reason where there is one, else the progress; both where both fit.
    fn draw_status(row: &LoopRow<'_>, columns: u16, pen: &mut Pen<'_, '_>, theme: &Theme) {
        let progress = row.progress.map(|(done, all)| format!("{done}/{all}")).unwrap_or_default();
        let Some(word) = row.word else {
            let alone =
                if progress.is_empty() { (row.mark.word(), row.mark.role()) } else { (progress.as_str(), Role::Text) };
            pen.field(alone.0, columns, Align::Left, alone.1);
            return;
        };
        let mut style = theme.style(row.mark.role());
        if row.mark.urgent() {
            style = style.add_modifier(Modifier::BOLD);
        }
        let cut = text::cut(word, usize::from(columns));
        let used = u16::try_from(text::width(&cut)).unwrap_or(columns);
        pen.styled(&cut, style);
        let room = usize::from(columns.saturating_sub(used));
        if !progress.is_empty() && room > text::width(&progress) + 1 {
            pen.gap(1).field(&progress, columns - used - 1, Align::Left, Role::Dim);
        } else {
            pen.gap(columns.saturating_sub(used));
        }
    }

    fn draw_filter(&self, filter: Filter<'_>, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.put("f", Role::Key).gap(1);
        let matches = format!("{} of {} ", filter.matches, self.count);
        let none = if filter.matches == 0 { Role::Danger } else { Role::Dim };
        pen.at_end(&matches, none);
        pen.put(&text::cut_front(filter.text, usize::from(pen.left().saturating_sub(1))), Role::Strong);
        if filter.editing {
            let cursor = self.theme.style(Role::Strong).add_modifier(Modifier::REVERSED);
            pen.styled(" ", cursor);
        }
    }
}

impl Widget for &LoopList<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let mut inside = area;
        if self.border {
            let count = self.count.to_string();
            let title = [("Loops", Role::Strong)];
            let pane = Pane { title: &title, remark: Some((&count, Role::Dim)), ..Pane::new(self.theme, self.focused) };
            (&pane).render(area, buf);
            inside = Pane::inner(area);
        }
        if let Some(filter) = self.filter.filter(|_| inside.height > 0) {
            let line = Rect { height: 1, ..inside };
            self.draw_filter(filter, line, buf);
            inside = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
        }
        if self.rows.is_empty() {
            let says = if self.filter.is_some() { "nothing matches; Esc clears the filter" } else { self.empty };
            for (i, row) in (0u16..).zip(text::wrap(says, usize::from(inside.width.saturating_sub(4)))) {
                Pen::new(buf, self.theme, inside, i + 1).gap(2).put(&row, Role::Dim);
            }
        }
        let columns = Columns::of(inside.width);
        for (i, row) in (0..inside.height).zip(self.rows) {
            match row {
                ListRow::Gap => {}
                ListRow::Section(title, n) => {
                    let mut pen = Pen::new(buf, self.theme, inside, i);
                    pen.gap(2).put(title, Role::Heading).gap(1).put(&n.to_string(), Role::Faint);
                }
                ListRow::Loop(row) => {
                    let pen = Pen::new(buf, self.theme, inside, i).select(row.selected);
                    self.draw_loop(row, columns, pen);
                }
            }
        }
        if self.border && area.height > 2 {
            scrollbar(self.theme, self.extent, Rect::new(area.right() - 1, inside.y, 1, inside.height), buf);
        }
    }
}

#[cfg(test)]
mod tests;
