//! What is pinned while a step runs, tried with the worst that an agent does between two looks.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::snapshot::{Snapshot, TakeSnapshot, take};
use super::super::testing::{Fixture, git, write};
use super::super::workspace::Workspace;
use super::*;

/// Removes every trace of what no ref keeps.
fn collect_garbage(at: &Workspace) {
    git(&at.path, ["reflog", "expire", "--expire=now", "--all"]);
    git(&at.path, ["gc", "-q", "--prune=now"]);
}

fn look_again(fixture: &Fixture, at: &Workspace, begun: &Begun) -> Touched {
    let runs = fixture.outside("no-runs");
    let own = [format!("refs/heads/{}", at.branch.clone().unwrap())];
    end(&at.common_dir, begun, &at.run, &own, &runs).unwrap()
}

fn snapshot(at: &Workspace, leaf: &str, parent: Option<&Snapshot>) -> Snapshot {
    write(&at.path.join("work"), leaf);
    let parent = parent.map(|parent| parent.commit.clone());
    take(&TakeSnapshot { workspace: at.clone(), leaf: leaf.to_owned(), parent }).unwrap()
}

/// A repository with a branch, two tags and two stash entries that nothing else leads to.
fn grown() -> Fixture {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-q", "-b", "release"]);
    for name in ["tagged", "released"] {
        fixture.write("file", name);
        fixture.commit(name);
        if name == "tagged" {
            fixture.git(["tag", "-a", "v1", "-m", "the words of the tag"]);
            fixture.git(["reset", "-q", "--hard", "main"]);
        }
    }
    fixture.git(["checkout", "-q", "main"]);
    for name in ["older", "newer"] {
        fixture.write("file", name);
        fixture.git(["add", "file"]);
        fixture.git(["stash", "-q"]);
    }
    fixture
}

#[test]
fn what_refs_were_at_outlives_their_deletion_and_a_collection() {
    let fixture = grown();
    let workspace = fixture.workspace("x");
    let was = |rev: &str| fixture.git(["rev-parse", rev]);
    let (release, tag, older) = (was("release"), was("v1"), was("stash@{1}"));
    let begun = begin(&workspace.common_dir, &workspace.run).unwrap();
    assert_eq!(begun.unpinned, None);
    git(&workspace.path, ["branch", "-q", "-D", "release"]);
    git(&workspace.path, ["tag", "-d", "v1"]);
    git(&workspace.path, ["stash", "drop", "-q", "stash@{1}"]);
    collect_garbage(&workspace);
    let told = look_again(&fixture, &workspace, &begun);
    let names: Vec<_> = told.foreign.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["an entry of refs/stash", "refs/heads/release", "refs/tags/v1"]);
    for (change, old) in told.foreign.iter().zip([older, release, tag]) {
        let Fate::KeptBy(kept) = &change.fate else { unreachable!("{change}") };
        assert!(change.to_string().contains(&format!("was at {old}, which {kept} keeps")), "{change}");
        assert_eq!(was(kept), old);
    }
    assert_eq!(fixture.git(["for-each-ref", "refs/loopdash/run-x/tips"]), "", "only while it is needed");
    collect_garbage(&workspace);
    let Fate::KeptBy(kept) = &told.foreign[2].fate else { unreachable!() };
    assert!(fixture.git(["cat-file", "tag", kept]).ends_with("the words of the tag"));
    let Fate::KeptBy(kept) = &told.foreign[0].fate else { unreachable!() };
    assert_eq!(fixture.git(["show", &format!("{kept}:file")]), "older");
}

#[test]
fn what_moves_on_needs_no_keeping_and_what_moves_away_does() {
    let fixture = grown();
    let workspace = fixture.workspace("x");
    let begun = begin(&workspace.common_dir, &workspace.run).unwrap();
    let ahead = fixture.git(["commit-tree", "-p", "main", "-m", "ahead", "main^{tree}"]);
    fixture.git(["update-ref", "refs/heads/main", &ahead]);
    fixture.git(["update-ref", "refs/heads/release", "main~1"]);
    let told = look_again(&fixture, &workspace, &begun).foreign;
    let fates: Vec<_> = told.iter().map(|change| (change.name.as_str(), change.fate == Fate::Kept)).collect();
    assert_eq!(fates, [("refs/heads/main", true), ("refs/heads/release", false)]);
}

