//! Commands of the operator's beside agents and gates, as the configuration has them: [`Hooks`].

use super::file::Words;
use crate::loops::core::duration::Span;
use crate::loops::core::hook::{Hook, Hooks as HookCommands};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Commands that run before and after each run and each of its iterations. A string is split into words, no shell runs; a
/// program given as a relative path is looked up from the repository's root. Each reads a JSON object on standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// When a run first has a slot, in the repository's root. The run needs you if it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_run: Option<Words>,
    /// Before an iteration's actor, in the worktree. The run needs you if it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_iteration: Option<Words>,
    /// When an iteration has come to its end, in the worktree. A failure is only shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_iteration: Option<Words>,
    /// When a run ends, in the worktree if there is one. A failure is only shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_run: Option<Words>,
    /// Longest time for one of them. It is stopped then with all that it started, and has failed.
    pub timeout: Span,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            pre_run: None,
            pre_iteration: None,
            post_iteration: None,
            post_run: None,
            timeout: Span::from_millis(60_000),
        }
    }
}

impl Hooks {
    /// What is written for a hook.
    pub fn words(&self, hook: Hook) -> Option<&Words> {
        match hook {
            Hook::PreRun => self.pre_run.as_ref(),
            Hook::PreIteration => self.pre_iteration.as_ref(),
            Hook::PostIteration => self.post_iteration.as_ref(),
            Hook::PostRun => self.post_run.as_ref(),
        }
    }

    /// The commands, for a run in the repository `repo`.
    pub fn commands(&self, repo: &Path) -> HookCommands {
        let argv = |hook| {
            let mut argv = self.words(hook).and_then(Words::argv).unwrap_or_default();
            if let Some(program) = argv.first_mut().filter(|program| program.contains('/')) {
                *program = repo.join(&*program).display().to_string();
            }
            argv
        };
        HookCommands {
            pre_run: argv(Hook::PreRun),
            pre_iteration: argv(Hook::PreIteration),
            post_iteration: argv(Hook::PostIteration),
            post_run: argv(Hook::PostRun),
            timeout_ms: self.timeout.millis(),
        }
    }
}
