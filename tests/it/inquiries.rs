//! What an agent's program is asked before it is used: its version and its options, in the agent's environment, for
//! seconds, and nothing of it is left.

use crate::ground::{Ground, LOOPDASH, Live, Told, program};
use loopdash::loops::agent::probe::{Found, PATIENCE, Place, known_version, probe};
use loopdash::loops::agent::profile::Profile;
use loopdash::loops::agent::tree;
use loopdash::loops::core::agent::AgentSpec;
use std::path::Path;
use std::time::Duration;

const HELP: &str = "*) echo 'Options: --json, --resume=<id> --other';; esac";

fn agent(dir: &Path, script: &str) -> AgentSpec {
    let file = dir.join("agent");
    program(&file, &format!("#!/bin/sh\n{script}\n"));
    let command = [file.to_str().unwrap(), "--json", "{resume}"].map(str::to_owned).to_vec();
    AgentSpec { resume: vec!["--resume".to_owned(), "{session}".to_owned()], ..AgentSpec::new("a", command) }
}

fn profile() -> Profile {
    Profile {
        help: vec!["--help".to_owned()],
        minimum: Some("1.2".into()),
        tested: Some("2.0".into()),
        ..Profile::default()
    }
}

fn place<'a>(dir: &'a Path, kept: Option<&'a Path>) -> Place<'a> {
    Place { path: None, cwd: dir, kept, shim: Path::new(LOOPDASH), patience: PATIENCE }
}

fn found(script: &str) -> Found {
    let dir = tempfile::tempdir().unwrap();
    let spec = agent(dir.path(), script);
    probe(&[(spec, profile())], &place(dir.path(), None)).remove(0)
}

/// Whether the processes whose ids a script wrote down, a line each, are gone.
#[track_caller]
fn assert_gone(file: &Path, count: usize) {
    let pids: Vec<u32> = std::fs::read_to_string(file).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    let alive = |pid: &&u32| tree::process(**pid).is_some_and(|proc| proc.is_alive());
    assert_eq!((pids.len(), pids.iter().find(alive)), (count, None));
}

#[test]
fn a_good_program_is_found_with_its_version() {
    let good = found(&format!("case $1 in --version) echo 'agent 1.5.0 (x)';; {HELP}"));
    assert_eq!((good.version.as_deref(), good.problem, good.note), (Some("1.5.0"), None, None));
    let newer = found(&format!("case $1 in --version) echo 3.0;; {HELP}"));
    assert!(newer.problem.is_none() && newer.note.unwrap().contains("newer than 2.0"));
    let shy = found(&format!("case $1 in --version) echo 'an agent';; {HELP}"));
    assert!(shy.problem.is_none() && shy.note.unwrap().contains("does not tell"));
    let dir = tempfile::tempdir().unwrap();
    let spec = agent(dir.path(), &format!("case $1 in --version) echo 1.5;; {HELP}"));
    let untried = Profile { tested: None, note: Some("never run".to_owned()), ..profile() };
    let untried = probe(&[(spec, untried)], &place(dir.path(), None)).remove(0);
    assert_eq!((untried.problem, untried.note.as_deref()), (None, Some("never run")));
}

#[test]
fn what_hinders_is_one_clear_line() {
    let old = found(&format!("case $1 in --version) echo 1.1.9;; {HELP}"));
    assert_eq!(old.problem.unwrap(), "version 1.1.9 is too old: 1.2 or newer is needed");
    let strange = found("case $1 in --version) echo 1.5;; *) echo 'Options: --json' >&2;; esac");
    assert!(strange.problem.unwrap().contains("does not know --resume"));
    let broken =
        found("echo 'loading'; echo 'Error: Cannot find module ./cli' >&2; echo '    at run.js:3' >&2; exit 3");
    let problem = broken.problem.unwrap();
    assert_eq!(problem, "it is broken: `agent --version` ended with exit 3: Error: Cannot find module ./cli");
    assert_eq!(found("kill -SEGV $$").problem.unwrap(), "it is broken: `agent --version` ended with signal SEGV");
    let missing = AgentSpec::new("a", vec!["surely-no-such-agent".to_owned()]);
    let missing = probe(&[(missing, profile())], &place(Path::new("/"), None)).remove(0);
    assert!(missing.path.is_none() && missing.problem.unwrap().contains("no `surely-no-such-agent`"));
}

