//! Output without what differs from one time to the next: numbers, times, hexadecimal ids and paths.
//!
//! [`digest`] is FNV-1a, so that what a journal holds means the same to every loopdash.

/// Fewer words than this mean nothing when they come again.
const FEWEST_WORDS: usize = 8;

/// The digest of a text's normal form, 16 hexadecimal digits; `None` for one with hardly a word in it.
pub fn digest(text: &str) -> Option<String> {
    let normal = normal(text);
    let words = normal.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count();
    (words >= FEWEST_WORDS).then(|| format!("{:016x}", fnv(normal.bytes())))
}

/// A mark of parts in their order, 16 hexadecimal digits: the same parts have the same one.
pub fn mark_of(parts: &[&[u8]]) -> String {
    // No part holds a byte that is none of UTF-8.
    let bytes = parts.iter().flat_map(|part| part.iter().copied().chain([0xff]));
    format!("{:016x}", fnv(bytes))
}

/// FNV-1a of 64 bits.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A text in one line, its words apart by one blank, without what changes by itself.
pub fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for word in plain(text).split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        if word.contains(['/', '\\']) && word.chars().any(char::is_alphanumeric) {
            normal.push_str("<path>");
        } else {
            without_numbers(word, &mut normal);
        }
    }
    normal
}

/// The text without escape sequences and controls.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.next() == Some('[') {
                    // Up to its final byte.
                    let _ = chars.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
                }
            }
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// A word with `#` for each of its numbers and for each part that is a hexadecimal id.
fn without_numbers(word: &str, out: &mut String) {
    for part in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let letters = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        let end = part.get(letters.len()..).unwrap_or_default();
        let digits = letters.chars().filter(char::is_ascii_digit).count();
        let hex = letters.len() >= 6 && digits > 0 && letters.chars().all(|c| c.is_ascii_hexdigit());
        if hex || letters.starts_with("0x") {
            out.push('#');
        } else if digits == 0 {
            out.push_str(letters);
        } else {
            let mut number = false;
            for c in letters.chars() {
                if !c.is_ascii_digit() {
                    out.push(c);
                } else if !number {
                    out.push('#');
                }
                number = c.is_ascii_digit();
            }
        }
        out.push_str(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_by_itself_is_gone() {
        let one =
            "12:03:11 \u{1b}[31mtest a::b failed\u{1b}[0m in 1.23s at /tmp/x81/src.rs:12, commit 3f9a1c2d (0x7ffe)";
        let two = "12:05:59 test a::b failed in 0.9s at /tmp/y9/src.rs:17,  commit 77aa01ff (0x1)";
        assert_eq!(normal(one), "#:#:# test a::b failed in #.#s at <path> commit # (#)");
        assert_eq!(normal(one), normal(two));
        assert_ne!(normal("test a failed"), normal("test b failed"));
    }

    #[test]
    fn a_stock_phrase_has_no_digest() {
        assert_eq!(digest("All done.\nLOOPDASH_DONE"), None);
        assert_eq!(digest("1 2 3 4 5 6 7 8 9 10"), None);
        let said = digest("the parser still fails on the third case, so I look at it once more").unwrap_or_default();
        assert_eq!(said.len(), 16);
    }

    proptest! {
        #[test]
        fn any_text_has_a_normal_form_that_is_its_own(text in "\\PC{0,200}") {
            let once = normal(&text);
            prop_assert!(once.len() <= text.len() * 6 + 6);
            prop_assert!(!once.contains(char::is_control));
        }
    }
}
