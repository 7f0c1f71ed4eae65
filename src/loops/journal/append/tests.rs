//! Writers that come back, writers that meet, and writers that may not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::loops::core::event::{Guidance, Noted, PrioritySet, Spawned, When};
use crate::loops::core::ids::{Millis, StepId, Who};
use crate::loops::journal::owner::{Owner, lock_of};
use crate::loops::journal::replay::read;
use crate::loops::journal::testing::{bytes, number, plant, records, run, store, write};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[test]
fn what_was_appended_is_read_back_and_goes_on_after_reopening() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let all = records(run(1), 40);
    let mut writer = JournalWriter::create(&dir).unwrap();
    writer.append(&all[..1]).unwrap();
    writer.append(&[]).unwrap();
    writer.append(&all[1..20]).unwrap();
    writer.sync().unwrap();
    drop(writer);
    let (mut writer, replay) = JournalWriter::open(&dir).unwrap();
    assert_eq!(replay.records, all[..20]);
    assert_eq!(writer.next_seq(), 21);
    writer.append(&all[20..]).unwrap();
    assert_eq!(std::fs::read(dir.journal()).unwrap(), bytes(&all));
    assert_eq!(writer.bytes(), bytes(&all).len() as u64);
    assert_eq!(read(&dir).unwrap().records, all);
}

#[test]
fn a_run_that_nothing_was_written_of_can_be_taken_back() {
    let (_root, store) = store();
    let [none, some] = [1, 2].map(|n| store.run_dir(run(n)));
    JournalWriter::create(&none).unwrap().unmake();
    assert!(!none.path().exists());
    JournalWriter::create(&none).unwrap();
    let mut writer = JournalWriter::create(&some).unwrap();
    writer.append(&records(run(2), 1)).unwrap();
    writer.unmake();
    assert_eq!(read(&some).unwrap().records.len(), 1, "a run that was begun stays");
    // Whatever is in the way is another's, and stays.
    let taken = store.run_dir(run(3));
    std::fs::create_dir_all(taken.journal()).unwrap();
    assert!(matches!(JournalWriter::create(&taken), Err(JournalError::Exists { .. })));
    assert!(taken.journal().is_dir());
}

#[test]
fn everything_is_private() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    write(&dir, &records(run(1), 3));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.path()), 0o700);
    assert_eq!(mode(&dir.journal()), 0o600);
    assert_eq!(mode(&dir.owner()), 0o600);
}

#[test]
fn a_run_is_begun_once() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    write(&dir, &records(run(1), 3));
    assert!(matches!(JournalWriter::create(&dir), Err(JournalError::Exists { .. })));
    assert_eq!(read(&dir).unwrap().records.len(), 3);
}

#[test]
fn a_torn_tail_is_cut_kept_aside_and_never_glued_to_the_next_record() {
    let all = records(run(1), 6);
    let text = bytes(&all);
    let ends: Vec<_> = memchr::memchr_iter(b'\n', &text).map(|at| at + 1).collect();
    for cut in ends[2]..ends[3] {
        let (_root, store) = store();
        let dir = store.run_dir(run(1));
        plant(&dir, &text[..cut]);
        let (mut writer, replay) = JournalWriter::open(&dir).unwrap();
        assert_eq!(replay.records, all[..3]);
        writer.append(&all[3..]).unwrap();
        drop(writer);
        assert_eq!(std::fs::read(dir.journal()).unwrap(), text, "cut at {cut}");
        if cut > ends[2] {
            let mut aside = text[ends[2]..cut].to_vec();
            aside.push(b'\n');
            assert_eq!(std::fs::read(dir.torn()).unwrap(), aside);
            assert_eq!(dir.torn().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        } else {
            assert!(!dir.torn().exists());
        }
    }
}

#[test]
fn readers_report_a_torn_tail_and_leave_it() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let mut text = bytes(&records(run(1), 2));
    text.extend_from_slice(b"{\"v\":1,\"se");
    plant(&dir, &text);
    assert_eq!(read(&dir).unwrap().extent.torn.map(|torn| torn.bytes), Some(10));
    assert_eq!(std::fs::read(dir.journal()).unwrap(), text);
}

#[test]
fn damaged_and_newer_journals_are_not_opened_and_not_changed() {
    let mut damaged = bytes(&records(run(1), 4));
    damaged[40] ^= 1;
    let mut newer = bytes(&records(run(1), 2));
    crate::loops::journal::line::seal(r#"{"v":2,"seq":3}"#, &mut newer);
    newer.extend_from_slice(b"half a li");
    for text in [damaged, newer, bytes(&records(run(2), 2))] {
        let (_root, store) = store();
        let dir = store.run_dir(run(1));
        plant(&dir, &text);
        match JournalWriter::open(&dir) {
            Err(JournalError::Damaged { .. } | JournalError::Newer { found: 2, .. }) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read(dir.journal()).unwrap(), text);
        assert!(!dir.torn().exists());
        assert_eq!(lock_of(&dir).unwrap(), Lock::Free);
    }
}

#[test]
fn records_out_of_order_are_refused_whole() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let mut writer = JournalWriter::create(&dir).unwrap();
    let all = records(run(1), 4);
    assert!(matches!(writer.append(&all[1..]), Err(JournalError::OutOfOrder { found: 2, expected: 1, .. })));
    let gap = [all[0].clone(), all[2].clone()];
    assert!(matches!(writer.append(&gap), Err(JournalError::OutOfOrder { found: 3, expected: 2, .. })));
    assert!(matches!(writer.append(&records(run(2), 1)), Err(JournalError::OutOfOrder { .. })));
    assert_eq!(writer.bytes(), 0);
    writer.append(&all).unwrap();
    assert_eq!(read(&dir).unwrap().records, all);
}

