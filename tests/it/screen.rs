//! The real program in a real terminal: started, steered by keys, killed, restarted, left, with the terminal as it was.

use crate::ground::{Ground, LOOPDASH};
use crate::term::{Term, until};
use loopdash::loops::agent::tree;
use loopdash::loops::core::event::Event;
use loopdash::loops::core::ids::Who;
use loopdash::loops::core::state::Delivery;
use loopdash::loops::core::transition::RunStatus;
use rustix::process::Signal;
use std::fmt::Write;

const SIZE: (u16, u16) = (36, 120);

/// A loop named `name` whose actor is a scripted agent.
pub(crate) fn a_loop(name: &str, verbs: &[&str]) -> String {
    let words: Vec<&str> = [LOOPDASH, "__agent"].iter().chain(verbs).copied().collect();
    let mut text = String::new();
    writeln!(text, "[agents.{name}]\ncommand = {}\n", serde_json::to_string(&words).unwrap()).unwrap();
    writeln!(text, "[[loop]]\nname = \"{name}\"\nobjective = \"Make a note.\"").unwrap();
    writeln!(text, "actor = \"{name}\"\ncritic = \"none\"\n").unwrap();
    text
}

/// A loop named `name` whose actor is a shell script as it stands; `more` is added to its agent.
pub(crate) fn a_script(name: &str, script: &str, more: &str) -> String {
    let argv = serde_json::to_string(&["/bin/sh", "-c", script]).unwrap();
    let mut text = format!("[agents.{name}]\ncommand = {argv}\n{more}\n\n");
    writeln!(text, "[[loop]]\nname = \"{name}\"\nobjective = \"Make a note.\"").unwrap();
    writeln!(text, "actor = \"{name}\"\ncritic = \"none\"\n").unwrap();
    text
}

pub(crate) fn with_loops(loops: &[String]) -> Ground {
    let ground = Ground::new();
    ground.write("loopdash.toml", &loops.concat());
    ground.commit("configure");
    ground
}

pub(crate) fn open(ground: &Ground, arguments: &[&str]) -> Term {
    open_sized(ground, arguments, SIZE)
}

/// The same, through a command that is to become loopdash.
pub(crate) fn open_by(ground: &Ground, wrap: &[&str], arguments: &[&str]) -> Term {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path())];
    Term::start_by(wrap, arguments, &ground.repo(), &env, SIZE)
}

/// The same, with a fault on demand.
pub(crate) fn open_with(ground: &Ground, arguments: &[&str], fault: &str) -> Term {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [
        ("HOME", home.as_path()),
        ("LOOPDASH_STATE_DIR", state.as_path()),
        ("LOOPDASH_FAULT", std::path::Path::new(fault)),
    ];
    Term::start(arguments, &ground.repo(), &env, SIZE)
}

fn open_sized(ground: &Ground, arguments: &[&str], size: (u16, u16)) -> Term {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path())];
    Term::start(arguments, &ground.repo(), &env, size)
}

/// Leaves by `q`; live runs, if the dialog asks about them, are paused.
pub(crate) async fn leave(term: &mut Term) {
    term.keys("q").await;
    if term.until_over_or("Leave loopdash?").await {
        term.answer("p", "Leave loopdash?").await;
    }
    term.ended().await;
}

