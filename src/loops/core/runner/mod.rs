//! What test runners print, read as counts and names: [`Reader`] is given a gate's output line by line, once.
//!
//! One file a runner, each a fold that believes what its runner says last. Output is whatever a program chose to print:
//! nothing here can fail, and what is kept of it is bounded.

mod cargo;
mod go;
mod jest;
mod junit;
mod killed;
mod names;
mod nextest;
mod pytest;
mod tests_seen;
mod vitest;

pub use junit::junit;
pub use killed::tells_of_a_kill;
pub use names::{LONGEST_NAME, MOST_NAMES};
pub use tests_seen::{Runner, TestsSeen};

use names::Names;

/// What one runner told so far.
#[derive(Debug, Default)]
struct Tally {
    /// Absent where the runner does not say how many passed.
    passed: Option<u32>,
    failed: u32,
    skipped: u32,
    names: Names,
}

impl Tally {
    fn pass(&mut self, more: u32) {
        self.passed = Some(self.passed.unwrap_or(0).saturating_add(more));
    }

    /// Counts a failure that the runner does not: something that kept tests from being run at all.
    fn fail(&mut self, name: &str) {
        self.failed = self.failed.saturating_add(1);
        self.names.push(name);
    }
}

/// Reads a gate's output. Give it each line of standard output, then each of standard error, without newlines and
/// without terminal control.
#[derive(Debug, Default)]
pub struct Reader {
    cargo: cargo::Cargo,
    nextest: nextest::Nextest,
    pytest: pytest::Pytest,
    go: go::Go,
    jest: jest::Jest,
    vitest: vitest::Vitest,
}

impl Reader {
    /// Takes the next line. Bytes that are no UTF-8 are read as U+FFFD.
    pub fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        self.cargo.line(line);
        self.nextest.line(line);
        self.pytest.line(line);
        self.go.line(line);
        self.jest.line(line);
        self.vitest.line(line);
    }

    /// What was seen, of all runners together; `None` where none told how it ended.
    pub fn finish(self) -> Option<TestsSeen> {
        let nextest = self.nextest.finish();
        // What it shows of its tests' own output looks like cargo's.
        let cargo = self.cargo.finish().filter(|_| nextest.is_none());
        let told = [
            (Runner::CargoTest, cargo),
            (Runner::Nextest, nextest),
            (Runner::Pytest, self.pytest.finish()),
            (Runner::GoTest, self.go.finish()),
            (Runner::Jest, self.jest.finish()),
            (Runner::Vitest, self.vitest.finish()),
        ];
        told.into_iter().filter_map(|(runner, tally)| Some(TestsSeen::of(runner, tally?))).reduce(TestsSeen::and)
    }
}

/// Each whole number in a line of counts, with the word after it: `2 failed, 1 passed`, `4/10 tests` not among them.
fn counts(text: &str) -> impl Iterator<Item = (u32, &str)> {
    const MARKS: [char; 5] = [',', ';', '|', '.', ':'];
    let mut words = text.split_whitespace().map(|word| word.trim_end_matches(MARKS)).peekable();
    std::iter::from_fn(move || {
        loop {
            let number = words.next()?.parse::<u32>();
            if let (Ok(number), Some(word)) = (number, words.peek()) {
                return Some((number, *word));
            }
        }
    })
}
