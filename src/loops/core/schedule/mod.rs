//! Who goes next: admission of runs to slots and of gates to the gate cap.
//!
//! [`admit`] and [`grant_gates`] are pure and work-conserving: what could start does, and a limit delays only the runs
//! that it names.

use super::hold::{Hold, Holds};
use super::ids::{Millis, RunId};
use super::spec::LoopSpec;
use super::state::RunState;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Waiting this many milliseconds counts as one step of priority, without end: whoever waits longest gets ahead of any
/// stream of newcomers.
pub const AGE_STEP: u64 = 10 * 60 * 1000;

/// A place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub run: RunId,
    /// 0 to 9, higher sooner.
    pub priority: u8,
    /// Since when it waits.
    pub since: Millis,
    /// Its place among those submitted at the same moment.
    pub order: u32,
}

impl Place {
    /// A run's place, since its state was last another.
    pub const fn of(state: &RunState) -> Self {
        Self { run: state.id, priority: state.priority, since: state.status_since, order: state.order }
    }

    /// Priority with what waiting has added.
    pub const fn effective(&self, now: Millis) -> u64 {
        self.priority as u64 + now.since(self.since) / AGE_STEP
    }

    /// Sorts first who goes first: highest effective priority, then longest wait, then order. The id only makes the
    /// order total.
    fn rank(&self, now: Millis) -> impl Ord + use<> {
        (Reverse(self.effective(now)), self.since, self.order, self.run)
    }
}

/// A run that waits for a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<'a> {
    /// Its place in the queue.
    pub place: Place,
    /// Its repository, as in its definition.
    pub repo: &'a str,
    /// The agents that it names, actor and critic; one named twice counts once.
    pub agents: Vec<&'a str>,
    /// The providers that they live on.
    pub providers: Vec<&'a str>,
}

impl<'a> Waiting<'a> {
    /// A run as one that waits; `None` while its definition is not known.
    pub fn of(state: &'a RunState) -> Option<Self> {
        let spec = state.spec.as_deref()?;
        let providers = spec.providers().collect();
        Some(Self { place: Place::of(state), repo: &spec.repo, agents: agents(spec), providers })
    }
}

/// The distinct agents that a run may have at work.
fn agents(spec: &LoopSpec) -> Vec<&str> {
    let critic = spec.critic.as_ref().map(|critic| critic.name.as_str());
    let mut names = vec![spec.actor.name.as_str()];
    names.extend(critic.filter(|name| *name != spec.actor.name));
    names
}

/// A run that has a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active<'a> {
    /// Which slot.
    pub slot: u32,
    /// Its repository.
    pub repo: &'a str,
    /// The agents that it names.
    pub agents: Vec<&'a str>,
}

impl<'a> Active<'a> {
    /// A run as one at work; `None` if it has no slot.
    pub fn of(state: &'a RunState) -> Option<Self> {
        let spec = state.spec.as_deref()?;
        Some(Self { slot: state.slot?, repo: &spec.repo, agents: agents(spec) })
    }
}

/// How much may run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Runs in all.
    pub engine: u32,
    /// Runs in any one repository; `None` is unlimited.
    pub repository: Option<u32>,
    /// Runs that name an agent, by its name; an absent one is unlimited, 0 holds all its runs back.
    pub agents: BTreeMap<String, u32>,
}

/// What stands in the way besides what is in use.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// How much may run at once.
    pub caps: &'a Caps,
    /// The providers that are held.
    pub holds: &'a Holds,
    /// The time.
    pub now: Millis,
}

/// A run and the slot that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admit {
    /// Which run.
    pub run: RunId,
    /// The lowest number that was free.
    pub slot: u32,
}

/// The limit that keeps a run waiting; its Display is for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyWaiting {
    /// The provider of one of its agents is held.
    Provider {
        /// Which.
        name: String,
        /// Why, and until when.
        hold: Hold,
    },
    /// All slots are taken.
    Engine {
        /// How many there are.
        cap: u32,
    },
    /// Its repository has all the runs that it may have.
    Repository {
        /// How many those are.
        cap: u32,
    },
    /// One of its agents is named by as many runs as allowed.
    Agent {
        /// Which agent.
        name: String,
        /// How many that is.
        cap: u32,
    },
}

impl fmt::Display for WhyWaiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider { name, hold } => write!(f, "provider {name} is held: {}", hold.class.word()),
            Self::Engine { cap } => write!(f, "cap {cap} reached"),
            Self::Repository { cap } => write!(f, "repository cap {cap} reached"),
            Self::Agent { name, cap: 0 } => write!(f, "agent {name} is on hold"),
            Self::Agent { name, cap } => write!(f, "agent {name} at its cap {cap}"),
        }
    }
}

