//! The configuration file's types: what may stand in `loopdash.toml` and in the user's `config.toml`.
//!
//! The doc comments are the descriptions in `loopdash schema config`; [`Config`] is the root.

use super::agent::{Agent, Dollars, Price};
use super::hooks::Hooks;
use super::notify::Notify;
use super::stuck::Stuck;
use crate::loops::agent::profile::Profile;
use crate::loops::core::budget::Budget;
use crate::loops::core::coverage::Percent;
use crate::loops::core::duration::Span;
use crate::loops::core::gate::{CommandLine, GateKind};
use crate::loops::core::spec::{CriticWhen, DEFAULT_PRIORITY, Isolation};
use crate::loops::core::weigh::TestsPolicy;
use crate::loops::core::worktree_path;
use crate::loops::engine::workshop::Ports;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The critic's name that means: no critic, gates and claim decide.
pub const NO_CRITIC: &str = "none";
/// Attempts for a test in a loop with a tests file, where nothing says otherwise.
const DEFAULT_ATTEMPTS: u32 = 3;

/// Configuration of loopdash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "loopdash.toml")]
pub struct Config {
    /// How many runs work at once, and where.
    pub engine: Engine,
    /// What the dashboard looks like.
    pub ui: Ui,
    /// Programs that act and criticise, by name.
    pub agents: BTreeMap<String, Agent>,
    /// What is known of programs, by name. The bundled ones are here, too; keys that are given replace theirs.
    pub profiles: BTreeMap<String, Profile>,
    /// What a model's tokens cost, by the name that it is asked for with, or that its stream gives it.
    pub prices: BTreeMap<String, Price>,
    /// When runs are taken to be stuck, and what is done about it without asking.
    pub stuck: Stuck,
    /// How you are called when something begins to need you.
    pub notify: Notify,
    /// Commands that run before and after each run and each of its iterations.
    pub hooks: Hooks,
    /// The loops of this repository.
    #[serde(rename = "loop")]
    pub loops: Vec<Loop>,
}

/// How many runs work at once, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Runs that may have an agent process at the same time.
    #[schemars(range(min = 1, max = 1000))]
    pub cap: u32,
    /// Gates that may run at the same time. Half the processors, at least 1, when absent.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate_cap: Option<u32>,
    /// Runs of one repository that may have an agent process at the same time. Unlimited within `cap` when absent.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo_cap: Option<u32>,
    /// What happens to interrupted runs when the dashboard starts. Unless they stay as they are, runs that only wait for
    /// a provider go on when it lets them.
    pub on_start: OnStart,
    /// What happens to live runs when the dashboard's terminal goes away.
    pub on_hangup: OnHangup,
    /// Without a screen: how long a run may wait in a row for a provider that names a time, or that is tried again after a
    /// while. What would take longer ends with status 3.
    pub max_wait: Span,
    /// Tokens that all runs may use in any 24 hours, cache reads apart. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<u64>,
    /// Dollars that all runs may use in any 24 hours, as far as agents report them or have a price. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_dollars: Option<Dollars>,
    /// Iterations that all runs may use in any 24 hours. Unlimited when absent.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_iterations: Option<u64>,
    /// Time that the agents of all runs may work in any 24 hours, summed: two that work side by side for an hour use two.
    /// Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_time: Option<Span>,
    /// The first port of slot 0, from which `LOOPDASH_PORT_BASE` is counted.
    #[schemars(range(min = 1024, max = 60000))]
    pub port_base: u16,
    /// Ports that each slot has for itself.
    #[schemars(range(min = 1, max = 1000))]
    pub ports_per_slot: u16,
    /// Where a run's worktree goes: an absolute path outside the checkout, as a template with the variables `repo` (name of
    /// the repository's directory), `repo_parent` (the directory that holds it), `slug` (the loop's name, made safe), `run`
    /// (the run's short id), `state` (loopdash's state directory) and `home`.
    pub worktree_path: String,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            cap: 3,
            gate_cap: None,
            repo_cap: None,
            on_start: OnStart::Ask,
            on_hangup: OnHangup::Continue,
            max_wait: Span::from_millis(30 * 60_000),
            budget_tokens: None,
            budget_dollars: None,
            budget_iterations: None,
            budget_time: None,
            port_base: Ports::default().first,
            ports_per_slot: Ports::default().per_slot,
            worktree_path: worktree_path::DEFAULT.to_owned(),
        }
    }
}

