//! The laws of the fold, by property test: a random operator and random steps drive `next` and `decide`, and every
//! prefix of what they journal must mean something.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::activity::{Failure, FailureClass};
use super::agent::Role;
use super::budget::Resource;
use super::command::Ask;
use super::decide::decide;
use super::event::{
    Admitted, Chore, ClockJumped, Event, GateFinished, Kept, LockAwaited, Outcome, ParkReason, Parked, PauseKind,
    Record, Restored, Rewound, Scrapped, SnapshotTaken, Spawned, StepFinished, StepInterrupted, StepStarted, Submitted,
    Trashed, Trouble, Unparked, VerdictReached, When, WorkspaceReady,
};
use super::gate::{self, CommandLine, GateResult, GateSpec};
use super::hold::{Holds, judge};
use super::hook::{Hook, Hooks};
use super::ids::{Millis, RunId, StepId, Who};
use super::plan::{Next, Wait, Work, next};
use super::record::{Decoded, decode, encode};
use super::runner::TestsSeen;
use super::setback::Remedy;
use super::spec::{AgentSpec, CriticWhen, Isolation, Limits, LoopSpec, Trigger};
use super::state::{Delivery, GateRun, RunState, StepOutcome};
use super::step::{AgentEnd, Cause, Exit, InterruptWhy, StepEnd, StepKind, Usage};
use super::test_state::{TestSpec, TestStatus};
use super::transition::{RUN_TABLE, RunMove, RunStatus, TEST_TABLE, TestMove, run_after, test_after};
use super::verdict::{Decision, Finding, Severity, Verdict};
use super::watch::{Heal, Pattern, Policy, Remedy as WayOut};
use proptest::prelude::*;

pub(super) fn agent(name: &str) -> AgentSpec {
    AgentSpec { timeout_ms: 1000, ..AgentSpec::new(name, vec![name.to_owned()]) }
}

fn test(id: &str, needs: &[&str]) -> TestSpec {
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

fn spec(tests: Vec<TestSpec>) -> LoopSpec {
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
        gates: vec![GateSpec {
            name: "tests".to_owned(),
            command: CommandLine::Shell("true".to_owned()),
            timeout_ms: 1000,
            required: true,
            junit: None,
            rerun: false,
            baseline: false,
            lock: None,
        }],
        stuck: Policy::default(),
        tests_policy: Default::default(),
    }
}

/// A run driven by hand: commits what `next` and `decide` say, and keeps the journal.
struct Driver {
    run: RunState,
    journal: Vec<Record>,
    clock: u64,
}

fn ended(exit: Exit, cause: Cause) -> StepEnd {
    StepEnd { exit: Some(exit), duration_ms: 5, stdout_bytes: 1, lines: 1, ..StepEnd::new(cause) }
}

