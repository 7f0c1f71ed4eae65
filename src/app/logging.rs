//! The log of loopdash itself: a file a day in the state directory, never the screen, never an agent's output.

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
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
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot open a log file in {}: {reason}", path.display())]
    File {
        /// In which directory.
        path: PathBuf,
        /// Why.
        reason: String,
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

fn appender(directory: &Path) -> Result<RollingFileAppender, LogError> {
    let refused = |source| LogError::Directory { path: directory.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(refused)?;
    let metadata = fs::symlink_metadata(directory).map_err(refused)?;
    if !metadata.is_dir() {
        return Err(refused(std::io::ErrorKind::NotADirectory.into()));
    }
    // The appender makes its files with the process's mask; the directory keeps them private at any mask.
    fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(refused)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("loopdash")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(directory)
        .map_err(|error| LogError::File { path: directory.to_owned(), reason: error.to_string() })?;
    for entry in fs::read_dir(directory).map_err(refused)?.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o600)).map_err(refused)?;
        }
    }
    Ok(appender)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::io::Write;

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
