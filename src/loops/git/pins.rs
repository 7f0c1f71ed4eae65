//! Pins: what keeps commits alive while a step runs, and puts our own refs back where somebody took them away.
//! [`begin`] and [`end`] go around a step; [`hold`] goes by the journal, for what happened while nobody looked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use git2::{ObjectType, Odb, Oid, Repository};

use super::diff::EMPTY;
use super::error::GitError;
use super::names::kept_ref;
use super::refs::{self, Fate, Foreign, OURS, RefsSeen, compare, observe};
use super::repo::open_objects;
use super::trash;

/// The last part of the ref that pins what all others are at while a step runs.
const TIPS: &str = "tips";
/// More refs than this that lost their place are kept by one ref of ours, as a whole.
const EACH: usize = 8;

/// What [`begin`] saw.
#[derive(Debug, Clone, Default)]
pub struct Begun {
    /// The repository as it was.
    pub seen: RefsSeen,
    /// The commit that has all that refs were at as its parents; none if it could not be pinned.
    pub tips: Option<String>,
    /// Why not.
    pub unpinned: Option<String>,
}

/// What happened between [`begin`] and [`end`].
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// What changed that is not the run's, and which of our refs had to be put back.
    pub foreign: Vec<Foreign>,
    /// The ref that keeps all that refs were at, if too many changed to keep each.
    pub all: Option<String>,
    /// Commits that only our refs kept, and that are gone.
    pub lost: Vec<String>,
}

/// What [`hold`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Refs that were missing and are back.
    pub back: Vec<String>,
    /// Refs whose commits are gone from the repository, and the commits.
    pub lost: Vec<(String, String)>,
}

/// Looks at a repository, and pins what its refs and its stash are at under `refs/loopdash/<run>/tips`, until [`end`]:
/// whoever deletes a branch and collects garbage meanwhile destroys nothing. Refs of remotes are not pinned.
///
/// # Errors
/// When the repository cannot be looked at. That it could not be pinned is no error: it is told.
pub(super) fn begin(common_dir: &Path, run: &str) -> Result<Begun, GitError> {
    let seen = observe(common_dir)?;
    let repo = open_objects(common_dir)?;
    Ok(match pin(&repo, run, &seen) {
        Ok(tips) => Begun { seen, tips: Some(tips.to_string()), unpinned: None },
        Err(error) => Begun { seen, tips: None, unpinned: Some(error.to_string()) },
    })
}

/// Looks again: what changed apart from `own` (full ref names), with what its refs were at kept in the trash, and our own
/// refs put back. Those of another run only count while that run's directory is in `runs`: what `loopdash clean` removes
/// shall stay removed.
///
/// # Errors
/// When the repository cannot be looked at.
pub(super) fn end(
    common_dir: &Path,
    begun: &Begun,
    run: &str,
    own: &[String],
    runs: &Path,
) -> Result<Touched, GitError> {
    let repo = open_objects(common_dir)?;
    let after = observe(common_dir)?;
    let mut touched = Touched::default();
    put_back(&repo, &begun.seen, &after, run, runs, &mut touched)?;
    let mut foreign = compare(&begun.seen, &after, run, own);
    rescue(&repo, begun, run, &mut foreign, &mut touched)?;
    touched.foreign.append(&mut foreign);
    if let Ok(mut pinned) = repo.find_reference(&kept_ref(run, TIPS)?) {
        // One that stays keeps more than it has to, until the next step.
        let _ = pinned.delete();
    }
    Ok(touched)
}

