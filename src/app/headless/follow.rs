//! Follows runs until each has ended or waits for a person: [`follow`].
//!
//! It folds what it prints, and reads from the journal what it missed, so that every record of a run is printed once.

use super::interrupt::{Interrupts, complain, shut_down};
use super::output::Outputs;
use super::{Gone, Patience, Printer};
use crate::app::sentence::{duration, time_of};
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::alert::Alerts;
use crate::loops::core::event::{Event, Record};
use crate::loops::core::hold::{Hold, Holds};
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::state::RunState;
use crate::loops::core::transition::RunStatus;
use crate::loops::engine::{Handle, Subscription, Update, system_clock};
use crate::loops::journal::{Store, replay_into};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// What is followed, and how.
#[derive(Debug)]
pub struct Following {
    /// The engine.
    pub handle: Handle,
    /// Where its journals lie.
    pub store: Store,
    /// Taken before the runs were asked for, so that nothing of them is missed.
    pub subscription: Subscription,
    /// The runs, in the order asked for, as far as their past need not be printed.
    pub runs: Vec<RunState>,
    /// Where their lines go.
    pub printer: Printer,
    /// Whether the runs will still be there after an interrupt.
    pub resumable: bool,
    /// How long it lasts.
    pub patience: Patience,
}

/// What became of the runs.
#[derive(Debug)]
pub struct Followed {
    /// The fold of each, in the order asked for.
    pub runs: Vec<RunState>,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// Whether the deadline did.
    pub late: bool,
    /// Whether a run's journal failed, so that it was given up.
    pub lost: bool,
    /// Whether nobody hears any more.
    pub gone: Option<Gone>,
}

/// Follows the runs to their end, then shuts the engine down and waits for that too.
///
/// # Errors
/// Signals cannot be listened for.
pub async fn follow(following: Following) -> Result<Followed, FollowError> {
    let Following { handle, store, subscription, runs, printer, resumable, patience } = following;
    let order: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let interrupts = Interrupts::listen(handle.clone(), order.clone(), resumable).map_err(FollowError::Signals)?;
    let states = runs.into_iter().map(|run| (run.id, run)).collect();
    let alerts = subscription.fleet.alerts;
    let (outputs, holds, max_wait) = (Outputs::new(!printer.style().json), subscription.fleet.holds, patience.max_wait);
    let mut watch = Watch {
        store,
        states,
        lost: BTreeSet::new(),
        printer,
        outputs,
        holds,
        alerts,
        max_wait,
        waiting: BTreeMap::new(),
    };
    let mut updates = subscription.updates;
    for (run, step, live) in subscription.live {
        watch.live(run, step, live);
    }
    // Whoever asked for the runs has been answered, so that what made them go on is in their journals already.
    watch.catch_up_all().await;
    let until = patience.deadline.map(|deadline| Instant::now() + deadline);
    let (mut ending, mut late) = (false, false);
    loop {
        watch.tell_waits().await;
        if !ending && (watch.settled() || watch.printer.gone() == Some(Gone::Reader)) {
            ending = true;
            watch.tell_impatience().await;
            if !interrupts.asked() {
                shut_down(&handle).await;
            }
        }
        tokio::select! {
            update = updates.recv() => match update {
                Ok(Update::Ended) | Err(RecvError::Closed) => break,
                Ok(update) => watch.update(update).await,
                Err(RecvError::Lagged(_)) => match handle.subscribe().await {
                    Ok(fresh) => {
                        updates = fresh.updates;
                        watch.holds = fresh.fleet.holds;
                        for (run, step, live) in fresh.live {
                            watch.live(run, step, live);
                        }
                        watch.catch_up_all().await;
                    }
                    Err(_) => break,
                },
            },
            Some(place) = watch.outputs.grown() => watch.grown(place).await,
            () = sleep_until(until), if !late => {
                late = true;
                if !ending && !interrupts.asked() {
                    ending = true;
                    shut_down(&handle).await;
                }
            }
        }
    }
    watch.catch_up_all().await;
    let interrupted = interrupts.asked();
    let states = watch.states;
    Ok(Followed {
        runs: order.iter().filter_map(|run| states.get(run).cloned()).collect(),
        interrupted,
        late,
        lost: !watch.lost.is_empty(),
        gone: watch.printer.finish().await,
    })
}

/// Why runs cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// No handler.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

struct Watch {
    store: Store,
    states: BTreeMap<RunId, RunState>,
    /// Runs that the engine has given up because their journals failed.
    lost: BTreeSet<RunId>,
    printer: Printer,
    outputs: Outputs,
    /// Providers that are held.
    holds: Holds,
    /// Alerts that were told.
    alerts: Alerts,
    /// Milliseconds that a run may wait in a row for one.
    max_wait: u64,
    /// What each run that waits in the queue was last said to wait for.
    waiting: BTreeMap<RunId, String>,
}

impl Watch {
    /// Whether every run has ended or waits for something that cannot come from here, or not soon enough.
    fn settled(&self) -> bool {
        self.states.values().all(|run| {
            let ends = match run.status {
                RunStatus::Finished | RunStatus::Paused => true,
                RunStatus::Parked => run.wakes().is_none() || self.too_long(run),
                RunStatus::Queued => self.too_long(run),
                _ => false,
            };
            self.lost.contains(&run.id) || (run.seq > 0 && ends)
        })
    }

