//! The `loopdash` binary: hands its arguments to [`loopdash::app`] and exits with the outcome's code.
use std::process::ExitCode;

use loopdash::app::demo::agent;
use loopdash::app::tui::guard;
use loopdash::loops::agent::{shim, warden};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    // Before anything else: this is a child on its way to becoming an agent.
    if arguments.next_if(|first| first == shim::SUBCOMMAND).is_some() {
        return shim::run(arguments);
    }
    if arguments.next_if(|first| first == agent::SUBCOMMAND).is_some() {
        return agent::main(&arguments.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>());
    }
    if arguments.next_if(|first| first == guard::SUBCOMMAND).is_some() {
        return guard::main();
    }
    if arguments.next_if(|first| first == warden::SUBCOMMAND).is_some() {
        return warden::main();
    }
    loopdash::app::main_entry(std::env::args_os())
}