/// Sees to it that refs of ours are where the journal says, given as full names and their commits.
///
/// # Errors
/// When a ref cannot be written, for another reason than that its commit is gone.
pub(super) fn hold(common_dir: &Path, kept: &BTreeMap<String, String>) -> Result<Held, GitError> {
    let repo = open_objects(common_dir)?;
    let mut held = Held::default();
    for (name, commit) in kept.iter().filter(|(name, commit)| name.starts_with(OURS) && *commit != EMPTY) {
        let Some(id) = living(&repo, commit) else {
            held.lost.push((name.clone(), commit.clone()));
            continue;
        };
        let there = repo.refname_to_id(name).ok();
        // A snapshot taken again, of which the journal does not know yet, has the one before in its history.
        let leads = |there| there == id || repo.graph_descendant_of(there, id).unwrap_or(false);
        if !there.is_some_and(leads) {
            refs::point(&repo, name, id).map_err(GitError::lib("put a ref back"))?;
            held.back.push(name.clone());
        }
    }
    Ok(held)
}

/// The commit, if it and its tree are in the repository.
fn living(repo: &Repository, commit: &str) -> Option<Oid> {
    let found = repo.find_commit(Oid::from_str(commit).ok()?).ok()?;
    found.tree().is_ok().then(|| found.id())
}

/// Writes a commit that has everything as its parents, and points our ref at it. The same refs give the same commit,
/// which is written once. A tag has no place among parents: its text is kept in the tree.
fn pin(repo: &Repository, run: &str, seen: &RefsSeen) -> Result<Oid, GitError> {
    let failed = "pin what refs are at";
    let odb = repo.odb().map_err(GitError::lib(failed))?;
    let mut parents = BTreeSet::new();
    let (mut tags, mut others, mut list) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let named = seen.refs.iter().filter(|(name, _)| !name.starts_with("refs/remotes/"));
    let entries = seen.stash.iter().map(|id| ("stash", id.as_str()));
    for (name, value) in named.map(|(name, value)| (name.as_str(), value.as_str())).chain(entries) {
        list.extend_from_slice(format!("{value} {name}\n").as_bytes());
        let Ok(id) = Oid::from_str(value) else { continue };
        // What a broken ref names cannot be pinned: a missing parent would stop the operator's own `git gc`.
        let Ok((_, kind)) = odb.read_header(id) else { continue };
        match kind {
            ObjectType::Commit => drop(parents.insert(id)),
            ObjectType::Tag => {
                let tag = odb.read(id).map_err(GitError::lib(failed))?;
                tags.insert(id, tag.data().to_vec());
                let target = repo.find_object(id, None).and_then(|tag| tag.peel_to_commit());
                parents.extend(target.map(|commit| commit.id()));
            }
            kind => drop(others.insert(id, kind)),
        }
    }
    let mut tree = repo.treebuilder(None).map_err(GitError::lib(failed))?;
    let mut add = |name: &str, id: Oid, mode| tree.insert(name, id, mode).map(drop).map_err(GitError::lib(failed));
    let texts = tags.iter().flat_map(|(id, text)| [format!("{id} {}\n", text.len()).as_bytes(), text, b"\n"].concat());
    for (name, content) in [("refs", list), (TAGS, texts.collect())] {
        add(name, odb.write(ObjectType::Blob, &content).map_err(GitError::lib(failed))?, 0o100_644)?;
    }
    for (id, kind) in others {
        add(&id.to_string(), id, if kind == ObjectType::Tree { 0o040_000 } else { 0o100_644 })?;
    }
    let tree = tree.write().map_err(GitError::lib(failed))?;
    let mut commit = format!("tree {tree}\n");
    commit.extend(parents.iter().map(|parent| format!("parent {parent}\n")));
    // No time and no run in it: the same refs are the same commit.
    commit
        .push_str("author loopdash <loopdash@localhost> 0 +0000\ncommitter loopdash <loopdash@localhost> 0 +0000\n\n");
    commit.push_str("loopdash: what all refs were at before a step\n");
    let id = odb.write(ObjectType::Commit, commit.as_bytes()).map_err(GitError::lib(failed))?;
    refs::point(repo, &kept_ref(run, TIPS)?, id).map_err(GitError::lib(failed))?;
    Ok(id)
}

/// The file of the pinned tree with the text of each annotated tag: its id, its length, then so many bytes.
const TAGS: &str = "tags";

