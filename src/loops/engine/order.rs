//! What a step is given when it starts: everything it needs of its run, copied out of the fold.
//!
//! An [`Order`] is built before its `step_started` is journalled, so that the journal says what will be spawned; the
//! step runs only after that line is durable.

use super::brief::brief;
use crate::loops::core::agent::{AgentSpec, PromptRoute, Role, SessionUse};
use crate::loops::core::event::{Chore, StepStarted};
use crate::loops::core::gate::{CommandLine, GateSpec, VERIFY_GATE};
use crate::loops::core::ids::{Millis, RunId, StepId, Who};
use crate::loops::core::plan::Work;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::state::{GateRun, Iteration, Note, RunState, StepOutcome, Workspace};
use crate::loops::core::step::{StepKind, Usage};
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::verdict::{self, Finding};
use crate::loops::core::watch::Point;
use crate::loops::journal::RunDir;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Milliseconds until a setup command is stopped.
const SETUP_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Milliseconds until a test's `verify` command is stopped.
const VERIFY_TIMEOUT_MS: u64 = 10 * 60 * 1000;

/// Stands in a command for the schema of a verdict.
const SCHEMA: &str = "{schema}";
/// Stands in a command for the file with it.
const SCHEMA_FILE: &str = "{schema_file}";

/// A step to carry out.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose.
    pub run: RunId,
    /// Its number.
    pub step: StepId,
    /// What to do.
    pub kind: StepKind,
    /// The iteration; 0 before the first.
    pub iteration: u32,
    /// For the critic: whether its last answer could not be read.
    pub reask: bool,
    /// The loop.
    pub spec: Arc<LoopSpec>,
    /// The run's directory.
    pub dir: RunDir,
    /// The commit named at submission.
    pub base: Option<String>,
    /// Where to work, once there is a place.
    pub workspace: Option<Workspace>,
    /// The last snapshot of the run.
    pub snapshot: Option<String>,
    /// The one before it.
    pub before: Option<String>,
    /// Where the open findings of its test stand.
    pub places: Vec<Place>,
    /// The open findings that the actor may name, by their numbers, with the ids that the critic gave them.
    pub claimable: Vec<(u32, String)>,
    /// The last commit that holds the worktree's content, and whose changes since then are to be kept.
    pub keep: (Option<String>, Who),
    /// The refs that keep what the run has, with their commits.
    pub refs: BTreeMap<String, String>,
    /// What is to be done to the worktree as a whole.
    pub errand: Option<Errand>,
    /// When that was asked for.
    pub asked: Millis,
    /// The run's slot.
    pub slot: u32,
    /// The test that the iteration works on.
    pub test: Option<TestSpec>,
    /// For the actor, the notes and answers that it has not been told; for the critic, all of them.
    pub notes: Vec<Note>,
    /// What the gate that this step runs found on the base.
    pub on_base: Option<GateRun>,
    /// The open iteration, as far as it got.
    pub open: Option<Iteration>,
    /// The last closed iteration of the same test: what the actor is told.
    pub last: Option<Iteration>,
    /// What is left of the run's wall clock.
    pub wall_left: Option<Duration>,
    /// The session that its agent works in.
    pub session: Session,
    /// What the agents' sessions had used before, by session id, where they report only that.
    pub spent: BTreeMap<String, Usage>,
    /// For a hook, what it reads.
    pub brief: Option<String>,
}

/// Where an open finding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number in the run.
    pub point: u32,
    /// Its file.
    pub file: String,
    /// Its line, if it names one.
    pub line: Option<u32>,
}

impl Place {
    fn of(point: &Point) -> Option<Self> {
        let Finding { file, line, .. } = &point.finding;
        Some(Self { point: point.id, file: file.clone()?, line: *line })
    }
}

/// Something that is to be done to a worktree, with what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What.
    pub chore: Chore,
    /// The commit whose content it gets.
    pub to: Option<String>,
    /// Where the branch was then, if that is known.
    pub head: Option<String>,
}

impl Errand {
    fn new(run: &RunState, chore: Chore) -> Self {
        let (to, head) = match chore {
            Chore::Rewind { iteration: 0 } => {
                let base = run.workspace.as_ref().map(|place| place.base.clone());
                (base.clone(), base)
            }
            Chore::Rewind { iteration } => {
                let snapshot = run.snapshot_of(iteration);
                (snapshot.map(|it| it.commit.clone()), snapshot.and_then(|it| it.head.clone()))
            }
            Chore::Scrap { .. } => (None, None),
            Chore::Land { .. } => (run.last_commit().map(str::to_owned), None),
            Chore::Undo => {
                let undo = run.undo.as_ref();
                (undo.map(|it| it.trash.commit.clone()), undo.and_then(|it| it.trash.head.clone()))
            }
        };
        Self { chore, to, head }
    }
}

/// The session that an agent's step works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// A new one, of this id if the agent lets loopdash choose it.
    New(String),
    /// This one, which an earlier step of the run left.
    Earlier(String),
}