/// What is in use.
struct Load<'a> {
    slots: BTreeSet<u32>,
    runs: usize,
    repos: BTreeMap<&'a str, u32>,
    agents: BTreeMap<&'a str, u32>,
}

impl<'a> Load<'a> {
    fn of(active: &[Active<'a>]) -> Self {
        let mut load = Self { slots: BTreeSet::new(), runs: 0, repos: BTreeMap::new(), agents: BTreeMap::new() };
        for run in active {
            load.add(run.slot, run.repo, &run.agents);
        }
        load
    }

    fn add(&mut self, slot: u32, repo: &'a str, agents: &[&'a str]) {
        self.runs += 1;
        self.slots.insert(slot);
        *self.repos.entry(repo).or_default() += 1;
        for agent in agents.iter().copied().collect::<BTreeSet<_>>() {
            *self.agents.entry(agent).or_default() += 1;
        }
    }

    fn full(&self, cap: u32) -> bool {
        self.runs >= usize::try_from(cap).unwrap_or(usize::MAX)
    }

    /// The first limit in the way of a run: a held provider, which no free slot mends, then the engine's.
    fn obstacle(&self, run: &Waiting<'_>, bounds: Bounds<'_>) -> Option<WhyWaiting> {
        let Bounds { caps, holds, now } = bounds;
        let held = run.providers.iter().find_map(|name| Some((*name, holds.get(name, now)?)));
        if let Some((name, hold)) = held {
            return Some(WhyWaiting::Provider { name: name.to_owned(), hold: hold.clone() });
        }
        if self.full(caps.engine) {
            return Some(WhyWaiting::Engine { cap: caps.engine });
        }
        let in_repo = self.repos.get(run.repo).copied().unwrap_or_default();
        if let Some(cap) = caps.repository.filter(|cap| in_repo >= *cap) {
            return Some(WhyWaiting::Repository { cap });
        }
        run.agents.iter().find_map(|name| {
            let with_agent = self.agents.get(name).copied().unwrap_or_default();
            let cap = caps.agents.get(*name).copied().filter(|cap| with_agent >= *cap)?;
            Some(WhyWaiting::Agent { name: (*name).to_owned(), cap })
        })
    }

    fn free_slot(&self) -> u32 {
        (0..).find(|slot| !self.slots.contains(slot)).unwrap_or(u32::MAX)
    }
}

/// The runs that start now, in order, each with its slot. A lowered cap takes nothing away: the surplus drains.
///
/// A run that names several scarce agents gets no reservation on any of them, as that would hold back runs that can
/// start for one that cannot; it starts in the first moment in which all are free.
pub fn admit<'a>(waiting: &[Waiting<'a>], active: &[Active<'a>], bounds: Bounds<'_>) -> Vec<Admit> {
    let mut load = Load::of(active);
    let mut queue: Vec<&Waiting<'a>> = waiting.iter().collect();
    queue.sort_by_cached_key(|run| run.place.rank(bounds.now));
    let mut admitted = Vec::new();
    for run in queue {
        if load.full(bounds.caps.engine) {
            break;
        }
        if load.obstacle(run, bounds).is_none() {
            let slot = load.free_slot();
            load.add(slot, run.repo, &run.agents);
            admitted.push(Admit { run: run.place.run, slot });
        }
    }
    admitted
}

/// What keeps runs waiting; one that could start is left out.
pub fn explain<'a>(
    waiting: impl Iterator<Item = Waiting<'a>>,
    active: &[Active<'_>],
    bounds: Bounds<'_>,
) -> BTreeMap<RunId, WhyWaiting> {
    let load = Load::of(active);
    waiting.filter_map(|run| Some((run.place.run, load.obstacle(&run, bounds)?))).collect()
}

/// The runs whose gate starts now, in order, when `in_use` gates run already.
pub fn grant_gates(waiting: &[Place], in_use: u32, cap: u32, now: Millis) -> Vec<RunId> {
    let mut queue: Vec<&Place> = waiting.iter().collect();
    queue.sort_by_cached_key(|place| place.rank(now));
    let free = usize::try_from(cap.saturating_sub(in_use)).unwrap_or(usize::MAX);
    queue.into_iter().take(free).map(|place| place.run).collect()
}

#[cfg(test)]
mod tests;