#[test]
fn it_is_asked_once_and_again_when_it_changes() {
    let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let asked = dir.path().join("asked");
    let script =
        |version: &str| format!("echo x >> {}\ncase $1 in --version) echo {version};; {HELP}", asked.display());
    let look = |spec: AgentSpec| {
        // In both roles, as it were.
        let both = [(spec.clone(), profile()), (spec, profile())];
        let found = probe(&both, &place(dir.path(), Some(state.path())));
        assert_eq!(found[0], found[1]);
        found[0].clone()
    };
    let times = || std::fs::read_to_string(&asked).unwrap().lines().count();
    let first = look(agent(dir.path(), &script("1.5")));
    assert_eq!((first.version.as_deref(), times()), (Some("1.5"), 2));
    let spec = agent(dir.path(), &script("1.5"));
    look(spec.clone());
    let before = times();
    assert_eq!((look(spec), times()), (first, before));
    let known = || known_version(&dir.path().join("agent"), state.path());
    assert_eq!((known().as_deref(), times()), (Some("1.5"), before));
    std::fs::write(dir.path().join("agent"), "#!/bin/sh\n").unwrap();
    assert_eq!(known(), None, "nobody knows what that is");
    assert_eq!(look(agent(dir.path(), &script("1.75"))).version.as_deref(), Some("1.75"));
}

#[test]
fn what_it_leaves_behind_neither_holds_it_up_nor_stays() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let leave = format!("sleep 3000 & echo $! >>{0}; setsid sh -c 'echo $$ >>{0}; exec sleep 3001' &", pids.display());
    let wait = format!("while [ $(wc -l <{}) -lt 2 ]; do sleep 0.01; done", pids.display());
    let script = format!("case $1 in --version) {leave} {wait}; echo 1.5;; {HELP}");
    let spec = agent(dir.path(), &script);
    let found = probe(&[(spec, profile())], &place(dir.path(), None)).remove(0);
    assert_eq!((found.version.as_deref(), found.problem), (Some("1.5"), None));
    assert_gone(&pids, 2);
}

#[test]
fn one_that_takes_too_long_is_stopped_whole() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let script = format!(
        "trap '' INT TERM; echo $$ >{0}; sleep 3000 & echo $! >>{0}; while :; do sleep 1; done",
        pids.display()
    );
    let spec = agent(dir.path(), &script);
    let mut patience = Duration::from_millis(300);
    loop {
        let found = probe(&[(spec.clone(), profile())], &Place { patience, ..place(dir.path(), None) }).remove(0);
        assert_eq!((found.version, found.problem), (None, None));
        assert!(found.note.unwrap().contains("in time"));
        // A machine that is too busy to get that far is given longer.
        if std::fs::read_to_string(&pids).is_ok_and(|pids| pids.lines().count() == 2) {
            break;
        }
        patience *= 2;
    }
    assert_gone(&pids, 2);
}

/// A profile for a program of the ground's, and an agent made from it.
fn configure(ground: &Ground, script: &str, keys: &str) {
    let file = ground.path("bin").join("worker");
    program(&file, &format!("#!/bin/sh\n{script}\n"));
    let profile = format!("[profiles.worker]\ncommand = [{file:?}, \"{{role}}\"]\nhelp = [\"--help\"]\n{keys}\n");
    ground.write(
        "loopdash.toml",
        &format!("{profile}[agents.worker]\nprofile = \"worker\"\nenv = {{ MODE = \"fast\" }}\n"),
    );
    ground.commit("configure");
}

