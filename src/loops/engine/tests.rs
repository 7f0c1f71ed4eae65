//! The engine with scripted steps on paused time: real journals, real task, no processes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod alerts;
mod holds;
mod takeover;

use super::order::Order;
use super::report::{Ended, Report, Steps, Wish};
use super::{Config, Handle, Running, Startup, Update, start};
use crate::loops::core::activity::Failure;
use crate::loops::core::alert::Machine;
use crate::loops::core::budget::Budget;
use crate::loops::core::command::{Ask, Command, LiveRuns, Rejected, Request};
use crate::loops::core::event::{
    Chore, Event, GateFinished, Kept, Merged, Outcome, PauseKind, Restored, Rewound, Scrapped, SnapshotTaken, Trashed,
    VerdictReached, When, WorkspaceReady,
};
use crate::loops::core::fleet::{Fleet, Ownership};
use crate::loops::core::gate::{CommandLine, GateResult, GateSpec};
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::schedule::Caps;
use crate::loops::core::spec::{AgentSpec, CriticWhen, Isolation, Limits, LoopSpec, Trigger};
use crate::loops::core::state::{RunState, StepOutcome};
use crate::loops::core::step::{AgentEnd, Cause, Exit, StepEnd, StepKind, Usage};
use crate::loops::core::test_state::{TestFile, TestSpec, TestStatus};
use crate::loops::core::transition::RunStatus;
use crate::loops::core::verdict::{Decision, Verdict};
use crate::loops::git::Git;
use crate::loops::journal::{self, Store};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{broadcast, mpsc, watch};

/// What a scripted step does.
enum Act {
    /// Ends well after this long; the critic with this decision.
    Take(Duration, Decision),
    /// Ends at once, because the agent could not work.
    Fail(Failure),
    /// Ends well at once, having used so many tokens.
    Use(u64),
    /// Never ends by itself.
    Hang,
}

type Play = dyn Fn(&Order) -> Act + Send + Sync;

/// Steps as a test scripts them, with what was seen of them.
struct Script {
    play: Box<Play>,
    started: Mutex<Vec<(RunId, StepKind, u32)>>,
    wishes: Mutex<Vec<Wish>>,
    running: AtomicUsize,
    most: AtomicUsize,
    gates: AtomicUsize,
    most_gates: AtomicUsize,
}

impl Script {
    fn new(play: impl Fn(&Order) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            play: Box::new(play),
            started: Mutex::default(),
            wishes: Mutex::default(),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            gates: AtomicUsize::new(0),
            most_gates: AtomicUsize::new(0),
        })
    }

    fn started(&self, run: RunId) -> Vec<StepKind> {
        self.started.lock().unwrap().iter().filter(|(id, ..)| *id == run).map(|(_, kind, _)| kind.clone()).collect()
    }
}

struct Scripted(Arc<Script>);

impl Steps for Scripted {
    fn start(&self, order: Order, mut wish: watch::Receiver<Wish>, reports: mpsc::Sender<Report>) {
        let script = Arc::clone(&self.0);
        script.started.lock().unwrap().push((order.run, order.kind.clone(), order.iteration));
        tokio::spawn(async move {
            let gate = matches!(order.kind, StepKind::Gate(_));
            let now = script.running.fetch_add(1, Ordering::SeqCst) + 1;
            script.most.fetch_max(now, Ordering::SeqCst);
            if gate {
                let now = script.gates.fetch_add(1, Ordering::SeqCst) + 1;
                script.most_gates.fetch_max(now, Ordering::SeqCst);
            }
            let act = (script.play)(&order);
            let (run, step) = (order.run, order.step);
            let spawned = Report::Spawned { run, step, pid: 1, start: 1, output: None };
            reports.send(spawned).await.unwrap();
            let (nap, decision, end) = match act {
                Act::Take(nap, decision) => (nap, decision, well()),
                Act::Fail(failure) => (Duration::ZERO, Decision::Unknown, failing(failure)),
                Act::Use(tokens) => {
                    let usage = Some(Usage { input: Some(tokens), ..Usage::default() });
                    (Duration::ZERO, Decision::Done, StepEnd { usage, ..well() })
                }
                Act::Hang => (Duration::from_secs(1_000_000), Decision::Done, well()),
            };
            let sleep = tokio::time::sleep(nap);
            tokio::pin!(sleep);
            let stopped = loop {
                tokio::select! {
                    () = &mut sleep => break false,
                    Ok(()) = wish.changed() => {
                        let wish = *wish.borrow_and_update();
                        script.wishes.lock().unwrap().push(wish);
                        if matches!(wish, Wish::Stop | Wish::Kill) { break true }
                    }
                }
            };
            script.running.fetch_sub(1, Ordering::SeqCst);
            if gate {
                script.gates.fetch_sub(1, Ordering::SeqCst);
            }
            let facts = if stopped { Vec::new() } else { facts(&order, decision) };
            reports.send(Report::Ended(Ended { run, step, facts, end, stopped })).await.unwrap();
        });
    }
}

