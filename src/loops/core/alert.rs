//! Alerts of the whole fleet: many runs fail, or the machine runs short. Each is told once, until it clears.
//!
//! They belong to no run, so they stand in `fleet.jsonl`; what is worth an alert about one run is one of its signals.

use super::event::Outcome;
use super::ids::Millis;
use super::state::RunState;
use serde::{Deserialize, Serialize};

/// Finished runs that the failure rate is taken over.
const LAST: usize = 10;
/// Fewer finished runs than this have no rate.
const FEWEST: usize = 5;
/// Failed runs of a hundred that are too many.
const FAILURE_PERCENT: usize = 30;
/// Free bytes of the state directory's disk below which it is low.
const DISK_LOW: u64 = 1 << 30;
/// Hundredths of the machine's memory that are low when no more is to be had.
const MEMORY_LOW_PERCENT: u64 = 5;
/// How much better than its line something has to be before its alert clears, in hundredths of the line, so that what hovers at
/// it is one alert.
const WELL_PERCENT: u64 = 125;
/// Milliseconds for which what was seen stays seen when it comes back.
pub const SEEN_LASTS: u64 = 60 * 60_000;

/// What a look says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Beyond the line; the evidence, as a fragment.
    Bad(String),
    /// Too near to it to tell, or not to be seen: what is raised stays, and what is not is not raised.
    Near,
    /// Well.
    Well,
}

/// How the machine stands; `None` where that cannot be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Free bytes on the state directory's disk.
    pub disk: Option<u64>,
    /// Memory that can be had, and all of it, in kilobytes.
    pub memory: Option<(u64, u64)>,
}

impl Machine {
    /// How the disk stands.
    pub fn disk(&self) -> Reading {
        let Some(left) = self.disk else { return Reading::Near };
        let what = || format!("{} MB are left on the disk of the state directory", left >> 20);
        Reading::of(left, DISK_LOW, what)
    }

    /// How the memory stands.
    pub fn memory(&self) -> Reading {
        let Some((left, all)) = self.memory else { return Reading::Near };
        let what = || format!("{} of {} MB of memory are left", left >> 10, all >> 10);
        Reading::of(left.saturating_mul(100), all.saturating_mul(MEMORY_LOW_PERCENT), what)
    }
}

impl Reading {
    /// Of something of which there should be no less than `line`.
    fn of(left: u64, line: u64, what: impl FnOnce() -> String) -> Self {
        match left {
            left if left < line => Self::Bad(what()),
            left if left < line.saturating_mul(WELL_PERCENT) / 100 => Self::Near,
            _ => Self::Well,
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The disk that journals and snapshots go to is nearly full.
    Disk,
    /// The machine is nearly out of memory.
    Memory,
    /// Too many of the last runs failed.
    FailureRate,
}

impl AlertKind {
    /// The words for the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Disk => "disk low",
            Self::Memory => "memory low",
            Self::FailureRate => "many failures",
        }
    }
}

/// An alert in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What about.
    pub kind: AlertKind,
    /// The evidence, as a fragment.
    pub what: String,
    /// Since when.
    pub since: Millis,
    /// Whether somebody has seen it.
    pub seen: bool,
    /// Whether it was this loopdash that raised it, and so calls for the operator.
    pub here: bool,
}

/// All alerts in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    raised: Vec<Alert>,
    /// Those that were seen when they cleared, and when they did.
    rested: Vec<(AlertKind, Millis)>,
}

impl Alerts {
    /// The alert of a kind.
    pub fn get(&self, kind: AlertKind) -> Option<&Alert> {
        self.raised.iter().find(|alert| alert.kind == kind)
    }

