//! No room for a run's worktree or its snapshots: it waits, and nobody else does.

use super::disk::{Small, as_root_of_its_own, assert_idle, with_fault};
use super::invariants::Before;
use super::matrix::Row;
use super::watched::Watched;
use crate::ground::{Ground, Told};
use crate::screen::{a_loop, a_script, leave, open};
use loopdash::loops::core::event::{Outcome, ParkReason};
use std::path::Path;
use std::process::Command;

pub(super) const ROWS: &[Row] = &[Row {
    number: 5,
    fault: "no space in the worktree or for git objects",
    happens: "the snapshot, or the making of the worktree, waits and is tried again, with the reason on the screen; the \
        agent is not blamed. The others go on: the one that waits keeps its slot, and no lock that another needs. No half \
        snapshot: its ref is written last. An agent that finds no room itself fails, three times at most before a person \
        is asked. Nothing is cleaned away that there is no room to keep",
    tests: &[
        "it::faults::room::row_05_a_snapshot_waits_for_room",
        "it::faults::room::row_05_a_worktree_waits_for_room",
        "it::faults::room::row_05_others_go_on_while_a_worktree_waits_for_room",
        "it::faults::room::row_05_others_go_on_while_an_agent_finds_no_room",
        "it::faults::room::row_05_a_clean_without_room_removes_nothing_and_says_why",
        "it::faults::room::row_05_a_snapshot_that_finds_no_room_is_taken_later",
        "loops::git::worktree::tests::a_branch_that_is_taken_back_is_missed_by_no_other_run",
    ],
}];

/// Loops of one repository: `small` and others, each with its worktree in a directory of its own, and a small file system
/// where that of `small` is to be.
fn apart(small: &str, others: &[String]) -> (Ground, Option<Small>) {
    let ground = Ground::new();
    let trees = ground.path("trees");
    let place = format!("[engine]\nworktree_path = \"{}/{{{{ slug }}}}/{{{{ slug }}}}\"\n", trees.display());
    ground.write("loopdash.toml", &[&[place, small.to_owned()], others].concat().concat());
    ground.commit("configure");
    let disk = Small::mount(trees.join("small"), "4m");
    (ground, disk)
}

#[test]
fn row_05_a_snapshot_waits_for_room() {
    let ground = Ground::new();
    let Some(disk) = Small::mount(ground.path("small"), "6m") else {
        return as_root_of_its_own("faults::room::row_05_a_snapshot_waits_for_room");
    };
    let shop = disk.0.join("shop");
    ground.git(&["clone", "-q", ".", shop.to_str().unwrap()]);
    let ballast = disk.0.join("ballast");
    let script = "head -c 2000000 /dev/urandom >noise; cat /dev/zero >\"$BALLAST\" 2>/dev/null; true";
    let mut command = ground.run_command(&["sh", script], &["done", "fine"], &[]);
    command.env("BALLAST", &ballast).current_dir(&shop);
    let mut loopdash = Watched::start(command);
    loopdash.says("No space left on device");
    assert_idle(&loopdash);
    assert_eq!(refs_of(&shop), ["base"], "no half snapshot");
    std::fs::remove_file(&ballast).unwrap();
    loopdash.end().exits(0);
    let ran = ground.ran();
    assert_eq!(ran.state.last_snapshot().unwrap().files, 1);
    assert_eq!(ran.state.iterations.len(), 1, "the agent was not blamed");
    ran.assert_gone();
}

#[test]
fn row_05_a_worktree_waits_for_room() {
    let ground = Ground::new();
    let Some(disk) = Small::mount(ground.path("small"), "6m") else {
        return as_root_of_its_own("faults::room::row_05_a_worktree_waits_for_room");
    };
    let shop = disk.0.join("shop");
    ground.git(&["clone", "-q", ".", shop.to_str().unwrap()]);
    let ballast = disk.fill(0);
    let mut command = ground.run_command(&["touch", "x", "claim"], &["done", "fine"], &[]);
    command.current_dir(&shop);
    let mut loopdash = Watched::start(command);
    loopdash.says("No space left on device");
    assert_idle(&loopdash);
    std::fs::remove_file(&ballast).unwrap();
    loopdash.end().exits(0);
    let ran = ground.ran();
    assert_eq!((ran.state.iterations.len(), ran.state.last_snapshot().unwrap().files), (1, 1));
    ran.assert_gone();
}

