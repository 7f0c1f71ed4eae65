//! Names of failed tests, as many and as long as are kept.
//!
//! They come from programs, go into the journal, and are compared with those of another run of the same gate.

use std::fmt::Write as _;

/// Names that are kept of one run of a gate; what is beyond them is counted only.
pub const MOST_NAMES: usize = 200;
/// Bytes of a name that are kept. A longer one ends in a checksum of the whole, so that two do not become one.
pub const LONGEST_NAME: usize = 240;

/// Names in the order in which they were told.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Keeps a name, one of several of the same included: two crates may have a test of one name.
    pub(super) fn push(&mut self, name: &str) {
        if self.0.len() < MOST_NAMES {
            self.0.push(fit(name));
        }
    }

    /// Keeps a name that the runner may tell again at its end.
    pub(super) fn push_once(&mut self, name: &str) {
        if self.0.len() < MOST_NAMES {
            let name = fit(name);
            if !self.0.contains(&name) {
                self.0.push(name);
            }
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn append(&mut self, more: Self) {
        self.0.extend(more.0);
        self.0.truncate(MOST_NAMES);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.0
    }
}

/// A name on one line, without control characters, cut where it is too long.
fn fit(name: &str) -> String {
    let name = name.trim();
    let mut text: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() > LONGEST_NAME {
        text.truncate(text.floor_char_boundary(LONGEST_NAME - 12));
        let _ = write!(text, "…{:08x}", crc32c::crc32c(name.as_bytes()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_stay_different() {
        let mut names = Names::default();
        let long = "é".repeat(500);
        names.push(&format!("{long}a"));
        names.push(&format!("{long}b"));
        names.push("x\u{1b}[2J\ny");
        for n in 0..1_000 {
            names.push(&format!("t{n}"));
        }
        let names = names.into_vec();
        assert_eq!(names.len(), MOST_NAMES);
        assert!(names.iter().all(|name| name.len() <= LONGEST_NAME && !name.contains(char::is_control)), "{names:?}");
        assert_ne!(names[0], names[1]);
        assert_eq!(names[2], "x [2J y");
    }
}
