//! Faults of the box: two loopdash processes, upgrades under a running one.

use super::disk::Small;
use super::invariants::{Before, assert_told};
use super::matrix::Row;
use super::watched::{Watched, until};
use crate::ground::{Ground, LOOPDASH, Told, program};
use crate::interrupt::{SECOND_TIME, working};
use loopdash::loops::agent::Supervisor;
use loopdash::loops::core::agent::AgentSpec;
use loopdash::loops::core::budget::Budget;
use loopdash::loops::core::command::{Ask, Command as Wanted, LiveRuns, Request};
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::ids::{Millis, Who};
use loopdash::loops::core::schedule::Caps;
use loopdash::loops::core::spec::{LoopSpec, Trigger};
use loopdash::loops::engine::workshop::Workshop;
use loopdash::loops::engine::{self, Clock, Startup, system_clock, system_eye};
use loopdash::loops::git::Git;
use loopdash::loops::journal::Store;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 32,
        fault: "two loopdash processes",
        happens: "a run belongs to the process that holds the lock on its journal, which dies with it; others show it \
            read-only with the owner's pid. Who asks for it without a screen is told the pid and since when that process \
            runs, and exits with status 3. After a kill -9 the next one takes it at once",
        tests: &[
            "it::faults::machine::row_32_a_second_one_is_refused_by_name_and_takes_over_at_once_after_a_kill",
            "it::screen::a_second_loopdash_shows_the_runs_of_the_first_and_cannot_steer_them",
            "loops::journal::append::tests::another_process_holds_its_run_until_it_is_killed",
        ],
    },
    Row {
        number: 40,
        fault: "the clock jumps",
        happens: "records are ordered by number and times may go backwards; waiting and timeouts use the monotonic clock. \
            Where the two clocks part by two seconds or more while loopdash runs, its runs' journals say how far, and time \
            limits and the time that a run took go without it; time that the machine slept does not count. A jump while \
            no loopdash runs is not seen. The test sets the engine's clock, not the machine's",
        tests: &[
            "it::faults::machine::row_40_a_clock_that_jumps_a_day_either_way_ends_nothing",
            "loops::core::state::life::tests::what_the_clock_jumps_is_no_time_of_the_run",
            "loops::engine::steady::tests::only_what_the_clock_does_beyond_time_is_a_jump",
            "loops::journal::append::tests::times_that_go_backwards_are_no_damage",
        ],
    },
    Row {
        number: 49,
        fault: "temporary directory wiped, full or unset",
        happens: "nothing of a run lies there: state is under the state directory, worktrees are where they are configured",
        tests: &["it::faults::machine::row_49_the_temporary_directory_does_not_matter"],
    },
    Row {
        number: 50,
        fault: "the agent's program or loopdash itself is replaced while it runs",
        happens: "agents are looked up at each start; loopdash starts them through the file it was started from, which it \
            keeps open, whatever is done to its name",
        tests: &[
            "it::faults::machine::row_50_loopdash_is_replaced_and_removed_while_it_runs",
            "it::faults::machine::row_50_an_agent_that_is_replaced_between_two_steps_is_the_new_one",
            "it::baddays::an_agent_that_vanishes_between_two_steps_says_so",
        ],
    },
];

#[test]
fn row_32_a_second_one_is_refused_by_name_and_takes_over_at_once_after_a_kill() {
    let ground = Ground::new();
    ground.write("agent.toml", SECOND_TIME);
    ground.commit("agent");
    let before = Before::of(&ground);
    let mut first = working(&ground, &["play", "agent.toml"]);
    let id = ground.ran().dir.run().to_string();
    let resume = || ground.loopdash(&["resume", &id, "--headless"]);
    let told = assert_told(resume(), 3, &format!("with pid {} since ", first.child.id()), "close it there");
    let since = told.err.split_once(" since ").map_or("", |(_, since)| since);
    let digits: Vec<bool> = since.chars().take(8).map(|letter| letter.is_ascii_digit()).collect();
    // A time of day, or at midnight the day before.
    assert!(digits.iter().filter(|digit| **digit).count() >= 6, "{}", told.err);
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    resume().exits(0);
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))));
    assert_eq!(runs[0].state.iterations.len(), 1);
}

/// A copy of the program that may be replaced and removed.
fn own_copy(ground: &Ground) -> PathBuf {
    let copy = ground.path("bin").join("loopdash-of-today");
    std::fs::copy(LOOPDASH, &copy).unwrap();
    copy
}

#[test]
fn row_50_loopdash_is_replaced_and_removed_while_it_runs() {
    for replace in [true, false] {
        let ground = Ground::new();
        let before = Before::of(&ground);
        let copy = own_copy(&ground);
        let (go, at_work) = (ground.path("go"), ground.path("at-work"));
        let script =
            format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done; touch x", at_work.display(), go.display());
        let run = ground.run_command(&["sh", &script, "claim"], &["done", "fine"], &["--gate", "test -e x"]);
        let mut command = Command::new(&copy);
        command.args(run.get_args()).current_dir(ground.repo()).env_clear().stdin(Stdio::null());
        command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let loopdash = Watched::start(command);
        until("the agent is at work", || at_work.exists());
        std::fs::remove_file(&copy).unwrap();
        if replace {
            // As a package manager does: another file under the same name, and nothing that could start a step.
            program(&copy, "#!/bin/sh\nexit 99\n");
        }
        std::fs::write(&go, "").unwrap();
        loopdash.end().exits(0);
        let runs = before.holds(&ground);
        assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))), "replaced: {replace}");
    }
}

