//! `pytest`: the lines of its short test summary, and the counts in its last line.
//!
//! `FAILED tests/test_cart.py::test_rounds - AssertionError: …` and `ERROR tests/test_bad.py`, then
//! `==== 6 failed, 4 passed, 1 skipped, 2 errors in 0.03s ====`, without the bars under `-q`.

use super::{Tally, counts};

#[derive(Debug, Default)]
pub(super) struct Pytest {
    tally: Tally,
    /// Whether the short summary has begun.
    listing: bool,
    told: bool,
}

impl Pytest {
    pub(super) fn line(&mut self, line: &str) {
        match line.as_bytes() {
            [b'=', ..] if line.contains(" short test summary info ") => {
                self.listing = true;
                self.tally.names.clear();
            }
            [b'=', ..] | [b'0'..=b'9', ..] => self.end(line.trim_matches(['=', ' '])),
            [b'F', ..] if self.listing => {
                if let Some(rest) = line.strip_prefix("FAILED ") {
                    self.tally.names.push(node(rest));
                }
            }
            [b'E', ..] if self.listing => {
                if let Some(rest) = line.strip_prefix("ERROR ") {
                    self.tally.names.push(&format!("{} (error)", node(rest)));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, text: &str) {
        let Some((told, took)) = text.rsplit_once(" in ") else { return };
        // `0.03s`, and after a minute `75.21s (0:01:15)`
        let seconds = took.split(' ').next().and_then(|took| took.strip_suffix('s'));
        if seconds.is_none_or(|seconds| seconds.parse::<f64>().is_err()) {
            return;
        }
        let known = |word: &str| {
            matches!(
                word,
                "failed"
                    | "passed"
                    | "skipped"
                    | "deselected"
                    | "xfailed"
                    | "xpassed"
                    | "warning"
                    | "warnings"
                    | "error"
                    | "errors"
                    | "rerun"
            )
        };
        if counts(told).count() == 0 || !counts(told).all(|(_, word)| known(word)) {
            return;
        }
        (self.listing, self.told) = (false, true);
        self.tally.pass(0);
        for (number, word) in counts(told) {
            match word {
                "passed" | "xpassed" => self.tally.pass(number),
                "failed" | "error" | "errors" => self.tally.failed = self.tally.failed.saturating_add(number),
                "skipped" | "xfailed" => self.tally.skipped = self.tally.skipped.saturating_add(number),
                _ => {}
            }
        }
    }

    pub(super) fn finish(self) -> Option<Tally> {
        self.told.then_some(self.tally)
    }
}

/// The test's id, without the message after ` - `; a parameter in brackets may hold that, too.
fn node(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(" - ")).map(|at| from + at) {
        let id = text.get(..at).unwrap_or(text);
        if id.matches('[').count() <= id.matches(']').count() {
            return id;
        }
        from = at + 3;
    }
    text
}
