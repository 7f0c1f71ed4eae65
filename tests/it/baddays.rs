//! Agents that misbehave and repositories that are odd: a clear message, nothing lost, nothing left running.

use crate::ground::{Ground, LOOPDASH, Ran, Told, program};
use loopdash::loops::core::event::{Event, ParkReason, Trouble};
use loopdash::loops::core::step::{Cause, Exit, StepEnd, StepKind};
use std::process::Command;

/// How the actor's steps ended.
fn ends(ran: &Ran) -> Vec<StepEnd> {
    let actors = ran.steps(&StepKind::Actor).len();
    let ends = ran.events(|event| match event {
        Event::StepFinished(e) if ran.state.step(e.step).is_some_and(|step| step.kind == StepKind::Actor) => {
            Some(e.end.clone())
        }
        _ => None,
    });
    assert_eq!(ends.len(), actors);
    ends
}

fn trouble(ran: &Ran) -> Option<Trouble> {
    match &ran.state.park {
        Some(ParkReason::Attention { kind, .. }) => Some(*kind),
        _ => None,
    }
}

#[test]
fn an_actor_that_keeps_failing_needs_a_person() {
    for (words, exit) in [(["exit", "1"], Exit::Code(1)), (["signal", "11"], Exit::Signal(11))] {
        let ground = Ground::new();
        let told = ground.run(&words, &["done", "fine"], &[]).exits(3);
        let ran = ground.ran();
        assert_eq!(trouble(&ran), Some(Trouble::Actor));
        assert_eq!(ends(&ran).iter().map(|end| end.exit).collect::<Vec<_>>(), [Some(exit); 3]);
        assert!(told.out.contains(&exit.word()), "{}", told.out);
    }
}

#[test]
fn an_actor_that_does_or_says_nothing_is_not_done() {
    let ground = Ground::new();
    let told = ground.run(&["sleep", "1"], &["done", "fine"], &["--max-iterations", "2"]).exits(1);
    assert!(told.out.contains("nothing was changed"), "{}", told.out);
    assert_eq!(ground.ran().state.iterations.len(), 2);
}

#[test]
fn commits_of_the_actor_are_its_work() {
    let ground = Ground::new();
    ground.run(&["write", "x", "1\n", "commit", "mine", "write", "y", "2\n", "claim"], &["done", "fine"], &[]).exits(0);
    let ran = ground.ran();
    let snapshot = ran.state.last_snapshot().unwrap();
    assert_eq!((snapshot.files, snapshot.insertions), (2, 2));
    assert!(ran.prompts(&StepKind::Critic)[0].contains("+1"));
}

#[test]
fn a_removed_worktree_is_trouble_and_loses_nothing_kept() {
    let ground = Ground::new();
    let told = ground.run(&["rm-worktree", "claim"], &["done", "fine"], &[]).exits(3);
    let ran = ground.ran();
    assert!(matches!(trouble(&ran), Some(Trouble::Snapshot | Trouble::Worktree)), "{}", told.out);
    assert_eq!(ground.git(&["status", "--porcelain"]), "");
}

/// A configuration with one agent that has a step timeout.
fn with_timeout(ground: &Ground, words: &[&str]) -> Told {
    let words: Vec<String> = [LOOPDASH, "__agent"].iter().chain(words).map(|word| format!("{word:?}")).collect();
    let toml = format!("[agents.me]\ntimeout = \"600ms\"\ncommand = [{}]\n", words.join(", "));
    ground.write("loopdash.toml", &toml);
    ground.loopdash(&["run", "--headless", "-p", "x", "--critic", "none", "--max-iterations", "1"])
}

#[test]
fn an_actor_that_never_ends_is_ended() {
    for words in [&["touch", "x", "hang"][..], &["ignore-term", "touch", "x", "hang"]] {
        let ground = Ground::new();
        with_timeout(&ground, words).exits(1);
        let ran = ground.ran();
        assert_eq!(ends(&ran)[0].cause, Cause::TimedOut);
        // What it did until then is kept.
        assert_eq!(ran.state.last_snapshot().unwrap().files, 1);
        ran.assert_gone();
    }
}

#[test]
fn a_child_in_its_own_session_holds_nothing_up_and_is_named() {
    let ground = Ground::new();
    let told = ground.run(&["touch", "x", "orphan", "claim"], &["done", "fine"], &[]).exits(0);
    let ran = ground.ran();
    let left = &ends(&ran)[0].left_behind;
    assert!(left.len() == 1 && left[0].contains("__orphan"), "{left:?}");
    assert!(told.out.contains("left behind and stopped"), "{}", told.out);
    ran.assert_gone();
}

