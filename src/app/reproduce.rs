//! A step's command as text for a shell, so that a person can run by hand what loopdash ran: [`command`].
//!
//! No secret is in it: a value that was not written down, or that refers to loopdash's environment, is taken from the
//! environment of whoever runs it. The marks by which loopdash finds a step's processes are left out.

use crate::loops::agent::launched::Launched;
use crate::loops::core::agent::PromptRoute;
use crate::loops::core::state::StepRecord;
use std::path::Path;

/// The command of a step, to be run by a POSIX shell with `env`. `prompt` is where its prompt lies.
///
/// # Errors
/// Why there is none, as a fragment.
pub fn command(step: &StepRecord, launched: Option<&Launched>, prompt: &Path) -> Result<String, String> {
    if step.argv.is_empty() {
        return Err("it starts no program".to_owned());
    }
    let prompt = prompt.to_str().ok_or("its prompt lies under a name that is no text")?;
    let route = launched.and_then(|launched| launched.prompt);
    let mut words = vec!["cd".to_owned(), quote(&step.cwd)?, "&&".to_owned()];
    if let Some(launched) = launched {
        words.extend(environment(launched)?);
    }
    for argument in &step.argv {
        words.push(match route {
            Some(PromptRoute::Argument) => {
                let pieces: Result<Vec<String>, String> = argument.split("{prompt}").map(piece).collect();
                let inner = format!("\"$(cat {})\"", quote(prompt)?);
                Some(pieces?.join(&inner)).filter(|word| !word.is_empty()).unwrap_or_else(|| "''".to_owned())
            }
            _ => quote(argument)?,
        });
    }
    match route {
        Some(PromptRoute::Stdin) => words.extend(["<".to_owned(), quote(prompt)?]),
        // It had a terminal, and gets that of whoever runs it.
        _ if launched.is_some_and(|launched| launched.terminal) => {}
        _ => words.extend(["<", "/dev/null"].map(str::to_owned)),
    }
    Ok(words.join(" "))
}

/// `env` with what it drops and adds; nothing where it does neither.
fn environment(launched: &Launched) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    for name in &launched.dropped {
        words.extend(["-u".to_owned(), quote(name)?]);
    }
    for (name, value) in &launched.added {
        match value {
            Some(value) => words.push(format!("{}{}", quote(&format!("{name}="))?, with_references(value)?)),
            None if is_name(name) => words.push(format!("{name}=\"${{{name}}}\"")),
            None => {}
        }
    }
    if !words.is_empty() {
        words.insert(0, "env".to_owned());
    }
    Ok(words)
}

/// A value whose references `${NAME}` are left to the shell; nothing else of it is.
fn with_references(value: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        match after.split_once('}').filter(|(name, _)| is_name(name)) {
            Some((name, behind)) => {
                out.push_str(&piece(before)?);
                out.push_str(&format!("\"${{{name}}}\""));
                rest = behind;
            }
            None => break,
        }
    }
    out.push_str(&piece(rest)?);
    Ok(out)
}

/// Whether a shell takes it for the name of a variable.
fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(word)
}

/// A part of a word; nothing for nothing.
fn piece(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { quote(text) }
}

/// A word. Control characters are refused: pasted, they could end the paste and be keys.
fn quote(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err("it holds control characters, which no clipboard should".to_owned());
    }
    shlex::try_quote(text).map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::ids::{Millis, StepId};
    use crate::loops::core::step::StepKind;
    use std::process::Command;

    fn step(argv: &[&str]) -> StepRecord {
        StepRecord {
            id: StepId(3),
            kind: StepKind::Actor,
            iteration: 1,
            agent: Some("a".to_owned()),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            cwd: "/".to_owned(),
            started: Millis(0),
            ended: None,
            process: None,
            end: None,
            silence: None,
            circling: None,
            awaits: None,
        }
    }

    /// What a shell prints that is given the command.
    fn run(text: &str) -> String {
        let mut shell = Command::new("/bin/sh");
        let output = shell.args(["-c", text]).env("MY_KEY", "from outside").env("GONE", "still here").output().unwrap();
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_does_what_loopdash_did_and_nothing_that_the_data_say() {
        let dir = tempfile::tempdir().unwrap();
        let prompt = dir.path().join("it's a prompt.md");
        std::fs::write(&prompt, "do it").unwrap();
        let mut launched = Launched { prompt: Some(PromptRoute::Stdin), ..Launched::default() };
        launched.add("REF".to_owned(), "a ${MY_KEY} $(date) ${no name}".to_owned());
        launched.add("MY_KEY".to_owned(), "a secret".to_owned());
        launched.dropped.push("GONE".to_owned());
        let script = "printf '%s|' \"$REF\" \"$MY_KEY\" \"${GONE-gone}\" \"$PWD\" \"$@\"; cat";
        let ran = step(&["sh", "-c", script, "x", "it's; $(touch /tmp/no)", ""]);
        let text = command(&ran, Some(&launched), &prompt).unwrap();
        assert!(!text.contains("a secret"), "{text}");
        assert_eq!(run(&text), "a from outside $(date) ${no name}|from outside|gone|/|it's; $(touch /tmp/no)||do it");

        launched.prompt = Some(PromptRoute::Argument);
        let text = command(&step(&["printf", "%s,", "--ask={prompt}", "{prompt}"]), Some(&launched), &prompt).unwrap();
        assert_eq!(run(&text), "--ask=do it,do it,");
    }

    #[test]
    fn what_cannot_be_a_command_says_why() {
        let prompt = Path::new("/p");
        assert_eq!(command(&step(&[]), None, prompt).unwrap_err(), "it starts no program");
        assert!(command(&step(&["a", "\u{1b}[201~"]), None, prompt).unwrap_err().contains("control"));
        assert_eq!(command(&step(&["true"]), None, prompt).unwrap(), "cd / && true < /dev/null");
        let launched = Launched { terminal: true, prompt: Some(PromptRoute::File), ..Launched::default() };
        assert_eq!(command(&step(&["true"]), Some(&launched), prompt).unwrap(), "cd / && true");
    }
}