impl Driver {
    fn new(spec: LoopSpec) -> Self {
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

    fn commit(&mut self, event: Event) {
        self.clock += 10;
        let record = Record { seq: self.run.seq + 1, at: Millis(self.clock), run: self.run.id, event };
        self.run.apply(&record);
        self.journal.push(record);
    }

    /// Its time has come, if it waits for one.
    fn wake(&mut self) {
        if self.run.wakes().is_some() {
            self.commit(Unparked { who: Who::Harness }.into());
        }
    }

    /// Ends the running step with an agent that could not work.
    fn fail(&mut self, class: FailureClass, retry_after_ms: Option<u64>) {
        let mut end = ended(Exit::Code(1), Cause::Natural);
        let failure = Failure { retry_after_ms, ..Failure::new(class, "no") };
        end.agent = Some(Box::new(AgentEnd { failure: Some(failure), ..AgentEnd::default() }));
        self.commit(StepFinished { step: self.run.active.unwrap(), end }.into());
    }

    fn ask(&mut self, ask: &Ask) -> Result<(), String> {
        for event in decide(&self.run, ask, Who::Operator).map_err(|r| r.0)? {
            self.commit(event);
        }
        Ok(())
    }

    /// Runs `next` until it waits; a step is started and then left to the caller.
    fn settle(&mut self) -> Wait {
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

    fn start(&mut self, work: &Work) {
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
    fn gate(&mut self, name: &str, outcome: GateResult, tests: Option<TestsSeen>, digested: bool) {
        let step = self.run.active.unwrap();
        let first = self.run.open_iteration().and_then(|open| open.gates.iter().find(|gate| gate.name == *name));
        let base = self.run.on_base(name).map(GateRun::ran);
        let on_base = self.run.step(step).is_some_and(|step| step.iteration == 0);
        let (excuse, tests) = if on_base {
            gate::judge_base(&outcome, tests, base)
        } else {
            gate::judge(&outcome, tests, base, first.map(GateRun::ran))
        };
        let (tests, digest) = (tests.map(Box::new), digested.then(|| "d".to_owned()));
        let fact = GateFinished::new(step, name.to_owned(), true, outcome, 3);
        self.commit(GateFinished { digest, tests, excuse, ..fact }.into());
    }

    /// Ends the running step: `dice` chooses how.
    fn end(&mut self, dice: u8) {
        let Some(step) = self.run.active_step().cloned() else { return };
        if let Some(why) = self.run.must_interrupt() {
            return self.commit(StepInterrupted::new(step.id, why).into());
        }
        if dice == 0 {
            let why = InterruptWhy::Crash;
            self.commit(StepInterrupted::new(step.id, why).into());
            // What is done to the worktree of a run that stands still leaves it standing, and one that ends goes on ending.
            if self.run.is_live() && self.run.status != RunStatus::Stopping {
                self.commit(super::event::Paused { kind: PauseKind::Interrupted }.into());
            }
            return;
        }
        let mut end = ended(Exit::Code(0), Cause::Natural);
        match &step.kind {
            StepKind::Worktree => self.commit(
                WorkspaceReady {
                    path: "/w".to_owned(),
                    branch: Some("run/law".to_owned()),
                    base: "b".to_owned(),
                    git_dir: "/g".to_owned(),
                    common_dir: "/g".to_owned(),
                    in_place: false,
                    fresh: self.run.workspace.is_none(),
                    included: Vec::new(),
                }
                .into(),
            ),
            StepKind::Setup => {}
            StepKind::Hook(_) => match dice % 10 {
                1 => end = ended(Exit::Code(1), Cause::Natural),
                2 => end = ended(Exit::Signal(9), Cause::TimedOut),
                _ => {}
            },
            StepKind::Actor => match dice % 8 {
                1 => end = ended(Exit::Code(1), Cause::Natural),
                2 => end = ended(Exit::Signal(9), Cause::TimedOut),
                3 => end.question = Some("which?".to_owned()),
                4 => end.error = Some("no such file".to_owned()),
                6 => fail(&mut end, dice),
                _ => end.claim = true,
            },
            StepKind::Snapshot => {
                if dice % 9 == 1 {
                    end.error = Some("worktree gone".to_owned());
                } else {
                    self.commit(
                        SnapshotTaken {
                            step: step.id,
                            commit: "c".to_owned(),
                            tree: "t".to_owned(),
                            empty: dice % 7 == 1,
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
                    );
                }
            }
            StepKind::Keep if dice % 9 == 1 => end.error = Some("worktree gone".to_owned()),
            StepKind::Keep => {
                let paths = vec!["a.rs".to_owned(); usize::from(dice % 2)];
                let (files, by) = (u32::from(dice % 3), self.run.keep.unwrap_or(Who::Actor));
                let (commit, tree) = ("k".to_owned(), "t".to_owned());
                self.commit(Kept { step: step.id, by, commit, tree, files, insertions: 1, deletions: 0, paths }.into());
            }
            StepKind::Rewind | StepKind::Scrap | StepKind::Restore if dice % 5 == 1 => {
                end.error = Some("in the way".to_owned());
            }
            StepKind::Rewind => {
                let Some(Chore::Rewind { iteration }) = self.run.chore else { panic!("not asked for") };
                let trash = Some(trashed(dice));
                self.commit(Rewound { step: step.id, iteration, commit: "c".to_owned(), trash }.into());
            }
            StepKind::Scrap => {
                let trash = (!dice.is_multiple_of(3)).then(|| trashed(dice));
                self.commit(Scrapped { step: Some(step.id), trash, branch_left: None }.into());
            }
            StepKind::Restore => {
                let trash = (!dice.is_multiple_of(3)).then(|| trashed(dice));
                self.commit(Restored { step: step.id, commit: "t".to_owned(), trash }.into());
            }
            StepKind::Gate(name) => {
                if dice % 16 == 5 {
                    let by_ms = if dice.is_multiple_of(3) { i64::MAX } else { -86_400_000 };
                    self.commit(ClockJumped { by_ms }.into());
                }
                if dice % 4 == 3 {
                    let (lock, holder) = ("db".to_owned(), "another".to_owned());
                    self.commit(LockAwaited { step: step.id, lock, holder }.into());
                }
                let outcome = match dice % 5 {
                    0 => GateResult::Failed { exit: Exit::Code(101) },
                    1 => GateResult::CouldNotRun { error: "missing".to_owned() },
                    2 => GateResult::TimedOut,
                    _ => GateResult::Passed,
                };
                let tests = dice.is_multiple_of(2).then(|| failing(&["a", "b"][..usize::from(dice / 5 % 3)]));
                self.gate(name, outcome, tests, dice.is_multiple_of(2));
            }
            StepKind::Critic if dice % 7 == 5 && is_setback(dice) => fail(&mut end, dice),
            StepKind::Critic => {
                let decision = match dice % 6 {
                    0 | 1 => Decision::Continue,
                    2 => Decision::NeedsHuman,
                    3 => Decision::Unknown,
                    _ => Decision::Done,
                };
                self.commit(VerdictReached { step: step.id, verdict: verdict(decision) }.into());
            }
        }
        if dice % 11 == 10 && matches!(step.kind, StepKind::Actor | StepKind::Critic | StepKind::Setup) {
            end = StepEnd { exit: None, cause: Cause::NotStarted, error: Some("not found".to_owned()), ..end };
        }
        self.commit(StepFinished { step: step.id, end }.into());
    }
}

fn trashed(dice: u8) -> Trashed {
    let name = format!("refs/loopdash/trash/r/{dice}");
    Trashed { name, commit: "t".to_owned(), head: Some("h".to_owned()), skipped: Vec::new() }
}

const CLASSES: [FailureClass; 6] = [
    FailureClass::Rate,
    FailureClass::Auth,
    FailureClass::Context,
    FailureClass::Network,
    FailureClass::Quota,
    FailureClass::Other,
];

fn is_setback(dice: u8) -> bool {
    CLASSES[usize::from(dice) / 8 % CLASSES.len()].remedy() != Remedy::None
}

fn fail(end: &mut StepEnd, dice: u8) {
    let class = CLASSES[usize::from(dice) / 8 % CLASSES.len()];
    let retry_after_ms = (dice % 2 == 1).then_some(5_000);
    let failure = Failure { retry_after_ms, ..Failure::new(class, "no") };
    end.agent = Some(Box::new(AgentEnd { failure: Some(failure), ..AgentEnd::default() }));
}

/// The dice with which every step ends well.
const GOOD: u8 = 13;
/// The dice with which a critic accepts.
const ACCEPTED: u8 = 16;

fn verdict(decision: Decision) -> Verdict {
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

fn asks() -> impl Strategy<Value = Ask> {
    let id = || prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c".to_owned()), Just("nope".to_owned())];
    prop_oneof![
        1 => prop_oneof![
            Just(PauseKind::AfterStep),
            Just(PauseKind::Now),
            Just(PauseKind::Freeze),
            Just(PauseKind::Interrupted)
        ]
        .prop_map(|kind| Ask::Pause { kind }),
        4 => Just(Ask::Resume),
        1 => Just(Ask::TakeOver),
        3 => (0u32..5).prop_map(|iteration| Ask::Chore { chore: Chore::Rewind { iteration } }),
        2 => any::<bool>().prop_map(|named| Ask::Chore { chore: Chore::Scrap { named } }),
        3 => Just(Ask::Chore { chore: Chore::Undo }),
        1 => Just(Ask::Stop),
        1 => id().prop_map(|test| Ask::SkipTest { test, why: String::new() }),
        1 => id().prop_map(|test| Ask::ResetTest { test }),
        1 => id().prop_map(|test| Ask::RetryTest { test }),
        1 => id().prop_map(|test| Ask::WaiveTest { test, why: "by hand".to_owned() }),
        1 => Just(Ask::Restart),
        2 => (0..Pattern::ALL.len(), 0..WayOut::ALL.len()).prop_map(|(pattern, remedy)| Ask::Heal {
            pattern: Pattern::ALL[pattern],
            remedy: WayOut::ALL[remedy],
            text: String::new(),
        }),
        1 => (0..Pattern::ALL.len()).prop_map(|pattern| Ask::Acknowledge { pattern: Pattern::ALL[pattern] }),
        4 => Just(Ask::Retry),
        1 => Just(Ask::RerunGates),
        1 => Just(Ask::Note { text: "mind the gap".to_owned(), when: When::Next }),
        1 => Just(Ask::Note { text: "now".to_owned(), when: When::Now }),
        4 => Just(Ask::Answer { text: "the left one".to_owned() }),
        1 => id().prop_map(|id| Ask::AddTest { test: Box::new(test(&format!("{id}x"), &["a"])) }),
        1 => (0u8..12).prop_map(|priority| Ask::SetPriority { priority }),
        1 => (prop::bool::ANY, "[xy]").prop_map(|(actor, name)| {
            let role = if actor { Role::Actor } else { Role::Critic };
            Ask::SetAgent { role, agent: Box::new(agent(&name)) }
        }),
        1 => (0u128..3).prop_map(|other| Ask::HoldBehind {
            run: (other > 0).then(|| RunId::new(uuid::Uuid::from_u128(other << 90))),
            label: "other".to_owned(),
        }),
        1 => (0u32..9).prop_map(|max| Ask::SetMaxIterations { max }),
        1 => (0u64..9).prop_map(|limit| Ask::SetBudget { which: Resource::Tokens, limit }),
    ]
}

#[derive(Clone, Debug)]
enum Turn {
    Settle,
    Wake,
    End(u8),
    Ask(Ask),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => Just(Turn::Settle),
        1 => Just(Turn::Wake),
        6 => any::<u8>().prop_map(Turn::End),
        1 => asks().prop_map(Turn::Ask),
    ];
    prop::collection::vec(turn, 1..120)
}

/// Every hook there is.
fn hooks() -> Hooks {
    let argv = || vec!["h".to_owned()];
    Hooks { pre_run: argv(), pre_iteration: argv(), post_iteration: argv(), post_run: argv(), timeout_ms: 1000 }
}

fn driven(turns: &[Turn], tests: Vec<TestSpec>) -> Driver {
    // So that random runs meet every remedy.
    let stuck = Policy {
        no_change: Some(1),
        same_failures: Some(2),
        findings_stay: Some(2),
        heal: WayOut::ALL.map(|remedy| Heal { remedy, limit: 1 }).to_vec(),
        ..Policy::default()
    };
    let stronger = super::spec::Stronger { agent: agent("big"), after: 9 };
    let hooks = if turns.len().is_multiple_of(2) { hooks() } else { Hooks::default() };
    let mut spec = LoopSpec { stuck, hooks, stronger: Some(Box::new(stronger)), ..spec(tests) };
    for gate in &mut spec.gates {
        (gate.baseline, gate.rerun) = (turns.len().is_multiple_of(2), !turns.len().is_multiple_of(3));
    }
    let mut driver = Driver::new(spec);
    for turn in turns {
        match turn {
            Turn::Settle => drop(driver.settle()),
            Turn::Wake => driver.wake(),
            Turn::End(dice) => driver.end(*dice),
            Turn::Ask(ask) => drop(driver.ask(ask)),
        }
    }
    driver
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_of_a_journal_folds_and_has_a_next(turns in turns(), listed in any::<bool>()) {
        let tests = if listed { vec![test("a", &[]), test("b", &["a"]), test("c", &[])] } else { Vec::new() };
        let driver = driven(&turns, tests);
        prop_assert_eq!(driver.run.refused, 0, "the engine journalled something illegal");
        let mut prefix = RunState::new(driver.run.id);
        for record in &driver.journal {
            prefix.apply(record);
            let _ = next(&prefix);
            let mut resumed = Driver { run: prefix.clone(), journal: Vec::new(), clock: record.at.0 };
            resumed.settle();
            prop_assert_eq!(resumed.run.refused, 0, "after a crash at {}", record.seq);
        }
        prop_assert_eq!(prefix, driver.run);
    }

    #[test]
    fn a_record_survives_its_json(turns in turns()) {
        let driver = driven(&turns, vec![test("a", &[]), test("b", &["a"])]);
        for record in &driver.journal {
            let json = encode(record).unwrap();
            prop_assert_eq!(decode(&json).unwrap(), Decoded::Known(record.clone()), "{}", json);
        }
    }

    #[test]
    fn slots_notes_and_attempts_stay_in_bounds(turns in turns()) {
        let driver = driven(&turns, vec![test("a", &[]), test("b", &["a"]), test("c", &[])]);
        let mut run = RunState::new(driver.run.id);
        let mut started = std::collections::BTreeMap::<u32, Vec<StepId>>::new();
        for record in &driver.journal {
            run.apply(record);
            prop_assert_eq!(run.slot.is_some(), run.slot.is_some() && run.status.holds_slot());
            prop_assert!(run.active.is_none() || run.steps.last().is_some_and(|s| Some(s.id) == run.active));
            let still = matches!(run.status, RunStatus::Paused | RunStatus::Parked | RunStatus::Finished);
            prop_assert!(!still || run.active_step().is_none_or(|step| step.kind.is_chore()));
            let numbers: Vec<u32> = run.iterations.iter().map(|iteration| iteration.number).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a number is used once: {:?}", numbers);
            let counted = run.iterations.iter().filter(|iteration| iteration.counted).count();
            prop_assert_eq!(counted, run.counted as usize, "what was used stays used");
            if let Event::StepStarted(e) = &record.event {
                for note in &e.guidance { started.entry(*note).or_default().push(e.step); }
            }
        }
        for note in &run.notes {
            let finished: Vec<_> = started.get(&note.id).into_iter().flatten()
                .filter(|id| matches!(run.step(**id).and_then(|s| s.end.as_ref()), Some(StepOutcome::Finished(end)) if end.failure().is_none_or(|f| f.class.remedy() == Remedy::None)))
                .collect();
            prop_assert_eq!(finished.len(), usize::from(matches!(note.delivery, Delivery::Delivered(_))));
        }
    }

    #[test]
    fn events_in_any_order_never_panic(turns in turns(), order in any::<u64>()) {
        let driver = driven(&turns, Vec::new());
        let mut run = RunState::new(driver.run.id);
        let len = driver.journal.len();
        for i in 0..len {
            let pick = (i.wrapping_mul(order as usize | 1)) % len;
            run.apply(&driver.journal[pick]);
            let _ = next(&run);
        }
    }
}

/// Plays a whole run: the actor always claims, gates pass, the critic says what it is told to.
fn play(driver: &mut Driver, verdicts: &[Decision]) -> Wait {
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

#[test]
fn continue_then_done_takes_exactly_two_iterations() {
    let mut driver = Driver::new(spec(Vec::new()));
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
    assert_eq!(driver.run.iterations.len(), 2);
    assert_eq!(driver.run.iterations[0].result.as_deref(), Some("critic: 1 blocking finding"));
}

#[test]
fn an_unreadable_verdict_is_asked_again_once_and_then_needs_a_person() {
    let mut driver = Driver::new(spec(Vec::new()));
    assert_eq!(play(&mut driver, &[Decision::Unknown, Decision::Unknown]), Wait::Person);
    let critics = driver.run.steps.iter().filter(|s| s.kind == StepKind::Critic).count();
    assert_eq!(critics, 2);
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.iterations.len(), 1, "the critic was asked again in the same iteration");
}

fn failing(names: &[&str]) -> TestsSeen {
    let new: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    TestsSeen { passed: Some(7), failed: new.len() as u32, new, ..TestsSeen::default() }
}

const RED: GateResult = GateResult::Failed { exit: Exit::Code(101) };

/// A run whose gate runs on the base and, where it fails anew, again; its gates end as `gates` says, the critic accepts.
fn gated(critic: bool, gates: &[(GateResult, Option<TestsSeen>)]) -> (Driver, Wait) {
    let mut definition = LoopSpec { critic: critic.then(|| agent("critic")), ..spec(Vec::new()) };
    (definition.gates[0].baseline, definition.gates[0].rerun) = (true, true);
    let (mut driver, mut gates) = (Driver::new(definition), gates.iter().cloned());
    loop {
        let wait = driver.settle();
        let Wait::Step(step) = wait else { return (driver, wait) };
        match driver.run.active_step().unwrap().kind.clone() {
            StepKind::Gate(name) => {
                let Some((outcome, tests)) = gates.next() else { return (driver, wait) };
                driver.gate(&name, outcome, tests, false);
                driver.commit(StepFinished { step, end: ended(Exit::Code(0), Cause::Natural) }.into());
            }
            StepKind::Critic => {
                driver.commit(VerdictReached { step, verdict: verdict(Decision::Done) }.into());
                driver.commit(StepFinished { step, end: ended(Exit::Code(0), Cause::Natural) }.into());
            }
            _ => driver.end(GOOD),
        }
    }
}

fn kinds(driver: &Driver) -> Vec<&'static str> {
    driver.run.steps.iter().map(|step| step.kind.word()).collect()
}

/// What the run's passed test is said to be met by.
fn evidence(driver: &Driver) -> String {
    let passed = |record: &Record| match &record.event {
        Event::TestPassed(e) => Some(e.evidence.clone()),
        _ => None,
    };
    driver.journal.iter().find_map(passed).unwrap()
}

#[test]
fn gates_run_on_the_base_until_that_is_sure_and_what_fails_there_keeps_nothing_back() {
    let red = || (RED, Some(failing(&["a"])));
    let (driver, wait) = gated(true, &[red(), red(), red()]);
    assert_eq!(wait, Wait::Nothing);
    assert_eq!(kinds(&driver), ["worktree", "gate", "gate", "actor", "snapshot", "gate", "critic"]);
    let (base, run) = (driver.run.on_base("tests").unwrap(), &driver.run.iterations[0]);
    assert_eq!((base.step, base.runs, driver.run.is_on_base(base.step)), (StepId(3), 2, true));
    assert_eq!((run.passed, evidence(&driver).as_str()), (true, "verdict done, red as on the base: tests"));
}

#[test]
fn what_is_new_is_tried_again_once_and_then_fails_the_iteration_without_another_try_in_the_next() {
    let both = || Some(failing(&["a", "b"]));
    let old = || (RED, Some(failing(&["a"])));
    let gates = [old(), old(), (RED, both()), (RED, both()), (RED, both())];
    let (driver, _) = gated(true, &gates);
    let expected =
        ["worktree", "gate", "gate", "actor", "snapshot", "gate", "gate", "actor", "snapshot", "gate", "actor"];
    assert_eq!(kinds(&driver)[..11], expected);
    let gate = &driver.run.iterations[0].gates[0];
    assert_eq!((gate.runs, gate.holds()), (2, false));
    let told = "gate tests: exit 101, 7 passed 2 failed (1 known 1 new)";
    assert_eq!(driver.run.iterations[0].result.as_deref(), Some(told));
}

#[test]
fn what_passes_when_tried_again_is_flaky() {
    let gates = [(GateResult::Passed, None), (RED, Some(failing(&["b"]))), (GateResult::Passed, Some(failing(&[])))];
    let (driver, wait) = gated(false, &gates);
    assert_eq!(wait, Wait::Nothing);
    assert_eq!(driver.run.iterations[0].gates[0].words(), "passed, flaky, 7 passed 1 failed (1 flaky)");
    assert_eq!(evidence(&driver), "claimed, flaky: tests");
}

#[test]
fn what_is_flaky_on_the_base_is_tried_again_in_each_iteration_and_is_new_if_it_fails_twice() {
    let (bad, good) = (|| (RED, Some(failing(&["a"]))), || (GateResult::Passed, Some(failing(&[]))));
    let (driver, wait) = gated(true, &[bad(), good(), bad(), good()]);
    assert_eq!((wait, evidence(&driver).as_str()), (Wait::Nothing, "verdict done, flaky: tests"));
    assert_eq!(driver.run.on_base("tests").unwrap().words(), "passed, flaky, 7 passed 1 failed (1 flaky)");
    let (driver, _) = gated(true, &[bad(), good(), bad(), bad(), bad(), good()]);
    let [first, second] = &driver.run.iterations[..2] else { panic!() };
    assert_eq!((first.gates[0].holds(), first.gates[0].runs), (false, 2));
    assert_eq!(
        (second.gates[0].excuse, second.gates[0].runs),
        (Some(gate::Excuse::Flaky), 2),
        "tried again all the same"
    );
}

#[test]
fn an_advisory_gate_is_tried_again_as_well() {
    let mut definition = spec(Vec::new());
    (definition.gates[0].required, definition.gates[0].rerun) = (false, true);
    let mut driver = Driver::new(definition);
    let mut outcomes = [RED, GateResult::Passed].into_iter();
    while let Wait::Step(step) = driver.settle() {
        match driver.run.active_step().unwrap().kind.clone() {
            StepKind::Gate(name) => {
                let Some(outcome) = outcomes.next() else { break };
                driver.gate(&name, outcome, None, false);
                driver.commit(StepFinished { step, end: ended(Exit::Code(0), Cause::Natural) }.into());
            }
            StepKind::Critic => break,
            _ => driver.end(GOOD),
        }
    }
    assert_eq!(driver.run.iterations[0].gates[0].words(), "passed, flaky");
}

#[test]
fn a_claim_with_nothing_but_excuses_beside_it_is_not_enough() {
    let (driver, _) = gated(false, &[(RED, None), (RED, None), (RED, None)]);
    let result = driver.run.iterations[0].result.as_deref();
    assert_eq!(result, Some("claimed, and nothing but that speaks for it, red as on the base: tests"));
    assert!(!driver.run.iterations[0].passed);
}

#[test]
fn a_blocked_test_leaves_the_others_running_and_a_reset_frees_its_dependents() {
    let mut driver = Driver::new(spec(vec![test("a", &[]), test("b", &["a"]), test("c", &[])]));
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Continue, Decision::Done]), Wait::Person);
    let status = |driver: &Driver, id: &str| driver.run.test(id).unwrap().status;
    assert_eq!(status(&driver, "a"), TestStatus::Blocked);
    assert_eq!(status(&driver, "b"), TestStatus::Pending);
    assert_eq!(status(&driver, "c"), TestStatus::Passed);
    driver.ask(&Ask::ResetTest { test: "a".to_owned() }).unwrap();
    assert_eq!(driver.run.test("a").unwrap().attempts, 0);
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
}