fn well() -> StepEnd {
    StepEnd { exit: Some(Exit::Code(0)), duration_ms: 1, claim: true, ..StepEnd::new(Cause::Natural) }
}

fn failing(failure: Failure) -> StepEnd {
    let agent = Some(Box::new(AgentEnd { failure: Some(failure), ..AgentEnd::default() }));
    StepEnd { exit: Some(Exit::Code(1)), agent, ..StepEnd::new(Cause::Natural) }
}

fn facts(order: &Order, decision: Decision) -> Vec<Event> {
    let text = |text: &str| text.to_owned();
    match &order.kind {
        StepKind::Worktree => vec![
            WorkspaceReady {
                path: text("/w"),
                branch: None,
                base: text("b"),
                git_dir: text("/g"),
                common_dir: text("/g"),
                in_place: false,
                fresh: order.workspace.is_none(),
                included: Vec::new(),
            }
            .into(),
        ],
        StepKind::Snapshot => vec![
            SnapshotTaken {
                step: order.step,
                commit: text("c"),
                tree: text("t"),
                empty: false,
                parent: None,
                files: 1,
                insertions: 1,
                deletions: 0,
                skipped: Vec::new(),
                head: None,
                undone: Vec::new(),
                touched: Vec::new(),
            }
            .into(),
        ],
        StepKind::Gate(gate) => vec![GateFinished::new(order.step, gate.clone(), true, GateResult::Passed, 1).into()],
        StepKind::Critic => {
            let verdict = Verdict { decision, confidence: Some(1.0), summary: text("s"), findings: Vec::new() };
            vec![VerdictReached { step: order.step, verdict }.into()]
        }
        StepKind::Keep => {
            let (files, paths) = (1, vec![text("src/a.rs")]);
            let (commit, tree, by) = (format!("k{}", order.step), text("t"), order.keep.1);
            vec![Kept { step: order.step, by, commit, tree, files, insertions: 1, deletions: 0, paths }.into()]
        }
        StepKind::Rewind | StepKind::Scrap | StepKind::Restore | StepKind::Land => {
            let (step, commit) = (order.step, text("t"));
            let name = format!("refs/loopdash/trash/{}/{step}", order.run);
            let trash = Some(Trashed { name, commit: commit.clone(), head: None, skipped: Vec::new() });
            vec![match order.errand.as_ref().unwrap().chore {
                Chore::Rewind { iteration } => Rewound { step, iteration, commit, trash }.into(),
                Chore::Scrap { .. } => Scrapped { step: Some(step), trash, branch_left: None }.into(),
                Chore::Land { .. } => {
                    let (step, target) = (Some(step), text("main"));
                    Merged { step, target, commit, files: 1, waits: None }.into()
                }
                Chore::Undo => Restored { step, commit, trash }.into(),
            }]
        }
        StepKind::Setup | StepKind::Actor | StepKind::Hook(_) => Vec::new(),
    }
}

