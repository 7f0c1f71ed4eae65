//! The remedies that a loop's policy takes without asking: in order, each within its limit, and each journalled with the
//! signal that led to it.

use super::{Heal, Pattern, Remedy, Sighting};
use crate::loops::core::command::Ask;
use crate::loops::core::decide::decide;
use crate::loops::core::event::Event;
use crate::loops::core::ids::Who;
use crate::loops::core::state::RunState;
use crate::loops::core::transition::RunStatus;

/// What the policy does now about what is raised; nothing where it is empty, used up, or nothing is stuck.
pub fn heal(run: &RunState) -> Vec<Event> {
    let Some(spec) = run.spec.as_deref().filter(|_| run.status == RunStatus::Running) else { return Vec::new() };
    // A remedy that waits for the step's end comes first.
    if spec.stuck.heal.is_empty() || run.interrupt.is_some() || run.trouble.is_some() {
        return Vec::new();
    }
    let Some(raised) = run.watched.stuck() else { return Vec::new() };
    let pattern = raised.sighting.pattern;
    // Another iteration's work is not done over for what the last one showed.
    let fits = |heal: &&Heal| heal.remedy != Remedy::Restart || pattern.of_step();
    let left = spec.stuck.heal.iter().filter(fits);
    let left = left.filter(|heal| run.watched.healed(heal.remedy) < heal.limit as usize);
    let mut possible = left.filter_map(|heal| {
        let ask = Ask::Heal { pattern, remedy: heal.remedy, text: String::new() };
        decide(run, &ask, Who::Harness).ok()
    });
    possible.next().unwrap_or_default()
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
