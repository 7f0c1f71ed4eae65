#![expect(clippy::unwrap_used, reason = "tests")]
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::super::repo::discover;
use super::super::scan::{LARGEST_UNTRACKED, Why};
use super::super::testing::{Fixture, fifo, git, write};
use super::super::worktree::in_place;
use super::*;

fn snap(workspace: &Workspace, iteration: u32, parent: Option<&Snapshot>) -> Snapshot {
    let parent = parent.map(|parent| parent.commit.clone());
    take(&TakeSnapshot { workspace: workspace.clone(), leaf: iteration.to_string(), parent }).unwrap()
}

/// The tree that git itself makes of a worktree, with an index of its own so that none is disturbed.
fn tree_by_git(workspace: &Workspace) -> String {
    let index = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(workspace.git_dir.join("index"), index.path()).unwrap();
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(&workspace.path).env("GIT_INDEX_FILE", index.path()).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["-c", "advice.addEmbeddedRepo=false", "add", "-A"]);
    run(&["write-tree"])
}

fn whys(snapshot: &Snapshot) -> Vec<(&str, &Why)> {
    snapshot.skipped.iter().map(|skipped| (skipped.path.as_str(), &skipped.why)).collect()
}

#[test]
fn every_kind_of_work_is_in_it_and_nothing_else_moves() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let at = |path: &str| workspace.path.join(path);
    write(&at("committed"), "1\n");
    git(&workspace.path, ["add", "-A"]);
    git(&workspace.path, ["commit", "-q", "-m", "by the agent"]);
    write(&at("staged"), "2\n");
    git(&workspace.path, ["add", "-A"]);
    write(&at("src/lib.rs"), "one\nTWO\nthree\n");
    write(&at("new/deep/untracked"), "3\n");
    write(&at("target/ignored"), "4\n");
    write(&at("some.log"), "5\n");
    std::fs::remove_file(at("README.md")).unwrap();
    std::fs::set_permissions(at("staged"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", at("link")).unwrap();

    let before = fixture.fingerprint();
    let status = git(&workspace.path, ["status", "--porcelain"]);
    let index = std::fs::read(workspace.git_dir.join("index")).unwrap();
    let expected = tree_by_git(&workspace);
    let snapshot = snap(&workspace, 1, None);

    assert_eq!(snapshot.tree, expected);
    assert_eq!(snapshot.name, "refs/loopdash/run-x/1");
    assert_eq!(fixture.git(["rev-parse", &snapshot.name]), snapshot.commit);
    assert_eq!((snapshot.files, snapshot.insertions, snapshot.deletions), (6, 5, 2));
    assert_eq!(snapshot.changed_since_parent, 6);
    assert_eq!(snapshot.branch.as_deref(), Some("run/x"));
    assert_eq!(snapshot.head, Some(git(&workspace.path, ["rev-parse", "HEAD"])));
    assert_eq!(snapshot.skipped, []);
    assert_eq!(fixture.git(["show", &format!("{}:link", snapshot.commit)]), "/etc/passwd");
    let who = fixture.git(["log", "-1", "--format=%an <%ae> %cn <%ce>", &snapshot.commit]);
    assert_eq!(who, "loopdash <loopdash@localhost> loopdash <loopdash@localhost>");

    assert_eq!(fixture.fingerprint(), before);
    assert_eq!(std::fs::read(workspace.git_dir.join("index")).unwrap(), index);
    assert_eq!(git(&workspace.path, ["status", "--porcelain"]), status);
    assert_eq!(
        std::fs::read_dir(&workspace.git_dir)
            .unwrap()
            .flatten()
            .filter(|entry| { entry.file_name().to_string_lossy().starts_with("loopdash-") })
            .count(),
        0
    );
}

#[test]
fn snapshots_form_a_chain_that_keeps_what_was_reset_away() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    write(&workspace.path.join("a"), "1");
    git(&workspace.path, ["add", "-A"]);
    git(&workspace.path, ["commit", "-q", "-m", "lost soon"]);
    let lost = git(&workspace.path, ["rev-parse", "HEAD"]);
    let first = snap(&workspace, 1, None);
    git(&workspace.path, ["reset", "-q", "--hard", &workspace.base]);
    let second = snap(&workspace, 2, Some(&first));
    assert_eq!((second.files, second.changed_since_parent), (0, 1));
    assert_eq!(second.parent, Some(first.commit.clone()));
    fixture.git(["reflog", "expire", "--expire=now", "--all"]);
    fixture.git(["gc", "-q", "--prune=now"]);
    assert_eq!(fixture.git(["cat-file", "-t", &lost]), "commit");

    // Taken twice, an iteration's first take is not lost either.
    write(&workspace.path.join("b"), "1");
    let again = snap(&workspace, 2, Some(&first));
    assert_ne!(again.commit, second.commit);
    let ancestors = fixture.git(["rev-list", &again.commit]);
    assert!(ancestors.contains(&second.commit) && ancestors.contains(&lost));
    let third = snap(&workspace, 3, Some(&again));
    assert_eq!((third.changed_since_parent, third.tree), (0, again.tree));
}

