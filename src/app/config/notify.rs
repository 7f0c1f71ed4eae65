//! How the operator is called when something begins to need a person, as the configuration has it: [`Notify`].

use super::file::Words;
use crate::app::notify::{self, Calls};
use crate::loops::core::duration::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How you are called when something begins to need you. Each way by itself; once for each time, not again while it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// The dashboard rings its terminal's bell.
    pub bell: bool,
    /// The dashboard asks its terminal for a notification, with OSC 9.
    pub osc9: bool,
    /// A command that runs, without a screen too, and reads a JSON object on standard input. A string is split into words,
    /// no shell runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Words>,
    /// Longest time for the command. It is stopped then with all that it started.
    pub timeout: Span,
}

impl Default for Notify {
    fn default() -> Self {
        Self { bell: false, osc9: false, command: None, timeout: Span::from_millis(10_000) }
    }
}

impl Notify {
    /// What the dashboard tells its terminal.
    pub const fn calls(&self) -> Calls {
        Calls { bell: self.bell, osc9: self.osc9 }
    }

    /// The command, if there is one.
    pub fn told(&self) -> Option<notify::Notify> {
        let argv = self.command.as_ref().and_then(Words::argv).filter(|argv| !argv.is_empty())?;
        Some(notify::Notify { argv, timeout: Duration::from_millis(self.timeout.millis()) })
    }
}
