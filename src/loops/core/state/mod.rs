//! A run's state, as the fold of its events.
//!
//! [`RunState::apply`] is total and clock-free: it never fails, never panics, and the same records give the same state
//! everywhere. What the transition table refuses is counted in [`RunState::refused`] and otherwise ignored.

mod agents;
mod chores;
mod fold;
pub use fold::OBJECTIVE_TEST;
mod items;
mod iteration;
mod life;
mod limits;
mod step_record;
mod steps;
mod takeover;

pub use agents::NextAgents;
pub use chores::{Landing, Undo};
pub use iteration::{GateRun, Iteration, Phase, SnapshotInfo, gate_words};
pub use step_record::{Circling, Silence, StepOutcome, StepRecord};

use super::budget::Budget;
use super::event::{Chore, Outcome, ParkReason, PauseKind, Trouble, When};
use super::gate::{GateSpec, suspect};
use super::hook::HooksDone;
use super::ids::{Millis, RunId, StepId, TestId, Who};
use super::setback::Setback;
use super::spec::{LoopSpec, Trigger};
use super::step::{InterruptWhy, StepKind};
use super::test_state::{TestSpec, TestStatus};
use super::transition::RunStatus;
use super::usage::Total;
use super::watch::Watched;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many times in a row the actor may fail, or leave everything as it was, before a person is asked.
pub const MAX_ACTOR_FAILURES: u32 = 3;

/// Everything that is known about a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// Its id.
    pub id: RunId,
    /// What lists call it.
    pub label: String,
    /// Its definition as submitted, with the agents that it has now; `None` only before `submitted` was read.
    pub spec: Option<Arc<LoopSpec>>,
    /// How it was launched.
    pub trigger: Trigger,
    /// The commit named at submission.
    pub base: Option<String>,
    /// Position among runs submitted together.
    pub order: u32,
    /// The last event's number.
    pub seq: u64,
    /// When it was submitted.
    pub created: Millis,
    /// When the last event happened.
    pub updated: Millis,
    /// Where it stands.
    pub status: RunStatus,
    /// Since when.
    pub status_since: Millis,
    /// When it first got a slot.
    pub first_admitted: Option<Millis>,
    /// Milliseconds by which the wall clock jumped since then.
    pub clock_jumped: i64,
    /// Its slot while it has one.
    pub slot: Option<u32>,
    /// How it is, or is to be, paused.
    pub pause: Option<PauseKind>,
    /// What it waits for.
    pub park: Option<ParkReason>,
    /// The run that is to end first, and what it is called.
    pub behind: Option<(RunId, String)>,
    /// How it ended, and why.
    pub outcome: Option<(Outcome, String)>,
    /// 0 to 9.
    pub priority: u8,
    /// Iterations that may count.
    pub max_iterations: u32,
    /// What may be used up.
    pub budget: Budget,
    /// Iterations that counted.
    pub counted: u32,
    /// Its work items with their live state.
    pub tests: Vec<TestSpec>,
    /// Its place to work, once made.
    pub workspace: Option<Workspace>,
    /// Whether that place was checked since the run last waited.
    pub workspace_ready: bool,
    /// Whether the setup command has succeeded in it.
    pub setup_done: bool,
    /// What the gates found on the base, before the first trip.
    pub base_gates: Vec<GateRun>,
    /// All trips, in order; the last may be open.
    pub iterations: Vec<Iteration>,
    /// All steps, in order.
    pub steps: Vec<StepRecord>,
    /// The step that runs, if any; always the last of `steps`.
    pub active: Option<StepId>,
    /// Why the running step is to be ended early.
    pub interrupt: Option<InterruptWhy>,
    /// Notes and answers for the actor.
    pub notes: Vec<Note>,
    /// Actor failures in a row.
    pub actor_failures: u32,
    /// Iterations in a row after which nothing at all differed from the base.
    pub barren: u32,
    /// Whether the operator is at work in the worktree, or was when the run was last seen.
    pub taken_over: bool,
    /// Whose changes have to be kept before anything else happens to the worktree.
    pub keep: Option<Who>,
    /// The last commit that was kept outside an iteration's order, if no snapshot followed it.
    pub last_kept: Option<String>,
    /// What is to be done to the worktree as a whole, until it is done.
    pub chore: Option<Chore>,
    /// When they asked for it, or for what was cut short before it.
    pub chore_asked: Millis,
    /// The refs that keep its base, its snapshots and its trash, each with its commit.
    pub refs: BTreeMap<String, String>,
    /// Commits of its own that are gone from the repository.
    pub lost: BTreeSet<String>,
    /// Who wanted the last such thing.
    pub chore_by: Who,
    /// What undo returns to.
    pub undo: Option<Box<Undo>>,
    /// Whether its worktree was scrapped and not made again.
    pub scrapped: bool,
    /// What came of landing its work the last time.
    pub landing: Option<Landing>,
    /// What a failed step left for a person to mend.
    pub trouble: Option<(Trouble, String)>,
    /// The agent's step that has to be repeated, and why, until the run is parked for it.
    pub setback: Option<Setback>,
    /// Such steps in a row, and when the first of them ended.
    pub setbacks: (u32, Millis),
    /// What the agents used in sum, as far as they told.
    pub usage: Total,
    /// The agents that take over roles when the next iteration begins.
    pub next_agents: NextAgents,
    /// Whether loopdash has given it its stronger agent: it does so once, and leaves it to the operator then.
    pub strengthened: bool,
    /// Signals that are raised, remedies that were taken, and the findings of all verdicts.
    pub watched: Watched,
    /// Which of its hooks are done.
    pub hooks: HooksDone,
    /// Events that the transition table refused: 0 unless a journal was tampered with.
    pub refused: u32,
}

