//! Where a run works: a worktree that loopdash made, or the operator's checkout itself.
//! A [`Workspace`] is plain data for the journal; [`Workspace::check`] tells whether it is still what it was.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::repo::{guard, tidy};

/// The file, in a worktree's private git directory, that says which run it was made for.
const MARKER: &str = "loopdash";
const SMALL: u64 = 16 << 10;

/// A place where a run works, and what its work is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The top directory; absolute, no symbolic links in it.
    pub path: PathBuf,
    /// The branch made for the run; none in place.
    pub branch: Option<String>,
    /// The commit the work started from, or [`super::diff::EMPTY`] in a repository without commits.
    pub base: String,
    /// The run it belongs to; part of its refs' names.
    pub run: String,
    /// The worktree's own git directory.
    pub git_dir: PathBuf,
    /// The git directory of the repository.
    pub common_dir: PathBuf,
    /// The operator's own checkout (isolation "none"): never recreated, never removed.
    pub in_place: bool,
}

impl Workspace {
    /// Checks that the directory is there and still the worktree it was.
    ///
    /// # Errors
    /// [`GitError::WorktreeGone`] when nothing is there, [`GitError::WorktreeReplaced`] when it is something else, and
    /// [`GitError::NotAFile`] when its git directory was tampered with.
    pub fn check(&self) -> Result<(), GitError> {
        let replaced = |why: &str| GitError::WorktreeReplaced { path: self.path.clone(), why: why.to_owned() };
        match std::fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(GitError::WorktreeGone { path: self.path.clone() });
            }
            Err(error) => return Err(GitError::io("look at", &self.path)(error)),
            Ok(found) if found.is_symlink() => return Err(replaced("a symbolic link")),
            Ok(found) if !found.is_dir() => return Err(replaced("not a directory")),
            Ok(_) => {}
        }
        if tidy(&self.path) != self.path {
            return Err(replaced("reached through a symbolic link"));
        }
        let git_dir = git_dir_of(&self.path).map_err(|why| replaced(&why))?;
        if git_dir != self.git_dir {
            return Err(replaced("the worktree of another repository"));
        }
        guard(&self.git_dir, &self.common_dir)?;
        if !self.in_place && read_marker(&self.git_dir).as_deref() != Some(self.run.as_str()) {
            return Err(replaced("a worktree that was not made for this run"));
        }
        Ok(())
    }

    pub(crate) fn write_marker(&self) -> Result<(), GitError> {
        let path = self.git_dir.join(MARKER);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(GitError::io("write", &path))?;
        writeln!(file, "{}", self.run).map_err(GitError::io("write", &path))
    }
}

pub(crate) fn read_marker(git_dir: &Path) -> Option<String> {
    let text = read_small(&git_dir.join(MARKER)).ok()?;
    Some(String::from_utf8(text).ok()?.trim_end().to_owned())
}

/// The git directory that the `.git` of a checkout stands for: itself, or what the file in its place names.
pub(crate) fn git_dir_of(top: &Path) -> Result<PathBuf, String> {
    let dot_git = top.join(".git");
    let found = std::fs::symlink_metadata(&dot_git).map_err(|_| "its `.git` is missing".to_owned())?;
    if found.is_dir() {
        return Ok(tidy(&dot_git));
    }
    if !found.is_file() {
        return Err("its `.git` is neither a file nor a directory".to_owned());
    }
    let text = read_small(&dot_git).map_err(|error| format!("its `.git` cannot be read: {error}"))?;
    let line = text.trim_ascii_end();
    let Some(target) = line.strip_prefix(b"gitdir: ") else {
        return Err("its `.git` is not git's".to_owned());
    };
    Ok(tidy(&top.join(OsStr::from_bytes(target))))
}

/// Reads the start of a regular file; anything else is refused without being opened.
fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(SMALL).read_to_end(&mut text)?;
    Ok(text)
}
