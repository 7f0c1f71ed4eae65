//! `loopdash log RUN`: what happened, a line for each event.

use super::show::find;
use super::text::{line, moment};
use crate::app::cli::args::LogArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::Context;
use crate::app::sentence::sentence;
use crate::loops::core::event::{Event, Record};
use crate::loops::core::fleet::Ownership;
use crate::loops::journal::watch::{Change, watch};
use crate::loops::journal::{Extent, Follower, RunDir, Store, replay_into};
use crate::loops::mask::Mask;
use std::io::{BufWriter, Write};

/// Prints the events of a run; with `--follow` until it is over.
///
/// # Errors
/// No run, or more than one, is called so; its journal is damaged.
pub fn log(context: &Context, args: &LogArgs) -> Result<Exit, Failure> {
    let store = context.store()?;
    let run = find(&store, &args.run)?;
    let directory = store.run_dir(run.state.id);
    let mut pen = Pen { out: BufWriter::new(std::io::stdout().lock()), written: Ok(()), over: false };
    if args.follow && !run.state.is_finished() {
        if run.ownership == Ownership::Nobody {
            context.note("nobody works on this run now; waiting for `loopdash resume`");
        }
        follow(&store, &directory, &mut pen)?;
    } else {
        let read = replay_into(&directory, |record| pen.write(&record));
        pen.flush()?;
        tell_rest(context, &read.map_err(|error| Failure::Data(error.to_string()))?);
    }
    Ok(Exit::Done)
}

/// Says what the journal holds besides the lines that were printed.
fn tell_rest(context: &Context, extent: &Extent) {
    let unknown: u64 = extent.unknown.values().sum();
    if unknown > 0 {
        let kinds: Vec<&str> = extent.unknown.keys().map(String::as_str).collect();
        context.note(&line(&format!("left out {unknown} events of types not known here: {}", kinds.join(", "))));
    }
    if let Some(torn) = extent.torn {
        context.note(&format!("the last {} bytes are a record that was never finished", torn.bytes));
    }
    if let Some(format) = extent.newer {
        context.note(&format!("the rest was written by a newer loopdash (journal format {format})"));
    }
}

/// Reads along until the run is over.
fn follow(store: &Store, directory: &RunDir, pen: &mut Pen<impl Write>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut watch, mut changes) = watch(store).map_err(|error| Failure::Failed(error.to_string()))?;
    watch.follow(directory).map_err(|error| Failure::Failed(error.to_string()))?;
    let mut follower = Follower::new(directory);
    loop {
        let read = follower.poll_into(|record| pen.write(&record));
        pen.flush()?;
        read.map_err(|error| Failure::Data(error.to_string()))?;
        if pen.over {
            return Ok(());
        }
        while runtime.block_on(changes.next()).is_some_and(|change| change != Change::Run(directory.run())) {}
    }
}

/// Writes records as lines and keeps the first error, as the journal's readers take no answer.
struct Pen<W: Write> {
    out: BufWriter<W>,
    written: std::io::Result<()>,
    over: bool,
}

impl<W: Write> Pen<W> {
    fn write(&mut self, record: &Record) {
        self.over = matches!(record.event, Event::Finished(_));
        if self.written.is_ok() {
            let (at, text) = (moment(record.at), line(&sentence(&record.event)));
            let text = Mask::of_process().text(&text);
            self.written = writeln!(self.out, "{at}  {:>4}  {text}", record.seq);
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::mem::replace(&mut self.written, Ok(()))?;
        self.out.flush()
    }
}
