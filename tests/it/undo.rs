//! Worktrees set back, scrapped and brought back by key, with nothing lost, before and after a restart.

use crate::ground::{Ground, Ran};
use crate::screen::{a_loop, assert_nothing_runs, leave, open, open_with};
use crate::term::{Term, until};
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::step::StepKind;
use loopdash::loops::core::transition::RunStatus;
use loopdash::loops::git::trash;

/// A loop whose actor commits a file in its first two iterations, leaves one uncommitted in the third and waits there.
fn three_iterations() -> Ground {
    let ground = Ground::new();
    let base = ground.base().display().to_string();
    let script = format!(
        "echo $LOOPDASH_ITERATION > i$LOOPDASH_ITERATION\n\
         if [ $LOOPDASH_ITERATION -lt 3 ]; then\n\
           git add -A; git -c user.name=a -c user.email=a@localhost commit -q -m i$LOOPDASH_ITERATION\n\
         else touch {base}/at; while [ ! -e {base}/go ]; do sleep 0.02; done; fi"
    );
    let gate = "[[loop.gate]]\nname = \"third\"\ncommand = \"test -e i3 || test -e i4\"\n";
    ground.write("loopdash.toml", &(a_loop("stray", &["sh", &script, "claim"]) + gate));
    ground.commit("configure");
    ground
}

fn files(ran: &Ran) -> Vec<String> {
    let entries = std::fs::read_dir(ran.worktree()).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with('i'));
    names.sort();
    names
}

/// Says yes to a question, once it is there.
async fn yes(term: &mut Term, question: &str) {
    term.see(question).await;
    term.answer("y", question).await;
}

/// Pauses the run while its third iteration is at work.
async fn pause_in_the_third(ground: &Ground, term: &mut Term) {
    until("the third iteration is at work", || ground.path("at").exists()).await;
    term.keys("P").await;
    until("paused", || ground.ran().state.status == RunStatus::Paused).await;
    term.see("1 paused").await;
}

/// Asks for the worktree as the first iteration left it.
async fn rewind_to_the_first(term: &mut Term) {
    term.keys("b").await;
    term.see("Set the worktree back to").await;
    term.keys("\x1b[B").await;
    term.see("▸ iteration 1").await;
    term.keys("\r").await;
    yes(term, "Set stray back to iteration 1?").await;
}

/// Opens it after a kill, and leaves the interrupted run as it is.
async fn open_again(ground: &Ground) -> Term {
    let mut term = open(ground, &[]);
    term.see("1 interrupted loop").await;
    term.keys("\x1b").await;
    term.gone("1 interrupted loop").await;
    term
}

