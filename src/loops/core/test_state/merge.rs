//! What a hand edit of `test-state.json` comes to while its run lives: new ids join, everything else is reported.
//!
//! [`merge`] compares the file as read with the tests as the run has them.

use super::{TestFile, TestSpec, TestStatus};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Edits that are named one by one; the rest are counted.
const MAX_IGNORED: usize = 20;

/// What a changed file asks of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileChange {
    /// Tests with ids that the run does not know, pending and without attempts: in the file's order, but each behind
    /// the added ones that it depends on, so that they can join one by one.
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
    change.added = dependencies_first(change.added);
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

/// The same tests, none before one that it depends on; a parsed file has no cycle, and what one holds keeps its place.
fn dependencies_first(tests: Vec<TestSpec>) -> Vec<TestSpec> {
    let index: HashMap<&str, usize> = tests.iter().enumerate().map(|(at, test)| (test.id.as_str(), at)).collect();
    let mut waits: Vec<usize> = vec![0; tests.len()];
    let mut frees: Vec<Vec<usize>> = vec![Vec::new(); tests.len()];
    for (at, test) in tests.iter().enumerate() {
        for needed in test.depends_on.iter().filter_map(|id| index.get(id.as_str())) {
            if let (Some(waits), Some(frees)) = (waits.get_mut(at), frees.get_mut(*needed)) {
                *waits += 1;
                frees.push(at);
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..tests.len()).filter(|at| waits.get(*at) == Some(&0)).collect();
    let mut order = Vec::with_capacity(tests.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for freed in frees.get(at).into_iter().flatten() {
            if let Some(waits) = waits.get_mut(*freed) {
                *waits -= 1;
                if *waits == 0 {
                    ready.insert(*freed);
                }
            }
        }
    }
    let placed: HashSet<usize> = order.iter().copied().collect();
    order.extend((0..tests.len()).filter(|at| !placed.contains(at)));
    let mut slots: Vec<Option<TestSpec>> = tests.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots.get_mut(at).and_then(Option::take)).collect()
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
    fn what_is_needed_joins_first() {
        let mut tests: Vec<TestSpec> = ["d", "b", "c", "a"].map(test).to_vec();
        for (test, needs) in tests.iter_mut().zip([vec!["a", "live"], vec!["a"], vec![], vec!["c"]]) {
            test.depends_on = needs.into_iter().map(str::to_owned).collect();
        }
        let change = merge(&file(&tests), &[test("live")]);
        let ids: Vec<&str> = change.added.iter().map(|test| test.id.as_str()).collect();
        assert_eq!(ids, ["c", "a", "d", "b"]);
        let mut ring = [test("x"), test("y")];
        for (test, need) in ring.iter_mut().zip(["y", "x"]) {
            test.depends_on = vec![need.to_owned()];
        }
        assert_eq!(merge(&file(&ring), &[]).added.len(), 2);
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
