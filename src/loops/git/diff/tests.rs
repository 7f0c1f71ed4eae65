#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
use proptest::prelude::*;

use super::super::snapshot::{TakeSnapshot, take};
use super::super::testing::Fixture;
use super::super::worktree::in_place;
use super::*;

/// Commits the files as they are and compares with what was there before.
fn after(fixture: &Fixture, change: impl FnOnce()) -> Diff {
    let before = fixture.git(["rev-parse", "HEAD"]);
    change();
    fixture.commit("after");
    between(&fixture.info().common_dir, &before, &fixture.git(["rev-parse", "HEAD"])).unwrap()
}

fn only(diff: &Diff) -> &FileDiff {
    let [file] = diff.files.as_slice() else { panic!("{diff:?}") };
    file
}

#[test]
fn hunks_hold_numbered_lines() {
    let fixture = Fixture::new();
    let diff = after(&fixture, || fixture.write("src/lib.rs", "one\nTWO\nthree\nfour"));
    let file = only(&diff);
    assert_eq!((file.path.as_str(), file.status), ("src/lib.rs", Status::Modified));
    assert_eq!((file.insertions, file.deletions), (2, 1));
    let [hunk] = file.hunks.as_slice() else { panic!() };
    assert_eq!(hunk.header, "@@ -1,3 +1,4 @@");
    let lines: Vec<_> =
        hunk.lines.iter().map(|line| (line.kind, line.old_no, line.new_no, file.line(line), line.no_newline)).collect();
    assert_eq!(
        lines,
        [
            (LineKind::Context, Some(1), Some(1), "one", false),
            (LineKind::Removed, Some(2), None, "two", false),
            (LineKind::Added, None, Some(2), "TWO", false),
            (LineKind::Context, Some(3), Some(3), "three", false),
            (LineKind::Added, None, Some(4), "four", true),
        ]
    );
}

