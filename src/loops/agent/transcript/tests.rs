#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::marks::RECORD_BYTES;
use super::*;

type Chunks = Vec<(Stream, Vec<u8>)>;

/// What the lines should be, worked out the slow way.
fn model(chunks: &Chunks) -> Vec<(Stream, Vec<u8>)> {
    let mut lines: Vec<(Stream, Vec<u8>)> = Vec::new();
    let mut open: Option<Stream> = None;
    for (stream, bytes) in chunks {
        for byte in bytes {
            if open != Some(*stream) {
                lines.push((*stream, Vec::new()));
                open = Some(*stream);
            }
            match byte {
                b'\n' => open = None,
                other => lines.last_mut().unwrap().1.push(*other),
            }
        }
    }
    lines
}

fn write(dir: &Path, chunks: &Chunks) -> (Arc<LiveOutput>, Totals) {
    let mut writer = Writer::create(dir, Edition::Raw, u64::MAX).unwrap();
    let live = writer.live();
    for (stream, bytes) in chunks {
        writer.push(*stream, bytes);
    }
    (live, writer.finish())
}

fn seen(transcript: &Transcript, range: Range<u64>) -> Vec<(Stream, Vec<u8>)> {
    transcript.lines(range).unwrap().into_iter().map(|line| (line.stream, line.bytes)).collect()
}

fn chunks() -> impl Strategy<Value = Chunks> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = prop::collection::vec(prop_oneof![3 => Just(b'\n'), 7 => b'a'..b'e'], 0..20);
    prop::collection::vec((stream, bytes), 0..60)
}

fn dir() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("1-actor");
    (root, dir)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn readers_see_the_lines_that_were_printed(chunks in chunks(), from in 0_u64..80, len in 0_u64..20) {
        let (_root, dir) = dir();
        let want = model(&chunks);
        let mut writer = Writer::create(&dir, Edition::Raw, u64::MAX).unwrap();
        let live = Transcript::live(writer.live());
        for (stream, bytes) in &chunks {
            writer.push(*stream, bytes);
        }
        prop_assert_eq!(&seen(&live, 0..u64::MAX), &want);
        let totals = writer.finish();
        prop_assert_eq!(totals.lines, want.len() as u64);
        prop_assert_eq!(&seen(&live, 0..u64::MAX), &want);

        let stored = Transcript::open(&dir);
        prop_assert_eq!(stored.line_count().unwrap(), want.len() as u64);
        prop_assert_eq!(&seen(&stored, 0..u64::MAX), &want);
        let part: Vec<_> = want.iter().skip(from as usize).take(len as usize).cloned().collect();
        prop_assert_eq!(seen(&stored, from..from + len), part);
    }

    #[test]
    fn an_index_cut_anywhere_loses_no_byte(chunks in chunks(), keep in 0.0..1.0_f64) {
        let (_root, dir) = dir();
        write(&dir, &chunks);
        let order = File::options().write(true).open(dir.join(Edition::Raw.order())).unwrap();
        let len = order.metadata().unwrap().len();
        order.set_len((len as f64 * keep) as u64).unwrap();
        let lines = seen(&Transcript::open(&dir), 0..u64::MAX);
        for stream in [Stream::Stdout, Stream::Stderr] {
            let of = |lines: &[(Stream, Vec<u8>)]| -> Vec<u8> {
                lines.iter().filter(|line| line.0 == stream).flat_map(|line| line.1.clone()).collect()
            };
            prop_assert_eq!(of(&lines), of(&model(&chunks)));
        }
    }

    #[test]
    fn both_directions_find_the_same(chunks in chunks(), limit in 1_usize..5) {
        let (_root, dir) = dir();
        write(&dir, &chunks);
        let transcript = Transcript::open(&dir);
        let query = Query::new("ab").unwrap();
        let want: Vec<u64> = model(&chunks).iter().enumerate()
            .filter(|(_, line)| line.1.windows(2).any(|pair| pair == b"ab")).map(|(i, _)| i as u64).collect();
        for direction in [Direction::Forward, Direction::Backward] {
            let mut hits = Vec::new();
            let mut from = Some(if direction == Direction::Forward { 0 } else { u64::MAX - 1 });
            while let Some(line) = from {
                let found = transcript.search(&query, line, direction, limit).unwrap();
                prop_assert!(found.hits.len() <= limit);
                hits.extend(found.hits.iter().map(|hit| hit.line));
                from = found.resume;
            }
            if direction == Direction::Backward {
                hits.reverse();
            }
            prop_assert_eq!(&hits, &want);
        }
    }
}

