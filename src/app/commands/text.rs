//! Text for a terminal: cleaned, aligned, dated, and asked for.

use crate::app::cli::exit::Failure;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::ids::Millis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{BufRead, Write};
use unicode_width::UnicodeWidthStr;

/// Text of agents, files and journals as one line that a terminal only shows.
pub(super) fn line(text: &str) -> String {
    plain_str(&text.trim().replace(['\r', '\n', '\t'], " "))
}

/// A moment in local time, as `2026-11-21 14:03:07`.
pub(super) fn moment(at: Millis) -> String {
    let at = i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// This moment.
pub(super) fn now() -> Millis {
    Millis(u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default())
}

/// Rows as aligned columns, two blanks apart, without blanks at the end of a line.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Asks and reads a line; `None` when there is none to read.
pub(super) fn asked(
    out: &mut impl Write,
    answers: &mut impl BufRead,
    question: &str,
) -> Result<Option<String>, Failure> {
    write!(out, "{question}")?;
    out.flush()?;
    let mut answer = String::new();
    let read = answers.read_line(&mut answer).map_err(|error| Failure::Failed(format!("no answer: {error}")))?;
    if !answer.ends_with('\n') {
        writeln!(out)?;
    }
    Ok((read > 0).then(|| answer.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_width_of_characters() {
        let rows =
            [vec!["a".to_owned(), "x".to_owned()], vec!["漢字".to_owned(), "y".to_owned()], vec!["b".to_owned()]];
        assert_eq!(columns(&rows), "a     x\n漢字  y\nb\n");
        assert_eq!(columns(&[]), "");
    }

    #[test]
    fn a_line_stays_one_line_and_obeys_nothing() {
        assert_eq!(line(" a\nb\u{1b}[2J\r"), "a b");
    }

    #[test]
    fn no_moment_panics() {
        assert!(moment(Millis(u64::MAX)).starts_with("19"));
        assert!(moment(Millis(1_795_000_000_000)).starts_with("2026"));
    }
}
