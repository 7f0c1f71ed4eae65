//! Configuration: what may be written, where it is read from, what is wrong with it, and the loops it describes.
//!
//! [`load`] reads the layers, [`resolve`] and [`for_run`] make [`crate::loops::core::spec::LoopSpec`]s of them.

mod agent;
mod check;
mod diagnostics;
mod file;
mod hooks;
mod init;
mod layers;
mod listing;
mod notify;
mod origin;
mod preset;
mod request;
mod resolve;
mod schema;
mod shelf;
pub mod stuck;
#[cfg(test)]
mod tests;
mod validate;

pub use agent::{Agent, Dollars, Price};
pub use diagnostics::{Place, Problem, Problems, Source, nearest, visible};
pub use file::{Config, Engine, Gate, Loop, LoopLimits, NO_CRITIC, OnHangup, OnStart, Ui, Words};
pub use hooks::Hooks;
pub use init::{INIT_TEXT, InitError, write_init};
pub use layers::{LoadOptions, Loaded, PROJECT_FILE, load, project_file, repository_root, user_file};
pub use listing::listing;
pub use notify::Notify;
pub use origin::{Layer, Origin, Origins, child, element, quoted};
pub use preset::{PRESET_FILE, Preset, PresetSource, preset_schema};
pub use request::{PROMPT_FILE, RunRequest, Standing, for_run};
pub use resolve::resolve;
pub use schema::{config_schema, schema_of};
pub use shelf::{REPOSITORY_PRESETS, Shelf, Shelved};
