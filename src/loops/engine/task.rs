//! The one task: its state, its messages, and its main loop.
//!
//! Everything that changes a run passes through here in one line: requests, reports of steps, runs taken over, and word
//! from other loopdash processes.

use super::alerts::Eye;
use super::handle::{Accepted, FrontMessage, Handle, REQUESTS, Subscription, UPDATES, Update};
use super::ledger::Ledger;
use super::order::Order;
use super::report::{Report, Steps, Wish};
use super::slots::Slots;
use super::steady::Steady;
use super::testfile::TestFiles;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::alert::Machine;
use crate::loops::core::budget::Budget;
use crate::loops::core::command::{LiveRuns, Rejected};
use crate::loops::core::event::{Event, Record};
use crate::loops::core::fleet::{Fleet, FleetRun};
use crate::loops::core::ids::{Millis, RunId, StepId};
use crate::loops::core::schedule::Caps;
use crate::loops::git::moves::BranchWatch;
use crate::loops::git::{Git, GitError};
use crate::loops::journal::fleet::FleetFacts;
use crate::loops::journal::watch::{Change, Watch};
use crate::loops::journal::{JournalError, Store};
use crate::loops::mask::{WORD, replace_in_record};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Reports that steps may have waiting.
const REPORTS: usize = 256;
/// How long a full disk is given before the same write is tried again.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

/// Where the engine reads the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The system's wall clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    })
}

/// What the engine does with the runs that it finds at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Startup {
    /// Nothing: it only carries out what it is asked.
    Ignore,
    /// Shows all of the box; those that a dead loopdash left behind are put in order first.
    Recover,
    /// The same, and those that only wait for a provider are taken up when their time has come.
    TakeUp,
}

/// What an engine needs.
#[derive(Clone)]
pub struct Config {
    /// Where journals lie.
    pub store: Store,
    /// How many at once.
    pub caps: Caps,
    /// Gates at once.
    pub gate_cap: u32,
    /// What all runs may use up in 24 hours; time is not among it.
    pub budget: Budget,
    /// What to do with runs found at the start.
    pub startup: Startup,
    /// The door to git.
    pub git: Git,
    /// The time.
    pub clock: Clock,
    /// The look at the machine.
    pub eye: Eye,
}

/// A running engine.
#[derive(Debug)]
pub struct Running {
    /// The way to it.
    pub handle: Handle,
    /// Ends when it has: after a shutdown, with every journal written.
    pub task: JoinHandle<()>,
}

/// Starts the engine's task on the current runtime.
pub fn start(config: Config, steps: Arc<dyn Steps>) -> Running {
    let (asks, fronts) = mpsc::channel(REQUESTS);
    let (reports_in, reports) = mpsc::channel(REPORTS);
    let (inner_in, inner) = mpsc::channel(REPORTS);
    let (updates, _) = broadcast::channel(UPDATES);
    let startup = config.startup.clone();
    let takes_up = startup == Startup::TakeUp;
    let Caps { engine: cap, repository: repo_cap, agents: agent_caps } = config.caps.clone();
    let fleet = Fleet { repo_cap, agent_caps, budget: config.budget, ..Fleet::new(cap, config.gate_cap) };
    let steady = Steady::new((config.clock)());
    let engine = Engine {
        config,
        steady,
        steps,
        fleet,
        ledger: Ledger::default(),
        fronts,
        reports,
        reports_in,
        inner,
        inner_in,
        updates,
        live: HashMap::new(),
        pending: Vec::new(),
        starting: HashMap::new(),
        dirty: BTreeSet::new(),
        waiting_for_gate: BTreeSet::new(),
        full: HashMap::new(),
        unsummed: BTreeSet::new(),
        short: BTreeMap::new(),
        told: None,
        reading: BTreeMap::new(),
        watch: None,
        branches: None,
        looks: 0,
        landings: BTreeMap::new(),
        recovering: BTreeSet::new(),
        waking: BTreeSet::new(),
        takes_up,
        releasing: BTreeSet::new(),
        test_files: TestFiles::default(),
        slots: Slots::default(),
        tracker: TaskTracker::new(),
        facts: Arc::default(),
        looked: Millis::default(),
        leaving: None,
        hurries: false,
        loading: false,
    };
    let task = tokio::spawn(engine.run(startup));
    Running { handle: Handle { asks }, task }
}

/// A step that runs.
pub(super) struct LiveStep {
    pub step: StepId,
    pub wish: watch::Sender<Wish>,
    pub output: Option<Arc<LiveOutput>>,
}