#[test]
fn whatever_the_agent_does_to_its_branch_and_index_the_content_counts() {
    let fixture = Fixture::new();
    fixture.git(["branch", "other"]);
    let acts: &[&[&[&str]]] = &[
        &[&["add", "-A"], &["commit", "-q", "-m", "c"]],
        &[&["stash", "-q", "-u"], &["stash", "apply", "-q"]],
        &[&["checkout", "-q", "other"]],
        &[&["checkout", "-q", "--detach"], &["branch", "-q", "-D", "OWN"]],
        &[&["checkout", "-q", "--orphan", "fresh"]],
        &[&["add", "-A"], &["commit", "-q", "-m", "c"], &["gc", "-q", "--prune=now"]],
        &[&["rm", "-q", "-r", "--cached", "src"]],
        &[&["add", "-N", "new"]],
        &[&["update-index", "--assume-unchanged", "src/lib.rs"]],
        &[&["update-index", "--skip-worktree", "src/lib.rs"]],
        &[&["update-index", "--index-version", "4"]],
        &[&["update-index", "--split-index"]],
        &[&["read-tree", "--empty"]],
    ];
    for (number, act) in acts.iter().enumerate() {
        let workspace = fixture.workspace(&format!("act-{number}"));
        write(&workspace.path.join("src/lib.rs"), "one\ntwo\nthree\nfour\n");
        write(&workspace.path.join("new"), "x\n");
        for args in *act {
            let own = workspace.branch.clone().unwrap();
            git(&workspace.path, args.iter().map(|arg| if *arg == "OWN" { own.as_str() } else { arg }));
        }
        let snapshot = snap(&workspace, 1, None);
        assert_eq!((snapshot.files, snapshot.insertions, snapshot.deletions), (2, 2, 0), "{act:?}");
    }
    let workspace = fixture.workspace("no-index");
    write(&workspace.path.join("new"), "x\n");
    for index in [None, Some("not an index")] {
        std::fs::remove_file(workspace.git_dir.join("index")).unwrap();
        if let Some(text) = index {
            write(&workspace.git_dir.join("index"), text);
        }
        assert_eq!(snap(&workspace, 1, None).files, 1);
        write(&workspace.git_dir.join("index"), "");
    }
}

#[test]
fn an_unfinished_merge_is_taken_as_it_stands() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    for (branch, text) in [("left", "left\n"), ("right", "right\n")] {
        git(&workspace.path, ["checkout", "-q", "-b", branch, &workspace.base]);
        write(&workspace.path.join("src/lib.rs"), text);
        git(&workspace.path, ["commit", "-q", "-a", "-m", branch]);
    }
    let merge = std::process::Command::new("git")
        .current_dir(&workspace.path)
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "merge", "-q", "left"])
        .output()
        .unwrap();
    assert!(!merge.status.success());
    let snapshot = snap(&workspace, 1, None);
    let text = fixture.git(["show", &format!("{}:src/lib.rs", snapshot.commit)]);
    assert!(text.contains("<<<<<<<"), "{text}");
}

