//! What can go wrong with a journal, in words that say what to do: [`JournalError`].
//!
//! Damage and ownership concern one run; nothing here keeps the rest of the fleet from opening.

use super::owner::Owner;
use crate::loops::core::ids::RunId;
use crate::loops::core::record::FORMAT;
use crate::loops::lack::remedy;
use std::io;
use std::path::{Path, PathBuf};

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused something.
    #[error("cannot {doing} {}: {source}{}", path.display(), to_do(.source))]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Bytes before the end of the journal are not what was written.
    #[error(
        "journal {} is damaged at byte {offset} (line {line}): {why}; this run stays closed, \
         restore the file from a copy or move the run's directory away", path.display()
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Where the damaged line starts, in bytes.
        offset: u64,
        /// Its number, from 1; counted from where reading began when a journal is followed.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A later loopdash wrote it, so this one must not.
    #[error(
        "journal {} has format {found}, newer than this loopdash writes ({FORMAT}); \
         open it with the loopdash that wrote it", path.display()
    )]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Another process, or another writer in this one, owns the run.
    #[error("run {run} is held by {}; close it there, or view it read-only", holder(owner.as_ref()))]
    Owned {
        /// Which run.
        run: RunId,
        /// Who, if that is known.
        owner: Option<Owner>,
    },
    /// Its loopdash died before the run was submitted, so that nothing is known of it.
    #[error("run {run} was never submitted, so there is nothing to go on with; submit its loop anew")]
    NeverSubmitted {
        /// Which run.
        run: RunId,
    },
    /// A run of this id was already begun.
    #[error("{} already holds a journal; open it instead", path.display())]
    Exists {
        /// The run's directory.
        path: PathBuf,
    },
    /// No room. Nothing of the batch was kept, the journal is whole, and appending may be tried again.
    #[error("no room for {}: {source}; free some space, nothing was lost", path.display())]
    Full {
        /// The journal.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A write or a sync failed, so it is not known what reached the disk. The writer refuses everything from here on.
    #[error("cannot {doing} {}: {source}; nothing more is written to it, `loopdash resume` goes on with what is there", path.display())]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// The journal.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The writer has failed before.
    #[error("journal {} failed earlier and takes no more records; `loopdash resume` goes on with what is there", path.display())]
    Poisoned {
        /// The journal.
        path: PathBuf,
    },
    /// There is nothing here that could write it.
    #[error("nothing more is written of run {run}: {why}; `loopdash resume` goes on with what is there")]
    Lost {
        /// Which run.
        run: RunId,
        /// What became of its writer.
        why: &'static str,
    },
    /// The record does not continue this journal; nothing was written.
    #[error("record {found} of run {run} does not continue journal {}, which expects {expected}", path.display())]
    OutOfOrder {
        /// The journal.
        path: PathBuf,
        /// The record's run.
        run: RunId,
        /// The record's number.
        found: u64,
        /// The number that comes next here.
        expected: u64,
    },
    /// The record cannot be a line; nothing was written.
    #[error("record {seq} cannot be journalled: {why}")]
    Unfit {
        /// Its number.
        seq: u64,
        /// Why.
        why: String,
    },
}

impl JournalError {
    /// Whether there was no room, so that it may be tried again when there is some.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Io { source, .. } => no_room(source),
            _ => false,
        }
    }

    /// Wraps a system error with what was tried.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}

/// Whether the system says that there is no room.
pub(super) fn no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

fn to_do(error: &io::Error) -> String {
    remedy(error).map_or_else(String::new, |remedy| format!("; {remedy}, nothing was lost"))
}

fn holder(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "another loopdash".to_owned(), ToString::to_string)
}
