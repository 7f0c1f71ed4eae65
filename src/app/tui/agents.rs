//! The agents that a role of a run can be given: those that a loop could name here, with a model of the operator's choice.

use crate::app::config::Config;
use crate::loops::core::agent::{AgentSpec, Role};
use std::path::PathBuf;
use std::sync::Arc;

/// Agents by name, as the configuration has them.
#[derive(Clone, Debug)]
pub struct Agents {
    config: Arc<Config>,
    repo: PathBuf,
}

impl Agents {
    /// Those of `config`, whose relative programs are those of the repository `repo`.
    pub fn new(config: Config, repo: PathBuf) -> Self {
        Self { config: Arc::new(config), repo }
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
}
