//! Signals of the running step, and of what the run has cost.

use super::policy::Policy;
use super::{Cost, Pattern, Sighting};
use crate::loops::core::duration::Span;
use crate::loops::core::ids::Millis;
use crate::loops::core::state::{RunState, StepRecord};

/// A step that prints nothing and computes nothing. One whose processes use the CPU is at work.
pub(super) fn silence(run: &RunState, policy: &Policy) -> Option<Sighting> {
    let step = run.active_step()?;
    let silence = step.silence.filter(|silence| silence.busy != Some(true))?;
    // Where nobody can see what its processes do, it gets more time.
    let patience = if silence.busy.is_none() { 3 } else { 1 };
    policy.silence_ms.filter(|limit| silence.for_ms >= limit.saturating_mul(patience))?;
    let quiet = if silence.from_start { "has printed nothing" } else { "prints nothing any more" };
    let idle = if silence.busy == Some(false) { ", and its processes do nothing" } else { "" };
    let length = Span::from_millis(silence.for_ms / 1000 * 1000);
    let what = format!("the {} {quiet}, for {length}{idle}", step.kind.word());
    Some(of_step(run, step, Pattern::Silence, silence.since, what))
}

/// A step that uses one tool in one way again and again.
pub(super) fn same_tool(run: &RunState, policy: &Policy) -> Option<Sighting> {
    let threshold = policy.count(Pattern::SameTool)?;
    let step = run.active_step()?;
    let circling = step.circling.as_ref().filter(|circling| circling.times as usize >= threshold)?;
    let what = format!("{} times the same call with the same result: {}", circling.times, circling.call);
    Some(of_step(run, step, Pattern::SameTool, circling.since, what))
}

/// A run that has cost more than its line.
pub(super) fn cost(run: &RunState, policy: &Policy) -> Option<Sighting> {
    let line = policy.cost_micro_usd?;
    let used = run.usage.known.micro_usd.filter(|used| *used > line)?;
    let dollars = |micro: u64| format!("${}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000);
    let what = format!("it has cost {}, more than {}", dollars(used), dollars(line));
    let since = run.first_admitted.unwrap_or(run.created);
    let iterations = u32::try_from(run.iterations.len()).unwrap_or(u32::MAX);
    let ms = run.updated.since(since);
    Some(Sighting {
        pattern: Pattern::Cost,
        what,
        since,
        first: 1,
        iterations,
        cost: Cost { ms, usage: run.usage.known },
    })
}

fn of_step(run: &RunState, step: &StepRecord, pattern: Pattern, since: Millis, what: String) -> Sighting {
    let cost = Cost { ms: run.updated.since(since), ..Cost::default() };
    Sighting { pattern, what: super::short(&what), since, first: step.iteration, iterations: 1, cost }
}
