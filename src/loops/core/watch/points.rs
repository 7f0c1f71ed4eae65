//! Signals from the critic's findings: they do not go down, come back, or ask for the opposite of the last ones.

use super::findings::Point;
use super::policy::Policy;
use super::trips::Trips;
use super::{Pattern, Sighting};
use crate::loops::core::ids::TestId;

/// Verdicts in which findings may return, or contradict each other, to belong together.
const WINDOW: usize = 6;

/// The test at work and the iterations of it that a critic has judged since the last remedy.
fn judged<'a>(trips: &Trips<'a>) -> Option<(&'a TestId, Vec<u32>)> {
    let test = &trips.all.last()?.iteration.test;
    let all = trips.run.watched.findings.judged(test);
    Some((test, all.into_iter().filter(|iteration| *iteration > trips.run.watched.fresh_after).collect()))
}

/// A finding that is still there after so many verdicts in a row, while no fewer are open.
pub(super) fn stay(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let threshold = policy.count(Pattern::FindingsStay)?;
    let (test, judged) = judged(trips)?;
    let last = judged.get(judged.len().checked_sub(threshold)?..)?;
    let (first, now) = (*last.first()?, *last.last()?);
    let open = |at: u32| points(trips, test).filter(|point| point.seen.contains(&at)).count();
    let stuck: Vec<&Point> = points(trips, test).filter(|p| last.iter().all(|at| p.seen.contains(at))).collect();
    // A little fewer at any time is going down.
    let fewer = last.windows(2).any(|pair| matches!(pair, [before, after] if open(*after) < open(*before)));
    if stuck.is_empty() || fewer {
        return None;
    }
    let what = format!(
        "{} of {} findings are still there after {} verdicts: {}",
        stuck.len(),
        open(now),
        last.len(),
        named(&stuck)
    );
    Some(Sighting::of_iterations(trips.run, Pattern::FindingsStay, first, last.len(), what))
}

/// Findings that came back after they had been worked on.
pub(super) fn come_back(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let threshold = policy.count(Pattern::FindingsReturn)?;
    let (test, judged) = judged(trips)?;
    let window = judged.get(judged.len().saturating_sub(WINDOW)..)?;
    let (first, now) = (*window.first()?, *window.last()?);
    let returned: Vec<(&Point, Vec<u32>)> = points(trips, test)
        .map(|point| (point, point.returns(&judged)))
        .map(|(point, mut returns)| {
            returns.retain(|at| *at >= first);
            (point, returns)
        })
        .filter(|(_, returns)| !returns.is_empty())
        .collect();
    let times: usize = returned.iter().map(|(_, returns)| returns.len()).sum();
    if times < threshold || !returned.iter().any(|(_, returns)| returns.contains(&now)) {
        return None;
    }
    let since = returned.iter().filter_map(|(point, _)| point.seen.iter().find(|at| **at >= first)).min().copied();
    let which: Vec<&Point> = returned.iter().map(|(point, _)| *point).collect();
    let what = format!("{times} times a finding came back that had been worked on: {}", named(&which));
    let since = since.unwrap_or(first);
    let count = judged.iter().filter(|at| **at >= since).count();
    Some(Sighting::of_iterations(trips.run, Pattern::FindingsReturn, since, count, what))
}

/// Findings that ask for the opposite of those in the verdict before.
pub(super) fn contradict(trips: &Trips<'_>, policy: &Policy) -> Option<Sighting> {
    let threshold = policy.count(Pattern::FindingsContradict)?;
    let (_, judged) = judged(trips)?;
    let window = judged.get(judged.len().saturating_sub(WINDOW)..)?;
    let found = trips.run.watched.findings.contradictions().iter().filter(|it| window.contains(&it.iteration));
    let found: Vec<_> = found.collect();
    let last = found.last().filter(|last| Some(&last.iteration) == window.last())?;
    let first = found.first().filter(|_| found.len() >= threshold)?.iteration;
    let what = format!("{} times the opposite is asked for: \"{}\", then \"{}\"", found.len(), last.before, last.after);
    let first = judged.iter().rev().find(|at| **at < first).copied().unwrap_or(first);
    let count = judged.iter().filter(|at| **at >= first).count();
    Some(Sighting::of_iterations(trips.run, Pattern::FindingsContradict, first, count, what))
}

/// The findings of a test that keep it from being done.
fn points<'a>(trips: &Trips<'a>, test: &'a TestId) -> impl Iterator<Item = &'a Point> {
    trips.run.watched.findings.points(test).filter(|point| point.blocks())
}

/// The first few by their place and words.
fn named(points: &[&Point]) -> String {
    let name = |point: &&Point| {
        let finding = &point.finding;
        let text: String = finding.text.chars().take(60).collect();
        match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line} {text}"),
            (Some(file), None) => format!("{file} {text}"),
            _ => text,
        }
    };
    points.iter().take(3).map(name).collect::<Vec<_>>().join("; ")
}
