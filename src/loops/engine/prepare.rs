//! Work on single runs that must not hold up the engine's task: checking submissions, taking runs over.
//!
//! Each runs beside the engine and comes back to it as a message.

use super::handle::Accepted;
use super::task::{Engine, Inner};
use crate::loops::agent::{resolve, survivors};
use crate::loops::core::budget::Resource;
use crate::loops::core::command::{Ask, Rejected};
use crate::loops::core::event::{Event, Record, Submitted, Unparked};
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::spec::{AgentSpec, Isolation, LoopSpec, Trigger};
use crate::loops::core::state::RunState;
use crate::loops::git::{Head, RepoInfo, discover};
use crate::loops::journal::fleet::FleetFact;
use crate::loops::journal::{JournalError, JournalWriter, RunDir, Store};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use tokio::sync::oneshot;

type Answer = oneshot::Sender<Result<Accepted, Rejected>>;

/// A run that can be submitted: checked, with its journal made.
pub(super) struct Made {
    pub id: RunId,
    pub spec: LoopSpec,
    pub trigger: Trigger,
    pub base: Option<String>,
    pub writer: JournalWriter,
}

impl Made {
    pub(super) fn submitted(self, label: String, order: u32) -> (JournalWriter, Event) {
        let event = Submitted {
            label,
            spec: Box::new(self.spec),
            trigger: self.trigger,
            base: self.base,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            order,
        };
        (self.writer, event.into())
    }
}

/// A checked submission.
pub(super) struct Prepared {
    pub runs: Vec<Made>,
    pub answer: Answer,
}

/// What happens to a run once it is taken over.
pub(super) enum AfterAdopt {
    /// It is kept, paused.
    Keep(Answer),
    /// Something is asked of it.
    Ask(Ask, Who, Answer),
    /// It was only to be put in order.
    Release,
    /// What it waited for is there.
    Wake(Who),
}

/// A run that was taken over, or not.
pub(super) struct Adopted {
    pub run: RunId,
    pub then: AfterAdopt,
    pub result: Result<Taken, JournalError>,
}

/// A run in hand.
pub(super) struct Taken {
    pub writer: JournalWriter,
    pub state: RunState,
    /// Processes that had outlived the loopdash before, and were stopped.
    pub left_behind: Vec<String>,
}

impl Engine {
    /// Checks the loops and makes their journals, then comes back as [`Inner::Prepared`].
    pub(super) fn spawn_prepare(&self, specs: Vec<LoopSpec>, trigger: Trigger, answer: Answer) {
        let store = self.config.store.clone();
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking(move || prepare(&store, specs, trigger)).await;
            match made.unwrap_or_else(|_| Err("checking it failed unexpectedly; see the log".to_owned())) {
                Ok(runs) => {
                    let _ = inner.send(Inner::Prepared(Prepared { runs, answer })).await;
                }
                Err(why) => {
                    let _ = answer.send(Err(Rejected(why)));
                }
            }
        });
    }

    /// Takes a run over: locks and reads its journal, and stops what a dead loopdash left running.
    pub(super) fn spawn_adopt(&self, run: RunId, then: AfterAdopt) {
        let dir = self.config.store.run_dir(run);
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            let result = take_over(run, dir).await;
            let _ = inner.send(Inner::Adopted(Box::new(Adopted { run, then, result }))).await;
        });
    }

    pub(super) async fn adopted(&mut self, adopted: Box<Adopted>) {
        let Adopted { run, then, result } = *adopted;
        self.waking.remove(&run);
        let taken = match result {
            Ok(taken) => taken,
            Err(error) => return self.not_adopted(run, then, &error),
        };
        let mut events = Self::interruption(&taken.state, taken.left_behind);
        let waits = taken.state.awaited_provider().is_some();
        self.ledger.insert(run, taken.writer);
        self.put(FleetRun { state: taken.state, ownership: Ownership::Mine, problem: None });
        match then {
            AfterAdopt::Keep(answer) => {
                self.queue(run, events, Some((answer, Accepted { runs: vec![run], note: None })));
            }
            AfterAdopt::Ask(ask, who, answer) => {
                self.queue(run, events, None);
                self.settle().await;
                self.decide(run, &ask, who, answer);
            }
            AfterAdopt::Wake(who) if waits => {
                events.push(Unparked { who }.into());
                self.queue(run, events, None);
            }
            AfterAdopt::Release | AfterAdopt::Wake(_) if events.is_empty() => {
                self.release(run);
                self.recovered(run);
            }
            AfterAdopt::Release | AfterAdopt::Wake(_) => {
                self.releasing.insert(run);
                self.queue(run, events, None);
            }
        }
    }

    fn not_adopted(&mut self, run: RunId, then: AfterAdopt, error: &JournalError) {
        if let Some(entry) = self.fleet.runs.get(&run) {
            let mut entry = entry.clone();
            match error {
                JournalError::Owned { owner, .. } => {
                    entry.ownership = Ownership::Other { pid: owner.as_ref().map(|owner| owner.pid) };
                }
                _ => entry.problem = Some(error.to_string()),
            }
            self.put(entry);
        }
        match then {
            AfterAdopt::Keep(answer) | AfterAdopt::Ask(_, _, answer) => {
                let _ = answer.send(Err(Rejected(error.to_string())));
            }
            AfterAdopt::Release => self.recovered(run),
            AfterAdopt::Wake(_) => {}
        }
    }

    /// A run found at the start is in order; after the last one, front ends may offer them.
    pub(super) fn recovered(&mut self, run: RunId) {
        if self.recovering.remove(&run) && self.recovering.is_empty() {
            self.tell(super::handle::Update::Loaded);
            self.look_for_all_collisions();
        }
    }

    /// Notes the caps where the few facts about no run are kept.
    pub(super) fn record_caps(&self) {
        let at = self.now();
        self.record_fact(at, FleetFact::CapSet { cap: self.config.caps.engine });
        self.record_fact(at, FleetFact::GateCapSet { cap: self.config.gate_cap });
    }
}

