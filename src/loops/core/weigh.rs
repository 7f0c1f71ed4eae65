//! What a change does to the tests that are to judge it: [`weigh`] reads a diff for deleted and renamed test files, tests
//! that are skipped, fewer tests and assertions, and changed settings of the gates.
//!
//! It reads lines, not languages: it points a person or a critic to a place, and decides nothing by itself. A move from one
//! file to another takes nothing away, so counts are told only where they go down over the whole change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What follows from a change that weakens tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestsPolicy {
    /// The iteration fails, as by a gate.
    Block,
    /// It is told, with the run's result too.
    #[default]
    Warn,
    /// Nothing.
    Allow,
}

/// One way in which tests were weakened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestChange {
    /// Which way.
    pub kind: TestChangeKind,
    /// The file, fit for reading.
    pub path: String,
    /// How many, where that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// The ways in which tests are weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestChangeKind {
    /// A file of tests is gone.
    Deleted,
    /// It has another name.
    Renamed,
    /// Tests in it are skipped that were not.
    Skipped,
    /// It holds fewer tests.
    FewerTests,
    /// It holds fewer assertions.
    FewerAssertions,
    /// It says what a gate runs, or how, and was changed.
    GateConfig,
}

impl TestChange {
    /// Changes that are kept of one snapshot.
    pub const MOST: usize = 50;

    /// `deleted tests/a.rs`, `2 fewer assertions in tests/b.rs`.
    pub fn words(&self) -> String {
        let path = &self.path;
        let n = self.count.unwrap_or(1);
        let s = if n == 1 { "" } else { "s" };
        match self.kind {
            TestChangeKind::Deleted => format!("deleted {path}"),
            TestChangeKind::Renamed => format!("renamed {path}"),
            TestChangeKind::Skipped => format!("{n} test{s} skipped in {path}"),
            TestChangeKind::FewerTests => format!("{n} fewer test{s} in {path}"),
            TestChangeKind::FewerAssertions => format!("{n} fewer assertion{s} in {path}"),
            TestChangeKind::GateConfig => format!("gate settings changed in {path}"),
        }
    }
}

/// All of them in one line: the first few, and how many more.
pub fn in_words(changes: &[TestChange]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = changes.iter().take(SHOWN).map(TestChange::words).collect();
    match changes.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// A changed file, as far as it is weighed.
#[derive(Clone, Debug, Default)]
pub struct ChangedFile<'a> {
    /// Its path; the new one of a renamed file.
    pub path: &'a str,
    /// The path that it had, if it was renamed.
    pub old_path: Option<&'a str>,
    /// Whether it is gone.
    pub deleted: bool,
    /// Lines that are gone.
    pub removed: Vec<&'a str>,
    /// Lines that are new.
    pub added: Vec<&'a str>,
}

