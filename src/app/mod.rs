//! Composition: command line, configuration, log, and the screens over the engine.

pub mod config;
pub mod demo;