#[test]
fn row_05_a_snapshot_that_finds_no_room_is_taken_later() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let told = with_fault(&ground, "enospc:snapshot@1").exits(0);
    assert!(told.err.contains("No space left on device"), "{}", told.err);
    let runs = before.holds(&ground);
    assert_eq!((runs[0].state.iterations.len(), runs[0].state.last_snapshot().unwrap().files), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_05_others_go_on_while_a_worktree_waits_for_room() {
    let quick = ["touch", "x", "claim"];
    let (ground, disk) = apart(&a_loop("small", &quick), &[a_loop("one", &quick), a_loop("two", &quick)]);
    let Some(disk) = disk else {
        return as_root_of_its_own("faults::room::row_05_others_go_on_while_a_worktree_waits_for_room");
    };
    let ballast = disk.fill(0);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("small waits: ").await;
    term.see_words("No space left on device").await;
    term.see("2 done").await;
    assert!(term.text().contains("small waits: "), "it still does:\n{}", term.text());
    std::fs::remove_file(ballast).unwrap();
    term.see("3 done").await;
    term.gone("small waits: ").await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    assert!(runs.iter().all(|ran| matches!(ran.state.outcome, Some((Outcome::Done, _)))));
    assert!(runs.iter().all(|ran| ran.state.iterations.len() == 1), "nobody was blamed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_05_others_go_on_while_an_agent_finds_no_room() {
    let greedy = a_script("small", "cat >/dev/null; head -c 9000000 /dev/zero >big", "");
    let (ground, disk) = apart(&greedy, &[a_loop("one", &["touch", "x", "claim"])]);
    let Some(_disk) = disk else {
        return as_root_of_its_own("faults::room::row_05_others_go_on_while_an_agent_finds_no_room");
    };
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 done").await;
    term.see("1 needs you").await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    let parked: Vec<&ParkReason> = runs.iter().filter_map(|ran| ran.state.park.as_ref()).collect();
    assert!(matches!(parked[..], [ParkReason::Attention { .. }]), "{parked:?}");
}

#[test]
fn row_05_a_clean_without_room_removes_nothing_and_says_why() {
    let ground = Ground::new();
    let Some(disk) = Small::mount(ground.path("small"), "6m") else {
        return as_root_of_its_own("faults::room::row_05_a_clean_without_room_removes_nothing_and_says_why");
    };
    let shop = disk.0.join("shop");
    ground.git(&["clone", "-q", ".", shop.to_str().unwrap()]);
    let mut command = ground.run_command(&["touch", "x"], &[], &["--gate", "true", "--max-iterations", "1"]);
    Told::from(command.current_dir(&shop).output().unwrap()).exits(1);
    // Nobody has seen this yet.
    let late = ground.ran().worktree().join("late");
    std::fs::write(&late, vec![b'l'; 100_000]).unwrap();
    let ballast = disk.fill(0);
    let clean = || {
        let mut command = ground.command(&["clean", "--older-than", "1ms", "--yes"]);
        Told::from(command.current_dir(&shop).output().unwrap())
    };
    let told = clean().exits(0);
    let said = format!("{}{}", told.out, told.err);
    assert!(said.contains("left: make-a-note: No space left on device") && said.contains("make room"), "{said}");
    assert!(late.exists());
    std::fs::remove_file(ballast).unwrap();
    let said = clean().exits(0).out;
    assert!(said.contains("changed since its last snapshot"), "it is seen now, and asked for by its name: {said}");
    assert!(late.exists());
}

/// The last parts of the names of loopdash's refs.
fn refs_of(repo: &Path) -> Vec<String> {
    let mut git = Command::new("git");
    let output = git.args(["for-each-ref", "--format=%(refname:lstrip=3)", "refs/loopdash"]).current_dir(repo).output();
    String::from_utf8(output.unwrap().stdout).unwrap().lines().map(str::to_owned).collect()
}
