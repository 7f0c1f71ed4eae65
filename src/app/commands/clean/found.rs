//! What could be removed: found in the state directory and the repositories that its runs name.
//!
//! Only looks; whatever cannot be looked at is left where it is, and told.

use super::since_seconds;
use crate::app::cli::exit::Failure;
use crate::app::commands::text::line;
use crate::loops::core::event::Chore;
use crate::loops::core::ids::{Millis, RunId};
use crate::loops::core::state::RunState;
use crate::loops::engine::workshop::git_workspace;
use crate::loops::git::trash::{self, Kept};
use crate::loops::git::{GitError, standing};
use crate::loops::journal::index::{Scan, scan};
use crate::loops::journal::{Lock, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What is to go.
#[derive(Debug)]
pub(super) enum What {
    /// A worktree and its branch.
    Worktree,
    /// A run's directory, and its snapshots in this repository.
    Run {
        /// The repository's git directory, where the run had got so far.
        common_dir: Option<PathBuf>,
    },
    /// What is left of a run's directory whose removal was cut short.
    Half {
        /// Where that lies.
        aside: PathBuf,
    },
    /// Content that was kept when something else went.
    Trash {
        /// The repository's git directory.
        common_dir: PathBuf,
        /// The refs.
        kept: Vec<Kept>,
    },
}

impl What {
    /// The word for the list.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Run { .. } | Self::Half { .. } => "run",
            Self::Trash { .. } => "trash",
        }
    }
}

/// Something that may go.
#[derive(Debug)]
pub(super) struct Item {
    /// What.
    pub(super) what: What,
    /// Whose; none for trash of a run that is gone.
    pub(super) run: Option<RunId>,
    /// What lists call the run.
    pub(super) label: String,
    /// The last event of its journal when it was looked at.
    pub(super) seq: u64,
    /// What it takes on disk; of trash, what [`trash::size`] says.
    pub(super) bytes: u64,
    /// Milliseconds since anything happened to it.
    pub(super) age: u64,
    /// Why it may go.
    pub(super) why: String,
    /// Why its name has to be typed.
    pub(super) unsafe_because: Option<&'static str>,
}

/// All of it, and what stays although it is old.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) left: Vec<String>,
}

/// Looks for what is older than `older_than` milliseconds, in the repository `here`, too.
pub(super) fn look(store: &Store, here: Option<PathBuf>, older_than: u64, now: Millis) -> Result<Found, Failure> {
    let scans = scan(store).map_err(|error| Failure::Data(error.to_string()))?;
    let mut found = Found::default();
    for run in store.half_removed().map_err(|error| Failure::Data(error.to_string()))? {
        let aside = store.run_dir(run).aside();
        let touched = aside.metadata().and_then(|found| found.modified()).ok();
        let touched = touched.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
        found.items.push(Item {
            run: None,
            label: run.short(),
            seq: 0,
            bytes: size_of(&aside),
            age: since_seconds(i64::try_from(touched).unwrap_or(i64::MAX), now),
            why: "its removal was cut short".to_owned(),
            unsafe_because: None,
            what: What::Half { aside },
        });
    }
    let mut repositories: BTreeSet<PathBuf> = here.into_iter().collect();
    let mut live: BTreeMap<String, &RunState> = BTreeMap::new();
    for scan in &scans {
        repositories.extend(scan.state.workspace.as_ref().map(|place| PathBuf::from(&place.common_dir)));
        // What undo would bring back of it is not known before its removal is finished.
        if !is_over(scan) || scan.state.chore.is_some() {
            live.insert(scan.dir.run().to_string(), &scan.state);
        }
        let age = now.since(scan.state.updated);
        match &scan.result {
            Err(error) => found.left.push(format!("run {}, for it cannot be read: {error}", scan.dir.run().short())),
            Ok(_) if is_over(scan) && (age >= older_than || scan.state.chore.is_some()) => found.add(scan, age),
            Ok(_) => {}
        }
    }
    for common_dir in repositories {
        let kept = match trash::list(&common_dir) {
            Ok(kept) => kept,
            Err(error) if common_dir.exists() => {
                found.left.push(format!("trash in {}: {error}", common_dir.display()));
                continue;
            }
            Err(_) => continue,
        };
        let mut old: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
        for one in kept {
            if since_seconds(one.at, now) >= older_than && !live.contains_key(&one.run) {
                old.entry(one.run.clone()).or_default().push(one);
            }
        }
        for (run, kept) in old {
            let state = scans.iter().find(|scan| scan.dir.run().to_string() == run).map(|scan| &scan.state);
            let refs = kept.len();
            let age = kept.iter().map(|one| since_seconds(one.at, now)).min().unwrap_or_default();
            found.items.push(Item {
                run: state.map(|state| state.id),
                label: state.map_or_else(|| run.chars().take(8).collect(), |state| state.label.clone()),
                seq: state.map_or(0, |state| state.seq),
                bytes: trash::size(&common_dir, &kept, base_of(state)),
                age,
                why: format!("content kept {refs} times; undo cannot bring it back afterwards"),
                unsafe_because: None,
                what: What::Trash { common_dir: common_dir.clone(), kept },
            });
        }
    }
    Ok(found)
}

