//! How the demo's loops end when nobody steers them: [`Expected`], checked against the fold of each run.
//!
//! A check looks at what happened on the way too, so that a loop cannot end right for a wrong reason.

use crate::loops::core::event::{Outcome, ParkReason, Trouble};
use crate::loops::core::ids::Who;
use crate::loops::core::state::{RunState, StepOutcome};
use crate::loops::core::step::{Cause, StepKind};
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::transition::RunStatus;
use crate::loops::core::verdict::Decision;

/// How a loop has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Done in exactly two iterations: `continue` with findings, then `done`. Its actor's stream told of a retry, of tools,
    /// and of tokens and dollars.
    ContinueThenDone,
    /// Done, each test passed, none before what it depends on.
    AllPassed {
        /// How many there are.
        tests: usize,
    },
    /// Parked, with these tests blocked, passed and never started.
    Blocked {
        /// Out of attempts.
        blocked: &'static [&'static str],
        /// Passed all the same.
        passed: &'static [&'static str],
        /// Waiting for the blocked ones.
        waiting: &'static [&'static str],
    },
    /// Parked with a question of the actor.
    Question,
    /// Done after a first actor step that was ended by its timeout.
    TimedOutThenDone,
    /// Done, with at least this much output of the actor.
    DoneAfterOutput {
        /// On standard output.
        bytes: u64,
    },
    /// Parked after a second answer of the critic that could not be read.
    UnreadableVerdict,
}

impl Expected {
    /// What the loop shows, for the list of results.
    pub const fn shows(&self) -> &'static str {
        match self {
            Self::ContinueThenDone => "a review with findings, then done",
            Self::AllPassed { .. } => "tests with dependencies, all passed",
            Self::Blocked { .. } => "a blocked test, and the others passed",
            Self::Question => "a question for the operator",
            Self::TimedOutThenDone => "a silent agent ended by its timeout, then done",
            Self::DoneAfterOutput { .. } => "50 MB of output with junk in it, done",
            Self::UnreadableVerdict => "a critic that never gives a verdict",
        }
    }

    /// Whether the run ended so.
    ///
    /// # Errors
    /// What is different, as a fragment.
    pub fn check(&self, run: &RunState) -> Result<(), String> {
        match self {
            Self::ContinueThenDone => {
                done(run)?;
                let verdicts: Vec<_> = run.iterations.iter().filter_map(|i| i.verdict.as_ref()).collect();
                match verdicts.as_slice() {
                    [first, second]
                        if run.iterations.len() == 2
                            && first.decision == Decision::Continue
                            && !first.findings.is_empty()
                            && second.decision == Decision::Done =>
                    {
                        streamed(run)
                    }
                    _ => Err(format!("its verdicts were {}", verdict_words(run))),
                }
            }
            Self::AllPassed { tests } => {
                done(run)?;
                all_passed(run, *tests)
            }
            Self::Blocked { blocked, passed, waiting } => {
                parked(run, |reason| matches!(reason, ParkReason::Blocked { tests } if tests == blocked))?;
                for (tests, status) in
                    [(blocked, TestStatus::Blocked), (passed, TestStatus::Passed), (waiting, TestStatus::Pending)]
                {
                    for id in *tests {
                        let found = run.test(id).map(|test| test.status);
                        if found != Some(status) {
                            let found = found.map_or("missing", TestStatus::word);
                            return Err(format!("{id} is {found}, not {}", status.word()));
                        }
                    }
                }
                let started = |id: &&&str| run.iterations.iter().any(|iteration| iteration.test == **id);
                waiting.iter().find(started).map_or(Ok(()), |id| Err(format!("{id} was started")))
            }
            Self::Question => parked(
                run,
                |reason| matches!(reason, ParkReason::NeedsHuman { from: Who::Actor, question } if !question.is_empty()),
            ),
            Self::TimedOutThenDone => {
                done(run)?;
                let causes: Vec<Cause> = actor_ends(run).map(|end| end.cause).collect();
                match causes.as_slice() {
                    [Cause::TimedOut, Cause::Natural] => Ok(()),
                    other => Err(format!("its actor steps ended as {other:?}")),
                }
            }
            Self::DoneAfterOutput { bytes } => {
                done(run)?;
                let printed: u64 = actor_ends(run).map(|end| end.stdout_bytes).sum();
                if printed >= *bytes { Ok(()) } else { Err(format!("its actor printed {printed} bytes")) }
            }
            Self::UnreadableVerdict => {
                parked(run, |reason| matches!(reason, ParkReason::Attention { kind: Trouble::UnreadableVerdict, .. }))?;
                match run.steps.iter().filter(|step| step.kind == StepKind::Critic).count() {
                    2 => Ok(()),
                    asked => Err(format!("its critic was asked {asked} times")),
                }
            }
        }
    }
}

/// How a run stands, in a few words, for a person who expected something else.
fn standing(run: &RunState) -> String {
    match (&run.outcome, &run.park) {
        (Some((outcome, reason)), _) => format!("{}: {reason}", outcome.word()),
        (None, Some(ParkReason::NeedsHuman { question, .. })) => format!("parked with the question {question:?}"),
        (None, Some(ParkReason::Attention { kind, detail })) => format!("parked: {}: {detail}", kind.word()),
        (None, Some(ParkReason::Blocked { tests })) => format!("parked with {} blocked", tests.join(", ")),
        (
            None,
            Some(
                park @ (ParkReason::Limit { .. }
                | ParkReason::Behind { .. }
                | ParkReason::Account { .. }
                | ParkReason::Budget { .. }),
            ),
        ) => {
            format!("parked: {}", crate::app::sentence::park(park))
        }
        (None, None) => run.status.word().to_owned(),
    }
}

