//! An agent that could not work, through no fault of its run: [`Setback`], what is done about it, and how long a run waits.
//!
//! Time and chance are data here: the moment is that of the step's end, the dice are the engine's.

use super::activity::{Failure, FailureClass};
use super::agent::AgentSpec;
use super::ids::Millis;

/// The longest wait after a first setback for which the provider names no time, in milliseconds; it doubles with each.
pub const BASE: u64 = 30_000;
/// What that grows to, in milliseconds.
pub const CEILING: u64 = 15 * 60_000;
/// The shortest wait, in milliseconds. It doubles up to a minute where the provider names a time and does not keep it.
const LEAST: u64 = 1_000;
/// The longest time that a provider is believed, in milliseconds: a month.
const LONGEST: u64 = 31 * 24 * 3_600_000;

/// What an agent's failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Time: the same step is repeated later, and nothing is counted.
    Wait,
    /// A person, who mends the login, the account or the agent's budget; then the same step is repeated, and nothing is counted.
    Person,
    /// Nothing: the step has failed, and counts.
    None,
}

impl FailureClass {
    /// What it asks for.
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Auth | Self::Quota | Self::Budget => Remedy::Person,
            class if class.passes() => Remedy::Wait,
            _ => Remedy::None,
        }
    }
}

/// A step of an agent that is to be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// Whose limits or login it ran into.
    pub provider: String,
    /// Which kind of trouble; one that has a [`Remedy`].
    pub class: FailureClass,
    /// What was said, and for a person what to do.
    pub detail: String,
    /// Milliseconds after which it may be tried again, where the provider says so.
    pub retry_after_ms: Option<u64>,
    /// The same as a moment, where the provider names one.
    pub until: Option<Millis>,
    /// When the step ended.
    pub at: Millis,
    /// How many came in a row, this one included.
    pub streak: u32,
}

impl Setback {
    /// The setback that `failure` is for a run whose step of `agent` ended at `at`; `None` if it counts as a failed step.
    pub fn of(agent: &AgentSpec, failure: &Failure, at: Millis, streak: u32) -> Option<Self> {
        let advice = match failure.class.remedy() {
            Remedy::None => return None,
            Remedy::Wait => None,
            Remedy::Person => Some(advice(agent, failure.class)),
        };
        let parts = [Some(failure.message.clone()).filter(|message| !message.is_empty()), advice];
        Some(Self {
            provider: agent.provider().to_owned(),
            class: failure.class,
            detail: parts.into_iter().flatten().collect::<Vec<_>>().join("; "),
            retry_after_ms: failure.retry_after_ms,
            until: failure.until,
            at,
            streak,
        })
    }

    /// When the step is to be repeated: at the provider's time, the later one where it names two, else after an
    /// exponential back-off with full jitter. `dice` is any number.
    pub fn until(&self, dice: u64) -> Millis {
        let doublings = self.streak.saturating_sub(1).min(16);
        // What an agent waits before it asks again says less than when the limit ends.
        let wait = match self.retry_after_ms.max(self.until.map(|until| until.since(self.at))) {
            Some(named) => named.max((LEAST << doublings).min(60_000)).min(LONGEST),
            None => LEAST + dice % (BASE << doublings).min(CEILING),
        };
        Millis(self.at.0.saturating_add(wait))
    }
}

/// What a person does about a login or an account.
fn advice(agent: &AgentSpec, class: FailureClass) -> String {
    if class == FailureClass::Quota {
        return format!("add credit or wait for the plan of {} to start anew, then R", agent.provider());
    }
    if class == FailureClass::Budget {
        return format!(
            "raise the budget in the arguments of {} and choose it anew with A, or try again with R",
            agent.name
        );
    }
    let login = match agent.profile.as_str() {
        "claude" => "log in again with `claude /login`",
        "codex" => "log in again with `codex login`",
        "opencode" => "log in again with `opencode auth login`",
        "cursor" => "log in again with `cursor-agent login`",
        "gemini" => "log in again in `gemini`, or mend its key",
        "qwen" => "log in again in `qwen`, or mend its key",
        _ => return format!("mend the login or the key of {}, then R", agent.name),
    };
    format!("{login}, then R")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn setback(class: FailureClass, retry_after_ms: Option<u64>, streak: u32) -> Setback {
        let agent = AgentSpec {
            profile: "claude".to_owned(),
            provider: Some("anthropic".to_owned()),
            ..AgentSpec::new("worker", vec!["claude".to_owned()])
        };
        let failure = Failure { retry_after_ms, ..Failure::new(class, "no more") };
        Setback::of(&agent, &failure, Millis(1_000_000), streak).unwrap()
    }

    #[test]
    fn a_named_time_is_kept_and_others_back_off_within_bounds() {
        let named = |ms, streak| setback(FailureClass::Rate, Some(ms), streak).until(7).0 - 1_000_000;
        assert_eq!((named(90_000, 1), named(0, 1), named(0, 4), named(0, 40)), (90_000, 1_000, 8_000, 60_000));
        assert_eq!(named(u64::MAX, 1), LONGEST);
        let jittered = |streak, dice| setback(FailureClass::Network, None, streak).until(dice).0 - 1_000_000;
        for streak in 1..40 {
            let most = (BASE << (streak - 1).min(20)).min(CEILING);
            for dice in [0, 1, most - 1, most, u64::MAX] {
                let wait = jittered(streak, dice);
                assert!((LEAST..LEAST + most).contains(&wait), "{streak} {dice}: {wait}");
            }
            assert_eq!(jittered(streak, most - 1), LEAST + most - 1);
        }
    }

    #[test]
    fn a_named_moment_is_kept_like_a_named_wait() {
        let until = |until, retry_after_ms| {
            let setback = Setback { until: Some(Millis(until)), ..setback(FailureClass::Rate, retry_after_ms, 1) };
            setback.until(7).0
        };
        assert_eq!(until(8_200_000, None), 8_200_000);
        assert_eq!(
            until(8_200_000, Some(500)),
            8_200_000,
            "what the agent waits between two requests is not the limit"
        );
        assert_eq!(until(1_001_500, Some(9_000)), 1_009_000);
        assert_eq!(until(5, None), 1_000_000 + LEAST, "it has passed");
        assert_eq!(until(u64::MAX, None), 1_000_000 + LONGEST);
        let agent = AgentSpec::new("a", Vec::new());
        let failure = Failure { until: Some(Millis(9)), ..Failure::new(FailureClass::Rate, "") };
        assert_eq!(Setback::of(&agent, &failure, Millis(1), 1).unwrap().until, Some(Millis(9)));
    }

    #[test]
    fn a_person_is_told_what_to_do_and_what_counts_is_no_setback() {
        let auth = setback(FailureClass::Auth, None, 1);
        assert_eq!(
            (auth.provider.as_str(), auth.detail.as_str()),
            ("anthropic", "no more; log in again with `claude /login`, then R")
        );
        assert!(setback(FailureClass::Quota, None, 1).detail.contains("credit"));
        assert!(setback(FailureClass::Budget, None, 1).detail.contains("in the arguments of worker"));
        assert_eq!(setback(FailureClass::Rate, None, 1).detail, "no more");
        let agent = AgentSpec::new("a", Vec::new());
        for class in [FailureClass::Context, FailureClass::Refusal, FailureClass::Usage, FailureClass::Cut] {
            assert_eq!(Setback::of(&agent, &Failure::new(class, ""), Millis(1), 1), None);
        }
    }
}
