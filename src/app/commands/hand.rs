//! A run's journal in a command's hands, and the state that it comes to: for what is done to a run without an engine.
//! See [`Hand`].

use super::text::now;
use crate::loops::core::event::{Chore, ChoreAsked, Event, Record, StepFinished, StepStarted};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::state::RunState;
use crate::loops::core::step::{Cause, StepEnd};
use crate::loops::journal::summary::write_summary;
use crate::loops::journal::{JournalWriter, Store};

/// A journal that nobody else writes to while it is held.
pub(super) struct Hand {
    writer: JournalWriter,
    pub(super) state: RunState,
}

impl Hand {
    /// Takes it.
    ///
    /// # Errors
    /// Another process has it, or it cannot be read.
    pub(super) fn take(store: &Store, run: RunId) -> Result<Self, String> {
        let mut state = RunState::new(run);
        let (writer, _) = JournalWriter::open_into(&store.run_dir(run), |record: Record| state.apply(&record))
            .map_err(|error| error.to_string())?;
        Ok(Self { writer, state })
    }

    /// Adds events, on the disk when this returns.
    pub(super) fn add(&mut self, events: Vec<Event>) -> Result<(), String> {
        let run = self.state.id;
        let number = |(seq, event)| Record { seq, at: now(), run, event };
        let records: Vec<Record> = (self.state.seq + 1..).zip(events).map(number).collect();
        self.writer.append(&records).and_then(|()| self.writer.sync()).map_err(|error| error.to_string())?;
        records.iter().for_each(|record| self.state.apply(record));
        Ok(())
    }

    /// Notes that something is to be done to its worktree, before it is.
    pub(super) fn ask(&mut self, chore: Chore) -> Result<(), String> {
        self.add(vec![ChoreAsked { chore, who: Who::Cli }.into()])
    }

    /// Notes that it could not be done, so that nobody does it later on, unasked.
    pub(super) fn give_up(&mut self, chore: Chore, why: &str) -> Result<(), String> {
        let (step, iteration) = (self.state.next_step(), self.state.open_iteration().map_or(0, |open| open.number));
        let end = StepEnd { error: Some(why.to_owned()), ..StepEnd::new(Cause::Natural) };
        let kind = chore.step();
        let (agent, argv, cwd, prompt, guidance) = (None, Vec::new(), String::new(), None, Vec::new());
        let begun = StepStarted { step, kind, iteration, agent, argv, cwd, prompt, guidance };
        self.add(vec![begun.into(), StepFinished { step, end }.into()])
    }

    /// Brings its summary up to date. It counts as touched now: the dashboard shows it again, and its directory stays.
    pub(super) fn summarise(&self, store: &Store) -> Result<(), String> {
        write_summary(&store.run_dir(self.state.id), &self.state).map_err(|error| error.to_string())
    }

    /// Lets it go.
    pub(super) fn release(self) -> RunState {
        self.state
    }
}
