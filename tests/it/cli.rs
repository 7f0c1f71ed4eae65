//! The commands that need no engine, run as a user runs them: what they print, and their exit status.

use loopdash::loops::core::event::{
    Admitted, Event, Finished, GateFinished, IterationStarted, Outcome, Record, SnapshotTaken, Submitted, TestFailed,
    TestStarted, VerdictReached, WorkspaceReady,
};
use loopdash::loops::core::gate::GateResult;
use loopdash::loops::core::ids::{Millis, RunId, StepId};
use loopdash::loops::core::spec::{AgentSpec, Limits, LoopSpec, Trigger};
use loopdash::loops::core::verdict::{Decision, Finding, Severity, Verdict};
use loopdash::loops::journal::{JournalWriter, Store};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A repository with a home and a state directory of its own.
struct Desk {
    _guard: tempfile::TempDir,
    base: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let base = guard.path().canonicalize().unwrap();
        for directory in ["shop/sub", "home"] {
            std::fs::create_dir_all(base.join(directory)).unwrap();
        }
        let made =
            Command::new("git").args(["init", "-q", "-b", "main"]).current_dir(base.join("shop")).status().unwrap();
        assert!(made.success());
        Self { _guard: guard, base }
    }

    fn repo(&self) -> PathBuf {
        self.base.join("shop")
    }

    fn state(&self) -> PathBuf {
        self.base.join("state")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loopdash"));
        command
            .args(arguments)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.base.join("home"))
            .env("LOOPDASH_STATE_DIR", self.state())
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Told {
        self.told(&self.command(arguments).output().unwrap())
    }

    /// Output without what differs between boxes.
    fn told(&self, output: &Output) -> Told {
        let clean = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).unwrap().replace(&self.base.display().to_string(), "[base]")
        };
        Told { code: output.status.code(), out: clean(&output.stdout), err: clean(&output.stderr) }
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.repo().join(path), text).unwrap();
    }
}

struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }
}

#[test]
fn help_and_version_are_no_mistakes() {
    let here = Desk::new();
    let help = here.run(&["--help"]).ok();
    assert!(
        help.contains("loopdash demo") && help.contains("Exit status:") && help.contains("130  interrupted"),
        "{help}"
    );
    assert!(here.run(&["-h"]).ok().contains("Exit status:"));
    assert_eq!(here.run(&["--version"]).ok(), format!("loopdash {}\n", env!("CARGO_PKG_VERSION")));
    for command in [
        "demo",
        "run",
        "resume",
        "init",
        "prompt",
        "config",
        "list",
        "show",
        "diff",
        "log",
        "schema",
        "doctor",
        "completions",
        "man",
    ] {
        assert!(here.run(&[command, "--help"]).ok().contains("Usage: loopdash"), "{command}");
        assert!(help.contains(&format!("\n  {command}")), "{command}");
    }
    assert!(!help.contains("__"));
}

#[test]
fn wrong_usage_exits_64() {
    let here = Desk::new();
    for arguments in [
        &["--nope"][..],
        &["shw", "x"],
        &["run", "--priority", "10"],
        &["run", "--max-iterations", "0"],
        &["run", "a.md", "-p", "b"],
        &["diff", "x", "--last", "--iteration", "2"],
        &["resume", "x", "--all"],
        &["demo", "--speed", "0"],
        &["schema", "run"],
        &["--start-all", "list"],
        &["-C", "/nowhere/at/all", "list"],
        &["man", "shwo"],
    ] {
        let told = here.run(arguments);
        assert_eq!((told.code, told.out.as_str()), (Some(64), ""), "{arguments:?}: {}", told.err);
        assert!(!told.err.is_empty());
    }
    assert!(here.run(&["man", "shwo"]).err.contains("did you mean `show`?"));
    assert!(here.run(&["shw"]).err.contains("'show'"));
}

