//! `loopdash clean`: what it lists, asks, keeps and removes, on real runs.

use crate::ground::{Ground, Told};
use loopdash::loops::core::step::StepKind;
use loopdash::loops::git::trash;
use std::io::Write;
use std::process::Stdio;

/// `loopdash clean` with answers on its standard input.
fn clean(ground: &Ground, args: &[&str], answers: &str) -> Told {
    let mut command = ground.command(&[&["clean", "--older-than", "1ms"], args].concat());
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
