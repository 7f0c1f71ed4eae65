//! Places, names that are none, and directories that cannot be used.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::loops::journal::testing::{run, store};
use std::os::unix::fs::{PermissionsExt, symlink};

#[test]
fn the_environment_chooses_the_root() {
    let root = |vars: &'static [(&str, &str)]| {
        root_from(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    };
    assert_eq!(root(&[("LOOPDASH_STATE_DIR", "/a"), ("XDG_STATE_HOME", "/b")]), Some("/a".into()));
    assert_eq!(root(&[("LOOPDASH_STATE_DIR", ""), ("XDG_STATE_HOME", "/b")]), Some("/b/loopdash".into()));
    assert_eq!(root(&[("XDG_STATE_HOME", "relative")]), None);
    assert_eq!(root(&[]), None);
    assert!(root(&[("LOOPDASH_STATE_DIR", "here")]).unwrap().is_absolute());
    assert!(default_root().unwrap().is_absolute());
}

#[test]
fn what_is_missing_is_made_private() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a/b");
    let store = Store::open(&root).unwrap();
    for path in [dir.path().join("a"), root, store.runs_dir()] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
    }
    assert_eq!(store.runs_dir().read_dir().unwrap().count(), 0, "nothing of the probe is left");
    assert_eq!(Store::open(store.root()).unwrap(), store);
}

#[test]
fn a_root_that_cannot_be_written_is_refused_by_name() {
    // Not even root makes directories here.
    let error = Store::open(Path::new("/proc/self/loopdash")).unwrap_err();
    if cfg!(target_os = "linux") {
        assert!(matches!(error, StoreError::NotWritable { .. }), "{error:?}");
        assert!(error.to_string().contains("/proc/self/loopdash"), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    if !rustix::process::geteuid().is_root() {
        let root = dir.path().join("ro");
        Store::open(&root).unwrap();
        fs::set_permissions(root.join("runs"), fs::Permissions::from_mode(0o500)).unwrap();
        assert!(matches!(Store::open(&root), Err(StoreError::NotWritable { .. })));
        assert_eq!(Store::view(&root).unwrap().runs().unwrap(), []);
    }
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        match Store::open(&path) {
            Err(StoreError::NotADirectory { path: named }) => assert_eq!(named, path),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(Store::view(&file), Err(StoreError::NotADirectory { .. })));
}

#[test]
fn a_symlink_in_the_place_of_the_runs_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), dir.path().join("runs")).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotADirectory { .. })));
}

#[test]
fn viewing_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("none");
    assert_eq!(Store::view(&root).unwrap().runs().unwrap(), []);
    assert!(!root.exists());
}

#[test]
fn only_run_directories_are_runs() {
    let (_dir, store) = store();
    for n in [3, 1, 2] {
        fs::create_dir(store.run_dir(run(n)).path()).unwrap();
    }
    let id = run(7).to_string();
    for name in ["notes", "..x", "0192d5a0", &id.to_uppercase(), &id.replace('-', ""), &format!("{{{id}}}")] {
        fs::create_dir(store.runs_dir().join(name)).unwrap();
    }
    fs::write(store.runs_dir().join(run(8).to_string()), "a file").unwrap();
    symlink("/", store.runs_dir().join(run(9).to_string())).unwrap();
    assert_eq!(store.runs().unwrap(), [run(1), run(2), run(3)]);
}

#[test]
fn steps_have_directories_whatever_their_gate_is_called() {
    let (_dir, store) = store();
    let dir = store.run_dir(run(1));
    let gate = StepKind::Gate("../../etc/passwd".to_owned());
    assert!(dir.make_step_dir(StepId(3), &gate).is_err(), "the run must exist");
    fs::create_dir(dir.path()).unwrap();
    let path = dir.make_step_dir(StepId(3), &gate).unwrap();
    assert_eq!(path.parent().unwrap(), dir.path().join("steps"));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(dir.make_step_dir(StepId(3), &gate).unwrap(), path);
    assert_eq!(dir.step_dir(StepId(4), &StepKind::Actor), dir.path().join("steps/4-actor"));
    symlink("/tmp", dir.step_dir(StepId(5), &StepKind::Critic)).unwrap();
    assert!(dir.make_step_dir(StepId(5), &StepKind::Critic).is_err());
}

#[test]
fn names_in_records_cannot_leave_the_run() {
    let (_dir, store) = store();
    let dir = store.run_dir(run(1));
    assert_eq!(dir.inside("steps/1-actor/prompt.md"), Some(dir.path().join("steps/1-actor/prompt.md")));
    for name in ["", "/etc/passwd", "../x", "steps/../../x", "."] {
        assert_eq!(dir.inside(name), None, "{name}");
    }
}
