//! Providers that are held: whose agents are not started until a time, or until somebody lifts the [`Hold`].
//!
//! [`Holds`] is what every loopdash of the box agrees on: of two words on one provider the later one counts.

use super::activity::FailureClass;
use super::event::ParkReason;
use super::ids::{Millis, RunId};
use super::setback::{Remedy, Setback};
use super::state::RunState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a provider's agents are not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which kind of trouble.
    pub class: FailureClass,
    /// What was said, and what to do.
    pub detail: String,
    /// When it ends by itself; `None` when somebody has to lift it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

/// The last word on each provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(BTreeMap<String, (Millis, Option<Hold>)>);

impl Holds {
    /// No word on any.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a word on a provider: held, or `None` for free. Whether anything changed; an earlier word than the last
    /// one changes nothing.
    pub fn hear(&mut self, provider: &str, at: Millis, hold: Option<Hold>) -> bool {
        let last = self.0.get(provider);
        if last.is_some_and(|(last, _)| *last > at) {
            return false;
        }
        let changed = last.and_then(|(_, before)| before.as_ref()) != hold.as_ref();
        self.0.insert(provider.to_owned(), (at, hold));
        changed
    }

    /// Takes in all words of `others`. Whether anything changed.
    pub fn join(&mut self, others: &Self) -> bool {
        let heard = others.0.iter().map(|(provider, (at, hold))| self.hear(provider, *at, hold.clone()));
        heard.fold(false, |any, changed| any | changed)
    }

    /// The hold on a provider that is in force.
    pub fn get(&self, provider: &str, now: Millis) -> Option<&Hold> {
        let (_, hold) = self.0.get(provider)?;
        hold.as_ref().filter(|hold| hold.until.is_none_or(|until| until > now))
    }

    /// All that are in force, by provider.
    pub fn in_force(&self, now: Millis) -> impl Iterator<Item = (&str, &Hold)> {
        self.0.keys().filter_map(move |provider| Some((provider.as_str(), self.get(provider, now)?)))
    }

    /// Those that somebody has to lift, by provider, each with since when.
    pub fn until_lifted(&self) -> impl Iterator<Item = (&str, Millis, &Hold)> {
        let held = self.0.iter().filter_map(|(provider, (at, hold))| Some((provider.as_str(), *at, hold.as_ref()?)));
        held.filter(|(_, _, hold)| hold.until.is_none())
    }

    /// The next moment at which one ends by itself.
    pub fn next_end(&self, now: Millis) -> Option<Millis> {
        self.in_force(now).filter_map(|(_, hold)| hold.until).min()
    }
}

