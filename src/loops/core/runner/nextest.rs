//! `cargo nextest run`: its summary line, and the failures that it lists after it.
//!
//! `     Summary [   0.191s] 10 tests run: 5 passed, 5 failed, 2 skipped`, then for each failure
//! `        FAIL [   0.003s] ( 3/10) shop tests::result`, or another word such as `TIMEOUT`, `SIGSEGV`, `TRY 2 FAIL`.

use super::{Tally, counts};

#[derive(Debug, Default)]
pub(super) struct Nextest {
    tally: Option<Tally>,
}

impl Nextest {
    pub(super) fn line(&mut self, line: &str) {
        if !line.starts_with(' ') && self.tally.is_none() {
            return;
        }
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("Summary [") {
            let mut tally = Tally::default();
            for (number, word) in counts(rest) {
                match word {
                    "passed" => tally.pass(number),
                    // `1 exec failed`, `1 timed out`
                    "failed" | "exec" | "timed" => tally.failed = tally.failed.saturating_add(number),
                    "skipped" => tally.skipped = number,
                    _ => {}
                }
            }
            if tally.passed.is_some() || tally.failed > 0 {
                self.tally = Some(tally);
            }
        } else if let Some(tally) = &mut self.tally
            && let Some((word, rest)) = text.split_once(" [")
            && failed(word)
            && let Some((_, name)) = rest.split_once("] ")
        {
            let name = name.trim_start();
            let name = name.strip_prefix('(').and_then(|name| name.split_once(") ")).map_or(name, |(_, name)| name);
            tally.names.push_once(name);
        }
    }

    pub(super) fn finish(self) -> Option<Tally> {
        self.tally
    }
}

fn failed(word: &str) -> bool {
    let word = word.trim_end();
    let shout = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ' || c == '-');
    shout && ["FAIL", "TIMEOUT", "TMT", "SIG", "ABORT"].iter().any(|mark| word.contains(mark))
}