    /// Those that nobody has seen yet.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.raised.iter().filter(|alert| !alert.seen)
    }

    /// Raises an alert; one that is raised stays as it is. Whether that is news. One that was seen when it cleared, not
    /// [`SEEN_LASTS`] ago, is seen still.
    pub fn raise(&mut self, kind: AlertKind, what: &str, since: Millis) -> bool {
        if self.get(kind).is_some() {
            return false;
        }
        let seen = self.rested.iter().any(|(of, at)| *of == kind && since.since(*at) < SEEN_LASTS);
        self.raised.push(Alert { kind, what: what.to_owned(), since, seen, here: false });
        true
    }

    /// Notes that this loopdash raised it.
    pub fn raised_here(&mut self, kind: AlertKind) {
        self.raised.iter_mut().filter(|alert| alert.kind == kind).for_each(|alert| alert.here = true);
    }

    /// Takes in what all loopdashes of the box have written. Whether that is news.
    pub fn hear(&mut self, mut heard: Self) -> bool {
        for alert in &mut heard.raised {
            alert.here = self.get(alert.kind).is_some_and(|known| known.here);
        }
        std::mem::replace(self, heard.clone()) != heard
    }

    /// Clears an alert. Whether there was one.
    pub fn clear(&mut self, kind: AlertKind, at: Millis) -> bool {
        let Some(alert) = self.get(kind) else { return false };
        let seen = alert.seen;
        self.rested.retain(|(of, _)| *of != kind);
        self.rested.extend(seen.then_some((kind, at)));
        self.raised.retain(|alert| alert.kind != kind);
        true
    }

    /// Notes that somebody has seen it. Whether that is news.
    pub fn see(&mut self, kind: AlertKind) -> bool {
        let alert = self.raised.iter_mut().find(|alert| alert.kind == kind && !alert.seen);
        alert.map(|alert| alert.seen = true).is_some()
    }
}

