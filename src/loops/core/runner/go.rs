//! `go test`: its lines for people, and the events of `-json`.
//!
//! A package's failures come before the line that names it: `--- FAIL: TestSum (0.00s)`, then
//! `FAIL`, the package and `0.003s` between tabs. Passed tests are named under `-v` and `-json` only.

use super::{Names, Tally};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Packages whose failing tests are remembered under `-json`.
const MOST_PACKAGES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Go {
    tally: Tally,
    /// Failures of the package whose name is still to come.
    waiting: Vec<String>,
    /// Under `-json`: packages in which a test failed by name.
    named: BTreeSet<String>,
    told: bool,
}

/// An event of `go test -json`, as `go doc test2json` describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
}

impl Go {
    pub(super) fn line(&mut self, line: &str) {
        match line.as_bytes() {
            [b'{', ..] => self.json(line),
            [b'-' | b' ', ..] => {
                let text = line.trim_start();
                if let Some(rest) = text.strip_prefix("--- ") {
                    self.verdict(rest);
                }
            }
            [b'F', b'A', b'I', b'L', b'\t', rest @ ..] if !rest.is_empty() => {
                self.package(line.get(5..).unwrap_or_default());
            }
            [b'o', b'k', b' ', b' ', b'\t', ..] => self.waiting.clear(),
            _ => {}
        }
    }

    fn verdict(&mut self, text: &str) {
        let name = |rest: &str| rest.rsplit_once(" (").map_or(rest, |(name, _)| name).to_owned();
        if let Some(rest) = text.strip_prefix("FAIL: ") {
            if self.waiting.len() < super::MOST_NAMES {
                self.waiting.push(name(rest));
            }
            self.tally.failed = self.tally.failed.saturating_add(1);
            self.told = true;
        } else if text.starts_with("PASS: ") {
            self.tally.pass(1);
            self.told = true;
        } else if text.starts_with("SKIP: ") {
            self.tally.skipped = self.tally.skipped.saturating_add(1);
            self.told = true;
        }
    }

    /// The package, a tab and `0.003s`, or `example.com/shop/bad [build failed]`.
    fn package(&mut self, text: &str) {
        self.told = true;
        let package = text.split('\t').next().unwrap_or(text).trim();
        if self.waiting.is_empty() {
            // It does not build, its `TestMain` failed, or it crashed outside a test.
            return self.tally.fail(package);
        }
        for test in std::mem::take(&mut self.waiting) {
            self.tally.names.push(&format!("{package} {test}"));
        }
    }

    fn json(&mut self, line: &str) {
        // Most events are lines of output; what is needed comes once for each test.
        let wanted = ["\"pass\"", "\"fail\"", "\"skip\""];
        if !line.contains("\"Action\":") || !wanted.iter().any(|word| line.contains(word)) {
            return;
        }
        let Ok(event) = serde_json::from_str::<Event>(line) else { return };
        match (event.action.as_str(), event.test) {
            ("pass", Some(_)) => self.tally.pass(1),
            ("skip", Some(_)) => self.tally.skipped = self.tally.skipped.saturating_add(1),
            ("fail", Some(test)) => {
                self.tally.fail(&format!("{} {test}", event.package));
                if self.named.len() < MOST_PACKAGES {
                    self.named.insert(event.package);
                }
            }
            ("fail", None) if !self.named.contains(&event.package) => self.tally.fail(&event.package),
            _ => return,
        }
        self.told = true;
    }

    pub(super) fn finish(mut self) -> Option<Tally> {
        let mut last = Names::default();
        self.waiting.iter().for_each(|test| last.push(test));
        self.tally.names.append(last);
        self.told.then_some(self.tally)
    }
}