fn done(run: &RunState) -> Result<(), String> {
    match run.outcome {
        Some((Outcome::Done, _)) => Ok(()),
        _ => Err(format!("it is {}", standing(run))),
    }
}

fn parked(run: &RunState, right: impl Fn(&ParkReason) -> bool) -> Result<(), String> {
    match &run.park {
        Some(reason) if run.status == RunStatus::Parked && right(reason) => Ok(()),
        _ => Err(format!("it is {}", standing(run))),
    }
}

fn all_passed(run: &RunState, tests: usize) -> Result<(), String> {
    if run.progress() != (tests, tests) {
        let (passed, total) = run.progress();
        return Err(format!("{passed} of {total} tests passed"));
    }
    let mut passed: Vec<&str> = Vec::new();
    for iteration in &run.iterations {
        let needs = run.test(&iteration.test).map(|test| test.depends_on.as_slice()).unwrap_or_default();
        if let Some(early) = needs.iter().find(|id| !passed.contains(&id.as_str())) {
            return Err(format!("{} started before {early} had passed", iteration.test));
        }
        if iteration.passed {
            passed.push(&iteration.test);
        }
    }
    Ok(())
}

/// Whether the actor's streams were understood.
fn streamed(run: &RunState) -> Result<(), String> {
    let (mut tools, mut retries) = (0, 0);
    for end in actor_ends(run).filter_map(|end| end.agent.as_ref()) {
        tools += end.tools;
        retries += end.retries;
    }
    match (run.usage.known.tokens(), run.usage.known.micro_usd) {
        (Some(_), Some(_)) if tools > 0 && retries > 0 => Ok(()),
        used => Err(format!("its actor told of {tools} tools, {retries} retries and the usage {used:?}")),
    }
}

fn actor_ends(run: &RunState) -> impl Iterator<Item = &crate::loops::core::step::StepEnd> {
    run.steps.iter().filter(|step| step.kind == StepKind::Actor).filter_map(|step| match &step.end {
        Some(StepOutcome::Finished(end)) => Some(end),
        _ => None,
    })
}

fn verdict_words(run: &RunState) -> String {
    let words: Vec<&str> =
        run.iterations.iter().map(|i| i.verdict.as_ref().map_or("none", |verdict| verdict.decision.word())).collect();
    words.join(", ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::demo::loops::seven;
    use crate::loops::core::event::{Event, Finished, IterationStarted, Record, Submitted, TestPassed, TestStarted};
    use crate::loops::core::ids::{Millis, RunId};
    use crate::loops::core::spec::Trigger;
    use std::path::Path;

    /// A run of the demo's loop `name` after these events.
    fn run(name: &str, events: Vec<Event>) -> RunState {
        let loops = seven(Path::new("x"), Path::new("y"), 1.0);
        let spec = loops.into_iter().find(|each| each.spec.name == name).unwrap().spec;
        let id = RunId::new(uuid::Uuid::nil());
        let submitted = Submitted {
            label: name.into(),
            spec: Box::new(spec),
            trigger: Trigger::Demo,
            base: None,
            version: String::new(),
            order: 0,
        };
        let mut run = RunState::new(id);
        for event in std::iter::once(submitted.into()).chain(events) {
            run.apply(&Record { seq: run.seq + 1, at: Millis(0), run: id, event });
        }
        run
    }

    fn passes(order: &[&str]) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        for (number, test) in (1..).zip(order) {
            let test = (*test).to_owned();
            events.push(TestStarted { test: test.clone(), attempt: 1 }.into());
            events.push(IterationStarted { iteration: number, test: test.clone() }.into());
            events.push(TestPassed { test, evidence: String::new() }.into());
        }
        events.push(Finished { outcome: Outcome::Done, reason: String::new() }.into());
        events
    }

    #[test]
    fn the_order_of_the_tests_counts() {
        let expected = Expected::AllPassed { tests: 5 };
        let right = run("toolbox", passes(&["CALC-1", "TODO-1", "CALC-2", "TODO-2", "CALC-3"]));
        assert_eq!(expected.check(&right), Ok(()));
        let early = run("toolbox", passes(&["CALC-1", "CALC-3", "CALC-2", "TODO-1", "TODO-2"]));
        assert_eq!(expected.check(&early), Err("CALC-3 started before CALC-2 had passed".to_owned()));
        let four = run("toolbox", passes(&["CALC-1", "CALC-2", "CALC-3", "TODO-1"]));
        assert_eq!(expected.check(&four), Err("4 of 5 tests passed".to_owned()));
    }

    #[test]
    fn done_alone_is_not_enough() {
        let done = run("count-words", passes(&["objective"]));
        assert_eq!(Expected::ContinueThenDone.check(&done), Err("its verdicts were none".to_owned()));
        assert_eq!(Expected::TimedOutThenDone.check(&done), Err("its actor steps ended as []".to_owned()));
        assert_eq!(Expected::DoneAfterOutput { bytes: 1 }.check(&done), Err("its actor printed 0 bytes".to_owned()));
        for expected in [Expected::Question, Expected::UnreadableVerdict] {
            assert_eq!(expected.check(&done), Err("it is done: ".to_owned()));
        }
    }
}
