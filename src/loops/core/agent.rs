//! An agent in a role, as a run carries it: what to spawn, how to talk to it, how to read it, when to worry.
//!
//! It is fully resolved: profile, the user's overrides and the role (an actor may write, a critic only reads) have been
//! merged into it, so that the journal says what was run without the config that it came from.

use super::budget::Resource;
use super::step::Usage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An agent in a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// Its name in config, also the name its cap goes by.
    pub name: String,
    /// The profile that it was made from, such as `claude`; `generic` for a bare command.
    #[serde(default = "generic", skip_serializing_if = "is_generic")]
    pub profile: String,
    /// Program and arguments for this role. In an argument `{prompt_file}` becomes the prompt's path and `{prompt}` the
    /// prompt itself, each only with the route of that name. The argument `{resume}` stands for those of `fresh` or
    /// `resume`.
    pub command: Vec<String>,
    /// Arguments that start a session whose id loopdash chooses, with `{session}` for it; empty when the agent chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<String>,
    /// Arguments that take up an earlier session, with `{session}` for its id; empty when the agent cannot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<String>,
    /// Program and arguments of the agent's own screen, for a person who takes over; empty when it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interactive: Vec<String>,
    /// Arguments that take up a session on the agent's own screen, with `{session}` for its id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interactive_resume: Vec<String>,
    /// How the prompt reaches it.
    #[serde(default)]
    pub prompt: PromptRoute,
    /// How its output is read.
    #[serde(default)]
    pub dialect: DialectName,
    /// Whether it gets a terminal of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pty: bool,
    /// Whether each iteration starts a session of its own or goes on with the last one.
    #[serde(default, skip_serializing_if = "SessionUse::is_fresh")]
    pub session: SessionUse,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whose limits, login and quota it lives on; agents of one provider are held together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Added to its environment. `${NAME}` in a value is taken from loopdash's own environment when it is spawned, so
    /// that a secret is named here and never journalled.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Taken out of its environment, so that what one agent sets for itself does not leak into another. A trailing `*`
    /// stands for any ending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_remove: Vec<String>,
    /// Milliseconds until a step of it is stopped.
    pub timeout_ms: u64,
    /// When to worry before that.
    #[serde(default, skip_serializing_if = "Watch::is_default")]
    pub watch: Watch,
    /// What its tokens cost, where it reports no dollars itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What the tokens of a model cost that its stream names, for one that was not asked for a model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
}

impl AgentSpec {
    /// An agent that is only a command: text on stdout, the prompt on stdin, an hour for a step.
    pub fn new(name: impl Into<String>, command: Vec<String>) -> Self {
        Self {
            name: name.into(),
            profile: generic(),
            command,
            fresh: Vec::new(),
            resume: Vec::new(),
            interactive: Vec::new(),
            interactive_resume: Vec::new(),
            prompt: PromptRoute::default(),
            dialect: DialectName::default(),
            pty: false,
            session: SessionUse::default(),
            model: None,
            provider: None,
            env: BTreeMap::new(),
            env_remove: Vec::new(),
            timeout_ms: 3_600_000,
            watch: Watch::default(),
            price: None,
            prices: BTreeMap::new(),
        }
    }

    /// Whether what it uses of a resource can be known.
    pub const fn tells(&self, which: Resource) -> bool {
        // Cursor's stream has a place for tokens, which is mostly empty.
        let counts = !matches!(self.dialect, DialectName::Text | DialectName::Cursor);
        match which {
            Resource::WallClock | Resource::Iterations => true,
            Resource::Tokens => counts,
            Resource::Dollars => {
                let reports = matches!(self.dialect, DialectName::Claude | DialectName::Opencode);
                reports || (counts && self.price.is_some())
            }
        }
    }

    /// What its tokens cost when `model` did the work, as its stream says.
    pub fn price_of(&self, model: Option<&str>) -> Option<Price> {
        model.and_then(|model| self.prices.get(model)).copied().or(self.price)
    }

    /// Whose limits and login it lives on: its provider, else the one that its model's name begins with, else its profile.
    /// Nothing is known of a bare command, which is by itself.
    pub fn provider(&self) -> &str {
        let own = if is_generic(&self.profile) { &self.name } else { &self.profile };
        let of_model = || self.model.as_deref().and_then(provider_of_model);
        self.provider.as_deref().or_else(of_model).unwrap_or(own)
    }
}

/// The provider in `anthropic/claude-sonnet-4-5`, as the profiles of those who ask it directly call it.
fn provider_of_model(model: &str) -> Option<&str> {
    let (provider, _) = model.split_once('/')?;
    match provider {
        "gemini" => Some("google"),
        // A path is no provider.
        other => other.starts_with(|c: char| c.is_ascii_alphanumeric()).then_some(other),
    }
}

fn generic() -> String {
    "generic".to_owned()
}

fn is_generic(profile: &str) -> bool {
    profile == "generic"
}

/// What an agent is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To do the work.
    Actor,
    /// To judge it.
    Critic,
}

impl Role {
    /// The word for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Critic => "critic",
        }
    }
}

/// How a prompt reaches its agent; never through a shell string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptRoute {
    /// Written to standard input, which is then closed.
    #[default]
    Stdin,
    /// In a file: `{prompt_file}` in the arguments and `LOOPDASH_PROMPT` in the environment name it; stdin is empty.
    File,
    /// As the argument `{prompt}`; stdin is empty. The system limits an argument to 128 KiB.
    Argument,
}

