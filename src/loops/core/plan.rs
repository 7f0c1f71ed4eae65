//! What a run needs next: [`next`], the whole of the loop as a pure function of its state.
//!
//! The engine commits what it is told to commit and starts what it is told to start; after a crash it asks again.

use super::agent::Role;
use super::budget::{Breach, Resource};
use super::event::{
    AgentSet, Event, Finished, IterationStarted, Outcome, ParkReason, Parked, PauseKind, Paused, TestBlocked,
    TestFailed, TestPassed, TestStarted, Trouble,
};
use super::gate::{Excuse, VERIFY_GATE};
use super::hook;
use super::ids::{StepId, Who};
use super::setback::Setback;
use super::state::{Iteration, MAX_ACTOR_FAILURES, Phase, RunState};
use super::step::StepKind;
use super::test_state::{TestSpec, TestStatus};
use super::transition::RunStatus;
use super::verdict::{Decision, Verdict};
use super::weigh::in_words;
use std::fmt::Write as _;

/// What the engine has to do for a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing, until something else happens.
    Wait(Wait),
    /// Journal these decisions and ask again.
    Commit(Vec<Event>),
    /// Start this step.
    Start(Work),
    /// Park it for this, until a time that dice choose or the provider named, and hold the provider if need be.
    SetBack(Setback),
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A slot.
    Slot,
    /// The end of this step.
    Step(StepId),
    /// Someone to resume it.
    Resume,
    /// Someone to answer, mend or retry.
    Person,
    /// Its provider.
    Provider,
    /// Nothing: it is over.
    Nothing,
}

/// A step to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// What it does.
    pub kind: StepKind,
    /// The iteration it belongs to; 0 before the first.
    pub iteration: u32,
    /// For the critic: whether its last answer could not be read.
    pub reask: bool,
}

/// What `run` needs next. Total: every state has an answer.
pub fn next(run: &RunState) -> Next {
    let watched = watch(run);
    if !watched.is_empty() {
        return Next::Commit(watched);
    }
    let decision = decision(run);
    match hook::due(run, &decision) {
        Some(hook) => start(StepKind::Hook(hook), run.open_iteration(), false),
        None => decision,
    }
}

/// What it needs next, its hooks apart.
pub fn decision(run: &RunState) -> Next {
    match (run.status, run.active) {
        (RunStatus::Finished | RunStatus::Parked | RunStatus::Paused, Some(step)) => Next::Wait(Wait::Step(step)),
        (RunStatus::Finished | RunStatus::Parked | RunStatus::Paused, None) if run.chore.is_some() => chore(run),
        (RunStatus::Finished, _) => Next::Wait(Wait::Nothing),
        (RunStatus::Parked, _) => Next::Wait(if run.needs_person() { Wait::Person } else { Wait::Provider }),
        (RunStatus::Paused | RunStatus::Frozen, _) => Next::Wait(Wait::Resume),
        (RunStatus::Queued, _) => Next::Wait(Wait::Slot),
        (_, Some(step)) => Next::Wait(Wait::Step(step)),
        (RunStatus::Pausing, None) if run.keep.is_some() && run.workspace_ready => {
            start(StepKind::Keep, run.open_iteration(), false)
        }
        (RunStatus::Pausing, None) => {
            let kind = run.pause.unwrap_or(PauseKind::AfterStep);
            Next::Commit(vec![Paused { kind }.into()])
        }
        (RunStatus::Stopping, None) => finish(Outcome::Stopped, "stopped by the operator"),
        (RunStatus::Running, None) => work(run),
    }
}

/// What the watch over a run has to say, and what the loop's policy does about it.
fn watch(run: &RunState) -> Vec<Event> {
    let news = super::watch::news(run);
    if news.is_empty() { super::watch::heal(run) } else { news }
}

