//! What every command stands on: directory, flags, colours, configuration, state directory. [`Context`] gives them.

use super::cli::exit::Failure;
use super::cli::{Colour, Global};
use super::config::{LoadOptions, Loaded, load};
use crate::loops::core::fleet::{Fleet, FleetRun, Ownership};
use crate::loops::git::{RepoInfo, discover};
use crate::loops::journal::index::scan;
use crate::loops::journal::store::default_root;
use crate::loops::journal::{Lock, Store};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The ground of a command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where it was started, or `-C`.
    pub cwd: PathBuf,
    /// The flags of every command.
    pub global: Global,
}

impl Context {
    /// Goes to the directory of `-C` and stands there.
    ///
    /// # Errors
    /// The directory does not exist or cannot be entered.
    pub fn enter(mut global: Global) -> Result<Self, Failure> {
        if let Some(directory) = global.directory.take() {
            std::env::set_current_dir(&directory)
                .map_err(|error| Failure::Usage(format!("cannot enter {}: {error}", directory.display())))?;
        }
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::Failed(format!("the current directory cannot be used: {error}")))?;
        Ok(Self { cwd, global })
    }

    /// Whether standard error may have colours.
    pub fn colour_on_stderr(&self) -> bool {
        use_colour(self.global.color, std::io::stderr().is_terminal())
    }

    /// Whether standard output may have colours.
    pub fn colour_on_stdout(&self) -> bool {
        use_colour(self.global.color, std::io::stdout().is_terminal())
    }

    /// The configuration for where this stands.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn config(&self) -> Result<Loaded, Failure> {
        Ok(load(&self.load_options())?)
    }

    /// What the configuration is loaded from.
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions::from_process(self.cwd.clone(), self.global.config.clone(), self.global.set.clone())
    }

    /// The repository that this stands in. Blocks while git is asked.
    ///
    /// # Errors
    /// There is none, or loopdash cannot work with it.
    pub fn repository(&self) -> Result<RepoInfo, Failure> {
        discover(&self.cwd).map_err(|error| Failure::Data(error.to_string()))
    }

    /// Tells the user something beside the output.
    pub fn note(&self, text: &str) {
        tell(&format!("loopdash: {text}\n"));
    }

    /// The state directory's path, whether it exists or not.
    ///
    /// # Errors
    /// No place for it is known.
    pub fn state_root(&self) -> Result<PathBuf, Failure> {
        match &self.global.state_dir {
            Some(path) => Ok(self.cwd.join(path)),
            None => default_root().map_err(|error| Failure::Data(error.to_string())),
        }
    }

    /// The state directory, for reading only.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn store(&self) -> Result<Store, Failure> {
        Store::view(&self.state_root()?).map_err(|error| Failure::Data(error.to_string()))
    }
}

/// Whether standard error is a terminal that may have colours.
pub(super) fn stderr_is_terminal() -> bool {
    use_colour(Colour::Auto, std::io::stderr().is_terminal())
}

/// Writes to standard error; nothing can be done when that fails.
pub(super) fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Whether to use colours, given what was asked for and whether a terminal is there.
fn use_colour(wanted: Colour, terminal: bool) -> bool {
    match wanted {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// All runs of a state directory, folded from their journals, with who owns them. A journal that cannot be read leaves
/// its run in the list with the problem.
///
/// # Errors
/// The directory cannot be read.
pub fn read_fleet(store: &Store) -> Result<Fleet, Failure> {
    let scans = scan(store).map_err(|error| Failure::Data(error.to_string()))?;
    let runs = scans.into_iter().map(|scan| {
        let ownership = match scan.lock {
            Lock::Held(owner) => Ownership::Other { pid: owner.map(|owner| owner.pid) },
            Lock::Free => Ownership::Nobody,
        };
        let problem = match scan.result {
            Err(error) => Some(error.to_string()),
            Ok(extent) => extent.newer.map(|format| {
                format!("a newer loopdash goes on writing it (format {format}); shown as far as this one can read")
            }),
        };
        (scan.dir.run(), FleetRun { state: scan.state, ownership, problem })
    });
    Ok(Fleet { runs: runs.collect(), ..Fleet::new(0, 0) })
}
