//! Putting the content of files and links into the object database, without following or blocking on anything.
//! A [`Store`] is handed open directories and single names, never paths.

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;

use git2::{Oid, Repository};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::error::GitError;
use super::paths::as_path;
use super::scan::Why;

const CONTENT: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
/// Content up to this size, in bytes, is stored from memory.
const AT_ONCE: u64 = 8 << 20;

/// The name that git gives to these bytes as a file's content; `None` only where they cannot be hashed.
pub fn blob_name(bytes: &[u8]) -> Option<String> {
    Some(Oid::hash_object(git2::ObjectType::Blob, bytes).ok()?.to_string())
}

/// Writes blobs for one worktree.
pub(crate) struct Store<'a> {
    repo: &'a Repository,
    root: &'a Path,
    chunk: Vec<u8>,
}

impl<'a> Store<'a> {
    pub(crate) fn new(repo: &'a Repository, root: &'a Path) -> Self {
        Self { repo, root, chunk: vec![0; 64 << 10] }
    }

    /// Stores a symbolic link: the text it holds, not what it points to.
    pub(crate) fn link(&self, parent: BorrowedFd<'_>, name: &CString) -> Result<Result<Oid, Why>, GitError> {
        match rustix::fs::readlinkat(parent, name, Vec::new()) {
            Ok(target) => self.repo.blob(target.as_bytes()).map(Ok).map_err(GitError::lib("store a link")),
            Err(errno) => Ok(Err(Why::Unreadable(errno.to_string()))),
        }
    }

    /// Stores a file's content, through the line-ending and `$Id$` rules that are built into git and through no program.
    /// Without `rules` it is stored as it is. The inner error is the file's, the outer one ours.
    pub(crate) fn file(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CString,
        path: &[u8],
        rules: bool,
    ) -> Result<Result<Oid, Why>, GitError> {
        let mut file = match rustix::fs::openat(parent, name, CONTENT, Mode::empty()) {
            Ok(handle) => File::from(handle),
            Err(errno) if is_ours(errno) => return Err(GitError::io("open a file in", self.root)(errno.into())),
            Err(errno) => return Ok(Err(Why::Unreadable(errno.to_string()))),
        };
        match file.metadata() {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Ok(Err(Why::Special("file that changed its kind"))),
            Err(error) => return Ok(Err(Why::Unreadable(error.to_string()))),
        }
        let mut start = Vec::new();
        if let Err(error) = Read::by_ref(&mut file).take(AT_ONCE + 1).read_to_end(&mut start) {
            return Ok(Err(Why::Unreadable(error.to_string())));
        }
        let whole = start.len() as u64 <= AT_ONCE;
        if whole && (!rules || is_beyond_rules(&start)) {
            return self.repo.blob(&start).map(Ok).map_err(GitError::lib("store a file"));
        }
        let hint = if rules { Some(as_path(path)) } else { None };
        match self.stream(&start, &mut file, hint, path) {
            // Rules may refuse a content (`core.safecrlf`); it is stored as it is then.
            Err(GitError::Library { .. }) if hint.is_some() => {
                if let Err(error) = file.seek(SeekFrom::Start(start.len() as u64)) {
                    return Ok(Err(Why::Unreadable(error.to_string())));
                }
                self.stream(&start, &mut file, None, path)
            }
            other => other,
        }
    }

    /// Writes a content piece by piece; slower than at once, as git keeps it in a second file meanwhile.
    fn stream(
        &mut self,
        start: &[u8],
        rest: &mut File,
        hint: Option<&Path>,
        path: &[u8],
    ) -> Result<Result<Oid, Why>, GitError> {
        let failed = || GitError::io("store in the repository a copy of", self.root.join(as_path(path)));
        let mut writer = self.repo.blob_writer(hint).map_err(GitError::lib("store a file"))?;
        writer.write_all(start).map_err(failed())?;
        loop {
            match rest.read(&mut self.chunk) {
                Ok(0) => break,
                Ok(count) => writer.write_all(self.chunk.get(..count).unwrap_or_default()).map_err(failed())?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Err(Why::Unreadable(error.to_string()))),
            }
        }
        writer.commit().map(Ok).map_err(GitError::lib("store a file"))
    }
}

/// Whether git's built-in rules leave the content alone whatever the attributes say: on the way in they only ever take
/// out carriage returns and shorten `$Id: ...$`.
fn is_beyond_rules(content: &[u8]) -> bool {
    memchr::memchr(b'\r', content).is_none() && memchr::memmem::find(content, b"$Id").is_none()
}

/// Failures that say something about this process or the machine, not about the file.
pub(crate) fn is_ours(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO)
}
