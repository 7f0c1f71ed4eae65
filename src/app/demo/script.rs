//! What a scripted agent does, as data: a [`Script`] is scenes, a scene is conditions and steps.
//!
//! Written as TOML (`docs/scripted-agents.md`), or as words on the command line, see [`super::verbs`].

use serde::Deserialize;

/// A scripted agent. It remembers nothing between two starts: the prompt and the worktree decide what it does.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Whether it, and what it starts, ignores HUP, INT and TERM.
    #[serde(default)]
    pub ignore_term: bool,
    /// Whether it leaves its standard input unread.
    #[serde(default)]
    pub no_stdin: bool,
    /// Whether it prints a stream of events, as Claude Code does, instead of text.
    #[serde(default)]
    pub stream: bool,
    /// The first whose conditions hold is played; with none that fits, the agent says so and exits 1.
    #[serde(rename = "scene")]
    pub scenes: Vec<Scene>,
}

/// Steps to play under conditions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// All of it has to hold; absent means always.
    #[serde(default)]
    pub when: When,
    /// In order; the agent exits 0 after the last.
    pub steps: Vec<Action>,
}

/// When a scene is played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Texts that the prompt holds.
    pub prompt: Vec<String>,
    /// Texts that the prompt does not hold.
    pub prompt_lacks: Vec<String>,
    /// Paths that exist.
    pub exists: Vec<String>,
    /// Paths that do not exist.
    pub missing: Vec<String>,
    /// Commands (program and arguments) that exit 0.
    pub passes: Vec<Vec<String>>,
    /// Commands that do not.
    pub fails: Vec<Vec<String>>,
}

/// One thing that a scripted agent does. Paths are relative to where it was started, its worktree.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Prints text, a line at a time, as a model does.
    Say(String),
    /// Prints a line on standard error.
    Complain(String),
    /// Prints a thought, dim.
    Think(String),
    /// Prints text at once and ends no line.
    Print(String),
    /// Prints these bytes, given as hexadecimal digits.
    Bytes(String),
    /// Waits: milliseconds, divided by `LOOPDASH_DEMO_SPEED`.
    Sleep(u64),
    /// Writes a whole file, its directories included.
    Write {
        /// Where.
        path: String,
        /// What.
        text: String,
    },
    /// Adds to the end of a file.
    Append {
        /// Where.
        path: String,
        /// What.
        text: String,
    },
    /// Replaces the first occurrence of a text in a file; exits 1 if there is none.
    Replace {
        /// Where.
        path: String,
        /// What is there.
        old: String,
        /// What is to be there.
        new: String,
    },
    /// Makes an empty file, or leaves the one that is there.
    Touch(String),
    /// Removes a file.
    Remove(String),
    /// Runs a command and shows what it prints and how it ends.
    Run(Vec<String>),
    /// Commits everything in the worktree.
    Commit(String),
    /// Prints as many megabytes of numbered lines with colours, and with sequences that no terminal may see.
    Flood(u64),
    /// Prints as many megabytes without a newline.
    NoNewline(u64),
    /// Prints the prompt's length and the id that git gives a blob of it.
    StdinId,
    /// Writes the prompt to a file as it came.
    SavePrompt(String),
    /// Prints `NAME=value` of its environment.
    Env(String),
    /// Starts a process in a session of its own that holds standard output and ignores hang-ups, and does not wait.
    Orphan,
    /// Removes the directory that it works in.
    RmWorktree,
    /// In a stream: announces that a request is tried again, and waits; exits 1 in text.
    Retry {
        /// Which attempt, from 1.
        attempt: u32,
        /// Of how many.
        of: u32,
        /// How long it waits: milliseconds, divided by `LOOPDASH_DEMO_SPEED`.
        ms: u64,
    },
    /// In a stream: counts tokens and dollars, which its end reports.
    Used(Used),
    /// Does nothing for ever.
    Hang,
    /// Claims completion: the token, alone on the last line.
    Claim,
    /// Asks the operator.
    Ask(String),
    /// As a critic: gives this verdict with the prompt's one-time key.
    Verdict(Verdict),
    /// As a critic: runs checks in the worktree and gives the verdict that follows.
    Review(Review),
    /// Ends with this status.
    Exit(u8),
    /// Ends by sending itself this signal number.
    Signal(i32),
}

/// Tokens and dollars that a scripted agent says it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Used {
    /// Tokens read, without those from a cache.
    pub input: u64,
    /// Tokens read from a cache.
    pub cached: u64,
    /// Tokens written.
    pub output: u64,
    /// Dollars; none are reported if there are none.
    pub usd: Option<f64>,
}

