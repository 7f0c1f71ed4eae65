//! One press of keys: [`Chord`], read from config words and from the terminal into the same form.
//!
//! Terminals disagree on whether an upper-case letter or a symbol comes with a shift; here the character alone counts.

use crokey::{KeyCombination, OneToThree};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with Ctrl or Alt, comparable whichever way it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    /// Reads `j`, `G`, `+`, `ctrl-d`, `alt-enter`, `pagedown`; `None` if there is no such key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Some(Self { code: KeyCode::Char(c), modifiers: KeyModifiers::NONE });
        }
        crokey::parse(text).ok().and_then(Self::from_combination)
    }

    fn from_combination(keys: KeyCombination) -> Option<Self> {
        match keys.codes {
            OneToThree::One(code) => Some(Self::normal(code, keys.modifiers)),
            _ => None,
        }
    }

    fn normal(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let kept = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        match code {
            KeyCode::Char(c) if kept.contains(KeyModifiers::CONTROL) => {
                Self { code: KeyCode::Char(c.to_ascii_lowercase()), modifiers: kept }
            }
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => Self { code: KeyCode::BackTab, modifiers: kept },
            code => Self { code, modifiers: kept },
        }
    }

    /// The key itself, without modifiers.
    pub fn code(self) -> KeyCode {
        self.code
    }

    /// The character it types into a text field.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        Self::normal(key.code, key.modifiers)
    }
}

/// A key of the table as the operator reads it: `Enter`, `Ctrl-d`, `PgDn`, `j`.
pub fn shown(key: &str) -> String {
    let word = |word: &str| -> String {
        match word {
            "pagedown" => "PgDn".to_owned(),
            "pageup" => "PgUp".to_owned(),
            "backtab" => "Shift-Tab".to_owned(),
            "down" => "↓".to_owned(),
            "up" => "↑".to_owned(),
            "left" => "←".to_owned(),
            "right" => "→".to_owned(),
            "f1" => "F1".to_owned(),
            word if word.chars().count() == 1 => word.to_owned(),
            word => {
                let mut chars = word.chars();
                chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
            }
        }
    };
    match key.split_once('-').filter(|(modifier, rest)| !modifier.is_empty() && !rest.is_empty()) {
        Some((modifier, rest)) => format!("{}-{}", word(modifier), word(rest)),
        None => word(key),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_whichever_way_the_terminal_reports_it() {
        let event = |c, modifiers| Chord::from(KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_eq!(event('G', KeyModifiers::SHIFT), Chord::parse("G").unwrap());
        assert_eq!(event('G', KeyModifiers::NONE), Chord::parse("G").unwrap());
        assert_ne!(event('g', KeyModifiers::NONE), Chord::parse("G").unwrap());
        assert_eq!(event('?', KeyModifiers::SHIFT), Chord::parse("?").unwrap());
        assert_eq!(event('d', KeyModifiers::CONTROL), Chord::parse("ctrl-d").unwrap());
        assert_eq!(event('D', KeyModifiers::CONTROL), Chord::parse("ctrl-d").unwrap());
        assert_eq!(Chord::from(KeyEvent::new(KeyCode::Tab, KeyModifiers::SHIFT)), Chord::parse("backtab").unwrap());
        assert_eq!(event('-', KeyModifiers::NONE), Chord::parse("-").unwrap());
        assert_eq!(event(' ', KeyModifiers::NONE), Chord::parse("space").unwrap());
        assert!(Chord::parse("nosuchkey").is_none());
    }

    #[test]
    fn keys_are_shown_as_they_are_printed_on_a_keyboard() {
        let cases =
            [("ctrl-d", "Ctrl-d"), ("alt-enter", "Alt-Enter"), ("-", "-"), ("pagedown", "PgDn"), ("space", "Space")];
        for (key, text) in cases {
            assert_eq!(shown(key), text);
        }
    }
}
