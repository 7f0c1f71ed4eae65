//! Walking a worktree through directory handles, never by path and never through a symbolic link.
//! A [`Walk`] compares what it meets with the index and stores the content of what differs.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use git2::{IndexEntry, Oid, Repository};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::GitError;
use super::paths::{as_path, display};
use super::repo::{guard, open_exactly};
use super::scan::{GITLINK, Known, LARGEST_UNTRACKED, Skipped, Why};
use super::store::{Store, is_ours};

/// Each level costs a file handle and some stack.
const DEEPEST: usize = 200;
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_000;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// A path whose content differs from the index.
pub(crate) struct Found {
    pub(crate) path: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) id: Oid,
}

/// The walk and what it has gathered.
pub(crate) struct Walk<'a> {
    repo: &'a Repository,
    root: &'a Path,
    modes_matter: bool,
    ignored_directories: HashMap<Vec<u8>, bool>,
    store: Store<'a>,
    pub(crate) known: Known<'a>,
    pub(crate) found: Vec<Found>,
    pub(crate) skipped: Vec<Skipped>,
}

/// What a directory inherits from those above it.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    /// A `.gitignore` on the way is no regular file, so ignore rules must not be read.
    no_ignore: bool,
    /// The same for `.gitattributes`: content is stored without line-ending rules.
    no_attributes: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(repo: &'a Repository, root: &'a Path, known: Known<'a>, modes_matter: bool) -> Self {
        Self {
            repo,
            root,
            modes_matter,
            ignored_directories: HashMap::new(),
            store: Store::new(repo, root),
            known,
            found: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Walks the whole worktree.
    pub(crate) fn run(&mut self) -> Result<(), GitError> {
        let open = rustix::fs::open(self.root, DIRECTORY, Mode::empty());
        let root = open.map_err(|errno| GitError::io("open", self.root)(errno.into()))?;
        self.directory(root, &mut Vec::new(), Level { depth: 0, no_ignore: false, no_attributes: false })
    }

    /// `path` ends with a slash, or is empty at the top; it is the same again on return.
    fn directory(&mut self, handle: OwnedFd, path: &mut Vec<u8>, mut level: Level) -> Result<(), GitError> {
        let (directory, names) = match list(handle) {
            Ok(listed) => listed,
            Err(errno) => {
                self.unreadable(path, errno)?;
                self.known.saw_below(path);
                return Ok(());
            }
        };
        let handle = directory.fd().map_err(|errno| GitError::io("read", self.root)(errno.into()))?;
        for (name, kind) in &names {
            match name.as_bytes() {
                b".gitignore" if !reads_as_file(handle, name, *kind) => {
                    level.no_ignore = true;
                    self.skip(path, Why::IgnoreUnreadable);
                }
                b".gitattributes" if !reads_as_file(handle, name, *kind) => level.no_attributes = true,
                _ => {}
            }
        }
        let length = path.len();
        for (name, kind) in names {
            if name.as_bytes() == b".git" {
                continue;
            }
            path.extend_from_slice(name.as_bytes());
            let done = self.entry(handle, &name, kind, path, level);
            path.truncate(length);
            done?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CString,
        kind: FileType,
        path: &mut Vec<u8>,
        level: Level,
    ) -> Result<(), GitError> {
        if kind == FileType::Directory {
            return self.below(parent, name, path, level);
        }
        let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => {
                self.unreadable(path, errno)?;
                if let Some((position, _)) = self.known.get(path) {
                    self.known.saw(position);
                }
                return Ok(());
            }
        };
        match FileType::from_raw_mode(stat.st_mode) {
            // Some file systems tell the type only here.
            FileType::Directory => self.below(parent, name, path, level),
            FileType::RegularFile | FileType::Symlink => self.file(parent, name, path, level, &stat),
            other => {
                if self.known.get(path).is_some() || !self.is_ignored(path, level)? {
                    self.skip(path, Why::Special(special(other)));
                }
                Ok(())
            }
        }
    }

    fn below(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CString,
        path: &mut Vec<u8>,
        level: Level,
    ) -> Result<(), GitError> {
        if let Some((position, entry)) = self.known.get(path)
            && entry.mode == GITLINK
        {
            self.known.saw(position);
            if let Some(id) = self.nested_head(path)
                && id != entry.id
            {
                self.found.push(Found { path: path.clone(), mode: GITLINK, id });
            }
            return Ok(());
        }
        path.push(b'/');
        let tracked = self.known.has_below(path);
        if !tracked && self.is_ignored(path, level)? {
            return Ok(());
        }
        if level.depth >= DEEPEST {
            self.skip(path, Why::TooDeep(DEEPEST));
            self.known.saw_below(path);
            return Ok(());
        }
        let handle = match rustix::fs::openat(parent, name, DIRECTORY, Mode::empty()) {
            Ok(handle) => handle,
            Err(errno) => {
                self.unreadable(path, errno)?;
                self.known.saw_below(path);
                return Ok(());
            }
        };
        if !tracked && rustix::fs::statat(&handle, c".git", AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            path.pop();
            match self.nested_head(path) {
                Some(id) => {
                    self.skip(path, Why::Nested { commit: id.to_string() });
                    self.found.push(Found { path: path.clone(), mode: GITLINK, id });
                }
                None => self.skip(path, Why::NestedEmpty),
            }
            return Ok(());
        }
        self.directory(handle, path, Level { depth: level.depth + 1, ..level })
    }

    fn file(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CString,
        path: &[u8],
        level: Level,
        stat: &Stat,
    ) -> Result<(), GitError> {
        let known = self.known.get(path);
        let mode = self.mode(stat, known.map(|(_, entry)| entry));
        if let Some((position, entry)) = known {
            if entry.mode == mode && same_stat(entry, stat) && !self.known.is_racy(entry) {
                self.known.saw(position);
                return Ok(());
            }
        } else if !self.known.is_conflicted(path) {
            if self.is_ignored(path, level)? {
                return Ok(());
            }
            let bytes = u64::try_from(stat.st_size).unwrap_or(0);
            if bytes > LARGEST_UNTRACKED {
                self.skip(path, Why::TooLarge { bytes });
                return Ok(());
            }
        }
        let rules = !level.no_attributes;
        let stored =
            if mode == LINK { self.store.link(parent, name)? } else { self.store.file(parent, name, path, rules)? };
        match (stored, known) {
            (Ok(id), Some((position, entry))) => {
                self.known.saw(position);
                if id != entry.id || mode != entry.mode {
                    self.found.push(Found { path: path.to_vec(), mode, id });
                }
            }
            (Ok(id), None) => self.found.push(Found { path: path.to_vec(), mode, id }),
            (Err(why), known) => {
                // What cannot be read is not the same as what is not there.
                if let Some((position, _)) = known {
                    self.known.saw(position);
                }
                self.skip(path, why);
            }
        }
        Ok(())
    }

    fn mode(&self, stat: &Stat, entry: Option<&IndexEntry>) -> u32 {
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return LINK;
        }
        match entry {
            Some(entry) if !self.modes_matter && matches!(entry.mode, FILE | PROGRAM) => entry.mode,
            _ if self.modes_matter && Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR) => PROGRAM,
            _ => FILE,
        }
    }

    /// The commit a repository inside the worktree is at, if it can be opened at all.
    fn nested_head(&self, path: &[u8]) -> Option<Oid> {
        let top = self.root.join(as_path(path));
        let git_dir = super::workspace::git_dir_of(&top).ok()?;
        guard(&git_dir, &git_dir).ok()?;
        let repo = open_exactly(&top).ok()?;
        guard(repo.path(), repo.commondir()).ok()?;
        repo.head().ok()?.peel_to_commit().ok().map(|commit| commit.id())
    }

    /// Whether an untracked path is ignored. As in git, nothing below an ignored directory can be un-ignored.
    fn is_ignored(&mut self, path: &[u8], level: Level) -> Result<bool, GitError> {
        if level.no_ignore {
            return Ok(true);
        }
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let directory = path.get(..=at).unwrap_or_default();
            let ignored = match self.ignored_directories.get(directory) {
                Some(ignored) => *ignored,
                None => {
                    let ignored = self.asks_ignored(directory)?;
                    self.ignored_directories.insert(directory.to_vec(), ignored);
                    ignored
                }
            };
            if ignored {
                return Ok(true);
            }
        }
        if path.ends_with(b"/") { Ok(false) } else { self.asks_ignored(path) }
    }

    fn asks_ignored(&self, path: &[u8]) -> Result<bool, GitError> {
        self.repo.is_path_ignored(as_path(path)).map_err(GitError::lib("read the ignore rules"))
    }

    fn unreadable(&mut self, path: &[u8], errno: Errno) -> Result<(), GitError> {
        if is_ours(errno) {
            return Err(GitError::io("read", self.root.join(as_path(path)))(errno.into()));
        }
        self.skip(path, Why::Unreadable(errno.to_string()));
        Ok(())
    }

    fn skip(&mut self, path: &[u8], why: Why) {
        let path = if path.is_empty() { ".".to_owned() } else { display(path) };
        self.skipped.push(Skipped { path, why });
    }
}

