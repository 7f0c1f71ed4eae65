//! The end of an append-only file: [`Tail`] writes whole batches or nothing, and never trusts a file that failed it.
//!
//! It is apart from the journal so that every failure of the disk can be played in tests.

use super::error::no_room;
use crate::loops::fault;
use std::fs::File;
use std::io::{self, Write};

/// What a tail needs of a file that is open for appending.
pub(super) trait Disk {
    /// Appends all bytes or fails, in which case some of them may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// Makes the file's data durable.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        fault::io("journal.append")?;
        if let Some(part) = fault::torn("journal.tear", bytes) {
            self.write_all(part)?;
            std::process::abort();
        }
        self.write_all(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        fault::io("journal.sync")?;
        self.sync_data()
    }
}

/// Why a batch was not written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No room: the file is as it was, and the batch may be tried again.
    Full(io::Error),
    /// It is not known what the file holds now; the tail is poisoned.
    Failed(io::Error),
    /// It failed before.
    Poisoned,
}

/// The end of an append-only file.
#[derive(Debug)]
pub(super) struct Tail<D> {
    disk: D,
    len: u64,
    unsynced: bool,
    poisoned: bool,
}

impl<D: Disk> Tail<D> {
    /// `len` is where the file ends; what stands before it may not be durable yet.
    pub(super) const fn new(disk: D, len: u64) -> Self {
        Self { disk, len, unsynced: true, poisoned: false }
    }

    /// What it writes to.
    pub(super) const fn disk(&self) -> &D {
        &self.disk
    }

    /// Bytes in the file.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has failed for good.
    pub(super) const fn poisoned(&self) -> bool {
        self.poisoned
    }

    /// Appends a batch in one write.
    pub(super) fn append(&mut self, batch: &[u8]) -> Result<(), Refusal> {
        if self.poisoned {
            return Err(Refusal::Poisoned);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.unsynced = true;
        let Err(error) = self.disk.append(batch) else {
            self.len += batch.len() as u64;
            return Ok(());
        };
        // Whatever the reason, no half batch may stay for the next one to be glued to.
        let cut = self.disk.cut(self.len);
        if no_room(&error) && cut.is_ok() {
            return Err(Refusal::Full(error));
        }
        self.poisoned = true;
        Err(Refusal::Failed(error))
    }

    /// Makes what was appended durable.
    pub(super) fn sync(&mut self) -> Result<(), Refusal> {
        if self.poisoned {
            return Err(Refusal::Poisoned);
        }
        if !self.unsynced {
            return Ok(());
        }
        // Not retried: after a failed sync the kernel may have dropped the pages, and a second sync would succeed over
        // data that is not there.
        self.disk.sync().map_err(|error| {
            self.poisoned = true;
            Refusal::Failed(error)
        })?;
        self.unsynced = false;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Fault {
        /// The n-th call fails with this kind; an append has written half by then.
        At(u32, io::ErrorKind),
        /// As above, and cutting fails too.
        Stuck(u32, io::ErrorKind),
    }

    #[derive(Clone)]
    struct Faulty {
        bytes: Rc<RefCell<Vec<u8>>>,
        calls: u32,
        fault: Fault,
    }

    impl Faulty {
        fn new(fault: Fault) -> (Self, Rc<RefCell<Vec<u8>>>) {
            let bytes = Rc::default();
            (Self { bytes: Rc::clone(&bytes), calls: 0, fault }, bytes)
        }

        fn call(&mut self) -> io::Result<()> {
            self.calls += 1;
            match self.fault {
                Fault::At(n, kind) | Fault::Stuck(n, kind) if n == self.calls => Err(kind.into()),
                _ => Ok(()),
            }
        }
    }

    impl Disk for Faulty {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            let result = self.call();
            let kept = if result.is_ok() { bytes.len() } else { bytes.len() / 2 };
            self.bytes.borrow_mut().extend_from_slice(&bytes[..kept]);
            result
        }
        fn cut(&mut self, len: u64) -> io::Result<()> {
            if matches!(self.fault, Fault::Stuck(..)) {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            self.bytes.borrow_mut().truncate(len as usize);
            Ok(())
        }
        fn sync(&mut self) -> io::Result<()> {
            self.call()
        }
    }

    /// Ten batches, each synced, tried again while the disk is merely full; gives what was acknowledged.
    fn drive(tail: &mut Tail<Faulty>) -> Vec<u8> {
        let mut acknowledged = Vec::new();
        for n in 0..10u8 {
            let batch = [b'a' + n; 8];
            let mut result = tail.append(&batch);
            if matches!(result, Err(Refusal::Full(_))) {
                result = tail.append(&batch);
            }
            if result.is_ok() && tail.sync().is_ok() {
                acknowledged.extend_from_slice(&batch);
            }
        }
        acknowledged
    }

    #[test]
    fn a_full_disk_at_any_call_loses_nothing() {
        // Odd calls are appends; a sync that reports no space is a failed sync like any other.
        for n in (1..20).step_by(2) {
            let (disk, bytes) = Faulty::new(Fault::At(n, io::ErrorKind::StorageFull));
            let mut tail = Tail::new(disk, 0);
            let acknowledged = drive(&mut tail);
            assert_eq!(acknowledged.len(), 80, "call {n}");
            assert_eq!(*bytes.borrow(), acknowledged, "call {n}");
            assert!(!tail.poisoned());
        }
    }

    #[test]
    fn any_other_failure_at_any_call_poisons_and_leaves_no_half_batch() {
        for n in 1..=20 {
            let (disk, bytes) = Faulty::new(Fault::At(n, io::ErrorKind::Other));
            let mut tail = Tail::new(disk, 0);
            let acknowledged = drive(&mut tail);
            assert!(tail.poisoned(), "call {n}");
            assert!(bytes.borrow().starts_with(&acknowledged), "call {n}");
            assert_eq!(bytes.borrow().len() % 8, 0, "call {n}");
            assert_eq!(tail.disk.calls, n, "nothing was tried after call {n}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_cut_is_not_written_again() {
        let (disk, bytes) = Faulty::new(Fault::Stuck(3, io::ErrorKind::StorageFull));
        let mut tail = Tail::new(disk, 0);
        drive(&mut tail);
        assert!(tail.poisoned());
        assert_eq!(bytes.borrow().len(), 12);
        assert!(matches!(tail.append(b"x"), Err(Refusal::Poisoned)));
        assert!(matches!(tail.sync(), Err(Refusal::Poisoned)));
    }

    #[test]
    fn a_sync_without_news_costs_nothing() {
        let (disk, _) = Faulty::new(Fault::At(99, io::ErrorKind::Other));
        let mut tail = Tail::new(disk, 0);
        tail.append(b"x").unwrap();
        for _ in 0..5 {
            tail.sync().unwrap();
        }
        assert_eq!(tail.disk.calls, 2);
    }
}
