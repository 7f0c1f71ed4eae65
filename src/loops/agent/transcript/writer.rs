//! Writes a step's raw output to its directory, as it comes. [`Writer`] never loses count and never fails its caller:
//! what a full disk refuses it keeps for a while, as [`Owed`]; what it cannot store it counts, and says so at the end.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::Edition;
use super::live::LiveOutput;
use super::marks::{Marks, RECORD_BYTES, Record, Stream};
use super::owed::Owed;

/// Records kept in memory before they are appended to the index.
const BATCH_RECORDS: usize = 128;
/// Records older than this are appended when output arrives.
const BATCH_MS: u32 = 1_000;

/// The writing end of a transcript. `stderr.log` and the index are made when they are first needed, and the index is
/// open only while a batch is appended: a quiet step holds one file.
pub(crate) struct Writer {
    live: Arc<LiveOutput>,
    edition: Edition,
    stdout: File,
    stderr: Option<File>,
    order_exists: bool,
    marks: Marks,
    flushed_ms: u32,
    limit: u64,
    /// What a full disk refused.
    owed: Option<Owed>,
    /// Bytes that were owed for too long.
    lost: u64,
    error: Option<String>,
}

/// Why bytes were not written.
enum Refusal {
    /// The disk is full, which may pass.
    Full(String),
    /// Anything else, which will not.
    Failed(String),
}

impl Refusal {
    fn new(what: &str, error: &io::Error) -> Self {
        let why = format!("{what}: {error}");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(why),
            _ => Self::Failed(why),
        }
    }
}

/// What a finished transcript holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) stdout_bytes: u64,
    pub(crate) stderr_bytes: u64,
    pub(crate) lines: u64,
    pub(crate) error: Option<String>,
}

impl Totals {
    /// Of a transcript whose writer is gone.
    pub(crate) fn lost() -> Self {
        Self { stdout_bytes: 0, stderr_bytes: 0, lines: 0, error: Some("its writer stopped unexpectedly".into()) }
    }
}

impl Writer {
    /// Makes `dir` if needed (mode 0700) and starts a transcript in it that stores at most `limit` bytes. Fails when
    /// one is already there: transcripts are never overwritten.
    pub(crate) fn create(dir: &Path, edition: Edition, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let stdout = create(dir, edition.file(Stream::Stdout))?;
        Ok(Self {
            live: Arc::new(LiveOutput::new(dir.to_owned(), edition)),
            edition,
            stdout,
            stderr: None,
            order_exists: false,
            marks: Marks::new(),
            flushed_ms: 0,
            limit,
            owed: None,
            lost: 0,
            error: None,
        })
    }

    /// The side that readers share.
    pub(crate) fn live(&self) -> Arc<LiveOutput> {
        Arc::clone(&self.live)
    }

    /// Takes back a transcript that nothing was written to.
    pub(crate) fn discard(&self) {
        // What cannot be removed is in the way of the next attempt, which says so.
        let _ = std::fs::remove_file(self.live.dir().join(self.edition.file(Stream::Stdout)));
    }

