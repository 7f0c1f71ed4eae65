//! The commented `loopdash.toml` that `loopdash init` writes, and the writing, which never replaces anything.

use super::layers::PROJECT_FILE;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The text of a new `loopdash.toml`: it loads as it is, and shows every key.
pub const INIT_TEXT: &str = include_str!("init.toml");

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already.
    #[error("{} exists already; edit it, or move it away first", .0.display())]
    Exists(PathBuf),
    /// The system says no.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Writes `loopdash.toml` into `directory` and returns its path.
///
/// # Errors
/// Anything of that name, a dangling link included, stays as it is.
pub fn write_init(directory: &Path) -> Result<PathBuf, InitError> {
    let path = directory.join(PROJECT_FILE);
    let written = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(INIT_TEXT.as_bytes()));
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(InitError::Exists(path)),
        Err(source) => Err(InitError::Write { path, source }),
    }
}
