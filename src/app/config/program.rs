//! Finding the program that a command names, as `doctor` and `run --actor` need it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file that would run for `program`: itself (relative to `cwd`) if it has a slash, else the first executable of that
/// name in `path`, a list like `$PATH`.
pub fn find(program: &str, path: &str, cwd: &Path) -> Option<PathBuf> {
    if program.is_empty() {
        return None;
    }
    if program.contains('/') {
        return Some(cwd.join(program)).filter(|file| is_executable(file));
    }
    std::env::split_paths(path).map(|directory| cwd.join(directory).join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_executable_files_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("agent");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let path = directory.path().to_str().unwrap();
        assert_eq!(find("agent", path, Path::new("/")), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("agent", path, Path::new("/")), Some(file.clone()));
        assert_eq!(find("./agent", "", directory.path()), Some(directory.path().join("./agent")));
        assert_eq!(find("", path, Path::new("/")), None);
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        assert_eq!(find("sub", path, Path::new("/")), None);
    }
}