/// An engine on a store of its own, and a folded view of it.
struct Rig {
    dir: TempDir,
    running: Running,
    script: Arc<Script>,
    fleet: Fleet,
    updates: broadcast::Receiver<Update>,
}

impl Rig {
    async fn new(cap: u32, gate_cap: u32, script: Arc<Script>) -> Self {
        let dir = TempDir::new().unwrap();
        let repo = git2::Repository::init(dir.path().join("repo")).unwrap();
        let tree = repo.treebuilder(None).unwrap().write().unwrap();
        let who = git2::Signature::now("t", "t@localhost").unwrap();
        repo.commit(Some("HEAD"), &who, &who, "m", &repo.find_tree(tree).unwrap(), &[]).unwrap();
        Self::at(dir, cap, gate_cap, script, Startup::Ignore).await
    }

    async fn at(dir: TempDir, cap: u32, gate_cap: u32, script: Arc<Script>, startup: Startup) -> Self {
        Self::since(1, dir, cap, gate_cap, script, startup).await
    }

    /// With a clock that stands at `epoch` and goes with the runtime's time.
    async fn since(epoch: u64, dir: TempDir, cap: u32, gate_cap: u32, script: Arc<Script>, startup: Startup) -> Self {
        let config = Self::config(&dir, epoch, cap, gate_cap, startup);
        Self::on(dir, config, script).await
    }

    fn config(dir: &TempDir, epoch: u64, cap: u32, gate_cap: u32, startup: Startup) -> Config {
        let begun = tokio::time::Instant::now();
        Config {
            store: Store::open(&dir.path().join("state")).unwrap(),
            caps: Caps { engine: cap, repository: None, agents: BTreeMap::new() },
            gate_cap,
            budget: Budget::default(),
            startup,
            git: Git::new(),
            clock: Arc::new(move || Millis(epoch + u64::try_from(begun.elapsed().as_millis()).unwrap())),
            eye: Arc::new(|_| Machine::default()),
        }
    }

    async fn on(dir: TempDir, config: Config, script: Arc<Script>) -> Self {
        let running = start(config, Arc::new(Scripted(Arc::clone(&script))));
        let subscription = running.handle.subscribe().await.unwrap();
        Self { dir, running, script, fleet: subscription.fleet, updates: subscription.updates }
    }

    fn handle(&self) -> &Handle {
        &self.running.handle
    }

    fn spec(&self, name: &str, priority: u8) -> LoopSpec {
        let agent = |name: &str| AgentSpec { timeout_ms: 1000, ..AgentSpec::new(name, vec!["sh".to_owned()]) };
        LoopSpec {
            name: name.to_owned(),
            repo: self.dir.path().join("repo").to_string_lossy().into_owned(),
            objective: "do it".to_owned(),
            tests: Vec::new(),
            tests_file: None,
            actor: agent("actor"),
            critic: Some(agent("critic")),
            stronger: None,
            critic_when: CriticWhen::Always,
            isolation: Isolation::Worktree,
            base: None,
            branch: None,
            worktree_path: None,
            priority,
            limits: Limits {
                max_iterations: 5,
                max_attempts: 3,
                wall_clock_ms: None,
                tokens: None,
                micro_usd: None,
                iterations: None,
            },
            context_files: Vec::new(),
            setup: None,
            hooks: Default::default(),
            gates: vec![GateSpec::new("tests", CommandLine::Shell("true".to_owned()), 1000)],
            stuck: crate::loops::core::watch::Policy::default(),
            tests_policy: Default::default(),
            preset: None,
        }
    }

    async fn submit(&mut self, specs: Vec<LoopSpec>) -> Vec<RunId> {
        self.send(Command::Submit { specs, trigger: Trigger::Cli }).await.unwrap()
    }

    async fn send(&mut self, command: Command) -> Result<Vec<RunId>, Rejected> {
        self.handle().send(Request { who: Who::Operator, command }).await.map(|accepted| accepted.runs)
    }

