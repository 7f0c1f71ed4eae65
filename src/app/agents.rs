//! The agents that loops of a repository can use, as its configuration has them, and whether each can work here.
//!
//! [`Agents::require`] is asked before a run is given to one: by commands, and by the dashboard off its thread.

use super::config::Config;
use crate::loops::agent::probe::{Found, PATIENCE, Place, probe};
use crate::loops::agent::profile::Profile;
use crate::loops::core::agent::{AgentSpec, Role};
use std::path::PathBuf;
use std::sync::Arc;

/// Agents by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agents {
    config: Arc<Config>,
    repo: PathBuf,
    kept: Option<PathBuf>,
}

impl Agents {
    /// Those of `config`, whose relative programs are those of the repository `repo`. What they tell about themselves is kept
    /// in the state directory `kept`, if there is one.
    pub fn new(config: Config, repo: PathBuf, kept: Option<PathBuf>) -> Self {
        Self { config: Arc::new(config), repo, kept: kept.filter(|kept| kept.is_dir()) }
    }

    /// Their names, the configured ones first.
    pub fn names(&self) -> Vec<&str> {
        self.config.agent_names()
    }

    /// The model that an agent is asked for unless another is; `None` if it cannot be asked for any.
    pub fn model(&self, name: &str) -> Option<String> {
        let agent = self.config.agent(name)?;
        self.config.takes_model(name).then(|| agent.model.clone().unwrap_or_default())
    }

    /// The agent in a role, asked for `model` unless that is empty.
    ///
    /// # Errors
    /// Why it cannot be had, as a fragment.
    pub fn spec(&self, name: &str, role: Role, model: &str) -> Result<AgentSpec, String> {
        let model = Some(model.trim()).filter(|model| !model.is_empty());
        if model.is_some() && !self.config.takes_model(name) {
            return Err(format!("the command of {name} has no place for a model"));
        }
        let spec = self.config.agent_with(name, role, model, &self.repo);
        spec.ok_or_else(|| format!("{name} is not configured as an agent that can be started"))
    }

    /// An agent with what is known of its program.
    pub fn with_profile(&self, spec: AgentSpec) -> (AgentSpec, Profile) {
        let config = &self.config;
        let profile = config.profiles.get(&spec.profile).cloned();
        let own = config.agent(&spec.name).zip(profile.as_ref()).and_then(|(agent, profile)| agent.over(profile));
        let profile = own.or(profile).unwrap_or_else(|| Profile { version: Vec::new(), ..Profile::default() });
        (spec, profile)
    }

    /// What is found of each. Blocks, for seconds where one has not been asked before.
    pub fn look(&self, agents: &[(AgentSpec, Profile)]) -> Vec<Found> {
        // Without its own file loopdash can start nobody, which each of them is told then.
        let (path, shim) = (std::env::var_os("PATH"), std::env::current_exe().unwrap_or_default());
        let (path, kept) = (path.as_deref(), self.kept.as_deref());
        probe(agents, &Place { path, cwd: &self.repo, kept, shim: &shim, patience: PATIENCE })
    }

    /// Refuses agents that are missing, cannot be run, are too old, or do not know what they would be told. Blocks, as
    /// [`Self::look`] does.
    ///
    /// # Errors
    /// One line for each such agent.
    pub fn require<'a>(&self, agents: impl IntoIterator<Item = &'a AgentSpec>) -> Result<(), String> {
        let mut asked: Vec<(AgentSpec, Profile)> = Vec::new();
        for spec in agents {
            if !asked.iter().any(|(known, _)| known == spec) {
                asked.push(self.with_profile(spec.clone()));
            }
        }
        let refused = asked.iter().zip(self.look(&asked)).filter_map(|((spec, _), found)| {
            found.problem.map(|problem| format!("the agent `{}` cannot work: {problem}", spec.name))
        });
        let mut refused: Vec<String> = refused.collect();
        refused.dedup();
        if refused.is_empty() { Ok(()) } else { Err(refused.join("\n")) }
    }
}
