//! What a fresh worktree gets before the first iteration: the ignored files it is to have, and the setup command, once.

use crate::ground::{Ground, LOOPDASH, Live};
use loopdash::loops::core::event::{Event, ParkReason, Trouble};
use loopdash::loops::core::step::StepKind;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

/// A loop whose setup writes its environment to `env` and a line to `setups`, and whose actor waits for `go`.
fn configure(ground: &Ground, setup: &str) {
    let base = ground.base().display().to_string();
    let wait = format!("touch {base}/at; while [ ! -e {base}/go ]; do sleep 0.02; done; touch x");
    let command = serde_json::to_string(&[LOOPDASH, "__agent", "say", "at work", "sh", &wait, "claim"]).unwrap();
    let setup = setup.replace("BASE", &base);
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.me]\ncommand = {command}\n[[loop]]\nname = \"shop\"\nobjective = \"x\"\ncritic = \"none\"\n\
             setup = {setup:?}\n"
        ),
    );
    ground.write(".gitignore", ".env\nbuild/\n");
    ground.write(".worktreeinclude", ".env\nsecrets.txt\n");
    ground.commit("configure");
    ground.write(".env", "TOKEN=one\n");
    ground.write("secrets.txt", "not ignored\n");
    std::fs::create_dir(ground.repo().join("build")).unwrap();
    ground.write("build/out", "not listed\n");
    let env = ground.repo().join(".env");
    std::fs::set_permissions(env, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_fresh_worktree_has_the_listed_files_and_is_set_up_once() {
    let ground = Ground::new();
    configure(&ground, "env >BASE/env && cp .env BASE/seen && pwd >>BASE/setups");
    let mut live = Live::start(ground.command(&["run", "--headless", "--output", "--loop", "shop"]));
    live.until("at work");
    live.signal(Signal::INT);
    live.end().exits(130);
    let ran = ground.ran();
    let told = ran.events(|event| match event {
        Event::Noted(e) => Some(e.text.as_str()),
        _ => None,
    });
    assert!(told.len() == 1 && told[0].contains("secrets.txt"), "what was listed and not copied is told: {told:?}");
    let worktree = ran.worktree();
    let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(text(&worktree.join(".env")), "TOKEN=one\n");
    assert_eq!(worktree.join(".env").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!worktree.join("secrets.txt").exists(), "git would take it for the run's work");
    assert!(!worktree.join("build").exists());
    assert_eq!(text(&ground.path("seen")), "TOKEN=one\n", "the files are there before setup runs");
    let env = text(&ground.path("env"));
    let env: BTreeMap<&str, &str> = env.lines().filter_map(|line| line.split_once('=')).collect();
    let id = ran.dir.run().to_string();
    let step = ran.state.steps.iter().find(|step| step.kind == StepKind::Setup).unwrap().id;
    let base = ran.state.workspace.as_ref().unwrap().base.clone();
    for (name, value) in [
        ("LOOPDASH_LOOP", "shop"),
        ("LOOPDASH_RUN", id.as_str()),
        ("LOOPDASH_STEP", &format!("{id}/{step}")),
        ("LOOPDASH_SLOT", "0"),
        ("LOOPDASH_BASE", &base),
    ] {
        assert_eq!(env.get(name), Some(&value), "{name}");
    }
    assert!(env.contains_key("LOOPDASH_PORT_BASE"));

    std::fs::write(ground.path("go"), "").unwrap();
    ground.loopdash(&["resume", "--headless"]).exits(0);
    let ran = ground.ran();
    assert_eq!(text(&ground.path("setups")), format!("{}\n", worktree.display()), "once, in the worktree");
    assert_eq!(ran.steps(&StepKind::Setup).len(), 1);
    let included = ran.events(|event| match event {
        Event::WorkspaceReady(e) if !e.included.is_empty() => Some(e.included.clone()),
        _ => None,
    });
    assert_eq!(included, [[".env"]]);
    // What was brought along is not the run's work.
    assert_eq!(ran.state.last_snapshot().unwrap().files, 1);
}

#[test]
fn a_setup_that_fails_needs_a_person_and_no_agent_starts() {
    let ground = Ground::new();
    configure(&ground, "echo the registry is down >&2; exit 7");
    let told = ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(3);
    assert!(told.out.contains("setup failed"), "{}", told.out);
    let ran = ground.ran();
    assert!(matches!(ran.state.park, Some(ParkReason::Attention { kind: Trouble::Setup, .. })));
    assert!(ran.steps(&StepKind::Actor).is_empty());
    let stderr = ran.steps(&StepKind::Setup)[0].join("stderr.log");
    assert_eq!(std::fs::read_to_string(stderr).unwrap(), "the registry is down\n");
}

/// The slot and the port base that an actor found.
fn numbers(path: &std::path::Path) -> (u32, u32) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut words = text.split_whitespace().map(|word| word.parse().unwrap());
    (words.next().unwrap(), words.next().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_loopdashes_never_give_the_same_slot_or_ports() {
    let ground = Ground::new();
    let base = ground.base().display().to_string();
    let wait = format!(
        "echo $LOOPDASH_SLOT $LOOPDASH_PORT_BASE > {base}/new-$LOOPDASH_LOOP; mv {base}/new-$LOOPDASH_LOOP {base}/$LOOPDASH_LOOP; \
         while [ ! -e {base}/go ]; do sleep 0.02; done; touch x"
    );
    let ports = "[engine]\nport_base = 30000\nports_per_slot = 50\n";
    let loops = ["a", "b"].map(|name| crate::screen::a_loop(name, &["sh", &wait, "claim"]));
    ground.write("loopdash.toml", &(ports.to_owned() + &loops.concat()));
    ground.commit("configure");
    let start = |name: &str| Live::start(ground.command(&["run", "--headless", "--loop", name]));
    let running = ["a", "b"].map(start);
    for name in ["a", "b"] {
        crate::term::until("its numbers", || ground.path(name).exists()).await;
    }
    let found = ["a", "b"].map(|name| numbers(&ground.path(name)));
    assert_ne!(found[0].0, found[1].0);
    for (slot, ports) in found {
        assert_eq!(ports, 30_000 + slot * 50);
    }
    std::fs::write(ground.path("go"), "").unwrap();
    for live in running {
        live.end().exits(0);
    }
    std::fs::remove_file(ground.path("a")).unwrap();
    start("a").end().exits(0);
    assert_eq!(numbers(&ground.path("a")).0, 0, "what was freed is given again");
}

#[test]
fn a_gate_gets_the_slot_and_the_ports_of_its_run() {
    let ground = Ground::new();
    let gate = format!("env > '{}'", ground.path("gate-env").display());
    ground.run(&["touch", "x", "claim"], &["done", "fine"], &["--gate", &gate]).exits(0);
    let ran = ground.ran();
    let env = std::fs::read_to_string(ground.path("gate-env")).unwrap();
    let value = |name: &str| env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert_eq!(value("LOOPDASH_RUN"), Some(ran.dir.run().to_string().as_str()));
    assert_eq!(value("LOOPDASH_SLOT"), Some("0"));
    let base: u16 = value("LOOPDASH_PORT_BASE").unwrap().parse().unwrap();
    assert!(base >= 1024, "{base}");
}
