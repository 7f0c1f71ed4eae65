//! What a gate's tests came to, as its output tells, or the JUnit report that the loop's configuration names.
//!
//! The output is read once, from disk, after the gate has ended: how long it is makes no difference to memory.

use crate::loops::agent::transcript::{Stream, Transcript};
use crate::loops::core::runner::{self, Reader, TestsSeen, junit};
use crate::loops::mask::Mask;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A JUnit report that is larger is read up to here.
const LARGEST_REPORT: u64 = 64 << 20;

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
        let path = inside(&self.root, &self.name).ok()?;
        // Somebody may have put a pipe there, which would keep whoever opens it waiting.
        let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || self.before == Some(identity(&meta)) {
            return None;
        }
        let mut xml = Vec::new();
        file.take(LARGEST_REPORT).read_to_end(&mut xml).ok()?;
        junit(&xml)
    }
}

fn identity(meta: &std::fs::Metadata) -> Identity {
    (meta.dev(), meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec())
}

/// The file, links followed, if it lies in the worktree.
fn inside(root: &Path, name: &str) -> io::Result<PathBuf> {
    let root = root.canonicalize()?;
    let path = root.join(name).canonicalize()?;
    if path.starts_with(&root) { Ok(path) } else { Err(io::Error::other("it leads out of the worktree")) }
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
