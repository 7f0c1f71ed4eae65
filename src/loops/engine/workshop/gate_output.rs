//! What a gate's tests came to, and their coverage, as its output tells, or the report that the loop's configuration names.
//!
//! The output is read once, from disk, after the gate has ended: how long it is makes no difference to memory.

use crate::loops::agent::transcript::{Stream, Transcript};
use crate::loops::core::coverage::{Percent, Printed, reported};
use crate::loops::core::runner::{self, Reader, TestsSeen, junit};
use crate::loops::mask::Mask;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A JUnit report that is larger is read up to here.
const LARGEST_REPORT: u64 = 64 << 20;
/// A coverage report that is larger is not read: part of one has no total.
const LARGEST_COVERAGE: u64 = 32 << 20;

/// Why a gate's report counts for nothing.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("the gate did not write it")]
    NotWritten,
    #[error("it leads out of the worktree")]
    Outside,
    #[error("it is not a file")]
    NoFile,
    #[error("it is larger than {} MiB", LARGEST_COVERAGE >> 20)]
    TooLarge,
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// A gate's report file, and what lay there before the gate ran: what it did not write is not its result.
#[derive(Clone, Debug)]
pub(super) struct Report {
    root: PathBuf,
    name: String,
    before: Option<Identity>,
}

/// What tells a file that was written from one that was not: device, inode, length and time of change.
type Identity = (u64, u64, u64, i64, i64);

impl Report {
    /// The report `name` of a gate that is about to run in `root`.
    pub(super) fn expect(root: &Path, name: &str) -> Self {
        let (root, name) = (root.to_owned(), name.to_owned());
        let before = inside(&root, &name).ok().and_then(|path| path.metadata().ok()).map(|meta| identity(&meta));
        Self { root, name, before }
    }

    /// What it tells, if the gate wrote it.
    fn read(&self) -> Option<TestsSeen> {
        junit(&self.bytes(LARGEST_REPORT).ok()?)
    }

    /// The total that it tells, or why none.
    fn coverage(&self) -> Result<Percent, String> {
        let total = self.bytes(LARGEST_COVERAGE + 1).and_then(|bytes| {
            let whole = bytes.len() as u64 <= LARGEST_COVERAGE;
            if whole { Ok(reported(&bytes)) } else { Err(Unread::TooLarge) }
        });
        match total {
            Ok(Some(total)) => Ok(total),
            Ok(None) => Err(format!("in {}", self.name)),
            Err(why) => Err(format!("in {}: {why}", self.name)),
        }
    }

    /// The first `most` bytes of it, if the gate wrote it.
    fn bytes(&self, most: u64) -> Result<Vec<u8>, Unread> {
        let path = inside(&self.root, &self.name)?;
        // Somebody may have put a pipe there, which would keep whoever opens it waiting.
        let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(Unread::NoFile);
        }
        if self.before == Some(identity(&meta)) {
            return Err(Unread::NotWritten);
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn identity(meta: &std::fs::Metadata) -> Identity {
    (meta.dev(), meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec())
}

/// The file, links followed, if it lies in the worktree.
fn inside(root: &Path, name: &str) -> Result<PathBuf, Unread> {
    let root = root.canonicalize()?;
    let path = root.join(name).canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unread::NotWritten,
        _ => Unread::Io(error),
    })?;
    if path.starts_with(&root) { Ok(path) } else { Err(Unread::Outside) }
}

/// What the tests of the gate that ran in the step directory `dir` came to; its report, if it wrote one, is believed
/// before its output.
pub(super) fn read(dir: &Path, report: Option<&Report>) -> Option<TestsSeen> {
    let told = report.and_then(Report::read).or_else(|| {
        printed(dir).unwrap_or_else(|error| {
            tracing::warn!(dir = %dir.display(), %error, "a gate's output could not be read for its tests");
            None
        })
    });
    told.map(|mut told| {
        for name in told.new.iter_mut() {
            *name = Mask::of_process().text(name).into_owned();
        }
        told
    })
}

/// The total of the gate that ran in the step directory `dir`: what its report tells, if it names one, and else what it
/// printed; or where none was found, as a fragment.
///
/// # Errors
/// There is no total.
pub(super) fn coverage(dir: &Path, report: Option<&Report>) -> Result<Percent, String> {
    if let Some(report) = report {
        return report.coverage();
    }
    let (transcript, mut printed) = (Transcript::open(dir), Printed::default());
    for stream in [Stream::Stdout, Stream::Stderr] {
        let read = transcript.stream_lines(stream, &mut |line| printed.line(line));
        read.map_err(|error| format!("in the output: it cannot be read: {error}"))?;
    }
    printed.finish().ok_or_else(|| "in the output".to_owned())
}

/// Whether the gate that ran in the step directory `dir` printed that a child of its was killed.
pub(super) fn tells_of_a_kill(dir: &Path) -> bool {
    let (transcript, mut told) = (Transcript::open(dir), false);
    for stream in [Stream::Stderr, Stream::Stdout] {
        let read = transcript.stream_lines(stream, &mut |line| {
            told |= runner::tells_of_a_kill(&String::from_utf8_lossy(line));
        });
        if let Err(error) = read {
            tracing::warn!(dir = %dir.display(), %error, "a gate's output could not be read for killed children");
        }
    }
    told
}

fn printed(dir: &Path) -> io::Result<Option<TestsSeen>> {
    let (transcript, mut reader) = (Transcript::open(dir), Reader::default());
    for stream in [Stream::Stdout, Stream::Stderr] {
        transcript.stream_lines(stream, &mut |line| reader.line(line))?;
    }
    Ok(reader.finish())
}

#[cfg(test)]
mod tests;
