//! What a stretch of a run has cost: time, tokens and dollars of the steps in it.

use crate::loops::core::ids::Millis;
use crate::loops::core::state::RunState;
use crate::loops::core::step::Usage;
use serde::{Deserialize, Serialize};

/// Time, tokens and dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Milliseconds in which a step ran.
    pub ms: u64,
    /// What the agents reported.
    #[serde(flatten)]
    pub usage: Usage,
}

impl Cost {
    /// What `run` has spent until `now` in the iterations from `first` on, and in steps that began at `since` or later.
    pub(super) fn since(run: &RunState, first: u32, since: Millis, now: Millis) -> Self {
        let mut cost = Self::default();
        // Steps are in order: the last ones come first, and most of a long run's are not meant.
        let meant = run.steps.iter().rev().take_while(|step| step.iteration >= first && step.started >= since);
        for step in meant {
            cost.ms = cost.ms.saturating_add(step.duration_ms(now));
            if let Some(usage) = step.usage() {
                cost.usage.add(usage);
            }
        }
        cost
    }
}
