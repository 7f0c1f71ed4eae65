//! A step as the fold remembers it: what was started, and what became of it.
//!
//! The transcript lies on disk; here are the facts that the screen, the reports and later steps need.

use crate::loops::core::event::CpuUse;
use crate::loops::core::ids::{Millis, StepId};
use crate::loops::core::step::{Cause, InterruptWhy, StepEnd, StepKind, Usage};
use crate::loops::core::usage::Total;

/// A step and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// Its number.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
    /// The iteration it belongs to; 0 before the first.
    pub iteration: u32,
    /// The agent's name.
    pub agent: Option<String>,
    /// What was spawned.
    pub argv: Vec<String>,
    /// Where.
    pub cwd: String,
    /// When it was committed to.
    pub started: Millis,
    /// When its end was committed.
    pub ended: Option<Millis>,
    /// Its process and that process's start time.
    pub process: Option<(u32, u64)>,
    /// Since when a watch has heard nothing of it.
    pub silence: Option<Silence>,
    /// The call that it repeats, where a watch has noticed.
    pub circling: Option<Circling>,
    /// The lock that it waits for, and who has it.
    pub awaits: Option<(String, String)>,
    /// How it ended.
    pub end: Option<StepOutcome>,
}

/// A running step that prints nothing, for longer than its agent should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Since when.
    pub since: Millis,
    /// How long that was when the watch told it, in milliseconds.
    pub for_ms: u64,
    /// Whether it has not printed anything at all.
    pub from_start: bool,
    /// Whether its processes were using the CPU when the watch looked last, where that could be seen.
    pub busy: Option<bool>,
    /// What that rests on.
    pub cpu: Option<CpuUse>,
    /// What the step had used when the watch told it, where its agent tells.
    pub usage: Option<Usage>,
}

/// A running step that uses one tool in one way, with one result, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circling {
    /// Since when.
    pub since: Millis,
    /// The call, as the agent wrote it.
    pub call: String,
    /// How often in a row.
    pub times: u32,
    /// What the step had used when the watch told it, where its agent tells.
    pub usage: Option<Usage>,
}

impl StepRecord {
    /// `waits for lock db, held by shop, gate tests`, while it does.
    pub fn waiting(&self) -> Option<String> {
        let (lock, holder) = self.awaits.as_ref()?;
        let by = if holder.is_empty() { String::new() } else { format!(", held by {holder}") };
        Some(format!("waits for lock {lock}{by}"))
    }

    /// Lines in its transcript, once it has ended.
    pub fn lines(&self) -> Option<u64> {
        match self.end.as_ref()? {
            StepOutcome::Finished(end) => Some(end.lines),
            StepOutcome::Interrupted { lines, .. } => Some(*lines),
        }
    }

    /// Lines of its story, once it has ended and if it has one.
    pub fn story(&self) -> Option<u64> {
        match self.end.as_ref()? {
            StepOutcome::Finished(end) => end.story(),
            StepOutcome::Interrupted { story, .. } => *story,
        }
    }

    /// Wall time: that of the process where known, of the records otherwise; `now` for a step that runs.
    pub fn duration_ms(&self, now: Millis) -> u64 {
        match (&self.end, self.ended) {
            (Some(StepOutcome::Finished(end)), _) => end.duration_ms,
            (_, Some(ended)) => ended.since(self.started),
            _ => now.since(self.started),
        }
    }

    /// What it used, where its agent reported it.
    pub fn usage(&self) -> Option<&Usage> {
        match self.end.as_ref()? {
            StepOutcome::Finished(end) => end.usage.as_ref(),
            StepOutcome::Interrupted { usage, .. } => usage.as_ref(),
        }
    }

    /// Adds what it used to a sum. Of an agent that worked and does not tell, that is unknown; one that could not work
    /// used nothing but what it told.
    pub fn add_to(&self, total: &mut Total) {
        let worked = match &self.end {
            Some(StepOutcome::Finished(end)) => end.cause != Cause::NotStarted && end.failure().is_none(),
            Some(StepOutcome::Interrupted { .. }) => self.process.is_some(),
            None => false,
        };
        let told = self.usage();
        if matches!(self.kind, StepKind::Actor | StepKind::Critic) && (worked || told.is_some()) {
            total.add_step(told);
        }
    }

    /// The agent's own id for its session, once the step has ended.
    pub fn session(&self) -> Option<&str> {
        match self.end.as_ref()? {
            StepOutcome::Finished(end) => end.agent.as_ref()?.session.as_deref(),
            StepOutcome::Interrupted { session, .. } => session.as_deref(),
        }
    }

    /// Whether it ended well.
    pub fn ok(&self) -> Option<bool> {
        match self.end.as_ref()? {
            StepOutcome::Finished(end) => Some(end.ok()),
            StepOutcome::Interrupted { .. } => Some(false),
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// By itself, or by its timeout.
    Finished(StepEnd),
    /// loopdash ended or lost it.
    Interrupted {
        /// Why.
        why: InterruptWhy,
        /// Lines in its transcript.
        lines: u64,
        /// Lines of its story, if it has one.
        story: Option<u64>,
        /// What it had used, where its agent told.
        usage: Option<Usage>,
        /// The agent's session, where its stream had told.
        session: Option<String>,
    },
}