/// Where an answer goes when its events are durable.
pub(super) type Reply = (oneshot::Sender<Result<Accepted, Rejected>>, Accepted);

/// Events of one run that are to be journalled, and who waits for it.
pub(super) struct Batch {
    pub run: RunId,
    pub events: Vec<Event>,
    pub reply: Option<Reply>,
}

/// Word from the engine's own helper tasks.
pub(super) enum Inner {
    /// A submission is checked and its journals exist.
    Prepared(super::prepare::Prepared),
    /// A run was taken over.
    Adopted(Box<super::prepare::Adopted>),
    /// The store was read at the start.
    Scanned(super::others::Scanned),
    /// Somebody wrote to a run's journal, or to the fleet's.
    Touched(Change),
    /// What the fleet's file says.
    Facts(FleetFacts),
    /// How the machine stands.
    Machine(Machine),
    /// A run of another loopdash, read anew.
    Foreign(RunId, Option<Box<FleetRun>>),
    /// What a run's work meets.
    Collided(Box<super::collisions::Collided>),
    /// A branch of this repository may have moved.
    Moved(PathBuf),
    /// Where the targets of live runs stand.
    Targets(Vec<(RunId, Option<(String, String)>)>),
    /// Whether the work of a run that is over has landed; if not, on which branch.
    Landed(RunId, Result<Option<String>, GitError>),
    /// A finished run's summary is written.
    Summarised(RunId, Result<(), JournalError>),
}

/// The engine's state. No lock guards it, because only its task touches it.
pub(super) struct Engine {
    pub config: Config,
    pub steady: Steady,
    pub steps: Arc<dyn Steps>,
    pub fleet: Fleet,
    pub ledger: Ledger,
    pub fronts: mpsc::Receiver<FrontMessage>,
    pub reports: mpsc::Receiver<Report>,
    pub reports_in: mpsc::Sender<Report>,
    pub inner: mpsc::Receiver<Inner>,
    pub inner_in: mpsc::Sender<Inner>,
    pub updates: broadcast::Sender<Update>,
    /// Running steps, by run.
    pub live: HashMap<RunId, LiveStep>,
    /// To be journalled in the next round.
    pub pending: Vec<Batch>,
    /// Steps whose `step_started` is in the round under way.
    pub starting: HashMap<RunId, Order>,
    /// Runs that may have something to do.
    pub dirty: BTreeSet<RunId>,
    /// Runs whose next gate waits for another run's to end.
    pub waiting_for_gate: BTreeSet<RunId>,
    /// Runs whose journal's disk is full, with what could not be written yet.
    pub full: HashMap<RunId, Vec<Record>>,
    /// Finished runs for whose summary the disk has no room.
    pub unsummed: BTreeSet<RunId>,
    /// Runs that wait for what the machine is short of, each with what was refused.
    pub short: BTreeMap<RunId, String>,
    /// What was last told about that.
    pub told: Option<String>,
    /// Runs of others that are being read, and whether they were written to meanwhile.
    pub reading: BTreeMap<RunId, bool>,
    /// The eye on the store, once it was read.
    pub watch: Option<Watch>,
    /// The eye on the branches of repositories, once there is work in one.
    pub branches: Option<BranchWatch>,
    /// How many looks for collisions have begun, and the last one whose landing is known of each run.
    pub looks: u64,
    pub landings: BTreeMap<RunId, u64>,
    /// Runs of a dead loopdash that are being put in order; the box has been read when none is left.
    pub recovering: BTreeSet<RunId>,
    /// Runs that waited for a provider and are being taken up.
    pub waking: BTreeSet<RunId>,
    /// Whether such runs of nobody are taken up.
    pub takes_up: bool,
    /// Runs to be given up as soon as their recovery is journalled.
    pub releasing: BTreeSet<RunId>,
    pub test_files: TestFiles,
    /// The slot numbers that are this loopdash's to give.
    pub slots: Slots,
    /// Summaries and test files being written.
    pub tracker: TaskTracker,
    /// Facts of the fleet that are being written.
    pub facts: Arc<super::holds::Facts>,
    /// When the machine was looked at last.
    pub looked: Millis,
    /// Set once loopdash is to leave.
    pub leaving: Option<LiveRuns>,
    /// Whether that was asked for twice: it waits for nothing that may not come.
    pub hurries: bool,
    /// Whether the store is still being read.
    pub loading: bool,
}

