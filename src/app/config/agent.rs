//! Agents and prices as the configuration has them, and the agents that a run carries, which are made from them.
//!
//! An [`Agent`] is a profile and what is said differently about it; [`Config::agent`] finds it, and [`Agent::spec`] makes it
//! an [`AgentSpec`].

use super::file::{Config, Words};
use crate::loops::agent::profile::{GENERIC, Profile, WatchLimits};
use crate::loops::core::agent::{AgentSpec, DialectName, Price as MicroPrice, PromptRoute, Role, SessionUse};
use crate::loops::core::duration::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

/// A program that acts or criticises. What is absent here is as its profile has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    /// What is known of the program: `claude`, `codex`, `opencode`, `gemini`, `qwen`, `cursor`, `aider`, `generic`, or one of
    /// `[profiles]`. When absent: the profile of the agent's own name, if there is one and no `command` is given, else
    /// `generic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The model to ask for.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Arguments added to the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Words>,
    /// Program and arguments, instead of the profile's. With `prompt = "file"`, `{prompt_file}` in an argument becomes the
    /// prompt's path; with `prompt = "argument"`, `{prompt}` becomes the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Words>,
    /// How the prompt reaches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptRoute>,
    /// How its output is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<DialectName>,
    /// Whether it gets a terminal of its own, for one that does not work without: 120 columns and 40 rows that nobody
    /// types into, and all that it prints counts as standard output. With `prompt = "stdin"`, standard input stays the
    /// prompt; otherwise it is the terminal, and has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pty: Option<bool>,
    /// Whether each iteration starts a session of its own, or goes on with the run's last one in the same role.
    pub session: SessionUse,
    /// Added to its environment. `${NAME}` in a value is taken from loopdash's own environment when the agent starts; name
    /// secrets that way and they are never written down. A value under a secret's name that is written here is masked like
    /// those of loopdash's environment, and kept beside the run's journal, for you alone.
    pub env: BTreeMap<String, String>,
    /// Variables taken from its environment, beside the profile's. A trailing `*` stands for any ending.
    pub env_remove: Vec<String>,
    /// Longest time for one step of it.
    pub timeout: Span,
    /// When to worry before that.
    #[serde(skip_serializing_if = "is_default")]
    pub watch: WatchLimits,
    /// Processes of this agent at the same time, over all runs. Unlimited within `engine.cap` when absent.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<u32>,
    /// Whose login, quota and rate limits it lives on. Agents of one provider are held together. When absent: the profile's,
    /// else what stands before the `/` in the model's name, else the profile's name.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What its tokens cost, where it reports no dollars itself and `[prices]` has nothing for its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Arguments that go on with an earlier session, with `{session}` for its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Words>,
    /// Program and arguments of its own screen, for a person who takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<Words>,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            profile: None,
            model: None,
            args: None,
            command: None,
            prompt: None,
            dialect: None,
            pty: None,
            session: SessionUse::default(),
            env: BTreeMap::new(),
            env_remove: Vec::new(),
            timeout: Span::from_millis(3_600_000),
            watch: WatchLimits::default(),
            cap: None,
            provider: None,
            price: None,
            resume: None,
            interactive: None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Dollars for a million tokens of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Read, not from the provider's cache.
    pub input: Dollars,
    /// Read from the provider's cache; the price of `input` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Dollars>,
    /// Written.
    pub output: Dollars,
}

impl Price {
    fn micro(self) -> MicroPrice {
        MicroPrice { input: self.input.0, cached: self.cached.map(|dollars| dollars.0), output: self.output.0 }
    }
}

/// An amount of money, in whole micro-dollars, so that sums are exact; written in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Dollars(u64);

/// The dearest million tokens that are taken, in dollars; what is more is a mistake in the unit.
const DEAREST: u32 = 1_000_000;

impl Dollars {
    /// In micro-dollars.
    pub const fn micro(self) -> u64 {
        self.0
    }
}

impl TryFrom<f64> for Dollars {
    type Error = &'static str;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 10^12")]
    fn try_from(dollars: f64) -> Result<Self, Self::Error> {
        if (0.0..=f64::from(DEAREST)).contains(&dollars) {
            Ok(Self((dollars * 1e6).round() as u64))
        } else {
            Err("dollars go from 0 to 1000000")
        }
    }
}

impl From<Dollars> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most 10^12")]
    fn from(dollars: Dollars) -> Self {
        dollars.0 as Self / 1e6
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "Dollars, such as `3` or `0.25`.", "minimum": 0, "maximum": DEAREST })
    }
}

