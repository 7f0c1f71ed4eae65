//! The lines that a record is worth without a screen: [`tell`] weighs it and gives it a tone; the words are
//! [`sentence`]'s, with what a person needs to see beneath.

use crate::app::sentence::sentence;
use crate::loops::core::event::{Event, Outcome, Record, Sign};
use crate::loops::core::state::RunState;
use crate::loops::core::step::StepKind;
use crate::loops::core::verdict::{Decision, Finding, Severity};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Always printed.
    Main,
    /// Printed with `-v`.
    Detail,
}

/// How a line feels, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Neither.
    Plain,
    /// Something went well.
    Good,
    /// Something went wrong.
    Bad,
    /// A person is needed.
    Ask,
}

/// A line about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whether it is printed.
    pub weight: Weight,
    /// Its colour.
    pub tone: Tone,
    /// One line, with text of agents and files as it is.
    pub text: String,
}

/// The lines that a record is worth, given the state after it.
pub fn tell(record: &Record, run: &RunState) -> Vec<Told> {
    let (weight, tone) = weigh(&record.event, run);
    let mut told = vec![Told { weight, tone, text: sentence(&record.event) }];
    if let (Event::GateFinished(e), Some(line)) = (&record.event, told.first_mut())
        && run.is_on_base(e.step)
    {
        line.text.insert_str(0, "on the base, ");
    }
    let mut beneath = |tone, text| told.push(Told { weight, tone, text });
    match &record.event {
        Event::Submitted(e) => beneath(Tone::Plain, format!("  {}", first_line(&e.spec.objective))),
        Event::TestStarted(e) => {
            if let Some(test) = run.test(&e.test).filter(|_| run.tests.len() > 1) {
                beneath(Tone::Plain, format!("  {}", test.title));
            }
        }
        Event::VerdictReached(e) => e.verdict.findings.iter().for_each(|f| beneath(Tone::Plain, finding(f))),
        Event::SnapshotTaken(e) => e.skipped.iter().for_each(|path| beneath(Tone::Bad, format!("  not kept: {path}"))),
        _ => {}
    }
    told
}

fn weigh(event: &Event, run: &RunState) -> (Weight, Tone) {
    let listed = run.tests.len() > 1;
    match event {
        Event::Admitted(_)
        | Event::PauseRequested(_)
        | Event::StopRequested(_)
        | Event::IterationStarted(_)
        | Event::Spawned(_)
        | Event::StepInterrupted(_)
        | Event::PrioritySet(_)
        | Event::AgentSet(_)
        | Event::HeldBehind(_)
        | Event::LimitsSet(_) => (Weight::Detail, Tone::Plain),
        Event::WorkspaceReady(e) if !e.in_place => (Weight::Detail, Tone::Plain),
        Event::WorkspaceReady(_) | Event::Parked(_) | Event::Paused(_) => (Weight::Main, Tone::Ask),
        Event::TestStarted(_) if !listed => (Weight::Detail, Tone::Plain),
        Event::TestPassed(_) => (Weight::Main, Tone::Good),
        Event::TestFailed(_) | Event::TestBlocked(_) => (Weight::Main, Tone::Bad),
        Event::StepStarted(e) if !speaks(&e.kind) => (Weight::Detail, Tone::Plain),
        Event::StepFinished(e) => match run.step(e.step) {
            _ if !e.end.left_behind.is_empty() => (Weight::Main, Tone::Bad),
            Some(step) if matches!(step.kind, StepKind::Gate(_)) => (Weight::Detail, Tone::Plain),
            Some(_) if !e.end.ok() => (Weight::Main, Tone::Bad),
            // What a critic came to is its verdict.
            Some(step) if speaks(&step.kind) && step.kind != StepKind::Critic => (Weight::Main, Tone::Plain),
            _ => (Weight::Detail, Tone::Plain),
        },
        Event::RepositoryTouched(_) | Event::TestsWeighed(_) => (Weight::Main, Tone::Bad),
        Event::SignalRaised(_) => (Weight::Main, Tone::Ask),
        Event::SignalCleared(_) | Event::SignalSeen(_) | Event::StepRestarted(_) => (Weight::Detail, Tone::Plain),
        Event::Signal(e) => match e.sign {
            Sign::Resumed | Sign::Varied => (Weight::Detail, Tone::Plain),
            Sign::NoOutput | Sign::Silent | Sign::Repeating => (Weight::Main, Tone::Ask),
        },
        Event::GateFinished(e) if e.excuse.is_some() || run.is_on_base(e.step) => (Weight::Main, Tone::Plain),
        Event::GateFinished(e) => (Weight::Main, if e.outcome.passed() { Tone::Good } else { Tone::Bad }),
        Event::VerdictReached(e) => match e.verdict.decision {
            Decision::Done => (Weight::Main, Tone::Good),
            Decision::Continue => (Weight::Main, Tone::Plain),
            Decision::NeedsHuman => (Weight::Main, Tone::Ask),
            Decision::Unknown => (Weight::Main, Tone::Bad),
        },
        Event::Finished(e) => (Weight::Main, if e.outcome == Outcome::Done { Tone::Good } else { Tone::Bad }),
        _ => (Weight::Main, Tone::Plain),
    }
}

