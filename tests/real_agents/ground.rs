//! Ground for one run: a repository, a private home, the stub, loopdash as a child process, and what became of it.
//! What loopdash says is read from its JSON lines, as a script of a user's would.

use crate::agents::Cli;
use crate::scenarios::{SNEAKED, STARTED, Scenario, Stop};
use crate::stub::{Heard, Stub};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A variable that everything which descends from a run carries.
const MARK: &str = "REAL_AGENTS_MARK";
/// How long a whole run may take before it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of a run.
pub(crate) struct Ran {
    /// loopdash's exit status.
    pub(crate) code: Option<i32>,
    /// Its records.
    pub(crate) records: Vec<Value>,
    /// Its standard error.
    pub(crate) err: String,
    /// `hello.txt` in the worktree.
    pub(crate) note: Option<String>,
    /// Whether the critic wrote its file.
    pub(crate) sneaked: bool,
    /// Processes that were left when loopdash had ended.
    pub(crate) left: Vec<String>,
    /// What the stub was asked.
    pub(crate) heard: Vec<Heard>,
    pub(crate) took: Duration,
}

/// Where things are.
pub(crate) struct Places {
    /// The loopdash to run.
    pub(crate) loopdash: PathBuf,
    /// A directory with the agents' programs.
    pub(crate) programs: PathBuf,
    /// Where runs may make their directories; kept for looking at if `keep`.
    pub(crate) scratch: PathBuf,
    pub(crate) keep: bool,
}

/// Runs one scenario with one agent.
pub(crate) fn run(places: &Places, cli: &'static Cli, scenario: &Scenario) -> Ran {
    let base = places.scratch.join(format!("{}-{}", cli.name, scenario.id));
    let worktree = base.join("shop.loops/note");
    let tree = worktree.clone();
    let stub = Stub::start((scenario.script)(), cli.toolless, Box::new(move |act| cli.say(act, &tree)));
    prepare(&base, cli, scenario, &stub.url);
    let mark = format!("{}-{}-{}", std::process::id(), cli.name, scenario.id);
    let started = Instant::now();
    let mut command = loopdash(places, &base, &mark);
    command.args(["run", "--headless", "--json", "--max-wait", "1s", "--loop", "note"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (code, out, err) = watch(child, started, || match scenario.stop {
        Stop::Never => false,
        Stop::InTool => worktree.join(STARTED).exists(),
        Stop::InAnswer => stub.was_asked(),
    });
    let took = started.elapsed();
    let left = left(&mark, &base);
    let ran = Ran {
        code,
        records: out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        err,
        note: std::fs::read_to_string(worktree.join("hello.txt")).ok(),
        sneaked: worktree.join(SNEAKED).exists(),
        left,
        heard: stub.heard(),
        took,
    };
    if places.keep {
        std::fs::write(base.join("records.jsonl"), out).unwrap();
    } else {
        std::fs::remove_dir_all(&base).unwrap();
    }
    ran
}

/// `loopdash ARGS`, with an environment of its own.
fn loopdash(places: &Places, base: &Path, mark: &str) -> Command {
    let mut command = Command::new(&places.loopdash);
    command
        .current_dir(base.join("shop"))
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", places.programs.display()))
        .env("HOME", base.join("home"))
        .env("LOOPDASH_STATE_DIR", base.join("state"))
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env(MARK, mark)
        .stdin(Stdio::null());
    command
}

fn prepare(base: &Path, cli: &Cli, scenario: &Scenario, url: &str) {
    std::fs::remove_dir_all(base).ok();
    let repo = base.join("shop");
    let home = base.join("home");
    for (file, text) in cli.files {
        let file = home.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text.replace("{URL}", url)).unwrap();
    }
    std::fs::create_dir_all(&home).unwrap();
    // As everybody has who commits; aider would write one into the repository, which loopdash asks about.
    std::fs::write(home.join(".gitconfig"), "[user]\nname = dev\nemail = dev@localhost\n").unwrap();
    std::fs::create_dir_all(&repo).unwrap();
    std::fs::write(repo.join("README.md"), "# shop\n").unwrap();
    std::fs::write(repo.join(".gitignore"), format!("{STARTED}\n")).unwrap();
    std::fs::write(repo.join("loopdash.toml"), config(cli, scenario, url)).unwrap();
    git(&repo, &["init", "-q", "-b", "main"]);
    git(&repo, &["add", "-A"]);
    git(&repo, &["-c", "user.name=dev", "-c", "user.email=dev@localhost", "commit", "-q", "-m", "Start"]);
}

fn config(cli: &Cli, scenario: &Scenario, url: &str) -> String {
    let agent = cli.table(url, scenario.agent);
    let critic = if scenario.critic { cli.name } else { "none" };
    format!(
        "{agent}[[loop]]\nname = \"note\"\nobjective = \"Write hello.txt: one line that says hi.\"\nactor = \"{}\"\n\
         critic = \"{critic}\"\n{}\n[[loop.gate]]\nname = \"says hi\"\ncommand = [\"grep\", \"-q\", \"hi\", \"hello.txt\"]\n",
        cli.name, scenario.definition
    )
}

fn git(repo: &Path, args: &[&str]) {
    let git = |command: &mut Command| command.args(args).current_dir(repo).status().unwrap().success();
    let mut command = Command::new("git");
    assert!(git(command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1")), "git {args:?}");
}

/// Waits for the end, and asks for it with TERM when it is due or patience is at an end.
fn watch(mut child: Child, started: Instant, due: impl Fn() -> bool) -> (Option<i32>, String, String) {
    fn drain(pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
        let mut pipe = pipe;
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).ok();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }
    let out = drain(child.stdout.take().unwrap());
    let err = drain(child.stderr.take().unwrap());
    let mut asked = None;
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if asked.is_none() && (due() || started.elapsed() > PATIENCE) {
            asked = Some(Instant::now());
            signal(&child, rustix::process::Signal::TERM);
        }
        if asked.is_some_and(|asked| asked.elapsed() > Duration::from_secs(30)) {
            signal(&child, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    (code, out.join().unwrap_or_default(), err.join().unwrap_or_default())
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).ok();
}

/// The processes that carry the mark or work below `base`, found without loopdash's help, and ended.
fn left(mark: &str, base: &Path) -> Vec<String> {
    let entry = format!("{MARK}={mark}");
    let mut left = Vec::new();
    for dir in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = dir.path();
        let Some(pid) = dir.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let environ = std::fs::read(path.join("environ")).unwrap_or_default();
        let marked = environ.split(|byte| *byte == 0).any(|variable| variable == entry.as_bytes());
        let below = std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(base));
        let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        let dead = stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']));
        if (marked || below) && !dead {
            let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
            left.push(String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned());
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
        }
    }
    left
}
