//! Weighing what a snapshot does to tests: the files changed since the base, laid on the scales of the pure core.
//!
//! A change that cannot be read is told as one that could not be weighed, so that a policy of `block` holds.

use super::{Job, Workshop};
use crate::loops::core::event::{SnapshotTaken, TestsWeighed};
use crate::loops::core::gate::GateSpec;
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::weigh::{ChangedFile, Scales, Side, TestChange, TestsPolicy};
use crate::loops::git::GitError;
use crate::loops::git::diff::{self, Status};
use crate::loops::mask::Mask;
use std::path::Path;

impl Workshop {
    /// What this snapshot does to tests, if it weakens them and the loop cares.
    pub(super) async fn weighed(&self, job: &Job, taken: &SnapshotTaken) -> Option<TestsWeighed> {
        let spec = job.order.spec.clone();
        if taken.empty || spec.tests_policy == TestsPolicy::Allow {
            return None;
        }
        let place = self.git_place(&job.order)?;
        let (test, to) = (job.order.test.clone(), taken.commit.clone());
        let work = move || {
            weigh(&place.common_dir, (&place.base, &to), &commands(&spec.gates, spec.tests.iter().chain(&test)))
        };
        let changes = self.git.run(work).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what a snapshot does to tests cannot be weighed");
            vec![TestChange::unread(&error.to_string())]
        });
        (!changes.is_empty()).then_some(TestsWeighed { step: taken.step, changes })
    }
}

/// What the loop's gates run, and its tests' own checks.
fn commands<'a>(gates: &[GateSpec], tests: impl Iterator<Item = &'a TestSpec>) -> Vec<Vec<String>> {
    gates.iter().map(|gate| gate.command.argv()).chain(tests.filter_map(|test| test.verify.clone())).collect()
}

/// What the change from one commit to another does to tests, and to what these commands run. Blocks.
///
/// # Errors
/// Those of [`diff::sides`].
pub fn weigh(common_dir: &Path, range: (&str, &str), commands: &[Vec<String>]) -> Result<Vec<TestChange>, GitError> {
    let mut scales = Scales::new(commands);
    // Asked of other scales, as these are written to meanwhile.
    let asked = Scales::new(commands);
    diff::sides(
        common_dir,
        range,
        &|paths| asked.want(&paths.path, paths.old.as_deref()),
        &mut |paths, before, after| {
            scales.put(&ChangedFile {
                path: &paths.path,
                old_path: paths.old.as_deref(),
                deleted: paths.status == Status::Deleted,
                before: side(before),
                after: side(after),
            });
        },
    )?;
    let mut changes = scales.weigh();
    for what in changes.iter_mut().filter_map(|change| change.what.as_mut()) {
        *what = Mask::of_process().text(what).into_owned();
    }
    Ok(changes)
}

fn side(side: &diff::Side) -> Side<'_> {
    match side {
        diff::Side::Nothing => Side::Nothing,
        diff::Side::Text(text) => Side::Text(text),
        diff::Side::TooLarge => Side::TooLarge,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::gate::CommandLine;
    use crate::loops::git::testing::Fixture;

    #[test]
    fn a_large_change_hides_nothing_and_one_that_cannot_be_read_is_an_error() {
        let fixture = Fixture::new();
        fixture.write("tests/a.py", "def test_a():\n    assert a()\n");
        fixture.write("zz/verify.sh", "exit 1\n");
        fixture.commit("before");
        let before = fixture.git(["rev-parse", "HEAD"]);
        for n in 0..20 {
            fixture.write(&format!("aa/{n}.rs"), "// x\n".repeat(199_000));
        }
        fixture.write("tests/a.py", "def test_a():\n    assert True\n");
        fixture.git(["mv", "zz/verify.sh", "zz/other.sh"]);
        fixture.commit("after");
        let after = fixture.git(["rev-parse", "HEAD"]);
        let common_dir = fixture.info().common_dir;
        let verify = vec!["sh".to_owned(), "zz/verify.sh".to_owned()];
        let told = weigh(&common_dir, (&before, &after), &[verify]).unwrap();
        let words: Vec<String> = told.iter().map(TestChange::words).collect();
        let expected = ["gate settings changed in zz/verify.sh to zz/other.sh", "1 fewer assertion in tests/a.py"];
        assert_eq!(words, expected);
        assert!(weigh(&common_dir, (&before, &"1".repeat(40)), &[]).is_err());
    }

    #[test]
    fn gates_and_the_checks_of_tests_say_which_files_decide() {
        let gates = [GateSpec::new("lint", CommandLine::Argv(vec!["lint.sh".into()]), 1)];
        let test: TestSpec = serde_json::from_str(r#"{"id":"a","title":"a","verify":["v.sh"]}"#).unwrap();
        assert_eq!(commands(&gates, [test].iter()), [["lint.sh"], ["v.sh"]]);
    }
}