    async fn ask(&mut self, run: RunId, ask: Ask) -> Result<Vec<RunId>, Rejected> {
        self.send(Command::Run { run, ask }).await
    }

    fn hear(&mut self, update: Update) {
        match update {
            Update::Record(record) => self.fleet.apply(&record),
            Update::Run(run) => drop(self.fleet.runs.insert(run.state.id, *run)),
            Update::Caps { cap, gate_cap } => (self.fleet.cap, self.fleet.gate_cap) = (cap, gate_cap),
            Update::Holds(holds) => self.fleet.holds = holds,
            Update::Raises(raises) => self.fleet.raises = raises,
            Update::Collisions(collisions) => self.fleet.collisions = collisions,
            Update::Alerts(alerts) => self.fleet.alerts = alerts,
            Update::Live { .. } | Update::Loaded | Update::Trouble(_) | Update::Ended => {}
        }
    }

    /// Folds what the engine tells until `done` holds.
    async fn until(&mut self, what: &str, done: impl Fn(&Fleet) -> bool) {
        let limit = tokio::time::sleep(Duration::from_secs(10_000_000));
        tokio::pin!(limit);
        while !done(&self.fleet) {
            tokio::select! {
                update = self.updates.recv() => self.hear(update.unwrap()),
                () = &mut limit => panic!("never: {what}; {:?}", self.fleet),
            }
        }
    }

    async fn until_run(&mut self, run: RunId, what: &str, done: impl Fn(&RunState) -> bool) {
        self.until(what, |fleet| fleet.state(run).is_some_and(&done)).await;
    }

    fn state(&self, run: RunId) -> &RunState {
        self.fleet.state(run).unwrap()
    }

