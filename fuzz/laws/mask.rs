//! No known secret is left, however it is coloured and in whatever pieces it comes, and masking twice changes nothing.

use loopdash::loops::mask::Mask;
use std::sync::LazyLock;

/// Values that are known: plain, with blanks, of letters beyond ASCII, and two that overlap.
const VALUES: [&str; 5] = ["correct-horse-battery", "hunter22 and 4", "pässwörd", "abcd-efgh", "efgh-ijkl"];
/// Tokens of known shapes.
const TOKENS: [&str; 3] =
    ["ghp_aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3", "AKIAIOSFODNN7EXAMPLE", "sk-ant-aB3aB3aB3aB3aB3aB3aB3aB3"];

static MASK: LazyLock<Mask> = LazyLock::new(|| Mask::new(VALUES.map(|value| ("A_SECRET", value))));

pub(crate) fn holds(bytes: &[u8]) {
    let free = without_secrets(bytes);
    if std::str::from_utf8(bytes).is_ok() {
        assert!(std::str::from_utf8(&free).is_ok(), "it was text");
    }
    // The same bytes around a secret, and a colour in it.
    let sum = crc32c::crc32c(bytes) as usize;
    let (before, after) = bytes.split_at(sum % (bytes.len() + 1));
    let secret = VALUES[sum % VALUES.len()];
    let (head, tail) = secret.split_at(secret.ceil_char_boundary(sum % secret.len()));
    without_secrets(&[before, head.as_bytes(), b"\x1b[1;31m", tail.as_bytes(), after].concat());
    let token = TOKENS[sum % TOKENS.len()];
    for colour in ["\x1b[33m", "\\u001b[33m", " "] {
        // A line of its own: what is cut off before it ends there.
        let free = without_secrets(&[before, b"\n", colour.as_bytes(), token.as_bytes(), b" ", after].concat());
        let body = &token[token.len() - 16..];
        assert!(times(&free, body) <= times(before, body) + times(after, body), "{token} is shown");
    }
}

/// The text without its secrets, of which the law's first half holds.
fn without_secrets(bytes: &[u8]) -> Vec<u8> {
    let free = MASK.bytes(bytes).into_owned();
    hides(&free);
    let again = MASK.bytes(&free);
    assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&free), "masked twice is masked once");
    let mut lines = MASK.lines();
    for line in bytes.split(|byte| *byte == b'\n') {
        hides(&lines.line(line));
    }
    free
}

fn hides(free: &[u8]) {
    let plain = without_colours(free);
    for value in VALUES {
        assert_eq!(times(&plain, value), 0, "{value} is shown");
    }
}

fn times(text: &[u8], value: &str) -> usize {
    text.windows(value.len()).filter(|window| *window == value.as_bytes()).count()
}

/// As a terminal would show it.
fn without_colours(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while let [first, rest @ ..] = text {
        if let Some(body) = text.strip_prefix(b"\x1b[")
            && let Some(end) = body.iter().take(64).position(|byte| !matches!(byte, 0x20..=0x3f))
            && matches!(body[end], 0x40..=0x7e)
        {
            text = &body[end + 1..];
        } else {
            plain.push(*first);
            text = rest;
        }
    }
    plain
}
