//! Tools: what a use is about in one line, which ones change files, and which are at work.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::heard::Tell;
use super::loose::{Head, Str};
use crate::loops::core::activity::Activity;

/// Characters of a summary.
const SUMMARY_LENGTH: usize = 200;
/// Bytes of a member of a tool's input that are looked at; a path may be that long.
const MEMBER_BYTES: usize = 4 * 1024;
/// Tools at work that are remembered; a stream that starts more and ends none is not understood.
const MOST_OPEN: usize = 256;

/// Members of an input that say what it is about, the most telling first.
const TELLING: &[&str] = &[
    "command",
    "cmd",
    "file_path",
    "filePath",
    "absolute_path",
    "notebook_path",
    "pattern",
    "query",
    "url",
    "path",
    "dir_path",
    "description",
    "prompt",
    "skill",
    "name",
];
/// Those of them that name a file.
const PATHS: &[&str] = &["file_path", "filePath", "absolute_path", "notebook_path", "path"];
/// Tools that change the file that they are given, in all the agents.
const EDITORS: &[&str] = &[
    "Write",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "write",
    "edit",
    "multiedit",
    "write_file",
    "replace",
    "apply_patch",
];

/// Whether a tool of this name changes the file that it is given.
pub(super) fn edits(name: &str) -> bool {
    EDITORS.contains(&name)
}

/// What a tool was given, as far as anybody asks.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// One line: the command, the file, the pattern.
    pub(super) summary: String,
    /// The file that it names.
    pub(super) path: Option<String>,
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Input;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Input, A::Error> {
                let (mut best, mut input) = (usize::MAX, Input::default());
                while let Some(key) = map.next_key::<Str<'de>>()? {
                    let rank = TELLING.iter().position(|telling| *telling == &*key).unwrap_or(TELLING.len());
                    let text = map.next_value_seed(Snip)?;
                    if PATHS.contains(&&*key) && !text.is_empty() {
                        input.path = Some(text.to_string());
                    }
                    // Of members that nobody has heard of, the first string has to do.
                    if rank < best && !text.is_empty() {
                        best = rank;
                        input.summary = one_line(&text);
                    }
                }
                Ok(input)
            }
        }

        from.deserialize_map(Members)
    }
}

/// The beginning of a string, or of a list of strings joined by blanks.
struct Snip;

impl<'de> DeserializeSeed<'de> for Snip {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Snip {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(head(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(head(text).to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = String::new();
        while let Some(part) = list.next_element::<Str<'de>>()? {
            if all.len() < MEMBER_BYTES && !part.is_empty() {
                all.push_str(if all.is_empty() { "" } else { " " });
                all.push_str(head(&part));
            }
        }
        Ok(Cow::Owned(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        use serde::de::IgnoredAny;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cow::Borrowed(""))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }
}

fn head(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MEMBER_BYTES)).unwrap_or(text)
}

/// Words in one line, cut to what a list can show.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > SUMMARY_LENGTH {
            break;
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
        length += word.chars().count() + 1;
    }
    if let Some((cut, _)) = line.char_indices().nth(SUMMARY_LENGTH) {
        line.truncate(line.floor_char_boundary(cut - 1));
        line.push('…');
    }
    line
}

/// The tools at work, and the files that they will have changed.
#[derive(Debug, Default)]
pub(super) struct OpenTools(Vec<(String, Option<String>)>);

/// How a tool ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    pub(super) ok: Option<bool>,
    pub(super) exit: Option<i32>,
}

impl OpenTools {
    /// A tool starts.
    pub(super) fn start(&mut self, tell: &mut Tell<'_>, id: &str, name: &str, input: Input) {
        if self.0.len() >= MOST_OPEN {
            self.0.remove(0);
        }
        self.0.push((id.to_owned(), input.path.filter(|_| edits(name))));
        tell.tell(Activity::ToolStarted { id: id.to_owned(), name: name.to_owned(), summary: input.summary });
    }

    /// Whether this one has started and not ended.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.0.iter().any(|(open, _)| open == id)
    }

    /// A tool ends; the file that it was given has changed unless the stream says that it failed.
    pub(super) fn end(&mut self, tell: &mut Tell<'_>, id: &str, end: End, result: Head) {
        let at = self.0.iter().position(|(open, _)| open == id);
        let path = at.and_then(|at| self.0.swap_remove(at).1);
        tell.tell(Activity::ToolEnded {
            id: id.to_owned(),
            ok: end.ok,
            exit: end.exit,
            bytes: result.bytes,
            head: result.head,
        });
        if let Some(path) = path.filter(|_| end.ok != Some(false)) {
            tell.tell(Activity::FileEdited { path });
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn input(json: &str) -> Input {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_most_telling_member_is_the_summary() {
        let bash = input(r#"{"description":"look","timeout":5,"command":"ls -l\n  | head","run":true}"#);
        assert_eq!(bash.summary, "ls -l | head");
        let write = input(r#"{"content":"x","file_path":"/w/a b.txt"}"#);
        assert_eq!((write.summary.as_str(), write.path.as_deref()), ("/w/a b.txt", Some("/w/a b.txt")));
        let grep = input(r#"{"path":"src","pattern":"fn \\w+"}"#);
        assert_eq!((grep.summary.as_str(), grep.path.as_deref()), ("fn \\w+", Some("src")));
        assert_eq!(input(r#"{"command":["bash","-lc","make"],"x":{"command":"no"}}"#).summary, "bash -lc make");
        assert_eq!(input(r#"{"n":1,"why":"because","also":"this"}"#).summary, "because");
        assert_eq!(input(r#"{"n":[{}],"m":null}"#).summary, "");
    }

    #[test]
    fn a_summary_is_one_line_of_bounded_length() {
        assert_eq!(one_line(" a\t b\nc "), "a b c");
        for text in ["x".repeat(500), "word ".repeat(90), format!("{} yy", "x".repeat(199)), "é ".repeat(300)] {
            let line = one_line(&text);
            assert_eq!(line.chars().count(), SUMMARY_LENGTH, "{line}");
            assert!(line.ends_with('…'), "{line}");
        }
        assert_eq!(one_line(&"x".repeat(200)), "x".repeat(200));
    }
}
