//! Names of failed tests, as many and as long as are kept.
//!
//! They come from programs, go into the journal, and are compared with those of another run of the same gate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Names that are kept of one run of a gate; what is beyond them is counted only.
pub const MOST_NAMES: usize = 200;
/// Bytes of a name that are kept. A longer one ends in a checksum of the whole, so that two do not become one.
pub const LONGEST_NAME: usize = 240;

/// Names beyond those of which a checksum is kept.
const MOST_SUMS: usize = 50_000;

/// Names in the order in which they were told.
#[derive(Debug, Default)]
pub(super) struct Names {
    kept: Vec<String>,
    /// Checksums of the others, with how many have each.
    rest: BTreeMap<u64, u32>,
    /// Whether there were too many even for that.
    lost: bool,
}

impl Names {
    /// Keeps a name, one of several of the same included: two crates may have a test of one name.
    pub(super) fn push(&mut self, name: &str) {
        self.keep(fit(name));
    }

    fn keep(&mut self, name: String) {
        if self.kept.len() < MOST_NAMES {
            self.kept.push(name);
        } else {
            self.add(checksum(&name), 1);
        }
    }

    fn add(&mut self, sum: u64, more: u32) {
        if self.rest.len() < MOST_SUMS {
            let count = self.rest.entry(sum).or_default();
            *count = count.saturating_add(more);
        } else {
            self.lost = true;
        }
    }

    /// Keeps a name that the runner may tell again at its end.
    pub(super) fn push_once(&mut self, name: &str) {
        let name = fit(name);
        if !self.kept.contains(&name) && !self.rest.contains_key(&checksum(&name)) {
            self.keep(name);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len() + self.rest.values().map(|count| *count as usize).sum::<usize>()
    }

    pub(super) fn append(&mut self, more: Self) {
        more.kept.into_iter().for_each(|name| self.keep(name));
        more.rest.into_iter().for_each(|(sum, count)| self.add(sum, count));
        self.lost |= more.lost;
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What stands for all names, where more were told than are kept.
    pub(super) fn all(&self) -> Option<String> {
        (!self.rest.is_empty() && !self.lost).then(|| sum_of(&self.kept, &self.rest))
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.kept
    }
}

/// A checksum of names in any order: these, and some of which only the checksums are there.
pub(super) fn sum_of(names: &[String], rest: &BTreeMap<u64, u32>) -> String {
    let rest = rest.iter().flat_map(|(sum, count)| std::iter::repeat_n(*sum, *count as usize));
    let mut sums: Vec<u64> = names.iter().map(|name| checksum(name)).chain(rest).collect();
    sums.sort_unstable();
    let text: String = sums.iter().map(|sum| format!("{sum:016x}")).collect();
    format!("{:016x}", checksum(&text))
}

/// FNV-1a: the same in every build, as what it gives goes into the journal.
fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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
        assert_eq!(names.len(), 1_003);
        let names = names.into_vec();
        assert_eq!(names.len(), MOST_NAMES);
        assert!(names.iter().all(|name| name.len() <= LONGEST_NAME && !name.contains(char::is_control)), "{names:?}");
        assert_ne!(names[0], names[1]);
        assert_eq!(names[2], "x [2J y");
    }

    #[test]
    fn a_checksum_stands_for_all_in_any_order() {
        let of = |numbers: &mut dyn Iterator<Item = u32>| {
            let mut names = Names::default();
            numbers.for_each(|n| names.push_once(&format!("t{n}")));
            (names.len(), names.all())
        };
        assert_eq!(of(&mut (0..200)), (200, None));
        let all = of(&mut (0..250));
        assert_eq!(all, of(&mut (0..250).rev()));
        assert_eq!(all, of(&mut (0..250).chain(0..250)), "what is told again is the same");
        assert_ne!(all, of(&mut (5..255)), "five others fail");
    }
}
