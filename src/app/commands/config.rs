//! `loopdash config`: every value in force and where it came from.

use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::listing;
use crate::app::context::Context;
use std::io::Write;

/// Prints the configuration as TOML, the origin of each value in a comment.
///
/// # Errors
/// Everything that is wrong with it.
pub fn config(context: &Context) -> Result<Exit, Failure> {
    let loaded = context.config()?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::io::stdout().lock().write_all(listing(&loaded, processors).as_bytes())?;
    Ok(Exit::Done)
}
