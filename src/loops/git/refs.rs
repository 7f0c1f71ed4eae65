//! Refs: the private ones that keep a run's work alive, and a look at all others to see who moved them.
//! [`observe`] before and after a step and [`compare`] name what changed outside the run's own branch.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{Commit, ErrorCode, ObjectType, Oid, Repository, Tree};
use serde::{Deserialize, Serialize};

use super::diff::EMPTY;
use super::error::GitError;
use super::repo::open_objects;

/// Every ref of a repository outside `refs/loopdash/`, and a digest of each file that steers git.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefsSeen {
    /// Full ref name to commit id or `ref: <target>`; `HEAD` of the main checkout and `worktrees/<name>/HEAD` included.
    pub refs: BTreeMap<String, String>,
    /// File name inside the common git directory to a digest of its content.
    pub files: BTreeMap<String, String>,
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
}

/// Looks at a repository's refs and configuration.
///
/// # Errors
/// When the git directory cannot be read.
pub fn observe(common_dir: &Path) -> Result<RefsSeen, GitError> {
    let repo = open_objects(common_dir)?;
    let mut seen = RefsSeen::default();
    for reference in repo.references().map_err(GitError::lib("list refs"))? {
        let reference = reference.map_err(GitError::lib("list refs"))?;
        let name = String::from_utf8_lossy(reference.name_bytes()).into_owned();
        if name.starts_with("refs/loopdash/") {
            continue;
        }
        let value = match (reference.target(), reference.symbolic_target_bytes()) {
            (Some(id), _) => id.to_string(),
            (None, Some(target)) => format!("ref: {}", String::from_utf8_lossy(target)),
            (None, None) => continue,
        };
        seen.refs.insert(name, value);
    }
    let mut heads = vec!["HEAD".to_owned()];
    let worktrees = repo.worktrees().map_err(GitError::lib("list worktrees"))?;
    heads.extend(worktrees.iter().flatten().flatten().map(|name| format!("worktrees/{name}/HEAD")));
    for name in heads {
        if let Some(text) = regular(&common_dir.join(&name)) {
            seen.refs.insert(name, String::from_utf8_lossy(&text).trim().to_owned());
        }
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

/// What differs between two looks, apart from the names in `own` (full ref names, such as the run's branch).
pub fn compare(before: &RefsSeen, after: &RefsSeen, own: &[&str]) -> Vec<Foreign> {
    let mut foreign = Vec::new();
    for (old, new) in [(&before.refs, &after.refs), (&before.files, &after.files)] {
        let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
        for name in names.filter(|name| !own.contains(&name.as_str())) {
            if old.get(name) != new.get(name) {
                let (before, after) = (old.get(name).cloned(), new.get(name).cloned());
                foreign.push(Foreign { name: name.clone(), before, after });
            }
        }
    }
    foreign.sort_by(|a, b| a.name.cmp(&b.name));
    foreign
}

/// Points a private ref (under `refs/loopdash/`) at a commit, so that no clean-up of git removes the commit.
pub(crate) fn keep(repo: &Repository, name: &str, commit: &str) -> Result<(), GitError> {
    if !name.starts_with("refs/loopdash/") {
        return Err(GitError::BadName { name: name.to_owned() });
    }
    let id = commit_at(repo, commit)?.id();
    repo.reference(name, id, true, "loopdash").map_err(GitError::lib("write a ref"))?;
    Ok(())
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

fn regular(path: &Path) -> Option<Vec<u8>> {
    if std::fs::metadata(path).ok()?.is_file() { std::fs::read(path).ok() } else { None }
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
        assert!(compare(&before, &before, &[]).is_empty());

        git(&workspace.path, ["commit", "-q", "--allow-empty", "-m", "own"]);
        let own = format!("refs/heads/{}", workspace.branch.clone().unwrap());
        let after = observe(&workspace.common_dir).unwrap();
        assert!(compare(&before, &after, &[&own]).is_empty());
        assert_eq!(compare(&before, &after, &[]).len(), 1);

        git(&workspace.path, ["tag", "v1"]);
        git(&workspace.path, ["config", "core.pager", "less"]);
        git(&workspace.path, ["update-ref", "refs/heads/main", "HEAD"]);
        let hook = workspace.common_dir.join("hooks/post-commit");
        super::super::testing::write(&hook, "#!/bin/sh\n");
        let after = observe(&workspace.common_dir).unwrap();
        let names: Vec<_> = compare(&before, &after, &[&own]).into_iter().map(|change| change.name).collect();
        assert_eq!(names, ["config", "hooks/post-commit", "refs/heads/main", "refs/tags/v1"]);
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
