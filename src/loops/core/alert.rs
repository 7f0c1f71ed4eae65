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
pub const FAILURE_PERCENT: usize = 30;
/// Free bytes of the state directory's disk below which it is low.
pub const DISK_LOW: u64 = 1 << 30;
/// Hundredths of the machine's memory that are low when no more is to be had.
pub const MEMORY_LOW_PERCENT: u64 = 5;

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
pub struct Alerts(Vec<Alert>);

impl Alerts {
    /// The alert of a kind.
    pub fn get(&self, kind: AlertKind) -> Option<&Alert> {
        self.0.iter().find(|alert| alert.kind == kind)
    }

    /// Those that nobody has seen yet.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.0.iter().filter(|alert| !alert.seen)
    }

    /// Raises an alert; one that is raised stays as it is. Whether that is news.
    pub fn raise(&mut self, kind: AlertKind, what: &str, since: Millis) -> bool {
        if self.get(kind).is_some() {
            return false;
        }
        self.0.push(Alert { kind, what: what.to_owned(), since, seen: false, here: false });
        true
    }

    /// Notes that this loopdash raised it.
    pub fn raised_here(&mut self, kind: AlertKind) {
        self.0.iter_mut().filter(|alert| alert.kind == kind).for_each(|alert| alert.here = true);
    }

    /// Takes in what all loopdashes of the box have written. Whether that is news.
    pub fn hear(&mut self, mut heard: Self) -> bool {
        for alert in &mut heard.0 {
            alert.here = self.get(alert.kind).is_some_and(|known| known.here);
        }
        std::mem::replace(self, heard.clone()) != heard
    }

    /// Clears an alert. Whether there was one.
    pub fn clear(&mut self, kind: AlertKind) -> bool {
        let before = self.0.len();
        self.0.retain(|alert| alert.kind != kind);
        self.0.len() != before
    }

    /// Notes that somebody has seen it. Whether that is news.
    pub fn see(&mut self, kind: AlertKind) -> bool {
        let alert = self.0.iter_mut().find(|alert| alert.kind == kind && !alert.seen);
        alert.map(|alert| alert.seen = true).is_some()
    }
}

/// What to say of the last finished runs, if too many of them failed. One that somebody stopped says nothing.
pub fn failure_rate<'a>(runs: impl Iterator<Item = &'a RunState>) -> Option<String> {
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
    let over = ended.len() >= FEWEST && failed.len() * 100 > ended.len() * FAILURE_PERCENT;
    over.then(|| format!("{} of the last {} finished runs failed: {}", failed.len(), ended.len(), failed.join(", ")))
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
        assert_eq!(rate(&[Failed; 4]), None, "too few to tell");
        assert_eq!(
            rate(&[Done, Failed, Failed, Done, Done]).as_deref(),
            Some("2 of the last 5 finished runs failed: r3, r2")
        );
        let three_of_ten = [Done, Done, Failed, Done, Done, Exhausted, Done, Done, Done, Failed];
        assert_eq!(rate(&three_of_ten), None, "30 % is not over 30 %");
        let old: Vec<Outcome> = [[Failed; 10], [Done; 10]].concat();
        assert_eq!(rate(&old), None);
        assert_eq!(rate(&[Done, Done, Stopped, Stopped, Stopped, Failed, Done, Done]), None);
    }

    #[test]
    fn an_alert_is_told_once_until_it_clears() {
        let mut alerts = Alerts::default();
        assert!(alerts.raise(AlertKind::Disk, "1 GB", Millis(1)) && !alerts.raise(AlertKind::Disk, "0 GB", Millis(2)));
        assert!(alerts.see(AlertKind::Disk) && !alerts.see(AlertKind::Disk));
        assert_eq!(alerts.open().count(), 0);
        assert!(alerts.clear(AlertKind::Disk) && !alerts.clear(AlertKind::Disk));
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
