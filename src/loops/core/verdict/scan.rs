//! Finds, in free text, the last complete JSON object that has a given `key` member. One pass, no recursion.
//!
//! Prose around the object may hold braces and quotes, so a `{` may or may not begin an object. Every `{` gets its
//! chance: a [`Machine`] follows it for as long as what comes is JSON. Two machines that are both alive differ in
//! whether they are inside a string, and stay so, hence there are never more than two and the pass is linear.

use std::ops::Range;

/// Objects and arrays inside one another; a deeper answer is no answer.
const MAX_DEPTH: usize = 64;

/// What a scan found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Bytes of the last object to end among those with the key.
    pub(super) keyed: Option<Range<usize>>,
    /// Whether any complete object was seen.
    pub(super) any: bool,
    /// Bytes looked at, over all machines: the measure of the work.
    pub(super) work: usize,
}

/// Looks for objects with the member `"key": "<key>"`, written without escapes.
pub(super) fn scan(text: &str, key: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut found = Scan::default();
    let mut machines: Vec<Machine> = Vec::with_capacity(2);
    let mut at = 0;
    while at < bytes.len() {
        if machines.is_empty() {
            match memchr::memchr(b'{', bytes.get(at..).unwrap_or_default()) {
                Some(skip) => at += skip,
                None => break,
            }
        }
        let Some(&byte) = bytes.get(at) else { break };
        found.work += machines.len().max(1);
        machines.retain_mut(|machine| machine.feed(at, byte, bytes, key, &mut found));
        if byte == b'{' && machines.iter().all(|machine| machine.string.is_some()) {
            machines.push(Machine::new(at));
        }
        at += 1;
    }
    found
}

/// What may come next, outside a string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    NameOrEnd,
    Name,
    Colon,
    Value,
    ValueOrEnd,
    After,
    Scalar,
}

/// An open object or array.
struct Frame {
    start: usize,
    object: bool,
    at_key: bool,
    keyed: bool,
}

/// An open string.
struct Quote {
    start: usize,
    name: bool,
    escaped: bool,
}

/// Follows one candidate object. Numbers and literals are only recognised by their characters: the typed reader that
/// gets the object is the judge of them.
struct Machine {
    frames: Vec<Frame>,
    expect: Expect,
    string: Option<Quote>,
}

impl Machine {
    fn new(start: usize) -> Self {
        let frame = Frame { start, object: true, at_key: false, keyed: false };
        Self { frames: vec![frame], expect: Expect::NameOrEnd, string: None }
    }

    /// Takes one byte; false when the candidate is over, complete or not.
    fn feed(&mut self, at: usize, byte: u8, bytes: &[u8], key: &str, found: &mut Scan) -> bool {
        if self.string.is_some() {
            return self.feed_string(at, byte, bytes, key);
        }
        if self.expect == Expect::Scalar {
            if is_scalar(byte) {
                return true;
            }
            self.expect = Expect::After;
        }
        let in_object = self.frames.last().is_some_and(|frame| frame.object);
        match (self.expect, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => {}
            (Expect::NameOrEnd | Expect::Name, b'"') => self.open_string(at, true),
            (Expect::Colon, b':') => self.expect = Expect::Value,
            (Expect::Value | Expect::ValueOrEnd, b'"') => self.open_string(at, false),
            (Expect::Value | Expect::ValueOrEnd, b'{' | b'[') => return self.open(at, byte == b'{'),
            (Expect::Value | Expect::ValueOrEnd, _) if is_scalar(byte) => self.expect = Expect::Scalar,
            (Expect::After, b',') => self.expect = if in_object { Expect::Name } else { Expect::Value },
            (Expect::NameOrEnd, b'}') | (Expect::ValueOrEnd, b']') => return self.close(at, found),
            (Expect::After, b'}') if in_object => return self.close(at, found),
            (Expect::After, b']') if !in_object => return self.close(at, found),
            _ => return false,
        }
        true
    }

    fn feed_string(&mut self, at: usize, byte: u8, bytes: &[u8], key: &str) -> bool {
        let Some(quote) = &mut self.string else { return false };
        match byte {
            _ if quote.escaped => quote.escaped = false,
            b'\\' => quote.escaped = true,
            b'"' => {
                let content = bytes.get(quote.start + 1..at).unwrap_or_default();
                let name = quote.name;
                self.string = None;
                self.expect = if name { Expect::Colon } else { Expect::After };
                if let Some(frame) = self.frames.last_mut().filter(|frame| frame.object) {
                    if name {
                        frame.at_key = content == b"key";
                    } else if frame.at_key && content == key.as_bytes() {
                        frame.keyed = true;
                    }
                }
            }
            0..=0x1f => return false,
            _ => {}
        }
        true
    }

