//! Runs played from a script, for the tests of the watch: each iteration says what its steps came to, and the real `next`
//! and fold do the rest.

use super::{Pattern, Policy};
use crate::loops::core::command::Ask;
use crate::loops::core::decide::decide;
use crate::loops::core::event::{
    Admitted, Chore, Event, GateFinished, Record, Rewound, Sign, Signal, SnapshotTaken, StepFinished, StepStarted,
    Submitted, Trashed, UndoneHunk, VerdictReached, WorkspaceReady,
};
use crate::loops::core::gate::{CommandLine, GateResult, GateSpec};
use crate::loops::core::ids::{Millis, RunId, StepId, Who};
use crate::loops::core::plan::{Next, Wait, Work, next};
use crate::loops::core::runner::{Reader, TestsSeen};
use crate::loops::core::spec::{AgentSpec, CriticWhen, Isolation, Limits, LoopSpec, Stronger, Trigger};
use crate::loops::core::state::RunState;
use crate::loops::core::step::{AgentEnd, Cause, Exit, StepEnd, StepKind, Usage};
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::verdict::{Decision, Finding, Severity, Verdict};

/// What one iteration comes to.
#[derive(Clone, Debug)]
pub(super) struct Trip {
    pub(super) tree: String,
    pub(super) head: u32,
    pub(super) minutes: u64,
    pub(super) claim: bool,
    pub(super) said: String,
    /// What the failing `tests` gate prints; `None` passes.
    pub(super) red: Option<String>,
    pub(super) findings: Vec<Finding>,
    pub(super) done: bool,
    /// Names of hunks that it takes back.
    pub(super) undone: Vec<String>,
    /// Whether it works on the lines of all open findings.
    pub(super) touches: bool,
    /// What a watch sees while its actor works.
    pub(super) signals: Vec<Signal>,
}

/// An iteration with this content, whose critic wants more without saying what.
pub(super) fn trip(tree: impl Into<String>) -> Trip {
    Trip {
        tree: tree.into(),
        head: 0,
        minutes: 5,
        claim: true,
        said: String::new(),
        red: None,
        findings: Vec::new(),
        done: false,
        undone: Vec::new(),
        touches: true,
        signals: Vec::new(),
    }
}

/// A finding.
pub(super) fn finding(id: &str, file: &str, line: u32, text: &str) -> Finding {
    let severity = Severity::Blocking;
    Finding { id: id.to_owned(), severity, file: Some(file.to_owned()), line: Some(line), text: text.to_owned() }
}

/// Silence of so many minutes.
pub(super) fn silent(minutes: u64, busy: Option<bool>) -> Signal {
    signal(Sign::Silent, minutes, busy, 0)
}

/// A call that is repeated.
pub(super) fn repeats(times: u32) -> Signal {
    signal(Sign::Repeating, 3, None, times)
}

pub(super) fn signal(sign: Sign, minutes: u64, busy: Option<bool>, times: u32) -> Signal {
    let what = (times > 0).then(|| "Bash cargo test".to_owned());
    Signal { busy, what, times, ..Signal::new(StepId(0), sign, minutes * 60_000) }
}

/// What a runner's output tells, as the harness reads it.
fn tests_of(output: &str) -> Option<TestsSeen> {
    let mut reader = Reader::default();
    output.lines().for_each(|line| reader.line(line.as_bytes()));
    reader.finish()
}

/// A run that is played.
pub(super) struct Play {
    pub(super) run: RunState,
    pub(super) events: Vec<Event>,
    clock: u64,
}