#[test]
fn same_size_edits_right_after_the_checkout_are_seen() {
    let fixture = Fixture::new();
    for number in 0..20 {
        let workspace = fixture.workspace("quick");
        write(&workspace.path.join("src/lib.rs"), "one\ntwo\nTHREE\n");
        assert_eq!(snap(&workspace, 1, None).files, 1, "{number}");
    }
}

#[test]
fn ignore_rules_are_gits_own() {
    let fixture = Fixture::new();
    fixture.write(
        ".gitignore",
        "target/\n*.log\n!keep.log\n/top\ndeep/**/skip\nbuild/\n!build/keep\n# note\n\\#hash\nwith\\ space\n\
         dir/*\n!dir/in\n",
    );
    fixture.write("tracked/a.log.txt", "x");
    fixture.commit("rules");
    fixture.write("forced.log", "tracked though ignored");
    fixture.write("build/forced", "tracked below an ignored directory");
    fixture.git(["add", "-f", "forced.log", "build/forced"]);
    fixture.git(["commit", "-q", "-m", "forced"]);
    let workspace = fixture.workspace("x");
    for path in [
        "a.log",
        "keep.log",
        "sub/keep.log",
        "sub/b.log",
        "top",
        "sub/top",
        "deep/a/b/skip",
        "deep/skip",
        "deep/a/ok",
        "build/keep",
        "build/x",
        "sub/build/y",
        "#hash",
        "with space",
        "dir/in",
        "dir/out",
        "dir/sub/in",
        "target",
        "sub/target/x",
        "build/forced",
        "forced.log",
        "own/.gitignore",
        "own/x",
        "own/y",
    ] {
        let text = if path.ends_with(".gitignore") { "x\n" } else { "changed" };
        write(&workspace.path.join(path), text);
    }
    let snapshot = snap(&workspace, 1, None);
    assert_eq!(snapshot.tree, tree_by_git(&workspace));
    let names = fixture.git(["ls-tree", "-r", "--name-only", &snapshot.tree]);
    assert!(names.contains("build/forced") && !names.contains("build/keep") && !names.contains("own/x"), "{names}");
}

#[test]
fn content_is_stored_under_gits_own_rules() {
    let fixture = Fixture::new();
    fixture.write(".gitattributes", "*.txt text\n*.bin -text\n*.id ident\n*.crlf eol=crlf\n");
    fixture.commit("attributes");
    let workspace = fixture.workspace("x");
    for name in ["a.txt", "a.bin", "a.id", "a.crlf", "a.other"] {
        write(&workspace.path.join(name), "one\r\n$Id: 0123 $\r\n");
        write(&workspace.path.join("plain").join(name), "one\ntwo\n");
    }
    let mut large = "line of a large file\r\n".repeat(500_000);
    write(&workspace.path.join("large.txt"), &large);
    large.push('\0');
    write(&workspace.path.join("large.bin"), &large);
    let snapshot = snap(&workspace, 1, None);
    assert_eq!(snapshot.tree, tree_by_git(&workspace));
    let stored = fixture.git(["cat-file", "-s", &format!("{}:large.bin", snapshot.tree)]);
    assert_eq!(stored, large.len().to_string());

    // Where git would refuse, the content is kept as it is.
    git(&workspace.path, ["config", "core.safecrlf", "true"]);
    write(&workspace.path.join("mixed.txt"), "one\r\ntwo\n");
    let snapshot = snap(&workspace, 2, Some(&snapshot));
    assert_eq!(snapshot.skipped, []);
    assert_eq!(fixture.git(["show", &format!("{}:mixed.txt", snapshot.tree)]), "one\r\ntwo");
}

#[test]
fn odd_names_are_stored_and_shown_escaped() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let names: &[&[u8]] =
        &[b"new\nline", b"-dash", b":(glob)x", b"caf\xe9", b"a\\b", b"q\"q", b"UPPER", b"upper", b"\x1b[31m"];
    for name in names {
        // macOS takes only UTF-8.
        let _ = std::fs::write(workspace.path.join(OsStr::from_bytes(name)), "x\n");
    }
    let mut deep = workspace.path.clone();
    for _ in 0..15 {
        deep.push("d".repeat(200));
    }
    write(&deep.join("f"), "x\n");
    let snapshot = snap(&workspace, 1, None);
    assert_eq!(snapshot.tree, tree_by_git(&workspace));
    assert_eq!(snapshot.skipped, []);
    let diff = super::super::diff::between(&workspace.common_dir, &workspace.base, &snapshot.commit).unwrap();
    assert!(diff.files.iter().any(|file| file.path == "new\\nline"));
    assert!(diff.files.iter().all(|file| !file.path.chars().any(char::is_control)));
}

