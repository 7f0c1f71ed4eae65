//! Finds the line and column of a value in JSON text by its path, for messages about a file that a person wrote.
//!
//! Tolerant: where the text is not JSON, the place of the nearest thing found is the answer. [`place_of`] does it.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The element with this index.
    Index(usize),
    /// The value of the member with this name.
    Member(String),
    /// The name itself of a member: what an unknown field is about.
    Name(String),
}

/// A JSON Pointer (RFC 6901) for a path; the whole document is the empty one.
pub(super) fn pointer(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        text.push('/');
        match segment {
            Segment::Index(index) => text.push_str(&index.to_string()),
            Segment::Member(name) | Segment::Name(name) => text.push_str(&name.replace('~', "~0").replace('/', "~1")),
        }
    }
    text
}

/// Line and column, both from 1, of what `path` leads to. Of members with one name the last counts, as in most readers.
pub(super) fn place_of(text: &str, path: &[Segment]) -> (usize, usize) {
    let mut walk = Walk { bytes: text.as_bytes(), at: 0 };
    walk.space();
    for segment in path {
        if !walk.step(segment) {
            break;
        }
    }
    line_column(text, walk.at)
}

/// Line and column, both from 1 and counted in characters, of a byte offset.
pub(super) fn line_column(text: &str, at: usize) -> (usize, usize) {
    let at = at.min(text.len());
    let bytes = text.as_bytes().get(..at).unwrap_or_default();
    let line_start = memchr::memrchr(b'\n', bytes).map_or(0, |newline| newline + 1);
    let line = memchr::memchr_iter(b'\n', bytes).count() + 1;
    let column = bytes.get(line_start..).unwrap_or_default().iter().filter(|byte| (**byte & 0xc0) != 0x80).count() + 1;
    (line, column)
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Goes from a value to what `segment` names in it; stays where it is and says false if there is no such thing.
    fn step(&mut self, segment: &Segment) -> bool {
        let start = self.at;
        let found = match segment {
            Segment::Index(index) => self.element(*index),
            Segment::Member(name) => self.member(name, false),
            Segment::Name(name) => self.member(name, true),
        };
        self.at = found.unwrap_or(start);
        found.is_some()
    }

    fn element(&mut self, index: usize) -> Option<usize> {
        if !self.eat(b'[') {
            return None;
        }
        for _ in 0..index {
            self.space();
            self.skip_value();
            self.space();
            if !self.eat(b',') {
                return None;
            }
        }
        self.space();
        (self.peek()? != b']').then_some(self.at)
    }

    fn member(&mut self, name: &str, at_name: bool) -> Option<usize> {
        if !self.eat(b'{') {
            return None;
        }
        let mut found = None;
        loop {
            self.space();
            let name_at = self.at;
            if self.peek() != Some(b'"') {
                return found;
            }
            self.skip_string();
            let here = self.bytes.get(name_at..self.at).is_some_and(|raw| is_name(raw, name));
            self.space();
            if !self.eat(b':') {
                return if here { Some(name_at) } else { found };
            }
            self.space();
            if here {
                found = Some(if at_name { name_at } else { self.at });
            }
            self.skip_value();
            self.space();
            if !self.eat(b',') {
                return found;
            }
        }
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
                return;
            }
        }
    }
}

/// Whether a quoted JSON string means `name`.
fn is_name(raw: &[u8], name: &str) -> bool {
    serde_json::from_slice::<String>(raw).is_ok_and(|text| text == name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn member(name: &str) -> Segment {
        Segment::Member(name.to_owned())
    }

    #[test]
    fn finds_values_and_names() {
        let text = "{\n  \"a\": [1, {\"ü\": \"x]}\\\"\", \"b\" : true}],\n  \"a/b\": null\n}";
        assert_eq!(place_of(text, &[]), (1, 1));
        assert_eq!(place_of(text, &[member("a")]), (2, 8));
        assert_eq!(place_of(text, &[member("a"), Segment::Index(1)]), (2, 12));
        assert_eq!(place_of(text, &[member("a"), Segment::Index(1), member("b")]), (2, 33));
        assert_eq!(place_of(text, &[member("a"), Segment::Index(1), Segment::Name("b".to_owned())]), (2, 27));
        assert_eq!(place_of(text, &[member("a/b")]), (3, 10));
        assert_eq!(pointer(&[member("a/b"), Segment::Index(3), member("~")]), "/a~1b/3/~0");
    }

    #[test]
    fn what_is_missing_is_placed_at_what_there_is() {
        let text = "[\n {\"a\": 1}\n]";
        assert_eq!(place_of(text, &[Segment::Index(0), member("b")]), (2, 2));
        assert_eq!(place_of(text, &[Segment::Index(7), member("b")]), (1, 1));
        assert_eq!(place_of(text, &[member("x")]), (1, 1));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],:é\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a\"\\\\~/é]{0,3}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Every path in a document.
    fn paths(value: &Value, path: &mut Vec<Segment>, all: &mut Vec<Vec<Segment>>) {
        all.push(path.clone());
        let steps: Vec<(Segment, &Value)> = match value {
            Value::Array(list) => {
                list.iter().enumerate().map(|(index, inner)| (Segment::Index(index), inner)).collect()
            }
            Value::Object(map) => map.iter().map(|(name, inner)| (member(name), inner)).collect(),
            _ => return,
        };
        for (segment, inner) in steps {
            path.push(segment);
            paths(inner, path, all);
            path.pop();
        }
    }

    proptest! {
        #[test]
        fn the_value_is_where_it_says(document in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
            let mut all = Vec::new();
            paths(&document, &mut Vec::new(), &mut all);
            for path in all {
                let (line, column) = place_of(&text, &path);
                let line_start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
                let rest: String = text.get(line_start..).unwrap().chars().skip(column - 1).collect();
                let read = serde_json::Deserializer::from_str(&rest).into_iter::<Value>().next().unwrap().unwrap();
                prop_assert_eq!(Some(&read), document.pointer(&pointer(&path)));
            }
        }

        #[test]
        fn any_text_has_a_place(text in "[{}\\[\\]\":,a\\\\1 \n]{0,60}", index in 0_usize..4) {
            let (line, column) = place_of(&text, &[member("a"), Segment::Index(index), Segment::Name("1".to_owned())]);
            prop_assert!(line >= 1 && column >= 1);
        }
    }
}
