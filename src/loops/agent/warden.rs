//! A second process that ends what steps have started when loopdash cannot: after an abort, a crash, a `kill -9`.
//! [`Warden`] is its handle here, [`main`] its body, `loopdash __warden`.
//!
//! The kernel takes a step's leader along with loopdash, and nothing else of the step. The warden is told of each step
//! before it starts and when everything of it is gone; it waits at a pipe whose end is loopdash's end, whatever ended it.

use super::family;
use super::survivors;
use super::tree::Proc;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "__warden";
/// Its name in the process table: whoever kills all that is called loopdash still needs it.
const NAME: &str = "step-warden";
/// How long what is left has between TERM and KILL.
const TERM_GRACE: Duration = Duration::from_millis(400);
/// How often it looks again for what was started while it stopped the others.
const ROUNDS: usize = 8;

/// The way to the warden, which is started with the first step.
pub(super) struct Warden {
    exe: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    process: Option<(Child, ChildStdin)>,
    steps: BTreeMap<u64, Told>,
    last: u64,
}

/// What is known of a step that is not over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    mark: String,
    /// Pid and start time of its leader, once it runs.
    leader: Option<(u32, u64)>,
}

/// A step that the warden watches over. One that is dropped without [`Watch::over`] is still watched over.
pub(super) struct Watch {
    warden: Arc<Warden>,
    id: u64,
}

impl Warden {
    /// A warden that is the loopdash binary at `exe`.
    pub(super) fn new(exe: PathBuf) -> Self {
        Self { exe, inner: Mutex::default() }
    }

    /// Has it watch over a step that is about to start, and carries this mark in its environment.
    ///
    /// # Errors
    /// There is no warden, and none can be started.
    pub(super) fn expect(self: &Arc<Self>, mark: &str) -> io::Result<Watch> {
        let mut inner = self.lock();
        inner.last += 1;
        let id = inner.last;
        inner.steps.insert(id, Told { mark: mark.to_owned(), leader: None });
        if let Err(error) = self.tell(&mut inner, |_| begins(id, mark)) {
            inner.steps.remove(&id);
            return Err(error);
        }
        Ok(Watch { warden: Arc::clone(self), id })
    }

