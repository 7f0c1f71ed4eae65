//! What a key would ask of the engine, and why it cannot be asked now: [`ask_of`] and [`disabled`].
//!
//! The judge is the engine's own [`decide`], so that a grey key and a refused request never disagree.

use super::action::Action;
use super::overlay::Overlay;
use super::ui::{Focus, Pane, Ui};
use super::update::Ctx;
use crate::app::view::roster;
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::attention::{NeedKey, Why, needs};
use crate::loops::core::budget::Resource;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::decide::decide;
use crate::loops::core::duration::Span;
use crate::loops::core::event::{Chore, ParkReason, PauseKind, When};
use crate::loops::core::fleet::{FleetRun, Ownership};
use crate::loops::core::ids::{RunId, Who};
use crate::loops::core::state::RunState;
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::transition::RunStatus;

/// Stands for a text that is yet to be typed, when only its legality is asked for.
const SOMETHING: &str = "…";

/// The selected run.
pub fn selected<'a>(ui: &Ui, ctx: &Ctx<'a>) -> Option<&'a FleetRun> {
    ui.selected.and_then(|run| ctx.fleet.runs.get(&run))
}

/// The selected run if it may be steered from here.
///
/// # Errors
/// Why it may not, as a fragment.
fn steerable<'a>(ui: &Ui, ctx: &Ctx<'a>) -> Result<&'a FleetRun, String> {
    let run = selected(ui, ctx).ok_or("no loop is selected")?;
    if let Some(problem) = &run.problem {
        return Err(format!("its journal cannot be read: {problem}"));
    }
    match run.ownership {
        Ownership::Mine => Ok(run),
        Ownership::Other { pid: Some(pid) } => Err(format!("it belongs to another loopdash (process {pid})")),
        Ownership::Other { pid: None } => Err("it belongs to another loopdash".to_owned()),
        Ownership::Nobody if run.is_interrupted() => Err("it was interrupted; resume it first".to_owned()),
        Ownership::Nobody => Ok(run),
    }
}

/// The test that skip, reset and retry mean: the selected row while Tests has the keys, else the one at work, else a
/// blocked one.
pub fn test_meant<'a>(ui: &Ui, run: &'a RunState) -> Option<&'a TestSpec> {
    if ui.pane == Pane::Tests && ui.focus == Focus::Pane {
        return ui.test.as_deref().and_then(|id| run.test(id)).or_else(|| run.tests.first());
    }
    let open = run.open_iteration().and_then(|iteration| run.test(&iteration.test));
    let last = || run.iterations.last().and_then(|iteration| run.test(&iteration.test));
    open.or_else(|| run.tests.iter().find(|test| test.status == TestStatus::Blocked)).or_else(last)
}

