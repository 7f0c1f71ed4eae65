//! Hearing of other processes: [`Watch`] reports new run directories, growth of the journals it is told of, and of
//! `fleet.jsonl`.
//!
//! Notices of one run that nobody has taken yet are one notice, so what waits is bounded by the number of runs.

use super::store::{RunDir, Store, run_of};
use crate::loops::core::ids::RunId;
use crate::loops::notices::{Ear, Notices, writes};
use notify::{EventKind, RecursiveMode};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that another process wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// To `fleet.jsonl`.
    Fleet,
    /// To a run's journal, or the run is new.
    Run(RunId),
}

/// Why runs cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}: {source}; changes of other processes are not seen", path.display())]
pub struct WatchError {
    path: PathBuf,
    source: notify::Error,
}

/// Watches a state directory for as long as it lives.
#[derive(Debug)]
pub struct Watch {
    ear: Ear<Change>,
    followed: Followed,
}

/// What others wrote.
pub type Changes = Notices<Change>;

#[derive(Clone, Debug, Default)]
struct Followed(Arc<Mutex<BTreeSet<RunId>>>);

/// Starts to watch a store. New runs and fleet facts are reported at once; [`Watch::follow`] those whose growth matters.
///
/// # Errors
/// [`WatchError`], such as when the system's watches are used up.
pub fn watch(store: &Store) -> Result<(Watch, Changes), WatchError> {
    let (root, runs) = (store.root().to_owned(), store.runs_dir());
    let followed = Followed::default();
    let (of, store) = (followed.clone(), store.clone());
    let (mut ear, changes) = Ear::new(move |notice| match notice {
        Some((path, kind)) => concerns(&store, path, kind).into_iter().collect(),
        None => {
            let known = of.lock().clone();
            let runs = known.into_iter().chain(store.runs().unwrap_or_default());
            runs.map(Change::Run).chain([Change::Fleet]).collect()
        }
    })
    .map_err(failed(&runs))?;
    ear.listen(&runs, RecursiveMode::NonRecursive).map_err(failed(&runs))?;
    ear.listen(&root, RecursiveMode::NonRecursive).map_err(failed(&root))?;
    Ok((Watch { ear, followed }, changes))
}

fn failed(path: &Path) -> impl FnOnce(notify::Error) -> WatchError {
    let path = path.to_owned();
    move |source| WatchError { path, source }
}

impl Watch {
    /// Reports a run's growth, and the moment at which its writer lets go of it, from now on. Read the run after this
    /// call, not before, so that nothing falls between.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn follow(&mut self, dir: &RunDir) -> Result<(), WatchError> {
        self.ear.listen(dir.path(), RecursiveMode::NonRecursive).map_err(failed(dir.path()))?;
        self.followed.lock().insert(dir.run());
        Ok(())
    }

    /// Reports it no more.
    pub fn unfollow(&mut self, dir: &RunDir) {
        if self.followed.lock().remove(&dir.run()) {
            self.ear.leave(dir.path());
        }
    }
}

