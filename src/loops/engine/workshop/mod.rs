//! The workshop: steps carried out for real, with child processes and git.
//!
//! One task per step; each kind of step is a file. Whatever goes wrong is an end with an error, never a panic and never
//! silence: the engine waits for exactly one [`Ended`](super::report::Ended).

mod chores;
mod critic;
mod ending;
pub mod evidence;
mod gate;
mod gate_output;
mod keep;
mod lock;
mod place;
mod process;
mod prompts;
mod record;
mod repository;
mod shortage;
mod watchdog;
pub mod weighing;

pub use chores::{joined_event, landing, trashed};
pub use place::git_workspace;
pub use process::Ports;
pub use prompts::actor_prompt;

use self::evidence::named;
use super::order::Order;
use super::report::{Ended, Report, Steps, Wish};
use crate::loops::agent::Supervisor;
use crate::loops::agent::dialect::Heard;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::event::{Event, Signal, SnapshotTaken};
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::spec::{ASK_TOKEN, CLAIM_TOKEN, Isolation};
use crate::loops::core::step::{Cause, StepEnd, StepKind};
use crate::loops::core::watch::digest as said_digest;
use crate::loops::fault;
use crate::loops::git::{Git, TakeSnapshot};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How much of an agent's last words is searched for a claim or a question.
const LAST_WORDS: usize = 64 * 1024;

/// Carries out steps for real.
#[derive(Clone)]
pub struct Workshop {
    supervisor: Arc<Supervisor>,
    git: Git,
    /// The state directory, for the worktree path template.
    state: PathBuf,
    ports: Ports,
}

/// A step under way: its order, the engine's wishes, and the way back.
struct Job {
    order: Order,
    wish: watch::Receiver<Wish>,
    reports: mpsc::Sender<Report>,
    begun: Instant,
}

/// What a kind of step comes to.
struct Done {
    facts: Vec<Event>,
    end: StepEnd,
    stopped: bool,
    /// What its agent's stream told, where it has one.
    heard: Option<Heard>,
}

impl Workshop {
    /// A workshop that spawns through `supervisor` and keeps blocking git behind `git`'s door.
    pub fn new(supervisor: Arc<Supervisor>, git: Git, state: PathBuf) -> Self {
        Self { supervisor, git, state, ports: Ports::default() }
    }

    /// The same, with other ports for its runs.
    #[must_use]
    pub fn with_ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    async fn carry_out(&self, job: &mut Job) -> Done {
        match job.order.kind.clone() {
            StepKind::Worktree => self.place(job).await,
            StepKind::Setup => self.command(job).await,
            StepKind::Actor => self.actor(job).await,
            StepKind::Snapshot => self.snapshot(job).await,
            StepKind::Keep => self.keep(job).await,
            StepKind::Rewind | StepKind::Scrap | StepKind::Restore | StepKind::Land => self.chore(job).await,
            StepKind::Gate(_) => self.gate(job).await,
            StepKind::Critic => self.critic(job).await,
            StepKind::Hook(_) => self.hook(job).await,
        }
    }

    /// A plain command of the operator's: setup.
    async fn command(&self, job: &mut Job) -> Done {
        let argv = job.order.argv();
        self.run_process(job, argv, process::Prompt::None).await
    }

    /// A hook; what it is told stands on its standard input.
    async fn hook(&self, job: &mut Job) -> Done {
        let (argv, brief) = (job.order.argv(), job.order.brief.clone().unwrap_or_default());
        self.run_process(job, argv, process::Prompt::Stdin(brief)).await
    }

    async fn actor(&self, job: &mut Job) -> Done {
        let prompt = match self.actor_prompt(&job.order).await {
            Ok(text) => text,
            Err(error) => return job.failed(error),
        };
        let mut done = self.run_agent(job, prompt).await;
        if done.end.ok() {
            let words = self.answer(&job.order, &done, LAST_WORDS).await;
            let last = words.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            done.end.claim = last == CLAIM_TOKEN;
            let said: Vec<&str> = words.lines().filter(|line| line.trim() != CLAIM_TOKEN).collect();
            if let Some(said) = said_digest(&said.join("\n")) {
                done.end.agent.get_or_insert_default().said = Some(said);
            }
            if done.end.claim {
                let fixed = named(&words, &job.order.claimable);
                if !fixed.is_empty() {
                    done.end.agent.get_or_insert_default().fixed = fixed;
                }
            }
            done.end.question = last.strip_prefix(ASK_TOKEN).map(|question| question.trim().to_owned());
        }
        done
    }

