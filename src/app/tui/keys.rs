//! Terminal bytes to keys: [`Keys`], which is fed whatever was read and keeps what is not whole yet.
//!
//! Own code instead of crossterm's reader: that one spins when the terminal dies, and cannot tell when a key was read.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The most bytes of one paste that are kept; the rest is read and dropped.
pub const MAX_PASTE: usize = 1 << 20;
/// A longer control sequence is no key.
const MAX_SEQUENCE: usize = 64;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Something typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(KeyEvent),
    /// A bracketed paste.
    Paste(String),
}

/// A reader of keys.
#[derive(Debug, Default)]
pub struct Keys {
    buffer: Vec<u8>,
    pasting: bool,
}

/// What the front of the buffer is.
enum Front {
    /// A key of so many bytes.
    Key(KeyEvent, usize),
    /// So many bytes that mean nothing here.
    Skip(usize),
    /// A paste begins after so many bytes.
    Paste(usize),
    /// More bytes are needed.
    Wait,
}

impl Keys {
    /// Takes bytes and gives the keys that are whole.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Typed> {
        self.buffer.extend_from_slice(bytes);
        let mut typed = Vec::new();
        let mut at = 0;
        loop {
            if self.pasting {
                match self.take_paste(&mut at) {
                    Some(paste) => typed.push(Typed::Paste(paste)),
                    None => break,
                }
                continue;
            }
            match front(self.buffer.get(at..).unwrap_or_default()) {
                Front::Key(key, used) => {
                    typed.push(Typed::Key(key));
                    at += used;
                }
                Front::Skip(used) => at += used,
                Front::Paste(used) => {
                    at += used;
                    self.pasting = true;
                }
                Front::Wait => break,
            }
        }
        self.buffer.drain(..at.min(self.buffer.len()));
        typed
    }

    /// Whether an escape alone waits for what may follow it.
    pub fn is_half_escape(&self) -> bool {
        !self.pasting && self.buffer == [0x1b]
    }

    /// Nothing followed: the escape was the key.
    pub fn flush(&mut self) -> Option<Typed> {
        self.is_half_escape().then(|| {
            self.buffer.clear();
            Typed::Key(plain(KeyCode::Esc))
        })
    }

    /// The paste if its end is there; else only what is beyond its greatest size goes.
    fn take_paste(&mut self, at: &mut usize) -> Option<String> {
        let rest = self.buffer.get(*at..).unwrap_or_default();
        if let Some(end) = find(rest, PASTE_END) {
            let text = String::from_utf8_lossy(rest.get(..end.min(MAX_PASTE)).unwrap_or_default()).into_owned();
            *at += end + PASTE_END.len();
            self.pasting = false;
            return Some(text);
        }
        if rest.len() > MAX_PASTE + PASTE_END.len() {
            // The last bytes may be the beginning of its end.
            let keep = self.buffer.split_off(self.buffer.len() - PASTE_END.len());
            self.buffer.truncate(*at + MAX_PASTE);
            self.buffer.extend(keep);
        }
        None
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

const fn plain(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn front(bytes: &[u8]) -> Front {
    match bytes {
        [] | [0x1b] => Front::Wait,
        [0x1b, 0x1b, ..] => Front::Key(plain(KeyCode::Esc), 1),
        [0x1b, b'[', rest @ ..] => control(rest),
        [0x1b, b'O'] => Front::Wait,
        [0x1b, b'O', last, ..] => match cursor(*last) {
            Some(code) => Front::Key(plain(code), 3),
            None => Front::Skip(3),
        },
        [0x1b, rest @ ..] => match character(rest) {
            Front::Key(key, used) => {
                Front::Key(KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key }, used + 1)
            }
            Front::Skip(used) => Front::Skip(used + 1),
            other => other,
        },
        _ => character(bytes),
    }
}

/// A character, or the control key that a single byte stands for.
fn character(bytes: &[u8]) -> Front {
    let Some(first) = bytes.first().copied() else { return Front::Wait };
    let ctrl = |c: u8| KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL);
    let key = match first {
        b'\r' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f | 0x08 => plain(KeyCode::Backspace),
        0 => ctrl(b' '),
        1..=0x1a => ctrl(first + b'a' - 1),
        0x1c..=0x1f => ctrl(first + b'4' - 0x1c),
        0x20..=0x7e => plain(KeyCode::Char(char::from(first))),
        _ => return wide(bytes, first),
    };
    Front::Key(key, 1)
}

fn wide(bytes: &[u8], first: u8) -> Front {
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Front::Skip(1),
    };
    let Some(whole) = bytes.get(..length) else {
        // What is there must be able to become a character, or it would wait for ever.
        let possible = bytes.iter().skip(1).all(|byte| (0x80..0xc0).contains(byte));
        return if possible { Front::Wait } else { Front::Skip(1) };
    };
    match std::str::from_utf8(whole).ok().and_then(|text| text.chars().next()) {
        Some(c) => Front::Key(plain(KeyCode::Char(c)), length),
        None => Front::Skip(1),
    }
}

