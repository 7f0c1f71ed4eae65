//! Faults of children at work: agents and gates that will not end, hide what they start, stop, die, or are killed.

use super::invariants::{Before, assert_told};
use super::matrix::Row;
use crate::ground::{Ground, Ran, program, skipped};
use crate::screen::{a_loop, a_script, leave, open, with_loops};
use loopdash::loops::agent::tree;
use loopdash::loops::core::event::{Event, ParkReason, Record};
use loopdash::loops::core::gate::GateResult;
use loopdash::loops::core::step::{Cause, Exit, StepEnd, StepKind};
use loopdash::loops::core::transition::RunStatus;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 9,
        fault: "an agent ignores INT, TERM and HUP",
        happens: "INT, two seconds, TERM, two seconds, KILL; the screen stays alive meanwhile and counts the seconds, and \
            leaving takes no longer",
        tests: &[
            "it::faults::children::row_09_the_screen_lives_and_counts_while_a_deaf_agent_is_ended",
            "it::processes::deaf_children_are_killed_on_time",
            "it::interrupt::once_is_enough_for_an_agent_that_ignores_it",
            "app::view::snapshots_test::a_step_that_is_told_to_end_says_when_it_is_killed",
        ],
    },
    Row {
        number: 10,
        fault: "an agent's child leaves its session, forks twice, wipes its environment, or holds the output open",
        happens: "found by descent, session, mark, or as an orphan that came to loopdash; named in the step's end, TERM, then \
            KILL. The step ends with its process, half a second later at most, whoever holds its pipes",
        tests: &[
            "it::faults::children::row_10_whoever_leaves_the_session_is_named_on_the_screen_and_gone",
            "it::faults::children::row_10_stopping_a_run_finds_them_too",
            "it::faults::contents::row_10_a_fork_bomb_within_a_limit_is_gone_with_its_step",
            "it::processes::escaped_children_are_found_and_named",
            "it::processes::children_that_wipe_their_environment_are_found",
            "it::baddays::a_child_in_its_own_session_holds_nothing_up_and_is_named",
        ],
    },
    Row {
        number: 11,
        fault: "an agent stops itself, or waits for a terminal",
        happens: "it has no terminal and its input ends; a stopped one is ended by CONT with each signal, at its timeout at \
            the latest. Its silence is told before, with whether its processes use the processor",
        tests: &[
            "it::faults::children::row_11_an_agent_that_stops_itself_is_told_as_silent_and_ended",
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
            "it::faults::children::row_12_each_end_has_its_word_and_three_of_a_kind_need_a_person",
            "it::processes::statuses_and_signals_are_told_apart",
            "it::baddays::an_actor_that_keeps_failing_needs_a_person",
            "it::baddays::an_actor_that_does_or_says_nothing_is_not_done",
        ],
    },
    Row {
        number: 44,
        fault: "a gate hangs, floods, leaves a server behind, or is flaky",
        happens: "ended whole at its timeout; what it leaves is named and stopped. Each run of a gate is recorded with its \
            result; one with something new in it runs once more, and what then passes is called flaky",
        tests: &[
            "it::faults::children::row_44_a_gate_that_hangs_is_ended_whole",
            "it::faults::children::row_44_a_server_that_a_gate_leaves_is_named_and_its_port_is_free",
            "it::faults::children::row_44_a_gate_that_floods_is_stored_and_judged",
            "it::headless::every_gate_runs_and_its_end_is_recorded",
            "it::gates::a_failure_that_is_gone_when_tried_again_is_flaky",
        ],
    },
    Row {
        number: 45,
        fault: "the system kills an agent for its memory",
        happens: "ended by signal KILL, which loopdash did not send: where the system's count of such kills went up \
            meanwhile, it is told as killed, likely out of memory, with what may be done about it, else as the signal. \
            A failure of the actor in any case. \
            A gate that fails is told so as well where what it printed says that a child was killed meanwhile. \
            The test needs a memory cgroup, of either version of them, and says on standard error that it does  nothing where it may not make one",
        tests: &[
            "it::faults::children::row_45_an_agent_killed_for_its_memory_is_told_so",
            "loops::agent::memory::tests::the_count_is_read_wherever_it_stands",
            "loops::core::runner::killed::tests::programs_tell_of_killed_children_in_their_ways",
            "it::baddays::an_actor_that_keeps_failing_needs_a_person",
        ],
    },
];

