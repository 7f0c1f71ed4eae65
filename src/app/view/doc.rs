//! The output of a run as one document: all its steps in order, each under a rule. See [`Doc`].
//!
//! Lines are numbered through the whole document. It only grows at its end, so a number stays true.

use super::loaded::LiveFacts;
use crate::loops::agent::transcript::Edition;
use crate::loops::core::ids::StepId;
use crate::loops::core::state::{RunState, StepRecord};
use std::ops::Range;

/// A step's place in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which step.
    pub step: StepId,
    /// Which of its transcripts.
    pub edition: Edition,
    /// The document line of its rule; its output begins on the next.
    pub rule: u64,
    /// Lines of output.
    pub lines: u64,
}

impl Part {
    const fn end(&self) -> u64 {
        self.rule + 1 + self.lines
    }
}

/// One line of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocLine {
    /// The rule above a step's output.
    Rule(StepId),
    /// A line of a step's output, from 0.
    Text(StepId, u64),
}

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doc {
    parts: Vec<Part>,
    raw: bool,
}

impl Doc {
    /// The document of a run whose running step is as far as `live` says. Where a step has a story, that is shown, but
    /// for `raw`: then all that it printed.
    pub fn of(state: &RunState, live: Option<LiveFacts>, raw: bool) -> Self {
        let mut rule = 0;
        let parts = state.steps.iter().map(|step| {
            let (edition, lines) = stretch(step, live.filter(|live| live.step == step.id), raw);
            let part = Part { step: step.id, edition, rule, lines };
            rule = part.end();
            part
        });
        Self { parts: parts.collect(), raw }
    }

    /// Whether it shows all that was printed, where there is a story.
    pub const fn is_raw(&self) -> bool {
        self.raw
    }

    /// The step that a document line belongs to; the last one, if the document is shorter.
    pub fn step_at(&self, line: u64) -> Option<StepId> {
        let index = self.parts.partition_point(|part| part.rule <= line).checked_sub(1)?;
        self.parts.get(index).map(|part| part.step)
    }

    /// The document line of a step's rule.
    pub fn rule_of(&self, step: StepId) -> Option<u64> {
        self.parts.iter().find(|part| part.step == step).map(|part| part.rule)
    }

    /// Lines in all.
    pub fn total(&self) -> u64 {
        self.parts.last().map_or(0, Part::end)
    }

    /// The document line of a step's output line.
    pub fn line_of(&self, step: StepId, line: u64) -> Option<u64> {
        let index = self.parts.binary_search_by_key(&step, |part| part.step).ok()?;
        self.parts.get(index).filter(|part| line < part.lines).map(|part| part.rule + 1 + line)
    }

    /// What stands on a document line.
    pub fn at(&self, line: u64) -> Option<DocLine> {
        let index = self.parts.partition_point(|part| part.rule <= line).checked_sub(1)?;
        let part = self.parts.get(index).filter(|part| line < part.end())?;
        Some(match line.checked_sub(part.rule + 1) {
            None => DocLine::Rule(part.step),
            Some(line) => DocLine::Text(part.step, line),
        })
    }

    /// The pieces of output in a range of document lines: step, its lines, and the document line of the first.
    pub fn pieces(&self, range: Range<u64>) -> Vec<(Part, Range<u64>, u64)> {
        let first = self.parts.partition_point(|part| part.end() <= range.start);
        let overlapping = self.parts.iter().skip(first).take_while(|part| part.rule < range.end);
        overlapping
            .filter_map(|part| {
                let text = part.rule + 1;
                let (from, to) = (range.start.max(text), range.end.min(part.end()));
                (from < to).then(|| (*part, from - text..to - text, from))
            })
            .collect()
    }

    /// Steps with their lines, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

/// Which transcript of a step is shown, and its lines.
fn stretch(step: &StepRecord, live: Option<LiveFacts>, raw: bool) -> (Edition, u64) {
    let counted = step.lines().unwrap_or(0);
    let told = step.story().into_iter().chain(live.and_then(|live| live.story)).max();
    match told {
        Some(lines) if !raw => (Edition::Story, lines),
        _ => (Edition::Raw, live.map_or(counted, |live| live.lines.max(counted))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::fixture;

    #[test]
    fn every_line_is_a_rule_or_a_line_of_one_step() {
        let state = fixture::run("auth-refactor");
        let doc = Doc::of(&state, None, false);
        assert!(doc.parts().len() > 3 && doc.total() > 20);
        let mut seen = Vec::new();
        for line in 0..doc.total() {
            let at = doc.at(line);
            if let Some(DocLine::Text(step, number)) = at {
                assert_eq!(doc.line_of(step, number), Some(line));
            }
            seen.extend(at);
        }
        seen.dedup();
        assert_eq!(seen.len() as u64, doc.total());
        assert_eq!(doc.at(doc.total()), None);
    }

    #[test]
    fn pieces_cover_a_range_without_its_rules() {
        let state = fixture::run("auth-refactor");
        let doc = Doc::of(&state, None, false);
        for from in 0..doc.total() {
            for to in from..=doc.total() + 3 {
                let texts = (from..to).filter(|line| matches!(doc.at(*line), Some(DocLine::Text(..)))).count() as u64;
                let pieces = doc.pieces(from..to);
                assert_eq!(pieces.iter().map(|(_, lines, _)| lines.end - lines.start).sum::<u64>(), texts);
                for (part, lines, at) in pieces {
                    assert_eq!(doc.line_of(part.step, lines.start), Some(at));
                }
            }
        }
    }

    #[test]
    fn a_running_step_has_the_lines_that_are_there() {
        let state = fixture::run("auth-refactor");
        let step = state.active.unwrap_or(StepId(0));
        let live = LiveFacts { run: state.id, step, lines: 500, story: None, lively: true };
        let before = Doc::of(&state, None, false).total();
        assert_eq!(Doc::of(&state, Some(live), false).total(), before + 500);
    }

    #[test]
    fn a_story_is_shown_unless_all_is_wanted() {
        let state = fixture::run("auth-refactor");
        let step = state.active.unwrap_or(StepId(0));
        let live = LiveFacts { run: state.id, step, lines: 500, story: Some(7), lively: true };
        let of = |raw| Doc::of(&state, Some(live), raw).parts().last().map(|part| (part.edition, part.lines));
        assert_eq!(of(false), Some((Edition::Story, 7)));
        assert_eq!(of(true), Some((Edition::Raw, 500)));
    }
}
