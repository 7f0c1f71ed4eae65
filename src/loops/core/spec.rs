//! A loop's definition as a run carries it: complete, resolved, and journalled whole with `submitted`.
//!
//! Config and flags are one way to write it; everything here is already validated and expanded.

use super::agent::Role;
pub use super::agent::{AgentSpec, DialectName, PromptRoute};
use super::budget::Budget;
use super::gate::{CommandLine, GateSpec};
use super::hook::Hooks;
use super::test_state::TestSpec;
use super::watch::Policy;
use super::weigh::TestsPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The line that an actor prints last, alone, to claim completion.
pub const CLAIM_TOKEN: &str = "LOOPDASH_DONE";
/// What an actor's last line starts with when it needs a person; the question follows.
pub const ASK_TOKEN: &str = "LOOPDASH_ASK:";
/// Priorities run from 0 to this; higher is sooner.
pub const MAX_PRIORITY: u8 = 9;
/// The priority of a loop that names none.
pub const DEFAULT_PRIORITY: u8 = 5;

/// One loop, ready to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopSpec {
    /// Its name in lists.
    pub name: String,
    /// The repository's root: absolute, as found at submission.
    pub repo: String,
    /// What the actor is asked to reach.
    pub objective: String,
    /// The work items; empty means one test, the objective itself.
    #[serde(default)]
    pub tests: Vec<TestSpec>,
    /// Where `tests` came from and is written back to: absolute path of `test-state.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests_file: Option<String>,
    /// The acting agent.
    pub actor: AgentSpec,
    /// The criticising agent; `None` leaves the decision to gates and claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critic: Option<AgentSpec>,
    /// Who takes over from the actor when a test is hard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stronger: Option<Box<Stronger>>,
    /// When an iteration goes to the critic.
    #[serde(default)]
    pub critic_when: CriticWhen,
    /// Where the actor works.
    #[serde(default)]
    pub isolation: Isolation,
    /// Revision to start from; `None` is HEAD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Branch to make; `None` is `run/<slug of name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Worktree path template, already chosen from config, not yet expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree_path: Option<String>,
    /// 0 to 9, higher sooner.
    pub priority: u8,
    /// Where to stop.
    pub limits: Limits,
    /// Files, relative to the worktree, whose text joins the actor's prompt.
    #[serde(default)]
    pub context_files: Vec<String>,
    /// Run once in a fresh worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<CommandLine>,
    /// In order.
    #[serde(default)]
    pub gates: Vec<GateSpec>,
    /// What follows from a change that weakens tests.
    #[serde(default)]
    pub tests_policy: TestsPolicy,
    /// When it is taken to be stuck, and what is done about that.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub stuck: Policy,
    /// Commands around it and its iterations.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// Name of the preset that keys were taken from. Only told; what it set stands above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
}

/// An agent that takes over from the actor when one test keeps being rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stronger {
    /// The agent, as an actor.
    pub agent: AgentSpec,
    /// After how many attempts at one test.
    pub after: u32,
}

impl LoopSpec {
    /// The agent in a role.
    pub fn agent(&self, role: Role) -> Option<&AgentSpec> {
        match role {
            Role::Actor => Some(&self.actor),
            Role::Critic => self.critic.as_ref(),
        }
    }

    /// All agents that it names: its actor, its critic, and the one that its actor may be replaced by.
    pub fn agents(&self) -> impl Iterator<Item = &AgentSpec> {
        let stronger = self.stronger.as_deref().map(|stronger| &stronger.agent);
        std::iter::once(&self.actor).chain(&self.critic).chain(stronger)
    }

    /// The providers that its agents live on; one of both counts once.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let actor = self.actor.provider();
        let critic = self.critic.as_ref().map(AgentSpec::provider).filter(|critic| *critic != actor);
        std::iter::once(actor).chain(critic)
    }
}

/// Which iterations the critic sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CriticWhen {
    /// Each whose required gates pass.
    #[default]
    Always,
    /// Only those in which the actor claimed completion.
    Claimed,
}

/// Where the actor works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// In a git worktree of its own, outside the operator's checkout.
    #[default]
    Worktree,
    /// In the operator's checkout itself.
    None,
}

/// Where a run stops by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Iterations that count, over all tests.
    pub max_iterations: u32,
    /// Attempts for a test that names no number of its own.
    pub max_attempts: u32,
    /// Wall time from the first admission, in milliseconds; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_clock_ms: Option<u64>,
    /// Tokens, cache reads apart; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Micro-dollars; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
    /// Iterations that count, after which it asks, in contrast to `max_iterations`; `None` is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
}

impl Limits {
    /// What may be used up.
    pub const fn budget(&self) -> Budget {
        let Self { tokens, micro_usd, wall_clock_ms, iterations, .. } = *self;
        Budget { tokens, micro_usd, wall_clock_ms, iterations }
    }
}

/// How a run came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// `loopdash run`.
    Cli,
    /// The dashboard.
    Tui,
    /// The embedded demo.
    Demo,
}
