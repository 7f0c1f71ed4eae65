//! Source text without its comments and the insides of its strings: [`blank`] puts spaces in their place, so that lines and
//! columns stay.
//!
//! It knows how comments and strings are written and nothing else of a language; a text that it misreads is a text all
//! the same.

/// How a language writes comments and strings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// What begins a comment that ends with its line.
    pub line: &'static [&'static str],
    /// What begins and ends any other comment.
    pub block: Option<(&'static str, &'static str)>,
    /// What begins and ends a string that may span lines; longer ones first.
    pub long: &'static [&'static str],
    /// What begins and ends a string that ends with its line at the latest.
    pub short: &'static [u8],
    /// Whether `'a` may be a lifetime, and `r#"` begins a string.
    pub rust: bool,
}

/// The text with spaces for comments and for what stands in strings, of the same length.
pub(super) fn blank(text: &str, syntax: &Syntax) -> String {
    let mut pen = Pen { text: text.as_bytes(), out: Vec::with_capacity(text.len()), at: 0 };
    while let Some(&byte) = pen.text.get(pen.at) {
        if let Some((open, close)) = syntax.block.filter(|(open, _)| pen.sees(open)) {
            pen.hide(open.len());
            pen.hide_to(close.as_bytes(), false, None);
            pen.hide(close.len());
        } else if syntax.line.iter().any(|mark| pen.sees(mark)) {
            pen.hide_to(b"\n", false, None);
        } else if let Some(hashes) = syntax.rust.then(|| pen.raw_string()).flatten() {
            pen.show(2 + hashes);
            let close: Vec<u8> = [b'"'].into_iter().chain(std::iter::repeat_n(b'#', hashes)).collect();
            pen.hide_to(&close, false, None);
            pen.show(close.len());
        } else if let Some(quote) = syntax.long.iter().find(|quote| pen.sees(quote)) {
            pen.show(quote.len());
            pen.hide_to(quote.as_bytes(), true, None);
            pen.show(quote.len());
        } else if syntax.short.contains(&byte) && !(syntax.rust && byte == b'\'' && pen.is_lifetime()) {
            pen.show(1);
            pen.hide_to(&[byte], true, Some(b'\n'));
            if pen.text.get(pen.at) == Some(&byte) {
                pen.show(1);
            }
        } else {
            pen.show(1);
        }
    }
    // Only whole characters are hidden, as all marks are ASCII.
    String::from_utf8(pen.out).unwrap_or_default()
}

struct Pen<'a> {
    text: &'a [u8],
    out: Vec<u8>,
    at: usize,
}

impl Pen<'_> {
    fn sees(&self, mark: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(mark.as_bytes()))
    }

    fn show(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        self.out.extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn hide(&mut self, bytes: usize) {
        for _ in 0..bytes {
            let Some(&byte) = self.text.get(self.at) else { return };
            self.out.push(if byte == b'\n' { byte } else { b' ' });
            self.at += 1;
        }
    }

    /// Hides what stands before `close`, which a backslash may quote, or before `last`.
    fn hide_to(&mut self, close: &[u8], quoted: bool, last: Option<u8>) {
        while let Some(&byte) = self.text.get(self.at) {
            if Some(byte) == last || self.text.get(self.at..).is_some_and(|rest| rest.starts_with(close)) {
                return;
            }
            self.hide(if quoted && byte == b'\\' { 2 } else { 1 });
        }
    }

    /// The hashes of a raw string that begins here.
    fn raw_string(&self) -> Option<usize> {
        let rest = self.text.get(self.at..)?.strip_prefix(b"r")?;
        let before = self.at.checked_sub(1).and_then(|at| self.text.get(at));
        if before.is_some_and(|byte| *byte != b'b' && (byte.is_ascii_alphanumeric() || *byte == b'_')) {
            return None;
        }
        let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
        (rest.get(hashes) == Some(&b'"')).then_some(hashes)
    }

    /// Whether the quote here begins no character: `'a` without another quote after one character.
    fn is_lifetime(&self) -> bool {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        name > 0 && rest.get(name) != Some(&b'\'')
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::Language;
    use super::*;
    use proptest::prelude::*;

    fn code(language: Language, text: &str) -> String {
        blank(text, language.syntax())
    }

    #[test]
    fn comments_and_strings_are_blank_and_columns_stay() {
        let cases = [
            (Language::Rust, "a(); // assert!(x)\nb", "a();              \nb"),
            (
                Language::Rust,
                "f::<'a>(\"#[test]\", 'x', '\"') /* y\nz */ g",
                "f::<'a>(\"       \", ' ', ' ')     \n     g",
            ),
            (Language::Rust, "r#\"a\"b\"# \"\\\"\" c", "r#\"   \"# \"  \" c"),
            (Language::Python, "x = '''a\n# b''' # c\ny", "x = ''' \n   '''    \ny"),
            (Language::Python, "s = 'it # is' + \"n't\" ", "s = '       ' + \"   \" "),
            (Language::JavaScript, "it('a\nb(`x\ny`) // z", "it(' \nb(` \n `)     "),
            (Language::Go, "`a\"` \"`\" x", "`  ` \" \" x"),
        ];
        for (language, text, expected) in cases {
            assert_eq!(code(language, text), expected, "{language:?} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_lines(text in r#"[-'"`#/*rb\\a-c\né ]{0,60}"#) {
            for language in Language::ALL {
                let code = code(language, &text);
                prop_assert_eq!(code.len(), text.len());
                prop_assert_eq!(code.lines().count(), text.lines().count());
            }
        }
    }
}
