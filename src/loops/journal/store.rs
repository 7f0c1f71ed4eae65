//! Where things lie: [`Store`] is the state directory, [`RunDir`] one run's place in it.
//!
//! Directories are made 0700 and files 0600: prompts and output may hold what the operator's screen may.

use super::error::JournalError;
use super::replay::open_plain;
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::step::StepKind;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// How the name of a run's directory begins while that is emptied.
const ASIDE: &str = ".removing-";

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No place for it is known.
    #[error("cannot tell where to keep state: neither LOOPDASH_STATE_DIR nor HOME is set")]
    NoHome,
    /// It cannot be made or written.
    #[error("cannot write state directory {}: {source}; choose another with LOOPDASH_STATE_DIR", path.display())]
    NotWritable {
        /// The path that was refused.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("cannot read state directory {}: {source}", path.display())]
    NotReadable {
        /// The path that was refused.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something else stands where a directory belongs.
    #[error("{} is not a directory; move it away or choose another place with LOOPDASH_STATE_DIR", path.display())]
    NotADirectory {
        /// What stands there.
        path: PathBuf,
    },
}

/// The state directory that the environment asks for: `LOOPDASH_STATE_DIR`, else `loopdash` under `XDG_STATE_HOME`, else
/// the system's place for it (Linux: `~/.local/state/loopdash`, macOS: `~/Library/Application Support/loopdash`).
///
/// # Errors
/// [`StoreError::NoHome`].
pub fn default_root() -> Result<PathBuf, StoreError> {
    root_from(|name| std::env::var_os(name)).or_else(system_root).ok_or(StoreError::NoHome)
}

fn root_from(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("LOOPDASH_STATE_DIR").and_then(|path| std::path::absolute(path).ok()).or_else(|| {
        // The XDG specification has relative paths ignored.
        set("XDG_STATE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("loopdash"))
    })
}

fn system_root() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "loopdash")?;
    Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
}

/// The state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the state directory for writing and makes what is missing.
    ///
    /// # Errors
    /// [`StoreError`] names the path that was refused.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| match source.kind() {
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => StoreError::NotADirectory { path },
                _ => StoreError::NotWritable { path, source },
            }
        };
        make_dirs(root).map_err(refused(root))?;
        let store = Self { root: root.canonicalize().map_err(refused(root))? };
        let runs = store.runs_dir();
        make_dirs(&runs).map_err(refused(&runs))?;
        if !fs::symlink_metadata(&runs).map_err(refused(&runs))?.is_dir() {
            return Err(StoreError::NotADirectory { path: runs });
        }
        // A read-only file system is only found out by writing; permission bits do not tell.
        tempfile::Builder::new().prefix(".probe-").tempfile_in(&runs).map_err(refused(&runs))?;
        Ok(store)
    }

    /// Opens the state directory for reading only; it may be missing, which is no runs.
    ///
    /// # Errors
    /// [`StoreError::NotReadable`] and [`StoreError::NotADirectory`].
    pub fn view(root: &Path) -> Result<Self, StoreError> {
        match fs::metadata(root) {
            Ok(meta) if !meta.is_dir() => Err(StoreError::NotADirectory { path: root.to_owned() }),
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::NotReadable { path: root.to_owned(), source })
            }
            _ => Ok(Self { root: root.canonicalize().unwrap_or_else(|_| root.to_owned()) }),
        }
    }

    /// The state directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Holds one directory per run.
    pub fn runs_dir(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The facts that belong to no run.
    pub fn fleet_file(&self) -> PathBuf {
        self.root.join("fleet.jsonl")
    }

    /// A run's place, whether it exists or not.
    pub fn run_dir(&self, run: RunId) -> RunDir {
        RunDir { path: self.runs_dir().join(run.to_string()), run }
    }

    /// The runs that have a directory, oldest first. Other names and symlinks are passed over.
    ///
    /// # Errors
    /// [`StoreError::NotReadable`].
    pub fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.directories(run_of)
    }

    /// The runs whose directory is being removed, or whose removal was cut short; each at [`RunDir::aside`].
    ///
    /// # Errors
    /// [`StoreError::NotReadable`].
    pub fn half_removed(&self) -> Result<Vec<RunId>, StoreError> {
        self.directories(|name| run_of(name.to_str()?.strip_prefix(ASIDE)?.as_ref()))
    }

    fn directories(&self, run: impl Fn(&std::ffi::OsStr) -> Option<RunId>) -> Result<Vec<RunId>, StoreError> {
        let path = self.runs_dir();
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(StoreError::NotReadable { path, source }),
        };
        let mut runs: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| run(&entry.file_name()))
            .collect();
        runs.sort_unstable();
        Ok(runs)
    }
}

