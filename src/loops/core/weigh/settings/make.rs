//! The rules of a makefile, or a justfile, that a gate comes by.
//!
//! What a target needs is followed from the one that the command names, over its prerequisites and variables.

use super::parts::Parts;
use std::collections::{BTreeMap, BTreeSet};

/// Variables that change every rule.
const ALWAYS: [&str; 5] = ["SHELL", ".SHELLFLAGS", "MAKEFLAGS", ".DEFAULT_GOAL", "include"];

/// Reads what the targets that `commands` name come to; each is the words of one command.
pub(super) fn makefile(text: &str, commands: &[BTreeSet<&str>]) -> Parts {
    let rules = rules(text);
    let mut open: Vec<&str> = ALWAYS.into_iter().filter(|name| rules.contains_key(name)).collect();
    open.extend(rules.keys().copied().filter(|name| name.contains('%') || *name == ".IGNORE"));
    for words in commands {
        let named: Vec<&str> =
            words.iter().filter_map(|word| rules.get_key_value(word)).map(|(name, _)| *name).collect();
        if named.is_empty() {
            open.extend(first(text));
        }
        open.extend(named);
    }
    let (mut parts, mut seen) = (Parts::default(), BTreeSet::new());
    while let Some(name) = open.pop() {
        let Some(lines) = rules.get(name).filter(|_| seen.insert(name)) else { continue };
        parts.put(name, lines.join("\n"));
        let words = lines.iter().flat_map(|line| line.split(|c: char| c.is_whitespace() || "$(){}:;&|".contains(c)));
        open.extend(words.filter_map(|word| rules.get_key_value(word)).map(|(name, _)| *name));
    }
    parts
}

/// The first target.
fn first(text: &str) -> Option<&str> {
    text.lines()
        .filter_map(begins)
        .find(|(_, target)| *target)
        .and_then(|(mut names, _)| names.find(|name| !name.starts_with('.')))
}

/// What a line begins: names of targets, or of one variable.
fn begins(line: &str) -> Option<(std::str::SplitWhitespace<'_>, bool)> {
    if line.starts_with([' ', '\t', '#']) || line.trim().is_empty() {
        return None;
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let colon = line.find(':').unwrap_or(line.len());
    let equals = line.find('=').unwrap_or(line.len());
    if line.starts_with("include") || line.starts_with("-include") {
        return Some(("include".split_whitespace(), false));
    }
    let target = colon < equals && !line.get(colon..).unwrap_or_default().trim_start_matches(':').starts_with('=');
    let name = line.get(..if target { colon } else { equals })?.trim_end_matches([':', '?', '+', '!']);
    (target || equals < line.len()).then(|| (name.split_whitespace(), target))
}

/// The lines of each target and variable.
fn rules(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        if !goes_on && let Some((begun, _)) = begins(line) {
            names = begun.collect();
        }
        goes_on = line.ends_with('\\');
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        for name in &names {
            rules.entry(name).or_default().push(line.trim_end());
        }
    }
    rules
}
