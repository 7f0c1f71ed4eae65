//! A run driven by hand: what `next` and `decide` say is committed, and a test ends the steps.
//! See [`Driver`].

use super::dice::GOOD;

use crate::loops::core::activity::{Failure, FailureClass};
use crate::loops::core::command::Ask;
use crate::loops::core::decide::decide;
use crate::loops::core::event::{
    Admitted, Event, GateFinished, Parked, Record, Spawned, StepFinished, StepStarted, Submitted, Unparked,
    VerdictReached,
};
use crate::loops::core::gate;
use crate::loops::core::gate::{CommandLine, GateResult, GateSpec};
use crate::loops::core::hold::{Holds, judge};
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::plan::{Next, Wait, Work, next};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::spec::{AgentSpec, CriticWhen, Isolation, Limits, LoopSpec, Trigger};
use crate::loops::core::state::{GateRun, RunState};
use crate::loops::core::step::{AgentEnd, Cause, Exit, StepEnd, StepKind};
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::verdict::{Decision, Finding, Severity, Verdict};
use crate::loops::core::watch::Policy;

pub(super) fn agent(name: &str) -> AgentSpec {
    AgentSpec { timeout_ms: 1000, ..AgentSpec::new(name, vec![name.to_owned()]) }
}

pub(super) fn test(id: &str, needs: &[&str]) -> TestSpec {
    TestSpec {
        id: id.to_owned(),
        title: format!("title of {id}"),
        criteria: vec!["it holds".to_owned()],
        verify: None,
        priority: 0,
        depends_on: needs.iter().map(|s| (*s).to_owned()).collect(),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: None,
        last_error: None,
    }
}

