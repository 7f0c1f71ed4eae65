//! Budgets: what a run, or a fleet in a day, may use up of tokens, dollars and time. See [`Budget`].
//!
//! What no agent reports is not counted; a budget on it is refused where it would be set.

use super::ids::Millis;
use super::step::Usage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The time over which a fleet's budget is counted, in milliseconds: the last 24 hours.
pub const DAY: u64 = 24 * 3_600_000;

/// Something that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Tokens read and written; what is read from a provider's cache is not among them.
    Tokens,
    /// Micro-dollars.
    Dollars,
    /// Milliseconds: of a run since it first had a slot, of the fleet in which agents worked, in sum.
    WallClock,
    /// Iterations that counted.
    Iterations,
}

impl Resource {
    const ALL: [Self; 4] = [Self::Tokens, Self::Dollars, Self::WallClock, Self::Iterations];

    /// `token budget`, for the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tokens => "token budget",
            Self::Dollars => "dollar budget",
            Self::WallClock => "time budget",
            Self::Iterations => "iteration budget",
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
    /// Iterations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
}

/// What was used up of all that there may be a budget of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens and dollars, as far as they are known.
    pub usage: Usage,
    /// Milliseconds.
    pub wall_clock_ms: u64,
    /// Iterations.
    pub iterations: u64,
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

    /// The limit of one.
    pub fn limit(mut self, which: Resource) -> Option<u64> {
        *self.slot(which)
    }

    fn slot(&mut self, which: Resource) -> &mut Option<u64> {
        match which {
            Resource::Tokens => &mut self.tokens,
            Resource::Dollars => &mut self.micro_usd,
            Resource::WallClock => &mut self.wall_clock_ms,
            Resource::Iterations => &mut self.iterations,
        }
    }

    /// Takes what `other` says, and keeps what it does not.
    pub fn take(&mut self, other: &Self) {
        for which in Resource::ALL {
            if let Some(limit) = other.limit(which) {
                *self.slot(which) = Some(limit);
            }
        }
    }

    /// All that are used up, in the order of [`Resource`].
    pub fn breaches(&self, used: &Used) -> impl Iterator<Item = Breach> + use<> {
        let (budget, used) = (*self, *used);
        Resource::ALL.into_iter().filter_map(move |which| {
            let (used, limit) = used.of(which).zip(budget.limit(which))?;
            (used >= limit).then_some(Breach { which, used, limit })
        })
    }
}

impl Used {
    /// How much of one, where that is known.
    pub fn of(&self, which: Resource) -> Option<u64> {
        match which {
            Resource::Tokens => self.usage.tokens(),
            Resource::Dollars => self.usage.micro_usd,
            Resource::WallClock => Some(self.wall_clock_ms),
            Resource::Iterations => Some(self.iterations),
        }
    }
}

/// What all runs may use beyond their configured budget, as operators have said: the last word on each resource, which
/// holds for as long as the budget is counted over. For good a budget is raised where it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raises(BTreeMap<Resource, (Millis, u64)>);

impl Raises {
    /// No word on any.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a word on a resource. Whether anything changed; an earlier word than the last one changes nothing.
    pub fn hear(&mut self, which: Resource, at: Millis, limit: u64) -> bool {
        let last = self.0.get(&which).copied();
        let counts = last.is_none_or(|(last, before)| last < at || (last == at && before < limit));
        if counts {
            self.0.insert(which, (at, limit));
        }
        counts
    }

    /// Takes in all words of `others`. Whether anything changed.
    pub fn join(&mut self, others: &Self) -> bool {
        let heard = others.0.iter().map(|(which, (at, limit))| self.hear(*which, *at, *limit));
        heard.fold(false, |any, changed| any | changed)
    }

    /// `budget` with what is raised of it at `now`. What is unlimited stays so, and nothing is lowered.
    pub fn over(&self, budget: Budget, now: Millis) -> Budget {
        let mut raised = budget;
        for (which, (at, limit)) in &self.0 {
            if now.since(*at) < DAY {
                let slot = raised.slot(*which);
                *slot = slot.map(|configured| configured.max(*limit));
            }
        }
        raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_when_its_last_unit_is_and_cache_reads_are_free() {
        let budget = Budget { tokens: Some(100), micro_usd: Some(5), ..Budget::default() };
        let used = |input, cached, micro_usd| {
            let usage = Usage { input: Some(input), cached, output: Some(10), micro_usd };
            Used { usage, wall_clock_ms: u64::MAX, iterations: u64::MAX }
        };
        let breach = |used: Used| budget.breaches(&used).collect::<Vec<_>>();
        assert_eq!(breach(used(89, Some(1_000_000), None)), []);
        let tokens = Breach { which: Resource::Tokens, used: 100, limit: 100 };
        let dollars = |used| Breach { which: Resource::Dollars, used, limit: 5 };
        assert_eq!(breach(used(90, None, Some(9))), [tokens, dollars(9)]);
        assert_eq!(breach(used(1, None, Some(5))), [dollars(5)]);
        assert_eq!(breach(Used::default()), [], "unknown is not 0, and not too much");
        let budget = Budget::of(Resource::Iterations, 3);
        let of = |iterations| budget.breaches(&Used { iterations, ..Used::default() }).count();
        assert_eq!((of(2), of(3)), (0, 1));
    }

    #[test]
    fn a_raise_counts_for_a_day_and_neither_limits_nor_lowers() {
        let budget = Budget { tokens: Some(100), ..Budget::default() };
        let mut raises = Raises::new();
        assert!(raises.hear(Resource::Tokens, Millis(5), 300) && raises.hear(Resource::Dollars, Millis(5), 7));
        assert!(!raises.hear(Resource::Tokens, Millis(4), 900), "an old word");
        assert_eq!(raises.over(budget, Millis(5)), Budget { tokens: Some(300), ..budget });
        assert_eq!(raises.over(Budget { tokens: Some(500), ..budget }, Millis(5)).tokens, Some(500));
        assert_eq!(raises.over(budget, Millis(5 + DAY)), budget);
        let mut other = Raises::new();
        assert!(other.hear(Resource::Tokens, Millis(6), 200) && raises.join(&other) && !raises.join(&other));
        assert_eq!(raises.over(budget, Millis(7)).tokens, Some(200));
    }

    #[test]
    fn what_is_not_said_stays() {
        let mut budget = Budget { tokens: Some(1), ..Budget::default() };
        budget.take(&Budget::of(Resource::WallClock, 7));
        assert_eq!(budget, Budget { tokens: Some(1), wall_clock_ms: Some(7), ..Budget::default() });
    }
}
