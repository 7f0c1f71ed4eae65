//! Runs without a screen, on a real repository, with scripted agents: the laws of a loop, as a user meets them.

use crate::ground::{Ground, LOOPDASH, Live, program};
use loopdash::loops::core::event::{Event, ParkReason, Trouble};
use loopdash::loops::core::gate::GateResult;
use loopdash::loops::core::step::{Exit, StepKind};
use loopdash::loops::core::transition::RunStatus;
use loopdash::loops::core::verdict::Decision;

fn verdicts(ground: &Ground) -> Vec<Decision> {
    ground.ran().events(|event| match event {
        Event::VerdictReached(e) => Some(e.verdict.decision),
        _ => None,
    })
}

#[test]
fn continue_then_done_is_exactly_two_iterations() {
    let ground = Ground::new();
    ground.write(
        "actor.toml",
        r#"
        [[scene]]
        when = { prompt = ["The note is too quiet."] }
        steps = [{ write = { path = "note.txt", text = "LOUD\n" } }, "claim"]
        [[scene]]
        steps = [{ write = { path = "note.txt", text = "quiet\n" } }, "claim"]
        "#,
    );
    ground.write(
        "critic.toml",
        r#"
        [[scene]]
        steps = [{ review = { done = "Loud.", more = "Not yet.", checks = [
            { id = "quiet", command = ["grep", "-q", "LOUD", "note.txt"], file = "note.txt", at = "quiet", text = "The note is too quiet." },
        ] } }]
        "#,
    );
    ground.commit("scripts");
    let told = ground.run(&["play", "actor.toml"], &["play", "critic.toml"], &["--gate", "test -s note.txt"]).exits(0);
    assert!(told.out.contains("blocking note.txt:1: The note is too quiet."), "{}", told.out);
    let ran = ground.ran();
    assert_eq!(ran.state.iterations.len(), 2);
    assert_eq!(verdicts(&ground), [Decision::Continue, Decision::Done]);
    let prompts = ran.prompts(&StepKind::Actor);
    assert!(!prompts[0].contains("The note is too quiet.") && prompts[1].contains("The note is too quiet."));
    assert_eq!(ran.state.refused, 0);
    for name in ["summary.json", "report.tsv"] {
        assert!(ran.dir.path().join(name).exists(), "{name}");
    }
    // The work is in the run's worktree; the operator's checkout does not know of it.
    assert_eq!(std::fs::read_to_string(ran.worktree().join("note.txt")).unwrap(), "LOUD\n");
    assert!(!ground.repo().join("note.txt").exists());
    assert_eq!(ground.git(&["status", "--porcelain"]), "");
    ran.assert_gone();
}

#[test]
fn two_different_agents_are_spawned_with_exactly_their_arguments() {
    let ground = Ground::new();
    let record = |name: &str, then: &str| {
        let seen = ground.path(name);
        program(
            &ground.path("bin").join(name),
            &format!("#!/bin/sh\nprintf '%s\\n' \"${{0##*/}}\" \"$@\" >>'{}'\n{then}\n", seen.display()),
        );
    };
    record("opencode", "cat >/dev/null; echo x >note.txt");
    record("claude", &format!("exec '{LOOPDASH}' __agent done fine"));
    let args = ["run", "--headless", "-p", "x", "--actor", "opencode run 'a b' --fast", "--critic", "claude -p"];
    ground.loopdash(&args).exits(0);
    let seen = |name: &str| std::fs::read_to_string(ground.path(name)).unwrap();
    assert_eq!(seen("opencode"), "opencode\nrun\na b\n--fast\n");
    assert_eq!(seen("claude"), "claude\n-p\n");
    let page = ground.loopdash(&["show", "x"]).exits(0).out;
    assert!(page.contains("passed  1/20"), "the objective ends with the iterations: {page}");
}