impl Engine {
    /// What all runs may use up in 24 hours.
    pub fn budget(&self) -> Budget {
        let micro_usd = self.budget_dollars.map(Dollars::micro);
        let wall_clock_ms = self.budget_time.map(Span::millis);
        Budget { tokens: self.budget_tokens, micro_usd, wall_clock_ms, iterations: self.budget_iterations }
    }

    /// The ports of its slots.
    pub const fn ports(&self) -> Ports {
        Ports { first: self.port_base, per_slot: self.ports_per_slot }
    }
}

/// What happens to interrupted runs when the dashboard starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnStart {
    /// The dashboard asks.
    #[default]
    Ask,
    /// All go on.
    Resume,
    /// They stay as they are.
    Leave,
}

/// What happens to live runs when the dashboard's terminal goes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnHangup {
    /// They go on without a screen until each has ended or waits for a person.
    #[default]
    Continue,
    /// They are paused, and loopdash ends.
    Stop,
}

/// What the dashboard looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ui {
    /// Name of a theme.
    #[schemars(length(min = 1))]
    pub theme: String,
}

impl Default for Ui {
    fn default() -> Self {
        Self { theme: "dark".to_owned() }
    }
}

/// A command as one string or as a list. A string is split into words like a shell does (quotes and backslashes), but no
/// shell runs: there are no variables, pipes or globs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Words {
    /// Split into words.
    Text(String),
    /// Program and arguments, passed as they are.
    List(Vec<String>),
}

impl Words {
    /// Program and arguments; `None` when quotes do not match.
    pub fn argv(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => shlex::split(text),
            Self::List(list) => Some(list.clone()),
        }
    }
}

/// A loop: an objective, who works on it, and what must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loop {
    /// Its name in lists; unique in this configuration.
    pub name: String,
    /// Name of a preset: what it sets holds for every key that the loop does not give itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// What the actor is asked to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    /// A file, relative to the repository's root, that holds the objective instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective_file: Option<String>,
    /// A `test-state.json`, relative to the repository's root: the work items. Without it the objective is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<String>,
    /// Name of the acting agent: one of `[agents]`, or a profile such as `claude`. May be absent when only one agent is
    /// configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Name of the criticising agent, or `none`. The actor's agent, in a session of its own, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critic: Option<String>,
    /// Name of a stronger agent, which acts from then on when one test was rejected `stronger_after` times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stronger: Option<String>,
    /// Attempts at one test after which the stronger agent acts.
    #[schemars(range(min = 1, max = 100_000))]
    #[serde(default = "default_stronger_after")]
    pub stronger_after: u32,
    /// Which iterations the critic sees.
    #[serde(default)]
    pub critic_when: CriticWhen,
    /// Where the actor works.
    #[serde(default)]
    pub isolation: Isolation,
    /// Revision to start from. HEAD when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Branch to make. `run/` and the name, made safe, when absent; a taken name gets a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// 0 to 9; higher runs sooner.
    #[schemars(range(min = 0, max = 9))]
    #[serde(default = "default_priority")]
    pub priority: u8,
    /// Iterations after which the run is exhausted.
    #[schemars(range(min = 1, max = 100_000))]
    #[serde(default = "default_iterations")]
    pub max_iterations: u32,
    /// Attempts after which a test is blocked. When absent: 3 with a tests file, `max_iterations` without.
    #[schemars(range(min = 1, max = 100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Files, relative to the worktree, whose text joins the actor's prompt.
    #[serde(default)]
    pub context_files: Vec<String>,
    /// Run once in a fresh worktree, before the first iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<CommandLine>,
    /// Further limits.
    #[serde(default)]
    pub limits: LoopLimits,
    /// When it is taken to be stuck; keys that are given replace those for all loops.
    #[serde(default)]
    pub stuck: Stuck,
    /// What follows when an iteration weakens tests: deletes, renames or skips them, takes assertions away, or changes
    /// what a gate runs.
    #[serde(default)]
    pub tests_policy: TestsPolicy,
    /// Whether the gates run on the base, too, before the first iteration. What fails there is known, and keeps no iteration
    /// back. A gate's own `baseline` goes before it.
    #[serde(default = "yes")]
    pub baseline: bool,
    /// Commands that loopdash runs itself after each iteration, in order.
    #[serde(default, rename = "gate")]
    pub gates: Vec<Gate>,
}

