//! Agent output: styled lines, stderr told apart, separators, search hits, and whether the view follows.
//! See [`Transcript`]; the caller passes about one screen of lines, whatever the whole holds.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::flow::Flow;
use super::format;
use super::pen::Pen;
use super::scrollbar::{Extent, scrollbar};
use super::search_line::SearchFact;
use super::text;
use super::theme::{Ink, Role, Theme};

/// Where a line comes from, which decides its gutter and its tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The agent's stdout.
    Out,
    /// The agent's stderr.
    Err,
    /// What a tool of the agent printed, set in from the agent's own words.
    Tool,
    /// A tool that the agent uses.
    Call,
    /// Something loopdash says.
    Meta,
    /// What the operator told the agent.
    Note,
    /// A separator, drawn as a rule with its text in it.
    Rule,
}

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StyledLine {
    /// The text with its look, without a line end.
    pub spans: Vec<(String, Ink)>,
    /// Where it comes from.
    pub stream: Stream,
}

impl StyledLine {
    /// A line of one span in the stream's own tone.
    #[must_use]
    pub fn plain(stream: Stream, text: impl Into<String>) -> Self {
        Self { spans: vec![(text.into(), Ink::default())], stream }
    }

    /// The rows the line takes when wrapped on a screen of that width.
    #[must_use]
    pub fn height(&self, width: u16) -> usize {
        let room = width.saturating_sub(GUTTER + 1);
        if self.stream == Stream::Rule {
            return 1;
        }
        Flow::new(self.spans.iter().map(|(t, _)| (t.as_str(), Style::new())), None).rows(room, usize::MAX).len()
    }
}

/// A search hit in one of the lines passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which of the lines, from 0.
    pub line: usize,
    /// The bytes of the line's text, over all its spans.
    pub bytes: Range<usize>,
    /// True for the hit the cursor is on.
    pub current: bool,
}

/// Which end of the lines is held to which end of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The last line stands at the bottom: the view follows.
    Bottom,
    /// The first line stands at the top, without its first `skip` wrapped rows.
    Top {
        /// Rows of the first line that are scrolled out.
        skip: usize,
    },
}

/// The line at the bottom that says where the view stands.
#[derive(Debug, Clone, Copy)]
pub struct Follow<'a> {
    /// True while the view follows.
    pub following: bool,
    /// False once nothing can come any more.
    pub live: bool,
    /// Lines in all.
    pub total: u64,
    /// Lines that came since the view was scrolled up.
    pub fresh: u64,
    /// Facts to add, such as tokens and cost.
    pub facts: &'a [&'a str],
    /// What was used, in words: the whole of it first, then less; the first that there is room for is shown.
    pub used: &'a [String],
    /// The search through the output.
    pub search: Option<SearchFact<'a>>,
}

/// The transcript's props.
#[derive(Debug, Clone, Copy)]
pub struct Transcript<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// About a screen of lines, from the first visible one, or up to the last where the view follows.
    pub lines: &'a [StyledLine],
    /// Which end of them is fixed.
    pub anchor: Anchor,
    /// True to wrap long lines, false to cut them.
    pub wrap: bool,
    /// First column shown of lines that are cut.
    pub column: usize,
    /// Search hits in the lines passed.
    pub hits: &'a [Hit],
    /// Where the lines lie among all lines.
    pub extent: Extent,
    /// The status line, where it is wanted.
    pub follow: Option<Follow<'a>>,
    /// What to say while there is no line.
    pub empty: &'a str,
}

/// A line of the view: which, its layout, and the cells of its visible rows; `None` for a row that is cut, not wrapped.
type Shown<'a> = (usize, Flow<'a>, Vec<Option<Range<usize>>>);

/// Columns before the text: a blank, the stream's sign, a blank.
const GUTTER: u16 = 3;

