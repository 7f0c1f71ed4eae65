//! Agents that insist on a terminal: what they see of it, what is read of them, and how they end, with real children.

use super::ground::{Ground, program};
use super::processes::{Bench, printed, until};
use loopdash::loops::agent::{Cause, Exit, Input, Launch, tree};
use loopdash::loops::core::step::StepKind;
use std::fs;

fn in_terminal(launch: Launch) -> Launch {
    Launch { terminal: true, ..launch }
}

/// What it printed, as it is on disk.
fn stored(bench: &Bench) -> String {
    String::from_utf8(fs::read(bench.path().join("steps/1-actor/stdout.log")).unwrap()).unwrap()
}

#[tokio::test]
async fn it_has_a_terminal_of_its_own_on_all_three() {
    let bench = Bench::new("pty");
    let script = r#"for fd in 0 1 2; do test -t $fd && echo "$fd is one"; done; stty size
        ps -o sid=,tty= -p $$ | tr -s ' '; echo $$; tty; echo "$TERM ${COLUMNS-unset}"; echo to stderr >&2; exit 7"#;
    let ended = bench.run(in_terminal(bench.sh(script))).await;
    assert_eq!((ended.exit, ended.cause, ended.pipes_held), (Exit::Code(7), Cause::Natural, false));
    let text = stored(&bench);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(lines[..4], ["0 is one", "1 is one", "2 is one", "40 120"]);
    let (sid, tty) = lines[4].split_once(' ').unwrap();
    assert_eq!((sid, format!("/dev/{tty}").as_str()), (lines[5], lines[6]), "it leads a session with this terminal");
    assert_eq!(lines[7..], ["xterm-256color unset", "to stderr"]);
    assert_eq!((ended.stdout_bytes, ended.stderr_bytes), (text.len() as u64, 0), "the two are one");
    assert!(!text.contains('\r'), "nothing is added to what it prints");
}

#[tokio::test]
async fn its_terminal_says_at_once_that_there_is_no_input() {
    let bench = Bench::new("pty");
    let ended = bench.run(in_terminal(bench.sh("cat; echo after; read answer || echo nothing"))).await;
    assert_eq!((ended.exit, stored(&bench).as_str()), (Exit::Code(0), "after\nnothing\n"));
}

#[tokio::test]
async fn a_prompt_on_standard_input_stays_byte_for_byte() {
    // Lines longer than a terminal takes, and bytes that are keys to it.
    let bytes: Vec<u8> = (0..1_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let bench = Bench::new("pty");
    let mut launch = in_terminal(bench.sh("cat > seen; test -t 0 || echo piped; test -t 1 && echo printing to one"));
    launch.stdin = Input::Bytes(bytes.clone().into());
    assert!(bench.run(launch).await.exit.ok());
    assert_eq!(fs::read(bench.path().join("seen")).unwrap(), bytes);
    assert_eq!(stored(&bench), "piped\nprinting to one\n");
}

#[tokio::test]
async fn a_flood_through_a_terminal_is_on_disk_to_the_byte() {
    let bench = Bench::new("pty");
    let ended =
        bench.run(in_terminal(bench.sh("yes 'a line of a flood, with a number 123456789' | head -c 5000000"))).await;
    assert_eq!((ended.exit, ended.stdout_bytes, ended.transcript_error), (Exit::Code(0), 5_000_000, None));
    let line = "a line of a flood, with a number 123456789\n";
    let text = stored(&bench);
    assert!(text.as_bytes().chunks(line.len()).all(|chunk| *chunk == line.as_bytes()[..chunk.len()]));
}

#[tokio::test]
async fn it_may_close_its_terminal_and_go_on() {
    let bench = Bench::new("pty");
    let ended = bench.run(in_terminal(bench.sh("echo first; exec <&- >&- 2>&-; sleep 0.3; exit 4"))).await;
    assert_eq!((ended.exit, ended.lines, ended.pipes_held), (Exit::Code(4), 1, false), "nobody hung up on it");
}

#[tokio::test]
async fn it_is_stopped_in_stages_and_with_all_its_jobs() {
    let bench = Bench::new("pty");
    let script = "trap 'echo bye; exit 3' INT; echo ready; while :; do sleep 0.05; done";
    let mut launch = in_terminal(bench.sh(script));
    launch.ladder.int = std::time::Duration::from_secs(60);
    let running = bench.start(launch).await;
    printed(&running, "ready").await;
    running.control().stop();
    let ended = bench.end(running).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Code(3), Cause::Stopped));
    assert_eq!(bench.transcript().last_line().unwrap().unwrap(), "bye");

    // With job control each job is a group of its own within the session: TERM has to reach it, too.
    let bench = Bench::new("pty");
    let job = "trap 'echo > job.ended; exit' TERM; echo ready; while :; do sleep 0.05; done";
    let script = format!("set -m; trap : INT TERM; sh -c \"{job}\" & while :; do sleep 0.05; done");
    let mut launch = in_terminal(bench.launch(&["bash", "-c", &script]));
    launch.ladder.term = std::time::Duration::from_secs(60);
    let running = bench.start(launch).await;
    printed(&running, "ready").await;
    running.control().stop();
    until("the job has heard it", || bench.path().join("job.ended").exists()).await;
    running.control().stop();
    assert_eq!(bench.end(running).await.exit, Exit::Signal(9));
}

