//! How much the running step of another loopdash's run has printed: [`Afar`]. Its output is read from its directory.
//!
//! Counting happens off the screen's thread; here stand what was counted, and when to count again.

use super::jobs::Counted;
use crate::loops::core::ids::{RunId, StepId};
use std::time::{Duration, Instant};

/// The output is counted again no sooner than this, unless the run's journal has grown.
const AGAIN: Duration = Duration::from_secs(1);

/// What the last count of a step's output found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    run: RunId,
    step: StepId,
    lines: u64,
    bytes: u64,
    story: Option<u64>,
    /// When it was counted.
    at: Instant,
    /// When it was first found to be this long.
    grew: Instant,
}

/// The output of one running step that this process cannot hear.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Afar {
    count: Option<Count>,
    /// Whether something has happened to the run since it was counted.
    stale: bool,
}

impl Afar {
    /// When to count a step's output; a moment that is past means at once.
    ///
    /// The one timer of the screen: nothing that could be awaited cheaply tells that another process has printed
    /// something. So the caller asks only while that output is on the screen.
    pub(super) fn due(&self, run: RunId, step: StepId, now: Instant) -> Instant {
        match self.of(run, step).filter(|_| !self.stale) {
            Some(count) => count.at + AGAIN,
            None => now,
        }
    }

    /// Something has happened to the run: what was counted may be out of date already.
    pub(super) fn happened(&mut self, run: RunId) {
        self.stale |= self.count.is_some_and(|count| count.run == run);
    }

    /// A count begins: whatever happens from here on calls for another.
    pub(super) const fn began(&mut self) {
        self.stale = false;
    }

    /// Takes a count; whether there is more than was known.
    pub(super) fn counted(&mut self, counted: &Counted, now: Instant) -> bool {
        let before = self.of(counted.run, counted.step);
        let same = before.filter(|count| (count.lines, count.bytes) == (counted.lines, counted.bytes));
        let grew = same.map_or(now, |count| count.grew);
        let Counted { run, step, lines, bytes, story } = *counted;
        self.count = Some(Count { run, step, lines, bytes, story, at: now, grew });
        same.is_none()
    }

    /// A step's output as last counted, and when it last grew.
    pub(super) fn known(&self, run: RunId, step: StepId) -> Option<(Counted, Instant)> {
        let Count { lines, bytes, story, grew, .. } = self.of(run, step)?;
        Some((Counted { run, step, lines, bytes, story }, grew))
    }

    fn of(&self, run: RunId, step: StepId) -> Option<Count> {
        self.count.filter(|count| (count.run, count.step) == (run, step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::fixture;

    #[test]
    fn it_is_counted_at_once_then_each_second_and_whenever_its_run_moves() {
        let (run, step, now) = (fixture::id("auth-refactor"), StepId(3), Instant::now());
        let mut afar = Afar::default();
        assert_eq!(afar.due(run, step, now), now);
        let counted = Counted { run, step, lines: 4, bytes: 90, story: None };
        afar.began();
        assert!(afar.counted(&counted, now));
        assert_eq!(afar.due(run, step, now), now + AGAIN);
        afar.happened(fixture::id("fix-ci"));
        assert_eq!(afar.due(run, step, now), now + AGAIN, "another run's record is none of its");
        afar.happened(run);
        assert_eq!(afar.due(run, step, now), now);
        assert_eq!(afar.due(run, StepId(4), now), now, "the next step is another output");
    }

    #[test]
    fn only_what_has_grown_is_news() {
        let (run, step, now) = (fixture::id("auth-refactor"), StepId(3), Instant::now());
        let (second, third) = (now + AGAIN, now + AGAIN * 2);
        let mut afar = Afar::default();
        let counted = |bytes| Counted { run, step, lines: 4, bytes, story: None };
        assert!(afar.counted(&counted(90), now));
        assert!(!afar.counted(&counted(90), second));
        assert_eq!(afar.known(run, step), Some((counted(90), now)), "it grew when it was first seen so long");
        assert!(afar.counted(&counted(95), third), "an unfinished last line grows too");
        assert_eq!(afar.known(run, step), Some((counted(95), third)));
        assert_eq!(afar.known(run, StepId(4)), None);
    }
}