#[test]
fn it_is_asked_in_the_environment_that_it_will_have() {
    let ground = Ground::new();
    let seen = ground.path("seen");
    configure(&ground, &format!("env >>{}; echo 1.0", seen.display()), "env_remove = [\"SECRET_*\"]");
    let mut command = ground.command(&["agents"]);
    command.env("CLAUDECODE", "1").env("SECRET_PLACE", "x").env("PLAIN", "y");
    assert!(command.output().unwrap().status.success());
    let seen = std::fs::read_to_string(seen).unwrap();
    let has = |name: &str| seen.lines().any(|line| line.starts_with(name));
    assert!(has("MODE=fast") && has("PLAIN=y"), "{seen}");
    assert!(!has("CLAUDECODE=") && !has("SECRET_PLACE="), "{seen}");
}

#[test]
fn it_is_looked_at_in_both_its_roles() {
    let ground = Ground::new();
    let script = "case $1 in --version) echo 1.0;; *) echo '  -r, --read';; esac";
    configure(&ground, script, "actor = [\"--write\"]\ncritic = [\"-r\"]");
    let told = ground.loopdash(&["doctor"]).exits(65);
    assert!(told.out.contains("worker: as actor: its help of version 1.0 does not know --write"), "{}", told.out);
    let listed = ground.loopdash(&["agents"]).exits(0);
    assert!(listed.out.contains("as actor: its help of version 1.0 does not know --write"), "{}", listed.out);
    configure(&ground, script, "actor = [\"--read\"]\ncritic = [\"-s\"]");
    let told = ground.loopdash(&["doctor"]).exits(65);
    assert!(told.out.contains("worker: as critic: its help of version 1.0 does not know -s"), "{}", told.out);
}

#[test]
fn a_program_that_only_leads_to_the_agent_is_not_asked() {
    let ground = Ground::new();
    let asked = ground.path("asked");
    let file = ground.path("bin").join("ssh");
    program(&file, &format!("#!/bin/sh\necho x >>{}\nexit 255\n", asked.display()));
    ground.write(
        "loopdash.toml",
        "[agents.far]\nprofile = \"claude\"\ncommand = [\"ssh\", \"box\", \"claude\", \"-p\"]\n",
    );
    ground.commit("configure");
    let told = ground.loopdash(&["doctor"]);
    assert!(told.out.contains(&format!("far: {}", file.display())), "{}", told.out);
    assert!(!asked.exists());
}

/// Starts a run in `repo` whose agent never ends, and kills loopdash when it is at work.
fn interrupt(ground: &Ground, repo: &Path, path: &str, actor: &str) {
    let started = ground.path("started");
    let args = ["run", "--headless", "-p", "Make a note.", "--actor", actor, "--critic", "none"];
    let mut command = ground.command(&args);
    let mut live = Live::start({
        command.current_dir(repo).env("PATH", path);
        command
    });
    while !started.exists() {
        assert_eq!(live.child.try_wait().unwrap(), None, "it ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    live.signal(rustix::process::Signal::KILL);
    live.end();
    std::fs::remove_file(started).unwrap();
}

#[test]
fn each_run_that_goes_on_has_its_agent_looked_for_in_its_own_repository() {
    let ground = Ground::new();
    let till = ground.path("till");
    std::fs::create_dir_all(till.join("tools")).unwrap();
    let (started, open) = (ground.path("started"), ground.path("open"));
    let script = format!(
        "#!/bin/sh\nif [ -e {} ]; then echo x >note; echo LOOPDASH_DONE; else touch {}; sleep 3000; fi\n",
        open.display(),
        started.display()
    );
    program(&ground.path("bin").join("here"), &script);
    program(&till.join("tools/there"), &script);
    let git = |args: &[&str]| {
        let name = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
        let status = std::process::Command::new("git").args(name).args(args).current_dir(&till).status().unwrap();
        assert!(status.success());
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "start"]);
    let path = format!("tools:{}:{}", ground.path("bin").display(), std::env::var("PATH").unwrap());
    interrupt(&ground, &ground.repo(), &path, "here");
    interrupt(&ground, &till, &path, "there");
    std::fs::write(open, "").unwrap();
    let mut command = ground.command(&["resume", "--all", "--headless"]);
    let told = Told::from(command.env("PATH", path).output().unwrap()).exits(0);
    assert!(!told.err.contains("cannot work"), "{}", told.err);
    assert!(ground.runs().iter().all(|ran| ran.state.outcome.is_some()));
}
