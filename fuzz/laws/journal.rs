//! Of a journal only whole records are read, each as it was written and in order; whatever they say, they fold.

use loopdash::loops::core::event::Record;
use loopdash::loops::core::ids::RunId;
use loopdash::loops::core::plan::next;
use loopdash::loops::core::record::{Decoded, decode, encode};
use loopdash::loops::core::state::RunState;
use loopdash::loops::journal::{JournalError, Replay, Store, read};
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

/// The run of the fixtures.
const RUN: &str = "0192d5a0-0000-7000-8000-000000000001";
/// What closes a line: the mark, eight digits, the end of the object.
const MARK: &str = ",\"crc\":\"";
const SUFFIX: usize = MARK.len() + 10;

static PLACE: LazyLock<TempDir> = LazyLock::new(|| {
    // Memory, where there is such a place: a file is written for each input.
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary directory")
});

pub(crate) fn holds(bytes: &[u8]) {
    as_it_is(bytes);
    // A sum is found by chance once in four thousand million times, so the input's lines are sealed for it.
    let sealed = seal(bytes);
    if let Some(replay) = as_it_is(&sealed) {
        fold(&replay.records);
        damaged(&sealed, &replay, crc32c::crc32c(bytes) as usize);
    }
}

/// Reads these bytes as a journal, and holds what was read against a reader of its own.
fn as_it_is(bytes: &[u8]) -> Option<Replay> {
    let replay = opened(bytes).ok()?;
    let whole: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).collect();
    let extent = &replay.extent;
    let lines = usize::try_from(extent.next_seq - 1).expect("so many lines");
    let unknown: u64 = extent.unknown.values().sum();
    assert_eq!((extent.records, extent.records + unknown), (replay.records.len() as u64, lines as u64));
    let (good, after) = whole.split_at(lines);
    assert_eq!(extent.good_len, good.iter().map(|line| line.len() as u64).sum::<u64>());
    let mut records = replay.records.iter();
    for line in good {
        let json = unsealed(line).expect("a line without its sum was read");
        match decode(json).expect("no record was read") {
            Decoded::Known(record) => assert_eq!(records.next(), Some(&record)),
            Decoded::Unknown { .. } => {}
        }
    }
    assert_eq!(records.next(), None, "more records than lines");
    if let Some(torn) = extent.torn {
        assert_eq!((torn.offset, torn.offset + torn.bytes), (extent.good_len, bytes.len() as u64));
        let hidden = after.iter().any(|line| line.starts_with(b"{\"v\":") && unsealed(line).is_some());
        assert!(!hidden, "a whole record was taken for a torn tail");
    } else if extent.newer.is_none() {
        assert_eq!(extent.good_len, bytes.len() as u64, "bytes were passed over");
    }
    Some(replay)
}

fn opened(bytes: &[u8]) -> Result<Replay, JournalError> {
    let run = RunId::parse(RUN).expect("an id");
    let store = Store::view(PLACE.path()).expect("a directory");
    let dir = store.run_dir(run);
    std::fs::create_dir_all(dir.path()).expect("a run's directory");
    std::fs::write(dir.journal(), bytes).expect("a journal can be written");
    read(&dir)
}

/// The JSON of a line whose sum holds.
fn unsealed(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (body, suffix) = line.split_at_checked(line.len().checked_sub(SUFFIX)?)?;
    let sum = format!("{MARK}{:08x}\"}}", crc32c::crc32c(body.as_bytes()));
    (suffix == sum).then_some(line)
}

/// The lines, each with the number and the sum that it should have.
fn seal(bytes: &[u8]) -> Vec<u8> {
    let mut sealed = String::new();
    for (nth, line) in String::from_utf8_lossy(bytes).split('\n').filter(|line| !line.is_empty()).enumerate() {
        let body = line.rfind(MARK).map_or(line, |at| &line[..at]);
        let body = body.strip_suffix('}').filter(|_| body.len() == line.len()).unwrap_or(body);
        let numbered = numbered(body, nth + 1);
        sealed.push_str(&format!("{numbered}{MARK}{:08x}\"}}\n", crc32c::crc32c(numbered.as_bytes())));
    }
    sealed.into_bytes()
}

/// The record with this number.
fn numbered(body: &str, number: usize) -> String {
    match body.split_once("\"seq\":") {
        Some((before, after)) => {
            format!("{before}\"seq\":{number}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => body.to_owned(),
    }
}

/// Every prefix has a state, and every state has a next step.
fn fold(records: &[Record]) {
    let mut run = RunState::new(RunId::parse(RUN).expect("an id"));
    for record in records {
        run.apply(record);
        let _ = next(&run);
        let json = encode(record).expect("what was read can be written");
        assert_eq!(decode(&json).expect("and read again"), Decoded::Known(record.clone()));
    }
}

/// Up to four bytes in a row are turned into others, or the end is cut off: what is read then was there before.
fn damaged(sealed: &[u8], before: &Replay, dice: usize) {
    let mut bytes = sealed.to_vec();
    let Some(at) = dice.checked_rem(bytes.len()) else { return };
    if dice & (1 << 30) == 0 {
        bytes.truncate(at);
    } else {
        let turn = (dice >> 8).to_le_bytes();
        bytes[at..].iter_mut().zip(&turn[..4]).for_each(|(byte, turn)| *byte ^= turn | 1);
    }
    if let Ok(replay) = opened(&bytes) {
        assert!(before.records.starts_with(&replay.records), "damage was read as a record");
    }
}
