//! All runs of a state directory, folded: [`scan`] opens what can be opened and says what cannot.
//!
//! It reads several journals at once, locks none, and lets no damaged run keep the others from view.

use super::error::JournalError;
use super::owner::{Lock, lock_of};
use super::replay::{Extent, replay_into};
use super::store::{RunDir, Store, StoreError};
use crate::loops::core::ids::RunId;
use crate::loops::core::state::RunState;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was found of one run.
#[derive(Debug)]
pub struct Scan {
    /// Where it lies.
    pub dir: RunDir,
    /// Its fold, up to where its journal could be read.
    pub state: RunState,
    /// How far the journal goes, or why it cannot be read: then the state is for looking only.
    pub result: Result<Extent, JournalError>,
    /// Whether a live writer has it, this process included.
    pub lock: Lock,
}

/// Reads all runs, oldest first. A directory without a journal is none.
///
/// # Errors
/// [`StoreError::NotReadable`]; what is wrong with a run is in its [`Scan::result`].
pub fn scan(store: &Store) -> Result<Vec<Scan>, StoreError> {
    let runs = store.runs()?;
    let readers = std::thread::available_parallelism().map_or(1, NonZero::get).min(runs.len()).clamp(1, 4);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(scan_run(store, *run));
        }
        found
    };
    let mut found: Vec<Scan> = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..readers).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for handle in handles {
            all.extend(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    found.sort_unstable_by_key(|scan| scan.dir.run());
    Ok(found)
}

/// Reads one run; `None` if it has no journal, or one that no run was ever submitted to: its loopdash died while it made
/// it, and there is nothing to go on with.
pub fn scan_run(store: &Store, run: RunId) -> Option<Scan> {
    let dir = store.run_dir(run);
    let mut state = RunState::new(run);
    // The lock first: a run that is let go in between then counts as held, and the notice of its release corrects it.
    let lock = lock_of(&dir);
    let result = replay_into(&dir, |record| state.apply(&record));
    let (lock, result) = match (lock, result) {
        (_, Err(JournalError::Io { source, .. })) if source.kind() == io::ErrorKind::NotFound => return None,
        (Err(error), Ok(_)) => (Lock::Held(None), Err(error)),
        (_, Ok(_)) if state.spec.is_none() => return None,
        (lock, result) => (lock.unwrap_or(Lock::Held(None)), result),
    };
    Some(Scan { dir, state, result, lock })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::journal::JournalWriter;
    use crate::loops::journal::testing::{bytes, life, plant, records, run, store, write};

    #[test]
    fn one_damaged_run_leaves_the_others_open() {
        let (_root, store) = store();
        for n in 1..=20 {
            write(&store.run_dir(run(n)), &life(run(n)));
        }
        let mut damaged = bytes(&life(run(7)));
        let half = damaged.len() / 2;
        damaged[half] ^= 1;
        plant(&store.run_dir(run(7)), &damaged);
        plant(&store.run_dir(run(8)), &bytes(&records(run(9), 3)));
        plant(&store.run_dir(run(9)), b"");
        std::fs::create_dir(store.run_dir(run(30)).path()).unwrap();
        let (held, _) = JournalWriter::open(&store.run_dir(run(3))).unwrap();
        let found = scan(&store).unwrap();
        let ids: Vec<_> = found.iter().map(|scan| scan.dir.run()).collect();
        let submitted: Vec<_> = (1..=20).filter(|n| *n != 9).map(run).collect();
        assert_eq!(ids, submitted, "an empty journal is no run");
        for scan in &found {
            let id = scan.dir.run();
            assert_eq!(scan.result.is_err(), id == run(7) || id == run(8), "{id}");
            assert_eq!(scan.lock != Lock::Free, id == run(3), "{id}");
            if scan.result.is_ok() {
                assert_eq!(scan.state, RunState::replay(id, &life(id)));
                assert!(scan.state.is_finished());
            }
        }
        assert!(found[6].state.spec.is_some(), "what can be read of a damaged run is there to be looked at");
        drop(held);
    }

    #[test]
    fn a_store_that_does_not_exist_has_no_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(scan(&Store::view(&dir.path().join("none")).unwrap()).unwrap().is_empty());
    }
}
