//! The arguments of single commands.

use crate::app::config::RunRequest;
use crate::loops::core::duration::Span;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const RUN_EXAMPLES: &str = "\
Examples:
  loopdash run                                   prompt.md, with the only configured agent
  loopdash run --loop fix-ci --headless          a configured loop, lines instead of the dashboard
  loopdash run -p 'Fix the login test' --actor 'codex exec -' --critic none --gate 'make test'";

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Print lines instead of opening the dashboard; also without a terminal.
    #[arg(long)]
    pub headless: bool,
    /// How fast the scripted agents are; 2 is twice as fast.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Keep the repository and the journals, and say where they are.
    #[arg(long)]
    pub keep: bool,
}

/// Arguments of `run`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// Which loop.
    #[command(flatten)]
    pub what: LoopArgs,
    /// How to show it.
    #[command(flatten)]
    pub lines: LineArgs,
}

/// The loop that `run` and `prompt` are about.
#[derive(Clone, Debug, Default, Args)]
pub struct LoopArgs {
    /// File with the objective; `-` is standard input. prompt.md when nothing else is given.
    #[arg(value_name = "PROMPT_FILE", conflicts_with = "prompt")]
    pub prompt_file: Option<PathBuf>,
    /// The objective itself.
    #[arg(short, long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// Start from this configured loop.
    #[arg(long = "loop", value_name = "NAME")]
    pub name: Option<String>,
    /// Work in the way of this preset, where neither the loop nor a flag says otherwise.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Who acts: a configured agent, or a command line (split into words, no shell).
    #[arg(long, value_name = "AGENT")]
    pub actor: Option<String>,
    /// Who criticises: like --actor, or `none`. The actor's agent by default.
    #[arg(long, value_name = "AGENT")]
    pub critic: Option<String>,
    /// A command that must succeed, run by sh -c after each iteration, whether or not it did on the base; may be repeated.
    #[arg(long = "gate", value_name = "CMD")]
    pub gates: Vec<String>,
    /// A test-state.json with the work items.
    #[arg(long, value_name = "FILE")]
    pub tests: Option<PathBuf>,
    /// 0 to 9; higher runs sooner.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub priority: Option<u8>,
    /// Iterations after which the run is exhausted.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_iterations: Option<u32>,
    /// Work in this checkout instead of a worktree of its own.
    #[arg(long)]
    pub in_place: bool,
}

/// How a command without a screen prints.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LineArgs {
    /// Print lines instead of opening the dashboard; also without a terminal.
    #[arg(long)]
    pub headless: bool,
    /// Print the journal's events as JSON lines; implies --headless.
    #[arg(long)]
    pub json: bool,
    /// Print the agents' own lines, too; implies --headless.
    #[arg(long)]
    pub output: bool,
    /// Without a screen: how long to wait for a provider, such as 2h; what would take longer ends with status 3.
    /// `engine.max_wait` when absent.
    #[arg(long, value_name = "TIME", value_parser = |text: &str| Span::parse(text))]
    pub max_wait: Option<Span>,
}

impl LineArgs {
    /// Whether lines were asked for, in whatever form.
    pub const fn wanted(self) -> bool {
        self.headless || self.json || self.output
    }
}

/// Arguments of `resume`.
#[derive(Clone, Debug, Args)]
pub struct ResumeArgs {
    /// Label or id of a run; any unique beginning of the id. The only interrupted one when absent.
    #[arg(value_name = "RUN", conflicts_with = "all")]
    pub run: Option<String>,
    /// All interrupted runs.
    #[arg(long)]
    pub all: bool,
    /// How to show it.
    #[command(flatten)]
    pub lines: LineArgs,
}

/// Arguments of `show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Label or id of a run; any unique beginning of the id.
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// Label or id of a run; any unique beginning of the id.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// What this iteration changed. The whole run since its base when absent.
    #[arg(long, value_name = "N", conflicts_with = "last", value_parser = clap::value_parser!(u32).range(1..))]
    pub iteration: Option<u32>,
    /// What the last iteration changed.
    #[arg(long)]
    pub last: bool,
}

const CLEAN_EXAMPLES: &str = "\
Examples:
  loopdash clean --dry-run                       list what is older than 14 days, and remove nothing
  loopdash clean --older-than 2d                 list, ask, remove
  loopdash clean --yes                           do not ask; what is unmerged stays";

/// Arguments of `clean`.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = CLEAN_EXAMPLES)]
pub struct CleanArgs {
    /// List what would go, and remove nothing.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask. What is unmerged or changed needs its name typed, and stays.
    #[arg(long)]
    pub yes: bool,
    /// Only what nothing has happened to for this long, such as 12h or 30d.
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = |text: &str| Span::parse(text))]
    pub older_than: Span,
}

const LAND_EXAMPLES: &str = "\
Examples:
  loopdash land fix-ci                           ask about weakened tests, if there are any, and land it
  loopdash land fix-ci --weakened                land it whatever became of its tests";

/// Arguments of `land`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LAND_EXAMPLES)]
pub struct LandArgs {
    /// Label or id of a run; any unique beginning of the id.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Do not ask: land it although tests were weakened, or the run is not done.
    #[arg(long)]
    pub weakened: bool,
}

/// Arguments of `log`.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// Label or id of a run; any unique beginning of the id.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Go on reading until the run is over.
    #[arg(short, long)]
    pub follow: bool,
}

/// Arguments of `schema`.
#[derive(Clone, Copy, Debug, Args)]
pub struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub what: SchemaOf,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// loopdash.toml and the user's config.toml.
    Config,
    /// A preset.toml.
    Preset,
    /// test-state.json.
    TestState,
}

/// Arguments of `agents`.
#[derive(Clone, Copy, Debug, Args)]
pub struct AgentsArgs {
    /// Print JSON, an object for each agent on a line of its own.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `presets`.
#[derive(Clone, Debug, Args)]
pub struct PresetsArgs {
    /// Show this one; all are listed when absent.
    pub name: Option<String>,
    /// Print JSON, an object for each preset on a line of its own.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The page of this command instead of the main one.
    pub command: Option<String>,
}

impl LoopArgs {
    /// The request that these flags make.
    pub fn request(&self) -> RunRequest {
        RunRequest {
            prompt_file: self.prompt_file.clone(),
            prompt: self.prompt.clone(),
            name: self.name.clone(),
            preset: self.preset.clone(),
            actor: self.actor.clone(),
            critic: self.critic.clone(),
            gates: self.gates.clone(),
            tests: self.tests.clone(),
            priority: self.priority,
            max_iterations: self.max_iterations,
            in_place: self.in_place,
        }
    }
}

/// A speed that neither stops time nor turns it back.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.01 to 1000 is needed".to_owned()),
    }
}