#[test]
fn what_git_cannot_store_is_reported_and_never_opened() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let at = |path: &str| workspace.path.join(path);
    fifo(&at("pipe"));
    fifo(&at("ignored.log"));
    std::fs::remove_file(at("README.md")).unwrap();
    fifo(&at("README.md"));
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let big = std::fs::File::create(at("big")).unwrap();
    big.set_len(LARGEST_UNTRACKED + 1).unwrap();
    write(&at(".git-like/x"), "fine");
    write(&at("sub/git~1"), "refused");
    let snapshot = snap(&workspace, 1, None);
    let mut found = whys(&snapshot);
    found.sort_by_key(|(path, _)| *path);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(matches!(found[0], ("README.md", Why::Special("FIFO"))));
    assert!(matches!(found[1], ("big", Why::TooLarge { .. })));
    assert!(matches!(found[2], ("pipe", Why::Special("FIFO"))));
    assert!(matches!(found[3], ("socket", Why::Special("socket"))));
    assert!(matches!(found[4], ("sub/git~1", Why::IllegalName(_))), "{found:?}");
    assert_eq!(snapshot.files, 2);
}

#[test]
fn bottomless_directories_are_reported() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let mut deep = workspace.path.clone();
    for _ in 0..300 {
        deep.push("d");
    }
    write(&deep.join("f"), "x");
    git(&workspace.path, ["add", "-A"]);
    let snapshot = snap(&workspace, 1, None);
    assert!(matches!(whys(&snapshot)[..], [(_, Why::TooDeep(_))]));
    // Out of reach is not gone.
    assert_eq!(snapshot.tree, tree_by_git(&workspace));
    assert_eq!(snapshot.files, 1);
}

#[test]
fn unreadable_files_keep_their_last_known_content() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let file = workspace.path.join("src/lib.rs");
    write(&file, "changed\n");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o0)).unwrap();
    let snapshot = snap(&workspace, 1, None);
    // Root reads everything.
    if std::fs::read(&file).is_err() {
        assert!(matches!(whys(&snapshot)[..], [("src/lib.rs", Why::Unreadable(_))]));
        assert_eq!(snapshot.files, 0);
    } else {
        assert_eq!(snapshot.files, 1);
    }
}

#[test]
fn a_fifo_in_place_of_ignore_rules_or_attributes_does_not_hang() {
    let fixture = Fixture::new();
    for (slug, name) in [("x", ".gitignore"), ("y", ".gitattributes")] {
        let workspace = fixture.workspace(slug);
        let _ = std::fs::remove_file(workspace.path.join(name));
        fifo(&workspace.path.join(name));
        write(&workspace.path.join("src/lib.rs"), "changed\n");
        write(&workspace.path.join("new/file"), "x");
        let snapshot = snap(&workspace, 1, None);
        let text = fixture.git(["show", &format!("{}:src/lib.rs", snapshot.commit)]);
        assert_eq!(text, "changed");
        assert!(snapshot.skipped.iter().any(|skipped| skipped.path == name), "{:?}", snapshot.skipped);
        if name == ".gitignore" {
            assert!(snapshot.skipped.iter().any(|skipped| skipped.why == Why::IgnoreUnreadable));
        }
    }
}

#[test]
fn kinds_may_swap() {
    let fixture = Fixture::new();
    fixture.write("dir/inner", "x");
    fixture.commit("dir");
    let workspace = fixture.workspace("x");
    let at = |path: &str| workspace.path.join(path);
    std::fs::remove_dir_all(at("dir")).unwrap();
    symlink("/etc", at("dir")).unwrap();
    std::fs::remove_file(at("README.md")).unwrap();
    write(&at("README.md/now/a/directory"), "x");
    std::fs::remove_dir_all(at("src")).unwrap();
    write(&at("src"), "now a file");
    let snapshot = snap(&workspace, 1, None);
    assert_eq!(snapshot.tree, tree_by_git(&workspace));
    let names = fixture.git(["ls-tree", "-r", "--name-only", &snapshot.tree]);
    assert!(!names.contains("passwd"), "{names}");
}