/// Puts back those of our refs that were moved or deleted.
fn put_back(
    repo: &Repository,
    before: &RefsSeen,
    after: &RefsSeen,
    run: &str,
    runs: &Path,
    touched: &mut Touched,
) -> Result<(), GitError> {
    let tips = kept_ref(run, TIPS)?;
    for (name, commit) in before.ours.iter().filter(|(name, _)| **name != tips) {
        let now = after.ours.get(name);
        let own = owner(name) == Some(run);
        if now == Some(commit) || owner(name).is_none() {
            continue;
        }
        // Another run moves its own refs itself, and a run that was cleaned away takes them along.
        let theirs = || now.is_none() && owner(name).is_some_and(|other| runs.join(other).is_dir());
        if !own && (name.ends_with("/tips") || !theirs()) {
            continue;
        }
        let fate = match living(repo, commit) {
            Some(id) => refs::point(repo, name, id).map(|()| Fate::PutBack).map_err(GitError::lib("put a ref back"))?,
            None => Fate::Gone,
        };
        if own && fate == Fate::Gone {
            touched.lost.push(commit.clone());
        }
        let (name, before, after) = (name.clone(), Some(commit.clone()), now.cloned());
        touched.foreign.push(Foreign { name, before, after, fate });
    }
    Ok(())
}

/// The run that a ref of ours belongs to.
fn owner(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(OURS)?;
    rest.strip_prefix("trash/").unwrap_or(rest).split_once('/').map(|(run, _)| run)
}

/// Keeps in the trash what refs were at before they were moved or deleted, unless something else has it in its history.
fn rescue(
    repo: &Repository,
    begun: &Begun,
    run: &str,
    foreign: &mut [Foreign],
    touched: &mut Touched,
) -> Result<(), GitError> {
    let odb = repo.odb().map_err(GitError::lib("open the objects"))?;
    let value = |text: &Option<String>| text.as_deref().and_then(|text| Oid::from_str(text).ok());
    let harmed = |change: &&mut Foreign| change.does_harm() && change.is_ref() && change.before.is_some();
    let many = foreign.iter_mut().filter(harmed).count() > EACH;
    let tips = begun.tips.as_deref().and_then(|tips| living(repo, tips));
    if let Some(tips) = tips.filter(|_| many) {
        touched.all = Some(trash::point(repo, run, tips)?);
    }
    for change in foreign.iter_mut().filter(harmed) {
        let Some(old) = value(&change.before) else { continue };
        let follows = |new| repo.graph_descendant_of(new, old).unwrap_or(false);
        if value(&change.after).is_some_and(follows) {
            continue;
        }
        let there = odb.exists(old) || tips.is_some_and(|tips| write_tag(repo, &odb, tips, old));
        change.fate = match &touched.all {
            _ if !there => Fate::Gone,
            Some(all) => Fate::KeptBy(all.clone()),
            None => Fate::KeptBy(trash::point(repo, run, old)?),
        };
    }
    Ok(())
}

/// Writes an annotated tag again whose text was pinned.
fn write_tag(repo: &Repository, odb: &Odb<'_>, tips: Oid, tag: Oid) -> bool {
    let tree = repo.find_commit(tips).and_then(|commit| commit.tree());
    let Some(entry) = tree.ok().and_then(|tree| tree.get_name(TAGS).map(|entry| entry.id())) else { return false };
    let Ok(texts) = repo.find_blob(entry) else { return false };
    let mut rest = texts.content();
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let head = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default();
        let Some((id, length)) = head.split_once(' ') else { return false };
        let Some(length) = length.parse::<usize>().ok() else { return false };
        let Some(text) = rest.get(end + 1..).and_then(|rest| rest.get(..length)) else { return false };
        if id == tag.to_string() {
            return odb.write(ObjectType::Tag, text).is_ok_and(|written| written == tag);
        }
        rest = rest.get(end + 1 + length + 1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests;
