//! The hidden subcommand `loopdash __agent …`: a scripted agent, or critic, as a real child process.
//!
//! It reads its whole prompt, chooses a scene of its [`Script`] by prompt and worktree, and plays it.

use super::player::Player;
use super::script::Script;
use super::stream::Stream;
use super::verbs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "__agent";
/// The environment variable that divides all waiting.
pub const SPEED: &str = "LOOPDASH_DEMO_SPEED";
/// The word that makes the process an orphan instead of an agent.
pub(super) const ORPHAN: &str = "__orphan";
/// Set once signals are ignored, so that the agent starts itself again only once.
const DEAF: &str = "LOOPDASH_AGENT_DEAF";
/// How long an orphan lives if nobody ends it, so that a failed test leaves nothing for ever.
const ORPHAN_LIFE: Duration = Duration::from_secs(300);

/// Runs the agent that `words`, what follows `__agent`, describe.
pub fn main(words: &[String]) -> ExitCode {
    if words.first().is_some_and(|word| word == ORPHAN) {
        return orphan();
    }
    let script = match verbs::parse(words) {
        Ok(script) => script,
        Err(error) => {
            eprintln!("loopdash __agent: {error}");
            return ExitCode::from(64);
        }
    };
    if script.ignore_term && std::env::var_os(DEAF).is_none() {
        let error = deafened(words);
        eprintln!("loopdash __agent: cannot ignore signals: {error}");
        return ExitCode::from(126);
    }
    match perform(&script) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("loopdash __agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts this agent again with signals ignored, which survives an exec; returns only if that fails.
fn deafened(words: &[String]) -> io::Error {
    let exe = match std::env::current_exe() {
        Ok(exe) => exe,
        Err(error) => return error,
    };
    Command::new("sh")
        .args(["-c", "trap '' HUP INT TERM; exec \"$@\"", "sh"])
        .arg(exe)
        .arg(SUBCOMMAND)
        .args(words)
        .env(DEAF, "1")
        .exec()
}

fn perform(script: &Script) -> io::Result<u8> {
    let prompt = if script.no_stdin { Vec::new() } else { prompt()? };
    let out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let stream = script.stream.then(Stream::default);
    let mut player = Player { prompt: &prompt, speed: speed(std::env::var(SPEED).ok().as_deref()), stream, out };
    match player.choose(&script.scenes) {
        Some(scene) => player.play(scene),
        None => Err(io::Error::other("no scene fits this prompt and worktree")),
    }
}

/// The prompt: the file that `LOOPDASH_PROMPT` names, or else standard input to its end.
fn prompt() -> io::Result<Vec<u8>> {
    if let Some(path) = std::env::var_os("LOOPDASH_PROMPT") {
        return std::fs::read(path);
    }
    let mut prompt = Vec::new();
    io::stdin().lock().read_to_end(&mut prompt)?;
    Ok(prompt)
}

fn speed(text: Option<&str>) -> f64 {
    let speed = text.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or(1.0);
    if speed.is_finite() { speed.clamp(0.01, 1000.0) } else { 1.0 }
}

fn orphan() -> ExitCode {
    let left = rustix::process::setsid();
    eprintln!("{}", if left.is_ok() { "ready" } else { "in the same session" });
    std::thread::sleep(ORPHAN_LIFE);
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::speed;

    #[test]
    fn a_speed_that_makes_no_sense_is_1_or_the_nearest_that_does() {
        for (text, expected) in
            [(None, 1.0), (Some("4"), 4.0), (Some("x"), 1.0), (Some("NaN"), 1.0), (Some("0"), 0.01), (Some("-3"), 0.01)]
        {
            assert!((speed(text) - expected).abs() < f64::EPSILON, "{text:?}");
        }
    }
}
