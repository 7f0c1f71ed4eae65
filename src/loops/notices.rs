//! Notices of the file system: [`watcher`] makes what hears them, or says that the system has no room for it.
//!
//! `notify` hears on a thread of its own, and aborts the process where that thread cannot be started.

use notify::{Event, RecommendedWatcher};

/// A watcher that hands what it hears to `hear`.
///
/// # Errors
/// No thread, no descriptor or no watch is left.
pub(super) fn watcher(hear: impl FnMut(notify::Result<Event>) + Send + 'static) -> notify::Result<RecommendedWatcher> {
    // One that comes and goes tells whether the next one can be started.
    let probe = std::thread::Builder::new().name("room".to_owned()).spawn(|| ()).map_err(notify::Error::io)?;
    let _ = probe.join();
    notify::recommended_watcher(hear)
}
