//! What could not be written: a journal's batch or a summary that waits for room on the disk, and a journal that is given up.
//!
//! A batch that a full disk refused is kept whole and in order; nothing of it is acted on before it is written.

use super::handle::Update;
use super::report::Wish;
use super::task::{Engine, Inner};
use crate::loops::core::event::Record;
use crate::loops::core::fleet::Ownership;
use crate::loops::core::ids::RunId;
use crate::loops::core::state::RunState;
use crate::loops::journal::JournalError;
use crate::loops::journal::summary::write_summary;

impl Engine {
    /// Whether something is to be tried again.
    pub(super) fn waits_for_room(&self) -> bool {
        !self.full.is_empty() || !self.unsummed.is_empty()
    }

    pub(super) fn not_committed(&mut self, run: RunId, records: Vec<Record>, error: JournalError) {
        tracing::error!(%run, %error, "journal not written");
        if matches!(error, JournalError::Full { .. }) && !self.hurries {
            self.full.insert(run, records);
            self.short.insert(run, error.to_string());
            self.tell_shortage();
            return;
        }
        self.give_up(run, &error.to_string());
    }

    /// Lets go of a run whose journal takes nothing more: it stands as its journal does, and may be taken up from there.
    pub(super) fn give_up(&mut self, run: RunId, why: &str) {
        self.starting.remove(&run);
        self.wish(run, if self.hurries { Wish::Kill } else { Wish::Stop });
        self.recovered(run);
        drop(self.ledger.release(run));
        // A late word of a step must not speak for whoever has taken the run up since, nor hide the first reason.
        if let Some(entry) = self.fleet.runs.get_mut(&run).filter(|entry| entry.ownership == Ownership::Mine) {
            entry.ownership = Ownership::Nobody;
            entry.problem = Some(why.to_owned());
            let entry = entry.clone();
            self.tell(Update::Run(Box::new(entry)));
        }
    }

    /// Waits no longer for room: runs end where their journals do.
    pub(super) fn forsake_full(&mut self) {
        for run in std::mem::take(&mut self.full).into_keys() {
            self.give_up(run, "loopdash was ended before there was room for its journal");
        }
    }

    /// Tries again what a full disk refused.
    pub(super) async fn retry_full(&mut self) {
        let batches: Vec<_> = std::mem::take(&mut self.full).into_iter().collect();
        for (run, records, result) in self.ledger.commit(batches).await {
            self.short.remove(&run);
            match result {
                Ok(()) => self.committed(run, records),
                Err(error) => self.not_committed(run, records, error),
            }
        }
        for run in std::mem::take(&mut self.unsummed) {
            self.short.remove(&run);
            self.sum_up(run);
        }
        self.tell_shortage();
    }

    /// A finished run is nobody's, and its summary is written; a summary is derived, so that nothing is lost if a run is
    /// reopened meanwhile.
    pub(super) fn finish(&mut self, run: RunId) {
        self.release(run);
        self.forget_collisions(run);
        self.look_if_landed(run);
        self.sum_up(run);
    }

    fn sum_up(&self, run: RunId) {
        let dir = self.config.store.run_dir(run);
        let tell = self.inner_in.clone();
        let Some(state) = self.fleet.state(run).filter(|state| state.is_finished()).cloned() else { return };
        self.tracker.spawn_blocking(move || {
            let result = write_summary(&dir, &state);
            // At the very end nobody reads this any more; the next start writes what is not there.
            let _ = tell.try_send(Inner::Summarised(run, result));
        });
    }

    pub(super) fn summarised(&mut self, run: RunId, result: Result<(), JournalError>) {
        let Err(error) = result else { return };
        tracing::error!(%run, %error, "summary not written");
        if error.is_full() {
            if self.fleet.state(run).is_some_and(RunState::is_finished) {
                self.unsummed.insert(run);
                self.short.insert(run, format!("its summary is not written: {error}"));
                self.tell_shortage();
            }
            return;
        }
        self.tell(Update::Trouble(Some(format!("the summary of a finished run could not be written: {error}"))));
    }
}
