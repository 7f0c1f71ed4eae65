//! Faults of children: agents and gates that hang, hide, flood, lie or cannot be started.

use super::invariants::{Before, assert_acknowledged};
use super::matrix::Row;
use super::watched::Watched;
use crate::ground::Ground;
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
        number: 9,
        fault: "an agent ignores INT, TERM and HUP",
        happens: "INT, two seconds, TERM, two seconds, KILL; the screen stays alive meanwhile, and leaving takes no longer",
        tests: &[
            "it::processes::deaf_children_are_killed_on_time",
            "it::interrupt::once_is_enough_for_an_agent_that_ignores_it",
        ],
    },
    Row {
        number: 10,
        fault: "an agent's child leaves its session, forks twice, wipes its environment, or holds the output open",
        happens: "found by descent, session, mark, or as an orphan that came to loopdash; named in the step's end, TERM, then \
            KILL. The step ends with its process, half a second later at most, whoever holds its pipes",
        tests: &[
            "it::processes::escaped_children_are_found_and_named",
            "it::processes::children_that_wipe_their_environment_are_found",
            "it::baddays::a_child_in_its_own_session_holds_nothing_up_and_is_named",
        ],
    },
    Row {
        number: 11,
        fault: "an agent stops itself, or waits for a terminal",
        happens: "it has no terminal, or with `pty` one where nobody types, and its input ends; a stopped one is ended by CONT with each signal, at its timeout at \
            the latest. Its silence is told before, with whether its processes use the processor",
        tests: &[
            "it::processes::a_child_that_stops_itself_can_be_ended",
            "it::processes::time_runs_out",
            "it::watch::silence_is_told_with_its_evidence_and_ends_when_something_is_printed",
        ],
    },
    Row {
        number: 12,
        fault: "an agent dies by a signal, exits 0 with nothing said or done",
        happens: "each is an end of its own, with the signal's name; three failures, or three iterations that change nothing, \
            need a person",
        tests: &[
            "it::processes::statuses_and_signals_are_told_apart",
            "it::baddays::an_actor_that_keeps_failing_needs_a_person",
            "it::baddays::an_actor_that_does_or_says_nothing_is_not_done",
        ],
    },
    Row {
        number: 13,
        fault: "a gigabyte without a newline",
        happens: "all of it is on disk, up to 2 GB a step; memory is bounded and a line is shown up to 64 KB, marked as cut",
        tests: &[
            "it::processes::a_line_without_end_takes_no_memory",
            "it::baddays::a_line_without_end_ends_nobody",
            "loops::agent::transcript::tests::a_limit_stops_the_storing_and_not_the_counting",
        ],
    },
    Row {
        number: 14,
        fault: "32 agents flood",
        happens: "output goes to disk on two threads of its own and passes neither engine nor screen; the screen reads the \
            lines it shows, at most 20 times a second. The latency of keys under a flood is measured in \
            `docs/performance.md`, not tested",
        tests: &[
            "it::processes::a_flood_is_on_disk_to_the_byte",
            "app::tui::pace::tests::however_much_changes_the_bytes_stay_within_the_rate",
        ],
    },
    Row {
        number: 17,
        fault: "one line of JSON of 10 MB",
        happens: "a line like any other: kept whole on disk, shown as far as 64 KB",
        tests: &["loops::agent::transcript::tests::a_line_without_end_is_cut_and_skipped"],
    },
    Row {
        number: 18,
        fault: "malformed, cut, or monstrous verdicts",
        happens: "the verdict is unknown: asked again once, then a person; never an acceptance, and no depth overflows a stack",
        tests: &[
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
        number: 34,
        fault: "kill -9 of loopdash with agents at work",
        happens: "the kernel kills each agent with it; what had left the agent's session is found by its mark at the next \
            start and stopped before the run can go on",
        tests: &[
            "it::processes::a_killed_loopdash_takes_its_agents_along_and_finds_the_rest",
            "it::screen::after_a_kill_the_next_start_offers_the_run_and_it_goes_on",
        ],
    },
    Row {
        number: 44,
        fault: "a gate hangs, floods, leaves a server behind, or is flaky",
        happens: "ended whole at its timeout; what it leaves is named and stopped. A gate's result is recorded with each \
            iteration; gates are not run twice to see whether they are flaky",
        tests: &["it::headless::every_gate_runs_and_its_end_is_recorded"],
    },
    Row {
        number: 45,
        fault: "the system kills an agent for its memory",
        happens: "ended by signal KILL, which loopdash did not send: told as such, and counted as a failure of the actor. \
            That memory was the cause is not told",
        tests: &["it::baddays::an_actor_that_keeps_failing_needs_a_person"],
    },
    Row {
        number: 48,
        fault: "a limit is exceeded in the middle of a run",
        happens: "iterations and attempts are counted before the next begins; a step's time ends with the run's wall clock",
        tests: &["loops::core::laws::slots_notes_and_attempts_stay_in_bounds"],
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
