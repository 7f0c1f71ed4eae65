//! The laws of the fuzz targets, held on their seeds and on everything that fuzzing ever found.
//! `docs/fuzzing.md` says how more is looked for; an input that breaks a law goes into `fuzz/findings`.

#[path = "../../fuzz/laws/config.rs"]
mod config;
#[path = "../../fuzz/laws/dialects.rs"]
mod dialects;
#[path = "../../fuzz/laws/journal.rs"]
mod journal;
#[path = "../../fuzz/laws/mask.rs"]
mod mask;
#[path = "../../fuzz/laws/sanitizer.rs"]
mod sanitizer;
#[path = "../../fuzz/laws/tests_file.rs"]
mod tests_file;
#[path = "../../fuzz/laws/verdict.rs"]
mod verdict;

use std::path::{Path, PathBuf};

fn under(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(place)
}

/// All files under these directories, by name.
fn files(places: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in places {
        for entry in std::fs::read_dir(place).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&[path])) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Holds a law on a target's seeds and findings, and on these fixtures.
fn hold(target: &str, fixtures: &[&str], law: fn(&[u8])) {
    let places: Vec<PathBuf> = ["seeds", "findings"]
        .map(|kind| under("fuzz").join(kind).join(target))
        .into_iter()
        .chain(fixtures.iter().map(|place| under(place)))
        .collect();
    let inputs = files(&places);
    assert!(inputs.len() > 2, "no inputs for {target}");
    for path in inputs {
        let bytes = std::fs::read(&path).unwrap();
        let held = std::panic::catch_unwind(|| law(&bytes));
        assert!(held.is_ok(), "the law of {target} does not hold for {}", path.display());
    }
}

#[test]
fn what_agents_print_is_fit_for_a_screen() {
    hold("sanitizer", &["tests/fixtures/agents"], sanitizer::holds);
}

#[test]
fn streams_are_read_the_same_in_any_pieces() {
    hold("dialects", &["tests/fixtures/agents"], dialects::holds);
}

#[test]
fn a_tool_whose_start_was_lost_ends_all_the_same() {
    use loopdash::loops::agent::dialect::Decoder;
    use loopdash::loops::agent::transcript::Stream;
    use loopdash::loops::core::activity::Activity;
    use loopdash::loops::core::agent::DialectName;

    let bytes = std::fs::read(under("fuzz/findings/dialects/a-tool-ends-whose-start-was-lost")).unwrap();
    for dialect in [DialectName::Claude, DialectName::Codex, DialectName::Gemini] {
        let (mut told, mut decoder) = (Vec::new(), Decoder::new(dialect));
        decoder.push(Stream::Stdout, &bytes, &mut |activity| told.push(activity));
        decoder.finish(&mut |activity| told.push(activity));
        assert!(told.iter().any(|activity| matches!(activity, Activity::ToolEnded { .. })), "{dialect:?}: {told:?}");
    }
}

#[test]
fn journals_give_whole_records_or_none() {
    hold("journal", &["tests/fixtures/journal"], journal::holds);
}

#[test]
fn nothing_without_the_key_is_a_verdict() {
    hold("verdict", &[], verdict::holds);
}

#[test]
fn configurations_are_read_or_reported() {
    hold("config", &["src/loops/agent/profiles"], config::holds);
}

#[test]
fn tests_files_are_read_or_refused() {
    hold("tests_file", &[], tests_file::holds);
}

#[test]
fn no_known_secret_is_left_in_whatever_pieces_and_colours() {
    hold("mask", &["tests/fixtures/agents"], mask::holds);
}