    /// Ends the engine as a crash would: nothing is written any more.
    async fn crash(self) -> TempDir {
        self.running.task.abort();
        let _ = self.running.task.await;
        self.dir
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn done_after(nap: Duration) -> Arc<Script> {
    Script::new(move |_| Act::Take(nap, Decision::Done))
}

fn works_on(kind: StepKind) -> impl Fn(&RunState) -> bool {
    move |state| state.active_step().is_some_and(|step| step.kind == kind && step.process.is_some())
}

#[tokio::test(start_paused = true)]
async fn ten_runs_under_a_cap_of_three_start_by_priority_and_age() {
    let mut rig = Rig::new(3, 9, done_after(secs(60))).await;
    let priorities = [5, 5, 9, 1, 5, 9, 5, 5, 5, 0];
    let specs = priorities.iter().enumerate().map(|(i, p)| rig.spec(&format!("r{i}"), *p)).collect();
    let runs = rig.submit(specs).await;
    rig.until("all done", |fleet| fleet.counts().done == 10).await;
    assert_eq!(rig.script.most.load(Ordering::SeqCst), 3);
    let mut order: Vec<_> = runs.iter().map(|run| rig.state(*run)).collect();
    // Runs of one round are admitted at one moment; the sort keeps the order of submission among them.
    order.sort_by_key(|state| state.first_admitted);
    let order: Vec<&str> = order.iter().map(|state| state.label.as_str()).collect();
    assert_eq!(order, ["r0", "r2", "r5", "r1", "r4", "r6", "r3", "r7", "r8", "r9"]);
}

#[tokio::test(start_paused = true)]
async fn lowering_the_cap_drains_and_raising_it_starts_at_once() {
    let mut rig = Rig::new(2, 9, Script::new(|_| Act::Hang)).await;
    let specs = (0..4).map(|i| rig.spec(&format!("r{i}"), 5)).collect();
    let runs = rig.submit(specs).await;
    let running = |fleet: &Fleet| fleet.counts().running;
    rig.until("two run", |fleet| running(fleet) == 2).await;
    rig.send(Command::SetCap { cap: 1 }).await.unwrap();
    rig.ask(runs[0], Ask::Stop).await.unwrap();
    rig.until_run(runs[0], "stopped", RunState::is_finished).await;
    assert_eq!((running(&rig.fleet), rig.fleet.counts().queued, rig.fleet.cap), (1, 2, 1), "nobody took the slot");
    rig.send(Command::SetCap { cap: 3 }).await.unwrap();
    rig.until("three run", |fleet| running(fleet) == 3).await;
    let mut slots: Vec<_> = runs[1..].iter().map(|run| rig.state(*run).slot.unwrap()).collect();
    slots.sort_unstable();
    assert_eq!(slots, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn pausing_now_ends_the_step_and_resuming_starts_it_again_in_its_iteration() {
    let mut rig = Rig::new(
        1,
        1,
        Script::new(|order| match (&order.kind, order.step.0) {
            (StepKind::Actor, 2) => Act::Hang,
            _ => Act::Take(secs(1), Decision::Done),
        }),
    )
    .await;
    let spec = rig.spec("a", 5);
    let run = rig.submit(vec![spec]).await[0];
    rig.until_run(run, "actor runs", works_on(StepKind::Actor)).await;
    rig.ask(run, Ask::Pause { kind: PauseKind::Now }).await.unwrap();
    rig.until_run(run, "paused", |state| state.status == RunStatus::Paused).await;
    assert_eq!(rig.state(run).slot, None);
    assert_eq!(
        rig.ask(run, Ask::Pause { kind: PauseKind::Now }).await.unwrap_err().0,
        "a run that is paused cannot be paused"
    );
    rig.ask(run, Ask::Resume).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    assert_eq!(rig.state(run).iterations.len(), 1);
    let kinds = rig.script.started(run);
    assert_eq!(kinds.iter().filter(|kind| **kind == StepKind::Actor).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn pausing_after_the_step_lets_it_end_first() {
    let mut rig = Rig::new(1, 1, done_after(secs(30))).await;
    let spec = rig.spec("a", 5);
    let run = rig.submit(vec![spec]).await[0];
    rig.until_run(run, "actor runs", works_on(StepKind::Actor)).await;
    rig.ask(run, Ask::Pause { kind: PauseKind::AfterStep }).await.unwrap();
    rig.until_run(run, "paused", |state| state.status == RunStatus::Paused).await;
    assert!(rig.state(run).iterations[0].actor.is_some(), "the actor ended by itself");
    assert!(rig.state(run).iterations[0].snapshot.is_none());
    rig.ask(run, Ask::Resume).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    let kinds = rig.script.started(run);
    assert_eq!(kinds.iter().filter(|kind| **kind == StepKind::Actor).count(), 1, "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_run_keeps_its_slot_and_its_step() {
    let mut rig = Rig::new(1, 1, done_after(secs(30))).await;
    let spec = rig.spec("a", 5);
    let run = rig.submit(vec![spec]).await[0];
    rig.until_run(run, "actor runs", works_on(StepKind::Actor)).await;
    rig.ask(run, Ask::Pause { kind: PauseKind::Freeze }).await.unwrap();
    rig.until_run(run, "frozen", |state| state.status == RunStatus::Frozen).await;
    assert_eq!(rig.state(run).slot, Some(0));
    rig.ask(run, Ask::Resume).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    assert_eq!(*rig.script.wishes.lock().unwrap(), [Wish::Freeze, Wish::Run]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_nothing_running_and_a_second_one_kills() {
    let script = Script::new(|_| Act::Hang);
    let mut rig = Rig::new(1, 1, Arc::clone(&script)).await;
    let specs = vec![rig.spec("a", 9), rig.spec("b", 5)];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "works", |state| state.active.is_some()).await;
    rig.ask(runs[0], Ask::Stop).await.unwrap();
    let second = rig.ask(runs[0], Ask::Stop).await;
    assert!(second.is_ok() || second.unwrap_err().0.contains("finished"));
    rig.until_run(runs[0], "stopped", RunState::is_finished).await;
    assert_eq!(rig.state(runs[0]).outcome.as_ref().unwrap().0, Outcome::Stopped);
    rig.until_run(runs[1], "the next has the slot", |state| state.slot == Some(0)).await;
    let entry = &rig.fleet.runs[&runs[0]];
    assert_eq!(entry.ownership, Ownership::Nobody);
}

#[tokio::test(start_paused = true)]
async fn gates_have_a_cap_of_their_own() {
    let mut rig = Rig::new(4, 1, done_after(secs(10))).await;
    let specs = (0..4).map(|i| rig.spec(&format!("r{i}"), 5)).collect();
    rig.submit(specs).await;
    rig.until("all done", |fleet| fleet.counts().done == 4).await;
    assert_eq!(rig.script.most_gates.load(Ordering::SeqCst), 1);
    assert!(rig.script.most.load(Ordering::SeqCst) > 1, "other steps ran beside");
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_journalled_and_the_run_goes_on_where_it_was() {
    let script = Script::new(|order| match order.kind {
        StepKind::Critic => Act::Hang,
        _ => Act::Take(secs(1), Decision::Done),
    });
    let mut rig = Rig::new(1, 1, script).await;
    let spec = rig.spec("a", 5);
    let run = rig.submit(vec![spec]).await[0];
    rig.until_run(run, "critic runs", works_on(StepKind::Critic)).await;
    let dir = rig.crash().await;

    let mut rig = Rig::at(dir, 1, 1, done_after(secs(1)), Startup::Recover).await;
    rig.until_run(run, "interrupted", |state| state.pause == Some(PauseKind::Interrupted)).await;
    rig.until("released", |fleet| fleet.runs[&run].ownership == Ownership::Nobody).await;
    let last = rig.state(run).steps.last().unwrap();
    assert!(matches!(last.end, Some(StepOutcome::Interrupted { .. })));
    rig.ask(run, Ask::Resume).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    assert_eq!(rig.script.started(run), [StepKind::Worktree, StepKind::Critic], "no finished step is repeated");
    let replayed = journal::read(&Store::open(&rig.dir.path().join("state")).unwrap().run_dir(run)).unwrap();
    assert_eq!(&RunState::replay(run, &replayed.records), rig.state(run));
}

#[tokio::test(start_paused = true)]
async fn leaving_pauses_what_is_live_and_lets_go_of_it() {
    let mut rig = Rig::new(1, 1, Script::new(|_| Act::Hang)).await;
    let specs = vec![rig.spec("a", 5), rig.spec("b", 5)];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "works", |state| state.active.is_some()).await;
    rig.send(Command::Shutdown { live: LiveRuns::Pause }).await.unwrap();
    let Rig { running, dir, .. } = rig;
    running.task.await.unwrap();
    let store = Store::open(&dir.path().join("state")).unwrap();
    for run in runs {
        let replay = journal::read(&store.run_dir(run)).unwrap();
        let state = RunState::replay(run, &replay.records);
        assert_eq!((state.status, state.active), (RunStatus::Paused, None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_parks_only_its_run_and_the_answer_is_told_once() {
    let script = Script::new(|order| match (order.spec.name.as_str(), &order.kind) {
        ("a", StepKind::Critic) => Act::Take(secs(1), Decision::NeedsHuman),
        _ => Act::Take(secs(1), Decision::Done),
    });
    let mut rig = Rig::new(2, 2, script).await;
    let specs = vec![rig.spec("a", 5), rig.spec("b", 5)];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "asks", RunState::needs_person).await;
    rig.until_run(runs[1], "done", RunState::is_finished).await;
    assert_eq!(rig.ask(runs[0], Ask::Resume).await.unwrap_err().0, "it waits for an answer");
    rig.ask(runs[0], Ask::Answer { text: "left".to_owned() }).await.unwrap();
    rig.until_run(runs[0], "next actor", |state| state.iterations.len() == 2).await;
    rig.until_run(runs[0], "asks again", RunState::needs_person).await;
    assert_eq!(rig.state(runs[0]).pending_notes().count(), 0, "the answer was told once");
}

#[tokio::test(start_paused = true)]
async fn a_note_for_now_starts_the_actor_again_with_it() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let mut rig = Rig::new(
        1,
        1,
        Script::new(move |order| {
            let notes: Vec<String> = order.notes.iter().map(|note| note.text.clone()).collect();
            if order.kind == StepKind::Actor {
                heard.lock().unwrap().push(notes.clone());
            }
            if order.kind == StepKind::Actor && notes.is_empty() {
                Act::Hang
            } else {
                Act::Take(secs(1), Decision::Done)
            }
        }),
    )
    .await;
    let spec = rig.spec("a", 5);
    let run = rig.submit(vec![spec]).await[0];
    rig.until_run(run, "actor runs", works_on(StepKind::Actor)).await;
    rig.ask(run, Ask::Note { text: "use tabs".to_owned(), when: When::Now }).await.unwrap();
    rig.until_run(run, "done", RunState::is_finished).await;
    assert_eq!(*told.lock().unwrap(), [vec![], vec!["use tabs".to_owned()]]);
    assert_eq!(rig.state(run).iterations.len(), 1);
}

fn test(id: &str) -> TestSpec {
    let text = format!(r#"{{"version":1,"tests":[{{"id":"{id}","title":"t"}}]}}"#);
    TestFile::parse(&text).unwrap().tests.remove(0)
}

fn read_tests(path: &Path) -> TestFile {
    TestFile::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_test_file_is_written_back_and_new_tests_in_it_are_taken_up() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("test-state.json");
    let file = TestFile { version: 1, tests: vec![test("a"), test("b")] };
    std::fs::write(&path, file.to_json()).unwrap();
    let edit = path.clone();
    let mut rig = Rig::new(
        1,
        1,
        Script::new(move |order| {
            if order.kind == StepKind::Critic && order.iteration == 1 {
                // Somebody adds a test, and declares another passed.
                let mut file = read_tests(&edit);
                file.tests.push(test("c"));
                file.tests[1].status = TestStatus::Passed;
                std::fs::write(&edit, file.to_json()).unwrap();
            }
            Act::Take(secs(1), Decision::Done)
        }),
    )
    .await;
    let mut spec = rig.spec("a", 5);
    spec.tests = file.tests;
    spec.tests_file = Some(path.to_string_lossy().into_owned());
    let run = rig.submit(vec![spec]).await[0];
    rig.until_run(run, "done", RunState::is_finished).await;
    assert_eq!(rig.state(run).progress(), (3, 3));
    rig.send(Command::Shutdown { live: LiveRuns::Stop }).await.unwrap();
    let Rig { running, dir: state, .. } = rig;
    running.task.await.unwrap();
    assert!(read_tests(&path).tests.iter().all(|test| test.status == TestStatus::Passed));
    let replay = journal::read(&Store::open(&state.path().join("state")).unwrap().run_dir(run)).unwrap();
    assert!(replay.records.iter().any(|record| matches!(&record.event, Event::TestAdded(e) if e.who == Who::File)));
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_cannot_start_is_refused_before_anything_exists() {
    let mut rig = Rig::new(1, 1, done_after(secs(1))).await;
    let mut spec = rig.spec("a", 5);
    spec.actor.command = vec!["surely-no-such-agent".to_owned()];
    let why = rig.send(Command::Submit { specs: vec![spec], trigger: Trigger::Cli }).await.unwrap_err().0;
    assert!(why.contains("actor") && why.contains("surely-no-such-agent"), "{why}");
    let mut spec = rig.spec("a", 5);
    spec.repo = "/surely/not/here".to_owned();
    assert!(rig.send(Command::Submit { specs: vec![spec], trigger: Trigger::Cli }).await.is_err());
    assert!(Store::open(&rig.dir.path().join("state")).unwrap().runs().unwrap().is_empty());
}
