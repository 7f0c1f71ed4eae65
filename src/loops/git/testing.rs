//! Repositories for tests: made by the `git` program in temporary directories, with a look at what must not change.
//! A [`Fixture`] stands for an operator's checkout.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::Repository;

use super::repo::{RepoInfo, discover};
use super::workspace::Workspace;
use super::worktree::{self, AddWorktree};

/// A temporary repository `operator/project` with a first commit, beside a place for worktrees.
pub(crate) struct Fixture {
    place: tempfile::TempDir,
    root: PathBuf,
}

impl Fixture {
    /// `main` with `README.md`, `src/lib.rs` and a `.gitignore` for `target/` and `*.log`.
    pub(crate) fn new() -> Self {
        let fixture = Self::unborn();
        fixture.write("README.md", "project\n");
        fixture.write("src/lib.rs", "one\ntwo\nthree\n");
        fixture.write(".gitignore", "target/\n*.log\n");
        fixture.commit("start");
        fixture
    }

    /// A repository without a commit.
    pub(crate) fn unborn() -> Self {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap().join("operator").join("project");
        std::fs::create_dir_all(&root).unwrap();
        let fixture = Self { place, root };
        fixture.git(["init", "-q", "-b", "main"]);
        fixture
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path outside the checkout.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.place.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn open(&self) -> Repository {
        Repository::open(&self.root).unwrap()
    }

    pub(crate) fn info(&self) -> RepoInfo {
        discover(&self.root).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        write(&self.root.join(path), text);
    }

    pub(crate) fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> String {
        git(&self.root, args)
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// What [`Fixture::workspace`] asks for.
    pub(crate) fn wish(&self, slug: &str) -> AddWorktree {
        AddWorktree {
            repo: self.info(),
            base: None,
            slug: slug.to_owned(),
            branch: None,
            path: self.outside("worktrees").join(slug),
            run: format!("run-{slug}"),
        }
    }

    /// A worktree as a run gets it.
    pub(crate) fn workspace(&self, slug: &str) -> Workspace {
        worktree::add(&self.wish(slug)).unwrap()
    }

    /// A program that writes a file when it runs, and that file.
    pub(crate) fn canary(&self, name: &str) -> (PathBuf, PathBuf) {
        let sung = self.outside(&format!("{name}.sung"));
        let script = self.outside(&format!("{name}.sh"));
        write(&script, format!("#!/bin/sh\necho ran >> '{}'\ncat\n", sung.display()));
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        (script, sung)
    }

    /// All that an operation must leave as it is: refs other than loopdash's, HEAD, index bytes, configuration, stash
    /// and the files of the checkout.
    pub(crate) fn fingerprint(&self) -> BTreeMap<String, Vec<u8>> {
        let mut seen = BTreeMap::new();
        let refs = self.git(["for-each-ref", "--format=%(refname) %(objectname)"]);
        let kept: Vec<_> = refs
            .lines()
            .filter(|line| !line.starts_with("refs/heads/run") && !line.starts_with("refs/loopdash/"))
            .collect();
        seen.insert("refs".to_owned(), kept.join("\n").into_bytes());
        for name in ["HEAD", "index", "config", "info/exclude", "logs/HEAD", "logs/refs/stash"] {
            seen.insert(name.to_owned(), std::fs::read(self.root.join(".git").join(name)).unwrap_or_default());
        }
        files(&self.root, &self.root, &mut seen);
        seen
    }
}

fn files(root: &Path, directory: &Path, seen: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() && path != root.join(".git") {
            files(root, &path, seen);
        } else if kind.is_file() {
            seen.insert(path.to_string_lossy().into_owned(), std::fs::read(&path).unwrap());
        }
    }
}

/// Runs `git` as an agent or operator would, apart from this machine's configuration.
pub(crate) fn git<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(directory: &Path, args: I) -> String {
    let mut command = Command::new("git");
    command.current_dir(directory).args(args);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test").env(format!("GIT_{role}_EMAIL"), "test@localhost");
    }
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "protocol.file.allow");
    command.env("GIT_CONFIG_VALUE_0", "always");
    let output = command.output().unwrap();
    if !output.status.success() {
        panic!("git failed in {directory:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Writes a file and the directories above it.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Makes a FIFO; whoever opens it for reading waits for ever.
pub(crate) fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}
