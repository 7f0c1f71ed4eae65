//! What `loopdash` prints about itself: schemas, completions, manual pages.

use crate::app::cli::Cli;
use crate::app::cli::args::{ManArgs, SchemaArgs, SchemaOf};
use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{Problem, config_schema, preset_schema, schema_of};
use crate::loops::core::test_state::TestFile;
use clap::CommandFactory;
use std::io::Write;

/// Prints a JSON Schema.
///
/// # Errors
/// The output cannot be written.
pub fn schema(args: SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.what {
        SchemaOf::Config => config_schema().clone(),
        SchemaOf::Preset => preset_schema().clone(),
        SchemaOf::TestState => schema_of::<TestFile>(),
    };
    writeln!(std::io::stdout().lock(), "{schema:#}")?;
    Ok(Exit::Done)
}

/// Prints the completions of a shell.
///
/// # Errors
/// The output cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "loopdash", &mut text);
    std::io::stdout().lock().write_all(&text)?;
    Ok(Exit::Done)
}

/// Prints the manual page of the program or of one command, as roff.
///
/// # Errors
/// There is no such command, or the output cannot be written.
pub fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let page = match &args.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                let known = command.get_subcommands().map(clap::Command::get_name);
                return Err(Failure::Usage(unknown_command(name, known)));
            }
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    std::io::stdout().lock().write_all(&text)?;
    Ok(Exit::Done)
}

fn unknown_command<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let problem = Problem::new(format!("there is no command `{name}`")).nearest(name, known, "commands");
    format!("{}; {}", problem.title, problem.help.unwrap_or_default())
}
