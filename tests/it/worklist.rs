//! The work items of a run in the real program: `test-state.json` as it is written, edited by hand, and steered by keys.

use crate::ground::{Ground, Live, agent};
use crate::screen::{a_loop, leave, open};
use crate::term::until;
use loopdash::loops::core::event::{Event, Outcome};
use loopdash::loops::core::ids::Who;
use loopdash::loops::core::test_state::{TestFile, TestStatus};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

fn read(path: &Path) -> TestFile {
    TestFile::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Each test with its state and attempts, as the file has them.
fn standing(path: &Path) -> Vec<(String, TestStatus, u32)> {
    read(path).tests.into_iter().map(|test| (test.id, test.status, test.attempts)).collect()
}

/// An actor that says by a file that it works on test T, and waits for another before it changes something and claims.
fn paced(ground: &Ground) -> String {
    let base = ground.base().display().to_string();
    let script = format!(
        "touch {base}/at-$LOOPDASH_TEST; while [ ! -e {base}/go-$LOOPDASH_TEST ]; do sleep 0.02; done; echo more >>x"
    );
    agent(&["sh", &script, "claim"])
}

fn go(ground: &Ground, tests: &[&str]) {
    tests.iter().for_each(|test| std::fs::write(ground.path(&format!("go-{test}")), "").unwrap());
}

fn at_work(ground: &Ground, test: &str) {
    let started = std::time::Instant::now();
    while !ground.path(&format!("at-{test}")).exists() {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "{test} is never worked on");
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
}

const TWO: &str =
    r#"{"version":1,"tests":[{"id":"A","title":"first"},{"id":"B","title":"second","depends_on":["A"]}]}"#;

fn start(ground: &Ground) -> Live {
    let actor = paced(ground);
    let args = ["run", "--headless", "-p", "x", "--actor", &actor, "--critic", "none", "--tests", "tests.json"];
    Live::start(ground.command(&args))
}

/// Edits the file as a person does: the whole of it, in one step.
fn edit(ground: &Ground, change: impl FnOnce(&mut serde_json::Value)) {
    let path = ground.repo().join("tests.json");
    let mut file = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut file);
    std::fs::write(ground.path("edited.json"), serde_json::to_string_pretty(&file).unwrap()).unwrap();
    std::fs::rename(ground.path("edited.json"), path).unwrap();
}

/// What was said about the file by hand edits.
fn said(ground: &Ground) -> Vec<String> {
    ground.ran().events(|event| match event {
        Event::Noted(e) => Some(e.text.clone()),
        _ => None,
    })
}

#[test]
fn the_file_follows_the_run_and_is_whole_at_every_moment() {
    let ground = Ground::new();
    ground.write("tests.json", TWO);
    ground.commit("tests");
    let path = ground.repo().join("tests.json");
    let mut live = start(&ground);
    at_work(&ground, "A");
    let (mut seen, mut files) = (Vec::new(), std::collections::BTreeSet::new());
    go(&ground, &["A", "B"]);
    while live.child.try_wait().unwrap().is_none() {
        files.insert(std::fs::metadata(&path).unwrap().ino());
        let now = standing(&path);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    live.end().exits(0);
    let of = |a, tries_a, b, tries_b| vec![("A".to_owned(), a, tries_a), ("B".to_owned(), b, tries_b)];
    let last = of(TestStatus::Passed, 1, TestStatus::Passed, 1);
    assert_eq!(standing(&path), last);
    assert!(files.len() > 1, "it is replaced, not written into");
    let known =
        [of(TestStatus::Pending, 0, TestStatus::Pending, 0), of(TestStatus::Passed, 1, TestStatus::Pending, 0), last];
    assert!(seen.iter().all(|state| known.contains(state)), "{seen:?}");
    assert_eq!(said(&ground), [""; 0], "its own writing is no hand edit");
    assert_eq!(ground.git(&["status", "--porcelain"]), "M tests.json", "no temporary file is left");
    // What it wrote is what its own schema allows.
    let schema = serde_json::from_str(&ground.loopdash(&["schema", "test-state"]).exits(0).out).unwrap();
    let written = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(jsonschema::is_valid(&schema, &written), "{written}");
}

#[test]
fn new_ids_join_at_the_next_iteration_and_other_edits_are_told_and_not_obeyed() {
    let ground = Ground::new();
    ground.write("tests.json", TWO);
    ground.commit("tests");
    let live = start(&ground);
    at_work(&ground, "A");
    edit(&ground, |file| {
        let tests = file["tests"].as_array_mut().unwrap();
        tests[0]["title"] = "something else".into();
        tests[1]["status"] = "passed".into();
        tests.push(serde_json::json!({"id": "C", "title": "third", "depends_on": ["A"], "priority": 1}));
    });
    go(&ground, &["A", "B", "C", "D"]);
    let told = live.end().exits(0);
    let ran = ground.ran();
    let order: Vec<&str> = ran.state.iterations.iter().map(|iteration| iteration.test.as_str()).collect();
    assert_eq!(order, ["A", "C", "B"], "C joined, and B was worked on whatever the file said");
    let added = ran.events(|event| match event {
        Event::TestAdded(e) => Some((e.test.id.as_str(), e.who)),
        _ => None,
    });
    assert_eq!(added, [("C", Who::File)]);
    let said = said(&ground);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("test A: title edited by hand"), "{said:?}");
    assert!(said[1].contains("test B: status set to passed by hand; it stays pending"), "{said:?}");
    assert!(said.iter().all(|sentence| told.out.contains(sentence)), "{}", told.out);
    let path = ground.repo().join("tests.json");
    let passed = |id: &str| (id.to_owned(), TestStatus::Passed, 1);
    assert_eq!(standing(&path), ["A", "B", "C"].map(passed));
    assert_eq!(read(&path).tests[0].title, "first");
}

