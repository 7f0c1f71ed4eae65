//! Searching a transcript as a person reads it: control sequences gone, smart case, a bounded piece at a time.
//! [`Query`] also finds the same matches in a line on screen.

use std::borrow::Cow;
use std::io;
use std::ops::{ControlFlow, Range};

use memchr::memmem::Finder;

use super::Files;
use super::index::Index;
use super::marks::Stream;
use super::walk::{Line, scan};
use crate::loops::agent::sanitize;

/// How much one call reads before it comes back to be asked again.
const BUDGET_BYTES: u64 = 64 * 1024 * 1024;
/// How much of the transcript a backward search takes at a time.
const WINDOW_BYTES: u64 = 1024 * 1024;

/// A text to find. Without capitals it matches either case; with one, exactly.
#[derive(Clone, Debug)]
pub struct Query {
    finder: Finder<'static>,
    fold: bool,
}

/// Which way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the end.
    Forward,
    /// Towards the beginning.
    Backward,
}

/// A line that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Line number, from 0.
    pub line: u64,
    /// Where the line was printed.
    pub stream: Stream,
}

/// What one call found, nearest first, and the line to go on from, if there is more to search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Matching lines in the direction of the search.
    pub hits: Vec<Hit>,
    /// Where the next call should begin; `None` at the end.
    pub resume: Option<u64>,
}

impl Query {
    /// A query for `pattern`, taken literally; `None` when it is empty.
    pub fn new(pattern: &str) -> Option<Self> {
        if pattern.is_empty() {
            return None;
        }
        let fold = !pattern.chars().any(char::is_uppercase);
        let needle = if fold { pattern.to_lowercase() } else { pattern.to_owned() };
        Some(Self { finder: Finder::new(needle.as_bytes()).into_owned(), fold })
    }

    /// The byte ranges of `text` that match, without overlaps.
    pub fn find_in(&self, text: &str) -> Vec<Range<usize>> {
        let len = self.finder.needle().len();
        if !self.fold {
            return self.finder.find_iter(text.as_bytes()).map(|at| at..at + len).collect();
        }
        if text.is_ascii() {
            let low = text.to_ascii_lowercase();
            return self.finder.find_iter(low.as_bytes()).map(|at| at..at + len).collect();
        }
        // Lower case may be longer or shorter than upper case, so remember where each byte came from.
        let (mut low, mut origin) = (String::new(), Vec::new());
        for (at, c) in text.char_indices() {
            for small in c.to_lowercase() {
                low.push(small);
                origin.resize(low.len(), at..at + c.len_utf8());
            }
        }
        let begin = |at: usize| origin.get(at).map(|range| range.start);
        let end = |at: usize| origin.get(at).map(|range| range.end);
        self.finder.find_iter(low.as_bytes()).filter_map(|at| Some(begin(at)?..end(at + len - 1)?)).collect()
    }

    fn is_in(&self, text: &str, scratch: &mut Vec<u8>) -> bool {
        if !self.fold {
            return self.finder.find(text.as_bytes()).is_some();
        }
        scratch.clear();
        if text.is_ascii() {
            scratch.extend_from_slice(text.as_bytes());
            scratch.make_ascii_lowercase();
        } else {
            scratch.extend_from_slice(text.to_lowercase().as_bytes());
        }
        self.finder.find(scratch).is_some()
    }
}

/// Collects matching lines of a range.
struct Collector<'a> {
    query: &'a Query,
    scratch: Vec<u8>,
    hits: Vec<Hit>,
}

impl<'a> Collector<'a> {
    fn new(query: &'a Query) -> Self {
        Self { query, scratch: Vec::new(), hits: Vec::new() }
    }

    fn look(&mut self, line: Line<'_>) {
        let text: Cow<'_, str> = sanitize::plain_line(line.bytes);
        if self.query.is_in(&text, &mut self.scratch) {
            self.hits.push(Hit { line: line.number, stream: line.stream });
        }
    }
}

pub(super) fn forward(index: &Index<'_>, files: &Files, query: &Query, from: u64, limit: usize) -> io::Result<Found> {
    let end = index.end();
    let mut found = Collector::new(query);
    let mut next = from;
    let mut seen: u64 = 0;
    scan(index, files, from..end.lines(), &mut |line| {
        found.look(line);
        next = line.number + 1;
        seen += line.bytes.len() as u64 + 1;
        if found.hits.len() >= limit || seen >= BUDGET_BYTES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(Found { hits: found.hits, resume: Some(next).filter(|next| *next < end.lines()) })
}

pub(super) fn backward(index: &Index<'_>, files: &Files, query: &Query, from: u64, limit: usize) -> io::Result<Found> {
    let mut hits = Vec::new();
    let mut read = 0;
    let mut end = from.saturating_add(1).min(index.end().lines());
    while end > 0 && hits.len() < limit && read < BUDGET_BYTES {
        let last = end - 1;
        let at = index.get(index.before_line(last)?)?;
        let window = at.merged().saturating_sub(WINDOW_BYTES);
        let first = index.get(index.last_where(|record| record.merged() <= window)?)?;
        let start = first.lines().min(last);
        let mut found = Collector::new(query);
        read += scan(index, files, start..end, &mut |line| {
            found.look(line);
            ControlFlow::Continue(())
        })?;
        hits.extend(found.hits.into_iter().rev());
        end = start;
    }
    if let Some(beyond) = hits.get(limit) {
        end = beyond.line + 1;
        hits.truncate(limit);
    }
    Ok(Found { hits, resume: end.checked_sub(1) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn case_is_smart() {
        let query = Query::new("error").unwrap();
        assert_eq!(query.find_in("Error: an ERROR"), [0..5, 10..15]);
        let query = Query::new("Error").unwrap();
        assert_eq!(query.find_in("An Error: an ERROR").first(), Some(&(3..8)));
        assert!(query.find_in("ERROR error").is_empty());
        assert!(Query::new("").is_none());
    }

    #[test]
    fn ranges_fall_on_the_original_text() {
        // U+0130 has a lower case of three bytes, one more than its own two.
        let text = "İİ Größe GRÖSSE";
        for range in Query::new("grö").unwrap().find_in(text) {
            assert!(text.get(range).unwrap().to_lowercase().starts_with("grö"));
        }
        assert_eq!(Query::new("grö").unwrap().find_in(text).len(), 2);
    }
}
