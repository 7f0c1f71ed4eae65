//! Paths as git has them: bytes inside, an escaped text where people read them.
//! [`display`] makes every byte sequence readable and harmless.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path for reading: control characters, bytes that are no UTF-8, backslashes, and characters that are invisible or
/// turn the reading direction are escaped, so two different paths never look the same and none can act on a terminal.
pub fn display(path: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                other if other.is_control() || is_deceiving(other) => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(other));
                }
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Bytes of a repository path as a [`Path`].
pub(crate) fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

/// Zero-width characters, and those that reorder what surrounds them.
fn is_deceiving(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_paths_are_escaped() {
        assert_eq!(display(b"src/lib.rs"), "src/lib.rs");
        assert_eq!(display("über/日本".as_bytes()), "über/日本");
        assert_eq!(display(b"a\nb\\c\x1b[2J"), "a\\nb\\\\c\\u{1b}[2J");
        assert_eq!(display(b"caf\xe9.txt"), "caf\\xe9.txt");
        assert_eq!(display("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    proptest! {
        #[test]
        fn different_paths_look_different(a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
            prop_assert_eq!(a == b, display(&a) == display(&b));
            prop_assert!(!display(&a).chars().any(char::is_control));
        }
    }
}
