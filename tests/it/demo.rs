//! The demo from start to end, as a new user starts it.

use crate::ground::{Live, Told};
use std::path::Path;
use std::process::{Command, Stdio};

fn demo(tmp: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopdash"));
    command
        .arg("demo")
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", tmp)
        .env("HOME", tmp.join("home"))
        .current_dir(tmp)
        .stdin(Stdio::null());
    command
}

fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn all_seven_end_as_they_should_and_nothing_is_left() {
    let tmp = tempfile::tempdir().unwrap();
    // Without a terminal the flag is not needed; colours, titles and the like are never printed.
    let told = Told::from(demo(tmp.path(), &["--speed", "4"]).output().unwrap()).exits(0);
    let results: Vec<&str> = told.out.lines().filter(|line| line.starts_with('✓')).collect();
    assert_eq!(results.len(), 7, "{}", told.out);
    assert!(told.out.ends_with("all 7 loops ended as they should\n"), "{}", told.out);
    assert!(!told.out.chars().any(|c| c.is_control() && c != '\n'));
    assert_eq!(told.err, "");
    assert_eq!(names(tmp.path()), Vec::<String>::new(), "the temporary directory and the home are as they were");
}

#[test]
fn it_can_be_kept_and_looked_into() {
    let tmp = tempfile::tempdir().unwrap();
    let told = Told::from(demo(tmp.path(), &["--headless", "--keep", "--speed", "8"]).output().unwrap()).exits(0);
    let kept: Vec<String> = names(tmp.path()).into_iter().filter(|name| name.starts_with("loopdash-demo-")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let root = tmp.path().canonicalize().unwrap().join(&kept[0]);
    assert!(told.err.contains(&root.join("state").display().to_string()), "{}", told.err);
    let list = Command::new(env!("CARGO_BIN_EXE_loopdash"))
        .args(["--state-dir"])
        .arg(root.join("state"))
        .arg("list")
        .current_dir(root.join("tally"))
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("count-words") && list.contains("manual"), "{list}");
}

#[test]
fn an_interrupted_demo_cleans_up_too() {
    let tmp = tempfile::tempdir().unwrap();
    let mut live = Live::start(demo(tmp.path(), &["--headless"]));
    live.until("actor, coder");
    live.signal(rustix::process::Signal::INT);
    let told = live.end().exits(130);
    assert_eq!(told.err, "loopdash: stopping. Ctrl-C again ends at once\n");
    assert_eq!(names(tmp.path()), Vec::<String>::new());
}
