//! Refs: the private ones that keep a run's work alive, and a look at all of them to see who moved them.
//! [`observe`] before and after a step and [`compare`] name what changed outside the run's own branch.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use git2::{Commit, ErrorCode, ObjectType, Oid, Repository, Tree};
use serde::{Deserialize, Serialize};

use super::diff::EMPTY;
use super::error::GitError;
use super::land::is_landing;
use super::names::taken_back;
use super::repo::open_objects;
use super::workspace::read_marker;

/// Where our own refs are.
pub(super) const OURS: &str = "refs/loopdash/";
/// Bytes of a file that are looked at.
const LARGEST: u64 = 1 << 20;

/// Every ref of a repository, and a digest of each file that steers git.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefsSeen {
    /// Full ref name, outside `refs/loopdash/`, to object id or `ref: <target>`; `HEAD` of the main checkout and
    /// `worktrees/<name>/HEAD` included.
    pub refs: BTreeMap<String, String>,
    /// File name inside the common git directory to a digest of its content.
    pub files: BTreeMap<String, String>,
    /// Those of `refs` that belong to a run, with the run's id: the branch that its worktree is on, and the worktree's
    /// `HEAD`.
    #[serde(default)]
    pub runs: BTreeMap<String, String>,
    /// The refs under `refs/loopdash/` and their commits.
    #[serde(default)]
    pub ours: BTreeMap<String, String>,
    /// The commits of all stash entries.
    #[serde(default)]
    pub stash: BTreeSet<String>,
}

/// What became of the value that a ref had before it was moved or deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Nothing has to be done for it: something else has it in its history.
    #[default]
    Kept,
    /// This ref keeps it now.
    KeptBy(String),
    /// It is a ref of ours, and was put back.
    PutBack,
    /// It is no longer in the repository.
    Gone,
}

/// One thing that changed between two looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// The full ref name, or the file's name inside the git directory.
    pub name: String,
    /// Its value before; none when it was made.
    pub before: Option<String>,
    /// Its value after; none when it was deleted.
    pub after: Option<String>,
    /// What became of the value before.
    #[serde(default)]
    pub fate: Fate,
}

/// What a dropped stash entry is called.
const STASH_ENTRY: &str = "an entry of refs/stash";

impl Foreign {
    /// Whether it is a ref or what one is like: `HEAD`, or an entry of the stash.
    pub(super) fn is_ref(&self) -> bool {
        self.name.contains("refs/") || self.name.ends_with("HEAD")
    }

    /// Whether somebody's ref was moved or deleted, or what steers git was touched. A new ref harms nobody, and refs of
    /// remotes move with every fetch.
    pub fn does_harm(&self) -> bool {
        let made = self.before.is_none() && (self.name.starts_with("refs/") || self.name.ends_with("/HEAD"));
        !made && !self.name.starts_with("refs/remotes/")
    }
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = super::paths::display(self.name.as_bytes());
        let plain = |value: &str| value.strip_prefix("ref: ").unwrap_or(value).to_owned();
        let is_ref = self.is_ref();
        match (&self.before, &self.after) {
            (None, _) => return write!(out, "{name} was made"),
            (Some(before), None) if is_ref => write!(out, "{name} was deleted; it was at {}", plain(before))?,
            (_, None) => write!(out, "{name} was deleted")?,
            (Some(before), Some(after)) if is_ref => {
                write!(out, "{name} moved from {} to {}", plain(before), plain(after))?;
            }
            _ => write!(out, "{name} was edited")?,
        }
        match &self.fate {
            Fate::Kept => Ok(()),
            Fate::KeptBy(kept) => write!(out, ", which {kept} keeps"),
            Fate::PutBack => write!(out, ", and it was put back"),
            Fate::Gone => write!(out, ", and what it was at is gone from the repository"),
        }
    }
}