/// How an agent's output is understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialectName {
    /// Plain text: what it prints is what it says.
    #[default]
    Text,
    /// Claude Code's `--output-format stream-json`.
    Claude,
    /// Qwen Code's `-o stream-json`: like Claude's, with differences.
    Qwen,
    /// `codex exec --json`.
    Codex,
    /// `opencode run --format json`.
    Opencode,
    /// Gemini CLI's `-o stream-json`.
    Gemini,
    /// Cursor's `--output-format stream-json`.
    Cursor,
    /// Aider's plain lines.
    Aider,
}

/// What an iteration does with the agent's session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionUse {
    /// Each iteration starts anew: all that it knows is in its prompt.
    #[default]
    Fresh,
    /// Each iteration goes on with the run's last session of this agent, where the agent can.
    Resume,
}

impl SessionUse {
    /// Whether it is [`SessionUse::Fresh`].
    pub const fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh)
    }
}

/// When a step of an agent is worth a worry. Each is a limit of its own; `None` never worries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// Milliseconds without a first byte.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds since the last byte.
    pub silence_ms: Option<u64>,
    /// Milliseconds that the process may live on after its final event, before it is stopped and counted as ended.
    pub linger_ms: u64,
    /// Events in one step, after which it is taken to go round in circles and stopped.
    pub max_events: Option<u64>,
    /// Retries in one step, after which it is stopped.
    pub max_retries: Option<u32>,
    /// Milliseconds that it may wait for its provider with loopdash looking on. What takes longer its run waits for without
    /// it, and without a slot.
    pub longest_wait_ms: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            first_byte_ms: Some(180_000),
            silence_ms: Some(600_000),
            linger_ms: 10_000,
            max_events: Some(100_000),
            max_retries: Some(50),
            longest_wait_ms: 300_000,
        }
    }
}

impl Watch {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Micro-dollars for a million tokens of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Read, not from the provider's cache.
    pub input: u64,
    /// Read from the provider's cache; the price of `input` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Written.
    pub output: u64,
}

impl Price {
    /// What tokens cost, in micro-dollars; `None` where it is not known how many were read or written.
    pub fn of(&self, usage: &Usage) -> Option<u64> {
        let cached = u128::from(usage.cached.unwrap_or(0)) * u128::from(self.cached.unwrap_or(self.input));
        let read = u128::from(usage.input?) * u128::from(self.input);
        let written = u128::from(usage.output?) * u128::from(self.output);
        u64::try_from((cached + read + written) / 1_000_000).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(profile: &str, model: Option<&str>) -> AgentSpec {
        let (profile, model) = (profile.to_owned(), model.map(str::to_owned));
        AgentSpec { profile, model, ..AgentSpec::new("mine", Vec::new()) }
    }

    #[test]
    fn agents_that_live_on_one_login_have_one_provider() {
        let of = |profile, model| agent(profile, model).provider().to_owned();
        let claude = AgentSpec { provider: Some("anthropic".to_owned()), ..agent("claude", Some("opus")) };
        assert_eq!(of("opencode", Some("anthropic/claude-sonnet-4-5")), claude.provider());
        assert_eq!(of("aider", Some("gemini/gemini-2.5-pro")), "google");
        assert_eq!(of("opencode", Some("openrouter/anthropic/claude-opus-4")), "openrouter");
        assert_eq!([of("opencode", None), of("aider", Some("gpt-5"))], ["opencode", "aider"]);
        assert_eq!(of("aider", Some("/models/llama.gguf")), "aider");
        assert_eq!([of("generic", None), of("generic", Some("openai/gpt-5"))], ["mine", "openai"]);
        let told = AgentSpec { provider: Some("work".to_owned()), ..agent("opencode", Some("openai/gpt-5")) };
        assert_eq!(told.provider(), "work");
    }

    #[test]
    fn a_budget_is_for_what_the_stream_tells() {
        let tells = |dialect, priced: bool| {
            let price = priced.then_some(Price { input: 1, cached: None, output: 1 });
            let agent = AgentSpec { dialect, price, ..agent("x", None) };
            [Resource::Tokens, Resource::Dollars].map(|which| agent.tells(which))
        };
        assert_eq!(tells(DialectName::Claude, false), [true, true]);
        assert_eq!([tells(DialectName::Codex, false), tells(DialectName::Codex, true)], [[true, false], [true, true]]);
        assert_eq!([tells(DialectName::Cursor, true), tells(DialectName::Text, true)], [[false, false]; 2]);
    }

    #[test]
    fn a_price_is_for_known_tokens_alone() {
        let price = Price { input: 3_000_000, cached: Some(300_000), output: 15_000_000 };
        let usage = Usage { input: Some(1_000), cached: Some(10_000), output: Some(200), micro_usd: None };
        assert_eq!(price.of(&usage), Some(3_000 + 3_000 + 3_000));
        assert_eq!(Price { cached: None, ..price }.of(&usage), Some(3_000 + 30_000 + 3_000));
        assert_eq!(price.of(&Usage { output: None, ..usage }), None);
        assert_eq!(price.of(&Usage { output: Some(u64::MAX), ..usage }), None);
    }
}