/// Where a run works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Absolute path.
    pub path: String,
    /// Its branch; `None` in place.
    pub branch: Option<String>,
    /// Commit, or the empty tree, that work is measured against.
    pub base: String,
    /// The worktree's own git directory.
    pub git_dir: String,
    /// The git directory of the repository.
    pub common_dir: String,
    /// Whether it is the operator's own checkout.
    pub in_place: bool,
    /// Files that were copied into it when it was made.
    pub included: Vec<String>,
}

/// A note or an answer on its way to the actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its number in the run.
    pub id: u32,
    /// What it says.
    pub text: String,
    /// The question that it answers.
    pub question: Option<String>,
    /// When it is to be heard.
    pub when: When,
    /// Who says it.
    pub who: Who,
    /// How far it got.
    pub delivery: Delivery,
}

/// How far a note got. It counts as delivered only when the actor step whose prompt held it ended by itself, so an
/// interrupted step's notes are told again, and each note is told by exactly one finished step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Waits for the next actor prompt.
    Pending,
    /// In the prompt of this running step.
    InFlight(StepId),
    /// In the prompt of this finished step.
    Delivered(StepId),
}

impl RunState {
    /// A run of which nothing is known yet.
    pub fn new(id: RunId) -> Self {
        Self {
            id,
            label: id.short(),
            spec: None,
            trigger: Trigger::Cli,
            base: None,
            order: 0,
            seq: 0,
            created: Millis::default(),
            updated: Millis::default(),
            status: RunStatus::Queued,
            status_since: Millis::default(),
            first_admitted: None,
            clock_jumped: 0,
            slot: None,
            pause: None,
            park: None,
            behind: None,
            outcome: None,
            priority: super::spec::DEFAULT_PRIORITY,
            max_iterations: 0,
            budget: Budget::default(),
            counted: 0,
            tests: Vec::new(),
            workspace: None,
            workspace_ready: false,
            setup_done: false,
            base_gates: Vec::new(),
            iterations: Vec::new(),
            steps: Vec::new(),
            active: None,
            interrupt: None,
            notes: Vec::new(),
            actor_failures: 0,
            barren: 0,
            taken_over: false,
            keep: None,
            last_kept: None,
            chore: None,
            chore_asked: Millis::default(),
            refs: BTreeMap::new(),
            lost: BTreeSet::new(),
            chore_by: Who::Operator,
            undo: None,
            scrapped: false,
            landing: None,
            trouble: None,
            setback: None,
            setbacks: (0, Millis::default()),
            usage: Total::default(),
            next_agents: NextAgents::default(),
            strengthened: false,
            watched: Watched::default(),
            hooks: HooksDone::default(),
            refused: 0,
        }
    }

