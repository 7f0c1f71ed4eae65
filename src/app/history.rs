//! What became of each finding through a run's verdicts: for the Verdict pane and `loopdash show`.
//!
//! A finding keeps one number in its run, whatever its critic calls it.

use crate::loops::core::state::{Iteration, RunState};
use crate::loops::core::verdict::{Decision, Finding, Severity};
use crate::loops::core::watch::{Point, Standing};

/// A finding as of the verdict of an iteration.
#[derive(Debug)]
pub struct Told<'a> {
    /// As the verdict has it; one that is gone as it was named last.
    pub finding: &'a Finding,
    /// Its number in the run; `None` for one that is forgotten.
    pub number: Option<u32>,
    /// Where it stands.
    pub standing: Standing,
    /// What happened to it until then, what says most first; nothing of a new one.
    pub facts: Vec<String>,
}

/// The findings of an iteration's verdict, the blocking ones first, and then those that are gone since the one before.
pub fn told<'a>(state: &'a RunState, iteration: &'a Iteration) -> Vec<Told<'a>> {
    let Some(verdict) = &iteration.verdict else { return Vec::new() };
    let (ledger, now) = (&state.watched.findings, iteration.number);
    // What was set aside was no step on the way of what stands.
    let on_the_way = |at: &u32| {
        let aside = state.iterations.iter().find(|one| one.number == *at).is_some_and(|one| one.aside);
        *at <= now && (iteration.aside || !aside)
    };
    let judged: Vec<u32> = ledger.verdicts(&iteration.test).filter(on_the_way).collect();
    let named = verdict.findings.iter().enumerate().map(|(index, finding)| {
        let point = ledger.point_at(now, index);
        let standing = point.map_or(Standing::New, |point| point.standing(&judged, now));
        let facts = point.map(|point| facts(point, standing, &judged, now)).unwrap_or_default();
        Told { finding, number: point.map(|point| point.id), standing, facts }
    });
    let mut told: Vec<Told<'_>> = named.collect();
    told.sort_by_key(|told| told.finding.severity != Severity::Blocking);
    // A verdict that could not be read says nothing about what is gone.
    let before = judged.iter().rev().find(|at| **at < now).filter(|_| verdict.decision != Decision::Unknown);
    if let Some(before) = before {
        let gone =
            ledger.points(&iteration.test).filter(|point| point.seen.contains(before) && !point.seen.contains(&now));
        told.extend(gone.map(|point| {
            let facts = facts(point, Standing::Gone, &judged, now);
            Told { finding: &point.finding, number: Some(point.id), standing: Standing::Gone, facts }
        }));
    }
    told
}

/// `lines not touched`, `claimed fixed i3`, `raised i2`: each as of `now`.
fn facts(point: &Point, standing: Standing, judged: &[u32], now: u32) -> Vec<String> {
    if standing == Standing::New {
        return Vec::new();
    }
    let last = |when: &[u32]| when.iter().rev().find(|at| **at <= now).copied();
    let mut facts = Vec::new();
    match last(&point.touched) {
        Some(at) => facts.push(format!("lines touched i{at}")),
        // Of one that names no place nobody can tell.
        None if point.finding.file.is_some() => facts.push("lines not touched".to_owned()),
        None => {}
    }
    facts.extend(last(&point.claimed).map(|at| format!("claimed fixed i{at}")));
    if standing == Standing::Back {
        let since = point.seen.iter().rev().find(|at| **at < now && judged.contains(at));
        let gone = since.and_then(|since| judged.iter().find(|at| *at > since));
        facts.extend(gone.map(|at| format!("gone i{at}")));
    }
    let raised = point.seen.iter().find(|at| judged.contains(at));
    facts.extend(raised.map(|at| format!("raised i{at}")));
    facts
}

/// `new`, `still there`, `back`, `gone`.
pub const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "new",
        Standing::StillThere => "still there",
        Standing::Back => "back",
        Standing::Gone => "gone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::ids::{Millis, RunId};
    use crate::loops::core::verdict::Verdict;

    fn finding(id: &str, line: u32, text: &str) -> Finding {
        let severity = Severity::Blocking;
        Finding {
            id: id.to_owned(),
            severity,
            file: Some("src/a.rs".to_owned()),
            line: Some(line),
            text: text.to_owned(),
        }
    }

    /// A run whose iterations end with these findings; the second one is claimed to be all, and touches the first.
    fn run(verdicts: &[Vec<Finding>]) -> RunState {
        let mut run = RunState::new(RunId::new(uuid::Uuid::nil()));
        let test = "t".to_owned();
        for (number, findings) in (1..).zip(verdicts) {
            let mut iteration = Iteration::new(number, test.clone(), Millis(u64::from(number)));
            if number == 2 {
                run.watched.findings.claim(number, &test, &[]);
                run.watched.findings.touch(number, &[1]);
            }
            let (decision, summary) = (Decision::Continue, String::new());
            iteration.verdict = Some(Verdict { decision, confidence: None, summary, findings: findings.clone() });
            run.watched.findings.judge(number, &test, findings);
            run.iterations.push(iteration);
        }
        run
    }

    fn words(run: &RunState, number: usize) -> Vec<(Option<u32>, &'static str, String)> {
        let told = told(run, &run.iterations[number - 1]);
        told.iter().map(|told| (told.number, word(told.standing), told.facts.join(", "))).collect()
    }

    #[test]
    fn a_finding_keeps_its_number_from_raised_to_gone_and_back() {
        let lock = |id| finding(id, 9, "the lock is held while the file is written");
        let name = |id| finding(id, 80, "an empty name is taken although the docs refuse it");
        let run =
            run(&[vec![lock("f1"), name("f2")], vec![name("f1"), lock("f2")], vec![name("f1")], vec![lock("f9")]]);
        assert_eq!(words(&run, 1), [(Some(1), "new", String::new()), (Some(2), "new", String::new())]);
        let still =
            |number, touched: &str| (Some(number), "still there", format!("{touched}, claimed fixed i2, raised i1"));
        assert_eq!(words(&run, 2), [still(2, "lines not touched"), still(1, "lines touched i2")]);
        let gone = |number, touched: &str| (Some(number), "gone", format!("{touched}, claimed fixed i2, raised i1"));
        assert_eq!(words(&run, 3), [still(2, "lines not touched"), gone(1, "lines touched i2")]);
        let back = (Some(1), "back", "lines touched i2, claimed fixed i2, gone i3, raised i1".to_owned());
        assert_eq!(words(&run, 4), [back, gone(2, "lines not touched")]);
    }

    #[test]
    fn what_was_set_aside_was_not_on_the_way() {
        let lock = || finding("f1", 9, "the lock is held while the file is written");
        let mut run = run(&[vec![lock()], vec![], vec![lock()]]);
        assert_eq!(words(&run, 3)[0].1, "back");
        run.iterations[1].aside = true;
        assert_eq!(words(&run, 3)[0].1, "still there");
        assert_eq!(words(&run, 2)[0].1, "gone", "in its own time it was");
    }
}
