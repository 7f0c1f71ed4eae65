//! The body of a private key in PEM: what follows its first line, until its last, however the lines came here. One may
//! stand in a JSON string with `\n` for its line ends, behind line numbers, or be cut off anywhere.

use super::colour::Plain;
use super::shapes::MASKED;

/// What a key's first line begins with.
pub(super) const BEGIN: &str = "-----BEGIN ";
const END: &[u8] = b"-----END";
/// Headers that an encrypted or a PGP key may have before its body.
const HEADERS: [&[u8]; 5] = [b"Proc-Type: ", b"DEK-Info: ", b"Version: ", b"Comment: ", b"Hash: "];
/// The longest name between the dashes.
const LONGEST_NAME: usize = 64;
/// Characters in a row that only a key's full lines have.
const FULL: usize = 40;
/// Words before a short last line: what an editor or a search puts in front of it.
const MOST_WORDS: usize = 3;

/// Where the body begins of the key whose first line's beginning ends at `at`; `None` if it is no private key.
pub(super) fn body_start(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let name = rest.get(..memchr::memmem::find(rest.get(..LONGEST_NAME).unwrap_or(rest), b"-----")?)?;
    let private = name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK");
    let label = name.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '));
    (private && label).then_some(at + name.len() + 5)
}

/// Where the body ends that goes on at `from`, and whether it still does behind the text.
pub(super) fn body_end(text: &[u8], from: usize) -> (usize, bool) {
    let mut end = from;
    let mut at = from;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let (len, gap) = line_end(rest);
        let line = rest.get(..len).unwrap_or_default();
        match judge(line) {
            Piece::Full { to } => end = at + to,
            Piece::Between => {}
            Piece::Last { to } => return (at + to, false),
            Piece::Over => return (end, false),
        }
        at += len + gap;
    }
    (text.len(), true)
}

/// Whether a line may be one of the full lines of a key.
pub fn may_be_body(line: &[u8]) -> bool {
    full_run(Plain::of(line).text()).is_some()
}

/// What a line is to a body that has not ended before it. `to` is where in the line the body ends.
enum Piece {
    Full { to: usize },
    Between,
    Last { to: usize },
    Over,
}

fn judge(line: &[u8]) -> Piece {
    if let Some(at) = memchr::memmem::find(line, END) {
        return Piece::Last { to: at };
    }
    if memchr::memmem::find(line, MASKED).is_some() {
        return Piece::Over;
    }
    let len = line.trim_ascii_end().len();
    if let Some(to) = full_run(line) {
        return if to == len { Piece::Full { to: line.len() } } else { Piece::Last { to } };
    }
    let line = line.get(..len).unwrap_or_default();
    // In a diff each line has a mark.
    let bare = line.strip_prefix(b"+").or(line.strip_prefix(b"-")).unwrap_or(line);
    if bare.is_empty() || HEADERS.iter().any(|name| bare.starts_with(name)) {
        return Piece::Between;
    }
    let start = line.iter().rposition(|byte| byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
    let word = line.get(start..).unwrap_or_default();
    // In a string that was cut off a quote may follow.
    let run = word.iter().take_while(|byte| is_base64(**byte)).count();
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    if run > 0 && words <= MOST_WORDS { Piece::Last { to: start + run } } else { Piece::Over }
}

/// Where the last of the long runs in a line ends.
fn full_run(line: &[u8]) -> Option<usize> {
    let (mut run, mut end) = (0, None);
    for (at, byte) in line.iter().enumerate() {
        run = if is_base64(*byte) { run + 1 } else { 0 };
        if run >= FULL {
            end = Some(at + 1);
        }
    }
    end
}

/// Where the line ends that the text begins with, and how long what ends it is.
fn line_end(text: &[u8]) -> (usize, usize) {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\n' => return (at, 1),
            b'\\' if matches!(text.get(at + 1), Some(b'n' | b'r')) => return (at, 2),
            _ => {}
        }
    }
    (text.len(), 0)
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