#[test]
fn iterations_run_out_and_retry_allows_as_many_again() {
    let mut driver = Driver::new(spec(Vec::new()));
    assert_eq!(play(&mut driver, &[Decision::Continue; 6]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Exhausted);
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(driver.run.max_iterations, 12);
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
}

#[test]
fn an_actor_that_changes_nothing_is_not_let_run_all_night() {
    let mut driver = Driver::new(spec(Vec::new()));
    let mut wait = driver.settle();
    while let Wait::Step(_) = wait {
        // These dice leave the tree as it was, and end everything else well.
        let snapshot = driver.run.active_step().is_some_and(|step| step.kind == StepKind::Snapshot);
        driver.end(if snapshot { 8 } else { GOOD });
        wait = driver.settle();
    }
    assert_eq!((wait, driver.run.counted), (Wait::Person, 3));
    assert!(
        matches!(&driver.run.park, Some(ParkReason::Attention { detail, .. }) if detail.contains("nothing was changed"))
    );
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
}

/// Plays until a step of this kind runs.
fn play_to(driver: &mut Driver, kind: &StepKind) {
    for _ in 0..50 {
        driver.settle();
        if driver.run.active_step().is_some_and(|step| step.kind == *kind) {
            return;
        }
        driver.end(GOOD);
    }
    panic!("no {kind:?}");
}

#[test]
fn a_limit_repeats_the_actor_and_counts_nothing() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.ask(&Ask::Note { text: "use tabs".to_owned(), when: When::Next }).unwrap();
    play_to(&mut driver, &StepKind::Actor);
    driver.end(1);
    play_to(&mut driver, &StepKind::Actor);
    assert_eq!((driver.run.actor_failures, driver.run.counted, driver.run.iterations.len()), (1, 1, 2));
    let mut waits = Vec::new();
    for streak in 1..=4 {
        driver.fail(FailureClass::Overloaded, None);
        assert_eq!(driver.settle(), Wait::Provider);
        let ended = driver.run.steps.last().unwrap().ended.unwrap();
        waits.push(driver.run.wakes().unwrap().since(ended));
        assert_eq!((driver.run.slot, driver.run.needs_person(), driver.run.setbacks.0), (None, false, streak));
        assert!(driver.ask(&Ask::Resume).is_err(), "it resumes by itself");
        driver.wake();
        play_to(&mut driver, &StepKind::Actor);
    }
    assert!(waits.iter().zip([30, 60, 120, 240]).all(|(wait, most)| *wait <= most * 1000 + 1000), "{waits:?}");
    let run = &driver.run;
    assert_eq!((run.actor_failures, run.counted, run.iterations.len(), run.tests[0].attempts), (1, 1, 2, 1));
    driver.end(GOOD);
    assert_eq!(driver.run.setbacks.0, 0, "a step that works ends the row");
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!(driver.run.counted, 2);
}

