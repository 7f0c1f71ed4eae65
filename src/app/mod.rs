//! Composition: command line, configuration, log, and the screens over the engine.

pub mod boot;
pub mod config;
pub mod demo;
