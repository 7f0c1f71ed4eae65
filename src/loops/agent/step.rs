//! Sees one child through, from its first byte to the last process it left behind.
//! [`Step::run`] waits, keeps its time, freezes and thaws it, stops it in stages, and sweeps up after it.

use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, kill_process_group};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::family::Family;
use super::launch::{Cause, Ended, Exit, Ladder, Leftover};
use super::memory;
use super::pump::Pumped;
use super::signal;
use super::transcript::Totals;
use super::tree::{self, Proc};

/// How long pipes may stay open after the exit.
const PIPE_GRACE: Duration = Duration::from_millis(500);
/// How long the rest of a stopped family gets to notice that it was signalled.
const SETTLE: Duration = Duration::from_millis(200);
/// How long a killed process may take to be gone; longer only when the kernel is stuck in it.
const KILL_GRACE: Duration = Duration::from_secs(1);
/// How long a leftover has between TERM and KILL.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
const SWEEP_ROUNDS: usize = 8;
const FREEZE_ROUNDS: usize = 5;

/// What is wanted of a step: data, so that wishes never queue up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) stops: u8,
    pub(super) frozen: bool,
}

/// A child that runs.
pub(super) struct Step {
    pub(super) child: Child,
    pub(super) family: Family,
    /// Our side of its terminal, which it has until its end: closed before, it would hang up.
    pub(super) terminal: Option<OwnedFd>,
    pub(super) began: Instant,
    pub(super) pump: JoinHandle<Pumped>,
    pub(super) cut: CancellationToken,
    pub(super) exited: CancellationToken,
    pub(super) wishes: watch::Receiver<Wish>,
    pub(super) timeout: Option<Duration>,
    pub(super) ladder: Ladder,
}

/// How a stage of stopping ended.
enum Grace {
    Exited(Option<ExitStatus>),
    Hurried,
    Expired,
}

impl Step {
    pub(super) async fn run(mut self) -> Ended {
        let kills = memory::kills();
        let (status, cause) = self.until_exit().await;
        let duration = self.began.elapsed();
        let exit = exit_of(status);
        let memory_short = cause == Cause::Natural && memory::kills() > kills;
        let out_of_memory = memory_short && was_killed(exit);
        self.exited.cancel();
        self.family.leader_is_gone();

        let mut pumped = None;
        let mut late = false;
        if cause == Cause::Natural {
            pumped = timeout(PIPE_GRACE, &mut self.pump).await.ok();
            late = pumped.is_none();
        } else {
            let known = self.family.known().to_vec();
            blocking(move || signal::await_exit(&known, SETTLE)).await;
        }
        let left_behind = self.sweep().await;
        drop(self.terminal.take());
        let pumped = match pumped {
            Some(pumped) => pumped,
            None => match timeout(PIPE_GRACE, &mut self.pump).await {
                Ok(pumped) => pumped,
                Err(_) => {
                    self.cut.cancel();
                    (&mut self.pump).await
                }
            },
        };
        let lost = |_| Pumped { totals: Totals::lost(), tapped: None, ended: false };
        let Pumped { totals, tapped, ended } = pumped.unwrap_or_else(lost);
        let (heard, story) = tapped.map(|tapped| (tapped.heard, tapped.story)).unzip();
        Ended {
            exit,
            cause,
            out_of_memory,
            memory_short,
            duration,
            stdout_bytes: totals.stdout_bytes,
            stderr_bytes: totals.stderr_bytes,
            lines: totals.lines,
            // Late for a slow disk alone is nothing to report.
            pipes_held: !ended || (late && !left_behind.is_empty()),
            left_behind,
            heard,
            story,
            transcript_error: totals.error,
        }
    }

    async fn until_exit(&mut self) -> (Option<ExitStatus>, Cause) {
        let mut left = self.timeout;
        let mut frozen = false;
        loop {
            let since = Instant::now();
            tokio::select! {
                status = self.child.wait() => return (status.ok(), Cause::Natural),
                () = expiry(left.filter(|_| !frozen)) => return (self.stop().await, Cause::TimedOut),
                changed = self.wishes.changed() => {
                    if changed.is_err() || self.wishes.borrow().stops > 0 {
                        return (self.stop().await, Cause::Stopped);
                    }
                }
            }
            if !frozen {
                left = left.map(|left| left.saturating_sub(since.elapsed()));
            }
            let wish = *self.wishes.borrow();
            if wish.frozen != frozen {
                frozen = wish.frozen;
                self.set_frozen(frozen).await;
            }
        }
    }

    /// Stops or continues the whole family, and looks again until nobody is left who could start another.
    async fn set_frozen(&mut self, frozen: bool) {
        for round in 0..FREEZE_ROUNDS {
            // A parent that waits for its vforked child takes its STOP when the child is under way, which is after the
            // thaw. So the first CONT goes to all: it takes back a STOP that was not taken yet.
            let all = !frozen && round == 0;
            let mut due = self.look().await;
            due.retain(|proc| all || (proc.state == 'T') != frozen);
            if due.is_empty() {
                break;
            }
            signal::send_all(&due, &[if frozen { Signal::STOP } else { Signal::CONT }]);
        }
    }

