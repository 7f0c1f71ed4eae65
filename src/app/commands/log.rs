//! `loopdash log RUN`: what happened, a line for each event.

use super::show::find;
use super::text::{line, moment};
use crate::app::cli::args::LogArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::Context;
use crate::app::sentence::sentence;
use crate::loops::core::event::Record;
use crate::loops::journal;
use std::io::{BufWriter, Write};

/// Prints the events of a run.
///
/// # Errors
/// No run, or more than one, is called so; its journal is damaged.
pub fn log(context: &Context, args: &LogArgs) -> Result<Exit, Failure> {
    let store = context.store()?;
    let directory = store.run_dir(find(&store, &args.run)?.state.id);
    if args.follow {
        return Err(Failure::Failed("`--follow` is not built yet".to_owned()));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let read = journal::replay_into(&directory, |record| {
        if written.is_ok() {
            written = print(&mut out, &record);
        }
    });
    written?;
    out.flush()?;
    match read {
        Ok(_) => Ok(Exit::Done),
        Err(error) => Err(Failure::Data(error.to_string())),
    }
}

fn print(out: &mut impl Write, record: &Record) -> std::io::Result<()> {
    writeln!(out, "{}  {:>4}  {}", moment(record.at), record.seq, line(&sentence(&record.event)))
}