    /// The open iteration.
    pub fn open_iteration(&self) -> Option<&Iteration> {
        self.iterations.last().filter(|iteration| iteration.ended.is_none())
    }

    pub(super) fn open_iteration_mut(&mut self) -> Option<&mut Iteration> {
        self.iterations.last_mut().filter(|iteration| iteration.ended.is_none())
    }

    /// The running step.
    pub fn active_step(&self) -> Option<&StepRecord> {
        self.active.and_then(|id| self.step(id))
    }

    /// A step by number.
    pub fn step(&self, id: StepId) -> Option<&StepRecord> {
        let index = self.steps.binary_search_by_key(&id, |step| step.id).ok()?;
        self.steps.get(index)
    }

    /// What the gate found that ran as this step.
    pub fn gate_run(&self, step: StepId) -> Option<&GateRun> {
        let of_iterations = self.iterations.iter().rev().flat_map(|iteration| &iteration.gates);
        of_iterations.chain(&self.base_gates).find(|gate| gate.step == step)
    }

    /// The number that the next step gets.
    pub fn next_step(&self) -> StepId {
        StepId(self.steps.last().map_or(0, |step| step.id.0) + 1)
    }

    /// The number that the next note gets.
    pub fn next_note(&self) -> u32 {
        self.notes.last().map_or(0, |note| note.id) + 1
    }

    /// A test by id.
    pub fn test(&self, id: &str) -> Option<&TestSpec> {
        self.tests.iter().find(|test| test.id == id)
    }

    pub(super) fn test_mut(&mut self, id: &str) -> Option<&mut TestSpec> {
        self.tests.iter_mut().find(|test| test.id == id)
    }

    /// Attempts after which `test` is blocked.
    pub fn max_attempts(&self, test: &TestSpec) -> u32 {
        test.max_attempts.unwrap_or_else(|| self.spec.as_ref().map_or(1, |spec| spec.limits.max_attempts)).max(1)
    }

    /// Tests met, by evidence or by somebody's word, and tests in all.
    pub fn progress(&self) -> (usize, usize) {
        let met = |test: &&TestSpec| matches!(test.status, TestStatus::Passed | TestStatus::Waived);
        let passed = self.tests.iter().filter(met).count();
        (passed, self.tests.len())
    }

    /// Ids of blocked tests.
    pub fn blocked(&self) -> Vec<TestId> {
        self.tests.iter().filter(|test| test.status == TestStatus::Blocked).map(|test| test.id.clone()).collect()
    }