#[test]
fn a_note_whose_step_met_a_limit_is_told_again() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.ask(&Ask::Note { text: "use tabs".to_owned(), when: When::Next }).unwrap();
    play_to(&mut driver, &StepKind::Actor);
    driver.fail(FailureClass::Rate, Some(60_000));
    assert_eq!(driver.run.notes[0].delivery, Delivery::Pending);
    driver.settle();
    assert_eq!(driver.run.wakes().unwrap().since(driver.run.steps.last().unwrap().ended.unwrap()), 60_000);
}

#[test]
fn a_critic_that_meets_a_limit_is_asked_again_and_the_work_is_kept() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Critic);
    let steps = driver.run.steps.len();
    driver.fail(FailureClass::Rate, None);
    assert_eq!(driver.settle(), Wait::Provider);
    driver.ask(&Ask::Retry).unwrap();
    play_to(&mut driver, &StepKind::Critic);
    // Its place is looked at again after any wait.
    let since: Vec<_> = driver.run.steps[steps..].iter().map(|step| step.kind.clone()).collect();
    assert_eq!(since, [StepKind::Worktree, StepKind::Critic]);
    assert_eq!(driver.run.open_iteration().unwrap().asks, 0);
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!((driver.run.iterations.len(), driver.run.counted), (1, 1));
}

