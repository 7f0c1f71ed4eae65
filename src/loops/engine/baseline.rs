//! What gates found on a base, kept for other runs on the same commit: [`Baselines`], one small file each.
//!
//! A result is used again for a day, on the same commit of the same repository, for the same command after the same
//! setup. It is derived: without it, the gate runs.

use crate::loops::core::coverage::{Coverage, CoverageSpec};
use crate::loops::core::event::GateFinished;
use crate::loops::core::gate::{CommandLine, Excuse, GateResult, GateSpec};
use crate::loops::core::ids::{Millis, RunId};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::state::{RunState, Workspace};
use crate::loops::core::step::{Exit, StepKind};
use crate::loops::journal::replace;
use crate::loops::mask::Mask;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How long a result is used again: long enough for a day's runs, short enough for a machine that changes.
const LASTS_MS: u64 = 24 * 60 * 60 * 1000;

/// What makes two runs of a gate on a base the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct BaseGate {
    /// The git directory of the repository.
    repository: String,
    /// The commit.
    base: String,
    /// What ran before, in a fresh worktree.
    setup: Vec<String>,
    command: Vec<String>,
    junit: Option<String>,
    #[serde(default)]
    coverage: Option<CoverageSpec>,
    /// Whether it runs again when it fails.
    rerun: bool,
}

impl BaseGate {
    /// The gate that a step of this kind runs on the run's base; `None` where the worktree is the operator's checkout,
    /// which may hold more than its commit.
    pub(super) fn of(run: &RunState, kind: &StepKind) -> Option<Self> {
        let StepKind::Gate(name) = kind else { return None };
        let (spec, place) = (run.spec.as_ref()?, run.workspace.as_ref()?);
        let gate = spec.gates.iter().find(|gate| gate.name == *name)?;
        Self::new(spec, place, gate)
    }

    /// The same, of a gate that is known.
    pub(super) fn new(spec: &LoopSpec, place: &Workspace, gate: &GateSpec) -> Option<Self> {
        (!place.in_place).then(|| Self {
            repository: place.common_dir.clone(),
            base: place.base.clone(),
            setup: spec.setup.as_ref().map(CommandLine::argv).unwrap_or_default(),
            command: gate.command.argv(),
            junit: gate.junit.clone(),
            coverage: gate.coverage.clone(),
            rerun: gate.rerun,
        })
    }
}

/// What a gate found on a base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Baseline {
    gate: BaseGate,
    /// The loopdash that read it: another may understand more runners.
    version: String,
    at: Millis,
    /// By whom.
    pub(super) run: RunId,
    /// How it ended.
    pub(super) outcome: GateResult,
    /// What its tests came to.
    pub(super) tests: Option<Box<TestsSeen>>,
    /// Its coverage, where it is held to a floor.
    #[serde(default)]
    pub(super) coverage: Option<Coverage>,
    /// Whether it failed in the first of two runs alone.
    pub(super) excuse: Option<Excuse>,
    /// Wall time.
    pub(super) duration_ms: u64,
}

impl Baseline {
    /// What a run found at this time.
    pub(super) fn new(gate: BaseGate, run: RunId, at: Millis, found: &GateFinished) -> Self {
        Self {
            gate,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            run,
            outcome: found.outcome.clone(),
            tests: found.tests.clone(),
            coverage: found.coverage.clone(),
            excuse: found.excuse,
            duration_ms: found.duration_ms,
        }
    }

    /// Whether another run would find the same: a gate that was killed, or ran out of time, may do better next time.
    const fn is_lasting(&self) -> bool {
        matches!(self.outcome, GateResult::Passed | GateResult::Failed { exit: Exit::Code(_) })
    }
}

/// The kept results, in a directory of the state directory.
#[derive(Clone, Debug)]
pub(super) struct Baselines {
    dir: PathBuf,
}

impl Baselines {
    /// Those of this state directory.
    pub(super) fn new(state: &Path) -> Self {
        Self { dir: state.join("baselines") }
    }

    /// What was found of this gate, if that is not too long ago.
    pub(super) fn find(&self, gate: &BaseGate, now: Millis) -> Option<Baseline> {
        let text = fs::read(self.path(gate)).ok()?;
        let found: Baseline = serde_json::from_slice(&text).ok()?;
        let same = found.gate == *gate && found.version == env!("CARGO_PKG_VERSION");
        (same && now.since(found.at) < LASTS_MS).then_some(found)
    }

    /// Keeps a result, if another run would find the same and its command holds no secret, and drops those that have become too old.
    ///
    /// # Errors
    /// Whatever the file system refuses; nothing is lost but time.
    pub(super) fn keep(&self, found: &Baseline) -> io::Result<()> {
        let secret = || Mask::of_process().value(&mut serde_json::json!(found.gate), &[]);
        if !found.is_lasting() || secret() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        for entry in fs::read_dir(&self.dir)?.flatten() {
            let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age.as_millis() > u128::from(LASTS_MS)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        replace(&self.path(&found.gate), &serde_json::to_vec(found)?)
    }

    /// A file holds the whole gate, too, so that a name that two share does no harm.
    fn path(&self, gate: &BaseGate) -> PathBuf {
        let text = format!("{gate:?}");
        self.dir.join(format!("{:08x}-{:x}.json", crc32c::crc32c(text.as_bytes()), text.len()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::ids::StepId;

    fn gate(command: &str) -> BaseGate {
        BaseGate {
            repository: "/r/.git".into(),
            base: "abc".into(),
            setup: Vec::new(),
            command: vec![command.into()],
            junit: None,
            coverage: None,
            rerun: true,
        }
    }

    fn found(outcome: GateResult) -> Baseline {
        let run = RunId::new(uuid::Uuid::now_v7());
        let found = GateFinished::new(StepId(1), "tests".into(), true, outcome, 7);
        let found = GateFinished { tests: Some(Box::default()), ..found };
        Baseline::new(gate("make test"), run, Millis(1_000), &found)
    }

    #[test]
    fn a_result_is_found_again_for_a_day_by_the_same_gate_alone() {
        let state = tempfile::tempdir().unwrap();
        let kept = Baselines::new(state.path());
        let result = found(GateResult::Failed { exit: Exit::Code(2) });
        assert_eq!(kept.find(&gate("make test"), Millis(1_000)), None);
        kept.keep(&result).unwrap();
        assert_eq!(kept.find(&gate("make test"), Millis(1_000 + LASTS_MS - 1)), Some(result));
        assert_eq!(kept.find(&gate("make test"), Millis(1_000 + LASTS_MS)), None);
        assert_eq!(kept.find(&gate("make all"), Millis(1_000)), None);
        let path = kept.path(&gate("make test"));
        fs::rename(&path, kept.path(&gate("make all"))).unwrap();
        assert_eq!(kept.find(&gate("make all"), Millis(1_000)), None, "it is another gate's");
        fs::write(path, b"{").unwrap();
        assert_eq!(kept.find(&gate("make test"), Millis(1_000)), None);
    }

    #[test]
    fn what_was_cut_short_is_not_kept() {
        let state = tempfile::tempdir().unwrap();
        let kept = Baselines::new(state.path());
        for outcome in [GateResult::TimedOut, GateResult::Failed { exit: Exit::Signal(9) }] {
            kept.keep(&found(outcome)).unwrap();
            assert_eq!(kept.find(&gate("make test"), Millis(1_000)), None);
        }
    }
}
