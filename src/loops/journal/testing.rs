//! Runs and records for this part's tests.

use super::append::JournalWriter;
use super::line::seal;
use super::store::{RunDir, Store};
use crate::loops::core::event::{Event, Record};
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::record::encode;
use tempfile::TempDir;

/// A fixed run.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn run(n: u8) -> RunId {
    RunId::parse(&format!("0192d5a0-0000-7000-8000-0000000000{n:02x}")).unwrap()
}

/// A state directory that vanishes.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

/// Gives events their places, one second apart.
pub(super) fn number(run: RunId, events: impl IntoIterator<Item = Event>) -> Vec<Record> {
    (1..)
        .zip(events)
        .map(|(seq, event)| Record { seq, at: Millis(1_700_000_000_000 + seq * 1000), run, event })
        .collect()
}

/// `n` records of several types and sizes.
pub(super) fn records(run: RunId, n: usize) -> Vec<Record> {
    use crate::loops::core::event::{Admitted, Guidance, IterationStarted, Noted, PrioritySet, Spawned, When};
    use crate::loops::core::ids::StepId;
    number(
        run,
        (0..n as u32).map(|n| -> Event {
            match n % 6 {
                0 => Admitted { slot: n }.into(),
                1 => IterationStarted { iteration: n, test: format!("CP-{n}") }.into(),
                2 => Spawned { step: StepId(n), pid: 1000 + n, start: 77 }.into(),
                3 => {
                    let text =
                        "mind \"the\" tabs\t,\"crc\":\"00000000\"}\n{\"v\":1,\u{2028}\u{202e}é".repeat(n as usize % 3);
                    Guidance { id: n, text, when: When::Next, who: Who::Operator }.into()
                }
                4 => PrioritySet { priority: 7, who: Who::Cli }.into(),
                _ => Noted { text: "hand edit of CP-1 was not obeyed".to_owned() }.into(),
            }
        }),
    )
}

/// The bytes of a journal that holds these.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn bytes(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        seal(&encode(record).unwrap(), &mut out);
    }
    out
}

/// Puts a journal of these bytes into a run's directory.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn plant(dir: &RunDir, bytes: &[u8]) {
    std::fs::create_dir_all(dir.path()).unwrap();
    std::fs::write(dir.journal(), bytes).unwrap();
}

/// Writes a run and lets go of it.
#[expect(clippy::unwrap_used, reason = "tests")]
pub(super) fn write(dir: &RunDir, records: &[Record]) {
    let mut writer = JournalWriter::create(dir).unwrap();
    writer.append(records).unwrap();
    writer.sync().unwrap();
}
