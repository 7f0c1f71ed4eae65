//! Whether the work of several runs, and that of one and its target, can be joined: merges tried in memory.
//! [`collide`] reads what the sides have changed and nothing else of the repository, and writes nothing.

mod hunks;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, IndexConflict, IndexEntry, MergeOptions, ObjectType, Oid, Repository, Tree};

use super::diff::{EMPTY, changed};
use super::error::GitError;
use super::paths::display;
use super::refs::commit_at;
use super::repo::{Head, open_objects};
use crate::loops::core::collision::{Clash, Landing, Meeting};
use hunks::Looking;

/// A file larger than this, in bytes, is not looked into: it conflicts in one place.
pub(super) const LARGEST: usize = 1 << 20;
/// Above every store of the repository: what a merge writes stays in memory.
const FIRST: i32 = 1_000;

/// A run's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The commit it began at, or [`EMPTY`].
    pub base: String,
    /// The commit of its last snapshot.
    pub commit: String,
}

/// What [`collide`] is asked for.
#[derive(Debug, Clone)]
pub struct Collide {
    /// The git directory of the repository.
    pub common_dir: PathBuf,
    /// The run's work.
    pub mine: Work,
    /// That of others.
    pub others: Vec<Work>,
    /// The branch to land on; where the checkout stands when absent, or when there is no such branch.
    pub target: Option<String>,
}

/// Tries to join a run's work with that of each of the others, in their order, and with its target.
///
/// # Errors
/// [`GitError::BadRevision`] when a commit is gone, and failures to read the repository.
pub fn collide(wish: &Collide) -> Result<(Vec<Meeting>, Option<Landing>), GitError> {
    let repo = open_in_memory(&wish.common_dir)?;
    let others = wish.others.iter().map(|other| meeting(&repo, &wish.mine, other)).collect::<Result<_, _>>()?;
    let landing = match target(&repo, &wish.common_dir, wish.target.as_deref())? {
        Some((branch, commit)) => {
            let base = ancestor(&repo, &wish.mine.base, &commit)?;
            let meeting = meeting(&repo, &wish.mine, &Work { base, commit: commit.clone() })?;
            Some(Landing { branch, commit, meeting })
        }
        None => None,
    };
    Ok((others, landing))
}

/// A repository's objects; what is written goes to memory.
pub(super) fn open_in_memory(common_dir: &Path) -> Result<Repository, GitError> {
    let repo = open_objects(common_dir)?;
    repo.odb()
        .map_err(GitError::lib("open the object database"))?
        .add_new_mempack_backend(FIRST)
        .map_err(GitError::lib("keep a merge in memory"))?;
    Ok(repo)
}

/// The branch that a run's work would land on, and its commit.
pub(super) fn target(
    repo: &Repository,
    common_dir: &Path,
    name: Option<&str>,
) -> Result<Option<(String, String)>, GitError> {
    let tip = |branch: &str| repo.refname_to_id(&format!("refs/heads/{branch}")).ok().map(|id| id.to_string());
    if let Some((name, commit)) = name.and_then(|name| Some((name, tip(name)?))) {
        return Ok(Some((name.to_owned(), commit)));
    }
    let here = Repository::open(common_dir).map_err(GitError::lib("open the repository"))?;
    let head = Head::of(&here)?;
    Ok(head.branch().and_then(|branch| Some((branch.to_owned(), tip(branch)?))))
}

/// The branches, each with its commit, that work with these targets would land on now.
///
/// # Errors
/// Failures to read the repository.
pub fn targets(common_dir: &Path, names: &[Option<String>]) -> Result<Vec<Option<(String, String)>>, GitError> {
    let repo = open_objects(common_dir)?;
    names.iter().map(|name| target(&repo, common_dir, name.as_deref())).collect()
}

/// The commit from which both sides come; [`EMPTY`] where there is none.
pub(super) fn ancestor(repo: &Repository, one: &str, other: &str) -> Result<String, GitError> {
    if one == EMPTY || other == EMPTY || one == other {
        return Ok(if one == other { one } else { EMPTY }.to_owned());
    }
    let (one, other) = (commit_at(repo, one)?.id(), commit_at(repo, other)?.id());
    Ok(repo.merge_base(one, other).map_or_else(|_| EMPTY.to_owned(), |id| id.to_string()))
}

