//! Reads and writes `test-state.json`: every fault with line, column and JSON Pointer, in words.
//!
//! [`TestFile::parse`] reports the first fault of shape, or all faults of sense.

use super::check::{complaints, near};
use super::locate::{Segment, line_column, place_of, pointer};
use super::{TestFile, TestStatus};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fmt;

/// The format version that this loopdash reads and writes.
pub const TEST_FILE_VERSION: u32 = 1;
/// Faults told at once.
const MAX_ERRORS: usize = 50;

/// One fault of a `test-state.json`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {message}", Place(.pointer))]
pub struct TestFileError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// JSON Pointer (RFC 6901) of the value it is about; empty for the whole document.
    pub pointer: String,
    /// What is wrong, and what to do where that is not plain.
    pub message: String,
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

/// Why a `test-state.json` is refused: at least one fault, a line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Lines(.0))]
pub struct TestFileErrors(pub Vec<TestFileError>);

struct Lines<'a>(&'a [TestFileError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if nth == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl TestFile {
    /// Reads and checks the text of a file. A test that the file calls `running` is read as pending: whatever ran when
    /// it was written does not run now.
    ///
    /// # Errors
    /// [`TestFileErrors`]: a syntax error, or the first field that is unknown, missing or of the wrong type, or another
    /// version; in a file of the right shape, up to 50 faults among ids, titles, commands and dependencies.
    pub fn parse(text: &str) -> Result<Self, TestFileErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        other_version(text).map_or(Ok(()), |error| Err(TestFileErrors(vec![error])))?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let mut file: Self =
            serde_path_to_error::deserialize(&mut reader).map_err(|error| TestFileErrors(vec![shape(text, &error)]))?;
        only_objects(text).map_err(|error| TestFileErrors(vec![shape(text, &error)]))?;
        reader.end().map_err(|error| TestFileErrors(vec![syntax(text, &error)]))?;
        let errors: Vec<TestFileError> = complaints(&file.tests, MAX_ERRORS)
            .into_iter()
            .map(|complaint| {
                let mut message = complaint.message;
                if let Some(also) = complaint.also {
                    message.push_str(&format!(" line {} ({})", place_of(text, &also).0, pointer(&also)));
                }
                error_at(text, &complaint.path, message)
            })
            .collect();
        if !errors.is_empty() {
            return Err(TestFileErrors(errors));
        }
        for test in file.tests.iter_mut().filter(|test| test.status == TestStatus::Running) {
            test.status = TestStatus::Pending;
        }
        Ok(file)
    }

    /// The text of the file: two spaces of indent, fields in the types' order, absent options left out, and a line end
    /// at the end. The same file gives the same bytes.
    pub fn to_json(&self) -> String {
        #[expect(clippy::expect_used, reason = "strings, numbers and lists always have a JSON form")]
        let mut text = serde_json::to_string_pretty(self).expect("a test file has a JSON form");
        text.push('\n');
        text
    }
}

/// Refuses lists in the place of objects: derived readers would take their elements for fields in order.
fn only_objects(text: &str) -> Result<(), serde_path_to_error::Error<serde_json::Error>> {
    #[derive(Deserialize)]
    struct Tests {
        #[expect(dead_code, reason = "only its type is of interest")]
        tests: Vec<BTreeMap<String, IgnoredAny>>,
    }
    let _: BTreeMap<String, IgnoredAny> =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))?;
    let _: Tests = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))?;
    Ok(())
}

/// A version that is not ours comes first, because all else may be different in it.
fn other_version(text: &str) -> Option<TestFileError> {
    #[derive(Deserialize)]
    struct Head {
        version: serde_json::Number,
    }
    let head: Head = serde_json::from_str(text).ok()?;
    (head.version.as_u64() != Some(u64::from(TEST_FILE_VERSION))).then(|| {
        let message = format!("version {} is not supported; this loopdash reads {TEST_FILE_VERSION}", head.version);
        error_at(text, &[Segment::Member("version".to_owned())], message)
    })
}

fn error_at(text: &str, path: &[Segment], message: String) -> TestFileError {
    let (line, column) = place_of(text, path);
    TestFileError { line, column, pointer: pointer(path), message }
}

/// A fault of syntax, at serde_json's place; its columns count bytes.
fn syntax(text: &str, error: &serde_json::Error) -> TestFileError {
    let start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut at = (start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (line, column) = line_column(text, at);
    let message = if text.trim().is_empty() {
        "the file is empty; `{\"version\": 1, \"tests\": []}` is the least".to_owned()
    } else {
        format!("not valid JSON: {}", without_place(&error.to_string()))
    };
    TestFileError { line, column, pointer: String::new(), message }
}

/// A fault of shape: a field that is unknown, missing, double or of the wrong type.
fn shape(text: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> TestFileError {
    use serde_path_to_error::Segment as At;
    let inner = error.inner();
    if !inner.is_data() {
        return syntax(text, inner);
    }
    let mut path: Vec<Segment> = error
        .path()
        .iter()
        .filter_map(|segment| match segment {
            At::Seq { index } => Some(Segment::Index(*index)),
            At::Map { key } => Some(Segment::Member(key.clone())),
            At::Enum { .. } | At::Unknown => None,
        })
        .collect();
    let message = without_place(&inner.to_string()).to_owned();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(field) = quoted.next().map(str::to_owned) else { return error_at(text, &path, message) };
    let known: Vec<&str> = quoted.collect();
    if message.starts_with("unknown field") {
        if matches!(path.last(), Some(Segment::Member(last)) if *last == field) {
            path.pop();
        }
        path.push(Segment::Name(field.clone()));
        let hint = match near(&field, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", known.join(", ")),
        };
        return error_at(text, &path, format!("unknown field `{field}`; {hint}"));
    }
    if message.starts_with("duplicate field") {
        path.push(Segment::Name(field.clone()));
    }
    if message.starts_with("unknown variant") {
        let hint =
            near(&field, known.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return error_at(text, &path, format!("`{field}` is none of {}{hint}", known.join(", ")));
    }
    error_at(text, &path, message)
}

/// A serde_json message without its own line and column.
fn without_place(message: &str) -> &str {
    message.rfind(" at line ").and_then(|at| message.get(..at)).unwrap_or(message)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
