//! Scrapping a run's worktree and branch: what only they have is told first, and all of it is kept in the trash.
//! [`standing`] looks, [`scrap`] does.

use git2::{Repository, Tree};

use super::diff::EMPTY;
use super::error::GitError;
use super::landed::adds_nothing;
use super::lock::with_repo_lock;
use super::refs::{commit_at, observe, tree_at};
use super::remove::remove;
use super::repo::{Head, open_objects};
use super::scan::scan;
use super::trash::{self, Trash, branch_tip};
use super::workspace::Workspace;
use crate::loops::fault;

/// What a worktree has that is nowhere else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Changes since what was kept last: nobody has seen them.
    pub dirty: bool,
    /// Changes since the base that the branch checked out in the repository does not have.
    pub unmerged: bool,
}

impl Standing {
    /// Whether it may go without its name being typed.
    pub const fn is_safe(self) -> bool {
        !self.dirty && !self.unmerged
    }

    /// `unmerged`, `changed since its last snapshot`, both, or `merged`.
    pub const fn words(self) -> &'static str {
        match (self.unmerged, self.dirty) {
            (true, true) => "unmerged, and changed since its last snapshot",
            (true, false) => "unmerged",
            (false, true) => "changed since its last snapshot",
            (false, false) => "merged",
        }
    }
}