#[test]
fn a_record_longer_than_a_line_is_refused_and_the_writer_goes_on() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let mut writer = JournalWriter::create(&dir).unwrap();
    let huge = number(run(1), [Noted { text: "x".repeat(MAX_LINE) }.into()]);
    assert!(matches!(writer.append(&huge), Err(JournalError::Unfit { seq: 1, .. })));
    writer.append(&records(run(1), 2)).unwrap();
    assert_eq!(read(&dir).unwrap().records.len(), 2);
}

#[test]
fn a_real_file_that_is_full_and_cannot_be_cut_is_not_written_again() {
    // Only Linux has one.
    let Ok(full) = File::options().append(true).open("/dev/full") else { return };
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let mut writer = JournalWriter::at(&dir, full, &Extent::start());
    let all = records(run(1), 2);
    match writer.append(&all) {
        Err(JournalError::Failed { source, .. }) => assert_eq!(source.kind(), io::ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
    assert!(writer.poisoned());
    assert!(matches!(writer.append(&all), Err(JournalError::Poisoned { .. })));
    assert_eq!(writer.next_seq(), 1);
}

#[test]
fn a_second_writer_in_the_same_process_is_refused_and_told_who() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let writer = JournalWriter::create(&dir).unwrap();
    let me = std::process::id();
    match JournalWriter::open(&dir) {
        Err(error @ JournalError::Owned { .. }) => assert!(error.to_string().contains(&format!("pid {me}")), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(lock_of(&dir).unwrap(), Lock::Held(Some(Owner::current())));
    drop(writer);
    assert_eq!(lock_of(&dir).unwrap(), Lock::Free);
    JournalWriter::open(&dir).unwrap();
}

/// The environment variable that makes `hold_in_another_process` hold a run.
const HOLD: &str = "LOOPDASH_TEST_HOLD";

/// Not a test of its own, and nothing without its variable: the one below runs it in a process of its own.
#[test]
fn hold_in_another_process() {
    let Some(root) = std::env::var_os(HOLD) else { return };
    let dir = crate::loops::journal::Store::open(Path::new(&root)).unwrap().run_dir(run(1));
    let (mut writer, replay) = JournalWriter::open(&dir).unwrap();
    let record = Record { seq: writer.next_seq(), ..replay.records[0].clone() };
    writer.append(&[record]).unwrap();
    // The first line may have to follow the harness's own words, which end without a newline.
    println!("\nheld");
    io::stdin().read_line(&mut String::new()).unwrap();
}

fn hold(root: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "loops::journal::append::tests::hold_in_another_process", "--nocapture"])
        .env(HOLD, root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "held"), "the other process holds the run");
    child
}

#[test]
fn another_process_holds_its_run_until_it_is_killed() {
    let (root, store) = store();
    let dir = store.run_dir(run(1));
    write(&dir, &records(run(1), 3));
    let mut child = hold(root.path());
    match JournalWriter::open(&dir) {
        Err(JournalError::Owned { owner, .. }) => assert_eq!(owner.map(|owner| owner.pid), Some(child.id())),
        other => panic!("{other:?}"),
    }
    assert!(matches!(lock_of(&dir).unwrap(), Lock::Held(Some(owner)) if owner.pid == child.id()));
    assert_eq!(read(&dir).unwrap().records.len(), 4, "it is read while it is held");
    child.kill().unwrap();
    child.wait().unwrap();
    // Nothing of it is left in the way, though its owner.json still is.
    assert_eq!(lock_of(&dir).unwrap(), Lock::Free);
    let (_writer, replay) = JournalWriter::open(&dir).unwrap();
    assert_eq!(replay.records.len(), 4);
}

#[test]
fn a_run_directory_that_is_a_symlink_is_refused() {
    let (_root, store) = store();
    let elsewhere = tempfile::tempdir().unwrap();
    let dir = store.run_dir(run(1));
    std::os::unix::fs::symlink(elsewhere.path(), dir.path()).unwrap();
    assert!(matches!(JournalWriter::create(&dir), Err(JournalError::Io { .. })));
    assert!(matches!(JournalWriter::open(&dir), Err(JournalError::Io { .. })));
    assert_eq!(elsewhere.path().read_dir().unwrap().count(), 0);
}

#[test]
fn only_what_nothing_hangs_on_may_wait_for_the_disk() {
    let guidance = Guidance { id: 1, text: "hi".into(), when: When::Next, who: Who::Operator };
    assert!(is_milestone(&guidance.into()));
    assert!(is_milestone(&PrioritySet { priority: 1, who: Who::Cli }.into()));
    assert!(!is_milestone(&Spawned { step: StepId(1), pid: 1, start: 1 }.into()));
    assert!(!is_milestone(&Noted { text: String::new() }.into()));
}

#[test]
fn times_that_go_backwards_are_no_damage() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    let mut all = records(run(1), 3);
    all[2].at = Millis(1);
    write(&dir, &all);
    assert_eq!(read(&dir).unwrap().records, all);
}
