//! Commands that take time to make: a loop of a prompt, a configuration to read, an agent to be looked at first.
//!
//! They are made off the dashboard's thread; what came of it is heard like any other answer.

use super::{Answer, Desk, told};
use crate::app::tui::msg::Msg;
use crate::app::tui::shell::{Made, Shell};
use crate::app::tui::ui::Tone;
use crate::loops::core::command::Rejected;
use crate::loops::core::ids::RunId;
use std::time::Duration;

/// How long the operator waits without a word.
const SOON: Duration = Duration::from_millis(300);

impl Desk {
    /// Makes a command and asks the engine; a refusal comes back like the engine's own, and brings back the prompt that was
    /// typed for nothing.
    pub(super) fn make(&self, made: Made, prompt: Option<String>) {
        let (link, answers) = (self.link.clone(), self.answers_in.clone());
        tokio::spawn(async move {
            let mut making = tokio::task::spawn_blocking(made);
            let made = match tokio::time::timeout(SOON, &mut making).await {
                Ok(made) => made,
                Err(_) => {
                    // The screen is gone if this fails, as below.
                    let _ = answers.send(Answer::Later).await;
                    making.await
                }
            };
            let made = made.unwrap_or_else(|_| Err("that could not be done; the log says why".to_owned()));
            let answer = match made {
                Ok((command, said)) => Answer::To(said, link.send(command).await),
                Err(why) => match prompt {
                    Some(prompt) => Answer::Unmade { prompt, why },
                    None => Answer::To(String::new(), Err(Rejected(why))),
                },
            };
            let _ = answers.send(answer).await;
        });
    }

    /// Reads which agents a run can be given.
    pub(super) fn read_agents(&self, shell: &Shell, run: RunId) {
        let (Some(read), answers) = (shell.agents_of(run), self.answers_in.clone()) else { return };
        tokio::spawn(async move {
            let agents = tokio::task::spawn_blocking(read).await;
            let agents = agents.unwrap_or_else(|_| Err("the configuration could not be read".to_owned()));
            let _ = answers.send(Answer::Agents(run, agents)).await;
        });
    }
}

/// Tells the operator that an answer takes its time.
pub(super) fn later(shell: &mut Shell) {
    told(shell, Msg::Say(Tone::Info, "looking whether its agents can work…".to_owned()));
}