#[test]
fn every_status_is_told() {
    let fixture = Fixture::new();
    fixture.write("moved", "a\nb\nc\nd\ne\nf\n");
    fixture.write("gone", "1\n2\n");
    fixture.write("typed", "file");
    fixture.write("mode", "#!/bin/sh\n");
    fixture.commit("more");
    let head = fixture.git(["rev-parse", "HEAD"]);
    let diff = after(&fixture, || {
        fixture.git(["mv", "moved", "there"]);
        fixture.write("there", "a\nb\nc\nd\ne\nF\n");
        fixture.git(["rm", "-q", "gone", "typed"]);
        std::os::unix::fs::symlink("x", fixture.root().join("typed")).unwrap();
        fixture.write("bin", b"a\0b");
        fixture.git(["update-index", "--add", "--chmod=+x", "mode"]);
        std::fs::set_permissions(fixture.root().join("mode"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        fixture.write("nested/x", "x");
        super::super::testing::git(&fixture.root().join("nested"), ["init", "-q"]);
        super::super::testing::git(&fixture.root().join("nested"), ["add", "x"]);
        super::super::testing::git(&fixture.root().join("nested"), ["commit", "-q", "-m", "n"]);
    });
    let told: Vec<_> = diff.files.iter().map(|file| (file.path.as_str(), file.status, file.binary)).collect();
    assert_eq!(
        told,
        [
            ("bin", Status::Added, true),
            ("gone", Status::Deleted, false),
            ("mode", Status::Modified, false),
            ("nested", Status::Gitlink, false),
            ("there", Status::Renamed, false),
            ("typed", Status::TypeChanged, false),
        ]
    );
    assert_eq!(diff.files[2].modes, (0o100_644, 0o100_755));
    assert_eq!(diff.files[4].old_path.as_deref(), Some("moved"));
    assert_eq!((diff.files[4].insertions, diff.files[4].deletions), (1, 1));
    assert!(between(&fixture.info().common_dir, &head, &head).unwrap().files.is_empty());
    let whole = between(&fixture.info().common_dir, EMPTY, &head).unwrap();
    assert!(whole.files.iter().all(|file| file.status == Status::Added));
    assert!(between(&fixture.info().common_dir, EMPTY, EMPTY).unwrap().files.is_empty());
    for bad in ["main", "0000000000000000000000000000000000000001", ""] {
        assert!(matches!(between(&fixture.info().common_dir, bad, &head), Err(GitError::BadRevision { .. })));
    }
}

#[test]
fn attributes_cannot_hide_a_change() {
    let fixture = Fixture::new();
    let diff = after(&fixture, || {
        fixture.write(".gitattributes", "*.rs binary -diff\n");
        fixture.write("src/lib.rs", "evil\n");
    });
    let file = diff.files.iter().find(|file| file.path == "src/lib.rs").unwrap();
    assert!(!file.binary);
    assert_eq!((file.insertions, file.hunks.len()), (1, 1));
}

#[test]
fn large_files_are_summarised_and_loaded_when_asked_for() {
    let fixture = Fixture::new();
    let many: String = (0..MOST_LINES + 1).map(|number| format!("{number}\n")).collect();
    let diff = after(&fixture, || {
        fixture.write("many", &many);
        fixture.write("wide", "x".repeat(LARGEST_FILE + 1));
    });
    let [many, wide] = diff.files.as_slice() else { panic!() };
    assert!(many.too_large && many.hunks.is_empty());
    assert_eq!(many.insertions, MOST_LINES + 1);
    assert!(wide.too_large);
    assert_eq!(wide.insertions, 0);
    for file in [many, wide] {
        let loaded = load_file(&fixture.info().common_dir, file).unwrap();
        assert!(!loaded.too_large && loaded.hunks.len() == 1, "{}", file.path);
    }
    assert!(to_text(&diff, 10_000).contains("too large to show"));
}

#[test]
fn the_text_of_all_files_together_is_bounded() {
    let fixture = Fixture::new();
    let nearly = LARGEST_FILE - 10;
    let diff = after(&fixture, || {
        for number in 0..20 {
            fixture.write(&format!("f{number:02}"), format!("{number}\n{}\n", "y".repeat(nearly - 4)));
        }
    });
    let kept: usize = diff.files.iter().map(|file| file.text.len()).sum();
    assert!(kept <= LARGEST_DIFF, "{kept}");
    assert!(diff.files.iter().any(|file| file.too_large) && diff.files.iter().any(|file| !file.too_large));
    assert_eq!(diff.insertions, 40);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let fixture = Fixture::new();
    let diff = after(&fixture, || fixture.write("latin", b"caf\xe9\r\n\x1b[2J\n"));
    let file = only(&diff);
    let texts: Vec<_> = file.hunks[0].lines.iter().map(|line| file.line(line)).collect();
    assert_eq!(texts, ["caf\u{fffd}\r", "\u{1b}[2J"]);
}

#[test]
fn hunks_are_those_of_git() {
    let fixture = Fixture::new();
    let lines = |seed: usize| -> String {
        (0..400).map(|n| format!("line {}\n", if n % 37 == seed { n * 7 } else { n })).collect()
    };
    fixture.write("long", lines(99));
    fixture.commit("long");
    let diff = after(&fixture, || fixture.write("long", lines(5)));
    let ours: Vec<_> =
        only(&diff).hunks.iter().map(|hunk| hunk.header.split(" @@").next().unwrap().to_owned()).collect();
    let theirs = fixture.git(["diff", "-U3", "HEAD~1", "HEAD"]);
    let theirs: Vec<_> = theirs
        .lines()
        .filter(|line| line.starts_with("@@"))
        .map(|line| line.split(" @@").next().unwrap().to_owned())
        .collect();
    assert_eq!(ours, theirs);
    assert!(ours.len() > 5);
}

#[test]
fn the_text_applies_as_a_patch() {
    let fixture = Fixture::new();
    fixture.write("gone", "1\n2\n");
    fixture.commit("more");
    let workspace = in_place(&fixture.info(), "r").unwrap();
    fixture.write("src/lib.rs", "one\n2\nthree\nfour");
    fixture.write("new", "x\n");
    std::fs::remove_file(fixture.root().join("gone")).unwrap();
    let snapshot = take(&TakeSnapshot { workspace: workspace.clone(), leaf: "1".to_owned(), parent: None }).unwrap();
    let diff = between(&workspace.common_dir, &workspace.base, &snapshot.commit).unwrap();
    let text = to_text(&diff, usize::MAX);
    assert!(
        text.starts_with("3 files changed, +4 -3\nD gone +0 -2\nA new +1 -0\nM src/lib.rs +3 -1\n")
            || text.starts_with("3 files changed"),
        "{text}"
    );
    let patch = fixture.outside("patch");
    std::fs::write(&patch, &text).unwrap();
    fixture.git(["checkout", "-q", "-f", "main"]);
    fixture.git(["clean", "-q", "-fd"]);
    fixture.git(["apply", patch.to_str().unwrap()]);
    fixture.git(["add", "-A"]);
    assert_eq!(fixture.git(["write-tree"]), snapshot.tree);
}

#[test]
fn a_cut_text_keeps_head_and_tail_and_says_so() {
    let fixture = Fixture::new();
    let many: String = (0..1_000).map(|number| format!("number {number}\n")).collect();
    let diff = after(&fixture, || fixture.write("many", &many));
    let text = to_text(&diff, 4_000);
    assert!(text.len() <= 4_000 && text.len() > 3_500, "{}", text.len());
    assert!(text.contains("+number 0\n") && text.ends_with("+number 999\n"));
    assert!(text.contains("left out here"));
    assert!(
        text.lines()
            .filter(|line| line.starts_with('+'))
            .all(|line| many.contains(line.trim_start_matches('+')) || line.starts_with("+++"))
    );
    assert!(!to_text(&diff, 1 << 20).contains("left out here"));
}

proptest! {
    #[test]
    fn a_text_never_exceeds_its_bound(room in 0_usize..3_000, lines in 0_usize..60, width in 0_usize..90) {
        let text: String = (0..lines).map(|_| "w".repeat(width)).collect();
        let line = |at: usize| Line {
            kind: LineKind::Added, old_no: None, new_no: None, text: at * width..(at + 1) * width, no_newline: false,
        };
        let hunk = Hunk { header: "@@".to_owned(), old_start: 0, new_start: 1, lines: (0..lines).map(line).collect() };
        let file = FileDiff {
            path: "p".to_owned(), path_bytes: b"p".to_vec(), old_path: None, status: Status::Added, insertions: lines,
            deletions: 0, binary: false, too_large: false, modes: (0, 0o100_644),
            ids: (String::new(), String::new()), hunks: vec![hunk], text,
        };
        let diff = Diff { files: vec![file; 3], insertions: 0, deletions: 0 };
        let text = to_text(&diff, room);
        prop_assert!(text.len() <= room, "{} > {room}", text.len());
    }
}
