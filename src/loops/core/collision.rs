//! Where the work of one run meets that of another, or what its target has become meanwhile: files that both sides have
//! changed, and which of them no merge can join.
//!
//! Worked out after each snapshot and lost without harm: nothing of a run's state hangs on it.

use super::ids::RunId;
use std::collections::BTreeMap;

/// Files of a meeting that are named; the others are counted.
pub const MOST_FILES: usize = 100;
/// Stretches of a file that are named; the others are counted.
pub const MOST_STRETCHES: usize = 8;
/// Unchanged lines between two changes that are neighbours still.
const NEAR: u32 = 3;

/// Some lines of a file as it was before either side changed it, counted from 1, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lines {
    /// The first.
    pub from: u32,
    /// The last.
    pub to: u32,
}

impl std::fmt::Display for Lines {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.from == self.to { write!(out, "{}", self.from) } else { write!(out, "{}-{}", self.from, self.to) }
    }
}

/// Where changes of one side lie over or beside changes of the other: what both changed, or the lines from one to the
/// other. Both lists are in the order of the file.
pub fn stretches(mine: &[Lines], theirs: &[Lines]) -> Vec<Lines> {
    let mut met: Vec<Lines> = Vec::new();
    let (mut left, mut right) = (mine.iter().peekable(), theirs.iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let (last_from, first_to) = (a.from.max(b.from), a.to.min(b.to));
        if last_from <= first_to.saturating_add(NEAR + 1) {
            let both = Lines { from: last_from.min(first_to), to: last_from.max(first_to) };
            match met.last_mut() {
                Some(last) if both.from <= last.to.saturating_add(1) => last.to = last.to.max(both.to),
                _ => met.push(both),
            }
        }
        if a.to <= b.to {
            left.next()
        } else {
            right.next()
        };
    }
    met
}

/// A file that both sides have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// Its path, escaped for reading.
    pub path: String,
    /// Places in it that a merge cannot join; 0 where it joins all of it.
    pub places: u32,
    /// Where both sides work at the same lines or at neighbouring ones, at most [`MOST_STRETCHES`]; none where a whole file
    /// is in question, or where they are far apart.
    pub lines: Vec<Lines>,
    /// How many more stretches there are.
    pub more: usize,
}

impl Clash {
    /// A file of which nothing more is known.
    pub const fn new(path: String, places: u32) -> Self {
        Self { path, places, lines: Vec::new(), more: 0 }
    }

    /// The same, with where in it the sides meet.
    pub fn at(mut self, mut lines: Vec<Lines>) -> Self {
        self.more = lines.len().saturating_sub(MOST_STRETCHES);
        lines.truncate(MOST_STRETCHES);
        self.lines = lines;
        self
    }
}

/// What two sides have changed both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meeting {
    /// The files, those that do not merge first, at most [`MOST_FILES`].
    pub files: Vec<Clash>,
    /// How many more there are.
    pub more: usize,
}

impl Meeting {
    /// A meeting in these files.
    pub fn new(mut files: Vec<Clash>) -> Self {
        files.sort_by(|a, b| (a.places == 0).cmp(&(b.places == 0)).then_with(|| a.path.cmp(&b.path)));
        let more = files.len().saturating_sub(MOST_FILES);
        files.truncate(MOST_FILES);
        Self { files, more }
    }

    /// Whether the sides have nothing in common.
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files that do not merge.
    pub fn conflicts(&self) -> impl Iterator<Item = &Clash> {
        self.files.iter().filter(|clash| clash.places > 0)
    }

    /// Brings files in which both work at the same lines before those in which they do not.
    pub fn rank(&mut self) {
        self.files.sort_by_key(|clash| (clash.places == 0, clash.lines.is_empty()));
    }

    /// Whether a merge would stop.
    pub fn stops(&self) -> bool {
        self.conflicts().next().is_some()
    }
}

/// A merge of a run into its target that was tried in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The target branch.
    pub branch: String,
    /// The commit that it was at.
    pub commit: String,
    /// What both have changed.
    pub meeting: Meeting,
}

/// What is known of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collisions {
    /// The branch on which the run that it is held behind has not landed, although it has ended: somebody has to merge it.
    pub unlanded: Option<String>,
    /// The live runs of its repository that changed what it changed.
    pub with: BTreeMap<RunId, Meeting>,
    /// Its merge into its target; `None` where there is no such branch, or nothing is known yet.
    pub landing: Option<Landing>,
}

impl Collisions {
    /// Whether a merge would stop, with another run or into the target.
    pub fn stops(&self) -> bool {
        self.with.values().any(Meeting::stops) || self.landing.as_ref().is_some_and(|landing| landing.meeting.stops())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(of: &[(u32, u32)]) -> Vec<Lines> {
        of.iter().map(|(from, to)| Lines { from: *from, to: *to }).collect()
    }

    #[test]
    fn changes_meet_where_they_overlap_or_are_neighbours() {
        let met = |mine: &[(u32, u32)], theirs: &[(u32, u32)]| {
            let (mine, theirs) = (lines(mine), lines(theirs));
            let met = stretches(&mine, &theirs);
            assert_eq!(met, stretches(&theirs, &mine), "it is the same from both sides");
            met.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        };
        assert_eq!(met(&[(10, 14), (80, 90)], &[(8, 12), (80, 90)]), "10-12 and 80-90");
        assert_eq!(met(&[(1, 1000)], &[(500, 501)]), "500-501");
        assert_eq!(met(&[(10, 14)], &[(18, 20)]), "14-18", "three lines between");
        assert_eq!(met(&[(10, 14)], &[(19, 20)]), "", "four lines between");
        assert_eq!(met(&[(7, 7)], &[(7, 7)]), "7");
        assert_eq!(met(&[(1, 9)], &[(2, 3), (4, 5)]), "2-5");
        assert_eq!(met(&[], &[(1, 2)]), "");
    }

    #[test]
    fn stretches_beyond_the_most_are_counted() {
        let many: Vec<(u32, u32)> = (0..12).map(|at| (at * 10 + 1, at * 10 + 1)).collect();
        let clash = Clash::new("a".to_owned(), 0).at(lines(&many));
        assert_eq!((clash.lines.len(), clash.more), (MOST_STRETCHES, 4));
    }
}
