//! The dialects against what the agents really print: recordings under `tests/fixtures/agents`.
//!
//! A snapshot holds what became of each recording; the properties hold for all of them, and for garbage made of them.

use loopdash::loops::agent::dialect::{Decoder, Heard, judge};
use loopdash::loops::agent::transcript::Stream;
use loopdash::loops::core::activity::Activity;
use loopdash::loops::core::agent::DialectName;
use loopdash::loops::core::step::{Exit, Usage};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One recording.
struct Recording {
    /// `claude-2.1.197/edit`.
    name: String,
    dialect: DialectName,
    exit: Exit,
    out: Vec<u8>,
    err: Vec<u8>,
}

static RECORDINGS: LazyLock<Vec<Recording>> = LazyLock::new(recordings);

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents")
}

fn recordings() -> Vec<Recording> {
    let exits = std::fs::read_to_string(dir().join("exits.tsv")).unwrap();
    exits
        .lines()
        .map(|line| {
            let (name, code) = line.split_once('\t').unwrap();
            let (cli, _) = name.split_once('-').unwrap();
            let code: i32 = code.parse().unwrap();
            let stored = |stream: &str| std::fs::read(dir().join(format!("{name}.{stream}"))).unwrap_or_default();
            Recording {
                name: name.to_owned(),
                dialect: serde_json::from_value(cli.into()).unwrap(),
                exit: if code < 0 { Exit::Signal(-code) } else { Exit::Code(code) },
                out: stored("stdout"),
                err: stored("stderr"),
            }
        })
        .collect()
}

/// Decodes a step whose standard error comes first, each stream in pieces that end at these places.
fn decode(dialect: DialectName, out: &[u8], err: &[u8], cuts: &[usize]) -> (Vec<Activity>, Heard) {
    let (mut seen, mut decoder) = (Vec::new(), Decoder::new(dialect));
    for (stream, bytes) in [(Stream::Stderr, err), (Stream::Stdout, out)] {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        for pair in places.windows(2) {
            decoder.push(stream, &bytes[pair[0]..pair[1]], &mut |activity| seen.push(activity));
        }
    }
    let heard = decoder.finish(&mut |activity| seen.push(activity));
    (seen, heard)
}

/// What a session had used before it was taken up again, by the recording that it was begun in.
fn earlier(recording: &Recording) -> Option<Usage> {
    let begun = recording.name.strip_suffix("/resume")?;
    let first = RECORDINGS.iter().find(|first| first.name == format!("{begun}/edit"))?;
    let (_, heard) = decode(first.dialect, &first.out, &first.err, &[]);
    judge(heard, Some(first.exit), None).agent?.session_usage
}

/// A string as a snapshot can show it: long ones shortened.
fn short(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) if text.len() > 300 => {
            let (head, tail) = (text.floor_char_boundary(120), text.ceil_char_boundary(text.len() - 120));
            *text = format!("{}…{} bytes…{}", &text[..head], text.len(), &text[tail..]);
        }
        serde_json::Value::Object(members) => members.values_mut().for_each(short),
        _ => {}
    }
}

fn told(recording: &Recording) -> String {
    let (seen, heard) = decode(recording.dialect, &recording.out, &recording.err, &[]);
    let mut told = String::new();
    for activity in &seen {
        let mut value = serde_json::to_value(activity).unwrap();
        short(&mut value);
        writeln!(told, "{value}").unwrap();
    }
    let (events, ended, truncated) = (heard.events, heard.ended, heard.truncated);
    let mut answer = serde_json::Value::from(heard.answer());
    short(&mut answer);
    let judged = judge(heard, Some(recording.exit), earlier(recording));
    writeln!(told, "---\n{}: {events} events, ended {ended}, truncated {truncated}", recording.exit.word()).unwrap();
    writeln!(told, "answer: {answer}").unwrap();
    writeln!(told, "usage: {}", serde_json::to_string(&judged.usage).unwrap()).unwrap();
    writeln!(told, "agent: {}", serde_json::to_string(&judged.agent).unwrap()).unwrap();
    told
}