impl Engine {
    async fn run(mut self, startup: Startup) {
        self.read_facts().await;
        self.slots = Slots::new(self.config.store.root());
        self.claim_slots().await;
        if startup != Startup::Ignore {
            self.loading = true;
            self.spawn_scan();
        }
        loop {
            let retry = self.waits_for_room();
            let nap = self.nap();
            tokio::select! {
                biased;
                Some(front) = self.fronts.recv() => self.front(front).await,
                Some(report) = self.reports.recv() => self.report(report),
                Some(inner) = self.inner.recv() => self.inner(inner).await,
                () = tokio::time::sleep(FULL_DISK_PAUSE), if retry => self.retry_full().await,
                () = tokio::time::sleep(nap.unwrap_or_default()), if nap.is_some() => self.wake(),
                else => break,
            }
            self.drain_reports();
            self.settle().await;
            if self.leaving.is_some() && self.is_quiet() {
                break;
            }
        }
        // Helpers that would still tell something are not waited for.
        self.inner.close();
        self.tracker.close();
        self.tracker.wait().await;
        let _ = self.updates.send(Update::Ended);
    }

    /// Sees to it that there are slot numbers for as many runs as may work at once.
    pub(super) async fn claim_slots(&mut self) {
        let (mut slots, cap) = (std::mem::take(&mut self.slots), self.config.caps.engine);
        let claimed = tokio::task::spawn_blocking(move || {
            let result = slots.claim(cap);
            (slots, result)
        });
        let Ok((slots, result)) = claimed.await else { return };
        if let Err(error) = result {
            tracing::warn!(%error, "slot numbers are not claimed; those of another loopdash may be the same");
        }
        self.slots = slots;
    }

    /// Whether nothing of mine runs any more and everything is written.
    fn is_quiet(&self) -> bool {
        self.pending.is_empty()
            && self.live.is_empty()
            && self.full.is_empty()
            && self.fleet.runs.values().all(|run| !self.ledger.owns(run.state.id) || !run.state.is_live())
    }

    /// Reports that came meanwhile join the same round, so that their syncs share the disk's time.
    fn drain_reports(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            self.report(report);
        }
    }

    pub(super) fn now(&self) -> Millis {
        (self.config.clock)()
    }

    pub(super) fn tell(&self, update: Update) {
        // No listener is no trouble: the journals hold everything.
        let _ = self.updates.send(update);
    }

    /// Says which runs the machine is too short for, when that is news.
    pub(super) fn tell_shortage(&mut self) {
        let first = self.short.iter().next();
        let now = first.map(|(run, why)| {
            let name = self.fleet.state(*run).map_or_else(|| run.short(), |state| state.label.clone());
            match self.short.len() - 1 {
                0 => format!("{name} waits: {why}"),
                more => format!("{name} and {more} more wait: {why}"),
            }
        });
        if self.told != now {
            self.told.clone_from(&now);
            self.tell(Update::Trouble(now));
        }
    }

    pub(super) fn subscription(&self) -> Subscription {
        let live = self
            .live
            .iter()
            .filter_map(|(run, live)| live.output.clone().map(|output| (*run, live.step, output)))
            .collect();
        let loading = self.loading || !self.recovering.is_empty();
        Subscription { fleet: self.fleet.clone(), live, updates: self.updates.subscribe(), loading }
    }

    /// Queues events of one run; an empty batch only answers.
    pub(super) fn queue(&mut self, run: RunId, events: Vec<Event>, reply: Option<Reply>) {
        let events = events.into_iter().map(masked).collect();
        self.pending.push(Batch { run, events, reply });
    }

    /// Whether a batch of this run still waits, so that deciding on its state would be premature.
    pub(super) fn has_pending(&self, run: RunId) -> bool {
        self.pending.iter().any(|batch| batch.run == run)
    }
}

/// An event without the secrets in what agents and the system said. What the operator wrote, and the places that a run
/// works in, are kept as they are: the loop is made of them, and the journal has its own way with them.
fn masked(event: Event) -> Event {
    let kept = matches!(
        event,
        Event::Submitted(_)
            | Event::WorkspaceReady(_)
            | Event::Spawned(_)
            | Event::SnapshotTaken(_)
            | Event::TestAdded(_)
            | Event::Guidance(_)
            | Event::Answered(_)
            | Event::AgentSet(_)
    );
    if kept {
        return event;
    }
    let record = Record { seq: 1, at: Millis(0), run: RunId::new(uuid::Uuid::nil()), event };
    replace_in_record(&record, &mut |_| WORD.to_owned()).unwrap_or(record).event
}
