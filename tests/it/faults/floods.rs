//! Faults of agents that print too much: lines without end, floods of lines, from many at once.

use super::invariants::Before;
use super::matrix::Row;
use super::watched::Watched;
use crate::ground::Ground;
use crate::screen::{a_loop, a_script, leave, open, with_loops};
use loopdash::loops::core::step::StepKind;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 13,
        fault: "a gigabyte without a newline",
        happens: "all of it is on disk, up to 2 GB a step; memory is bounded and a line is shown up to 64 KB, marked as cut. \
            How fast it is read stands in `docs/performance.md`",
        tests: &[
            "it::faults::floods::row_13_a_line_without_end_takes_no_memory_of_loopdash",
            "it::faults::floods::row_13_a_line_without_end_is_shown_as_cut",
            "slow::floods::row_13_a_gigabyte_without_a_newline",
            "it::processes::a_line_without_end_takes_no_memory",
            "it::baddays::a_line_without_end_ends_nobody",
            "loops::agent::transcript::tests::a_limit_stops_the_storing_and_not_the_counting",
        ],
    },
    Row {
        number: 14,
        fault: "32 agents flood",
        happens: "output goes to disk on two threads of its own and passes neither engine nor screen; the screen reads the \
            lines it shows, at most 20 times a second. A key is answered within few frames; how long \
            that takes is measured in `docs/performance.md`, and told by the slow test beside an idle screen's",
        tests: &[
            "it::faults::floods::row_14_keys_are_answered_while_agents_flood",
            "slow::floods::row_14_thirty_two_agents_flood",
            "it::processes::a_flood_is_on_disk_to_the_byte",
            "app::tui::pace::tests::however_much_changes_the_bytes_stay_within_the_rate",
        ],
    },
    Row {
        number: 17,
        fault: "one line of JSON of 10 MB",
        happens: "a line like any other: kept whole on disk, shown as far as 64 KB",
        tests: &[
            "it::stories::keys_are_answered_while_a_line_of_ten_megabytes_arrives",
            "it::streams::a_line_of_ten_megabytes_is_told_and_holds_up_nobody",
            "loops::agent::transcript::tests::a_line_without_end_is_cut_and_skipped",
        ],
    },
];

#[test]
fn row_13_a_line_without_end_takes_no_memory_of_loopdash() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let wait = |name: &str| format!("while [ ! -e '{}' ]; do sleep 0.02; done", ground.path(name).display());
    let (begin, go) = (wait("begin"), wait("go"));
    let words = [
        "say",
        "ready",
        "sh",
        &begin,
        "no-newline",
        "128",
        "print",
        "\n",
        "say",
        "printed",
        "sh",
        &go,
        "touch",
        "x",
        "claim",
    ];
    let mut loopdash = Watched::start(ground.run_command(&words, &["done", "fine"], &["--output"]));
    loopdash.says("ready");
    let at_rest = loopdash.peak_kib();
    std::fs::write(ground.path("begin"), "").unwrap();
    loopdash.says("printed");
    let peak = loopdash.peak_kib();
    std::fs::write(ground.path("go"), "").unwrap();
    loopdash.end().exits(0);
    let runs = before.holds(&ground);
    // A pipe's worth for each reader and the screen's lines; the line alone would be 128 MB.
    assert!(peak < at_rest + 24 * 1024, "{at_rest} -> {peak} KiB");
    let stored = runs[0].steps(&StepKind::Actor)[0].join("stdout.log").metadata().unwrap().len();
    assert!(stored > 128 << 20, "{stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_13_a_line_without_end_is_shown_as_cut() {
    let ground = with_loops(&[a_loop("endless", &["no-newline", "64", "hang"])]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("all work and no newline").await;
    term.keys("?").await;
    term.see("Esc closes").await;
    term.keys("\x1b").await;
    term.gone("Esc closes").await;
    term.see("… cut").await;
    leave(&mut term).await;
    before.holds_on(&ground, &term).await;
}

/// The frames in what was written to a terminal.
fn term_frames(bytes: &[u8]) -> usize {
    bytes.windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_keys_are_answered_while_agents_flood() {
    let flood = "cat >/dev/null; while :; do seq 1000; sleep 0.01; done";
    let loops: Vec<String> = (0..6).map(|nth| a_script(&format!("flood{nth}"), flood, "")).collect();
    let ground = with_loops(&[vec!["[engine]\ncap = 6\n".to_owned()], loops].concat());
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("6 running").await;
    let (began, written) = (std::time::Instant::now(), term.raw().len());
    let mut answers = Vec::new();
    for _ in 0..5 {
        let asked = term.raw().len();
        term.keys("?").await;
        term.see("Esc closes").await;
        answers.push(term_frames(&term.raw()[asked..]));
        term.keys("\x1b").await;
        term.gone("Esc closes").await;
        term.keys("j").await;
    }
    // A second's worth of frames would mean that keys wait behind output.
    assert!(answers.iter().all(|frames| *frames <= 20), "frames until a key was answered: {answers:?}");
    // A second at least, so that the first frame does not count for all.
    tokio::time::sleep(std::time::Duration::from_secs(1).saturating_sub(began.elapsed())).await;
    let rate = (term.raw().len() - written) as u128 * 1000 / began.elapsed().as_millis();
    assert!(rate < 1_000_000, "{rate} bytes a second to the terminal");
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    assert_eq!(runs.len(), 6);
}
