//! What a hook reads on standard input: one JSON object about the run, the iteration and what came of them.
//!
//! Its keys are described in `docs/configuration.md`. Texts in it may be an agent's; what looks like a secret is masked.

use crate::loops::core::event::{Event, ParkReason};
use crate::loops::core::hook::Hook;
use crate::loops::core::plan::{Next, decision};
use crate::loops::core::state::{Iteration, RunState};
use crate::loops::mask::Mask;
use serde_json::{Map, Value, json};

/// The version of the object's form.
const VERSION: u32 = 1;

/// The object for `hook`, which is due in this state.
pub(super) fn brief(run: &RunState, hook: Hook) -> String {
    let mut about = Map::new();
    let mut put = |key: &str, value: Value| drop(about.insert(key.to_owned(), value));
    put("v", VERSION.into());
    put("hook", hook.key().into());
    put("run", run.id.to_string().into());
    put("name", run.label.as_str().into());
    if let Some(spec) = &run.spec {
        put("loop", spec.name.as_str().into());
        put("repo", spec.repo.as_str().into());
    }
    let place = run.workspace.as_ref();
    put("worktree", json!(place.map(|place| &place.path)));
    put("branch", json!(place.and_then(|place| place.branch.as_ref())));
    put("base", json!(place.map(|place| &place.base)));
    if let Some(iteration) = run.open_iteration().filter(|_| hook != Hook::PostRun) {
        put("iteration", iteration.number.into());
        let title = run.test(&iteration.test).map(|test| &test.title);
        put("test", json!({ "id": iteration.test, "title": title }));
        if hook == Hook::PostIteration {
            about.extend(outcome(run, iteration));
        }
    }
    if hook == Hook::PostRun {
        about.extend(end(run));
    }
    Mask::of_process().text(&Value::Object(about).to_string()).into_owned()
}

/// What an iteration came to.
fn outcome(run: &RunState, iteration: &Iteration) -> Map<String, Value> {
    let (result, why) = match decided(run).find_map(|event| match event {
        Event::TestPassed(e) => Some(("passed", e.evidence)),
        Event::TestFailed(e) => Some(("failed", e.why)),
        Event::Parked(e) => match e.reason {
            ParkReason::NeedsHuman { question, .. } => Some(("asks", question)),
            _ => None,
        },
        _ => None,
    }) {
        Some(known) => known,
        None => ("open", String::new()),
    };
    let snapshot = iteration.snapshot.as_ref();
    let gates: Map<String, Value> =
        iteration.gates.iter().map(|gate| (gate.name.clone(), gate.outcome.word().into())).collect();
    let object = json!({
        "result": result,
        "why": why,
        "commit": snapshot.map(|snapshot| &snapshot.commit),
        "files": snapshot.map(|snapshot| snapshot.files),
        "insertions": snapshot.map(|snapshot| snapshot.insertions),
        "deletions": snapshot.map(|snapshot| snapshot.deletions),
        "gates": gates,
        "verdict": iteration.verdict.as_ref().map(|verdict| verdict.decision.word()),
    });
    object.as_object().cloned().unwrap_or_default()
}

/// How a run ends.
fn end(run: &RunState) -> Map<String, Value> {
    let finished = decided(run).find_map(|event| match event {
        Event::Finished(e) => Some((e.outcome.word(), e.reason)),
        _ => None,
    });
    let (outcome, why) = finished.unwrap_or_default();
    let (passed, total) = run.progress();
    let object = json!({
        "outcome": outcome,
        "why": why,
        "iterations": run.iterations.len(),
        "tests": { "passed": passed, "total": total },
        "commit": run.last_commit(),
        "tokens": run.usage.known.tokens(),
        "partial_tokens": run.usage.partial_tokens,
        "micro_usd": run.usage.known.micro_usd,
        "partial_dollars": run.usage.partial_dollars,
    });
    object.as_object().cloned().unwrap_or_default()
}

/// What will be journalled when the hook has ended.
fn decided(run: &RunState) -> impl Iterator<Item = Event> {
    match decision(run) {
        Next::Commit(events) => events,
        _ => Vec::new(),
    }
    .into_iter()
}
