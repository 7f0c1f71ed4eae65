//! `vitest`: its `FAIL` lines, each with a whole name, and the counts in its `Tests` line.
//!
//! ` FAIL  src/cart.test.js > cart > rounds`, ` FAIL  src/bad.test.js [ src/bad.test.js ]` for a file that does not load, and
//! at the end `      Tests  2 failed | 2 passed | 1 skipped | 1 todo (6)`.

use super::{Names, Tally, counts};

#[derive(Debug, Default)]
pub(super) struct Vitest {
    tally: Tally,
    /// Files that could not be loaded, which are not among the tests.
    files: Names,
    told: bool,
}

impl Vitest {
    pub(super) fn line(&mut self, line: &str) {
        if !line.starts_with(' ') {
            return;
        }
        let text = line.trim_start();
        if let Some(name) = text.strip_prefix("FAIL  ") {
            match name.split_once(" [ ") {
                Some((file, _)) if name.ends_with(" ]") => self.files.push_once(&format!("{file}: did not run")),
                _ if name.contains(" > ") => self.tally.names.push_once(name),
                _ => {}
            }
        } else if let Some(told) = text.strip_prefix("Tests  ") {
            let none = told == "no tests";
            if !none && !told.ends_with(')') {
                return;
            }
            self.told = true;
            self.tally.pass(0);
            for (number, word) in counts(told) {
                match word {
                    "passed" => self.tally.pass(number),
                    "failed" => self.tally.failed = self.tally.failed.saturating_add(number),
                    "skipped" | "todo" => self.tally.skipped = self.tally.skipped.saturating_add(number),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Option<Tally> {
        self.tally.failed = self.tally.failed.saturating_add(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.tally.names.append(self.files);
        self.told.then_some(self.tally)
    }
}
