//! The architecture as a test: who may use whom, how large a room may grow, what no line may hold.

use std::path::{Path, PathBuf};

/// Each layer, and what its lines must not name.
const RULES: &[(&str, &[&str])] = &[
    (
        "src/loops/core",
        &[
            "tokio",
            "git2",
            "ratatui",
            "crossterm",
            "std::fs",
            "std::process",
            "SystemTime",
            "Instant",
            "crate::app",
            "crate::widgets",
            "loops::engine",
            "loops::git",
            "loops::agent",
            "loops::journal",
        ],
    ),
    ("src/loops", &["ratatui", "crossterm", "crate::app", "crate::widgets"]),
    ("src/widgets", &["tokio", "git2", "crate::loops", "crate::app"]),
];

/// Lines of a file, without its tests, above which it should be taken apart.
const MOST_LINES: usize = 450;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Path and text of each source file below `dir`, comments' text left out of each line.
fn code(dir: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    sources(&root().join(dir), &mut found);
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned()).collect();
            (path.strip_prefix(root()).unwrap().display().to_string(), lines)
        })
        .collect()
}

/// Whether `line` uses `name` as a path: `use name`, `name::`, but not as a part of another word.
fn uses(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let before = line[..at].chars().next_back().is_some_and(word);
        let after = line[at + name.len()..].chars().next();
        !before && !after.is_some_and(word) && (line.contains("use ") || after == Some(':'))
    })
}

#[test]
fn each_layer_uses_only_what_lies_below_it() {
    let mut broken = Vec::new();
    for (dir, forbidden) in RULES {
        for (path, lines) in code(dir) {
            for (number, line) in lines.iter().enumerate() {
                let names = forbidden.iter().filter(|name| uses(line, name));
                broken.extend(names.map(|name| format!("{path}:{} uses {name}", number + 1)));
            }
        }
    }
    assert!(broken.is_empty(), "layers are broken:\n{}", broken.join("\n"));
}

#[test]
fn the_rule_itself_can_see() {
    assert!(uses("use tokio::sync::mpsc;", "tokio"));
    assert!(uses("    let x = std::fs::read(p);", "std::fs"));
    assert!(!uses("use crate::loops::mytokio::x;", "tokio"));
    assert!(!uses("let tokio_like = 1;", "tokio"));
}

/// Whether the module that `path` holds is declared for tests alone.
fn is_test_module(path: &str) -> bool {
    let path = Path::new(path);
    let (Some(dir), Some(stem)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return false;
    };
    let parents = [dir.join("mod.rs"), dir.with_extension("rs"), dir.join("lib.rs")];
    parents.iter().filter_map(|parent| std::fs::read_to_string(root().join(parent)).ok()).any(|text| {
        let wanted = format!("mod {stem};");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.iter().position(|line| line.ends_with(&wanted)).is_some_and(|at| {
            lines[..at].iter().rev().take_while(|line| line.starts_with("#[")).any(|line| *line == "#[cfg(test)]")
        })
    })
}

#[test]
fn files_stay_small_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for (path, lines) in code("src") {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let own = lines.iter().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        let is_test = is_test_module(&path);
        if !text.starts_with("//!") && !is_test {
            wrong.push(format!("{path} does not open with its purpose"));
        }
        if own > MOST_LINES && !is_test {
            wrong.push(format!("{path} has {own} lines"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later_or_silenced() {
    let marks = ["todo!(", "unimplemented!(", "#[ignore", "#[allow(", "#![allow("];
    let mut found = Vec::new();
    for dir in ["src", "tests", "benches"] {
        for (path, lines) in code(dir).into_iter().filter(|(path, _)| !path.ends_with("layers.rs")) {
            for (number, line) in lines.iter().enumerate() {
                found.extend(
                    marks
                        .iter()
                        .filter(|mark| line.contains(*mark))
                        .map(|mark| format!("{path}:{} {mark}", number + 1)),
                );
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
