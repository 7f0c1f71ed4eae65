//! Where the demo plays: a temporary directory with its repository and its own state directory. [`Stage`] removes it all
//! when it is dropped, unless it is to be kept.

use super::loops::{DemoLoop, seven};
use super::project;
use crate::loops::journal::Store;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A demo that is ready to play.
#[derive(Debug)]
pub struct Stage {
    /// The seven loops.
    pub loops: Vec<DemoLoop>,
    /// Its state directory.
    pub store: Store,
    root: TempDir,
    keep: bool,
    repo: PathBuf,
}

impl Stage {
    /// Makes directory, repository and state.
    ///
    /// # Errors
    /// The temporary directory cannot be written, or git is missing; the text says which.
    pub fn set(speed: f64, keep: bool) -> io::Result<Self> {
        let mut root = tempfile::Builder::new().prefix("loopdash-demo-").tempdir()?;
        root.disable_cleanup(keep);
        // The system's temporary directory may be a link, and git names worktrees by their real path.
        let real = root.path().canonicalize()?;
        let repo = real.join("tally");
        project::create(&repo)?;
        let store = Store::open(&real.join("state")).map_err(io::Error::other)?;
        let loops = seven(&std::env::current_exe()?, &repo, speed);
        Ok(Self { loops, store, root, keep, repo })
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The repository.
    pub fn repo(&self) -> &Path {
        &self.repo
    }

    /// Removes everything now, and says what is in the way if that fails; keeps everything if it was asked to.
    ///
    /// # Errors
    /// Something in the directory cannot be removed.
    pub fn strike(self) -> io::Result<()> {
        if self.keep { Ok(()) } else { self.root.close() }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_nothing_unless_it_is_kept() {
        let stage = Stage::set(1.0, false).unwrap();
        let root = stage.root().to_owned();
        assert!(stage.repo().join("bin/tally").exists() && stage.store.root().exists());
        stage.strike().unwrap();
        assert!(!root.exists());

        let stage = Stage::set(1.0, true).unwrap();
        let root = stage.root().to_owned();
        stage.strike().unwrap();
        assert!(root.join("tally/.git").exists());
        std::fs::remove_dir_all(root).unwrap();
    }
}
