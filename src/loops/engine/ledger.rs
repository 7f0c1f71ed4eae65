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
        let mut runs = HashMap::new();
        let mut done = Vec::with_capacity(batches.len());
        for (run, records) in batches {
            let Some(mut writer) = self.open.remove(&run) else {
                done.push((run, records, Err(JournalError::Lost { run, why: "its journal is not open here" })));
                continue;
            };
            let task = tasks.spawn_blocking(move || {
                let mut result = writer.append(&records);
                if result.is_ok() && records.iter().any(|record| is_milestone(&record.event)) {
                    result = writer.sync();
                }
                (run, writer, records, result)
            });
            runs.insert(task.id(), run);
        }
        while let Some(joined) = tasks.join_next().await {
            match joined {
                Ok((run, writer, records, result)) => {
                    self.open.insert(run, writer);
                    done.push((run, records, result));
                }
                // A panic in the writer loses only its journal: the run is no longer owned.
                Err(gone) => {
                    let why = "writing its journal panicked, see the log";
                    let lost =
                        runs.get(&gone.id()).map(|run| (*run, Vec::new(), Err(JournalError::Lost { run: *run, why })));
                    done.extend(lost);
                }
            }
        }
        done
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::event::Noted;
    use crate::loops::core::ids::Millis;
    use crate::loops::journal::{RunDir, Store};

    #[tokio::test]
    async fn what_nobody_can_write_is_not_said_to_be_written() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let [here, gone] = [1, 2].map(|n| RunId::new(uuid::Uuid::from_u128(n)));
        let mut ledger = Ledger::default();
        let dir: RunDir = store.run_dir(here);
        ledger.insert(here, JournalWriter::create(&dir).unwrap());
        let note = |run| Record { seq: 1, at: Millis(1), run, event: Noted { text: "x".to_owned() }.into() };
        let mut done = ledger.commit(vec![(gone, vec![note(gone)]), (here, vec![note(here)])]).await;
        done.sort_by_key(|(run, ..)| *run);
        assert!(matches!(done[0], (run, _, Ok(())) if run == here));
        assert!(matches!(done[1], (run, _, Err(JournalError::Lost { .. })) if run == gone), "{done:?}");
    }
}
