//! `cargo test`: what libtest prints for each test binary and for documentation tests.
//!
//! A binary's block begins with `running 8 tests` and ends with `test result: …`, right before which its failures are
//! listed by name. What a failed test printed stands before that list, and may look like anything.

use super::names::Names;
use super::{Tally, counts};

#[derive(Debug, Default)]
pub(super) struct Cargo {
    tally: Tally,
    /// The names since the last line `failures:`, while nothing else has followed.
    listed: Option<Names>,
    /// Whether a block has begun and not ended.
    open: bool,
    told: bool,
}

impl Cargo {
    pub(super) fn line(&mut self, line: &str) {
        if let Some(listed) = &mut self.listed
            && let Some(name) = line.strip_prefix("    ").filter(|name| !name.starts_with(' '))
        {
            return listed.push(unnumbered(name));
        }
        match line.as_bytes() {
            b"failures:" => self.listed = Some(Names::default()),
            [b't', b'e', b's', b't', b' ', b'r', ..] => {
                if let Some(result) = line.strip_prefix("test result: ") {
                    self.result(result);
                }
            }
            [b'r', b'u', b'n', b'n', ..] => {
                if line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test")) {
                    self.broken_off();
                    self.open = true;
                }
            }
            [b'e', b'r', b'r', b'o', b'r', b':', ..] => {
                if let Some(what) = line.strip_prefix("error: could not compile ") {
                    let what = what.split(" due to ").next().unwrap_or(what);
                    self.tally.fail(&format!("could not compile {what}"));
                    self.told = true;
                }
            }
            _ => self.listed = None,
        }
    }

    fn result(&mut self, text: &str) {
        (self.open, self.told) = (false, true);
        for (number, word) in counts(text) {
            match word {
                "passed" => self.tally.pass(number),
                "failed" => self.tally.failed = self.tally.failed.saturating_add(number),
                "ignored" => self.tally.skipped = self.tally.skipped.saturating_add(number),
                _ => {}
            }
        }
        if let Some(listed) = self.listed.take() {
            self.tally.names.append(listed);
        }
    }

    /// A binary that crashed says nothing of how it ended.
    fn broken_off(&mut self) {
        if std::mem::take(&mut self.open) {
            self.told = true;
            self.tally.fail("a test binary that ended early");
        }
    }

    pub(super) fn finish(mut self) -> Option<Tally> {
        self.broken_off();
        self.told.then_some(self.tally)
    }
}

/// A documentation test is named by its line, which changes with each edit above it.
fn unnumbered(name: &str) -> &str {
    name.rsplit_once(" (line ").map_or(name, |(name, _)| name)
}
