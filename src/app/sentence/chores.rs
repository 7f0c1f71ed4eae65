//! What is done with a worktree as a whole, in words: kept, set back, scrapped, landed, brought back.
//! Each function words one kind of event.

use super::count;
use crate::loops::core::event::{Chore, Kept, MergeConflicted, Merged, Trashed};
use crate::loops::core::state::Landing;

pub(super) fn kept(e: &Kept) -> String {
    let short: String = e.commit.chars().take(10).collect();
    match e.files {
        0 => format!("kept {short}: nothing changed by the {}", e.by.word()),
        files => {
            let (files, by) = (count(files, "file"), e.by.word());
            format!("kept {short}: {files} changed by the {by}, +{} -{}", e.insertions, e.deletions)
        }
    }
}

pub(super) fn chore(chore: Chore) -> String {
    match chore {
        Chore::Rewind { iteration: 0 } => "rewind to the base".to_owned(),
        Chore::Rewind { iteration } => format!("rewind to iteration {iteration}"),
        Chore::Scrap { named: true } => "scrap, with its name typed,".to_owned(),
        Chore::Scrap { named: false } => "scrap".to_owned(),
        Chore::Land { asked: true } => "landing, after what had to be asked,".to_owned(),
        Chore::Land { asked: false } => "landing".to_owned(),
        Chore::Undo => "undo".to_owned(),
    }
}

/// What landing has come to.
pub fn landing(landing: &Landing) -> String {
    match landing {
        Landing::Merged(e) => merged(e),
        Landing::Conflicted(e) => conflicted(e),
    }
}

pub(super) fn merged(e: &Merged) -> String {
    let Merged { target, commit, .. } = e;
    let short: String = commit.chars().take(10).collect();
    match (&e.waits, e.files) {
        (Some(waits), _) => format!(
            "ready for {target}, which is checked out in {}: `git merge --ff-only {}` there takes it",
            waits.checkout, waits.name
        ),
        (None, 0) => format!("{target} has all of it at {short}"),
        (None, files) => format!("landed on {target} as {short}: {}", count(files, "file")),
    }
}

pub(super) fn conflicted(e: &MergeConflicted) -> String {
    format!("not landed: {} has changed the same places of {}", e.target, e.files.join(", "))
}

pub(super) fn kept_in(trash: Option<&Trashed>) -> String {
    let Some(trash) = trash else { return String::new() };
    let left = match trash.skipped.as_slice() {
        [] => String::new(),
        skipped => format!("; not kept, and left where it is: {}", skipped.join(", ")),
    };
    format!("; what it held is kept in {}{left}", trash.name)
}
