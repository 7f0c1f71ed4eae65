//! The tables `[stuck]` and `stuck` of a loop: when a run is taken to be stuck, and what is done about it without asking.
//!
//! A loop's own table replaces single keys of the one for all loops; together they make a [`Policy`].

use super::agent::Dollars;
use crate::loops::core::duration::Span;
use crate::loops::core::watch::{self, Pattern, Policy, Remedy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a run is taken to be stuck, and what is done about it without asking. What is absent is as for all loops, or as
/// loopdash has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stuck {
    /// Signals that are not raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<Vec<Pattern>>,
    /// How long an agent's step may print nothing while its processes do nothing. 20 minutes when absent. It is looked at
    /// when the agent's own `silence` has passed, and each time that this has doubled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Span>,
    /// How long a gate, setup or a hook may print nothing while its processes do nothing. 30 minutes when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_silence: Option<Span>,
    /// Calls of one tool with one result, among the last sixty of a step. 20 when absent.
    #[schemars(range(min = 2, max = 60))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_tool: Option<u32>,
    /// Iterations in a row in which the actor ends with the same words, but for numbers, times and paths. 4 when absent.
    #[schemars(range(min = 2, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_output: Option<u32>,
    /// Times that earlier content comes back. 2 when absent.
    #[schemars(range(min = 1, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree_again: Option<u32>,
    /// Iterations in a row that change and commit nothing. 3 when absent.
    #[schemars(range(min = 1, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_change: Option<u32>,
    /// Times that one change is taken back by the iteration after. 2 when absent.
    #[schemars(range(min = 1, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<u32>,
    /// Iterations in a row whose gates fail in the same way. 4 when absent.
    #[schemars(range(min = 2, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_failures: Option<u32>,
    /// Verdicts in a row with a finding that is still there, while no fewer are open. 5 when absent.
    #[schemars(range(min = 2, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings_stay: Option<u32>,
    /// Findings that come back after they were worked on. 2 when absent.
    #[schemars(range(min = 1, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings_return: Option<u32>,
    /// Findings that ask for the opposite of the verdict before. 2 when absent.
    #[schemars(range(min = 1, max = 12))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings_contradict: Option<u32>,
    /// How long a run may take before it is said; it goes on. 2 hours when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_run: Option<Span>,
    /// What a run may cost before it is said; it goes on. Never said when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Dollars>,
    /// What is done about a stuck run without asking, in this order: `note` tells the actor what is seen, `restart` starts a
    /// silent or circling step anew, `stronger` gives the actor's role to the loop's stronger agent, `rewind` sets the worktree
    /// back to the best iteration, `skip` and `waive` end the test, `park` gives the slot back and waits for a person. Of
    /// these, `stronger`, `skip` and `waive` are for blocked tests, too. Nothing when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_heal: Option<Vec<Heal>>,
}

/// A remedy that is taken without asking: its name, which is once in a run, or a table with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Heal {
    /// So often in a run.
    Limited(LimitedHeal),
    /// Once in a run.
    Once(Remedy),
}

/// A remedy with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitedHeal {
    /// Which.
    pub remedy: Remedy,
    /// How often in a run.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
}

impl Heal {
    /// The remedy.
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Once(remedy) | Self::Limited(LimitedHeal { remedy, .. }) => remedy,
        }
    }

    const fn spec(self) -> watch::Heal {
        match self {
            Self::Once(remedy) => watch::Heal { remedy, limit: 1 },
            Self::Limited(LimitedHeal { remedy, limit }) => watch::Heal { remedy, limit },
        }
    }
}

impl Stuck {
    /// The policy of a loop with these keys, where `all` holds those for all loops.
    pub fn policy(&self, all: &Self) -> Policy {
        let usual = Policy::default();
        let span = |own: Option<Span>, all: Option<Span>, usual: Option<u64>| own.or(all).map(Span::millis).or(usual);
        let count = |own: Option<u32>, all: Option<u32>, usual: Option<u32>| own.or(all).or(usual);
        let heal = self.auto_heal.as_ref().or(all.auto_heal.as_ref());
        let mut policy = Policy {
            silence_ms: span(self.silence, all.silence, usual.silence_ms),
            command_silence_ms: span(self.command_silence, all.command_silence, usual.command_silence_ms),
            same_tool: count(self.same_tool, all.same_tool, usual.same_tool),
            same_output: count(self.same_output, all.same_output, usual.same_output),
            tree_again: count(self.tree_again, all.tree_again, usual.tree_again),
            no_change: count(self.no_change, all.no_change, usual.no_change),
            same_failures: count(self.same_failures, all.same_failures, usual.same_failures),
            findings_stay: count(self.findings_stay, all.findings_stay, usual.findings_stay),
            findings_return: count(self.findings_return, all.findings_return, usual.findings_return),
            findings_contradict: count(self.findings_contradict, all.findings_contradict, usual.findings_contradict),
            undone: count(self.undone, all.undone, usual.undone),
            long_run_ms: span(self.long_run, all.long_run, usual.long_run_ms),
            cost_micro_usd: self.cost.or(all.cost).map(Dollars::micro).or(usual.cost_micro_usd),
            heal: heal.into_iter().flatten().map(|heal| heal.spec()).collect(),
        };
        for pattern in self.off.as_ref().or(all.off.as_ref()).into_iter().flatten() {
            policy.turn_off(*pattern);
        }
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loops_keys_go_before_those_of_all_loops_and_these_before_the_defaults() {
        let all = Stuck { no_change: Some(5), undone: Some(3), off: Some(vec![Pattern::LongRun]), ..Stuck::default() };
        let heal = Some(vec![Heal::Once(Remedy::Note), Heal::Limited(LimitedHeal { remedy: Remedy::Park, limit: 3 })]);
        let own = Stuck { no_change: Some(2), auto_heal: heal, ..Stuck::default() };
        let policy = own.policy(&all);
        assert_eq!((policy.no_change, policy.undone, policy.same_tool), (Some(2), Some(3), Some(20)));
        assert_eq!(policy.long_run_ms, None);
        assert_eq!(
            policy.heal.iter().map(|heal| (heal.remedy, heal.limit)).collect::<Vec<_>>(),
            [(Remedy::Note, 1), (Remedy::Park, 3)]
        );
        assert_eq!(Stuck::default().policy(&Stuck::default()), Policy::default());
    }
}
