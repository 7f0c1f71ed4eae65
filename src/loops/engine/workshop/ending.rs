//! How a step went: its process's end, what its stream told, and what loopdash itself did about it, made one [`StepEnd`].
//!
//! Tokens are what the agent reports, and dollars too; where it reports none, they follow from the price of its model,
//! and where there is none, they stay unknown.

use super::{Done, millis};
use crate::loops::agent::dialect::{Heard, Judged, judge};
use crate::loops::agent::{self, Ended};
use crate::loops::core::activity::{Failure, FailureClass};
use crate::loops::core::agent::{AgentSpec, Price};
use crate::loops::core::event::Noted;
use crate::loops::core::step::{AgentEnd, Cause, Exit, StepEnd, Usage};
use crate::loops::engine::order::Order;

/// Why loopdash itself ended a step that was not told to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// Its work was over, and its process lived on.
    Lingered,
    /// It went round in circles; the evidence.
    Runaway(String),
}

/// The end of a step whose process has ended.
pub(super) fn finished(order: &Order, ended: Ended, ours: Option<Ours>) -> Done {
    let exit = match ended.exit {
        agent::Exit::Code(code) => Exit::Code(code),
        agent::Exit::Signal(signal) => Exit::Signal(signal),
    };
    let cause = match (ended.cause, &ours) {
        (agent::Cause::TimedOut, _) => Cause::TimedOut,
        (agent::Cause::Stopped, Some(Ours::Lingered)) => Cause::Lingered,
        (agent::Cause::Natural | agent::Cause::Stopped, _) => Cause::Natural,
    };
    let mut end = StepEnd {
        exit: Some(exit),
        out_of_memory: ended.out_of_memory,
        memory_short: ended.memory_short,
        duration_ms: millis(ended.duration),
        stdout_bytes: ended.stdout_bytes,
        stderr_bytes: ended.stderr_bytes,
        lines: ended.lines,
        left_behind: ended.left_behind.iter().map(|left| format!("{} {}", left.pid, left.command)).collect(),
        ..StepEnd::new(cause)
    };
    let gap = ended.transcript_error.map(|why| {
        tracing::error!(why, "transcript not written in full");
        Noted { text: format!("step {}: {why}", order.step) }.into()
    });
    let by_itself = Some(exit).filter(|_| ended.cause == agent::Cause::Natural);
    if let (Some(heard), Some(agent)) = (&ended.heard, order.agent()) {
        let judged = judged(order, agent, heard, by_itself);
        end.usage = judged.usage;
        end.agent = judged.agent;
        end.agent.get_or_insert_default().story = ended.story;
    }
    let stopped = ended.cause == agent::Cause::Stopped && ours.is_none();
    if let Some(Ours::Runaway(why)) = ours {
        let told: &mut AgentEnd = end.agent.get_or_insert_default();
        // What it met each time says more than that it met it too often.
        if !told.failure.as_ref().is_some_and(|failure| failure.class.passes()) {
            told.failure = Some(Failure::new(FailureClass::Runaway, &why));
        }
    }
    Done { facts: gap.into_iter().collect(), end, stopped, heard: ended.heard }
}

fn judged(order: &Order, agent: &AgentSpec, heard: &Heard, exit: Option<Exit>) -> Judged {
    let earlier = heard.session.as_ref().and_then(|session| order.spent.get(session)).copied();
    let mut judged = judge(heard.clone(), exit, earlier);
    let model = judged.agent.as_ref().and_then(|told| told.model.as_deref());
    judged.usage = judged.usage.map(|usage| priced(usage, agent.price_of(model)));
    if let Some(told) = &mut judged.agent {
        told.model = told.model.take().or_else(|| agent.model.clone());
    }
    judged
}

/// The same usage, with dollars where it has none and there is a price. An agent that tells of tokens for no dollars at
/// all does not know what they cost.
pub(super) fn priced(usage: Usage, price: Option<Price>) -> Usage {
    let told = usage.micro_usd.filter(|micro| *micro > 0 || usage.all_tokens() == 0);
    Usage { micro_usd: told.or_else(|| price?.of(&usage)), ..usage }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_for_no_dollars_have_an_unknown_price_unless_one_is_configured() {
        let used = |micro_usd| Usage { input: Some(1_000_000), cached: None, output: Some(0), micro_usd };
        let price = Some(Price { input: 3_000_000, cached: None, output: 0 });
        let free = Some(Price { input: 0, cached: None, output: 0 });
        for (told, price, dollars) in [
            (None, None, None),
            (Some(0), None, None),
            (Some(0), price, Some(3_000_000)),
            (Some(0), free, Some(0)),
            (Some(7), price, Some(7)),
        ] {
            assert_eq!(priced(used(told), price).micro_usd, dollars, "{told:?} {price:?}");
        }
        let nothing = Usage { input: Some(0), micro_usd: Some(0), ..Usage::default() };
        assert_eq!(priced(nothing, None).micro_usd, Some(0), "no tokens cost nothing");
    }
}
