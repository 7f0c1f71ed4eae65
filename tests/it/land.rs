//! Work put on its target, by command and by key: what is asked first, what moves, and what a conflict or a kill leaves.

use crate::ground::{Ground, LOOPDASH, Told, agent};
use crate::screen::{leave, open};
use crate::term::until;
use loopdash::loops::core::event::Event;
use loopdash::loops::core::state::Landing;
use std::io::Write;
use std::process::Stdio;

/// A repository with a test of its own, in which a run has done `actor` in `sh` and is over.
fn worked(actor: &str, keys: &str, code: i32) -> Ground {
    let ground = Ground::new();
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.me]\ncommand = [{LOOPDASH:?}, \"__agent\", \"sh\", {actor:?}, \"append\", \"x\", \"more\", \"claim\"]\n\
             [agents.judge]\ncommand = [{LOOPDASH:?}, \"__agent\", \"done\", \"fine\"]\n\
             [[loop]]\nname = \"shop\"\nobjective = \"# Open the shop\"\nactor = \"me\"\ncritic = \"judge\"\n\
             max_iterations = 1\nbase = \"main\"\n{keys}\n"
        ),
    );
    std::fs::create_dir_all(ground.repo().join("tests")).unwrap();
    ground.write("tests/till.sh", "test -e till\n");
    ground.write("note.md", "one\n");
    ground.commit("configure");
    ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(code);
    ground
}

/// `loopdash land` with answers on its standard input.
fn land(ground: &Ground, args: &[&str], answers: &str, fault: &str) -> Told {
    let mut command = ground.command(&[&["land", "shop"], args].concat());
    command.env("LOOPDASH_FAULT", fault);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    Told::from(child.wait_with_output().unwrap())
}

#[test]
fn a_run_lands_in_one_commit_on_what_its_target_has_become() {
    let ground = worked("git add -A; git -c user.name=a -c user.email=a@localhost commit -qm own --allow-empty", "", 0);
    ground.write("other", "meanwhile\n");
    ground.commit("meanwhile");
    ground.git(&["checkout", "-q", "--detach"]);
    let tip = ground.git(&["rev-parse", "main"]);
    let told = land(&ground, &[], "", "").exits(0);
    assert!(told.out.contains("shop: landed on main as ") && told.out.contains(": 1 file\n"), "{}", told.out);
    assert_eq!(ground.git(&["rev-parse", "main^"]), tip);
    assert_eq!(ground.git(&["show", "main:x"]), "more");
    assert!(ground.git(&["log", "-1", "--format=%s %b", "main"]).starts_with("Open the shop Loopdash-Run: "));
    assert_eq!(ground.git(&["status", "--porcelain"]), "", "the checkout is as it was");
    assert!(ground.loopdash(&["show", "shop"]).exits(0).out.contains("landed on main as "));
    let told = land(&ground, &[], "", "").exits(0);
    assert!(told.out.contains("main has all of it at "), "{}", told.out);
    let told = ground.loopdash(&["clean", "--older-than", "1ms", "--dry-run"]).exits(0);
    assert!(told.out.contains("asks for its name"), "the checkout does not have it: {}", told.out);
    ground.git(&["checkout", "-q", "main"]);
    let told = ground.loopdash(&["clean", "--older-than", "1ms", "--dry-run"]).exits(0);
    assert!(told.out.contains("done, merged"), "{}", told.out);
}

