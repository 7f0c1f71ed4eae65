//! What runs there are besides this engine's own: [`Scanned`] at the start, and what other loopdash processes write.
//!
//! The store is read and followed beside the engine's task; what is found comes back to it as a message.

use super::prepare::AfterAdopt;
use super::task::{Engine, Inner};
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::ids::RunId;
use crate::loops::core::state::RunState;
use crate::loops::journal::summary::write_summary;
use crate::loops::journal::{self, RunDir, Store};
use std::time::{Duration, SystemTime};

/// Finished runs older than this are not shown; `loopdash list --all` has them.
const RECENT: Duration = Duration::from_secs(24 * 60 * 60);

/// What the store held at the start.
pub(super) struct Scanned {
    pub runs: Vec<FleetRun>,
    pub trouble: Option<String>,
}

impl Engine {
    /// Reads the store off the engine's task, then comes back as [`Inner::Scanned`].
    pub(super) fn spawn_scan(&self) {
        let store = self.config.store.clone();
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            let scanned = tokio::task::spawn_blocking(move || scan(&store)).await.unwrap_or_else(|_| Scanned {
                runs: Vec::new(),
                trouble: Some("the state directory could not be read; see the log".to_owned()),
            });
            let _ = inner.send(Inner::Scanned(scanned)).await;
        });
    }

    pub(super) fn scanned(&mut self, scanned: Scanned) {
        self.loading = false;
        if scanned.trouble.is_some() {
            self.tell(super::handle::Update::Trouble(scanned.trouble));
        }
        for entry in scanned.runs {
            let run = entry.state.id;
            if self.ledger.owns(run) {
                continue;
            }
            // One that is over may have been scrapped or brought back just then, which can be asked for again.
            let readable = entry.ownership == Ownership::Nobody && entry.problem.is_none();
            let abandoned = readable && (entry.state.is_live() || entry.state.active.is_some());
            self.put(entry);
            if abandoned {
                self.recovering.insert(run);
                self.spawn_adopt(run, AfterAdopt::Release);
            }
        }
        if self.recovering.is_empty() {
            self.tell(super::handle::Update::Loaded);
            self.look_for_all_collisions();
        }
        self.listen_to_others();
    }

    /// Follows the journals of other loopdash processes from now on.
    fn listen_to_others(&mut self) {
        let (watch, mut changes) = match journal::watch::watch(&self.config.store) {
            Ok(both) => both,
            Err(error) => {
                tracing::warn!(%error, "other loopdash processes are not followed");
                return;
            }
        };
        self.watch = Some(watch);
        let others: Vec<RunId> =
            self.fleet.runs.values().filter(|run| is_others(run)).map(|run| run.state.id).collect();
        for run in others {
            self.touched(run);
        }
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            while let Some(change) = changes.next().await {
                if inner.send(Inner::Touched(change)).await.is_err() {
                    break;
                }
            }
        });
    }

    fn follow(&mut self, run: RunId) {
        let dir = self.config.store.run_dir(run);
        if let Some(Err(error)) = self.watch.as_mut().map(|watch| watch.follow(&dir)) {
            tracing::warn!(%run, %error, "not followed");
        }
    }

    fn unfollow(&mut self, run: RunId) {
        let dir = self.config.store.run_dir(run);
        if let Some(watch) = &mut self.watch {
            watch.unfollow(&dir);
        }
    }

    /// A run that is not owned here was read anew.
    pub(super) fn foreign(&mut self, run: RunId, entry: Option<Box<FleetRun>>) {
        if self.reading.remove(&run).unwrap_or_default() {
            self.touched(run);
        }
        let Some(entry) = entry.filter(|_| !self.ledger.owns(run)) else { return };
        // Without its first event it is no run yet; it is followed, and what comes next is heard.
        if entry.state.spec.is_none() {
            return;
        }
        if !is_others(&entry) {
            self.unfollow(run);
        }
        let snapshot = |state: &RunState| state.last_snapshot().map(|snapshot| snapshot.commit.clone());
        let before = self.fleet.state(run).and_then(snapshot);
        let (over, moved) = (entry.state.is_finished(), snapshot(&entry.state) != before);
        self.put(*entry);
        match (over, moved) {
            (true, _) => {
                self.forget_collisions(run);
                self.look_if_landed(run);
            }
            (false, true) => self.look_for_collisions(run),
            (false, false) => {}
        }
    }

    /// Somebody wrote to a run: if it is not one of mine, its journal is read again. It is followed before it is read, so
    /// that nothing falls between; what comes while it is read has it read once more.
    pub(super) fn touched(&mut self, run: RunId) {
        if self.ledger.owns(run) {
            return self.unfollow(run);
        }
        if let Some(again) = self.reading.get_mut(&run) {
            *again = true;
            return;
        }
        self.reading.insert(run, false);
        self.follow(run);
        let dir = self.config.store.run_dir(run);
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            let entry = tokio::task::spawn_blocking(move || look_at(&dir)).await.ok();
            let _ = inner.send(Inner::Foreign(run, entry.map(Box::new))).await;
        });
    }
}

const fn is_others(run: &FleetRun) -> bool {
    matches!(run.ownership, Ownership::Other { .. })
}

/// A run as its journal and its lock say, without taking it.
fn look_at(dir: &RunDir) -> FleetRun {
    let mut state = RunState::new(dir.run());
    let problem = journal::replay_into(dir, |record| state.apply(&record)).err().map(|error| error.to_string());
    let ownership = match journal::lock_of(dir) {
        Ok(journal::Lock::Held(owner)) => Ownership::Other { pid: owner.map(|owner| owner.pid) },
        _ => Ownership::Nobody,
    };
    FleetRun { state, ownership, problem }
}

fn scan(store: &Store) -> Scanned {
    let ids = match store.runs() {
        Ok(ids) => ids,
        Err(error) => return Scanned { runs: Vec::new(), trouble: Some(error.to_string()) },
    };
    let looked = ids.into_iter().map(|id| store.run_dir(id)).filter(is_shown).map(|dir| {
        let run = look_at(&dir);
        // Whoever finished it found no room for its summary, or died before.
        if run.state.is_finished()
            && run.ownership == Ownership::Nobody
            && run.problem.is_none()
            && !dir.summary().exists()
            && let Err(error) = write_summary(&dir, &run.state)
        {
            tracing::warn!(run = %run.state.id, %error, "summary not written");
        }
        run
    });
    // A directory whose loopdash died before `submitted` was durable holds no run.
    let runs = looked.filter(|run| run.state.spec.is_some() || run.problem.is_some()).collect();
    Scanned { runs, trouble: None }
}

/// Unfinished runs are shown, and those that finished lately; a summary marks a finished run without reading it.
fn is_shown(dir: &RunDir) -> bool {
    let finished = std::fs::metadata(dir.summary()).and_then(|meta| meta.modified());
    let age = |at: SystemTime| SystemTime::now().duration_since(at).unwrap_or_default();
    finished.map_or(true, |at| age(at) < RECENT)
}