#[test]
fn a_mebibyte_of_prompt_arrives_byte_for_byte_by_stdin_and_by_file() {
    let ground = Ground::new();
    let line = "Mind $(this) `line`; 'it' \"is\" text\\n and no \u{1F980} command.\n";
    let objective = line.repeat((1 << 20) / line.len() - 8);
    ground.write("prompt.md", &objective);
    let config = |name: &str, more: &str, words: &str| {
        format!("[agents.{name}]\n{more}\ncommand = [{LOOPDASH:?}, \"__agent\", \"save-prompt\", {words}, \"claim\"]\n")
    };
    let (by_stdin, by_file) = (ground.path("stdin.seen"), ground.path("file.seen"));
    let toml = config("stdin", "prompt = \"stdin\"", &format!("{by_stdin:?}, \"touch\", \"a\""))
        + &config("file", "prompt = \"file\"", &format!("{by_file:?}, \"touch\", \"b\""));
    ground.write("loopdash.toml", &toml);
    for (name, seen) in [("stdin", by_stdin), ("file", by_file)] {
        ground.loopdash(&["run", "--headless", "--actor", name, "--critic", "none"]).exits(0);
        let ran = ground.runs().pop().unwrap();
        let sent = std::fs::read(ran.steps(&StepKind::Actor)[0].join("prompt.md")).unwrap();
        assert!(sent.len() > 1_000_000, "{}", sent.len());
        assert!(sent == std::fs::read(seen).unwrap(), "the {name} agent saw other bytes");
        assert!(String::from_utf8(sent).unwrap().contains(objective.trim()));
    }
}

#[test]
fn prompt_shows_what_run_sends_and_runs_nothing() {
    let ground = Ground::new();
    ground.write("CONTEXT.md", "Shops open at nine.\n");
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.me]\ncommand = [{LOOPDASH:?}, \"__agent\", \"touch\", \"x\", \"claim\"]\n[[loop]]\nname = \"notes\"\n\
             objective = \"Make a note.\"\ncritic = \"none\"\ncontext_files = [\"CONTEXT.md\"]\nsetup = \"true\"\n\
             [[loop.gate]]\nname = \"there\"\ncommand = \"test -e x\"\n"
        ),
    );
    ground.commit("config");
    let told = ground.loopdash(&["prompt", "--loop", "notes"]).exits(0);
    assert!(told.out.contains("Shops open at nine.") && told.out.contains("LOOPDASH_DONE"), "{}", told.out);
    let bytes = format!("{} bytes for me", told.out.len());
    assert!(told.err.contains(&bytes) && told.err.contains("CONTEXT.md"), "{}", told.err);
    assert!(!ground.path("state").exists() && !ground.path("shop.loops").exists(), "nothing was made");
    ground.loopdash(&["run", "--headless", "--loop", "notes"]).exits(0);
    assert_eq!(told.out, ground.ran().prompts(&StepKind::Actor)[0]);
}