fn work(run: &RunState) -> Next {
    let Some(spec) = &run.spec else { return finish(Outcome::Failed, "the journal holds no definition of this run") };
    if let Some((kind, detail)) = &run.trouble {
        return park(ParkReason::Attention { kind: *kind, detail: detail.clone() });
    }
    if run.chore.is_some() {
        return if run.workspace_ready { chore(run) } else { start(StepKind::Worktree, run.open_iteration(), false) };
    }
    if let Some(setback) = &run.setback {
        return Next::SetBack(setback.clone());
    }
    let open = run.open_iteration();
    if open.is_none() {
        if let Some(end) = nothing_left(run) {
            return end;
        }
        if run.actor_failures >= MAX_ACTOR_FAILURES {
            let last = run.iterations.last().and_then(|i| i.result.clone()).unwrap_or_default();
            let detail = format!("{last}, {} times in a row", run.actor_failures);
            return park(ParkReason::Attention { kind: Trouble::Actor, detail });
        }
        if run.barren >= MAX_ACTOR_FAILURES {
            let detail = format!("nothing was changed, {} times in a row", run.barren);
            return park(ParkReason::Attention { kind: Trouble::Actor, detail });
        }
    }
    let phase = open.map(|iteration| iteration.phase(run));
    let agent_or_gate = !matches!(phase, Some(Phase::Snapshot | Phase::Judge | Phase::Closed));
    if let Some((behind, label)) = run.behind.as_ref().filter(|_| agent_or_gate) {
        return park(ParkReason::Behind { run: *behind, label: label.clone() });
    }
    let exhausted = run.counted >= run.max_iterations;
    if let Some(breach) = run.breaches().find(|breach| stops(breach, phase.as_ref(), exhausted)) {
        return park(ParkReason::budget(breach, false));
    }
    if !run.workspace_ready {
        return start(StepKind::Worktree, open, false);
    }
    if run.keep.is_some() {
        return start(StepKind::Keep, open, false);
    }
    if spec.setup.is_some() && !run.setup_done {
        return start(StepKind::Setup, open, false);
    }
    match open {
        None => match run.base_gate() {
            Some(gate) => start(StepKind::Gate(gate.name.clone()), None, false),
            None => next_iteration(run),
        },
        Some(iteration) => match iteration.phase(run) {
            Phase::Actor => start(StepKind::Actor, open, false),
            Phase::Snapshot => start(StepKind::Snapshot, open, false),
            Phase::Gate(name) => start(StepKind::Gate(name), open, false),
            Phase::Critic { reask } => start(StepKind::Critic, open, reask),
            Phase::Judge | Phase::Closed => judge(run, iteration),
        },
    }
}

/// Whether a budget that is used up keeps a run from what is next: from an agent, and one of time from a gate, too; one of
/// iterations from another iteration, unless the run is exhausted anyway. What was done is kept and judged in any case.
const fn stops(breach: &Breach, phase: Option<&Phase>, exhausted: bool) -> bool {
    match (phase, breach.which) {
        (None, Resource::Iterations) => !exhausted,
        (Some(_), Resource::Iterations) => false,
        (None | Some(Phase::Actor | Phase::Critic { .. }), _) => true,
        (Some(Phase::Gate(_)), which) => matches!(which, Resource::WallClock),
        (Some(Phase::Snapshot | Phase::Judge | Phase::Closed), _) => false,
    }
}

fn start(kind: StepKind, open: Option<&Iteration>, reask: bool) -> Next {
    Next::Start(Work { kind, iteration: open.map_or(0, |iteration| iteration.number), reask })
}

/// What is to be done to the worktree as a whole; asked for again after a crash.
fn chore(run: &RunState) -> Next {
    run.chore.map_or(Next::Wait(Wait::Nothing), |chore| start(chore.step(), run.open_iteration(), false))
}

fn finish(outcome: Outcome, reason: impl Into<String>) -> Next {
    Next::Commit(vec![Finished { outcome, reason: reason.into() }.into()])
}

fn park(reason: ParkReason) -> Next {
    Next::Commit(vec![Parked { reason }.into()])
}

