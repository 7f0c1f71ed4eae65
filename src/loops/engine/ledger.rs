//! The journals that this loopdash owns, and the one way to write them: [`Ledger::commit`].
//!
//! A commit appends and syncs off the async threads, all journals of a round side by side, because the disk's sync is
//! the slowest thing that a run waits for.

use crate::loops::core::event::Record;
use crate::loops::core::ids::RunId;
use crate::loops::journal::{JournalError, JournalWriter, is_milestone};
use std::collections::HashMap;
use tokio::task::JoinSet;

/// Open journals, by run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: HashMap<RunId, JournalWriter>,
}

/// The result of one run's part of a commit.
pub(super) type Committed = (RunId, Vec<Record>, Result<(), JournalError>);

impl Ledger {
    /// Whether the run's journal is open here: whether the run is owned.
    pub(super) fn owns(&self, run: RunId) -> bool {
        self.open.contains_key(&run)
    }

    /// Takes a journal in.
    pub(super) fn insert(&mut self, run: RunId, writer: JournalWriter) {
        self.open.insert(run, writer);
    }

    /// Gives a journal, and with it the ownership of its run, away.
    pub(super) fn release(&mut self, run: RunId) -> Option<JournalWriter> {
        self.open.remove(&run)
    }

    /// Appends each run's records; when this returns, milestones are on disk.
    pub(super) async fn commit(&mut self, batches: Vec<(RunId, Vec<Record>)>) -> Vec<Committed> {
        let mut tasks = JoinSet::new();
        let mut done = Vec::with_capacity(batches.len());
        for (run, records) in batches {
            let Some(mut writer) = self.open.remove(&run) else { continue };
            tasks.spawn_blocking(move || {
                let mut result = writer.append(&records);
                if result.is_ok() && records.iter().any(|record| is_milestone(&record.event)) {
                    result = writer.sync();
                }
                (run, writer, records, result)
            });
        }
        while let Some(joined) = tasks.join_next().await {
            // A panic in the writer loses only its journal: the run counts as no longer owned.
            let Ok((run, writer, records, result)) = joined else { continue };
            self.open.insert(run, writer);
            done.push((run, records, result));
        }
        done
    }
}
