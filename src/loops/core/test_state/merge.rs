//! What a hand edit of `test-state.json` comes to while its run lives: new ids join, everything else is reported.
//!
//! [`merge`] compares the file as read with the tests as the run has them.

use super::{TestFile, TestSpec, TestStatus};
use std::collections::{HashMap, HashSet};

/// Edits that are named one by one; the rest are counted.
const MAX_IGNORED: usize = 20;

/// What a changed file asks of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileChange {
    /// Tests with ids that the run does not know, in the file's order, pending and without attempts.
    pub added: Vec<TestSpec>,
    /// A sentence for each other edit; none of them is obeyed.
    pub ignored: Vec<String>,
}

impl FileChange {
    /// Whether nothing was edited.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.ignored.is_empty()
    }
}

/// Compares a file with the tests that loopdash last wrote to it. A test that runs counts as pending, as it does when
/// a file is read.
pub fn merge(file: &TestFile, live: &[TestSpec]) -> FileChange {
    let known: HashMap<&str, &TestSpec> = live.iter().map(|test| (test.id.as_str(), test)).collect();
    let mut change = FileChange::default();
    for test in &file.tests {
        let Some(live) = known.get(test.id.as_str()) else {
            let fresh = TestSpec { status: TestStatus::Pending, attempts: 0, last_error: None, ..test.clone() };
            change.added.push(fresh);
            continue;
        };
        let fields = edited_fields(test, live);
        if !fields.is_empty() {
            change.ignored.push(format!(
                "test {}: {} edited by hand, which a live run does not take up",
                test.id,
                fields.join(", ")
            ));
        }
        if settled(test.status) != settled(live.status) {
            change.ignored.push(format!(
                "test {}: status set to {} by hand; it stays {}, only loopdash changes it",
                test.id,
                test.status.word(),
                live.status.word()
            ));
        }
    }
    let in_file: HashSet<&str> = file.tests.iter().map(|test| test.id.as_str()).collect();
    for test in live.iter().filter(|test| !in_file.contains(test.id.as_str())) {
        change
            .ignored
            .push(format!("test {}: removed from the file; the run keeps it (skip it to leave it out)", test.id));
    }
    let file_order = file.tests.iter().map(|test| test.id.as_str()).filter(|id| known.contains_key(id));
    let live_order = live.iter().map(|test| test.id.as_str()).filter(|id| in_file.contains(id));
    if !file_order.eq(live_order) {
        change.ignored.push("the tests were put in another order by hand; the run keeps its own".to_owned());
    }
    if change.ignored.len() > MAX_IGNORED {
        let more = change.ignored.len() - MAX_IGNORED;
        change.ignored.truncate(MAX_IGNORED);
        change.ignored.push(format!("{more} more hand edits were not taken up"));
    }
    change
}

const fn settled(status: TestStatus) -> TestStatus {
    match status {
        TestStatus::Running => TestStatus::Pending,
        other => other,
    }
}

fn edited_fields(file: &TestSpec, live: &TestSpec) -> Vec<&'static str> {
    let edits = [
        ("title", file.title != live.title),
        ("criteria", file.criteria != live.criteria),
        ("verify", file.verify != live.verify),
        ("priority", file.priority != live.priority),
        ("depends_on", file.depends_on != live.depends_on),
        ("attempts", file.attempts != live.attempts),
        ("max_attempts", file.max_attempts != live.max_attempts),
        ("last_error", file.last_error != live.last_error),
    ];
    edits.into_iter().filter_map(|(name, edited)| edited.then_some(name)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn test(id: &str) -> TestSpec {
        let json = serde_json::json!({"id": id, "title": format!("title of {id}")});
        serde_json::from_value(json).unwrap()
    }

    fn file(tests: &[TestSpec]) -> TestFile {
        TestFile { version: 1, tests: tests.to_vec() }
    }

    #[test]
    fn its_own_writing_is_no_edit() {
        let mut live = vec![test("a"), test("b"), test("c")];
        live.first_mut().unwrap().status = TestStatus::Running;
        live.last_mut().unwrap().status = TestStatus::Passed;
        let read = TestFile::parse(&file(&live).to_json()).unwrap();
        assert!(merge(&read, &live).is_empty());
    }

    #[test]
    fn new_ids_join_pending() {
        let mut new = test("new");
        (new.status, new.attempts, new.last_error) = (TestStatus::Passed, 7, Some("x".to_owned()));
        new.depends_on = vec!["a".to_owned()];
        let change = merge(&file(&[new, test("a")]), &[test("a")]);
        assert!(change.ignored.is_empty());
        let joined = change.added.first().unwrap();
        assert_eq!((joined.status, joined.attempts, &joined.last_error), (TestStatus::Pending, 0, &None));
        assert_eq!(joined.depends_on, ["a"]);
    }

    #[test]
    fn other_edits_are_sentences() {
        let mut edited = test("a");
        (edited.status, edited.title, edited.attempts) = (TestStatus::Passed, "other".to_owned(), 3);
        let change = merge(&file(&[test("c"), edited]), &[test("a"), test("b"), test("c")]);
        assert!(change.added.is_empty());
        assert_eq!(
            change.ignored,
            [
                "test a: title, attempts edited by hand, which a live run does not take up",
                "test a: status set to passed by hand; it stays pending, only loopdash changes it",
                "test b: removed from the file; the run keeps it (skip it to leave it out)",
                "the tests were put in another order by hand; the run keeps its own",
            ]
        );
    }

    #[test]
    fn many_edits_are_counted() {
        let live: Vec<TestSpec> = (0..100).map(|n| test(&n.to_string())).collect();
        let change = merge(&file(&[]), &live);
        assert_eq!(change.ignored.len(), MAX_IGNORED + 1);
        assert_eq!(change.ignored.last().unwrap(), "80 more hand edits were not taken up");
    }
}
