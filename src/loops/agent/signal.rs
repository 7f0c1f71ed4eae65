//! Signals for processes that are still the ones they were, and waiting until they are gone.
//! On Linux both go through a pidfd, so that a pid given out again is never hit.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::tree::{self, Proc};

/// How often to look where the system cannot tell.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Sends a signal to each process that is still the same.
pub(super) fn send_all(procs: &[Proc], signals: &[Signal]) {
    for proc in procs {
        send(proc, signals);
    }
}

/// Sends signals to a process, if it is still the same. That it cannot be reached shows in its being there afterwards.
pub(super) fn send(proc: &Proc, signals: &[Signal]) {
    let Some(pid) = i32::try_from(proc.pid).ok().and_then(Pid::from_raw) else { return };
    #[cfg(target_os = "linux")]
    if let Ok(fd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        if same(proc) {
            for signal in signals {
                let _ = rustix::process::pidfd_send_signal(&fd, *signal);
            }
        }
        return;
    }
    if same(proc) {
        for signal in signals {
            let _ = rustix::process::kill_process(pid, *signal);
        }
    }
}

/// Whether the process is there, dead or alive.
pub(super) fn same(proc: &Proc) -> bool {
    tree::process(proc.pid).is_some_and(|now| now.start == proc.start)
}

fn alive(proc: &Proc) -> bool {
    tree::process(proc.pid).is_some_and(|now| now.start == proc.start && now.is_alive())
}

/// Waits until all of them have exited, at most `limit`. Blocks.
pub(super) fn await_exit(procs: &[Proc], limit: Duration) {
    let deadline = Instant::now() + limit;
    for proc in procs {
        while alive(proc) && Instant::now() < deadline {
            pause(proc, deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// Waits until the process exits, at most `limit`; on systems that cannot tell, a moment.
fn pause(proc: &Proc, limit: Duration) {
    #[cfg(target_os = "linux")]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let pid = i32::try_from(proc.pid).ok().and_then(Pid::from_raw);
        let fd = pid.and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok());
        if let (Some(fd), Ok(limit), true) = (fd, Timespec::try_from(limit), alive(proc)) {
            let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit));
            return;
        }
    }
    let _ = proc;
    std::thread::sleep(LOOK_EVERY.min(limit));
}
