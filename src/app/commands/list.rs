//! `loopdash list`: the runs of this box, newest last.

use super::text::{columns, line, now};
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::{Context, read_fleet};
use crate::app::sentence::duration;
use crate::loops::core::fleet::{FleetRun, Ownership, park_word};
use crate::loops::core::transition::RunStatus;
use std::io::Write;

/// Prints a table of all runs.
///
/// # Errors
/// The state directory cannot be read.
pub fn list(context: &Context) -> Result<Exit, Failure> {
    let store = context.store()?;
    let fleet = read_fleet(&store)?;
    let mut out = std::io::stdout().lock();
    if fleet.runs.is_empty() && !store.root().exists() {
        let root = line(&store.root().display().to_string());
        if context.global.state_dir.is_some() {
            return Err(Failure::Data(format!("there is no state directory {root}; is --state-dir as you meant it?")));
        }
        writeln!(out, "no runs yet: {root} is not there; `loopdash run` or `loopdash` makes it")?;
        return Ok(Exit::Done);
    }
    if fleet.runs.is_empty() {
        writeln!(out, "no runs yet; `loopdash run` or `loopdash` starts one")?;
        return Ok(Exit::Done);
    }
    let heads = ["RUN", "ID", "STATE", "TESTS", "ITERATIONS", "PRIORITY", "AGE", "REPOSITORY"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let now = now();
    rows.extend(fleet.runs.values().map(|run| {
        let state = &run.state;
        let (passed, tests) = state.progress();
        vec![
            line(&state.label),
            state.id.short(),
            line(&standing(run)),
            format!("{passed}/{tests}"),
            format!("{}/{}", state.counted, state.max_iterations),
            state.priority.to_string(),
            match now.since(state.created) / 1000 {
                0 => "<1s".to_owned(),
                seconds => duration(seconds * 1000),
            },
            line(state.spec.as_ref().map_or("", |spec| &spec.repo)),
        ]
    }));
    out.write_all(columns(&rows).as_bytes())?;
    for run in fleet.runs.values() {
        if let Some(problem) = &run.problem {
            writeln!(out, "{}: {}", run.state.id.short(), line(problem))?;
        }
    }
    Ok(Exit::Done)
}

/// Where a run stands, in a few words.
pub(super) fn standing(run: &FleetRun) -> String {
    let state = &run.state;
    if run.problem.is_some() {
        return "unreadable".to_owned();
    }
    match (state.status, &state.outcome, &state.park) {
        (RunStatus::Finished, Some((outcome, _)), _) => outcome.word().to_owned(),
        (RunStatus::Parked, _, Some(reason)) => format!("needs you: {}", park_word(reason)),
        (status, ..) => match run.ownership {
            Ownership::Other { pid: Some(pid) } => format!("{} (pid {pid})", status.word()),
            Ownership::Nobody if state.is_live() => "interrupted".to_owned(),
            _ => status.word().to_owned(),
        },
    }
}
