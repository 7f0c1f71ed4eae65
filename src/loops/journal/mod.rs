//! The journal: each run's append-only `journal.jsonl`, the only truth about it, and what is derived from it.
//!
//! [`store::Store`] knows where things lie, [`append::JournalWriter`] owns and writes one run's journal, [`replay`] and
//! [`follow`] read it, and [`summary`] and [`report`] write what a finished run leaves behind. All of it blocks on the
//! disk: call it off the async threads. The format is in `docs/journal.md`.

pub mod append;
mod atomic;
pub mod error;
pub mod fleet;
pub mod follow;
#[cfg(test)]
mod golden;
pub mod index;
mod line;
pub mod owner;
pub mod replay;
pub mod report;
pub mod store;
pub mod summary;
mod tail;
#[cfg(test)]
mod testing;
pub mod watch;
mod withheld;

pub use append::{JournalWriter, is_milestone};
pub(super) use atomic::replace;
pub use error::JournalError;
pub use follow::Follower;
pub use line::MAX_LINE;
pub use owner::{Lock, Owner, lock_of};
pub use replay::{Extent, Replay, Torn, read, replay_into};
pub use store::{RunDir, Store};