/// What a setback comes to: how the run is parked, and whether its provider is held from now on.
///
/// What passes holds the provider until its time. A login or an account that fails parks only its run, as its agent alone
/// may be set up wrongly; when a second run of `others` meets the same, it is the provider's, and the first run is the
/// one that asks. An agent's own budget is never the provider's.
pub fn judge<'a>(
    run: RunId,
    setback: &Setback,
    dice: u64,
    holds: &Holds,
    mut others: impl Iterator<Item = &'a RunState>,
) -> (ParkReason, Option<Hold>) {
    let Setback { provider, class, detail, .. } = setback.clone();
    let held = holds.get(&provider, setback.at);
    let limit = |until| ParkReason::Limit { until, provider: provider.clone(), class, detail: detail.clone() };
    let hold = |until| Hold { class, detail: detail.clone(), until };
    if setback.class.remedy() == Remedy::Wait {
        let until = setback.until(dice);
        // A hold that lasts longer already stays.
        let longer = held.is_some_and(|held| held.until.is_none_or(|held| held >= until));
        return (limit(Some(until)), (!longer).then(|| hold(Some(until))));
    }
    if held.is_some_and(|held| held.until.is_none()) {
        return (limit(None), None);
    }
    let met = |other: &RunState| {
        other.id != run
            && matches!(&other.park, Some(ParkReason::Account { provider: theirs, class: met, .. })
                if *theirs == provider && *met == class)
    };
    if class != FailureClass::Budget && others.any(met) {
        (limit(None), Some(hold(None)))
    } else {
        (ParkReason::Account { provider: provider.clone(), class, detail: detail.clone() }, None)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hold(until: Option<u64>) -> Hold {
        Hold { class: FailureClass::Rate, detail: "slow down".to_owned(), until: until.map(Millis) }
    }

    fn setback(class: FailureClass, retry_after_ms: Option<u64>) -> Setback {
        let detail = "slow down".to_owned();
        Setback { provider: "p".to_owned(), class, detail, retry_after_ms, until: None, at: Millis(1000), streak: 1 }
    }

    fn run(n: u8) -> RunId {
        RunId::parse(&format!("01935b1e-0000-7000-8000-{n:012}")).unwrap()
    }

    #[test]
    fn the_later_word_counts_and_a_time_ends_a_hold() {
        let mut holds = Holds::default();
        assert!(!holds.hear("p", Millis(1), None), "free already");
        assert!(holds.hear("p", Millis(5), Some(hold(Some(90)))));
        assert!(!holds.hear("p", Millis(4), None), "an old word");
        assert!(!holds.hear("p", Millis(6), Some(hold(Some(90)))), "nothing new");
        assert!(holds.hear("q", Millis(5), Some(hold(None))));
        assert_eq!((holds.next_end(Millis(6)), holds.in_force(Millis(6)).count()), (Some(Millis(90)), 2));
        assert_eq!((holds.next_end(Millis(90)), holds.get("p", Millis(90))), (None, None));
        assert!(holds.get("q", Millis(u64::MAX)).is_some());
        assert!(holds.hear("q", Millis(7), None));
        assert_eq!(holds.in_force(Millis(6)).map(|(name, _)| name).collect::<Vec<_>>(), ["p"]);
    }

    #[test]
    fn what_passes_holds_its_provider_and_never_shortens_a_hold() {
        let mut holds = Holds::default();
        let limited = setback(FailureClass::Rate, Some(60_000));
        let (park, held) = judge(run(1), &limited, 0, &holds, std::iter::empty());
        let until = Some(Millis(61_000));
        assert!(matches!(park, ParkReason::Limit { until: at, .. } if at == until));
        assert_eq!(held, Some(hold(Some(61_000))));
        holds.hear("p", Millis(1000), held);
        let sooner = setback(FailureClass::Rate, Some(30_000));
        assert!(matches!(judge(run(2), &sooner, 0, &holds, std::iter::empty()), (_, None)));
        let later = setback(FailureClass::Rate, Some(90_000));
        assert_eq!(judge(run(2), &later, 0, &holds, std::iter::empty()).1, Some(hold(Some(91_000))));
    }

    #[test]
    fn a_login_holds_its_provider_when_a_second_run_meets_the_same() {
        let holds = Holds::default();
        let turned = setback(FailureClass::Auth, None);
        let parked = |n, class| {
            let park = ParkReason::Account { provider: "p".to_owned(), class, detail: String::new() };
            RunState { park: Some(park), ..RunState::new(run(n)) }
        };
        let itself = parked(1, FailureClass::Auth);
        let (park, held) = judge(run(1), &turned, 0, &holds, [&itself].into_iter());
        assert!(matches!((park, held), (ParkReason::Account { .. }, None)));
        let other = parked(2, FailureClass::Quota);
        assert_eq!(judge(run(1), &turned, 0, &holds, [&other].into_iter()).1, None, "another class");
        let spent = setback(FailureClass::Budget, None);
        let other = parked(2, FailureClass::Budget);
        let (park, held) = judge(run(1), &spent, 0, &holds, [&other].into_iter());
        assert!(matches!((park, held), (ParkReason::Account { .. }, None)), "each agent has its own");
        let other = parked(2, FailureClass::Auth);
        let (park, held) = judge(run(1), &turned, 0, &holds, [&other].into_iter());
        assert!(matches!(park, ParkReason::Limit { until: None, .. }));
        let held = held.unwrap();
        assert_eq!(held.until, None);
        let mut holds = holds;
        holds.hear("p", Millis(1), Some(held));
        assert!(matches!(
            judge(run(3), &turned, 0, &holds, std::iter::empty()),
            (ParkReason::Limit { until: None, .. }, None)
        ));
    }
}