#[test]
fn a_target_that_is_checked_out_stays_and_the_command_that_takes_it_works() {
    let ground = worked("true", "", 0);
    let tip = ground.git(&["rev-parse", "main"]);
    let told = land(&ground, &[], "", "").exits(0);
    assert!(told.out.contains("shop: ready for main, which is checked out in "), "{}", told.out);
    assert_eq!((ground.git(&["rev-parse", "main"]), ground.git(&["status", "--porcelain"])), (tip, String::new()));
    let (_, command) = told.out.split_once("`git ").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    ground.git(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(ground.git(&["show", "main:x"]), "more");
}

#[test]
fn weakened_tests_are_asked_about_before_they_land() {
    let ground = worked("rm tests/till.sh", "", 0);
    ground.git(&["checkout", "-q", "--detach"]);
    let tip = ground.git(&["rev-parse", "main"]);
    for answers in ["", "y\n", "no\n"] {
        let told = land(&ground, &[], answers, "").exits(3);
        assert!(told.out.contains("shop: tests weakened: deleted tests/till.sh\n"), "{}", told.out);
        assert!(told.out.contains("nothing was landed"), "{}", told.out);
        assert_eq!(ground.git(&["rev-parse", "main"]), tip);
    }
    land(&ground, &[], "yes\n", "").exits(0);
    assert_ne!(ground.git(&["rev-parse", "main"]), tip);
    let asked = ground.ran().events(|event| match event {
        Event::ChoreAsked(e) => Some(format!("{:?}", e.chore)),
        _ => None,
    });
    assert_eq!(asked, ["Land { asked: true }"]);
    // A script says it in so many words.
    ground.git(&["branch", "-f", "main", &tip]);
    let told = land(&ground, &["--weakened"], "", "").exits(0);
    assert!(told.out.contains("landed on main") && !told.out.contains("all the same"), "{}", told.out);
}

#[test]
fn what_is_not_done_asks_and_what_is_not_over_or_empty_is_refused() {
    let ground = worked("true", "[[loop.gate]]\nname = \"never\"\ncommand = \"false\"\nbaseline = false", 1);
    let told = land(&ground, &[], "", "").exits(3);
    assert!(told.out.contains("shop: it is not done, but exhausted: "), "{}", told.out);
    let ground = Ground::new();
    ground.run(&["claim"], &[], &["--max-iterations", "1"]);
    let label = ground.ran().state.label.clone();
    let told = ground.loopdash(&["land", &label]).exits(65);
    assert!(told.err.contains("it has changed nothing that could land"), "{}", told.err);
    assert!(ground.loopdash(&["land", "nobody"]).exits(65).err.contains("nobody"));
}

#[test]
fn a_conflict_names_its_files_and_leaves_all_as_it_was() {
    let ground = worked("echo two >note.md", "", 0);
    ground.write("note.md", "three\n");
    ground.commit("the same line");
    ground.git(&["checkout", "-q", "--detach"]);
    let before = ground.git(&["for-each-ref"]);
    let told = land(&ground, &[], "", "").exits(3);
    assert!(told.out.contains("not landed: main has changed the same places of note.md"), "{}", told.out);
    assert_eq!(ground.git(&["for-each-ref"]), before);
    let ran = ground.ran();
    assert!(matches!(&ran.state.landing, Some(Landing::Conflicted(e)) if e.files == ["note.md"]));
    assert_eq!((ran.state.refused, ran.state.chore), (0, None));
    assert_eq!(std::fs::read_to_string(ran.worktree().join("note.md")).unwrap(), "two\n");
}

#[test]
fn a_secret_of_the_objective_does_not_reach_the_targets_history() {
    let ground = Ground::new();
    let token = "ghp_aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3";
    let (actor, critic) = (agent(&["write", "note.md", "one\n", "claim"]), agent(&["done", "fine"]));
    let prompt = format!("Use {token} for it");
    ground.loopdash(&["run", "--headless", "-p", &prompt, "--actor", &actor, "--critic", &critic]).exits(0);
    ground.loopdash(&["land", &ground.ran().state.label.clone()]).exits(0);
    let said = ground.git(&["for-each-ref", "--format=%(contents)", "refs/loopdash/*/landed"]);
    assert!(said.starts_with("Use ghp_[masked] for it") && !said.contains(token), "{said}");
}

#[test]
fn a_kill_in_the_middle_of_landing_is_finished_by_landing_again() {
    for at in ["land.kept", "land.moved"] {
        let ground = worked("true", "", 0);
        ground.git(&["checkout", "-q", "--detach"]);
        let killed = land(&ground, &[], "", &format!("abort:{at}"));
        assert_ne!(killed.code, Some(0), "{at}");
        land(&ground, &[], "", "").exits(0);
        assert_eq!(ground.git(&["show", "main:x"]), "more");
        assert_eq!(ground.git(&["log", "--format=%s", "main"]).matches("Open the shop").count(), 1, "{at}");
        let ran = ground.ran();
        assert_eq!((ran.state.refused, ran.state.chore), (0, None), "{at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_asks_with_what_is_weakened_and_lands() {
    let ground = worked("rm tests/till.sh", "", 0);
    ground.git(&["checkout", "-q", "--detach"]);
    let mut term = open(&ground, &[]);
    term.see("shop").await;
    term.keys("m").await;
    term.see("Land shop all the same?").await;
    term.see("tests weakened: deleted tests/till.sh").await;
    term.answer("y", "Land shop all the same?").await;
    until("it has landed", || matches!(ground.ran().state.landing, Some(Landing::Merged(_)))).await;
    assert_eq!(ground.git(&["show", "main:x"]), "more");
    leave(&mut term).await;
}