    /// Notes that the next actor prompt has to hold.
    pub fn pending_notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.delivery == Delivery::Pending)
    }

    /// Names and requirement of the gates that the open iteration has to pass, `verify` of its test included.
    pub fn gates_of(&self, test: &str) -> Vec<(String, bool)> {
        let mut gates: Vec<(String, bool)> =
            self.spec.iter().flat_map(|spec| &spec.gates).map(|gate| (gate.name.clone(), gate.required)).collect();
        if self.test(test).is_some_and(|test| test.verify.is_some()) {
            gates.push((super::gate::VERIFY_GATE.to_owned(), true));
        }
        gates
    }

    /// The gate that has to run on the base next: one that has not, or that failed there once, to see whether that is
    /// flaky. Once somebody has worked in the worktree, it is the base no more.
    pub fn base_gate(&self) -> Option<&GateSpec> {
        let untouched = self.iterations.is_empty() && self.last_kept.is_none();
        let spec = self.spec.as_ref().filter(|_| untouched)?;
        let again = |gate: &GateSpec, run: &GateRun| {
            gate.rerun && run.runs == 1 && run.found_by.is_none() && suspect(run.ran(), None, None)
        };
        let due = |gate: &GateSpec| self.on_base(&gate.name).is_none_or(|run| again(gate, run));
        spec.gates.iter().find(|gate| gate.baseline && due(gate))
    }

    /// Whether this step was a gate's run on the base.
    pub fn is_on_base(&self, step: StepId) -> bool {
        self.base_gates.iter().any(|run| run.step == step)
    }

    /// What a gate found on the base.
    pub fn on_base(&self, gate: &str) -> Option<&GateRun> {
        self.base_gates.iter().find(|run| run.name == gate)
    }

    /// The iterations that no rewind has set aside, in order.
    pub fn standing(&self) -> impl DoubleEndedIterator<Item = &Iteration> {
        self.iterations.iter().filter(|iteration| !iteration.aside)
    }

    /// The snapshots that were not set aside and are still in the repository, in order.
    pub fn snapshots(&self) -> impl DoubleEndedIterator<Item = &SnapshotInfo> {
        let snapshots = self.standing().filter_map(|iteration| iteration.snapshot.as_ref());
        snapshots.filter(|snapshot| !self.lost.contains(&snapshot.commit))
    }

    /// The last of [`RunState::snapshots`].
    pub fn last_snapshot(&self) -> Option<&SnapshotInfo> {
        self.snapshots().next_back()
    }

    /// The snapshot of an iteration that the run can go back to.
    pub fn snapshot_of(&self, number: u32) -> Option<&SnapshotInfo> {
        let snapshot = self.standing().find(|iteration| iteration.number == number)?.snapshot.as_ref();
        snapshot.filter(|snapshot| !self.lost.contains(&snapshot.commit))
    }

    /// The last session of this agent in this role.
    pub fn last_session(&self, kind: &StepKind, agent: &str) -> Option<&str> {
        let of_agent = |step: &&StepRecord| step.kind == *kind && step.agent.as_deref() == Some(agent);
        self.steps.iter().rev().filter(of_agent).find_map(StepRecord::session)
    }

    /// Whether anything was kept that differs from where it started.
    pub fn has_changes(&self) -> bool {
        self.last_kept.is_some() || self.last_snapshot().is_some_and(|kept| !kept.empty)
    }

    /// The last commit that holds the worktree's content: a snapshot's, or one kept around a take-over.
    pub fn last_commit(&self) -> Option<&str> {
        let snapshot = || self.last_snapshot().map(|snapshot| snapshot.commit.as_str());
        self.last_kept.as_deref().or_else(snapshot)
    }

    /// The last iteration before `number` that has a verdict with findings, or failing gates: what the next actor is
    /// told.
    pub fn feedback_for(&self, test: &str) -> Option<&Iteration> {
        self.iterations.iter().rev().find(|one| one.test == test && one.ended.is_some() && !one.aside)
    }

    /// The session that the last step of this kind left, if that step was this agent's and did not fail: what made a step
    /// fail may lie in its session.
    pub fn session_to_resume(&self, kind: &StepKind, agent: &str) -> Option<&str> {
        let last = self.steps.iter().rev().find(|step| step.kind == *kind && step.end.is_some())?;
        let failed = matches!(&last.end, Some(StepOutcome::Finished(end)) if !end.ok());
        // It would remember what is no longer there.
        let aside = self.iterations.iter().any(|iteration| iteration.aside && iteration.number == last.iteration);
        last.session().filter(|_| !failed && !aside && last.agent.as_deref() == Some(agent))
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        self.status == RunStatus::Finished
    }

    /// Whether a person is needed.
    pub fn needs_person(&self) -> bool {
        self.status == RunStatus::Parked && self.park.as_ref().is_none_or(ParkReason::asks)
    }

    /// Whether it has neither ended nor waits for a person: work that a crash would interrupt.
    pub fn is_live(&self) -> bool {
        !matches!(self.status, RunStatus::Finished | RunStatus::Parked | RunStatus::Paused)
    }
}
