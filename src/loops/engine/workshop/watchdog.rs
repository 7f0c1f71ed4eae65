//! The watch over a running agent: it tells of silence, and says when the step is to be ended early.
//!
//! It sleeps until the next moment at which something could be wrong, and looks then; output that comes meanwhile only
//! moves that moment. Each worry has a threshold of its own, from the agent's [`Watch`].

use crate::loops::agent::transcript::LiveOutput;
use crate::loops::agent::tree;
use crate::loops::agent::vitals::{Alarm, Circling};
use crate::loops::core::agent::Watch;
use crate::loops::core::event::Sign;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a silent family is looked at to see whether it uses the CPU.
const CPU_WINDOW: Duration = Duration::from_secs(1);
/// A hundredth of a core is what an idle runtime may use.
const BUSY_PERCENT: u128 = 3;

/// What the watch has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bark {
    /// Something to be told.
    Tell {
        /// What.
        sign: Sign,
        /// For how long it printed nothing.
        silent: Duration,
        /// Whether its processes use the CPU.
        busy: Option<bool>,
    },
    /// It makes one call again and again, or, with `None`, no longer.
    Circles(Option<Circling>),
    /// Its work is over, and its process lives on: to be stopped.
    Lingers,
    /// It goes round in circles: to be stopped.
    Runaway(String),
}

/// Watches one step.
pub(super) struct Watchdog {
    watch: Watch,
    live: Arc<LiveOutput>,
    pid: u32,
    alarm: Option<watch::Receiver<Alarm>>,
    /// Silence before this does not count: the start, or the last thaw.
    since: Instant,
    told: Option<Told>,
    /// The circle that was told.
    circling: Option<Circling>,
    frozen: bool,
    /// It has said that the step is to be ended, and is done.
    over: bool,
}

/// A silence that was told.
#[derive(Clone, Copy)]
struct Told {
    sign: Sign,
    /// What the output's version was.
    version: u64,
    /// How long it was silent.
    silent: Duration,
}

impl Watchdog {
    pub(super) fn new(watch: Watch, live: Arc<LiveOutput>, pid: u32) -> Self {
        let alarm = live.story().map(|story| story.alarm());
        Self { watch, live, pid, alarm, since: Instant::now(), told: None, circling: None, frozen: false, over: false }
    }

    /// The step stands still, or goes on. Time frozen is no silence.
    pub(super) fn freeze(&mut self, frozen: bool) {
        if self.frozen && !frozen {
            self.since = Instant::now();
        }
        self.frozen = frozen;
    }

    /// The next thing to say. May be dropped and asked again.
    pub(super) async fn next(&mut self) -> Bark {
        loop {
            if self.over || self.frozen {
                return std::future::pending().await;
            }
            let alarm = self.alarm.as_mut().map(|alarm| alarm.borrow_and_update().clone()).unwrap_or_default();
            if let Some(why) = alarm.runaway {
                self.over = true;
                return Bark::Runaway(why);
            }
            if alarm.circling != self.circling {
                self.circling.clone_from(&alarm.circling);
                return Bark::Circles(alarm.circling);
            }
            let linger = Duration::from_millis(self.watch.linger_ms);
            let end = alarm.finished.map(|finished| finished.max(self.since) + linger);
            if end.is_some_and(|end| end <= Instant::now()) {
                self.over = true;
                return Bark::Lingers;
            }
            tokio::select! {
                () = rung(self.alarm.as_mut()) => {}
                () = until(end) => {}
                // After its last word an agent may be silent.
                bark = Self::silence(&self.watch, &self.live, self.pid, self.since, &mut self.told), if end.is_none() => return bark,
            }
        }
    }

    /// Waits for the next thing to say about silence. Looks only when a threshold could have been passed, and, once one
    /// was, when something is printed.
    async fn silence(watch: &Watch, live: &LiveOutput, pid: u32, since: Instant, told: &mut Option<Told>) -> Bark {
        loop {
            let version = live.version();
            let silent = live.silent_for().min(since.elapsed());
            if let Some(before) = told.take_if(|told| told.version != version) {
                return Bark::Tell { sign: Sign::Resumed, silent: before.silent, busy: None };
            }
            // Told again each time that it has lasted twice as long.
            let (sign, due) = match *told {
                Some(before) => (before.sign, Some(before.silent * 2)),
                None => worry(watch, live),
            };
            if due.is_some_and(|due| silent >= due) {
                let busy = busy(pid).await;
                if live.version() == version {
                    *told = Some(Told { sign, version, silent });
                    return Bark::Tell { sign, silent, busy };
                }
                continue;
            }
            // With the first byte another threshold holds, which may be the shorter one.
            let moves = told.is_some() || due.is_none() || sign == Sign::NoOutput;
            tokio::select! {
                _ = live.changed(version), if moves => {}
                () = until(due.map(|due| Instant::now() + (due - silent))) => {}
            }
        }
    }
}

/// Which silence it would be now, and how long it may last.
fn worry(watch: &Watch, live: &LiveOutput) -> (Sign, Option<Duration>) {
    let (sign, limit) = match live.last_output_ms() {
        None => (Sign::NoOutput, watch.first_byte_ms),
        Some(_) => (Sign::Silent, watch.silence_ms),
    };
    (sign, limit.map(Duration::from_millis))
}

/// Whether a process and what it has started use the CPU, seen over [`CPU_WINDOW`].
async fn busy(pid: u32) -> Option<bool> {
    let look = move || tokio::task::spawn_blocking(move || tree::cpu_time(pid));
    let before = look().await.ok()??;
    let began = Instant::now();
    tokio::time::sleep(CPU_WINDOW).await;
    let after = look().await.ok()??;
    let used = after.saturating_sub(before).as_millis();
    Some(used * 100 >= began.elapsed().as_millis() * BUSY_PERCENT)
}

/// Waits for the alarm to change; for ever if there is none, or nobody left to ring it.
async fn rung(alarm: Option<&mut watch::Receiver<Alarm>>) {
    let rung = match alarm {
        Some(alarm) => alarm.changed().await.is_ok(),
        None => false,
    };
    if !rung {
        std::future::pending().await
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end.into()).await,
        None => std::future::pending().await,
    }
}
