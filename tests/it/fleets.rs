//! Whole configurations, run: many loops in place, each layer of settings at work, and the places a run may start from.

use crate::ground::{Ground, LOOPDASH, Told, skipped};
use crate::screen::{leave, open};
use loopdash::loops::core::event::Outcome;
use std::process::Command;

/// The shape of a fleet as a program would write it: an agent and a loop a child, in place, one iteration.
fn fleet(children: &[Vec<String>]) -> String {
    let mut lines = vec!["[engine]".to_owned(), format!("cap = {}", children.len()), String::new()];
    for (number, child) in children.iter().enumerate() {
        let command = serde_json::to_string(child).unwrap();
        lines.extend([format!("[agents.a{number:02}]"), format!("command = {command}"), String::new()]);
    }
    for number in 0..children.len() {
        lines.extend([
            "[[loop]]".to_owned(),
            format!("name = \"p{number:02}\""),
            "objective = \"run\"".to_owned(),
            format!("actor = \"a{number:02}\""),
            "critic = \"none\"".to_owned(),
            "isolation = \"none\"".to_owned(),
            "max_iterations = 1".to_owned(),
            String::new(),
        ]);
    }
    lines.join("\n")
}

fn says(text: &str) -> Vec<String> {
    [LOOPDASH, "__agent", "say", text, "hang"].map(str::to_owned).to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_fleet_starts_all_at_once_in_place() {
    let ground = Ground::new();
    let children: Vec<Vec<String>> = (0..6).map(|number| says(&format!("child {number} is here"))).collect();
    ground.write("loopdash.toml", &fleet(&children));
    let mut term = open(&ground, &["--start-all"]);
    term.see("6 running").await;
    for number in 0..6 {
        term.until("the list marks the row", |screen| {
            screen.lines().any(|line| line.chars().nth(1) == Some('▸') && line.contains(&format!("p{number:02}")))
        })
        .await;
        term.see(&format!("child {number} is here")).await;
        term.keys("j").await;
    }
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    for ran in ground.runs() {
        assert!(ran.state.workspace.as_ref().is_some_and(|place| place.in_place && place.branch.is_none()));
        ran.assert_gone();
    }
    assert_eq!(ground.git(&["branch", "--list"]), "* main");
}

/// The most runs that had a slot at one time.
fn together(ground: &Ground) -> usize {
    let mut spans: Vec<(u64, i32)> = Vec::new();
    for ran in ground.runs() {
        let start = ran.state.first_admitted.unwrap().0;
        spans.extend([(start, 1), (ran.state.status_since.0, -1)]);
    }
    // One that ends in the millisecond in which another starts made room for it.
    spans.sort_unstable();
    let count = |(now, most): (i32, i32), (_, step): &(u64, i32)| (now + step, most.max(now + step));
    usize::try_from(spans.iter().fold((0, 0), count).1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_layer_of_settings_is_obeyed_by_what_runs() {
    // The user's file says one at a time, the variable three, and the user's agent does the work.
    for (variable, most) in [(None, 1), (Some("3"), 3)] {
        let ground = Ground::new();
        let user = ground.path("home").join(".config/loopdash");
        std::fs::create_dir_all(&user).unwrap();
        let command = serde_json::to_string(&[LOOPDASH, "__agent", "sleep", "15000", "touch", "x", "claim"]).unwrap();
        let settings = format!("[engine]\ncap = 1\n[ui]\ntheme = \"light\"\n[agents.mine]\ncommand = {command}\n");
        std::fs::write(user.join("config.toml"), settings).unwrap();
        let one = |name: &str| format!("[[loop]]\nname = \"{name}\"\nobjective = \"x\"\ncritic = \"none\"\n");
        ground.write("loopdash.toml", &["a", "b", "c"].map(one).concat());
        ground.commit("configure");
        let (home, state) = (ground.path("home"), ground.path("state"));
        let (cap, speed) = (std::path::PathBuf::from(variable.unwrap_or("1")), std::path::PathBuf::from("50"));
        let mut env = vec![("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", &state), ("LOOPDASH_DEMO_SPEED", &speed)];
        if variable.is_some() {
            env.push(("LOOPDASH_ENGINE_CAP", cap.as_path()));
        }
        let mut term = crate::term::Term::start(&["--start-all"], &ground.repo(), &env, (36, 120));
        term.see("3 done").await;
        term.see(&format!("0/{most}")).await;
        leave(&mut term).await;
        assert_eq!(together(&ground), most);
        assert!(ground.runs().iter().all(|ran| ran.state.spec.as_ref().unwrap().actor.name == "mine"));
    }
}

#[test]
fn a_run_started_in_a_linked_worktree_starts_from_what_is_checked_out_there() {
    let ground = Ground::new();
    let linked = ground.path("linked");
    ground.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    std::fs::write(linked.join("side.txt"), "side\n").unwrap();
    for args in [&["add", "-A"][..], &["-c", "user.name=t", "-c", "user.email=t@l", "commit", "-q", "-m", "side"]] {
        assert!(Command::new("git").args(args).current_dir(&linked).status().unwrap().success());
    }
    let mut command = ground.run_command(&["touch", "x", "claim"], &["done", "ok"], &[]);
    Told::from(command.current_dir(&linked).output().unwrap()).exits(0);
    let ran = ground.ran();
    assert!(ran.worktree().join("side.txt").exists());
    assert_eq!(ran.state.workspace.as_ref().unwrap().base, ground.git(&["rev-parse", "side"]));
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
    for checkout in [ground.repo(), linked] {
        let status = Command::new("git").args(["status", "--porcelain"]).current_dir(&checkout).output().unwrap();
        assert!(status.stdout.is_empty(), "{}", checkout.display());
    }
}

/// A command without the powers that let root write anywhere; `None` where that cannot be had.
fn powerless(command: &Command) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        return Some(same);
    }
    let drop = "--bounding-set=-dac_override,-dac_read_search";
    let works = Command::new("setpriv").args([drop, "true"]).status().is_ok_and(|status| status.success());
    works.then(|| {
        let mut lesser = Command::new("setpriv");
        lesser.arg(drop).arg(command.get_program()).args(command.get_args());
        lesser
    })
}

#[test]
fn a_state_directory_without_permission_is_named_and_nothing_starts() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::new();
    let closed = ground.path("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    let run = ground.run_command(&["touch", "x", "claim"], &[], &[]);
    let doctor = ground.command(&["doctor"]);
    for wanted in [run, doctor] {
        let Some(mut command) = powerless(&wanted) else {
            skipped("root writes anywhere here, and setpriv cannot take that away");
            return;
        };
        command.current_dir(ground.repo()).env_clear();
        command.envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("LOOPDASH_STATE_DIR", closed.join("state")).stdin(std::process::Stdio::null());
        let told = Told::from(command.output().unwrap()).exits(65);
        let said = format!("{}{}", told.out, told.err);
        assert!(said.contains(closed.to_str().unwrap()) && said.contains("ermission denied"), "{said}");
    }
    assert_eq!(std::fs::read_dir(&closed).unwrap().count(), 0);
    assert_eq!(ground.git(&["branch", "--list", "run/*"]), "");
}
