//! Every prefix, every suffix of garbage, every flipped byte; and journals of others.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::loops::journal::line::{MAX_LINE, seal};
use crate::loops::journal::testing::{bytes, plant, records, run, store};
use proptest::prelude::*;

fn scanned(bytes: &[u8]) -> (Vec<Record>, Extent, Result<(), JournalError>) {
    let (mut found, mut extent) = (Vec::new(), Extent::start());
    let result = scan(Path::new("journal.jsonl"), run(1), bytes, &mut extent, |record| found.push(record));
    (found, extent, result)
}

/// A journal's bytes, and where each of its lines ends.
fn journal(n: usize) -> (Vec<Record>, Vec<u8>, Vec<usize>) {
    let records = records(run(1), n);
    let bytes = bytes(&records);
    let ends = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1).collect();
    (records, bytes, ends)
}

fn sealed(json: &str) -> Vec<u8> {
    let mut out = Vec::new();
    seal(json, &mut out);
    out
}

fn unknown(seq: u64, kind: &str) -> Vec<u8> {
    sealed(&format!(r#"{{"v":1,"seq":{seq},"at":5,"run":"{}","type":"{kind}","depth":[1,{{"a":null}}]}}"#, run(1)))
}

#[test]
fn every_prefix_opens_with_the_records_that_are_whole_in_it() {
    let (records, bytes, ends) = journal(20);
    for cut in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let (found, extent, result) = scanned(&bytes[..cut]);
        result.unwrap();
        assert_eq!(found, records[..whole], "cut at {cut}");
        assert_eq!(extent.next_seq, whole as u64 + 1);
        let good_len = ends[..whole].last().copied().unwrap_or(0);
        assert_eq!(extent.good_len, good_len as u64);
        let torn = (cut > good_len).then_some(Torn { offset: good_len as u64, bytes: (cut - good_len) as u64 });
        assert_eq!(extent.torn, torn, "cut at {cut}");
    }
}

#[test]
fn a_flipped_byte_never_passes_for_a_record() {
    let (records, bytes, ends) = journal(50);
    let mut torn = 0;
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= [0x01, 0x80, 0x20, 0xff, b'\n' ^ bytes[at]][at % 5].max(1);
        let line = ends.iter().filter(|end| **end <= at).count();
        let (found, extent, result) = scanned(&flipped);
        assert_eq!(found, records[..line], "byte {at}");
        assert_eq!(extent.good_len, ends[..line].last().map_or(0, |end| *end as u64), "byte {at}");
        match result {
            Err(JournalError::Damaged { offset, line: number, .. }) => {
                assert_eq!((offset, number), (extent.good_len, line as u64 + 1), "byte {at}");
            }
            Err(other) => panic!("byte {at}: {other}"),
            Ok(()) => {
                assert!(extent.torn.is_some(), "byte {at}");
                assert_eq!(line, 49, "byte {at}: damage before the last line is never taken for a torn tail");
                torn += 1;
            }
        }
    }
    assert_eq!(torn, ends[49] - ends[48], "each byte of the last line");
}

proptest! {
    #[test]
    fn garbage_after_a_prefix_changes_nothing(
        lines in 0usize..12,
        part in 0.0f64..1.0,
        garbage in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            "(\\{\"v\":1,|\n|\"crc\":\"[0-9a-f]{8}\"\\}|[a-z\",:{}]){0,40}".prop_map(String::into_bytes),
        ],
    ) {
        let (records, bytes, ends) = journal(12);
        let from = lines.checked_sub(1).map_or(0, |n| ends[n]);
        let cut = from + ((ends[lines] - from) as f64 * part) as usize;
        let mut text = bytes[..cut].to_vec();
        text.extend_from_slice(&garbage);
        // Garbage may happen to be what was missing, such as the newline.
        let whole = ends.iter().filter(|end| text.starts_with(&bytes[..**end])).count();
        let from = whole.checked_sub(1).map_or(0, |n| ends[n]);
        let (found, extent, result) = scanned(&text);
        prop_assert!(result.is_ok(), "{result:?}");
        prop_assert_eq!(&found[..], &records[..whole]);
        prop_assert_eq!(extent.torn.map_or(0, |torn| torn.bytes) as usize, text.len() - from);
    }

    #[test]
    fn any_bytes_at_all_are_read_without_a_panic(garbage in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let (found, extent, result) = scanned(&garbage);
        prop_assert!(result.is_ok());
        prop_assert!(found.is_empty());
        prop_assert_eq!(extent.good_len, 0);
    }
}

#[test]
fn damage_names_its_place_and_the_records_after_it_are_not_read() {
    let (records, bytes, ends) = journal(5);
    let mut text = bytes.clone();
    text[ends[1] + 30] ^= 4;
    let (found, _, result) = scanned(&text);
    assert_eq!(found, records[..2]);
    let message = result.unwrap_err().to_string();
    assert!(message.contains(&format!("at byte {} (line 3)", ends[1])), "{message}");
}

