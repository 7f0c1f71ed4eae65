//! Writing a journal: [`JournalWriter`] owns one run and appends its records in batches.
//!
//! The order for whoever uses it: append a batch, sync if [`is_milestone`] holds for any of it, then act on it.

use super::error::JournalError;
use super::line::{MAX_LINE, seal};
use super::owner::{self, Lock};
use super::replay::{Extent, Replay, Torn, scan};
use super::store::{RunDir, make_dirs, private_options, require_file, sync_dir};
use super::tail::{Refusal, Tail};
use super::withheld::Withheld;
use crate::loops::core::event::{Event, Record};
use crate::loops::core::record::encode;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

/// Whether an event must be on disk before anything is done about it.
///
/// Four need not be. `noted` changes nothing, `signal` and `lock_awaited` only what is shown of a step that a crash would end. `spawned` helps to find a process that outlived a crash of loopdash,
/// and such a crash loses no written byte, synced or not; a crash of the whole machine, which may, takes the process
/// with it. Every other event is a promise to the operator or the ground of the next step, and a new type is one until
/// it is shown not to be.
pub const fn is_milestone(event: &Event) -> bool {
    !matches!(event, Event::Spawned(_) | Event::Signal(_) | Event::LockAwaited(_) | Event::Noted(_))
}

/// The one writer of a run's journal. It holds the run's lock until it is dropped or its process ends.
#[derive(Debug)]
pub struct JournalWriter {
    dir: RunDir,
    tail: Tail<File>,
    next_seq: u64,
    batch: Vec<u8>,
    withheld: Withheld,
}

impl JournalWriter {
    /// Begins a run: makes its directory and an empty journal, durably, and takes the lock.
    ///
    /// # Errors
    /// [`JournalError::Exists`] if the run was already begun, [`JournalError::Io`] and [`JournalError::Owned`].
    pub fn create(dir: &RunDir) -> Result<Self, JournalError> {
        let path = dir.journal();
        make_dirs(dir.path()).map_err(JournalError::io("make", dir.path()))?;
        dir.require()?;
        let file = private_options().read(true).append(true).create_new(true).open(&path).map_err(|error| {
            // Unless something is in it, which is another's then.
            let _ = fs::remove_dir(dir.path());
            match error.kind() {
                io::ErrorKind::AlreadyExists => JournalError::Exists { path: dir.path().to_owned() },
                _ => JournalError::io("make", &path)(error),
            }
        })?;
        let durably = || {
            owner::take(dir, &file)?;
            sync_dir(dir.path())?;
            dir.path().parent().map_or(Ok(()), sync_dir)
        };
        durably().inspect_err(|_| unmake(dir))?;
        Ok(Self::at(dir, file, &Extent::start()))
    }

    /// Takes a run back that was begun and that nothing was written of, so that nothing of it stays on the disk.
    pub fn unmake(self) {
        if self.next_seq == Extent::start().next_seq {
            unmake(&self.dir);
        }
    }

    /// Takes over an existing run: locks it, reads it whole, and cuts off a torn tail, which goes to `journal.torn`.
    ///
    /// # Errors
    /// [`JournalError::Owned`] while another writer lives; [`JournalError::Newer`] and [`JournalError::Damaged`], in
    /// which case not a byte is changed; [`JournalError::Io`].
    pub fn open(dir: &RunDir) -> Result<(Self, Replay), JournalError> {
        let mut records = Vec::new();
        let (writer, extent) = Self::open_into(dir, |record| records.push(record))?;
        Ok((writer, Replay { records, extent }))
    }