#[test]
fn an_agent_starts_with_signals_obeyed_however_loopdash_was_started() {
    // A shell without job control starts `loopdash run &` with these two ignored.
    let ground = Ground::new();
    let run = ground.run_command(&["sh", "touch x; kill -QUIT $$; touch y"], &[], &["--max-iterations", "1"]);
    let mut deaf = Command::new("sh");
    deaf.args(["-c", "trap '' INT QUIT; exec \"$@\"", "sh"]).arg(run.get_program()).args(run.get_args());
    deaf.current_dir(ground.repo()).env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Told::from(deaf.output().unwrap()).exits(1);
    let worktree = ground.ran().worktree();
    assert!(worktree.join("x").exists() && !worktree.join("y").exists(), "the signal was not heard");
}

#[test]
fn hostile_output_is_kept_as_it_is_and_told_harmlessly() {
    let ground = Ground::new();
    let told =
        ground.run(&["touch", "x", "flood", "2", "bytes", "fffe0a", "claim"], &["done", "ok"], &["--output"]).exits(0);
    assert!(!told.out.chars().any(|c| c.is_control() && c != '\n'));
    let raw = std::fs::read(ground.ran().steps(&StepKind::Actor)[0].join("stdout.log")).unwrap();
    assert!(raw.windows(7).any(|window| window == b"\x1b]52;c;"));
    assert!(raw.ends_with(b"\xff\xfe\nLOOPDASH_DONE\n"));
}

#[test]
fn a_line_without_end_ends_nobody() {
    let ground = Ground::new();
    ground
        .run(&["touch", "x", "no-newline", "32", "print", "\n", "claim"], &["done", "ok"], &["--json", "--output"])
        .exits(0);
    assert_eq!(ends(&ground.ran())[0].stdout_bytes, (32 << 20) + "\nLOOPDASH_DONE\n".len() as u64);
}

#[test]
fn an_agent_that_vanishes_between_two_steps_says_so() {
    let ground = Ground::new();
    let gone = ground.path("bin").join("fleeting");
    program(&gone, &format!("#!/bin/sh\ncat >/dev/null; date >x; rm '{}'\n", gone.display()));
    let told = ground.loopdash(&["run", "--headless", "-p", "x", "--actor", "fleeting", "--critic", "none"]).exits(3);
    assert_eq!(trouble(&ground.ran()), Some(Trouble::Actor));
    assert!(told.out.contains("fleeting"), "{}", told.out);
}

#[test]
fn odd_repositories_work_or_say_what_to_do() {
    // No commits.
    let ground = Ground::new();
    let empty = ground.path("empty");
    assert!(Command::new("git").args(["init", "-q"]).arg(&empty).status().unwrap().success());
    let run = |dir: &std::path::Path, more: &[&str]| {
        let mut command = ground.run_command(&["touch", "x", "claim"], &["done", "ok"], more);
        Told::from(command.current_dir(dir).output().unwrap())
    };
    let told = run(&empty, &[]).exits(65);
    assert!(told.err.contains("git commit"), "{}", told.err);
    run(&empty, &["--in-place"]).exits(0);
    // Bare.
    let bare = ground.path("bare");
    assert!(
        Command::new("git").args(["clone", "-q", "--bare"]).arg(ground.repo()).arg(&bare).status().unwrap().success()
    );
    run(&bare, &[]).exits(0);
    let told = run(&bare, &["--in-place"]).exits(65);
    assert!(told.err.contains("bare"), "{}", told.err);
    // A linked worktree, and a directory below a detached HEAD.
    let linked = ground.path("linked");
    ground.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    run(&linked, &[]).exits(0);
    let below = linked.join("below");
    std::fs::create_dir(&below).unwrap();
    run(&below, &[]).exits(0);
    // Not a repository.
    let told = run(&ground.path("home"), &[]).exits(65);
    assert!(told.err.contains("repository"), "{}", told.err);
    // A branch that is taken gets a suffix, and is left alone.
    let head = ground.git(&["rev-parse", "HEAD"]);
    ground.git(&["branch", "run/make-a-note-9"]);
    run(&ground.repo(), &[]).exits(0);
    assert_eq!(ground.git(&["rev-parse", "run/make-a-note-9"]), head);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_named() {
    let ground = Ground::new();
    std::fs::write(ground.path("state"), "in the way").unwrap();
    let told = ground.run(&["touch", "x"], &[], &[]).exits(65);
    assert!(told.err.contains(ground.path("state").to_str().unwrap()), "{}", told.err);
}

#[test]
fn wrong_configuration_and_tests_are_refused_with_their_place() {
    let ground = Ground::new();
    ground.write("loopdash.toml", "[engine]\ncaps = 3\n");
    let told = ground.run(&["touch", "x"], &[], &[]).exits(65);
    assert!(told.err.contains("loopdash.toml:2") && told.err.contains("cap"), "{}", told.err);
    ground.write("loopdash.toml", "");
    ground.write("tests.json", r#"{"version":1,"tests":[{"id":"A","title":"a","depends_on":["B"]}]}"#);
    let told = ground.run(&["touch", "x"], &[], &["--tests", "tests.json"]).exits(65);
    assert!(told.err.contains("tests.json:1") && told.err.contains('B'), "{}", told.err);
}
