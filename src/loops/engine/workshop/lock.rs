//! A gate's exclusive lock: a file in the state directory that one gate of the box holds at a time.
//!
//! The lock goes with the file handle, so it cannot outlive the process that has it. Who waits does so on a thread of its own,
//! for the system has no other way to wait for a file's lock without looking again and again.

use super::{Done, Job, Workshop};
use crate::loops::core::event::LockAwaited;
use crate::loops::core::gate::is_lock_name;
use crate::loops::core::step::Cause;
use crate::loops::engine::report::{Report, Wish};
use std::fs::{DirBuilder, File, TryLockError};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use tokio::sync::oneshot;

/// Bytes that are read of who holds a lock.
const LONGEST_HOLDER: u64 = 200;

/// A lock that is had; dropping it gives it back.
pub(super) struct Held {
    _file: File,
}

impl Workshop {
    /// Waits for a lock; what the step comes to if it is not had.
    pub(super) async fn lock(&self, job: &mut Job, name: &str) -> Result<Held, Box<Done>> {
        let refused = |job: &Job, why: String| Box::new(job.failed(format!("lock {name}: {why}")));
        if !is_lock_name(name) {
            return Err(refused(job, "not a name for a lock".to_owned()));
        }
        let dir = self.state.join("locks");
        let path = dir.join(name);
        let opened = tokio::task::spawn_blocking(move || open(&dir, &path)).await;
        let file = match opened {
            Ok(Ok(file)) => file,
            Ok(Err(error)) => return Err(refused(job, error.to_string())),
            Err(_) => return Err(refused(job, "looking at it failed unexpectedly".to_owned())),
        };
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::Error(error)) => return Err(refused(job, error.to_string())),
            Err(TryLockError::WouldBlock) => {
                job.awaits(name, &file).await;
                match job.had(file).await {
                    Some(Ok(file)) => file,
                    Some(Err(error)) => return Err(refused(job, error.to_string())),
                    None if job.is_late() => return Err(Box::new(job.out_of_time())),
                    None => return Err(Box::new(Done { stopped: true, ..job.well() })),
                }
            }
        };
        sign(&file, job);
        Ok(Held { _file: file })
    }
}

impl Job {
    /// Says that it waits, and for whom.
    async fn awaits(&self, name: &str, file: &File) {
        let mut holder = String::new();
        // For the screen alone; nothing depends on it.
        let _ = file.take(LONGEST_HOLDER).read_to_string(&mut holder);
        let (run, step) = self.name();
        let (lock, holder) = (name.to_owned(), holder.lines().next().unwrap_or_default().to_owned());
        let _ = self.reports.send(Report::Waits { run, awaited: LockAwaited { step, lock, holder } }).await;
    }

    /// Whether the run's wall clock has ended meanwhile.
    fn is_late(&self) -> bool {
        self.order.wall_left.is_some_and(|left| self.begun.elapsed() >= left)
    }

    fn out_of_time(&self) -> Done {
        let mut done = self.well();
        done.end.cause = Cause::TimedOut;
        done
    }

    /// The file once its lock is had; `None` if the step is to end first, or the run's wall clock has.
    async fn had(&mut self, file: File) -> Option<std::io::Result<File>> {
        let (sender, mut had) = oneshot::channel();
        // Who no longer waits drops the receiver, and the lock goes back as soon as it comes.
        let waiting = std::thread::Builder::new().name("lock".to_owned()).spawn(move || {
            let _ = sender.send(file.lock().map(|()| file));
        });
        if let Err(error) = waiting {
            return Some(Err(error));
        }
        let wall_left = self.order.wall_left.map(|left| left.saturating_sub(self.begun.elapsed()));
        let late = async move {
            match wall_left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(late);
        loop {
            if matches!(*self.wish.borrow_and_update(), Wish::Stop | Wish::Kill) {
                return None;
            }
            tokio::select! {
                file = &mut had => return Some(file.unwrap_or_else(|_| Err(std::io::Error::other("the wait broke off")))),
                () = &mut late => return None,
                changed = self.wish.changed() => if changed.is_err() {
                    return None;
                }
            }
        }
    }
}

fn open(dir: &Path, path: &Path) -> std::io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("not a regular file")) }
}

/// Writes down who has the lock, for those who wait for it.
fn sign(file: &File, job: &Job) {
    let order = &job.order;
    let gate = order.gate().map(|gate| gate.name).unwrap_or_default();
    let text = format!("{}, gate {gate} (process {})\n", order.spec.name, std::process::id());
    let written = file.set_len(0).and_then(|()| file.write_all_at(text.as_bytes(), 0));
    if let Err(error) = written {
        tracing::warn!(%error, "who holds a lock could not be written down");
    }
}
