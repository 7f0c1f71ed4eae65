//! Plays a scene: [`Player`] prints as agents print, edits files, runs commands and ends as it is told.
//!
//! Everything goes through the process's own standard streams and working directory; nothing is pretended.

use super::script::{Action, Scene, Verdict, When};
use super::stream::Stream;
use super::{flood, review};
use crate::loops::core::spec::{ASK_TOKEN, CLAIM_TOKEN};
use crate::loops::git::blob_name;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Between two lines of speech, so that a reader sees them come.
const LINE_PAUSE: Duration = Duration::from_millis(30);
/// Lines of a command's output that are shown.
const SHOWN: usize = 12;

/// One start of a scripted agent.
#[derive(Debug)]
pub(super) struct Player<'a, W> {
    /// What it was asked.
    pub(super) prompt: &'a [u8],
    /// Waiting is divided by this.
    pub(super) speed: f64,
    /// How it speaks, if not in plain text.
    pub(super) stream: Option<Stream>,
    /// Where it speaks.
    pub(super) out: W,
}

/// Whether the play goes on.
enum Next {
    On,
    Exit(u8),
}

impl<W: Write> Player<'_, W> {
    /// The first scene whose conditions hold.
    pub(super) fn choose<'s>(&self, scenes: &'s [Scene]) -> Option<&'s Scene> {
        let prompt = String::from_utf8_lossy(self.prompt);
        scenes.iter().find(|scene| fits(&scene.when, &prompt))
    }

    /// Plays a scene to its end and returns the exit status.
    ///
    /// # Errors
    /// The reader is gone, or a file cannot be written.
    pub(super) fn play(&mut self, scene: &Scene) -> io::Result<u8> {
        if self.stream.is_some() {
            writeln!(self.out, "{}", Stream::begin())?;
        }
        for action in &scene.steps {
            let next = self.act(action)?;
            self.out.flush()?;
            if let Next::Exit(status) = next {
                return Ok(status);
            }
        }
        if let Some(stream) = &self.stream {
            writeln!(self.out, "{}", stream.end())?;
            self.out.flush()?;
        }
        Ok(0)
    }

    fn act(&mut self, action: &Action) -> io::Result<Next> {
        match action {
            Action::Say(text) => self.say(text)?,
            // One write: what goes out in pieces may be torn by what standard output holds meanwhile.
            Action::Complain(text) => io::stderr().write_all(format!("{text}\n").as_bytes())?,
            Action::Think(text) => {
                match &self.stream {
                    Some(stream) => writeln!(self.out, "{}", stream.thought(text))?,
                    None => writeln!(self.out, "\x1b[2;3m{text}\x1b[0m")?,
                }
                self.out.flush()?;
                self.pause(Duration::from_millis(150));
            }
            Action::Print(text) => write!(self.out, "{text}")?,
            Action::Bytes(hex) => self.out.write_all(&from_hex(hex)?)?,
            Action::Sleep(ms) => self.pause(Duration::from_millis(*ms)),
            Action::Write { .. }
            | Action::Append { .. }
            | Action::Replace { .. }
            | Action::Touch(_)
            | Action::Remove(_) => return self.change_file(action),
            Action::Run(argv) => {
                self.run(argv)?;
            }
            Action::Commit(message) => self.commit(message)?,
            Action::Flood(megabytes) => flood::lines(&mut self.out, *megabytes)?,
            Action::NoNewline(megabytes) => flood::no_newline(&mut self.out, *megabytes)?,
            Action::StdinId => {
                let id = blob_name(self.prompt).ok_or_else(|| io::Error::other("the prompt has no name"))?;
                writeln!(self.out, "prompt {} bytes {id}", self.prompt.len())?;
            }
            Action::SavePrompt(path) => std::fs::write(path, self.prompt)?,
            Action::Env(name) => {
                let value = std::env::var_os(name).unwrap_or_default();
                writeln!(self.out, "{name}={}", value.to_string_lossy())?;
            }
            Action::Orphan => orphan()?,
            Action::RmWorktree => std::fs::remove_dir_all(std::env::current_dir()?)?,
            Action::Hang => loop {
                std::thread::park();
            },
            Action::Retry { attempt, of, ms } => {
                if self.stream.is_none() {
                    return Ok(Next::Exit(1));
                }
                let wait = Duration::from_millis(*ms).div_f64(self.speed);
                let told = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                writeln!(self.out, "{}", Stream::retry(*attempt, *of, told))?;
                self.out.flush()?;
                std::thread::sleep(wait);
            }
            Action::Used(used) => {
                if let Some(stream) = &mut self.stream {
                    stream.use_up(used);
                }
            }
            Action::Claim => self.say(CLAIM_TOKEN)?,
            Action::Ask(question) => self.say(&format!("{ASK_TOKEN} {question}"))?,
            Action::Verdict(verdict) => self.verdict(verdict)?,
            Action::Review(rules) => {
                let verdict = review::review(rules, |check| self.run(&check.command).unwrap_or(false));
                self.verdict(&verdict)?;
            }
            Action::Exit(status) => return Ok(Next::Exit(*status)),
            Action::Signal(number) => {
                let signal = rustix::process::Signal::from_named_raw(*number)
                    .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such signal"))?;
                // Rust's own handler takes the first SEGV or BUS for a stack overflow that was none, and steps aside.
                for _ in 0..2 {
                    rustix::process::kill_process(rustix::process::getpid(), signal)?;
                }
            }
        }
        Ok(Next::On)
    }

    /// The actions that change one file of the worktree.
    fn change_file(&mut self, action: &Action) -> io::Result<Next> {
        match action {
            Action::Write { path, text } => {
                self.tool("Write", path)?;
                if let Some(parent) = Path::new(path).parent().filter(|parent| !parent.as_os_str().is_empty()) {
                    std::fs::create_dir_all(parent)?;
                }
                std::fs::write(path, text)?;
                self.result(&format!("{} lines", text.lines().count()))?;
            }
            Action::Append { path, text } => {
                self.tool("Append", path)?;
                std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())?;
                self.result(&format!("+{} lines", text.lines().count()))?;
            }
            Action::Replace { path, old, new } => {
                self.tool("Edit", path)?;
                let content = std::fs::read_to_string(path)?;
                if !content.contains(old.as_str()) {
                    self.result("the text to replace is not there")?;
                    return Ok(Next::Exit(1));
                }
                std::fs::write(path, content.replacen(old.as_str(), new, 1))?;
                self.result(&format!("-{} +{}", old.lines().count(), new.lines().count()))?;
            }
            Action::Touch(path) => {
                std::fs::OpenOptions::new().append(true).create(true).open(path)?;
            }
            Action::Remove(path) => {
                self.tool("Remove", path)?;
                std::fs::remove_file(path)?;
            }
            _ => {}
        }
        Ok(Next::On)
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        if let Some(stream) = &mut self.stream {
            writeln!(self.out, "{}", stream.text(text))?;
            return self.out.flush();
        }
        for (index, line) in text.lines().enumerate() {
            if index > 0 {
                self.pause(LINE_PAUSE);
            }
            writeln!(self.out, "{line}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    fn tool(&mut self, name: &str, what: &str) -> io::Result<()> {
        match &mut self.stream {
            Some(stream) => writeln!(self.out, "{}", stream.tool(if name == "Run" { "Bash" } else { name }, what))?,
            None => writeln!(self.out, "\x1b[36m●\x1b[0m \x1b[1m{name}\x1b[0m {what}")?,
        }
        self.out.flush()?;
        self.pause(Duration::from_millis(120));
        Ok(())
    }

    fn result(&mut self, text: &str) -> io::Result<()> {
        match &self.stream {
            Some(stream) => writeln!(self.out, "{}", stream.result(text, true)),
            None => writeln!(self.out, "\x1b[2m  └ {text}\x1b[0m"),
        }
    }

    /// Runs a command in the worktree, shows it, and says whether it exited 0.
    fn run(&mut self, argv: &[String]) -> io::Result<bool> {
        self.tool("Run", &argv.join(" "))?;
        let Some(mut command) = command(argv) else { return Ok(false) };
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => {
                self.result(&format!("cannot run: {error}"))?;
                return Ok(false);
            }
        };
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        if let Some(stream) = &self.stream {
            writeln!(self.out, "{}", stream.result(&text, output.status.success()))?;
            return Ok(output.status.success());
        }
        for line in text.lines().take(SHOWN) {
            writeln!(self.out, "\x1b[2m  │ {line}\x1b[0m")?;
        }
        let more = text.lines().count().saturating_sub(SHOWN);
        if more > 0 {
            writeln!(self.out, "\x1b[2m  │ … {more} more\x1b[0m")?;
        }
        let ok = output.status.success();
        let colour = if ok { 32 } else { 31 };
        let status = output.status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
        writeln!(self.out, "  └ \x1b[{colour}m{status}\x1b[0m")?;
        Ok(ok)
    }

    fn commit(&mut self, message: &str) -> io::Result<()> {
        let identity =
            ["-c", "user.name=Scripted Agent", "-c", "user.email=agent@localhost", "-c", "commit.gpgsign=false"];
        self.tool("Run", &format!("git commit -am {message:?}"))?;
        for args in [vec!["add", "--all"], vec!["commit", "--quiet", "--no-verify", "--message", message]] {
            let output = Command::new("git").args(identity).args(args).stdin(Stdio::null()).output()?;
            if !output.status.success() {
                self.result(&String::from_utf8_lossy(&output.stderr))?;
                return Ok(());
            }
        }
        self.result("committed")
    }

    fn verdict(&mut self, verdict: &Verdict) -> io::Result<()> {
        let prompt = String::from_utf8_lossy(self.prompt);
        let key = review::key(&prompt).unwrap_or_else(|| {
            let _ = writeln!(io::stderr(), "the prompt holds no key");
            ""
        });
        let verdict = review::render(verdict, key);
        match &mut self.stream {
            Some(stream) => writeln!(self.out, "{}", stream.text(&verdict)),
            None => self.out.write_all(verdict.as_bytes()),
        }
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time.div_f64(self.speed));
    }
}

