//! Names of branches and worktrees: made from any text, legal for git, and free.
//! A loop called "Fix: the parser!" works on the branch `run/fix-the-parser`, or `run/fix-the-parser-2`.

use git2::{Branch, BranchType, ObjectType, Oid, Reference, Repository};

use super::error::GitError;

/// Longest slug, in bytes; leaves room for a suffix and for path length limits.
const SLUG_LIMIT: usize = 48;
/// Suffixes tried before giving up on a name.
const SUFFIX_LIMIT: usize = 10_000;

/// Turns any text into one legal component of a git ref and a file name: lower-case ASCII letters, digits and single
/// hyphens, 1 to 48 bytes. Text without a usable character gives `loop`.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        if slug.len() >= SLUG_LIMIT {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let kept = slug.trim_end_matches('-').len();
    slug.truncate(kept);
    if slug.is_empty() { "loop".to_owned() } else { slug }
}

/// The branch a run works on unless its loop names one.
pub fn branch_for(slug: &str) -> String {
    format!("run/{slug}")
}

/// The first of `wanted`, `wanted-2`, `wanted-3`, ... that no branch of `repo` has or stands in the way of, and that nobody
/// has locked, or left locked when they died.
pub(crate) fn free_branch(repo: &Repository, wanted: &str) -> Result<String, GitError> {
    if !Branch::name_is_valid(wanted).unwrap_or(false) {
        return Err(GitError::BadName { name: wanted.to_owned() });
    }
    let taken = branch_names(repo)?;
    // A branch called `run` makes every `run/...` impossible: refs are files and directories.
    let blocked =
        wanted.match_indices('/').any(|(at, _)| wanted.get(..at).is_some_and(|top| is_taken(&taken, top, false)));
    let wanted = if blocked { wanted.replace('/', "-") } else { wanted.to_owned() };
    for number in 1..=SUFFIX_LIMIT {
        let name = numbered(&wanted, number);
        if !is_taken(&taken, &name, true) && !is_locked(repo, &name) {
            return Ok(name);
        }
    }
    Err(GitError::NameTaken { name: wanted })
}

fn is_locked(repo: &Repository, branch: &str) -> bool {
    repo.commondir().join("refs/heads").join(format!("{branch}.lock")).symlink_metadata().is_ok()
}

/// `name` for 1, `name-2` for 2, and so on.
pub(crate) fn numbered(name: &str, number: usize) -> String {
    if number <= 1 { name.to_owned() } else { format!("{name}-{number}") }
}

/// The ref that keeps `leaf` of a run alive: `refs/loopdash/<run>/<leaf>`.
pub(crate) fn kept_ref(run: &str, leaf: &str) -> Result<String, GitError> {
    let name = format!("refs/loopdash/{run}/{leaf}");
    let plain = |part: &str| !part.is_empty() && !part.contains('/');
    if plain(run) && plain(leaf) && Reference::is_valid_name(&name) {
        Ok(name)
    } else {
        Err(GitError::BadName { name: format!("{run}/{leaf}") })
    }
}

/// The ref by which a run says that it made a branch and took it back.
pub(super) fn taken_back(run: &str, branch: &str) -> Result<String, GitError> {
    let digest = Oid::hash_object(ObjectType::Blob, branch.as_bytes()).map_err(GitError::lib("hash a name"))?;
    kept_ref(run, &format!("branch-{digest}"))
}

fn branch_names(repo: &Repository) -> Result<Vec<String>, GitError> {
    let branches = repo.branches(Some(BranchType::Local)).map_err(GitError::lib("list branches"))?;
    let mut names = Vec::new();
    for branch in branches {
        let (branch, _) = branch.map_err(GitError::lib("list branches"))?;
        // Compared without case: on macOS `Run/X` and `run/x` are one file.
        names.push(String::from_utf8_lossy(branch.name_bytes().unwrap_or_default()).to_ascii_lowercase());
    }
    Ok(names)
}

fn is_taken(taken: &[String], name: &str, with_below: bool) -> bool {
    let name = name.to_ascii_lowercase();
    let below = format!("{name}/");
    taken.iter().any(|other| *other == name || (with_below && other.starts_with(&below)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::super::testing::Fixture;
    use super::*;

    #[test]
    fn slugs_read_like_the_text_they_come_from() {
        assert_eq!(slug("Fix: the parser!"), "fix-the-parser");
        assert_eq!(slug("  --HEAD.lock--  "), "head-lock");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("日本語"), "loop");
        assert_eq!(slug(""), "loop");
        assert_eq!(slug(&"ab ".repeat(60)).len(), 47);
    }

    proptest! {
        #[test]
        fn every_slug_is_a_legal_branch(text in any::<String>()) {
            let slug = slug(&text);
            prop_assert!(!slug.is_empty() && slug.len() <= SLUG_LIMIT);
            prop_assert!(Branch::name_is_valid(&slug).unwrap());
            prop_assert!(Branch::name_is_valid(&branch_for(&slug)).unwrap());
            prop_assert!(kept_ref(&slug, "base").is_ok());
        }
    }

    #[test]
    fn a_taken_branch_gets_a_number() {
        let fixture = Fixture::new();
        let repo = fixture.open();
        assert_eq!(free_branch(&repo, "run/x").unwrap(), "run/x");
        fixture.git(["branch", "run/x"]);
        fixture.git(["branch", "Run/X-2"]);
        fixture.git(["branch", "run/x-3/below"]);
        assert_eq!(free_branch(&repo, "run/x").unwrap(), "run/x-4");
    }

    #[test]
    fn a_branch_in_the_way_of_the_folder_is_gone_around() {
        let fixture = Fixture::new();
        fixture.git(["branch", "run"]);
        assert_eq!(free_branch(&fixture.open(), "run/x").unwrap(), "run-x");
    }

    #[test]
    fn illegal_names_are_refused() {
        let fixture = Fixture::new();
        for name in ["-x", "a..b", "a b", "HEAD", "x.lock", "", "a//b"] {
            assert!(matches!(free_branch(&fixture.open(), name), Err(GitError::BadName { .. })), "{name:?}");
        }
        for (run, leaf) in [("", "1"), ("a/b", "1"), ("..", "1"), ("r", "a/b"), ("r", ""), ("r\n", "1")] {
            assert!(kept_ref(run, leaf).is_err(), "{run:?} {leaf:?}");
        }
    }
}
