//! `test-state.json` on disk: written as tests change, looked at for new tests before each iteration.
//!
//! loopdash alone decides what a test's state is; what somebody edits by hand is taken up if it is a new test, and
//! reported otherwise.

use crate::loops::core::event::{Event, Noted, TestAdded};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::state::RunState;
use crate::loops::core::test_state::{TestFile, TestSpec, merge};
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio_util::task::TaskTracker;

/// The test files of the runs in hand.
#[derive(Debug, Default)]
pub(super) struct TestFiles {
    files: HashMap<RunId, Arc<Mutex<OnDisk>>>,
}

/// What is known of a file. The lock is held by the one blocking task that touches the file, never across an await.
#[derive(Debug, Default)]
struct OnDisk {
    /// What the file should hold, until it is written; the newest wins.
    wanted: Option<Vec<TestSpec>>,
    /// What loopdash last wrote of its own: what an edit is told from, however far the run has come since.
    written: Option<Vec<TestSpec>>,
    /// Its time when loopdash last wrote or read it.
    seen: Option<SystemTime>,
    /// Tests found in it that the run does not have yet.
    added: Vec<TestSpec>,
    /// Sentences about hand edits, to be told.
    telling: Vec<String>,
    /// Sentences that were told.
    told: BTreeSet<String>,
    /// Whether the file cannot be read as it is; it is then left alone.
    unreadable: bool,
    /// Whether the new file that a kill may have left half-written was looked for.
    tidied: bool,
}

impl OnDisk {
    /// Reads what somebody changed, then writes what is wanted: in this order, so that a hand edit is never overwritten
    /// unread.
    fn sync(&mut self, path: &Path, run: RunId, live: &[TestSpec]) {
        if !std::mem::replace(&mut self.tidied, true) {
            let _ = std::fs::remove_file(beside(path, run));
        }
        let found = modified(path);
        if found != self.seen {
            self.seen = found;
            self.read(path, live);
        }
        let Some(own) = self.wanted.take_if(|_| !self.unreadable) else { return };
        let mut tests = own.clone();
        tests.extend(self.added.iter().cloned());
        self.written = Some(own);
        match replace(path, run, &TestFile { version: 1, tests }.to_json()) {
            Ok(()) => self.seen = modified(path),
            Err(error) => self.tell(format!("{} was not written: {error}", path.display())),
        }
    }

    fn read(&mut self, path: &Path, live: &[TestSpec]) {
        self.unreadable = false;
        match std::fs::read_to_string(path).map(|text| TestFile::parse(&text)) {
            Ok(Ok(file)) => {
                let change = merge(&file, self.written.as_deref().unwrap_or(live));
                self.added = change.added;
                self.added.retain(|new| live.iter().all(|test| test.id != new.id));
                change.ignored.into_iter().for_each(|sentence| self.tell(sentence));
            }
            Ok(Err(errors)) => {
                self.unreadable = true;
                self.tell(format!("{} cannot be read and is left alone until it can: {errors}", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.tell(format!("{} was not read: {error}", path.display())),
        }
    }

    fn tell(&mut self, sentence: String) {
        if self.told.insert(sentence.clone()) {
            self.telling.push(sentence);
        }
    }
}

impl TestFiles {
    /// Writes the run's tests, off the async threads; a write that is overtaken by a newer one is left out.
    pub(super) fn write(&mut self, run: &RunState, tracker: &TaskTracker) {
        let Some((path, disk)) = self.file(run) else { return };
        let (id, live) = (run.id, run.tests.clone());
        lock(&disk).wanted = Some(live.clone());
        tracker.spawn_blocking(move || lock(&disk).sync(&path, id, &live));
    }

    /// What the file says that the run does not know yet: tests to add, hand edits to report.
    pub(super) async fn look(&mut self, run: &RunState) -> Vec<Event> {
        let Some((path, disk)) = self.file(run) else { return Vec::new() };
        let (id, live) = (run.id, run.tests.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let mut disk = lock(&disk);
            disk.sync(&path, id, &live);
            let added =
                std::mem::take(&mut disk.added).into_iter().map(|test| TestAdded { test, who: Who::File }.into());
            let told = std::mem::take(&mut disk.telling).into_iter().map(|text| Noted { text }.into());
            added.chain(told).collect()
        });
        looked.await.unwrap_or_default()
    }

    fn file(&mut self, run: &RunState) -> Option<(PathBuf, Arc<Mutex<OnDisk>>)> {
        let path = PathBuf::from(run.spec.as_ref()?.tests_file.as_ref()?);
        Some((path, Arc::clone(self.files.entry(run.id).or_default())))
    }
}

fn lock(disk: &Mutex<OnDisk>) -> std::sync::MutexGuard<'_, OnDisk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// The new file before it takes the old one's place. Always the same one for a run, so that a kill in between leaves one
/// that the run's next start finds and removes: it lies in the operator's repository.
fn beside(path: &Path, run: RunId) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{run}.new"))
}

/// Replaces the file in one step: a new file in the same directory, then a rename.
fn replace(path: &Path, run: RunId, text: &str) -> std::io::Result<()> {
    let new = beside(path, run);
    // Left by a kill; the name is this run's alone.
    let _ = std::fs::remove_file(&new);
    let name = new.file_name().unwrap_or_default();
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(name).rand_bytes(0).tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let Ok(meta) = std::fs::metadata(path) {
        file.as_file().set_permissions(meta.permissions())?;
    }
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_left_half_written_goes_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tests.json");
        let run = RunId::parse("01935b1e-0000-7000-8000-000000000001").unwrap();
        let names = || std::fs::read_dir(dir.path()).unwrap().count();
        std::fs::write(beside(&path, run), "{\"vers").unwrap();
        replace(&path, run, "{}").unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("{}", 1));
        std::fs::write(beside(&path, run), "{\"vers").unwrap();
        OnDisk::default().sync(&path, run, &[]);
        assert_eq!(names(), 1);
    }
}
