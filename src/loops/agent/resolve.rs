//! Finds the file that a command means, the way the child's shell would, so that a mistake is named before anything runs.
//! [`resolve`] is also what `doctor` asks.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why a child could not be started. Each reads on after "cannot start NAME: ".
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The command has no words.
    #[error("the command is empty; give the agent or gate a `command`")]
    Empty,
    /// No such program.
    #[error("no `{program}` in {searched}{}; install it or give its full path", did_you_mean(.suggestion.as_deref()))]
    NotFound {
        /// The first word of the command.
        program: String,
        /// Where it was looked for: `PATH` as searched, or a directory.
        searched: String,
        /// An installed program with a similar name.
        suggestion: Option<String>,
    },
    /// The file is there, but cannot be run.
    #[error("{} cannot be run: {reason}", .path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The working directory cannot be used.
    #[error("the working directory {} cannot be used: {reason}", .path.display())]
    BadCwd {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine has no more files, processes or memory to give.
    #[error("out of {what} ({source}); lower `cap` or raise the limit (`ulimit`)")]
    Exhausted {
        /// What ran out.
        what: &'static str,
        /// The system's word for it.
        source: io::Error,
    },
    /// The output cannot be recorded.
    #[error("cannot record its output in {}: {source}", .dir.display())]
    Transcript {
        /// The step directory.
        dir: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file that is to be its standard input cannot be read.
    #[error("cannot read its input {}: {source}", .path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Anything else the system says.
    #[error("{0}")]
    Other(#[source] io::Error),
}

impl SpawnError {
    /// Sorts an error of the system by what can be done about it.
    pub(super) fn from_system(error: io::Error) -> Self {
        let errno = rustix::io::Errno::from_io_error(&error);
        let what = match errno {
            Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE) => "open files",
            Some(rustix::io::Errno::AGAIN) => "processes",
            Some(rustix::io::Errno::NOMEM) => "memory",
            _ => return Self::Other(error),
        };
        Self::Exhausted { what, source: error }
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// The file that `program` means for a child with this `PATH` and working directory. A name with a slash is a path
/// relative to `cwd`; any other is looked for in `path`, or in `/usr/bin` and `/bin` when there is none.
pub fn resolve(program: &OsStr, path: Option<&OsStr>, cwd: &Path) -> Result<PathBuf, SpawnError> {
    if program.is_empty() {
        return Err(SpawnError::Empty);
    }
    if program.as_bytes().contains(&b'/') {
        let file = cwd.join(program);
        return match check(&file) {
            Ok(()) => Ok(file),
            Err(None) => {
                let parent = file.parent().unwrap_or(cwd);
                let base = file.file_name().unwrap_or(program);
                Err(not_found(program, &parent.display().to_string(), similar(base, &[parent.to_owned()])))
            }
            Err(Some(reason)) => Err(SpawnError::NotExecutable { path: file, reason }),
        };
    }
    let path = path.unwrap_or(OsStr::new("/usr/bin:/bin"));
    // An empty entry means the working directory, as in every shell.
    let dirs: Vec<PathBuf> = std::env::split_paths(path).map(|dir| cwd.join(dir)).collect();
    let mut unusable = None;
    for dir in &dirs {
        let file = dir.join(program);
        match check(&file) {
            Ok(()) => return Ok(file),
            Err(None) => {}
            Err(Some(reason)) => {
                unusable.get_or_insert(SpawnError::NotExecutable { path: file, reason });
            }
        }
    }
    let searched =
        if path.is_empty() { "PATH, which is empty".to_owned() } else { format!("PATH ({})", path.display()) };
    Err(unusable.unwrap_or_else(|| not_found(program, &searched, similar(program, &dirs))))
}

fn not_found(program: &OsStr, searched: &str, suggestion: Option<String>) -> SpawnError {
    SpawnError::NotFound { program: program.display().to_string(), searched: searched.to_owned(), suggestion }
}

/// Whether a file can be run; `Err(None)` when there is none.
fn check(file: &Path) -> Result<(), Option<String>> {
    let meta = match fs::metadata(file) {
        Ok(meta) => meta,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(None);
        }
        Err(error) => return Err(Some(error.to_string())),
    };
    if meta.is_dir() {
        return Err(Some("it is a directory".into()));
    }
    if !meta.is_file() {
        return Err(Some("it is not a regular file".into()));
    }
    if access(file, Access::EXEC_OK).is_err() {
        return Err(Some(format!("it is not executable; try `chmod +x {}`", file.display())));
    }
    match interpreter(file) {
        Some(program) if !program.exists() => {
            Err(Some(format!("its first line asks for {}, which is not there", program.display())))
        }
        _ => Ok(()),
    }
}

/// The program that a script's `#!` line names.
fn interpreter(file: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(file).ok()?.take(256).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let program = line.trim_ascii().split(|byte| byte.is_ascii_whitespace()).next()?;
    program.starts_with(b"/").then(|| OsString::from_vec(program.to_vec()).into())
}

/// The program in `dirs` whose name is nearest, if it is near.
fn similar(program: &OsStr, dirs: &[PathBuf]) -> Option<String> {
    let wanted = program.to_str()?;
    let names = dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
    names
        .filter_map(|entry| entry.file_name().into_string().ok().map(|name| (entry, name)))
        .map(|(entry, name)| (strsim::damerau_levenshtein(wanted, &name), entry, name))
        .filter(|(distance, _, _)| *distance <= wanted.len().div_ceil(4))
        .filter(|(_, entry, _)| check(&entry.path()).is_ok())
        .min_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)))
        .map(|(_, _, name)| name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(dir: &Path, name: &str, text: &str, mode: u32) {
        let file = dir.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_name_is_found_in_path_and_a_path_from_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        program(root.path(), "agent", "#!/bin/sh\n", 0o755);
        let path = OsString::from(format!("/nonexistent:{}", root.path().display()));
        let file = root.path().join("agent");
        assert_eq!(resolve("agent".as_ref(), Some(&path), Path::new("/")).unwrap(), file);
        assert_eq!(resolve("./agent".as_ref(), None, root.path()).unwrap(), root.path().join("./agent"));
        assert!(resolve("sh".as_ref(), None, Path::new("/")).is_ok());
        assert!(matches!(resolve("".as_ref(), None, Path::new("/")), Err(SpawnError::Empty)));
    }

    #[test]
    fn a_missing_program_is_named_with_what_is_near() {
        let root = tempfile::tempdir().unwrap();
        program(root.path(), "claude", "#!/bin/sh\n", 0o755);
        program(root.path(), "claudf", "#!/bin/sh\n", 0o644);
        let error = resolve("clauds".as_ref(), Some(root.path().as_os_str()), Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("did you mean `claude`?"), "{error}");
        let error = resolve("zzzz".as_ref(), Some(root.path().as_os_str()), Path::new("/")).unwrap_err();
        assert!(matches!(error, SpawnError::NotFound { suggestion: None, .. }));
    }

    #[test]
    fn a_file_that_cannot_run_says_why() {
        let root = tempfile::tempdir().unwrap();
        program(root.path(), "plain", "text", 0o644);
        program(root.path(), "lost", "#!/no/such/python3 -u\n", 0o755);
        fs::create_dir(root.path().join("dir")).unwrap();
        for (name, reason) in [("./plain", "chmod"), ("./lost", "/no/such/python3"), ("./dir", "directory")] {
            let error = resolve(name.as_ref(), None, root.path()).unwrap_err();
            assert!(matches!(error, SpawnError::NotExecutable { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn errors_of_the_system_are_sorted() {
        let error = |errno: rustix::io::Errno| SpawnError::from_system(errno.into());
        assert!(matches!(error(rustix::io::Errno::MFILE), SpawnError::Exhausted { what: "open files", .. }));
        assert!(matches!(error(rustix::io::Errno::AGAIN), SpawnError::Exhausted { what: "processes", .. }));
        assert!(matches!(error(rustix::io::Errno::PERM), SpawnError::Other(_)));
    }
}
