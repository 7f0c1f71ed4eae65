//! Styled text flowing into rows: wrapped between words, or cut with a horizontal offset.
//! See [`Flow`], on which transcript, diff and timeline are built.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::text;
use super::theme::{Role, Theme};

/// More cells than this are not laid out; the last is then a `…`. Bounds the work one line can cause in a frame.
const MOST_CELLS: usize = 32 * 1024;

/// One grapheme that can be drawn.
struct Cell<'a> {
    text: Piece<'a>,
    wide: u16,
    style: Style,
    /// The byte of the whole line it begins at, counted over the spans as they were given.
    at: usize,
}

enum Piece<'a> {
    Seen(&'a str),
    Made(String),
}

impl Piece<'_> {
    fn as_str(&self) -> &str {
        match self {
            Piece::Seen(text) => text,
            Piece::Made(text) => text,
        }
    }
}

/// A line as cells, ready to be broken into rows.
pub(crate) struct Flow<'a> {
    cells: Vec<Cell<'a>>,
}

impl<'a> Flow<'a> {
    /// Lays out spans. Deceptive characters are dropped, or spelt out in that style where `revealed` is given.
    pub(crate) fn new(spans: impl Iterator<Item = (&'a str, Style)>, revealed: Option<Style>) -> Self {
        let mut cells: Vec<Cell<'a>> = Vec::new();
        let mut column = 0;
        let mut at = 0;
        'spans: for (span, style) in spans {
            for grapheme in span.graphemes(true) {
                if cells.len() >= MOST_CELLS {
                    cells.push(Cell { text: Piece::Seen(text::ELLIPSIS), wide: 1, style, at });
                    break 'spans;
                }
                let start = at;
                at += grapheme.len();
                if grapheme == "\t" {
                    let blanks = text::TAB - column % text::TAB;
                    column += blanks;
                    cells.push(Cell { text: Piece::Made(" ".repeat(blanks)), wide: narrow(blanks), style, at: start });
                    continue;
                }
                let (piece, style) = if !grapheme.contains(text::deceptive) {
                    (Piece::Seen(grapheme), style)
                } else {
                    let Some(loud) = revealed else {
                        let kept: String = grapheme.chars().filter(|c| !text::deceptive(*c)).collect();
                        push(&mut cells, &mut column, Piece::Made(kept), style, start);
                        continue;
                    };
                    for c in grapheme.chars() {
                        let hidden = text::deceptive(c);
                        let shown = if hidden { text::reveal(c) } else { c.to_string() };
                        push(
                            &mut cells,
                            &mut column,
                            Piece::Made(shown),
                            if hidden { style.patch(loud) } else { style },
                            start,
                        );
                    }
                    continue;
                };
                push(&mut cells, &mut column, piece, style, start);
            }
        }
        Self { cells }
    }

    /// Lays another style over the bytes of a range of the line.
    pub(crate) fn restyle(&mut self, bytes: &Range<usize>, style: Style) {
        for cell in self.cells.iter_mut().filter(|c| bytes.contains(&c.at)) {
            cell.style = cell.style.patch(style);
        }
    }

    /// Which cells stand on which row, at most `most` rows of `columns` each. There is at least one row.
    pub(crate) fn rows(&self, columns: u16, most: usize) -> Vec<Range<usize>> {
        let columns = columns.max(1);
        let mut rows = Vec::new();
        let mut start = 0;
        while start < self.cells.len() && rows.len() < most {
            let mut used = 0;
            let mut end = start;
            let mut blank = None;
            while let Some(cell) = self.cells.get(end) {
                if used + cell.wide > columns {
                    break;
                }
                used += cell.wide;
                end += 1;
                if cell.text.as_str().trim().is_empty() {
                    blank = Some(end);
                }
            }
            let more = end < self.cells.len();
            // A row with nothing but an early blank, such as an indent, is better broken in the word.
            let at_word = blank.filter(|b| more && *b > start + (end - start) / 3);
            let stop = at_word.unwrap_or(end).max(start + 1);
            rows.push(start..stop);
            start = stop;
            if more {
                start += self.cells[start..].iter().take_while(|c| c.text.as_str() == " ").count();
            }
        }
        if rows.is_empty() && most > 0 {
            rows.push(0..0);
        }
        rows
    }

    /// Draws one row's cells at the left end of `area`.
    pub(crate) fn draw(&self, row: &Range<usize>, area: Rect, buf: &mut Buffer) {
        let cells = self.cells.get(row.clone()).unwrap_or_default();
        paint(cells.iter(), area, buf);
    }

