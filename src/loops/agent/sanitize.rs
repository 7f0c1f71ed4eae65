//! Makes agent output safe to show: bytes in, printable text and colours out.
//! [`clean_line`] is for the screen, [`plain`] and [`plain_line`] are for prompts, logs and everything else.
//!
//! Of all control sequences only SGR has an effect; every other one goes with its payload. A line is cleaned by itself,
//! so that a sequence that is never closed ends with its line. What a carriage return overwrote is gone, bidirectional
//! and zero-width characters are written out as `<U+202E>`, and bytes that are not UTF-8 become U+FFFD.

use std::borrow::Cow;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;
use vte::{Params, Parser, Perform};

use super::sgr::{SgrState, TextStyle};

/// Text of a line longer than this is not shown.
pub const DISPLAY_CAP: usize = 4 * 1024;
/// Marks that may pile up on one character.
const MARKS_PER_CHAR: u8 = 16;
const TAB: usize = 8;

/// A line ready for the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanLine {
    /// Printable text.
    pub text: String,
    /// Where the text is styled, in order and without overlaps; what no span covers has the default style.
    pub spans: Vec<StyledSpan>,
    /// Whether the line went on.
    pub cut: bool,
}

/// A stretch of a [`CleanLine`] with one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StyledSpan {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// How they look; never the default style.
    pub style: TextStyle,
}

/// Cleans one line for the screen, up to [`DISPLAY_CAP`] bytes of text. `state` carries the colour from the line before
/// to the line after.
pub fn clean_line(line: &[u8], state: &mut SgrState) -> CleanLine {
    if let Some(text) = untouched(line) {
        let shown = text.get(..DISPLAY_CAP).unwrap_or(text);
        let style = state.style();
        let spans = if style == TextStyle::default() || shown.is_empty() {
            Vec::new()
        } else {
            vec![StyledSpan { range: 0..shown.len(), style }]
        };
        return CleanLine { text: shown.to_owned(), spans, cut: shown.len() < text.len() };
    }
    perform(line, state, DISPLAY_CAP)
}

/// One line as plain text, of any length; borrowed when there was nothing to clean.
pub fn plain_line(line: &[u8]) -> Cow<'_, str> {
    match untouched(line) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(perform(line, &mut SgrState::default(), usize::MAX).text),
    }
}

/// Any number of lines as plain text.
pub fn plain(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (i, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if i > 0 {
            text.push('\n');
        }
        text.push_str(&plain_line(line));
    }
    text
}

/// [`plain`] for text that is UTF-8 already.
pub fn plain_str(text: &str) -> String {
    plain(text.as_bytes())
}

/// The line itself when all of it is printable ASCII, which most lines are.
fn untouched(line: &[u8]) -> Option<&str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // A fold without an early exit is what the compiler turns into vector code.
    let printable = line.iter().fold(true, |all, byte| all & (0x20..0x7f).contains(byte));
    if printable { std::str::from_utf8(line).ok() } else { None }
}

fn perform(line: &[u8], state: &mut SgrState, cap: usize) -> CleanLine {
    let mut screen = Screen::new(state, cap);
    Parser::new().advance(&mut screen, seven_bit(line).as_bytes());
    screen.finish()
}

/// The line as UTF-8, with 8-bit control characters (raw, or as the code points U+0080 to U+009F) in their 7-bit
/// spelling, so that the parser drops their payload too. A raw byte may as well be half of a character that was cut: it
/// counts as an introducer only when the rest of its sequence follows.
fn seven_bit(line: &[u8]) -> Cow<'_, str> {
    let has_control = |text: &str| text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c));
    if let Ok(text) = std::str::from_utf8(line)
        && !has_control(text)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(line.len() + 16);
    let mut rest = line;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(valid) => valid,
            Err(error) => rest.get(..error.valid_up_to()).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or(""),
        };
        for (at, c) in valid.char_indices() {
            match u8::try_from(c) {
                Ok(control @ 0x80..=0x9f) => {
                    let after = rest.get(at + c.len_utf8()..).unwrap_or_default();
                    text.push_str(escape(control, after).unwrap_or(""));
                }
                _ => text.push(c),
            }
        }
        rest = rest.get(valid.len()..).unwrap_or_default();
        if let [byte, after @ ..] = rest {
            text.push_str(escape(*byte, after).unwrap_or("\u{fffd}"));
            // One replacement for each broken character, not for each of its bytes.
            let broken = std::str::from_utf8(rest).err().and_then(|error| error.error_len());
            rest = rest.get(broken.unwrap_or(after.len() + 1)..).unwrap_or_default();
        }
    }
    Cow::Owned(text)
}

