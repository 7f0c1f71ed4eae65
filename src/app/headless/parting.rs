//! What is said last of runs that did not come to be done: why, and the way on. See [`part`].
//!
//! A line each, on standard error, for whoever sees nothing but that and the exit status.

use super::Followed;
use super::interrupt::complain;
use crate::app::sentence::park;
use crate::loops::core::event::{Outcome, ParkReason};
use crate::loops::core::state::RunState;

/// Says it of each run. After an interrupt it has been said for all, and of a run whose journal failed, too.
pub fn part(followed: &Followed) {
    if !followed.interrupted {
        followed.runs.iter().filter_map(last_word).for_each(|line| complain(&line));
    }
}

fn last_word(run: &RunState) -> Option<String> {
    let resume = format!("`loopdash resume {}`", run.label);
    let (why, on) = match (&run.outcome, &run.park) {
        (Some((Outcome::Done, _)), _) | (None, None) => return None,
        (Some((Outcome::Stopped, why)), _) => (format!("was stopped: {why}"), format!("{resume} opens it again")),
        (Some((Outcome::Exhausted, why)), _) => {
            (format!("has not come to its end: {why}"), format!("{resume} gives it as many iterations again"))
        }
        (Some((Outcome::Failed, why)), _) => (format!("has failed: {why}"), format!("{resume} tries again")),
        (None, Some(reason)) => (format!("waits for you: {}", park(reason)), way_on(reason, &resume)),
    };
    Some(format!("{} {why}; {on}", run.label))
}

/// What lets a run that is parked for this go on.
fn way_on(reason: &ParkReason, resume: &str) -> String {
    match reason {
        ParkReason::NeedsHuman { .. } => "`a` in the dashboard (`loopdash`) answers it".to_owned(),
        ParkReason::Budget { fleet: false, .. } => "`M` in the dashboard (`loopdash`) sets another one".to_owned(),
        ParkReason::Budget { fleet: true, .. } => {
            format!("give the fleet another one in the configuration, and {resume} goes on")
        }
        ParkReason::Limit { .. } => format!("{resume} waits for it"),
        ParkReason::Behind { .. } => format!("{resume} waits no longer"),
        ParkReason::Attention { .. } | ParkReason::Blocked { .. } | ParkReason::Account { .. } => {
            format!("when that is mended, {resume} tries again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::event::Trouble;
    use crate::loops::core::ids::{RunId, Who};

    #[test]
    fn each_end_but_done_has_its_cause_and_its_way_on() {
        let mut run = RunState::new(RunId::new(uuid::Uuid::nil()));
        run.label = "auth#2".to_owned();
        assert_eq!(last_word(&run), None, "whose journal failed was told of");
        let question = ParkReason::NeedsHuman { question: "Which one?".to_owned(), from: Who::Actor };
        run.park = Some(question);
        assert_eq!(
            last_word(&run).as_deref(),
            Some(
                "auth#2 waits for you: question of the actor: Which one?; `a` in the dashboard (`loopdash`) answers it"
            )
        );
        run.park = Some(ParkReason::Attention { kind: Trouble::Worktree, detail: "it is gone".to_owned() });
        let mended = "when that is mended, `loopdash resume auth#2` tries again";
        assert!(last_word(&run).is_some_and(|line| line.ends_with(mended) && line.contains("it is gone; ")));
        for (outcome, words) in [
            (
                Outcome::Exhausted,
                Some("auth#2 has not come to its end: why; `loopdash resume auth#2` gives it as many"),
            ),
            (Outcome::Failed, Some("auth#2 has failed: why; `loopdash resume auth#2` tries again")),
            (Outcome::Stopped, Some("auth#2 was stopped: why; `loopdash resume auth#2` opens it again")),
            (Outcome::Done, None),
        ] {
            run.outcome = Some((outcome, "why".to_owned()));
            let line = last_word(&run);
            assert!(line.as_deref().map_or(words.is_none(), |line| line.starts_with(words.unwrap_or("?"))), "{line:?}");
        }
    }
}
