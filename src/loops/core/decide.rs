//! What a request to a run comes to: events, or a refusal with its reason.
//!
//! Pure: the engine journals the events, and the dashboard asks the same function why a key is grey.

mod remedies;

use super::budget::{Budget, Resource};
use super::command::{Ask, Rejected};
use super::event::{
    AgentSet, Answered, Chore, ChoreAsked, Event, GatesRerun, Guidance, HeldBehind, LimitsSet, Outcome, ParkReason,
    PauseKind, PauseRequested, Paused, PrioritySet, Reopened, Resumed, Retried, SignalSeen, StepRestarted,
    StopRequested, TakenOver, TestAdded, TestReset, TestRetried, TestSkipped, TestWaived, Unparked,
};
use super::ids::{RunId, Who};
use super::spec::MAX_PRIORITY;
use super::state::RunState;
use super::step::StepKind;
use super::test_state::{TestSpec, TestStatus};
use super::transition::{RunMove, RunStatus, TestMove, run_after, test_after};

/// The longest note or answer, in bytes; what is longer belongs in a file.
pub const MAX_NOTE: usize = 64 * 1024;

type Decision = Result<Vec<Event>, Rejected>;

/// The events that `ask` comes to.
///
/// # Errors
/// [`Rejected`] with a fragment for the operator.
pub fn decide(run: &RunState, ask: &Ask, who: Who) -> Decision {
    match ask {
        Ask::Pause { kind } => pause(run, *kind, who),
        Ask::TakeOver => take_over(run, who),
        Ask::Resume => resume(run, who),
        Ask::Stop => {
            legal(run, RunMove::AskStop)?;
            one(StopRequested { who })
        }
        Ask::SkipTest { test, why } => skip(run, test, why, who),
        Ask::WaiveTest { test, why } => waive(run, test, why, who),
        Ask::Restart => restart(run, who),
        Ask::Heal { pattern, remedy, text } => remedies::heal(run, *pattern, *remedy, text, who),
        Ask::Unblock { test, remedy } => remedies::unblock(run, test, *remedy, who),
        Ask::Acknowledge { pattern } => match run.watched.raised(*pattern) {
            None => refuse("there is no such signal any more"),
            Some(raised) if raised.seen => refuse("it has been seen already"),
            Some(_) => one(SignalSeen { pattern: *pattern, who }),
        },
        Ask::ResetTest { test } => {
            change_test(run, test, TestMove::Reset)?;
            Ok(with_unpark(run, TestReset { test: test.clone(), who }.into(), who))
        }
        Ask::Chore { chore } => do_chore(run, *chore, who),
        Ask::RetryTest { test } => {
            change_test(run, test, TestMove::Retry)?;
            Ok(with_unpark(run, TestRetried { test: test.clone(), who }.into(), who))
        }
        Ask::Retry => retry(run, who),
        Ask::RerunGates => rerun_gates(run, who),
        Ask::Note { text, when } => {
            not_finished(run)?;
            let text = said(text)?;
            one(Guidance { id: run.next_note(), text, when: *when, who })
        }
        Ask::Answer { text } => answer(run, text, who),
        Ask::AddTest { test } => add_test(run, test, who),
        Ask::SetPriority { priority } => {
            not_finished(run)?;
            if *priority > MAX_PRIORITY {
                return refuse(format!("priorities go from 0 to {MAX_PRIORITY}"));
            }
            if *priority == run.priority {
                return refuse(format!("its priority is {priority} already"));
            }
            one(PrioritySet { priority: *priority, who })
        }
        Ask::SetAgent { role, agent } => {
            not_finished(run)?;
            if agent.command.is_empty() {
                return refuse(format!("the agent {} has no command", agent.name));
            }
            if run.agent_to_be(*role) == Some(&**agent) {
                return refuse(format!("its {} is {} already, or is to be", role.word(), agent.name));
            }
            one(AgentSet { role: *role, agent: agent.clone(), who })
        }
        Ask::HoldBehind { run: other, label } => hold_behind(run, *other, label, who),
        Ask::SetBudget { which, limit } => set_budget(run, *which, *limit, who),
        Ask::SetMaxIterations { max } => {
            not_finished(run)?;
            if *max == 0 {
                return refuse("a run needs at least one iteration");
            }
            one(LimitsSet { max_iterations: Some(*max), budget: Budget::default(), who })
        }
    }
}