/// The 7-bit spelling of an 8-bit introducer, if what follows it completes its sequence.
fn escape(control: u8, after: &[u8]) -> Option<&'static str> {
    let spelling = match control {
        0x9b => {
            let end = after.iter().take(64).position(|byte| !(0x20..0x40).contains(byte))?;
            return after.get(end).filter(|byte| (0x40..0x7f).contains(*byte)).map(|_| "\x1b[");
        }
        0x90 => "\x1bP",
        0x98 => "\x1bX",
        0x9c => return Some("\x1b\\"),
        0x9d => "\x1b]",
        0x9e => "\x1b^",
        0x9f => "\x1b_",
        _ => return None,
    };
    let bell = control == 0x9d && after.contains(&0x07);
    let closed = bell || after.contains(&0x9c) || after.windows(2).any(|pair| pair == b"\x1b\\");
    closed.then_some(spelling)
}

/// The one line of screen that a line of output is played on.
struct Screen<'a> {
    state: &'a mut SgrState,
    cap: usize,
    text: String,
    spans: Vec<StyledSpan>,
    cut: bool,
    column: usize,
    returned: bool,
    marks: u8,
    joined: bool,
}

impl<'a> Screen<'a> {
    fn new(state: &'a mut SgrState, cap: usize) -> Self {
        Self {
            state,
            cap,
            text: String::new(),
            spans: Vec::new(),
            cut: false,
            column: 0,
            returned: false,
            marks: 0,
            joined: false,
        }
    }

    fn finish(self) -> CleanLine {
        CleanLine { text: self.text, spans: self.spans, cut: self.cut }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
        (self.cut, self.column, self.returned, self.marks, self.joined) = (false, 0, false, 0, false);
    }

    /// Adds text as it is, in the style of the moment.
    fn put(&mut self, piece: &str, width: usize) {
        if self.returned {
            self.clear();
        }
        if self.cut || self.text.len() + piece.len() > self.cap {
            self.cut = true;
            return;
        }
        let start = self.text.len();
        self.text.push_str(piece);
        self.column += width;
        let style = self.state.style();
        if style == TextStyle::default() {
            return;
        }
        match self.spans.last_mut().filter(|span| span.style == style && span.range.end == start) {
            Some(span) => span.range.end = self.text.len(),
            None => self.spans.push(StyledSpan { range: start..self.text.len(), style }),
        }
    }

    fn put_char(&mut self, c: char) {
        if c.is_ascii() {
            (self.marks, self.joined) = (0, false);
            return self.put(c.encode_utf8(&mut [0; 4]), 1);
        }
        if is_invisible(c) && !(is_joiner(c) && self.after_non_ascii()) {
            self.joined = false;
            let shown = format!("<U+{:04X}>", u32::from(c));
            return self.put(&shown, shown.len());
        }
        let width = c.width().unwrap_or(0);
        if width == 0 {
            // Unlimited marks on one character would make one cell of the screen arbitrarily large.
            if self.marks >= MARKS_PER_CHAR || self.text.is_empty() || self.returned {
                return;
            }
            self.marks += 1;
            self.joined = is_joiner(c);
        } else if !std::mem::take(&mut self.joined) {
            self.marks = 0;
        }
        self.put(c.encode_utf8(&mut [0; 4]), width);
    }

    /// Whether a joiner here can be part of an emoji or of a script that needs it.
    fn after_non_ascii(&self) -> bool {
        !self.returned && self.text.chars().next_back().is_some_and(|c| !c.is_ascii())
    }

    fn back(&mut self) {
        if self.returned || self.cut {
            return;
        }
        if let Some(c) = self.text.pop() {
            self.column = self.column.saturating_sub(c.width().unwrap_or(0));
            let end = self.text.len();
            while let Some(span) = self.spans.last_mut() {
                span.range.end = span.range.end.min(end);
                if !span.range.is_empty() {
                    break;
                }
                self.spans.pop();
            }
        }
    }
}

impl Perform for Screen<'_> {
    fn print(&mut self, c: char) {
        if c != '\x7f' {
            self.put_char(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => {
                let column = if self.returned { 0 } else { self.column };
                let width = TAB - column % TAB;
                self.put("        ".get(..width).unwrap_or(" "), width);
            }
            b'\r' => self.returned = true,
            0x08 => self.back(),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if ignore || !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|param| param.first().copied()).unwrap_or(0);
        match (action, first) {
            ('m', _) => self.state.apply(params),
            // Progress lines also go back by "column 1" and wipe themselves by "erase line".
            ('G', 0 | 1) => self.returned = true,
            ('K', 2) => self.clear(),
            _ => {}
        }
    }
}

/// Characters that take no room or turn the text around: what a reader would not see must be written out.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests;