/// What `action` asks of the selected run, with `text` where the operator types one.
///
/// # Errors
/// Why it cannot be asked, as a fragment.
pub fn ask_of(action: Action, text: &str, ui: &Ui, ctx: &Ctx<'_>) -> Result<(RunId, Ask), String> {
    let run = match action {
        // What is done to a worktree asks for no run that is under way.
        Action::Rewind | Action::Undo | Action::Scrap | Action::Land => {
            selected(ui, ctx).filter(|run| run.is_interrupted()).map_or_else(|| steerable(ui, ctx), Ok)?
        }
        _ => steerable(ui, ctx)?,
    };
    let state = &run.state;
    let test = || test_meant(ui, state).map(|test| test.id.clone()).ok_or("the run has no test at work");
    let ask = match action {
        Action::Pause => Ask::Pause { kind: PauseKind::AfterStep },
        Action::PauseNow => Ask::Pause { kind: PauseKind::Now },
        Action::Freeze => Ask::Pause { kind: PauseKind::Freeze },
        Action::TakeOver => Ask::TakeOver,
        Action::Resume => Ask::Resume,
        Action::Stop => Ask::Stop,
        Action::SkipTest => Ask::SkipTest { test: test()?, why: String::new() },
        Action::WaiveTest => Ask::WaiveTest { test: test()?, why: text.to_owned() },
        Action::ResetTest => Ask::ResetTest { test: test()? },
        Action::Retry => retry(ui, state),
        // Which one is chosen afterwards.
        Action::Rewind => Ask::Chore { chore: Chore::Rewind { iteration: 0 } },
        Action::Undo => Ask::Chore { chore: Chore::Undo },
        Action::Scrap => Ask::Chore { chore: Chore::Scrap { named: false } },
        // The box asks what has to be asked.
        Action::Land => Ask::Chore { chore: Chore::Land { asked: !state.ask_before_landing().is_empty() } },
        Action::Note => Ask::Note { text: text.to_owned(), when: When::Next },
        Action::Interrupt => Ask::Note { text: text.to_owned(), when: When::Now },
        Action::Answer => Ask::Answer { text: text.to_owned() },
        // Any agent will do where only its legality is asked for.
        Action::SetAgent => {
            let agent = AgentSpec::new(SOMETHING, vec![SOMETHING.to_owned()]);
            Ask::SetAgent { role: Role::Actor, agent: Box::new(agent) }
        }
        Action::AddTest => Ask::AddTest { test: Box::new(new_test(state, text)) },
        Action::PriorityUp => Ask::SetPriority { priority: state.priority.saturating_add(1) },
        Action::PriorityDown => {
            Ask::SetPriority { priority: state.priority.checked_sub(1).ok_or("its priority is 0 already")? }
        }
        Action::HoldBehind => behind(state, ctx)?,
        Action::Limit if matches!(state.park, Some(ParkReason::Budget { fleet: false, .. })) => {
            let Some(ParkReason::Budget { which, used, .. }) = &state.park else { return Err(String::new()) };
            // Whether it may be asked at all is asked before anything is typed.
            let limit = if text == SOMETHING { used.saturating_add(1) } else { limit_of(*which, text)? };
            Ask::SetBudget { which: *which, limit }
        }
        Action::Limit => {
            let max = text.trim().parse().map_err(|_| "type a number of iterations")?;
            Ask::SetMaxIterations { max }
        }
        action => {
            let remedy = action.remedy().ok_or("that is not for a run")?;
            let waits = matches!(state.park, Some(ParkReason::Blocked { .. })) && state.needs_person();
            if let Some(test) = test_meant(ui, state).filter(|test| waits && test.status == TestStatus::Blocked) {
                let ask = Ask::Unblock { test: test.id.clone(), remedy };
                decide(state, &ask, Who::Operator).map_err(|rejected| rejected.0)?;
                return Ok((state.id, ask));
            }
            let raised = state.watched.stuck().ok_or("it does not seem stuck")?;
            Ask::Heal { pattern: raised.sighting.pattern, remedy, text: text.to_owned() }
        }
    };
    decide(state, &ask, Who::Operator).map_err(|rejected| rejected.0)?;
    Ok((state.id, ask))
}

/// To wait for the first run that this one meets; or no longer to.
fn behind(state: &RunState, ctx: &Ctx<'_>) -> Result<Ask, String> {
    if state.behind.is_some() {
        return Ok(Ask::HoldBehind { run: None, label: String::new() });
    }
    let met = partners(state, ctx);
    let (run, label, _) = met.into_iter().next().ok_or("no live run has changed the same files")?;
    Ok(Ask::HoldBehind { run: Some(run), label })
}

/// The live runs that have changed what this one has, by name, with whether a merge stops: those first, then by age.
pub fn partners(state: &RunState, ctx: &Ctx<'_>) -> Vec<(RunId, String, bool)> {
    let with = ctx.fleet.collisions.get(&state.id).map(|met| &met.with);
    let label = |run: RunId| ctx.fleet.state(run).map_or_else(|| run.short(), |other| other.label.clone());
    let met = with.into_iter().flatten().map(|(run, meeting)| (*run, label(*run), meeting.stops()));
    let mut met: Vec<_> = met.collect();
    met.sort_by_key(|(_, _, stops)| !stops);
    met
}

