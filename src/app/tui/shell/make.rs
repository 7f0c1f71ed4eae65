//! What becomes a command only after something was read or asked that takes time: [`Made`], to be called off this thread.
//!
//! Each agent that a command brings along is looked at before, so that a run never starts with one that cannot work.

use super::Shell;
use crate::app::agents::Agents;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::ids::RunId;
use crate::loops::core::spec::{LoopSpec, Trigger};
use std::path::PathBuf;
use std::sync::Arc;

/// Makes a command, with what to say when it is accepted; or says why there is none, as a fragment. It blocks.
pub(in crate::app::tui) type Made = Box<dyn FnOnce() -> Result<(Command, String), String> + Send>;

impl Shell {
    /// Makes a loop of a prompt; `None` where none can be made, which the key says.
    pub(in crate::app::tui) fn new_loop(&self, prompt: &str) -> Option<Made> {
        let make = Arc::clone(self.options.new_loop.as_ref().ok()?);
        let (prompt, trigger) = (prompt.to_owned(), self.options.trigger);
        Some(Box::new(move || make(&prompt).map(|spec| submit(spec, trigger))))
    }

    /// Starts a loop of the configuration.
    pub(in crate::app::tui) fn start_loop(&self, index: usize) -> Option<Made> {
        let (spec, trigger) = (self.options.loops.get(index)?.clone(), self.options.trigger);
        let agents = self.options.agents.clone();
        Some(Box::new(move || agents.require(spec.agents()).map(|()| submit(spec, trigger))))
    }

    /// Gives a role of a run to an agent of its repository.
    pub(in crate::app::tui) fn set_agent(&self, command: Command, said: String) -> Option<Made> {
        let Command::Run { run, ask: Ask::SetAgent { agent, .. } } = &command else { return None };
        let (of, agents) = self.ui.agents.as_ref()?;
        let (agents, agent) = (agents.clone().ok().filter(|_| of == run)?, agent.clone());
        Some(Box::new(move || agents.require([&*agent]).map(|()| (command, said))))
    }

    /// Reads the agents that a run can be given; `None` when its repository is not known.
    pub(in crate::app::tui) fn agents_of(
        &self,
        run: RunId,
    ) -> Option<impl FnOnce() -> Result<Agents, String> + Send + use<>> {
        let repo = PathBuf::from(&self.fleet.state(run)?.spec.as_ref()?.repo);
        let read = Arc::clone(&self.options.agents_of);
        Some(move || read(&repo))
    }
}

fn submit(spec: LoopSpec, trigger: Trigger) -> (Command, String) {
    let said = format!("queued {}", spec.name);
    (Command::Submit { specs: vec![spec], trigger }, said)
}