/// What runs goes on to its step's end; a run that waits already goes on when it is to wait no longer.
fn hold_behind(run: &RunState, other: Option<RunId>, label: &str, who: Who) -> Decision {
    not_finished(run)?;
    let now = run.behind.as_ref().map(|(behind, _)| *behind);
    match other {
        Some(other) if other == run.id => refuse("a run cannot wait for itself"),
        Some(_) if other == now => refuse("it waits for that run already"),
        None if now.is_none() => refuse("it waits for no other run"),
        Some(_) => one(HeldBehind { behind: other, label: label.to_owned(), who }),
        None => {
            let mut events: Vec<Event> = vec![HeldBehind { behind: None, label: String::new(), who }.into()];
            if run.status == RunStatus::Parked && matches!(run.park, Some(ParkReason::Behind { .. })) {
                events.push(Unparked { who }.into());
            }
            Ok(events)
        }
    }
}

/// A run that is parked for its budget goes on with a larger one.
fn set_budget(run: &RunState, which: Resource, limit: u64, who: Who) -> Decision {
    not_finished(run)?;
    let budget = Budget::of(which, limit);
    if limit == 0 || budget.breaches(&run.used()).next().is_some() {
        return refuse("it has used as much already");
    }
    let mut events = vec![LimitsSet { max_iterations: None, budget, who }.into()];
    if matches!(run.park, Some(ParkReason::Budget { fleet: false, .. })) && run.needs_person() {
        events.push(Unparked { who }.into());
    }
    Ok(events)
}

fn one(event: impl Into<Event>) -> Decision {
    Ok(vec![event.into()])
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected(why.into()))
}

fn legal(run: &RunState, step: RunMove) -> Result<RunStatus, Rejected> {
    run_after(run.status, step).map_err(Rejected)
}

fn not_finished(run: &RunState) -> Result<(), Rejected> {
    if run.is_finished() { refuse("the run is finished") } else { Ok(()) }
}

fn said(text: &str) -> Result<String, Rejected> {
    let text = text.trim();
    if text.is_empty() {
        return refuse("there is no text in it");
    }
    if text.len() > MAX_NOTE {
        return refuse(format!("it is longer than {} KB; put it in a file and name the file", MAX_NOTE / 1024));
    }
    Ok(text.to_owned())
}

fn pause(run: &RunState, kind: PauseKind, who: Who) -> Decision {
    let kind = match kind {
        PauseKind::Interrupted => return refuse("only a restart can mark a run interrupted"),
        PauseKind::Freeze if run.active_step().is_none_or(|step| step.process.is_none()) => PauseKind::AfterStep,
        kind => kind,
    };
    if kind == PauseKind::Freeze {
        legal(run, RunMove::Freeze)?;
        return one(Paused { kind });
    }
    legal(run, RunMove::AskPause)?;
    if run.needs_person() {
        return refuse("a run that is waiting for you cannot be paused");
    }
    if run.status == RunStatus::Pausing && (run.pause == Some(kind) || run.pause == Some(PauseKind::Now)) {
        return refuse("it is pausing already");
    }
    let mut events = vec![PauseRequested { kind, who }.into()];
    if run.active.is_none() {
        events.push(Paused { kind }.into());
    }
    Ok(events)
}

fn take_over(run: &RunState, who: Who) -> Decision {
    if run.is_finished() {
        return refuse("the run is finished; a shell in its worktree changes nothing of it");
    }
    if run.workspace.is_none() {
        return refuse("it has no worktree yet");
    }
    if run.scrapped || run.active_step().is_some_and(|step| step.kind.is_chore()) {
        return refuse("its worktree is being changed, or gone");
    }
    let mut events: Vec<Event> = Vec::new();
    if !run.taken_over {
        events.push(TakenOver { who }.into());
    }
    match run.status {
        RunStatus::Paused | RunStatus::Parked => {}
        RunStatus::Pausing if run.pause == Some(PauseKind::Now) => {}
        _ => {
            legal(run, RunMove::AskPause)?;
            events.push(PauseRequested { kind: PauseKind::Now, who }.into());
            // With a slot there is the actor's work to keep first.
            if run.active.is_none() && run.slot.is_none() {
                events.push(Paused { kind: PauseKind::Now }.into());
            }
        }
    }
    Ok(events)
}