fn prepare(store: &Store, specs: Vec<LoopSpec>, trigger: Trigger) -> Result<Vec<Made>, String> {
    let mut repos: BTreeMap<String, RepoInfo> = BTreeMap::new();
    let mut checked = Vec::with_capacity(specs.len());
    for mut spec in specs {
        let repo = match repos.get(&spec.repo) {
            Some(repo) => repo.clone(),
            None => {
                let found = discover(Path::new(&spec.repo)).map_err(|error| error.to_string())?;
                found.writable().map_err(|error| error.to_string())?;
                repos.insert(spec.repo.clone(), found.clone());
                found
            }
        };
        check(&spec, &repo).map_err(|why| format!("loop {}: {why}", spec.name))?;
        spec.repo = repo.root.to_string_lossy().into_owned();
        // A base that is named is resolved when the worktree is made; HEAD is taken as it is now, so that a run that
        // waits in the queue starts from what its operator saw.
        let base = spec.base.clone().or_else(|| repo.head.commit().map(str::to_owned));
        checked.push((spec, base));
    }
    let mut all: Vec<Made> = Vec::with_capacity(checked.len());
    for (spec, base) in checked {
        let id = RunId::new(uuid::Uuid::now_v7());
        match JournalWriter::create(&store.run_dir(id)) {
            Ok(writer) => all.push(Made { id, spec, trigger, base, writer }),
            Err(error) => {
                all.into_iter().for_each(|made| made.writer.unmake());
                return Err(error.to_string());
            }
        }
    }
    Ok(all)
}

/// What can be known to fail before anything starts.
fn check(spec: &LoopSpec, repo: &RepoInfo) -> Result<(), String> {
    check_agent("actor", &spec.actor, &repo.root)?;
    if let Some(critic) = &spec.critic {
        check_agent("critic", critic, &repo.root)?;
    }
    check_budget(spec)?;
    match (&spec.isolation, &repo.head) {
        (Isolation::None, _) if repo.bare => Err(format!(
            "{} is a bare repository and has no checkout to work in; use isolation = \"worktree\"",
            repo.root.display()
        )),
        (Isolation::Worktree, Head::Unborn { .. }) => Err(format!(
            "{} has no commits to start a worktree from; make one first: git commit --allow-empty -m \"first commit\"",
            repo.root.display()
        )),
        _ => Ok(()),
    }
}

/// A budget that nobody can count is none, and would be found out too late.
fn check_budget(spec: &LoopSpec) -> Result<(), String> {
    for (which, limit) in [(Resource::Tokens, spec.limits.tokens), (Resource::Dollars, spec.limits.micro_usd)] {
        if let Some(agent) = silent(spec, which).filter(|_| limit.is_some()) {
            let mend = match which {
                Resource::Dollars => "give it a price per token, or leave the budget out",
                _ => "give it the dialect of its stream, or leave the budget out",
            };
            return Err(format!("it has a {}, and its agent {agent} does not tell what it uses; {mend}", which.word()));
        }
    }
    Ok(())
}

/// An agent of the loop that does not tell what it uses of a resource.
pub(super) fn silent(spec: &LoopSpec, which: Resource) -> Option<&str> {
    let agents = [Some(&spec.actor), spec.critic.as_ref()];
    agents.into_iter().flatten().find(|agent| !agent.tells(which)).map(|agent| agent.name.as_str())
}

fn check_agent(role: &str, agent: &AgentSpec, root: &Path) -> Result<(), String> {
    let Some(program) = agent.command.first() else {
        return Err(format!("{role} {} has an empty command", agent.name));
    };
    let path = agent.env.get("PATH").map(|path| path.into()).or_else(|| std::env::var_os("PATH"));
    resolve(OsStr::new(program), path.as_deref(), root)
        .map(drop)
        .map_err(|error| format!("{role} {} cannot be started: {error}", agent.name))
}

async fn take_over(run: RunId, dir: RunDir) -> Result<Taken, JournalError> {
    let opened = tokio::task::spawn_blocking(move || -> Result<_, JournalError> {
        let mut state = RunState::new(run);
        let (writer, _) = JournalWriter::open_into(&dir, |record: Record| state.apply(&record))?;
        if state.spec.is_none() {
            return Err(JournalError::NeverSubmitted { run });
        }
        let spawned: Vec<(u32, u64)> = state.active_step().and_then(|step| step.process).into_iter().collect();
        let found = survivors::find(&[run.to_string()], &spawned);
        Ok((writer, state, found))
    });
    let (writer, state, found) = match opened.await {
        Ok(opened) => opened?,
        Err(_) => return Err(JournalError::Poisoned { path: std::path::PathBuf::new() }),
    };
    let stopped = survivors::stop(found).await;
    let left_behind = stopped.iter().map(|proc| format!("{} {}", proc.pid, proc.command)).collect();
    Ok(Taken { writer, state, left_behind })
}
