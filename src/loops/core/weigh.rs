//! What a change does to the tests that are to judge it: [`Scales`] take its files one by one, and tell of deleted and
//! renamed tests, tests that are skipped, fewer tests and assertions, and changed settings of the gates.
//!
//! Both sides of a file are read line by line, by the customs of its language: it points a person or a critic to a place,
//! and decides nothing by itself. A test that moves to another file under its name, and an assertion that moves there as it
//! is, take nothing away.

mod blank;
mod heads;
mod language;
mod pair;
mod paths;
mod read;
mod scales;
mod settings;
mod trivial;

pub use scales::{ChangedFile, Scales, Side};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What follows from a change that weakens tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestsPolicy {
    /// The iteration fails, as by a gate.
    Block,
    /// It is told, with the run's result too.
    #[default]
    Warn,
    /// Nothing.
    Allow,
}

/// One way in which tests were weakened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TestChange {
    /// Which way.
    pub kind: TestChangeKind,
    /// The file, fit for reading.
    pub path: String,
    /// How many, where that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What of it, where that has a name: the tests, the settings, the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// The ways in which tests are weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestChangeKind {
    /// A file of tests is gone.
    Deleted,
    /// It has another name.
    Renamed,
    /// A test in it has another name.
    TestRenamed,
    /// Tests in it are skipped that were not.
    Skipped,
    /// It holds fewer tests.
    FewerTests,
    /// It holds fewer assertions that say something.
    FewerAssertions,
    /// It says what a gate runs, or how, and was changed.
    GateConfig,
    /// It could not be weighed, and so may be any of these; without a path, nothing could.
    Unread,
}

impl TestChange {
    /// Changes that are kept of one snapshot.
    pub const MOST: usize = 50;

    /// A change of this kind in a file.
    pub const fn new(kind: TestChangeKind, path: String) -> Self {
        Self { kind, path, count: None, what: None }
    }

    /// That nothing could be weighed, and why.
    pub fn unread(why: &str) -> Self {
        Self { what: Some(why.to_owned()), ..Self::new(TestChangeKind::Unread, String::new()) }
    }

    /// `deleted tests/a.rs`, `2 fewer assertions in tests/b.rs`.
    pub fn words(&self) -> String {
        match self.kind {
            TestChangeKind::Deleted => format!("deleted {}", self.path),
            TestChangeKind::Renamed => format!("renamed {}", self.path),
            TestChangeKind::Unread if self.path.is_empty() => self.in_file(),
            TestChangeKind::Unread => format!("{} {}", self.path, self.in_file()),
            _ => format!("{} in {}", self.in_file(), self.path),
        }
    }

    /// The same without its file: `2 fewer assertions`.
    pub fn in_file(&self) -> String {
        let n = self.count.unwrap_or(1);
        let s = if n == 1 { "" } else { "s" };
        let what = self.what.as_deref().unwrap_or_default();
        let named = if what.is_empty() { String::new() } else { format!(" ({what})") };
        match self.kind {
            TestChangeKind::Deleted => "deleted".to_owned(),
            TestChangeKind::Renamed => "renamed".to_owned(),
            TestChangeKind::TestRenamed => format!("{n} test{s} renamed{named}"),
            TestChangeKind::Skipped => format!("{n} test{s} skipped"),
            TestChangeKind::FewerTests => format!("{n} fewer test{s}"),
            TestChangeKind::FewerAssertions => format!("{n} fewer assertion{s}"),
            TestChangeKind::GateConfig => format!("gate settings changed{named}"),
            TestChangeKind::Unread if self.path.is_empty() => {
                format!("not known, as the change could not be read: {what}")
            }
            TestChangeKind::Unread => "is too large to be weighed".to_owned(),
        }
    }

    /// Whether it is about this file, or about one that had this path before.
    pub fn is_of(&self, path: &str) -> bool {
        let renamed = self.kind == TestChangeKind::Renamed || self.kind == TestChangeKind::GateConfig;
        self.path == path || (renamed && self.path.split_once(RENAMED).is_some_and(|(_, new)| new == path))
    }
}

/// Whether a file is there to judge others, by its path: one of tests, or of settings for checks.
pub fn judges(path: &str) -> bool {
    paths::is_test(path) || settings::is_whole(path)
}

/// Stands between the two paths of a renamed file.
const RENAMED: &str = " to ";

/// All of them in one line: the first few, and how many more.
pub fn in_words(changes: &[TestChange]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = changes.iter().take(SHOWN).map(TestChange::words).collect();
    match changes.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
