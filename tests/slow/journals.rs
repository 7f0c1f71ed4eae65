//! Journals of a size that no run should have: opened, folded and shown in memory that does not grow with them.
//!
//! `LOOPDASH_RECORDS` says how many records; 5,000,000 are a gigabyte.

use crate::ground::Ground;
use crate::invariants::Before;
use crate::number;
use crate::term::Term;
use loopdash::loops::core::event::{Noted, Record};
use loopdash::loops::core::ids::Millis;
use loopdash::loops::journal::JournalWriter;
use std::time::{Duration, Instant};

/// Opens the dashboard until the run is on it; how long that took, and the most memory that it had, in KiB.
async fn shown(ground: &Ground) -> (Duration, u64) {
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path())];
    let began = Instant::now();
    let mut term = Term::start(&[], &ground.repo(), &env, (36, 120));
    term.see("1 needs you").await;
    let took = began.elapsed();
    let status = std::fs::read_to_string(format!("/proc/{}/status", term.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.split_whitespace().next().unwrap().parse().unwrap();
    term.keys("q").await;
    term.ended().await;
    assert_eq!(term.disorder().await, [""; 0]);
    (took, peak)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_43_a_journal_of_very_many_records_takes_no_memory() {
    let records = number("LOOPDASH_RECORDS", 250_000);
    let ground = Ground::new();
    let before = Before::of(&ground);
    ground.run(&["touch", "x", "claim"], &["needs-human", "Red or blue?"], &[]).exits(3);
    let small = shown(&ground).await;
    let ran = ground.ran();
    let (mut writer, replay) = JournalWriter::open(&ran.dir).unwrap();
    let (run, mut seq) = (ran.dir.run(), replay.records.len() as u64);
    let at = Millis(replay.records.last().unwrap().at.0);
    while seq < records {
        let text = "a note that somebody left here, as long as such notes mostly are, and not a word longer".to_owned();
        let batch: Vec<Record> = (1..=10_000)
            .map(|nth| Record { seq: seq + nth, at, run, event: Noted { text: text.clone() }.into() })
            .collect();
        writer.append(&batch).unwrap();
        seq += 10_000;
    }
    drop(writer);
    let bytes = ran.dir.journal().metadata().unwrap().len();
    let large = shown(&ground).await;
    let rate = seq as f64 / large.0.saturating_sub(small.0).as_secs_f64().max(0.001);
    eprintln!(
        "{seq} records, {} MB, {rate:.0} records a second: {:?} and {} KiB, against {:?} and {} KiB",
        bytes >> 20,
        large.0,
        large.1,
        small.0,
        small.1
    );
    assert!(large.1 < small.1 + 32 * 1024, "{} KiB, and {} KiB without them", large.1, small.1);
    let runs = before.holds(&ground);
    assert!(runs[0].state.needs_person(), "it goes on where it was");
}
