//! A configuration is read, or refused with a report that a terminal can be given; one that is read makes loops.

use loopdash::app::config::{LoadOptions, Problems, listing, load, resolve};
use std::collections::HashSet;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A repository of its own, so that nothing of the machine is read.
static PLACE: LazyLock<TempDir> = LazyLock::new(|| {
    let place = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir(place.path().join(".git")).expect("a repository's root");
    std::fs::write(place.path().join("objective.md"), "Do it.\n").expect("an objective");
    place
});

pub(crate) fn holds(bytes: &[u8]) {
    let (place, path) = (PLACE.path(), PLACE.path().join("fuzzed.toml"));
    std::fs::write(&path, bytes).expect("a configuration can be written");
    let cwd = place.to_path_buf();
    read(&LoadOptions { cwd: cwd.clone(), config_file: Some(path), ..LoadOptions::default() });
    if let Some(line) = std::str::from_utf8(bytes).ok().filter(|line| line.len() < 200) {
        read(&LoadOptions { cwd, set: vec![line.to_owned()], ..LoadOptions::default() });
    }
}

fn read(options: &LoadOptions) {
    let loaded = match load(options) {
        Ok(loaded) => loaded,
        Err(problems) => return reported(&problems),
    };
    let listed = listing(&loaded, 4);
    shows(&listed);
    assert!(listed.parse::<toml::Table>().is_ok(), "the listing is no TOML: {listed}");
    let loops = match resolve(&loaded, &options.cwd) {
        Ok(loops) => loops,
        Err(problems) => return reported(&problems),
    };
    assert_eq!(loops.len(), loaded.config.loops.len());
    let mut names = HashSet::new();
    for spec in &loops {
        assert!(!spec.name.is_empty() && names.insert(&spec.name) && spec.priority <= 9, "{spec:?}");
        assert!(!spec.actor.command.is_empty() && spec.limits.max_iterations > 0, "{spec:?}");
        let mut gates = HashSet::new();
        assert!(spec.gates.iter().all(|gate| gates.insert(&gate.name)), "{spec:?}");
    }
}

fn reported(problems: &Problems) {
    assert!(!problems.0.is_empty());
    shows(&problems.render(false));
    assert!(!problems.render(true).is_empty());
}

/// Nothing in the text is obeyed by a terminal.
fn shows(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(
        !text.contains(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    );
}
