//! A step under the X-ray in a real terminal, and its command copied from there and run by hand.

use crate::ground::{Ground, LOOPDASH};
use crate::screen::leave;
use crate::term::Term;
use loopdash::loops::core::step::StepKind;
use std::process::Command;

/// The bytes behind standard base64.
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter(|byte| *byte != b'=');
    let digits: Vec<u32> = digits.map(|byte| ALPHABET.iter().position(|c| *c == byte).unwrap() as u32).collect();
    digits
        .chunks(4)
        .flat_map(|four| {
            let bits = four.iter().enumerate().fold(0, |bits, (i, digit)| bits | digit << (18 - 6 * i));
            bits.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect()
}

/// The last text that loopdash put on the clipboard.
fn clipboard(term: &Term) -> String {
    let raw = String::from_utf8_lossy(&term.raw()).into_owned();
    let (_, after) = raw.rsplit_once("\u{1b}]52;c;").expect("something was copied");
    let end = after.find(['\u{1b}', '\u{7}']).unwrap();
    String::from_utf8(decoded(&after[..end])).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_step_shows_what_it_is_and_its_command_does_it_again() {
    let ground = Ground::new();
    let wait = "[ -e \"$HOME/go\" ] || sleep 300";
    let words = [LOOPDASH, "__agent", "say", "at work", "stdin-id", "env", "PLAIN", "env", "API_KEY", "sh", wait];
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.spy]\ncommand = {}\nenv = {{ API_KEY = \"hush-hush\", PLAIN = \"a word\" }}\n\
             env_remove = [\"DROPPED_*\"]\n\n[[loop]]\nname = \"spied\"\nobjective = \"Make a note.\"\n\
             actor = \"spy\"\ncritic = \"none\"\n",
            serde_json::to_string(&words).unwrap()
        ),
    );
    ground.commit("configure");
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path()), ("DROPPED_ONE", home.as_path())];
    let mut term = Term::start(&["--start-all"], &ground.repo(), &env, (50, 160));
    term.see("API_KEY=[masked]").await;

    term.keys("I").await;
    for fact in ["◉ runs", "spy", "API_KEY=•••", "PLAIN=a word", "dropped  DROPPED_ONE", "prompt.md, on"] {
        term.see(fact).await;
    }
    // Its last process may not have started when it was looked at first.
    let asleep = |text: &str| {
        text.lines().any(|line| line.contains("└") && line.contains("cpu ") && line.contains("  sleep 300"))
    };
    let mut looks = 0;
    while !asleep(&term.text()) {
        looks += 1;
        assert!(looks < 1_000, "{}", term.text());
        term.keys("r").await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    term.keys("y").await;
    term.see("copied the command of step 2").await;
    let command = clipboard(&term);
    term.keys("h").await;
    term.see("it starts no program").await;
    term.keys("\x1b").await;
    term.gone("X-ray").await;
    leave(&mut term).await;

    assert!(!command.contains("hush-hush"), "{command}");
    std::fs::write(home.join("go"), "").unwrap();
    let mut shell = Command::new("/bin/sh");
    let path = std::env::var_os("PATH").unwrap_or_default();
    shell.args(["-c", &command]).env_clear().env("PATH", path).env("HOME", &home).env("API_KEY", "of mine");
    let output = shell.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{command}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("PLAIN=a word") && text.contains("API_KEY=of mine"), "{text}");
    let prompt = ground.ran().steps(&StepKind::Actor).remove(0).join("prompt.md");
    assert!(text.contains(&ground.git(&["hash-object", "--no-filters", prompt.to_str().unwrap()])), "{text}");
}
