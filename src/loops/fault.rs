//! Faults on demand: `LOOPDASH_FAULT=WHAT:PLACE` breaks loopdash at a place, so that a test can see what that leaves
//! behind. Without the variable each place is a look at a constant.
//!
//! WHAT is `panic`, `abort`, `segv`, `eio`, `enospc` or `tear`. `PLACE@3` breaks the third time only, `PLACE@3+` from then
//! on, `PLACE` each time. `tear5` lets two lines and a half of what is written there come to the disk.

use rustix::io::Errno;
use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    what: String,
    place: String,
    time: Option<u32>,
    /// Whether it lasts.
    on: bool,
}

impl Asked {
    fn read(text: &str) -> Option<Self> {
        let (what, place) = text.split_once(':')?;
        let (place, time) = place.split_once('@').map_or((place, None), |(place, time)| (place, Some(time)));
        let on = time.is_some_and(|time| time.ends_with('+'));
        let time = time.map(|time| time.trim_end_matches('+').parse()).transpose().ok()?;
        Some(Self { what: what.to_owned(), place: place.to_owned(), time, on })
    }
}

static ASKED: LazyLock<Option<Asked>> = LazyLock::new(|| Asked::read(&std::env::var("LOOPDASH_FAULT").ok()?));
static TIMES: AtomicU32 = AtomicU32::new(0);

/// What is to break here and now.
fn due(place: &str) -> Option<&'static str> {
    let asked = ASKED.as_ref().filter(|asked| asked.place == place)?;
    let now = TIMES.fetch_add(1, Ordering::Relaxed) + 1;
    asked.time.is_none_or(|time| time == now || (asked.on && time < now)).then_some(asked.what.as_str())
}

/// Ends the program here if that was asked for.
pub fn at(place: &str) {
    match due(place) {
        Some("panic") => panic_at(place),
        Some("abort") => std::process::abort(),
        // More than once: the first is taken by the handler that looks for stack overflows.
        Some("segv") => loop {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::SEGV);
        },
        _ => {}
    }
}

#[expect(clippy::panic, reason = "it is what the fault consists of")]
fn panic_at(place: &str) {
    panic!("a fault was asked for at {place}");
}

/// Fails as the system would if that was asked for.
///
/// # Errors
/// The one that was asked for.
pub fn io(place: &str) -> io::Result<()> {
    match due(place) {
        Some("panic") => {
            panic_at(place);
            Ok(())
        }
        Some("eio") => Err(Errno::IO.into()),
        Some("enospc") => Err(Errno::NOSPC.into()),
        _ => Ok(()),
    }
}

/// How much of this is to be written before the program is aborted, if that was asked for: so many halves of lines. `None`
/// as well where it has fewer.
pub fn torn<'a>(place: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    part(due(place)?.strip_prefix("tear")?.parse().ok()?, bytes)
}

fn part(halves: usize, bytes: &[u8]) -> Option<&[u8]> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let ends: Vec<usize> = std::iter::once(0).chain(ends).collect();
    let line = halves / 2;
    let from = *ends.get(line)?;
    let to = if halves.is_multiple_of(2) { from } else { usize::midpoint(from, *ends.get(line + 1)?) };
    bytes.get(..to)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_what_where_and_when() {
        let asked =
            |what: &str, place: &str, time| Some(Asked { what: what.into(), place: place.into(), time, on: false });
        assert_eq!(Asked::read("panic:key"), asked("panic", "key", None));
        assert_eq!(Asked::read("eio:journal.sync@3"), asked("eio", "journal.sync", Some(3)));
        let lasting = Asked::read("eio:journal.sync@3+").unwrap();
        assert!(lasting.on && lasting.time == Some(3));
        assert_eq!(Asked::read("eio:journal.sync@soon"), None);
        assert_eq!(Asked::read("eio"), None);
        assert!(io("journal.sync").is_ok(), "nothing was asked for");
    }

    #[test]
    fn a_tear_takes_halves_of_lines() {
        let parts: Vec<_> = (0..6).map(|halves| part(halves, b"abc\ndefgh\n")).collect();
        let wanted = ["", "ab", "abc\n", "abc\ndef", "abc\ndefgh\n"].map(|text| Some(text.as_bytes()));
        assert_eq!(parts[..5], wanted);
        assert_eq!(parts[5], None);
    }
}
