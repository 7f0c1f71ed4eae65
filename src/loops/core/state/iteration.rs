//! One iteration's state: what its steps have produced so far.
//!
//! Its phase is not stored but follows from what is there, so that clearing a result is enough to do it again.

use super::RunState;
use crate::loops::core::coverage::Coverage;
use crate::loops::core::event::{GateFinished, UndoneHunk};
use crate::loops::core::gate::{Excuse, GateKind, GateResult, Ran, suspect};
use crate::loops::core::hook::HooksDone;
use crate::loops::core::ids::{Millis, RunId, StepId, TestId};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::spec::CriticWhen;
use crate::loops::core::step::StepEnd;
use crate::loops::core::verdict::{Decision, Severity, Verdict};
use crate::loops::core::weigh::{TestChange, TestsPolicy};

/// One trip: actor, snapshot, gates, critic, verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Iteration {
    /// From 1.
    pub number: u32,
    /// The test it works on.
    pub test: TestId,
    /// When it began.
    pub started: Millis,
    /// When it was closed.
    pub ended: Option<Millis>,
    /// How the actor ended.
    pub actor: Option<StepEnd>,
    /// What it left.
    pub snapshot: Option<SnapshotInfo>,
    /// The ways in which its snapshot weakens tests, against the base.
    pub weighed: Vec<TestChange>,
    /// Gate results so far, in order.
    pub gates: Vec<GateRun>,
    /// The last verdict.
    pub verdict: Option<Verdict>,
    /// How often the critic was asked since it last had to start anew.
    pub asks: u32,
    /// How it closed, in a few words; `None` while open.
    pub result: Option<String>,
    /// Whether the test passed.
    pub passed: bool,
    /// Whether it counts as an attempt.
    pub counted: bool,
    /// Whether a rewind went back behind it.
    pub aside: bool,
    /// Which of its hooks are done.
    pub hooks: HooksDone,
}

/// A snapshot as the screen needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// Whether nothing differs from the base.
    pub empty: bool,
    /// Files changed since the base.
    pub files: u32,
    /// Lines added since the base.
    pub insertions: u32,
    /// Lines removed since the base.
    pub deletions: u32,
    /// Where the worktree's `HEAD` was.
    pub head: Option<String>,
    /// Whether content or `HEAD` differ from the snapshot before.
    pub moved: bool,
    /// What the iteration undid of the one before.
    pub undone: Vec<UndoneHunk>,
}

/// A gate's result in an iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRun {
    /// Its name.
    pub name: String,
    /// What it checks, if that is said.
    pub kind: Option<GateKind>,
    /// Whether the iteration needs it.
    pub required: bool,
    /// What became of it.
    pub outcome: GateResult,
    /// Wall time.
    pub duration_ms: u64,
    /// The digest of what it printed last, if it failed.
    pub digest: Option<String>,
    /// What its tests came to, where its runner is understood.
    pub tests: Option<Box<TestsSeen>>,
    /// Its coverage, where it is held to a floor.
    pub coverage: Option<Coverage>,
    /// Why its failure does not count.
    pub excuse: Option<Excuse>,
    /// How often it ran in this iteration.
    pub runs: u32,
    /// On the base: the run that found this before, on the same commit.
    pub found_by: Option<RunId>,
    /// The step with its output.
    pub step: StepId,
}

impl GateRun {
    /// What a gate came to that has run so often in its iteration.
    pub fn new(e: &GateFinished, runs: u32) -> Self {
        Self {
            name: e.gate.clone(),
            kind: e.kind,
            required: e.required,
            outcome: e.outcome.clone(),
            duration_ms: e.duration_ms,
            digest: e.digest.clone(),
            tests: e.tests.clone(),
            coverage: e.coverage.clone(),
            excuse: e.excuse,
            runs,
            found_by: e.found_by,
            step: e.step,
        }
    }

    /// Whether it lets the iteration through.
    pub fn holds(&self) -> bool {
        self.outcome.passed() || self.excuse.is_some()
    }

    /// Tests that newly fail in it; one where it fails without saying which, none where its failure does not count.
    pub fn failing(&self) -> usize {
        if self.holds() {
            return 0;
        }
        let new = |tests: &TestsSeen| (tests.failed as usize).saturating_sub(tests.known.len() + tests.flaky.len());
        self.tests.as_deref().map_or(0, new).max(1)
    }

    /// What is compared with another run of it.
    pub fn ran(&self) -> Ran<'_> {
        Ran { outcome: &self.outcome, tests: self.tests.as_deref(), coverage: self.coverage.as_ref() }
    }

    /// Its end in a few words, what its tests came to, and its coverage: `exit 101, known, 412 passed 3 failed (3 known)`.
    pub fn words(&self) -> String {
        gate_words(&self.outcome, self.excuse, self.tests.as_deref(), self.coverage.as_ref())
    }
}

/// A gate's end in a few words, what its tests came to, and its coverage.
pub fn gate_words(
    outcome: &GateResult,
    excuse: Option<Excuse>,
    tests: Option<&TestsSeen>,
    coverage: Option<&Coverage>,
) -> String {
    let excuse = excuse.map(|excuse| excuse.word().to_owned());
    let words = [Some(outcome.word()), excuse, tests.map(TestsSeen::words), coverage.map(Coverage::words)];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Where an iteration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The actor has to run.
    Actor,
    /// Its work has to be kept.
    Snapshot,
    /// This gate has to run.
    Gate(String),
    /// The critic has to be asked; again, if `reask`.
    Critic {
        /// Whether its last answer could not be read.
        reask: bool,
    },
    /// Nothing is left to run: it has to be judged.
    Judge,
    /// It is over.
    Closed,
}

