#![expect(clippy::unwrap_used, reason = "tests")]
use super::super::snapshot::{TakeSnapshot, take};
use super::super::testing::{Fixture, fifo, git, write};
use super::super::worktree::in_place;
use super::*;

fn snapshot(workspace: &Workspace, iteration: u32) {
    take(&TakeSnapshot { workspace: workspace.clone(), leaf: iteration.to_string(), parent: None }).unwrap();
}

#[test]
fn a_kept_worktree_goes_and_its_work_stays() {
    let fixture = Fixture::new();
    let before = fixture.fingerprint();
    let workspace = fixture.workspace("x");
    write(&workspace.path.join("new"), "work");
    write(&workspace.path.join("target/out"), "ignored");
    std::os::unix::fs::symlink(fixture.root(), workspace.path.join("link")).unwrap();
    git(&workspace.path, ["commit", "-q", "--allow-empty", "-m", "by the agent"]);
    let head = git(&workspace.path, ["rev-parse", "HEAD"]);

    let error = remove(&workspace).unwrap_err();
    assert!(matches!(error, GitError::WorktreeDirty { .. }), "{error}");
    snapshot(&workspace, 1);
    fifo(&workspace.path.join("pipe"));
    remove(&workspace).unwrap();
    assert!(!workspace.path.exists() && !workspace.git_dir.exists());
    assert_eq!(std::fs::read_dir(fixture.outside("worktrees")).unwrap().count(), 0);
    assert_eq!(fixture.fingerprint(), before);
    assert_eq!(fixture.git(["show", "refs/loopdash/run-x/1:new"]), "work");
    assert_eq!(fixture.git(["rev-parse", "refs/loopdash/run-x/left"]), head);
    assert_eq!(fixture.git(["rev-parse", "run/x"]), head);
    remove(&workspace).unwrap();
}

#[test]
fn an_untouched_worktree_needs_no_snapshot() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    remove(&workspace).unwrap();
    assert!(!workspace.path.exists());
}

#[test]
fn what_is_not_ours_or_not_kept_is_left_alone() {
    let fixture = Fixture::new();
    let place = in_place(&fixture.info(), "r").unwrap();
    assert!(matches!(remove(&place), Err(GitError::NotOurs { .. })));

    let workspace = fixture.workspace("x");
    snapshot(&workspace, 1);
    write(&workspace.path.join("nested/a"), "1");
    git(&workspace.path.join("nested"), ["init", "-q"]);
    let error = remove(&workspace).unwrap_err().to_string();
    assert!(error.contains("nested"), "{error}");
    std::fs::remove_dir_all(workspace.path.join("nested")).unwrap();

    fixture.git(["worktree", "lock", workspace.path.to_str().unwrap()]);
    assert!(matches!(remove(&workspace), Err(GitError::Locked { .. })));
    fixture.git(["worktree", "unlock", workspace.path.to_str().unwrap()]);

    let aside = fixture.outside("aside");
    std::fs::rename(&workspace.path, &aside).unwrap();
    std::os::unix::fs::symlink(fixture.root(), &workspace.path).unwrap();
    assert!(matches!(remove(&workspace), Err(GitError::WorktreeReplaced { .. })));
    assert!(fixture.root().join("README.md").exists());
}

#[test]
fn what_a_killed_removal_left_goes_with_the_next_try() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let left = aside(&workspace);
    // Renamed and half emptied: not even its `.git` is left.
    std::fs::rename(&workspace.path, &left).unwrap();
    std::fs::remove_file(left.join(".git")).unwrap();
    remove(&workspace).unwrap();
    assert!(!left.exists() && !workspace.git_dir.exists());
    // What is no directory of ours is not followed.
    std::os::unix::fs::symlink(fixture.root(), &left).unwrap();
    assert!(matches!(remove(&workspace), Err(GitError::PathTaken { .. })));
    assert!(fixture.root().join("README.md").exists());
}