#[test]
fn a_login_asks_a_person_and_counts_nothing() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Actor);
    driver.fail(FailureClass::Auth, None);
    assert_eq!(driver.settle(), Wait::Person);
    assert!(matches!(&driver.run.park, Some(ParkReason::Account { class: FailureClass::Auth, .. })));
    driver.ask(&Ask::Retry).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!((driver.run.iterations.len(), driver.run.counted), (1, 1));
}

#[test]
fn what_no_wait_mends_counts_and_parks_after_three_in_a_row() {
    let mut driver = Driver::new(spec(Vec::new()));
    for _ in 0..3 {
        play_to(&mut driver, &StepKind::Actor);
        driver.fail(FailureClass::Context, None);
    }
    play_to_wait(&mut driver);
    assert_eq!(driver.run.counted, 3);
    let detail = match &driver.run.park {
        Some(ParkReason::Attention { detail, .. }) => detail.clone(),
        other => panic!("{other:?}"),
    };
    assert!(detail.contains("context too long: no"), "{detail}");
}

#[test]
fn a_budget_parks_before_the_next_agent_and_a_larger_one_goes_on() {
    let limits = Limits {
        max_iterations: 9,
        max_attempts: 5,
        wall_clock_ms: None,
        tokens: Some(100),
        micro_usd: None,
        iterations: None,
    };
    let mut driver = Driver::new(LoopSpec { limits, ..spec(Vec::new()) });
    play_to(&mut driver, &StepKind::Actor);
    let usage = Usage { input: Some(90), cached: Some(5_000), output: Some(30), micro_usd: None };
    let end = StepEnd { usage: Some(usage), claim: true, ..ended(Exit::Code(0), Cause::Natural) };
    driver.commit(StepFinished { step: driver.run.active.unwrap(), end }.into());
    play_to_wait(&mut driver);
    let breached = ParkReason::Budget { which: Resource::Tokens, fleet: false, used: 120, limit: 100 };
    assert_eq!(driver.run.park, Some(breached));
    let iteration = driver.run.open_iteration().unwrap();
    assert!(iteration.snapshot.is_some() && iteration.gates.len() == 1, "what was done is kept and checked");
    assert!(driver.ask(&Ask::Retry).is_err() && driver.ask(&Ask::Resume).is_err(), "it needs another budget");
    assert!(driver.ask(&Ask::SetBudget { which: Resource::Tokens, limit: 120 }).is_err());
    driver.ask(&Ask::SetBudget { which: Resource::Tokens, limit: 500 }).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert_eq!((driver.run.iterations.len(), driver.run.outcome.as_ref().unwrap().0), (1, Outcome::Done));
}

