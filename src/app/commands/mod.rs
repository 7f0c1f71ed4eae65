//! The commands, one file each. All but the dashboard need no engine: they read and print, and change nothing but what
//! their name says.

pub mod agents;
mod alone;
pub mod clean;
pub mod config;
pub mod dashboard;
pub mod diff;
pub mod doctor;
mod hand;
pub mod init;
pub mod land;
pub mod list;
pub mod log;
pub mod presets;
pub mod print;
pub mod prompt;
pub mod run;
pub mod show;
mod text;
