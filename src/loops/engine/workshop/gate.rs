//! A gate: its command run in the worktree, its end, and what its tests came to.
//!
//! All that it found is one event; what follows from it is the core's to say.

use super::gate_output::{self, Report};
use super::{Done, Job, Workshop, process};
use crate::loops::core::event::GateFinished;
use crate::loops::core::gate::{GateResult, GateSpec};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::step::{Cause, StepEnd};
use std::path::PathBuf;

impl Workshop {
    pub(super) async fn gate(&self, job: &mut Job) -> Done {
        let Some(gate) = job.order.gate() else {
            return job.failed("the loop has no such gate".to_owned());
        };
        let report = expected(job, &gate).await;
        let mut done = self.run_process(job, gate.command.argv(), process::Prompt::None).await;
        let ran = done.end.cause != Cause::NotStarted;
        let tests = if ran { tests_of(job.order.step_dir(), report).await } else { None };
        let outcome = outcome(&done.end);
        let digest = if outcome.passed() { None } else { self.gate_digest(&job.order).await };
        let took = done.end.duration_ms;
        let fact = GateFinished::new(job.order.step, gate.name, gate.required, outcome, took);
        let fact = GateFinished { tests: tests.map(Box::new), digest, ..fact };
        done.facts.push(fact.into());
        done
    }
}

/// The report that the gate is to write, as it lies there before.
async fn expected(job: &Job, gate: &GateSpec) -> Option<Report> {
    let (root, name) = (PathBuf::from(&job.order.workspace.as_ref()?.path), gate.junit.clone()?);
    tokio::task::spawn_blocking(move || Report::expect(&root, &name)).await.ok()
}

async fn tests_of(dir: PathBuf, report: Option<Report>) -> Option<TestsSeen> {
    tokio::task::spawn_blocking(move || gate_output::read(&dir, report.as_ref())).await.ok()?
}

fn outcome(end: &StepEnd) -> GateResult {
    match (end.cause, end.exit) {
        (Cause::TimedOut, _) => GateResult::TimedOut,
        (Cause::NotStarted, _) | (_, None) => {
            GateResult::CouldNotRun { error: end.error.clone().unwrap_or_else(|| "it never ran".to_owned()) }
        }
        (_, Some(exit)) if exit.ok() => GateResult::Passed,
        (_, Some(exit)) => GateResult::Failed { exit },
    }
}
