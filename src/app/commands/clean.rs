//! `loopdash clean`: removes what runs that are over have left behind, after listing it and asking.
//!
//! What a worktree holds is kept in the trash first. A run that somebody owns or that is not over is never touched, and a
//! worktree whose content is nowhere else goes only when its name is typed. That it is to go is journalled before it goes:
//! what is cut short is finished the next time.

mod found;

use self::found::{Found, Item, What, look};
use super::hand::Hand;
use super::text::{asked, columns, line, now};
use crate::app::cli::args::CleanArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::Context;
use crate::app::sentence::{count, size};
use crate::loops::core::event::{Chore, Scrapped};
use crate::loops::core::ids::Millis;
use crate::loops::engine::workshop::{git_workspace, trashed};
use crate::loops::fault;
use crate::loops::git::{Scrap, scrap, trash};
use crate::loops::journal::Store;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Lists what may go, asks, and removes it.
///
/// # Errors
/// The state directory cannot be read, or the output not written. What could not be removed is told, and is status 2.
pub fn clean(context: &Context, args: &CleanArgs) -> Result<Exit, Failure> {
    let store = context.store()?;
    let here = context.repository().ok().map(|repo| repo.common_dir);
    let found = look(&store, here, args.older_than.millis(), now())?;
    let mut out = std::io::stdout().lock();
    list(&mut out, &found)?;
    if found.items.is_empty() || args.dry_run {
        return Ok(Exit::Done);
    }
    let mut answers = std::io::stdin().lock();
    let all = args.yes || asked(&mut out, &mut answers, "Remove these? Only \"yes\" does: ")?.as_deref() == Some("yes");
    if !all {
        writeln!(out, "nothing was removed")?;
        return Ok(Exit::Done);
    }
    let mut failed = false;
    for item in &found.items {
        let named = match &item.unsafe_because {
            None => false,
            Some(why) => {
                let label = line(&item.label);
                let typed = if args.yes {
                    None
                } else {
                    asked(&mut out, &mut answers, &format!("{label} is {why}. Type {label} to remove its worktree: "))?
                };
                if typed.as_deref() != Some(label.as_str()) {
                    writeln!(out, "left: worktree of {label}, which is {why}")?;
                    continue;
                }
                true
            }
        };
        match remove(&store, item, named) {
            Ok(told) => writeln!(out, "{told}")?,
            Err(why) => {
                failed = true;
                writeln!(out, "not removed: {} of {}: {}", item.what.word(), line(&item.label), line(&why))?;
            }
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn list(out: &mut impl Write, found: &Found) -> Result<(), Failure> {
    if found.items.is_empty() {
        writeln!(out, "there is nothing to remove")?;
    } else {
        let mut rows = vec![["WHAT", "RUN", "SIZE", "AGE", "WHY"].map(str::to_owned).to_vec()];
        rows.extend(found.items.iter().map(|item| {
            let asks = if item.unsafe_because.is_some() { "; asks for its name" } else { "" };
            let why = format!("{}{asks}", line(&item.why));
            vec![item.what.word().to_owned(), line(&item.label), size(item.bytes), age(item.age), why]
        }));
        out.write_all(columns(&rows).as_bytes())?;
    }
    for text in &found.left {
        writeln!(out, "left: {}", line(text))?;
    }
    Ok(())
}

/// An age in its largest unit.
fn age(millis: u64) -> String {
    match millis / 3_600_000 {
        0 => "<1h".to_owned(),
        hours @ 1..48 => format!("{hours}h"),
        hours => format!("{}d", hours / 24),
    }
}

/// Removes one thing and says so.
fn remove(store: &Store, item: &Item, named: bool) -> Result<String, String> {
    let label = line(&item.label);
    match &item.what {
        What::Worktree => {
            let kept = scrap_worktree(store, item, named)?;
            Ok(format!("removed: worktree of {label}{kept}"))
        }
        What::Run { common_dir } => {
            remove_run(store, item, common_dir.as_deref())?;
            Ok(format!("removed: run {label}"))
        }
        What::Half { aside } => {
            empty(aside)?;
            Ok(format!("removed: run {label}"))
        }
        What::Trash { common_dir, kept } => {
            for one in kept {
                trash::delete(common_dir, one).map_err(|error| error.to_string())?;
            }
            Ok(format!("removed: {} of {label}", count(u32::try_from(kept.len()).unwrap_or(u32::MAX), "kept content")))
        }
    }
}

/// Takes a run's journal in hand, and looks whether it is still what it was when it was listed.
fn take(store: &Store, item: &Item) -> Result<Hand, String> {
    let hand = Hand::take(store, item.run.ok_or("it has no run")?)?;
    if hand.state.seq != item.seq {
        return Err("something has happened to it since it was listed".to_owned());
    }
    Ok(hand)
}

fn scrap_worktree(store: &Store, item: &Item, named: bool) -> Result<String, String> {
    let mut hand = take(store, item)?;
    let place = hand.state.workspace.as_ref().ok_or("it has no worktree")?;
    let workspace = git_workspace(hand.state.id, place);
    let last = hand.state.last_commit().map(str::to_owned);
    let named = match hand.state.chore {
        // An earlier try was cut short; it answers for what that had kept.
        Some(Chore::Scrap { named: earlier }) => named || earlier,
        _ => {
            hand.ask(Chore::Scrap { named })?;
            named
        }
    };
    let asked = Some(hand.state.chore_asked.0);
    let gone = match scrap(&Scrap { workspace, last, named, branch: true, asked }) {
        Ok(gone) => gone,
        Err(error) => {
            let why = error.to_string();
            hand.give_up(Chore::Scrap { named }, &why)?;
            return Err(why);
        }
    };
    let (trash, branch_left) = (gone.trash.map(trashed), gone.branch_left);
    let told = trash.as_ref().map(|trash| format!("; what it held is kept in {}", trash.name)).unwrap_or_default();
    let journalled = hand.add(vec![Scrapped { step: None, trash, branch_left }.into()]);
    journalled
        .map_err(|why| format!("it is gone{told}, which could not be journalled: {why}; clean again finishes it"))?;
    // The dashboard shows it again, and its directory stays as long as undo may be wanted.
    hand.summarise(store)?;
    Ok(told)
}

/// Removes a run's directory and the snapshots that only its journal knew. Its trash stays.
fn remove_run(store: &Store, item: &Item, common_dir: Option<&Path>) -> Result<(), String> {
    let hand = take(store, item)?;
    if let Some(common_dir) = common_dir {
        trash::forget_run(common_dir, &hand.state.id.to_string()).map_err(|error| error.to_string())?;
    }
    let dir = store.run_dir(hand.state.id);
    let aside = dir.aside();
    std::fs::rename(dir.path(), &aside).map_err(|error| format!("{}: {error}", dir.path().display()))?;
    fault::at("clean.renamed");
    hand.release();
    empty(&aside)
}

/// Removes a run's directory that was set aside for that; another loopdash may be at it, too.
fn empty(aside: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", aside.display())),
        _ => Ok(()),
    }
}

/// Milliseconds from a moment in seconds since the epoch.
fn since_seconds(at: i64, now: Millis) -> u64 {
    now.since(Millis(u64::try_from(at).unwrap_or_default().saturating_mul(1000)))
}