/// The run that a directory name stands for: only the exact form that loopdash writes.
pub(super) fn run_of(name: &std::ffi::OsStr) -> Option<RunId> {
    let name = name.to_str()?;
    RunId::parse(name).filter(|run| run.to_string() == name)
}

/// One run's place in the state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
    run: RunId,
}

impl RunDir {
    /// Whose it is.
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the directory is while it is emptied: half of one must not be taken for a run.
    pub fn aside(&self) -> PathBuf {
        self.path.with_file_name(format!("{ASIDE}{}", self.run))
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Where torn tails are kept after they were cut off.
    pub fn torn(&self) -> PathBuf {
        self.path.join("journal.torn")
    }

    /// There while a failed write or sync has left the journal's bytes in doubt.
    pub fn suspect(&self) -> PathBuf {
        self.path.join("journal.suspect")
    }

    /// Who owns the run, for information.
    pub fn owner(&self) -> PathBuf {
        self.path.join("owner.json")
    }

    /// The summary of a finished run.
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// The step table of a finished run.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.tsv")
    }

    /// A file that a record names relative to the run's directory; `None` if the name would leave it.
    pub fn inside(&self, relative: &str) -> Option<PathBuf> {
        let relative = Path::new(relative);
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        (plain && relative.components().next().is_some()).then(|| self.path.join(relative))
    }

    /// A step's directory relative to the run's: `steps/<n>-<kind>`.
    pub fn step_path(step: StepId, kind: &StepKind) -> PathBuf {
        Path::new("steps").join(format!("{step}-{}", kind.slug()))
    }

    /// A step's directory, whether it exists or not.
    pub fn step_dir(&self, step: StepId, kind: &StepKind) -> PathBuf {
        self.path.join(Self::step_path(step, kind))
    }

    /// Makes a step's directory, 0700, and gives it.
    ///
    /// # Errors
    /// [`JournalError::Io`], also when a symlink or a file stands in the way.
    pub fn make_step_dir(&self, step: StepId, kind: &StepKind) -> Result<PathBuf, JournalError> {
        let path = self.step_dir(step, kind);
        self.require()?;
        for dir in [self.path.join("steps"), path.clone()] {
            make_dirs(&dir).map_err(JournalError::io("make", &dir))?;
            require_dir(&dir)?;
        }
        Ok(path)
    }

    /// Fails unless the directory is one, and no symlink.
    pub(super) fn require(&self) -> Result<(), JournalError> {
        require_dir(&self.path)
    }

    /// Opens the journal for reading.
    pub(super) fn open_journal(&self) -> Result<File, JournalError> {
        self.require()?;
        open_plain(&self.journal())
    }
}

fn require_dir(path: &Path) -> Result<(), JournalError> {
    let meta = fs::symlink_metadata(path).map_err(JournalError::io("open", path))?;
    if meta.is_dir() { Ok(()) } else { Err(JournalError::io("open", path)(io::ErrorKind::NotADirectory.into())) }
}

/// Fails unless the file is a regular one: a FIFO or a device in its place would hang or flood the reader.
pub(super) fn require_file(file: &File, path: &Path) -> Result<(), JournalError> {
    let meta = file.metadata().map_err(JournalError::io("open", path))?;
    if meta.is_file() {
        Ok(())
    } else {
        Err(JournalError::io("open", path)(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")))
    }
}

/// Options that make a file private and refuse to follow a symlink.
pub(super) fn private_options() -> fs::OpenOptions {
    let mut options = File::options();
    options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Makes a directory and its parents, private.
pub(super) fn make_dirs(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a directory's entries durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), JournalError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(JournalError::io("sync", path))
}

#[cfg(test)]
mod tests;
