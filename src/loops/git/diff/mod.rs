//! What changed between two commits or trees: files, hunks and lines, with every size bounded.
//! [`between`] answers a [`Diff`]; its structure depends on the content alone, never on time or on the worktree.

mod sides;
mod text;
mod trees;
mod words;

use std::ops::Range;
use std::path::Path;

use git2::{Delta, DiffDelta, DiffFindOptions, DiffLineType, DiffOptions, FileMode, Odb, Oid, Patch, Repository};

use super::error::GitError;
use super::paths::display;
use super::refs::tree_at;
use super::repo::open_objects;

pub use sides::{LARGEST_SIDE, Side, sides};
pub use text::to_text;
pub(in crate::loops::git) use trees::changed;
pub use words::{Emphasis, words};

/// The id of the empty tree: stands for "nothing" on either side of a diff.
pub const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A file larger than this, in bytes, on either side is only summarised.
pub const LARGEST_FILE: usize = 1 << 20;
/// A file with more changed lines than this is only summarised.
pub const MOST_LINES: usize = 20_000;
/// Text kept for all files of one diff, in bytes; files after that are only summarised.
pub const LARGEST_DIFF: usize = 16 << 20;
/// Bounds for [`load_file`], where the reader asked for this one file.
const LARGEST_LOADED: usize = 64 << 20;
const MOST_LOADED: usize = 1_000_000;
/// Files whose content is read at all; of those after that only the names are known.
const MOST_FILES: usize = 20_000;
/// Work allowed for finding renamed files by likeness: pairs compared, and bytes read.
const RENAME_PAIRS: usize = 40_000;
const RENAME_BYTES: usize = 32 << 20;
/// Pairs compared when looking for files that were moved unchanged.
const EXACT_RENAME_PAIRS: usize = 1_000_000;

/// The difference between two trees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Changed files in path order.
    pub files: Vec<FileDiff>,
    /// Lines added in all files that could be counted.
    pub insertions: usize,
    /// Lines removed in all files that could be counted.
    pub deletions: usize,
}

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// Its content or mode changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another path, and maybe other content.
    Renamed,
    /// It was a file and is a symbolic link now, or the like.
    TypeChanged,
    /// A submodule or nested repository: a link to a commit was added, moved or removed.
    Gitlink,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path (the new one of a renamed file), escaped for reading.
    pub path: String,
    /// The path as git has it.
    pub path_bytes: Vec<u8>,
    /// The path it had, when renamed; escaped for reading.
    pub old_path: Option<String>,
    /// How it changed.
    pub status: Status,
    /// Lines added; 0 when not counted (`binary`, or too large to be read).
    pub insertions: usize,
    /// Lines removed; 0 when not counted.
    pub deletions: usize,
    /// Either side holds NUL bytes near its start; attributes set in the repository have no say in this.
    pub binary: bool,
    /// Too large to be shown unasked: `hunks` is empty, [`load_file`] gives them.
    pub too_large: bool,
    /// File modes before and after, as git has them (octal); 0 when there is no file.
    pub modes: (u32, u32),
    /// Ids of the contents before and after; all zeros when there is no file. For a gitlink these are commits.
    pub ids: (String, String),
    /// The changes.
    pub hunks: Vec<Hunk>,
    /// The text of all lines; bytes that are no UTF-8 are replaced. It is agent output: strip it before it reaches a
    /// terminal.
    pub text: String,
}

impl FileDiff {
    /// The text of one of its lines, without the line end.
    pub fn line(&self, line: &Line) -> &str {
        self.text.get(line.text.clone()).unwrap_or_default()
    }
}

/// A run of changed lines with three lines around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// `@@ -1,3 +1,4 @@`.
    pub header: String,
    /// First line before, counted from 1.
    pub old_start: u32,
    /// First line after, counted from 1.
    pub new_start: u32,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// On both sides.
    Context,
    /// Only after.
    Added,
    /// Only before.
    Removed,
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// Its number before, counted from 1.
    pub old_no: Option<u32>,
    /// Its number after, counted from 1.
    pub new_no: Option<u32>,
    /// Where its text is in [`FileDiff::text`].
    pub text: Range<usize>,
    /// The file ends here without a line end.
    pub no_newline: bool,
}

/// Compares two commits or trees of a repository, given by full id; [`EMPTY`] stands for nothing.
///
/// # Errors
/// [`GitError::BadRevision`] when an id is neither, and failures to read the repository.
pub fn between(common_dir: &Path, from: &str, to: &str) -> Result<Diff, GitError> {
    compare(&open_objects(common_dir)?, from, to, true)
}

