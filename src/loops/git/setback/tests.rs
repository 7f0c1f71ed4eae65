#![expect(clippy::unwrap_used, reason = "tests")]
use super::super::remove::remove;
use super::super::snapshot::{Snapshot, TakeSnapshot, take};
use super::super::testing::{Fixture, git, write};
use super::*;

fn snapshot(workspace: &Workspace, leaf: &str) -> Snapshot {
    take(&TakeSnapshot { workspace: workspace.clone(), leaf: leaf.to_owned(), parent: None }).unwrap()
}

fn wish(workspace: &Workspace, to: &str, head: Option<&str>) -> SetBack {
    let (to, head) = (to.to_owned(), head.map(str::to_owned));
    SetBack { workspace: workspace.clone(), to, head, why: "rewind".to_owned(), asked: None }
}

#[test]
fn the_worktree_becomes_what_it_was_and_what_came_after_is_kept() {
    let fixture = Fixture::new();
    let before = fixture.fingerprint();
    let workspace = fixture.workspace("x");
    let at = |path: &str| workspace.path.join(path);
    write(&at("kept"), "first");
    write(&at("dir/a"), "a");
    write(&at("target/out"), "ignored");
    let first = snapshot(&workspace, "1");

    write(&at("kept"), "second");
    std::fs::remove_dir_all(at("dir")).unwrap();
    write(&at("dir"), "a file by now");
    std::fs::remove_file(at("README.md")).unwrap();
    git(&workspace.path, ["add", "-A"]);
    git(&workspace.path, ["commit", "-q", "-m", "astray"]);
    let astray = git(&workspace.path, ["rev-parse", "HEAD"]);
    write(&at("untracked/deep"), "never committed");
    std::os::unix::fs::symlink(fixture.root(), at("link")).unwrap();
    let second = snapshot(&workspace, "2");

    let kept = set_back(&wish(&workspace, &first.commit, first.head.as_deref())).unwrap();
    assert_eq!(kept.tree, second.tree);
    assert_eq!(snapshot(&workspace, "3").tree, first.tree, "exactly what iteration 1 left");
    assert_eq!(std::fs::read_to_string(at("target/out")).unwrap(), "ignored");
    assert!(!at("untracked").exists() && at("dir/a").is_file() && at("README.md").is_file());
    assert_eq!(git(&workspace.path, ["rev-parse", "run/x"]), first.head.clone().unwrap(), "the branch, too");
    assert_eq!(git(&workspace.path, ["status", "--porcelain"]), "?? dir/\n?? kept");
    assert_eq!(fixture.git(["rev-parse", &format!("{}^", kept.name)]), astray);

    let (same, again) = bring_back(&wish(&workspace, &kept.commit, kept.head.as_deref())).unwrap();
    assert_eq!((same, again.map(|again| again.tree)), (workspace.clone(), Some(first.tree)));
    assert_eq!(snapshot(&workspace, "4").tree, second.tree);
    assert_eq!(git(&workspace.path, ["rev-parse", "HEAD"]), astray);
    assert_eq!(fixture.fingerprint(), before);
}

#[test]
fn ignored_files_are_never_written_over() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let at = |path: &str| workspace.path.join(path);
    for (was, now) in [("notes", "notes"), ("plan", "plan/today"), ("dir/file", "dir")] {
        write(&at(was), "worth it");
        let first = snapshot(&workspace, "1");
        let top = was.split('/').next().unwrap();
        let removed = if at(top).is_dir() { std::fs::remove_dir_all(at(top)) } else { std::fs::remove_file(at(top)) };
        removed.unwrap();
        write(&at(".gitignore"), format!("{top}\n"));
        write(&at(now), "of the machine");
        let found = set_back(&wish(&workspace, &first.commit, None));
        assert!(matches!(&found, Err(GitError::InTheWay { .. })), "{was}: {found:?}");
        assert_eq!(std::fs::read_to_string(at(now)).unwrap(), "of the machine");
        std::fs::remove_file(at(".gitignore")).unwrap();
        set_back(&wish(&workspace, &first.commit, None)).unwrap();
        assert_eq!(std::fs::read_to_string(at(was)).unwrap(), "worth it");
        set_back(&wish(&workspace, &workspace.base.clone(), None)).unwrap();
    }
}

#[test]
fn what_cannot_be_kept_is_left_where_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let first = snapshot(&workspace, "1");
    write(&workspace.path.join("nested/a"), "1");
    git(&workspace.path.join("nested"), ["init", "-q"]);
    git(&workspace.path.join("nested"), ["add", "a"]);
    git(&workspace.path.join("nested"), ["commit", "-q", "-m", "its own"]);
    write(&workspace.path.join("nested/b"), "2");
    std::fs::File::create(workspace.path.join("large")).unwrap().set_len(super::super::LARGEST_UNTRACKED + 1).unwrap();
    let kept = set_back(&wish(&workspace, &first.commit, None)).unwrap();
    assert_eq!(kept.skipped.len(), 2, "{:?}", kept.skipped);
    assert_eq!(std::fs::read_to_string(workspace.path.join("nested/b")).unwrap(), "2");
    assert!(workspace.path.join("large").exists());
    // Whoever is root reads everything.
    let secret = workspace.path.join("README.md");
    write(&secret, "changed and hidden");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(&secret).is_err() {
        assert!(matches!(set_back(&wish(&workspace, &first.commit, None)), Err(GitError::WorktreeDirty { .. })));
    }
}

#[test]
fn a_removed_worktree_and_its_branch_come_back() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    git(&workspace.path, ["commit", "-q", "--allow-empty", "-m", "by the agent"]);
    write(&workspace.path.join("new"), "work");
    let kept = trash::keep(&workspace, "scrap", None).unwrap().trash;
    remove(&workspace).unwrap();
    fixture.git(["branch", "-q", "-D", "run/x"]);
    let (again, none) = bring_back(&wish(&workspace, &kept.commit, kept.head.as_deref())).unwrap();
    assert!(none.is_none() && again.check().is_ok());
    assert_eq!(std::fs::read_to_string(again.path.join("new")).unwrap(), "work");
    assert_eq!(Some(git(&again.path, ["rev-parse", "run/x"])), kept.head);
}

#[test]
fn nothing_of_the_repository_runs_and_the_checkout_is_refused() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    write(&workspace.path.join("kept"), "first");
    let first = snapshot(&workspace, "1");
    let (script, sung) = fixture.canary("filter");
    git(&workspace.path, ["config", "filter.evil.smudge", script.to_str().unwrap()]);
    git(&workspace.path, ["config", "core.fsmonitor", script.to_str().unwrap()]);
    let hook = workspace.common_dir.join("hooks/post-checkout");
    std::fs::copy(&script, &hook).unwrap();
    write(&workspace.path.join(".gitattributes"), "* filter=evil\n");
    write(&workspace.path.join("kept"), "second");
    set_back(&wish(&workspace, &first.commit, first.head.as_deref())).unwrap();
    assert_eq!(std::fs::read_to_string(workspace.path.join("kept")).unwrap(), "first");
    assert!(!sung.exists(), "a program of the repository ran");

    let place = super::super::worktree::in_place(&fixture.info(), "r").unwrap();
    let head = place.base.clone();
    assert!(matches!(set_back(&wish(&place, &head, None)), Err(GitError::NotOurs { .. })));
}
