//! Events as rows of the timeline: who did what, with which mark. See [`tell`].
//!
//! The words are those that `log` prints, but for the numbers of steps.

use super::step_name;
use crate::app::sentence::sentence;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::event::{Event, Outcome, ParkReason, PauseKind, Sign};
use crate::loops::core::ids::Who;
use crate::loops::core::state::RunState;
use crate::loops::core::verdict::Decision;
use crate::widgets::mark::Mark;

/// An event as the timeline shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Glyph and colour.
    pub mark: Mark,
    /// Who did it.
    pub who: &'static str,
    /// The sentence.
    pub text: String,
    /// A heading above it.
    pub chapter: Option<String>,
}

impl Told {
    /// All that is seen of it and can be searched.
    pub fn searched(&self) -> String {
        let chapter = self.chapter.as_deref().unwrap_or_default();
        [chapter, self.who, &self.text].join("\n")
    }
}

fn who(who: Who) -> &'static str {
    match who {
        Who::Operator => "you",
        other => other.word(),
    }
}

/// An event's sentence, with steps by their names: the operator knows no step numbers.
fn words(event: &Event, state: &RunState) -> String {
    let said = sentence(event);
    let step = match event {
        Event::StepStarted(e) => e.step,
        Event::StepFinished(e) => e.step,
        Event::StepInterrupted(e) => e.step,
        Event::Signal(e) => e.step,
        Event::LockAwaited(e) => e.step,
        _ => return said,
    };
    let (Some(known), Some(rest)) = (state.step(step), said.strip_prefix(&format!("step {step}"))) else { return said };
    if let Event::StepFinished(e) = event
        && let Some(gate) = state.gate_run(step)
        && let Some(rest) = rest.strip_prefix(&format!(" ended: {}", e.end.word()))
    {
        let kind = if gate.required { "gate" } else { "advisory gate" };
        let place = if state.is_on_base(step) { "on the base, " } else { "" };
        return format!("{place}{kind} {}: {}{rest}", gate.name, gate.words());
    }
    match rest.strip_prefix(": ") {
        Some(what) if matches!(event, Event::Signal(_)) => format!("{} {what}", step_name(&known.kind)),
        Some(what) => format!("starts {what}"),
        None => format!("{}{rest}", step_name(&known.kind)),
    }
}

