//! Which words of a changed line differ, for emphasis on the screen.
//! [`words`] works under a deadline, so its answer is for showing only and is never stored.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// A screenful must not wait for one pathological line.
const DEADLINE: Duration = Duration::from_millis(20);
/// Longer lines are not compared word by word, in bytes.
const LONGEST: usize = 8 << 10;

/// Byte ranges to emphasise in the old and in the new text, in order and without overlaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Emphasis {
    /// In the old text.
    pub old: Vec<Range<usize>>,
    /// In the new text.
    pub new: Vec<Range<usize>>,
}

/// Compares two versions of a line (or of a few lines) word by word. Without any emphasis when the two have too little
/// in common for it to help the reader.
pub fn words(old: &str, new: &str) -> Emphasis {
    if old.len() > LONGEST || new.len() > LONGEST {
        return Emphasis::default();
    }
    let (old_words, new_words) = (split(old), split(new));
    let (old_texts, new_texts) = (texts(old, &old_words), texts(new, &new_words));
    let deadline = Some(Instant::now() + DEADLINE);
    let mut emphasis = Emphasis::default();
    let mut shared = 0_usize;
    for op in capture_diff_slices_deadline(Algorithm::Myers, &old_texts, &new_texts, deadline) {
        if let DiffOp::Equal { old_index, len, .. } = op {
            let equal = old_texts.get(old_index..old_index + len).unwrap_or_default();
            shared += equal.iter().map(|word| word.trim().len()).sum::<usize>();
            continue;
        }
        extend(&mut emphasis.old, &old_words, op.old_range());
        extend(&mut emphasis.new, &new_words, op.new_range());
    }
    let larger = old.trim().len().max(new.trim().len());
    if shared * 4 < larger { Emphasis::default() } else { emphasis }
}

fn texts<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
    ranges.iter().map(|range| text.get(range.clone()).unwrap_or_default()).collect()
}

fn extend(emphasis: &mut Vec<Range<usize>>, words: &[Range<usize>], changed: Range<usize>) {
    let Some(changed) = words.get(changed) else { return };
    let (Some(first), Some(last)) = (changed.first(), changed.last()) else { return };
    match emphasis.last_mut() {
        Some(before) if before.end == first.start => before.end = last.end,
        _ => emphasis.push(first.start..last.end),
    }
}

/// Runs of letters, digits and `_`, runs of white space, and single other characters.
fn split(text: &str) -> Vec<Range<usize>> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Word,
        Space,
        Other,
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut before = None;
    for (at, character) in text.char_indices() {
        let kind = if character.is_alphanumeric() || character == '_' {
            Kind::Word
        } else if character.is_whitespace() {
            Kind::Space
        } else {
            Kind::Other
        };
        let end = at + character.len_utf8();
        match ranges.last_mut() {
            Some(last) if before == Some(kind) && kind != Kind::Other => last.end = end,
            _ => ranges.push(at..end),
        }
        before = Some(kind);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
        texts(text, ranges)
    }

    #[test]
    fn only_changed_words_are_emphasised() {
        let (old, new) = ("let count = items.len();", "let total = items.len() + 1;");
        let emphasis = words(old, new);
        assert_eq!(marked(old, &emphasis.old), ["count"]);
        assert_eq!(marked(new, &emphasis.new), ["total", " + 1"]);
    }

    #[test]
    fn unlike_lines_get_no_emphasis() {
        assert_eq!(words("return a;", "// nothing alike in here at all"), Emphasis::default());
        assert_eq!(words("", "new"), Emphasis::default());
    }

    proptest! {
        #[test]
        fn ranges_are_ordered_and_on_character_borders(old in any::<String>(), new in any::<String>()) {
            let emphasis = words(&old, &new);
            for (text, ranges) in [(&old, &emphasis.old), (&new, &emphasis.new)] {
                let mut end = 0;
                for range in ranges {
                    prop_assert!(range.start >= end && range.start < range.end);
                    prop_assert!(text.get(range.clone()).is_some());
                    end = range.end;
                }
            }
        }
    }
}