#[test]
fn a_large_transcript_is_read_where_it_is_asked() {
    let (_root, dir) = dir();
    let mut writer = Writer::create(&dir, Edition::Raw, u64::MAX).unwrap();
    let live = Transcript::live(writer.live());
    let mut text = Vec::new();
    for i in 0..400_000 {
        text.extend_from_slice(format!("line number {i}\n").as_bytes());
        if text.len() > 60_000 {
            writer.push(Stream::Stdout, &text);
            text.clear();
        }
    }
    writer.push(Stream::Stderr, b"said in between\n");
    writer.push(Stream::Stdout, &text);
    let crashed = Transcript::open(&dir);
    assert_eq!(crashed.line_count().unwrap(), 400_001);
    let totals = writer.finish();
    assert_eq!(totals.lines, 400_001);
    for transcript in [&live, &Transcript::open(&dir)] {
        assert_eq!(transcript.line_count().unwrap(), 400_001);
        let line = transcript.lines(123_456..123_457).unwrap();
        assert_eq!(line[0].bytes, b"line number 123456");
        let found = transcript.search(&Query::new("in between").unwrap(), 400_000, Direction::Backward, 1).unwrap();
        assert_eq!(found.hits[0].stream, Stream::Stderr);
        assert_eq!(transcript.last_line().unwrap().unwrap(), "line number 399999");
        assert_eq!(transcript.tail(2, 1_000).unwrap(), "line number 399998\nline number 399999");
    }
    let stored = Transcript::open(&dir);
    assert_eq!(stored.lines(300_000..300_001).unwrap()[0].bytes, b"line number 300000");
    std::fs::remove_file(dir.join(Edition::Raw.order())).unwrap();
    assert_eq!(Transcript::open(&dir).line_count().unwrap(), 400_001);
}

#[test]
fn a_line_without_end_is_cut_and_skipped() {
    let (_root, dir) = dir();
    let mut writer = Writer::create(&dir, Edition::Raw, u64::MAX).unwrap();
    let block = vec![b'x'; 128 * 1024];
    for _ in 0..64 {
        writer.push(Stream::Stdout, &block);
    }
    writer.push(Stream::Stdout, b"\nnext\n");
    writer.finish();
    let lines = Transcript::open(&dir).lines(0..10).unwrap();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].cut && lines[0].bytes.len() == LINE_CAP);
    assert_eq!(lines[1].bytes, b"next");
    let found = Transcript::open(&dir).search(&Query::new("xnext").unwrap(), 1, Direction::Backward, 9).unwrap();
    assert_eq!(found, Found::default());
}

#[test]
fn a_limit_stops_the_storing_and_not_the_counting() {
    let (_root, dir) = dir();
    let mut writer = Writer::create(&dir, Edition::Raw, 10).unwrap();
    let live = writer.live();
    writer.push(Stream::Stdout, b"0123456\n");
    writer.push(Stream::Stdout, b"89abc\n");
    writer.push(Stream::Stderr, b"more\n");
    let totals = writer.finish();
    assert_eq!((totals.stdout_bytes, totals.stderr_bytes), (14, 5));
    assert!(totals.error.unwrap().contains("10 bytes"));
    assert_eq!(
        seen(&Transcript::live(live), 0..9),
        [(Stream::Stdout, b"0123456".to_vec()), (Stream::Stdout, b"89".to_vec())]
    );
    assert_eq!(std::fs::read(dir.join(Edition::Raw.file(Stream::Stdout))).unwrap(), b"0123456\n89");
}