#[test]
fn only_a_readable_verdict_decides() {
    // Whatever is no verdict with the key is asked for once more, and then a person is.
    for critic in [
        &["say", "Looks good to me!"][..],
        &["say", r#"{"key":"mine","verdict":"done","confidence":1,"summary":"ok","findings":[]}"#],
        &["exit", "3"],
    ] {
        let ground = Ground::new();
        ground.run(&["touch", "x", "claim"], critic, &[]).exits(3);
        let ran = ground.ran();
        assert_eq!(verdicts(&ground), [Decision::Unknown, Decision::Unknown], "{critic:?}");
        assert!(matches!(ran.state.park, Some(ParkReason::Attention { kind: Trouble::UnreadableVerdict, .. })));
        let prompts = ran.prompts(&StepKind::Critic);
        assert!(prompts.len() == 2 && prompts[1].contains("could not be used"), "{critic:?}");
    }
    // Of two with the key the last one counts, and being unsure is no acceptance.
    let ground = Ground::new();
    ground.run(&["touch", "x"], &["done", "yes", "continue", "no"], &["--max-iterations", "1"]).exits(1);
    assert_eq!(verdicts(&ground), [Decision::Continue]);
    let ground = Ground::new();
    ground.write(
        "unsure.toml",
        "[[scene]]\nsteps = [{ verdict = { verdict = 'done', confidence = 0.2, summary = 'perhaps' } }]\n",
    );
    ground.commit("critic");
    ground.run(&["touch", "x"], &["play", "unsure.toml"], &[]).exits(3);
    assert_eq!(verdicts(&ground), [Decision::Unknown, Decision::Unknown]);
}

#[test]
fn a_claim_is_not_completion() {
    // A failing gate: the critic, who would accept, is not even asked, and the next prompt holds the tail.
    let ground = Ground::new();
    let gates = ["--max-iterations", "2", "--gate", "echo the till is open; false"];
    ground.run(&["touch", "x", "claim"], &["done", "fine"], &gates).exits(1);
    let ran = ground.ran();
    assert!(ran.steps(&StepKind::Critic).is_empty());
    assert!(ran.prompts(&StepKind::Actor)[1].contains("the till is open"));
    // Nothing changed.
    let ground = Ground::new();
    let told = ground.run(&["say", "all done", "claim"], &["done", "fine"], &["--max-iterations", "1"]).exits(1);
    assert!(told.out.contains("nothing was changed"), "{}", told.out);
    assert!(ground.ran().steps(&StepKind::Critic).is_empty());
    // Open tests: one claim passes one test.
    let ground = Ground::new();
    ground.write("tests.json", r#"{"version":1,"tests":[{"id":"A","title":"a"},{"id":"B","title":"b"}]}"#);
    ground.commit("tests");
    let flags = ["--tests", "tests.json", "--max-iterations", "1"];
    ground.run(&["append", "x", "more", "claim"], &["done", "fine"], &flags).exits(1);
    assert_eq!(ground.ran().state.progress(), (1, 2));
}

#[test]
fn every_gate_runs_and_its_end_is_recorded() {
    let ground = Ground::new();
    ground.write(
        "loopdash.toml",
        &format!(
            r#"
            [agents.me]
            command = [{LOOPDASH:?}, "__agent", "touch", "x", "claim"]
            [[loop]]
            name = "gates"
            objective = "x"
            critic = "none"
            max_iterations = 1
            baseline = false
            [[loop.gate]]
            name = "fails"
            command = ["sh", "-c", "exit 4"]
            rerun = false
            [[loop.gate]]
            name = "dies"
            command = "kill -9 $$"
            [[loop.gate]]
            name = "sleeps"
            command = "sleep 300"
            timeout = "300ms"
            [[loop.gate]]
            name = "floods"
            command = [{LOOPDASH:?}, "__agent", "no-stdin", "flood", "10"]
            [[loop.gate]]
            name = "advises"
            command = "false"
            required = false
            rerun = false
            [[loop.gate]]
            name = "missing"
            command = ["sh", "-c", "pwd; test -e x"]
            "#
        ),
    );
    ground.loopdash(&["run", "--headless", "--loop", "gates"]).exits(1);
    let ran = ground.ran();
    let ends = ran.events(|event| match event {
        Event::GateFinished(e) => Some((e.gate.as_str(), e.outcome.clone())),
        _ => None,
    });
    assert_eq!(
        ends,
        [
            ("fails", GateResult::Failed { exit: Exit::Code(4) }),
            ("dies", GateResult::Failed { exit: Exit::Signal(9) }),
            ("sleeps", GateResult::TimedOut),
            ("floods", GateResult::Passed),
            ("advises", GateResult::Failed { exit: Exit::Code(1) }),
            ("missing", GateResult::Passed),
        ]
    );
    let last = ran.steps(&StepKind::Gate("missing".into())).remove(0);
    assert_eq!(std::fs::read_to_string(last.join("stdout.log")).unwrap().trim(), ran.worktree().to_str().unwrap());
    ran.assert_gone();
}

#[test]
fn a_question_parks_the_run() {
    let ground = Ground::new();
    let told = ground.run(&["touch", "x", "ask", "Red or blue?"], &["done", "fine"], &[]).exits(3);
    assert!(told.out.contains("Red or blue?"), "{}", told.out);
    let ran = ground.ran();
    assert_eq!((ran.state.status, ran.state.slot), (RunStatus::Parked, None));
    assert!(ran.steps(&StepKind::Critic).is_empty());
    // The critic may ask, too.
    let ground = Ground::new();
    let told = ground.run(&["touch", "x"], &["needs-human", "Which shop?"], &[]).exits(3);
    assert!(told.out.contains("Which shop?"), "{}", told.out);
    // It cannot go on without an answer, and says so.
    let told = ground.loopdash(&["resume", "make-a-note", "--headless"]).exits(65);
    assert!(told.err.contains("waits for an answer"), "{}", told.err);
}

#[test]
fn json_lines_are_the_journal() {
    let ground = Ground::new();
    let told = ground.run(&["touch", "x", "claim"], &["done", "fine"], &["--json"]).exits(0);
    let journal = std::fs::read_to_string(ground.ran().dir.journal()).unwrap();
    let bare: Vec<String> =
        journal.lines().map(|line| format!("{}}}", line.rsplit_once(",\"crc\":").unwrap().0)).collect();
    assert_eq!(told.out.lines().collect::<Vec<_>>(), bare);
    assert_eq!(told.err, "");
}

#[test]
fn output_is_told_line_by_line_and_harmless() {
    let ground = Ground::new();
    // Red, a clipboard sequence, bytes that are no text, and a line without its end.
    let hex = "1b5b33316d7265641b5b306d1b5d35323b633b414141411b5c0aff0a656e64";
    let told = ground
        .run(
            &["touch", "x", "complain", "oh dear", "bytes", hex, "print", "\nLOOPDASH_DONE\n"],
            &[],
            &["--json", "--output"],
        )
        .exits(0);
    let lines: Vec<serde_json::Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let output = |stream: &str| -> Vec<&str> {
        let of = |line: &&serde_json::Value| line["type"] == "output" && line["step"] == 2 && line["stream"] == stream;
        lines.iter().filter(of).map(|line| line["text"].as_str().unwrap()).collect()
    };
    assert_eq!(output("stdout"), ["red", "\u{fffd}", "end", "LOOPDASH_DONE"]);
    assert_eq!(output("stderr"), ["oh dear"]);
    let ended = lines.iter().position(|line| line["type"] == "step_finished" && line["step"] == 2).unwrap();
    let last = lines.iter().rposition(|line| line["type"] == "output" && line["step"] == 2).unwrap();
    assert!(last < ended, "a step's output comes before its end");

    let ground = Ground::new();
    let told = ground.run(&["touch", "x", "flood", "1", "claim"], &[], &["--output"]).exits(0);
    assert!(told.out.lines().filter(|line| line.contains("the quick brown fox")).count() > 10_000);
    assert!(!told.out.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn two_at_once_on_one_repository_keep_apart() {
    let ground = Ground::new();
    let lives: Vec<Live> = (0..2)
        .map(|_| Live::start(ground.run_command(&["sleep", "5000", "touch", "x", "claim"], &["done", "fine"], &[])))
        .collect();
    for live in lives {
        live.end().exits(0);
    }
    let places: Vec<_> =
        ground.runs().iter().map(|ran| (ran.worktree(), ran.state.workspace.clone().unwrap().branch)).collect();
    assert_eq!(places.len(), 2);
    assert!(places[0].0 != places[1].0 && places[0].1 != places[1].1, "{places:?}");
}

#[test]
fn in_place_works_in_the_checkout_and_says_so() {
    let ground = Ground::new();
    let told = ground.run(&["touch", "x", "claim"], &["done", "fine"], &["--in-place"]).exits(0);
    assert!(told.out.contains("IN PLACE"), "{}", told.out);
    assert!(ground.repo().join("x").exists());
    assert_eq!(ground.git(&["branch", "--list", "run/*"]), "");
}

#[test]
fn an_agent_given_by_name_is_looked_for_before_anything_starts() {
    let ground = Ground::new();
    let told = ground.loopdash(&["run", "--headless", "-p", "x", "--actor", "no-such-agent --fast"]).exits(65);
    assert!(told.err.contains("no-such-agent"), "{}", told.err);
    std::fs::write(ground.path("bin").join("asleep"), "#!/bin/sh\n").unwrap();
    ground.write("loopdash.toml", "[agents.asleep]\ncommand = \"asleep\"\n");
    let told = ground.loopdash(&["run", "--headless", "-p", "x", "--actor", "asleep"]).exits(65);
    assert!(told.err.contains("asleep"), "{}", told.err);
    assert!(ground.store().runs().unwrap().is_empty(), "nothing was submitted");
}
