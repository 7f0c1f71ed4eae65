//! What the agent of a running step is doing now, as its stream tells: [`Vitals`], shared with readers as [`LiveStory`].
//! It is small, published once for each piece that was read, and wakes nobody; only an [`Alarm`] does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use tokio::sync::watch;

pub use super::circle::Circling;
use super::transcript::LiveOutput;
use crate::loops::core::activity::{Activity, FailureClass, UsageScope};
use crate::loops::core::ids::Millis;
use crate::loops::core::step::Usage;
use crate::loops::mask::Mask;

/// Tools at work that are remembered; a stream that starts more without ending them is not understood.
const MOST_TOOLS: usize = 32;

/// What an agent is doing. The fold of its activities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// The tools at work, the oldest first.
    pub tools: Vec<ToolNow>,
    /// What it waits for before it tries a request again.
    pub wait: Option<Wait>,
    /// Tools that it has used so far.
    pub used_tools: u32,
    /// Requests that it has tried again so far.
    pub retries: u32,
    /// Tokens of this step so far, where the stream tells before the end.
    pub usage: Usage,
    /// Whether it has said that its work is over.
    pub finished: bool,
    /// Whether it has nothing left to do, as far as it tells; it may go on all the same.
    pub idle: bool,
}

/// A tool at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolNow {
    /// The stream's id for this use.
    pub id: String,
    /// Its name, as the agent wrote it.
    pub name: String,
    /// What it is used for, as the agent wrote it.
    pub summary: String,
    /// Since when.
    pub since: Millis,
}

/// A pause before the next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What went wrong.
    pub class: FailureClass,
    /// Which attempt failed, from 1.
    pub attempt: Option<u32>,
    /// Of how many.
    pub of: Option<u32>,
    /// When it goes on, where known.
    pub until: Option<Millis>,
}

impl Vitals {
    /// Takes the next activity.
    pub(super) fn take(&mut self, activity: &Activity, now: Millis) {
        match activity {
            Activity::ToolStarted { id, name, summary } => {
                self.used_tools = self.used_tools.saturating_add(1);
                if self.tools.len() < MOST_TOOLS {
                    let (id, name, summary) = (id.clone(), name.clone(), Mask::of_process().text(summary).into_owned());
                    self.tools.push(ToolNow { id, name, summary, since: now });
                }
            }
            Activity::ToolEnded { id, .. } => self.tools.retain(|tool| tool.id != *id),
            Activity::Used { scope, usage } => match scope {
                UsageScope::Part => self.usage.add(usage),
                UsageScope::Step => self.usage = *usage,
                // What the session had used before this step is not known here.
                UsageScope::Session => {}
            },
            Activity::Retry { attempt, of, delay_ms, class, .. } => {
                self.retries = self.retries.saturating_add(1);
                let until = delay_ms.map(|delay| Millis(now.0.saturating_add(delay)));
                self.wait = Some(Wait { class: *class, attempt: *attempt, of: *of, until });
                return;
            }
            Activity::RateLimited { until } => {
                self.wait = Some(Wait { class: FailureClass::Rate, attempt: None, of: None, until: *until });
                return;
            }
            Activity::Final { .. } => {
                self.finished = true;
                self.tools.clear();
            }
            Activity::Idle { idle } => {
                self.idle = *idle;
                return;
            }
            Activity::Warning { .. } | Activity::Unknown { .. } | Activity::Broken { .. } => return,
            Activity::Started { .. }
            | Activity::Text { .. }
            | Activity::Thinking { .. }
            | Activity::FileEdited { .. }
            | Activity::Failed(_) => {}
        }
        self.wait = None;
    }
}

/// What whoever looks after a step has to know at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    /// When the agent said that its work is over, or had nothing left to do; `None` again if it goes on.
    pub finished: Option<Instant>,
    /// Why it is taken to go round in circles, as a fragment.
    pub runaway: Option<String>,
    /// The call that it makes again and again.
    pub circling: Option<Circling>,
}

/// The story of a running step: its lines, and what the agent is doing now. Reading it disturbs nobody.
#[derive(Debug)]
pub struct LiveStory {
    live: Arc<LiveOutput>,
    vitals: Mutex<Vitals>,
    alarm: watch::Sender<Alarm>,
}

impl LiveStory {
    pub(super) fn new(live: Arc<LiveOutput>) -> Self {
        Self { live, vitals: Mutex::default(), alarm: watch::Sender::default() }
    }

    /// Its lines, as a transcript that grows.
    pub fn live(&self) -> &Arc<LiveOutput> {
        &self.live
    }

    /// What the agent is doing now.
    pub fn vitals(&self) -> Vitals {
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Wakes when there is cause for it.
    pub fn alarm(&self) -> watch::Receiver<Alarm> {
        self.alarm.subscribe()
    }

    pub(super) fn publish(&self, vitals: &Vitals) {
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner).clone_from(vitals);
    }

    pub(super) fn ring(&self, alarm: Alarm) {
        self.alarm.send_replace(alarm);
    }
}

/// The moment, by the wall clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(id: &str) -> Activity {
        Activity::ToolStarted { id: id.into(), name: "Bash".into(), summary: "cargo test".into() }
    }

    fn ended(id: &str) -> Activity {
        Activity::ToolEnded { id: id.into(), ok: Some(true), exit: None, bytes: 0, head: String::new() }
    }

    #[test]
    fn a_tool_is_at_work_until_it_ends() {
        let mut vitals = Vitals::default();
        vitals.take(&tool("a"), Millis(10));
        vitals.take(&tool("b"), Millis(20));
        vitals.take(&ended("a"), Millis(30));
        assert_eq!(
            vitals.tools.iter().map(|tool| (tool.id.as_str(), tool.since)).collect::<Vec<_>>(),
            [("b", Millis(20))]
        );
        assert_eq!(vitals.used_tools, 2);
        vitals.take(&Activity::Final { text: None }, Millis(40));
        assert!(vitals.finished && vitals.tools.is_empty());
    }

    #[test]
    fn a_wait_lasts_until_something_happens_that_is_no_remark() {
        let mut vitals = Vitals::default();
        let retry = Activity::Retry {
            attempt: Some(2),
            of: Some(5),
            delay_ms: Some(12_000),
            status: Some(429),
            class: FailureClass::Rate,
        };
        vitals.take(&retry, Millis(1_000));
        vitals.take(&Activity::Warning { text: "odd".into() }, Millis(2_000));
        assert_eq!(vitals.wait.as_ref().and_then(|wait| wait.until), Some(Millis(13_000)));
        vitals.take(&Activity::Text { text: "go".into(), whole: true }, Millis(3_000));
        assert_eq!((vitals.wait, vitals.retries), (None, 1));
    }

    #[test]
    fn tools_that_never_end_do_not_pile_up() {
        let mut vitals = Vitals::default();
        for id in 0..1_000 {
            vitals.take(&tool(&id.to_string()), Millis(0));
        }
        assert_eq!((vitals.tools.len(), vitals.used_tools), (MOST_TOOLS, 1_000));
    }
}