#[test]
fn init_writes_once_and_what_it_writes_is_well() {
    let here = Desk::new();
    let sub = here.command(&["init"]).current_dir(here.repo().join("sub")).output().unwrap();
    assert!(here.told(&sub).ok().starts_with("wrote [base]/shop/loopdash.toml\n"));
    let again = here.run(&["init"]);
    assert_eq!(again.code, Some(65));
    assert!(again.err.contains("exists already"), "{}", again.err);
    let listed = here.run(&["config"]).ok();
    assert!(listed.contains("cap = 3                                     # loopdash.toml:12"), "{listed}");
    let schema: serde_json::Value = serde_json::from_str(&here.run(&["schema", "config"]).ok()).unwrap();
    let written: toml::Value =
        toml::from_str(&std::fs::read_to_string(here.repo().join("loopdash.toml")).unwrap()).unwrap();
    assert!(jsonschema::is_valid(&schema, &serde_json::to_value(written).unwrap()));
    assert!(!jsonschema::is_valid(&schema, &serde_json::json!({"engine": {"cpa": 1}})));
}

#[test]
fn the_schema_of_test_files_knows_right_from_wrong() {
    let schema: serde_json::Value = serde_json::from_str(&Desk::new().run(&["schema", "test-state"]).ok()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(
        validator
            .is_valid(&serde_json::json!({"version": 1, "tests": [{"id": "a", "title": "b", "status": "passed"}]}))
    );
    assert!(!validator.is_valid(&serde_json::json!({"version": 1, "tests": [{"id": "a"}]})));
    assert!(
        !validator
            .is_valid(&serde_json::json!({"version": 1, "tests": [{"id": "a", "title": "b", "state": "passed"}]}))
    );
}

#[test]
fn layers_win_in_order_and_say_so() {
    let here = Desk::new();
    here.write("loopdash.toml", "[engine]\ncap = 4\n");
    let user = here.base.join("home/.config/loopdash");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::write(user.join("config.toml"), "[engine]\ncap = 2\nrepo_cap = 1\n[ui]\ntheme = \"light\"\n").unwrap();
    let mut command = here.command(&["config", "--set", "engine.on_start=leave"]);
    let listed = here.told(&command.env("LOOPDASH_UI_THEME", "mono").output().unwrap()).ok();
    let origin = |key: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")))
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(origin("cap"), "cap = 4 # loopdash.toml:2");
    assert_eq!(origin("repo_cap"), "repo_cap = 1 # ~/.config/loopdash/config.toml:3");
    assert_eq!(origin("theme"), "theme = \"mono\" # env LOOPDASH_UI_THEME");
    assert_eq!(origin("on_start"), "on_start = \"leave\" # flag --set");
    let mut command = here.command(&["config"]);
    let elsewhere = command.env("XDG_CONFIG_HOME", here.base.join("shop")).output().unwrap();
    assert!(!here.told(&elsewhere).ok().contains("repo_cap = 1"));
}

#[test]
fn a_wrong_configuration_exits_65_with_place_and_remedy() {
    let here = Desk::new();
    here.write("loopdash.toml", "[engine]\ncpa = 3\n");
    let told = here.run(&["config"]);
    assert_eq!((told.code, told.out.as_str()), (Some(65), ""));
    insta::assert_snapshot!(told.err, @r"
    error: unknown key `cpa` in `engine`
     --> loopdash.toml:2:1
      |
    2 | cpa = 3
      | ^^^ not a key here
      |
      = help: did you mean `cap`? (known keys: budget_dollars, budget_iterations, budget_time, budget_tokens, cap, gate_cap, max_wait, on_hangup, on_start, port_base, ports_per_slot, repo_cap, worktree_path)
    ");
    assert!(here.run(&["config", "--color", "always"]).err.contains("\u{1b}["));
    assert_eq!(here.run(&["config", "--config", "gone.toml"]).code, Some(65));
    let told = here.run(&["doctor"]);
    assert_eq!(told.code, Some(65));
    assert!(told.out.contains("did you mean `cap`?"), "{}", told.out);
}

#[test]
fn doctor_tells_what_is_missing() {
    let here = Desk::new();
    here.write("loopdash.toml", "[agents.shell]\ncommand = \"sh -c true\"\n");
    let told = here.run(&["doctor"]).ok();
    for part in [
        "ok    git ",
        "warn  repository       [base]/shop has no commit",
        "ok    agent            shell: /",
        "ok    state directory  [base]/state",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains("warn  terminal"), "{told}");
    here.write("loopdash.toml", "[agents.gone]\ncommand = \"no-such-program-here\"\n");
    std::fs::write(here.base.join("file"), "").unwrap();
    let told = here.run(&["doctor", "--state-dir", "../file"]);
    assert_eq!(told.code, Some(65));
    assert!(told.out.contains("FAIL  agent            gone: no `no-such-program-here` in "), "{}", told.out);
    assert!(told.out.contains("FAIL  state directory"), "{}", told.out);
}

#[test]
fn completions_and_manual_pages_are_printed() {
    let here = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(here.run(&["completions", shell]).ok().contains("loopdash"), "{shell}");
    }
    assert!(here.run(&["man"]).ok().contains(".TH loopdash 1"));
    assert!(here.run(&["man", "run"]).ok().contains("max\\-iterations"));
}

#[test]
fn a_closed_output_is_quiet() {
    let here = Desk::new();
    let mut child =
        here.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

fn spec(name: &str, repo: &Path) -> LoopSpec {
    let command = vec!["agent".to_owned(), "--yes".to_owned()];
    let agent = AgentSpec { timeout_ms: 1_000, ..AgentSpec::new("worker", command) };
    LoopSpec {
        name: name.to_owned(),
        repo: repo.display().to_string(),
        objective: "Make it \u{1b}[31mred\u{1b}[0m.\nThen green.".to_owned(),
        tests: Vec::new(),
        tests_file: None,
        actor: agent,
        critic: None,
        stronger: None,
        critic_when: Default::default(),
        isolation: Default::default(),
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits: Limits {
            max_iterations: 20,
            max_attempts: 20,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        gates: Vec::new(),
        stuck: loopdash::loops::core::watch::Policy::default(),
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    }
}

fn submitted(here: &Desk, label: &str) -> Submitted {
    Submitted {
        label: label.to_owned(),
        spec: Box::new(spec(label, &here.repo())),
        trigger: Trigger::Cli,
        base: None,
        version: "0.1.0".to_owned(),
        order: 0,
    }
}

/// Writes a run's journal.
fn write_run(here: &Desk, id: &str, events: Vec<Event>) -> RunId {
    let run = RunId::parse(id).unwrap();
    let store = Store::open(&here.state()).unwrap();
    let mut writer = JournalWriter::create(&store.run_dir(run)).unwrap();
    let records: Vec<Record> = events
        .into_iter()
        .zip(1..)
        .map(|(event, seq)| Record { seq, at: Millis(1_795_000_000_000 + seq * 1_000), run, event })
        .collect();
    writer.append(&records).unwrap();
    run
}

/// Writes a finished run's journal.
fn journal(here: &Desk, id: &str, label: &str) -> RunId {
    let verdict = Verdict {
        decision: Decision::Done,
        confidence: Some(0.9),
        summary: "good\u{1b}]0;title\u{7}".to_owned(),
        findings: vec![Finding {
            id: "f1".to_owned(),
            severity: Severity::Nit,
            file: Some("src/a.rs".to_owned()),
            line: Some(3),
            text: "a name".to_owned(),
        }],
    };
    let snapshot = SnapshotTaken {
        step: StepId(2),
        commit: "0123456789abcdef".to_owned(),
        tree: "fedcba".to_owned(),
        empty: false,
        parent: None,
        files: 1,
        insertions: 2,
        deletions: 0,
        skipped: Vec::new(),
        head: None,
        undone: Vec::new(),
        touched: Vec::new(),
    };
    let gate = GateFinished::new(StepId(3), "tests".to_owned(), true, GateResult::Passed, 1_500);
    let events: Vec<Event> = vec![
        submitted(here, label).into(),
        Admitted { slot: 0 }.into(),
        TestStarted { test: "objective".to_owned(), attempt: 1 }.into(),
        IterationStarted { iteration: 1, test: "objective".to_owned() }.into(),
        snapshot.into(),
        gate.into(),
        VerdictReached { step: StepId(4), verdict }.into(),
        Finished { outcome: Outcome::Done, reason: "every test passed".to_owned() }.into(),
    ];
    write_run(here, id, events)
}

#[test]
fn runs_are_listed_shown_and_logged_without_an_engine() {
    let here = Desk::new();
    assert!(here.run(&["list"]).ok().starts_with("no runs yet"));
    assert!(!here.state().exists(), "reading makes nothing");
    let mistyped = here.run(&["list", "--state-dir", "nowhere/at/all"]);
    assert_eq!(mistyped.code, Some(65));
    assert!(mistyped.err.contains("nowhere/at/all; is --state-dir as you meant it?"), "{}", mistyped.err);
    journal(&here, "01930000-0000-7000-8000-00000000aaaa", "fix-ci");
    journal(&here, "01930000-0000-7000-8000-00000000bbbb", "docs");
    let list = here.run(&["list"]).ok();
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.lines().nth(1).unwrap().starts_with("fix-ci  0000aaaa  done"), "{list}");

    let page = here.run(&["show", "fix-ci"]).ok();
    for part in [
        "run         fix-ci (01930000-",
        "state       done",
        "actor       worker: agent --yes",
        "gate tests: passed after 1s",
        "#1 nit src/a.rs:3 (new): a name",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains('\u{1b}') && !page.contains('\u{7}'), "{page:?}");

    let log = here.run(&["log", "0000bbbb"]).ok();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 8, "{log}");
    assert!(lines[0].ends_with("     1  submitted as docs, priority 5"), "{log}");
    assert!(lines[7].ends_with("finished: done: every test passed"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log:?}");
}

/// Runs git in the desk's repository.
fn git(here: &Desk, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=n", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"];
    let output = Command::new("git").args(identity).args(arguments).current_dir(here.repo()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_diff_shows_the_run_or_one_iteration() {
    let here = Desk::new();
    let mut commits = Vec::new();
    for (number, text) in ["one\n", "one\ntwo\u{1b}[2J\n", "one\ntwo\u{1b}[2J\nthree\n"].iter().enumerate() {
        here.write("file.txt", text);
        git(&here, &["add", "file.txt"]);
        git(&here, &["commit", "-q", "-m", &number.to_string()]);
        commits.push(git(&here, &["rev-parse", "HEAD"]));
    }
    let step = |number: u32| StepId(number);
    let taken = |number: u32, commit: &str| SnapshotTaken {
        step: step(number),
        commit: commit.to_owned(),
        tree: commit.to_owned(),
        empty: false,
        parent: None,
        files: 1,
        insertions: 1,
        deletions: 0,
        skipped: Vec::new(),
        head: None,
        undone: Vec::new(),
        touched: Vec::new(),
    };
    let ready = WorkspaceReady {
        path: here.repo().display().to_string(),
        branch: None,
        base: commits[0].clone(),
        git_dir: here.repo().join(".git").display().to_string(),
        common_dir: here.repo().join(".git").display().to_string(),
        in_place: true,
        fresh: false,
        included: Vec::new(),
    };
    let begin = |iteration| IterationStarted { iteration, test: "objective".to_owned() };
    let failed = TestFailed { test: "objective".to_owned(), attempt: 1, why: "not yet".to_owned() };
    write_run(
        &here,
        "01930000-0000-7000-8000-00000000aaaa",
        vec![
            submitted(&here, "a").into(),
            Admitted { slot: 0 }.into(),
            ready.into(),
            TestStarted { test: "objective".to_owned(), attempt: 1 }.into(),
            begin(1).into(),
            taken(1, &commits[1]).into(),
            failed.into(),
            TestStarted { test: "objective".to_owned(), attempt: 2 }.into(),
            begin(2).into(),
            taken(2, &commits[2]).into(),
        ],
    );
    let whole = here.run(&["diff", "a"]).ok();
    assert!(whole.starts_with(&format!("a, since its base: git diff {} {}\n", commits[0], commits[2])), "{whole}");
    assert!(whole.contains("\n+two\n+three\n"), "{whole:?}");
    let last = here.run(&["diff", "a", "--last"]).ok();
    assert!(last.contains("iteration 2") && last.contains("\n+three\n") && !last.contains("+two"), "{last}");
    let first = here.run(&["diff", "a", "--iteration", "1", "--color", "always"]).ok();
    assert!(first.contains("\u{1b}[32m+two\u{1b}[m\n") && !first.contains("[2J"), "{first:?}");
    let told = here.run(&["diff", "a", "--iteration", "7"]);
    assert_eq!(told.code, Some(65));
    assert!(told.err.contains("these have one: 1, 2"), "{}", told.err);
}

#[test]
fn log_follows_a_run_until_it_is_over() {
    let here = Desk::new();
    let run = journal(&here, "01930000-0000-7000-8000-00000000aaaa", "a");
    let path = here.state().join("runs").join(run.to_string()).join("journal.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let (start, last) = whole.trim_end().rsplit_once('\n').unwrap();
    // A line in the middle of being written is waited for, too.
    let (half, rest) = last.split_at(last.len() / 2);
    std::fs::write(&path, format!("{start}\n{half}")).unwrap();
    let mut child =
        here.command(&["log", "a", "--follow"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for number in 1..=7 {
        assert!(lines.next().unwrap().contains(&format!("  {number}  ")));
    }
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(format!("{rest}\n").as_bytes()).unwrap();
    assert!(lines.next().unwrap().ends_with("finished: done: every test passed"));
    assert_eq!(lines.next(), None);
    let told = here.told(&child.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0));
    assert!(told.err.contains("waiting for `loopdash resume`"), "{}", told.err);
}

#[test]
fn a_torn_tail_is_told_and_not_shown() {
    let here = Desk::new();
    let run = journal(&here, "01930000-0000-7000-8000-00000000aaaa", "a");
    let path = here.state().join("runs").join(run.to_string()).join("journal.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}half a line")).unwrap();
    let told = here.run(&["log", "a"]);
    assert_eq!((told.code, told.out.lines().count()), (Some(0), 8));
    assert!(told.err.contains("the last 11 bytes are a record that was never finished"), "{}", told.err);
}

#[test]
fn a_name_that_means_no_run_or_several_is_refused() {
    let here = Desk::new();
    journal(&here, "01930000-0000-7000-8000-00000000aaaa", "a");
    journal(&here, "01930000-0000-7000-8000-00000000bbbb", "b");
    let told = here.run(&["show", "nope"]);
    assert_eq!(told.code, Some(65));
    assert!(told.err.contains("`loopdash list` shows them"), "{}", told.err);
    let told = here.run(&["log", "0193"]);
    assert_eq!(told.code, Some(65));
    assert!(told.err.contains("a (0000aaaa)") && told.err.contains("b (0000bbbb)"), "{}", told.err);
}

#[test]
fn a_damaged_run_is_named_and_the_others_still_show() {
    let here = Desk::new();
    let run = journal(&here, "01930000-0000-7000-8000-00000000aaaa", "a");
    journal(&here, "01930000-0000-7000-8000-00000000bbbb", "b");
    let path = here.state().join("runs").join(run.to_string()).join("journal.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let list = here.run(&["list"]).ok();
    let rows: Vec<String> = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(rows.iter().any(|row| row.contains("0000aaaa unreadable")), "{list}");
    assert!(rows.iter().any(|row| row.starts_with("b 0000bbbb done")), "{list}");
    let told = here.run(&["log", "0000aaaa"]);
    assert_eq!(told.code, Some(65));
    assert!(told.err.contains("journal.jsonl"), "{}", told.err);
}