/// Reads the hunks of a file that [`between`] only summarised. Still bounded: a file over 64 MB or with over a million
/// changed lines stays a summary.
///
/// # Errors
/// Failures to read the repository.
pub fn load_file(common_dir: &Path, file: &FileDiff) -> Result<FileDiff, GitError> {
    let repo = open_objects(common_dir)?;
    let odb = repo.odb().map_err(GitError::lib("open the object database"))?;
    let mut loaded = FileDiff { too_large: false, ..file.clone() };
    let mut room = LARGEST_LOADED;
    fill(&odb, &mut loaded, &mut Bounds { file: LARGEST_LOADED, lines: MOST_LOADED, room: Some(&mut room) })?;
    Ok(loaded)
}

/// As [`between`], on an open repository without worktree; without hunks when only the counts are wanted.
pub(crate) fn compare(repo: &Repository, from: &str, to: &str, with_hunks: bool) -> Result<Diff, GitError> {
    let Some(mut found) = compare_names(repo, from, to)? else { return Ok(Diff::default()) };
    let odb = repo.odb().map_err(GitError::lib("open the object database"))?;
    find_renames(&odb, &mut found)?;

    let mut diff = Diff::default();
    let mut room = LARGEST_DIFF;
    for (position, delta) in found.deltas().enumerate() {
        let Some(mut file) = named(&delta) else { continue };
        if position < MOST_FILES {
            let room = if with_hunks { Some(&mut room) } else { None };
            fill(&odb, &mut file, &mut Bounds { file: LARGEST_FILE, lines: MOST_LINES, room })?;
        } else {
            file.too_large = true;
        }
        diff.insertions += file.insertions;
        diff.deletions += file.deletions;
        diff.files.push(file);
    }
    diff.files.sort_by(|a, b| a.path_bytes.cmp(&b.path_bytes));
    Ok(diff)
}

/// Which files differ; none when no file does.
fn compare_names<'a>(repo: &'a Repository, from: &str, to: &str) -> Result<Option<git2::Diff<'a>>, GitError> {
    let (old, new) = (tree_at(repo, from)?, tree_at(repo, to)?);
    let mut options = DiffOptions::new();
    options.include_typechange(true).skip_binary_check(true).disable_pathspec_match(true);
    // The library reads every tree of both sides; told where to look, it reads a few.
    if let Some(places) = trees::changed(repo, old.as_ref(), new.as_ref())? {
        if places.is_empty() {
            return Ok(None);
        }
        for place in places {
            options.pathspec(place);
        }
    }
    let found = repo.diff_tree_to_tree(old.as_ref(), new.as_ref(), Some(&mut options));
    found.map(Some).map_err(GitError::lib("compare trees"))
}

/// How many files differ between two trees.
pub(crate) fn count(repo: &Repository, from: &str, to: &str) -> Result<usize, GitError> {
    Ok(compare_names(repo, from, to)?.map_or(0, |found| found.deltas().len()))
}

/// Pairs deleted files with added ones. Comparing contents is quadratic, so the work is bounded by count and size.
fn find_renames(odb: &Odb<'_>, diff: &mut git2::Diff<'_>) -> Result<(), GitError> {
    let (mut added, mut deleted, mut bytes) = (0_usize, 0_usize, 0_usize);
    for delta in diff.deltas() {
        let id = match delta.status() {
            Delta::Added => {
                added += 1;
                delta.new_file().id()
            }
            Delta::Deleted => {
                deleted += 1;
                delta.old_file().id()
            }
            _ => continue,
        };
        if added.saturating_mul(deleted) <= RENAME_PAIRS && bytes <= RENAME_BYTES {
            bytes = bytes.saturating_add(odb.read_header(id).map_or(0, |(size, _)| size));
        }
    }
    let pairs = added.saturating_mul(deleted);
    if pairs == 0 || pairs > EXACT_RENAME_PAIRS {
        return Ok(());
    }
    let mut options = DiffFindOptions::new();
    options.renames(true).rename_limit(1_000);
    options.exact_match_only(pairs > RENAME_PAIRS || bytes > RENAME_BYTES);
    diff.find_similar(Some(&mut options)).map_err(GitError::lib("look for renamed files"))
}

