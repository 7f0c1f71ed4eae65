//! Time as the screen shows it: [`Clock`], which also knows when what it showed will be out of date.
//!
//! Ages move on whole minutes of the wall clock, all at once: young ones on each, older ones on each fifth. A fleet that
//! waits is so redrawn once a minute, and mostly that is the time of day alone.

use crate::loops::core::ids::Millis;
use crate::widgets::format;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::cell::Cell;

const MINUTE: u64 = 60_000;
const SECOND: u64 = 1_000;
/// Minutes up to which an age is told to the minute, and between two looks at it from then on.
const YOUNG: u64 = 5;

/// The moment of a frame.
#[derive(Debug)]
pub struct Clock<'a> {
    now: Millis,
    zone: &'a TimeZone,
    next: Cell<Option<u64>>,
}

impl<'a> Clock<'a> {
    /// A clock that stands at `now`.
    pub const fn new(now: Millis, zone: &'a TimeZone) -> Self {
        Self { now, zone, next: Cell::new(None) }
    }

    /// The moment.
    pub const fn now(&self) -> Millis {
        self.now
    }

    /// When the frame has to be drawn anew because of time alone.
    pub fn next_change(&self) -> Option<Millis> {
        self.next.get().map(Millis)
    }

    /// Has the frame drawn anew at `at`, if nothing comes earlier.
    pub fn wake_at(&self, at: Millis) {
        if at > self.now {
            self.next.set(Some(self.next.get().map_or(at.0, |next| next.min(at.0))));
        }
    }

    fn next_multiple(&self, unit: u64) {
        self.wake_at(Millis((self.now.0 / unit + 1) * unit));
    }

    /// How long ago, in whole minutes: `<1m`, `18m`, `2h`. From five minutes on it is as of the last five minutes of the
    /// wall clock, and so up to four minutes short.
    pub fn age(&self, since: Millis) -> String {
        let (now, since) = (self.now.0 / MINUTE, since.0 / MINUTE);
        let minutes = now.saturating_sub(since);
        if minutes < YOUNG {
            self.next_multiple(MINUTE);
            return if minutes == 0 { "<1m".to_owned() } else { format::age(minutes * MINUTE) };
        }
        self.next_multiple(YOUNG * MINUTE);
        format::age((now / YOUNG * YOUNG).saturating_sub(since).max(YOUNG) * MINUTE)
    }

    /// How long something has run: to the second while it is `lively`, else as [`Self::age`].
    pub fn running(&self, since: Millis, lively: bool) -> String {
        if !lively {
            return self.age(since);
        }
        self.next_multiple(SECOND);
        let ms = (self.now.0 / SECOND).saturating_sub(since.0 / SECOND) * SECOND;
        if ms < 60_000 { format!("{}s", ms / SECOND) } else { format::duration(ms) }
    }

    /// How long until something, to the second: `12s`, `3m01s`; `now` once it is due.
    pub fn countdown(&self, at: Millis) -> String {
        self.next_multiple(SECOND);
        match (at.0 / SECOND).saturating_sub(self.now.0 / SECOND) {
            0 => "now".to_owned(),
            seconds @ 1..60 => format!("{seconds}s"),
            seconds => format::duration(seconds * SECOND),
        }
    }

    /// The time of day now, `14:03`.
    pub fn time(&self) -> String {
        self.next_multiple(MINUTE);
        self.at(self.now, "%H:%M")
    }

    /// When something happened: `14:03:12`, with the date if it was another day.
    pub fn when(&self, at: Millis) -> String {
        let today = self.at(self.now, "%Y-%m-%d") == self.at(at, "%Y-%m-%d");
        self.at(at, if today { "%H:%M:%S" } else { "%m-%d %H:%M" })
    }

    /// A time to come, `14:32`, with the date if it is another day; the frame is drawn anew then.
    pub fn until(&self, at: Millis) -> String {
        self.wake_at(at);
        let today = self.at(self.now, "%Y-%m-%d") == self.at(at, "%Y-%m-%d");
        self.at(at, if today { "%H:%M" } else { "%m-%d %H:%M" })
    }

