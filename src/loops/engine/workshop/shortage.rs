//! Steps that cannot begin because the machine is short of something: [`Workshop::patiently`] waits and tries again.
//!
//! Nothing is journalled meanwhile: to the fold such a step is one that has not spawned yet.

use super::{Done, Job, Workshop};
use crate::loops::engine::report::{Report, Wish};
use std::time::Duration;

/// Between the first two attempts; each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How the system words what passes when others give something back: ENOSPC, EDQUOT, EMFILE, ENFILE, EAGAIN and ENOMEM.
/// Words, because git has nothing else to tell.
const SHORTAGES: &[&str] = &[
    "No space left on device",
    "Disk quota exceeded",
    "Too many open files",
    "Resource temporarily unavailable",
    "Cannot allocate memory",
];

impl Workshop {
    /// Carries a step out, as soon as the machine lets it begin.
    pub(super) async fn patiently(&self, job: &mut Job) -> Done {
        let mut pause = FIRST_PAUSE;
        let mut short = false;
        loop {
            let done = self.carry_out(job).await;
            let Some(why) = done.shortage() else {
                if short {
                    job.short(None).await;
                }
                return done;
            };
            short = true;
            job.short(Some(why)).await;
            if !job.rest(pause).await {
                job.short(None).await;
                return Done { stopped: true, ..job.well() };
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Done {
    /// What the machine was short of, if that is why nothing was begun.
    fn shortage(&self) -> Option<String> {
        let why = self.end.error.as_ref().filter(|_| self.end.exit.is_none() && !self.stopped)?;
        SHORTAGES.iter().any(|words| why.contains(words)).then(|| why.clone())
    }
}

impl Job {
    /// Tells what the machine is short of, or with `None` that it no longer is.
    pub(super) async fn short(&self, why: Option<String>) {
        let (run, step) = self.name();
        // A closed channel means that the engine has ended, which waits for no step.
        let _ = self.reports.send(Report::Short { run, step, why }).await;
    }

    /// Waits; whether it may go on.
    async fn rest(&mut self, pause: Duration) -> bool {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            if matches!(*self.wish.borrow_and_update(), Wish::Stop | Wish::Kill) {
                return false;
            }
            tokio::select! {
                () = &mut over => return true,
                changed = self.wish.changed() => if changed.is_err() {
                    return false;
                }
            }
        }
    }
}
