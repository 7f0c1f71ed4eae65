//! What a step did to the repository besides the run's own work: looked at before and after its process.
//!
//! A run that moved or deleted somebody's refs, or edited what steers git, needs a person; new refs are only noted.

use super::Workshop;
use crate::loops::core::event::{Event, Noted, RepositoryTouched};
use crate::loops::core::step::StepKind;
use crate::loops::engine::order::Order;
use crate::loops::git::{Foreign, RefsSeen, compare_refs};

/// Changes that are named one by one; more are counted.
const NAMED: usize = 8;

impl Workshop {
    /// The repository as it is; `None` where there is no telling, which the snapshot will say. What a hook does to it is what
    /// the operator wants done.
    pub(super) async fn look(&self, order: &Order) -> Option<RefsSeen> {
        if matches!(order.kind, StepKind::Hook(_)) {
            return None;
        }
        let place = self.git_place(order)?;
        self.git.observe(place.common_dir).await.ok()
    }

    /// What has changed since `before` and is not the run's.
    pub(super) async fn touched(&self, order: &Order, before: Option<RefsSeen>) -> Vec<Event> {
        let (Some(before), Some(place)) = (before, self.git_place(order)) else { return Vec::new() };
        let Some(after) = self.look(order).await else { return Vec::new() };
        let mut own: Vec<String> = place.branch.iter().map(|branch| format!("refs/heads/{branch}")).collect();
        if place.in_place {
            // There the agent works on whatever the operator has checked out.
            own.extend(before.refs.get("HEAD").and_then(|head| head.strip_prefix("ref: ")).map(str::to_owned));
            own.push("HEAD".to_owned());
        }
        let (harm, rest): (Vec<Foreign>, Vec<Foreign>) =
            compare_refs(&before, &after, &place.run, &own).into_iter().partition(Foreign::does_harm);
        let mut events: Vec<Event> = Vec::new();
        if !rest.is_empty() {
            let text = format!("while the {} ran, {}", order.kind.word(), listed(&rest).join(", "));
            events.push(Noted { text }.into());
        }
        if !harm.is_empty() {
            events.push(RepositoryTouched { step: order.step, changed: listed(&harm) }.into());
        }
        events
    }
}

fn listed(changes: &[Foreign]) -> Vec<String> {
    let mut names: Vec<String> = changes.iter().take(NAMED).map(ToString::to_string).collect();
    if changes.len() > NAMED {
        names.push(format!("{} more", changes.len() - NAMED));
    }
    names
}