fn named(delta: &DiffDelta<'_>) -> Option<FileDiff> {
    let (old, new) = (delta.old_file(), delta.new_file());
    let path = new.path_bytes().or_else(|| old.path_bytes())?;
    let is_link = |mode: FileMode| mode == FileMode::Commit;
    let status = match delta.status() {
        _ if is_link(old.mode()) || is_link(new.mode()) => Status::Gitlink,
        Delta::Added => Status::Added,
        Delta::Deleted => Status::Deleted,
        Delta::Renamed => Status::Renamed,
        Delta::Typechange => Status::TypeChanged,
        Delta::Unmodified => return None,
        _ => Status::Modified,
    };
    let old_path = if status == Status::Renamed { old.path_bytes().map(display) } else { None };
    Some(FileDiff {
        path: display(path),
        path_bytes: path.to_vec(),
        old_path,
        status,
        insertions: 0,
        deletions: 0,
        binary: false,
        too_large: false,
        modes: (u32::from(old.mode()), u32::from(new.mode())),
        ids: (old.id().to_string(), new.id().to_string()),
        hunks: Vec::new(),
        text: String::new(),
    })
}

struct Bounds<'a> {
    /// Bytes of one file.
    file: usize,
    /// Changed lines of one file.
    lines: usize,
    /// Bytes of text left for the whole diff; none when only counts are wanted.
    room: Option<&'a mut usize>,
}

/// Reads the contents and counts, or keeps, the changed lines.
fn fill(odb: &Odb<'_>, file: &mut FileDiff, bounds: &mut Bounds<'_>) -> Result<(), GitError> {
    if file.status == Status::Gitlink || file.ids.0 == file.ids.1 {
        return Ok(());
    }
    let (Some(old), Some(new)) = (content(odb, &file.ids.0, bounds.file)?, content(odb, &file.ids.1, bounds.file)?)
    else {
        file.too_large = true;
        return Ok(());
    };
    if is_binary(&old) || is_binary(&new) {
        file.binary = true;
        return Ok(());
    }
    let mut options = DiffOptions::new();
    options.context_lines(3).interhunk_lines(0).force_text(true).indent_heuristic(true);
    let patch =
        Patch::from_buffers(&old, None, &new, None, Some(&mut options)).map_err(GitError::lib("compare a file"))?;
    let (_, insertions, deletions) = patch.line_stats().map_err(GitError::lib("count lines"))?;
    (file.insertions, file.deletions) = (insertions, deletions);
    let Some(room) = bounds.room.as_deref_mut() else { return Ok(()) };
    if insertions + deletions > bounds.lines || *room < old.len().max(new.len()) {
        file.too_large = true;
        return Ok(());
    }
    (file.hunks, file.text) = hunks(&patch).map_err(GitError::lib("read a hunk"))?;
    *room = room.saturating_sub(file.text.len());
    Ok(())
}

/// The bytes of a blob; none when it is larger than `largest`.
fn content(odb: &Odb<'_>, id: &str, largest: usize) -> Result<Option<Vec<u8>>, GitError> {
    let failed = "read a file's content";
    let id = Oid::from_str(id).map_err(GitError::lib(failed))?;
    if id.is_zero() {
        return Ok(Some(Vec::new()));
    }
    let (size, _) = odb.read_header(id).map_err(GitError::lib(failed))?;
    if size > largest {
        return Ok(None);
    }
    odb.read(id).map(|object| Some(object.data().to_vec())).map_err(GitError::lib(failed))
}

fn is_binary(content: &[u8]) -> bool {
    memchr::memchr(0, content.get(..8_000).unwrap_or(content)).is_some()
}

fn hunks(patch: &Patch<'_>) -> Result<(Vec<Hunk>, String), git2::Error> {
    let (mut hunks, mut text) = (Vec::new(), String::new());
    for position in 0..patch.num_hunks() {
        let (header, count) = patch.hunk(position)?;
        let mut hunk = Hunk {
            header: String::from_utf8_lossy(header.header()).trim_end().to_owned(),
            old_start: header.old_start(),
            new_start: header.new_start(),
            lines: Vec::with_capacity(count),
        };
        for number in 0..count {
            let line = patch.line_in_hunk(position, number)?;
            let kind = match line.origin_value() {
                DiffLineType::Context => LineKind::Context,
                DiffLineType::Addition => LineKind::Added,
                DiffLineType::Deletion => LineKind::Removed,
                DiffLineType::ContextEOFNL | DiffLineType::AddEOFNL | DiffLineType::DeleteEOFNL => {
                    if let Some(last) = hunk.lines.last_mut() {
                        last.no_newline = true;
                    }
                    continue;
                }
                _ => continue,
            };
            let content = line.content();
            let from = text.len();
            text.push_str(&String::from_utf8_lossy(content.strip_suffix(b"\n").unwrap_or(content)));
            let (old_no, new_no) = (line.old_lineno(), line.new_lineno());
            hunk.lines.push(Line { kind, old_no, new_no, text: from..text.len(), no_newline: false });
        }
        hunks.push(hunk);
    }
    Ok((hunks, text))
}

#[cfg(test)]
mod tests;