/// Whether a step of this kind is somebody at work, rather than loopdash's own housekeeping.
const fn speaks(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Actor | StepKind::Critic | StepKind::Setup | StepKind::Hook(_))
}

fn finding(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Blocking => "blocking",
        Severity::Nit => "nit",
    };
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!(" {file}:{line}"),
        (Some(file), None) => format!(" {file}"),
        _ => String::new(),
    };
    format!("  {severity}{place}: {}", finding.text)
}

fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::event::{Finished, SnapshotTaken, Spawned, VerdictReached};
    use crate::loops::core::ids::{Millis, RunId, StepId};
    use crate::loops::core::verdict::Verdict;

    fn told(event: impl Into<Event>) -> Vec<Told> {
        let id = RunId::new(uuid::Uuid::nil());
        let record = Record { seq: 1, at: Millis(0), run: id, event: event.into() };
        let mut run = RunState::new(id);
        run.apply(&record);
        tell(&record, &run)
    }

    #[test]
    fn a_verdict_is_told_with_its_findings() {
        let verdict = Verdict {
            decision: Decision::Continue,
            confidence: Some(0.8),
            summary: "not yet".into(),
            findings: vec![Finding {
                id: "f1".into(),
                severity: Severity::Blocking,
                file: Some("a.rs".into()),
                line: Some(3),
                text: "wrong".into(),
            }],
        };
        let lines = told(VerdictReached { step: StepId(1), verdict });
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["verdict: continue (80%), 1 blocking: not yet", "  blocking a.rs:3: wrong"]);
    }

    #[test]
    fn details_are_marked_so() {
        let spawned = told(Spawned { step: StepId(1), pid: 7, start: 9 });
        assert!(spawned.iter().all(|line| line.weight == Weight::Detail));
        let finished = told(Finished { outcome: Outcome::Failed, reason: "x".into() });
        assert!(finished.iter().all(|line| (line.weight, line.tone) == (Weight::Main, Tone::Bad)));
    }

    #[test]
    fn a_snapshot_names_what_it_could_not_keep() {
        let snapshot = SnapshotTaken {
            step: StepId(1),
            commit: "c".into(),
            tree: "t".into(),
            empty: false,
            parent: None,
            files: 1,
            insertions: 2,
            deletions: 0,
            skipped: vec!["pipe: a FIFO".into()],
            head: None,
            undone: Vec::new(),
            touched: Vec::new(),
        };
        assert_eq!(told(snapshot).last().map(|line| line.text.clone()), Some("  not kept: pipe: a FIFO".to_owned()));
    }
}