impl Transcript<'_> {
    fn sign(stream: Stream) -> (&'static str, Role, Role) {
        match stream {
            Stream::Out => (" ", Role::Gutter, Role::Text),
            Stream::Err => ("┃", Role::Stderr, Role::Stderr),
            Stream::Tool => ("│", Role::Border, Role::Dim),
            Stream::Call => ("→", Role::Accent, Role::Text),
            Stream::Meta => ("·", Role::Accent, Role::Dim),
            Stream::Note => ("»", Role::Note, Role::Note),
            Stream::Rule => ("─", Role::Border, Role::Faint),
        }
    }

    fn flow(&self, index: usize, line: &StyledLine) -> Flow<'_> {
        let base = self.theme.style(Self::sign(line.stream).2);
        let spans = self.lines.get(index).map_or(&[][..], |l| &l.spans);
        let mut flow = Flow::new(spans.iter().map(|(t, ink)| (t.as_str(), self.theme.ink(*ink, base))), None);
        for hit in self.hits.iter().filter(|h| h.line == index) {
            let role = if hit.current { Role::SearchCurrent } else { Role::SearchHit };
            flow.restyle(&hit.bytes, self.theme.style(role));
        }
        flow
    }

    /// The lines that are visible, with no more rows than fit.
    fn visible(&self, columns: u16, height: usize) -> Vec<Shown<'_>> {
        let layout = |index: usize, most: usize| {
            let line = &self.lines[index];
            let flow = self.flow(index, line);
            let whole = !self.wrap || line.stream == Stream::Rule;
            let rows = if whole { vec![None] } else { flow.rows(columns, most).into_iter().map(Some).collect() };
            (index, flow, rows)
        };
        let mut shown = Vec::new();
        let mut room = height;
        match self.anchor {
            Anchor::Bottom => {
                for index in (0..self.lines.len()).rev() {
                    if room == 0 {
                        break;
                    }
                    let (index, flow, mut rows) = layout(index, usize::MAX);
                    let kept = rows.split_off(rows.len().saturating_sub(room));
                    room -= kept.len();
                    shown.push((index, flow, kept));
                }
                shown.reverse();
            }
            Anchor::Top { mut skip } => {
                for index in 0..self.lines.len() {
                    if room == 0 {
                        break;
                    }
                    let (index, flow, mut rows) = layout(index, room.saturating_add(skip));
                    let mut kept = rows.split_off(skip.min(rows.len().saturating_sub(1)));
                    skip = 0;
                    kept.truncate(room);
                    room -= kept.len();
                    shown.push((index, flow, kept));
                }
            }
        }
        shown
    }

    fn draw_lines(&self, area: Rect, buf: &mut Buffer) {
        let columns = area.width.saturating_sub(GUTTER + 1);
        let mut y = 0;
        for (index, flow, rows) in self.visible(columns, usize::from(area.height)) {
            let stream = self.lines[index].stream;
            let (sign, sign_role, _) = Self::sign(stream);
            for row in rows {
                if y >= area.height {
                    return;
                }
                let mut pen = Pen::new(buf, self.theme, area, y);
                // A bar runs down the whole of a long line; other signs mark only where it begins.
                let begins = row.as_ref().is_none_or(|cells| cells.start == 0);
                let bar = matches!(stream, Stream::Err | Stream::Tool);
                pen.gap(1).put(if begins || bar { sign } else { " " }, sign_role).gap(1);
                let at = Rect::new(area.x + GUTTER, area.y + y, columns, 1);
                match row {
                    Some(cells) if area.width > GUTTER => flow.draw(&cells, at, buf),
                    None if stream == Stream::Rule => self.draw_rule(index, pen),
                    None if area.width > GUTTER => flow.draw_cut(self.column, self.theme, at, buf),
                    _ => {}
                }
                y += 1;
            }
        }
    }

    fn draw_rule(&self, index: usize, mut pen: Pen<'_, '_>) {
        pen.back(1).put("─ ", Role::Border);
        for (text, ink) in &self.lines[index].spans {
            let style = self.theme.ink(*ink, self.theme.style(Role::Dim));
            pen.styled(text, style);
        }
        if pen.left() > 2 {
            pen.gap(1).rule(1, Role::Border);
        }
    }

    fn draw_follow(&self, follow: Follow<'_>, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.gap(1);
        let lines = format::plural(follow.total, "line");
        match (follow.following, follow.live, follow.fresh) {
            (true, true, _) => pen.put("↓ following", Role::Ok),
            (true, false, _) => pen.put("■ end", Role::Dim),
            (false, _, 0) => pen.put("↑ scrolled up", Role::Attention),
            (false, _, n) => pen.put(&format!("↑ {} new below", format::count(n)), Role::Attention),
        };
        if !follow.following {
            pen.put(", ", Role::Dim)
                .put("G", Role::Key)
                .put(if follow.live { " follows" } else { " to the end" }, Role::Dim);
        }
        pen.gap(2).put(&lines, Role::Dim);
        if let Some(search) = follow.search {
            search.put(pen.gap(2));
        }
        for fact in follow.facts {
            if usize::from(pen.left()) > text::width(fact) + 2 {
                pen.gap(2).put(fact, Role::Dim);
            }
        }
        let room = usize::from(pen.left());
        if let Some(used) = follow.used.iter().find(|used| room > text::width(used) + 2) {
            pen.gap(2).put(used, Role::Dim);
        }
        let how = if self.wrap { "wrapped" } else { "cut" };
        pen.at_end(&format!("{how} "), Role::Faint);
    }
}

impl Widget for &Transcript<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut area = area.intersection(buf.area);
        if let Some(follow) = self.follow.filter(|_| area.height > 1) {
            let line = Rect { y: area.bottom() - 1, height: 1, ..area };
            self.draw_follow(follow, line, buf);
            area.height -= 1;
        }
        if area.is_empty() {
            return;
        }
        if self.lines.is_empty() {
            Pen::new(buf, self.theme, area, 0).gap(GUTTER).put(self.empty, Role::Dim);
        }
        self.draw_lines(area, buf);
        scrollbar(self.theme, self.extent, Rect { x: area.right() - 1, width: 1, ..area }, buf);
    }
}

#[cfg(test)]
mod tests;
