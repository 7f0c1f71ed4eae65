//! Notices of the file system, never a timer: an [`Ear`] hears what is written where it listens, and makes of it what its
//! owner means; [`Notices`] hands that on. What nobody has taken yet waits once, however often it was heard.

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Hears for as long as it lives.
#[derive(Debug)]
pub(super) struct Ear<T> {
    watcher: RecommendedWatcher,
    shared: Arc<Shared<T>>,
}

/// Where an [`Ear`] puts what it hears.
#[derive(Debug)]
pub struct Notices<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    waiting: Mutex<Waiting<T>>,
    ready: Notify,
}

#[derive(Debug)]
struct Waiting<T> {
    heard: BTreeSet<T>,
    closed: bool,
}

impl<T: Ord + Send + 'static> Ear<T> {
    /// An ear that listens nowhere yet. `means` tells of a path and what happened there what is to be handed on; without
    /// a path, notices were lost, and everything may have changed.
    ///
    /// # Errors
    /// No thread, no descriptor or no watch is left.
    pub(super) fn new(
        mut means: impl FnMut(Option<(&Path, EventKind)>) -> Vec<T> + Send + 'static,
    ) -> notify::Result<(Self, Notices<T>)> {
        let waiting = Mutex::new(Waiting { heard: BTreeSet::new(), closed: false });
        let shared = Arc::new(Shared { waiting, ready: Notify::new() });
        let hear = Arc::clone(&shared);
        let watcher = watcher(move |notice| {
            hear.add(match notice {
                Ok(notice) if !notice.need_rescan() => {
                    notice.paths.iter().flat_map(|path| means(Some((path, notice.kind)))).collect()
                }
                _ => means(None),
            });
        })?;
        Ok((Self { watcher, shared: Arc::clone(&shared) }, Notices { shared }))
    }

    /// Hears of this path from now on.
    ///
    /// # Errors
    /// It is not there, or no watch is left.
    pub(super) fn listen(&mut self, path: &Path, mode: RecursiveMode) -> notify::Result<()> {
        self.watcher.watch(path, mode)
    }

    /// Hears of it no more.
    pub(super) fn leave(&mut self, path: &Path) {
        // A directory that is gone has taken its watch with it.
        let _gone = self.watcher.unwatch(path);
    }
}

impl<T> Drop for Ear<T> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_one();
    }
}

impl<T: Ord> Notices<T> {
    /// The next thing that was heard, the least first; `None` once the ear is gone and all is taken. Nothing is lost if
    /// this is dropped while it waits.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            {
                let mut waiting = self.shared.lock();
                if let Some(heard) = waiting.heard.pop_first() {
                    return Some(heard);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.shared.ready.notified().await;
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting<T>> {
        // Each holder leaves a set behind, which is whole whatever happened to it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Ord> Shared<T> {
    fn add(&self, heard: Vec<T>) {
        let mut waiting = self.lock();
        let before = waiting.heard.len();
        waiting.heard.extend(heard);
        if waiting.heard.len() > before {
            drop(waiting);
            self.ready.notify_one();
        }
    }
}

/// Whether something was written. Opening and reading are not, or each look would cause the next.
pub(super) const fn writes(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if !matches!(access, AccessKind::Close(AccessMode::Write)))
}

/// `notify` hears on a thread of its own, and aborts the process where that thread cannot be started.
fn watcher(hear: impl FnMut(notify::Result<Event>) + Send + 'static) -> notify::Result<RecommendedWatcher> {
    // One that comes and goes tells whether the next one can be started.
    let probe = std::thread::Builder::new().name("room".to_owned()).spawn(|| ()).map_err(notify::Error::io)?;
    let _ = probe.join();
    notify::recommended_watcher(hear)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn what_was_heard_often_waits_once() {
        let (ear, mut notices) = Ear::new(|_| vec![0]).unwrap();
        for n in [2, 1, 2, 2, 1] {
            ear.shared.add(vec![n]);
        }
        assert_eq!(notices.next().await, Some(1));
        ear.shared.add(vec![1, 3]);
        drop(ear);
        let mut rest = Vec::new();
        while let Some(n) = notices.next().await {
            rest.push(n);
        }
        assert_eq!(rest, [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_write_is_heard_and_a_place_that_was_left_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (left, kept) = (dir.path().join("left"), dir.path().join("kept"));
        for place in [&left, &kept] {
            std::fs::create_dir(place).unwrap();
        }
        let (mut ear, mut notices) = Ear::new(|notice| {
            notice.filter(|(_, kind)| writes(*kind)).map(|(path, _)| path.to_owned()).into_iter().collect()
        })
        .unwrap();
        ear.listen(&left, RecursiveMode::NonRecursive).unwrap();
        ear.listen(&kept, RecursiveMode::NonRecursive).unwrap();
        assert!(ear.listen(&dir.path().join("none"), RecursiveMode::NonRecursive).is_err());
        ear.leave(&left);
        std::fs::write(left.join("a"), "a").unwrap();
        std::fs::write(kept.join("b"), "b").unwrap();
        assert_eq!(notices.next().await.unwrap(), kept.join("b"));
    }
}