impl Config {
    /// The agent that `name` means: the one in `[agents]`, or else a profile's program as it is.
    pub fn agent(&self, name: &str) -> Option<Cow<'_, Agent>> {
        let bare = || self.profiles.get(name).filter(|profile| !profile.command.is_empty());
        match self.agents.get(name) {
            Some(agent) => Some(Cow::Borrowed(agent)),
            None => bare().map(|_| Cow::Owned(Agent::default())),
        }
    }

    /// Whether the agent `name` can be asked for a model.
    pub fn takes_model(&self, name: &str) -> bool {
        let Some(agent) = self.agent(name) else { return false };
        let profile = self.profiles.get(agent.profile_name(name, &self.profiles));
        profile.and_then(|profile| agent.over(profile)).is_some_and(|profile| profile.takes_model())
    }

    /// The names of all agents that a loop may use: those of `[agents]`, then the profiles that need no table.
    pub fn agent_names(&self) -> Vec<&str> {
        let bare = self
            .profiles
            .iter()
            .filter(|(name, profile)| !profile.command.is_empty() && !self.agents.contains_key(name.as_str()));
        self.agents.keys().chain(bare.map(|(name, _)| name)).map(String::as_str).collect()
    }

    /// The agent `name` in `role`, ready to run. `None` when there is none, or it has no command. A program given as a
    /// relative path is the repository's own, whatever the worktree holds in its place.
    pub fn agent_spec(&self, name: &str, role: Role, repo: &Path) -> Option<AgentSpec> {
        self.agent_with(name, role, None, repo)
    }

    /// The same, asked for `model` instead of its own.
    pub fn agent_with(&self, name: &str, role: Role, model: Option<&str>, repo: &Path) -> Option<AgentSpec> {
        let agent = self.agent(name)?;
        let model = model.or(agent.model.as_deref());
        let profile_name = agent.profile_name(name, &self.profiles);
        let profile = agent.over(self.profiles.get(profile_name)?)?;
        let args = agent.args.as_ref().map_or(Some(Vec::new()), Words::argv)?;
        let price = model.and_then(|model| self.prices.get(model)).or(agent.price.as_ref());
        let prices = self.prices.iter().map(|(model, price)| (model.clone(), price.micro()));
        let mut spec = AgentSpec {
            // Which model works is not known before its stream tells.
            prices: if model.is_none() { prices.collect() } else { BTreeMap::new() },
            session: agent.session,
            timeout_ms: agent.timeout.millis(),
            price: price.map(|price| price.micro()),
            ..profile.agent(name, profile_name, role, model, &args)
        };
        for command in [&mut spec.command, &mut spec.interactive] {
            if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
                *program = repo.join(&*program).display().to_string();
            }
        }
        (!spec.command.is_empty()).then_some(spec)
    }
}

/// The name of a command's program.
fn program(command: &[String]) -> Option<&OsStr> {
    Path::new(command.first()?).file_name()
}

impl Agent {
    /// The name of the profile that the agent called `name` is made from; it may not exist.
    pub fn profile_name<'a>(&'a self, name: &'a str, profiles: &BTreeMap<String, Profile>) -> &'a str {
        match &self.profile {
            Some(profile) => profile,
            // A command says for itself how it is to be driven.
            None if self.command.is_none() && profiles.contains_key(name) => name,
            None => GENERIC,
        }
    }

    /// The profile with what is said differently here; `None` when words cannot be split.
    pub fn over(&self, profile: &Profile) -> Option<Profile> {
        let words = |own: &Option<Words>, from: &Vec<String>| match own {
            Some(words) => words.argv(),
            None => Some(from.clone()),
        };
        let mut env = profile.env.clone();
        env.extend(self.env.clone());
        let mut resumed = profile.clone();
        resumed.command = words(&self.command, &profile.command)?;
        if program(&resumed.command) != program(&profile.command) {
            // What `ssh` or `npx` tells of itself is not about the agent.
            resumed.version.clear();
            resumed.help.clear();
        }
        resumed.resume = words(&self.resume, &profile.resume)?;
        if !resumed.command.iter().any(|word| word == "{resume}") {
            // A command without a place for it takes no session, unless its own arguments for that are given.
            resumed.fresh.clear();
            match self.resume {
                Some(_) => resumed.command.push("{resume}".to_owned()),
                None => resumed.resume.clear(),
            }
        }
        Some(Profile {
            interactive: words(&self.interactive, &profile.interactive)?,
            prompt: self.prompt.unwrap_or(profile.prompt),
            dialect: self.dialect.unwrap_or(profile.dialect),
            pty: self.pty.unwrap_or(profile.pty),
            env,
            env_remove: profile.env_remove.iter().chain(&self.env_remove).cloned().collect(),
            provider: self.provider.clone().or_else(|| profile.provider.clone()),
            watch: self.watch.over(&profile.watch),
            ..resumed
        })
    }
}