/// Further limits of a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoopLimits {
    /// Wall time from the moment the run first gets a slot, after which it asks. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_clock: Option<Span>,
    /// Iterations that may count, after which it asks and goes on with a larger number, where `max_iterations` ends it.
    /// Unlimited when absent.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// Tokens that the run may use, cache reads apart. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Dollars that the run may use. Its agents have to report dollars, or to have a price. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<Dollars>,
}

/// A command whose exit status is evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Unique in its loop, such as `tests` or `lint`.
    pub name: String,
    /// What it checks, for whoever reads its result: agents are told of types first, then of tests, lint and audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<GateKind>,
    /// A list is program and arguments; a string is run by `sh -c`, exactly as written.
    pub command: CommandLine,
    /// Longest time before it is stopped and has failed.
    #[serde(default = "default_gate_timeout")]
    pub timeout: Span,
    /// Whether the iteration needs it. The result of one that is not required is only shown.
    #[serde(default = "yes")]
    pub required: bool,
    /// A JUnit report that it writes, relative to the worktree. Without one, tests are read from what the command prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
    /// The least percentage of lines that its tests have to cover, for which it fails even with exit 0. Where the base is
    /// under it, the base's own total is asked for instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_floor: Option<Percent>,
    /// A coverage report that it writes, relative to the worktree: lcov, Cobertura, JaCoCo, or a JSON summary. Without one, the
    /// total is read from what the command prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage_report: Option<String>,
    /// Whether it runs a second time at once when something new failed in it, and on the base when anything did. What passes
    /// then is flaky, and keeps no iteration back.
    #[serde(default = "yes")]
    pub rerun: bool,
    /// Whether it runs on the base, too; as the loop says when absent. Set it to false for a gate that the loop is to turn
    /// green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<bool>,
    /// A lock that the gate needs for itself, such as `db`: of all gates on the box that name it, one runs at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}

const fn default_priority() -> u8 {
    DEFAULT_PRIORITY
}

const fn default_stronger_after() -> u32 {
    2
}

const fn default_iterations() -> u32 {
    20
}

/// The timeout of a gate that names none: ten minutes.
pub(super) const fn default_gate_timeout() -> Span {
    Span::from_millis(600_000)
}

const fn yes() -> bool {
    true
}

impl Config {
    /// The gate cap in force: the configured one, or half of `processors`, at least 1.
    pub fn gate_cap(&self, processors: usize) -> u32 {
        self.engine.gate_cap.unwrap_or_else(|| u32::try_from(processors / 2).unwrap_or(1).max(1))
    }
}

impl Loop {
    /// A loop of this name with every other key at its default and no objective.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            preset: None,
            objective: None,
            objective_file: None,
            tests: None,
            actor: None,
            critic: None,
            stronger: None,
            stronger_after: default_stronger_after(),
            critic_when: CriticWhen::default(),
            isolation: Isolation::default(),
            base: None,
            branch: None,
            priority: DEFAULT_PRIORITY,
            max_iterations: default_iterations(),
            max_attempts: None,
            context_files: Vec::new(),
            setup: None,
            limits: LoopLimits::default(),
            stuck: Stuck::default(),
            tests_policy: TestsPolicy::default(),
            baseline: true,
            gates: Vec::new(),
        }
    }

    /// The attempts in force for a test that names no number of its own.
    pub fn attempts(&self) -> u32 {
        self.max_attempts.unwrap_or(if self.tests.is_some() { DEFAULT_ATTEMPTS } else { self.max_iterations })
    }
}