#[test]
fn records_that_were_glued_to_a_torn_one_are_damage_and_not_a_tail() {
    let (_, bytes, ends) = journal(4);
    let mut text = bytes[..ends[1] + 20].to_vec();
    text.extend_from_slice(&bytes[ends[1]..ends[2]]);
    assert!(matches!(scanned(&text).2, Err(JournalError::Damaged { .. })));
}

#[test]
fn gaps_repeats_and_foreign_records_are_damage_even_at_the_end() {
    let (_, bytes, ends) = journal(4);
    let line = |n: usize| &bytes[n.checked_sub(1).map_or(0, |n| ends[n])..ends[n]];
    let foreign = crate::loops::journal::testing::bytes(&records(run(2), 2)[1..]);
    for (text, word) in [
        ([line(0), line(2)].concat(), "record 2 was expected"),
        ([line(0), line(0)].concat(), "it is record 1"),
        (line(1).to_vec(), "record 1 was expected"),
        ([line(0), &foreign].concat(), "belongs to run"),
        ([line(0), &sealed(r#"{"v":1,"seq":2,"type":"new_kind","at":1}"#)].concat(), "not a record"),
        (
            [line(0), &sealed(&format!(r#"{{"v":1,"seq":2,"at":1,"run":"{}","type":"admitted"}}"#, run(1)))].concat(),
            "slot",
        ),
    ] {
        let (found, _, result) = scanned(&text);
        let message = result.unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
        assert!(found.len() < 2);
    }
}

#[test]
fn unknown_types_are_counted_and_inert_and_keep_their_number() {
    let (records, bytes, ends) = journal(3);
    let mut text = bytes[..ends[0]].to_vec();
    text.extend(unknown(2, "teleported"));
    text.extend(unknown(3, "teleported"));
    text.extend(crate::loops::journal::testing::bytes(&[Record { seq: 4, ..records[1].clone() }]));
    let (found, extent, result) = scanned(&text);
    result.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((extent.records, extent.next_seq), (2, 5));
    assert_eq!(extent.unknown, BTreeMap::from([("teleported".to_owned(), 2)]));
    assert_eq!(extent.good_len, text.len() as u64);
}

#[test]
fn a_later_format_stops_the_reading_and_is_told() {
    let (records, bytes, ends) = journal(3);
    // The second has dropped the fields that this head needs, but opens with its format as every line must.
    for later in [
        format!(r#"{{"v":2,"seq":2,"at":1,"run":"{}","type":"admitted","slot":1}}"#, run(1)),
        r#"{"v":7,"n":2,"what":"admitted"}"#.to_owned(),
    ] {
        let mut text = bytes[..ends[0]].to_vec();
        text.extend(sealed(&later));
        text.extend(b"anything at all");
        let (found, extent, result) = scanned(&text);
        result.unwrap();
        assert_eq!(found, records[..1]);
        assert!(extent.newer.is_some_and(|v| v > FORMAT));
        assert_eq!(extent.torn, None);
    }
    // A flipped bit in the format's digit is damage, not a later format.
    let mut text = bytes;
    text[ends[0] + 5] = b'3';
    assert!(matches!(scanned(&text).2, Err(JournalError::Damaged { .. })));
}

#[test]
fn a_tail_longer_than_any_line_is_torn_and_a_long_line_before_a_record_is_damage() {
    let (_, bytes, ends) = journal(2);
    let mut text = bytes[..ends[0]].to_vec();
    text.resize(ends[0] + MAX_LINE + 5, b'x');
    let (found, extent, result) = scanned(&text);
    result.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(extent.torn.map(|torn| torn.bytes), Some(MAX_LINE as u64 + 5));
    text.push(b'\n');
    text.extend_from_slice(&bytes[ends[0]..]);
    assert!(matches!(scanned(&text).2, Err(JournalError::Damaged { .. })));
}

#[test]
fn reading_on_from_an_extent_gives_the_rest() {
    let (records, bytes, ends) = journal(6);
    let (mut found, mut extent, _) = scanned(&bytes[..ends[2] + 7]);
    scan(Path::new("j"), run(1), &bytes[extent.good_len as usize..], &mut extent, |record| found.push(record)).unwrap();
    assert_eq!(found, records);
    assert_eq!((extent.torn, extent.good_len), (None, bytes.len() as u64));
}

#[test]
fn what_is_no_journal_file_is_refused() {
    let (_root, store) = store();
    let dir = store.run_dir(run(1));
    assert!(matches!(read(&dir), Err(JournalError::Io { .. })));
    std::fs::create_dir_all(dir.path()).unwrap();
    let outside = store.root().join("outside");
    std::fs::write(&outside, bytes(&records(run(1), 2))).unwrap();
    std::os::unix::fs::symlink(&outside, dir.journal()).unwrap();
    assert!(matches!(read(&dir), Err(JournalError::Io { .. })));
    std::fs::remove_file(dir.journal()).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.journal(), rustix::fs::Mode::RUSR).unwrap();
    assert!(read(&dir).unwrap_err().to_string().contains("not a regular file"));
    std::fs::remove_file(dir.journal()).unwrap();
    plant(&dir, &bytes(&records(run(1), 2)));
    assert_eq!(read(&dir).unwrap().records.len(), 2);
}