/// The test to work on next, when no iteration is open: of those whose dependencies are met, the one with the highest
/// priority, then the first. A test whose iteration ended with a question is still running, and goes on before others.
pub fn runnable(tests: &[TestSpec]) -> Option<&TestSpec> {
    let met = |id: &String| tests.iter().any(|test| test.id == *id && test.status.satisfies());
    if let Some(test) = tests.iter().find(|test| test.status == TestStatus::Running) {
        return Some(test);
    }
    tests
        .iter()
        .filter(|test| test.status == TestStatus::Pending && test.depends_on.iter().all(met))
        .reduce(|best, test| if test.priority > best.priority { test } else { best })
}

/// How the run ends, or what it waits for, when no test can start.
fn nothing_left(run: &RunState) -> Option<Next> {
    if runnable(&run.tests).is_some() {
        return None;
    }
    let (passed, total) = run.progress();
    if run.tests.iter().all(|test| test.status.satisfies()) {
        let waived = run.tests.iter().filter(|test| test.status == TestStatus::Waived).count();
        return Some(match (passed - waived, waived, total - passed) {
            (0, 0, _) => finish(Outcome::Stopped, "every test was skipped"),
            (_, 0, 0) if total == 1 => finish(Outcome::Done, "the test passed"),
            (_, 0, 0) => finish(Outcome::Done, format!("all {total} tests passed")),
            (0, 1, 0) => finish(Outcome::Done, "the test was waived"),
            (passed, waived, skipped) => {
                let rest = [(waived, "waived"), (skipped, "skipped")].into_iter().filter(|(count, _)| *count > 0);
                let rest: String = rest.map(|(count, word)| format!(", {count} {word}")).collect();
                finish(Outcome::Done, format!("{passed} tests passed{rest}"))
            }
        });
    }
    Some(park(ParkReason::Blocked { tests: run.blocked() }))
}

fn next_iteration(run: &RunState) -> Next {
    let Some(test) = runnable(&run.tests) else {
        return park(ParkReason::Blocked { tests: run.blocked() });
    };
    if run.counted >= run.max_iterations {
        return finish(Outcome::Exhausted, format!("all {} iterations are used", run.max_iterations));
    }
    let number = run.iterations.last().map_or(0, |iteration| iteration.number) + 1;
    let mut events: Vec<Event> = stronger(run, test).map(Event::from).into_iter().collect();
    events.extend([
        TestStarted { test: test.id.clone(), attempt: test.attempts.saturating_add(1) }.into(),
        IterationStarted { iteration: number, test: test.id.clone() }.into(),
    ]);
    Next::Commit(events)
}

/// The change to the stronger agent, when `test` was rejected often enough and it has not been made before.
fn stronger(run: &RunState, test: &TestSpec) -> Option<AgentSet> {
    let spec = run.spec.as_ref()?;
    // Whom the operator has chosen for this iteration comes first.
    let chosen = run.next_agents.get(Role::Actor).is_some();
    let stronger = spec.stronger.as_ref().filter(|_| !run.strengthened && !chosen)?;
    // As an attempt, a rejection is of the test as it stands: one that was reset begins anew.
    let of_test = run.standing().rev().filter(|iteration| iteration.test == test.id && iteration.counted);
    let attempts = usize::try_from(test.attempts).unwrap_or(usize::MAX);
    let rejections = of_test.take(attempts).filter(|iteration| iteration.is_rejected(run)).count();
    if u32::try_from(rejections).unwrap_or(u32::MAX) < stronger.after {
        return None;
    }
    let agent = Box::new(stronger.agent.clone());
    (spec.actor != stronger.agent).then_some(AgentSet { role: Role::Actor, agent, who: Who::Harness })
}