#[test]
fn tails_are_clean_and_bounded() {
    let (_root, dir) = dir();
    write(&dir, &vec![(Stream::Stdout, b"one\n\x1b[31mtwo\x1b[m\nthree\n\n \n".to_vec())]);
    let transcript = Transcript::open(&dir);
    assert_eq!(transcript.tail(4, 100).unwrap(), "two\nthree\n\n ");
    assert_eq!(transcript.tail(100, 10).unwrap(), "three\n\n ");
    assert_eq!(transcript.last_line().unwrap().unwrap(), "three");
    assert_eq!(transcript.stdout_tail_bytes(4).unwrap(), b"\n\n \n");
    assert_eq!(end_of("größe", 6), "…ße");
}

#[test]
fn an_empty_or_missing_transcript_is_empty() {
    let (_root, dir) = dir();
    let missing = Transcript::open(&dir);
    assert_eq!(missing.line_count().unwrap(), 0);
    assert_eq!(missing.last_line().unwrap(), None);
    assert_eq!(missing.tail(5, 5).unwrap(), "");
    assert!(missing.stdout_tail_bytes(9).unwrap().is_empty());
    let (live, totals) = write(&dir, &Vec::new());
    assert_eq!(totals.lines, 0);
    assert!(live.finished());
    assert!(Transcript::live(live).lines(0..9).unwrap().is_empty());
    assert!(Writer::create(&dir, Edition::Raw, 1).is_err());
}

#[test]
fn a_damaged_index_is_an_error_that_says_what_to_do() {
    let (_root, dir) = dir();
    let chunks: Chunks = (0..100)
        .map(|i| (if i % 2 == 0 { Stream::Stdout } else { Stream::Stderr }, format!("{i}\n").into_bytes()))
        .collect();
    write(&dir, &chunks);
    let order = File::options().write(true).open(dir.join(Edition::Raw.order())).unwrap();
    order.write_all_at(&[0; RECORD_BYTES], 50 * RECORD_BYTES as u64).unwrap();
    let error = Transcript::open(&dir).lines(0..200).unwrap_err();
    assert!(error.to_string().contains("delete the .idx file"), "{error}");
}

#[tokio::test]
async fn readers_wake_up_once_for_much_output() {
    let (_root, dir) = dir();
    let mut writer = Writer::create(&dir, Edition::Raw, u64::MAX).unwrap();
    let live = writer.live();
    let seen = live.version();
    let waiter = tokio::spawn({
        let live = Arc::clone(&live);
        async move {
            let version = live.changed(seen).await;
            live.ended().await;
            version
        }
    });
    tokio::task::yield_now().await;
    for _ in 0..1_000 {
        writer.push(Stream::Stdout, b"line\n");
    }
    writer.finish();
    assert_eq!(waiter.await.unwrap(), 5_001);
    assert_eq!(live.last_output_ms().map(|at| at < 60_000), Some(true));
}

#[test]
fn a_key_is_masked_wherever_reading_begins() {
    let (_root, dir) = dir();
    let body: Vec<String> = (0..30).map(|nth| format!("{}k9/", nth % 10).repeat(16)).collect();
    let mut text = String::from("before\n-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\n");
    body.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text.push_str("bGFzdA==\n-----END RSA PRIVATE KEY-----\nafter\n");
    write(&dir, &vec![(Stream::Stdout, text.into_bytes())]);
    let transcript = Transcript::open(&dir);
    let count = transcript.line_count().unwrap();
    for start in 0..count {
        for line in seen(&transcript, start..count) {
            let line = String::from_utf8(line.1).unwrap();
            assert!(!body.contains(&line) && line != "bGFzdA==", "{line} when read from {start}");
        }
        assert_eq!(seen(&transcript, count - 1..count)[0].1, b"after");
    }
    assert!(!transcript.tail(20, 10_000).unwrap().contains("k9/"));
}
