//! `loopdash clean`: what it lists, asks, keeps and removes, on real runs.

use crate::ground::{Ground, Told};
use loopdash::loops::core::step::StepKind;
use loopdash::loops::git::trash;
use std::io::Write;
use std::process::Stdio;

/// `loopdash clean` with answers on its standard input.
fn clean(ground: &Ground, args: &[&str], answers: &str) -> Told {
    clean_with(ground, args, answers, "")
}

/// The same, with a fault on demand.
fn clean_with(ground: &Ground, args: &[&str], answers: &str, fault: &str) -> Told {
    let mut command = ground.command(&[&["clean", "--older-than", "1ms"], args].concat());
    command.env("LOOPDASH_FAULT", fault);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    Told::from(child.wait_with_output().unwrap())
}

/// A run that is done and has written a file.
fn with_a_run() -> Ground {
    let ground = Ground::new();
    ground.run(&["write", "note.md", "one\n", "claim"], &[], &[]).exits(0);
    ground
}

#[test]
fn what_is_unmerged_stays_until_its_name_is_typed() {
    let ground = with_a_run();
    let (label, tree) = (ground.ran().state.label.clone(), ground.ran().worktree());
    let told = clean(&ground, &["--dry-run"], "").exits(0);
    assert!(told.out.contains("worktree") && told.out.contains("unmerged; asks for its name"), "{}", told.out);
    for (args, answers) in
        [(&[][..], ""), (&[], "y\n"), (&[], "no\n"), (&[], "yes\n"), (&[], "yes\nwrong\n"), (&["--yes"], "")]
    {
        let told = clean(&ground, args, answers).exits(0);
        assert!(tree.exists(), "{args:?} {answers:?}: {}", told.out);
    }
    assert!(trash::list(&ground.repo().join(".git")).unwrap().is_empty());
    std::fs::write(tree.join("unseen.md"), "two").unwrap();
    let told = clean(&ground, &[], &format!("yes\n{label}\n")).exits(0);
    assert!(told.out.contains("is unmerged, and changed since its last snapshot"), "{}", told.out);
    assert!(told.out.contains("removed: worktree"), "{}", told.out);
    assert!(!tree.exists());
    let kept = trash::list(&ground.repo().join(".git")).unwrap();
    assert_eq!(ground.git(&["show", &format!("{}:unseen.md", kept[0].name)]), "two");
    let ran = ground.ran();
    assert!(ran.state.scrapped && ran.state.undo.is_some() && ran.state.refused == 0);

    // Then its directory and its snapshots, and old trash.
    let told = clean(&ground, &["--yes"], "").exits(0);
    assert!(told.out.contains("removed: run") && told.out.contains("kept content"), "{}", told.out);
    assert!(ground.runs().is_empty());
    assert_eq!(ground.git(&["for-each-ref", "refs/loopdash"]), "");
    assert_eq!(std::fs::read_dir(ground.path("state").join("runs")).unwrap().count(), 0);
    assert!(clean(&ground, &[], "").exits(0).out.contains("there is nothing to remove"));
}

#[test]
fn what_is_merged_goes_with_a_yes_and_what_is_young_stays() {
    let ground = with_a_run();
    let ran = ground.ran();
    let told = ground.loopdash(&["clean", "--dry-run"]).exits(0);
    assert!(told.out.contains("there is nothing to remove"), "it is not 14 days old: {}", told.out);
    ground.write("note.md", "one\n");
    ground.commit("merged by hand");
    let told = clean(&ground, &[], "yes\n").exits(0);
    assert!(told.out.contains("done, merged") && told.out.contains("removed: worktree"), "{}", told.out);
    assert!(!ran.worktree().exists());
    assert_eq!(ground.git(&["branch", "--list", "run/*"]), "");
    assert!(ground.repo().join("note.md").exists());
}

#[test]
fn runs_that_are_not_over_are_not_touched() {
    let ground = Ground::new();
    let asks = ["write", "note.md", "one\n", "say", "LOOPDASH_ASK: which?"];
    ground.run(&asks, &[], &[]).exits(3);
    let ran = ground.ran();
    assert!(!ran.steps(&StepKind::Snapshot).is_empty());
    let told = clean(&ground, &["--yes"], "").exits(0);
    assert!(told.out.contains("there is nothing to remove"), "{}", told.out);
    assert!(ran.worktree().exists() && ran.dir.path().exists());

    // One that cannot be read is named and left.
    let mut text = std::fs::read(ran.dir.journal()).unwrap();
    text[20] ^= 1;
    std::fs::write(ran.dir.journal(), text).unwrap();
    let told = clean(&ground, &["--yes"], "").exits(0);
    assert!(told.out.contains("left: run") && ran.dir.journal().exists(), "{}", told.out);
}

