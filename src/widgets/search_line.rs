//! What is searched for and how far one is through it: `/token 3/17`.
//! See [`SearchLine`], a line of its own below a pane, and [`SearchFact`], the same within another line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::format;
use super::pen::Pen;
use super::text;
use super::theme::{Role, Theme};

/// A search and what it has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchFact<'a> {
    /// What is looked for.
    pub query: &'a str,
    /// How many hits there are; `None` while looking.
    pub found: Option<usize>,
    /// The current hit, from 1; 0 before one was gone to.
    pub at: usize,
    /// True where there are more hits than were counted.
    pub more: bool,
}

impl SearchFact<'_> {
    pub(crate) fn put(&self, pen: &mut Pen<'_, '_>) {
        let more = if self.more { "+" } else { "" };
        let (found, role) = match self.found {
            None => ("looking…".to_owned(), Role::Dim),
            Some(0) => ("no match".to_owned(), Role::Danger),
            Some(of) if self.at == 0 => (format!("{}{more} found", format::count(of as u64)), Role::Match),
            Some(of) => (format!("{}/{}{more}", self.at, of), Role::Match),
        };
        let room = usize::from(pen.left()).saturating_sub(text::width(&found) + 2);
        pen.put("/", Role::Key).put(&text::cut(self.query, room), Role::Text).gap(1).put(&found, role);
    }
}

/// The line below a pane that is searched.
#[derive(Debug, Clone, Copy)]
pub struct SearchLine<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// The search.
    pub search: SearchFact<'a>,
    /// Keys and what they do with it, the most useful first; what does not fit is left out.
    pub keys: &'a [(&'a str, &'a str)],
}

impl Widget for &SearchLine<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut pen = Pen::new(buf, self.theme, area, 0);
        pen.gap(1);
        self.search.put(&mut pen);
        pen.gap(2);
        for (key, says) in self.keys {
            if usize::from(pen.left()) > text::width(key) + text::width(says) + 1 {
                pen.put(key, Role::Key).gap(1).put(says, Role::Dim).gap(2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, theme};

    #[test]
    fn it_says_what_where_and_how_to_go_on() {
        let theme = theme();
        let search = SearchFact { query: "token", found: Some(17), at: 3, more: false };
        let line = SearchLine { theme: &theme, search, keys: &[(".", "next"), (",", "previous"), ("Esc", "ends it")] };
        let says = |search: SearchFact<'_>, width| draw(&SearchLine { search, ..line }, width, 1)[0].clone();
        assert_eq!(says(search, 60), " /token 3/17  . next  , previous  Esc ends it");
        assert_eq!(says(search, 24), " /token 3/17  . next");
        assert_eq!(says(search, 10), " /to… 3/17");
        assert_eq!(says(SearchFact { more: true, ..search }, 16), " /token 3/17+");
        assert_eq!(says(SearchFact { at: 0, ..search }, 20), " /token 17 found");
        assert_eq!(says(SearchFact { found: None, at: 0, ..search }, 20), " /token looking…");
        assert_eq!(says(SearchFact { found: Some(0), at: 0, ..search }, 20), " /token no match");
        assert!(has_role(&paint(&line, 60, 1), "3/17", Role::Match));
        hold_at_all_sizes(&line);
    }
}
