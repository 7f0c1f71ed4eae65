//! Ground to run loops on: a repository, a state directory, loopdash as a child process, and its journals to look into.

use loopdash::loops::agent::tree;
use loopdash::loops::core::event::{Event, Record};
use loopdash::loops::core::state::RunState;
use loopdash::loops::core::step::StepKind;
use loopdash::loops::journal::{RunDir, Store, read};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

pub(crate) const LOOPDASH: &str = env!("CARGO_BIN_EXE_loopdash");

/// A repository with one commit, and a home and a state directory of its own.
pub(crate) struct Ground {
    _guard: tempfile::TempDir,
    base: PathBuf,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let base = guard.path().canonicalize().unwrap();
        for directory in ["shop", "home", "bin"] {
            std::fs::create_dir(base.join(directory)).unwrap();
        }
        let ground = Self { _guard: guard, base };
        ground.git(&["init", "-q", "-b", "main"]);
        ground.write("README.md", "# shop\n");
        ground.commit("start");
        ground
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.base.join("shop")
    }

    /// The directory that all of it is in.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.repo().join(path), text).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q", "-m", message]);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.repo())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(LOOPDASH);
        command
            .args(args)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("LOOPDASH_STATE_DIR", self.path("state"))
            .env("LOOPDASH_DEMO_SPEED", "50")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn loopdash(&self, args: &[&str]) -> Told {
        Told::from(self.command(args).output().unwrap())
    }

    /// `loopdash run --headless` with scripted agents, given as words of `__agent`; an empty critic is none.
    pub(crate) fn run(&self, actor: &[&str], critic: &[&str], more: &[&str]) -> Told {
        Told::from(self.run_command(actor, critic, more).output().unwrap())
    }

    pub(crate) fn run_command(&self, actor: &[&str], critic: &[&str], more: &[&str]) -> Command {
        let critic = if critic.is_empty() { "none".to_owned() } else { agent(critic) };
        let mut args = vec!["run", "--headless", "-p", "Make a note."];
        let actor = agent(actor);
        args.extend(["--actor", &actor, "--critic", &critic]);
        args.extend(more);
        self.command(&args)
    }

    pub(crate) fn store(&self) -> Store {
        Store::view(&self.path("state")).unwrap()
    }

    /// The runs of the state directory, oldest first; one that is only being made has no journal yet.
    pub(crate) fn runs(&self) -> Vec<Ran> {
        let store = self.store();
        let dirs = store.runs().unwrap().into_iter().map(|run| store.run_dir(run));
        dirs.filter(|dir| dir.journal().exists()).map(Ran::read).collect()
    }

    /// The only run there is.
    #[track_caller]
    pub(crate) fn ran(&self) -> Ran {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "one run");
        runs.remove(0)
    }
}

/// A scripted agent as a command line.
pub(crate) fn agent(words: &[&str]) -> String {
    let words = [LOOPDASH, "__agent"].into_iter().chain(words.iter().copied());
    shlex::try_join(words).unwrap()
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Told {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }
}

/// A run as its journal tells it.
pub(crate) struct Ran {
    pub(crate) dir: RunDir,
    pub(crate) records: Vec<Record>,
    pub(crate) state: RunState,
}

impl Ran {
    pub(crate) fn read(dir: RunDir) -> Self {
        let records = read(&dir).unwrap().records;
        let state = RunState::replay(dir.run(), &records);
        Self { dir, records, state }
    }

    /// The directories of the steps of a kind, in order.
    pub(crate) fn steps(&self, kind: &StepKind) -> Vec<PathBuf> {
        let steps = self.state.steps.iter().filter(|step| step.kind == *kind);
        steps.map(|step| self.dir.step_dir(step.id, &step.kind)).collect()
    }

    /// The prompts of the steps of a kind, in order.
    pub(crate) fn prompts(&self, kind: &StepKind) -> Vec<String> {
        self.steps(kind).iter().map(|dir| std::fs::read_to_string(dir.join("prompt.md")).unwrap()).collect()
    }

    pub(crate) fn worktree(&self) -> PathBuf {
        PathBuf::from(&self.state.workspace.as_ref().unwrap().path)
    }

    pub(crate) fn events<'a, T>(&'a self, pick: impl Fn(&'a Event) -> Option<T> + 'a) -> Vec<T> {
        self.records.iter().filter_map(|record| pick(&record.event)).collect()
    }

    /// Whether no process of it is left.
    pub(crate) fn is_gone(&self) -> bool {
        tree::marked(&self.dir.run().to_string()).is_empty()
    }

    /// Asserts that no process of it is left.
    #[track_caller]
    pub(crate) fn assert_gone(&self) {
        let left = tree::marked(&self.dir.run().to_string());
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// A loopdash that runs, and its lines as they come.
pub(crate) struct Live {
    pub(crate) child: Child,
    pub(crate) lines: BufReader<ChildStdout>,
}

impl Live {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads lines up to the first that holds `text`.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "no line holds {text:?}:\n{seen}");
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Reads the rest and waits for the end.
    pub(crate) fn end(mut self) -> Told {
        let mut out = String::new();
        self.lines.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Told { code: self.child.wait().unwrap().code(), out, err }
    }
}

/// Makes an executable file.
pub(crate) fn program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Says past the harness, which shows what tests print only when they fail, that this test does not do all that it
/// does elsewhere.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "skipped: {}: {why}", thread.name().unwrap_or("a test"));
}
