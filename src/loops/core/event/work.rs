//! Events of a run's work: its place, its tests, its iterations, and what their steps come to.
//!
//! Each struct is the payload of the [`Event`](super::Event) of its name.

use crate::loops::core::ids::{StepId, TestId, Who};
use crate::loops::core::step::{AgentEnd, InterruptWhy, StepEnd, StepKind, Usage};
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::verdict::Verdict;
use crate::loops::core::weigh::TestChange;
use serde::{Deserialize, Serialize};

/// Its place to work exists and was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceReady {
    /// Absolute path.
    pub path: String,
    /// Its branch; `None` in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Commit, or the empty tree, that work is measured against.
    pub base: String,
    /// The worktree's own git directory.
    pub git_dir: String,
    /// The git directory of the repository.
    pub common_dir: String,
    /// Whether it is the operator's own checkout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_place: bool,
    /// Whether it was made by this step: setup has to run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// Files copied because `.worktreeinclude` names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
}

/// A test's attempt begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStarted {
    /// Which.
    pub test: TestId,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// A test is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestPassed {
    /// Which.
    pub test: TestId,
    /// The evidence in a few words: verdict, gates.
    pub evidence: String,
}

/// An attempt did not meet the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFailed {
    /// Which.
    pub test: TestId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Why, as a fragment.
    pub why: String,
}

/// A test is out of attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestBlocked {
    /// Which.
    pub test: TestId,
    /// Why, as a fragment.
    pub why: String,
}

/// A test is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSkipped {
    /// Which.
    pub test: TestId,
    /// By whom.
    pub who: Who,
    /// Why, if said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A test starts over with no attempts; its history stays in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReset {
    /// Which.
    pub test: TestId,
    /// By whom.
    pub who: Who,
}

/// A blocked test gets one more attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRetried {
    /// Which.
    pub test: TestId,
    /// By whom.
    pub who: Who,
}

/// A test joined the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAdded {
    /// The whole test, pending.
    pub test: TestSpec,
    /// By whom.
    pub who: Who,
}

/// One trip begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationStarted {
    /// Its number, from 1.
    pub iteration: u32,
    /// The test it works on.
    pub test: TestId,
}

/// A step is about to start; durable before it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStarted {
    /// Its number.
    pub step: StepId,
    /// What it does.
    pub kind: StepKind,
    /// The open iteration; 0 before the first.
    #[serde(default)]
    pub iteration: u32,
    /// The agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What is spawned; empty for git operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cwd: String,
    /// The prompt's file, relative to the run's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Notes and answers that this prompt carries, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guidance: Vec<u32>,
}

/// A step's process exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawned {
    /// Which step's.
    pub step: StepId,
    /// Process id.
    pub pid: u32,
    /// The process's start time as the system counts it (Linux: clock ticks since boot), so that a reused pid is
    /// never taken for it.
    pub start: u64,
}

/// A step ended by itself or by its timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFinished {
    /// Which.
    pub step: StepId,
    /// How.
    #[serde(flatten)]
    pub end: StepEnd,
}

/// loopdash ended a step, or lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepInterrupted {
    /// Which.
    pub step: StepId,
    /// Why.
    pub why: InterruptWhy,
    /// Processes that had outlived it and were stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// Lines in its transcript.
    #[serde(default)]
    pub lines: u64,
    /// What it had used, where its agent told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What its agent's stream had told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Box<AgentEnd>>,
}

impl StepInterrupted {
    /// A step that told nothing before it was ended.
    pub const fn new(step: StepId, why: InterruptWhy) -> Self {
        Self { step, why, left_behind: Vec::new(), lines: 0, usage: None, agent: None }
    }
}

/// What a watch over a running agent saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// It has printed nothing at all.
    NoOutput,
    /// It has stopped printing.
    Silent,
    /// It prints again.
    Resumed,
    /// It makes the same call with the same result again and again.
    Repeating,
    /// It does something else.
    Varied,
}

