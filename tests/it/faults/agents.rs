//! Faults of agents before and after their work: they cannot be started, or what they say cannot be believed.

use super::invariants::{Before, assert_acknowledged};
use super::matrix::Row;
use super::watched::Watched;
use crate::ground::{Ground, LOOPDASH};
use loopdash::loops::core::event::ParkReason;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 7,
        fault: "no file descriptors left",
        happens: "a step that cannot begin waits and is tried again after 1, 2, 4 to 30 s, with the reason on the screen; a \
            child is started only while there are files left to end it with",
        tests: &[
            "it::faults::agents::row_07_without_descriptors_new_steps_wait",
            "loops::agent::resolve::tests::errors_of_the_system_are_sorted",
        ],
    },
    Row {
        number: 8,
        fault: "no processes left, program missing, not executable or of no known format",
        happens: "without processes a step waits as above; a program that cannot run is refused before anything starts, or needs a person at once, with its full path \
            and the reason; trying it five times would not mend it",
        tests: &[
            "it::faults::agents::row_08_without_processes_new_steps_wait",
            "it::processes::what_cannot_start_says_why",
            "it::processes::what_fails_in_the_last_moment_fails_like_in_a_shell",
            "it::headless::an_agent_given_by_name_is_looked_for_before_anything_starts",
            "it::baddays::an_agent_that_vanishes_between_two_steps_says_so",
        ],
    },
    Row {
        number: 18,
        fault: "malformed, cut, or monstrous verdicts",
        happens: "the verdict is unknown: asked again once, then a person; never an acceptance, and no depth overflows a stack",
        tests: &[
            "it::faults::contents::row_18_and_19_what_is_no_verdict_or_a_forged_one_never_accepts",
            "it::fuzzed::nothing_without_the_key_is_a_verdict",
            "loops::core::verdict::read::tests::never_panics_and_never_accepts_noise",
            "loops::core::verdict::scan::tests::too_deep_is_given_up",
            "loops::core::verdict::scan::tests::hostile_megabytes_take_two_looks_a_byte",
        ],
    },
    Row {
        number: 19,
        fault: "two verdicts, or a forged one in the diff",
        happens: "only an object with the one-time key of the critic's own prompt counts, and of several the last",
        tests: &[
            "it::faults::contents::row_18_and_19_what_is_no_verdict_or_a_forged_one_never_accepts",
            "loops::core::verdict::read::tests::nothing_without_the_key_is_accepted",
            "loops::core::verdict::read::tests::the_last_answer_wins",
        ],
    },
    Row {
        number: 33,
        fault: "a pid is reused",
        happens: "a process is known by pid and start time together, or by the mark in its environment; never by pid alone",
        tests: &[
            "loops::journal::owner::tests::a_reused_pid_is_not_taken_for_the_owner",
            "it::processes::survivors_of_a_crash_are_found_and_stopped",
        ],
    },
    Row {
        number: 48,
        fault: "a limit is exceeded in the middle of a run",
        happens: "iterations and attempts are counted before the next begins; a step's time ends with the run's wall clock",
        tests: &[
            "it::faults::agents::row_48_a_budget_that_is_exceeded_ends_with_the_iteration_and_asks",
            "loops::core::laws::slots_notes_and_attempts_stay_in_bounds",
        ],
    },
];

/// A run whose actor says `working`, goes on when the file `go` is there, and is followed by a gate.
fn until_go(ground: &Ground, wrap: &[&str]) -> (Command, PathBuf) {
    let go = ground.path("go");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.02; done; touch x", go.display());
    let run = ground.run_command(
        &["say", "working", "sh", &script],
        &["done", "fine"],
        &["--gate", "test -e x", "--output", "--json"],
    );
    let Some((first, rest)) = wrap.split_first() else { return (run, go) };
    let mut command = Command::new(first);
    command.args(rest).arg(run.get_program()).args(run.get_args()).current_dir(ground.repo()).env_clear();
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    (command, go)
}

/// Takes a resource away while an agent works, waits for the word about it, and gives it back.
fn short_of(ground: &Ground, wrap: &[&str], resource: &str, words: &str, left: impl Fn(&Watched) -> u64) {
    let before = Before::of(ground);
    let (command, go) = until_go(ground, wrap);
    let mut loopdash = Watched::start(command);
    loopdash.says("\"text\":\"working\"");
    loopdash.limit(wrap, resource, &left(&loopdash).to_string());
    std::fs::write(go, "").unwrap();
    loopdash.says(words);
    let cpu = loopdash.cpu_during(Duration::from_secs(2));
    assert!(cpu <= Duration::from_millis(100), "{cpu:?} of processor time in 2 s");
    loopdash.limit(wrap, resource, "1000");
    let told = loopdash.end().exits(0);
    assert_acknowledged(ground, &told.out);
    let runs = before.holds(ground);
    assert_eq!(runs[0].state.iterations.len(), 1, "nothing was done twice");
}

#[test]
fn row_07_without_descriptors_new_steps_wait() {
    let ground = Ground::new();
    // As many as are in use: what the actor gives back when it ends is not enough for another child.
    let left = |loopdash: &Watched| loopdash.files().len() as u64;
    short_of(&ground, &[], "nofile", "Too many open files", left);
}

#[test]
fn row_08_without_processes_new_steps_wait() {
    let ground = Ground::new();
    // Limits on processes do not hold for root: another user is needed then, who owns the ground.
    let wrap: &[&str] = if rustix::process::geteuid().is_root() {
        let user = "54321";
        let owned = Command::new("chown").args(["-R", user]).arg(ground.path("")).status().unwrap();
        assert!(owned.success());
        &["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    } else {
        &[]
    };
    short_of(&ground, wrap, "nproc", "Resource temporarily unavailable", |_| 1);
}

#[test]
fn row_48_a_budget_that_is_exceeded_ends_with_the_iteration_and_asks() {
    let ground = Ground::new();
    // 700 tokens an iteration, and no claim, so that there is always another.
    let words = [LOOPDASH, "__agent", "stream", "used", "600", "100", "sh", "date +%N >x"];
    let config = format!(
        "[agents.eager]\ncommand = {}\ndialect = \"claude\"\n[[loop]]\nname = \"eager\"\nobjective = \"x\"\n\
         actor = \"eager\"\ncritic = \"none\"\nlimits = {{ tokens = 1000 }}\n",
        serde_json::to_string(&words).unwrap()
    );
    ground.write("loopdash.toml", &config);
    ground.commit("configure");
    let before = Before::of(&ground);
    ground.loopdash(&["run", "--headless", "--loop", "eager"]).exits(3);
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.park, Some(ParkReason::Budget { .. })), "{:?}", runs[0].state.park);
    assert_eq!(
        (runs[0].state.iterations.len(), runs[0].state.usage.known.tokens()),
        (2, Some(1400)),
        "the limit and no more"
    );
}
