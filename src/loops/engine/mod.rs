//! The engine: one task that owns the truth about a fleet, and the steps that it spawns.
//!
//! [`start`] gives a [`Handle`]; front ends send requests through it and fold what they hear. Inside, [`task`] commits
//! events, asks the pure core what comes next, and hands [`order::Order`]s to [`report::Steps`].

mod alerts;
mod baseline;
mod brief;
mod budget;
mod collisions;
pub mod handle;
mod holds;
mod intake;
mod landing;
mod ledger;
pub mod order;
mod others;
mod prepare;
pub mod report;
mod settle;
mod slots;
mod steady;
mod task;
mod testfile;
#[cfg(test)]
mod tests;
mod unwritten;
pub mod workshop;

pub use alerts::{Eye, system_eye};
pub use handle::{Accepted, Handle, Subscription, Update};
pub use task::{Clock, Config, Running, Startup, start, system_clock};