pub(super) fn spec(tests: Vec<TestSpec>) -> LoopSpec {
    LoopSpec {
        name: "law".to_owned(),
        repo: "/r".to_owned(),
        objective: "# Do it\nwell".to_owned(),
        tests,
        tests_file: None,
        actor: agent("actor"),
        critic: Some(agent("critic")),
        stronger: None,
        critic_when: CriticWhen::Always,
        isolation: Isolation::Worktree,
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits: Limits {
            max_iterations: 6,
            max_attempts: 2,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        hooks: Default::default(),
        gates: vec![GateSpec::new("tests", CommandLine::Shell("true".to_owned()), 1000)],
        stuck: Policy::default(),
        tests_policy: Default::default(),
        preset: None,
    }
}

/// A run driven by hand: commits what `next` and `decide` say, and keeps the journal.
pub(super) struct Driver {
    pub(super) run: RunState,
    pub(super) journal: Vec<Record>,
    pub(super) clock: u64,
}

pub(super) fn ended(exit: Exit, cause: Cause) -> StepEnd {
    StepEnd { exit: Some(exit), duration_ms: 5, stdout_bytes: 1, lines: 1, ..StepEnd::new(cause) }
}

impl Driver {
    pub(super) fn new(spec: LoopSpec) -> Self {
        let id = RunId::parse("01935b1e-0000-7000-8000-000000000001").unwrap();
        let mut driver = Self { run: RunState::new(id), journal: Vec::new(), clock: 1_000 };
        driver.commit(
            Submitted {
                label: "law".to_owned(),
                spec: Box::new(spec),
                trigger: Trigger::Cli,
                base: Some("b".to_owned()),
                version: "0".to_owned(),
                order: 0,
            }
            .into(),
        );
        driver
    }

    pub(super) fn commit(&mut self, event: Event) {
        self.clock += 10;
        let record = Record { seq: self.run.seq + 1, at: Millis(self.clock), run: self.run.id, event };
        self.run.apply(&record);
        self.journal.push(record);
    }

    /// Its time has come, if it waits for one.
    pub(super) fn wake(&mut self) {
        if self.run.wakes().is_some() {
            self.commit(Unparked { who: Who::Harness }.into());
        }
    }

    /// Ends the running step with an agent that could not work.
    pub(super) fn fail(&mut self, class: FailureClass, retry_after_ms: Option<u64>) {
        let mut end = ended(Exit::Code(1), Cause::Natural);
        let failure = Failure { retry_after_ms, ..Failure::new(class, "no") };
        end.agent = Some(Box::new(AgentEnd { failure: Some(failure), ..AgentEnd::default() }));
        self.commit(StepFinished { step: self.run.active.unwrap(), end }.into());
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<(), String> {
        for event in decide(&self.run, ask, Who::Operator).map_err(|r| r.0)? {
            self.commit(event);
        }
        Ok(())
    }

    /// Runs `next` until it waits; a step is started and then left to the caller.
    pub(super) fn settle(&mut self) -> Wait {
        for _ in 0..50 {
            match next(&self.run) {
                Next::Commit(events) => events.into_iter().for_each(|event| self.commit(event)),
                Next::Start(work) => {
                    self.start(&work);
                    return Wait::Step(self.run.active.unwrap());
                }
                Next::SetBack(setback) => {
                    let none = Holds::new();
                    let (reason, _) = judge(self.run.id, &setback, self.clock, &none, std::iter::empty());
                    self.commit(Parked { reason }.into());
                }
                Next::Wait(Wait::Slot) => self.commit(Admitted { slot: 0 }.into()),
                Next::Wait(wait) => return wait,
            }
        }
        panic!("next went round in circles: {:?}", self.run);
    }

    pub(super) fn start(&mut self, work: &Work) {
        let step = self.run.next_step();
        let guidance = match work.kind {
            StepKind::Actor => self.run.pending_notes().map(|note| note.id).collect(),
            _ => Vec::new(),
        };
        self.commit(
            StepStarted {
                step,
                kind: work.kind.clone(),
                iteration: work.iteration,
                agent: None,
                argv: vec!["x".to_owned()],
                cwd: "/w".to_owned(),
                prompt: None,
                guidance,
            }
            .into(),
        );
        self.commit(Spawned { step, pid: 7, start: 9 }.into());
    }

    /// The result of the gate that runs, held against what it found before.
    pub(super) fn gate(&mut self, name: &str, outcome: GateResult, tests: Option<TestsSeen>, digested: bool) {
        let step = self.run.active.unwrap();
        let first = self.run.open_iteration().and_then(|open| open.gates.iter().find(|gate| gate.name == *name));
        let base = self.run.on_base(name).map(GateRun::ran);
        let on_base = self.run.step(step).is_some_and(|step| step.iteration == 0);
        let (excuse, tests) = if on_base {
            gate::judge_base(&outcome, tests, base)
        } else {
            gate::judge(&outcome, tests, None, base, first.map(GateRun::ran))
        };
        let (tests, digest) = (tests.map(Box::new), digested.then(|| "d".to_owned()));
        let fact = GateFinished::new(step, name.to_owned(), true, outcome, 3);
        self.commit(GateFinished { digest, tests, excuse, ..fact }.into());
    }
}

pub(super) fn verdict(decision: Decision) -> Verdict {
    Verdict {
        decision,
        confidence: Some(0.75),
        summary: "so so".to_owned(),
        findings: vec![Finding {
            id: "f1".to_owned(),
            severity: Severity::Blocking,
            file: Some("a".to_owned()),
            line: Some(3),
            text: "mend".to_owned(),
        }],
    }
}

/// Plays a whole run: the actor always claims, gates pass, the critic says what it is told to.
pub(super) fn play(driver: &mut Driver, verdicts: &[Decision]) -> Wait {
    let mut verdicts = verdicts.iter();
    for _ in 0..200 {
        let wait = driver.settle();
        let Wait::Step(_) = wait else { return wait };
        let step = driver.run.active_step().unwrap().clone();
        if step.kind == StepKind::Critic {
            let decision = *verdicts.next().unwrap_or(&Decision::Done);
            driver.commit(VerdictReached { step: step.id, verdict: verdict(decision) }.into());
            driver.commit(StepFinished { step: step.id, end: ended(Exit::Code(0), Cause::Natural) }.into());
        } else {
            driver.end(GOOD);
        }
    }
    panic!("the run never settled")
}

/// Plays until a step of this kind runs.
pub(super) fn play_to(driver: &mut Driver, kind: &StepKind) {
    for _ in 0..50 {
        driver.settle();
        if driver.run.active_step().is_some_and(|step| step.kind == *kind) {
            return;
        }
        driver.end(GOOD);
    }
    panic!("no {kind:?}");
}

/// Plays until no step runs.
pub(super) fn play_to_wait(driver: &mut Driver) {
    while let Wait::Step(_) = driver.settle() {
        driver.end(GOOD);
    }
}

pub(super) fn kinds(driver: &Driver) -> Vec<&'static str> {
    driver.run.steps.iter().map(|step| step.kind.word()).collect()
}