/// Decides an iteration in which nothing is left to run.
fn judge(run: &RunState, iteration: &Iteration) -> Next {
    let (Some(actor), Some(snapshot)) = (&iteration.actor, &iteration.snapshot) else {
        return start(StepKind::Actor, Some(iteration), false);
    };
    if !actor.ok() {
        return failed(run, iteration, format!("actor: {}", actor.word()));
    }
    if let Some(question) = &actor.question {
        return park(ParkReason::NeedsHuman { question: question.clone(), from: Who::Actor });
    }
    if snapshot.empty {
        return failed(run, iteration, "nothing was changed".to_owned());
    }
    let red = iteration.gates_to_tell().into_iter().filter(|gate| gate.required && !gate.holds());
    let red: Vec<String> = red.map(|gate| format!("{}: {}", gate.name, gate.words())).collect();
    if !red.is_empty() {
        return failed(run, iteration, format!("gate {}", red.join(", ")));
    }
    if iteration.is_blocked(run) {
        return failed(run, iteration, format!("tests weakened: {}", in_words(&iteration.weighed)));
    }
    match (&iteration.verdict, run.spec.as_ref().is_some_and(|spec| spec.critic.is_some())) {
        (Some(verdict), _) => by_verdict(run, iteration, verdict),
        (None, true) => failed(run, iteration, "the actor has not claimed completion yet".to_owned()),
        (None, false) => without_critic(run, iteration, actor.claim),
    }
}

fn by_verdict(run: &RunState, iteration: &Iteration, verdict: &Verdict) -> Next {
    match verdict.decision {
        Decision::Done => passed(iteration, format!("verdict done{}", gates_word(iteration))),
        Decision::Continue => {
            let why = match iteration.blocking() {
                0 => format!("critic: {}", first_line(&verdict.summary)),
                1 => "critic: 1 blocking finding".to_owned(),
                n => format!("critic: {n} blocking findings"),
            };
            failed(run, iteration, why)
        }
        Decision::NeedsHuman => park(ParkReason::NeedsHuman { question: verdict.summary.clone(), from: Who::Critic }),
        Decision::Unknown => park(ParkReason::Attention {
            kind: Trouble::UnreadableVerdict,
            detail: format!("asked {} times; the last answer: {}", iteration.asks, verdict.summary),
        }),
    }
}

/// Without a critic, the evidence is the actor's claim with green gates, or the test's own verify command.
fn without_critic(run: &RunState, iteration: &Iteration, claim: bool) -> Next {
    let verified = iteration.gates.iter().any(|gate| gate.name == VERIFY_GATE && gate.outcome.passed());
    match (verified, claim) {
        (true, _) => passed(iteration, format!("verified{}", gates_word(iteration))),
        (false, true) if !iteration.has_evidence() => {
            failed(run, iteration, format!("claimed, and nothing but that speaks for it{}", gates_word(iteration)))
        }
        (false, true) => passed(iteration, format!("claimed{}", gates_word(iteration))),
        (false, false) => failed(run, iteration, "the actor has not claimed completion yet".to_owned()),
    }
}

fn gates_word(iteration: &Iteration) -> String {
    let mut words = match iteration.gates.iter().filter(|gate| gate.outcome.passed() && gate.excuse.is_none()).count() {
        0 => String::new(),
        1 => ", 1 gate green".to_owned(),
        n => format!(", {n} gates green"),
    };
    for (excuse, told) in [(Excuse::Known, "red as on the base"), (Excuse::Flaky, "flaky")] {
        let names = iteration.gates.iter().filter(|gate| gate.excuse == Some(excuse)).map(|gate| gate.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        if !names.is_empty() {
            let _ = write!(words, ", {told}: {names}");
        }
    }
    if !iteration.weighed.is_empty() {
        let _ = write!(words, ", TESTS WEAKENED: {}; look at that before merging", in_words(&iteration.weighed));
    }
    words
}

fn passed(iteration: &Iteration, evidence: String) -> Next {
    Next::Commit(vec![TestPassed { test: iteration.test.clone(), evidence }.into()])
}

fn failed(run: &RunState, iteration: &Iteration, why: String) -> Next {
    let id = &iteration.test;
    let Some(test) = run.test(id).filter(|test| test.status == TestStatus::Running) else {
        return finish(Outcome::Failed, format!("the journal works on {id}, which is not a running test"));
    };
    let attempt = test.attempts.saturating_add(1);
    let mut events = vec![TestFailed { test: id.clone(), attempt, why: why.clone() }.into()];
    if attempt >= run.max_attempts(test) {
        let why = format!("{attempt} of {attempt} attempts used; the last: {why}");
        events.push(TestBlocked { test: id.clone(), why }.into());
    }
    Next::Commit(events)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
