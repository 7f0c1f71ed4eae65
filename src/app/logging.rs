//! The log of loopdash itself: a file a day in the state directory, never the screen, never an agent's output, secrets
//! masked.

use crate::loops::mask::Mask;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, such as `debug` or `loopdash::loops::git=trace`.
pub const LOG_VARIABLE: &str = "LOOPDASH_LOG";
/// Days that are kept.
const DAYS: usize = 7;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directory cannot be made, or is not ours.
    #[error("cannot log to {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot open a log file in {}: {source}", path.display())]
    File {
        /// In which directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The filter cannot be read.
    #[error("{LOG_VARIABLE} is no filter: {0}; write it like `debug` or `loopdash=trace`")]
    Filter(String),
    /// A log is being written already.
    #[error("a log is being written already")]
    Twice,
}

/// Writes what is still waiting when it is dropped: keep it until the end of `main`.
#[derive(Debug)]
#[must_use]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Starts to log into `logs/` of the state directory: warnings, more with `verbose`, or what `filter` (the value of
/// [`LOG_VARIABLE`]) says. Lines that cannot be written fast enough are dropped rather than waited for.
///
/// # Errors
/// The directory or the filter cannot be used.
pub fn start(state: &Path, verbose: u8, filter: Option<&str>) -> Result<LogGuard, LogError> {
    let (writer, worker) = tracing_appender::non_blocking(appender(&state.join("logs"))?);
    tracing_subscriber::fmt()
        .with_env_filter(filter_for(verbose, filter)?)
        .with_ansi(false)
        .with_writer(writer)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    Ok(LogGuard { _worker: worker })
}

fn filter_for(verbose: u8, filter: Option<&str>) -> Result<EnvFilter, LogError> {
    let text = match (filter.map(str::trim).filter(|text| !text.is_empty()), verbose) {
        (Some(text), _) => text,
        (None, 0) => "warn",
        (None, 1) => "warn,loopdash=info",
        (None, 2) => "info,loopdash=debug",
        (None, _) => "debug,loopdash=trace",
    };
    EnvFilter::builder().parse(text).map_err(|error| LogError::Filter(error.to_string()))
}

fn appender(directory: &Path) -> Result<Daily, LogError> {
    let refused = |source| LogError::Directory { path: directory.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(refused)?;
    let metadata = fs::symlink_metadata(directory).map_err(refused)?;
    if !metadata.is_dir() {
        return Err(refused(io::ErrorKind::NotADirectory.into()));
    }
    fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(refused)?;
    let mut daily = Daily { directory: directory.to_owned(), open: None };
    daily.file().map_err(|source| LogError::File { path: directory.to_owned(), source })?;
    // Those of before may have been made by other hands.
    for entry in fs::read_dir(directory).map_err(refused)?.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o600)).map_err(refused)?;
        }
    }
    Ok(daily)
}

/// A file a day, private from its first moment, the oldest removed. Days are UTC's.
#[derive(Debug)]
struct Daily {
    directory: PathBuf,
    open: Option<(i64, File)>,
}

impl Daily {
    /// The file for now.
    fn file(&mut self) -> io::Result<&mut File> {
        let now = jiff::Timestamp::now();
        let day = now.as_second().div_euclid(24 * 60 * 60);
        if self.open.as_ref().is_none_or(|(opened, _)| *opened != day) {
            let name = format!("loopdash.{}.log", now.strftime("%Y-%m-%d"));
            let file = File::options().append(true).create(true).mode(0o600).open(self.directory.join(name))?;
            self.open = Some((day, file));
            // Old logs that stay harm nobody.
            let _ = self.prune();
        }
        self.open.as_mut().map(|(_, file)| file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Removes all but the last [`DAYS`] files; their names sort by day.
    fn prune(&self) -> io::Result<()> {
        let names = fs::read_dir(&self.directory)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut logs: Vec<String> =
            names.filter(|name| name.starts_with("loopdash.") && name.ends_with(".log")).collect();
        logs.sort_unstable();
        for old in logs.iter().take(logs.len().saturating_sub(DAYS)) {
            fs::remove_file(self.directory.join(old))?;
        }
        Ok(())
    }
}

impl Write for Daily {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An event is one write.
        self.file()?.write_all(&Mask::of_process().bytes(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_log_is_private_and_only_a_week_is_kept() {
        let state = tempfile::tempdir().unwrap();
        let logs = state.path().join("logs");
        fs::create_dir(&logs).unwrap();
        fs::set_permissions(&logs, Permissions::from_mode(0o755)).unwrap();
        for day in 1..=9 {
            fs::write(logs.join(format!("loopdash.2020-01-0{day}.log")), "old").unwrap();
        }
        let mut appender = appender(&logs).unwrap();
        appender.write_all(b"line\n").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&logs), 0o700);
        let files: Vec<PathBuf> = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() <= DAYS, "{files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600));
        assert!(files.iter().any(|file| fs::read_to_string(file).unwrap() == "line\n"));
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let state = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", state.path().join("logs")).unwrap();
        assert!(matches!(appender(&state.path().join("logs")), Err(LogError::Directory { .. })));
    }

    #[test]
    fn filters_are_read_or_refused_by_name() {
        assert!(filter_for(0, None).is_ok());
        assert_eq!(filter_for(3, None).unwrap().to_string(), "loopdash=trace,debug");
        assert_eq!(filter_for(3, Some(" info ")).unwrap().to_string(), "info");
        let error = filter_for(0, Some("loopdash=loud")).unwrap_err();
        assert!(error.to_string().starts_with("LOOPDASH_LOG is no filter"), "{error}");
    }
}
