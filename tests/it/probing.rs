//! Agents are looked at before a run is given to one, wherever it starts, and are those of the run's own repository.

use crate::ground::{Ground, LOOPDASH};
use crate::screen::{a_loop, leave, open, with_loops};
use crate::term::Term;
use loopdash::loops::core::event::Event;
use std::os::unix::fs::PermissionsExt;

/// An agent of this profile whose program tells a version that is too old for it.
fn an_old(ground: &Ground, name: &str) -> String {
    let file = ground.path("bin").join(name);
    std::fs::write(&file, "#!/bin/sh\necho 0.9.1\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let profile = format!("[profiles.{name}]\ncommand = [{file:?}]\nminimum = \"1.5\"\n");
    format!("{profile}[agents.{name}]\nprofile = \"{name}\"\n")
}

const TOO_OLD: &str = "cannot work: version 0.9.1 is too old: 1.5 or newer is needed";

fn a_loop_with(name: &str, agents: &str) -> String {
    format!("[[loop]]\nname = {name:?}\nobjective = \"Make a note.\"\ncritic = \"none\"\n{agents}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_started_on_the_dashboard_is_refused_with_the_line_that_a_command_prints() {
    let ground = Ground::new();
    let good = serde_json::to_string(&[LOOPDASH, "__agent", "write", "note.md", "mine\n", "claim"]).unwrap();
    let agents = format!("{}[agents.good]\ncommand = {good}\n", an_old(&ground, "worn"));
    let hard = a_loop_with("hard", "actor = \"good\"\nstronger = \"worn\"");
    let fine = a_loop_with("fine", "actor = \"good\"");
    let usual = a_loop_with("usual", "actor = \"worn\"");
    ground.write("loopdash.toml", &format!("{agents}{hard}{fine}{usual}"));
    ground.commit("configure");

    let told = ground.loopdash(&["run", "--loop", "hard", "--headless"]);
    assert_eq!(told.code, Some(65), "the one that may take over counts, too: {}", told.err);
    assert!(told.err.contains(TOO_OLD), "{}", told.err);

    let mut term = open(&ground, &[]);
    term.see("No loops yet").await;
    for name in ["hard", "usual"] {
        term.keys(&format!("L{name}\r")).await;
        term.see(TOO_OLD).await;
        term.keys("j").await;
        term.gone(TOO_OLD).await;
    }
    term.keys("Lfine\r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    assert_eq!(ground.ran().state.label, "fine", "no other run was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_whose_agent_cannot_work_stays_in_its_box() {
    let ground = Ground::new();
    ground.write("loopdash.toml", &an_old(&ground, "worn"));
    ground.commit("configure");
    let mut term = open(&ground, &[]);
    term.see("No loops yet").await;
    term.keys("cSell no fish.\r").await;
    term.see(TOO_OLD).await;
    term.see("Sell no fish.").await;
    // It is mended in the meantime, and the same prompt sent again.
    let file = ground.path("bin").join("worn");
    std::fs::write(&file, "#!/bin/sh\n[ \"$1\" = --version ] && echo 1.5.2 && exit\necho LOOPDASH_DONE\n").unwrap();
    term.keys("\r").await;
    term.see("sell-no-fish").await;
    leave(&mut term).await;
    assert_eq!(ground.ran().state.label, "sell-no-fish");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_is_given_to_an_agent_of_the_runs_own_repository_that_works() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let mut first = open(&ground, &["--start-all"]);
    first.see("at work").await;
    leave(&mut first).await;
    let words = serde_json::to_string(&[LOOPDASH, "__agent", "write", "note.md", "mine\n", "claim"]).unwrap();
    let own = std::fs::read_to_string(ground.repo().join("loopdash.toml")).unwrap();
    let more = format!("{own}{}[agents.shopkeeper]\ncommand = {words}\n", an_old(&ground, "worn"));
    ground.write("loopdash.toml", &more);

    // Another repository, whose agents nobody asked for.
    let till = ground.path("till");
    std::fs::create_dir(&till).unwrap();
    assert!(std::process::Command::new("git").args(["init", "-q"]).current_dir(&till).status().unwrap().success());
    std::fs::write(till.join("loopdash.toml"), "[agents.cashier]\ncommand = [\"true\"]\n").unwrap();
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path())];
    let mut term = Term::start(&[], &till, &env, (36, 120));
    term.see("1 interrupted loop").await;
    term.answer("\r", "1 interrupted loop").await;
    term.see("1 running").await;
    term.keys("A").await;
    term.see("actor: shopkeeper").await;
    let text = term.text();
    assert!(!text.contains("cashier"), "{text}");
    term.keys("actor worn\r").await;
    term.see(TOO_OLD).await;
    term.keys("A").await;
    term.see("actor: shopkeeper").await;
    term.keys("actor shopkeeper\r").await;
    term.see("actor is to be shopkeeper").await;
    leave(&mut term).await;
    let set = ground.ran().events(|event| match event {
        Event::AgentSet(set) => Some(set.agent.name.clone()),
        _ => None,
    });
    assert_eq!(set, ["shopkeeper"]);
}
