//! What the fold remembers of the watch: signals that are raised, and remedies that were taken.
//!
//! A remedy gives the run a fresh start: the signals of iterations look at what comes after it.

use super::{Ledger, Pattern, Remedy, Sighting};
use crate::loops::core::event::{RemedyTaken, SignalCleared, SignalRaised, SignalSeen, StepRestarted};
use crate::loops::core::ids::{Millis, Who};
use crate::loops::core::state::RunState;
use crate::loops::core::step::InterruptWhy;

/// The watch's part of a run's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Signals that are raised, in the order in which they were.
    pub signals: Vec<Raised>,
    /// Remedies that were taken, in order.
    pub taken: Vec<Taken>,
    /// Iterations up to this number are forgiven.
    pub fresh_after: u32,
    /// The findings of all verdicts.
    pub findings: Ledger,
}

/// A signal that is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// What was seen when it was.
    pub sighting: Sighting,
    /// When it was.
    pub at: Millis,
    /// Whether somebody has seen it.
    pub seen: bool,
}

/// A remedy that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub remedy: Remedy,
    /// For what; `None` for a blocked test.
    pub pattern: Option<Pattern>,
    /// In which iteration.
    pub iteration: u32,
    /// By whom.
    pub who: Who,
    /// When.
    pub at: Millis,
}

impl Watched {
    /// The signal of this pattern, if it is raised.
    pub fn raised(&self, pattern: Pattern) -> Option<&Raised> {
        self.signals.iter().find(|raised| raised.sighting.pattern == pattern)
    }

    /// The signals that nobody has seen yet, the gravest first.
    pub fn open(&self) -> impl Iterator<Item = &Raised> {
        Pattern::ALL.into_iter().filter_map(|pattern| self.raised(pattern)).filter(|raised| !raised.seen)
    }

    /// The gravest open signal that says that the run is stuck.
    pub fn stuck(&self) -> Option<&Raised> {
        self.open().find(|raised| raised.sighting.pattern.stuck())
    }

    /// Iterations up to `after` are forgiven, and with them what they showed.
    pub(in crate::loops::core) fn start_afresh(&mut self, after: u32) {
        self.fresh_after = after;
        self.signals.retain(|raised| !raised.sighting.pattern.stuck());
    }

    /// How often a remedy was taken by policy.
    pub fn healed(&self, remedy: Remedy) -> usize {
        self.taken.iter().filter(|taken| taken.remedy == remedy && taken.who == Who::Harness).count()
    }
}

impl RunState {
    pub(in crate::loops::core) fn signal_raised(&mut self, e: &SignalRaised, at: Millis) {
        let known = self.watched.signals.iter_mut().find(|raised| raised.sighting.pattern == e.sighting.pattern);
        let raised = Raised { sighting: (*e.sighting).clone(), at, seen: false };
        match known {
            Some(known) => *known = raised,
            None => self.watched.signals.push(raised),
        }
    }

    pub(in crate::loops::core) fn signal_cleared(&mut self, e: &SignalCleared) {
        self.watched.signals.retain(|raised| raised.sighting.pattern != e.pattern);
    }

    pub(in crate::loops::core) fn signal_seen(&mut self, e: &SignalSeen) {
        if let Some(raised) = self.watched.signals.iter_mut().find(|raised| raised.sighting.pattern == e.pattern) {
            raised.seen = true;
        }
    }

    pub(in crate::loops::core) fn remedy_taken(&mut self, e: &RemedyTaken, at: Millis) {
        let iteration = self.iterations.last().map_or(0, |iteration| iteration.number);
        let taken = Taken { remedy: e.remedy, pattern: e.pattern, iteration, who: e.who, at };
        self.watched.taken.push(taken);
        if e.pattern.is_some_and(Pattern::of_step) {
            // It is about the step, which the remedy ends or which goes on being watched as if it had just begun.
            if let Some(step) = self.active.and_then(|_| self.steps.last_mut()) {
                step.silence = None;
                step.circling = None;
            }
        } else {
            self.watched.fresh_after = iteration;
        }
        match e.remedy {
            Remedy::Park => {
                let detail = format!("{}: {}", e.pattern.map_or("blocked", Pattern::word), e.what);
                self.trouble = Some((crate::loops::core::event::Trouble::Stuck, detail));
                self.interrupt_step(InterruptWhy::Park);
            }
            Remedy::Rewind => self.interrupt_step(InterruptWhy::Rewind),
            Remedy::Note | Remedy::Restart | Remedy::Stronger | Remedy::Skip | Remedy::Waive => {}
        }
    }

    pub(in crate::loops::core) fn step_restarted(&mut self, _: &StepRestarted) {
        self.interrupt_step(InterruptWhy::Restart);
    }
}
