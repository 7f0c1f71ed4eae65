//! `loopdash init`: a commented configuration file for the repository.

use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{PROJECT_FILE, repository_root, visible, write_init};
use crate::app::context::Context;
use std::io::Write;

/// Writes `loopdash.toml` at the repository's root, or here outside a repository.
///
/// # Errors
/// There is one already, or it cannot be written.
pub fn init(context: &Context) -> Result<Exit, Failure> {
    let root = repository_root(&context.cwd);
    let directory = root.as_deref().unwrap_or(&context.cwd);
    let path = write_init(directory).map_err(|error| Failure::Data(error.to_string()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "wrote {}", visible(&path.display().to_string()))?;
    if root.is_none() {
        writeln!(out, "this is no git repository yet: loops need one, so run `git init` and commit something")?;
    }
    writeln!(
        out,
        "next: put your agent and your test command into {PROJECT_FILE}, try `loopdash doctor`, then run `loopdash`"
    )?;
    Ok(Exit::Done)
}
