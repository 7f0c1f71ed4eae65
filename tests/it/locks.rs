//! Gates that name an exclusive lock: one at a time on the whole box, whichever loopdash runs them.

use crate::ground::{Ground, Live};
use crate::screen::a_loop;
use crate::term::until;
use loopdash::loops::core::budget::Resource;
use loopdash::loops::core::event::{Event, ParkReason};
use loopdash::loops::core::gate::GateResult;
use rustix::process::Signal;
use std::fs::File;
use std::time::Duration;

/// Two loops whose gates name the same lock.
fn ground(first: &str, second: &str, timeout: &str) -> Ground {
    let ground = Ground::new();
    let gate = |command: &str| {
        format!(
            "[[loop.gate]]\nname = \"tests\"\ncommand = {command:?}\nlock = \"db\"\nbaseline = false\ntimeout = \"{timeout}\"\n\n"
        )
    };
    let loops = [
        a_loop("first", &["touch", "a", "claim"]),
        gate(first),
        a_loop("second", &["touch", "b", "claim"]),
        gate(second),
    ];
    ground.write("loopdash.toml", &loops.concat());
    ground.commit("configure");
    ground
}

fn start(ground: &Ground, name: &str) -> Live {
    Live::start(ground.command(&["run", "--headless", "--loop", name]))
}

/// How the gates of a loop went.
fn outcomes(ground: &Ground, name: &str) -> Vec<GateResult> {
    let ran = ground.runs().into_iter().find(|ran| ran.state.label == name).unwrap();
    ran.events(|event| match event {
        Event::GateFinished(gate) => Some(gate.outcome.clone()),
        _ => None,
    })
}

/// The file of the lock, held by this test.
fn hold(ground: &Ground) -> File {
    let dir = ground.path("state").join("locks");
    std::fs::create_dir_all(&dir).unwrap();
    let file = File::options().create(true).truncate(true).write(true).open(dir.join("db")).unwrap();
    file.lock().unwrap();
    std::fs::write(dir.join("db"), "somebody else\n").unwrap();
    file
}

#[test]
fn a_gate_waits_for_its_lock_and_its_time_begins_when_it_has_it() {
    let ground = ground("true", "true", "300ms");
    let held = hold(&ground);
    let mut live = start(&ground, "first");
    let told = live.until("waits for lock db");
    assert!(told.contains("held by somebody else"), "{told}");
    // Longer than the gate's own time.
    std::thread::park_timeout(Duration::from_millis(600));
    drop(held);
    live.end().exits(0);
    assert_eq!(outcomes(&ground, "first"), [GateResult::Passed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_dies_with_the_loopdash_that_has_it() {
    let ground = ground("touch at-work; while :; do sleep 0.05; done", "true", "10m");
    let first = start(&ground, "first");
    until("the first gate is at work", || {
        ground.runs().iter().any(|ran| ran.state.workspace.is_some() && ran.worktree().join("at-work").exists())
    })
    .await;
    let mut second = start(&ground, "second");
    let told = second.until("waits for lock db");
    assert!(told.contains("held by first, gate tests (process"), "{told}");
    first.signal(Signal::KILL);
    second.end().exits(0);
    assert_eq!(outcomes(&ground, "second"), [GateResult::Passed]);
    drop(first.end());
}

#[test]
fn a_gate_that_waits_can_be_stopped() {
    let ground = ground("true", "true", "10m");
    let held = hold(&ground);
    let mut live = start(&ground, "first");
    live.until("waits for lock db");
    live.signal(Signal::INT);
    live.end().exits(130);
    assert!(outcomes(&ground, "first").is_empty());
    drop(held);
    Live::start(ground.command(&["resume", "--headless"])).end().exits(0);
    assert_eq!(outcomes(&ground, "first"), [GateResult::Passed]);
}

#[test]
fn a_gate_that_waits_for_its_lock_gives_up_with_its_runs_wall_clock() {
    let ground = Ground::new();
    let gate = "limits = { wall_clock = \"2s\" }\n[[loop.gate]]\nname = \"tests\"\ncommand = \"true\"\nlock = \"db\"\nbaseline = false\n";
    ground.write("loopdash.toml", &(a_loop("first", &["touch", "a", "claim"]) + gate));
    ground.commit("configure");
    let held = hold(&ground);
    start(&ground, "first").end().exits(3);
    assert_eq!(outcomes(&ground, "first"), [GateResult::TimedOut]);
    let park = ground.runs()[0].state.park.clone();
    assert!(matches!(park, Some(ParkReason::Budget { which: Resource::WallClock, .. })), "{park:?}");
    drop(held);
}

#[test]
fn gates_of_one_lock_never_overlap() {
    let ground = Ground::new();
    let taken = ground.path("taken").display().to_string();
    let gate = format!(
        "[[loop.gate]]\nname = \"tests\"\ncommand = \"mkdir {taken} && sleep 0.1 && rmdir {taken}\"\nlock = \"db\"\nbaseline = false\n\n"
    );
    let names = ["a", "b", "c"];
    let loops: Vec<String> = names.iter().map(|name| a_loop(name, &["touch", "x", "claim"]) + &gate).collect();
    ground.write("loopdash.toml", &format!("[engine]\ngate_cap = 3\n{}", loops.concat()));
    ground.commit("configure");
    let running: Vec<Live> = names.iter().map(|name| start(&ground, name)).collect();
    for live in running {
        live.end().exits(0);
    }
    for name in names {
        assert_eq!(outcomes(&ground, name), [GateResult::Passed], "{name}");
    }
}