/// Tells an event of a run.
pub fn tell(event: &Event, state: &RunState) -> Told {
    let (mark, by) = match event {
        Event::Submitted(_) => (Mark::Queued, "loopdash"),
        Event::Admitted(_) => (Mark::Running, "loopdash"),
        Event::Parked(e) => match &e.reason {
            ParkReason::NeedsHuman { from, .. } => (Mark::NeedsYou, who(*from)),
            ParkReason::Limit { .. } | ParkReason::Behind { .. } => (Mark::Held, "loopdash"),
            ParkReason::Budget { .. } => (Mark::Exhausted, "loopdash"),
            ParkReason::Attention { .. } | ParkReason::Blocked { .. } | ParkReason::Account { .. } => {
                (Mark::Stuck, "loopdash")
            }
        },
        Event::Unparked(e) => (Mark::Queued, who(e.who)),
        Event::PauseRequested(e) => (Mark::Paused, who(e.who)),
        Event::Paused(e) if e.kind == PauseKind::Interrupted => (Mark::Interrupted, "loopdash"),
        Event::Paused(_) => (Mark::Paused, "loopdash"),
        Event::Resumed(e) => (Mark::Running, who(e.who)),
        Event::StopRequested(e) => (Mark::Stopped, who(e.who)),
        Event::Reopened(e) => (Mark::Queued, who(e.who)),
        Event::WorkspaceReady(_) | Event::Noted(_) => (Mark::Info, "loopdash"),
        Event::TestStarted(_) | Event::IterationStarted(_) | Event::StepStarted(_) => (Mark::Active, "loopdash"),
        Event::TestPassed(_) => (Mark::Passed, "loopdash"),
        Event::TestFailed(_) => (Mark::Failed, "loopdash"),
        Event::TestBlocked(_) => (Mark::Blocked, "loopdash"),
        Event::TestSkipped(e) => (Mark::Skipped, who(e.who)),
        Event::TestWaived(e) => (Mark::Waived, who(e.who)),
        Event::TestReset(e) => (Mark::Info, who(e.who)),
        Event::TestRetried(e) => (Mark::Info, who(e.who)),
        Event::TestAdded(e) => (Mark::Info, who(e.who)),
        Event::Signal(e) => match e.sign {
            Sign::Resumed | Sign::Varied => (Mark::Active, "loopdash"),
            Sign::NoOutput | Sign::Silent | Sign::Repeating => (Mark::Stuck, "loopdash"),
        },
        Event::SignalRaised(e) if e.sighting.pattern.stuck() => (Mark::Stuck, "loopdash"),
        Event::SignalRaised(_) | Event::SignalCleared(_) => (Mark::Info, "loopdash"),
        Event::SignalSeen(e) => (Mark::Info, who(e.who)),
        Event::RemedyTaken(e) => (Mark::Info, who(e.who)),
        Event::StepRestarted(e) => (Mark::Info, who(e.who)),
        Event::Spawned(_) => (Mark::Nothing, "loopdash"),
        Event::StepFinished(e) => (if e.end.ok() { Mark::Passed } else { Mark::Failed }, "loopdash"),
        Event::StepInterrupted(_) => (Mark::Interrupted, "loopdash"),
        Event::SnapshotTaken(e) => (if e.empty { Mark::Skipped } else { Mark::Passed }, "loopdash"),
        Event::TakenOver(e) => (Mark::Paused, who(e.who)),
        Event::Kept(e) => (Mark::Info, who(e.by)),
        Event::ChoreAsked(e) => (Mark::Info, who(e.who)),
        Event::Rewound(_) | Event::Scrapped(_) | Event::Restored(_) => (Mark::Info, "loopdash"),
        Event::Merged(_) => (Mark::Done, "loopdash"),
        Event::MergeConflicted(_) => (Mark::Stuck, "loopdash"),
        Event::RepositoryTouched(_) | Event::TestsWeighed(_) => (Mark::Stuck, "loopdash"),
        Event::LockAwaited(_) => (Mark::Waits, "loopdash"),
        Event::ClockJumped(_) => (Mark::Info, "loopdash"),
        Event::GateFinished(e) => (if e.outcome.passed() { Mark::Passed } else { Mark::Failed }, "loopdash"),
        Event::VerdictReached(e) => (decision_mark(e.verdict.decision), "critic"),
        Event::Guidance(e) => (Mark::Info, who(e.who)),
        Event::Answered(e) => (Mark::Info, who(e.who)),
        Event::Retried(e) => (Mark::Info, who(e.who)),
        Event::GatesRerun(e) => (Mark::Info, who(e.who)),
        Event::PrioritySet(e) => (Mark::Info, who(e.who)),
        Event::LimitsSet(e) => (Mark::Info, who(e.who)),
        Event::HeldBehind(e) => (Mark::Info, who(e.who)),
        Event::AgentSet(e) => (Mark::Info, who(e.who)),
        Event::Finished(e) => (outcome_mark(e.outcome), "loopdash"),
    };
    let chapter = match event {
        Event::Submitted(e) => Some(e.label.clone()),
        Event::IterationStarted(e) => Some(format!("iteration {} on {}", e.iteration, e.test)),
        Event::Finished(e) => Some(e.outcome.word().to_owned()),
        _ => None,
    };
    Told { mark, who: by, text: plain_str(&words(event, state)).replace('\n', " "), chapter }
}

/// The state that a verdict's word stands for.
pub const fn decision_mark(decision: Decision) -> Mark {
    match decision {
        Decision::Done => Mark::Passed,
        Decision::Continue => Mark::Failed,
        Decision::NeedsHuman => Mark::NeedsYou,
        Decision::Unknown => Mark::Stuck,
    }
}

/// The state that an outcome stands for.
pub const fn outcome_mark(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Done => Mark::Done,
        Outcome::Exhausted => Mark::Exhausted,
        Outcome::Failed => Mark::Failed,
        Outcome::Stopped => Mark::Stopped,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::view::fixture;

    #[test]
    fn every_event_of_a_life_is_told_in_one_line() {
        let records = fixture::records();
        let fleet = fixture::busy();
        assert!(records.len() > 30);
        for record in &records {
            let told = tell(&record.event, fleet.state(record.run).unwrap());
            let numbered = told.text.starts_with("step ") && crate::app::view::timeline::is_told(record);
            assert!(!numbered, "{}", told.text);
            assert!(!told.text.trim().is_empty() && !told.text.contains('\n'), "{:?}", record.event);
            assert!(!told.who.is_empty());
        }
    }

    #[test]
    fn steps_are_told_by_their_names() {
        let fleet = fixture::busy();
        let told: Vec<String> = fixture::records()
            .iter()
            .map(|record| tell(&record.event, fleet.state(record.run).unwrap()).text)
            .collect();
        for start in ["starts actor, ", "starts gate ", "starts snapshot", "actor ended: ", "gate tests: passed after "]
        {
            assert!(told.iter().any(|text| text.starts_with(start)), "{start}");
        }
    }

    #[test]
    fn what_the_operator_did_is_told_as_theirs() {
        let state = fixture::run("auth-refactor");
        let told = tell(&Event::Resumed(crate::loops::core::event::Resumed { who: Who::Operator }), &state);
        assert_eq!((told.who, told.mark), ("you", Mark::Running));
    }
}