/// No process of any of the ground's runs is alive.
pub(crate) fn assert_nothing_runs(ground: &Ground) {
    for ran in ground.runs() {
        let left = tree::marked(&ran.state.id.to_string());
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_paused_resumed_noted_and_stopped_by_keys() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    term.keys("P").await;
    term.see("paused").await;
    term.keys("nmind the tests\r").await;
    term.keys("+").await;
    term.keys("r").await;
    term.until("running again", |text| text.contains("1 running")).await;
    term.keys("S").await;
    term.see("cannot be resumed").await;
    // The dialog was seen on the screen, so this confirms it.
    term.answer("y", "cannot be resumed").await;
    term.see("stopped").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    let ran = ground.ran();
    assert_eq!(ran.state.priority, 6);
    assert_eq!(ran.state.notes.len(), 1);
    assert_eq!(ran.state.notes[0].text, "mind the tests");
    assert!(!matches!(ran.state.notes[0].delivery, Delivery::Delivered(_)), "the actor never ended by itself");
    assert!(ran.state.is_finished());
    assert_nothing_runs(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_typed_before_its_dialog_was_seen_does_not_confirm_it() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    term.keys("Sy").await;
    term.see("cannot be resumed").await;
    term.answer("\x1b", "cannot be resumed").await;
    leave(&mut term).await;
    let ran = ground.ran();
    assert!(!ran.records.iter().any(|record| matches!(record.event, Event::StopRequested(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panes_search_palette_and_help_answer_their_keys() {
    let ground = with_loops(&[a_loop("quick", &["say", "the needle is here", "write", "note.md", "hello\n", "claim"])]);
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 done").await;
    term.keys("2").await;
    term.see("note.md").await;
    term.keys("6").await;
    term.see("submitted").await;
    term.keys("1").await;
    term.see("the needle is here").await;
    term.keys("/needle\r").await;
    term.see("needle").await;
    term.keys("?").await;
    term.see("Esc closes").await;
    term.keys("\x1b").await;
    term.gone("Esc closes").await;
    term.keys(":timel").await;
    term.see("show timeline").await;
    term.keys("\r").await;
    term.see("submitted").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_the_next_start_offers_the_run_and_it_goes_on() {
    let flag = "until-resumed";
    let script = format!("test -e {flag} || {{ touch {flag}; sleep 600; }}");
    let ground = with_loops(&[a_loop("long", &["say", "at work", "sh", &script, "write", "note.md", "x\n", "claim"])]);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    let id = ground.ran().state.id.to_string();
    let worktree = ground.path("shop.loops/long");
    until("the agent has begun", || worktree.join(flag).exists()).await;
    term.signal(Signal::KILL);
    term.ended().await;

    let mut term = open(&ground, &[]);
    term.see("1 interrupted loop").await;
    assert!(tree::marked(&id).is_empty(), "survivors were stopped");
    term.answer("\r", "1 interrupted loop").await;
    term.until("resumed or chosen", |text| text.contains("running") || text.contains("1 done")).await;
    term.see("1 done").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    assert_eq!(ground.ran().state.iterations.len(), 1, "the iteration went on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_give_the_terminal_back_and_pause_what_is_live() {
    for signal in [Signal::TERM, Signal::INT] {
        let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
        let mut term = open(&ground, &["--start-all"]);
        term.see("at work").await;
        term.signal(signal);
        let status = term.ended().await;
        assert_eq!(status.code(), Some(130), "{signal:?}");
        assert_eq!(term.disorder().await, [""; 0], "{signal:?}");
        assert_eq!(ground.ran().state.status, RunStatus::Paused, "{signal:?}");
        assert_nothing_runs(&ground);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_gives_the_terminal_back_before_its_message() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let (home, state, fault) = (ground.path("home"), ground.path("state"), std::path::PathBuf::from("panic:key"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path()), ("LOOPDASH_FAULT", fault.as_path())];
    let mut term = Term::start(&["--start-all"], &ground.repo(), &env, SIZE);
    term.see("at work").await;
    term.keys("j").await;
    let status = term.ended().await;
    assert!(!status.success());
    assert_eq!(term.disorder().await, [""; 0]);
    assert!(term.text().contains("panicked"), "{}", term.text());
    assert_nothing_runs(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_loopdash_shows_the_runs_of_the_first_and_cannot_steer_them() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let mut first = open(&ground, &["--start-all"]);
    first.see("at work").await;
    let mut second = open(&ground, &[]);
    second.see("slow").await;
    second.see("at work").await;
    second.keys("P").await;
    second.until("refused", |text| text.contains("another loopdash")).await;
    leave(&mut second).await;
    first.keys("P").await;
    first.see("paused").await;
    leave(&mut first).await;
    assert_eq!(ground.ran().state.status, RunStatus::Paused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_configuration_the_screen_says_what_to_do() {
    let ground = Ground::new();
    let mut term = open_sized(&ground, &[], (24, 80));
    term.see("loopdash init").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_opens_on_a_terminal_and_cleans_up_when_it_is_left() {
    let ground = Ground::new();
    let tmp = ground.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let home = ground.path("home");
    let env = [("HOME", home.as_path()), ("TMPDIR", tmp.as_path())];
    let mut term = Term::start(&["demo", "--speed", "20"], &ground.repo(), &env, SIZE);
    term.until("all seven settled", |text| text.contains("3 need you") && text.contains("4 done")).await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 0, "the demo cleaned up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_diff_and_the_timeline_of_the_demo_are_searched() {
    let ground = Ground::new();
    let tmp = ground.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let home = ground.path("home");
    let env = [("HOME", home.as_path()), ("TMPDIR", tmp.as_path())];
    let mut term = Term::start(&["demo", "--speed", "20"], &ground.repo(), &env, SIZE);
    term.until("all seven settled", |text| text.contains("3 need you") && text.contains("4 done")).await;
    term.keys(":gowords\r").await;
    term.keys("2").await;
    term.see("lib/count.sh").await;
    term.keys("/tally\r").await;
    term.until("the first hit of the diff", |text| hit(text, "/tally ").is_some_and(|(at, of)| at == 1 && of > 3))
        .await;
    let (_, of) = hit(&term.text(), "/tally ").unwrap();
    term.keys(",").await;
    term.see(&format!("/tally {of}/{of}")).await;
    term.keys("6").await;
    // The same words in another pane are counted, and nothing has moved yet.
    term.until("the search goes along", |text| text.contains("/tally no match") || text.contains(" found")).await;
    term.keys("/verdict\r").await;
    // The end of the timeline was in view: there the search begins.
    term.until("the last hit", |text| hit(text, "/verdict ").is_some_and(|(at, of)| at == of && of > 1)).await;
    let (_, of) = hit(&term.text(), "/verdict ").unwrap();
    term.keys(".").await;
    term.see(&format!("/verdict 1/{of}")).await;
    term.keys("\x1b").await;
    term.gone("/verdict").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
}

/// Which hit of how many the screen shows behind `query`.
fn hit(text: &str, query: &str) -> Option<(usize, usize)> {
    let (_, rest) = text.split_once(query)?;
    let (at, of) = rest.split_whitespace().next()?.split_once('/')?;
    Some((at.parse().ok()?, of.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_cannot_go_on_is_refused_before_the_screen_opens() {
    let ground = with_loops(&[a_loop("asks", &["ask", "Red or blue?"])]);
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 needs you").await;
    leave(&mut term).await;
    let mut term = open(&ground, &["resume", "asks"]);
    assert_eq!(term.ended().await.code(), Some(65));
    term.see("asks cannot go on: ").await;
    let raw = term.raw();
    assert!(!raw.windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "no screen was opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_is_given_to_another_agent_from_the_next_iteration_on() {
    let words = [LOOPDASH, "__agent", "write", "note.md", "mine\n", "claim"];
    let other = format!("[agents.other]\ncommand = {}\n", serde_json::to_string(&words).unwrap());
    // It claims nothing, so that another iteration follows.
    let ground = Ground::new();
    let go = ground.path("go");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.02; done; touch draft.md", go.display());
    ground.write("loopdash.toml", &(a_loop("slow", &["say", "at work", "sh", &script]) + &other));
    ground.commit("configure");
    // Wide enough for the agents in the head.
    let mut term = open_sized(&ground, &["--start-all"], (30, 170));
    term.see("at work").await;
    term.keys("A").await;
    term.see("actor: claude").await;
    term.keys("actor other\r").await;
    term.see("actor is to be other").await;
    term.see("slow→other").await;
    std::fs::write(go, "").unwrap();
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    let agents: Vec<&str> = ran.state.steps.iter().filter_map(|step| step.agent.as_deref()).collect();
    assert_eq!(agents, ["slow", "other"]);
    let set = |event: &Event| match event {
        Event::AgentSet(set) => Some((set.agent.name.clone(), set.who)),
        _ => None,
    };
    assert_eq!(ran.events(set), [("other".to_owned(), Who::Operator)]);
}
