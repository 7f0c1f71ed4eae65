//! Faults on demand: `LOOPDASH_FAULT=panic:PLACE` breaks the dashboard at a place, so that a test can see what a panic
//! leaves behind. Without the variable [`at`] is a look at a constant.

use std::sync::LazyLock;

static ASKED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("LOOPDASH_FAULT").ok());

/// Breaks here if that was asked for.
#[expect(clippy::panic, reason = "it is what the fault consists of")]
pub(super) fn at(place: &str) {
    if ASKED.as_ref().is_some_and(|asked| asked.strip_prefix("panic:") == Some(place)) {
        panic!("a fault was asked for at {place}");
    }
}
