//! `summary.json`: what a finished run came to, for scripts and for people who read one file.
//!
//! It is derived from the fold and may be deleted; the journal stays the truth.

use super::atomic::replace;
use super::error::JournalError;
use super::report::report;
use super::store::RunDir;
use crate::loops::core::coverage::Coverage;
use crate::loops::core::event::Outcome;
use crate::loops::core::gate::{Excuse, GateKind, GateResult};
use crate::loops::core::ids::{Millis, RunId, StepId, TestId};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::state::{RunState, StepRecord};
use crate::loops::core::step::{StepKind, Usage};
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::usage::Total;
use crate::loops::core::verdict::Verdict;
use crate::loops::core::weigh::TestChange;
use crate::loops::fault;
use crate::loops::mask::Mask;
use serde::{Deserialize, Serialize};
use std::io;

/// The format of `summary.json`; it grows by fields that readers may ignore.
pub const SUMMARY_FORMAT: u32 = 1;

/// A run in one object. Moments are milliseconds since the Unix epoch, UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_FORMAT`].
    pub v: u32,
    /// Which run.
    pub run: RunId,
    /// What lists call it.
    pub label: String,
    /// The loop's name.
    #[serde(rename = "loop")]
    pub name: String,
    /// The repository's root.
    pub repo: String,
    /// How it ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why, as a fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was submitted.
    pub submitted: Millis,
    /// When it first got a slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Millis>,
    /// Milliseconds from start to end, waiting included.
    pub wall_ms: u64,
    /// Milliseconds in which a step ran.
    pub active_ms: u64,
    /// Iterations that counted against the limit.
    pub iterations: u32,
    /// Steps of all kinds.
    pub steps: usize,
    /// Its work items.
    pub tests: Vec<TestSummary>,
    /// Each gate's last result.
    pub gates: Vec<GateSummary>,
    /// The ways in which the last snapshot weakens tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests_weakened: Vec<TestChange>,
    /// What to look at before its work is merged, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask_before_merge: Vec<String>,
    /// The last verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Where the work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
    /// On which branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What it is measured against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The last snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotSummary>,
    /// What the agents reported in sum; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Total>,
    /// The agents' steps, in order, with what each used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_steps: Vec<AgentStep>,
    /// The loopdash that wrote this.
    pub version: String,
}

/// A step of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStep {
    /// Its number.
    pub step: StepId,
    /// `actor` or `critic`.
    pub kind: StepKind,
    /// In which iteration.
    pub iteration: u32,
    /// The agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Wall time.
    pub duration_ms: u64,
    /// What the agent reported; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// A work item's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSummary {
    /// Its id.
    pub id: TestId,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    pub status: TestStatus,
    /// Iterations spent on it, one that was not ended included.
    pub attempts: u32,
    /// Why the last of them did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A gate's last result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateSummary {
    /// Its name.
    pub gate: String,
    /// What it checks, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<GateKind>,
    /// In which iteration.
    pub iteration: u32,
    /// Whether the iteration needed it.
    pub required: bool,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: GateResult,
    /// Wall time.
    pub duration_ms: u64,
    /// What its tests came to, where its runner is understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Box<TestsSeen>>,
    /// Its coverage, where it is held to a floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Why its failure does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excuse: Option<Excuse>,
    /// What became of it on the base, if it ran there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_base: Option<GateResult>,
}

/// What was changed in sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSummary {
    /// The commit.
    pub commit: String,
    /// Files changed since the base.
    pub files: u32,
    /// Lines added since the base.
    pub insertions: u32,
    /// Lines removed since the base.
    pub deletions: u32,
}

