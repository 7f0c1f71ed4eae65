//! Git: worktrees for runs, snapshots of what agents did, and the differences between them.
//! [`Git`] is the door for async code; the functions behind it are plain and blocking.

mod cli;
mod collide;
pub mod diff;
mod door;
mod error;
mod include;
mod land;
mod landed;
mod lock;
pub mod moves;
mod names;
mod paths;
mod pins;
mod refs;
mod remove;
mod repo;
mod scan;
mod scrap;
mod setback;
mod snapshot;
mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod trash;
mod walk;
mod workspace;
mod worktree;

pub use cli::{GitVersion, version};
pub use collide::{Collide, Work, collide, targets};
pub use door::Git;
pub use error::GitError;
pub use include::{Included, LIST as INCLUDE_LIST, include};
pub use land::{Joined, Land, land};
pub use landed::{Landed, landed};
pub use names::{branch_for, slug};
pub use paths::display as display_path;
pub use pins::{Begun, Held, Touched};
pub use refs::{Fate, Foreign, RefsSeen};
pub use remove::remove;
pub use repo::{Head, MINIMUM_GIT, RepoInfo, discover};
pub use scan::{LARGEST_UNTRACKED, Skipped, Why};
pub use scrap::{Scrap, Scrapped, Standing, scrap, standing};
pub use setback::{SetBack, bring_back, set_back};
pub use snapshot::{Snapshot, TakeSnapshot, take};
pub use store::blob_name;
pub use workspace::Workspace;
pub use worktree::{AddWorktree, add, in_place, readd};
