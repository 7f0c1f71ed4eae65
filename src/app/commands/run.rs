//! `loopdash run` and `loopdash resume`: on the dashboard where there is a terminal, else as lines.

use super::agents::require;
use super::dashboard::{self, Opening};
use super::show::find;
use crate::app::boot::Boot;
use crate::app::cli::args::{LineArgs, LoopArgs, ResumeArgs, RunArgs};
use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{Loaded, OnStart, Standing, for_run};
use crate::app::context::{Context, read_fleet};
use crate::app::headless::{self, Patience, Resumed, SessionError, Style, Work};
use crate::app::logging;
use crate::app::tui::terminal::is_dumb;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::decide::decide;
use crate::loops::core::event::ParkReason;
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::ids::Who;
use crate::loops::core::spec::{LoopSpec, Trigger};
use crate::loops::core::transition::RunStatus;
use crate::loops::engine::Startup;
use crate::loops::journal::Store;
use std::io::IsTerminal;

/// Runs one loop, on the dashboard or printing what happens.
///
/// # Errors
/// Wrong configuration or flags, or the engine refuses the loop.
pub fn run(context: &Context, args: &RunArgs) -> Result<Exit, Failure> {
    let loaded = context.config()?;
    let spec = spec(context, &loaded, &args.what)?;
    let store = open_store(context)?;
    require(context, &loaded.config, std::slice::from_ref(&spec))?;
    if on_screen(args.lines) {
        let opening =
            Opening { start: vec![spec], trigger: Trigger::Cli, place: None, on_start: None, resume: Vec::new() };
        return dashboard::open(context, &loaded, store, opening);
    }
    let _log = log(context, &store);
    let boot = Boot::new(store, &loaded.config, Startup::Recover);
    let work = Work::Submit { specs: vec![spec], trigger: Trigger::Cli };
    session(boot, work, style(context, args.lines), patience(args.lines, &loaded))
}

/// The loop that the flags of `run` and `prompt` describe.
///
/// # Errors
/// Wrong configuration or flags.
pub(super) fn spec(context: &Context, loaded: &Loaded, args: &LoopArgs) -> Result<LoopSpec, Failure> {
    let repo = context.repository()?;
    let path = std::env::var("PATH").unwrap_or_default();
    let standing = Standing { repo: &repo.root, cwd: &context.cwd, path: &path };
    Ok(for_run(loaded, standing, &args.request())?)
}

/// Goes on with interrupted runs, on the dashboard or printing what happens.
///
/// # Errors
/// There is no such run, several could be meant, or none of them can go on.
pub fn resume(context: &Context, args: &ResumeArgs) -> Result<Exit, Failure> {
    let loaded = context.config()?;
    let store = open_store(context)?;
    let runs = match &args.run {
        Some(text) => vec![find(&store, text)?],
        None => interrupted(&store, args.all)?,
    };
    if runs.is_empty() {
        context.note("no run is interrupted");
        return Ok(Exit::Done);
    }
    let refused = runs.iter().find_map(refusal);
    let held = runs.iter().any(|run| matches!(run.ownership, Ownership::Other { .. }));
    // Which of the two processes is to have it is for a person to say.
    let told = |failure| match failure {
        Failure::Data(why) if held => Failure::Held(why),
        other => other,
    };
    let specs: Vec<LoopSpec> = runs.iter().filter_map(|run| run.state.spec.as_deref().cloned()).collect();
    require(context, &loaded.config, &specs)?;
    let runs: Vec<Resumed> = runs.into_iter().map(going_on).collect();
    if on_screen(args.lines) {
        // Without a screen the engine's own answer is printed, and says more.
        if let Some(why) = refused {
            return Err(told(Failure::Data(why)));
        }
        let opening = Opening {
            start: Vec::new(),
            trigger: Trigger::Cli,
            place: None,
            on_start: Some(OnStart::Leave),
            resume: runs.into_iter().map(|run| run.command).collect(),
        };
        return dashboard::open(context, &loaded, store, opening);
    }
    let _log = log(context, &store);
    let work = Work::Resume(runs);
    let boot = Boot::new(store, &loaded.config, Startup::Ignore);
    session(boot, work, style(context, args.lines), patience(args.lines, &loaded)).map_err(told)
}

