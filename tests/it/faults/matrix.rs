//! The table in `docs/reliability.md`, made from the rows and checked against the tests that exist.
//!
//! `LOOPDASH_BLESS=1 cargo test --test it faults::matrix` writes the file anew.

use super::ROWS;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A fault and what is done about it.
pub(super) struct Row {
    /// Its number, for good: test names begin with it.
    pub(super) number: u8,
    /// What goes wrong.
    pub(super) fault: &'static str,
    /// What loopdash does then.
    pub(super) happens: &'static str,
    /// The tests that show it, as paths; empty where there is none.
    pub(super) tests: &'static [&'static str],
}

/// The number of faults.
const COUNT: usize = 50;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<&'static Row> {
    let mut rows: Vec<&Row> = ROWS.iter().flat_map(|rows| rows.iter()).collect();
    rows.sort_by_key(|row| row.number);
    rows
}

/// The document as it has to be.
fn document() -> String {
    let mut text = String::from(HEAD);
    for row in rows() {
        let tests: Vec<String> = row.tests.iter().map(|test| format!("`{test}`")).collect();
        let tests = if tests.is_empty() { "none yet".to_owned() } else { tests.join("<br>") };
        writeln!(text, "| {} | {} | {} | {tests} |", row.number, row.fault, row.happens).unwrap();
    }
    text.push_str(DEVIATIONS_HEAD);
    for (number, asked, why) in DEVIATIONS {
        writeln!(text, "| {number} | {asked} | {why} |").unwrap();
    }
    text
}

const DEVIATIONS_HEAD: &str = "
## Where it is otherwise than was planned

| # | planned | why not |
|---|---|---|
";

/// Rows whose faults were to be met in another way: what was planned, and why it is not so.
const DEVIATIONS: &[(u8, &str, &str)] = &[
    (
        3,
        "a damaged line is skipped",
        "the run is closed instead: a fold over a gap is a guess, and money would be spent on it",
    ),
    (
        5,
        "the run fails",
        "it waits: a full disk is nobody's failure, the work is whole, and whoever makes room need not start it again",
    ),
    (
        8,
        "five starts within a minute, then it is parked",
        "without processes a step waits longer and longer, which costs nothing; a program that cannot run parks its run at \
         the first try, since another does not mend it",
    ),
    (
        29,
        "a diff has 500 ms",
        "it is bounded by sizes: what is shown of a change is the same on every machine and at every look, and nobody waits \
         for it",
    ),
    (
        36,
        "agents may be stopped, too",
        "there is no such option: who wants them to stand still freezes them before, and their timers stand still with them",
    ),
    (
        41,
        "exit 2",
        "65, as for all input that is refused (`EX_DATAERR`); 2 is what a failure of loopdash itself ends with",
    ),
];

/// Tests that show what happens in two rows.
const SHARED: &[&str] = &[
    "it::baddays::an_agent_that_vanishes_between_two_steps_says_so",
    "it::baddays::an_actor_that_keeps_failing_needs_a_person",
    "loops::git::worktree::tests::a_worktree_that_is_not_what_it_was_is_told",
];

/// Rows that are shown by tests of what they are about, and by none that is named after them.
const UNNAMED: &[u8] = &[17, 30, 31, 33, 42, 47];

/// The rows that a test is named after: `row_18_and_19_…`.
fn named_after(test: &str) -> Vec<u8> {
    let Some((_, rest)) = test.split_once("::row_") else { return Vec::new() };
    let parts = rest.split('_').filter(|part| *part != "and");
    parts.map_while(|part| part.parse().ok()).collect()
}

const HEAD: &str = "\
# What loopdash survives

This file is made from the tests (`tests/it/faults`); `cargo test` fails when it is not what they say, or names a test
that is not there. Tests under `slow::` run with `cargo test --test slow`, all others with `cargo test`; `.ci/run` calls
both. Slow ones do more where a variable says so: `LOOPDASH_KILLS` (200), `LOOPDASH_RECORDS` (250,000),
`LOOPDASH_FLOOD_MB` (1024), `LOOPDASH_FLOODERS` (32). Most tests inject the real fault: a real `kill -9`, a full file
system, a limit of the system, a held lock. Where that cannot be had, a failpoint stands in (`LOOPDASH_FAULT`), and the row
says so. Whatever happens, these hold afterwards:

