//! Each runner's own output, recorded, and what is read of it; then the same output cut, mixed and hostile.
//!
//! cargo, nextest, pytest, jest and vitest printed their fixtures; Go's are written after `go help test` and
//! `go doc test2json`.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::loops::core::runner::{LONGEST_NAME, MOST_NAMES, Runner};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runners");
    std::fs::read(dir.join(name)).unwrap()
}

/// What is read of a step that printed these fixtures.
fn read(names: &[&str]) -> Option<TestsSeen> {
    let dir = tempfile::tempdir().unwrap();
    for (stream, file) in [("stdout", "stdout.log"), ("stderr", "stderr.log")] {
        let wanted = names.iter().filter(|name| name.ends_with(stream));
        let bytes: Vec<u8> = wanted.flat_map(|name| fixture(name)).collect();
        std::fs::write(dir.path().join(file), bytes).unwrap();
    }
    printed(dir.path()).unwrap()
}

#[test]
fn each_runner_is_understood() {
    let printed: [&[&str]; 11] = [
        &["cargo.stdout", "cargo.stderr"],
        &["cargo-build.stderr"],
        &["cargo-abort.stdout", "cargo-abort.stderr"],
        &["nextest.stderr"],
        &["nextest-retries.stderr"],
        &["pytest.stdout"],
        &["pytest-collect.stdout"],
        &["go.stdout"],
        &["go-verbose.stdout"],
        &["jest.stderr"],
        &["vitest.stdout", "vitest.stderr"],
    ];
    let printed = printed.iter().map(|names| (names.join(" "), read(names).unwrap()));
    let reports = ["pytest.xml", "vitest.xml"].map(|name| (name.to_owned(), junit(&fixture(name)).unwrap()));
    let told: Vec<String> = printed
        .chain(reports)
        .map(|(from, seen)| {
            assert!(seen.all_named(), "{from}: {seen:?}");
            format!("{from}: {:?} {}\n  {}\n", seen.runners, seen.words(), seen.new.join("\n  "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn colours_and_brevity_change_nothing() {
    for (other, plain) in [
        ("cargo-quiet.stdout", "cargo.stdout"),
        ("pytest-colour.stdout", "pytest-quiet.stdout"),
        ("jest-colour.stderr", "jest.stderr"),
    ] {
        assert_eq!(read(&[other]), read(&[plain]));
    }
    let (coloured, plain) = (read(&["nextest-colour.stderr"]).unwrap(), read(&["nextest.stderr"]).unwrap());
    assert_eq!((coloured.failed, coloured.passed), (plain.failed, plain.passed));
    assert!(coloured.all_named() && coloured.new.iter().all(|name| plain.new.contains(name)), "{coloured:?}");
}

#[test]
fn go_events_name_packages_and_tests() {
    let seen = read(&["go-json.stdout"]).unwrap();
    assert_eq!((seen.passed, seen.failed, seen.skipped), (Some(1), 2, 1));
    assert_eq!(seen.new, ["example.com/shop/cart TestRounds", "example.com/shop/ledger"]);
}

#[test]
fn failures_without_names_are_counted() {
    let unnamed = read(&["pytest-unnamed.stdout"]).unwrap();
    assert_eq!((unnamed.failed, unnamed.new.len(), unnamed.all_named()), (7, 0, false));
}

#[test]
fn what_passes_is_counted() {
    for name in ["pytest-passed.stdout", "jest-passed.stderr", "vitest-passed.stdout"] {
        assert_eq!(read(&[name]).unwrap().words(), "1 passed", "{name}");
    }
}

#[test]
fn a_report_that_is_cut_says_so() {
    let cut = junit(&fixture("vitest.xml")[..1200]).unwrap();
    assert!(cut.new.contains(&"the JUnit report is cut off".to_owned()), "{cut:?}");
    assert_eq!(junit(b"<html><body>503</body></html>"), None);
    assert_eq!(junit(b""), None);
}

#[test]
fn only_a_report_that_the_gate_wrote_counts_and_only_inside_the_worktree() {
    let (root, out, step) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let report = root.path().join("report.xml");
    std::fs::write(&report, fixture("vitest.xml")).unwrap();
    let expected = Report::expect(root.path(), "report.xml");
    assert_eq!(super::read(step.path(), Some(&expected)), None, "it is an old one");
    std::fs::write(&report, fixture("pytest.xml")).unwrap();
    assert_eq!(super::read(step.path(), Some(&expected)).map(|seen| seen.failed), Some(7));

    let outside = out.path().join("report.xml");
    std::fs::write(&outside, fixture("pytest.xml")).unwrap();
    std::os::unix::fs::symlink(&outside, root.path().join("link.xml")).unwrap();
    let linked = Report::expect(root.path(), "link.xml");
    assert_eq!(super::read(step.path(), Some(&linked)), None);
    let pipe = root.path().join("pipe.xml");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let piped = Report { before: None, ..Report::expect(root.path(), "pipe.xml") };
    assert_eq!(super::read(step.path(), Some(&piped)), None);
}

#[test]
fn only_a_coverage_report_that_the_gate_wrote_counts_and_only_whole_and_inside_the_worktree() {
    let (root, out, step) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let covered = "SF:a\nDA:1,1\nDA:2,0\nend_of_record\n";
    std::fs::write(step.path().join("stdout.log"), "coverage: 90.0% of statements\n").unwrap();
    assert_eq!(coverage(step.path(), None), Ok(Percent::of(90, 100).unwrap()));
    let told = |report: &Report| coverage(step.path(), Some(report)).map(|total| total.to_string());
    let none = |name: &str, why: &str| Err(format!("in {name}{why}"));

    let path = root.path().join("lcov.info");
    let expected = Report::expect(root.path(), "lcov.info");
    assert_eq!(told(&expected), none("lcov.info", ": the gate did not write it"), "whatever was printed");
    std::fs::write(&path, covered).unwrap();
    assert_eq!(told(&expected), Ok("50 %".to_owned()));
    let expected = Report::expect(root.path(), "lcov.info");
    assert_eq!(told(&expected), none("lcov.info", ": the gate did not write it"), "it is an old one");
    std::fs::write(&path, "nothing of the kind").unwrap();
    assert_eq!(told(&expected), none("lcov.info", ""));
    File::options().write(true).open(&path).unwrap().set_len(LARGEST_COVERAGE + 1).unwrap();
    assert_eq!(told(&expected), none("lcov.info", ": it is larger than 32 MiB"));

    let outside = out.path().join("lcov.info");
    std::fs::write(&outside, covered).unwrap();
    std::os::unix::fs::symlink(&outside, root.path().join("link.info")).unwrap();
    std::os::unix::fs::symlink(out.path(), root.path().join("dir")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, root.path().join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    std::fs::create_dir(root.path().join("out")).unwrap();
    for (name, why) in [
        ("link.info", ": it leads out of the worktree"),
        ("dir/lcov.info", ": it leads out of the worktree"),
        ("pipe", ": it is not a file"),
        ("out", ": it is not a file"),
    ] {
        let report = Report { before: None, ..Report::expect(root.path(), name) };
        assert_eq!(told(&report), none(name, why));
    }
}

#[test]
fn other_programs_tell_nothing() {
    let lines =
        ["warning: unused variable", "0 errors in 4 files", "FAILED", "ok", "Tests: none", "Summary [", "12 passed"];
    let mut reader = Reader::default();
    lines.iter().for_each(|line| reader.line(line.as_bytes()));
    assert_eq!(reader.finish(), None);
}

#[test]
fn two_runners_in_one_gate_are_added_up() {
    let both = read(&["cargo.stdout", "pytest.stdout"]).unwrap();
    assert_eq!(both.runners, [Runner::CargoTest, Runner::Pytest]);
    assert_eq!((both.passed, both.failed, both.new.len()), (Some(11), 14, 14));
}

#[test]
fn an_endless_list_is_bounded() {
    let mut reader = Reader::default();
    reader.line(b"failures:");
    for n in 0..100_000 {
        reader.line(format!("    {n} {}", "x".repeat(2_000)).as_bytes());
    }
    reader.line(b"test result: FAILED. 0 passed; 100000 failed; 0 ignored");
    let seen = reader.finish().unwrap();
    assert_eq!((seen.failed, seen.new.len()), (100_000, MOST_NAMES));
    assert!(!seen.all_named() && seen.new.iter().all(|name| name.len() <= LONGEST_NAME));
}

proptest! {
    /// Whatever is cut out of it, put together or made up, reading ends, and stays within its bounds.
    #[test]
    fn any_bytes_are_read(
        pieces in prop::collection::vec((0_usize..12, 0_usize..6_000, 0_usize..6_000), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        const ALL: [&str; 12] = [
            "cargo.stdout", "cargo-abort.stdout", "nextest.stderr", "nextest-colour.stderr", "pytest.stdout",
            "pytest-colour.stdout", "go.stdout", "go-json.stdout", "jest.stderr", "jest-colour.stderr", "vitest.stdout",
            "vitest.stderr",
        ];
        let mut bytes = noise;
        for (which, from, to) in pieces {
            let whole = fixture(ALL[which]);
            bytes.extend_from_slice(whole.get(from.min(to)..from.max(to).min(whole.len())).unwrap_or(&whole));
        }
        let mut reader = Reader::default();
        bytes.split(|byte| *byte == b'\n').for_each(|line| reader.line(line));
        if let Some(seen) = reader.finish() {
            prop_assert!(seen.new.len() <= MOST_NAMES * 2);
            prop_assert!(seen.new.iter().all(|name| !name.contains(char::is_control)));
        }
        let _ = junit(&bytes);
    }
}