#[tokio::test]
async fn what_escapes_its_terminal_is_found_and_named() {
    let bench = Bench::new("pty");
    let script =
        "setsid sh -c 'trap \"\" HUP; setsid sleep 321 & sleep 322' & (trap '' HUP; sleep 323) & sleep 0.2; echo done";
    let ended = bench.run(in_terminal(bench.sh(script))).await;
    assert_eq!((ended.exit, ended.cause, ended.pipes_held), (Exit::Code(0), Cause::Natural, true));
    let commands: Vec<&str> = ended.left_behind.iter().map(|left| left.command.as_str()).collect();
    for want in ["sleep 321", "sleep 322", "sleep 323"] {
        assert!(commands.contains(&want), "{commands:?}");
    }
    let alive = ended.left_behind.iter().filter(|left| tree::process(left.pid).is_some_and(|proc| proc.is_alive()));
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn a_terminal_that_hangs_up_is_its_end() {
    // A shell that reads commands from its terminal ends with the input; a deaf one is killed on time.
    let bench = Bench::new("pty");
    let ended = bench.run(in_terminal(bench.launch(&["/bin/sh"]))).await;
    assert_eq!((ended.exit, ended.cause), (Exit::Code(0), Cause::Natural));

    let bench = Bench::new("pty");
    let running =
        bench.start(in_terminal(bench.sh("trap '' INT TERM HUP; echo ready; while :; do sleep 1; done"))).await;
    printed(&running, "ready").await;
    running.control().stop();
    assert_eq!(bench.end(running).await.exit, Exit::Signal(9));
}

const INSISTS: &str = r#"#!/bin/sh
test -t 1 || { echo "I need a terminal" >&2; exit 1; }
printf '\033[1mlooking\033[0m\n'
test -t 0 && echo "typing is possible"
cat > prompt.seen
test -s prompt.seen || cat "$LOOPDASH_PROMPT" > prompt.seen
echo LOOPDASH_DONE
"#;

#[test]
fn a_loop_works_with_an_agent_that_insists_on_a_terminal() {
    for route in ["stdin", "file"] {
        let ground = Ground::new();
        program(&ground.path("bin/insists"), INSISTS);
        let config = |pty: bool| format!("[agents.shy]\ncommand = \"insists\"\nprompt = \"{route}\"\npty = {pty}\n");
        ground.write("loopdash.toml", &config(false));
        let run = ["run", "--headless", "-p", "Make a note.", "--actor", "shy", "--critic", "none"];
        ground.loopdash(&run).exits(3);
        ground.write("loopdash.toml", &config(true));
        ground.loopdash(&run).exits(0);
        let ran = ground.runs().pop().unwrap();
        let prompt = ran.prompts(&StepKind::Actor).remove(0);
        assert_eq!(fs::read_to_string(ran.worktree().join("prompt.seen")).unwrap(), prompt);
        let out = fs::read_to_string(ran.steps(&StepKind::Actor)[0].join("stdout.log")).unwrap();
        assert_eq!(out.contains("typing is possible"), route == "file");
        assert!(out.ends_with("LOOPDASH_DONE\n"), "{out:?}");
        ran.assert_gone();
    }
}