/// What [`scrap`] is asked for.
#[derive(Debug, Clone)]
pub struct Scrap {
    /// The worktree.
    pub workspace: Workspace,
    /// The commit that holds what was kept of it last.
    pub last: Option<String>,
    /// Whether the operator typed its name: then it goes although it is unmerged or dirty.
    pub named: bool,
    /// Whether its branch goes with it.
    pub branch: bool,
    /// When it was asked for, in milliseconds since the Unix epoch: done again after a crash, it answers what was there
    /// before the first try.
    pub asked: Option<u64>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrapped {
    /// Where its content is kept; none if worktree and branch were gone already.
    pub trash: Option<Trash>,
    /// Why the branch was left, if it was to go and was.
    pub branch_left: Option<String>,
}

/// Looks at what would be lost from sight.
///
/// # Errors
/// Those of a snapshot; a worktree that is gone is judged by its branch and by what was kept of it last.
pub fn standing(workspace: &Workspace, last: Option<&str>) -> Result<Standing, GitError> {
    let objects = open_objects(&workspace.common_dir)?;
    let tip = branch_tip(&objects, workspace);
    // What is gone from the repository cannot be lost.
    let living = |commit: &&str| commit_at(&objects, commit).is_ok();
    let last = last.filter(living);
    match workspace.check() {
        Ok(()) => {
            let scanned = scan(workspace).map_err(GitError::or_full(&workspace.common_dir))?;
            let now = scanned.tree.to_string();
            let before = last.or(Some(workspace.base.as_str()).filter(|base| *base == EMPTY || living(base)));
            let id = |tree: Option<Tree<'_>>| tree.map_or_else(|| EMPTY.to_owned(), |tree| tree.id().to_string());
            let before = before.map(|before| tree_at(&objects, before)).transpose()?;
            let same = before.is_some_and(|before| id(before) == now);
            let contents = [Some(now.as_str()), tip.as_deref()];
            Ok(Standing { dirty: !same, unmerged: !is_merged(&objects, workspace, &contents)? })
        }
        Err(GitError::WorktreeGone { .. }) => {
            Ok(Standing { dirty: false, unmerged: !is_merged(&objects, workspace, &[tip.as_deref(), last])? })
        }
        Err(error) => Err(error),
    }
}

/// Whether merging each of these contents into what the repository has checked out would change nothing.
fn is_merged(objects: &Repository, workspace: &Workspace, contents: &[Option<&str>]) -> Result<bool, GitError> {
    let mut trees = Vec::new();
    for content in contents.iter().flatten() {
        let Some(tree) = tree_at(objects, content)? else { return Ok(false) };
        trees.push(tree);
    }
    if trees.is_empty() {
        return Ok(true);
    }
    let Some(base) = tree_at(objects, &workspace.base)? else { return Ok(false) };
    if trees.iter().all(|tree| tree.id() == base.id()) {
        return Ok(true);
    }
    let Some(head) = Head::of(objects)?.commit().map(ToOwned::to_owned) else { return Ok(false) };
    let Some(theirs) = tree_at(objects, &head)? else { return Ok(false) };
    for ours in trees {
        if !adds_nothing(objects, &base, &theirs, &ours)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Keeps what worktree and branch hold, then removes both.
///
/// # Errors
/// [`GitError::Unnamed`] when it is unmerged or dirty and its name was not typed, and those of [`trash::keep`] and
/// [`remove`]; nothing is removed then.
pub fn scrap(wish: &Scrap) -> Result<Scrapped, GitError> {
    let workspace = &wish.workspace;
    if workspace.in_place {
        return Err(GitError::NotOurs { path: workspace.path.clone() });
    }
    if !wish.named {
        let standing = standing(workspace, wish.last.as_deref())?;
        if !standing.is_safe() {
            return Err(GitError::Unnamed { path: workspace.path.clone(), why: standing.words() });
        }
    }
    let trash = match trash::keep(workspace, "scrap", wish.asked) {
        Ok(kept) => Some(kept.trash),
        Err(GitError::WorktreeGone { .. }) => trash::keep_gone(workspace, "scrap", wish.last.as_deref(), wish.asked)?,
        Err(error) => return Err(error),
    };
    fault::at("scrap.kept");
    remove(workspace)?;
    fault::at("scrap.removed");
    let branch_left = if wish.branch { delete_branch(workspace, trash.as_ref())? } else { None };
    Ok(Scrapped { trash, branch_left })
}

/// Deletes the branch where it was when it was kept; why not, if it was left.
fn delete_branch(workspace: &Workspace, kept: Option<&Trash>) -> Result<Option<String>, GitError> {
    let Some(branch) = &workspace.branch else { return Ok(None) };
    with_repo_lock(&workspace.common_dir, || {
        let objects = open_objects(&workspace.common_dir)?;
        let Some(tip) = branch_tip(&objects, workspace) else { return Ok(None) };
        if kept.and_then(|kept| kept.head.as_ref()) != Some(&tip) {
            return Ok(Some(format!("branch {branch} was left, for it moved meanwhile")));
        }
        let name = format!("refs/heads/{branch}");
        let here = format!("ref: {name}");
        let seen = observe(&workspace.common_dir)?;
        if seen.refs.iter().any(|(name, value)| name.ends_with("HEAD") && *value == here) {
            return Ok(Some(format!("branch {branch} was left, for it is checked out elsewhere")));
        }
        let mut reference = objects.find_reference(&name).map_err(GitError::lib("find the branch"))?;
        // Deleted only where it was found: what moved since then stays.
        reference.delete().map_err(GitError::lib("delete the branch"))?;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::snapshot::{TakeSnapshot, take};
    use super::super::testing::{Fixture, git, write};
    use super::*;

    fn wish(workspace: &Workspace, last: Option<&str>, named: bool) -> Scrap {
        Scrap { workspace: workspace.clone(), last: last.map(str::to_owned), named, branch: true, asked: None }
    }

    #[test]
    fn an_untouched_or_merged_worktree_goes_and_others_need_their_name() {
        let fixture = Fixture::new();
        let untouched = fixture.workspace("a");
        let gone = scrap(&wish(&untouched, None, false)).unwrap();
        assert!(gone.branch_left.is_none() && !untouched.path.exists());
        assert_eq!(fixture.git(["branch", "--list", "run/a"]), "");

        let workspace = fixture.workspace("b");
        write(&workspace.path.join("new"), "work");
        let told = |last: Option<&str>| standing(&workspace, last).unwrap();
        assert_eq!(told(None), Standing { dirty: true, unmerged: true });
        let last = take(&TakeSnapshot { workspace: workspace.clone(), leaf: "1".to_owned(), parent: None }).unwrap();
        assert_eq!(told(Some(&last.commit)), Standing { dirty: false, unmerged: true });
        let refused = scrap(&wish(&workspace, Some(&last.commit), false));
        assert!(matches!(refused, Err(GitError::Unnamed { .. })) && workspace.path.exists());

        fixture.write("other", "of the operator");
        fixture.write("new", "work");
        fixture.commit("squashed by hand");
        assert_eq!(told(Some(&last.commit)), Standing::default());
        write(&workspace.path.join("new"), "and more");
        assert!(told(Some(&last.commit)).dirty);
        let kept = scrap(&wish(&workspace, Some(&last.commit), true)).unwrap().trash.unwrap();
        assert!(!workspace.path.exists());
        assert_eq!(fixture.git(["show", &format!("{}:new", kept.name)]), "and more");
        assert_eq!(scrap(&wish(&workspace, None, false)).unwrap().trash, None, "twice is no trouble");
    }

    #[test]
    fn a_branch_with_commits_of_its_own_is_unmerged_and_kept() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        write(&workspace.path.join("new"), "work");
        git(&workspace.path, ["add", "-A"]);
        git(&workspace.path, ["commit", "-q", "-m", "work"]);
        let tip = git(&workspace.path, ["rev-parse", "HEAD"]);
        git(&workspace.path, ["checkout", "-q", "--detach", "main"]);
        assert_eq!(standing(&workspace, None).unwrap(), Standing { dirty: false, unmerged: true });
        let kept = scrap(&wish(&workspace, None, true)).unwrap().trash.unwrap();
        assert_eq!(kept.head, Some(tip.clone()));
        assert_eq!(fixture.git(["merge-base", "--is-ancestor", &tip, &kept.name]), "");
    }

    #[test]
    fn a_worktree_that_is_gone_is_judged_by_its_branch() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        git(&workspace.path, ["commit", "-q", "--allow-empty", "-m", "by the agent"]);
        let tip = git(&workspace.path, ["rev-parse", "HEAD"]);
        std::fs::remove_dir_all(&workspace.path).unwrap();
        let kept = scrap(&wish(&workspace, None, false)).unwrap().trash.unwrap();
        let held = fixture.git(["rev-parse", &format!("{}^", kept.name)]);
        assert_eq!(
            (held, kept.head, fixture.git(["branch", "--list", "run/x"])),
            (tip.clone(), Some(tip), String::new())
        );
    }

    #[test]
    fn a_worktree_that_is_gone_is_judged_and_kept_by_its_last_snapshot_too() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        write(&workspace.path.join("new"), "work");
        let last = take(&TakeSnapshot { workspace: workspace.clone(), leaf: "1".to_owned(), parent: None }).unwrap();
        std::fs::remove_dir_all(&workspace.path).unwrap();
        fixture.git(["worktree", "prune"]);
        fixture.git(["branch", "-D", "run/x"]);
        assert_eq!(standing(&workspace, Some(&last.commit)).unwrap(), Standing { dirty: false, unmerged: true });
        let refused = scrap(&wish(&workspace, Some(&last.commit), false));
        assert!(matches!(refused, Err(GitError::Unnamed { .. })));
        let kept = scrap(&wish(&workspace, Some(&last.commit), true)).unwrap().trash.unwrap();
        assert_eq!(fixture.git(["show", &format!("{}:new", kept.name)]), "work");
        // What the operator has by now need not be asked for, and what is gone cannot be.
        fixture.write("new", "work");
        fixture.commit("by hand");
        assert!(standing(&workspace, Some(&last.commit)).unwrap().is_safe());
        assert!(standing(&workspace, Some("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00")).unwrap().is_safe());
    }

    #[test]
    fn a_second_try_answers_what_the_first_one_kept() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        write(&workspace.path.join("new"), "work");
        let first = trash::keep(&workspace, "scrap", Some(7)).unwrap().trash;
        assert_eq!(first.name, "refs/loopdash/trash/run-x/7");
        // Half of it is gone, and something is new.
        std::fs::remove_file(workspace.path.join("new")).unwrap();
        write(&workspace.path.join("since"), "then");
        let again = trash::keep(&workspace, "scrap", Some(7)).unwrap();
        assert!(again.trash == first && again.now != first.tree);
        let kept = trash::list(&workspace.common_dir).unwrap();
        assert_eq!(kept.len(), 2, "what is there now is kept, too");
        assert!(kept.iter().any(|kept| fixture.git(["ls-tree", "--name-only", &kept.commit]).contains("since")));
        std::fs::remove_dir_all(&workspace.path).unwrap();
        let wish = Scrap { asked: Some(7), ..wish(&workspace, None, true) };
        assert_eq!(scrap(&wish).unwrap().trash.unwrap(), first);
        assert_eq!(fixture.git(["branch", "--list", "run/x"]), "", "and the rest of the work is done");
    }

    #[test]
    fn a_branch_that_is_checked_out_elsewhere_stays() {
        let fixture = Fixture::new();
        let workspace = fixture.workspace("x");
        git(&workspace.path, ["checkout", "-q", "--detach"]);
        fixture.git(["checkout", "-q", "run/x"]);
        let left = scrap(&wish(&workspace, None, true)).unwrap().branch_left.unwrap();
        assert!(left.contains("checked out elsewhere"), "{left}");
        assert_eq!(fixture.git(["symbolic-ref", "--short", "HEAD"]), "run/x");
    }
}