    /// As [`open`](Self::open), handing each record to `each` instead of keeping them all.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_into(dir: &RunDir, each: impl FnMut(Record)) -> Result<(Self, Extent), JournalError> {
        let path = dir.journal();
        // Asked before it is opened for writing, which would block on a FIFO, and whose end others take for a release.
        if let Lock::Held(owner) = owner::lock_of(dir)? {
            return Err(JournalError::Owned { run: dir.run(), owner });
        }
        let mut file =
            private_options().read(true).append(true).open(&path).map_err(JournalError::io("open", &path))?;
        require_file(&file, &path)?;
        owner::take(dir, &file)?;
        if dir.suspect().exists() {
            rewrite(dir).map_err(JournalError::io("rewrite", &path))?;
        }
        let mut extent = Extent::start();
        scan(&path, dir.run(), &mut file, &mut extent, each)?;
        if let Some(found) = extent.newer {
            return Err(JournalError::Newer { path, found });
        }
        if let Some(torn) = extent.torn {
            repair(dir, &mut file, torn)?;
        }
        Ok((Self::at(dir, file, &extent), extent))
    }

    fn at(dir: &RunDir, file: File, extent: &Extent) -> Self {
        let tail = Tail::new(file, extent.good_len);
        let withheld = Withheld::beside(&dir.journal());
        Self { dir: dir.clone(), tail, next_seq: extent.next_seq, batch: Vec::new(), withheld }
    }

    /// Where the run lies.
    pub const fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The number that the next record must have.
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Bytes in the journal.
    pub const fn bytes(&self) -> u64 {
        self.tail.len()
    }

    /// Whether an earlier failure has closed it for writing.
    pub const fn poisoned(&self) -> bool {
        self.tail.poisoned()
    }

    /// Appends a batch in one write; all of it or nothing.
    ///
    /// # Errors
    /// [`JournalError::Full`]: nothing was kept, the same batch may be tried again when there is room.
    /// [`JournalError::OutOfOrder`] and [`JournalError::Unfit`]: the batch itself is wrong, nothing was written.
    /// [`JournalError::Failed`] once and [`JournalError::Poisoned`] from then on: the writer is of no more use.
    pub fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let run = self.dir.run();
        let mut next = self.next_seq;
        self.batch.clear();
        for record in records {
            if record.seq != next || record.run != run {
                let (path, found) = (self.dir.journal(), record.seq);
                return Err(JournalError::OutOfOrder { path, run: record.run, found, expected: next });
            }
            let written = self.withheld.withhold(record).map_err(|source| self.unkept(source))?;
            let json =
                encode(&written).map_err(|error| JournalError::Unfit { seq: record.seq, why: error.to_string() })?;
            let start = self.batch.len();
            seal(&json, &mut self.batch);
            let bytes = self.batch.len() - start;
            if bytes > MAX_LINE {
                let why = format!("its line of {bytes} bytes is longer than {MAX_LINE}");
                return Err(JournalError::Unfit { seq: record.seq, why });
            }
            next += 1;
        }
        let written = self.tail.append(&self.batch);
        // A batch that carried a huge objective should not hold its memory for the rest of the run.
        self.batch.shrink_to(64 << 10);
        written.map_err(|refusal| self.refused("append to", refusal))?;
        self.next_seq = next;
        Ok(())
    }

    /// Makes everything appended so far durable. Costs nothing when nothing is new.
    ///
    /// # Errors
    /// [`JournalError::Failed`] and [`JournalError::Poisoned`]: what was appended since the last sync may be lost, and
    /// must not be acted on.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.tail.sync().map_err(|refusal| self.refused("sync", refusal))
    }

    /// What becomes of a batch whose secrets cannot be kept beside the journal. None of it was written.
    fn unkept(&self, source: io::Error) -> JournalError {
        let path = self.withheld.path().to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::Full { path, source },
            _ => JournalError::Failed { doing: "write", path, source },
        }
    }

    fn refused(&self, doing: &'static str, refusal: Refusal) -> JournalError {
        let path = self.dir.journal();
        match refusal {
            Refusal::Full(source) => JournalError::Full { path, source },
            Refusal::Failed(source) => {
                // If this cannot be written either, the disk is gone, and the next start will not find the run.
                let _ = private_options().write(true).create(true).truncate(false).open(self.dir.suspect());
                JournalError::Failed { doing, path, source }
            }
            Refusal::Poisoned => JournalError::Poisoned { path },
        }
    }
}

/// Writes a journal over itself. After a failed sync the system may take bytes for stored that are not: it shows them
/// until it needs their memory, and a second sync passes over them. Written anew, they are synced for good or not at all.
fn rewrite(dir: &RunDir) -> io::Result<()> {
    // Opened for it: through a descriptor for appending, whatever is written goes to the end.
    let file = private_options().read(true).write(true).open(dir.journal())?;
    let mut piece = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let read = file.read_at(&mut piece, at)?;
        if read == 0 {
            break;
        }
        file.write_all_at(piece.get(..read).unwrap_or_default(), at)?;
        at += read as u64;
    }
    file.sync_all()?;
    std::fs::remove_file(dir.suspect())
}

/// Moves a torn tail out of the journal. The copy is durable before the cut, so no crash loses the bytes.
fn repair(dir: &RunDir, journal: &mut File, torn: Torn) -> Result<(), JournalError> {
    let aside = dir.torn();
    let mut copy = || -> io::Result<()> {
        journal.seek(SeekFrom::Start(torn.offset))?;
        let mut kept = private_options().append(true).create(true).open(&aside)?;
        io::copy(&mut Read::by_ref(journal).take(torn.bytes), &mut kept)?;
        kept.write_all(b"\n")?;
        kept.sync_all()
    };
    copy().map_err(JournalError::io("write", &aside))?;
    sync_dir(dir.path())?;
    let path = dir.journal();
    journal.set_len(torn.offset).and_then(|()| journal.sync_all()).map_err(JournalError::io("repair", &path))
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        owner::release(self.tail.disk());
    }
}

/// Removes what [`JournalWriter::create`] makes, and no more; what cannot be removed is found empty and is no run.
fn unmake(dir: &RunDir) {
    let made = [dir.owner(), dir.journal()].iter().try_for_each(|file| match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    });
    if let Err(error) = made.and_then(|()| fs::remove_dir(dir.path())) {
        tracing::warn!(run = %dir.run(), %error, "what was made for a run that is not begun stays");
    }
}

#[cfg(test)]
mod tests;