    async fn snapshot(&self, job: &mut Job) -> Done {
        let Some(place) = self.git_place(&job.order) else { return job.failed("there is no worktree".to_owned()) };
        let parent = job.order.snapshot.clone();
        match self.git.take(TakeSnapshot { workspace: place, leaf: job.order.iteration.to_string(), parent }).await {
            Ok(taken) => {
                let evidence = self.evidence(job, &taken.commit, taken.changed_since_parent).await;
                let fact = SnapshotTaken {
                    step: job.order.step,
                    empty: taken.files == 0,
                    commit: taken.commit,
                    tree: taken.tree,
                    parent: taken.parent,
                    files: count(taken.files),
                    insertions: count(taken.insertions),
                    deletions: count(taken.deletions),
                    skipped: taken.skipped.iter().map(|left| format!("{}: {}", left.path, left.why)).collect(),
                    head: taken.head,
                    undone: evidence.undone,
                    touched: evidence.touched,
                };
                let weighed = self.weighed(job, &fact).await;
                let facts = [fact.into()].into_iter().chain(weighed.map(Event::from)).collect();
                Done { facts, ..job.well() }
            }
            Err(error) => job.failed(error.to_string()),
        }
    }

    fn in_place(order: &Order) -> bool {
        order.spec.isolation == Isolation::None
    }
}

impl Job {
    /// An end without a process that went well.
    fn well(&self) -> Done {
        Done { facts: Vec::new(), end: self.end(None), stopped: false, heard: None }
    }

    /// An end without a process that went wrong.
    fn failed(&self, error: String) -> Done {
        Done { facts: Vec::new(), end: self.end(Some(error)), stopped: false, heard: None }
    }

    fn end(&self, error: Option<String>) -> StepEnd {
        StepEnd { duration_ms: millis(self.begun.elapsed()), error, ..StepEnd::new(Cause::Natural) }
    }

    async fn tell(&self, signal: Signal) {
        let run = self.order.run;
        let _ = self.reports.send(Report::Signal { run, signal }).await;
    }

    async fn spawned(&self, pid: u32, start: u64, output: Arc<LiveOutput>) {
        let (run, step) = self.name();
        let report = Report::Spawned { run, step, pid, start, output: Some(output) };
        // A closed channel means that the engine has ended, which waits for no step.
        let _ = self.reports.send(report).await;
    }

    const fn name(&self) -> (RunId, StepId) {
        (self.order.run, self.order.step)
    }
}

impl Steps for Workshop {
    fn start(&self, order: Order, wish: watch::Receiver<Wish>, reports: mpsc::Sender<Report>) {
        let workshop = self.clone();
        let (run, step) = (order.run, order.step);
        let work = tokio::spawn({
            let reports = reports.clone();
            async move {
                fault::at("step");
                let mut job = Job { order, wish, reports, begun: Instant::now() };
                let done = workshop.patiently(&mut job).await;
                Ended { run, step, facts: done.facts, end: done.end, stopped: done.stopped }
            }
        });
        tokio::spawn(async move {
            let ended = match work.await {
                Ok(ended) => ended,
                Err(error) => {
                    tracing::error!(%run, %step, %error, "step task failed");
                    lost(run, step)
                }
            };
            let _ = reports.send(Report::Ended(ended)).await;
        });
    }
}

/// The end of a step whose own task broke down: its run needs a person, the others go on.
fn lost(run: RunId, step: StepId) -> Ended {
    let error = Some("loopdash failed inside this step; the log says where".to_owned());
    let end = StepEnd { error, ..StepEnd::new(Cause::NotStarted) };
    Ended { run, step, facts: Vec::new(), end, stopped: false }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