/// A verdict as the critic contract wants it, without its key.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// `done`, `continue` or `needs_human`.
    pub verdict: String,
    /// 0 to 1.
    #[serde(default = "sure")]
    pub confidence: f64,
    /// A sentence, or the question.
    #[serde(default)]
    pub summary: String,
    /// Its points.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// One point of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its name from verdict to verdict.
    pub id: String,
    /// `blocking` or `nit`.
    #[serde(default = "blocking")]
    pub severity: String,
    /// Path in the worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is wrong.
    pub text: String,
}

/// What a critic looks at: each failing check is a finding, and any blocking one means `continue`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// What it looks at, in order.
    pub checks: Vec<Check>,
    /// The summary if nothing blocks.
    pub done: String,
    /// The summary if something does.
    pub more: String,
}

/// One thing that a critic looks at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The finding's id.
    pub id: String,
    /// A command that exits 0 if all is well.
    pub command: Vec<String>,
    /// The file that the finding is about.
    #[serde(default)]
    pub file: Option<String>,
    /// Text in `file` whose line the finding points at.
    #[serde(default)]
    pub at: Option<String>,
    /// `blocking` or `nit`.
    #[serde(default = "blocking")]
    pub severity: String,
    /// What is wrong if the command fails.
    pub text: String,
}

const fn sure() -> f64 {
    0.9
}

fn blocking() -> String {
    "blocking".to_owned()
}

/// The demo's agents by name: `coder/*` act, `reviewer/*` criticise.
const BUILT_IN: &[(&str, &str)] = &[
    ("coder/count", include_str!("scripts/count.toml")),
    ("reviewer/count", include_str!("scripts/count-review.toml")),
    ("coder/toolbox", include_str!("scripts/toolbox.toml")),
    ("coder/release", include_str!("scripts/release.toml")),
    ("coder/rename", include_str!("scripts/rename.toml")),
    ("coder/files", include_str!("scripts/files.toml")),
    ("coder/profile", include_str!("scripts/profile.toml")),
    ("coder/manual", include_str!("scripts/manual.toml")),
    ("reviewer/plain", include_str!("scripts/plain-review.toml")),
    ("reviewer/garbage", include_str!("scripts/garbage-review.toml")),
];

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A name that is none of the demo's.
    #[error("no scripted agent is called {0:?}; there are: {names}", names = names().collect::<Vec<_>>().join(", "))]
    Unknown(String),
    /// A file that cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Text that is no script.
    #[error("not a script: {0}")]
    Malformed(Box<toml::de::Error>),
    /// A word on the command line that is no verb, or lacks its argument.
    #[error("{0}")]
    Verb(String),
}

impl Script {
    /// Reads a script from TOML.
    ///
    /// # Errors
    /// [`ScriptError::Malformed`] with the place.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        toml::from_str(text).map_err(|error| ScriptError::Malformed(Box::new(error)))
    }

    /// One of the demo's agents.
    ///
    /// # Errors
    /// [`ScriptError::Unknown`] names those that exist.
    pub fn built_in(name: &str) -> Result<Self, ScriptError> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| ScriptError::Unknown(name.to_owned()))?;
        Self::parse(text)
    }

    /// Reads a script file.
    ///
    /// # Errors
    /// The file cannot be read, or is no script.
    pub fn load(path: &str) -> Result<Self, ScriptError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ScriptError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(&text)
    }
}

/// The names that [`Script::built_in`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_script_loads_and_ends_in_a_scene_that_always_fits() {
        for name in names() {
            let script = Script::built_in(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            let last = script.scenes.last().unwrap();
            assert_eq!(last.when, When::default(), "{name}");
            assert!(script.scenes.iter().all(|scene| !scene.steps.is_empty()), "{name}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = Script::built_in("nobody").unwrap_err().to_string();
        assert!(message.contains("nobody") && message.contains("coder/count"), "{message}");
    }

    #[test]
    fn a_misspelt_field_is_refused_with_its_place() {
        let message = Script::parse("[[scene]]\nstep = []").unwrap_err().to_string();
        assert!(message.contains("line 2"), "{message}");
    }

    #[test]
    fn steps_are_words_or_tables() {
        let script = Script::parse(
            "[[scene]]\nwhen = { prompt = ['x'], passes = [['true']] }\nsteps = ['claim', { say = 'hi' }, { write = { path = 'a', text = 'b' } }]",
        )
        .unwrap();
        let scene = script.scenes.first().unwrap();
        assert_eq!(
            scene.steps,
            [Action::Claim, Action::Say("hi".into()), Action::Write { path: "a".into(), text: "b".into() }]
        );
        assert_eq!(scene.when.passes, [["true"]]);
    }
}
