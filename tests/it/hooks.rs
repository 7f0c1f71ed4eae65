//! Hooks as real commands: what they are told, where they work, and that none of them can hold a run up.

use crate::ground::{Ground, agent, program};
use loopdash::loops::core::event::{ParkReason, Trouble};
use loopdash::loops::core::hook::Hook;
use loopdash::loops::core::state::StepOutcome;
use loopdash::loops::core::step::{Cause, StepKind};
use serde_json::Value;

/// Writes down what it reads and where, a line for each time.
const TELLER: &str = r#"#!/bin/sh
{ printf '%s\t%s\t' "$LOOPDASH_HOOK" "$PWD"; cat; echo; } >> "$TOLD"
"#;

/// A loop that is rejected once and then done, with all four hooks.
fn told(ground: &Ground, hooks: &str) -> std::process::Command {
    program(&ground.path("bin/tell"), TELLER);
    ground.write("loopdash.toml", hooks);
    let actor = agent(&["sh", "echo more >> note.txt", "claim"]);
    let critic = agent(&["sh", "test $(wc -l < note.txt) -gt 1", "continue", "say more"]);
    let args = ["run", "--headless", "-p", "Make a note.", "--actor", &actor, "--critic", &critic];
    let mut command = ground.command(&args);
    command.args(["--max-iterations", "2"]).env("TOLD", ground.path("told"));
    command
}

#[test]
fn each_hook_is_told_what_it_is_there_for() {
    let ground = Ground::new();
    let hooks = "[hooks]\npre_run = 'tell'\npre_iteration = ['tell']\npost_iteration = 'tell'\npost_run = 'tell'\n";
    let output = told(&ground, hooks).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(ground.path("told")).unwrap();
    let lines: Vec<(&str, &str, Value)> = text
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, '\t');
            let (hook, place) = (parts.next().unwrap(), parts.next().unwrap());
            (hook, place, serde_json::from_str(parts.next().unwrap()).unwrap())
        })
        .collect();
    let names: Vec<&str> = lines.iter().map(|(hook, ..)| *hook).collect();
    let trip = ["pre_iteration", "post_iteration"];
    assert_eq!(names, [&["pre_run"][..], &trip, &trip, &["post_run"]].concat());
    let ran = ground.ran();
    let worktree = ran.worktree().display().to_string();
    let repo = ground.repo().display().to_string();
    for (hook, place, about) in &lines {
        assert_eq!(about["hook"], *hook);
        assert_eq!(about["run"], ran.state.id.to_string());
        let first = *hook == "pre_run";
        assert_eq!(*place, if first { &repo } else { &worktree });
        assert_eq!(about["worktree"], if first { Value::Null } else { worktree.as_str().into() });
    }
    let about = |index: usize| &lines[index].2;
    assert_eq!((&about(3)["iteration"], &about(3)["test"]["id"]), (&2.into(), &"objective".into()));
    let first = about(2);
    assert_eq!((&first["result"], &first["why"]), (&"failed".into(), &"critic: 1 blocking finding".into()));
    let snapshot = ran.state.iterations[0].snapshot.as_ref().unwrap();
    assert_eq!((&first["commit"], &first["verdict"]), (&snapshot.commit.as_str().into(), &"continue".into()));
    let last = about(5);
    assert_eq!((&last["outcome"], &last["iterations"]), (&"exhausted".into(), &2.into()));
    assert_eq!(last["tests"], serde_json::json!({ "passed": 0, "total": 1 }));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("hook pre_run") && said.contains("hook post_run"), "{said}");
    ran.assert_gone();
}

#[test]
fn a_hook_before_that_fails_keeps_the_actor_from_starting() {
    for hook in [Hook::PreRun, Hook::PreIteration] {
        let ground = Ground::new();
        let hooks = format!("[hooks]\n{} = \"sh -c 'echo no way >&2; exit 3'\"\n", hook.key());
        assert_eq!(told(&ground, &hooks).output().unwrap().status.code(), Some(3));
        let ran = ground.ran();
        let Some(ParkReason::Attention { kind: Trouble::Hook, detail }) = &ran.state.park else {
            panic!("{:?}", ran.state.park)
        };
        assert_eq!(*detail, format!("hook {}: exit 3", hook.key()));
        assert!(ran.steps(&StepKind::Actor).is_empty());
        let step = ran.steps(&StepKind::Hook(hook)).remove(0);
        assert_eq!(std::fs::read_to_string(step.join("stderr.log")).unwrap(), "no way\n");
    }
}

#[test]
fn a_hook_that_hangs_or_fails_afterwards_holds_nothing_up() {
    let ground = Ground::new();
    // One hangs, deaf, with a child in a session of its own; the other cannot start at all.
    program(&ground.path("bin/hang"), "#!/bin/sh\ntrap '' INT TERM HUP\nsetsid sleep 331 &\nsleep 332\nsleep 333\n");
    let hooks = "[hooks]\npost_iteration = 'hang'\npost_run = 'no-such-hook'\ntimeout = '300ms'\n";
    let output = told(&ground, hooks).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let ran = ground.ran();
    let causes = |hook| {
        let steps = ran.state.steps.iter().filter(move |step| step.kind == StepKind::Hook(hook));
        let ends = steps.filter_map(|step| match &step.end {
            Some(StepOutcome::Finished(end)) => Some(end.cause),
            _ => None,
        });
        ends.collect::<Vec<_>>()
    };
    assert_eq!(causes(Hook::PostIteration), [Cause::TimedOut, Cause::TimedOut]);
    assert_eq!(causes(Hook::PostRun), [Cause::NotStarted]);
    ran.assert_gone();
}

/// One that forks into a session of its own and one of its own group, ignores every signal that can be ignored, and hangs.
const DEAF: &str = "#!/bin/sh\ntrap '' INT TERM HUP\nsetsid sh -c \"trap '' INT TERM HUP; sleep 351; sleep 352\" &\n\
                    sh -c 'sleep 353; sleep 354' &\nsleep 355\nsleep 356\n";

#[test]
fn each_hook_that_forks_is_deaf_and_hangs_is_killed_whole_by_its_timeout() {
    for (hook, code) in [(Hook::PreRun, 3), (Hook::PreIteration, 3), (Hook::PostIteration, 1), (Hook::PostRun, 1)] {
        let ground = Ground::new();
        program(&ground.path("bin/deaf"), DEAF);
        let hooks = format!("[hooks]\n{} = 'deaf'\ntimeout = '300ms'\n", hook.key());
        let output = told(&ground, &hooks).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{hook:?}: {}", String::from_utf8_lossy(&output.stderr));
        let ran = ground.ran();
        let ends: Vec<Cause> = ran
            .state
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Hook(hook))
            .filter_map(|step| match &step.end {
                Some(StepOutcome::Finished(end)) => Some(end.cause),
                _ => None,
            })
            .collect();
        assert!(!ends.is_empty() && ends.iter().all(|cause| *cause == Cause::TimedOut), "{hook:?}: {ends:?}");
        if matches!(hook, Hook::PreRun | Hook::PreIteration) {
            let parked = matches!(&ran.state.park, Some(ParkReason::Attention { kind: Trouble::Hook, .. }));
            assert!(parked, "{hook:?}: {:?}", ran.state.park);
        }
        ran.assert_gone();
    }
}

#[test]
fn a_hook_whose_words_cannot_be_split_is_refused_with_its_place() {
    let ground = Ground::new();
    let output = told(&ground, "[hooks]\npre_run = \"tell 'me\"\n").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("loopdash.toml:2") && said.contains("quote is not closed"), "{said}");
}