    /// Takes the next bytes of a stream. Blocks on the disk.
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let at_ms = self.live.now_ms();
        self.take(stream, bytes, at_ms);
        if self.owed.as_ref().is_some_and(|owed| owed.is_due(at_ms)) {
            self.pay();
        }
        self.live.publish(stream, bytes.len() as u64, self.marks.now().lines(), at_ms);
    }

    /// Tries again to store what a full disk refused. Whether nothing is owed any more.
    pub(crate) fn pay(&mut self) -> bool {
        let now_ms = self.live.now_ms();
        if let Some(owed) = self.owed.take() {
            self.lost += owed.lost();
            for (stream, bytes) in owed.parts() {
                self.take(stream, &bytes, now_ms);
            }
        }
        self.live.is_short(self.owed.as_ref().map(Owed::why));
        self.owed.is_none()
    }

    /// Whether a full disk has refused something that is still kept.
    pub(crate) fn owes(&self) -> bool {
        self.owed.is_some()
    }

    /// Closes the transcript.
    pub(crate) fn finish(mut self) -> Totals {
        self.pay();
        let lost = (self.lost > 0).then(|| format!("{} bytes of output were not stored: the disk was full", self.lost));
        let owed = self.owed.take().map(|owed| owed.missing());
        self.error = self.error.take().or(owed).or(lost);
        let end = self.marks.finish();
        self.live.tail().pending.push(end);
        if let Err(Refusal::Full(why) | Refusal::Failed(why)) = self.flush() {
            self.error.get_or_insert(why);
        }
        self.live.finish();
        Totals {
            stdout_bytes: self.live.stdout_bytes(),
            stderr_bytes: self.live.stderr_bytes(),
            lines: end.lines(),
            error: self.error,
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8], at_ms: u64) {
        match &mut self.owed {
            _ if self.error.is_some() => {}
            Some(owed) => owed.add(stream, bytes),
            None => self.store(stream, bytes, at_ms),
        }
    }

    fn store(&mut self, stream: Stream, bytes: &[u8], now_ms: u64) {
        let at_ms = u32::try_from(now_ms).unwrap_or(u32::MAX);
        let room = usize::try_from(self.limit.saturating_sub(self.marks.now().merged())).unwrap_or(usize::MAX);
        let fits = bytes.get(..room).unwrap_or(bytes);
        let (done, refusal) = self.write(stream, fits);
        let (stored, rest) = fits.split_at_checked(done).unwrap_or((fits, &[]));
        let record = self.marks.advance(stream, stored, at_ms);
        let pending = {
            let mut tail = self.live.tail();
            tail.end = self.marks.now();
            tail.pending.extend(record);
            tail.pending.len()
        };
        match refusal {
            Some(Refusal::Full(why)) => {
                self.live.is_short(Some(&why));
                let mut owed = Owed::new(why, now_ms);
                owed.add(stream, rest);
                self.owed = Some(owed);
                return;
            }
            Some(Refusal::Failed(why)) => {
                self.error = Some(why);
                return;
            }
            None => {}
        }
        if fits.len() < bytes.len() {
            self.error = Some(format!("output over {} bytes was not stored", self.limit));
        } else if pending >= BATCH_RECORDS || (pending > 0 && at_ms.saturating_sub(self.flushed_ms) >= BATCH_MS) {
            self.flushed_ms = at_ms;
            // The records stay pending while there is no room for them.
            if let Err(Refusal::Failed(why)) = self.flush() {
                self.error = Some(why);
            }
        }
    }

    /// Writes what it can; returns how much that was, and why no more.
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> (usize, Option<Refusal>) {
        let name = self.edition.file(stream);
        let file = match (stream, &mut self.stderr) {
            (Stream::Stdout, _) => &mut self.stdout,
            (Stream::Stderr, Some(file)) => file,
            (Stream::Stderr, none) => match create(self.live.dir(), name) {
                Ok(file) => none.insert(file),
                Err(error) => return (0, Some(Refusal::new(&format!("create {name}"), &error))),
            },
        };
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match file.write(rest) {
                Ok(0) => return (done, Some(Refusal::Full(format!("write {name}: the disk takes no more")))),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (done, Some(Refusal::new(&format!("write {name}"), &error))),
            }
        }
        (done, None)
    }

    /// Appends the pending records to the index. They stay pending if that fails, so that readers here lose nothing.
    fn flush(&mut self) -> Result<(), Refusal> {
        let batch = self.live.tail().pending.clone();
        let bytes: Vec<u8> = batch.iter().flat_map(Record::encode).collect();
        self.append(&bytes).map_err(|error| Refusal::new(&format!("write {}", self.edition.order()), &error))?;
        let mut tail = self.live.tail();
        tail.on_disk += batch.len() as u64;
        tail.pending.clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (dir, name) = (self.live.dir(), self.edition.order());
        let mut file =
            if self.order_exists { OpenOptions::new().append(true).open(dir.join(name))? } else { create(dir, name)? };
        self.order_exists = true;
        let whole = file.metadata()?.len() / RECORD_BYTES as u64 * RECORD_BYTES as u64;
        if let Err(error) = file.write_all(bytes) {
            // Half a batch would put every later record off its grid.
            let _ = file.set_len(whole);
            return Err(error);
        }
        Ok(())
    }
}

fn create(dir: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(name))
}