#[test]
fn repositories_inside_become_links_and_are_reported() {
    let inner = Fixture::new();
    let fixture = Fixture::new();
    fixture.git(["submodule", "--quiet", "add", inner.root().to_str().unwrap(), "sub"]);
    fixture.commit("submodule");
    let workspace = fixture.workspace("x");
    assert_eq!(snap(&workspace, 1, None).files, 0);
    git(&workspace.path, ["submodule", "--quiet", "update", "--init"]);
    git(&workspace.path.join("sub"), ["commit", "-q", "--allow-empty", "-m", "inside"]);
    let nested = workspace.path.join("vendor/nested");
    write(&nested.join("a"), "x");
    git(&nested, ["init", "-q"]);
    let empty = snap(&workspace, 2, None);
    assert!(matches!(whys(&empty)[..], [("vendor/nested", Why::NestedEmpty)]), "{:?}", empty.skipped);
    git(&nested, ["add", "a"]);
    git(&nested, ["commit", "-q", "-m", "nested"]);
    write(&nested.join("b"), "lost in the link");
    let snapshot = snap(&workspace, 3, None);
    assert!(matches!(whys(&snapshot)[..], [("vendor/nested", Why::Nested { .. })]));
    assert_eq!(snapshot.tree, tree_by_git(&workspace));
    assert_eq!(snapshot.files, 2);
    fifo(&nested.join(".git/config.worktree"));
    std::fs::remove_file(nested.join(".git/HEAD")).unwrap();
    fifo(&nested.join(".git/HEAD"));
    assert!(matches!(whys(&snap(&workspace, 4, None))[..], [("vendor/nested", Why::NestedEmpty)]));
}

#[test]
fn a_sparse_worktree_loses_nothing_that_is_not_checked_out() {
    let fixture = Fixture::new();
    fixture.write("wide/a", "x");
    fixture.write("narrow/b", "x");
    fixture.commit("two directories");
    for sparse_index in ["--no-sparse-index", "--sparse-index"] {
        let workspace = fixture.workspace("x");
        git(&workspace.path, ["sparse-checkout", "set", "--cone", sparse_index, "narrow"]);
        assert!(!workspace.path.join("wide").exists());
        write(&workspace.path.join("narrow/b"), "changed\n");
        let snapshot = snap(&workspace, 1, None);
        assert_eq!(snapshot.files, 1, "{sparse_index}");
        assert_eq!(fixture.git(["show", &format!("{}:wide/a", snapshot.commit)]), "x");
    }
}

#[test]
fn in_place_and_unborn_repositories_are_taken_too() {
    let fixture = Fixture::unborn();
    fixture.write("a", "1\n");
    let workspace = in_place(&fixture.info(), "r").unwrap();
    let before = fixture.fingerprint();
    let snapshot = snap(&workspace, 1, None);
    assert_eq!(fixture.fingerprint(), before);
    assert_eq!((snapshot.files, snapshot.insertions), (1, 1));
    assert_eq!((snapshot.head.as_deref(), snapshot.branch.as_deref()), (None, Some("main")));
    assert_eq!(fixture.git(["rev-list", "--count", &snapshot.commit]), "1");
    // The first commit of the repository is made by the agent.
    fixture.commit("first");
    let second = snap(&workspace, 2, Some(&snapshot));
    assert_eq!((second.files, second.changed_since_parent), (1, 0));
    assert_eq!(discover(Path::new(fixture.root())).unwrap().head.commit(), second.head.as_deref());
}

#[test]
fn names_that_would_leave_the_run_are_refused() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("x");
    workspace.run = "../../heads".to_owned();
    let wish = TakeSnapshot { workspace, leaf: "1".to_owned(), parent: None };
    assert!(matches!(take(&wish), Err(GitError::BadName { .. })));
}
