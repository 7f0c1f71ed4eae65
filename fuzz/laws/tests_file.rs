//! A `test-state.json` is read or refused with reasons, and one that is read is written as the same.

use loopdash::app::config::{Problem, Problems};
use loopdash::loops::core::test_state::{TestFile, TestStatus, merge};
use std::collections::HashSet;

pub(crate) fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match TestFile::parse(&text) {
        Err(errors) => {
            assert!((1..=50).contains(&errors.0.len()), "{} faults", errors.0.len());
            for error in &errors.0 {
                assert!((1..=1 + text.matches('\n').count()).contains(&error.line) && error.column >= 1, "{error}");
                assert!(!error.message.is_empty());
            }
            let shown = Problems::from(Problem::new(errors.to_string())).render(false);
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
        Ok(file) => {
            let again = TestFile::parse(&file.to_json());
            assert_eq!(again.as_ref(), Ok(&file), "what is written is read as the same");
            edits(&file);
        }
    }
}

/// A file beside a run that knows all, none or half of its tests.
fn edits(file: &TestFile) {
    assert!(merge(file, &file.tests).is_empty(), "nothing was edited");
    for known in [0, file.tests.len() / 2] {
        let (known, _) = file.tests.split_at(known);
        let change = merge(file, known);
        assert_eq!(change.added.len() + known.len(), file.tests.len());
        let mut there: HashSet<&str> = known.iter().map(|test| test.id.as_str()).collect();
        for test in &change.added {
            assert!(test.status == TestStatus::Pending && test.attempts == 0, "{test:?}");
            assert!(test.depends_on.iter().all(|id| there.contains(id.as_str())), "{} joins too early", test.id);
            there.insert(&test.id);
        }
    }
}
