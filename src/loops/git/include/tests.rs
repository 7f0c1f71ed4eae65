#![expect(clippy::unwrap_used, reason = "tests")]
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::testing::{Fixture, fifo, git, write};
use super::super::worktree::in_place;
use super::*;

#[test]
fn ignored_files_on_the_list_are_copied() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", "target/\n.env*\nlocal/\n");
    fixture.write(LIST, "# secrets\n.env*\n!.env.skip\n/local/deep/\nnotes\n");
    fixture.commit("rules");
    fixture.write(".env", "KEY=1");
    std::fs::set_permissions(fixture.root().join(".env"), PermissionsExt::from_mode(0o600)).unwrap();
    fixture.write(".env.skip", "x");
    fixture.write("local/deep/er/file", "x");
    fixture.write("local/other", "x");
    fixture.write("target/out", "x");
    fixture.write("notes", "not ignored by git");
    let before = fixture.fingerprint();
    let workspace = fixture.workspace("x");
    let done = include(&fixture.info(), &workspace).unwrap();
    assert_eq!(done.copied, [".env", "local/deep/er/file"]);
    assert_eq!(done.skipped.len(), 1);
    assert_eq!(done.skipped[0].0, "notes");
    assert_eq!(std::fs::read(workspace.path.join(".env")).unwrap(), b"KEY=1");
    assert_eq!(std::fs::metadata(workspace.path.join(".env")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!workspace.path.join("notes").exists() && !workspace.path.join("local/other").exists());
    assert_eq!(git(&workspace.path, ["status", "--porcelain"]), "");
    assert_eq!(fixture.fingerprint(), before);

    let again = include(&fixture.info(), &workspace).unwrap();
    assert!(again.copied.is_empty());
    assert!(again.skipped.iter().any(|(path, why)| path == ".env" && why == "already in the worktree"));
}

#[test]
fn nothing_leaves_or_enters_through_links_and_no_fifo_is_opened() {
    let fixture = Fixture::new();
    let secrets = fixture.outside("secrets");
    write(&secrets.join("key"), "secret");
    let victim = fixture.outside("victim");
    std::fs::create_dir(&victim).unwrap();
    fixture.write(".gitignore", "cfg/*\n");
    fixture.write(LIST, "cfg/\n");
    fixture.commit("rules");
    // In the commit `cfg` is a link out of the worktree; in the checkout it is a directory.
    symlink(&victim, fixture.root().join("cfg")).unwrap();
    fixture.commit("link");
    let trapped = fixture.workspace("trapped");
    std::fs::remove_file(fixture.root().join("cfg")).unwrap();
    fixture.write("cfg/file", "x");
    let done = include(&fixture.info(), &trapped).unwrap();
    assert_eq!(done.copied, Vec::<String>::new());
    assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0);

    fixture.git(["rm", "-q", "--cached", "cfg"]);
    fixture.git(["commit", "-q", "-m", "no link"]);
    symlink(secrets.join("key"), fixture.root().join("cfg/absolute")).unwrap();
    symlink("../../secrets/key", fixture.root().join("cfg/out")).unwrap();
    symlink("../cfg/file", fixture.root().join("cfg/within")).unwrap();
    fifo(&fixture.root().join("cfg/pipe"));
    let workspace = fixture.workspace("x");
    let done = include(&fixture.info(), &workspace).unwrap();
    assert_eq!(done.copied, ["cfg/file", "cfg/within"]);
    assert!(done.skipped.iter().all(|(_, why)| why.contains("symbolic link")), "{done:?}");
    assert!(workspace.path.join("cfg/within").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn without_a_list_nothing_happens_and_an_odd_list_is_refused() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    assert_eq!(include(&fixture.info(), &workspace).unwrap(), Included::default());
    fifo(&fixture.root().join(LIST));
    assert!(matches!(include(&fixture.info(), &workspace), Err(GitError::NotAFile { .. })));
    let place = in_place(&fixture.info(), "r").unwrap();
    assert_eq!(include(&fixture.info(), &place).unwrap(), Included::default());
}
