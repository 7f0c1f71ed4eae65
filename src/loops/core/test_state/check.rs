//! What a list of tests has to obey beyond its types: ids, dependencies, cycles, commands.
//!
//! [`complaints`] names each fault with the path of its place; the reader turns paths into lines.

use super::TestSpec;
use super::locate::Segment;
use std::collections::HashMap;

/// Ids shown of a long cycle, at its start.
const CYCLE_SHOWN: usize = 12;
/// Characters of an id or field up to which a near miss is looked for.
const NEAR_LENGTH: usize = 64;

/// A fault and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The place it is about.
    pub(super) path: Vec<Segment>,
    /// The fault, as a fragment.
    pub(super) message: String,
    /// Another place that the message ends with, such as that of an id's first use.
    pub(super) also: Option<Vec<Segment>>,
}

/// A path inside one test.
fn inside(test: usize, rest: &[Segment]) -> Vec<Segment> {
    let mut path = vec![Segment::Member("tests".to_owned()), Segment::Index(test)];
    path.extend_from_slice(rest);
    path
}

fn member(name: &str) -> Segment {
    Segment::Member(name.to_owned())
}

fn complaint(path: Vec<Segment>, message: impl Into<String>) -> Complaint {
    Complaint { path, message: message.into(), also: None }
}

/// All faults, those of single tests first, in the file's order; at most `limit`.
pub(super) fn complaints(tests: &[TestSpec], limit: usize) -> Vec<Complaint> {
    let mut index: HashMap<&str, usize> = HashMap::with_capacity(tests.len());
    let mut found = Vec::new();
    for (at, test) in tests.iter().enumerate() {
        single(at, test, &mut found);
        if let Some(first) = index.get(test.id.as_str()) {
            found.push(Complaint {
                path: inside(at, &[member("id")]),
                message: format!("the id `{}` is used twice; it is first used at", test.id),
                also: Some(inside(*first, &[member("id")])),
            });
        } else {
            index.insert(&test.id, at);
        }
        if found.len() >= limit {
            break;
        }
    }
    for (at, test) in tests.iter().enumerate() {
        for (nth, id) in test.depends_on.iter().enumerate() {
            if found.len() >= limit {
                found.truncate(limit);
                return found;
            }
            let path = || inside(at, &[member("depends_on"), Segment::Index(nth)]);
            if *id == test.id {
                found.push(complaint(path(), format!("`{id}` depends on itself")));
            } else if !index.contains_key(id.as_str()) {
                let hint =
                    near(id, index.keys().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                found.push(complaint(path(), format!("there is no test `{id}`{hint}")));
            }
        }
    }
    cycles(tests, &index, limit, &mut found);
    found.truncate(limit);
    found
}

fn single(at: usize, test: &TestSpec, found: &mut Vec<Complaint>) {
    if test.id.trim().is_empty() {
        found.push(complaint(inside(at, &[member("id")]), "the id is empty"));
    } else if test.id.trim() != test.id || test.id.chars().any(char::is_control) {
        let message = "an id has no spaces around it and no control characters";
        found.push(complaint(inside(at, &[member("id")]), message));
    }
    if test.title.trim().is_empty() {
        found.push(complaint(inside(at, &[member("title")]), "the title is empty"));
    }
    match test.verify.as_deref() {
        Some([]) => found.push(complaint(
            inside(at, &[member("verify")]),
            "the command is empty: give program and arguments, or leave `verify` out",
        )),
        Some([program, ..]) if program.trim().is_empty() => {
            found.push(complaint(inside(at, &[member("verify"), Segment::Index(0)]), "the program's name is empty"));
        }
        _ => {}
    }
    if test.max_attempts == Some(0) {
        found.push(complaint(inside(at, &[member("max_attempts")]), "at least one attempt is needed"));
    }
}

/// Names cycles of two and more tests: walks the dependencies with its own stack and reports each way back.
fn cycles(tests: &[TestSpec], index: &HashMap<&str, usize>, limit: usize, found: &mut Vec<Complaint>) {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Mark {
        New,
        Open,
        Closed,
    }
    let mut marks = vec![Mark::New; tests.len()];
    for root in 0..tests.len() {
        if marks.get(root) != Some(&Mark::New) {
            continue;
        }
        // Each entry: a test on the way, and which of its dependencies comes next.
        let mut way: Vec<(usize, usize)> = vec![(root, 0)];
        while let Some((at, nth)) = way.last_mut() {
            let (here, edge) = (*at, *nth);
            *nth += 1;
            if let Some(mark) = marks.get_mut(here) {
                *mark = Mark::Open;
            }
            let Some(id) = tests.get(here).and_then(|test| test.depends_on.get(edge)) else {
                if let Some(mark) = marks.get_mut(here) {
                    *mark = Mark::Closed;
                }
                way.pop();
                continue;
            };
            let Some(next) = index.get(id.as_str()).copied().filter(|next| *next != here) else { continue };
            match marks.get(next) {
                Some(Mark::New) => way.push((next, 0)),
                Some(Mark::Open) => {
                    let start = way.iter().position(|(test, _)| *test == next).unwrap_or_default();
                    let ring: Vec<usize> = way.iter().skip(start).map(|(test, _)| *test).collect();
                    let path = inside(here, &[member("depends_on"), Segment::Index(edge)]);
                    found.push(complaint(path, format!("the tests wait for each other: {}", ring_text(tests, &ring))));
                    if found.len() >= limit {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

/// `a → b → a`.
fn ring_text(tests: &[TestSpec], ring: &[usize]) -> String {
    let id = |at: usize| tests.get(at).map_or("", |test| test.id.as_str());
    let mut names: Vec<String> = ring.iter().take(CYCLE_SHOWN).map(|at| id(*at).to_owned()).collect();
    if ring.len() > CYCLE_SHOWN {
        names.push(format!("… {} more …", ring.len() - CYCLE_SHOWN));
    }
    names.extend(ring.first().map(|at| id(*at).to_owned()));
    names.join(" → ")
}

/// The candidate that a typing error turns into `word`, if any is near.
pub(super) fn near<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > NEAR_LENGTH {
        return None;
    }
    let reach = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .filter(|candidate| candidate.len() <= NEAR_LENGTH)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map(|(_, candidate)| candidate)
}
