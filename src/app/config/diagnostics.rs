//! What is wrong with a configuration, shown where it stands: [`Problem`] and the list of them, [`Problems`].
//!
//! Several problems are reported together, each with source, line, column, a caret and, where a word was nearly right,
//! what was probably meant.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that problems point into: a file, or one environment variable or flag written as a line of TOML.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// How it is named to the user: a path, `LOOPDASH_ENGINE_CAP`, `--set`.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// A place in a source.
#[derive(Clone, Debug)]
pub struct Place {
    /// In which text.
    pub source: Arc<Source>,
    /// Which bytes of it.
    pub span: Range<usize>,
}

impl Place {
    /// The line the place starts in, from 1.
    pub fn line(&self) -> usize {
        let before = self.source.text.as_bytes().get(..self.span.start).unwrap_or_default();
        memchr::memchr_iter(b'\n', before).count() + 1
    }

    /// The lines that the place is in, and where in them it is.
    fn lines(&self) -> (&str, Range<usize>) {
        let text = &self.source.text;
        let span = clamp(&self.span, text);
        let start =
            memchr::memrchr(b'\n', text.as_bytes().get(..span.start).unwrap_or_default()).map_or(0, |at| at + 1);
        let behind = memchr::memchr(b'\n', text.as_bytes().get(span.end..).unwrap_or_default());
        let end = behind.map_or(text.len(), |at| span.end + at + 1);
        (text.get(start..end).unwrap_or_default(), span.start - start..span.end - start)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The statement, a lowercase fragment.
    pub title: String,
    /// Where; `None` when it is about no place, such as a file that cannot be read.
    pub place: Option<Place>,
    /// What stands beside the caret.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem that is about no place.
    pub fn new(title: impl Into<String>) -> Self {
        // A title is one line; a name with a line break in it must not look like two.
        Self { title: visible(&title.into()).replace('\n', "\\n"), place: None, label: String::new(), help: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Says what stands beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = visible(&label.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(visible(&help.into()));
        self
    }

    /// Offers the nearest of the known words, or lists them all.
    #[must_use]
    pub fn nearest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>, what: &str) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let listing = match known.as_slice() {
            [] => format!("there are no {what}"),
            known => format!("{what}: {}", known.join(", ")),
        };
        match nearest(word, known.iter().copied()) {
            Some(best) => self.help(format!("did you mean `{best}`? ({listing})")),
            None => self.help(listing),
        }
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(&self.title));
        if let Some(place) = &self.place {
            // The lines it is in and no others: a file of a megabyte is not laid out again for each of its faults.
            let (lines, span) = place.lines();
            let text = displayable(lines);
            let mut mark = AnnotationKind::Primary.span(clamp(&span, &text));
            if !self.label.is_empty() {
                mark = mark.label(self.label.clone());
            }
            let snippet = Snippet::source(text).line_start(place.line()).path(visible(&place.source.name));
            group = group.element(snippet.annotation(mark));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

/// Everything that is wrong; never empty when returned as an error.
#[derive(Clone, Debug, Default, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

/// The most problems that are shown; whoever has more begins with these.
const SHOWN: usize = 50;

impl Problems {
    /// The report as shown to a person: one block for each problem, with colours if wanted. Of very many the first ones,
    /// and how many there are besides.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut blocks: Vec<String> = self.0.iter().take(SHOWN).map(|problem| problem.render(&renderer)).collect();
        if self.0.len() > SHOWN {
            blocks.push(format!("… and {} more", self.0.len() - SHOWN));
        }
        let mut text = blocks.join("\n\n");
        text.push('\n');
        text
    }

    /// `Ok(value)` if nothing is wrong.
    ///
    /// # Errors
    /// Itself otherwise, in the order in which a reader of the sources meets them.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        let mut sources: Vec<String> = Vec::new();
        let mut order = |problem: &Problem| {
            let place = problem.place.as_ref()?;
            let name = &place.source.name;
            let position = sources.iter().position(|known| known == name).unwrap_or_else(|| {
                sources.push(name.clone());
                sources.len() - 1
            });
            Some((position, place.span.start))
        };
        self.0.sort_by_cached_key(|problem| order(problem));
        Err(self)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

/// The known word that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The edit distance is quadratic; a word of megabytes is no typing error.
    if word.len() > 64 {
        return None;
    }
    let wanted = word.to_ascii_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| {
            let plain = candidate.to_ascii_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&wanted, &plain), candidate)
        })
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count().min(word.chars().count()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether a terminal would obey a character, or hide it, instead of showing it.
fn unshowable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` with everything that a terminal would obey written out, such as `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && unshowable(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// `text` with the same characters replaced by as many bytes, so that spans stay right.
fn displayable(text: &str) -> String {
    text.chars()
        .map(|c| match (unshowable(c) && !matches!(c, '\n' | '\r' | '\t'), c.len_utf8()) {
            (false, _) => c.to_string(),
            (true, 3) => '\u{fffd}'.to_string(),
            (true, bytes) => "?".repeat(bytes),
        })
        .collect()
}

/// A span that lies inside `text` on character boundaries, whatever a parser claimed.
fn clamp(span: &Range<usize>, text: &str) -> Range<usize> {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, span: Range<usize>) -> Problem {
        let source = Arc::new(Source { name: "loopdash.toml".to_owned(), text: text.to_owned() });
        Problem::new("bad").at(Some(Place { source, span })).label("here")
    }

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        let known = ["cap", "gate_cap", "on_start", "worktree_path"];
        assert_eq!(nearest("gate-cap", known), Some("gate_cap"));
        assert_eq!(nearest("workree_path", known), Some("worktree_path"));
        assert_eq!(nearest("CAP", known), Some("cap"));
        assert_eq!(nearest("theme", known), None);
        assert_eq!(nearest(&"c".repeat(1 << 20), known), None);
    }

    #[test]
    fn nothing_a_terminal_obeys_reaches_it() {
        let shown = Problems::from(problem("a = \"\u{1b}]0;x\u{7}\u{9b}\u{202e}\"\n", 4..9)).render(false);
        assert!(!shown.chars().any(|c| c != '\n' && unshowable(c)), "{shown:?}");
        let shown = Problems::from(Problem::new("\u{1b}[2J").help("\u{9b}")).render(false);
        assert!(!shown.chars().any(|c| c != '\n' && unshowable(c)), "{shown:?}");
    }

    #[test]
    fn any_span_is_shown_without_a_panic() {
        let text = "ä = 1\nβ = 2";
        for start in 0..text.len() + 3 {
            for end in 0..text.len() + 3 {
                assert!(!Problems::from(problem(text, start..end)).render(true).is_empty());
            }
        }
        assert!(!Problems::from(problem("", 0..0)).render(false).is_empty());
    }
}