impl Order {
    /// The order for `work`, which `next` asked for; `None` only if the run has no definition.
    pub fn new(run: &RunState, work: &Work, dir: RunDir, now: Millis) -> Option<Self> {
        let spec = run.spec.clone()?;
        let open = run.open_iteration().cloned();
        let test = open.as_ref().and_then(|iteration| run.test(&iteration.test)).cloned();
        let last = test.as_ref().and_then(|test| run.feedback_for(&test.id)).cloned();
        let notes = match work.kind {
            StepKind::Actor => run.pending_notes().cloned().collect(),
            StepKind::Critic => run.notes.clone(),
            _ => Vec::new(),
        };
        let wall_left = run
            .budget
            .wall_clock_ms
            .filter(|_| run.first_admitted.is_some())
            .map(|limit| Duration::from_millis(limit.saturating_sub(run.wall_clock(now)).max(1)));
        let agent = role_of(&work.kind).and_then(|role| spec.agent(role));
        let earlier = agent.filter(|agent| agent.session == SessionUse::Resume && !agent.resume.is_empty());
        let earlier = earlier.and_then(|agent| run.session_to_resume(&work.kind, &agent.name));
        let session = match earlier {
            Some(id) => Session::Earlier(id.to_owned()),
            // Random, not of the time as all other ids: qwen takes no version above 5.
            None => Session::New(uuid::Uuid::new_v4().to_string()),
        };
        let mut snapshots = run.snapshots().rev();
        let places = match (&work.kind, &test) {
            (StepKind::Snapshot, Some(test)) => run.watched.findings.open(&test.id).filter_map(Place::of).collect(),
            _ => Vec::new(),
        };
        let claimable = match (&work.kind, &test) {
            (StepKind::Actor, Some(test)) => {
                let open = run.watched.findings.open(&test.id);
                open.map(|point| (point.id, point.finding.id.clone())).collect()
            }
            _ => Vec::new(),
        };
        let on_base = match &work.kind {
            StepKind::Gate(name) => run.on_base(name).cloned(),
            _ => None,
        };
        Some(Self {
            run: run.id,
            step: run.next_step(),
            kind: work.kind.clone(),
            iteration: work.iteration,
            reask: work.reask,
            spec,
            dir,
            base: run.base.clone(),
            workspace: run.workspace.clone(),
            snapshot: run.last_snapshot().map(|snapshot| snapshot.commit.clone()),
            before: snapshots.nth(1).map(|snapshot| snapshot.commit.clone()),
            places,
            claimable,
            keep: (run.last_commit().map(str::to_owned), run.keep.unwrap_or(Who::Harness)),
            refs: run.refs.clone(),
            errand: run.chore.filter(|_| work.kind.is_chore()).map(|chore| Errand::new(run, chore)),
            asked: run.chore_asked,
            slot: run.slot.unwrap_or_default(),
            test,
            notes,
            on_base,
            open,
            last,
            wall_left,
            session,
            spent: spent(run),
            brief: match work.kind {
                StepKind::Hook(hook) => Some(brief(run, hook)),
                _ => None,
            },
        })
    }

    /// Makes it an order without what only these commits held, which are gone.
    pub fn forget(&mut self, lost: &[String]) {
        let gone = |commit: &mut Option<String>| drop(commit.take_if(|commit| lost.contains(commit)));
        gone(&mut self.snapshot);
        gone(&mut self.before);
        gone(&mut self.keep.0);
        self.snapshot = self.snapshot.take().or_else(|| self.before.take());
        self.keep.0 = self.keep.0.take().or_else(|| self.snapshot.clone());
    }

