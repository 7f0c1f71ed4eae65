//! Profiles: what loopdash knows of an agent program, as data. The bundled ones are the files in `profiles/`.
//!
//! A [`Profile`] with a model and a role becomes the [`AgentSpec`] that a run carries.

use crate::loops::core::agent::{AgentSpec, DialectName, PromptRoute, Role, SessionUse, Watch};
use crate::loops::core::duration::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod version;

pub use version::Version;

/// The profile of an agent that is only a command.
pub const GENERIC: &str = "generic";

/// The bundled profiles by name, as TOML.
pub const BUNDLED: [(&str, &str); 8] = [
    ("aider", include_str!("profiles/aider.toml")),
    ("claude", include_str!("profiles/claude.toml")),
    ("codex", include_str!("profiles/codex.toml")),
    ("cursor", include_str!("profiles/cursor.toml")),
    ("gemini", include_str!("profiles/gemini.toml")),
    (GENERIC, include_str!("profiles/generic.toml")),
    ("opencode", include_str!("profiles/opencode.toml")),
    ("qwen", include_str!("profiles/qwen.toml")),
];

/// What agents set for the commands that they run, and what would make another agent below them believe that it is a part
/// of their session, sandboxed as they are, or launched already. Taken from every agent's environment, for loopdash itself
/// is often started from an agent's shell.
///
/// Each is named, for beside them stand the user's own settings under the same beginnings, such as
/// `CLAUDE_CODE_USE_BEDROCK`, `CLAUDE_CODE_OAUTH_TOKEN`, `CODEX_HOME`, `CODEX_API_KEY`, `OPENCODE_CONFIG`, `GEMINI_API_KEY`.
const MARKERS: &[&str] = &[
    "AI_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_SESSION_*",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_EFFORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PROJECT_DIR",
    "CODEX_CI",
    "CODEX_MANAGED_*",
    "CODEX_SANDBOX*",
    "CODEX_THREAD_ID",
    "CURSOR_AGENT",
    "CURSOR_TRACE_ID",
    "GEMINI_CLI",
    "GEMINI_CLI_IDE_*",
    "GEMINI_CLI_NO_RELAUNCH",
    "OPENCODE",
    "OPENCODE_PID",
    "OPENCODE_PROCESS_ROLE",
    "OPENCODE_RUN_ID",
    "OPENCODE_TERMINAL",
    "QWEN_CODE",
    "QWEN_CODE_IDE_*",
    "QWEN_CODE_NO_RELAUNCH",
];

/// What loopdash knows of an agent program.
///
/// A word of `command` that is `{role}`, `{model}`, `{args}` or `{resume}` and nothing else stands for any number of
/// arguments: those of `actor` or `critic`; those of `model` if a model was asked for; the user's own `args`, at the end
/// where the command has no such word; those of `resume` or `fresh`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Program and arguments. `{role}`, `{model}`, `{resume}` and `{args}`, each as a word of its own, stand for the
    /// arguments of those names. With `prompt = "file"`, `{prompt_file}` in an argument becomes the prompt's path; with
    /// `"argument"`, `{prompt}` becomes the prompt.
    pub command: Vec<String>,
    /// Arguments in the actor's role: edit, and run commands, without asking.
    pub actor: Vec<String>,
    /// Arguments in the critic's role: read, and change nothing.
    pub critic: Vec<String>,
    /// Added to its environment in the critic's role.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub critic_env: BTreeMap<String, String>,
    /// Arguments that choose a model, with `{model}` for its name.
    pub model: Vec<String>,
    /// Arguments that start a session whose id loopdash chooses, a UUID, with `{session}` for it.
    pub fresh: Vec<String>,
    /// Arguments that go on with an earlier session, with `{session}` for its id.
    pub resume: Vec<String>,
    /// Arguments that ask for a final answer held to a JSON Schema, with `{schema}` for it, or `{schema_file}` for the path of
    /// its file. Critics get them after those of their role.
    pub schema: Vec<String>,
    /// Program and arguments of its own screen, for a person who takes over.
    pub interactive: Vec<String>,
    /// Arguments that go on with an earlier session on its own screen, with `{session}` for its id.
    pub interactive_resume: Vec<String>,
    /// How the prompt reaches it.
    pub prompt: PromptRoute,
    /// How its output is read.
    pub dialect: DialectName,
    /// Whether it insists on a terminal; see the agent's key of this name.
    pub pty: bool,
    /// Added to its environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Taken from its environment, beside what agents set for each other; a trailing `*` stands for any ending.
    pub env_remove: Vec<String>,
    /// Whose login, quota and rate limits it lives on. Agents of one provider are held together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// When a step of it is worth a worry.
    pub watch: WatchLimits,
    /// Arguments that print its version; empty when it has none.
    pub version: Vec<String>,
    /// The oldest version that is known to understand the arguments above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// The newest version that loopdash was tried with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested: Option<String>,
    /// What else is to be known of it, as a fragment that `loopdash agents` shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Arguments that print all its options; empty when nothing prints them.
    pub help: Vec<String>,
    /// Whether it reports tokens.
    pub tokens: bool,
    /// Whether it reports dollars.
    pub dollars: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            actor: Vec::new(),
            critic: Vec::new(),
            critic_env: BTreeMap::new(),
            model: Vec::new(),
            fresh: Vec::new(),
            resume: Vec::new(),
            schema: Vec::new(),
            interactive: Vec::new(),
            interactive_resume: Vec::new(),
            prompt: PromptRoute::default(),
            dialect: DialectName::default(),
            pty: false,
            env: BTreeMap::new(),
            env_remove: Vec::new(),
            provider: None,
            watch: WatchLimits::default(),
            version: vec!["--version".to_owned()],
            minimum: None,
            tested: None,
            note: None,
            help: Vec::new(),
            tokens: false,
            dollars: false,
        }
    }
}

