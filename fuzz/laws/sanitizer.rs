//! What agents print is fit for a screen once it is cleaned, whatever it was: nothing that a terminal obeys, nothing that
//! hides, spans that lie in the text, and rows that are no wider than they may be.

use loopdash::loops::agent::sanitize::{CleanLine, DISPLAY_CAP, clean_line, plain, plain_line};
use loopdash::loops::agent::{SgrState, TextStyle};
use loopdash::widgets::text::{self, Align};

/// Zero-width characters that may pile up in one cell.
const MARKS: usize = 16;

pub(crate) fn holds(bytes: &[u8]) {
    let mut state = SgrState::default();
    let mut whole = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let clean = clean_line(line, &mut state);
        assert!(clean.text.len() <= DISPLAY_CAP);
        shows(&clean.text);
        spans(&clean);
        columns(&clean.text);
        let words = plain_line(line).into_owned();
        shows(&words);
        if !clean.cut {
            assert_eq!(words, clean.text, "the two ways to clean a line agree");
        }
        assert_eq!(plain_line(words.as_bytes()), words, "what is clean stays as it is");
        whole.push(words);
    }
    assert_eq!(plain(bytes), whole.join("\n"));
}

/// Nothing in the text moves the cursor, turns the text around or hides.
fn shows(text: &str) {
    let (mut marks, mut before) = (0, None);
    for c in text.chars() {
        assert!(!c.is_control(), "a control character in {text:?}");
        let hides = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}');
        assert!(!hides, "{c:?} in {text:?}");
        let joins = matches!(c, '\u{200c}' | '\u{200d}');
        assert!(!joins || before.is_some_and(|before: char| !before.is_ascii()), "nothing to join in {text:?}");
        marks = if joins || text::width(c.encode_utf8(&mut [0; 4])) == 0 { marks + 1 } else { 0 };
        assert!(marks <= MARKS, "marks pile up in {text:?}");
        before = Some(c);
    }
}

fn spans(line: &CleanLine) {
    let mut end = 0;
    for span in &line.spans {
        assert!(end <= span.range.start && span.range.start < span.range.end, "{line:?}");
        assert!(line.text.get(span.range.clone()).is_some(), "{line:?}");
        assert!(span.style != TextStyle::default(), "{line:?}");
        end = span.range.end;
    }
}

/// What a screen cuts, pads or wraps fits where it is put.
fn columns(text: &str) {
    let columns = 2 + text.len() % 40;
    assert!(text::width(&text::cut(text, columns)) <= columns, "{text:?} cut at {columns}");
    assert!(text::width(&text::cut_front(text, columns)) <= columns, "{text:?} cut at {columns}");
    assert_eq!(text::width(&text::fit(text, columns, Align::Left)), columns, "{text:?} in {columns}");
    for row in text::wrap(text, columns) {
        assert!(text::width(&row) <= columns, "{row:?} of {text:?} in {columns}");
    }
}