#[test]
fn used_up_iterations_of_a_budget_ask_and_those_of_the_limit_end() {
    let limits = Limits { iterations: Some(2), ..spec(Vec::new()).limits };
    let mut driver = Driver::new(LoopSpec { limits, ..spec(Vec::new()) });
    assert_eq!(play(&mut driver, &[Decision::Continue; 9]), Wait::Person);
    let breached = ParkReason::Budget { which: Resource::Iterations, fleet: false, used: 2, limit: 2 };
    assert_eq!((driver.run.park.clone(), driver.run.counted), (Some(breached), 2));
    assert!(driver.run.open_iteration().is_none(), "between two iterations");
    assert!(driver.ask(&Ask::SetBudget { which: Resource::Iterations, limit: 2 }).is_err());
    driver.ask(&Ask::SetBudget { which: Resource::Iterations, limit: 6 }).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Continue; 9]), Wait::Nothing);
    assert_eq!(
        (driver.run.counted, driver.run.outcome.as_ref().unwrap().0),
        (6, Outcome::Exhausted),
        "the limit ends it"
    );
}

#[test]
fn time_that_is_up_parks_the_run() {
    let limits = Limits {
        max_iterations: 9,
        max_attempts: 5,
        wall_clock_ms: Some(1),
        tokens: None,
        micro_usd: None,
        iterations: None,
    };
    let mut driver = Driver::new(LoopSpec { limits, ..spec(Vec::new()) });
    play_to_wait(&mut driver);
    assert!(matches!(driver.run.park, Some(ParkReason::Budget { which: Resource::WallClock, .. })));
    assert_eq!(driver.run.counted, 0);
    driver.ask(&Ask::SetBudget { which: Resource::WallClock, limit: 60_000 }).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
}

/// Plays until no step runs.
fn play_to_wait(driver: &mut Driver) {
    while let Wait::Step(_) = driver.settle() {
        driver.end(GOOD);
    }
}

#[test]
fn a_run_that_is_to_wait_ends_its_step_and_goes_on_when_it_is_let() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.settle();
    driver.end(GOOD);
    driver.settle();
    let hold = |run| Ask::HoldBehind { run, label: "other".to_owned() };
    let (own, other) = (driver.run.id, RunId::new(uuid::Uuid::from_u128(7)));
    assert!(driver.ask(&hold(Some(own))).is_err() && driver.ask(&hold(None)).is_err());
    driver.ask(&hold(Some(other))).unwrap();
    assert!(driver.ask(&hold(Some(other))).is_err(), "it waits for that one already");
    assert!(matches!(driver.settle(), Wait::Step(_)), "the actor goes on");
    play_to_wait(&mut driver);
    assert!(matches!(driver.run.park, Some(ParkReason::Behind { run, .. }) if run == other));
    assert!(!driver.run.needs_person() && driver.run.open_iteration().unwrap().snapshot.is_some());
    driver.ask(&Ask::Resume).unwrap();
    assert_eq!(driver.run.behind, None);
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
}

#[test]
fn an_answered_question_goes_on_with_the_same_test() {
    let mut driver = Driver::new(spec(vec![test("a", &[]), test("b", &[])]));
    assert_eq!(play(&mut driver, &[Decision::NeedsHuman]), Wait::Person);
    assert!(driver.ask(&Ask::Resume).is_err() && driver.ask(&Ask::Retry).is_err());
    driver.ask(&Ask::Answer { text: "left".to_owned() }).unwrap();
    driver.settle();
    driver.end(GOOD);
    driver.settle();
    assert_eq!(driver.run.open_iteration().unwrap().test, "a");
    assert_eq!(driver.run.counted, 0, "a question costs no iteration");
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.progress(), (2, 2));
}

fn roles(driver: &Driver) -> (String, String) {
    let spec = driver.run.spec.clone().unwrap();
    (spec.actor.name.clone(), spec.critic.clone().unwrap().name)
}

fn give(role: Role, name: &str) -> Ask {
    Ask::SetAgent { role, agent: Box::new(agent(name)) }
}

#[test]
fn another_agent_has_its_role_from_the_next_iteration_on() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Actor);
    driver.ask(&give(Role::Actor, "big")).unwrap();
    driver.ask(&give(Role::Critic, "big")).unwrap();
    assert!(driver.ask(&give(Role::Actor, "big")).is_err(), "it is to have that agent already");
    let empty = Box::new(AgentSpec::new("none", Vec::new()));
    assert!(driver.ask(&Ask::SetAgent { role: Role::Critic, agent: empty }).is_err());
    driver.end(GOOD);
    play_to(&mut driver, &StepKind::Critic);
    assert_eq!(roles(&driver), ("actor".to_owned(), "critic".to_owned()), "the iteration ends as it began");
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Done]), Wait::Nothing);
    let big = || "big".to_owned();
    assert_eq!((roles(&driver), driver.run.iterations.len()), ((big(), big()), 2));
    assert_eq!(driver.run.next_agents, super::state::NextAgents::default());
    assert!(driver.ask(&give(Role::Critic, "critic")).is_err(), "it is over");
}