fn fits(when: &When, prompt: &str) -> bool {
    when.prompt.iter().all(|text| prompt.contains(text.as_str()))
        && !when.prompt_lacks.iter().any(|text| prompt.contains(text.as_str()))
        && when.exists.iter().all(|path| Path::new(path).exists())
        && !when.missing.iter().any(|path| Path::new(path).exists())
        && when.passes.iter().all(|argv| quietly(argv))
        && !when.fails.iter().any(|argv| quietly(argv))
}

fn command(argv: &[String]) -> Option<Command> {
    let (program, args) = argv.split_first()?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    Some(command)
}

fn quietly(argv: &[String]) -> bool {
    command(argv).is_some_and(|mut command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })
}

fn from_hex(hex: &str) -> io::Result<Vec<u8>> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "not pairs of hexadecimal digits");
    let digits: Option<Vec<u8>> =
        hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2)).ok_or_else(bad)?;
    digits
        .chunks_exact(2)
        .map(|pair| pair.iter().try_fold(0u8, |sum, d| sum.checked_mul(16)?.checked_add(*d)).ok_or_else(bad))
        .collect()
}

/// Starts the process that outlives us, and waits until it has left our session, so that what comes next is not a race.
fn orphan() -> io::Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([super::agent::SUBCOMMAND, super::agent::ORPHAN])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    if let Some(stderr) = child.stderr.take() {
        io::BufRead::read_line(&mut io::BufReader::new(stderr), &mut ready)?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::agent::dialect::Decoder;
    use crate::loops::agent::transcript::Stream as Printed;
    use crate::loops::core::activity::Activity;
    use crate::loops::core::agent::DialectName;

    fn play(prompt: &str, words: &[&str]) -> (u8, String) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let script = super::super::verbs::parse(&words).unwrap();
        let mut player = Player {
            prompt: prompt.as_bytes(),
            speed: 1000.0,
            stream: script.stream.then(Stream::default),
            out: Vec::new(),
        };
        let status = player.play(script.scenes.first().unwrap()).unwrap();
        (status, String::from_utf8(player.out).unwrap())
    }

    #[test]
    fn the_last_line_claims_or_asks() {
        assert_eq!(play("", &["say", "all good", "claim"]), (0, "all good\nLOOPDASH_DONE\n".to_owned()));
        assert_eq!(play("", &["ask", "which one?"]).1, "LOOPDASH_ASK: which one?\n");
    }

    #[test]
    fn a_stream_is_read_by_the_dialect_that_it_imitates() {
        let words =
            ["stream", "think", "hm", "sh", "echo hi; false", "retry", "1", "5", "40", "used", "90", "8", "claim"];
        let (status, text) = play("", &words);
        let mut decoder = Decoder::new(DialectName::Claude);
        let mut did = Vec::new();
        decoder.push(Printed::Stdout, text.as_bytes(), &mut |activity| did.push(activity));
        let heard = decoder.finish(&mut |_| {});
        assert_eq!((status, heard.ended, heard.unknown, heard.broken), (0, true, 0, 0));
        assert_eq!((heard.answer().as_str(), heard.tools, heard.retries), ("LOOPDASH_DONE", 1, 1));
        assert!(did.iter().any(|did| matches!(did, Activity::ToolEnded { ok: Some(false), .. })), "{did:?}");
        let usage = heard.usage.map(|(_, usage)| (usage.input, usage.output, usage.micro_usd));
        assert_eq!(usage, Some((Some(90), Some(8), None)));
        let (status, text) = play("", &["stream", "say", "half", "exit", "0"]);
        assert!(status == 0 && !text.contains("result"), "an exit leaves the stream cut: {text}");
    }

    #[test]
    fn an_exit_ends_the_scene() {
        assert_eq!(play("", &["exit", "7", "say", "never"]), (7, String::new()));
    }

    #[test]
    fn a_verdict_repeats_the_prompts_key() {
        let (_, text) = play("return {\"key\":\"abc\"}", &["continue", "fix it"]);
        assert!(
            text.contains("\"key\": \"abc\"") && text.contains("\"continue\"") && text.contains("fix it"),
            "{text}"
        );
    }

    #[test]
    fn the_prompts_id_is_gits() {
        // `printf hello | git hash-object --stdin`
        let (_, text) = play("hello", &["stdin-id"]);
        assert_eq!(text, "prompt 5 bytes b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0\n");
    }

    #[test]
    fn bytes_are_bytes() {
        assert_eq!(play("", &["bytes", "41 42 0a"]).1, "AB\n");
        assert!(from_hex("4").is_err() && from_hex("zz").is_err());
    }

    #[test]
    fn conditions_read_prompt_paths_and_commands() {
        let when = |text: &str| -> When { toml::from_str(text).unwrap() };
        assert!(fits(&when("prompt = ['a', 'b']"), "b a"));
        assert!(!fits(&when("prompt = ['a', 'b']"), "a"));
        assert!(!fits(&when("prompt_lacks = ['a']"), "a"));
        assert!(fits(&when("exists = ['/']\nmissing = ['/no/such']"), ""));
        assert!(!fits(&when("missing = ['/']"), ""));
        assert!(fits(&when("passes = [['true']]\nfails = [['false'], ['/no/such/program']]"), ""));
        assert!(!fits(&when("fails = [['true']]"), ""));
    }
}
