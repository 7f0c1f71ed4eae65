//! Signals of the running step, and of what the run has cost.

use super::policy::Policy;
use super::{Cost, Pattern, Sighting};
use crate::loops::core::duration::Span;
use crate::loops::core::ids::Millis;
use crate::loops::core::state::{RunState, StepRecord};
use crate::loops::core::step::{StepKind, Usage};

/// A step that prints nothing and computes nothing. One whose processes use the CPU is at work. A command of the operator's
/// may be quiet for longer than an agent.
pub(super) fn silence(run: &RunState, policy: &Policy) -> Option<Sighting> {
    let step = run.active_step()?;
    let silence = step.silence.filter(|silence| silence.busy != Some(true))?;
    let limit = match step.kind {
        StepKind::Actor | StepKind::Critic => policy.silence_ms,
        _ => policy.command_silence_ms,
    };
    // Where nobody can see what its processes do, it gets more time.
    let patience = if silence.busy.is_none() { 3 } else { 1 };
    limit.filter(|limit| silence.for_ms >= limit.saturating_mul(patience))?;
    let quiet = if silence.from_start { "has printed nothing" } else { "prints nothing any more" };
    let idle = match (silence.cpu, silence.busy) {
        (Some(cpu), _) => {
            let over = Span::from_millis(if cpu.over_ms < 1000 { cpu.over_ms } else { cpu.over_ms / 1000 * 1000 });
            match cpu.used_ms {
                0 => format!(", and its processes used no CPU in {over}"),
                used => format!(", and its processes used {} of CPU in {over}", Span::from_millis(used)),
            }
        }
        (None, Some(false)) => ", and its processes do nothing".to_owned(),
        (None, _) => String::new(),
    };
    let which = match &step.kind {
        StepKind::Gate(name) => format!("gate {name}"),
        StepKind::Hook(hook) => format!("hook {}", hook.key()),
        other => other.word().to_owned(),
    };
    let length = Span::from_millis(silence.for_ms / 1000 * 1000);
    let what = format!("the {which} {quiet}, for {length}{idle}");
    Some(of_step(run, step, Pattern::Silence, (silence.since, silence.usage), what))
}

/// A step that uses one tool in one way again and again.
pub(super) fn same_tool(run: &RunState, policy: &Policy) -> Option<Sighting> {
    let threshold = policy.count(Pattern::SameTool)?;
    let step = run.active_step()?;
    let circling = step.circling.as_ref().filter(|circling| circling.times as usize >= threshold)?;
    let what = format!("{} times the same call with the same result: {}", circling.times, circling.call);
    Some(of_step(run, step, Pattern::SameTool, (circling.since, circling.usage), what))
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

/// What it has cost is the time since then, and what the whole step has used as far as its agent has told.
fn of_step(
    run: &RunState,
    step: &StepRecord,
    pattern: Pattern,
    (since, usage): (Millis, Option<Usage>),
    what: String,
) -> Sighting {
    let cost = Cost { ms: run.updated.since(since), usage: usage.unwrap_or_default() };
    Sighting { pattern, what: super::short(&what), since, first: step.iteration, iterations: 1, cost }
}
