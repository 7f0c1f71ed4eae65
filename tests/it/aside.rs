//! The screen steps aside: for a shell, for an editor, and for a loop that is taken over, in a real terminal.

use crate::ground::{Ground, LOOPDASH};
use crate::screen::{assert_nothing_runs, leave, with_loops};
use crate::term::{Term, until};
use loopdash::loops::core::event::{Event, Kept};
use loopdash::loops::core::ids::Who;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// An executable script in the ground's home.
fn script(ground: &Ground, name: &str, text: &str) -> PathBuf {
    let path = ground.path("home").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

fn open(ground: &Ground, shell: &std::path::Path, editor: &std::path::Path) -> Term {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path()), ("SHELL", shell), ("VISUAL", editor)];
    Term::start(&["--start-all"], &ground.repo(), &env, (36, 120))
}

/// Hangs until there is a note that somebody else wrote, and then claims to be done.
const WAITS_FOR_A_NOTE: &str = "[[scene]]\nwhen = { missing = [\"by-hand.txt\"] }\n\
     steps = [{ write = { path = \"half.txt\", text = \"half\" } }, { say = \"at work\" }, \"hang\"]\n\n\
     [[scene]]\nsteps = [{ write = { path = \"whole.txt\", text = \"whole\" } }, \"claim\"]\n";

/// A loop whose actor plays a script file; `more` is said of the actor in the configuration.
fn playing(ground: &Ground, play: &str, more: &str) {
    let file = ground.path("home").join("play.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, play).unwrap();
    let command = serde_json::to_string(&[LOOPDASH, "__agent", "play", file.to_str().unwrap()]).unwrap();
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.hand]\ncommand = {command}\n{more}\n[[loop]]\nname = \"hand\"\nobjective = \"Make a note.\"\n\
             actor = \"hand\"\ncritic = \"none\"\n"
        ),
    );
    ground.commit("configure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_taken_over_and_goes_on_with_what_was_left() {
    let ground = Ground::new();
    playing(&ground, WAITS_FOR_A_NOTE, "");
    let shell = script(
        &ground,
        "shell",
        "trap 'echo caught it' INT\necho your turn\nwhile ! read -r line; do :; done\necho \"$line\" > by-hand.txt",
    );
    let mut term = open(&ground, &shell, &shell);
    term.see("at work").await;
    term.keys("i").await;
    term.see("your turn").await;
    assert_eq!(term.disorder().await, [""; 0], "the program finds the terminal as a shell leaves it");
    term.keys("\x03").await;
    term.see("caught it").await;
    term.keys("by my own hand\r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);

    let ran = ground.ran();
    let kept: Vec<&Kept> = ran
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Kept(kept) => Some(kept),
            _ => None,
        })
        .collect();
    let told: Vec<(Who, Vec<&str>)> =
        kept.iter().map(|kept| (kept.by, kept.paths.iter().map(String::as_str).collect())).collect();
    assert_eq!(told, [(Who::Actor, vec!["half.txt"]), (Who::Operator, vec!["by-hand.txt"])]);
    let text = ground.git(&["show", &format!("{}:by-hand.txt", kept[1].commit)]);
    assert_eq!(text.trim(), "by my own hand");
    let prompts = std::fs::read_dir(ran.dir.path().join("steps")).unwrap().flatten();
    let prompts = prompts.filter_map(|step| std::fs::read_to_string(step.path().join("prompt.md")).ok());
    assert_eq!(prompts.filter(|prompt| prompt.contains("by-hand.txt")).count(), 1, "the actor hears of it once");
    assert_nothing_runs(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_with_a_screen_of_its_own_opens_that_in_its_own_environment() {
    let ground = Ground::new();
    let tell = "echo \"my own screen: $MINE, ${SHELL-none}, ${LOOPDASH_RUN-unmarked}\"";
    let own = script(&ground, "own", &format!("{tell}\nread -r line\necho \"$line\" > by-hand.txt"));
    let more = format!("interactive = [{own:?}]\nenv = {{ MINE = \"of mine\" }}\nenv_remove = [\"SHELL\"]\n");
    playing(&ground, WAITS_FOR_A_NOTE, &more);
    let never = script(&ground, "never", "echo not this");
    let mut term = open(&ground, &never, &never);
    term.see("at work").await;
    term.keys("i").await;
    term.see("my own screen: of mine, none, unmarked").await;
    term.keys("from its own screen\r").await;
    term.see("1 done").await;
    leave(&mut term).await;
    let ran = ground.ran();
    let kept = |event: &Event| match event {
        Event::Kept(kept) if kept.by == Who::Operator => Some(kept.paths.clone()),
        _ => None,
    };
    assert_eq!(ran.events(kept), [["by-hand.txt"]]);
    assert_nothing_runs(&ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_and_an_editor_open_where_the_cursor_is() {
    let words = ["write", "note.md", "one\ntwo\n", "claim"];
    let ground = with_loops(&[crate::screen::a_loop("quick", &words)]);
    let shell = script(&ground, "shell", "pwd > \"$HOME/where\"\necho here you are\nread -r _\nkill -9 $$");
    let editor = script(&ground, "nano", "printf '%s\\n' \"$@\" > \"$HOME/edited\"");
    let mut term = open(&ground, &shell, &editor);
    term.see("1 done").await;
    term.keys("2").await;
    // Its lines, not only its name: that is known before the diff is.
    term.until("the diff", |text| text.lines().any(|line| line.contains('+') && line.contains("two"))).await;
    term.keys("e").await;
    let edited = ground.path("home").join("edited");
    until("the editor was here", || edited.exists()).await;
    term.see("back from the editor").await;
    term.keys("!").await;
    term.see("here you are").await;
    term.keys("\r").await;
    term.see("the shell ended: signal 9").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    let place = ground.ran().state.workspace.unwrap().path;
    assert_eq!(std::fs::read_to_string(edited).unwrap(), format!("+1\n{place}/note.md\n"));
    let real = std::fs::canonicalize(&place).unwrap();
    assert_eq!(std::fs::read_to_string(ground.path("home").join("where")).unwrap().trim(), real.to_str().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_editor_opens_on_a_place_that_the_output_names() {
    let words = ["write", "note.md", "one\ntwo\n", "say", "see note.md:2, and ../outside:1", "claim"];
    let ground = with_loops(&[crate::screen::a_loop("quick", &words)]);
    let shell = script(&ground, "shell", "true");
    let editor = script(&ground, "vim", "printf '%s\\n' \"$@\" > \"$HOME/edited\"");
    let mut term = open(&ground, &shell, &editor);
    term.see("1 done").await;
    term.see("see note.md:2").await;
    term.keys("e").await;
    term.see("back from the editor").await;
    leave(&mut term).await;
    let place = ground.ran().state.workspace.unwrap().path;
    assert_eq!(std::fs::read_to_string(ground.path("home").join("edited")).unwrap(), format!("+2\n{place}/note.md\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_stops_itself_or_cannot_start_gives_the_screen_back() {
    let ground = with_loops(&[crate::screen::a_loop("quick", &["write", "note.md", "x\n", "claim"])]);
    // Its terminal in the background would stop loopdash if it were not taken back.
    let shell = script(&ground, "shell", "echo going\nkill -TSTP $$\necho on again\nread -r _");
    let missing = ground.path("home").join("no-such-editor");
    let mut term = open(&ground, &shell, &missing);
    term.see("1 done").await;
    term.keys("!").await;
    term.see("on again").await;
    term.keys("\r").await;
    term.see("back from the shell").await;
    term.keys("e").await;
    term.see("cannot be started").await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
}
