//! The scripted agents as processes: what the other tests lean on has to hold by itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use loopdash::loops::agent::{RUN_MARK, tree};
use rustix::process::{Pid, Signal, kill_process};

const LOOPDASH: &str = env!("CARGO_BIN_EXE_loopdash");

fn start(dir: &Path, words: &[&str], prompt: &[u8]) -> Child {
    start_marked(dir, words, prompt, "scripted")
}

fn start_marked(dir: &Path, words: &[&str], prompt: &[u8], mark: &str) -> Child {
    let mut child = Command::new(LOOPDASH)
        .arg("__agent")
        .args(words)
        .current_dir(dir)
        .env("LOOPDASH_DEMO_SPEED", "100")
        .env(RUN_MARK, mark)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(prompt).unwrap();
    child
}

fn run(dir: &Path, words: &[&str], prompt: &[u8]) -> Output {
    start(dir, words, prompt).wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_large_prompt_arrives_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let prompt: Vec<u8> = (0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let output = run(dir.path(), &["save-prompt", "seen", "stdin-id"], &prompt);
    assert!(output.status.success());
    assert_eq!(fs::read(dir.path().join("seen")).unwrap(), prompt);
    assert!(text(&output).starts_with("prompt 1048576 bytes "));
}

#[test]
fn a_prompt_file_is_read_where_the_environment_names_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("prompt.md"), "from the file").unwrap();
    let output = Command::new(LOOPDASH)
        .args(["__agent", "save-prompt", "seen"])
        .current_dir(dir.path())
        .env("LOOPDASH_PROMPT", dir.path().join("prompt.md"))
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(output.success());
    assert_eq!(fs::read_to_string(dir.path().join("seen")).unwrap(), "from the file");
}

#[test]
fn it_ends_as_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(dir.path(), &["exit", "7"], b"").status.code(), Some(7));
    assert_eq!(run(dir.path(), &["signal", "9"], b"").status.signal(), Some(9));
    assert_eq!(run(dir.path(), &["dance"], b"").status.code(), Some(64));
    assert_eq!(run(dir.path(), &["script", "nobody"], b"").status.code(), Some(64));
}

#[test]
fn a_deaf_agent_survives_every_polite_signal() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), &["ignore-term", "say", "deaf", "hang"], b"");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "deaf\n");
    let pid = Pid::from_child(&child);
    for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
        kill_process(pid, signal).unwrap();
    }
    kill_process(pid, Signal::KILL).unwrap();
    // Had one of the others ended it, that one would stand here.
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn an_orphan_has_left_the_session_and_holds_the_output() {
    let dir = tempfile::tempdir().unwrap();
    let mark = format!("orphan-{}", std::process::id());
    let mut child = start_marked(dir.path(), &["orphan", "say", "bye"], b"", &mark);
    let mut output = child.stdout.take().unwrap();
    assert!(child.wait().unwrap().success());
    let left = tree::marked(&mark);
    let [orphan] = left.as_slice() else { panic!("one process lives on, not {left:?}") };
    assert_eq!(orphan.sid, orphan.pid, "it leads a session of its own");
    kill_process(Pid::from_raw(orphan.pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "bye\n");
}

#[test]
fn scenes_follow_the_prompt_and_the_worktree() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("agent.toml"),
        r#"
        [[scene]]
        when = { exists = ["done"] }
        steps = [{ say = "third" }]
        [[scene]]
        when = { prompt = ["finding"] }
        steps = [{ touch = "done" }, { say = "second" }]
        [[scene]]
        steps = [{ say = "first" }, "claim"]
        "#,
    )
    .unwrap();
    let words = ["play", "agent.toml"];
    assert_eq!(text(&run(dir.path(), &words, b"go")), "first\nLOOPDASH_DONE\n");
    assert_eq!(text(&run(dir.path(), &words, b"a finding")), "second\n");
    assert_eq!(text(&run(dir.path(), &words, b"a finding")), "third\n");
}

#[test]
fn it_can_remove_the_ground_under_itself() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    assert!(run(&inner, &["rm-worktree", "say", "gone"], b"").status.success());
    assert!(!inner.exists());
}
