//! Copying ignored files that a worktree needs (such as `.env`) from the checkout, as `.worktreeinclude` says.
//! [`include()`] writes only below the new worktree, never through a symbolic link and never over an existing file.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::cli::Call;
use super::error::GitError;
use super::paths::{as_path, display};
use super::repo::{RepoInfo, open_exactly};
use super::workspace::Workspace;

/// The list, in the top directory of the operator's checkout; same syntax as `.gitignore`.
pub const LIST: &str = ".worktreeinclude";
const LARGEST_LIST: u64 = 1 << 20;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What [`include()`] did. Paths are escaped for reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Included {
    /// Copied.
    pub copied: Vec<String>,
    /// Matched by the list but not copied, and why.
    pub skipped: Vec<(String, String)>,
}

/// Copies what `.worktreeinclude` names from the checkout to the workspace: untracked files that git ignores. A file
/// that git would not ignore in the worktree is left out and reported, for it would become part of the run's changes.
/// Without a list, and for a workspace in place, nothing is done.
///
/// # Errors
/// [`GitError::NotAFile`] when the list is not a regular file; failures of git and of the workspace's disk.
pub fn include(repo: &RepoInfo, workspace: &Workspace) -> Result<Included, GitError> {
    let list = repo.root.join(LIST);
    let mut included = Included::default();
    if workspace.in_place || repo.bare {
        return Ok(included);
    }
    match std::fs::symlink_metadata(&list) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(included),
        Err(error) => return Err(GitError::io("look at", &list)(error)),
        Ok(found) if !found.is_file() || found.len() > LARGEST_LIST => return Err(GitError::NotAFile { path: list }),
        Ok(_) => {}
    }
    workspace.check()?;
    let mut exclude = std::ffi::OsString::from("--exclude-from=");
    exclude.push(&list);
    let listed =
        Call::new(&repo.root).args(["ls-files", "-z", "--others", "--ignored", "--full-name"]).arg(exclude).run()?;
    let target = open_exactly(&workspace.path)?;
    let (from, to) = (open_top(&repo.root)?, open_top(&workspace.path)?);
    for path in listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        let why = if path.ends_with(b"/") {
            Err("a repository of its own".to_owned())
        } else if !target.is_path_ignored(as_path(path)).unwrap_or(false) {
            Err("not ignored by git in the worktree; add it to .gitignore".to_owned())
        } else {
            copy(&from, &to, path)?
        };
        match why {
            Ok(()) => included.copied.push(display(path)),
            Err(why) => included.skipped.push((display(path), why)),
        }
    }
    Ok(included)
}

fn open_top(path: &Path) -> Result<OwnedFd, GitError> {
    rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(|errno| GitError::io("open", path)(errno.into()))
}

/// The inner error is about this one file; the outer one ends the copying.
fn copy(from: &OwnedFd, to: &OwnedFd, path: &[u8]) -> Result<Result<(), String>, GitError> {
    let mut names = Vec::new();
    for component in as_path(path).components() {
        match component {
            Component::Normal(name) if !name.eq_ignore_ascii_case(".git") => names.push(name),
            _ => return Ok(Err("not a path inside the checkout".to_owned())),
        }
    }
    let Some((last, directories)) = names.split_last() else { return Ok(Err("an empty path".to_owned())) };
    let copied = open_below(from, directories, false).and_then(|source| {
        let stat = rustix::fs::statat(&source, *last, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((source, stat))
    });
    let (source, stat) = match copied {
        Ok(found) => found,
        Err(errno) => return Ok(Err(format!("unreadable: {errno}"))),
    };
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind == FileType::Symlink {
        return Ok(copy_link(&source, to, directories, last));
    }
    if kind != FileType::RegularFile {
        return Ok(Err("not a regular file".to_owned()));
    }
    let target = match open_below(to, directories, true) {
        Ok(target) => target,
        Err(errno) => return Ok(Err(format!("its directory in the worktree cannot be used: {errno}"))),
    };
    copy_file(&source, &target, last, &stat, path)
}

fn copy_file(
    source: &OwnedFd,
    target: &OwnedFd,
    name: &OsStr,
    stat: &Stat,
    path: &[u8],
) -> Result<Result<(), String>, GitError> {
    let reading = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut reader = match rustix::fs::openat(source, name, reading, Mode::empty()) {
        Ok(handle) => File::from(handle),
        Err(errno) => return Ok(Err(format!("unreadable: {errno}"))),
    };
    if !reader.metadata().is_ok_and(|found| found.is_file()) {
        return Ok(Err("not a regular file".to_owned()));
    }
    let mode = Mode::from_raw_mode(stat.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
    let writing = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut writer = match rustix::fs::openat(target, name, writing, mode) {
        Ok(handle) => File::from(handle),
        Err(Errno::EXIST) => return Ok(Err("already in the worktree".to_owned())),
        Err(errno) => return Ok(Err(format!("cannot be written: {errno}"))),
    };
    std::io::copy(&mut reader, &mut writer).map_err(GitError::io("copy to the worktree", as_path(path)))?;
    Ok(Ok(()))
}

/// A link is copied as a link, and only when it points to a place inside the worktree.
fn copy_link(source: &OwnedFd, to: &OwnedFd, directories: &[&OsStr], name: &OsStr) -> Result<(), String> {
    let told = |errno: Errno| format!("cannot be copied: {errno}");
    let points_at: CString = rustix::fs::readlinkat(source, name, Vec::new()).map_err(told)?;
    let mut depth = directories.len();
    for component in Path::new(OsStr::from_bytes(points_at.as_bytes())).components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return Err("a symbolic link that leaves the checkout".to_owned()),
        }
    }
    let target = open_below(to, directories, true).map_err(told)?;
    match rustix::fs::symlinkat(&points_at, &target, name) {
        Err(Errno::EXIST) => Err("already in the worktree".to_owned()),
        other => other.map_err(told),
    }
}

/// Opens a directory below `top` one name at a time, so that no symbolic link on the way is followed.
fn open_below(top: &OwnedFd, directories: &[&OsStr], make: bool) -> Result<OwnedFd, Errno> {
    let mut at = rustix::io::fcntl_dupfd_cloexec(top.as_fd(), 0)?;
    for name in directories {
        if make {
            match rustix::fs::mkdirat(&at, *name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        at = rustix::fs::openat(&at, *name, DIRECTORY, Mode::empty())?;
    }
    Ok(at)
}

#[cfg(test)]
mod tests;