    /// The journal's line about it.
    pub fn announce(&self) -> StepStarted {
        StepStarted {
            step: self.step,
            kind: self.kind.clone(),
            iteration: self.iteration,
            agent: self.agent().map(|agent| agent.name.clone()),
            argv: self.argv(),
            cwd: self.cwd().unwrap_or_default(),
            prompt: self.agent().map(|_| self.prompt_name()),
            guidance: match self.kind {
                StepKind::Actor => self.notes.iter().map(|note| note.id).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// The agent in the role that this step plays.
    pub fn agent(&self) -> Option<&AgentSpec> {
        self.spec.agent(role_of(&self.kind)?)
    }

    /// Where its process works: in the worktree, and a hook without one in the repository.
    pub fn cwd(&self) -> Option<String> {
        let place = self.workspace.as_ref().map(|place| place.path.clone());
        place.or_else(|| matches!(self.kind, StepKind::Hook(_)).then(|| self.spec.repo.clone()))
    }

    /// What is spawned; empty for git operations.
    pub fn argv(&self) -> Vec<String> {
        match &self.kind {
            StepKind::Worktree | StepKind::Snapshot | StepKind::Keep => Vec::new(),
            StepKind::Rewind | StepKind::Scrap | StepKind::Restore | StepKind::Land => Vec::new(),
            StepKind::Setup => self.spec.setup.as_ref().map(CommandLine::argv).unwrap_or_default(),
            StepKind::Gate(_) => self.gate().map(|gate| gate.command.argv()).unwrap_or_default(),
            StepKind::Hook(hook) => self.spec.hooks.command(*hook).to_vec(),
            StepKind::Actor | StepKind::Critic => self.agent().map(|agent| self.agent_argv(agent)).unwrap_or_default(),
        }
    }

    /// An agent's arguments, but for the prompt itself: it is filled in when it is spawned, for it is not known yet, and too
    /// long for a journal.
    fn agent_argv(&self, agent: &AgentSpec) -> Vec<String> {
        let (for_session, id) = match &self.session {
            Session::New(id) => (&agent.fresh, id),
            Session::Earlier(id) => (&agent.resume, id),
        };
        let prompt = self.prompt_path().to_string_lossy().into_owned();
        let schema = self.schema_path().to_string_lossy().into_owned();
        let mut argv = Vec::new();
        for arg in &agent.command {
            match (arg.as_str(), agent.prompt) {
                ("{resume}", _) => argv.extend(for_session.iter().map(|arg| arg.replace("{session}", id))),
                (_, PromptRoute::File) => argv.push(arg.replace("{prompt_file}", &prompt)),
                (_, PromptRoute::Stdin | PromptRoute::Argument) => argv.push(arg.clone()),
            }
            if let Some(last) = argv.last_mut().filter(|last| last.contains("{schema")) {
                *last = last.replace(SCHEMA_FILE, &schema).replace(SCHEMA, &verdict::schema().to_string());
            }
        }
        argv
    }

    /// The gate that this step runs: the loop's, or the test's own `verify`.
    pub fn gate(&self) -> Option<GateSpec> {
        let StepKind::Gate(name) = &self.kind else { return None };
        if let Some(gate) = self.spec.gates.iter().find(|gate| gate.name == *name) {
            return Some(gate.clone());
        }
        let verify = self.test.as_ref()?.verify.clone()?;
        (name == VERIFY_GATE).then(|| GateSpec::new(VERIFY_GATE, CommandLine::Argv(verify), VERIFY_TIMEOUT_MS))
    }

    /// Whether it runs a gate on the base, before the first iteration.
    pub fn is_base_gate(&self) -> bool {
        self.iteration == 0 && matches!(self.kind, StepKind::Gate(_))
    }

    /// The earlier run of this step's gate in the open iteration, or on the base, if it runs again.
    pub fn first_run(&self) -> Option<&GateRun> {
        let StepKind::Gate(name) = &self.kind else { return None };
        if self.is_base_gate() {
            return self.on_base.as_ref();
        }
        self.open.as_ref()?.gates.iter().find(|gate| gate.name == *name)
    }

    /// When the process of a step that has waited for so long is to be stopped: its own limit, or the end of the run's wall
    /// clock, which a hook may outlast.
    pub fn timeout(&self, waited: Duration) -> Duration {
        let own = match &self.kind {
            StepKind::Hook(_) => return Duration::from_millis(self.spec.hooks.timeout_ms),
            StepKind::Gate(_) => Duration::from_millis(self.gate().map_or(VERIFY_TIMEOUT_MS, |gate| gate.timeout_ms)),
            _ => self.agent().map_or(SETUP_TIMEOUT, |agent| Duration::from_millis(agent.timeout_ms)),
        };
        // Ended at once, it still is known for having been out of time.
        self.wall_left.map_or(own, |left| own.min(left.saturating_sub(waited).max(Duration::from_millis(1))))
    }

    /// The step's directory in the state directory.
    pub fn step_dir(&self) -> PathBuf {
        self.dir.step_dir(self.step, &self.kind)
    }

    /// The file for the schema of a verdict, where the agent is told one.
    pub fn schema_path(&self) -> PathBuf {
        self.step_dir().join("schema.json")
    }

    /// Whether the agent is told a file with the schema of a verdict.
    pub fn tells_schema(&self) -> bool {
        self.agent().is_some_and(|agent| agent.command.iter().any(|arg| arg.contains(SCHEMA_FILE)))
    }

    /// The prompt's file.
    pub fn prompt_path(&self) -> PathBuf {
        self.step_dir().join("prompt.md")
    }

    fn prompt_name(&self) -> String {
        RunDir::step_path(self.step, &self.kind).join("prompt.md").to_string_lossy().into_owned()
    }
}

/// The role that a step's agent plays; `None` for steps without one.
const fn role_of(kind: &StepKind) -> Option<Role> {
    match kind {
        StepKind::Actor => Some(Role::Actor),
        StepKind::Critic => Some(Role::Critic),
        _ => None,
    }
}

/// What each session has used by now, as its last step told.
fn spent(run: &RunState) -> BTreeMap<String, Usage> {
    let agents = run.steps.iter().filter_map(|step| match &step.end {
        Some(StepOutcome::Finished(end)) => end.agent.as_deref(),
        _ => None,
    });
    agents.filter_map(|agent| Some((agent.session.clone()?, agent.session_usage?))).collect()
}

#[cfg(test)]
mod tests;
