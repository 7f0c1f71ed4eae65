//! Whether a run's work is in its target already: merging it would change nothing. However it got there (a merge, a squash,
//! by hand), only the content counts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use git2::{Repository, Tree};

use super::collide::{Work, open_in_memory, part, target, tree_of};
use super::diff::changed;
use super::error::GitError;

/// What [`landed`] is asked.
#[derive(Debug, Clone)]
pub struct Landed {
    /// The git directory of the repository.
    pub common_dir: PathBuf,
    /// The run's work.
    pub work: Work,
    /// The branch to land on, as for a collision.
    pub target: Option<String>,
}

/// `None` when the work is in its target, or there is none; else the branch that lacks it, empty where there is no branch
/// to look at.
///
/// # Errors
/// [`GitError::BadRevision`] when a commit is gone, and failures to read the repository.
pub fn landed(wish: &Landed) -> Result<Option<String>, GitError> {
    let repo = open_in_memory(&wish.common_dir)?;
    let (base, ours) = (tree_of(&repo, &wish.work.base)?, tree_of(&repo, &wish.work.commit)?);
    if base.id() == ours.id() {
        return Ok(None);
    }
    let Some((branch, commit)) = target(&repo, &wish.common_dir, wish.target.as_deref())? else {
        return Ok(Some(String::new()));
    };
    let there = adds_nothing(&repo, &base, &tree_of(&repo, &commit)?, &ours)?;
    Ok((!there).then_some(branch))
}

/// Whether merging `ours` into `theirs` would change nothing. Writes trees.
pub(super) fn adds_nothing(
    repo: &Repository,
    base: &Tree<'_>,
    theirs: &Tree<'_>,
    ours: &Tree<'_>,
) -> Result<bool, GitError> {
    let failed = GitError::lib("compare with the branch");
    // Only what was changed can be missing there.
    let places = changed(repo, Some(base), Some(ours))?.map(|places| places.into_iter().collect::<BTreeSet<_>>());
    let (base, theirs, ours) = match places {
        Some(places) => (part(repo, base, &places)?, part(repo, theirs, &places)?, part(repo, ours, &places)?),
        None => (base.clone(), theirs.clone(), ours.clone()),
    };
    let mut merged = repo.merge_trees(&base, &theirs, &ours, None).map_err(failed)?;
    Ok(!merged.has_conflicts() && merged.write_tree_to(repo).ok() == Some(theirs.id()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::Fixture;
    use super::*;

    fn text(change: &str) -> String {
        (0..20).map(|line| if line == 3 { format!("{change}\n") } else { format!("line {line}\n") }).collect()
    }

    #[test]
    fn work_has_landed_when_its_content_is_in_the_target_however_it_got_there() {
        let fixture = Fixture::new();
        fixture.write("a.rs", text("line 3"));
        fixture.write("b.rs", text("line 3"));
        fixture.commit("base");
        let base = fixture.git(["rev-parse", "HEAD"]);
        fixture.git(["checkout", "-q", "-b", "work"]);
        fixture.write("a.rs", text("worked"));
        fixture.write("new.rs", "new\n");
        fixture.commit("work");
        let work = Work { base: base.clone(), commit: fixture.git(["rev-parse", "HEAD"]) };
        fixture.git(["checkout", "-q", "main"]);
        let common_dir = fixture.info().common_dir;
        let wish = Landed { common_dir, work: work.clone(), target: None };
        let objects = fixture.git(["count-objects", "-v"]);
        assert_eq!(landed(&wish).unwrap().as_deref(), Some("main"));
        assert_eq!(fixture.git(["count-objects", "-v"]), objects, "nothing was written");
        let nothing = Work { base: base.clone(), commit: base.clone() };
        assert_eq!(landed(&Landed { work: nothing, ..wish.clone() }).unwrap(), None, "nothing to land");
        // The target goes on by itself, and has half of it.
        fixture.write("b.rs", text("of main"));
        fixture.write("a.rs", text("worked"));
        fixture.commit("half");
        assert_eq!(landed(&wish).unwrap().as_deref(), Some("main"));
        fixture.write("new.rs", "new\n");
        fixture.commit("all, by hand");
        assert_eq!(landed(&wish).unwrap(), None);
        // What comes after it elsewhere in the file does not take it away.
        fixture.write("a.rs", text("worked").replace("line 17", "later"));
        fixture.commit("later");
        assert_eq!(landed(&wish).unwrap(), None);
        fixture.git(["branch", "other", &base]);
        let elsewhere = Landed { target: Some("other".to_owned()), ..wish.clone() };
        assert_eq!(landed(&elsewhere).unwrap().as_deref(), Some("other"));
        fixture.git(["checkout", "-q", "--detach"]);
        assert_eq!(landed(&wish).unwrap().as_deref(), Some(""));
    }
}
