//! What a step did to the repository besides the run's own work: looked at before and after its process, with what refs
//! were at pinned meanwhile.
//!
//! A run that moved or deleted somebody's refs, or edited what steers git, needs a person; new refs are only noted.

use super::Workshop;
use crate::loops::core::event::{Event, Noted, RepositoryTouched};
use crate::loops::core::step::StepKind;
use crate::loops::engine::order::Order;
use crate::loops::git::{Begun, Foreign, GitError};

/// Changes that are named one by one; more are counted.
const NAMED: usize = 8;

impl Workshop {
    /// The repository as it is; `None` where there is no telling, which the snapshot will say. What a hook does to it is what
    /// the operator wants done.
    pub(super) async fn look(&self, order: &Order) -> Option<Begun> {
        if matches!(order.kind, StepKind::Hook(_)) {
            return None;
        }
        let place = self.git_place(order)?;
        self.git.begin(place.common_dir, place.run).await.ok()
    }

    /// What has changed since `before` and is not the run's.
    pub(super) async fn touched(&self, order: &Order, before: Option<Begun>) -> Vec<Event> {
        let (Some(before), Some(place)) = (before, self.git_place(order)) else { return Vec::new() };
        let mut own: Vec<String> = place.branch.iter().map(|branch| format!("refs/heads/{branch}")).collect();
        if place.in_place {
            // There the agent works on whatever the operator has checked out.
            own.extend(before.seen.refs.get("HEAD").and_then(|head| head.strip_prefix("ref: ")).map(str::to_owned));
            own.push("HEAD".to_owned());
        }
        let unpinned = before.unpinned.clone();
        let Ok(touched) = self.git.end(place, before, own, self.state.join("runs")).await else { return Vec::new() };
        let (harm, rest): (Vec<Foreign>, Vec<Foreign>) = touched.foreign.into_iter().partition(Foreign::does_harm);
        let kind = order.kind.word();
        let mut events: Vec<Event> = Vec::new();
        if let Some(why) = unpinned {
            let text = format!("before the {kind} ran, what the repository's refs are at could not be pinned: {why}");
            events.push(Noted { text }.into());
        }
        if !rest.is_empty() {
            let text = format!("while the {kind} ran, {}", listed(&rest, None).join(", "));
            events.push(Noted { text }.into());
        }
        if !harm.is_empty() {
            let changed = listed(&harm, touched.all.as_deref());
            events.push(RepositoryTouched { step: order.step, changed, lost: touched.lost }.into());
        }
        events
    }

    /// Puts refs of the run's own back that somebody took away while it did not work, and tells which commits are gone.
    pub(super) async fn held(&self, order: &Order) -> Result<Vec<Event>, GitError> {
        let Some(place) = self.git_place(order) else { return Ok(Vec::new()) };
        let held = self.git.hold(place.common_dir, order.refs.clone()).await?;
        let mut events: Vec<Event> = Vec::new();
        if !held.back.is_empty() {
            let text = format!("put back, for somebody had deleted or moved them: {}", some(&held.back));
            events.push(Noted { text }.into());
        }
        if !held.lost.is_empty() {
            // What is gone from the trash is missed by nobody but undo.
            let named = |(name, commit): &(String, String)| format!("{name} is gone, and with it {commit}");
            let lost = held.lost.iter().filter(|(name, _)| !name.starts_with("refs/loopdash/trash/"));
            let mut changed: Vec<String> = lost.take(NAMED).map(named).collect();
            if !changed.is_empty() {
                changed.push("retry goes on from what is left".to_owned());
            }
            let lost = held.lost.into_iter().map(|(_, commit)| commit).collect();
            events.push(RepositoryTouched { step: order.step, changed, lost }.into());
        }
        Ok(events)
    }
}

/// The first few of them, and how many more there are.
fn some(names: &[String]) -> String {
    let mut told = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    if names.len() > NAMED {
        told.push(format!("{} more", names.len() - NAMED));
    }
    told.join(", ")
}

fn listed(changes: &[Foreign], all: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = changes.iter().take(NAMED).map(ToString::to_string).collect();
    if changes.len() > NAMED {
        let kept = all.map(|kept| format!(", all of them listed in {kept}:refs")).unwrap_or_default();
        names.push(format!("{} more{kept}", changes.len() - NAMED));
    }
    names
}