#[test]
fn an_agent_that_the_run_is_parked_for_is_replaced_at_once() {
    let account = || {
        let (provider, detail) = ("critic".to_owned(), "logged out".to_owned());
        Parked { reason: ParkReason::Account { provider, class: FailureClass::Auth, detail } }
    };
    // Chosen while it waits, and chosen before it came to wait.
    for before in [false, true] {
        let mut driver = Driver::new(spec(Vec::new()));
        play_to(&mut driver, &StepKind::Critic);
        if before {
            driver.ask(&give(Role::Critic, "big")).unwrap();
        }
        driver.ask(&give(Role::Actor, "big")).unwrap();
        let failure = Failure::new(FailureClass::Auth, "logged out");
        let agent = AgentEnd { failure: Some(failure), ..AgentEnd::default() };
        let end = StepEnd { agent: Some(Box::new(agent)), ..ended(Exit::Code(1), Cause::Natural) };
        driver.commit(StepFinished { step: driver.run.active.unwrap(), end }.into());
        driver.commit(account().into());
        if !before {
            driver.ask(&give(Role::Critic, "big")).unwrap();
        }
        assert_eq!(roles(&driver), ("actor".to_owned(), "big".to_owned()), "the actor's step is not to be repeated");
        driver.ask(&Ask::Retry).unwrap();
        assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
        assert_eq!(driver.run.iterations.len(), 1);
    }
}

#[test]
fn a_hard_test_gets_the_stronger_agent_once() {
    let stronger = super::spec::Stronger { agent: agent("big"), after: 2 };
    let limits = Limits {
        max_iterations: 9,
        max_attempts: 5,
        wall_clock_ms: None,
        tokens: None,
        micro_usd: None,
        iterations: None,
    };
    let mut driver = Driver::new(LoopSpec { stronger: Some(Box::new(stronger)), limits, ..spec(Vec::new()) });
    let verdicts = [Decision::Continue, Decision::Continue, Decision::Continue, Decision::Done];
    assert_eq!(play(&mut driver, &verdicts), Wait::Nothing);
    let at = |wanted: fn(&Event) -> bool| {
        let found = driver.journal.iter().enumerate().filter(move |(_, record)| wanted(&record.event));
        found.map(|(index, _)| index).collect::<Vec<_>>()
    };
    let set = at(|event| matches!(event, Event::AgentSet(set) if set.who == Who::Harness && set.agent.name == "big"));
    let begun = at(|event| matches!(event, Event::IterationStarted(_)));
    assert_eq!((set.len(), begun.len()), (1, 4));
    assert!(begun[1] < set[0] && set[0] < begun[2], "after two rejections, before the third iteration");
}

#[test]
fn what_nobody_judged_is_no_rejection_and_brings_no_stronger_agent() {
    let stronger = super::spec::Stronger { agent: agent("big"), after: 2 };
    let limits = Limits { max_iterations: 20, max_attempts: 20, ..spec(Vec::new()).limits };
    let mut driver = Driver::new(LoopSpec { stronger: Some(Box::new(stronger)), limits, ..spec(Vec::new()) });
    let set = |driver: &Driver| driver.run.spec.as_ref().unwrap().actor.name == "big";
    // A crash, and one whose gates fail, and a crash again: one rejection.
    for (actor, gate) in [(1, GOOD), (GOOD, 10), (1, GOOD)] {
        let iterations = driver.run.counted;
        while driver.run.counted == iterations {
            assert!(matches!(driver.settle(), Wait::Step(_)));
            match driver.run.active_step().unwrap().kind {
                StepKind::Actor => driver.end(actor),
                StepKind::Gate(_) => driver.end(gate),
                _ => driver.end(GOOD),
            }
            driver.settle();
        }
    }
    driver.settle();
    assert!(driver.run.counted == 3 && !set(&driver), "one rejection among three attempts");
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Done]), Wait::Nothing);
    assert!(set(&driver), "the second one came from the critic");
}

#[test]
fn a_note_in_an_interrupted_step_is_told_again() {
    let mut driver = Driver::new(spec(Vec::new()));
    driver.settle();
    driver.end(GOOD);
    driver.ask(&Ask::Note { text: "use tabs".to_owned(), when: When::Next }).unwrap();
    driver.settle();
    assert!(matches!(driver.run.notes[0].delivery, Delivery::InFlight(_)));
    driver.ask(&Ask::Pause { kind: PauseKind::Now }).unwrap();
    driver.end(GOOD);
    assert_eq!(driver.run.notes[0].delivery, Delivery::Pending);
    driver.settle();
    driver.ask(&Ask::Resume).unwrap();
    assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
    assert!(matches!(driver.run.notes[0].delivery, Delivery::Delivered(_)));
}

fn rewind(iteration: u32) -> Ask {
    Ask::Chore { chore: Chore::Rewind { iteration } }
}

#[test]
fn a_rewind_sets_aside_what_came_after_and_undo_takes_that_back() {
    let mut driver = Driver::new(spec(vec![test("a", &[]), test("b", &[])]));
    let verdicts = [Decision::Continue, Decision::Done, Decision::Continue, Decision::NeedsHuman];
    assert_eq!(play(&mut driver, &verdicts), Wait::Person);
    let status =
        |driver: &Driver, id: &str| (driver.run.test(id).unwrap().status, driver.run.test(id).unwrap().attempts);
    assert_eq!((status(&driver, "a").0, status(&driver, "b").1, driver.run.counted), (TestStatus::Passed, 1, 3));
    assert!(driver.ask(&rewind(9)).is_err());
    driver.ask(&rewind(1)).unwrap();
    driver.settle();
    driver.end(GOOD);
    assert_eq!(driver.settle(), Wait::Resume, "it waits for the operator's look");
    assert_eq!((status(&driver, "a"), status(&driver, "b")), ((TestStatus::Pending, 1), (TestStatus::Pending, 0)));
    assert_eq!(driver.run.iterations.iter().filter(|one| one.aside).count(), 3);
    assert_eq!(driver.run.feedback_for("a").unwrap().number, 1);
    assert_eq!((driver.run.counted, driver.run.iterations.len()), (3, 4), "what was used stays used");
    assert!(driver.run.pending_notes().any(|note| note.text.contains("after iteration 1. Iterations 2 to 4")));
    assert!(driver.ask(&rewind(2)).is_err(), "it was set aside");
    let rewound = driver.run.clone();

    driver.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
    driver.settle();
    driver.end(GOOD);
    assert_eq!(status(&driver, "a").0, TestStatus::Passed);
    assert!(driver.run.iterations.iter().all(|one| !one.aside));
    driver.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
    driver.settle();
    driver.end(GOOD);
    let aside = |run: &RunState| run.iterations.iter().map(|one| one.aside).collect::<Vec<_>>();
    assert_eq!((&driver.run.tests, aside(&driver.run)), (&rewound.tests, aside(&rewound)), "undone twice");

    driver.ask(&Ask::Resume).unwrap();
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.iterations.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(driver.run.outcome.as_ref().unwrap().0, Outcome::Done);
    assert!(driver.ask(&rewind(1)).is_err(), "it is done");
}

