//! loopdash: mission control for coding-agent loops.
//!
//! Three layers, checked by a test: [`loops`] is the engine and knows no terminal, [`widgets`] are pixels and know no
//! loops, [`app`] composes them.

pub mod app;
pub mod loops;
pub mod widgets;
