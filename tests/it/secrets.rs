//! What nobody else may see: state files are private from their first moment, and secrets are masked where they are shown.

use crate::ground::{Ground, Live, Told};
use loopdash::loops::core::step::StepKind;
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Everything below a directory, with its mode.
fn modes(dir: &Path, found: &mut Vec<(String, bool, u32)>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let meta = entry.metadata().unwrap();
        found.push((entry.path().display().to_string(), meta.is_dir(), meta.permissions().mode() & 0o777));
        if meta.is_dir() {
            modes(&entry.path(), found);
        }
    }
}

#[test]
fn everything_in_the_state_directory_is_private_at_any_mask() {
    let ground = Ground::new();
    let run = ground.run_command(&["complain", "oh", "touch", "x", "claim"], &["done", "ok"], &["--gate", "true"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(run.get_program()).args(run.get_args());
    shell.current_dir(ground.repo()).env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Told::from(shell.env("LOOPDASH_LOG", "debug").output().unwrap()).exits(0);
    let mut found = Vec::new();
    modes(&ground.path("state"), &mut found);
    assert!(found.len() > 12, "{found:?}");
    assert!(found.iter().any(|(path, ..)| path.contains("/logs/loopdash.")));
    for (path, is_dir, mode) in found {
        assert_eq!(mode, if is_dir { 0o700 } else { 0o600 }, "{path}");
    }
}

const VALUE: &str = "correct-horse-battery";
const TOKEN: &str = "ghp_aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3";

#[test]
fn secrets_are_masked_in_journals_lines_and_summaries_and_kept_in_the_raw_output() {
    let ground = Ground::new();
    // In files, because the command line is the operator's and is shown as it is.
    let said = format!("using {VALUE} and {TOKEN}");
    ground.write("agent.toml", &format!("[[scene]]\nsteps = [{{ say = \"{said}\" }}, {{ touch = \"x\" }}]\n"));
    let finding = format!("id = \"f1\", severity = \"blocking\", text = \"{said}\"");
    let verdict = format!("verdict = \"continue\", summary = \"{said}\", findings = [{{ {finding} }}]");
    ground.write("critic.toml", &format!("[[scene]]\nsteps = [{{ verdict = {{ {verdict} }} }}]\n"));
    ground.commit("agents");
    let mut command = ground.run_command(
        &["play", "agent.toml"],
        &["play", "critic.toml"],
        &["--output", "--max-iterations", "1", "--gate", "echo $MY_API_KEY; true"],
    );
    let told = Told::from(command.env("MY_API_KEY", VALUE).output().unwrap()).exits(1);
    let ran = ground.ran();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let journal = read(&ran.dir.journal());
    assert!(journal.contains("using [masked] and ghp_[masked]"), "{journal}");
    let shown = ground.loopdash(&["show", "make-a-note"]).exits(0).out;
    for text in [&journal, &read(&ran.dir.summary()), &read(&ran.dir.report()), &shown] {
        assert!(!text.contains(VALUE) && !text.contains(TOKEN), "{text}");
    }
    assert!(told.out.contains("using [masked] and ghp_[masked]"), "{}", told.out);
    assert!(!told.out.contains(VALUE) && !told.out.contains(TOKEN), "{}", told.out);
    let raw = read(&ran.steps(&StepKind::Actor)[0].join("stdout.log"));
    assert!(raw.contains(VALUE) && raw.contains(TOKEN), "the raw output is kept as it came");
}

/// A private key as a program prints it; no real one.
fn key() -> Vec<String> {
    let body = (0..6).map(|nth| format!("{nth}zQ/").repeat(16));
    let mut lines = vec!["-----BEGIN OPENSSH PRIVATE KEY-----".to_owned()];
    lines.extend(body.chain(["bGFzdA==".to_owned(), "-----END OPENSSH PRIVATE KEY-----".to_owned()]));
    lines
}

#[test]
fn nothing_that_loopdash_writes_tells_or_asks_holds_a_secret() {
    let ground = Ground::new();
    let key = key();
    let address = "postgres://app:correct-staple@db/shop";
    std::fs::write(ground.path("secrets"), format!("{}\n{TOKEN}\n{address}\n", key.join("\n"))).unwrap();
    let secrets = ground.path("secrets").display().to_string();
    // The gate prints them and fails, so that the next prompt holds its tail; then it passes, and a critic gets the diff.
    let gate = format!("cat {secrets}; echo $MY_API_KEY; test $(grep -c BEGIN taken.txt) -ge 2");
    let take = format!("cat {secrets} >> taken.txt; cat {secrets} 1>&2");
    let actor = ["complain", "oh", "sh", &take, "claim"];
    let mut command = ground.run_command(&actor, &["done", "ok"], &["--output", "--gate", &gate]);
    command.env("MY_API_KEY", VALUE).env("LOOPDASH_LOG", "trace");
    let told = Told::from(command.output().unwrap()).exits(0);
    let ran = ground.ran();
    let log = ground.loopdash(&["log", "make-a-note"]).exits(0).out;
    let show = ground.loopdash(&["show", "make-a-note"]).exits(0).out;
    assert_eq!((ran.prompts(&StepKind::Actor).len(), ran.prompts(&StepKind::Critic).len()), (2, 1));
    for prompt in [&ran.prompts(&StepKind::Actor)[1], &ran.prompts(&StepKind::Critic)[0], &told.out] {
        assert!(prompt.contains("BEGIN OPENSSH PRIVATE KEY-----") && prompt.contains("ghp_[masked]"), "{prompt}");
    }
    let mut texts = vec![("told".to_owned(), told.out), ("log".to_owned(), log), ("show".to_owned(), show)];
    let mut found = Vec::new();
    modes(&ground.path("state"), &mut found);
    let raw = ["stdout.log", "stderr.log", "story.log", "story-stderr.log"];
    let written = found.into_iter().filter(|(path, is_dir, _)| !is_dir && !raw.iter().any(|name| path.ends_with(name)));
    texts.extend(written.map(|(path, ..)| {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        (path, text)
    }));
    assert!(texts.len() > 12);
    let body = key.iter().filter(|line| !line.starts_with("-----")).map(String::as_str);
    for secret in body.chain([VALUE, TOKEN, "correct-staple"]) {
        for (place, text) in &texts {
            assert!(!text.contains(secret), "{secret} stands in {place}:\n{text}");
        }
    }
    let stdout = std::fs::read_to_string(ran.steps(&StepKind::Gate("cat".into()))[0].join("stdout.log"));
    assert!(stdout.unwrap().contains(&key[1]), "the raw output is kept as it came");
}

#[test]
fn what_the_operator_writes_reaches_the_agent_and_is_withheld_from_all_else() {
    let ground = Ground::new();
    // Prints its key and its prompt; the first time it then hangs.
    let actor = "echo \"my key is $LIT_API_KEY\"; cat \"$LOOPDASH_PROMPT\"; \
                 test -e again || { touch again; echo told; sleep 600; }; echo told; echo LOOPDASH_DONE";
    let command = serde_json::to_string(&["sh", "-c", actor]).unwrap();
    let literal = "lit-literal-value";
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.lit]\nprompt = \"file\"\ncommand = {command}\n[agents.lit.env]\nLIT_API_KEY = \"{literal}\"\n\
             [[loop]]\nname = \"lit\"\nobjective = \"Log in with {TOKEN} and look.\"\nactor = \"lit\"\ncritic = \"none\"\n\
             [[loop.gate]]\nname = \"ok\"\ncommand = \"echo {TOKEN}\"\n"
        ),
    );
    ground.commit("configure");
    let mut live = Live::start(ground.command(&["run", "--json", "--loop", "lit", "--output"]));
    let mut first = String::new();
    while !first.contains("\"text\":\"told\"") {
        assert!(live.lines.read_line(&mut first).unwrap() > 0, "{first}");
    }
    assert!(first.contains("Log in with ghp_[masked] and look."), "{first}");
    live.child.kill().unwrap();
    live.end();
    // Without its configuration: what it was submitted with is what it goes on with.
    ground.write("loopdash.toml", "");
    let told = ground.loopdash(&["resume", "lit", "--headless", "--output"]).exits(0);
    let (show, log) = (ground.loopdash(&["show", "lit"]).exits(0).out, ground.loopdash(&["log", "lit"]).exits(0).out);
    let ran = ground.ran();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    for prompt in ran.prompts(&StepKind::Actor) {
        assert!(prompt.contains(&format!("Log in with {TOKEN} and look.")), "the agent is told all of it: {prompt}");
    }
    for step in ran.steps(&StepKind::Actor) {
        assert!(read(&step.join("stdout.log")).contains(&format!("my key is {literal}")), "it got its key");
    }
    assert!(told.out.contains("my key is [masked]") && told.out.contains("ghp_[masked]"), "{}", told.out);
    let mut texts = vec![first, told.out, show, log];
    let mut found = Vec::new();
    modes(&ground.path("state"), &mut found);
    assert!(found.iter().any(|(path, _, mode)| path.ends_with("/withheld.json") && *mode == 0o600), "{found:?}");
    let raw = ["stdout.log", "stderr.log", "prompt.md", "withheld.json"];
    let written = found.iter().filter(|(path, is_dir, _)| !is_dir && !raw.iter().any(|name| path.ends_with(name)));
    texts.extend(written.map(|(path, ..)| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()));
    for text in &texts {
        assert!(!text.contains(literal) && !text.contains(TOKEN), "{text}");
    }
    // When it is lost, the words are left, and the key is asked of the environment.
    std::fs::remove_file(ran.dir.journal().with_file_name("withheld.json")).unwrap();
    assert!(ground.ran().state.spec.unwrap().objective.starts_with("Log in with ghp_[masked:"));
}