    /// Starts another one if it has died, as a process may that is killed by mistake. Cheap.
    pub(super) fn revive(&self) {
        let mut inner = self.lock();
        let dead = |(child, _): &mut (Child, ChildStdin)| !matches!(child.try_wait(), Ok(None));
        if !inner.steps.is_empty()
            && inner.process.as_mut().is_some_and(dead)
            && let Err(error) = self.replace(&mut inner)
        {
            tracing::warn!(%error, "nobody watches over the steps in case loopdash is killed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What panics while it is held has not left half a list.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a word; whom it does not reach is replaced by one that is told everything.
    fn tell(&self, inner: &mut Inner, word: impl FnOnce(&Inner) -> Vec<u8>) -> io::Result<()> {
        let word = word(inner);
        match inner.process.as_mut().map(|(_, pipe)| pipe.write_all(&word)) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => self.replace(inner),
        }
    }

    fn replace(&self, inner: &mut Inner) -> io::Result<()> {
        if let Some((mut child, _pipe)) = inner.process.take() {
            // Before the pipe is closed: it may only be slow, or halted, and would take that for loopdash's end.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (child, mut pipe) = self.start()?;
        let steps = inner.steps.iter();
        let words = steps.flat_map(|(id, told)| [Some(begins(*id, &told.mark)), told.leader.map(|it| leads(*id, it))]);
        let told = words.flatten().try_for_each(|word| pipe.write_all(&word));
        inner.process = Some((child, pipe));
        told
    }

    fn start(&self) -> io::Result<(Child, ChildStdin)> {
        let mut command = Command::new(&self.exe);
        command.arg0(NAME).arg(SUBCOMMAND).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = family::start_helper(|| command.spawn())?;
        let gone = || io::Error::other("the process that watches over the steps did not start");
        // Until it has a session of its own it hears the signals that are meant for loopdash.
        let ready = child.stdout.take().map(|mut ready| ready.read_exact(&mut [0]));
        let Some((Ok(()), pipe)) = ready.zip(child.stdin.take()) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(gone());
        };
        // Whoever does not read is replaced, not waited for.
        fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        Ok((child, pipe))
    }
}

impl Watch {
    /// Names the step's leader.
    pub(super) fn led_by(&self, leader: &Proc) {
        let mut inner = self.warden.lock();
        let leader = (leader.pid, leader.start);
        if let Some(told) = inner.steps.get_mut(&self.id) {
            told.leader = Some(leader);
        }
        self.say(&mut inner, leads(self.id, leader));
    }

    /// Nothing of the step is left.
    pub(super) fn over(self) {
        let mut inner = self.warden.lock();
        inner.steps.remove(&self.id);
        self.say(&mut inner, ends(self.id));
    }

    fn say(&self, inner: &mut Inner, word: Vec<u8>) {
        if let Err(error) = self.warden.tell(inner, |_| word) {
            // The step's leader still dies with loopdash, and the next step does not start without a warden.
            tracing::warn!(%error, "nobody watches over a step in case loopdash is killed");
        }
    }
}

/// What is told: a letter, the step's number, and what is to be known, up to a NUL, which no environment can hold.
fn begins(id: u64, mark: &str) -> Vec<u8> {
    format!("b {id} {mark}\0").into_bytes()
}

fn leads(id: u64, (pid, start): (u32, u64)) -> Vec<u8> {
    format!("l {id} {pid} {start}\0").into_bytes()
}

fn ends(id: u64) -> Vec<u8> {
    format!("e {id}\0").into_bytes()
}

/// Takes in one word; what is no word is nothing.
fn hear(steps: &mut BTreeMap<u64, Told>, word: &[u8]) -> Option<()> {
    let word = std::str::from_utf8(word).ok()?;
    let (letter, rest) = word.split_once(' ')?;
    let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let id = id.parse().ok()?;
    match letter {
        "b" => drop(steps.insert(id, Told { mark: rest.to_owned(), leader: None })),
        "l" => {
            let (pid, start) = rest.split_once(' ')?;
            steps.get_mut(&id)?.leader = Some((pid.parse().ok()?, start.parse().ok()?));
        }
        "e" => drop(steps.remove(&id)),
        _ => return None,
    }
    Some(())
}

/// The warden's body: returns when loopdash is gone, and everything of its steps with it.
pub fn main() -> ExitCode {
    // In a session of its own, without a terminal: no signal of loopdash's comes here.
    let _ = rustix::process::setsid();
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
        // Sent to it by name it has nothing to do but to go on.
        let _ = signal_hook::flag::register(signal.as_raw(), Arc::default());
    }
    let _ = std::fs::write("/proc/self/comm", NAME);
    if io::stdout().write_all(b".").and_then(|()| io::stdout().flush()).is_err() {
        return ExitCode::FAILURE;
    }
    let mut steps = BTreeMap::new();
    let mut words = io::stdin().lock();
    let mut word = Vec::new();
    while words.read_until(0, &mut word).is_ok_and(|read| read > 0) {
        hear(&mut steps, word.strip_suffix(b"\0").unwrap_or_default());
        word.clear();
    }
    end(&steps.into_values().collect::<Vec<_>>());
    ExitCode::SUCCESS
}

fn end(steps: &[Told]) {
    if steps.is_empty() {
        return;
    }
    let marks: Vec<&str> = steps.iter().map(|told| told.mark.as_str()).collect();
    let leaders: Vec<(u32, u64)> = steps.iter().filter_map(|told| told.leader).collect();
    for round in 0..ROUNDS {
        let left = survivors::of_steps(&marks, &leaders);
        if left.is_empty() {
            break;
        }
        survivors::stop_now(left, if round == 0 { TERM_GRACE } else { Duration::ZERO });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_heard() {
        let mut steps = BTreeMap::new();
        let words = [begins(1, "run/1"), leads(1, (42, 4711)), begins(2, "a run/2 0"), begins(3, "run/3"), ends(3)];
        for word in words.concat().split(|byte| *byte == 0) {
            hear(&mut steps, word);
        }
        let first = Told { mark: "run/1".to_owned(), leader: Some((42, 4711)) };
        let second = Told { mark: "a run/2 0".to_owned(), leader: None };
        assert_eq!(steps, BTreeMap::from([(1, first), (2, second)]));
        for odd in ["", "b", "b x y", "l 1", "l 1 2", "l 9 1 1", "x 1 y", "l 1 -1 0"] {
            let before = steps.clone();
            assert_eq!(hear(&mut steps, odd.as_bytes()), None, "{odd:?}");
            assert_eq!(steps, before, "{odd:?}");
        }
        hear(&mut steps, b"e 1");
        hear(&mut steps, b"e 1");
        assert_eq!(steps.len(), 1);
    }
}