#[test]
fn a_worktree_that_somebody_removed_needs_its_name_and_its_last_snapshot_is_kept() {
    let ground = with_a_run();
    let ran = ground.ran();
    let (label, commit) = (ran.state.label.clone(), ran.state.last_snapshot().unwrap().commit.clone());
    std::fs::remove_dir_all(ran.worktree()).unwrap();
    ground.git(&["worktree", "prune"]);
    ground.git(&["branch", "-q", "-D", "run/make-a-note"]);
    let told = clean(&ground, &["--dry-run"], "").exits(0);
    assert!(told.out.contains("done, unmerged, and its worktree is gone; asks for its name"), "{}", told.out);
    for (args, answers) in [(&["--yes"][..], ""), (&[], "yes\n"), (&[], "yes\nwrong\n")] {
        let told = clean(&ground, args, answers).exits(0);
        assert!(told.out.contains("left: worktree of"), "{}", told.out);
        assert_eq!(ground.git(&["show", &format!("refs/loopdash/{}/1:note.md", ran.dir.run())]), "one");
    }
    let told = clean(&ground, &[], &format!("yes\n{label}\n")).exits(0);
    let kept = trash::list(&ground.repo().join(".git")).unwrap();
    assert!(told.out.contains(&kept[0].name), "{}", told.out);
    assert_eq!(ground.git(&["show", &format!("{}:note.md", kept[0].name)]), "one");
    assert_eq!(ground.git(&["rev-parse", &format!("{}^", kept[0].name)]), commit);
    // From here on its worktree counts as gone, and what is left of the run is as old as that.
    assert!(ground.ran().state.scrapped && ground.ran().state.undo.is_some());
    let told = ground.loopdash(&["clean", "--dry-run"]).exits(0);
    assert!(told.out.contains("there is nothing to remove"), "{}", told.out);
}

#[test]
fn trash_is_listed_with_what_it_would_bring_back() {
    let ground = Ground::new();
    let script = "head -c 300000 /dev/urandom >noise";
    ground.run(&["sh", script, "claim"], &[], &["--gate", "true"]).exits(0);
    let label = ground.ran().state.label.clone();
    clean(&ground, &[], &format!("yes\n{label}\n")).exits(0);
    let told = clean(&ground, &["--dry-run"], "").exits(0);
    let line = told.out.lines().find(|line| line.starts_with("trash")).unwrap();
    assert!(line.contains("300 kB"), "{}", told.out);
}

#[test]
fn what_a_full_disk_kept_from_the_journal_is_finished_by_the_next_clean() {
    let ground = with_a_run();
    let (label, tree) = (ground.ran().state.label.clone(), ground.ran().worktree());
    let yes = format!("yes\n{label}\n");
    let kept = || trash::list(&ground.repo().join(".git")).unwrap();
    // Not even that it is to go can be written: it stays.
    let told = clean_with(&ground, &[], &yes, "enospc:journal.append@1").exits(2);
    assert!(told.out.contains("not removed: worktree") && tree.exists() && kept().is_empty(), "{}", told.out);
    // It went, and that cannot be written.
    let told = clean_with(&ground, &[], &yes, "enospc:journal.append@2").exits(2);
    let trash = kept();
    assert!(!tree.exists() && trash.len() == 1);
    assert!(told.out.contains("it is gone") && told.out.contains(&trash[0].name), "{}", told.out);
    let told = clean(&ground, &["--dry-run"], "").exits(0);
    assert!(told.out.contains("its removal was cut short"), "{}", told.out);
    assert!(!told.out.contains("\ntrash") && !told.out.contains("\nrun "), "{}", told.out);
    // The name was typed already.
    clean(&ground, &["--yes"], "").exits(0);
    let ran = ground.ran();
    assert!(ran.state.scrapped && ran.state.refused == 0 && kept() == trash);
    assert_eq!(ran.state.undo.unwrap().trash.name, trash[0].name);
    assert_eq!(ground.git(&["show", &format!("{}:note.md", trash[0].name)]), "one");
}

#[test]
fn a_removal_that_is_killed_anywhere_is_finished_and_keeps_what_there_was_first() {
    std::thread::scope(|scope| {
        for place in ["scrap.kept", "remove.renamed", "scrap.removed"] {
            scope.spawn(move || {
                let ground = with_a_run();
                let ran = ground.ran();
                std::fs::write(ran.worktree().join("unseen.md"), "two").unwrap();
                let yes = format!("yes\n{}\n", ran.state.label);
                let told = clean_with(&ground, &[], &yes, &format!("abort:{place}"));
                assert_eq!(told.code, None, "{place}: {}", told.out);
                assert_eq!(ran.worktree().exists(), place == "scrap.kept");
                clean(&ground, &["--yes"], "").exits(0);
                let again = ground.ran();
                let kept = trash::list(&ground.repo().join(".git")).unwrap();
                assert_eq!(kept.len(), 1, "{place}");
                assert_eq!(ground.git(&["show", &format!("{}:unseen.md", kept[0].name)]), "two");
                assert_eq!(again.state.undo.unwrap().trash.name, kept[0].name, "{place}");
                assert_eq!(again.state.refused, 0);
                assert_eq!(std::fs::read_dir(ground.path("shop.loops")).unwrap().count(), 0, "{place}");
                assert_eq!(ground.git(&["branch", "--list", "run/*"]), "");
                assert_eq!(ground.git(&["worktree", "list"]).lines().count(), 1);
            });
        }
    });
}

#[test]
fn a_run_directory_whose_removal_is_killed_is_listed_and_removed_by_the_next_clean() {
    let ground = with_a_run();
    let label = ground.ran().state.label.clone();
    clean(&ground, &[], &format!("yes\n{label}\n")).exits(0);
    let told = clean_with(&ground, &["--yes"], "", "abort:clean.renamed");
    assert_eq!(told.code, None, "{}", told.out);
    assert!(ground.runs().is_empty(), "half a directory is no run");
    let left = || std::fs::read_dir(ground.path("state").join("runs")).unwrap().count();
    assert_eq!(left(), 1);
    // However young it is: that it goes was said yes to.
    let told = ground.loopdash(&["clean", "--dry-run"]).exits(0);
    let line = told.out.lines().find(|line| line.starts_with("run ")).unwrap_or_default();
    assert!(line.contains("its removal was cut short"), "{}", told.out);
    let told = ground.loopdash(&["clean", "--yes"]).exits(0);
    assert!(told.out.contains("removed: run"), "{}", told.out);
    assert_eq!(left(), 0);
}
