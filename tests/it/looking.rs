//! Looking at runs from beside: the commands that read journals, while a run lives and after it.

use crate::ground::{Ground, Live, Ran};
use loopdash::loops::core::event::Outcome;
use serde_json::Value;

/// Two iterations, a line each: the first fails its gate.
fn two_iterations(ground: &Ground) -> Ran {
    let script = "if [ -e x ]; then echo two >>x; else echo one >x; fi";
    let actor = ["sh", script, "print", "tab\there\n", "claim"];
    ground.run(&actor, &[], &["--gate", "grep -q two x", "--max-iterations", "5"]).exits(0);
    ground.ran()
}

#[test]
fn a_diff_is_of_the_run_or_of_one_iteration() {
    let ground = Ground::new();
    two_iterations(&ground);
    let diff = |more: &[&str]| ground.loopdash(&[&["diff", "make-a-note"], more].concat()).exits(0).out;
    let added = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).map(str::to_owned).collect()
    };
    assert_eq!(added(&diff(&[])), ["+one", "+two"]);
    assert_eq!(added(&diff(&["--iteration", "1"])), ["+one"]);
    assert_eq!(added(&diff(&["--iteration", "2"])), ["+two"]);
    assert_eq!(added(&diff(&["--last"])), ["+two"]);
    // The command that it names gives the same.
    let named = diff(&["--last"]).lines().next().unwrap().split_once("git diff ").unwrap().1.to_owned();
    let (from, to) = named.split_once(' ').unwrap();
    assert_eq!(added(&ground.git(&["diff", from, to])), ["+two"]);
    ground.loopdash(&["diff", "make-a-note", "--iteration", "3"]).exits(65);
}

#[test]
fn a_log_that_follows_ends_with_its_run() {
    let ground = Ground::new();
    let go = ground.path("go");
    let wait = format!("while [ ! -e '{}' ]; do sleep 0.02; done", go.display());
    let mut run =
        Live::start(ground.run_command(&["say", "at work", "sh", &wait, "touch", "x", "claim"], &[], &["--output"]));
    run.until("at work");
    let mut log = Live::start(ground.command(&["log", "make-a-note", "--follow"]));
    log.until("submitted");
    log.until("is process");
    std::fs::write(go, "").unwrap();
    let told = log.end().exits(0);
    assert!(told.out.trim_end().ends_with("finished: done: the test passed"), "{}", told.out);
    run.end().exits(0);
    assert_eq!(ground.loopdash(&["log", "make-a-note"]).exits(0).out.lines().count(), ground.ran().records.len());
}

#[test]
fn a_run_is_meant_by_label_id_or_a_prefix_that_is_its_alone() {
    let ground = Ground::new();
    for _ in 0..2 {
        ground.run(&["touch", "x", "claim"], &[], &[]).exits(0);
    }
    let ids: Vec<String> = ground.runs().iter().map(|ran| ran.dir.run().to_string()).collect();
    let page = |run: &str| ground.loopdash(&["show", run]);
    let alone = (1..=ids[0].len()).find(|end| !ids[1].starts_with(&ids[0][..*end])).unwrap();
    for name in ["make-a-note", &ids[0], &ids[0][..alone]] {
        assert!(page(name).exits(0).out.contains(&ids[0]), "{name}");
    }
    assert!(page("make-a-note#2").exits(0).out.contains(&ids[1]));
    let told = page(&ids[0][..4]).exits(65);
    assert!(told.err.contains("make-a-note (") && told.err.contains("make-a-note#2 ("), "{}", told.err);
    page("make").exits(65);
    page("").exits(65);
}

#[test]
fn a_finished_run_has_a_summary_and_a_table_of_its_steps() {
    let ground = Ground::new();
    let ran = two_iterations(&ground);
    let read = |name: &str| std::fs::read_to_string(ran.dir.path().join(name)).unwrap();
    let summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
    let last = ran.state.last_snapshot().unwrap();
    for (field, value) in [
        ("/v", Value::from(1)),
        ("/run", ran.dir.run().to_string().into()),
        ("/label", "make-a-note".into()),
        ("/repo", ground.repo().to_str().into()),
        ("/outcome", "done".into()),
        ("/iterations", 2.into()),
        ("/steps", 8.into()),
        ("/tests/0/status", "passed".into()),
        ("/tests/0/attempts", 2.into()),
        ("/gates/0/result", "passed".into()),
        ("/gates/0/iteration", 2.into()),
        ("/branch", "run/make-a-note".into()),
        ("/base", ground.git(&["rev-parse", "HEAD"]).into()),
        ("/snapshot/commit", last.commit.as_str().into()),
        ("/snapshot/insertions", 2.into()),
    ] {
        assert_eq!(summary.pointer(field), Some(&value), "{field}");
    }
    assert_eq!(summary["tests"].as_array().unwrap().len(), 1);
    // `show` and the summary count alike.
    let page = ground.loopdash(&["show", "make-a-note"]).exits(0).out;
    assert!(page.contains("passed  2/5"), "{page}");

    let table = read("report.tsv");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        rows[0],
        [
            "at",
            "iteration",
            "step",
            "kind",
            "test",
            "result",
            "duration_ms",
            "bytes",
            "lines",
            "input",
            "cached",
            "output",
            "micro_usd"
        ]
    );
    let columns: Vec<[&str; 3]> = rows[1..].iter().map(|row| [row[1], row[3], row[5]]).collect();
    assert_eq!(
        columns,
        [
            ["0", "worktree", "ok"],
            ["1", "actor", "ok"],
            ["1", "snapshot", "ok"],
            ["1", "gate grep", "exit 1"],
            // Once more, to see whether it is flaky.
            ["1", "gate grep", "exit 1"],
            ["2", "actor", "ok"],
            ["2", "snapshot", "ok"],
            ["2", "gate grep", "ok"],
        ]
    );
    let actor = std::fs::metadata(ran.dir.path().join("steps/2-actor/stdout.log")).unwrap().len();
    assert_eq!((rows[2][7], rows[2][4]), (actor.to_string().as_str(), "objective"));

    // Derived: deleting them loses nothing.
    for name in ["summary.json", "report.tsv"] {
        std::fs::remove_file(ran.dir.path().join(name)).unwrap();
    }
    let without = ground.loopdash(&["show", "make-a-note"]).exits(0).out;
    let still = |text: &str| text.lines().filter(|line| !line.contains(" ago")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(still(&without), still(&page));
    assert!(matches!(ground.ran().state.outcome, Some((Outcome::Done, _))));
}
