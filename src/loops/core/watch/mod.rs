//! The watch over a run: which patterns say that it is stuck, what they rest on, and what can be done about them.
//!
//! Each signal is a pure function of the fold ([`look`]); [`news`] gives the events that raise it once and clear it again.
//! Nothing here reads a transcript: what needs one comes as a small fact with the step that printed it.

mod cost;
mod findings;
mod heal;
mod left;
mod likeness;
mod normal;
mod policy;
mod state;
mod trips;

mod failures;
mod output;
mod points;
mod running;
mod tree;

#[cfg(test)]
mod corpus;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod patterns;
#[cfg(test)]
mod play;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod ways_out;

pub use cost::Cost;
pub use findings::{Contradiction, Ledger, Point, Standing};
pub use heal::{heal, note_for};
pub use left::{Left, best, left};
pub use normal::{digest, digest_of_lines, mark_of, normal};
pub use policy::{Heal, Policy};
pub use state::{Raised, Taken, Watched};

use super::event::{Event, SignalCleared, SignalRaised};
use super::ids::Millis;
use super::state::RunState;
use super::transition::RunStatus;
use serde::{Deserialize, Serialize};
use trips::Trips;

/// Something that says that a run is stuck, or that a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// A step prints nothing, and its processes do nothing.
    Silence,
    /// The same tool call with the same result, again and again.
    SameTool,
    /// The same last words, iteration after iteration.
    SameOutput,
    /// Content that was there before comes back.
    TreeAgain,
    /// Nothing changes.
    NoChange,
    /// The same tests or gates fail.
    SameFailures,
    /// Findings do not go down.
    FindingsStay,
    /// Findings come back that had been worked on.
    FindingsReturn,
    /// Findings ask for the opposite of the last ones.
    FindingsContradict,
    /// A change is made and undone in turns.
    Undone,
    /// It takes long.
    LongRun,
    /// It costs more than its line.
    Cost,
}

impl Pattern {
    /// All of them, the gravest first.
    pub const ALL: [Self; 12] = [
        Self::Silence,
        Self::SameTool,
        Self::NoChange,
        Self::TreeAgain,
        Self::Undone,
        Self::SameFailures,
        Self::FindingsContradict,
        Self::FindingsReturn,
        Self::FindingsStay,
        Self::SameOutput,
        Self::Cost,
        Self::LongRun,
    ];

    /// The words for the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Silence => "silent",
            Self::SameTool => "same tool call",
            Self::SameOutput => "same output",
            Self::TreeAgain => "going in circles",
            Self::NoChange => "no change",
            Self::SameFailures => "same failures",
            Self::FindingsStay => "not converging",
            Self::FindingsReturn => "findings return",
            Self::FindingsContradict => "contradictory",
            Self::Undone => "undoes its work",
            Self::LongRun => "long run",
            Self::Cost => "cost",
        }
    }

    /// The words for a narrow column.
    pub const fn short(self) -> &'static str {
        match self {
            Self::SameTool => "same call",
            Self::TreeAgain => "in circles",
            Self::SameFailures => "same errors",
            Self::FindingsStay => "no progress",
            Self::FindingsReturn => "came back",
            Self::FindingsContradict => "contradicts",
            Self::Undone => "undoes work",
            other => other.word(),
        }
    }

    /// Whether it says that the run is stuck; otherwise it only has to be known.
    pub const fn stuck(self) -> bool {
        !matches!(self, Self::LongRun | Self::Cost)
    }

    /// Whether it is about the running step alone, and over with it.
    pub const fn of_step(self) -> bool {
        matches!(self, Self::Silence | Self::SameTool)
    }
}

/// What can be done about a stuck run with one key, or by policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Tell the actor what is seen.
    Note,
    /// End the running step, and start it anew.
    Restart,
    /// Give the actor's role to the loop's stronger agent.
    Stronger,
    /// Set the worktree back to what the best iteration left.
    Rewind,
    /// Leave the test out.
    Skip,
    /// Let the test count as met.
    Waive,
    /// Give the slot back and wait for a person.
    Park,
}

impl Remedy {
    /// All of them, in the order of the card.
    pub const ALL: [Self; 7] =
        [Self::Note, Self::Restart, Self::Stronger, Self::Rewind, Self::Skip, Self::Waive, Self::Park];

    /// The words for the card.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Restart => "restart the step",
            Self::Stronger => "stronger agent",
            Self::Rewind => "rewind to the best",
            Self::Skip => "skip test",
            Self::Waive => "waive test",
            Self::Park => "park",
        }
    }
}