/// Whether there is a worktree of its own that can be set back or removed.
fn own_worktree(run: &RunState) -> Result<(), Rejected> {
    match &run.workspace {
        None => refuse("it has no worktree yet"),
        Some(place) if place.in_place => {
            refuse("it works in your own checkout, which loopdash neither sets back nor removes")
        }
        Some(_) => Ok(()),
    }
}

/// Worktrees are set back, removed and brought back only while nothing works in them.
fn do_chore(run: &RunState, chore: Chore, who: Who) -> Decision {
    match &run.workspace {
        Some(place) if place.in_place && matches!(chore, Chore::Land { .. }) => {
            return refuse("it works in your own checkout, where its work is already");
        }
        _ => own_worktree(run)?,
    }
    match (run.status, run.active_step()) {
        (_, Some(step)) if step.kind.is_chore() => return refuse("its worktree is being changed already"),
        (RunStatus::Paused | RunStatus::Parked | RunStatus::Finished, None) => {}
        (other, _) => return refuse(format!("the run is {}; pause it first", other.word())),
    }
    match chore {
        Chore::Rewind { .. } if matches!(run.outcome, Some((Outcome::Done, _))) => {
            return refuse("it is done; start the loop again for another run");
        }
        Chore::Rewind { .. } if run.scrapped => return refuse("its worktree is scrapped; undo brings it back"),
        Chore::Rewind { iteration } if iteration > 0 && run.snapshot_of(iteration).is_none() => {
            return refuse(format!("there is no snapshot of iteration {iteration} to go back to"));
        }
        Chore::Scrap { .. } if !run.is_finished() => return refuse("it is not over; stop it first"),
        Chore::Scrap { .. } if run.scrapped => return refuse("it is scrapped already"),
        Chore::Land { .. } if !run.is_finished() => return refuse("it is not over; stop it first"),
        Chore::Land { .. } if !run.has_changes() => return refuse("it has changed nothing that could land"),
        Chore::Land { asked: false } => {
            if let Some(first) = run.ask_before_landing().first() {
                return refuse(format!("{first}; that has to be asked about first"));
            }
        }
        Chore::Undo if run.undo.is_none() => return refuse("nothing was taken away that could be brought back"),
        Chore::Rewind { .. } | Chore::Scrap { .. } | Chore::Land { .. } | Chore::Undo => {}
    }
    one(ChoreAsked { chore, who })
}

fn resume(run: &RunState, who: Who) -> Decision {
    match &run.park {
        Some(ParkReason::NeedsHuman { .. }) if run.needs_person() => refuse("it waits for an answer"),
        // Should its provider still be held, its next agent waits for that again.
        Some(ParkReason::Limit { .. }) if run.taken_over && run.awaited_provider().is_some() => one(Unparked { who }),
        Some(ParkReason::Limit { .. }) if run.awaited_provider().is_some() => {
            refuse("it goes on by itself when its provider lets it; retry does not wait for that")
        }
        Some(ParkReason::Behind { .. }) if run.status == RunStatus::Parked => hold_behind(run, None, "", who),
        Some(_) if run.needs_person() => refuse("it waits for you to mend and retry"),
        _ => {
            legal(run, RunMove::Resume)?;
            one(Resumed { who })
        }
    }
}

fn change_test<'a>(run: &'a RunState, id: &str, step: TestMove) -> Result<&'a TestSpec, Rejected> {
    if run.is_finished() {
        return refuse("the run is finished; retry reopens it");
    }
    let Some(test) = run.test(id) else { return refuse(format!("the run has no test {id}")) };
    test_after(test.status, step).map_err(Rejected)?;
    Ok(test)
}

fn skip(run: &RunState, id: &str, why: &str, who: Who) -> Decision {
    change_test(run, id, TestMove::Skip)?;
    if run.tests.len() == 1 {
        return refuse("it is the run's only test; stop the run instead");
    }
    Ok(with_unpark(run, TestSkipped { test: id.to_owned(), who, why: why.trim().to_owned() }.into(), who))
}

/// A test that counts as met by somebody's word; even the only one, as the work is there.
fn waive(run: &RunState, id: &str, why: &str, who: Who) -> Decision {
    change_test(run, id, TestMove::Waive)?;
    Ok(with_unpark(run, TestWaived { test: id.to_owned(), who, why: why.trim().to_owned() }.into(), who))
}

