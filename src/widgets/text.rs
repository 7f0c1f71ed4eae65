//! Text measured in terminal columns: cleaning, cutting, padding and wrapping, always on grapheme boundaries.
//! Everything drawn from outside goes through [`clean`] or [`reveal`].

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What replaces a part that was cut away.
pub const ELLIPSIS: &str = "…";

/// How many columns a tab advances to the next multiple of.
pub const TAB: usize = 4;

/// Which end of a field text stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left end.
    Left,
    /// At the right end, as numbers do.
    Right,
}

/// True for characters that move the cursor, reorder text or take no room, and so can make a screen lie.
///
/// Joiners and variation selectors count too: terminals disagree about the width of what they join.
#[must_use]
pub fn deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text without deceptive characters; line ends and tabs become a space.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(deceptive) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\t' => Some(' '),
        c if deceptive(c) => None,
        c => Some(c),
    });
    Cow::Owned(kept.collect())
}

/// A deceptive character spelt out, such as `<U+202E>`: a reviewer has to see it.
#[must_use]
pub fn reveal(c: char) -> String {
    format!("<U+{:04X}>", u32::from(c))
}

/// The columns the text takes on the screen once cleaned.
#[must_use]
pub fn width(text: &str) -> usize {
    clean(text).width()
}

/// Cuts cleaned text to at most `columns`, the last being `…` where something was cut.
#[must_use]
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    let text = clean(text);
    if text.width() <= columns {
        return text;
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = String::with_capacity(columns + ELLIPSIS.len());
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let w = grapheme.width();
        if used + w > columns - 1 {
            break;
        }
        used += w;
        kept.push_str(grapheme);
    }
    let kept_len = kept.trim_end().len();
    kept.truncate(kept_len);
    kept.push_str(ELLIPSIS);
    Cow::Owned(kept)
}

/// Cuts from the front, as paths want it: `…/auth/session.rs`.
#[must_use]
pub fn cut_front(text: &str, columns: usize) -> Cow<'_, str> {
    let text = clean(text);
    if text.width() <= columns {
        return text;
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        let w = grapheme.width();
        if used + w > columns - 1 {
            break;
        }
        used += w;
        start = at;
    }
    Cow::Owned(format!("{ELLIPSIS}{}", text.get(start..).unwrap_or_default()))
}

/// The width of the widest of some texts, at most `most`.
pub(crate) fn longest<'a>(texts: impl Iterator<Item = &'a str>, most: u16) -> u16 {
    texts.map(|t| u16::try_from(width(t)).unwrap_or(u16::MAX)).max().unwrap_or_default().min(most)
}

/// Exactly `columns` wide: cut, or padded with spaces.
#[must_use]
pub fn fit(text: &str, columns: usize, align: Align) -> String {
    let text = cut(text, columns);
    let pad = " ".repeat(columns.saturating_sub(text.width()));
    match align {
        Align::Left => format!("{text}{pad}"),
        Align::Right => format!("{pad}{text}"),
    }
}

/// Breaks text into rows of at most `columns`, between words where it can; each line end of the text begins a new row.
///
/// A word wider than a row is broken. There is at least one row.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut rows = Vec::new();
    for line in text.split('\n') {
        wrap_line(&clean(line), columns, &mut rows);
    }
    rows
}

fn wrap_line(line: &str, columns: usize, rows: &mut Vec<String>) {
    let mut row = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let (whole, bare) = (word.width(), word.trim_end().width());
        if used > 0 && used + bare > columns {
            push_row(rows, &mut row);
            used = 0;
        }
        if bare <= columns {
            row.push_str(word);
            used += whole;
            continue;
        }
        for grapheme in word.graphemes(true) {
            let w = grapheme.width();
            if used + w > columns && !row.is_empty() {
                push_row(rows, &mut row);
                used = 0;
            }
            row.push_str(grapheme);
            used += w;
        }
    }
    push_row(rows, &mut row);
}

fn push_row(rows: &mut Vec<String>, row: &mut String) {
    rows.push(row.trim_end().to_owned());
    row.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWKWARD: [&str; 7] = [
        "",
        "plain words here",
        "日本語のテキスト",
        "e\u{301}te\u{301}",
        "👩\u{200d}👩\u{200d}👧 family",
        "a\u{202e}b\u{7}c\td",
        "⚠\u{fe0f} sign",
    ];

    #[test]
    fn deceptive_characters_never_reach_the_screen() {
        assert_eq!(clean("a\u{1b}[31mb\u{9b}c\u{202e}d\u{200b}e\nf\tg\r"), "a[31mbcde f g");
        assert!(matches!(clean("plain ✓ 日本"), Cow::Borrowed(_)));
        assert_eq!(reveal('\u{202e}'), "<U+202E>");
        for text in AWKWARD {
            assert!(!clean(text).contains(deceptive), "{text:?}");
        }
    }

    #[test]
    fn no_cut_is_wider_than_asked() {
        for text in AWKWARD {
            for columns in 0..24 {
                assert!(width(&cut(text, columns)) <= columns, "{text:?} at {columns}");
                assert!(width(&cut_front(text, columns)) <= columns, "{text:?} at {columns}");
                assert_eq!(width(&fit(text, columns, Align::Right)), columns, "{text:?} at {columns}");
            }
        }
        assert_eq!(cut("auth-refactor", 8), "auth-re…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("two words", 5), "two…");
        assert_eq!(cut_front("src/auth/session.rs", 12), "…/session.rs");
        assert_eq!(fit("7", 3, Align::Right), "  7");
    }

    #[test]
    fn wrapping_keeps_words_and_loses_nothing() {
        assert_eq!(wrap("A token must die at its expiry.", 12), ["A token must", "die at its", "expiry."]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("one\n\ntwo", 10), ["one", "", "two"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        for text in AWKWARD {
            for columns in 2..20 {
                let rows = wrap(text, columns);
                assert!(rows.iter().all(|r| width(r) <= columns), "{text:?} at {columns}: {rows:?}");
                let squeeze = |s: &str| s.split_whitespace().collect::<String>();
                assert_eq!(squeeze(&rows.concat()), squeeze(&clean(text)), "{text:?} at {columns}");
            }
        }
    }

    #[test]
    fn punctuation_stays_with_its_word() {
        for columns in 9..40 {
            for row in wrap("Give the row the sentinel, then (re)run `cargo test`; twice.", columns) {
                assert!(!row.starts_with([',', ')', ';', '.']), "{row:?} at {columns}");
            }
        }
    }
}
