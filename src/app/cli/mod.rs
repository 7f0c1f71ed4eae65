//! The command line: what can be asked of `loopdash`. [`Cli`] is the whole of it.

pub mod args;
pub mod exit;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

use args::{
    AgentsArgs, CleanArgs, DemoArgs, DiffArgs, LandArgs, LogArgs, LoopArgs, ManArgs, PresetsArgs, ResumeArgs, RunArgs,
    SchemaArgs, ShowArgs,
};
use exit::EXIT_STATUSES;

const OVERVIEW: &str = "\
Mission control for coding-agent loops.

A loop lets an actor agent change a git worktree, runs gates such as tests and lint, asks a critic agent for a verdict,
and feeds it back until the work is accepted, a limit is reached or a person is needed. Without a command, loopdash opens
the dashboard for the repository you stand in.";

const EXAMPLES: &str = "\
Examples:
  loopdash demo                                  watch a fleet work, with nothing installed
  loopdash init                                  write a commented loopdash.toml
  loopdash                                       open the dashboard here
  loopdash run -p 'Fix the login test' --actor 'claude -p' --gate 'cargo test'
  loopdash log fix-the-login-test --follow       read along";

/// The command line of `loopdash`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "loopdash",
    version,
    about = "Mission control for coding-agent loops",
    long_about = OVERVIEW,
    after_help = EXIT_STATUSES,
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"),
    max_term_width = 100,
    disable_help_subcommand = true,
)]
pub struct Cli {
    /// What holds for the dashboard.
    #[command(flatten)]
    pub dashboard: DashboardArgs,
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing is the dashboard.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Start in this directory.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Where journals and transcripts are kept.
    ///
    /// LOOPDASH_STATE_DIR names it, too. By default it is loopdash in XDG_STATE_HOME or ~/.local/state; on macOS
    /// ~/Library/Application Support/loopdash.
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// Read this file instead of the repository's loopdash.toml.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Set a configuration value, such as engine.cap=4.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
    /// When to use colours; `auto` heeds NO_COLOR and whether a terminal is there.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Colour::Auto, global = true)]
    pub color: Colour,
    /// Write more to the log file; twice for even more.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags of the dashboard.
#[derive(Clone, Debug, Default, Args)]
pub struct DashboardArgs {
    /// Start every configured loop at once.
    #[arg(long)]
    pub start_all: bool,
}

/// What can be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Watch seven scripted loops work in a repository of their own.
    Demo(DemoArgs),
    /// Run one loop.
    Run(RunArgs),
    /// Go on with interrupted runs.
    Resume(ResumeArgs),
    /// Write a commented loopdash.toml; never replaces one.
    Init,
    /// Show the prompt that would be sent, without running anything.
    Prompt(LoopArgs),
    /// Show every configuration value and where it came from.
    ///
    /// Later ones win: defaults; ~/.config/loopdash/config.toml (XDG_CONFIG_HOME is heeded); loopdash.toml, looked for
    /// from here up to the repository's root; variables such as LOOPDASH_ENGINE_CAP and LOOPDASH_UI_THEME for the keys
    /// of [engine] and [ui]; --set KEY=VALUE. Tables are joined key by key, everything else is replaced.
    Config,
    /// List the runs of this box.
    List,
    /// Show a run: tests, iterations, gates, verdicts.
    Show(ShowArgs),
    /// Show what a run changed.
    Diff(DiffArgs),
    /// Show what happened in a run.
    Log(LogArgs),
    /// Put the work of a run that is over on its target branch, in one commit.
    ///
    /// Asks first where tests were weakened, or where the run is not done. A target that is checked out somewhere is not
    /// moved; the command that takes the commit there is printed. A conflict changes nothing.
    Land(LandArgs),
    /// Remove what runs that are over have left behind, after asking.
    ///
    /// Lists the worktrees of such runs, the directories of those whose worktrees are gone, and old content of the trash,
    /// each with size, age and reason. What a worktree holds is kept in the trash first; u in the dashboard brings it back.
    Clean(CleanArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// List the agents that loops can use: what is found of each, and what it can do.
    Agents(AgentsArgs),
    /// List the presets that loops can work by, or show what one sets.
    ///
    /// They are found in .loopdash/presets of the repository, in presets beside the user's config.toml, and in loopdash
    /// itself, in this order; each is a directory with a preset.toml.
    Presets(PresetsArgs),
    /// Check what loopdash needs: git, repository, agents, terminal, state directory, configuration.
    Doctor,
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man(ManArgs),
}

impl Cli {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// clap's own: wrong usage, or a request for help or the version.
    pub fn read<I, T>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let cli = Self::try_parse_from(arguments)?;
        if cli.dashboard.start_all && cli.command.is_some() {
            let message = "--start-all belongs to the dashboard: use it without a command";
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_and_behind_the_command() {
        let before = Cli::read(["loopdash", "-C", "x", "--set", "a.b=1", "list"]).unwrap();
        let behind = Cli::read(["loopdash", "list", "-vv", "-C", "x", "--set", "a.b=1"]).unwrap();
        assert_eq!(before.global.directory, behind.global.directory);
        assert_eq!(before.global.set, behind.global.set);
        assert_eq!(behind.global.verbose, 2);
    }

    #[test]
    fn the_dashboard_flag_refuses_commands() {
        assert!(Cli::read(["loopdash", "--start-all"]).unwrap().dashboard.start_all);
        let error = Cli::read(["loopdash", "--start-all", "list"]).unwrap_err();
        assert!(error.to_string().contains("belongs to the dashboard"));
    }
}
