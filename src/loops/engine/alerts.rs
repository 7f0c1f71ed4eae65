//! Alerts: of runs that take long, of a fleet whose runs fail, and of a machine that runs short.
//!
//! A long run is told by the one timer, at its moment. The machine is looked at once a minute, and only while runs work.

use super::handle::Update;
use super::task::{Engine, Inner};
use crate::loops::core::alert::{AlertKind, Alerts, DISK_LOW, MEMORY_LOW_PERCENT, failure_rate};
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::transition::RunStatus;
use crate::loops::core::watch::{overdue, overdue_at};
use crate::loops::journal::fleet::FleetFact;
use std::path::Path;

/// Milliseconds between two looks at the machine.
const LOOK_EVERY: u64 = 60_000;

/// How the machine stands; what cannot be seen is not low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Free bytes on the state directory's disk.
    disk: Option<u64>,
    /// Free memory, and all of it, in kilobytes.
    memory: Option<(u64, u64)>,
}

impl Machine {
    /// Looks. Blocks for a moment.
    fn look(state: &Path) -> Self {
        let disk = rustix::fs::statvfs(state).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text));
        Self { disk, memory }
    }

    /// What is low, if anything is.
    fn low(&self, kind: AlertKind) -> Option<String> {
        match kind {
            AlertKind::Disk => {
                let left = self.disk.filter(|left| *left < DISK_LOW)?;
                Some(format!("{} MB are left on the disk of the state directory", left >> 20))
            }
            AlertKind::Memory => {
                let (left, all) = self.memory.filter(|(left, all)| left * 100 < all * MEMORY_LOW_PERCENT)?;
                Some(format!("{} of {} MB of memory are left", left >> 10, all >> 10))
            }
            AlertKind::FailureRate => None,
        }
    }
}

/// Memory that can be had, and all of it, in kilobytes, as Linux tells it.
fn memory(text: &str) -> Option<(u64, u64)> {
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((of("MemAvailable")?, of("MemTotal")?))
}

impl Engine {
    /// When there is something to be looked at by itself: a run that will have taken long, or the machine.
    pub(super) fn next_look(&self, now: Millis) -> Option<Millis> {
        let mine =
            self.fleet.runs.values().filter(|run| self.ledger.owns(run.state.id) && !self.has_pending(run.state.id));
        let mut due: Vec<Millis> = Vec::new();
        let mut works = false;
        for run in mine {
            works |= run.state.status.holds_slot();
            due.extend(overdue_at(&run.state).filter(|_| run.state.status == RunStatus::Running));
        }
        let machine = Millis(self.looked.0.saturating_add(LOOK_EVERY).min(now.0.saturating_add(LOOK_EVERY)));
        due.into_iter().chain(works.then_some(machine)).min()
    }

    /// Looks at what is due.
    pub(super) fn look(&mut self, now: Millis) {
        let long: Vec<RunId> = self.mine(|state| state.status == RunStatus::Running && overdue(state, now).is_some());
        for run in long.into_iter().filter(|run| !self.has_pending(*run)).collect::<Vec<_>>() {
            let told = self.fleet.state(run).and_then(|state| overdue(state, now));
            self.queue(run, told.into_iter().collect(), None);
        }
        let works = self.fleet.runs.values().any(|run| self.ledger.owns(run.state.id) && run.state.status.holds_slot());
        if works && now.since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            let (inner, state) = (self.inner_in.clone(), self.config.store.root().to_owned());
            tokio::spawn(async move {
                if let Ok(machine) = tokio::task::spawn_blocking(move || Machine::look(&state)).await {
                    let _ = inner.send(Inner::Machine(machine)).await;
                }
            });
        }
    }

    pub(super) fn weigh_machine(&mut self, machine: &Machine) {
        for kind in [AlertKind::Disk, AlertKind::Memory] {
            self.alert(kind, machine.low(kind));
        }
    }

    /// A run has ended: how many of the last ones failed?
    pub(super) fn weigh_failures(&mut self) {
        let rate = failure_rate(self.fleet.runs.values().map(|run| &run.state));
        self.alert(AlertKind::FailureRate, rate);
    }

    /// Raises or clears an alert, which is told once.
    fn alert(&mut self, kind: AlertKind, what: Option<String>) {
        let at = self.now();
        let news = match &what {
            Some(what) => self.fleet.alerts.raise(kind, what, at),
            None => self.fleet.alerts.clear(kind),
        };
        if news {
            self.fleet.alerts.raised_here(kind);
            let fact = match what {
                Some(what) => FleetFact::AlertRaised { alert: kind, what },
                None => FleetFact::AlertCleared { alert: kind },
            };
            self.record_fact(at, fact);
            self.tell(Update::Alerts(self.fleet.alerts.clone()));
        }
    }

    /// Somebody has seen an alert. Whether there was one to be seen.
    pub(super) fn see_alert(&mut self, alert: AlertKind, who: Who) -> bool {
        let news = self.fleet.alerts.see(alert);
        if news {
            self.record_fact(self.now(), FleetFact::AlertSeen { alert, who });
            self.tell(Update::Alerts(self.fleet.alerts.clone()));
        }
        news
    }

    /// Takes in what stands in the fleet's file, which other loopdashes write to as well.
    pub(super) fn hear_alerts(&mut self, alerts: Alerts) {
        if self.fleet.alerts.hear(alerts) {
            self.tell(Update::Alerts(self.fleet.alerts.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_low_is_said_and_what_cannot_be_seen_is_not_low() {
        let text = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:     700000 kB\n";
        assert_eq!(memory(text), Some((700_000, 16_000_000)));
        assert_eq!(memory("MemTotal: 16 kB"), None);
        let machine = Machine { disk: Some(500 << 20), memory: memory(text) };
        assert_eq!(machine.low(AlertKind::Disk).as_deref(), Some("500 MB are left on the disk of the state directory"));
        assert_eq!(machine.low(AlertKind::Memory).as_deref(), Some("683 of 15625 MB of memory are left"));
        let well = Machine { disk: Some(DISK_LOW), memory: None };
        assert!(well.low(AlertKind::Disk).is_none() && well.low(AlertKind::Memory).is_none());
        assert!(Machine::look(Path::new("/")).disk.is_some());
    }
}
