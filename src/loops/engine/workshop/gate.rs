//! A gate: its command run in the worktree, its end, and what its tests came to.
//!
//! All that it found is one event; what follows from it is the core's to say.

use super::gate_output::{self, Report};
use super::{Done, Job, Workshop, millis, process};
use crate::loops::core::coverage::{Coverage, Percent};
use crate::loops::core::event::{Event, GateFinished};
use crate::loops::core::gate::{GateResult, GateSpec, judge, judge_base};
use crate::loops::core::ids::Millis;
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::state::GateRun;
use crate::loops::core::step::{Cause, Exit, StepEnd};
use crate::loops::engine::baseline::{BaseGate, Baseline, Baselines};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

impl Workshop {
    pub(super) async fn gate(&self, job: &mut Job) -> Done {
        let Some(gate) = job.order.gate() else {
            return job.failed("the loop has no such gate".to_owned());
        };
        if !job.order.is_base_gate() {
            return self.run_gate(job, &gate).await;
        }
        let shared = job.order.workspace.as_ref().and_then(|place| BaseGate::new(&job.order.spec, place, &gate));
        let again = job.order.first_run().is_some();
        if !again && let Some(found) = self.found_before(shared.clone()).await {
            let fact = finished(job, &gate, found.outcome, found.duration_ms);
            let fact = GateFinished { tests: found.tests, coverage: found.coverage, excuse: found.excuse, ..fact };
            let fact = GateFinished { found_by: Some(found.run), ..fact };
            return Done { facts: vec![fact.into()], ..job.well() };
        }
        let done = self.run_gate(job, &gate).await;
        if let (Some(shared), Some(Event::GateFinished(fact)), false) = (shared, done.facts.last(), done.stopped)
            // One that runs again has not said its last.
            && (again || !gate.rerun || fact.outcome.by_exit().passed())
        {
            self.keep_baseline(Baseline::new(shared, job.order.run, now(), fact)).await;
        }
        done
    }

    async fn run_gate(&self, job: &mut Job, gate: &GateSpec) -> Done {
        // Its time begins when it has what it needs for itself.
        let _held = match &gate.lock {
            None => None,
            Some(name) => match self.lock(job, name).await {
                Ok(held) => Some(held),
                Err(done) => return unheld(job, gate, *done),
            },
        };
        let report = expected(job, gate.junit.clone()).await;
        let covers = expected(job, gate.coverage.as_ref().and_then(|coverage| coverage.report.clone())).await;
        let mut done = self.run_process(job, gate.command.argv(), process::Prompt::None).await;
        let ran = done.end.cause != Cause::NotStarted;
        let tests = if ran { tests_of(job.order.step_dir(), report).await } else { None };
        let outcome = match outcome(&done.end) {
            // Its own exit is that of a program whose child died.
            GateResult::Failed { .. } if done.end.memory_short && lost_a_child(job.order.step_dir()).await => {
                GateResult::OutOfMemory
            }
            outcome => outcome,
        };
        let coverage = match &gate.coverage {
            Some(asked) => coverage_of(job, asked.floor, &outcome, covers).await,
            None => None,
        };
        let outcome = match outcome {
            GateResult::Passed if coverage.as_ref().is_some_and(Coverage::is_short) => {
                GateResult::Failed { exit: Exit::Code(0) }
            }
            outcome => outcome,
        };
        let digest = if outcome.passed() { None } else { self.gate_digest(&job.order).await };
        let (base, first) = (job.order.on_base.as_ref(), job.order.first_run().map(GateRun::ran));
        let (excuse, tests) = if job.order.is_base_gate() {
            judge_base(&outcome, tests, first)
        } else {
            judge(&outcome, tests, coverage.as_ref(), base.map(GateRun::ran), first)
        };
        let tests = tests.map(Box::new);
        let fact =
            GateFinished { tests, coverage, excuse, digest, ..finished(job, gate, outcome, done.end.duration_ms) };
        done.facts.push(fact.into());
        done
    }

    /// What another run found of this gate on the same base.
    async fn found_before(&self, gate: Option<BaseGate>) -> Option<Baseline> {
        let (kept, gate) = (Baselines::new(&self.state), gate?);
        tokio::task::spawn_blocking(move || kept.find(&gate, now())).await.ok()?
    }

    async fn keep_baseline(&self, found: Baseline) {
        let kept = Baselines::new(&self.state);
        let result = tokio::task::spawn_blocking(move || kept.keep(&found)).await;
        if let Ok(Err(error)) = result {
            tracing::warn!(%error, "what a gate found on the base is not kept for other runs");
        }
    }
}

fn finished(job: &Job, gate: &GateSpec, outcome: GateResult, took: u64) -> GateFinished {
    let fact = GateFinished::new(job.order.step, gate.name.clone(), gate.required, outcome, took);
    GateFinished { kind: gate.kind, ..fact }
}

fn now() -> Millis {
    Millis(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}

/// A gate that did not get its lock: stopped while it waited, out of time, or not able to run.
fn unheld(job: &Job, gate: &GateSpec, mut done: Done) -> Done {
    if !done.stopped {
        if done.end.cause != Cause::TimedOut {
            done.end.cause = Cause::NotStarted;
        }
        let took = done.end.duration_ms;
        done.facts.push(finished(job, gate, outcome(&done.end), took).into());
    }
    done
}

/// The report that a gate is to write, as it lies there before.
async fn expected(job: &Job, name: Option<String>) -> Option<Report> {
    let (root, name) = (PathBuf::from(&job.order.workspace.as_ref()?.path), name?);
    tokio::task::spawn_blocking(move || Report::expect(&root, &name)).await.ok()
}

/// The coverage of a gate that ran, held to its floor. Where it was cut short, or failed before it told a total, there is
/// none to be held to anything.
async fn coverage_of(job: &Job, floor: Percent, outcome: &GateResult, report: Option<Report>) -> Option<Coverage> {
    if !matches!(outcome, GateResult::Passed | GateResult::Failed { exit: Exit::Code(_) }) {
        return None;
    }
    let dir = job.order.step_dir();
    let found = tokio::task::spawn_blocking(move || gate_output::coverage(&dir, report.as_ref())).await;
    let found = found.unwrap_or_else(|_| Err("as its output could not be read".to_owned()));
    let base = job.order.on_base.as_ref().filter(|_| !job.order.is_base_gate()).and_then(|base| base.coverage.as_ref());
    (found.is_ok() || outcome.passed()).then(|| Coverage::new(found, floor, base))
}

async fn tests_of(dir: PathBuf, report: Option<Report>) -> Option<TestsSeen> {
    tokio::task::spawn_blocking(move || gate_output::read(&dir, report.as_ref())).await.ok()?
}

async fn lost_a_child(dir: PathBuf) -> bool {
    tokio::task::spawn_blocking(move || gate_output::tells_of_a_kill(&dir)).await.unwrap_or_default()
}

fn outcome(end: &StepEnd) -> GateResult {
    match (end.cause, end.exit) {
        (Cause::TimedOut, _) => GateResult::TimedOut,
        (Cause::NotStarted, _) | (_, None) => {
            GateResult::CouldNotRun { error: end.error.clone().unwrap_or_else(|| "it never ran".to_owned()) }
        }
        (_, Some(_)) if end.out_of_memory => GateResult::OutOfMemory,
        (_, Some(exit)) if exit.ok() => GateResult::Passed,
        (_, Some(exit)) => GateResult::Failed { exit },
    }
}
