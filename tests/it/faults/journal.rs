//! Faults of the journal itself: cut anywhere, torn, damaged, huge, of another version.

use super::invariants::{Before, assert_acknowledged, assert_told};
use super::matrix::Row;
use crate::ground::{Ground, Ran};
use loopdash::loops::core::plan::next;
use loopdash::loops::core::state::RunState;
use loopdash::loops::journal::{JournalError, JournalWriter, read};
use std::fs::File;
use std::path::Path;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 1,
        fault: "kill -9 of loopdash at every offset of the journal, and at random moments of a running fleet",
        happens: "the next start replays: the last record is there whole or not at all, every prefix folds and has a \
            next step, what was at work is shown interrupted and goes on when resumed, in its iteration, and comes to the same \
            end; no step that had ended is repeated. A worktree that was made and not told of yet is taken as it stands; \
            one that was only half made stays beside the run's. Locks that it left on refs are in nobody's way",
        tests: &[
            "it::faults::journal::row_01_a_journal_cut_at_any_byte_opens_and_goes_on",
            "slow::cuts::row_01_a_run_that_dies_in_any_write_of_its_journal_is_resumed_to_the_same_end",
            "it::faults::journal::row_01_what_was_never_submitted_is_no_run",
            "loops::git::worktree::tests::what_was_made_for_the_run_and_never_told_is_taken_as_it_stands",
            "loops::git::worktree::tests::what_a_killed_loopdash_left_locked_is_in_nobodys_way",
            "slow::kills::row_01_kills_at_random_moments_lose_and_repeat_nothing",
            "loops::journal::replay::tests::every_prefix_opens_with_the_records_that_are_whole_in_it",
            "loops::core::laws::every_prefix_of_a_journal_folds_and_has_a_next",
            "it::interrupt::a_killed_loopdash_leaves_runs_that_resume",
        ],
    },
    Row {
        number: 2,
        fault: "torn last line, also with appends after it",
        happens: "the tail goes to `journal.torn` and is cut off before anything is appended, so nothing is glued to it; \
            a record that was glued by hand is damage, not a tail",
        tests: &[
            "it::faults::journal::row_02_a_torn_last_line_is_set_aside_and_the_run_goes_on",
            "loops::journal::replay::tests::garbage_after_a_prefix_changes_nothing",
            "loops::journal::replay::tests::records_that_were_glued_to_a_torn_one_are_damage_and_not_a_tail",
        ],
    },
    Row {
        number: 3,
        fault: "bit flip or garbage in the middle",
        happens: "never read as a record: the run is reported with byte and line, shown as far as it can be read and \
            not written to, because a fold over a gap would be a guess; the rest of the fleet opens",
        tests: &[
            "it::faults::journal::row_03_a_flipped_byte_anywhere_is_told_and_concerns_no_other_run",
            "loops::journal::replay::tests::a_flipped_byte_never_passes_for_a_record",
            "it::cli::a_damaged_run_is_named_and_the_others_still_show",
        ],
    },
    Row {
        number: 42,
        fault: "a journal of a newer or older loopdash",
        happens: "newer: shown as far as it can be read, not a byte is written; older: there is only one format so far, \
            and a file with each type of it is read by a test",
        tests: &[
            "loops::journal::replay::tests::a_later_format_stops_the_reading_and_is_told",
            "loops::journal::golden::a_later_format_is_seen_but_not_opened",
            "loops::journal::golden::every_type_reads_and_writes_as_it_did",
        ],
    },
    Row {
        number: 43,
        fault: "a journal of very many records",
        happens: "read in pieces with a bounded buffer and folded record by record; memory follows the run, not the bytes. \
            The test has 250,000 records, or as many as `LOOPDASH_RECORDS` says; the speed is a bench \
            (`benches/journal.rs`). Only the Timeline, while it is open, holds all records of its run",
        tests: &[
            "slow::journals::row_43_a_journal_of_very_many_records_takes_no_memory",
            "loops::journal::line::tests::a_line_without_end_costs_bounded_memory",
        ],
    },
];

