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

/// The digest of the lines of a text in their normal form, in whatever order they came: what runs at the same time ends in
/// an order of its own each time. `None` for a text with hardly a word in it.
pub fn digest_of_lines(text: &str) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(normal).filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    let words = lines.iter().flat_map(|line| line.split(' ')).filter(|word| word.chars().any(char::is_alphabetic));
    (words.count() >= FEWEST_WORDS).then(|| format!("{:016x}", fnv(lines.join("\n").bytes())))
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
            path(word, &mut normal);
        } else {
            without_numbers(word, word.contains("::"), &mut normal);
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

/// A path, and what a test runner appends to one. Where an absolute one leads changes from time to time, and a temporary
/// file's name, too; a relative one, and which test of the file it is, are part of what is said.
fn path(word: &str, out: &mut String) {
    let (path, test) = word.find("::").map_or((word, ""), |at| word.split_at(at));
    let start = path.trim_start_matches(['(', '[', '{', '<', '"', '\'', '`']);
    let absolute = start.starts_with(['/', '\\', '~']) || start.contains("://") || start.get(1..3) == Some(":\\");
    if absolute {
        out.push_str("<path>");
        let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let name =
            last.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-')).next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let source = (1..=4).contains(&extension.len()) && extension.chars().all(|c| c.is_ascii_lowercase());
        if source && !name.contains(|c: char| c.is_ascii_digit()) {
            out.push('/');
            without_numbers(last, false, out);
        }
    } else {
        without_numbers(path, false, out);
    }
    without_numbers(test, true, out);
}

/// Digits of a number that may tell one name from another, such as the 2 of `case_2`.
const OF_A_NAME: usize = 3;

/// A word with `#` for each of its numbers and for each part that is a hexadecimal id; but short numbers after an
/// underscore, and all of a `name`, belong to it.
fn without_numbers(word: &str, name: bool, out: &mut String) {
    let mut named = false;
    for part in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let letters = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        let end = part.get(letters.len()..).unwrap_or_default();
        let digits = letters.chars().filter(char::is_ascii_digit).count();
        let hex = letters.len() >= 6 && digits > 0 && letters.chars().all(|c| c.is_ascii_hexdigit());
        let kept = (name || named) && digits == letters.len() && digits <= OF_A_NAME;
        named = end == "_" && digits < letters.len();
        if hex || letters.starts_with("0x") {
            out.push('#');
        } else if digits == 0 || kept {
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
        let two_at = two.replace("y9/src.rs", "x81/src.rs");
        assert_eq!(normal(one), "#:#:# test a::b failed in #.#s at <path>/src.rs:#, commit # (#)");
        assert_eq!(normal(one), normal(&two_at));
        assert_eq!(normal(one), normal(two));
        assert_ne!(normal("test a failed"), normal("test b failed"));
    }

    #[test]
    fn names_stay_what_they_are() {
        for (text, expected) in [
            (
                "FAILED tests/test_io.py::test_read[2] - assert 3 == 4",
                "FAILED tests/test_io.py::test_read[2] - assert # == #",
            ),
            ("case_1 and case_2, x_20481", "case_1 and case_2, x_#"),
            ("shop::cart::case_7 took 12ms", "shop::cart::case_7 took #ms"),
            ("--> src/a.rs:12:3", "--> src/a.rs:#:#"),
            ("(/tmp/tmpab3x/out)", "<path>"),
            ("/tmp/run-3f9a1c/data_1.json", "<path>"),
            ("at C:\\w\\a.ts:3", "at <path>/a.ts:#"),
            ("target/debug/deps/it-8f3a2b1c", "target/debug/deps/it-#"),
            ("see https://x.org/77/a", "see <path>"),
        ] {
            assert_eq!(normal(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_the_same_in_any_order() {
        let one = "test a ... ok\ntest b ... FAILED in 3ms\nfailures of the suite: b\n";
        let two = "test b ... FAILED in 19ms\ntest a ... ok\n\nfailures of the suite: b";
        assert!(digest_of_lines(one).is_some());
        assert_eq!(digest_of_lines(one), digest_of_lines(two));
        assert_ne!(digest_of_lines(one), digest_of_lines(&two.replace('b', "c")));
        assert_eq!(digest_of_lines("a few words\nand no more"), None);
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
