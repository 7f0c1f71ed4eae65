//! Lines of a transcript made fit for the screen: [`printed`] keeps the colours that a process chose, [`told`] gives those
//! that go with what a line of a story is.

use crate::loops::agent::sanitize::{clean_line, plain_line};
use crate::loops::agent::story::{self, LineKind};
use crate::loops::agent::transcript::{RawLine, Stream as Printed};
use crate::loops::agent::{SgrState, TextColor, TextStyle};
use crate::widgets::mark::Mark;
use crate::widgets::theme::{Ink, Paint, Role};
use crate::widgets::transcript::{Stream, StyledLine};
use std::ops::Range;

/// Characters of a story's line that are shown; the raw transcript has the others.
const SHOWN: usize = 4 * 1024;

/// A line as it was printed; `state` carries the colour from the line before to the line after.
pub(super) fn printed(line: &RawLine, state: &mut SgrState) -> StyledLine {
    let clean = clean_line(&line.bytes, state);
    let mut spans = Vec::with_capacity(clean.spans.len() * 2 + 1);
    let mut push = |range: Range<usize>, ink: Ink| {
        if let Some(text) = clean.text.get(range).filter(|text| !text.is_empty()) {
            spans.push((text.to_owned(), ink));
        }
    };
    let mut at = 0;
    for span in &clean.spans {
        push(at..span.range.start, Ink::default());
        push(span.range.clone(), ink(span.style));
        at = span.range.end;
    }
    push(at..clean.text.len(), Ink::default());
    if clean.cut || line.cut {
        spans.push(cut());
    }
    let stream = match line.stream {
        Printed::Stdout => Stream::Out,
        Printed::Stderr => Stream::Err,
    };
    StyledLine { spans, stream }
}

/// A line of a story.
pub(super) fn told(line: &RawLine) -> StyledLine {
    if line.stream == Printed::Stderr {
        return printed(line, &mut SgrState::default());
    }
    let (kind, words) = story::read(&line.bytes);
    let clean = plain_line(words);
    let shown: String = clean.chars().take(SHOWN).collect();
    let is_cut = line.cut || shown.len() < clean.len();
    let one = |role: Role, text: String| vec![(text, Ink::role(role))];
    let (stream, mut spans) = match kind {
        LineKind::Text => (Stream::Out, vec![(shown, Ink::default())]),
        LineKind::Thinking => (Stream::Out, vec![(shown, Ink { italic: true, ..Ink::role(Role::Dim) })]),
        LineKind::Tool => {
            let (name, summary) = shown.split_once(' ').unwrap_or((&shown, ""));
            let name = (name.to_owned(), Ink::role(Role::Strong));
            (Stream::Call, vec![name, (format!(" {summary}"), Ink::default())])
        }
        LineKind::Result => (Stream::Tool, one(Role::Dim, shown)),
        LineKind::Passed => (Stream::Tool, one(Role::Ok, format!("{} {shown}", Mark::Passed.glyph()))),
        LineKind::Failed => (Stream::Tool, one(Role::Danger, format!("{} {shown}", Mark::Failed.glyph()))),
        LineKind::Trouble => (Stream::Meta, one(Role::Danger, shown)),
        LineKind::Wait | LineKind::Warning => (Stream::Meta, one(Role::Attention, shown)),
        LineKind::Usage => (Stream::Meta, one(Role::Dim, shown)),
    };
    if is_cut {
        spans.push(cut());
    }
    StyledLine { spans, stream }
}

fn cut() -> (String, Ink) {
    (" … cut".to_owned(), Ink::role(Role::Faint))
}

const fn ink(style: TextStyle) -> Ink {
    const fn paint(colour: TextColor) -> Option<Paint> {
        match colour {
            TextColor::Default => None,
            TextColor::Indexed(index) => Some(Paint::Indexed(index)),
            TextColor::Rgb(r, g, b) => Some(Paint::Rgb(r, g, b)),
        }
    }
    Ink {
        fg: paint(style.fg),
        bg: paint(style.bg),
        bold: style.bold,
        dim: style.dim,
        italic: style.italic,
        underline: style.underline,
        reverse: style.reverse,
        strike: style.strike,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(bytes: &[u8]) -> RawLine {
        RawLine { stream: Printed::Stdout, bytes: bytes.to_vec(), cut: false, at_ms: 0 }
    }

    #[test]
    fn colours_survive_into_the_next_line_and_nothing_else_does() {
        let mut state = SgrState::default();
        let line = printed(&raw(b"plain \x1b[31mred\x1b]52;c;AAAA\x07 still"), &mut state);
        let red = Ink { fg: Some(Paint::Indexed(1)), ..Ink::default() };
        let spans: Vec<(&str, Ink)> = line.spans.iter().map(|(text, ink)| (text.as_str(), *ink)).collect();
        assert_eq!(spans, [("plain ", Ink::default()), ("red still", red)]);
        assert_eq!(printed(&raw(b"next"), &mut state).spans, [("next".to_owned(), red)]);
    }

    #[test]
    fn a_line_that_was_cut_says_so() {
        let mut line = raw(b"start");
        line.cut = true;
        assert_eq!(printed(&line, &mut SgrState::default()).spans.len(), 2);
    }

    #[test]
    fn a_story_has_its_own_colours_and_not_the_agents() {
        let tool = told(&raw(b"\x03Bash cargo \x1b[31mtest"));
        let spans: Vec<&str> = tool.spans.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!((tool.stream, spans), (Stream::Call, vec!["Bash", " cargo test"]));
        let forged = told(&raw(b"\x01\x06failed"));
        assert_eq!(forged, StyledLine::plain(Stream::Out, "failed"));
        let failed = told(&raw(b"\x06failed, exit 3"));
        assert_eq!(failed.spans, [("✗ failed, exit 3".to_owned(), Ink::role(Role::Danger))]);
    }
}