/// A pattern as it is seen, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Which.
    pub pattern: Pattern,
    /// What is seen, as a fragment. It may hold words of agents and paths: clean it before it is shown.
    pub what: String,
    /// Since when.
    pub since: Millis,
    /// The first iteration that shows it; 0 before the first.
    #[serde(default)]
    pub first: u32,
    /// How many iterations show it.
    #[serde(default)]
    pub iterations: u32,
    /// What it had cost when it was raised.
    #[serde(default)]
    pub cost: Cost,
}

/// The most characters of evidence.
const MOST_WHAT: usize = 400;

impl Sighting {
    /// What it has cost until `now`: the evidence stays as it was when it was raised, the cost goes on.
    pub fn so_far(&self, run: &RunState, now: Millis) -> Cost {
        match self.pattern {
            Pattern::Silence | Pattern::SameTool => {
                let told = run.active_step().and_then(|step| match self.pattern {
                    Pattern::Silence => step.silence?.usage,
                    _ => step.circling.as_ref()?.usage,
                });
                Cost { ms: now.since(self.since), usage: told.unwrap_or(self.cost.usage) }
            }
            Pattern::LongRun | Pattern::Cost => Cost { ms: now.since(self.since), usage: run.usage.known },
            _ => Cost::since(run, self.first, self.since, now),
        }
    }

    /// Seen in the steps of the iterations from `first` on.
    fn of_iterations(run: &RunState, pattern: Pattern, first: u32, iterations: usize, what: String) -> Self {
        let begun = run.iterations.iter().find(|iteration| iteration.number == first);
        let since = begun.map_or(run.status_since, |iteration| iteration.started);
        let iterations = u32::try_from(iterations).unwrap_or(u32::MAX);
        Self {
            pattern,
            what: short(&what),
            since,
            first,
            iterations,
            cost: Cost::since(run, first, since, run.updated),
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_WHAT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Every pattern that `run` shows now, the gravest first. `LongRun` needs the moment, which a fold does not have: see
/// [`overdue`].
pub fn look(run: &RunState) -> Vec<Sighting> {
    let Some(spec) = run.spec.as_deref() else { return Vec::new() };
    let policy = &spec.stuck;
    let mut seen: Vec<Sighting> = Vec::new();
    seen.extend(running::silence(run, policy));
    seen.extend(running::same_tool(run, policy));
    seen.extend(running::cost(run, policy));
    let trips = Trips::of(run);
    if !trips.is_settled() {
        seen.extend(tree::no_change(&trips, policy));
        seen.extend(tree::again(&trips, policy));
        seen.extend(tree::undone(&trips, policy));
        seen.extend(failures::same(&trips, policy));
        seen.extend(points::contradict(&trips, policy));
        seen.extend(points::come_back(&trips, policy));
        seen.extend(points::stay(&trips, policy));
        seen.extend(output::same(&trips, policy));
    }
    // Once told, it stays true.
    seen.extend(run.watched.raised(Pattern::LongRun).map(|raised| raised.sighting.clone()));
    seen
}

/// The events that bring what is raised in line with what is seen; none when it is.
pub fn news(run: &RunState) -> Vec<Event> {
    if run.status != RunStatus::Running {
        return Vec::new();
    }
    let seen = look(run);
    let cleared = run.watched.signals.iter().map(|raised| raised.sighting.pattern);
    let cleared = cleared.filter(|pattern| !seen.iter().any(|sighting| sighting.pattern == *pattern));
    let mut events: Vec<Event> = cleared.map(|pattern| SignalCleared { pattern }.into()).collect();
    let raised = seen.into_iter().filter(|sighting| run.watched.raised(sighting.pattern).is_none());
    events.extend(raised.map(|sighting| SignalRaised { sighting: Box::new(sighting) }.into()));
    events
}

/// When a run that works has taken long, if it has not been said.
pub fn overdue_at(run: &RunState) -> Option<Millis> {
    let working = run.status.holds_slot() && run.watched.raised(Pattern::LongRun).is_none();
    let limit = run.spec.as_deref().filter(|_| working)?.stuck.long_run_ms?;
    run.wall_clock_at(limit)
}

/// The event that says that a run takes long, when it does at `now`.
pub fn overdue(run: &RunState, now: Millis) -> Option<Event> {
    let since = run.first_admitted.filter(|_| overdue_at(run).is_some_and(|at| at <= now))?;
    let what = format!("at work for {}", super::duration::Span::from_millis(run.wall_clock(now) / 60_000 * 60_000));
    let cost = Cost { ms: run.wall_clock(now), ..Cost::since(run, 0, since, now) };
    let iterations = u32::try_from(run.iterations.len()).unwrap_or(u32::MAX);
    let sighting = Sighting { pattern: Pattern::LongRun, what, since, first: 1, iterations, cost };
    Some(SignalRaised { sighting: Box::new(sighting) }.into())
}
