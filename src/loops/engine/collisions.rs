//! Where live runs of one repository get in each other's way, and their target's: worked out beside the engine's task
//! after each snapshot.
//!
//! What is found is derived and not journalled; that a merge began to stop, or no longer does, is told once as a note.

use super::handle::Update;
use super::task::{Engine, Inner};
use crate::loops::core::collision::{Collisions, Landing, Meeting};
use crate::loops::core::event::Noted;
use crate::loops::core::ids::RunId;
use crate::loops::git::{Collide, GitError, Work};
use std::path::PathBuf;

/// Files that a note names.
const NAMED: usize = 3;

/// What came of a look.
pub(super) struct Collided {
    /// Looks are numbered as they begin: a later one saw a later target.
    number: u64,
    run: RunId,
    work: Work,
    others: Vec<(RunId, Work)>,
    found: Result<(Vec<Meeting>, Option<Landing>), GitError>,
}

impl Engine {
    /// Looks what a run's work meets now. One that is not live, or has no snapshot yet, meets nothing.
    pub(super) fn look_for_collisions(&mut self, run: RunId) {
        let Some((place, work)) = self.work_of(run) else { return };
        self.follow_branches(&place);
        let others: Vec<(RunId, Work)> = self
            .fleet
            .runs
            .keys()
            .filter(|other| **other != run)
            .copied()
            .filter_map(|other| {
                let (its_place, work) = self.work_of(other)?;
                (its_place == place).then_some((other, work))
            })
            .collect();
        self.try_to_join(run, place, work, others);
    }

    /// Tries to merge a run's work with these others', and into its target.
    pub(super) fn try_to_join(&mut self, run: RunId, place: PathBuf, work: Work, others: Vec<(RunId, Work)>) {
        let target = self.target_of(run);
        self.looks += 1;
        let number = self.looks;
        let wish = Collide {
            common_dir: place,
            mine: work.clone(),
            others: others.iter().map(|(_, work)| work.clone()).collect(),
            target,
        };
        let (git, tell) = (self.config.git.clone(), self.inner_in.clone());
        self.tracker.spawn(async move {
            let found = git.collide(wish).await;
            // At the very end nobody reads this any more: the channel is closed then.
            let _ = tell.send(Inner::Collided(Box::new(Collided { number, run, work, others, found }))).await;
        });
    }

    /// Looks at all live runs, those of others included.
    pub(super) fn look_for_all_collisions(&mut self) {
        for run in self.fleet.runs.keys().copied().collect::<Vec<_>>() {
            self.look_for_collisions(run);
        }
    }

    /// Takes what a look has found, unless there is a newer snapshot.
    pub(super) fn collided(&mut self, collided: Collided) {
        let Collided { number, run, work, others, found } = collided;
        let is_current =
            |engine: &Self, run: RunId, work: &Work| engine.work_of(run).is_some_and(|(_, now)| now == *work);
        if !is_current(self, run, &work) {
            return;
        }
        let (meetings, landing) = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%run, %error, "collisions not worked out");
                return;
            }
        };
        for ((other, at), meeting) in others.into_iter().zip(meetings) {
            // A newer snapshot of the other has a look of its own.
            if is_current(self, other, &at) {
                self.met(run, other, &meeting);
                self.met(other, run, &meeting);
            }
        }
        // An earlier look may come back later.
        let last = self.landings.entry(run).or_default();
        if *last > number {
            return self.tell(Update::Collisions(self.fleet.collisions.clone()));
        }
        *last = number;
        let known = self.fleet.collisions.entry(run).or_default();
        let before = known.landing.take().is_some_and(|landing| landing.meeting.stops());
        if let Some(landing) = &landing {
            let note = edge(before, &landing.meeting, &format!("branch {}", landing.branch));
            known.landing = Some(landing.clone());
            self.note(run, note);
        }
        self.tell(Update::Collisions(self.fleet.collisions.clone()));
    }

    /// A run meets another one so.
    fn met(&mut self, run: RunId, other: RunId, meeting: &Meeting) {
        let name = self.fleet.state(other).map_or_else(|| other.short(), |state| state.label.clone());
        let with = &mut self.fleet.collisions.entry(run).or_default().with;
        let before = with.remove(&other).is_some_and(|meeting| meeting.stops());
        if !meeting.is_empty() {
            with.insert(other, meeting.clone());
        }
        self.note(run, edge(before, meeting, &name));
    }

    fn note(&mut self, run: RunId, text: Option<String>) {
        if let Some(text) = text.filter(|_| self.ledger.owns(run)) {
            self.queue(run, vec![Noted { text }.into()], None);
        }
    }

    /// A run is over: it meets nothing any more.
    pub(super) fn forget_collisions(&mut self, run: RunId) {
        self.landings.remove(&run);
        let all = &mut self.fleet.collisions;
        let known =
            all.remove(&run).is_some() | all.values_mut().fold(false, |any, of| of.with.remove(&run).is_some() | any);
        if known {
            all.retain(|_, of| *of != Collisions::default());
            self.tell(Update::Collisions(self.fleet.collisions.clone()));
        }
    }

    /// Whether a run may wait for another one: it is there, has not ended, and does not wait for this one itself.
    pub(super) fn may_wait(&self, run: RunId, other: RunId) -> Result<(), String> {
        let mut next = self.fleet.state(other).filter(|state| !state.is_finished());
        if next.is_none() {
            return Err("that run has ended".to_owned());
        }
        // No longer than there are runs, whatever a journal says.
        for _ in 0..self.fleet.runs.len() {
            match next.and_then(|state| state.behind.as_ref()) {
                Some((behind, _)) if *behind == run => return Err("that run waits for this one".to_owned()),
                Some((behind, _)) => next = self.fleet.state(*behind),
                None => break,
            }
        }
        Ok(())
    }

    /// A live run's repository and its work so far.
    pub(super) fn work_of(&self, run: RunId) -> Option<(PathBuf, Work)> {
        let state = self.fleet.state(run).filter(|state| !state.is_finished())?;
        let place = state.workspace.as_ref()?;
        let commit = state.last_snapshot()?.commit.clone();
        Some((PathBuf::from(&place.common_dir), Work { base: place.base.clone(), commit }))
    }
}

/// What there is to say when a merge begins to stop, or no longer does.
fn edge(before: bool, now: &Meeting, with: &str) -> Option<String> {
    match (before, now.stops()) {
        (false, true) => {
            let places: u32 = now.conflicts().map(|clash| clash.places).sum();
            let files: Vec<&str> = now.conflicts().take(NAMED).map(|clash| clash.path.as_str()).collect();
            let more = now.conflicts().count().saturating_sub(files.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let places = if places == 1 { "1 place".to_owned() } else { format!("{places} places") };
            Some(format!("its work does not merge with {with}: {places} in {}{more}", files.join(", ")))
        }
        (true, false) => Some(format!("its work merges with {with} again")),
        _ => None,
    }
}