/// Whether a run has ended and nobody has it in hand.
fn is_over(scan: &Scan) -> bool {
    let free = matches!(scan.lock, Lock::Free);
    let whole = scan.result.as_ref().is_ok_and(|extent| extent.newer.is_none());
    // A directory whose loopdash died before its first event holds no run.
    free && whole && (scan.state.is_finished() || scan.state.spec.is_none())
}

impl Found {
    /// A worktree that is there goes first; the directory of its run goes when it has been gone for as long.
    fn add(&mut self, scan: &Scan, age: u64) {
        let state = &scan.state;
        let place = state.workspace.as_ref().filter(|place| !place.in_place);
        let outcome = state.outcome.as_ref().map_or("never begun", |(outcome, _)| outcome.word());
        let item = |what: What, bytes, why: String, unsafe_because| Item {
            what,
            run: Some(state.id),
            label: state.label.clone(),
            seq: state.seq,
            bytes,
            age,
            why,
            unsafe_because,
        };
        if let Some(place) = place {
            let workspace = git_workspace(state.id, place);
            let there = match workspace.check() {
                Ok(()) => true,
                Err(GitError::WorktreeGone { .. }) => false,
                Err(error) => {
                    self.left.push(format!("{}: {error}", line(&state.label)));
                    return;
                }
            };
            let cut_short = match state.chore {
                None => None,
                Some(Chore::Scrap { named }) => Some(named),
                Some(chore) => {
                    let word = chore.step().word();
                    self.left
                        .push(format!("{}: its {word} was cut short; the dashboard finishes it", line(&state.label)));
                    return;
                }
            };
            // One that went without loopdash is scrapped like one that is there: what is left of it, its branch and its
            // last snapshot, may be all there is. From then on it counts as gone.
            if there || !state.scrapped {
                match standing(&workspace, state.last_commit()) {
                    Ok(standing) => {
                        let gone = if there { "" } else { ", and its worktree is gone" };
                        let why = format!("{outcome}, {}{gone}", standing.words());
                        let why = cut_short.map_or(why, |_| "its removal was cut short".to_owned());
                        let named = (!standing.is_safe() && cut_short != Some(true)).then_some(standing.words());
                        self.items.push(item(What::Worktree, size_of(&workspace.path), why, named));
                    }
                    Err(error) => self.left.push(format!("{}: {error}", line(&state.label))),
                }
                return;
            }
        }
        let common_dir = state.workspace.as_ref().map(|place| PathBuf::from(&place.common_dir));
        let common_dir = common_dir.filter(|path| path.exists());
        let why = format!("{outcome}, and its worktree is gone");
        let why = if state.workspace.as_ref().is_some_and(|place| place.in_place) { outcome.to_owned() } else { why };
        self.items.push(item(What::Run { common_dir }, size_of(scan.dir.path()), why, None));
    }
}

/// The commit that the trash of a run is measured against.
fn base_of(state: Option<&RunState>) -> Option<&str> {
    state?.workspace.as_ref().map(|place| place.base.as_str())
}

/// What a directory takes, links not followed; what cannot be read counts nothing.
fn size_of(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_of(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