fn restart(run: &RunState, who: Who) -> Decision {
    if run.status != RunStatus::Running {
        return refuse(format!("the run is {}", run.status.word()));
    }
    match (run.active, run.interrupt) {
        (None, _) => refuse("no step runs"),
        (_, Some(_)) => refuse("the step is being ended already"),
        (Some(_), None) => one(StepRestarted { who }),
    }
}

/// A run that is parked because tests are blocked goes on when one of them changes.
fn with_unpark(run: &RunState, event: Event, who: Who) -> Vec<Event> {
    let mut events = vec![event];
    if run.needs_person() && matches!(run.park, Some(ParkReason::Blocked { .. })) {
        events.push(Unparked { who }.into());
    }
    events
}

fn retry(run: &RunState, who: Who) -> Decision {
    let blocked = || run.blocked().into_iter().map(|test| TestRetried { test, who }.into());
    match (run.status, &run.park, &run.outcome) {
        (RunStatus::Parked, Some(ParkReason::NeedsHuman { .. }), _) => refuse("it waits for an answer"),
        (RunStatus::Parked, Some(ParkReason::Behind { .. }), _) => hold_behind(run, None, "", who),
        (RunStatus::Parked, Some(ParkReason::Budget { which, fleet: false, .. }), _) => {
            refuse(format!("its {} is used up; set another one", which.word()))
        }
        (RunStatus::Parked, Some(ParkReason::Blocked { .. }), _) => {
            Ok(blocked().chain([Retried { who }.into(), Unparked { who }.into()]).collect())
        }
        (RunStatus::Parked, _, _) => Ok(vec![Retried { who }.into(), Unparked { who }.into()]),
        (RunStatus::Finished, _, Some((Outcome::Done, _))) => {
            refuse("it is done; start the loop again for another run")
        }
        (RunStatus::Finished, _, _) => {
            let more = run.spec.as_ref().map_or(1, |spec| spec.limits.max_iterations).max(1);
            let max_iterations =
                if run.counted >= run.max_iterations { run.counted.saturating_add(more) } else { run.max_iterations };
            let mut events = vec![Reopened { who, max_iterations }.into()];
            events.extend(blocked());
            Ok(events)
        }
        _ => refuse("nothing has failed that could be tried again"),
    }
}

fn rerun_gates(run: &RunState, who: Who) -> Decision {
    not_finished(run)?;
    let Some(iteration) = run.open_iteration() else { return refuse("no iteration is open whose gates could run") };
    if iteration.snapshot.is_none() {
        return refuse("the actor is still at work; its gates run after it");
    }
    if run.gates_of(&iteration.test).is_empty() {
        return refuse("the loop has no gates");
    }
    if run.active_step().is_some_and(|step| !matches!(step.kind, StepKind::Gate(_) | StepKind::Critic)) {
        return refuse("the running step is not a gate");
    }
    let mut events = vec![GatesRerun { who }.into()];
    match run.status {
        RunStatus::Running | RunStatus::Paused => {}
        RunStatus::Parked => {
            events.insert(0, Retried { who }.into());
            events.push(Unparked { who }.into());
        }
        other => return refuse(format!("the run is {}", other.word())),
    }
    Ok(events)
}

fn answer(run: &RunState, text: &str, who: Who) -> Decision {
    let Some(ParkReason::NeedsHuman { question, .. }) = run.park.as_ref().filter(|_| run.needs_person()) else {
        return refuse("nothing was asked");
    };
    let text = said(text)?;
    Ok(vec![Answered { id: run.next_note(), question: question.clone(), text, who }.into(), Unparked { who }.into()])
}

fn add_test(run: &RunState, test: &TestSpec, who: Who) -> Decision {
    not_finished(run)?;
    if test.id.trim().is_empty() || test.title.trim().is_empty() {
        return refuse("a test needs an id and a title");
    }
    if run.test(&test.id).is_some() {
        return refuse(format!("there is a test {} already", test.id));
    }
    if let Some(missing) = test.depends_on.iter().find(|id| run.test(id).is_none()) {
        return refuse(format!("{} depends on {missing}, which does not exist", test.id));
    }
    let test = TestSpec { status: TestStatus::Pending, attempts: 0, last_error: None, ..test.clone() };
    Ok(with_unpark(run, TestAdded { test, who }.into(), who))
}