#[test]
fn an_id_added_while_the_last_test_is_at_work_is_not_lost() {
    let ground = Ground::new();
    ground.write("tests.json", TWO);
    ground.commit("tests");
    let live = start(&ground);
    go(&ground, &["A"]);
    at_work(&ground, "B");
    edit(&ground, |file| {
        file["tests"].as_array_mut().unwrap().push(serde_json::json!({"id": "C", "title": "third"}));
    });
    go(&ground, &["B", "C"]);
    live.end().exits(0);
    assert_eq!(ground.ran().state.progress(), (3, 3));
    assert_eq!(said(&ground), [""; 0]);
}

#[test]
fn a_file_that_cannot_be_read_any_more_is_told_and_left_alone() {
    let ground = Ground::new();
    ground.write("tests.json", TWO);
    ground.commit("tests");
    let live = start(&ground);
    at_work(&ground, "A");
    ground.write("tests.json", "{ half an ed");
    go(&ground, &["A", "B"]);
    let told = live.end().exits(0);
    assert!(told.out.contains("cannot be read and is left alone"), "{}", told.out);
    assert_eq!(std::fs::read_to_string(ground.repo().join("tests.json")).unwrap(), "{ half an ed");
    assert_eq!(ground.ran().state.progress(), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_tests_are_reset_retried_and_skipped_by_keys() {
    let ground = Ground::new();
    ground.write(
        "tests.json",
        r#"{"version":1,"tests":[
            {"id":"A","title":"takes three","verify":["test","-e","ok-A"],"max_attempts":1},
            {"id":"B","title":"never","verify":["test","-e","ok-B"],"max_attempts":1,"depends_on":["A"]},
            {"id":"C","title":"needs both","depends_on":["B"]}]}"#,
    );
    let third = "echo x >>count-$LOOPDASH_TEST; n=$(wc -l <count-$LOOPDASH_TEST); \
                 if [ $n -ge 3 ]; then touch ok-$LOOPDASH_TEST; fi";
    ground.write("loopdash.toml", &format!("{}tests = \"tests.json\"\n", a_loop("listed", &["sh", third, "claim"])));
    ground.commit("configure");
    let path = ground.repo().join("tests.json");
    let iterations = |count: usize| {
        let ground = &ground;
        async move {
            until(&format!("{count} iterations"), || {
                let ran = ground.runs();
                ran.first().is_some_and(|ran| ran.state.iterations.len() == count && ran.state.needs_person())
            })
            .await;
        }
    };
    let mut term = open(&ground, &["--start-all"]);
    iterations(1).await;
    term.see("1 needs you").await;
    assert_eq!(standing(&path)[0], ("A".to_owned(), TestStatus::Blocked, 1));
    term.keys("4").await;
    term.see("takes three").await;
    term.keys("\t").await;
    term.keys("x").await;
    term.see("Start A of listed over?").await;
    term.answer("y", "Start A of listed over?").await;
    iterations(2).await;
    term.see("1 needs you").await;
    term.keys("R").await;
    // A is met at its third iteration; B, which waited for it, blocks at its first.
    iterations(4).await;
    term.see("1 needs you").await;
    term.keys("j").await;
    term.keys("s").await;
    term.see("Leave out B of listed?").await;
    term.answer("y", "Leave out B of listed?").await;
    term.see("1 done").await;
    leave(&mut term).await;
    let expected = [("A", TestStatus::Passed, 2), ("B", TestStatus::Skipped, 1), ("C", TestStatus::Passed, 1)];
    assert_eq!(standing(&path), expected.map(|(id, status, tries)| (id.to_owned(), status, tries)));
    let ran = ground.ran();
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
    assert_eq!(ran.state.refused, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_added_by_key_is_worked_on_and_stands_in_the_file() {
    let ground = Ground::new();
    ground.write("tests.json", r#"{"version":1,"tests":[{"id":"A","title":"first"}]}"#);
    let base = ground.base().display().to_string();
    let script = format!("touch {base}/at; while [ ! -e {base}/go ]; do sleep 0.02; done; echo more >>x");
    ground.write("loopdash.toml", &format!("{}tests = \"tests.json\"\n", a_loop("listed", &["sh", &script, "claim"])));
    ground.commit("configure");
    let mut term = open(&ground, &["--start-all"]);
    until("the actor is at work", || ground.path("at").exists()).await;
    term.see("listed").await;
    term.keys("t").await;
    term.see("New test of listed").await;
    term.keys("A door for cats\r").await;
    term.see("added added-1").await;
    std::fs::write(ground.path("go"), "").unwrap();
    term.see("1 done").await;
    leave(&mut term).await;
    let file = read(&ground.repo().join("tests.json"));
    let tests: Vec<_> = file.tests.iter().map(|test| (test.id.as_str(), test.title.as_str(), test.status)).collect();
    assert_eq!(tests, [("A", "first", TestStatus::Passed), ("added-1", "A door for cats", TestStatus::Passed)]);
}
