//! The watch over a running process: it tells of silence, and says when an agent's step is to be ended early.
//!
//! It sleeps until the next moment at which something could be wrong, and looks then; output that comes meanwhile only
//! moves that moment. Each worry has a threshold of its own, from the agent's [`Watch`], or one like it for other commands.

use super::millis;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::agent::tree;
use crate::loops::agent::vitals::{Alarm, Circling};
use crate::loops::core::agent::Watch;
use crate::loops::core::event::{CpuUse, Sign};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What the watch has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bark {
    /// Something to be told.
    Tell {
        /// What.
        sign: Sign,
        /// For how long it printed nothing.
        silent: Duration,
        /// What its processes used since they were looked at last, half-way through the silence or when it was told.
        cpu: Option<CpuUse>,
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
    look: Option<Look>,
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
        Self {
            watch,
            live,
            pid,
            alarm,
            since: Instant::now(),
            told: None,
            look: None,
            circling: None,
            frozen: false,
            over: false,
        }
    }

    /// The step stands still, or goes on. Time frozen is no silence.
    pub(super) fn freeze(&mut self, frozen: bool) {
        if self.frozen && !frozen {
            self.since = Instant::now();
            self.look = None;
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
                bark = Self::silence(&self.watch, &self.live, self.pid, self.since, (&mut self.told, &mut self.look)), if end.is_none() => return bark,
            }
        }
    }

    /// Waits for the next thing to say about silence. Looks only half-way to a threshold and when one could have been
    /// passed, and, once one was, when something is printed.
    async fn silence(
        watch: &Watch,
        live: &LiveOutput,
        pid: u32,
        since: Instant,
        (told, look): (&mut Option<Told>, &mut Option<Look>),
    ) -> Bark {
        loop {
            let version = live.version();
            if live.finished() {
                // The end of its output is no word of it, nor is what follows a silence.
                return std::future::pending().await;
            }
            let silent = live.silent_for().min(since.elapsed());
            *look = look.take().filter(|look| look.version == version);
            if let Some(before) = told.take_if(|told| told.version != version) {
                return Bark::Tell { sign: Sign::Resumed, silent: before.silent, cpu: None };
            }
            // Told again each time that it has lasted twice as long.
            let (sign, due) = match *told {
                Some(before) => (before.sign, Some(before.silent * 2)),
                None => worry(watch, live),
            };
            if due.is_some_and(|due| silent >= due) {
                let now = Look::take(pid, version).await;
                let cpu = look.as_ref().and_then(|before| now.since(before));
                if live.version() == version {
                    *look = Some(now);
                    *told = Some(Told { sign, version, silent });
                    return Bark::Tell { sign, silent, cpu };
                }
                continue;
            }
            let halfway = due.map(|due| due / 2).filter(|_| look.is_none());
            if halfway.is_some_and(|halfway| silent >= halfway) {
                *look = Some(Look::take(pid, version).await);
                continue;
            }
            // With the first byte another threshold holds, which may be the shorter one.
            let moves = told.is_some() || due.is_none() || sign == Sign::NoOutput;
            tokio::select! {
                _ = live.changed(version), if moves => {}
                () = until(halfway.or(due).map(|next| Instant::now() + next.saturating_sub(silent))) => {}
            }
        }
    }
}

/// The CPU time of a silent family at a moment.
struct Look {
    /// What the output's version was.
    version: u64,
    at: Instant,
    /// `None` where the system does not say.
    used: Option<Duration>,
}

impl Look {
    async fn take(pid: u32, version: u64) -> Self {
        let used = tokio::task::spawn_blocking(move || tree::cpu_time(pid)).await.ok().flatten();
        Self { version, at: Instant::now(), used }
    }

    /// What it used since an earlier look.
    fn since(&self, before: &Self) -> Option<CpuUse> {
        let used = self.used?.saturating_sub(before.used?);
        Some(CpuUse { used_ms: millis(used), over_ms: millis(self.at.saturating_duration_since(before.at)) })
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
