//! Coverage: how much of the code a gate's tests ran, and the floor that it is held to. See [`Coverage`].
//!
//! A total is read from what tools print ([`Printed`]) or from the report of one ([`reported`]). It is never rounded up.

mod percent;
mod printed;
mod report;
mod xml;

pub use percent::Percent;
pub use printed::Printed;
pub use report::reported;

use serde::{Deserialize, Serialize};

/// The coverage that a gate asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CoverageSpec {
    /// What it has to reach.
    pub floor: Percent,
    /// The report that holds the total, relative to the worktree; without one it is read from what the gate prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// The coverage of one run of a gate, and what it is held to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The total, if one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Percent>,
    /// The gate's floor.
    pub floor: Percent,
    /// The total on the run's base, where that is under the floor: an iteration is held to no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Percent>,
    /// Where no total was found, as a fragment: `in the output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl Coverage {
    /// What was found, or where nothing was, held to a floor; `base` is what the same gate found on the run's base.
    pub fn new(found: Result<Percent, String>, floor: Percent, base: Option<&Self>) -> Self {
        let base = base.and_then(|base| base.total).filter(|total| *total < floor);
        match found {
            Ok(total) => Self { total: Some(total), floor, base, missing: None },
            Err(missing) => Self { total: None, floor, base, missing: Some(missing) },
        }
    }

    /// Whether it is under the floor, or not known.
    pub fn is_short(&self) -> bool {
        self.total.is_none_or(|total| total < self.floor)
    }

    /// Whether what is short of it is so on the base, too: the total is under the floor there, and has not fallen; or there
    /// was none, either.
    pub fn is_known(&self, base: Option<&Self>) -> bool {
        let there = base.filter(|base| base.is_short()).map(|base| base.total);
        match (self.total, there) {
            (Some(now), Some(Some(there))) => now >= there,
            (None, Some(None)) => true,
            _ => false,
        }
    }

    /// `coverage 84.2 %`, `coverage 71.4 % is under the floor of 80 %`, `no coverage total found in the output`.
    pub fn words(&self) -> String {
        let floor = self.floor;
        match (self.total, self.base) {
            (None, _) => format!("no coverage total found {}", self.missing.as_deref().unwrap_or("at all")),
            (Some(total), _) if total >= floor => format!("coverage {total}"),
            (Some(total), None) => format!("coverage {total} is under the floor of {floor}"),
            (Some(total), Some(base)) if total < base => {
                format!("coverage {total} is under the {base} of the base, which is under the floor of {floor} itself")
            }
            (Some(total), Some(base)) => {
                format!("coverage {total} is under the floor of {floor}, as on the base with {base}")
            }
        }
    }

    /// The same where there is little room: `84.2 %`, `71.4 % < 80 %`, `no coverage`.
    pub fn brief(&self) -> String {
        match self.total {
            None => "no coverage".to_owned(),
            Some(total) if total < self.floor => format!("{total} < {}", self.floor),
            Some(total) => total.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
