//! Events without secrets.

use super::Mask;
use crate::loops::core::event::{Event, Record};
use crate::loops::core::record::{Decoded, decode, encode};

/// Members of events that name something which is looked up by them, or a place.
const NAMES: [&str; 20] = [
    "type",
    "test",
    "id",
    "kind",
    "gate",
    "agent",
    "session",
    "commit",
    "tree",
    "parent",
    "ref",
    "branch",
    "name",
    "label",
    "repo",
    "base",
    "path",
    "cwd",
    "tests_file",
    "worktree_path",
];

/// The record with a word for each secret in it; `None` if it holds none. Names and places stay as they are.
pub fn replace_in_record(record: &Record, word: &mut dyn FnMut(&str) -> String) -> Option<Record> {
    // Through its JSON, so that no field is forgotten.
    let mut json = serde_json::from_str(&encode(record).ok()?).ok()?;
    if !Mask::of_process().replace_in(&mut json, &NAMES, word) {
        return None;
    }
    match decode(&json.to_string()) {
        Ok(Decoded::Known(record)) => Some(record),
        _ => None,
    }
}

/// Has the values masked from now on with which an event configures agents under names of secrets.
pub fn learn_from(event: &Event) {
    match event {
        Event::Submitted(e) => e.spec.agents().for_each(|agent| super::learn(&agent.env)),
        Event::AgentSet(e) => super::learn(&e.agent.env),
        _ => {}
    }
}
