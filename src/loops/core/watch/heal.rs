//! The remedies that a loop's policy takes without asking: in order, each within its limit, and each journalled with the
//! signal or the blocked test that led to it.

use super::{Heal, Pattern, Remedy, Sighting};
use crate::loops::core::command::Ask;
use crate::loops::core::decide::decide;
use crate::loops::core::event::Event;
use crate::loops::core::ids::{TestId, Who};
use crate::loops::core::plan::runnable;
use crate::loops::core::state::RunState;
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::transition::RunStatus;

/// What the policy does now about what is raised, or about a blocked test that keeps all others waiting; nothing where it is
/// empty, used up, or nothing is wrong.
pub fn heal(run: &RunState) -> Vec<Event> {
    let Some(spec) = run.spec.as_deref().filter(|_| run.status == RunStatus::Running) else { return Vec::new() };
    // A remedy that waits for the step's end comes first.
    if spec.stuck.heal.is_empty() || run.interrupt.is_some() || run.trouble.is_some() || run.chore.is_some() {
        return Vec::new();
    }
    let left = |heal: &&Heal| run.watched.healed(heal.remedy) < heal.limit as usize;
    if let Some(test) = in_the_way(run) {
        // Where it names `park`, a person is to decide.
        let named = spec.stuck.heal.iter().filter(left).take_while(|heal| heal.remedy != Remedy::Park);
        return first(run, named.map(|heal| Ask::Unblock { test: test.clone(), remedy: heal.remedy }));
    }
    let Some(raised) = run.watched.stuck() else { return Vec::new() };
    let pattern = raised.sighting.pattern;
    // Another iteration's work is not done over for what the last one showed, nor taken back for what a step does.
    let fits = |heal: &&Heal| match heal.remedy {
        Remedy::Restart => pattern.of_step(),
        Remedy::Rewind => !pattern.of_step(),
        _ => true,
    };
    let named = spec.stuck.heal.iter().filter(fits).filter(left);
    first(run, named.map(|heal| Ask::Heal { pattern, remedy: heal.remedy, text: String::new() }))
}

/// What the first of these comes to that applies.
fn first(run: &RunState, mut asks: impl Iterator<Item = Ask>) -> Vec<Event> {
    asks.find_map(|ask| decide(run, &ask, Who::Harness).ok()).unwrap_or_default()
}

/// The first blocked test, when nothing else is left to do.
fn in_the_way(run: &RunState) -> Option<&TestId> {
    let idle = run.active.is_none() && run.open_iteration().is_none() && runnable(&run.tests).is_none();
    let mut blocked = run.tests.iter().filter(|test| test.status == TestStatus::Blocked);
    blocked.next().filter(|_| idle).map(|test| &test.id)
}

/// The note that tells an actor what is seen.
pub fn note_for(sighting: &Sighting) -> String {
    let advice = match sighting.pattern {
        Pattern::Silence => "Do not wait for something that may never come; say what you are waiting for.",
        Pattern::SameTool => "Repeating the call will not change its result. Find out why, or take another way.",
        Pattern::NoChange => "Change something that moves the work on, or ask what you need to know.",
        Pattern::TreeAgain | Pattern::Undone => {
            "Do not go back to it once more. Decide which of the two is right, say why, and build on it."
        }
        Pattern::SameFailures => {
            "What was tried so far does not reach the cause. Look for it anew before the next change."
        }
        Pattern::FindingsContradict => "Where two findings ask for opposite things, say so and ask which one holds.",
        Pattern::FindingsReturn | Pattern::FindingsStay => {
            "Take the findings one by one, show how each is met, and check it before you go on."
        }
        Pattern::SameOutput | Pattern::LongRun | Pattern::Cost => "Take another way than the last times.",
    };
    format!("This work seems to be stuck: {}. {advice}", sighting.what)
}