/// What is typed as a budget: `2M` or `500k` tokens, `$20` or `12.50` dollars, `4h`, `30` iterations.
fn limit_of(which: Resource, text: &str) -> Result<u64, String> {
    let text = text.trim();
    let scaled = |text: &str, unit: f64, most: f64| {
        let number: Option<f64> = text.trim().replace('_', "").parse().ok();
        number.map(|number| number * unit).filter(|number| (1.0..=most).contains(number)).map(|number| number as u64)
    };
    match which {
        Resource::Tokens => {
            let (number, unit) = match text.char_indices().next_back() {
                Some((end, 'k' | 'K')) => (&text[..end], 1e3),
                Some((end, 'm' | 'M')) => (&text[..end], 1e6),
                _ => (text, 1.0),
            };
            scaled(number, unit, 1e15).ok_or_else(|| "type a number of tokens, such as 500k or 2M".to_owned())
        }
        Resource::Dollars => scaled(text.trim_start_matches('$'), 1e6, 1e15)
            .ok_or_else(|| "type an amount in dollars, such as 12.50".to_owned()),
        Resource::Iterations => {
            text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "type a number of iterations".to_owned())
        }
        Resource::WallClock => Span::parse(text).map(Span::millis).map_err(|error| error.to_string()),
    }
}

/// What is asked instead of all loops, when the selected run waits for the fleet's budget.
pub fn fleet_limit(text: &str, ui: &Ui, ctx: &Ctx<'_>) -> Option<Result<Command, String>> {
    match selected(ui, ctx)?.state.park {
        Some(ParkReason::Budget { which, fleet: true, .. }) => {
            Some(limit_of(which, text).map(|limit| Command::SetFleetBudget { which, limit }))
        }
        _ => None,
    }
}

/// A selected blocked test, else what parked or ended the run, else the gates of the open iteration.
fn retry(ui: &Ui, state: &RunState) -> Ask {
    let in_tests = ui.pane == Pane::Tests && ui.focus == Focus::Pane;
    let blocked = test_meant(ui, state).filter(|test| in_tests && test.status == TestStatus::Blocked);
    if let Some(test) = blocked.filter(|_| !state.is_finished()) {
        return Ask::RetryTest { test: test.id.clone() };
    }
    let asked = matches!(state.park, Some(ParkReason::NeedsHuman { .. }));
    if (state.status == RunStatus::Parked && !asked) || state.is_finished() { Ask::Retry } else { Ask::RerunGates }
}

/// A test of that title under the first free id of the form `added-1`.
fn new_test(state: &RunState, title: &str) -> TestSpec {
    let id = (1..=state.tests.len() + 1).map(|n| format!("added-{n}")).find(|id| state.test(id).is_none());
    TestSpec {
        id: id.unwrap_or_default(),
        title: title.trim().to_owned(),
        criteria: Vec::new(),
        verify: None,
        priority: 0,
        depends_on: Vec::new(),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: None,
        last_error: None,
    }
}

/// The command behind Resume: an interrupted run is adopted first.
///
/// # Errors
/// Why it cannot be resumed, as a fragment.
pub fn resume_of(ui: &Ui, ctx: &Ctx<'_>) -> Result<Command, String> {
    match selected(ui, ctx).filter(|run| run.is_interrupted()) {
        Some(run) => Ok(Command::Adopt { run: run.state.id, resume: true }),
        None => ask_of(Action::Resume, "", ui, ctx).map(|(run, ask)| Command::Run { run, ask }),
    }
}

/// The held provider that the list of what needs the operator is at.
fn chosen_hold<'a>(ui: &Ui, ctx: &Ctx<'a>) -> Option<&'a str> {
    let Some(Overlay::Attention(shown)) = ui.overlays.last() else { return None };
    let at = shown.at.filter(|at| matches!(at, NeedKey::Held(_)));
    needs(ctx.fleet).into_iter().filter(|need| at.is_some() && need.key() == at).find_map(|need| match need.why {
        Why::Held { provider, .. } => Some(provider),
        _ => None,
    })
}

