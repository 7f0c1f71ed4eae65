//! The exit status that runs come to: [`exit`].
//!
//! Of several runs the one that most needs somebody decides: failed, then waiting, then exhausted, then stopped.

use super::Followed;
use crate::app::cli::exit::Exit;
use crate::loops::core::state::RunState;

/// How a headless loopdash exits.
pub fn exit(followed: &Followed) -> Exit {
    match followed {
        Followed { interrupted: true, .. } => Exit::Interrupted,
        Followed { lost: true, .. } => Exit::Failed,
        _ => of_runs(&followed.runs),
    }
}

fn of_runs(runs: &[RunState]) -> Exit {
    let exits: Vec<Exit> = runs.iter().map(of_run).collect();
    let worst = [Exit::Failed, Exit::NeedsPerson, Exit::Limit, Exit::Interrupted];
    worst.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Done)
}

/// The exit of one run; one that has not ended waits for a person, whatever it is parked for.
fn of_run(run: &RunState) -> Exit {
    run.outcome.as_ref().map_or(Exit::NeedsPerson, |(outcome, _)| Exit::from(*outcome))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::event::Outcome;
    use crate::loops::core::ids::RunId;

    fn run(outcome: Option<Outcome>) -> RunState {
        let mut run = RunState::new(RunId::new(uuid::Uuid::nil()));
        run.outcome = outcome.map(|outcome| (outcome, String::new()));
        run
    }

    #[test]
    fn the_worst_run_decides() {
        for (outcomes, expected) in [
            (vec![Some(Outcome::Done)], Exit::Done),
            (vec![Some(Outcome::Done), Some(Outcome::Exhausted)], Exit::Limit),
            (vec![Some(Outcome::Exhausted), None, Some(Outcome::Failed)], Exit::Failed),
            (vec![Some(Outcome::Done), None, Some(Outcome::Exhausted)], Exit::NeedsPerson),
            (vec![Some(Outcome::Stopped), Some(Outcome::Done)], Exit::Interrupted),
        ] {
            let runs: Vec<RunState> = outcomes.into_iter().map(run).collect();
            assert_eq!(of_runs(&runs), expected);
        }
    }

    #[test]
    fn an_interrupt_outranks_them() {
        let followed =
            Followed { runs: vec![run(Some(Outcome::Failed))], interrupted: true, late: false, lost: true, gone: None };
        assert_eq!(exit(&followed), Exit::Interrupted);
    }
}