/// Weighs a change. `commands` are those of the gates: a file that one names decides what it does.
pub fn weigh(files: &[ChangedFile<'_>], commands: &[String]) -> Vec<TestChange> {
    let mut found = Vec::new();
    let counted: Vec<(&ChangedFile<'_>, Counts)> =
        files.iter().map(|file| (file, Counts::of(file))).filter(|(_, counts)| *counts != Counts::default()).collect();
    let total = |of: fn(&Counts) -> i64| counted.iter().map(|(_, counts)| of(counts)).sum::<i64>();
    for file in files {
        let (kind, path) = match file.old_path {
            Some(old) if is_test(old) => (TestChangeKind::Renamed, format!("{old} to {}", file.path)),
            None if file.deleted && is_test(file.path) => (TestChangeKind::Deleted, file.path.to_owned()),
            _ if is_gate_config(file, commands) => (TestChangeKind::GateConfig, file.path.to_owned()),
            _ => continue,
        };
        found.push(TestChange { kind, path, count: None });
    }
    let (tests, assertions, skips) = (total(|c| c.tests), total(|c| c.assertions), total(|c| c.skips));
    for (file, counts) in &counted {
        let mut tell = |kind, number: i64, in_all: bool| {
            if number > 0 && in_all {
                let count = Some(u32::try_from(number).unwrap_or(u32::MAX));
                found.push(TestChange { kind, path: file.path.to_owned(), count });
            }
        };
        tell(TestChangeKind::Skipped, counts.skips, skips > 0);
        // A file that is gone is told already.
        tell(TestChangeKind::FewerTests, -counts.tests, tests < 0 && !file.deleted);
        tell(TestChangeKind::FewerAssertions, -counts.assertions, assertions < 0 && !file.deleted);
    }
    found.truncate(TestChange::MOST);
    found
}

/// How a file's lines go up or down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    tests: i64,
    assertions: i64,
    skips: i64,
}

impl Counts {
    fn of(file: &ChangedFile<'_>) -> Self {
        // Rust keeps tests beside what they test; others keep them in files of their own.
        let rust = file.path.ends_with(".rs");
        if !rust && !is_test(file.path) {
            return Self::default();
        }
        let mut counts = Self::default();
        for (lines, sign) in [(&file.removed, -1), (&file.added, 1)] {
            for line in lines {
                let line = line.trim_start();
                if line.starts_with("//") || (!rust && line.starts_with('#')) {
                    continue;
                }
                counts.skips += sign * i64::from(SKIPS.iter().any(|mark| line.contains(mark)));
                counts.assertions += sign * i64::from(ASSERTIONS.iter().any(|mark| line.contains(mark)));
                counts.tests += sign * i64::from(is_test_head(line, rust));
            }
        }
        counts
    }
}

const SKIPS: [&str; 16] = [
    concat!("#[", "ignore"),
    "@pytest.mark.skip",
    "@pytest.mark.xfail",
    "pytest.skip(",
    "@unittest.skip",
    "it.skip(",
    "test.skip(",
    "describe.skip(",
    "it.only(",
    "test.only(",
    "describe.only(",
    "xit(",
    "xdescribe(",
    "t.Skip",
    "@Disabled",
    "@Ignore",
];

const ASSERTIONS: [&str; 9] =
    ["assert", "expect(", ".should", "t.Error", "t.Fatal", "require.", "EXPECT_", "ASSERT_", "prop_assert"];

fn is_test_head(line: &str, rust: bool) -> bool {
    if rust {
        return line.starts_with("#[test]") || (line.starts_with("#[") && line.contains("::test"));
    }
    ["def test", "async def test", "func Test", "it(", "test(", "it.each(", "test.each(", "@Test", "TEST("]
        .iter()
        .any(|head| line.starts_with(head))
}

/// Whether a path is that of a file of tests, by the customs of the languages at large.
fn is_test(path: &str) -> bool {
    let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_tests = dirs.split('/').any(|dir| matches!(dir, "test" | "tests" | "__tests__" | "spec" | "specs"));
    let stem = name.split('.').next().unwrap_or(name);
    in_tests
        || stem.starts_with("test_")
        || ["_test", "_tests", "_spec", "Test", "Tests", "Spec"].iter().any(|end| stem.ends_with(end))
        || name.contains(".test.")
        || name.contains(".spec.")
}

/// Files that say how tests run, whatever of them changed.
const CONFIG_NAMES: [&str; 10] = [
    "pytest.ini",
    "tox.ini",
    "conftest.py",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "loopdash.toml",
    "nextest.toml",
    "phpunit.xml",
    ".mocharc.json",
    "karma.conf.js",
];

/// Files of which a part says so, and the words by which a line of that part is known.
const CONFIG_PARTS: [(&str, &[&str]); 4] = [
    ("Cargo.toml", &["[[test]]", "[profile.test", "autotests", "harness", "test = ", "doctest", "[lints"]),
    ("package.json", &["\"test", "\"lint", "\"jest", "\"vitest", "\"mocha"]),
    ("pyproject.toml", &["pytest", "testpaths", "addopts", "coverage", "[tool.mypy", "[tool.ruff"]),
    ("setup.cfg", &["pytest", "testpaths", "addopts"]),
];

fn is_gate_config(file: &ChangedFile<'_>, commands: &[String]) -> bool {
    let (path, name) = (file.path, file.path.rsplit('/').next().unwrap_or(file.path));
    let words =
        || commands.iter().flat_map(|command| command.split(|c: char| c.is_whitespace() || "'\"();&|".contains(c)));
    let named = words().any(|word| word.strip_prefix("./").unwrap_or(word) == path);
    let made = words().any(|word| word == "make") && matches!(name, "Makefile" | "GNUmakefile" | "makefile");
    let parts = CONFIG_PARTS.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, words)| *words);
    let mut lines = file.removed.iter().chain(&file.added);
    named
        || made
        || CONFIG_NAMES.contains(&name)
        || name.starts_with("jest.config.")
        || name.starts_with("vitest.config.")
        || path.starts_with(".github/workflows/")
        || path.starts_with(".circleci/")
        || lines.any(|line| parts.iter().any(|part| line.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file<'a>(path: &'a str, removed: &[&'a str], added: &[&'a str]) -> ChangedFile<'a> {
        ChangedFile { path, removed: removed.to_vec(), added: added.to_vec(), ..ChangedFile::default() }
    }

    fn told(files: &[ChangedFile<'_>]) -> Vec<String> {
        let commands = ["sh ci/check.sh --all".to_owned(), "make test".to_owned()];
        weigh(files, &commands).iter().map(TestChange::words).collect()
    }

    #[test]
    fn each_way_of_weakening_is_told_with_its_file() {
        let gone = ChangedFile { deleted: true, ..file("tests/till.rs", &["#[test]", "assert!(open());"], &[]) };
        let renamed = ChangedFile { old_path: Some("spec/cart_spec.rb"), ..file("attic/cart.rb", &[], &[]) };
        let ignored = concat!("    #[", "ignore]");
        assert_eq!(told(&[gone]), ["deleted tests/till.rs"]);
        assert_eq!(told(&[renamed]), ["renamed spec/cart_spec.rb to attic/cart.rb"]);
        assert_eq!(told(&[file("src/a.rs", &[], &[ignored])]), ["1 test skipped in src/a.rs"]);
        for line in ["@pytest.mark.skip(reason='later')", "  it.skip('adds', () => {})", "\tt.Skip(\"slow\")"] {
            assert_eq!(told(&[file("tests/x", &[], &[line])]), ["1 test skipped in tests/x"], "{line}");
        }
        let fewer = file("cart.test.js", &["test('a', () => {", "  expect(1).toBe(1);", "  expect(2).toBe(2);"], &[]);
        assert_eq!(told(&[fewer]), ["1 fewer test in cart.test.js", "2 fewer assertions in cart.test.js"]);
        for path in ["pytest.ini", "ci/check.sh", "Makefile", ".github/workflows/test.yml", "web/jest.config.ts"] {
            assert_eq!(told(&[file(path, &["a"], &["b"])]), [format!("gate settings changed in {path}")]);
        }
        assert_eq!(told(&[file("Cargo.toml", &[], &["harness = false"])]).len(), 1);
    }

    #[test]
    fn ordinary_work_is_not() {
        let ordinary = [
            file("src/a.rs", &["let x = 1;"], &["let x = 2;", "#[test]", "assert_eq!(x, 2);"]),
            file("tests/a.rs", &["assert_eq!(a(), 1);"], &["assert_eq!(a(), 2);"]),
            file("Cargo.toml", &["serde = \"1.0\""], &["serde = \"1.1\""]),
            file("package.json", &["\"version\": \"1\""], &["\"version\": \"2\""]),
            file("app.py", &["assert x", "def test_it(): pass"], &[]),
            file("docs/test.md", &["a test("], &[]),
            file("tests/a.py", &["# assert nothing"], &[]),
        ];
        assert_eq!(told(&ordinary), Vec::<String>::new());
        let moved = [
            file("tests/a.py", &["def test_sum():", "    assert total() == 3"], &[]),
            file("tests/b.py", &[], &["def test_sum():", "    assert total() == 3"]),
        ];
        assert_eq!(told(&moved), Vec::<String>::new());
    }

    #[test]
    fn many_are_bounded_and_summed_up() {
        let paths: Vec<String> = (0..99).map(|n| format!("tests/t{n}.py")).collect();
        let files: Vec<ChangedFile<'_>> =
            paths.iter().map(|path| ChangedFile { deleted: true, ..file(path, &[], &[]) }).collect();
        let changes = weigh(&files, &[]);
        assert_eq!(changes.len(), TestChange::MOST);
        assert!(in_words(&changes).ends_with("deleted tests/t3.py, and 46 more"), "{}", in_words(&changes));
    }
}