- every journal replays, and no record that was acknowledged is missing;
- directories of the state are 0700 and its files 0600;
- no process is left that carries a run's mark, unless the row says otherwise;
- the terminal is as it was: cooked, on its main screen, with its cursor;
- the operator's branches, index, stash and configuration are byte for byte as they were, but for the run's own branch;
- whoever called gets an exit status, and on standard error one line that says why and what to do;
- keys are answered within few frames. How soon that is depends on the machine: it is measured (`docs/performance.md`), and
  told by the slow tests beside an idle screen's, but not asserted.

All rows are measured on Linux. Rows that mean macOS or NFS say what is known to hold there.

| # | fault | what happens | tests |
|---|---|---|---|
";

/// The paths of all tests in the sources: `tests/it/a/b.rs` has `it::a::b::…`, `src/a/b.rs` has `a::b::…`.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (dir, prefix) in [("src", ""), ("tests/it", "it"), ("tests/slow", "slow")] {
        for file in files(&root().join(dir)) {
            let module = file.strip_prefix(root().join(dir)).unwrap().with_extension("");
            let names = module.iter().map(|part| part.to_str().unwrap());
            let names = names.filter(|name| !matches!(*name, "mod" | "main" | "lib"));
            let module: Vec<&str> = [prefix].into_iter().filter(|prefix| !prefix.is_empty()).chain(names).collect();
            // `a_tests.rs` is the module `tests` of `a.rs`.
            let module = module.join("::").replace("_tests", "::tests");
            tests_in(&std::fs::read_to_string(&file).unwrap(), &module, &mut found);
        }
    }
    found
}

fn tests_in(text: &str, module: &str, found: &mut BTreeSet<String>) {
    let (mut inner, mut marked) = ("", false);
    for line in text.lines() {
        if line == "mod tests {" {
            inner = "::tests";
        }
        let code = line.trim_start();
        marked |= code.starts_with("#[test]") || code.starts_with("#[tokio::test");
        let name = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ");
        if let Some(name) = name.filter(|_| std::mem::take(&mut marked)) {
            let name = name.split('(').next().unwrap_or_default();
            found.insert(format!("{module}{inner}::{name}"));
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn every_fault_has_a_row_and_every_test_of_a_row_exists() {
    let numbers: Vec<usize> = rows().iter().map(|row| usize::from(row.number)).collect();
    assert_eq!(numbers, (1..=COUNT).collect::<Vec<_>>());
    let tests = tests();
    for row in rows() {
        assert!(!row.fault.is_empty() && !row.happens.contains('|'), "row {}", row.number);
        for test in row.tests {
            assert!(tests.contains(*test), "row {} names {test}, which is no test", row.number);
        }
    }
    // And the other way round: a test that is named after a row stands in it.
    for test in &tests {
        for number in named_after(test) {
            let row = rows().into_iter().find(|row| row.number == number).unwrap();
            assert!(row.tests.contains(&test.as_str()), "{test} is not in row {number}");
        }
    }
}

#[test]
fn a_row_has_tests_of_its_own() {
    for row in rows() {
        for test in row.tests {
            let rows: Vec<u8> = rows().iter().filter(|row| row.tests.contains(test)).map(|row| row.number).collect();
            let own = named_after(test);
            let once = own.is_empty() && (rows.len() == 1 || SHARED.contains(test));
            assert!(own.contains(&row.number) || once, "{test} is named after {own:?} and stands in {rows:?}");
        }
        let named = row.tests.iter().any(|test| named_after(test).contains(&row.number));
        assert!(named || UNNAMED.contains(&row.number), "no test is named after row {}", row.number);
    }
}

#[test]
fn the_document_is_what_the_tests_say() {
    let path = root().join("docs/reliability.md");
    if std::env::var_os("LOOPDASH_BLESS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(stands, document(), "write it anew with LOOPDASH_BLESS=1 cargo test --test it faults::matrix");
}