/// Looks at a repository's refs and configuration.
///
/// # Errors
/// When the git directory cannot be read.
pub(super) fn observe(common_dir: &Path) -> Result<RefsSeen, GitError> {
    let repo = open_objects(common_dir)?;
    let mut seen = RefsSeen::default();
    for reference in repo.references().map_err(GitError::lib("list refs"))? {
        let reference = reference.map_err(GitError::lib("list refs"))?;
        let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
        let value = match (reference.target(), reference.symbolic_target_bytes()) {
            (Some(id), _) => id.to_string(),
            (None, Some(target)) => format!("ref: {}", String::from_utf8_lossy(target)),
            (None, None) => continue,
        };
        let ours = name.starts_with(OURS);
        if ours { &mut seen.ours } else { &mut seen.refs }.insert(name, value);
    }
    // An entry below the first is in no ref but in this log.
    let log = regular(&common_dir.join("logs/refs/stash")).unwrap_or_default();
    let entries = log.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line.get(41..81)?).ok());
    seen.stash.extend(entries.filter(|id| Oid::from_str(id).is_ok()).map(str::to_owned));
    if let Some(text) = regular(&common_dir.join("HEAD")) {
        seen.refs.insert("HEAD".to_owned(), String::from_utf8_lossy(&text).trim().to_owned());
    }
    let worktrees = repo.worktrees().map_err(GitError::lib("list worktrees"))?;
    for worktree in worktrees.iter().flatten().flatten() {
        let name = format!("worktrees/{worktree}/HEAD");
        let Some(text) = regular(&common_dir.join(&name)) else { continue };
        let head = String::from_utf8_lossy(&text).trim().to_owned();
        if let Some(run) = read_marker(&common_dir.join("worktrees").join(worktree)) {
            seen.runs.extend(head.strip_prefix("ref: ").map(|branch| (branch.to_owned(), run.clone())));
            seen.runs.insert(name.clone(), run);
        }
        seen.refs.insert(name, head);
    }
    let mut steering: Vec<_> =
        ["config", "config.worktree", "info/attributes", "info/exclude", "objects/info/alternates"]
            .map(str::to_owned)
            .into();
    if let Ok(hooks) = std::fs::read_dir(common_dir.join("hooks")) {
        let names = hooks.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        steering.extend(names.filter(|name| !name.ends_with(".sample")).map(|name| format!("hooks/{name}")));
    }
    for name in steering {
        if let Some(content) = regular(&common_dir.join(&name)) {
            let digest = Oid::hash_object(ObjectType::Blob, &content).map_err(GitError::lib("hash a file"))?;
            seen.files.insert(name, digest.to_string());
        }
    }
    Ok(seen)
}

/// What differs between two looks, apart from the worktree of `run`, the names in `own` (full ref names, such as the
/// run's branch), what other runs do in theirs or take back, and what was landed.
pub(super) fn compare(before: &RefsSeen, after: &RefsSeen, run: &str, own: &[String]) -> Vec<Foreign> {
    let mut foreign = Vec::new();
    let runs = |name: &String| after.runs.get(name).or_else(|| before.runs.get(name));
    // The branch that the run's worktree is on now need not be its own.
    let known = |name: &String| {
        own.contains(name) || runs(name).is_some_and(|other| other != run || name.starts_with("worktrees/"))
    };
    // A worktree that did not come to be has left no mark of its run, but its branch's name.
    let gone = |name: &str, value: Option<&String>| {
        let of_worktree = || value.filter(|_| name.starts_with("worktrees/"))?.strip_prefix("ref: refs/heads/");
        let branch = name.strip_prefix("refs/heads/").or_else(of_worktree);
        let run_of = |ours: &String| ours.strip_prefix(OURS)?.split_once('/').map(|(run, _)| run.to_owned());
        let said = |ours: &String, branch: &str| {
            run_of(ours).is_some_and(|other| other != run && taken_back(&other, branch).is_ok_and(|said| said == *ours))
        };
        branch.is_some_and(|branch| after.ours.keys().any(|ours| said(ours, branch)))
    };
    for (old, new) in [(&before.refs, &after.refs), (&before.files, &after.files)] {
        let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
        for name in names.filter(|name| !known(name)) {
            let landing =
                name.starts_with("refs/heads/") && new.get(name).is_some_and(|at| is_landing(&after.ours, at));
            let taken_back = !new.contains_key(name) && gone(name, old.get(name));
            if old.get(name) != new.get(name) && !landing && !taken_back {
                let (before, after) = (old.get(name).cloned(), new.get(name).cloned());
                foreign.push(Foreign { name: name.clone(), before, after, fate: Fate::default() });
            }
        }
    }
    // The first entry is what the ref itself is at.
    let first = before.refs.get("refs/stash");
    for id in before.stash.difference(&after.stash).filter(|id| Some(*id) != first) {
        let name = STASH_ENTRY.to_owned();
        foreign.push(Foreign { name, before: Some(id.clone()), after: None, fate: Fate::default() });
    }
    foreign.sort_by(|a, b| a.name.cmp(&b.name));
    foreign
}

/// Points a private ref (under `refs/loopdash/`) at a commit, so that no clean-up of git removes the commit.
pub(crate) fn keep(repo: &Repository, name: &str, commit: &str) -> Result<(), GitError> {
    if !name.starts_with(OURS) {
        return Err(GitError::BadName { name: name.to_owned() });
    }
    point(repo, name, commit_at(repo, commit)?.id()).map_err(GitError::lib("write a ref"))
}