#[test]
fn row_50_an_agent_that_is_replaced_between_two_steps_is_the_new_one() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let agent = ground.path("bin").join("worker");
    let second = ground.path("second");
    program(&second, "#!/bin/sh\ncat >/dev/null; echo second >>x; echo LOOPDASH_DONE\n");
    let first = format!("#!/bin/sh\ncat >/dev/null; echo first >>x; mv '{}' '{}'\n", second.display(), agent.display());
    program(&agent, &first);
    let critic = ground.path("bin").join("judge");
    program(
        &critic,
        &format!(
            "#!/bin/sh\ngrep -q second x && exec '{LOOPDASH}' __agent done fine\nexec '{LOOPDASH}' __agent continue more\n"
        ),
    );
    ground.loopdash(&["run", "--headless", "-p", "x", "--actor", "worker", "--critic", "judge"]).exits(0);
    let runs = before.holds(&ground);
    assert_eq!(std::fs::read_to_string(runs[0].worktree().join("x")).unwrap(), "first\nsecond\n");
}

#[test]
fn row_49_the_temporary_directory_does_not_matter() {
    let run = |prepare: &dyn Fn(&Ground, &mut Command) -> Option<Small>| {
        let ground = Ground::new();
        let before = Before::of(&ground);
        let script = "[ -z \"$TMPDIR\" ] || rm -rf \"$TMPDIR\"/wiped; touch x";
        let mut command = ground.run_command(&["sh", script, "claim"], &["done", "fine"], &["--gate", "test -e x"]);
        let _held = prepare(&ground, &mut command);
        Told::from(command.output().unwrap()).exits(0);
        before.holds(&ground);
    };
    run(&|_, command| {
        command.env_remove("TMPDIR");
        None
    });
    run(&|ground, command| {
        command.env("TMPDIR", ground.path("never/was/there"));
        None
    });
    run(&|ground, command| {
        std::fs::create_dir_all(ground.path("tmp/wiped")).unwrap();
        command.env("TMPDIR", ground.path("tmp/wiped"));
        None
    });
    run(&|ground, command| {
        let disk = Small::mount(ground.path("tmp"), "64k")?;
        disk.fill(0);
        command.env("TMPDIR", ground.path("tmp"));
        Some(disk)
    });
}

/// A day in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_40_a_clock_that_jumps_a_day_either_way_ends_nothing() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let ahead = Arc::new(AtomicU64::new(2 * DAY));
    let clock: Clock = {
        let (ahead, real) = (Arc::clone(&ahead), system_clock());
        Arc::new(move || Millis(real().0 + ahead.load(Ordering::Relaxed)))
    };
    let supervisor = Supervisor::new(LOOPDASH.into()).unwrap();
    let config = engine::Config {
        store: Store::open(&ground.path("state")).unwrap(),
        caps: Caps { engine: 1, repository: None, agents: BTreeMap::new() },
        gate_cap: 1,
        budget: Budget::default(),
        startup: Startup::Ignore,
        git: Git::new(),
        clock,
        eye: system_eye(),
    };
    let workshop = Workshop::new(Arc::new(supervisor), Git::new(), ground.path("state"));
    let engine = engine::start(config, Arc::new(workshop));
    let go = ground.path("go");
    let script =
        format!("cat >/dev/null; while [ ! -e '{}' ]; do sleep 0.02; done; touch x; echo LOOPDASH_DONE", go.display());
    let mut actor = AgentSpec::new("agent", ["/bin/sh", "-c", &script].map(str::to_owned).to_vec());
    actor.timeout_ms = 60_000;
    let spec: LoopSpec = serde_json::from_value(serde_json::json!({
        "name": "timeless", "repo": ground.repo(), "objective": "Be timeless.", "actor": actor, "priority": 5,
        "limits": { "max_iterations": 1, "max_attempts": 1, "wall_clock_ms": 3_600_000 },
    }))
    .unwrap();
    let command = Wanted::Submit { specs: vec![spec], trigger: Trigger::Cli };
    engine.handle.send(Request { who: Who::Cli, command }).await.unwrap();
    for jump in [3 * DAY, 0, 2 * DAY] {
        crate::term::until("the agent is at work", || {
            ground.ran().state.active_step().is_some_and(|step| step.process.is_some())
        })
        .await;
        ahead.store(jump, Ordering::Relaxed);
        // So that something is journalled under this clock.
        let (run, ask) = (ground.ran().dir.run(), Ask::SetPriority { priority: u8::try_from(jump / DAY).unwrap() });
        engine.handle.send(Request { who: Who::Cli, command: Wanted::Run { run, ask } }).await.unwrap();
    }
    ahead.store(0, Ordering::Relaxed);
    std::fs::write(go, "").unwrap();
    crate::term::until("the run ends", || ground.ran().state.is_finished()).await;
    engine.handle.send(Request { who: Who::Cli, command: Wanted::Shutdown { live: LiveRuns::Pause } }).await.unwrap();
    engine.task.await.unwrap();
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))), "{:?}", runs[0].state.outcome);
    let times: Vec<u64> = runs[0].records.iter().map(|record| record.at.0).collect();
    assert!(times.windows(2).any(|pair| pair[1] + DAY < pair[0]), "the clock went back: {times:?}");
    let jumps = runs[0].events(|event| match event {
        Event::ClockJumped(e) => Some(e.by_ms),
        _ => None,
    });
    assert!(jumps.iter().any(|by| *by > 0) && jumps.iter().any(|by| *by < 0), "{jumps:?}");
    let told = ground.loopdash(&["show", "timeless"]).exits(0).out;
    assert!(told.contains("done"), "{told}");
}
