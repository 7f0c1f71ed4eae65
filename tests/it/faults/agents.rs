//! Faults of agents before and after their work: they cannot be started, or what they say cannot be believed.

use super::invariants::{Before, assert_acknowledged, assert_told};
use super::matrix::Row;
use super::watched::{Watched, cpu_of, files_of, limit};
use crate::ground::{Ground, LOOPDASH, Ran, Told};
use crate::screen::{a_loop, a_script, leave, open, open_by, with_loops};
use crate::term::Term;
use loopdash::loops::core::budget::Resource;
use loopdash::loops::core::event::ParkReason;
use loopdash::loops::core::step::StepKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 7,
        fault: "no file descriptors left",
        happens: "a step that cannot begin waits and is tried again after 1, 2, 4 to 30 s, with the reason on the screen; a \
            child is started only while there are files left to end it with. Loops that find none for their journals are \
            not begun, and the screen says why. A running loop takes six at most",
        tests: &[
            "it::faults::agents::row_07_without_descriptors_new_steps_wait",
            "it::faults::agents::row_07_the_screen_says_what_is_missing_and_idles",
            "it::faults::agents::row_07_forty_loops_with_forty_descriptors_are_refused_with_a_reason",
            "it::faults::agents::row_07_a_start_without_descriptors_is_refused_with_what_to_do",
            "it::faults::agents::row_07_a_loop_takes_six_descriptors_at_most",
            "app::view::snapshots_test::trouble",
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
            "it::faults::agents::row_08_the_screen_says_that_there_are_no_processes",
            "it::faults::agents::row_08_a_program_that_cannot_run_is_refused_with_what_to_do",
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
            "loops::agent::survivors::tests::a_pid_means_nothing_without_its_start_time_or_a_mark",
            "it::processes::survivors_of_a_crash_are_found_and_stopped",
        ],
    },
    Row {
        number: 48,
        fault: "a limit is exceeded in the middle of a run",
        happens: "iterations and attempts are counted before the next begins; a step's time ends with the run's wall clock. \
            A rate limit in the middle of a step is not counted: the run waits until the time that the provider names",
        tests: &[
            "it::limits::a_limit_that_ends_soon_is_waited_for",
            "it::limits::a_limit_that_ends_too_late_ends_a_run_without_a_screen",
            "it::faults::agents::row_48_a_budget_that_is_exceeded_ends_with_the_iteration_and_asks",
            "it::faults::agents::row_48_a_step_ends_with_its_runs_wall_clock",
            "it::locks::a_gate_that_waits_for_its_lock_gives_up_with_its_runs_wall_clock",
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
    let left = |loopdash: &Watched| loopdash.files() as u64;
    short_of(&ground, &[], "nofile", "Too many open files", left);
}

/// How many files of loopdash a running loop takes: its journal, the agent's pipes and transcript, and one to wait by.
const FILES_PER_LOOP: usize = 6;

/// How many files loopdash has open while this many loops are at work.
async fn files_with(loops: usize) -> usize {
    let script = "cat >/dev/null; echo at work; sleep 600";
    let mut text = vec![format!("[engine]\ncap = {loops}\n")];
    text.extend((0..loops).map(|nth| a_script(&format!("l{nth}"), script, "")));
    let ground = with_loops(&text);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see(&format!("{loops} running")).await;
    let printed = |ran: &Ran| {
        ran.steps(&StepKind::Actor)
            .iter()
            .any(|step| std::fs::read_to_string(step.join("stdout.log")).is_ok_and(|text| text.contains("at work")))
    };
    crate::term::until("all are at work", || {
        let runs = ground.runs();
        runs.len() == loops && runs.iter().all(printed)
    })
    .await;
    // What is open for a moment only is not counted.
    let mut files = files_of(term.pid());
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        files = files.min(files_of(term.pid()));
    }
    leave(&mut term).await;
    before.holds_on(&ground, &term).await;
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_07_a_loop_takes_six_descriptors_at_most() {
    let (few, twice) = (files_with(4).await, files_with(8).await);
    assert!(twice <= few + 4 * FILES_PER_LOOP, "{few} files with 4 loops, {twice} with 8");
}

/// A loop of which a gate is left when the file `go` is there.
fn slow_and_gated() -> Ground {
    let wait = "while [ ! -e ../../go ]; do sleep 0.02; done";
    let gate = "[[loop.gate]]\nname = \"it\"\ncommand = \"test -e x\"\n".to_owned();
    with_loops(&[a_loop("slow", &["say", "at work", "sh", wait, "touch", "x", "claim"]), gate])
}

/// Takes a resource away under a dashboard while its agent works, waits for the words, and gives it back.
async fn short_on_screen(ground: &Ground, wrap: &[&str], resource: &str, words: &str, left: impl Fn(&Term) -> u64) {
    let before = Before::of(ground);
    let mut term = open_by(ground, wrap, &["--start-all"]);
    term.see("at work").await;
    limit(wrap, term.pid(), resource, &left(&term).to_string());
    std::fs::write(ground.path("go"), "").unwrap();
    term.see_words(words).await;
    let cpu = cpu_of(term.pid());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cpu = cpu_of(term.pid()) - cpu;
    assert!(cpu <= Duration::from_millis(200), "{cpu:?} of processor time in 2 s");
    // It still takes keys.
    term.keys("?").await;
    term.see("Esc closes").await;
    limit(wrap, term.pid(), resource, "1000");
    crate::term::until("the run is done", || ground.ran().state.is_finished()).await;
    term.keys("\x1b").await;
    term.gone("Esc closes").await;
    term.gone("slow waits: ").await;
    leave(&mut term).await;
    let runs = before.holds_on(ground, &term).await;
    assert_eq!(runs[0].state.iterations.len(), 1, "nothing was done twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_07_the_screen_says_what_is_missing_and_idles() {
    let left = |term: &Term| files_of(term.pid()) as u64;
    short_on_screen(&slow_and_gated(), &[], "nofile", "Too many open files", left).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_07_forty_loops_with_forty_descriptors_are_refused_with_a_reason() {
    let mut text = vec!["[engine]\ncap = 40\n".to_owned()];
    text.extend((0..40).map(|nth| a_script(&format!("l{nth}"), "cat >/dev/null; sleep 600", "")));
    let ground = with_loops(&text);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    limit(&[], term.pid(), "nofile", "40");
    term.see("Too many open files").await;
    let cpu = cpu_of(term.pid());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cpu = cpu_of(term.pid()) - cpu;
    assert!(cpu <= Duration::from_millis(200), "{cpu:?} of processor time in 2 s");
    limit(&[], term.pid(), "nofile", "1000");
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    assert!(runs.iter().all(|ran| !ran.records.is_empty()), "what was not begun leaves no journal");
    let dirs = std::fs::read_dir(ground.path("state/runs")).unwrap().count();
    assert_eq!(dirs, runs.len(), "nor a directory");
}

#[test]
fn row_07_a_start_without_descriptors_is_refused_with_what_to_do() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let run = ground.run_command(&["touch", "x", "claim"], &[], &[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 12 && exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    shell.current_dir(ground.repo()).env_clear().stdin(Stdio::null());
    shell.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_told(Told::from(shell.output().unwrap()), 2, "Too many open files", "`ulimit -n`");
    assert!(!ground.path("state/runs").exists() || before.holds(&ground).is_empty());
}

#[test]
fn row_08_a_program_that_cannot_run_is_refused_with_what_to_do() {
    let ground = Ground::new();
    ground.write("plain", "no program\n");
    ground.commit("plain");
    for (actor, why, to_do) in [
        ("nosuchprogram", "`--actor nosuchprogram`", "agents: "),
        ("./plain", "shop/./plain cannot be run: it is not executable", "chmod +x"),
    ] {
        let told = ground.loopdash(&["run", "--headless", "-p", "x", "--actor", actor, "--critic", "none"]);
        assert_told(told, 65, why, to_do);
    }
    assert!(!ground.path("state/runs").exists() || ground.runs().is_empty(), "nothing was begun");
    assert_eq!(ground.git(&["status", "--porcelain"]), "");
}

/// Limits on processes do not hold for root: what becomes another user's, who is made to own the ground.
fn as_somebody<'a>(ground: &Ground, user: &'a [&'a str; 4]) -> &'a [&'a str] {
    if !rustix::process::geteuid().is_root() {
        return &[];
    }
    let id = user[1].split_once('=').unwrap().1;
    let owned = Command::new("chown").args(["-R", id]).arg(ground.path("")).status().unwrap();
    assert!(owned.success());
    user
}

#[test]
fn row_08_without_processes_new_steps_wait() {
    let ground = Ground::new();
    let wrap = as_somebody(&ground, &["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]);
    short_of(&ground, wrap, "nproc", "Resource temporarily unavailable", |_| 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_08_the_screen_says_that_there_are_no_processes() {
    let ground = slow_and_gated();
    // Processes are counted for each user: not that of the test before.
    let wrap = as_somebody(&ground, &["setpriv", "--reuid=54322", "--regid=54322", "--clear-groups"]);
    short_on_screen(&ground, wrap, "nproc", "Resource temporarily unavailable", |_| 1).await;
}

#[test]
fn row_48_a_step_ends_with_its_runs_wall_clock() {
    let ground = Ground::new();
    let words = [LOOPDASH, "__agent", "say", "working", "hang"];
    let config = format!(
        "[agents.slow]\ncommand = {}\n[[loop]]\nname = \"slow\"\nobjective = \"x\"\nactor = \"slow\"\n\
         critic = \"none\"\nlimits = {{ wall_clock = \"1s\" }}\n",
        serde_json::to_string(&words).unwrap()
    );
    ground.write("loopdash.toml", &config);
    ground.commit("configure");
    let before = Before::of(&ground);
    let told = ground.loopdash(&["run", "--headless", "--loop", "slow"]);
    assert_told(told, 3, "waits for you: ", "`M` in the dashboard");
    let runs = before.holds(&ground);
    let park = &runs[0].state.park;
    assert!(matches!(park, Some(ParkReason::Budget { which: Resource::WallClock, fleet: false, .. })), "{park:?}");
    let actors = runs[0].state.steps.iter().filter(|step| step.kind == StepKind::Actor).count();
    assert_eq!(actors, 1, "its agent has an hour of its own, and was ended");
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
    let told = ground.loopdash(&["run", "--headless", "--loop", "eager"]);
    assert_told(told, 3, "waits for you: ", "`M` in the dashboard");
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.park, Some(ParkReason::Budget { .. })), "{:?}", runs[0].state.park);
    assert_eq!(
        (runs[0].state.iterations.len(), runs[0].state.usage.known.tokens()),
        (2, Some(1400)),
        "the limit and no more"
    );
}