    /// The hold behind which a run waits in the queue, with its provider.
    fn hold<'a>(&'a self, run: &'a RunState) -> Option<(&'a str, &'a Hold)> {
        let spec = run.spec.as_deref().filter(|_| run.status == RunStatus::Queued)?;
        let now = (system_clock())();
        spec.providers().find_map(|provider| Some((provider, self.holds.get(provider, now)?)))
    }

    /// Whether a run waits for a provider for longer than anybody wants to.
    fn too_long(&self, run: &RunState) -> bool {
        let (until, since) = match (run.wakes(), self.hold(run)) {
            (Some(until), _) if run.setbacks.0 > 0 => (Some(until), run.setbacks.1),
            (Some(until), _) => (Some(until), run.status_since),
            (None, Some((_, hold))) => (hold.until, run.status_since),
            (None, None) => return false,
        };
        until.is_none_or(|until| until.since(since) > self.max_wait)
    }

    /// Says what queued runs wait for, once for each hold; who is parked has said so.
    async fn tell_waits(&mut self) {
        let mut lines = Vec::new();
        for run in self.states.values() {
            let Some((provider, hold)) = self.hold(run) else { continue };
            let when = hold.until.map_or_else(String::new, |until| format!(" until {}", time_of(until)));
            let line = format!("{}: waits: provider {provider} is held{when}: {}", run.label, hold.class.word());
            if self.waiting.get(&run.id) != Some(&line) {
                lines.push((run.id, line));
            }
        }
        for (run, line) in lines {
            self.printer.say(&line).await;
            self.waiting.insert(run, line);
        }
    }

    /// Says of each run whose wait is too long that nobody waits here.
    async fn tell_impatience(&mut self) {
        let allowed = duration(self.max_wait);
        let late: Vec<String> =
            self.states.values().filter(|run| self.too_long(run)).map(|run| run.label.clone()).collect();
        for label in late {
            self.printer.say(&format!("{label}: not waited for here, as --max-wait is {allowed}")).await;
        }
    }

    async fn update(&mut self, update: Update) {
        match update {
            Update::Record(record) => self.record(&record).await,
            Update::Live { run, step, output } => self.live(run, step, output),
            Update::Run(entry) => {
                // While a run is being made it may be seen half-made, as nobody's; of one that has begun it is trouble.
                let begun = self.states.get(&entry.state.id).is_some_and(|run| run.seq > 0);
                if let Some(problem) = entry.problem.filter(|_| begun) {
                    complain(&format!("{}: {problem}", entry.state.label));
                    self.lost.insert(entry.state.id);
                }
            }
            Update::Trouble(Some(trouble)) => complain(&trouble),
            Update::Holds(holds) => self.holds = holds,
            Update::Alerts(alerts) => {
                for alert in alerts.open().filter(|alert| self.alerts.get(alert.kind).is_none()) {
                    complain(&format!("{}: {}", alert.kind.word(), alert.what));
                }
                self.alerts = alerts;
            }
            Update::Trouble(None)
            | Update::Caps { .. }
            | Update::Raises(_)
            | Update::Collisions(_)
            | Update::Loaded
            | Update::Ended => {}
        }
    }

    fn live(&mut self, run: RunId, step: StepId, output: Arc<LiveOutput>) {
        if self.printer.style().output && self.states.contains_key(&run) {
            self.outputs.follow((run, step), output);
        }
    }

    async fn grown(&mut self, place: super::output::Place) {
        if let Some(run) = self.states.get(&place.0) {
            self.outputs.print(place, run, &mut self.printer).await;
        }
    }

    async fn record(&mut self, record: &Record) {
        let Some(run) = self.states.get(&record.run) else { return };
        match record.seq.cmp(&(run.seq + 1)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => self.take(record).await,
            std::cmp::Ordering::Greater => self.catch_up(record.run).await,
        }
    }

    async fn take(&mut self, record: &Record) {
        let Some(run) = self.states.get_mut(&record.run) else { return };
        run.apply(record);
        let ended = match &record.event {
            Event::StepFinished(e) => Some(e.step),
            Event::StepInterrupted(e) => Some(e.step),
            _ => None,
        };
        if let Some(step) = ended.filter(|_| self.printer.style().output) {
            self.outputs.end((record.run, step), run, &self.store, &mut self.printer).await;
        }
        self.printer.record(record, run).await;
    }

    async fn catch_up_all(&mut self) {
        for run in self.states.keys().copied().collect::<Vec<_>>() {
            self.catch_up(run).await;
        }
    }

    /// Takes from the journal what did not come as an update.
    async fn catch_up(&mut self, run: RunId) {
        let Some(seen) = self.states.get(&run).map(|state| state.seq) else { return };
        let dir = self.store.run_dir(run);
        let read = tokio::task::spawn_blocking(move || {
            let mut missed = Vec::new();
            let read = replay_into(&dir, |record| {
                if record.seq > seen {
                    missed.push(record);
                }
            });
            (missed, read.err())
        });
        let Ok((missed, error)) = read.await else { return };
        for record in &missed {
            self.take(record).await;
        }
        if let Some(error) = error {
            complain(&error.to_string());
        }
    }
}

/// Sleeps until then, or for ever.
pub(super) async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
