//! What holds after every fault: [`Before`] looks at the operator's repository first, [`Before::holds`] checks it all.
//!
//! [`Before::holds_on`] looks at the terminal, too.

use crate::ground::{Ground, Ran, Told};
use crate::term::Term;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The operator's repository as it was before the fault.
pub(super) struct Before {
    refs: BTreeSet<String>,
    index: Vec<u8>,
    config: Vec<u8>,
    head: Vec<u8>,
    status: String,
    stash: String,
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
                .filter(|line| !line.starts_with("refs/loopdash/"))
                .map(str::to_owned)
                .collect(),
            status: look(ground, &["status", "--porcelain"]),
            stash: look(ground, &["stash", "list"]),
        }
    }

    /// Takes back what an agent did to what steers git, so that [`Before::holds`] tells of everything else.
    pub(super) fn undo_config(&self, ground: &Ground) {
        std::fs::write(ground.repo().join(".git/config"), &self.config).unwrap();
        for made in ["hooks/post-checkout", "info/attributes", "objects/info/alternates"] {
            let _ = std::fs::remove_file(ground.repo().join(".git").join(made));
        }
    }

    /// Checks [`Before::holds`] after a loopdash that was on this terminal, and that the terminal is as a shell wants it.
    pub(super) async fn holds_on(&self, ground: &Ground, term: &Term) -> Vec<Ran> {
        assert_eq!(term.disorder().await, [""; 0], "the terminal");
        self.holds(ground)
    }

    /// Checks that journals replay, that no process is left, that what is stored is nobody else's to read, and that the
    /// repository differs by the runs' own branches only.
    #[track_caller]
    pub(super) fn holds(&self, ground: &Ground) -> Vec<Ran> {
        let runs = ground.runs();
        for ran in &runs {
            assert_eq!(ran.state.refused, 0, "the journal tells what cannot be");
            ran.assert_gone();
        }
        assert_private(&ground.path("state"));
        let now = Self::of(ground);
        let own: BTreeSet<String> = runs
            .iter()
            .filter_map(|ran| ran.state.workspace.as_ref()?.branch.as_ref())
            .map(|branch| format!("refs/heads/{branch} "))
            .collect();
        let others = |refs: &BTreeSet<String>| -> BTreeSet<String> {
            refs.iter().filter(|line| !own.iter().any(|own| line.starts_with(own))).cloned().collect()
        };
        assert_eq!(others(&now.refs), others(&self.refs), "refs");
        assert_eq!(now.status, self.status, "the operator's checkout");
        assert_eq!(now.stash, self.stash, "the operator's stash");
        assert!(now.index == self.index, "the operator's index is as it was");
        assert!(now.config == self.config, "the operator's configuration is as it was");
        assert!(now.head == self.head, "the operator's HEAD is as it was");
        runs
    }
}

/// Checks that directories are 0700 and files 0600, all the way down.
#[track_caller]
fn assert_private(path: &Path) {
    let meta = std::fs::symlink_metadata(path).unwrap();
    let wanted = if meta.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(meta.permissions().mode() & 0o7777, wanted, "{}", path.display());
    if meta.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| assert_private(&entry.unwrap().path()));
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

/// Checks that it ended with this status, and that standard error has one line that says why, and there or in a line of
/// help below it what to do.
#[track_caller]
pub(super) fn assert_told(told: Told, code: i32, why: &str, to_do: &str) -> Told {
    let told = told.exits(code);
    let said = &told.err;
    let mut lines = said.lines().filter(|line| line.starts_with("loopdash: ") || line.starts_with("error: "));
    let (Some(line), None) = (lines.next(), lines.next()) else { panic!("not one line that says why:\n{said}") };
    let (_, rest) = line.split_once(why).unwrap_or_else(|| panic!("it does not say {why:?}:\n{said}"));
    let help = said.lines().filter_map(|line| line.split_once("= help: ")).any(|(_, help)| help.contains(to_do));
    let after = rest.split_once("; ").is_some_and(|(_, after)| after.contains(to_do));
    assert!(help || after, "it does not say to {to_do:?}:\n{said}");
    told
}
