//! What holds after every fault: [`Before`] looks at the operator's repository first, [`Before::holds`] checks it all.
//!
//! The terminal's part is in `term.rs`, `disorder`.

use crate::ground::{Ground, Ran, Told};
use std::collections::BTreeSet;
use std::process::Command;

/// The operator's repository as it was before the fault.
pub(super) struct Before {
    refs: BTreeSet<String>,
    index: Vec<u8>,
    config: Vec<u8>,
    head: Vec<u8>,
    status: String,
}

impl Before {
    pub(super) fn of(ground: &Ground) -> Self {
        let dot_git = ground.repo().join(".git");
        let file = |name: &str| std::fs::read(dot_git.join(name)).unwrap_or_default();
        Self {
            index: file("index"),
            config: file("config"),
            head: file("HEAD"),
            refs: look(ground, &["for-each-ref", "--format=%(refname) %(objectname)"])
                .lines()
                .map(str::to_owned)
                .collect(),
            status: look(ground, &["status", "--porcelain"]),
        }
    }

    /// Checks that journals replay, that no process is left, and that the repository differs by the runs' own branches
    /// only.
    #[track_caller]
    pub(super) fn holds(&self, ground: &Ground) -> Vec<Ran> {
        let runs = ground.runs();
        for ran in &runs {
            assert_eq!(ran.state.refused, 0, "the journal tells what cannot be");
            ran.assert_gone();
        }
        let mut now = Self::of(ground);
        let own: BTreeSet<String> = runs
            .iter()
            .filter_map(|ran| ran.state.workspace.as_ref()?.branch.as_ref())
            .map(|branch| format!("refs/heads/{branch} "))
            .collect();
        let is_own = |line: &String| line.starts_with("refs/loopdash/") || own.iter().any(|own| line.starts_with(own));
        now.refs.retain(|line| !is_own(line));
        assert_eq!(now.refs, self.refs, "refs");
        assert_eq!(now.status, self.status, "the operator's checkout");
        assert!(now.index == self.index, "the operator's index is as it was");
        assert!(now.config == self.config, "the operator's configuration is as it was");
        assert!(now.head == self.head, "the operator's HEAD is as it was");
        runs
    }
}

/// Asks git without letting it refresh anything.
fn look(ground: &Ground, args: &[&str]) -> String {
    let mut git = Command::new("git");
    // The ground may be another user's.
    git.args(["-c", "safe.directory=*"]).args(args).current_dir(ground.repo());
    git.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Checks that every record that `--json` printed, and so acknowledged, is in its run's journal.
#[track_caller]
pub(super) fn assert_acknowledged(ground: &Ground, printed: &str) {
    let journals: String =
        ground.runs().iter().map(|ran| std::fs::read_to_string(ran.dir.journal()).unwrap()).collect();
    let stored: BTreeSet<&str> =
        journals.lines().filter_map(|line| line.rsplit_once(",\"crc\":")).map(|(body, _)| body).collect();
    for line in printed.lines().filter(|line| line.starts_with("{\"v\":")) {
        let body = line.strip_suffix('}').unwrap();
        assert!(stored.contains(body), "acknowledged and lost: {line}");
    }
}

/// Checks that it ended with this status and one line that holds `words`.
#[track_caller]
pub(super) fn assert_told(told: Told, code: i32, words: &str) -> Told {
    let told = told.exits(code);
    assert!(told.err.lines().any(|line| line.contains(words)), "no line says {words:?}:\n{}", told.err);
    told
}