#[test]
fn each_recording_is_told_as_before() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for recording in RECORDINGS.iter() {
        let (cli, scenario) = recording.name.split_once('/').unwrap();
        settings.set_snapshot_path(dir().join(cli));
        settings.bind(|| insta::assert_snapshot!(scenario, told(recording)));
    }
}

#[test]
fn a_step_is_well_only_if_it_went_well() {
    // The agent's own word on each scenario is not asked: what happened is known.
    let well = [
        "text",
        "edit",
        "toolfail",
        "background",
        "emoji",
        "long",
        "err500",
        "err529",
        "rate429",
        "resume",
        "stdin",
        "perm-acceptEdits",
        "known-model",
        "workspace-write",
        "norelaunch-text",
    ];
    let ill = [
        "rate429forever",
        "rate429long",
        "quota429",
        "auth401",
        "err400",
        "resume-bad",
        "sigint",
        "sigterm",
        "sigkill",
        "sigint-group",
        "sigterm-group",
        "norelaunch-sigterm",
        "hang",
    ];
    for recording in RECORDINGS.iter() {
        let scenario = recording.name.split_once('/').unwrap().1;
        let (_, heard) = decode(recording.dialect, &recording.out, &recording.err, &[]);
        let failed = judge(heard, Some(recording.exit), None).failure().is_some() || !recording.exit.ok();
        // Gemini's launcher was sent the signal, and let its agent end its work.
        if well.contains(&scenario) {
            assert!(!failed, "{} failed", recording.name);
        } else if ill.contains(&scenario) {
            assert!(failed, "{} did not fail", recording.name);
        }
    }
}

#[test]
fn nothing_that_is_known_counts_as_unknown() {
    for recording in RECORDINGS.iter() {
        let (_, heard) = decode(recording.dialect, &recording.out, &recording.err, &[]);
        assert_eq!(heard.unknown, 0, "{}", recording.name);
        assert_eq!(heard.broken, u32::from(heard.truncated), "{}", recording.name);
    }
}

/// A recording's bytes, spoilt in a few places.
fn spoilt() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let harm = prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| (at, 0, vec![byte])),
        (any::<usize>(), 0..400_usize).prop_map(|(at, gone)| (at, gone, Vec::new())),
        (any::<usize>(), prop::sample::select(vec!["\"", "{", "}", "[", "\n", "\\", "null", ",", ":"]))
            .prop_map(|(at, text)| (at, 0, text.into())),
    ];
    (0..RECORDINGS.len(), prop::collection::vec(harm, 1..12)).prop_map(|(which, harms)| {
        let mut bytes = RECORDINGS[which].out.clone();
        bytes.truncate(20_000);
        for (at, gone, more) in harms {
            let at = at % (bytes.len() + 1);
            let end = (at + gone).min(bytes.len());
            bytes.splice(at..end, more);
        }
        (which, bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_tells_the_same(which in any::<usize>(), cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        let recording = &RECORDINGS[which % RECORDINGS.len()];
        let whole = decode(recording.dialect, &recording.out, &recording.err, &[]);
        let pieces = decode(recording.dialect, &recording.out, &recording.err, &cuts);
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn spoilt_streams_are_read_all_the_same(
        (which, bytes) in spoilt(),
        cuts in prop::collection::vec(any::<usize>(), 0..10),
    ) {
        let dialect = RECORDINGS[which].dialect;
        let whole = decode(dialect, &bytes, &bytes, &[]);
        prop_assert_eq!(&whole, &decode(dialect, &bytes, &bytes, &cuts));
        let _ = judge(whole.1, Some(Exit::Code(0)), Some(Usage::default()));
    }

    #[test]
    fn any_bytes_are_read_in_any_dialect(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in any::<usize>()) {
        for recording in RECORDINGS.iter().step_by(12) {
            let whole = decode(recording.dialect, &bytes, &bytes, &[]);
            prop_assert_eq!(whole, decode(recording.dialect, &bytes, &bytes, &[cut]));
        }
    }
}
