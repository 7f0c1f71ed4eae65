//! Budgets: what a run, or a fleet in a day, may use up of tokens, dollars and time. See [`Budget`].
//!
//! What no agent reports is not counted; a budget on it is refused where it would be set.

use super::step::Usage;
use serde::{Deserialize, Serialize};

/// The time over which a fleet's budget is counted, in milliseconds: the last 24 hours.
pub const DAY: u64 = 24 * 3_600_000;

/// Something that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Tokens read and written; what is read from a provider's cache is not among them.
    Tokens,
    /// Micro-dollars.
    Dollars,
    /// Milliseconds since the run first had a slot.
    WallClock,
}

impl Resource {
    /// `token budget`, for the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tokens => "token budget",
            Self::Dollars => "dollar budget",
            Self::WallClock => "time budget",
        }
    }
}

/// How much may be used; what is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Micro-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_clock_ms: Option<u64>,
}

/// A budget that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub which: Resource,
    /// How much was used.
    pub used: u64,
    /// How much may be.
    pub limit: u64,
}

impl Budget {
    /// This one only.
    pub fn of(which: Resource, limit: u64) -> Self {
        let mut budget = Self::default();
        *budget.slot(which) = Some(limit);
        budget
    }

    fn slot(&mut self, which: Resource) -> &mut Option<u64> {
        match which {
            Resource::Tokens => &mut self.tokens,
            Resource::Dollars => &mut self.micro_usd,
            Resource::WallClock => &mut self.wall_clock_ms,
        }
    }

    /// Takes what `other` says, and keeps what it does not.
    pub fn take(&mut self, other: &Self) {
        for which in [Resource::Tokens, Resource::Dollars, Resource::WallClock] {
            if let Some(limit) = *other.clone().slot(which) {
                *self.slot(which) = Some(limit);
            }
        }
    }

    /// The first that is used up, if any is.
    pub fn breach(&self, usage: &Usage, wall_clock_ms: u64) -> Option<Breach> {
        let all = [
            (Resource::Tokens, usage.tokens(), self.tokens),
            (Resource::Dollars, usage.micro_usd, self.micro_usd),
            (Resource::WallClock, Some(wall_clock_ms), self.wall_clock_ms),
        ];
        all.into_iter().find_map(|(which, used, limit)| {
            let (used, limit) = used.zip(limit)?;
            (used >= limit).then_some(Breach { which, used, limit })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_when_its_last_unit_is_and_cache_reads_are_free() {
        let budget = Budget { tokens: Some(100), micro_usd: Some(5), wall_clock_ms: None };
        let used = |input, cached, micro_usd| Usage { input: Some(input), cached, output: Some(10), micro_usd };
        assert_eq!(budget.breach(&used(89, Some(1_000_000), None), u64::MAX), None);
        let breach = Breach { which: Resource::Tokens, used: 100, limit: 100 };
        assert_eq!(budget.breach(&used(90, None, Some(9)), 0), Some(breach));
        let breach = Breach { which: Resource::Dollars, used: 5, limit: 5 };
        assert_eq!(budget.breach(&used(1, None, Some(5)), 0), Some(breach));
        assert_eq!(budget.breach(&Usage::default(), 0), None, "unknown is not 0, and not too much");
    }

    #[test]
    fn what_is_not_said_stays() {
        let mut budget = Budget { tokens: Some(1), ..Budget::default() };
        budget.take(&Budget::of(Resource::WallClock, 7));
        assert_eq!(budget, Budget { tokens: Some(1), micro_usd: None, wall_clock_ms: Some(7) });
    }
}
