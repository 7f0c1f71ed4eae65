//! Events of what the operator does with a run's worktree as a whole: set back, scrapped, landed, brought back.
//!
//! Each struct is the payload of the [`Event`](super::Event) of its name. What goes is kept under a ref first, and the
//! event names it.

use crate::loops::core::ids::{StepId, Who};
use crate::loops::core::step::StepKind;
use serde::{Deserialize, Serialize};

/// Something to be done to the worktree as a whole, while the run's own work stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chore", rename_all = "snake_case")]
pub enum Chore {
    /// Set it back to what this iteration left; 0 is the base.
    Rewind {
        /// Which.
        iteration: u32,
    },
    /// Remove it, and its branch.
    Scrap {
        /// Whether its name was typed: then it goes although what it holds is nowhere else.
        named: bool,
    },
    /// Put what it holds on its target.
    Land {
        /// Whether what has to be asked about first was: then it goes although tests were weakened, or the run is not done.
        asked: bool,
    },
    /// Bring back what the last rewind, scrap or undo took away.
    Undo,
}

impl Chore {
    /// The step that does it.
    pub const fn step(self) -> StepKind {
        match self {
            Self::Rewind { .. } => StepKind::Rewind,
            Self::Scrap { .. } => StepKind::Scrap,
            Self::Land { .. } => StepKind::Land,
            Self::Undo => StepKind::Restore,
        }
    }
}

/// Someone wants it done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoreAsked {
    /// What.
    #[serde(flatten)]
    pub chore: Chore,
    /// Who.
    pub who: Who,
}

/// Where content is kept that was taken from the worktree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trashed {
    /// The ref, under `refs/loopdash/trash/<run>/`.
    pub name: String,
    /// Its commit.
    pub commit: String,
    /// Where the branch was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Paths that could not be kept, each with the reason. They were left where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// The worktree is what an iteration had left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewound {
    /// By which step.
    pub step: StepId,
    /// The iteration; 0 is the base.
    pub iteration: u32,
    /// The commit whose content the worktree has.
    pub commit: String,
    /// What it held before; absent only if it was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash: Option<Trashed>,
}

/// The worktree is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrapped {
    /// By which step; absent for `loopdash clean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// What it held; absent only if it was gone, and its branch, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash: Option<Trashed>,
    /// Why the branch is still there, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_left: Option<String>,
}

/// The work is joined with its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// By which step; absent for `loopdash land`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// The branch.
    pub target: String,
    /// The commit that holds both.
    pub commit: String,
    /// Files that it changes on the target; 0 when the target had them all.
    pub files: u32,
    /// Where it waits to be taken over by hand, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
}

/// A commit for a branch that is checked out, where only its owner may move it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// The ref that keeps the commit.
    pub name: String,
    /// Where the branch is checked out.
    pub checkout: String,
}

/// The work and its target have changed the same places; both are as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeConflicted {
    /// By which step; absent for `loopdash land`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// The branch.
    pub target: String,
    /// Its commit.
    pub commit: String,
    /// The files.
    pub files: Vec<String>,
}

/// The worktree is again what it was before the last rewind, scrap or undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// By which step.
    pub step: StepId,
    /// The commit whose content the worktree has.
    pub commit: String,
    /// What it held before; absent if it had to be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash: Option<Trashed>,
}