/// CPU time that a step's processes used, and over how long they were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuUse {
    /// Milliseconds that they used.
    pub used_ms: u64,
    /// Milliseconds between the two looks.
    pub over_ms: u64,
}

impl CpuUse {
    /// Percent of one core that an idle runtime may use.
    const IDLE_PERCENT: u64 = 3;

    /// Whether they were at work, over the whole time and not in a moment of it.
    pub const fn busy(self) -> bool {
        self.used_ms.saturating_mul(100) >= self.over_ms.saturating_mul(Self::IDLE_PERCENT)
    }
}

/// A watch over a running step saw something. It tells; it ends nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Which step's.
    pub step: StepId,
    /// What.
    pub sign: Sign,
    /// For how many milliseconds it printed nothing, or did the same.
    pub for_ms: u64,
    /// Whether its processes were using the CPU meanwhile; absent where that cannot be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<bool>,
    /// What that rests on: their CPU time since the watch looked last in this silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuUse>,
    /// What the step has used so far, where its agent tells before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The call that it repeats, as its agent wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// How often it made it in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub times: u32,
}

impl Signal {
    /// That a step does this, of which nothing else is known.
    pub const fn new(step: StepId, sign: Sign, for_ms: u64) -> Self {
        Self { step, sign, for_ms, busy: None, cpu: None, usage: None, what: None, times: 0 }
    }
}

/// The worktree's content is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotTaken {
    /// By which step.
    pub step: StepId,
    /// The snapshot commit, under `refs/loopdash/<run>/<iteration>`.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// Whether the tree equals the base's: nothing was done at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty: bool,
    /// The snapshot before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Files changed since the base.
    pub files: u32,
    /// Lines added since the base.
    pub insertions: u32,
    /// Lines removed since the base.
    pub deletions: u32,
    /// Paths that could not be kept, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// The commit that the worktree's `HEAD` is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Changes of the iteration before that this one took back, at most [`UndoneHunk::MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<UndoneHunk>,
    /// Numbers of the open findings whose lines were changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touched: Vec<u32>,
}

/// A change that the iteration before made, and this one took back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneHunk {
    /// The file, fit for reading.
    pub path: String,
    /// Its first line now, from 1.
    pub line: u32,
    /// The digest of the file's name and of both sides, whichever way round.
    pub digest: String,
}

impl UndoneHunk {
    /// Changes that are named.
    pub const MOST: usize = 20;
}

/// The operator takes the worktree over: from here until the run goes on, what changes there is the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// By whom.
    pub who: Who,
}

/// The worktree's content is kept before the operator takes over, or after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// By which step.
    pub step: StepId,
    /// Whose changes they are: the actor's, or the operator's.
    pub by: Who,
    /// The commit, under `refs/loopdash/<run>/keep-<step>`.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// Files changed since what was kept before.
    pub files: u32,
    /// Lines added since then.
    pub insertions: u32,
    /// Lines removed since then.
    pub deletions: u32,
    /// The first of these files, at most [`Kept::MOST_PATHS`], fit for reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

impl Kept {
    /// Paths that are named.
    pub const MOST_PATHS: usize = 30;
}

/// What a snapshot holds weakens the tests that are to judge it, against the base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsWeighed {
    /// The snapshot's step.
    pub step: StepId,
    /// In which ways, at most [`TestChange::MOST`].
    pub changes: Vec<TestChange>,
}

/// While a step ran, something of the repository changed that is not the run's: somebody's refs, or what steers git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryTouched {
    /// Which step.
    pub step: StepId,
    /// What changed, a fragment each.
    pub changed: Vec<String>,
    /// Commits of the run's own that are gone from the repository: what they held cannot be gone back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
}

/// The critic has spoken, or could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictReached {
    /// By which step.
    pub step: StepId,
    /// What it said.
    #[serde(flatten)]
    pub verdict: Verdict,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