/// Runs that stopped without being at an end and without waiting for a person; unless `all`, there may be only one.
fn interrupted(store: &Store, all: bool) -> Result<Vec<FleetRun>, Failure> {
    let fleet = read_fleet(store)?;
    let runs: Vec<FleetRun> =
        fleet.runs.into_values().filter(|run| run.is_interrupted() && !run.state.needs_person()).collect();
    if all || runs.len() < 2 {
        return Ok(runs);
    }
    let names: Vec<String> = runs.iter().map(|run| format!("{} ({})", run.state.label, run.state.id.short())).collect();
    Err(Failure::Usage(format!("{} runs are interrupted: {}; name one, or use --all", runs.len(), names.join(", "))))
}

/// What makes a run go on: a blocked one, or one with trouble that a person has mended, is tried again.
fn going_on(run: FleetRun) -> Resumed {
    let id = run.state.id;
    let asked = matches!(run.state.park, Some(ParkReason::NeedsHuman { .. }));
    let mended = run.state.status == RunStatus::Parked && !asked;
    let ended = run.state.is_finished();
    let command = if mended || ended {
        Command::Run { run: id, ask: Ask::Retry }
    } else {
        Command::Adopt { run: id, resume: true }
    };
    Resumed { state: run.state, command }
}

/// Why a run cannot go on from here, which is told before anything is opened for it.
fn refusal(run: &FleetRun) -> Option<String> {
    let label = &run.state.label;
    let why = match (&run.problem, run.ownership, run.state.status) {
        (Some(problem), ..) => format!("its journal cannot be read: {problem}"),
        (_, Ownership::Other { pid: Some(pid) }, _) => format!("another loopdash has it (process {pid})"),
        (_, Ownership::Other { pid: None }, _) => "another loopdash has it".to_owned(),
        (_, _, RunStatus::Parked | RunStatus::Finished) => {
            let ask = match going_on(run.clone()).command {
                Command::Run { ask, .. } => ask,
                _ => Ask::Resume,
            };
            decide(&run.state, &ask, Who::Cli).err()?.to_string()
        }
        _ => return None,
    };
    Some(format!("{} cannot go on: {}", plain_str(label), plain_str(&why)))
}

/// How long to wait, as flags and configuration say.
fn patience(lines: LineArgs, loaded: &Loaded) -> Patience {
    let max_wait = lines.max_wait.unwrap_or(loaded.config.engine.max_wait).millis();
    Patience { deadline: None, max_wait }
}

fn session(boot: Boot, work: Work, style: Style, patience: Patience) -> Result<Exit, Failure> {
    match headless::session(boot, work, style, patience) {
        Ok(followed) => {
            headless::parting::part(&followed);
            Ok(headless::outcome::exit(&followed))
        }
        Err(SessionError::Refused(why)) => Err(Failure::Data(why.to_string())),
        Err(error) => Err(Failure::Failed(error.to_string())),
    }
}

/// Whether to open the dashboard: nobody asked for lines, and there is a terminal for it.
pub(in crate::app) fn on_screen(lines: LineArgs) -> bool {
    !lines.wanted() && !is_dumb() && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// How lines are printed, as the flags say.
pub(in crate::app) fn style(context: &Context, lines: LineArgs) -> Style {
    Style {
        json: lines.json,
        output: lines.output,
        verbose: context.global.verbose > 0,
        colour: !lines.json && context.colour_on_stdout(),
    }
}

fn open_store(context: &Context) -> Result<Store, Failure> {
    Store::open(&context.state_root()?).map_err(|error| Failure::Data(error.to_string()))
}

/// The log, if there can be one; work does not wait for it.
fn log(context: &Context, store: &Store) -> Option<logging::LogGuard> {
    let filter = std::env::var(logging::LOG_VARIABLE).ok();
    match logging::start(store.root(), context.global.verbose, filter.as_deref()) {
        Ok(guard) => Some(guard),
        Err(error) => {
            context.note(&error.to_string());
            None
        }
    }
}