/// What the run's branch says last.
fn branch(ground: &Ground, ran: &Ran) -> String {
    let branch = ran.state.workspace.as_ref().unwrap().branch.clone().unwrap();
    ground.git(&["log", "-1", "--format=%s", &branch])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rewind_and_its_undo_lose_nothing_also_after_a_restart() {
    let ground = three_iterations();
    let mut term = open(&ground, &["--start-all"]);
    until("the third iteration is at work", || ground.path("at").exists()).await;
    term.keys("b").await;
    term.see("pause it first").await;
    term.keys("P").await;
    until("paused", || ground.ran().state.status == RunStatus::Paused).await;
    term.see("1 paused").await;
    assert_eq!(
        (files(&ground.ran()), branch(&ground, &ground.ran())),
        (vec!["i1".into(), "i2".into(), "i3".into()], "i2".into())
    );

    rewind_to_the_first(&mut term).await;
    term.see("rewind is done").await;
    let ran = ground.ran();
    assert_eq!((files(&ran), branch(&ground, &ran)), (vec!["i1".to_owned()], "i1".to_owned()));
    assert_eq!(
        ran.state.iterations.iter().map(|one| (one.number, one.aside)).collect::<Vec<_>>(),
        [(1, false), (2, true), (3, true)]
    );
    let kept = trash::list(&ground.repo().join(".git")).unwrap();
    assert_eq!(ground.git(&["show", &format!("{}:i3", kept[0].name)]), "3", "what nobody had committed");
    leave(&mut term).await;

    let mut term = open(&ground, &[]);
    term.see("1 interrupted loop").await;
    term.keys("\x1b").await;
    term.gone("1 interrupted loop").await;
    term.keys("u").await;
    yes(&mut term, "Undo the rewind to 1 of stray?").await;
    term.see("undo is done").await;
    let ran = ground.ran();
    assert_eq!((files(&ran), branch(&ground, &ran)), (vec!["i1".into(), "i2".into(), "i3".into()], "i2".into()));
    assert!(ran.state.iterations.iter().all(|one| !one.aside));

    term.keys("u").await;
    yes(&mut term, "Undo the undo of stray?").await;
    until("it is undone again", || files(&ground.ran()) == ["i1"]).await;
    term.see("undo is done").await;
    std::fs::write(ground.path("go"), "").unwrap();
    term.keys("r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
    let numbers: Vec<u32> = ran.state.iterations.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "no number is used twice");
    assert_eq!(files(&ran), ["i1", "i4"]);
    let prompts = ran.prompts(&StepKind::Actor);
    assert!(prompts.last().unwrap().contains("I set the worktree back to what it held after iteration 1."));
    assert_nothing_runs(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrapped_worktree_needs_its_name_and_comes_back_with_its_branch() {
    let ground = three_iterations();
    std::fs::write(ground.path("go"), "").unwrap();
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 done").await;
    let ran = ground.ran();
    std::fs::write(ran.worktree().join("i-by-hand"), "unseen").unwrap();
    term.keys("X").await;
    term.see("Type its name to scrap it").await;
    term.keys("wrong\r").await;
    term.see("type stray to scrap it").await;
    assert!(ran.worktree().exists());
    term.keys("\x15stray\r").await;
    term.see("scrap is done").await;
    assert!(!ran.worktree().exists());
    assert_eq!(ground.git(&["branch", "--list", "run/stray"]), "");
    assert_eq!(ground.git(&["worktree", "list"]).lines().count(), 1);
    term.keys("X").await;
    term.see("it is scrapped already").await;
    leave(&mut term).await;

    let mut term = open(&ground, &[]);
    term.see("1 done").await;
    term.keys("u").await;
    yes(&mut term, "Undo the scrap of stray?").await;
    term.see("undo is done").await;
    leave(&mut term).await;
    let again = ground.ran();
    assert_eq!(files(&again), ["i-by-hand", "i1", "i2", "i3"]);
    assert_eq!(branch(&ground, &again), "i2");
    let told = again.events(|event| match event {
        Event::Scrapped(scrapped) => scrapped.trash.clone(),
        _ => None,
    });
    assert_eq!(ground.git(&["show", &format!("{}:i-by-hand", told[0].name)]), "unseen");
    assert_eq!(again.state.refused, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrap_that_is_killed_halfway_is_done_again_and_undone_to_what_there_was_first() {
    for place in ["scrap.kept", "remove.renamed", "scrap.removed"] {
        let ground = three_iterations();
        std::fs::write(ground.path("go"), "").unwrap();
        let mut term = open_with(&ground, &["--start-all"], &format!("abort:{place}"));
        term.see("1 done").await;
        let worktree = ground.ran().worktree();
        std::fs::write(worktree.join("i-by-hand"), "unseen").unwrap();
        term.keys("X").await;
        term.see("Type its name to scrap it").await;
        term.keys("stray\r").await;
        assert!(!term.ended().await.success(), "{place}");
        assert!(ground.ran().state.active.is_some(), "{place}: it was at work");

        let mut term = open(&ground, &[]);
        term.see("── scrap ").await;
        term.gone("── scrap ◉").await;
        term.keys("X").await;
        term.see("Type its name to scrap it").await;
        term.keys("stray\r").await;
        term.see("scrap is done").await;
        assert!(!worktree.exists(), "{place}");
        term.keys("u").await;
        yes(&mut term, "Undo the scrap of stray?").await;
        term.see("undo is done").await;
        leave(&mut term).await;
        let ran = ground.ran();
        assert_eq!(files(&ran), ["i-by-hand", "i1", "i2", "i3"], "{place}");
        assert_eq!((branch(&ground, &ran), ran.state.refused), ("i2".to_owned(), 0), "{place}");
        assert_nothing_runs(&ground);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rewind_that_is_killed_halfway_is_done_again_and_undone_to_what_there_was_first() {
    for place in ["setback.kept", "setback.moved"] {
        let ground = three_iterations();
        let mut term = open_with(&ground, &["--start-all"], &format!("abort:{place}"));
        pause_in_the_third(&ground, &mut term).await;
        rewind_to_the_first(&mut term).await;
        assert!(!term.ended().await.success(), "{place}");
        let ran = ground.ran();
        assert_eq!(files(&ran), ["i1", "i2", "i3"], "{place}");
        assert_eq!(branch(&ground, &ran), if place == "setback.moved" { "i1" } else { "i2" });

        let mut term = open_again(&ground).await;
        rewind_to_the_first(&mut term).await;
        term.see("rewind is done").await;
        assert_eq!((files(&ground.ran()), branch(&ground, &ground.ran())), (vec!["i1".to_owned()], "i1".to_owned()));
        term.keys("u").await;
        yes(&mut term, "Undo the rewind to 1 of stray?").await;
        term.see("undo is done").await;
        leave(&mut term).await;
        let ran = ground.ran();
        assert_eq!((files(&ran), branch(&ground, &ran)), (vec!["i1".into(), "i2".into(), "i3".into()], "i2".into()));
        assert_eq!(ran.state.refused, 0);
        assert_nothing_runs(&ground);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_that_is_killed_halfway_is_done_again_and_undone_to_what_there_was_first() {
    for place in ["setback.kept", "setback.moved"] {
        let ground = three_iterations();
        let all = (vec!["i1".to_owned(), "i2".to_owned(), "i3".to_owned()], "i2".to_owned());
        let first = (vec!["i1".to_owned()], "i1".to_owned());
        let stands = || (files(&ground.ran()), branch(&ground, &ground.ran()));
        let mut term = open_with(&ground, &["--start-all"], &format!("abort:{place}@2"));
        pause_in_the_third(&ground, &mut term).await;
        rewind_to_the_first(&mut term).await;
        term.see("rewind is done").await;
        term.keys("u").await;
        yes(&mut term, "Undo the rewind to 1 of stray?").await;
        assert!(!term.ended().await.success(), "{place}");
        assert_eq!(files(&ground.ran()), first.0, "{place}");

        let mut term = open_again(&ground).await;
        term.keys("u").await;
        yes(&mut term, "Undo the rewind to 1 of stray?").await;
        term.see("undo is done").await;
        assert_eq!(stands(), all, "{place}");
        term.keys("u").await;
        yes(&mut term, "Undo the undo of stray?").await;
        until("the first is back", || stands() == first).await;
        leave(&mut term).await;
        assert_eq!(ground.ran().state.refused, 0);
        assert_nothing_runs(&ground);
    }
}
