//! `jest`: the failures under each file's `FAIL` line, and the counts in its `Tests:` line.
//!
//! `FAIL src/cart.test.js`, then `  ● cart › rounds` for each failure or `  ● Test suite failed to run`, and at the end
//! `Tests:       2 failed, 1 skipped, 1 todo, 2 passed, 6 total`. A long report tells its failures a second time.

use super::{Names, Tally, counts};

#[derive(Debug, Default)]
pub(super) struct Jest {
    tally: Tally,
    /// The file whose failures follow.
    file: Option<String>,
    /// Files that could not be run, which are not among the tests.
    suites: Names,
    told: bool,
}

impl Jest {
    pub(super) fn line(&mut self, line: &str) {
        let text = line.trim_start();
        match text.as_bytes() {
            [b'F', b'A', b'I', b'L', b' ', ..] => self.file = Some(path(text.get(5..).unwrap_or_default())),
            [b'P', b'A', b'S', b'S', b' ', ..] => self.file = None,
            [0xe2, 0x97, 0x8f, b' ', ..] if line.len() - text.len() == 2 => {
                let (Some(file), Some(name)) = (&self.file, text.strip_prefix("● ")) else { return };
                match name {
                    "Test suite failed to run" => self.suites.push_once(&format!("{file}: did not run")),
                    "Console" => {}
                    name => self.tally.names.push_once(&format!("{file} › {name}")),
                }
            }
            [b'T', b'e', b's', b't', b's', b':', ..] if text.ends_with(" total") => {
                let text = text.get(6..).unwrap_or_default();
                self.told = true;
                self.tally.pass(0);
                for (number, word) in counts(text) {
                    match word {
                        "passed" => self.tally.pass(number),
                        "failed" => self.tally.failed = self.tally.failed.saturating_add(number),
                        "skipped" | "todo" => self.tally.skipped = self.tally.skipped.saturating_add(number),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn finish(mut self) -> Option<Tally> {
        self.tally.failed = self.tally.failed.saturating_add(u32::try_from(self.suites.len()).unwrap_or(u32::MAX));
        self.tally.names.append(self.suites);
        self.told.then_some(self.tally)
    }
}

/// The file's path, without the time that a slow one is told with.
fn path(text: &str) -> String {
    let text = text.trim();
    match text.rsplit_once(" (") {
        Some((path, time)) if time.ends_with("s)") => path.to_owned(),
        _ => text.to_owned(),
    }
}