impl Summary {
    /// Of a run as it stands.
    pub fn of(state: &RunState) -> Self {
        let (outcome, reason) = state.outcome.clone().unzip();
        let ended = state.is_finished().then_some(state.status_since);
        let until = ended.unwrap_or(state.updated);
        let workspace = state.workspace.as_ref();
        let reported = state.usage != Total::default();
        Self {
            v: SUMMARY_FORMAT,
            run: state.id,
            label: state.label.clone(),
            name: state.spec.as_ref().map_or_else(String::new, |spec| spec.name.clone()),
            repo: state.spec.as_ref().map_or_else(String::new, |spec| spec.repo.clone()),
            outcome,
            reason,
            submitted: state.created,
            started: state.first_admitted,
            ended,
            wall_ms: state.wall_clock(until),
            active_ms: state.steps.iter().map(|step| step.duration_ms(until)).sum(),
            iterations: state.counted,
            steps: state.steps.len(),
            tests: tests(state),
            gates: gates(state),
            tests_weakened: state.standing().next_back().map(|last| last.weighed.clone()).unwrap_or_default(),
            ask_before_merge: state.ask_before_merge(),
            verdict: state.iterations.iter().rev().find_map(|iteration| iteration.verdict.clone()),
            worktree: workspace.map(|workspace| workspace.path.clone()),
            branch: workspace.and_then(|workspace| workspace.branch.clone()),
            base: workspace.map(|workspace| workspace.base.clone()).or_else(|| state.base.clone()),
            snapshot: state.last_snapshot().map(|snapshot| SnapshotSummary {
                commit: snapshot.commit.clone(),
                files: snapshot.files,
                insertions: snapshot.insertions,
                deletions: snapshot.deletions,
            }),
            usage: reported.then_some(state.usage),
            agent_steps: agent_steps(state, until),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

fn agent_steps(state: &RunState, until: Millis) -> Vec<AgentStep> {
    let of_agents = state.steps.iter().filter(|step| matches!(step.kind, StepKind::Actor | StepKind::Critic));
    let summary = |step: &StepRecord| AgentStep {
        step: step.id,
        kind: step.kind.clone(),
        iteration: step.iteration,
        agent: step.agent.clone(),
        duration_ms: step.duration_ms(until),
        usage: step.usage().copied(),
    };
    of_agents.map(summary).collect()
}

fn tests(state: &RunState) -> Vec<TestSummary> {
    let summary = |test: &crate::loops::core::test_state::TestSpec| TestSummary {
        id: test.id.clone(),
        title: Mask::of_process().text(&test.title).into_owned(),
        status: test.status,
        attempts: test.tries(),
        last_error: test.last_error.clone(),
    };
    state.tests.iter().map(summary).collect()
}

/// In the order in which the gates first ran.
fn gates(state: &RunState) -> Vec<GateSummary> {
    let mut gates: Vec<GateSummary> = Vec::new();
    for iteration in &state.iterations {
        for gate in &iteration.gates {
            let last = GateSummary {
                gate: gate.name.clone(),
                kind: gate.kind,
                iteration: iteration.number,
                required: gate.required,
                outcome: gate.outcome.clone(),
                duration_ms: gate.duration_ms,
                tests: gate.tests.clone(),
                coverage: gate.coverage.clone(),
                excuse: gate.excuse,
                on_base: state.on_base(&gate.name).map(|base| base.outcome.clone()),
            };
            match gates.iter_mut().find(|known| known.gate == last.gate) {
                Some(known) => *known = last,
                None => gates.push(last),
            }
        }
    }
    gates
}

/// Writes `summary.json` and `report.tsv` into the run's directory, each whole or not at all.
///
/// # Errors
/// [`JournalError::Io`].
pub fn write_summary(dir: &RunDir, state: &RunState) -> Result<(), JournalError> {
    dir.require()?;
    let (summary, table) = (dir.summary(), dir.report());
    let mut json = serde_json::to_vec_pretty(&Summary::of(state))
        .map_err(|error| JournalError::io("write", &summary)(io::Error::from(error)))?;
    json.push(b'\n');
    fault::io("summary").map_err(JournalError::io("write", &summary))?;
    replace(&summary, &json).map_err(JournalError::io("write", &summary))?;
    replace(&table, Mask::of_process().text(&report(state)).as_bytes()).map_err(JournalError::io("write", &table))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::journal::testing::{life, run, store, write};

    #[test]
    fn a_finished_run_is_summed_up() {
        let (_root, store) = store();
        let dir = store.run_dir(run(1));
        let records = life(run(1));
        write(&dir, &records);
        let state = RunState::replay(run(1), &records);
        assert_eq!(state.refused, 0, "the life of this run is a legal one");
        write_summary(&dir, &state).unwrap();
        write_summary(&dir, &state).unwrap();
        let text = std::fs::read_to_string(dir.summary()).unwrap();
        let summary: Summary = serde_json::from_str(&text).unwrap();
        assert_eq!(summary, Summary::of(&state));
        assert_eq!((summary.outcome, summary.reason.as_deref()), (Some(Outcome::Done), Some("every test passed")));
        assert_eq!((summary.label.as_str(), summary.name.as_str()), ("auth#2", "auth"));
        assert_eq!(summary.iterations, 2);
        assert_eq!((summary.tests.len(), summary.tests[0].status), (1, TestStatus::Passed));
        assert_eq!(summary.tests[0].attempts, 2);
        assert_eq!((summary.gates.len(), summary.gates[0].iteration), (1, 2));
        assert_eq!(summary.gates[0].outcome, GateResult::Passed);
        assert_eq!(summary.snapshot.unwrap().commit, "c2");
        assert_eq!(summary.usage.unwrap().known.output, Some(60));
        let steps: Vec<(&StepKind, u32)> =
            summary.agent_steps.iter().map(|step| (&step.kind, step.iteration)).collect();
        let expected = [(StepKind::Actor, 1), (StepKind::Actor, 2), (StepKind::Actor, 2), (StepKind::Critic, 2)];
        assert!(steps.into_iter().eq(expected.iter().map(|(kind, iteration)| (kind, *iteration))));
        let outputs = summary.agent_steps.iter().filter_map(|step| step.usage?.output);
        assert_eq!(outputs.sum::<u64>(), 60);
        assert_eq!((summary.branch.as_deref(), summary.base.as_deref()), (Some("run/auth"), Some("b0")));
        let (first, last) = (records[1].at, records[records.len() - 1].at);
        assert_eq!((summary.started, summary.ended), (Some(first), Some(last)));
        assert_eq!(summary.wall_ms, last.since(first));
        assert!(summary.active_ms > 0);
        assert!(dir.report().exists());
        let left: Vec<_> = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 4, "{left:?}");
    }

    #[test]
    fn a_run_that_only_was_submitted_has_a_summary_too() {
        let summary = Summary::of(&RunState::replay(run(1), &life(run(1))[..1]));
        assert_eq!((summary.outcome, summary.started, summary.wall_ms), (None, None, 0));
        let json = serde_json::to_value(&summary).unwrap();
        for absent in ["outcome", "usage", "verdict", "ended", "snapshot"] {
            assert!(json.get(absent).is_none(), "{absent} is not known");
        }
        let empty = Summary::of(&RunState::new(run(1)));
        assert_eq!(empty.tests, []);
    }
}