fn list(handle: OwnedFd) -> Result<(Dir, Vec<(CString, FileType)>), Errno> {
    let mut directory = Dir::new(handle)?;
    let mut names = Vec::new();
    while let Some(entry) = directory.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    Ok((directory, names))
}

/// Whether opening the name, links followed, gives a regular file: anything else could block for ever.
fn reads_as_file(parent: BorrowedFd<'_>, name: &CString, kind: FileType) -> bool {
    if kind == FileType::RegularFile {
        return true;
    }
    match rustix::fs::statat(parent, name, AtFlags::empty()) {
        Ok(stat) => matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Directory),
        Err(_) => true,
    }
}

/// Whether the file is the very one the index was made from, as far as its metadata tells.
fn same_stat(entry: &IndexEntry, stat: &Stat) -> bool {
    let times = [(entry.mtime, stat.st_mtime, stat.st_mtime_nsec), (entry.ctime, stat.st_ctime, stat.st_ctime_nsec)];
    // The index keeps the low 32 bits of each.
    entry.file_size == stat.st_size as u32
        && entry.ino == stat.st_ino as u32
        && times.iter().all(|(known, seconds, nanoseconds)| {
            known.seconds() == *seconds as i32 && known.nanoseconds() == *nanoseconds as u32
        })
}

fn special(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        _ => "special file",
    }
}
