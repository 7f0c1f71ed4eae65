//! The demo's repository: `tally`, a small toolbox in POSIX sh whose tests are red where work is to be done.
//!
//! [`create`] writes it and commits it with the git CLI, deaf to whatever configuration the box has.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Path, content, and the commit (by place in [`COMMITS`]) that a file arrives with.
#[rustfmt::skip]
const FILES: &[(&str, &str, usize)] = &[
    ("README.md", include_str!("project/README.md"), 0),
    ("CHANGELOG.md", include_str!("project/CHANGELOG.md"), 0),
    ("bin/tally", include_str!("project/bin/tally"), 0),
    ("lib/count.sh", include_str!("project/lib/count.sh"), 0),
    ("lib/calc.sh", include_str!("project/lib/calc.sh"), 0),
    ("lib/todo.sh", include_str!("project/lib/todo.sh"), 0),
    ("lint.sh", include_str!("project/lint.sh"), 1),
    ("tests/run.sh", include_str!("project/tests/run.sh"), 1),
    ("tests/count.sh", include_str!("project/tests/count.sh"), 1),
    ("tests/calc_add.sh", include_str!("project/tests/calc_add.sh"), 2),
    ("tests/calc_mul.sh", include_str!("project/tests/calc_mul.sh"), 2),
    ("tests/calc_input.sh", include_str!("project/tests/calc_input.sh"), 2),
    ("tests/todo_add.sh", include_str!("project/tests/todo_add.sh"), 2),
    ("tests/todo_done.sh", include_str!("project/tests/todo_done.sh"), 2),
    ("tests/file.sh", include_str!("project/tests/file.sh"), 2),
    ("tests/longest.sh", include_str!("project/tests/longest.sh"), 2),
    ("tests/sign.sh", include_str!("project/tests/sign.sh"), 2),
    ("keys/release.id", include_str!("project/keys/release.id"), 2),
];

const COMMITS: &[&str] =
    &["Start a toolbox", "Test the word count, check the style", "Say in tests what is still missing"];

/// Makes the repository in `root`, which must not exist yet.
///
/// # Errors
/// A file cannot be written, or git is missing or refuses; the text says which.
pub fn create(root: &Path) -> io::Result<()> {
    std::fs::create_dir_all(root)?;
    git(root, &["init", "--quiet", "--initial-branch=main", "--template="])?;
    for (number, message) in COMMITS.iter().enumerate() {
        for (path, text, _) in FILES.iter().filter(|(_, _, commit)| *commit == number) {
            let path = root.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, text)?;
            if text.starts_with("#!") {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
            }
        }
        git(root, &["add", "--all"])?;
        git(root, &["commit", "--quiet", "--no-verify", "--message", message])?;
    }
    Ok(())
}

/// Runs git with no configuration but what is given here, so that templates, hooks, signing and identities of the box
/// play no part.
fn git(root: &Path, args: &[&str]) -> io::Result<()> {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let output = command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .args(["-c", "user.name=loopdash demo", "-c", "user.email=demo@localhost", "-c", "core.hooksPath=/dev/null"])
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run git: {error}; install git 2.38 or later")))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("git {} failed: {}", args.first().unwrap_or(&""), complaint.trim())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn sh(root: &Path, command: &str) -> (bool, String) {
        let output = Command::new("sh").args(["-c", command]).current_dir(root).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn it_is_a_clean_repository_with_history_red_tests_and_clean_style() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tally");
        create(&root).unwrap();
        assert_eq!(sh(&root, "git status --porcelain; git log --format=%s | wc -l").1.trim(), "3");
        assert_eq!(sh(&root, "sh lint.sh"), (true, "lint: clean\n".to_owned()));
        for test in ["count", "calc_add", "calc_mul", "calc_input", "todo_add", "todo_done", "file", "longest", "sign"]
        {
            assert!(!sh(&root, &format!("sh tests/run.sh {test}")).0, "{test} has to start red");
        }
        assert!(sh(&root, "sh tests/run.sh count").1.contains("3 of 6 checks failed"));
    }

    #[test]
    fn it_is_refused_where_something_is_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(create(&dir.path().join("file")).is_err());
    }
}