/// The command behind Retry: for a held provider, and for a run that waits in the queue for one, it lifts the hold.
///
/// # Errors
/// Why nothing can be tried again, as a fragment.
pub fn retry_of(ui: &Ui, ctx: &Ctx<'_>) -> Result<Command, String> {
    if let Some(provider) = chosen_hold(ui, ctx) {
        return Ok(Command::LiftHold { provider: provider.to_owned() });
    }
    let queued = selected(ui, ctx).filter(|run| run.state.status == RunStatus::Queued);
    match queued.and_then(|run| ctx.fleet.held_provider(&run.state, ctx.now)) {
        Some((provider, _)) => Ok(Command::LiftHold { provider: provider.to_owned() }),
        None => ask_of(Action::Retry, "", ui, ctx).map(|(run, ask)| Command::Run { run, ask }),
    }
}

/// Why `action` does not apply now, as a fragment; `None` if it does.
pub fn disabled(action: Action, ui: &Ui, ctx: &Ctx<'_>) -> Option<String> {
    let no = |reason: &str| Some(reason.to_owned());
    match action {
        Action::Resume => resume_of(ui, ctx).err(),
        Action::Retry => retry_of(ui, ctx).err(),
        Action::Limit => {
            let budget = selected(ui, ctx).is_some_and(|run| matches!(run.state.park, Some(ParkReason::Budget { .. })));
            ask_of(action, if budget { SOMETHING } else { "1" }, ui, ctx).err()
        }
        Action::Pause
        | Action::PauseNow
        | Action::Freeze
        | Action::TakeOver
        | Action::Rewind
        | Action::Undo
        | Action::Scrap
        | Action::Land
        | Action::SetAgent
        | Action::Stop
        | Action::SkipTest
        | Action::WaiveTest
        | Action::HealNote
        | Action::HealRestart
        | Action::HealStronger
        | Action::HealRewind
        | Action::HealSkip
        | Action::HealWaive
        | Action::HealPark
        | Action::ResetTest
        | Action::Note
        | Action::Interrupt
        | Action::Answer
        | Action::AddTest
        | Action::PriorityUp
        | Action::HoldBehind
        | Action::PriorityDown => ask_of(action, SOMETHING, ui, ctx).err(),
        Action::CapDown if ctx.fleet.cap <= 1 => no("at least one loop may run at once"),
        Action::NewLoop => ctx.no_new_loop.map(str::to_owned),
        Action::StartLoop if ctx.loops.is_empty() => no("there is no loop in a loopdash.toml here"),
        Action::CopyPath | Action::Shell | Action::Edit => match selected(ui, ctx) {
            None => no("no loop is selected"),
            Some(run) if run.state.workspace.is_none() => no("it has no worktree yet"),
            Some(run) if run.state.scrapped => no("its worktree is scrapped; undo brings it back"),
            Some(_) => None,
        },
        Action::Xray => match selected(ui, ctx) {
            None => no("no loop is selected"),
            Some(run) if run.state.steps.is_empty() => no("it has not had a step yet"),
            Some(_) => None,
        },
        Action::Search if ui.selected.is_none() => no("no loop is selected"),
        Action::NextHit | Action::PrevHit => match &ui.search {
            None => no("nothing is searched for; / does"),
            Some(search) if search.hits.as_ref().is_some_and(Vec::is_empty) => no("nothing was found"),
            Some(_) => None,
        },
        Action::NextAttention => {
            let any = ctx.fleet.runs.values().any(|run| roster::Section::of(run) == roster::Section::NeedsYou);
            (!any).then(|| "no loop needs you".to_owned())
        }
        Action::NextFile | Action::PrevFile | Action::NextHunk | Action::PrevHunk => {
            ctx.diff_marks.is_empty().then(|| "there is no diff to go through".to_owned())
        }
        _ => None,
    }
}
