//! Notices an agent that makes one tool call with one result again and again: [`Circle`].
//!
//! Each call is one number, so that an agent that makes a million of them costs no more than one that makes fifty.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::loops::core::activity::Activity;
use crate::loops::core::ids::Millis;

/// Calls that are looked back on: two or three in turns are seen, too.
const WINDOW: usize = 60;
/// Calls at work that are remembered.
const MOST_OPEN: usize = 32;
/// A call that takes this long waits for something, which is what a poll does.
const WAITS_MS: u64 = 5_000;
/// Characters of a call's words.
const WORDS: usize = 200;

/// A call that is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circling {
    /// Its words.
    pub call: String,
    /// How often it was made.
    pub times: u32,
    /// Since when.
    pub since: Millis,
}

/// Follows the calls of one step.
#[derive(Debug, Default)]
pub(super) struct Circle {
    threshold: Option<u32>,
    open: Vec<(String, String, Millis)>,
    /// The last calls with their results, and when each was made.
    last: VecDeque<(u64, Millis)>,
    /// What was told last.
    told: Option<(u64, u32)>,
}

impl Circle {
    /// Tells of a call that was made `threshold` times; of none without one.
    pub(super) fn new(threshold: Option<u32>) -> Self {
        Self { threshold: threshold.filter(|times| *times > 0), ..Self::default() }
    }

    /// Takes the next activity. What there is to be told now: a circle, or with `None` inside that it is over.
    pub(super) fn take(&mut self, activity: &Activity, now: Millis) -> Option<Option<Circling>> {
        let threshold = self.threshold?;
        match activity {
            Activity::ToolStarted { id, name, summary } => {
                if self.open.len() >= MOST_OPEN {
                    self.open.remove(0);
                }
                let words = format!("{name} {summary}").chars().take(WORDS).collect();
                self.open.push((id.clone(), words, now));
                None
            }
            // Work that leaves something behind is no circle.
            Activity::FileEdited { .. } => {
                self.last.clear();
                self.told.take().map(|_| None)
            }
            Activity::ToolEnded { id, ok, exit, bytes, head } => {
                let at = self.open.iter().position(|(open, ..)| open == id)?;
                let (_, words, since) = self.open.remove(at);
                if now.since(since) >= WAITS_MS {
                    return None;
                }
                let mut hasher = DefaultHasher::new();
                (&words, ok, exit, bytes, head).hash(&mut hasher);
                let call = hasher.finish();
                if self.last.len() >= WINDOW {
                    self.last.pop_front();
                }
                self.last.push_back((call, now));
                self.told(call, words, threshold)
            }
            _ => None,
        }
    }

    /// Told when the threshold is met, and again each time that it was met twice as often.
    fn told(&mut self, call: u64, words: String, threshold: u32) -> Option<Option<Circling>> {
        let made = self.last.iter().filter(|(other, _)| *other == call);
        let times = u32::try_from(made.clone().count()).unwrap_or(u32::MAX);
        match self.told {
            Some((known, before)) if known == call && times < before.saturating_mul(2) => None,
            None if times < threshold => None,
            Some((known, _)) if known != call && times < threshold => {
                // Over once the window holds fewer of them than it takes.
                let left = self.last.iter().filter(|(other, _)| *other == known).count();
                (left < threshold as usize).then(|| {
                    self.told = None;
                    None
                })
            }
            _ => {
                let since = made.map(|(_, at)| *at).next().unwrap_or_default();
                self.told = Some((call, times));
                Some(Some(Circling { call: words, times, since }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Agent {
        circle: Circle,
        clock: u64,
        told: Vec<Option<u32>>,
    }

    impl Agent {
        fn new() -> Self {
            Self { circle: Circle::new(Some(20)), clock: 0, told: Vec::new() }
        }

        fn hear(&mut self, activity: &Activity) {
            let told = self.circle.take(activity, Millis(self.clock));
            self.told.extend(told.map(|told| told.map(|circling| circling.times)));
        }

        fn call(&mut self, command: &str, result: &str, took: u64) {
            let (id, name, summary) = ("1".to_owned(), "Bash".to_owned(), command.to_owned());
            self.hear(&Activity::ToolStarted { id: id.clone(), name, summary });
            self.clock += took;
            let (ok, exit, bytes, head) = (Some(true), Some(0), result.len() as u64, result.to_owned());
            self.hear(&Activity::ToolEnded { id, ok, exit, bytes, head });
        }
    }

    #[test]
    fn one_call_with_one_result_is_told_once_and_again_when_it_doubles() {
        let mut agent = Agent::new();
        (0..60).for_each(|_| agent.call("cargo test", "1 failed", 100));
        assert_eq!(agent.told, [Some(20), Some(40)]);
        (0..60).for_each(|i| agent.call(&format!("cat {i}"), "text", 100));
        assert_eq!(agent.told, [Some(20), Some(40), None], "and it is over when it does other things");
    }

    #[test]
    fn two_calls_in_turns_are_a_circle_too() {
        let mut agent = Agent::new();
        (0..40).for_each(|i| agent.call(if i % 2 == 0 { "cargo test" } else { "git status" }, "same", 100));
        assert_eq!(agent.told.first(), Some(&Some(20)));
    }

    #[test]
    fn polls_re_reads_between_edits_and_other_results_are_none() {
        let mut agent = Agent::new();
        (0..100).for_each(|_| agent.call("sleep 30; tail build.log", "still running", 30_000));
        for _ in 0..100 {
            agent.call("cat src/a.rs", "fn a()", 10);
            agent.hear(&Activity::FileEdited { path: "src/a.rs".to_owned() });
        }
        (0..100).for_each(|i| agent.call("cargo test", &format!("{i} failed"), 100));
        assert_eq!(agent.told, []);
    }
}
