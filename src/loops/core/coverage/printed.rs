//! Coverage totals as tools print them. [`Printed`] is given a gate's output line by line, once.
//!
//! A line counts only where its tool's own table has begun. Of several totals the lowest counts: each suite in a gate has to
//! hold, and what a test prints cannot better it.

use super::Percent;

/// Reads a gate's output. Give it each line, without newlines and without terminal control.
#[derive(Debug, Default)]
pub struct Printed {
    lowest: Option<Percent>,
    /// The table whose `TOTAL` is to come.
    table: Option<Table>,
    /// Where `% Lines` stands in the table of istanbul that has begun.
    lines_at: Option<usize>,
    /// Of Go's packages, each of which tells its own.
    package: Option<Percent>,
    /// Of all Go's packages, as `go tool cover` tells.
    packages: Option<Percent>,
}

/// A table that ends with a line `TOTAL`.
#[derive(Clone, Copy, Debug)]
enum Table {
    /// That of coverage.py: what is covered stands last.
    Python,
    /// That of llvm-cov: lines stand in this column, and those that were missed in the next.
    Llvm(usize),
}

impl Printed {
    /// Takes the next line. Bytes that are no UTF-8 are read as U+FFFD.
    pub fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        self.table(line);
        self.istanbul(line);
        self.go(line);
        let told = tarpaulin(line).or_else(|| summary(line));
        self.tell(told);
    }

    /// The total, if one was told.
    pub fn finish(mut self) -> Option<Percent> {
        // Without a total of its packages, Go's lowest stands for all: the total cannot be lower.
        let go = self.packages.or(self.package);
        self.tell(go);
        self.lowest
    }

    fn tell(&mut self, total: Option<Percent>) {
        lower(&mut self.lowest, total);
    }

    fn table(&mut self, line: &str) {
        if line.starts_with("Name ") && ["Stmts", "Miss", "Cover"].iter().all(|column| line.contains(column)) {
            self.table = Some(Table::Python);
        } else if line.starts_with("Filename ") {
            let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
            self.table = columns.position(|column| column == "Lines").map(Table::Llvm);
        } else if let Some(cells) = line.strip_prefix("TOTAL").filter(|rest| rest.starts_with([' ', '\t'])) {
            let told = match self.table.take() {
                Some(Table::Python) => cells.split_whitespace().next_back().and_then(in_percent),
                Some(Table::Llvm(lines)) => {
                    // The name has a column in the head and none here.
                    let mut cells = cells.split_whitespace().skip(lines.saturating_sub(1));
                    let count = |cell: Option<&str>| cell.and_then(|cell| cell.parse::<u64>().ok());
                    count(cells.next())
                        .zip(count(cells.next()))
                        .and_then(|(all, missed)| Percent::of(all.checked_sub(missed)?, all))
                }
                None => None,
            };
            self.tell(told);
        }
    }

    /// `All files |   85.71 |      100 |   66.66 |   85.71 |`, under a head that says which is which. Runners of several
    /// packages put a word of their own before it.
    fn istanbul(&mut self, line: &str) {
        let Some((name, cells)) = line.split_once('|') else { return };
        let name = name.trim();
        if name.ends_with("File") {
            self.lines_at = cells.split('|').position(|cell| cell.trim() == "% Lines");
        } else if let (true, Some(at)) = (name.ends_with("All files"), self.lines_at) {
            let told = cells.split('|').nth(at).and_then(|cell| Percent::read(cell.trim()));
            self.tell(told);
        }
    }

    /// `total: (statements) 71.4%`, and `coverage: 71.4% of statements` for each package, also within an event of `-json`.
    fn go(&mut self, line: &str) {
        if line.starts_with("total:") && line.contains("(statements)") {
            let told = line.split_whitespace().next_back().and_then(in_percent);
            lower(&mut self.packages, told);
        } else if let Some((_, rest)) = line.split_once("coverage: ") {
            let told = rest.split_once("% of statements").and_then(|(number, _)| Percent::read(number));
            lower(&mut self.package, told);
        }
    }
}

fn lower(lowest: &mut Option<Percent>, told: Option<Percent>) {
    *lowest = (*lowest).into_iter().chain(told).min();
}

/// `71.4%`.
fn in_percent(text: &str) -> Option<Percent> {
    Percent::read(text.strip_suffix('%')?)
}

/// `85.71% coverage, 6/7 lines covered`, and then perhaps by how much it changed.
fn tarpaulin(line: &str) -> Option<Percent> {
    let (percent, rest) = line.split_once("% coverage, ")?;
    Percent::read(percent)?;
    let (some, all) = rest.split_once(" lines covered")?.0.split_once('/')?;
    Percent::of(some.parse().ok()?, all.parse().ok()?)
}

/// `Lines        : 85.71% ( 6/7 )`, of istanbul's summary.
fn summary(line: &str) -> Option<Percent> {
    let (number, counts) = line.strip_prefix("Lines ")?.trim_start().strip_prefix(": ")?.split_once("% (")?;
    counts.contains('/').then(|| Percent::read(number)).flatten()
}
