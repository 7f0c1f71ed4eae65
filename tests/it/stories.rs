//! What a stream agent does, as a person sees it in a real terminal: countdowns, the story and the raw stream, long lines.

use crate::ground::{Ground, LOOPDASH, program};
use crate::screen::{leave, open, with_loops};
use crate::term::{Term, until};
use loopdash::loops::core::step::StepKind;
use std::io::Write;

/// A loop whose agent, a command of this name, prints a stream of Claude Code's kind.
fn streaming(name: &str, command: &[&str]) -> String {
    format!(
        "[agents.{name}]\ncommand = {}\ndialect = \"claude\"\n\n[[loop]]\nname = \"{name}\"\nobjective = \"Make a note.\"\n\
         actor = \"{name}\"\ncritic = \"none\"\n",
        serde_json::to_string(command).unwrap()
    )
}

/// The seconds of the countdown on the screen.
fn seconds(screen: &str) -> Option<u32> {
    let (_, behind) = screen.split_once("retry 2/5 in ")?;
    behind.split_once('s')?.0.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_counted_down_and_gone_when_the_agent_goes_on() {
    let words = [LOOPDASH, "__agent", "stream", "say", "at work", "retry", "2", "5", "4000", "say", "better", "hang"];
    let ground = with_loops(&[streaming("patient", &words)]);
    let mut term = open(&ground, &["--start-all"]);
    term.until("a countdown", |screen| seconds(screen).is_some()).await;
    let first = seconds(&term.text()).unwrap_or_default();
    term.until("a lower number", |screen| seconds(screen).is_some_and(|now| now < first)).await;
    assert!(term.text().contains("overloaded"), "{}", term.text());
    term.see("better").await;
    term.gone("retry 2/5").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v_turns_the_story_into_the_stream_and_back() {
    let words = [LOOPDASH, "__agent", "stream", "say", "looking", "sh", "echo from the tool", "say", "seen", "hang"];
    let ground = with_loops(&[streaming("teller", &words)]);
    let mut term = open(&ground, &["--start-all"]);
    term.see("seen").await;
    let story = term.text();
    assert!(story.contains("Bash sh -c") && !story.contains("tool_use"), "{story}");
    term.keys("v").await;
    term.until("the stream as it came", |screen| {
        screen.contains(r#""type":"tool_use""#) || screen.contains(r#""type": "tool_use""#)
    })
    .await;
    term.keys("v").await;
    term.until("the story", |screen| screen.contains("Bash sh -c") && !screen.contains("tool_use")).await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
}

/// Prints the beginning of a line of 10 MB, the rest when the operator says so, and waits.
const SLOW_LINE: &str = r#"#!/bin/sh
cat > prompt.seen
printf '%s\n' '{"type":"assistant","message":{"content":[{"type":"text","text":"here it comes"}]}}'
printf '%s' '{"type":"assistant","message":{"content":[{"type":"text","text":"the long line '
head -c 5242880 /dev/zero | tr '\0' x
mkfifo go
read word < go
head -c 5242880 /dev/zero | tr '\0' y
printf '%s\n' '"}]}}'
printf '%s\n' '{"type":"assistant","message":{"content":[{"type":"text","text":"that was it"}]}}'
read word < go
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_answered_while_a_line_of_ten_megabytes_arrives() {
    let ground: Ground = with_loops(&[streaming("verbose", &["slow-line"])]);
    program(&ground.path("bin/slow-line"), SLOW_LINE);
    let (home, state) = (ground.path("home"), ground.path("state"));
    let path = format!("{}:{}", ground.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path()), ("PATH", path.as_ref())];
    let mut term = Term::start(&["--start-all"], &ground.repo(), &env, (36, 120));
    term.see("here it comes").await;
    let worktree = ground.path("shop.loops/verbose");
    until("half of the line is there", || worktree.join("go").exists()).await;
    term.keys("?").await;
    term.see("Esc closes").await;
    term.keys("\x1b").await;
    term.gone("Esc closes").await;
    let go = |word: &'static str| {
        let fifo = worktree.join("go");
        tokio::task::spawn_blocking(move || std::fs::File::create(fifo).unwrap().write_all(word.as_bytes()).unwrap())
    };
    // The second half and a key are on their way at the same time.
    let rest = go("on\n");
    term.keys("6").await;
    term.see("submitted").await;
    rest.await.unwrap();
    term.keys("1").await;
    term.see("that was it").await;
    term.keys("g").await;
    term.see("the long line xxxx").await;
    go("end\n").await.unwrap();
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    let actor = ground.ran().steps(&StepKind::Actor).remove(0);
    assert!(std::fs::metadata(actor.join("stdout.log")).unwrap().len() > 10 * 1024 * 1024);
}
