//! What a worktree holds right now, as a git tree: tracked and untracked files, minus ignored ones.
//! [`scan`] starts from the worktree's own index (read, never written) and hashes only what changed since.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid, Repository};

use super::cli::Call;
use super::error::GitError;
use super::paths::{as_path, display};
use super::repo::{Head, open_exactly, open_objects, tidy};
use super::walk::{Found, Walk};
use super::workspace::Workspace;

/// Untracked files larger than this many bytes are left out of snapshots and reported.
pub const LARGEST_UNTRACKED: u64 = 50 << 20;

const STAGE: u16 = 0x3000;
const SKIP_WORKTREE: u16 = 1 << 14;
pub(crate) const GITLINK: u32 = 0o160_000;

/// Something in the worktree that a snapshot does not hold, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The path, escaped for reading.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why a path is not in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A FIFO, socket or device; git has no way to store it. It is never opened.
    #[error("a {0}, which git cannot store")]
    Special(&'static str),
    /// An untracked file above [`LARGEST_UNTRACKED`].
    #[error("untracked and {bytes} bytes large, over the limit of {LARGEST_UNTRACKED}")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It could not be read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// A repository inside the worktree: its commit is stored as a link, the files in it are not.
    #[error("a repository of its own, stored as a link to its commit {commit}")]
    Nested {
        /// The commit its `HEAD` is at.
        commit: String,
    },
    /// A repository inside the worktree without a commit.
    #[error("a repository of its own without commits")]
    NestedEmpty,
    /// A name that git refuses to store.
    #[error("a name that git refuses: {0}")]
    IllegalName(String),
    /// Directories nested deeper than loopdash follows.
    #[error("nested deeper than {0} directories")]
    TooDeep(usize),
    /// Untracked files below cannot be told from ignored ones.
    #[error("its untracked files, because a .gitignore above them is not a regular file")]
    IgnoreUnreadable,
}

impl Why {
    /// Whether the path has content that a snapshot lacks.
    pub fn loses_content(&self) -> bool {
        !matches!(self, Self::Special(_))
    }
}

/// The answer of [`scan`].
pub(crate) struct Scanned {
    /// The tree, written to the object database.
    pub(crate) tree: Oid,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) head: Option<Head>,
}

/// Writes the worktree's content to the object database as a tree. Nothing else is changed: no index, ref or file.
pub(crate) fn scan(workspace: &Workspace) -> Result<Scanned, GitError> {
    workspace.check()?;
    let repo = open_exactly(&workspace.path)?;
    if repo.workdir().map(tidy).as_deref() != Some(workspace.path.as_path()) {
        let why = "its configuration points elsewhere".to_owned();
        return Err(GitError::WorktreeReplaced { path: workspace.path.clone(), why });
    }
    let head = Head::of(&repo).ok();
    let (mut index, written) = load_index(workspace, &repo, head.as_ref())?;
    let entries: Vec<IndexEntry> = index.iter().collect();
    // Attributes are looked up through the repository's index; this spares it opening, and failing on, the one on disk.
    repo.set_index(&mut index).map_err(GitError::lib("use the index"))?;
    let config =
        repo.config().and_then(|mut config| config.snapshot()).map_err(GitError::lib("read the configuration"))?;
    let modes_matter = config.get_bool("core.filemode").unwrap_or(true);
    let sparse = config.get_bool("core.sparsecheckout").unwrap_or(false);

    let mut walk = Walk::new(&repo, &workspace.path, Known::new(&entries, written), modes_matter);
    walk.run()?;
    let Walk { known, found, mut skipped, .. } = walk;

    // Removals first: a file may have become a directory of the same name, or the reverse.
    for (entry, seen) in entries.iter().zip(&known.seen) {
        let stage = (entry.flags & STAGE) >> 12;
        let left_out_on_purpose = sparse && entry.flags_extended & SKIP_WORKTREE != 0;
        if stage != 0 || !(*seen || left_out_on_purpose) {
            index.remove(as_path(&entry.path), i32::from(stage)).map_err(GitError::lib("build the snapshot"))?;
        }
    }
    for Found { path, mode, id } in found {
        if let Err(error) = index.add(&plain_entry(&path, mode, id)) {
            skipped.push(Skipped { path: display(&path), why: Why::IllegalName(error.message().to_owned()) });
        }
    }
    let objects = open_objects(&workspace.common_dir)?;
    let tree = index.write_tree_to(&objects).map_err(GitError::lib("write the snapshot's tree"))?;
    Ok(Scanned { tree, skipped, head })
}

