//! Composition: command line, configuration, log, and the screens over the engine.
//!
//! [`main_entry`] is all that the binary calls.

pub mod agents;
pub mod boot;
pub mod cli;
pub mod commands;
pub mod config;
pub mod context;
pub mod demo;
pub mod headless;
pub mod history;
pub mod link;
pub mod logging;
pub mod notify;
pub mod reproduce;
pub mod sentence;
pub mod tui;
pub mod view;

use cli::exit::{Exit, Failure};
use cli::{Cli, Command};
use context::Context;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what the arguments ask for, the program's name first, and says how it went.
pub fn main_entry<I>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = OsString>,
{
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when the output is closed.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let plain = cli.global.color == cli::Colour::Never;
    let (colour, outcome) = match Context::enter(cli.global.clone()) {
        Ok(context) => (context.colour_on_stderr(), dispatch(&context, cli)),
        Err(failure) => (!plain && context::stderr_is_terminal(), Err(failure)),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if let Some(report) = failure.report(colour) {
                context::tell(&report);
            }
            failure.exit().into()
        }
    }
}

fn dispatch(context: &Context, cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        None => commands::dashboard::dashboard(context, &cli.dashboard),
        Some(Command::Demo(args)) => demo::run::demo(context, &args),
        Some(Command::Run(args)) => commands::run::run(context, &args),
        Some(Command::Resume(args)) => commands::run::resume(context, &args),
        Some(Command::Prompt(args)) => commands::prompt::prompt(context, &args),
        Some(Command::Init) => commands::init::init(context),
        Some(Command::Config) => commands::config::config(context),
        Some(Command::List) => commands::list::list(context),
        Some(Command::Show(args)) => commands::show::show(context, &args),
        Some(Command::Diff(args)) => commands::diff::diff(context, &args),
        Some(Command::Land(args)) => commands::land::land(context, &args),
        Some(Command::Clean(args)) => commands::clean::clean(context, &args),
        Some(Command::Log(args)) => commands::log::log(context, &args),
        Some(Command::Schema(args)) => commands::print::schema(args),
        Some(Command::Agents(args)) => commands::agents::agents(context, &args),
        Some(Command::Presets(args)) => commands::presets::presets(context, &args),
        Some(Command::Doctor) => commands::doctor::doctor(context),
        Some(Command::Completions { shell }) => commands::print::completions(shell),
        Some(Command::Man(args)) => commands::print::man(&args),
    }
}