impl Iteration {
    /// One that has just begun.
    pub const fn new(number: u32, test: TestId, started: Millis) -> Self {
        Self {
            number,
            test,
            started,
            ended: None,
            actor: None,
            snapshot: None,
            weighed: Vec::new(),
            gates: Vec::new(),
            verdict: None,
            asks: 0,
            result: None,
            passed: false,
            counted: false,
            aside: false,
            hooks: HooksDone { before: false, after: false },
        }
    }

    /// Forgets everything after the actor's start, so that it starts again.
    pub(super) fn restart(&mut self) {
        self.actor = None;
        self.snapshot = None;
        self.weighed.clear();
        self.clear_checks();
    }

    /// Forgets gates and verdict, so that they run again.
    pub(super) fn clear_checks(&mut self) {
        self.gates.clear();
        self.verdict = None;
        self.asks = 0;
        self.hooks.after = false;
    }

    pub(super) fn close(&mut self, at: Millis, result: impl Into<String>) {
        if self.ended.is_none() {
            self.ended = Some(at);
            self.result = Some(result.into());
        }
    }

    /// Where it stands, given its run.
    pub fn phase(&self, run: &RunState) -> Phase {
        if self.ended.is_some() {
            return Phase::Closed;
        }
        let Some(actor) = &self.actor else { return Phase::Actor };
        let Some(snapshot) = &self.snapshot else { return Phase::Snapshot };
        if !actor.ok() || actor.question.is_some() || snapshot.empty {
            return Phase::Judge;
        }
        let ran = |name: &str| self.gates.iter().find(|gate| gate.name == name);
        let waiting =
            run.gates_of(&self.test).into_iter().find(|(name, _)| ran(name).is_none_or(|gate| self.again(run, gate)));
        if let Some((name, _)) = waiting {
            return Phase::Gate(name);
        }
        if self.failed_gates().next().is_some() || self.is_blocked(run) || !self.wants_critic(run, actor) {
            return Phase::Judge;
        }
        match &self.verdict {
            None => Phase::Critic { reask: false },
            Some(verdict) if verdict.decision == Decision::Unknown && self.asks < 2 => Phase::Critic { reask: true },
            Some(_) => Phase::Judge,
        }
    }

    fn wants_critic(&self, run: &RunState, actor: &StepEnd) -> bool {
        run.spec
            .as_ref()
            .is_some_and(|spec| spec.critic.is_some() && (spec.critic_when == CriticWhen::Always || actor.claim))
    }

    /// Whether a gate that failed has to run once more, to see whether what is new in it is flaky.
    fn again(&self, run: &RunState, gate: &GateRun) -> bool {
        let spec = run.spec.iter().flat_map(|spec| &spec.gates).find(|spec| spec.name == gate.name);
        if gate.holds() || gate.runs > 1 || !spec.is_some_and(|spec| spec.rerun) {
            return false;
        }
        let before = run.iterations.iter().rev().filter(|iteration| iteration.number < self.number);
        let before = before.flat_map(|iteration| &iteration.gates).find(|other| other.name == gate.name);
        let base = run.on_base(&gate.name).map(GateRun::ran);
        suspect(gate.ran(), before.filter(|before| !before.holds()).map(GateRun::ran), base)
    }

    /// Whether something besides the actor says that its work is good, if there are required gates: one that passed, or
    /// tests that did. A gate that is excused as a whole says nothing.
    pub fn has_evidence(&self) -> bool {
        let mut required = self.gates.iter().filter(|gate| gate.required).peekable();
        let tests_passed = |gate: &GateRun| gate.tests.as_ref().and_then(|tests| tests.passed).is_some_and(|n| n > 0);
        required.peek().is_none() || required.any(|gate| gate.outcome.passed() || tests_passed(gate))
    }

    /// Whether it fails for what it did to tests.
    pub fn is_blocked(&self, run: &RunState) -> bool {
        !self.weighed.is_empty() && run.spec.as_ref().is_some_and(|spec| spec.tests_policy == TestsPolicy::Block)
    }

    /// Whether what its actor did was judged and not accepted, by a gate or the critic; a crash, an empty diff and an actor
    /// that only says that there is more to do are no rejections.
    pub fn is_rejected(&self, run: &RunState) -> bool {
        let worked = self.actor.as_ref().is_some_and(StepEnd::ok) && self.snapshot.as_ref().is_some_and(|it| !it.empty);
        let by_critic = self.verdict.as_ref().is_some_and(|verdict| verdict.decision == Decision::Continue);
        worked && !self.passed && (by_critic || self.failed_gates().next().is_some() || self.is_blocked(run))
    }

    /// Its gates in the order in which agents are told of them: what explains others before them, else as they ran.
    pub fn gates_to_tell(&self) -> Vec<&GateRun> {
        let mut gates: Vec<&GateRun> = self.gates.iter().collect();
        gates.sort_by_key(|gate| GateKind::rank(gate.kind));
        gates
    }

    /// Required gates that failed, and whose failure is not excused.
    pub fn failed_gates(&self) -> impl Iterator<Item = &GateRun> {
        self.gates.iter().filter(|gate| gate.required && !gate.holds())
    }

    /// Blocking findings of its verdict.
    pub fn blocking(&self) -> usize {
        self.verdict
            .as_ref()
            .map_or(0, |verdict| verdict.findings.iter().filter(|f| f.severity == Severity::Blocking).count())
    }
}
