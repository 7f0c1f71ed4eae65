//! Alerts: of runs that take long, of a fleet whose runs fail, and of a machine that runs short.
//!
//! A long run is told by the one timer, at its moment. The machine is looked at once a minute, and only while runs work.

use super::handle::Update;
use super::task::{Engine, Inner};
use crate::loops::core::alert::{AlertKind, Alerts, Machine, Reading, failure_rate};
use crate::loops::core::ids::{Millis, RunId, Who};
use crate::loops::core::transition::RunStatus;
use crate::loops::core::watch::{overdue, overdue_at};
use crate::loops::journal::fleet::FleetFact;
use std::path::Path;
use std::sync::Arc;

/// Milliseconds between two looks at the machine.
const LOOK_EVERY: u64 = 60_000;

/// How the engine sees the machine, given the state directory. Blocks for a moment.
pub type Eye = Arc<dyn Fn(&Path) -> Machine + Send + Sync>;

/// The eye on this machine.
pub fn system_eye() -> Eye {
    Arc::new(|state| {
        let disk = rustix::fs::statvfs(state).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text));
        Machine { disk, memory }
    })
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
            let eye = Arc::clone(&self.config.eye);
            tokio::spawn(async move {
                if let Ok(machine) = tokio::task::spawn_blocking(move || eye(&state)).await {
                    let _ = inner.send(Inner::Machine(machine)).await;
                }
            });
        }
    }

    pub(super) fn weigh_machine(&mut self, machine: &Machine) {
        self.alert(AlertKind::Disk, machine.disk());
        self.alert(AlertKind::Memory, machine.memory());
    }

    /// A run has ended: how many of the last ones failed?
    pub(super) fn weigh_failures(&mut self) {
        let rate = failure_rate(self.fleet.runs.values().map(|run| &run.state));
        self.alert(AlertKind::FailureRate, rate);
    }

    /// Raises or clears an alert, which is told once.
    fn alert(&mut self, kind: AlertKind, reading: Reading) {
        let (at, alerts) = (self.now(), &mut self.fleet.alerts);
        let fact = match reading {
            Reading::Bad(what) if alerts.raise(kind, &what, at) => {
                alerts.raised_here(kind);
                FleetFact::AlertRaised { alert: kind, what }
            }
            Reading::Well if alerts.clear(kind, at) => FleetFact::AlertCleared { alert: kind },
            _ => return,
        };
        self.record_fact(at, fact);
        self.tell(Update::Alerts(self.fleet.alerts.clone()));
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
    fn the_machine_is_seen() {
        let text = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:     700000 kB\n";
        assert_eq!(memory(text), Some((700_000, 16_000_000)));
        assert_eq!(memory("MemTotal: 16 kB"), None);
        assert!(system_eye()(Path::new("/")).disk.is_some());
    }
}