/// When a step of an agent is worth a worry. What is absent is as in the profile, or loopdash's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WatchLimits {
    /// Time until its first byte. 3 minutes by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Span>,
    /// Time since its last byte. 10 minutes by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Span>,
    /// Time that its process may live on after its last event, before it is stopped and counted as ended. 10 seconds by
    /// default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linger: Option<Span>,
    /// Events in one step, after which it is taken to go round in circles and stopped. 100000 by default.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_events: Option<u64>,
    /// Retries in one step, after which it is stopped. 50 by default.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// The longest that it may wait for its provider before it is ended, and its run waits without it and without a slot.
    /// 5 minutes by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_wait: Option<Span>,
}

impl WatchLimits {
    /// These, and what they leave open from `under`.
    pub fn over(&self, under: &Self) -> Self {
        Self {
            first_byte: self.first_byte.or(under.first_byte),
            silence: self.silence.or(under.silence),
            linger: self.linger.or(under.linger),
            max_events: self.max_events.or(under.max_events),
            max_retries: self.max_retries.or(under.max_retries),
            longest_wait: self.longest_wait.or(under.longest_wait),
        }
    }

    fn watch(&self) -> Watch {
        let default = Watch::default();
        let millis = |span: Option<Span>| span.map(Span::millis);
        Watch {
            first_byte_ms: millis(self.first_byte).or(default.first_byte_ms),
            silence_ms: millis(self.silence).or(default.silence_ms),
            linger_ms: millis(self.linger).unwrap_or(default.linger_ms),
            max_events: self.max_events.or(default.max_events),
            max_retries: self.max_retries.or(default.max_retries),
            longest_wait_ms: millis(self.longest_wait).unwrap_or(default.longest_wait_ms),
        }
    }
}

/// What one can expect of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// Its output tells what it does while it does it.
    pub stream: bool,
    /// It reports tokens.
    pub tokens: bool,
    /// It reports dollars.
    pub dollars: bool,
    /// It can go on with an earlier session.
    pub resume: bool,
    /// It can be kept from changing anything.
    pub read_only: bool,
    /// It can hold its final answer to a schema.
    pub schema: bool,
}

impl Profile {
    /// What one can expect of it.
    pub fn abilities(&self) -> Abilities {
        Abilities {
            stream: !matches!(self.dialect, DialectName::Text | DialectName::Aider),
            tokens: self.tokens,
            dollars: self.dollars,
            resume: !self.resume.is_empty(),
            read_only: !self.critic.is_empty() || !self.critic_env.is_empty(),
            schema: !self.schema.is_empty(),
        }
    }

    /// Whether a model can be chosen: there are arguments for it, and a place in the command.
    pub fn takes_model(&self) -> bool {
        !self.model.is_empty() && self.command.iter().any(|word| word == "{model}")
    }

    /// The agent `name` in `role`, with this profile called `profile`, asked for `model` and given `args` besides.
    pub fn agent(&self, name: &str, profile: &str, role: Role, model: Option<&str>, args: &[String]) -> AgentSpec {
        let mut env = self.env.clone();
        if role == Role::Critic {
            env.extend(self.critic_env.clone());
        }
        let removed = MARKERS.iter().map(|&marker| marker.to_owned()).chain(self.env_remove.iter().cloned());
        AgentSpec {
            profile: profile.to_owned(),
            fresh: self.fresh.clone(),
            resume: self.resume.clone(),
            interactive: self.filled(&self.interactive, role, model, None),
            interactive_resume: self.interactive_resume.clone(),
            prompt: self.prompt,
            dialect: self.dialect,
            pty: self.pty,
            session: SessionUse::default(),
            model: model.map(str::to_owned),
            provider: self.provider.clone(),
            env,
            env_remove: removed.collect(),
            watch: self.watch.watch(),
            ..AgentSpec::new(name, self.filled(&self.command, role, model, Some(args)))
        }
    }

    /// A command with the words in it that stand for arguments replaced, all but `{resume}`, which only a step can fill.
    fn filled(&self, command: &[String], role: Role, model: Option<&str>, args: Option<&[String]>) -> Vec<String> {
        let mut words = Vec::new();
        for word in command {
            match word.as_str() {
                "{role}" => match role {
                    Role::Actor => words.extend_from_slice(&self.actor),
                    Role::Critic => words.extend(self.critic.iter().chain(&self.schema).cloned()),
                },
                "{model}" => {
                    words.extend(
                        model.iter().flat_map(|model| self.model.iter().map(|arg| arg.replace("{model}", model))),
                    );
                }
                "{args}" => words.extend_from_slice(args.unwrap_or_default()),
                "{resume}" if self.fresh.is_empty() && self.resume.is_empty() => {}
                _ => words.push(word.clone()),
            }
        }
        if !command.iter().any(|word| word == "{args}") {
            words.extend_from_slice(args.unwrap_or_default());
        }
        words
    }
}

#[cfg(test)]
mod tests;
