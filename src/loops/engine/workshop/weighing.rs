//! Weighing what a snapshot does to tests: the change since the base, handed to the pure core.
//!
//! Like all evidence it fails no step: a change that cannot be read is not weighed, and the log says why.

use super::{Job, Workshop};
use crate::loops::core::event::{SnapshotTaken, TestsWeighed};
use crate::loops::core::gate::GateSpec;
use crate::loops::core::weigh::{ChangedFile, TestsPolicy, weigh};
use crate::loops::git::diff::{FileDiff, LineKind, Status};

impl Workshop {
    /// What this snapshot does to tests, if it weakens them and the loop cares.
    pub(super) async fn weighed(&self, job: &Job, taken: &SnapshotTaken) -> Option<TestsWeighed> {
        let spec = &job.order.spec;
        if taken.empty || spec.tests_policy == TestsPolicy::Allow {
            return None;
        }
        let place = self.git_place(&job.order)?;
        let diff = self.git.between(place.common_dir, place.base, taken.commit.clone()).await;
        let diff =
            diff.inspect_err(|error| tracing::warn!(%error, "what a snapshot does to tests is not weighed")).ok()?;
        let (step, gates) = (taken.step, spec.gates.clone());
        let work = move || {
            let files: Vec<ChangedFile<'_>> = diff.files.iter().map(changed).collect();
            let commands: Vec<String> = gates.iter().map(|gate: &GateSpec| gate.command.display()).collect();
            weigh(&files, &commands)
        };
        let changes = tokio::task::spawn_blocking(work).await.ok()?;
        (!changes.is_empty()).then_some(TestsWeighed { step, changes })
    }
}

fn changed(file: &FileDiff) -> ChangedFile<'_> {
    let lines = |kind: LineKind| {
        let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines).filter(move |line| line.kind == kind);
        lines.map(|line| file.line(line)).collect()
    };
    ChangedFile {
        path: &file.path,
        old_path: file.old_path.as_deref(),
        deleted: file.status == Status::Deleted,
        removed: lines(LineKind::Removed),
        added: lines(LineKind::Added),
    }
}