/// Writes a private ref. Only the owner of its run does, and there is one: who finds it locked finds what a loopdash left
/// that was killed just then.
pub(super) fn point(repo: &Repository, name: &str, id: Oid) -> Result<(), git2::Error> {
    match repo.reference(name, id, true, "loopdash") {
        Err(error) if error.code() == ErrorCode::Locked && name.starts_with(OURS) => {
            // If it cannot be removed, the second attempt says why.
            let _ = std::fs::remove_file(repo.commondir().join(format!("{name}.lock")));
            repo.reference(name, id, true, "loopdash").map(drop)
        }
        written => written.map(drop),
    }
}

/// The commit a revision names.
pub(crate) fn commit_at<'a>(repo: &'a Repository, rev: &str) -> Result<Commit<'a>, GitError> {
    let bad = |_| GitError::BadRevision { rev: rev.to_owned() };
    repo.revparse_single(rev).and_then(|object| object.peel_to_commit()).map_err(bad)
}

/// The tree of a commit or tree id; none for the empty tree, which need not be in the object database.
pub(crate) fn tree_at<'a>(repo: &'a Repository, id: &str) -> Result<Option<Tree<'a>>, GitError> {
    if id == EMPTY {
        return Ok(None);
    }
    let bad = |_| GitError::BadRevision { rev: id.to_owned() };
    let object = Oid::from_str(id).and_then(|id| repo.find_object(id, None)).map_err(bad)?;
    match object.peel(ObjectType::Tree) {
        Ok(tree) => tree.into_tree().map(Some).map_err(|_| GitError::BadRevision { rev: id.to_owned() }),
        Err(error) if error.code() == ErrorCode::NotFound => Err(bad(error)),
        Err(error) => Err(GitError::lib("read a tree")(error)),
    }
}

/// The start of a regular file, and its length where that is not all: agents may write as much into one as they like.
fn regular(path: &Path) -> Option<Vec<u8>> {
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut content = Vec::new();
    std::fs::File::open(path).ok()?.take(LARGEST).read_to_end(&mut content).ok()?;
    if found.len() > LARGEST {
        content.extend_from_slice(&found.len().to_le_bytes());
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{Fixture, git};
    use super::*;

    #[test]
    fn changes_outside_the_own_branch_are_named() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        let before = observe(&workspace.common_dir).unwrap();
        assert!(before.refs.contains_key("HEAD") && before.refs.contains_key("worktrees/x/HEAD"));
        let run = workspace.run.as_str();
        assert!(compare(&before, &before, run, &[]).is_empty());

        git(&workspace.path, ["commit", "-q", "--allow-empty", "-m", "own"]);
        let own = format!("refs/heads/{}", workspace.branch.clone().unwrap());
        let after = observe(&workspace.common_dir).unwrap();
        assert!(compare(&before, &after, run, std::slice::from_ref(&own)).is_empty());
        assert_eq!(compare(&before, &after, run, &[]).len(), 1);
        assert!(compare(&before, &after, "another", &[]).is_empty(), "other runs do not care");

        git(&workspace.path, ["tag", "v1"]);
        git(&workspace.path, ["config", "core.pager", "less"]);
        git(&workspace.path, ["update-ref", "refs/heads/main", "HEAD"]);
        let hook = workspace.common_dir.join("hooks/post-commit");
        super::super::testing::write(&hook, "#!/bin/sh\n");
        let after = observe(&workspace.common_dir).unwrap();
        let foreign = compare(&before, &after, run, &[own]);
        let told: Vec<_> = foreign.iter().map(|change| (change.name.as_str(), change.does_harm())).collect();
        let steered = [("config", true), ("hooks/post-commit", true)];
        assert_eq!(told, [&steered[..], &[("refs/heads/main", true), ("refs/tags/v1", false)]].concat());
        assert_eq!(foreign[0].to_string(), "config was edited");
        assert!(foreign[2].to_string().starts_with("refs/heads/main moved from "), "{}", foreign[2]);
        assert_eq!(foreign[3].to_string(), "refs/tags/v1 was made");
    }

    #[test]
    fn only_private_refs_are_written() {
        let fixture = Fixture::new();
        let repo = fixture.open();
        let head = fixture.git(["rev-parse", "HEAD"]);
        assert!(keep(&repo, "refs/heads/main", &head).is_err());
        assert!(keep(&repo, "refs/loopdash/r/base", "no-such-commit").is_err());
        keep(&repo, "refs/loopdash/r/base", &head).unwrap();
        assert_eq!(fixture.git(["rev-parse", "refs/loopdash/r/base"]), head);
    }
}