    /// Draws the line unwrapped from column `skip` on; what is cut at either side is marked `‹` and `›`.
    pub(crate) fn draw_cut(&self, skip: usize, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let mut column = 0;
        let visible = self.cells.iter().skip_while(|cell| {
            let before = column < skip;
            column += usize::from(cell.wide);
            before
        });
        let wide: usize = self.cells.iter().map(|c| usize::from(c.wide)).sum();
        let cut = wide > skip + usize::from(area.width);
        let room = Rect { width: area.width - u16::from(cut), ..area };
        paint(visible, room, buf);
        let mark = theme.style(Role::Faint);
        if cut {
            buf.set_stringn(area.right() - 1, area.y, "›", 1, mark);
        }
        if skip > 0 && wide > 0 {
            buf.set_stringn(area.x, area.y, "‹", 1, mark);
        }
    }
}

fn narrow(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

fn push<'a>(cells: &mut Vec<Cell<'a>>, column: &mut usize, text: Piece<'a>, style: Style, at: usize) {
    let wide = text.as_str().width();
    if wide > 0 {
        *column += wide;
        cells.push(Cell { text, wide: narrow(wide), style, at });
    }
}

/// Writes cells by runs of one style: a call per grapheme costs several times as much.
fn paint<'c, 'a: 'c>(cells: impl Iterator<Item = &'c Cell<'a>>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let mut run = String::new();
    let mut style = None;
    let mut x = area.x;
    let mut left = area.width;
    for cell in cells {
        if cell.wide > left {
            break;
        }
        left -= cell.wide;
        if style != Some(cell.style) {
            x = flush(&mut run, x, area, style, buf);
            style = Some(cell.style);
        }
        run.push_str(cell.text.as_str());
    }
    flush(&mut run, x, area, style, buf);
}

fn flush(run: &mut String, x: u16, area: Rect, style: Option<Style>, buf: &mut Buffer) -> u16 {
    if run.is_empty() || x >= area.right() {
        return x;
    }
    let room = usize::from(area.right() - x);
    let (x, _) = buf.set_stringn(x, area.y, run.as_str(), room, style.unwrap_or_default());
    run.clear();
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{text_of, theme};

    fn rows(line: &str, columns: u16) -> Vec<String> {
        let flow = Flow::new([(line, Style::new())].into_iter(), None);
        flow.rows(columns, usize::MAX)
            .into_iter()
            .map(|r| flow.cells[r].iter().map(|c| c.text.as_str()).collect::<String>())
            .collect()
    }

    fn cut(line: &str, skip: usize, columns: u16) -> String {
        let flow = Flow::new([(line, Style::new())].into_iter(), None);
        let mut buf = Buffer::empty(Rect::new(0, 0, columns, 1));
        flow.draw_cut(skip, &theme(), buf.area, &mut buf);
        text_of(&buf).concat()
    }

    #[test]
    fn rows_break_between_words_and_lose_nothing_but_blanks() {
        assert_eq!(rows("the quick brown fox", 10), ["the quick ", "brown fox"]);
        assert_eq!(rows("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(rows("  indented_but_long", 8), ["  indent", "ed_but_l", "ong"]);
        assert_eq!(rows("日本語x", 4), ["日本", "語x"]);
        assert_eq!(rows("a\tb", 20), ["a   b"]);
        assert_eq!(rows("", 5), [""]);
        for columns in 1..12 {
            let all: String = rows("one two  three 日本語 four", columns).concat();
            assert_eq!(all.replace(' ', ""), "onetwothree日本語four", "{columns}");
        }
    }

    #[test]
    fn a_cut_line_shows_that_it_goes_on() {
        assert_eq!(cut("0123456789", 0, 10), "0123456789");
        assert_eq!(cut("0123456789", 0, 6), "01234›");
        assert_eq!(cut("0123456789", 3, 6), "‹4567›");
        assert_eq!(cut("0123456789", 6, 6), "‹789");
        assert_eq!(cut("日本語日本語", 0, 6), "日本 ›");
        assert_eq!(cut("x", 0, 0), "");
    }

    #[test]
    fn hidden_characters_are_dropped_or_shown_never_passed_on() {
        let line = "a\u{202e}b\u{1b}[2Jc";
        assert_eq!(rows(line, 40), ["ab[2Jc"]);
        let flow = Flow::new([(line, Style::new())].into_iter(), Some(Style::new().bold()));
        let shown: String = flow.cells.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(shown, "a<U+202E>b<U+001B>[2Jc");
    }

    #[test]
    fn a_range_of_bytes_is_restyled_across_spans() {
        let plain = Style::new();
        let mut flow = Flow::new([("日本", plain), ("語\u{7}xyz", plain)].into_iter(), None);
        flow.restyle(&(3..9), Style::new().bold());
        let bold: String = flow.cells.iter().filter(|c| c.style != plain).map(|c| c.text.as_str()).collect();
        assert_eq!(bold, "本語");
    }

    #[test]
    fn one_line_costs_a_bounded_amount() {
        let line = "x".repeat(MOST_CELLS * 3);
        let flow = Flow::new([(line.as_str(), Style::new())].into_iter(), None);
        assert_eq!(flow.cells.len(), MOST_CELLS + 1);
        assert_eq!(flow.rows(10, 3), [0..10, 10..20, 20..30]);
    }
}