#[test]
fn chores_wait_until_nothing_works_and_a_crash_does_not_lose_them() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Critic);
    assert!(driver.ask(&rewind(0)).unwrap_err().contains("pause it first"));
    assert!(driver.ask(&Ask::Chore { chore: Chore::Undo }).is_err());
    driver.ask(&Ask::Pause { kind: PauseKind::Now }).unwrap();
    driver.end(GOOD);
    driver.settle();
    assert!(driver.ask(&Ask::Chore { chore: Chore::Scrap { named: true } }).unwrap_err().contains("stop it first"));
    driver.ask(&rewind(0)).unwrap();
    driver.settle();
    assert_eq!(driver.run.active_step().unwrap().kind, StepKind::Rewind);
    driver.commit(StepInterrupted::new(driver.run.active.unwrap(), InterruptWhy::Crash).into());
    driver.ask(&Ask::Resume).unwrap();
    play_to(&mut driver, &StepKind::Rewind);
    assert!(driver.run.workspace_ready, "its place is looked at first");
    driver.end(GOOD);
    assert_eq!(play(&mut driver, &[]), Wait::Nothing);
    assert_eq!(driver.run.iterations.len(), 2);

    driver.ask(&Ask::Chore { chore: Chore::Scrap { named: false } }).unwrap();
    driver.settle();
    driver.end(GOOD);
    assert!(driver.run.scrapped && driver.settle() == Wait::Nothing);
    assert!(driver.ask(&Ask::Chore { chore: Chore::Scrap { named: true } }).is_err());
    driver.ask(&Ask::Chore { chore: Chore::Undo }).unwrap();
}

#[test]
fn the_tables_name_each_move_once() {
    for (from, step, to) in RUN_TABLE {
        assert_eq!(run_after(*from, *step).as_ref(), Ok(to));
    }
    for (from, step, to) in TEST_TABLE {
        assert_eq!(test_after(*from, *step).as_ref(), Ok(to));
    }
    let legal =
        RunStatus::ALL.iter().flat_map(|s| RunMove::ALL.map(|m| run_after(*s, m).is_ok())).filter(|ok| *ok).count();
    assert_eq!(legal, RUN_TABLE.len(), "no move stands in the table twice");
    let moves = TestMove::ALL.len();
    assert!(TEST_TABLE.len() <= moves * 5);
    assert_eq!(
        run_after(RunStatus::Finished, RunMove::AskPause).unwrap_err(),
        "a run that is finished cannot be paused"
    );
}

#[test]
fn an_unknown_type_is_data() {
    let line = r#"{"v":1,"seq":4,"at":9,"run":"01935b1e-0000-7000-8000-000000000001","type":"teleported","to":"mars"}"#;
    assert_eq!(decode(line).unwrap(), Decoded::Unknown { seq: 4, kind: "teleported".to_owned() });
    assert!(decode(&line.replace("\"v\":1", "\"v\":2")).unwrap_err().to_string().contains("newer"));
}

#[test]
fn hooks_run_around_what_they_are_named_for() {
    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    while driver.settle() != Wait::Nothing {
        // The first critic asks for more, everything else is well.
        let second = driver.run.active_step().is_some_and(|step| step.kind == StepKind::Critic && step.iteration == 2);
        driver.end(if second { ACCEPTED } else { GOOD });
    }
    let trip = ["hook pre_iteration", "actor", "snapshot", "gate", "critic", "hook post_iteration"];
    let whole = [&["hook pre_run", "worktree"][..], &trip, &trip, &["hook post_run"]].concat();
    assert_eq!(kinds(&driver), whole);
    assert_eq!(driver.run.outcome.as_ref().map(|(outcome, _)| *outcome), Some(Outcome::Done));
}

#[test]
fn a_hook_that_has_to_succeed_needs_a_person_and_the_others_do_not() {
    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    for hook in [Hook::PreRun, Hook::PreIteration] {
        while driver.run.active_step().is_none_or(|step| step.kind != StepKind::Hook(hook)) {
            driver.end(GOOD);
            driver.settle();
        }
        driver.end(1);
        assert_eq!(driver.settle(), Wait::Person);
        assert!(
            matches!(&driver.run.park, Some(ParkReason::Attention { kind: Trouble::Hook, detail }) if detail.contains(hook.key()))
        );
        driver.ask(&Ask::Retry).unwrap();
        driver.settle();
    }
    while driver.settle() != Wait::Nothing {
        let dice = match driver.run.active_step().map(|step| &step.kind) {
            Some(StepKind::Hook(hook)) if !hook.must_succeed() => 2,
            Some(StepKind::Critic) => ACCEPTED,
            _ => GOOD,
        };
        driver.end(dice);
    }
    let times = |hook: Hook| kinds(&driver).into_iter().filter(|kind| *kind == hook.word()).count();
    assert_eq!(Hook::ALL.map(times), [2, 2, 1, 1], "what failed was tried again");
    assert_eq!(driver.run.outcome.as_ref().map(|(outcome, _)| *outcome), Some(Outcome::Done));
}

#[test]
fn a_run_that_is_stopped_has_its_last_hook_and_one_that_never_began_has_none() {
    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    driver.ask(&Ask::Stop).unwrap();
    assert_eq!(driver.settle(), Wait::Nothing);
    assert_eq!(kinds(&driver), [""; 0]);

    let mut driver = Driver::new(LoopSpec { hooks: hooks(), ..spec(Vec::new()) });
    driver.settle();
    driver.ask(&Ask::Stop).unwrap();
    driver.end(GOOD);
    driver.settle();
    assert_eq!(kinds(&driver), ["hook pre_run", "hook post_run"]);
    // Killed at the operator's wish: it is not begun again.
    let step = driver.run.active.unwrap();
    driver.commit(StepInterrupted::new(step, InterruptWhy::Pause).into());
    assert_eq!(driver.settle(), Wait::Nothing);
}
