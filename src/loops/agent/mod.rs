//! Child processes of the loops and their output: started, watched, stopped with all they started, and recorded.
//! The door is [`Supervisor`]; [`transcript`] is what a step printed and [`sanitize`] makes it fit for a screen.

mod circle;
pub mod dialect;
pub mod environment;
mod family;
mod inquiry;
mod launch;
pub mod launched;
mod memory;
pub mod probe;
mod process;
pub mod profile;
pub mod pty;
mod pump;
mod resolve;
pub mod sanitize;
mod sgr;
pub mod shim;
mod signal;
mod step;
pub mod story;
pub mod survivors;
mod tap;
pub mod transcript;
pub mod tree;
pub mod vitals;
pub mod warden;

pub use family::not_an_orphan;
pub use launch::{Cause, Ended, Exit, Input, Ladder, Launch, Leftover, RUN_MARK, STEP_MARK};
pub use process::{Control, Running, Supervisor, find_program};
pub use resolve::{SpawnError, resolve};
pub use sgr::{SgrState, TextColor, TextStyle};
pub use tap::Listen;