fn meeting(repo: &Repository, mine: &Work, other: &Work) -> Result<Meeting, GitError> {
    let tree = |id: &str| tree_of(repo, id);
    let base = tree(&ancestor(repo, &mine.base, &other.base)?)?;
    let (ours, theirs) = (tree(&mine.commit)?, tree(&other.commit)?);
    let by_us = changed(repo, Some(&tree(&mine.base)?), Some(&ours))?;
    let by_them = changed(repo, Some(&tree(&other.base)?), Some(&theirs))?;
    let shared = match (&by_us, &by_them) {
        (Some(us), Some(them)) => Some(Shared::of(us, them)),
        // One of them has changed more than can be told apart.
        _ => None,
    };
    if shared.as_ref().is_some_and(|shared| shared.0.is_empty()) {
        return Ok(Meeting::default());
    }
    // The library reads the whole of all three trees, so it gets only what differs in them.
    let places = [&ours, &theirs].map(|side| changed(repo, Some(&base), Some(side)));
    let [ours_changed, theirs_changed] = places;
    let small = match (ours_changed?, theirs_changed?) {
        (Some(us), Some(them)) => {
            let places: BTreeSet<Vec<u8>> = us.into_iter().chain(them).collect();
            let part = |tree: &Tree<'_>| part(repo, tree, &places);
            Some((part(&base)?, part(&ours)?, part(&theirs)?))
        }
        _ => None,
    };
    let (base, ours, theirs) = small.unwrap_or((base, ours, theirs));
    let mut options = MergeOptions::new();
    options.find_renames(true).fail_on_conflict(false);
    let failed = GitError::lib("try a merge");
    let index = repo.merge_trees(&base, &ours, &theirs, Some(&options)).map_err(failed)?;
    let mut files: Vec<Clash> = Vec::new();
    let mut named: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for conflict in index.conflicts().map_err(GitError::lib("read a merge's conflicts"))? {
        let conflict = conflict.map_err(GitError::lib("read a merge's conflicts"))?;
        let sides = [&conflict.our, &conflict.their, &conflict.ancestor];
        let mut paths = sides.into_iter().flatten().map(|entry| entry.path.as_slice());
        let theirs_too = |path: &[u8]| shared.as_ref().is_none_or(|shared| shared.holds(path));
        if let Some(path) = paths.clone().next()
            && paths.any(theirs_too)
        {
            named.insert(display(path), path.to_vec());
            files.push(Clash::new(display(path), places_of(repo, &conflict)));
        }
    }
    files.sort();
    files.dedup_by(|b, a| a.path == b.path);
    for path in shared.into_iter().flat_map(|shared| shared.0) {
        if let Entry::Vacant(free) = named.entry(display(&path)) {
            files.push(Clash::new(free.key().clone(), 0));
            free.insert(path);
        }
    }
    let mut meeting = Meeting::new(files);
    let mut looking = Looking::new(repo, [&base, &ours, &theirs]);
    for clash in &mut meeting.files {
        if let Some(path) = named.get(&clash.path) {
            *clash = std::mem::take(clash).at(looking.stretches(path));
        }
    }
    meeting.rank();
    Ok(meeting)
}

/// The paths that both sides have changed.
struct Shared(BTreeSet<Vec<u8>>);

impl Shared {
    fn of(us: &[Vec<u8>], them: &[Vec<u8>]) -> Self {
        let theirs: BTreeSet<&[u8]> = them.iter().map(Vec::as_slice).collect();
        let ours: BTreeSet<&[u8]> = us.iter().map(Vec::as_slice).collect();
        // A directory that only one side has stands for all below it.
        let within = |path: &[u8], others: &BTreeSet<&[u8]>| {
            let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            above.chain([path.len()]).any(|at| path.get(..at).is_some_and(|path| others.contains(path)))
        };
        let from_us = us.iter().filter(|path| within(path, &theirs));
        let from_them = them.iter().filter(|path| within(path, &ours));
        Self(from_us.chain(from_them).cloned().collect())
    }

    fn holds(&self, path: &[u8]) -> bool {
        self.0.iter().any(|shared| {
            let (long, short) =
                if path.len() > shared.len() { (path, shared.as_slice()) } else { (shared.as_slice(), path) };
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }
}

/// The tree of a commit, or the empty one.
pub(super) fn tree_of<'a>(repo: &'a Repository, id: &str) -> Result<Tree<'a>, GitError> {
    if id == EMPTY {
        let empty = Oid::from_str(EMPTY).and_then(|id| repo.find_tree(id));
        return empty.map_err(GitError::lib("read the empty tree"));
    }
    commit_at(repo, id)?.tree().map_err(GitError::lib("read a tree"))
}

/// A tree of what another one has at these places, in memory.
pub(super) fn part<'a>(
    repo: &'a Repository,
    tree: &Tree<'_>,
    places: &BTreeSet<Vec<u8>>,
) -> Result<Tree<'a>, GitError> {
    let failed = || GitError::lib("put a tree together");
    let mut builder = TreeUpdateBuilder::new();
    for place in places {
        let Ok(entry) = tree.get_path(super::paths::as_path(place)) else { continue };
        if entry.kind() != Some(ObjectType::Tree) {
            builder.upsert(place.as_slice(), entry.id(), mode(entry.filemode()));
            continue;
        }
        let mut open = vec![(place.clone(), entry.id())];
        while let Some((path, id)) = open.pop() {
            for entry in &repo.find_tree(id).map_err(failed())? {
                let path = [path.as_slice(), b"/", entry.name_bytes()].concat();
                match entry.kind() {
                    Some(ObjectType::Tree) => open.push((path, entry.id())),
                    _ => drop(builder.upsert(path, entry.id(), mode(entry.filemode()))),
                }
            }
        }
    }
    let id = builder.create_updated(repo, &tree_of(repo, EMPTY)?).map_err(failed())?;
    repo.find_tree(id).map_err(failed())
}

const fn mode(mode: i32) -> FileMode {
    match mode {
        0o100_755 => FileMode::BlobExecutable,
        0o120_000 => FileMode::Link,
        0o160_000 => FileMode::Commit,
        _ => FileMode::Blob,
    }
}

/// In how many places of a file a merge stops; 1 where a whole file is in question.
fn places_of(repo: &Repository, conflict: &IndexConflict) -> u32 {
    let IndexConflict { ancestor: Some(ancestor), our: Some(our), their: Some(their) } = conflict else { return 1 };
    let is_text = |entry: &IndexEntry| {
        repo.find_blob(entry.id).is_ok_and(|blob| !blob.is_binary() && blob.size() <= LARGEST && blob.size() > 0)
    };
    if ![ancestor, our, their].into_iter().all(is_text) {
        return 1;
    }
    let merged = repo.merge_file_from_index(ancestor, our, their, None);
    let marks = |text: &[u8]| text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"<<<<<<<")).count();
    // Without any mark there is no text to look at.
    let places = merged.ok().filter(|merged| !merged.is_automergeable()).map_or(1, |merged| marks(merged.content()));
    u32::try_from(places).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests;