    /// The ladder. Lists the family before each signal, because afterwards part of it may be out of sight.
    async fn stop(&mut self) -> Option<ExitStatus> {
        for (stage, grace) in [(Signal::INT, self.ladder.int), (Signal::TERM, self.ladder.term)] {
            let procs = self.look().await;
            if grace.is_zero() || self.hurried() {
                continue;
            }
            self.signal_group(&[stage, Signal::CONT]);
            if stage == Signal::TERM {
                let others: Vec<Proc> = procs.into_iter().filter(|proc| !self.in_group(proc)).collect();
                signal::send_all(&others, &[stage, Signal::CONT]);
            }
            match self.grace(grace).await {
                Grace::Exited(status) => return status,
                Grace::Hurried => break,
                Grace::Expired => {}
            }
        }
        let procs = self.look().await;
        self.signal_group(&[Signal::KILL]);
        signal::send_all(&procs, &[Signal::KILL]);
        timeout(KILL_GRACE, self.child.wait()).await.ok()?.ok()
    }

    fn hurried(&self) -> bool {
        self.wishes.borrow().stops > 1
    }

    async fn grace(&mut self, grace: Duration) -> Grace {
        let mut expired = std::pin::pin!(sleep(grace));
        loop {
            tokio::select! {
                status = self.child.wait() => return Grace::Exited(status.ok()),
                () = &mut expired => return Grace::Expired,
                changed = self.wishes.changed() => {
                    if self.hurried() {
                        return Grace::Hurried;
                    }
                    if changed.is_err() {
                        (&mut expired).await;
                        return Grace::Expired;
                    }
                }
            }
        }
    }

    /// Signals the leader's group. Only while the leader has not been waited for: until then the id is its own.
    fn signal_group(&self, signals: &[Signal]) {
        let leader = self.family.leader();
        let Some(group) = i32::try_from(leader.pid).ok().and_then(Pid::from_raw) else { return };
        for signal in signals {
            if kill_process_group(group, *signal).is_err() {
                // It has just been started and does not lead a group yet.
                signal::send(leader, &[*signal]);
            }
        }
    }

    /// Whether a signal to the leader's group reaches it. A shell with a terminal puts each job in a group of its own.
    fn in_group(&self, proc: &Proc) -> bool {
        let pid = |raw: u32| i32::try_from(raw).ok().and_then(Pid::from_raw);
        pid(proc.pid).is_some_and(|proc| getpgid(Some(proc)).ok() == pid(self.family.leader().pid))
    }

    /// Stops what outlived the leader, and names it.
    async fn sweep(&mut self) -> Vec<Leftover> {
        let mut left_behind = None;
        let mut gentle = self.ladder.term.min(LEFTOVER_GRACE);
        for _ in 0..SWEEP_ROUNDS {
            let alive = self.look().await;
            if alive.is_empty() {
                break;
            }
            let alive = blocking(move || alive.into_iter().map(tree::describe).collect::<Vec<_>>()).await;
            left_behind.get_or_insert_with(|| {
                let name = |proc: &Proc| Leftover { pid: proc.pid, command: proc.command.clone() };
                alive.iter().map(name).collect::<Vec<_>>()
            });
            let (signals, grace) = if gentle.is_zero() || self.hurried() {
                (&[Signal::KILL][..], KILL_GRACE)
            } else {
                (&[Signal::TERM, Signal::CONT][..], std::mem::take(&mut gentle))
            };
            signal::send_all(&alive, signals);
            blocking(move || signal::await_exit(&alive, grace)).await;
        }
        let family = self.family.clone();
        blocking(move || family.bury()).await;
        left_behind.unwrap_or_default()
    }

    async fn look(&mut self) -> Vec<Proc> {
        let mut family = self.family.clone();
        let (family, alive) = blocking(move || {
            let alive = family.look();
            (Some(family), alive)
        })
        .await;
        if let Some(family) = family {
            self.family = family;
        }
        alive
    }
}

/// Whether it ended by KILL, or as a shell whose child did.
fn was_killed(exit: Exit) -> bool {
    let kill = Signal::KILL.as_raw();
    matches!(exit, Exit::Signal(signal) if signal == kill) || matches!(exit, Exit::Code(code) if code == 128 + kill)
}

async fn expiry(left: Option<Duration>) {
    match left {
        Some(left) => sleep(left).await,
        None => std::future::pending().await,
    }
}

/// Runs what blocks for milliseconds where it holds nobody up. It is lost only when the supervisor is shutting down.
async fn blocking<T: Default + Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

fn exit_of(status: Option<ExitStatus>) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => Exit::Code(code),
        Some((None, Some(signal))) => Exit::Signal(signal),
        // Killed, and stuck in the kernel so that even that takes its time.
        _ => Exit::Signal(Signal::KILL.as_raw()),
    }
}
