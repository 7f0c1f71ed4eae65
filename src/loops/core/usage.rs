//! What agents use up, as they report it: of one step ([`Usage`]), and of several ([`Total`]).
//!
//! What is not reported is unknown, which is not 0; a sum with an unknown part is *at least* what is known of it.

use serde::{Deserialize, Serialize};

/// Tokens and dollars that an agent reported for one step; a field that it does not report stays `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, without cache reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Micro-dollars, so that sums are exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
}

impl Usage {
    /// Tokens read and written, as far as they are reported; cache reads apart.
    pub fn tokens(&self) -> Option<u64> {
        match (self.input, self.output) {
            (None, None) => None,
            (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        }
    }

    /// Adds another; what is known of either is known of the sum.
    pub fn add(&mut self, more: &Self) {
        fn add(total: &mut Option<u64>, more: Option<u64>) {
            if let Some(more) = more {
                *total = Some(total.unwrap_or(0).saturating_add(more));
            }
        }
        add(&mut self.input, more.input);
        add(&mut self.cached, more.cached);
        add(&mut self.output, more.output);
        add(&mut self.micro_usd, more.micro_usd);
    }

    /// Tokens of all kinds, those from a cache included, as far as they are reported.
    pub fn all_tokens(&self) -> u64 {
        [self.input, self.cached, self.output].into_iter().flatten().fold(0, u64::saturating_add)
    }
}

/// What several steps used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// What is known of it.
    #[serde(flatten)]
    pub known: Usage,
    /// Whether a step's tokens are not known, so that there are at least as many.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial_tokens: bool,
    /// Whether a step's dollars are not known, so that there are at least as many.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial_dollars: bool,
}

impl Total {
    /// Adds what a step told, whose agent worked.
    pub fn add_step(&mut self, told: Option<&Usage>) {
        let told = told.copied().unwrap_or_default();
        self.known.add(&told);
        self.partial_tokens |= told.tokens().is_none();
        let nothing = told.tokens().is_some() && told.all_tokens() == 0;
        self.partial_dollars |= told.micro_usd.is_none() && !nothing;
    }

    /// Adds another sum.
    pub fn add(&mut self, more: &Self) {
        self.known.add(&more.known);
        self.partial_tokens |= more.partial_tokens;
        self.partial_dollars |= more.partial_dollars;
    }
}

impl From<Usage> for Total {
    fn from(known: Usage) -> Self {
        Self { known, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_with_an_unknown_part_says_so() {
        let priced = Usage { input: Some(10), output: Some(1), micro_usd: Some(7), ..Usage::default() };
        let mut total = Total::default();
        total.add_step(Some(&priced));
        assert_eq!(total, Total::from(priced));
        let mut unpriced = total;
        unpriced.add_step(Some(&Usage { micro_usd: None, ..priced }));
        assert_eq!((unpriced.known.micro_usd, unpriced.known.input), (Some(7), Some(20)));
        assert!(unpriced.partial_dollars && !unpriced.partial_tokens);
        let mut silent = total;
        silent.add_step(None);
        assert!(silent.known == priced && silent.partial_dollars && silent.partial_tokens);
        total.add(&unpriced);
        assert_eq!((total.known.micro_usd, total.partial_dollars, total.partial_tokens), (Some(14), true, false));
    }
}
