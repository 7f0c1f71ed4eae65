//! Finding where two trees differ without reading what they share.
//! [`changed`] skips every directory that is the same on both sides.

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};

use crate::loops::git::error::GitError;

/// More places than this are not worth telling apart from "everywhere".
const MOST_PLACES: usize = 2_000;
/// Directories nested deeper than this are told as a whole: trees can be made deeper than a stack.
const DEEPEST: usize = 128;

/// The paths at which two trees differ: files, or directories that are on one side only. None when there are too many.
pub(in crate::loops::git) fn changed(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: Option<&Tree<'_>>,
) -> Result<Option<Vec<Vec<u8>>>, GitError> {
    let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
    let mut places = Vec::new();
    match below(repo, old, new, &mut Vec::new(), DEEPEST, &mut places) {
        Ok(()) if places.len() <= MOST_PLACES => Ok(Some(places)),
        Ok(()) => Ok(None),
        // A shallow or partial repository: the comparison itself will say what is missing.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(GitError::lib("compare trees")(error)),
    }
}

fn below(
    repo: &Repository,
    old: &Tree<'_>,
    new: &Tree<'_>,
    path: &mut Vec<u8>,
    levels: usize,
    places: &mut Vec<Vec<u8>>,
) -> Result<(), git2::Error> {
    let length = path.len();
    let is_tree = |kind: Option<ObjectType>| kind == Some(ObjectType::Tree);
    for entry in new.iter() {
        if places.len() > MOST_PLACES {
            break;
        }
        let before = old.get_name_bytes(entry.name_bytes());
        let same = |id: Oid, mode: i32| id == entry.id() && mode == entry.filemode();
        if before.as_ref().is_some_and(|before| same(before.id(), before.filemode())) {
            continue;
        }
        path.extend_from_slice(entry.name_bytes());
        match before {
            Some(before) if levels > 0 && is_tree(before.kind()) && is_tree(entry.kind()) => {
                path.push(b'/');
                let (old, new) = (repo.find_tree(before.id())?, repo.find_tree(entry.id())?);
                below(repo, &old, &new, path, levels - 1, places)?;
            }
            _ => places.push(path.clone()),
        }
        path.truncate(length);
    }
    for entry in old.iter().filter(|entry| new.get_name_bytes(entry.name_bytes()).is_none()) {
        let mut gone = path.clone();
        gone.extend_from_slice(entry.name_bytes());
        places.push(gone);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::{Status, between};
    use crate::loops::git::testing::Fixture;

    /// A few names that can be file or directory, so that trees collide in every way; some look like patterns.
    fn paths() -> impl Strategy<Value = BTreeMap<String, u8>> {
        let name = prop::sample::select(vec!["a", "b", "!n", "w*", "[x]", ":(top)t", "s p"]);
        let path = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
        prop::collection::btree_map(path, 0_u8..3, 0..12)
    }

    fn commit(fixture: &Fixture, files: &BTreeMap<String, u8>) -> String {
        let mut script = "commit refs/heads/t\ncommitter t <t@localhost> 0 +0000\ndata 0\ndeleteall\n".to_owned();
        for (path, content) in files {
            script.push_str(&format!("M 100644 inline \"{path}\"\ndata 1\n{content}\n"));
        }
        let file = fixture.outside("script");
        std::fs::write(&file, script).unwrap();
        let done = std::process::Command::new("git")
            .current_dir(fixture.root())
            .args(["fast-import", "--quiet", "--force"])
            .stdin(std::fs::File::open(&file).unwrap())
            .status()
            .unwrap();
        assert!(done.success());
        fixture.git(["rev-parse", "refs/heads/t"])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_same_files_differ_as_git_says(old in paths(), new in paths()) {
            let fixture = Fixture::new();
            let (old, new) = (commit(&fixture, &old), commit(&fixture, &new));
            let diff = between(&fixture.info().common_dir, &old, &new).unwrap();
            let mut ours: Vec<String> = Vec::new();
            for file in &diff.files {
                match (&file.old_path, file.status) {
                    (Some(from), Status::Renamed) => ours.extend([format!("D {from}"), format!("A {}", file.path)]),
                    (_, Status::Added) => ours.push(format!("A {}", file.path)),
                    (_, Status::Deleted) => ours.push(format!("D {}", file.path)),
                    _ => ours.push(format!("M {}", file.path)),
                }
            }
            let theirs = fixture.git(["diff-tree", "-r", "-z", "--no-renames", "--name-status", &old, &new]);
            let parts: Vec<_> = theirs.split('\0').filter(|part| !part.is_empty()).collect();
            let mut theirs: Vec<_> = parts.chunks(2).map(|pair| pair.join(" ")).collect();
            ours.sort();
            theirs.sort();
            prop_assert_eq!(ours, theirs);
        }
    }
}
