//! Without a screen: the same engine, its events as lines on standard output, and an exit status by outcome.
//!
//! [`session`](session()) is the whole of it; [`follow`](follow()) prints and waits, and what it prints is a
//! [`Printer`]'s business.

mod follow;
mod interrupt;
pub mod outcome;
mod output;
pub mod parting;
mod printer;
mod session;
pub mod words;

pub use follow::{FollowError, Followed, Following, follow};
pub use printer::{Gone, Printer, Style};
pub use session::{Patience, Resumed, SessionError, Work, session};