#[test]
fn many_refs_are_kept_by_one() {
    let fixture = Fixture::new();
    let tree = fixture.git(["rev-parse", "HEAD^{tree}"]);
    let ids: Vec<String> = (0..20).map(|n| fixture.git(["commit-tree", "-m", &n.to_string(), &tree])).collect();
    ids.iter().for_each(|id| drop(fixture.git(["update-ref", &format!("refs/heads/b/{id}"), id])));
    let workspace = fixture.workspace("x");
    let begun = begin(&workspace.common_dir, &workspace.run).unwrap();
    ids.iter().for_each(|id| drop(fixture.git(["update-ref", "-d", &format!("refs/heads/b/{id}")])));
    collect_garbage(&workspace);
    let told = look_again(&fixture, &workspace, &begun);
    let all = told.all.unwrap();
    assert_eq!((told.foreign.len(), trash::list(&workspace.common_dir).unwrap().len()), (20, 1));
    collect_garbage(&workspace);
    let listed = fixture.git(["show", &format!("{all}:refs")]);
    for id in ids {
        assert!(listed.contains(&format!("{id} refs/heads/b/{id}")), "{listed}");
        assert_eq!(fixture.git(["cat-file", "-t", &id]), "commit");
    }
}

#[test]
fn refs_of_ours_that_were_swept_away_are_put_back_and_what_is_gone_is_told() {
    let fixture = Fixture::new();
    let (workspace, other) = (fixture.workspace("x"), fixture.workspace("y"));
    let first = snapshot(&workspace, "1", None);
    let theirs = snapshot(&other, "1", None);
    let begun = begin(&workspace.common_dir, &workspace.run).unwrap();
    let sweep = || {
        for name in fixture.git(["for-each-ref", "--format=%(refname)", "refs/loopdash"]).lines() {
            fixture.git(["update-ref", "-d", name]);
        }
    };
    sweep();
    let runs = tempfile::tempdir().unwrap();
    let look = || end(&workspace.common_dir, &begun, &workspace.run, &[], runs.path()).unwrap();
    let told = look();
    assert!(
        told.lost.is_empty() && told.foreign.iter().all(|change| change.fate == Fate::PutBack && change.does_harm())
    );
    let names: Vec<_> = told.foreign.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["refs/loopdash/run-x/1", "refs/loopdash/run-x/base"], "the other run was cleaned away");
    assert_eq!(fixture.git(["rev-parse", &first.name]), first.commit);
    assert_eq!(fixture.git(["for-each-ref", &theirs.name]), "");
    std::fs::create_dir(runs.path().join("run-y")).unwrap();
    look();
    assert_eq!(fixture.git(["rev-parse", &theirs.name]), theirs.commit);

    sweep();
    collect_garbage(&workspace);
    let told = look();
    assert_eq!(told.lost, std::slice::from_ref(&first.commit));
    let said: Vec<_> = told.foreign.iter().map(ToString::to_string).collect();
    assert!(said[0].contains(&first.commit) && said[0].ends_with("is gone from the repository"), "{said:?}");
    assert!(said[1].ends_with("and it was put back"), "the base is in the operator's history: {said:?}");
}

#[test]
fn the_journal_knows_which_refs_there_have_to_be() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("x");
    let first = snapshot(&workspace, "1", None);
    let second = snapshot(&workspace, "2", Some(&first));
    let mut kept: BTreeMap<String, String> =
        [&first, &second].map(|taken| (taken.name.clone(), taken.commit.clone())).into();
    kept.insert("refs/loopdash/run-x/base".to_owned(), EMPTY.to_owned());
    kept.insert("refs/heads/main".to_owned(), first.commit.clone());
    let held = || hold(&workspace.common_dir, &kept).unwrap();
    assert_eq!(held(), Held::default());
    fixture.git(["update-ref", "-d", &second.name]);
    fixture.git(["update-ref", &first.name, "main"]);
    assert_eq!(held().back, [first.name.clone(), second.name.clone()]);
    assert_eq!(fixture.git(["rev-parse", &first.name]), first.commit);
    // Taken again, before the journal knew.
    let again = snapshot(&workspace, "2", Some(&first));
    assert_eq!((held(), fixture.git(["rev-parse", &second.name])), (Held::default(), again.commit));
    for name in [&first.name, &second.name] {
        fixture.git(["update-ref", "-d", name]);
    }
    collect_garbage(&workspace);
    let lost = [first, second].map(|taken| (taken.name, taken.commit));
    assert_eq!(held(), Held { back: Vec::new(), lost: lost.into() });
}