/// How the last finished runs stand. One that somebody stopped says nothing.
pub fn failure_rate<'a>(runs: impl Iterator<Item = &'a RunState>) -> Reading {
    let mut ended: Vec<(Millis, &RunState, bool)> = runs
        .filter_map(|run| {
            let failed = match run.outcome.as_ref()?.0 {
                Outcome::Done => false,
                Outcome::Exhausted | Outcome::Failed => true,
                Outcome::Stopped => return None,
            };
            Some((run.status_since, run, failed))
        })
        .collect();
    ended.sort_by_key(|(at, run, _)| std::cmp::Reverse((*at, run.id)));
    ended.truncate(LAST);
    let failed: Vec<&str> = ended.iter().filter(|(.., failed)| *failed).map(|(_, run, _)| run.label.as_str()).collect();
    let hundredfold = failed.len() * 100;
    match ended.len() {
        all if all < FEWEST => Reading::Well,
        all if hundredfold > all * FAILURE_PERCENT => {
            Reading::Bad(format!("{} of the last {all} finished runs failed: {}", failed.len(), failed.join(", ")))
        }
        all if hundredfold * WELL_PERCENT as usize > all * FAILURE_PERCENT * 100 => Reading::Near,
        _ => Reading::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::ids::RunId;

    fn ended(n: u64, outcome: Outcome) -> RunState {
        let id = RunId::new(uuid::Uuid::from_u128(u128::from(n)));
        let outcome = Some((outcome, String::new()));
        RunState { label: format!("r{n}"), outcome, status_since: Millis(n), ..RunState::new(id) }
    }

    #[test]
    fn the_rate_is_of_the_last_ten_and_leaves_out_what_was_stopped() {
        use Outcome::{Done, Exhausted, Failed, Stopped};
        let rate = |outcomes: &[Outcome]| {
            let runs: Vec<RunState> = (1..).zip(outcomes).map(|(n, outcome)| ended(n, *outcome)).collect();
            failure_rate(runs.iter())
        };
        assert_eq!(rate(&[Failed; 4]), Reading::Well, "too few to tell");
        assert_eq!(
            rate(&[Done, Failed, Failed, Done, Done]),
            Reading::Bad("2 of the last 5 finished runs failed: r3, r2".to_owned())
        );
        let three_of_ten = [Done, Done, Failed, Done, Done, Exhausted, Done, Done, Done, Failed];
        assert_eq!(rate(&three_of_ten), Reading::Near, "30 % is not over 30 %, and not well under it");
        assert_eq!(rate(&[Done, Done, Failed, Done, Done, Failed, Done, Done, Done, Done]), Reading::Well);
        let old: Vec<Outcome> = [[Failed; 10], [Done; 10]].concat();
        assert_eq!(rate(&old), Reading::Well);
        assert_eq!(rate(&[Done, Done, Stopped, Stopped, Stopped, Failed, Done, Done]), Reading::Well);
    }

    #[test]
    fn what_is_low_is_said_and_what_hovers_at_the_line_or_cannot_be_seen_changes_nothing() {
        let machine = Machine { disk: Some(500 << 20), memory: Some((700_000, 16_000_000)) };
        let bad = |what: &str| Reading::Bad(what.to_owned());
        assert_eq!(machine.disk(), bad("500 MB are left on the disk of the state directory"));
        assert_eq!(machine.memory(), bad("683 of 15625 MB of memory are left"));
        let near = Machine { disk: Some(DISK_LOW), memory: Some((999_999, 16_000_000)) };
        assert_eq!((near.disk(), near.memory()), (Reading::Near, Reading::Near));
        let well = Machine { disk: Some(DISK_LOW / 4 * 5), memory: Some((1_000_000, 16_000_000)) };
        assert_eq!((well.disk(), well.memory()), (Reading::Well, Reading::Well));
        assert_eq!((Machine::default().disk(), Machine::default().memory()), (Reading::Near, Reading::Near));
    }

    #[test]
    fn what_was_seen_stays_seen_for_an_hour_after_it_cleared() {
        let mut alerts = Alerts::default();
        alerts.raise(AlertKind::Disk, "1 GB", Millis(1));
        assert!(alerts.clear(AlertKind::Disk, Millis(2)) && alerts.raise(AlertKind::Disk, "1 GB", Millis(3)));
        assert_eq!(alerts.open().count(), 1, "nobody had seen it");
        assert!(alerts.see(AlertKind::Disk) && alerts.clear(AlertKind::Disk, Millis(10)));
        alerts.raise(AlertKind::Disk, "1 GB", Millis(9 + SEEN_LASTS));
        assert_eq!(alerts.open().count(), 0);
        alerts.clear(AlertKind::Disk, Millis(20 + SEEN_LASTS));
        alerts.raise(AlertKind::Disk, "1 GB", Millis(20 + SEEN_LASTS * 2));
        assert_eq!(alerts.open().count(), 1, "an hour later it is told anew");
    }

    #[test]
    fn an_alert_is_told_once_until_it_clears() {
        let mut alerts = Alerts::default();
        assert!(alerts.raise(AlertKind::Disk, "1 GB", Millis(1)) && !alerts.raise(AlertKind::Disk, "0 GB", Millis(2)));
        assert!(alerts.see(AlertKind::Disk) && !alerts.see(AlertKind::Disk));
        assert_eq!(alerts.open().count(), 0);
        assert!(alerts.clear(AlertKind::Disk, Millis(2)) && !alerts.clear(AlertKind::Disk, Millis(2)));
        assert!(alerts.raise(AlertKind::Disk, "1 GB", Millis(3)));
    }

    #[test]
    fn who_raised_an_alert_is_kept_when_the_box_says_the_same() {
        let mut alerts = Alerts::default();
        alerts.raise(AlertKind::Disk, "1 GB", Millis(1));
        alerts.raised_here(AlertKind::Disk);
        let mut heard = Alerts::default();
        heard.raise(AlertKind::Disk, "1 GB", Millis(1));
        assert!(!alerts.hear(heard.clone()) && alerts.get(AlertKind::Disk).is_some_and(|alert| alert.here));
        heard.raise(AlertKind::Memory, "1 MB", Millis(2));
        assert!(alerts.hear(heard) && alerts.get(AlertKind::Memory).is_some_and(|alert| !alert.here));
    }
}