fn spec(policy: Policy) -> LoopSpec {
    let agent = |name: &str| AgentSpec::new(name, vec![name.to_owned()]);
    let gate = GateSpec::new("tests", CommandLine::Shell("true".to_owned()), 1000);
    LoopSpec {
        name: "play".to_owned(),
        repo: "/r".to_owned(),
        objective: "do it".to_owned(),
        tests: Vec::new(),
        tests_file: None,
        actor: agent("actor"),
        critic: Some(agent("critic")),
        stronger: Some(Box::new(Stronger { agent: agent("big"), after: u32::MAX })),
        critic_when: CriticWhen::Always,
        isolation: Isolation::Worktree,
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits: Limits {
            max_iterations: 200,
            max_attempts: 500,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        gates: vec![gate],
        stuck: policy,
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    }
}

impl Play {
    pub(super) fn new(policy: Policy) -> Self {
        Self::with(spec(policy))
    }

    /// A run of the usual loop with this list of tests.
    pub(super) fn listed(policy: Policy, tests: Vec<TestSpec>, max_attempts: u32) -> Self {
        let mut spec = LoopSpec { tests, ..spec(policy) };
        spec.limits.max_attempts = max_attempts;
        Self::with(spec)
    }

    fn with(spec: LoopSpec) -> Self {
        let run = RunState::new(RunId::new(uuid::Uuid::nil()));
        let mut play = Self { run, events: Vec::new(), clock: 1_000_000 };
        play.commit(Submitted {
            label: "play".to_owned(),
            spec: Box::new(spec),
            trigger: Trigger::Cli,
            base: Some("b".to_owned()),
            version: "0".to_owned(),
            order: 0,
        });
        play
    }

    /// Plays iterations with the defaults.
    pub(super) fn of(trips: impl IntoIterator<Item = Trip>) -> Self {
        let mut play = Self::new(Policy::default());
        play.play(trips);
        play
    }

    pub(super) fn commit(&mut self, event: impl Into<Event>) {
        self.clock += 10;
        let event = event.into();
        let record = Record { seq: self.run.seq + 1, at: Millis(self.clock), run: self.run.id, event: event.clone() };
        self.run.apply(&record);
        self.events.push(event);
        assert_eq!(self.run.refused, 0, "{:?}", self.events.last());
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<(), String> {
        decide(&self.run, ask, Who::Operator).map_err(|no| no.0)?.into_iter().for_each(|event| self.commit(event));
        Ok(())
    }

    /// Goes on until a step runs or nothing does.
    pub(super) fn settle(&mut self) -> Option<StepKind> {
        loop {
            match next(&self.run) {
                Next::Commit(events) => events.into_iter().for_each(|event| self.commit(event)),
                Next::Start(work) => {
                    self.start(&work);
                    return Some(work.kind);
                }
                Next::Wait(Wait::Slot) => self.commit(Admitted { slot: 0 }),
                Next::Wait(_) | Next::SetBack(_) => return self.run.active_step().map(|step| step.kind.clone()),
            }
        }
    }

    fn start(&mut self, work: &Work) {
        let (step, kind, iteration) = (self.run.next_step(), work.kind.clone(), work.iteration);
        let (argv, cwd) = (Vec::new(), String::new());
        self.commit(StepStarted { step, kind, iteration, agent: None, argv, cwd, prompt: None, guidance: Vec::new() });
    }

    pub(super) fn play(&mut self, trips: impl IntoIterator<Item = Trip>) {
        for trip in trips {
            let before = self.run.counted;
            while self.run.counted == before && !self.run.is_finished() {
                match self.settle() {
                    Some(kind) => self.step(&kind, &trip),
                    None => break,
                }
                // What the step's end means is decided before the next one.
                while let Next::Commit(events) = next(&self.run) {
                    events.into_iter().for_each(|event| self.commit(event));
                    if self.run.counted > before {
                        break;
                    }
                }
            }
        }
        self.settle();
    }

    pub(super) fn step(&mut self, kind: &StepKind, trip: &Trip) {
        let Some(step) = self.run.active else { return };
        let mut end = StepEnd { exit: Some(Exit::Code(0)), duration_ms: 1000, ..StepEnd::new(Cause::Natural) };
        match kind {
            StepKind::Worktree => self.commit(WorkspaceReady {
                path: "/w".to_owned(),
                branch: None,
                base: "b".to_owned(),
                git_dir: "/g".to_owned(),
                common_dir: "/g".to_owned(),
                in_place: false,
                fresh: self.run.workspace.is_none(),
                included: Vec::new(),
            }),
            StepKind::Actor => {
                for signal in &trip.signals {
                    self.clock += signal.for_ms;
                    self.commit(Signal { step, ..signal.clone() });
                    self.settle();
                    if self.run.interrupt.is_some() || self.run.active != Some(step) {
                        return self.interrupted(step);
                    }
                }
                self.clock += trip.minutes * 60_000;
                end.duration_ms = trip.minutes * 60_000;
                end.claim = trip.claim;
                end.agent = Some(Box::new(AgentEnd { said: super::digest(&trip.said), ..AgentEnd::default() }));
                let (input, output) = (Some(1000), Some(100));
                end.usage = Some(Usage { input, cached: None, output, micro_usd: Some(100_000) });
            }
            StepKind::Snapshot => self.snapshot(step, trip),
            StepKind::Gate(gate) => {
                let (outcome, digest) = match &trip.red {
                    None => (GateResult::Passed, None),
                    Some(output) => (GateResult::Failed { exit: Exit::Code(101) }, super::digest_of_lines(output)),
                };
                let tests = trip.red.as_deref().and_then(tests_of).map(Box::new);
                let gate = gate.clone();
                self.commit(GateFinished { digest, tests, ..GateFinished::new(step, gate, true, outcome, 1000) });
            }
            StepKind::Critic => {
                let decision = if trip.done { Decision::Done } else { Decision::Continue };
                let summary = "so so".to_owned();
                let findings = trip.findings.clone();
                self.commit(VerdictReached {
                    step,
                    verdict: Verdict { decision, confidence: None, summary, findings },
                });
            }
            StepKind::Rewind => {
                if let Some(Chore::Rewind { iteration }) = self.run.chore {
                    let commit = self.run.snapshot_of(iteration).map(|at| at.commit.clone()).unwrap_or_default();
                    let trash =
                        Trashed { name: "t".to_owned(), commit: "t".to_owned(), head: None, skipped: Vec::new() };
                    self.commit(Rewound { step, iteration, commit, trash: Some(trash) });
                }
            }
            StepKind::Setup | StepKind::Hook(_) | StepKind::Keep => {}
            StepKind::Scrap | StepKind::Restore | StepKind::Land => {}
        }
        self.commit(StepFinished { step, end });
    }

    pub(super) fn interrupted(&mut self, step: StepId) {
        if let Some(why) = self.run.must_interrupt() {
            self.commit(crate::loops::core::event::StepInterrupted::new(step, why));
        }
    }

    fn snapshot(&mut self, step: StepId, trip: &Trip) {
        let open = |run: &RunState| {
            let test = run.open_iteration().map(|iteration| iteration.test.clone())?;
            Some(run.watched.findings.open(&test).map(|point| point.id).collect::<Vec<_>>())
        };
        let touched = open(&self.run).filter(|_| trip.touches).unwrap_or_default();
        let hunk = |name: &String| UndoneHunk { path: "a.rs".to_owned(), line: 7, digest: name.clone() };
        self.commit(SnapshotTaken {
            step,
            commit: format!("c{}", step.0),
            tree: trip.tree.clone(),
            empty: trip.tree.is_empty(),
            parent: None,
            files: 2,
            insertions: 12,
            deletions: 3,
            skipped: Vec::new(),
            head: Some(format!("h{}", trip.head)),
            undone: trip.undone.iter().map(hunk).collect(),
            touched,
        });
    }

    /// Every pattern that was raised, in order.
    pub(super) fn raised(&self) -> Vec<Pattern> {
        let raised = self.events.iter().filter_map(|event| match event {
            Event::SignalRaised(e) => Some(e.sighting.pattern),
            _ => None,
        });
        raised.collect()
    }
}
