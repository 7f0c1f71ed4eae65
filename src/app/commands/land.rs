//! `loopdash land RUN`: puts the work of a run that is over on its target, in one commit. Weakened tests and an end that is
//! not done are asked about first.

use super::hand::Hand;
use super::show::find;
use super::text::{asked, line};
use crate::app::cli::args::LandArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::Context;
use crate::app::sentence::landing;
use crate::loops::core::command::Ask;
use crate::loops::core::decide::decide;
use crate::loops::core::event::Chore;
use crate::loops::core::ids::Who;
use crate::loops::core::state::{Landing, RunState};
use crate::loops::engine::workshop::{git_workspace, joined_event, landing as wish};
use crate::loops::git::{land as join, standing};
use std::io::Write;

/// Asks where something has to be asked, and lands it.
///
/// # Errors
/// No run, or more than one, is called so; it is not over, or has nothing to land; another process has it. A conflict, and a
/// question that nobody said yes to, are status 3.
pub fn land(context: &Context, args: &LandArgs) -> Result<Exit, Failure> {
    let store = context.store()?;
    let found = find(&store, &args.run)?.state;
    let label = line(&found.label);
    // What can be refused is refused before anything is asked.
    refused(&found)?;
    let questions = found.ask_before_landing();
    let mut out = std::io::stdout().lock();
    if !questions.is_empty() && !args.weakened {
        for question in &questions {
            writeln!(out, "{label}: {}", line(question))?;
        }
        let answer = asked(&mut out, &mut std::io::stdin().lock(), "Land it all the same? Only \"yes\" does: ")?;
        if answer.as_deref() != Some("yes") {
            writeln!(out, "nothing was landed")?;
            return Ok(Exit::NeedsPerson);
        }
    }
    let mut hand = Hand::take(&store, found.id).map_err(Failure::Held)?;
    if hand.state.seq != found.seq {
        return Err(Failure::Held(format!("something has happened to {label} since it was looked at; land it again")));
    }
    let chore = Chore::Land { asked: !questions.is_empty() };
    let work = hand.state.workspace.as_ref().zip(hand.state.last_commit()).zip(hand.state.spec.as_ref());
    let Some(((place, commit), spec)) = work else {
        return Err(Failure::Data(format!("{label} has nothing to land")));
    };
    let workspace = git_workspace(hand.state.id, place);
    let (wish, commit) = (wish(spec, &workspace, commit.to_owned()), commit.to_owned());
    hand.ask(chore).map_err(Failure::Failed)?;
    let joined = match join(&wish) {
        Ok(joined) => joined,
        Err(error) => {
            let why = error.to_string();
            hand.give_up(chore, &why).map_err(Failure::Failed)?;
            return Err(Failure::Failed(why));
        }
    };
    hand.add(vec![joined_event(joined, None)]).map_err(Failure::Failed)?;
    hand.summarise(&store).map_err(Failure::Failed)?;
    let Some(came) = hand.release().landing else { return Ok(Exit::Failed) };
    writeln!(out, "{label}: {}", line(&landing(&came)))?;
    if standing(&workspace, Some(&commit)).is_ok_and(|standing| standing.dirty) {
        writeln!(out, "{label}: what was changed in its worktree since the last snapshot was not landed")?;
    }
    Ok(match came {
        Landing::Merged(_) => Exit::Done,
        Landing::Conflicted(_) => Exit::NeedsPerson,
    })
}

fn refused(run: &RunState) -> Result<(), Failure> {
    match decide(run, &Ask::Chore { chore: Chore::Land { asked: true } }, Who::Cli) {
        Ok(_) => Ok(()),
        Err(rejected) => Err(Failure::Data(format!("{}: {}", line(&run.label), rejected.0))),
    }
}