impl Followed {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        // Each holder leaves a set of ids behind, which is whole whatever happened to it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a notice is about, if it is to be reported: a new run directory, or a change of a journal or of the fleet's file.
fn concerns(store: &Store, path: &Path, kind: EventKind) -> Option<Change> {
    let changed = writes(kind);
    if path == store.fleet_file() {
        return changed.then_some(Change::Fleet);
    }
    let mut parts = path.strip_prefix(store.runs_dir()).ok()?.iter();
    let run = run_of(parts.next()?)?;
    let whole = match parts.next() {
        None => matches!(kind, EventKind::Create(_) | EventKind::Modify(notify::event::ModifyKind::Name(_))),
        Some(file) => file == "journal.jsonl",
    };
    (changed && whole).then_some(Change::Run(run))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::journal::follow::Follower;
    use crate::loops::journal::testing::{records, run, store, write};
    use crate::loops::journal::{JournalWriter, Lock, lock_of};
    use std::time::Duration;

    async fn next(changes: &mut Changes) -> RunId {
        match change(changes).await {
            Change::Run(run) => run,
            Change::Fleet => panic!("nobody wrote to it"),
        }
    }

    async fn change(changes: &mut Changes) -> Change {
        match tokio::time::timeout(Duration::from_secs(20), changes.next()).await {
            Ok(change) => change.unwrap(),
            Err(_) => panic!("no notice came"),
        }
    }

    #[tokio::test]
    async fn new_runs_growth_and_release_are_reported() {
        let (_root, store) = store();
        let (mut watch, mut changes) = watch(&store).unwrap();
        std::fs::create_dir(store.runs_dir().join("not-a-run")).unwrap();
        let dir = store.run_dir(run(1));
        let all = records(run(1), 30);
        write(&dir, &all[..1]);
        assert_eq!(next(&mut changes).await, run(1));
        watch.follow(&dir).unwrap();
        let mut follower = Follower::new(&dir);
        assert_eq!(follower.poll_new().unwrap(), all[..1]);
        let (mut writer, _) = JournalWriter::open(&dir).unwrap();
        let mut seen = 1;
        for record in &all[1..] {
            writer.append(std::slice::from_ref(record)).unwrap();
            while seen < record.seq as usize {
                assert_eq!(next(&mut changes).await, run(1));
                seen += follower.poll_new().unwrap().len();
            }
        }
        drop(writer);
        while lock_of(&dir).unwrap() != Lock::Free {
            assert_eq!(next(&mut changes).await, run(1));
        }
    }

    #[tokio::test]
    async fn facts_of_the_fleet_are_reported() {
        let (_root, store) = store();
        let (_watch, mut changes) = watch(&store).unwrap();
        let fact = crate::loops::journal::fleet::FleetFact::CapSet { cap: 2 };
        let record = crate::loops::journal::fleet::FleetRecord { at: crate::loops::core::ids::Millis(1), fact };
        crate::loops::journal::fleet::append(&store, &record).unwrap();
        assert_eq!(change(&mut changes).await, Change::Fleet);
    }

    /// The system gives notices in order, so what looking would have caused comes before the next run's.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn looking_causes_no_notice() {
        let (_root, store) = store();
        let (mut watch, mut changes) = watch(&store).unwrap();
        let dir = store.run_dir(run(1));
        let mut writer = JournalWriter::create(&dir).unwrap();
        watch.follow(&dir).unwrap();
        writer.append(&records(run(1), 9)).unwrap();
        write(&store.run_dir(run(2)), &records(run(2), 1));
        while next(&mut changes).await != run(2) {}
        let mut follower = Follower::new(&dir);
        for _ in 0..20 {
            follower.poll_new().unwrap();
            lock_of(&dir).unwrap();
            assert!(JournalWriter::open(&dir).is_err());
        }
        write(&store.run_dir(run(3)), &records(run(3), 1));
        assert_eq!(next(&mut changes).await, run(3));
        watch.unfollow(&dir);
        drop(watch);
        while changes.next().await.is_some() {}
    }

    #[test]
    fn only_changes_of_journals_and_new_runs_concern_anyone() {
        use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, ModifyKind};
        let (_root, store) = store();
        let runs = store.runs_dir();
        let dir = runs.join(run(1).to_string());
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let create = EventKind::Create(CreateKind::Any);
        let open = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let of = |path: &Path, kind| concerns(&store, path, kind);
        let run = |n| Change::Run(run(n));
        assert_eq!(of(&dir, create), Some(run(1)));
        assert_eq!(of(&dir.join("journal.jsonl"), write), Some(run(1)));
        assert_eq!(of(&dir.join("journal.jsonl"), close), Some(run(1)));
        assert_eq!(of(&dir.join("journal.jsonl"), open), None);
        assert_eq!(of(&dir.join("summary.json"), write), None);
        assert_eq!(of(&dir, open), None);
        assert_eq!(of(&runs.join("junk"), create), None);
        assert_eq!(of(Path::new("/elsewhere"), create), None);
        assert_eq!(of(&store.fleet_file(), write), Some(Change::Fleet));
        assert_eq!(of(&store.fleet_file(), open), None);
    }
}
