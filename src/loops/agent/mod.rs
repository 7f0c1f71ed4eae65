//! Output of the loops' child processes, made fit for a screen.
//! [`sanitize`] takes raw bytes and gives text and colours.

pub mod sanitize;
mod sgr;

pub use sgr::{SgrState, TextColor, TextStyle};
