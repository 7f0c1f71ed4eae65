//! Where work lands: branches that move are heard of, and who is held behind a run waits until its work is in its target.
//!
//! Landing is told by content, whoever did it and however: merging the work would change nothing.

use super::handle::Update;
use super::task::{Engine, Inner};
use crate::loops::core::collision::Collisions;
use crate::loops::core::command::Ask;
use crate::loops::core::decide::decide;
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::state::RunState;
use crate::loops::git::moves::{BranchWatch, Moves};
use crate::loops::git::{GitError, Landed, Work};
use std::path::{Path, PathBuf};

/// A target branch and its commit.
type Tip = Option<(String, String)>;

impl Engine {
    /// The branch that a run's work is to land on, if it names one.
    pub(super) fn target_of(&self, run: RunId) -> Option<String> {
        self.fleet.state(run).and_then(|state| state.spec.as_ref()?.base.clone())
    }

    /// Hears of branches that move in this repository from now on.
    pub(super) fn follow_branches(&mut self, common_dir: &Path) {
        if self.branches.is_none() {
            match BranchWatch::new() {
                Ok((watch, moves)) => {
                    self.branches = Some(watch);
                    self.hear_moves(moves);
                }
                Err(error) => return tracing::warn!(%error, "branches are looked at after snapshots only"),
            }
        }
        if let Some(Err(error)) = self.branches.as_mut().map(|watch| watch.follow(common_dir)) {
            tracing::warn!(%error, "branches are looked at after snapshots only");
        }
    }

    fn hear_moves(&self, mut moves: Moves) {
        let inner = self.inner_in.clone();
        tokio::spawn(async move {
            while let Some(common_dir) = moves.next().await {
                if inner.send(Inner::Moved(common_dir)).await.is_err() {
                    break;
                }
            }
        });
    }

    /// A branch may have moved: is it the target of a live run, or has somebody's work landed?
    pub(super) fn branches_moved(&mut self, common_dir: PathBuf) {
        let live: Vec<RunId> = self.fleet.runs.keys().copied().filter(|run| self.works_in(*run, &common_dir)).collect();
        let awaited: Vec<RunId> = self
            .mine(|state| state.behind.is_some())
            .into_iter()
            .filter_map(|run| self.fleet.state(run)?.behind.as_ref().map(|(behind, _)| *behind))
            .collect();
        for over in awaited {
            self.look_if_landed(over);
        }
        if live.is_empty() {
            return;
        }
        let names: Vec<Option<String>> = live.iter().map(|run| self.target_of(*run)).collect();
        let (git, tell) = (self.config.git.clone(), self.inner_in.clone());
        self.tracker.spawn(async move {
            match git.targets(common_dir, names).await {
                // At the very end nobody reads this any more.
                Ok(tips) => drop(tell.send(Inner::Targets(live.into_iter().zip(tips).collect())).await),
                Err(error) => tracing::warn!(%error, "targets not looked at"),
            }
        });
    }

    fn works_in(&self, run: RunId, common_dir: &Path) -> bool {
        self.work_of(run).is_some_and(|(place, _)| place == *common_dir)
    }

    /// Where targets stand now: work is tried again on those that have moved. An agent that commits moves none.
    pub(super) fn targets_seen(&mut self, seen: Vec<(RunId, Tip)>) {
        for (run, tip) in seen {
            let known = self.fleet.collisions.get(&run).and_then(|known| known.landing.as_ref());
            if known.map(|landing| (&landing.branch, &landing.commit))
                == tip.as_ref().map(|(branch, commit)| (branch, commit))
            {
                continue;
            }
            if let Some((place, work)) = self.work_of(run) {
                self.try_to_join(run, place, work, Vec::new());
            }
        }
    }

    /// A run is over: those that were held behind it go on if its work has landed, or there is none to land.
    pub(super) fn look_if_landed(&mut self, over: RunId) {
        let Some(state) = self.fleet.state(over).filter(|state| state.is_finished()) else { return };
        if self.held_behind(over).is_empty() {
            return;
        }
        let work = state.workspace.as_ref().zip(state.last_snapshot()).filter(|_| !state.scrapped);
        let Some((place, snapshot)) = work else { return self.let_go_behind(over) };
        let work = Work { base: place.base.clone(), commit: snapshot.commit.clone() };
        let wish = Landed { common_dir: PathBuf::from(&place.common_dir), work, target: self.target_of(over) };
        // Heard of first, so that nothing falls between.
        self.follow_branches(&wish.common_dir.clone());
        let (git, tell) = (self.config.git.clone(), self.inner_in.clone());
        self.tracker.spawn(async move {
            let found = git.landed(wish).await;
            let _ = tell.send(Inner::Landed(over, found)).await;
        });
    }

    /// What came of that, unless it was reopened meanwhile.
    pub(super) fn landed(&mut self, over: RunId, found: Result<Option<String>, GitError>) {
        if !self.fleet.state(over).is_some_and(RunState::is_finished) {
            return;
        }
        match found {
            Ok(None) => self.let_go_behind(over),
            Ok(Some(branch)) => {
                for run in self.held_behind(over) {
                    self.fleet.collisions.entry(run).or_default().unlanded = Some(branch.clone());
                }
                self.tell(Update::Collisions(self.fleet.collisions.clone()));
            }
            Err(error) => tracing::warn!(run = %over, %error, "whether its work has landed is not known"),
        }
    }

    /// My runs that are held behind this one.
    fn held_behind(&self, other: RunId) -> Vec<RunId> {
        self.mine(|state| state.behind.as_ref().is_some_and(|(behind, _)| *behind == other))
    }

    /// Those that waited for a run go on.
    fn let_go_behind(&mut self, over: RunId) {
        let go_on = Ask::HoldBehind { run: None, label: String::new() };
        for run in self.held_behind(over) {
            if self.has_pending(run) {
                // What is decided of it is journalled first.
                let tell = self.inner_in.clone();
                self.tracker.spawn(async move { drop(tell.send(Inner::Landed(over, Ok(None))).await) });
                continue;
            }
            let events = self.fleet.state(run).map(|state| decide(state, &go_on, Who::Harness));
            if let Some(Ok(events)) = events {
                self.queue(run, events, None);
            }
        }
    }

    /// A run is held behind another one, or no longer: nothing is known of that one's landing.
    pub(super) fn forget_landing(&mut self, run: RunId) {
        let all = &mut self.fleet.collisions;
        if all.get_mut(&run).and_then(|of| of.unlanded.take()).is_some() {
            all.retain(|_, of| *of != Collisions::default());
            self.tell(Update::Collisions(self.fleet.collisions.clone()));
        }
    }
}
