//! Reading along with another process's journal: [`Follower`] gives what is new since it was last asked.
//!
//! It keeps no file open, so that hundreds of runs may be followed; [`super::watch`] tells when to ask.

use super::error::JournalError;
use super::replay::{Extent, scan};
use super::store::RunDir;
use crate::loops::core::event::Record;
use std::io::{Seek, SeekFrom};

/// A place in a run's journal that moves with its writer.
#[derive(Clone, Debug)]
pub struct Follower {
    dir: RunDir,
    extent: Extent,
}

impl Follower {
    /// From the beginning.
    pub fn new(dir: &RunDir) -> Self {
        Self::after(dir, Extent::start())
    }

    /// From where a replay ended.
    pub fn after(dir: &RunDir, extent: Extent) -> Self {
        Self { dir: dir.clone(), extent }
    }

    /// How far it has come. A torn tail in here may just be a line that is still being written.
    pub const fn extent(&self) -> &Extent {
        &self.extent
    }

    /// The records that were added since. A line that is not whole yet waits for the next time.
    ///
    /// # Errors
    /// As [`super::replay::read`], and damage if the journal has become shorter than what was read of it. What was read
    /// before the error is lost to the caller: replay the run to have it.
    pub fn poll_new(&mut self) -> Result<Vec<Record>, JournalError> {
        let mut records = Vec::new();
        self.poll_into(|record| records.push(record))?;
        Ok(records)
    }

    /// As [`poll_new`](Self::poll_new), handing each record to `each`.
    ///
    /// # Errors
    /// As [`poll_new`](Self::poll_new), except that the records before the error have been handed over.
    pub fn poll_into(&mut self, mut each: impl FnMut(Record)) -> Result<(), JournalError> {
        if self.extent.newer.is_some() {
            return Ok(());
        }
        match self.read_on(&mut each) {
            // A reader may meet the moment in which a writer without room takes back half a batch, and see the old
            // bytes before the new ones. What is damage is still there at a second look.
            Err(JournalError::Damaged { .. }) => self.read_on(&mut each),
            result => result,
        }
    }

    fn read_on(&mut self, each: impl FnMut(Record)) -> Result<(), JournalError> {
        let path = self.dir.journal();
        let mut file = self.dir.open_journal()?;
        let len = file.metadata().map_err(JournalError::io("read", &path))?.len();
        let offset = self.extent.good_len;
        if len < offset {
            let why = format!("it has {len} bytes, of which {offset} were read before");
            return Err(JournalError::Damaged { path, offset: len, line: 0, why });
        }
        if len == offset {
            self.extent.torn = None;
            return Ok(());
        }
        file.seek(SeekFrom::Start(offset)).map_err(JournalError::io("read", &path))?;
        scan(&path, self.dir.run(), file, &mut self.extent, each)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::journal::replay::read;
    use crate::loops::journal::testing::{bytes, plant, records, run, store, write};
    use std::io::Write;

    #[test]
    fn each_record_is_given_once_and_when_its_line_is_whole() {
        let (_root, store) = store();
        let dir = store.run_dir(run(1));
        let all = records(run(1), 12);
        let text = bytes(&all);
        plant(&dir, b"");
        let mut follower = Follower::new(&dir);
        let mut file = std::fs::File::options().append(true).open(dir.journal()).unwrap();
        let mut seen = Vec::new();
        for part in text.chunks(37) {
            file.write_all(part).unwrap();
            seen.extend(follower.poll_new().unwrap());
            assert_eq!(seen, read(&dir).unwrap().records);
            assert_eq!(follower.poll_new().unwrap(), []);
        }
        assert_eq!(seen, all);
        assert_eq!(follower.extent().torn, None);
    }

    #[test]
    fn it_goes_on_from_a_replay_and_past_a_torn_tail_that_a_new_writer_cuts() {
        let (_root, store) = store();
        let dir = store.run_dir(run(1));
        let all = records(run(1), 6);
        write(&dir, &all[..3]);
        let mut file = std::fs::File::options().append(true).open(dir.journal()).unwrap();
        file.write_all(b"{\"v\":1,\"seq\":4,\"at\":170").unwrap();
        let mut follower = Follower::after(&dir, read(&dir).unwrap().extent);
        assert_eq!(follower.poll_new().unwrap(), []);
        assert!(follower.extent().torn.is_some());
        let (mut writer, _) = crate::loops::journal::JournalWriter::open(&dir).unwrap();
        assert_eq!(follower.poll_new().unwrap(), []);
        assert_eq!(follower.extent().torn, None);
        writer.append(&all[3..]).unwrap();
        assert_eq!(follower.poll_new().unwrap(), all[3..]);
    }

    #[test]
    fn a_journal_that_shrank_or_was_damaged_is_told() {
        let (_root, store) = store();
        let dir = store.run_dir(run(1));
        let all = records(run(1), 6);
        let text = bytes(&all);
        plant(&dir, &text[..text.len() / 2]);
        let mut follower = Follower::new(&dir);
        let seen = follower.poll_new().unwrap().len();
        let mut damaged = text.clone();
        damaged[text.len() / 2 + 5] ^= 1;
        plant(&dir, &damaged);
        assert!(matches!(follower.poll_new(), Err(JournalError::Damaged { .. })));
        plant(&dir, &text);
        assert_eq!(follower.poll_new().unwrap(), all[seen..], "once mended it goes on");
        plant(&dir, b"");
        assert!(matches!(follower.poll_new(), Err(JournalError::Damaged { .. })));
    }
}
