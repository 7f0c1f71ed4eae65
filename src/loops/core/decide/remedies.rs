//! What can be done about a run that seems stuck, and about a test that is blocked.
//!
//! Each remedy is journalled as taken, followed by what it comes to.

use super::{Decision, decide, not_finished, one, own_worktree, refuse, restart, said, with_unpark};
use crate::loops::core::agent::Role;
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Chore, ChoreAsked, Guidance, RemedyTaken, TestReset, When};
use crate::loops::core::ids::{TestId, Who};
use crate::loops::core::state::RunState;
use crate::loops::core::step::StepKind;
use crate::loops::core::test_state::TestStatus;
use crate::loops::core::transition::RunStatus;
use crate::loops::core::watch::{Pattern, Remedy, best, note_for};

/// A remedy for a signal that is raised.
pub(super) fn heal(run: &RunState, pattern: Pattern, remedy: Remedy, text: &str, who: Who) -> Decision {
    not_finished(run)?;
    let Some(raised) = run.watched.raised(pattern) else { return refuse("there is no such signal any more") };
    let sighting = &raised.sighting;
    let test = run.iterations.last().map(|iteration| iteration.test.clone());
    let why = || if text.trim().is_empty() { sighting.what.clone() } else { text.trim().to_owned() };
    let own = match remedy {
        Remedy::Note => {
            let text = if text.trim().is_empty() { note_for(sighting) } else { said(text)? };
            // An actor that goes in circles does not end by itself; of another step's end it would lose its work.
            let actor = run.active_step().is_some_and(|step| step.kind == StepKind::Actor);
            let when = if pattern.of_step() && actor { When::Now } else { When::Next };
            one(Guidance { id: run.next_note(), text, when, who })
        }
        Remedy::Restart => restart(run, who),
        Remedy::Stronger => stronger(run, who),
        Remedy::Rewind => rewind(run, who),
        Remedy::Skip | Remedy::Waive => {
            let Some(test) = test else { return refuse("no test is at work") };
            take_away(run, test, remedy, why(), who)
        }
        Remedy::Park if run.status == RunStatus::Running => Ok(Vec::new()),
        Remedy::Park => refuse(format!("the run is {}", run.status.word())),
    }?;
    let taken = RemedyTaken { remedy, pattern: Some(pattern), test: None, what: sighting.what.clone(), who };
    Ok(std::iter::once(taken.into()).chain(own).collect())
}

/// A remedy for a test that is out of attempts. Those that depend on it follow.
pub(super) fn unblock(run: &RunState, id: &TestId, remedy: Remedy, who: Who) -> Decision {
    not_finished(run)?;
    let Some(test) = run.test(id).filter(|test| test.status == TestStatus::Blocked) else {
        return refuse(format!("{id} is not blocked"));
    };
    let what = test.last_error.clone().unwrap_or_else(|| "out of attempts".to_owned());
    let own = match remedy {
        Remedy::Stronger => {
            let mut own = stronger(run, who)?;
            own.extend(with_unpark(run, TestReset { test: id.clone(), who }.into(), who));
            Ok(own)
        }
        Remedy::Skip | Remedy::Waive => take_away(run, id.clone(), remedy, what.clone(), who),
        other => refuse(format!("{} is nothing for a blocked test", other.word())),
    }?;
    let taken = RemedyTaken { remedy, pattern: None, test: Some(id.clone()), what, who };
    Ok(std::iter::once(taken.into()).chain(own).collect())
}

fn take_away(run: &RunState, test: TestId, remedy: Remedy, why: String, who: Who) -> Decision {
    let ask = match remedy {
        Remedy::Skip => Ask::SkipTest { test, why },
        _ => Ask::WaiveTest { test, why },
    };
    decide(run, &ask, who)
}

fn stronger(run: &RunState, who: Who) -> Decision {
    let Some(stronger) = run.spec.as_ref().and_then(|spec| spec.stronger.as_ref()) else {
        return refuse("the loop names no stronger agent; A gives its role to another one");
    };
    decide(run, &Ask::SetAgent { role: Role::Actor, agent: Box::new(stronger.agent.clone()) }, who)
}

/// Back to what the best iteration of the test at work left. A running step is ended for it, and the run goes on as it was
/// going.
fn rewind(run: &RunState, who: Who) -> Decision {
    own_worktree(run)?;
    match run.status {
        RunStatus::Running | RunStatus::Paused | RunStatus::Parked => {}
        other => return refuse(format!("the run is {}", other.word())),
    }
    if run.chore.is_some() {
        return refuse("its worktree is being changed already");
    }
    let last = run.standing().rev().find(|iteration| iteration.snapshot.is_some());
    let Some((last, (best, _))) = last.and_then(|last| Some((last, best(run, &last.test)?))) else {
        return refuse("nothing was judged yet that it could go back to");
    };
    if best.number == last.number {
        return refuse(format!("no iteration was better than i{}, the last one", best.number));
    }
    one(ChoreAsked { chore: Chore::Rewind { iteration: best.number }, who })
}
