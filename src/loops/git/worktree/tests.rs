#![expect(clippy::unwrap_used, reason = "tests")]
use super::super::refs::{compare, observe};
use super::super::repo::discover;
use super::super::snapshot::{TakeSnapshot, take};
use super::super::testing::{Fixture, fifo, git, write};
use super::*;

#[test]
fn a_worktree_stands_on_its_own_branch_and_the_operator_notices_nothing() {
    let fixture = Fixture::new();
    fixture.write("README.md", "edited, not committed\n");
    fixture.write("staged", "x");
    fixture.git(["add", "staged"]);
    let before = fixture.fingerprint();
    let workspace = fixture.workspace("fix-it");
    assert_eq!(fixture.fingerprint(), before);
    assert_eq!(workspace.branch.as_deref(), Some("run/fix-it"));
    assert_eq!(workspace.path, fixture.outside("worktrees").join("fix-it"));
    assert_eq!(workspace.base, fixture.git(["rev-parse", "main"]));
    assert_eq!(git(&workspace.path, ["symbolic-ref", "HEAD"]), "refs/heads/run/fix-it");
    assert_eq!(git(&workspace.path, ["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(workspace.path.join("README.md")).unwrap(), "project\n");
    assert_eq!(fixture.git(["rev-parse", "refs/loopdash/run-fix-it/base"]), workspace.base);
    workspace.check().unwrap();
    let text = serde_json::to_string(&workspace).unwrap();
    assert_eq!(serde_json::from_str::<Workspace>(&text).unwrap(), workspace);
}

#[test]
fn taken_branches_and_paths_get_a_number() {
    let fixture = Fixture::new();
    fixture.git(["branch", "run/x"]);
    let another = |run: &str| add(&AddWorktree { run: run.to_owned(), ..fixture.wish("x") }).unwrap();
    let first = another("one");
    assert_eq!(first.branch.as_deref(), Some("run/x-2"));
    assert!(first.path.ends_with("worktrees/x"));
    let second = another("two");
    assert_eq!(second.branch.as_deref(), Some("run/x-3"));
    assert!(second.path.ends_with("worktrees/x-2"));
    // Registered, but gone from the disk for now: its place is not given away.
    std::fs::rename(&second.path, fixture.outside("elsewhere")).unwrap();
    assert!(another("three").path.ends_with("worktrees/x-3"));
}

#[test]
fn what_was_made_for_the_run_and_never_told_is_taken_as_it_stands() {
    let fixture = Fixture::new();
    let made = fixture.workspace("x");
    fixture.git(["update-ref", "-d", "refs/loopdash/run-x/base"]);
    assert_eq!(fixture.workspace("x"), made);
    assert_eq!(fixture.git(["rev-parse", "refs/loopdash/run-x/base"]), made.base);
    // Somebody has worked on it since: it is theirs.
    git(&made.path, ["commit", "-q", "--allow-empty", "-m", "more"]);
    assert_eq!(fixture.workspace("x").branch.as_deref(), Some("run/x-2"));
}

#[test]
fn a_branch_that_is_taken_back_is_missed_by_no_other_run() {
    let fixture = Fixture::new();
    let (repo, common_dir) = (fixture.open(), fixture.info().common_dir);
    let base = fixture.git(["rev-parse", "main"]);
    let branch = make_branch(&repo, "run/x", &base).unwrap();
    let place = fixture.outside("half");
    fixture.git(["worktree", "add", "-q", place.to_str().unwrap(), &branch]);
    fixture.git(["branch", "mine"]);
    let before = observe(&common_dir).unwrap();
    fixture.git(["worktree", "remove", place.to_str().unwrap()]);
    take_back(&repo, &branch, &base, "r");
    let after = observe(&common_dir).unwrap();
    assert!(before.refs.contains_key("worktrees/half/HEAD") && !after.refs.contains_key("refs/heads/run/x"));
    assert!(compare(&before, &after, "another", &[]).is_empty());
    // Others' names are not excused by that.
    fixture.git(["branch", "-D", "mine"]);
    let missed = compare(&before, &observe(&common_dir).unwrap(), "another", &[]);
    assert_eq!(missed.iter().map(|gone| gone.name.as_str()).collect::<Vec<_>>(), ["refs/heads/mine"]);
}

#[test]
fn what_a_killed_loopdash_left_locked_is_in_nobodys_way() {
    let fixture = Fixture::new();
    let refs = fixture.root().join(".git/refs");
    // A branch may be somebody else's to make: its name is left alone. A run's own refs are nobody else's.
    write(&refs.join("heads/run/x.lock"), "");
    write(&refs.join("loopdash/run-x/base.lock"), "");
    let first = fixture.workspace("x");
    assert_eq!(first.branch.as_deref(), Some("run/x-2"));
    assert_eq!(fixture.git(["rev-parse", "refs/loopdash/run-x/base"]), first.base);
    let leaf = "1".to_owned();
    write(&refs.join("loopdash/run-x/1.lock"), "");
    let taken = take(&TakeSnapshot { workspace: first, leaf, parent: None }).unwrap();
    assert_eq!(fixture.git(["rev-parse", "refs/loopdash/run-x/1"]), taken.commit);
    assert!(refs.join("heads/run/x.lock").exists());
    assert!(!refs.join("loopdash/run-x/1.lock").exists());
}

#[test]
fn a_tag_of_the_same_name_is_not_mistaken_for_the_branch() {
    let fixture = Fixture::new();
    fixture.git(["tag", "run/x"]);
    fixture.commit("second");
    let workspace = fixture.workspace("x");
    assert_eq!(git(&workspace.path, ["symbolic-ref", "HEAD"]), "refs/heads/run/x");
    assert_eq!(git(&workspace.path, ["rev-parse", "HEAD"]), workspace.base);
    assert_eq!(git(&workspace.path, ["status", "--porcelain"]), "");
}

#[test]
fn a_worktree_that_cannot_be_made_leaves_no_branch() {
    let fixture = Fixture::new();
    let before = fixture.fingerprint();
    let mut wish = fixture.wish("x");
    // A file where a directory is needed.
    wish.path = fixture.outside("file").join("x");
    write(&fixture.outside("file"), "in the way");
    assert!(add(&wish).is_err());
    let lost = fixture.git(["rev-parse", "HEAD:src/lib.rs"]);
    std::fs::remove_file(fixture.root().join(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
    wish.path = fixture.outside("worktrees/x");
    assert!(matches!(add(&wish), Err(GitError::Failed { .. })));
    assert_eq!(fixture.git(["for-each-ref", "--format=%(refname)", "refs/heads/run"]), "");
    assert_eq!(fixture.fingerprint(), before);
}

#[test]
fn a_base_and_a_branch_may_be_named() {
    let fixture = Fixture::new();
    let first = fixture.git(["rev-parse", "HEAD"]);
    fixture.git(["tag", "v1"]);
    fixture.commit("second");
    let mut wish = fixture.wish("x");
    (wish.base, wish.branch) = (Some("v1".to_owned()), Some("feature/deep/er".to_owned()));
    let workspace = add(&wish).unwrap();
    assert_eq!(workspace.base, first);
    assert_eq!(workspace.branch.as_deref(), Some("feature/deep/er"));
    for bad in ["no-such", "--upload-pack=x", "HEAD^{tree}", ""] {
        wish.base = Some(bad.to_owned());
        assert!(matches!(add(&wish), Err(GitError::BadRevision { .. })), "{bad:?}");
    }
    wish.base = None;
    for bad in ["-b", "a..b", "x y"] {
        wish.branch = Some(bad.to_owned());
        assert!(matches!(add(&wish), Err(GitError::BadName { .. })), "{bad:?}");
    }
}

#[test]
fn it_starts_from_a_detached_head_a_linked_worktree_and_a_bare_repository() {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-q", "--detach"]);
    fixture.workspace("detached").check().unwrap();

    let linked = fixture.outside("linked");
    fixture.git(["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    git(&linked, ["commit", "-q", "--allow-empty", "-m", "ahead"]);
    let wish = AddWorktree { repo: discover(&linked).unwrap(), ..fixture.wish("linked-start") };
    let workspace = add(&wish).unwrap();
    assert_eq!(workspace.base, git(&linked, ["rev-parse", "HEAD"]));
    assert_eq!(workspace.common_dir, fixture.root().join(".git"));

    let bare = fixture.outside("store.git");
    fixture.git(["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let wish = AddWorktree { repo: discover(&bare).unwrap(), ..fixture.wish("bare-start") };
    let workspace = add(&wish).unwrap();
    assert!(workspace.path.join("README.md").exists());
    assert!(matches!(in_place(&wish.repo, "r"), Err(GitError::Bare { .. })));
}

#[test]
fn a_repository_without_commits_is_told_what_to_do() {
    let fixture = Fixture::unborn();
    let error = add(&fixture.wish("x")).unwrap_err();
    assert!(matches!(error, GitError::NoCommits { .. }));
    assert!(error.to_string().contains("git commit --allow-empty"), "{error}");
    let workspace = in_place(&fixture.info(), "run-x").unwrap();
    assert_eq!(workspace.base, EMPTY);
    assert!(workspace.in_place);
}

#[test]
fn paths_inside_the_checkout_are_refused_also_through_links() {
    let fixture = Fixture::new();
    let linked = fixture.outside("linked");
    fixture.git(["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    let around = fixture.outside("around");
    std::os::unix::fs::symlink(fixture.root(), &around).unwrap();
    let mut wish = fixture.wish("x");
    for path in [fixture.root().join("wt/x"), around.join("wt/x"), fixture.root().join(".git/x"), fixture.root().into()]
    {
        wish.path = path;
        assert!(matches!(add(&wish), Err(GitError::PathInside { .. })), "{:?}", wish.path);
    }
    // Started in a linked worktree, the main checkout is off limits as well.
    wish.repo = discover(&linked).unwrap();
    wish.path = fixture.root().join("x");
    assert!(matches!(add(&wish), Err(GitError::PathInside { .. })));
}

#[test]
fn nothing_the_repository_configures_is_run() {
    let fixture = Fixture::new();
    fixture.write(".gitattributes", "* filter=evil diff=evil\n*.rs filter=a=b\n");
    fixture.commit("attributes");
    let mut sung = Vec::new();
    let mut canary = |name: &str| {
        let (script, song) = fixture.canary(name);
        sung.push(song);
        script.to_str().unwrap().to_owned()
    };
    let hooks = fixture.root().join(".git/hooks");
    for hook in ["post-checkout", "post-index-change", "reference-transaction", "pre-commit"] {
        std::fs::copy(canary(hook), hooks.join(hook)).unwrap();
    }
    for (key, program) in [
        ("core.fsmonitor", "fsmonitor"),
        ("filter.evil.smudge", "smudge"),
        ("filter.evil.clean", "clean"),
        ("filter.a=b.process", "process"),
        ("diff.evil.textconv", "textconv"),
        ("diff.evil.command", "command"),
        ("core.pager", "pager"),
        ("core.sshCommand", "ssh"),
    ] {
        fixture.git(["config", key, &canary(program)]);
    }
    fixture.git(["config", "filter.evil.required", "true"]);
    fixture.git(["config", "filter.a=b.required", "true"]);

    let workspace = fixture.workspace("x");
    write(&workspace.path.join("src/lib.rs"), "changed\n");
    let wish = TakeSnapshot { workspace: workspace.clone(), leaf: "1".to_owned(), parent: None };
    let snapshot = take(&wish).unwrap();
    super::super::diff::between(&workspace.common_dir, &workspace.base, &snapshot.commit).unwrap();
    std::fs::remove_dir_all(&workspace.path).unwrap();
    readd(&workspace, Some(&snapshot.commit)).unwrap();
    let ran: Vec<_> = sung.iter().filter(|song| song.exists()).collect();
    assert!(ran.is_empty(), "{ran:?}");
    assert_eq!(std::fs::read_to_string(workspace.path.join("src/lib.rs")).unwrap(), "changed\n");
    // The canaries do sing when git is not kept from it.
    git(&workspace.path, ["checkout", "-q", "--detach"]);
    assert!(sung.iter().any(|song| song.exists()));
}

#[test]
fn locks_of_the_operator_do_not_matter() {
    let fixture = Fixture::new();
    fixture.write(".git/index.lock", "");
    let workspace = fixture.workspace("x");
    write(&workspace.git_dir.join("index.lock"), "");
    write(&workspace.path.join("new"), "x");
    let snapshot = take(&TakeSnapshot { workspace, leaf: "1".to_owned(), parent: None }).unwrap();
    assert_eq!(snapshot.files, 1);
    assert!(fixture.root().join(".git/index.lock").exists());
}

#[test]
fn a_worktree_that_is_not_what_it_was_is_told() {
    let fixture = Fixture::new();
    let gone = fixture.workspace("gone");
    std::fs::remove_dir_all(&gone.path).unwrap();
    assert!(matches!(gone.check(), Err(GitError::WorktreeGone { .. })));
    assert!(matches!(
        take(&TakeSnapshot { workspace: gone.clone(), leaf: "1".to_owned(), parent: None }),
        Err(GitError::WorktreeGone { .. })
    ));

    let is_replaced = |workspace: &Workspace| matches!(workspace.check(), Err(GitError::WorktreeReplaced { .. }));
    std::os::unix::fs::symlink(fixture.root(), &gone.path).unwrap();
    assert!(is_replaced(&gone));
    std::fs::remove_file(&gone.path).unwrap();
    write(&gone.path, "a file");
    assert!(is_replaced(&gone));
    std::fs::remove_file(&gone.path).unwrap();
    fixture.git(["clone", "-q", ".", gone.path.to_str().unwrap()]);
    assert!(is_replaced(&gone));

    let no_git = fixture.workspace("no-git");
    std::fs::remove_file(no_git.path.join(".git")).unwrap();
    assert!(is_replaced(&no_git));
    fifo(&no_git.path.join(".git"));
    assert!(is_replaced(&no_git));

    let other = fixture.workspace("other");
    let stranger = Workspace { run: "another".to_owned(), ..other };
    assert!(is_replaced(&stranger));
    let parent = fixture.workspace("parent");
    let moved = fixture.outside("moved");
    std::fs::rename(fixture.outside("worktrees"), &moved).unwrap();
    std::os::unix::fs::symlink(&moved, fixture.outside("worktrees")).unwrap();
    assert!(is_replaced(&parent));
}

#[test]
fn a_vanished_worktree_comes_back_with_its_content() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    write(&workspace.path.join("committed"), "1");
    git(&workspace.path, ["add", "."]);
    git(&workspace.path, ["commit", "-q", "-m", "work"]);
    write(&workspace.path.join("untracked"), "2");
    std::fs::remove_file(workspace.path.join("README.md")).unwrap();
    let snapshot = take(&TakeSnapshot { workspace: workspace.clone(), leaf: "1".to_owned(), parent: None }).unwrap();

    assert_eq!(readd(&workspace, None).unwrap(), workspace);
    std::fs::remove_dir_all(&workspace.path).unwrap();
    let again = readd(&workspace, Some(&snapshot.commit)).unwrap();
    again.check().unwrap();
    assert_eq!(again.path, workspace.path);
    assert!(again.path.join("committed").exists() && again.path.join("untracked").exists());
    assert!(!again.path.join("README.md").exists());
    assert_eq!(git(&again.path, ["log", "-1", "--format=%s"]), "work");
    let same =
        take(&TakeSnapshot { workspace: again.clone(), leaf: "2".to_owned(), parent: Some(snapshot.commit) }).unwrap();
    assert_eq!((same.tree, same.changed_since_parent), (snapshot.tree, 0));

    // The branch is gone too: it is made again where it was.
    std::fs::remove_dir_all(&again.path).unwrap();
    std::fs::remove_file(fixture.root().join(".git/refs/heads/run/x")).unwrap();
    let again = readd(&again, None).unwrap();
    assert_eq!(git(&again.path, ["symbolic-ref", "--short", "HEAD"]), "run/x");
    assert_eq!(git(&again.path, ["log", "-1", "--format=%s"]), "work");

    std::fs::remove_dir_all(&again.path).unwrap();
    fixture.git(["worktree", "lock", "--reason", "on a stick", again.path.to_str().unwrap()]);
    let error = readd(&again, None).unwrap_err().to_string();
    assert!(error.contains("on a stick"), "{error}");

    std::os::unix::fs::symlink(fixture.root(), &again.path).unwrap();
    assert!(matches!(readd(&again, None), Err(GitError::WorktreeReplaced { .. })));
    assert!(fixture.root().join("README.md").exists());
}

#[test]
fn submodules_and_lfs_pointers_are_left_as_they_are_stored() {
    let inner = Fixture::new();
    let fixture = Fixture::new();
    fixture.git(["submodule", "--quiet", "add", inner.root().to_str().unwrap(), "inner"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    fixture.write("big.bin", pointer);
    fixture.commit("submodule and pointer");
    fixture.write(".gitattributes", "*.bin filter=lfs\n");
    fixture.commit("attributes");
    fixture.git(["config", "filter.lfs.process", "false"]);
    fixture.git(["config", "filter.lfs.required", "true"]);
    let workspace = fixture.workspace("x");
    assert_eq!(std::fs::read_to_string(workspace.path.join("big.bin")).unwrap(), pointer);
    assert!(std::fs::read_dir(workspace.path.join("inner")).unwrap().next().is_none());
    let snapshot = take(&TakeSnapshot { workspace, leaf: "1".to_owned(), parent: None }).unwrap();
    assert_eq!((snapshot.files, snapshot.skipped), (0, vec![]));
}
