//! Loops that outlive their screen: after a hang-up loopdash goes on without one until nothing of it is live.
//!
//! The next dashboard says so once; [`greeting`] has the words.

use crate::loops::agent::tree;
use crate::loops::core::command::{Command, LiveRuns, Request};
use crate::loops::core::fleet::{Fleet, Ownership};
use crate::loops::core::ids::Who;
use crate::loops::engine::{Handle, Update, system_clock};
use crate::loops::journal::Store;
use crate::loops::journal::fleet::{self, FleetFact, FleetRecord};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

/// Goes on until no run of this process is live, or until it is told to end; then ends the engine in order.
pub(super) async fn alone(handle: &Handle, store: &Store) {
    let pid = std::process::id();
    note(store, FleetFact::ScreenLost { pid });
    tracing::warn!("the terminal is gone; the loops go on without it");
    let listen = |kind| signal(kind).inspect_err(|error| tracing::error!(%error, "signals are not heard")).ok();
    let (mut term, mut int) = (listen(SignalKind::terminate()), listen(SignalKind::interrupt()));
    tokio::select! {
        () = until_quiet(handle) => {}
        () = heard(&mut term) => {}
        () = heard(&mut int) => {}
    }
    // It is refused only by an engine that has ended.
    let _ = handle.send(Request { who: Who::Cli, command: Command::Shutdown { live: LiveRuns::Pause } }).await;
    note(store, FleetFact::Ended { pid });
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn until_quiet(handle: &Handle) {
    let is_quiet = |fleet: &Fleet| {
        !fleet.runs.values().any(|run| run.ownership == Ownership::Mine && run.problem.is_none() && run.state.is_live())
    };
    while let Ok(mut subscription) = handle.subscribe().await {
        loop {
            if is_quiet(&subscription.fleet) {
                return;
            }
            match subscription.updates.recv().await {
                Ok(Update::Record(record)) => subscription.fleet.apply(&record),
                Ok(Update::Run(entry)) => drop(subscription.fleet.runs.insert(entry.state.id, *entry)),
                Ok(Update::Ended) | Err(RecvError::Closed) => return,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break,
            }
        }
    }
}

fn note(store: &Store, fact: FleetFact) {
    if let Err(error) = fleet::append(store, &FleetRecord { at: system_clock()(), fact }) {
        tracing::warn!(%error, "fleet journal not written");
    }
}

/// What the operator has to know of a screen that was lost since a dashboard was opened last; notes that this one is.
pub(super) fn greeting(store: &Store) -> Option<String> {
    let facts: Vec<FleetFact> = fleet::read(store).ok()?.records.into_iter().map(|record| record.fact).collect();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    note(store, FleetFact::Started { pid: std::process::id(), version });
    said(&facts, |pid| tree::process(pid).is_some_and(|process| process.is_alive()))
}

fn said(facts: &[FleetFact], lives: impl Fn(u32) -> bool) -> Option<String> {
    let opened = facts.iter().rposition(|fact| matches!(fact, FleetFact::Started { .. })).map_or(0, |at| at + 1);
    let since = facts.get(opened..).unwrap_or_default();
    let lost = since.iter().rev().find_map(|fact| match fact {
        FleetFact::ScreenLost { pid } => Some(*pid),
        _ => None,
    })?;
    Some(match (since.contains(&FleetFact::Ended { pid: lost }), lives(lost)) {
        (true, _) => "your terminal went away; the loops went on without a screen".to_owned(),
        (false, true) => {
            format!("your terminal went away; its loops go on without a screen, `kill {lost}` pauses them")
        }
        (false, false) => "your terminal went away, and then the loopdash that went on without it".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_screen_is_told_once_and_as_it_ended() {
        let (lost, ended) = (FleetFact::ScreenLost { pid: 7 }, FleetFact::Ended { pid: 7 });
        let started = FleetFact::Started { pid: 7, version: String::new() };
        let told = |facts: &[&FleetFact], lives| {
            let facts: Vec<FleetFact> = facts.iter().map(|fact| (*fact).clone()).collect();
            said(&facts, |_| lives).unwrap_or_default()
        };
        assert_eq!(told(&[], true), "");
        assert_eq!(told(&[&started, &ended], false), "");
        assert!(told(&[&started, &lost], true).contains("`kill 7`"));
        assert!(told(&[&started, &lost, &ended], false).contains("went on"));
        assert!(told(&[&started, &lost], false).contains("and then"));
        assert_eq!(told(&[&started, &lost, &ended, &started], false), "", "told already");
    }
}