/// The ends of the steps of a kind.
fn ends(ran: &Ran, kind: &StepKind) -> Vec<StepEnd> {
    ran.events(|event| match event {
        Event::StepFinished(e) if ran.state.step(e.step).is_some_and(|step| step.kind == *kind) => Some(e.end.clone()),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_09_the_screen_lives_and_counts_while_a_deaf_agent_is_ended() {
    let ground = with_loops(&[a_loop("deaf", &["ignore-term", "say", "at work", "hang"])]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    term.keys("q").await;
    term.see("Leave loopdash?").await;
    term.answer("p", "Leave loopdash?").await;
    term.see("actor is killed in").await;
    term.keys("?").await;
    term.see("Esc closes").await;
    term.ended().await;
    let runs = before.holds_on(&ground, &term).await;
    assert_eq!(runs[0].state.status, RunStatus::Paused);
    let at = |is: fn(&Event) -> bool| {
        let record: &Record = runs[0].records.iter().find(|record| is(&record.event)).unwrap();
        record.at
    };
    let asked = at(|event| matches!(event, Event::PauseRequested(_)));
    let took = at(|event| matches!(event, Event::StepInterrupted(_))).since(asked);
    // Four seconds of grace; what is above is a busy machine's.
    assert!((3_900..8_000).contains(&took), "{took} ms");
}

/// A script that starts five processes which leave its session, each in another way: `sleep 411` to `sleep 415` for 41.
fn escapes(number: u32) -> String {
    format!(
        "cat >/dev/null
        setsid sh -c 'setsid sleep {number}1 & exec sleep {number}2' >/dev/null 2>&1 &
        env -i PATH=\"$PATH\" setsid sleep {number}3 >/dev/null 2>&1 &
        (sleep {number}4 & )
        setsid sleep {number}5 &
        while [ $(ps -eo args | grep -c '^sleep {number}[1-5]$') -lt 5 ]; do sleep 0.05; done
        echo all are out; "
    )
}

/// The command lines of those five.
fn escaped(number: u32) -> Vec<String> {
    (1..=5).map(|nth| format!("sleep {number}{nth}")).collect()
}

#[track_caller]
fn assert_none_alive(commands: &[String]) {
    let table = Command::new("ps").args(["-eo", "args"]).output().unwrap().stdout;
    let table = String::from_utf8_lossy(&table).into_owned();
    let alive: Vec<&str> = table.lines().filter(|line| commands.iter().any(|command| command == line)).collect();
    assert_eq!(alive, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_10_whoever_leaves_the_session_is_named_on_the_screen_and_gone() {
    let script = escapes(41) + "touch x; echo LOOPDASH_DONE";
    let ground = with_loops(&[a_script("leaky", &script, "")]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 done").await;
    term.keys("6").await;
    term.see("left behind").await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    let left = &ends(&runs[0], &StepKind::Actor)[0].left_behind;
    for command in escaped(41) {
        assert!(left.iter().any(|line| line.ends_with(&command)), "{command}: {left:?}");
    }
    assert_none_alive(&escaped(41));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_10_stopping_a_run_finds_them_too() {
    let script = escapes(42) + "trap '' INT TERM; while :; do sleep 1; done";
    let ground = with_loops(&[a_script("leaky", &script, "")]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("all are out").await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    assert_eq!(runs[0].state.status, RunStatus::Paused);
    assert_none_alive(&escaped(42));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_an_agent_that_stops_itself_is_told_as_silent_and_ended() {
    let script = "(: </dev/tty) 2>/dev/null && echo a terminal || echo no terminal
        cat >/dev/null; echo input has ended; kill -STOP $$; echo never";
    let ground = with_loops(&[a_script("stopped", script, "watch = { silence = \"1s\" }")]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("input has ended").await;
    assert!(term.text().contains("no terminal"), "{}", term.text());
    term.see("silent").await;
    let (pid, _) = ground.ran().state.active_step().unwrap().process.unwrap();
    assert_eq!(tree::process(pid).unwrap().state, 'T');
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    assert_eq!(runs[0].state.status, RunStatus::Paused);
}

#[test]
fn row_12_each_end_has_its_word_and_three_of_a_kind_need_a_person() {
    let table: [(&[&str], &str); 7] = [
        (&["touch", "x", "signal", "6"], "signal ABRT, 3 times in a row"),
        (&["touch", "x", "signal", "11"], "signal SEGV, 3 times in a row"),
        (&["touch", "x", "signal", "15"], "signal TERM, 3 times in a row"),
        (&["touch", "x", "exit", "7"], "exit 7, 3 times in a row"),
        (&["exit", "0"], "nothing was changed, 3 times in a row"),
        (&["say", "done, I think"], "nothing was changed, 3 times in a row"),
        (&["claim"], "nothing was changed, 3 times in a row"),
    ];
    std::thread::scope(|scope| {
        for (words, told) in table {
            scope.spawn(move || {
                let ground = Ground::new();
                let before = Before::of(&ground);
                let end = ground.run(words, &["done", "fine"], &[]);
                assert_told(end, 3, told, "`loopdash resume make-a-note` tries again");
                let runs = before.holds(&ground);
                let Some(ParkReason::Attention { detail, .. }) = &runs[0].state.park else { panic!("{words:?}") };
                assert!(detail.contains(told), "{words:?}: {detail}");
                assert_eq!(runs[0].state.progress().0, 0, "{words:?}");
            });
        }
    });
}

/// A ground with one loop whose only gate is this shell command, run once in an iteration and not on the base.
fn gated(gate: &str, timeout: &str) -> Ground {
    let gate = serde_json::to_string(gate).unwrap();
    let text = a_loop("gated", &["touch", "x", "claim"]);
    let text = format!(
        "{text}[[loop.gate]]\nname = \"it\"\ncommand = {gate}\ntimeout = \"{timeout}\"\nbaseline = false\nrerun = false\n"
    );
    with_loops(&[text])
}

fn gates(ran: &Ran) -> Vec<GateResult> {
    ran.events(|event| match event {
        Event::GateFinished(e) => Some(e.outcome.clone()),
        _ => None,
    })
}

#[test]
fn row_44_a_gate_that_hangs_is_ended_whole() {
    let ground = gated("trap '' INT TERM; setsid sleep 431 & (sleep 432 &); while :; do sleep 1; done", "500ms");
    let before = Before::of(&ground);
    ground.loopdash(&["run", "--headless", "--loop", "gated", "--max-iterations", "1"]).exits(1);
    let runs = before.holds(&ground);
    assert_eq!(gates(&runs[0]), [GateResult::TimedOut]);
    let end = &ends(&runs[0], &StepKind::Gate("it".to_owned()))[0];
    assert_eq!((end.cause, end.exit), (Cause::TimedOut, Some(Exit::Signal(9))));
}

/// Names the file that the server writes its port to.
const SERVER: &str = "LOOPDASH_TEST_SERVER";

/// Not a test by itself, and nothing without its variable: the server that the next test's gate leaves behind.
#[test]
fn server() {
    let Some(place) = std::env::var_os(SERVER).map(PathBuf::from) else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    std::fs::write(place.with_extension("new"), listener.local_addr().unwrap().port().to_string()).unwrap();
    std::fs::rename(place.with_extension("new"), &place).unwrap();
    let _ = listener.accept();
}

#[test]
fn row_44_a_server_that_a_gate_leaves_is_named_and_its_port_is_free() {
    let port = tempfile::tempdir().unwrap();
    let port = port.path().join("port");
    let test = std::env::current_exe().unwrap();
    let gate = format!(
        "{SERVER}='{port}' setsid '{test}' --exact faults::children::server >/dev/null 2>&1 &
        while [ ! -e '{port}' ]; do sleep 0.02; done",
        port = port.display(),
        test = test.display()
    );
    let ground = gated(&gate, "1m");
    let before = Before::of(&ground);
    let told = ground.loopdash(&["run", "--headless", "--loop", "gated"]).exits(0);
    assert!(told.out.contains("left behind and stopped"), "{}", told.out);
    let runs = before.holds(&ground);
    assert_eq!(gates(&runs[0]), [GateResult::Passed]);
    let left = &ends(&runs[0], &StepKind::Gate("it".to_owned()))[0].left_behind;
    assert!(left.iter().any(|line| line.contains("faults::children::server")), "{left:?}");
    let port = std::fs::read_to_string(port).unwrap().parse().unwrap();
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
}

#[test]
fn row_44_a_gate_that_floods_is_stored_and_judged() {
    let ground =
        gated("yes 'a line of a gate that says too much' | head -c 30000000; echo the last word; exit 3", "1m");
    let before = Before::of(&ground);
    ground.loopdash(&["run", "--headless", "--loop", "gated", "--max-iterations", "1"]).exits(1);
    let runs = before.holds(&ground);
    assert_eq!(gates(&runs[0]), [GateResult::Failed { exit: Exit::Code(3) }]);
    let end = &ends(&runs[0], &StepKind::Gate("it".to_owned()))[0];
    assert_eq!(end.stdout_bytes, 30_000_000 + "the last word\n".len() as u64);
}

/// A memory cgroup of 32 MB, as long as it is held.
struct Cramped(PathBuf);

impl Cramped {
    const ROOM: &str = "33554432";

    /// Makes one in either version of cgroups; `None` where that is not allowed.
    fn make() -> Option<Self> {
        let name = format!("loopdash-test-{}", std::process::id());
        for (root, limit) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
            let group = Self(PathBuf::from(root).join(&name));
            let made = std::fs::create_dir(&group.0).is_ok();
            if made && std::fs::write(group.0.join(limit), Self::ROOM).is_ok() {
                // No swap to hide in, where there is such a limit.
                let _ = std::fs::write(group.0.join("memory.swap.max"), "0");
                return Some(group);
            }
        }
        skipped("no memory cgroup may be made here");
        None
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn row_45_an_agent_killed_for_its_memory_is_told_so() {
    let Some(group) = Cramped::make() else { return };
    let ground = Ground::new();
    let before = Before::of(&ground);
    let greedy = ground.path("bin/greedy");
    // What tail reads without a newline it keeps in memory.
    let hoard = format!("echo $$ >'{}' && exec tail -n 1 /dev/zero", group.0.join("cgroup.procs").display());
    program(&greedy, &format!("#!/bin/sh\ncat >/dev/null; touch x; {hoard}\n"));
    let told = ground.loopdash(&["run", "--headless", "-p", "x", "--actor", "greedy", "--critic", "none"]).exits(3);
    assert!(told.out.contains("killed (likely out of memory)"), "{}", told.out);
    assert!(told.out.contains("fewer loops at once"), "{}", told.out);
    let runs = before.holds(&ground);
    let Some(ParkReason::Attention { detail, .. }) = &runs[0].state.park else { panic!("{}", told.out) };
    assert!(detail.contains("out of memory, 3 times") || detail.contains("out of memory)"), "{detail}");
    assert!(ends(&runs[0], &StepKind::Actor).iter().all(|end| end.exit == Some(Exit::Signal(9)) && end.out_of_memory));
    // A gate, too, is not said to have failed, which its agent would look for in the code.
    let limits = ["--gate", &hoard, "--max-iterations", "1"];
    let told = ground.run(&["touch", "x", "claim"], &["done", "fine"], &limits).exits(1);
    assert!(told.out.contains("killed (likely out of memory)"), "{}", told.out);
    let runs = ground.runs();
    let gates = runs.iter().flat_map(|ran| {
        ran.events(|event| match event {
            Event::GateFinished(e) => Some(e.outcome.clone()),
            _ => None,
        })
    });
    assert!(gates.collect::<Vec<_>>().contains(&GateResult::OutOfMemory));
    // Nor if it is a child that is killed, and the gate itself ends by an exit of its own.
    program(&ground.path("bin/hoard"), &format!("#!/bin/sh\n{hoard}\n"));
    let hoard = ground.path("bin/hoard");
    let child =
        format!("exec 2>/dev/null; '{}' || {{ echo '(signal: 9, SIGKILL: kill)'; exit 101; }}", hoard.display());
    for (gate, told_so) in [(child.clone(), true), (child.replace("9, SIGKILL: kill", "6, SIGABRT"), false)] {
        let limits = ["--gate", &gate, "--max-iterations", "1"];
        let told = ground.run(&["touch", "x", "claim"], &["done", "fine"], &limits).exits(1);
        assert_eq!(told.out.contains("killed (likely out of memory)"), told_so, "{}", told.out);
    }
}