    fn at(&self, at: Millis, how: &str) -> String {
        let moment = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        moment.map(|moment| moment.to_zoned(self.zone.clone()).strftime(how).to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn ages_change_on_the_minute_and_ticks_on_the_second() {
        let zone = TimeZone::UTC;
        let clock = Clock::new(Millis(10 * MINUTE + 1_500), &zone);
        assert_eq!(clock.next_change(), None);
        assert_eq!(clock.age(Millis(10 * MINUTE + 200)), "<1m");
        assert_eq!(clock.age(Millis(9 * MINUTE + 59_000)), "1m");
        assert_eq!(clock.age(Millis(11 * MINUTE)), "<1m");
        assert_eq!(clock.next_change(), Some(Millis(11 * MINUTE)));
        assert_eq!(clock.running(Millis(10 * MINUTE - 500), true), "2s");
        assert_eq!(clock.running(Millis(7 * MINUTE), true), "3m01s");
        assert_eq!(clock.next_change(), Some(Millis(10 * MINUTE + 2_000)));
    }

    #[test]
    fn older_ages_change_each_fifth_minute_and_never_go_back() {
        let zone = TimeZone::UTC;
        for since in 0..7 {
            let (mut changes, mut last) = (0, (String::new(), 0));
            for now in since..since + 60 {
                let clock = Clock::new(Millis(now * MINUTE), &zone);
                let age = clock.age(Millis(since * MINUTE + 59_999));
                let minutes: u64 = age.trim_matches(['<', 'm']).parse().unwrap();
                let real = now - since;
                assert!(real == 0 || (minutes <= real && real - minutes < YOUNG), "{age} after {real} minutes");
                assert!(minutes >= last.1, "{age} after {}", last.0);
                changes += u32::from(age != last.0);
                last = (age, minutes);
                let next = clock.next_change().unwrap().0 / MINUTE;
                assert_eq!(next, if real < YOUNG { now + 1 } else { (now / YOUNG + 1) * YOUNG });
            }
            assert!(changes <= 17, "{changes} changes in an hour");
        }
        let clock = Clock::new(Millis(300 * MINUTE), &zone);
        assert_eq!(clock.age(Millis(170 * MINUTE)), "2h");
    }

    #[test]
    fn a_countdown_ends() {
        let zone = TimeZone::UTC;
        let clock = Clock::new(Millis(MINUTE), &zone);
        assert_eq!(clock.countdown(Millis(MINUTE + 12_300)), "12s");
        assert_eq!(clock.countdown(Millis(MINUTE * 4)), "3m00s");
        assert_eq!(clock.countdown(Millis(0)), "now");
        assert_eq!(clock.next_change(), Some(Millis(MINUTE + SECOND)));
    }

    #[test]
    fn a_moment_of_another_day_shows_the_day() {
        let zone = TimeZone::UTC;
        let clock = Clock::new(Millis(86_400_000 * 400), &zone);
        assert_eq!(clock.time(), "00:00");
        assert_eq!(clock.when(Millis(86_400_000 * 400 + 61_000)), "00:01:01");
        assert_eq!(clock.when(Millis(86_400_000 * 399 + 61_000)), "02-04 00:01");
        assert_eq!(clock.when(Millis(u64::MAX)), "");
        assert_eq!(clock.until(Millis(86_400_000 * 400 + 3_700_000)), "01:01");
        assert_eq!(clock.until(Millis(86_400_000 * 401 + 60_000)), "02-06 00:01");
    }

    #[test]
    fn nothing_is_woken_for_the_past() {
        let zone = TimeZone::UTC;
        let clock = Clock::new(Millis(5_000), &zone);
        clock.wake_at(Millis(4_000));
        assert_eq!(clock.next_change(), None);
    }
}