/// The worktree's index and when it was written. An index this library cannot read (sparse, split) is rewritten plainly
/// beside the original; one that is missing or broken is replaced by the tree at `HEAD`, which costs a full rehash.
fn load_index(
    workspace: &Workspace,
    repo: &Repository,
    head: Option<&Head>,
) -> Result<(Index, Option<IndexTime>), GitError> {
    use std::os::unix::fs::MetadataExt;
    let path = workspace.git_dir.join("index");
    // Looked at before it is read: a newer index read afterwards only makes more files be hashed, never fewer.
    if let Ok(written) = std::fs::metadata(&path) {
        let time = IndexTime::new(written.mtime() as i32, written.mtime_nsec() as u32);
        if let Ok(index) = Index::open(&path) {
            return Ok((index, Some(time)));
        }
        if let Ok(index) = rewritten(workspace, &path) {
            return Ok((index, Some(time)));
        }
    }
    let mut index = Index::new().map_err(GitError::lib("make an index"))?;
    if let Some(commit) = head.and_then(Head::commit) {
        let tree = super::refs::tree_at(repo, commit)?;
        if let Some(tree) = tree {
            index.read_tree(&tree).map_err(GitError::lib("read the tree at HEAD"))?;
        }
    }
    Ok((index, None))
}

fn rewritten(workspace: &Workspace, path: &Path) -> Result<Index, GitError> {
    let copy = tempfile::Builder::new()
        .prefix("loopdash-index-")
        .tempfile_in(&workspace.git_dir)
        .map_err(GitError::io("make a file in", &workspace.git_dir))?;
    std::fs::copy(path, copy.path()).map_err(GitError::io("copy", path))?;
    Call::new(&workspace.path)
        .args(["-c", "index.sparse=false", "-c", "core.splitIndex=false"])
        .args(["update-index", "--no-split-index", "--force-write-index"])
        .index(copy.path())
        .run()?;
    Index::open(copy.path()).map_err(GitError::lib("read the index"))
}

fn plain_entry(path: &[u8], mode: u32, id: Oid) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_vec(),
    }
}

/// What the index says, for looking up by path.
pub(crate) struct Known<'a> {
    entries: &'a [IndexEntry],
    at: HashMap<&'a [u8], usize>,
    conflicted: HashSet<&'a [u8]>,
    written: Option<IndexTime>,
    /// Which entries were found on disk, whether changed or not.
    pub(crate) seen: Vec<bool>,
}

impl<'a> Known<'a> {
    fn new(entries: &'a [IndexEntry], written: Option<IndexTime>) -> Self {
        let mut at = HashMap::with_capacity(entries.len());
        let mut conflicted = HashSet::new();
        for (position, entry) in entries.iter().enumerate() {
            if entry.flags & STAGE == 0 {
                at.insert(entry.path.as_slice(), position);
            } else {
                conflicted.insert(entry.path.as_slice());
            }
        }
        Self { entries, at, conflicted, written, seen: vec![false; entries.len()] }
    }

    /// The entry at a path and its position.
    pub(crate) fn get(&self, path: &[u8]) -> Option<(usize, &'a IndexEntry)> {
        let position = *self.at.get(path)?;
        Some((position, self.entries.get(position)?))
    }

    /// Notes that an entry is on disk.
    pub(crate) fn saw(&mut self, position: usize) {
        if let Some(seen) = self.seen.get_mut(position) {
            *seen = true;
        }
    }

    /// A path in the middle of a merge: tracked, though it has no entry of its own.
    pub(crate) fn is_conflicted(&self, path: &[u8]) -> bool {
        self.conflicted.contains(path)
    }

    /// Whether anything below a directory (given with its trailing slash) is tracked.
    pub(crate) fn has_below(&self, directory: &[u8]) -> bool {
        let first = self.entries.partition_point(|entry| entry.path.as_slice() < directory);
        self.entries.get(first).is_some_and(|entry| entry.path.starts_with(directory))
    }

    /// Notes that everything below a directory (given with its trailing slash) is on disk, though out of reach.
    pub(crate) fn saw_below(&mut self, directory: &[u8]) {
        let first = self.entries.partition_point(|entry| entry.path.as_slice() < directory);
        for (entry, seen) in self.entries.iter().zip(&mut self.seen).skip(first) {
            if !entry.path.starts_with(directory) {
                break;
            }
            *seen = true;
        }
    }

    /// Whether a file may have changed after its metadata went into the index without the metadata showing it: times
    /// move in steps, so a file as young as the index proves nothing.
    pub(crate) fn is_racy(&self, entry: &IndexEntry) -> bool {
        match self.written {
            None => true,
            Some(written) => {
                let of = |time: IndexTime| (time.seconds(), time.nanoseconds());
                of(entry.mtime) >= of(written)
            }
        }
    }
}
