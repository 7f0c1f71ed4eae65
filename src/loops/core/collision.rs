//! Where the work of one run meets that of another, or what its target has become meanwhile: files that both sides have
//! changed, and which of them no merge can join.
//!
//! Worked out after each snapshot and lost without harm: nothing of a run's state hangs on it.

use super::ids::RunId;
use std::collections::BTreeMap;

/// Files of a meeting that are named; the others are counted.
pub const MOST_FILES: usize = 100;

/// A file that both sides have changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// Its path, escaped for reading.
    pub path: String,
    /// Places in it that a merge cannot join; 0 where it joins all of it.
    pub places: u32,
}

/// What two sides have changed both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meeting {
    /// The files, those that do not merge first, at most [`MOST_FILES`].
    pub files: Vec<Clash>,
    /// How many more there are.
    pub more: usize,
}

impl Meeting {
    /// A meeting in these files.
    pub fn new(mut files: Vec<Clash>) -> Self {
        files.sort_by(|a, b| (a.places == 0).cmp(&(b.places == 0)).then_with(|| a.path.cmp(&b.path)));
        let more = files.len().saturating_sub(MOST_FILES);
        files.truncate(MOST_FILES);
        Self { files, more }
    }

    /// Whether the sides have nothing in common.
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files that do not merge.
    pub fn conflicts(&self) -> impl Iterator<Item = &Clash> {
        self.files.iter().filter(|clash| clash.places > 0)
    }

    /// Whether a merge would stop.
    pub fn stops(&self) -> bool {
        self.conflicts().next().is_some()
    }
}

/// A merge of a run into its target that was tried in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The target branch.
    pub branch: String,
    /// The commit that it was at.
    pub commit: String,
    /// What both have changed.
    pub meeting: Meeting,
}

/// What is known of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collisions {
    /// The live runs of its repository that changed what it changed.
    pub with: BTreeMap<RunId, Meeting>,
    /// Its merge into its target; `None` where there is no such branch, or nothing is known yet.
    pub landing: Option<Landing>,
}

impl Collisions {
    /// Whether a merge would stop, with another run or into the target.
    pub fn stops(&self) -> bool {
        self.with.values().any(Meeting::stops) || self.landing.as_ref().is_some_and(|landing| landing.meeting.stops())
    }
}