/// A run that went through actor, gate and critic, and its journal's bytes.
fn recorded(ground: &Ground) -> (Ran, Vec<u8>) {
    ground.run(&["touch", "x", "claim"], &["done", "fine"], &["--gate", "test -e x"]).exits(0);
    let ran = ground.ran();
    let bytes = std::fs::read(ran.dir.journal()).unwrap();
    (ran, bytes)
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn row_01_a_journal_cut_at_any_byte_opens_and_goes_on() {
    let ground = Ground::new();
    let (ran, bytes) = recorded(&ground);
    let path = ran.dir.journal();
    let file = File::options().write(true).open(&path).unwrap();
    let mut states = vec![RunState::new(ran.dir.run())];
    for record in &ran.records {
        let mut state = states.last().unwrap().clone();
        state.apply(record);
        states.push(state);
    }
    let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), ran.records.len());
    // Backwards, so that one file is cut shorter and shorter.
    for cut in (0..=bytes.len()).rev() {
        file.set_len(cut as u64).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let replay = read(&ran.dir).unwrap();
        assert_eq!(replay.records, ran.records[..whole], "cut at {cut}");
        let state = RunState::replay(ran.dir.run(), &replay.records);
        assert_eq!(state, states[whole], "cut at {cut}");
        assert_eq!(state.refused, 0, "cut at {cut}");
        let _defined = next(&state);
    }
    // A writer takes over at each edge of a line and in its middle, and what it leaves is whole.
    let middles = ends.windows(2).map(|pair| usize::midpoint(pair[0], pair[1]));
    let cuts: Vec<usize> = ends.iter().flat_map(|end| [*end - 1, *end, *end + 1]).chain(middles).collect();
    for cut in cuts.into_iter().filter(|cut| *cut <= bytes.len()) {
        put(&path, &bytes[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let (writer, replay) = JournalWriter::open(&ran.dir).unwrap();
        assert_eq!((replay.records.len(), writer.next_seq()), (whole, whole as u64 + 1), "cut at {cut}");
        drop(writer);
        let left = whole.checked_sub(1).map_or(0, |last| ends[last]);
        assert_eq!(std::fs::read(&path).unwrap(), bytes[..left], "cut at {cut}");
    }
}

#[test]
fn row_01_what_was_never_submitted_is_no_run() {
    let ground = Ground::new();
    let (ran, _) = recorded(&ground);
    let before = Before::of(&ground);
    // As a kill leaves it between the making of a journal and its first record.
    put(&ran.dir.journal(), b"");
    std::fs::remove_file(ran.dir.summary()).unwrap();
    let told = ground.loopdash(&["resume", "--all", "--headless"]).exits(0);
    assert!(told.err.contains("no run is interrupted"), "{}", told.err);
    let told = ground.loopdash(&["resume", &ran.dir.run().to_string(), "--headless"]);
    assert_told(told, 65, "no run is called", "`loopdash list`");
    assert!(!ground.loopdash(&["list"]).exits(0).out.contains(&ran.state.id.short()));
    ground.run(&["touch", "y", "claim"], &[], &[]).exits(0);
    assert_eq!(std::fs::read(ran.dir.journal()).unwrap(), b"", "nothing was written to it");
    before.holds(&ground);
}

#[test]
fn row_02_a_torn_last_line_is_set_aside_and_the_run_goes_on() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let (ran, bytes) = recorded(&ground);
    // As a crash would leave it that tore the verdict's record, in the middle of the critic's step.
    let verdict = ran.records.iter().position(|record| record.event.kind() == "verdict_reached").unwrap();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let torn = &lines[verdict][..lines[verdict].len() / 2];
    let mut left = lines[..verdict].concat();
    left.extend_from_slice(torn);
    put(&ran.dir.journal(), &left);
    std::fs::remove_file(ran.dir.summary()).unwrap();
    let told = ground.loopdash(&["resume", "--headless", "--json"]).exits(0);
    assert_acknowledged(&ground, &told.out);
    let runs = before.holds(&ground);
    assert_eq!(runs[0].records[..verdict], ran.records[..verdict], "nothing whole was lost");
    assert_eq!(runs[0].state.iterations.len(), 1, "it went on in its iteration");
    let aside = std::fs::read(ran.dir.torn()).unwrap();
    assert_eq!(aside, [torn, b"\n"].concat());
}

#[test]
fn row_03_a_flipped_byte_anywhere_is_told_and_concerns_no_other_run() {
    let ground = Ground::new();
    let (ran, bytes) = recorded(&ground);
    let path = ran.dir.journal();
    for at in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        put(&path, &flipped);
        match read(&ran.dir) {
            // At the very end it is a torn tail; anywhere else it is damage with its place.
            Ok(replay) => assert_eq!(replay.records, ran.records[..replay.records.len()], "byte {at}"),
            Err(JournalError::Damaged { offset, .. }) => assert!(offset as usize <= at, "byte {at}, told {offset}"),
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    put(&path, &flipped);
    let told = ground.run(&["touch", "y", "claim"], &[], &[]).exits(0);
    assert!(told.out.contains("finished: done"), "{}", told.out);
    let told = ground.loopdash(&["list"]);
    assert!(told.out.contains("is damaged at byte"), "{}", told.out);
    let told = ground.loopdash(&["resume", &ran.dir.run().to_string(), "--headless"]);
    assert_told(told, 65, "is damaged at byte", "restore the file from a copy");
    assert_eq!(std::fs::read(&path).unwrap(), flipped, "not a byte of it was changed");
}
