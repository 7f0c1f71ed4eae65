//! Puts text that others wrote into a prompt so that it stays data: in a fence that it cannot close, or in one line.
//!
//! Control and direction-changing characters become visible, as a prompt is also shown on the operator's terminal.

use std::fmt::Write;

/// What a carriage return at a line's end comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// Dropped: the text is only to be read.
    Plain,
    /// Shown: it may be what a change is about.
    Shown,
}

/// The text with line feeds and tabs as they are, and every other control character as `<U+001B>`.
pub(super) fn visible(text: &str, ends: LineEnds) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if ends == LineEnds::Plain && rest.peek() == Some(&'\n') => {}
            '\n' | '\t' => shown.push(c),
            c if c.is_control() || turns_text(c) => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "<U+{:04X}>", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Unicode's explicit direction marks, with which code can be made to look like other code.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// One line: line ends become spaces, the rest is made visible.
pub(super) fn one_line(text: &str) -> String {
    visible(text, LineEnds::Plain).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A list item: further lines are indented, so that none of them starts a list, a heading or a fence of the prompt.
pub(super) fn item(text: &str) -> String {
    let text = visible(text.trim(), LineEnds::Plain);
    let mut item = String::with_capacity(text.len() + 2);
    for (nth, line) in text.lines().enumerate() {
        match (nth, line.is_empty()) {
            (0, _) => item.push_str("- "),
            (_, true) => item.push('\n'),
            _ => item.push_str("\n  "),
        }
        item.push_str(line);
    }
    item
}

/// Inline code: backticks become quotes.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", one_line(text).replace('`', "'"))
}

/// A fenced block with a fence longer than any run of backticks in `body`. `info` is ours, not data.
pub(super) fn fence(info: &str, body: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for byte in body.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let bar = "`".repeat((longest + 1).max(3));
    let end = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
    format!("{bar}{info}\n{body}{end}{bar}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_invisible_is_shown() {
        assert_eq!(visible("a\r\nb\u{1b}[2J\u{202e}\tc\r", LineEnds::Plain), "a\nb<U+001B>[2J<U+202E>\tc<U+000D>");
        assert_eq!(visible("a\r\n", LineEnds::Shown), "a<U+000D>\n");
        assert_eq!(one_line(" a\n b\u{7}"), "a b<U+0007>");
        assert_eq!(code("x`y\nz"), "`x'y z`");
        assert_eq!(item(" one\n# two\n\nthree\n"), "- one\n  # two\n\n  three");
    }

    proptest! {
        #[test]
        fn a_fence_is_never_closed_from_inside(body in "[`a\n ]{0,60}") {
            let text = fence("diff", &body);
            let bar: String = text.chars().take_while(|c| *c == '`').collect();
            let lines: Vec<&str> = text.lines().collect();
            let closing: Vec<usize> = lines.iter().enumerate().skip(1)
                .filter(|(_, line)| line.trim().len() >= bar.len() && line.trim().chars().all(|c| c == '`'))
                .map(|(at, _)| at).collect();
            prop_assert_eq!(closing, vec![lines.len() - 1]);
            let start = format!("{bar}diff\n");
            prop_assert!(text.strip_prefix(&start).unwrap().starts_with(&body));
        }

        #[test]
        fn nothing_reaches_a_terminal(text in any::<String>()) {
            for shown in [visible(&text, LineEnds::Plain), item(&text), code(&text)] {
                prop_assert!(shown.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
            }
            prop_assert!(!one_line(&text).contains(['\n', '\t']));
        }
    }
}