    fn open_string(&mut self, at: usize, name: bool) {
        self.string = Some(Quote { start: at, name, escaped: false });
    }

    fn open(&mut self, at: usize, object: bool) -> bool {
        self.frames.push(Frame { start: at, object, at_key: false, keyed: false });
        self.expect = if object { Expect::NameOrEnd } else { Expect::ValueOrEnd };
        self.frames.len() <= MAX_DEPTH
    }

    fn close(&mut self, at: usize, found: &mut Scan) -> bool {
        let Some(frame) = self.frames.pop() else { return false };
        if frame.object {
            found.any = true;
            if frame.keyed {
                found.keyed = Some(frame.start..at + 1);
            }
        }
        self.expect = Expect::After;
        !self.frames.is_empty()
    }
}

const fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyed<'a>(text: &'a str, key: &str) -> Option<&'a str> {
        scan(text, key).keyed.map(|range| text.get(range).unwrap())
    }

    #[test]
    fn finds_the_object_among_braces_and_quotes() {
        for before in
            ["", "see {", "see {\"", "\"{\" and {x} {\"a\": ", "{\" {\" ", "```json\n", "fn main() { \"", "{{{[[["]
        {
            let text = format!("{before}{{\"key\":\"k1\",\"a\":[1,{{}}]}} }}\"");
            assert_eq!(keyed(&text, "k1"), Some("{\"key\":\"k1\",\"a\":[1,{}]}"), "after {before:?}");
        }
    }

    #[test]
    fn the_last_to_end_wins_and_inner_ones_count() {
        assert_eq!(keyed(r#"{"key":"k","n":1} {"key":"k","n":2}"#, "k"), Some(r#"{"key":"k","n":2}"#));
        assert_eq!(keyed(r#"{"result":{"key":"k"}}"#, "k"), Some(r#"{"key":"k"}"#));
        let both = r#"{"key":"k","inner":{"key":"k"}}"#;
        assert_eq!(keyed(both, "k"), Some(both));
        assert_eq!(keyed(r#"{"open": {"key":"k"}, oops"#, "k"), Some(r#"{"key":"k"}"#));
    }

    #[test]
    fn a_key_elsewhere_does_not_count() {
        for text in [
            r#"{"other":"k"}"#,
            r#"{"key":"k2"}"#,
            r#"{"key":["k"]}"#,
            r#"{"key":"k""#,
            r#"{"key":"k",}"#,
            r#"{"a":"{\"key\":\"k\"}"}"#,
            "{\"key\":\"k\",\"t\":\"line\nbreak\"}",
        ] {
            assert_eq!(keyed(text, "k"), None, "{text}");
        }
    }

    #[test]
    fn too_deep_is_given_up() {
        let bomb = format!("{{\"key\":\"k\",\"a\":{}1{}}}", "[".repeat(70), "]".repeat(70));
        assert_eq!(keyed(&bomb, "k"), None);
        let ok = format!("{{\"key\":\"k\",\"a\":{}1{}}}", "[".repeat(60), "]".repeat(60));
        assert_eq!(keyed(&ok, "k"), Some(ok.as_str()));
    }

    #[test]
    fn hostile_megabytes_take_two_looks_a_byte() {
        for piece in [
            "{",
            "[",
            "{\"a\":",
            "{\"a\":{\"a\":[",
            "{\"",
            "{\"a\":\"{\",",
            "{\"{\":\"{\\\"",
            "{\"key\":\"k\",\"a\":",
            "\"{",
        ] {
            let text = piece.repeat(2_000_000 / piece.len());
            assert!(scan(&text, "k").work <= 2 * text.len(), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn work_is_linear(text in "[{}\\[\\]\":,a\\\\ 1]{0,400}") {
            prop_assert!(scan(&text, "a").work <= 2 * text.len());
        }

        #[test]
        fn what_serde_reads_is_found(noise in "[{}\\[\\]\":,ak\\\\ 1\n]{0,60}", value in "[ -~]{0,20}", number in any::<i32>()) {
            let object = serde_json::json!({"a": [value, {"b": number}], "key": "one-time", "z": null}).to_string();
            let text = format!("{noise}\n{object}\n{noise}");
            // A string left open by the noise swallows nothing across a line end, so the object is always found.
            prop_assert_eq!(keyed(&text, "one-time"), Some(object.as_str()));
        }

        #[test]
        fn what_is_found_is_whole(text in "[{}\\[\\]\":,ke y1]{0,60}") {
            let text = format!("{text}{{\"key\":\"x\"{text}");
            if let Some(range) = scan(&text, "x").keyed {
                let object = text.get(range).unwrap();
                let whole = object.starts_with('{') && object.ends_with('}');
                prop_assert!(whole);
            }
        }
    }
}