fn cursor(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'Z' => KeyCode::BackTab,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

/// What follows `ESC [`, up to its final byte.
fn control(rest: &[u8]) -> Front {
    let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return if rest.len() > MAX_SEQUENCE { Front::Skip(rest.len() + 2) } else { Front::Wait };
    };
    let used = end + 3;
    let (Some(params), Some(last)) = (rest.get(..end), rest.get(end)) else { return Front::Skip(used) };
    let numbers: Option<Vec<u32>> = std::str::from_utf8(params).ok().map(|text| {
        text.split(';').map(|number| number.split(':').next().unwrap_or_default().parse().unwrap_or(0)).collect()
    });
    let Some(numbers) = numbers else { return Front::Skip(used) };
    let first = numbers.first().copied().unwrap_or(0);
    let code = match last {
        b'~' if first == 200 => return Front::Paste(used),
        b'~' => numbered(first),
        b'u' => char::from_u32(first).map(|c| match c {
            '\u{1b}' => KeyCode::Esc,
            '\r' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{7f}' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        }),
        // A report of the cursor's position ends like F3.
        b'P'..=b'S' if first > 1 => None,
        last => cursor(*last),
    };
    let bits = numbers.get(1).copied().unwrap_or(1).saturating_sub(1);
    let flag = |bit: u32, modifier| if bits & bit != 0 { modifier } else { KeyModifiers::NONE };
    let modifiers = flag(1, KeyModifiers::SHIFT) | flag(2, KeyModifiers::ALT) | flag(4, KeyModifiers::CONTROL);
    match code {
        Some(code) => Front::Key(KeyEvent::new(code, modifiers), used),
        None => Front::Skip(used),
    }
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23 | 24 => KeyCode::F((number - 12) as u8),
        _ => return None,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::tui::chord::Chord;
    use proptest::prelude::*;

    fn chords(bytes: &[u8]) -> Vec<Chord> {
        let mut keys = Keys::default();
        let mut typed = keys.feed(bytes);
        typed.extend(keys.flush());
        typed
            .into_iter()
            .filter_map(|typed| match typed {
                Typed::Key(key) => Some(Chord::from(key)),
                Typed::Paste(_) => None,
            })
            .collect()
    }

    #[test]
    fn keys_as_terminals_send_them() {
        let cases: [(&[u8], &str); 22] = [
            (b"j", "j"),
            (b"G", "G"),
            (b"\r", "enter"),
            (b"\t", "tab"),
            (b"\x1b[Z", "backtab"),
            (b"\x7f", "backspace"),
            (b"\x03", "ctrl-c"),
            (b"\x1a", "ctrl-z"),
            (b"\n", "ctrl-j"),
            (b"\x1b", "esc"),
            (b"\x1b[A", "up"),
            (b"\x1bOB", "down"),
            (b"\x1b[1;5C", "ctrl-right"),
            (b"\x1b[5~", "pageup"),
            (b"\x1b[6~", "pagedown"),
            (b"\x1b[1~", "home"),
            (b"\x1b[F", "end"),
            (b"\x1bOP", "f1"),
            (b"\x1b[24~", "f12"),
            (b"\x1b\r", "alt-enter"),
            (b"\x1b[106u", "j"),
            ("é".as_bytes(), "é"),
        ];
        for (bytes, key) in cases {
            assert_eq!(chords(bytes), [Chord::parse(key).unwrap()], "{key}");
        }
        assert_eq!(chords(b"jj\x1b[Bq").len(), 4);
        assert_eq!(chords(b"\x1b\x1b").len(), 2);
    }

    #[test]
    fn answers_of_the_terminal_and_mouse_reports_are_no_keys() {
        for bytes in [&b"\x1b[?62;4c"[..], b"\x1b[24;80R", b"\x1b[<0;3;4M", b"\x1b[I", b"\xff\xfe", b"\x1b[99~"] {
            assert_eq!(chords(bytes), [], "{bytes:?}");
        }
    }

    #[test]
    fn a_paste_is_one_event_whatever_is_in_it_and_however_it_arrives() {
        let bytes = b"a\x1b[200~q y\x1b[A\x03two\n\x1b[201~b";
        for cut in 0..bytes.len() {
            let mut keys = Keys::default();
            let mut typed = keys.feed(&bytes[..cut]);
            typed.extend(keys.feed(&bytes[cut..]));
            assert_eq!(typed.len(), 3, "{cut}");
            assert_eq!(typed[1], Typed::Paste("q y\x1b[A\x03two\n".to_owned()));
        }
    }

    #[test]
    fn a_huge_paste_keeps_its_beginning_and_finds_its_end() {
        let mut keys = Keys::default();
        keys.feed(b"\x1b[200~");
        for _ in 0..400 {
            assert_eq!(keys.feed(&[b'x'; 8192]), []);
            assert!(keys.buffer.len() < MAX_PASTE + 16_384);
        }
        let typed = keys.feed(b"\x1b[201~j");
        assert!(matches!(&typed[0], Typed::Paste(text) if text.len() == MAX_PASTE));
        assert_eq!(typed.len(), 2);
    }

    #[test]
    fn a_half_escape_waits_and_is_the_key_if_nothing_follows() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed(b"\x1b"), []);
        assert!(keys.is_half_escape());
        assert_eq!(keys.feed(b"[A"), [Typed::Key(plain(KeyCode::Up))]);
        assert!(!keys.is_half_escape() && keys.flush().is_none());
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(bytes in proptest::collection::vec(any::<u8>(), 0..64), cut in 0usize..64) {
            let mut whole = Keys::default();
            let at_once = whole.feed(&bytes);
            let (one, two) = bytes.split_at(cut.min(bytes.len()));
            let mut parts = Keys::default();
            let mut typed = parts.feed(one);
            typed.extend(parts.feed(two));
            prop_assert_eq!(typed, at_once);
            prop_assert!(whole.buffer.len() <= MAX_SEQUENCE + 3 || whole.pasting);
        }
    }
}
