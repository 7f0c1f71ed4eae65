//! What bounds a run: its budgets, its clock, and the provider that it waits for.
//!
//! Times are data: what a run has used is measured between journalled moments.

use super::RunState;
use crate::loops::core::budget::{Breach, Used};
use crate::loops::core::event::ParkReason;
use crate::loops::core::ids::Millis;
use crate::loops::core::transition::RunStatus;

impl RunState {
    /// What it has used up.
    pub fn used(&self) -> Used {
        let wall_clock_ms = self.wall_clock(self.updated);
        Used { usage: self.usage.known, wall_clock_ms, iterations: u64::from(self.counted) }
    }

    /// The budgets that are used up.
    pub fn breaches(&self) -> impl Iterator<Item = Breach> + use<> {
        self.budget.breaches(&self.used())
    }

    /// Milliseconds since it first got a slot, waiting included, without what the clock jumped meanwhile.
    pub fn wall_clock(&self, now: Millis) -> u64 {
        self.first_admitted.map_or(0, |first| {
            let gone = i128::from(now.0) - i128::from(first.0) - i128::from(self.clock_jumped);
            u64::try_from(gone).unwrap_or_default()
        })
    }

    /// The moment that many milliseconds of [`wall_clock`](Self::wall_clock) are over.
    pub fn wall_clock_at(&self, ms: u64) -> Option<Millis> {
        let first = self.first_admitted?;
        Some(Millis(first.0.saturating_add(ms).saturating_add_signed(self.clock_jumped)))
    }

    /// The provider that it waits for.
    pub fn awaited_provider(&self) -> Option<&str> {
        self.park.as_ref().filter(|_| self.status == RunStatus::Parked)?.provider()
    }

    /// Whether one of its agents lives on this provider.
    pub fn names_provider(&self, provider: &str) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.providers().any(|named| named == provider))
    }

    /// When it goes on by itself; `None` if it does not, or not under the operator's hands.
    pub fn wakes(&self) -> Option<Millis> {
        match &self.park {
            Some(ParkReason::Limit { until, .. }) if self.status == RunStatus::Parked && !self.taken_over => *until,
            _ => None,
        }
    }
}
