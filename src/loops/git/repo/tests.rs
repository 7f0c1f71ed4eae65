#![expect(clippy::unwrap_used, reason = "tests")]
use super::super::testing::{Fixture, git, write};
use super::*;

#[test]
fn an_ordinary_checkout_is_found_from_below() {
    let fixture = Fixture::new();
    let found = discover(&fixture.root().join("src")).unwrap();
    let head = fixture.git(["rev-parse", "HEAD"]);
    assert_eq!(found.root, fixture.root());
    assert_eq!(found.common_dir, fixture.root().join(".git"));
    assert_eq!(found.git_dir, found.common_dir);
    assert_eq!(found.name, "project");
    assert_eq!(found.head, Head::Branch { name: "main".to_owned(), commit: head });
    assert!(!found.bare && !found.linked && !found.submodules && !found.sparse);
    assert!(!found.shallow && !found.partial && !found.filters);
}

#[test]
fn head_may_be_detached_or_unborn() {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-q", "--detach"]);
    assert!(matches!(fixture.info().head, Head::Detached { .. }));
    let unborn = Fixture::unborn().info();
    assert_eq!(unborn.head, Head::Unborn { branch: "main".to_owned() });
    assert_eq!(unborn.head.commit(), None);
}

#[test]
fn bare_linked_shallow_and_filtered_repositories_are_told() {
    let fixture = Fixture::new();
    let bare = fixture.outside("store.git");
    fixture.git(["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let found = discover(&bare).unwrap();
    assert!(found.bare);
    assert_eq!((found.root.as_path(), found.name.as_str()), (bare.as_path(), "store"));

    let linked = fixture.outside("linked");
    fixture.git(["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    let found = discover(&linked).unwrap();
    assert!(found.linked);
    assert_eq!(found.common_dir, fixture.root().join(".git"));
    assert_ne!(found.git_dir, found.common_dir);
    assert_eq!(found.main_checkout(), Some(fixture.root()));

    fixture.commit("second");
    let shallow = fixture.outside("shallow");
    let from = format!("file://{}", fixture.root().display());
    fixture.git(["clone", "-q", "--depth=1", &from, shallow.to_str().unwrap()]);
    assert!(discover(&shallow).unwrap().shallow);

    fixture.git(["config", "filter.lfs.smudge", "git-lfs smudge -- %f"]);
    fixture.git(["config", "core.sparseCheckout", "true"]);
    fixture.git(["config", "remote.origin.promisor", "true"]);
    let found = fixture.info();
    assert!(found.filters && found.sparse && found.partial);
}

#[test]
fn a_submodule_is_told_and_is_a_repository_itself() {
    let inner = Fixture::new();
    let outer = Fixture::new();
    outer.git(["submodule", "--quiet", "add", inner.root().to_str().unwrap(), "inner"]);
    outer.commit("add submodule");
    assert!(outer.info().submodules);
    let found = discover(&outer.root().join("inner")).unwrap();
    assert_eq!(found.root, outer.root().join("inner"));
    assert_eq!(found.common_dir, outer.root().join(".git/modules/inner"));
}

#[test]
fn what_cannot_be_used_is_named_with_a_way_out() {
    let place = tempfile::tempdir().unwrap();
    let error = discover(place.path()).unwrap_err();
    assert!(matches!(error, GitError::NotARepository { .. }));
    assert!(error.to_string().contains("git init"), "{error}");
    assert!(matches!(discover(&place.path().join("missing")), Err(GitError::NotARepository { .. })));

    let sha256 = place.path().join("sha256");
    write(&sha256.join("x"), "");
    git(&sha256, ["init", "-q", "--object-format=sha256"]);
    let error = discover(&sha256).unwrap_err();
    assert!(matches!(error, GitError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("SHA-256"), "{error}");

    let fixture = Fixture::new();
    for (key, what) in [("extensions.partialClone", "partial clone"), ("extensions.somethingNew", "somethingnew")] {
        fixture.git(["config", "core.repositoryFormatVersion", "1"]);
        fixture.git(["config", key, "origin"]);
        let error = discover(fixture.root()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        let config = fixture.root().join(".git/config");
        let text = std::fs::read_to_string(&config).unwrap();
        let kept: Vec<_> = text.lines().take_while(|line| !line.starts_with("[extensions]")).collect();
        std::fs::write(&config, kept.join("\n")).unwrap();
    }
}

#[test]
fn another_users_repository_is_not_trusted() {
    let fixture = Fixture::new();
    // Only root may give files away; for others there is nothing to check here.
    if std::os::unix::fs::chown(fixture.root(), Some(65_534), Some(65_534)).is_err() {
        return;
    }
    std::os::unix::fs::chown(fixture.root().join(".git"), Some(65_534), Some(65_534)).unwrap();
    let error = discover(fixture.root()).unwrap_err();
    assert!(matches!(error, GitError::Unsafe { .. }), "{error}");
    assert!(error.to_string().contains("safe.directory"), "{error}");
}

#[test]
fn a_fifo_in_the_git_directory_is_refused_and_not_read() {
    let fixture = Fixture::new();
    let info = fixture.info();
    let exclude = fixture.root().join(".git/info/exclude");
    std::fs::remove_file(&exclude).unwrap();
    super::super::testing::fifo(&exclude);
    assert!(matches!(info.open(), Err(GitError::NotAFile { .. })));
}
