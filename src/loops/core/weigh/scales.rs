//! The scales: changed files are laid on them one by one, and what weighs on tests is told at the end.
//!
//! Of a file only its [`Sheet`]s are kept, so that a change of any size is weighed in little memory.

use super::language::Language;
use super::pair::{Leaf, balance};
use super::paths::is_test;
use super::read::{Sheet, read};
use super::settings::Settings;
use super::{RENAMED, TestChange, TestChangeKind};

/// One side of a changed file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side<'a> {
    /// There is no file, or none that is text.
    #[default]
    Nothing,
    /// Its text.
    Text(&'a str),
    /// It is too large to be read.
    TooLarge,
}

impl<'a> Side<'a> {
    pub(super) const fn text(self) -> &'a str {
        match self {
            Side::Text(text) => text,
            Side::Nothing | Side::TooLarge => "",
        }
    }
}

/// A changed file.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangedFile<'a> {
    /// Its path; the new one of a renamed file.
    pub path: &'a str,
    /// The path that it had, if it was renamed.
    pub old_path: Option<&'a str>,
    /// Whether it is gone.
    pub deleted: bool,
    /// Its content at the base.
    pub before: Side<'a>,
    /// Its content now.
    pub after: Side<'a>,
}

impl<'a> ChangedFile<'a> {
    /// The path at the base.
    pub(super) fn old(&self) -> &'a str {
        self.old_path.unwrap_or(self.path)
    }

    /// Its path, or both.
    fn paths(&self) -> String {
        self.old_path.map_or_else(|| self.path.to_owned(), |old| format!("{old}{RENAMED}{}", self.path))
    }
}

/// Weighs a change, file by file.
#[derive(Debug)]
pub struct Scales {
    settings: Settings,
    leaves: Vec<Leaf>,
    found: Vec<TestChange>,
}

impl Scales {
    /// Scales for a loop whose gates run these commands: a file that one names decides what it does.
    pub fn new(commands: &[Vec<String>]) -> Self {
        Self { settings: Settings::new(commands), leaves: Vec::new(), found: Vec::new() }
    }

    /// Whether the content of a file matters: it has tests, or says what a gate runs.
    pub fn want(&self, path: &str, old_path: Option<&str>) -> bool {
        [Some(path), old_path]
            .into_iter()
            .flatten()
            .any(|path| Language::of(path) == Some(Language::Rust) || is_test(path) || self.settings.want(path))
    }

    /// Lays a changed file on the scales.
    pub fn put(&mut self, file: &ChangedFile<'_>) {
        let told = self.found.len();
        let (before, after) = (sheet(file.old(), file.before), sheet(file.path, file.after));
        let tests = is_test(file.old());
        if file.before == Side::TooLarge || file.after == Side::TooLarge {
            let had_tests = before.is_some_and(|sheet| !sheet.tests.is_empty());
            if tests || had_tests || self.settings.want(file.path) {
                self.tell(TestChangeKind::Unread, file.path.to_owned(), None);
            }
            return;
        }
        // Tests are weighed as such, wherever a gate's command names them.
        let plain = before.as_ref().is_none_or(|sheet| sheet.tests.is_empty());
        if let Some(what) = self.settings.changed(file, plain) {
            self.tell(TestChangeKind::GateConfig, file.paths(), what);
        } else if tests && file.old_path.is_some() {
            self.tell(TestChangeKind::Renamed, file.paths(), None);
        }
        if before.is_some() || after.is_some() || (tests && file.deleted) {
            self.leaves.push(Leaf {
                path: file.path.to_owned(),
                // A setting that is gone is told already.
                deleted: tests && file.deleted && self.found.len() == told,
                fresh: file.before == Side::Nothing,
                before: before.unwrap_or_default(),
                after: after.unwrap_or_default(),
            });
        }
    }

    fn tell(&mut self, kind: TestChangeKind, path: String, what: Option<String>) {
        if self.found.len() < TestChange::MOST {
            self.found.push(TestChange { what, ..TestChange::new(kind, path) });
        }
    }

    /// All that weighs on tests, whole files first; at most [`TestChange::MOST`].
    pub fn weigh(mut self) -> Vec<TestChange> {
        balance(self.leaves, &mut self.found);
        self.found.sort_by_key(|change| !matches!(change.kind, TestChangeKind::Deleted | TestChangeKind::Renamed));
        self.found.truncate(TestChange::MOST);
        self.found
    }
}

/// What one side of a file holds of tests. Rust keeps tests beside what they test; others have files for them.
fn sheet(path: &str, side: Side<'_>) -> Option<Sheet> {
    let (language, all) = (Language::of(path)?, is_test(path));
    (all || language == Language::Rust).then(|| read(language, all, side.text()))
}
