//! Reading a journal: [`replay_into`] streams its records, [`read`] collects them.
//!
//! What stands after the last whole record and holds no whole record itself is a torn tail: it was never acknowledged,
//! it is reported, and a writer cuts it off. Anything else that cannot be read is damage, which closes this run only.

use super::error::JournalError;
use super::line::{Line, Lines, ends_in_record, unseal};
use super::store::RunDir;
use super::withheld::Withheld;
use crate::loops::core::event::Record;
use crate::loops::core::ids::RunId;
use crate::loops::core::record::{DecodeError, Decoded, Decoder, FORMAT};
use crate::loops::mask::learn_from;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes after the last whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Where they start.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
}

/// How far a journal goes and what stands in it besides known records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Known records read.
    pub records: u64,
    /// Bytes up to the end of the last whole record.
    pub good_len: u64,
    /// The number of the next record.
    pub next_seq: u64,
    /// Records of types that this loopdash does not know, by type: they count and are inert.
    pub unknown: BTreeMap<String, u64>,
    /// The tail that was never acknowledged, if there is one.
    pub torn: Option<Torn>,
    /// The format of the first line that a later loopdash wrote. Reading stopped before it, and the journal must not
    /// be written.
    pub newer: Option<u32>,
}

impl Extent {
    /// Of an empty journal.
    pub(super) const fn start() -> Self {
        Self { records: 0, good_len: 0, next_seq: 1, unknown: BTreeMap::new(), torn: None, newer: None }
    }
}

/// A journal read whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Its known records, in order.
    pub records: Vec<Record>,
    /// How far it goes.
    pub extent: Extent,
}

/// Reads a run's journal whole, without locking it: it may be another process's.
///
/// # Errors
/// [`JournalError::Io`] and [`JournalError::Damaged`].
pub fn read(dir: &RunDir) -> Result<Replay, JournalError> {
    let mut records = Vec::new();
    let extent = replay_into(dir, |record| records.push(record))?;
    Ok(Replay { records, extent })
}

/// Hands each record of a run's journal to `each`, in order; memory is bounded by the longest line.
///
/// # Errors
/// As [`read`]. Records before the damage have been handed over by then; do not act on them.
pub fn replay_into(dir: &RunDir, each: impl FnMut(Record)) -> Result<Extent, JournalError> {
    let path = dir.journal();
    let file = dir.open_journal()?;
    let mut extent = Extent::start();
    scan(&path, dir.run(), file, &mut extent, each)?;
    Ok(extent)
}

/// Reads on from where `extent` ends, `input` standing there, and moves `extent` along. After an error it stands
/// behind the last whole record.
pub(super) fn scan(
    path: &Path,
    run: RunId,
    input: impl Read,
    extent: &mut Extent,
    mut each: impl FnMut(Record),
) -> Result<(), JournalError> {
    extent.torn = None;
    let (mut lines, mut decoder) = (Lines::new(input), Decoder::default());
    let mut withheld = Withheld::beside(path);
    let mut number = 0;
    loop {
        number += 1;
        let (bytes, bad) = match lines.next().map_err(JournalError::io("read", path))? {
            Line::End => return Ok(()),
            Line::Partial(bytes) => {
                extent.torn = Some(Torn { offset: extent.good_len, bytes });
                return Ok(());
            }
            Line::Long(bytes) => (bytes, Bad::Unsealed { why: "the line is too long", hides_record: false }),
            Line::Whole(line) => match judge(&mut decoder, line, run, extent.next_seq, &mut withheld) {
                Ok(decoded) => {
                    extent.good_len += line.len() as u64 + 1;
                    extent.next_seq += 1;
                    match decoded {
                        Decoded::Known(record) => {
                            extent.records += 1;
                            learn_from(&record.event);
                            each(record);
                        }
                        Decoded::Unknown { kind, .. } => *extent.unknown.entry(kind).or_default() += 1,
                    }
                    continue;
                }
                Err(bad) => (line.len() as u64 + 1, bad),
            },
        };
        let damaged =
            |why: String| JournalError::Damaged { path: path.to_owned(), offset: extent.good_len, line: number, why };
        match bad {
            Bad::Newer(found) => {
                extent.newer = Some(found);
                return Ok(());
            }
            Bad::Wrong(why) => return Err(damaged(why)),
            Bad::Unsealed { why, hides_record: true } => return Err(damaged(format!("{why}, and a record follows"))),
            Bad::Unsealed { why, hides_record: false } => match tail(&mut lines, path)? {
                Some(rest) => {
                    extent.torn = Some(Torn { offset: extent.good_len, bytes: bytes + rest });
                    return Ok(());
                }
                None => return Err(damaged(format!("{why}, and a record follows"))),
            },
        }
    }
}

/// The number of bytes that are left if no record is among them.
fn tail<R: Read>(lines: &mut Lines<R>, path: &Path) -> Result<Option<u64>, JournalError> {
    let mut bytes = 0;
    loop {
        bytes += match lines.next().map_err(JournalError::io("read", path))? {
            Line::End => return Ok(Some(bytes)),
            Line::Partial(more) => return Ok(Some(bytes + more)),
            Line::Whole(line) if ends_in_record(line) => return Ok(None),
            Line::Whole(line) => line.len() as u64 + 1,
            Line::Long(more) => more,
        };
    }
}

/// Why a line is no record of this journal.
enum Bad {
    /// Its checksum does not hold: torn if nothing follows.
    Unsealed { why: &'static str, hides_record: bool },
    /// It is whole and does not belong here.
    Wrong(String),
    /// A later loopdash wrote it.
    Newer(u32),
}

fn judge(
    decoder: &mut Decoder,
    line: &[u8],
    run: RunId,
    expected: u64,
    withheld: &mut Withheld,
) -> Result<Decoded, Bad> {
    let json = unseal(line).map_err(|why| Bad::Unsealed { why, hides_record: ends_in_record(line) })?;
    let decoded = decoder.decode(&withheld.restore(json)).map_err(|error| match error {
        DecodeError::Newer { found } => Bad::Newer(found),
        // A later format may have dropped fields that the head needs here, but its lines still open with their `v`.
        DecodeError::Malformed(why) => match serde_json::from_str::<Version>(json) {
            Ok(Version { v }) if v > FORMAT => Bad::Newer(v),
            _ => Bad::Wrong(format!("not a record: {why}")),
        },
    })?;
    let (seq, owner) = match &decoded {
        Decoded::Known(record) => (record.seq, Some(record.run)),
        Decoded::Unknown { seq, .. } => (*seq, serde_json::from_str::<Place>(json).ok().map(|place| place.run)),
    };
    if owner != Some(run) {
        let other = owner.map_or_else(|| "no run".to_owned(), |owner| format!("run {owner}"));
        return Err(Bad::Wrong(format!("it belongs to {other}, not to run {run}")));
    }
    if seq != expected {
        return Err(Bad::Wrong(format!("it is record {seq}, record {expected} was expected")));
    }
    Ok(decoded)
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Place {
    run: RunId,
}

/// Opens a file for reading without following a symlink.
pub(super) fn open_plain(path: &Path) -> Result<File, JournalError> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(JournalError::io("open", path))?;
    super::store::require_file(&file, path)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
