//! The Verdict pane: what the critic said in each iteration, and what changed since it last spoke.
//!
//! An iteration that never reached the critic says what kept it from there.

use super::diff::{place, severity};
use super::story::decision_mark;
use super::{Out, Scene};
use crate::loops::core::state::{Iteration, RunState};
use crate::loops::core::verdict::{Decision, Finding, Severity as Grave};
use crate::widgets::mark::Mark;
use crate::widgets::verdict_view::{Change, FindingRow, VerdictBlock, VerdictView};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// An iteration's block with the texts that its props borrow.
struct Block<'a> {
    iteration: u32,
    mark: Mark,
    /// Whether a critic saw it.
    judged: bool,
    word: String,
    confidence: Option<f64>,
    when: String,
    summary: String,
    findings: Vec<(&'a Finding, Option<String>, Change)>,
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    let spec = state.spec.as_deref();
    let critic = spec.and_then(|spec| spec.critic.as_ref()).map_or("no critic", |critic| critic.name.as_str());
    let blocks: Vec<Block<'_>> = state
        .iterations
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(i, iteration)| block(scene, state, i, iteration))
        .collect();
    let rows: Vec<Vec<FindingRow<'_>>> = blocks.iter().map(finding_rows).collect();
    let props: Vec<VerdictBlock<'_>> = blocks
        .iter()
        .zip(&rows)
        .map(|(block, findings)| VerdictBlock {
            iteration: block.iteration,
            mark: block.mark,
            word: &block.word,
            confidence: block.confidence,
            critic: if block.judged { critic } else { "" },
            when: &block.when,
            summary: &block.summary,
            findings,
        })
        .collect();
    let view = VerdictView {
        theme: scene.theme,
        blocks: &props,
        scroll: 0,
        empty: "no verdict yet: the critic speaks after the gates",
    };
    let height = view.height(area.width);
    let scroll = scene.ui.tops.verdict.min(height.saturating_sub(usize::from(area.height)));
    out.seen.tops.verdict = scroll;
    out.seen.page = usize::from(area.height).max(1);
    VerdictView { scroll, ..view }.render(area, buf);
}

fn finding_rows<'b>(block: &'b Block<'_>) -> Vec<FindingRow<'b>> {
    let row = |(finding, place, change): &'b (&Finding, Option<String>, Change)| FindingRow {
        severity: severity(finding.severity),
        place: place.as_deref(),
        text: &finding.text,
        change: *change,
        selected: false,
    };
    block.findings.iter().map(row).collect()
}

/// The block of an iteration; `None` while nothing has judged it.
fn block<'a>(scene: &Scene<'_>, state: &'a RunState, index: usize, iteration: &'a Iteration) -> Option<Block<'a>> {
    let when = scene.clock.when(iteration.ended.unwrap_or(iteration.started));
    let Some(verdict) = &iteration.verdict else {
        let result = iteration.result.as_ref()?;
        let failed: Vec<&str> = iteration.failed_gates().map(|gate| gate.name.as_str()).collect();
        let (mark, word) = match (failed.is_empty(), iteration.passed) {
            (false, _) => (Mark::Failed, format!("gates failed: {}", failed.join(", "))),
            (true, true) => (Mark::Passed, "done by its gates".to_owned()),
            (true, false) => (Mark::Skipped, "not judged".to_owned()),
        };
        let findings = Vec::new();
        let summary = if result == "asked" { "its actor asked a question".to_owned() } else { result.clone() };
        let judged = false;
        return Some(Block {
            iteration: iteration.number,
            mark,
            judged,
            word,
            confidence: None,
            when,
            summary,
            findings,
        });
    };
    let before = state.iterations.get(..index).unwrap_or_default().iter().rev();
    let before = before.filter(|earlier| earlier.test == iteration.test).find_map(|earlier| earlier.verdict.as_ref());
    let earlier: &[Finding] = before.map_or(&[], |verdict| &verdict.findings);
    let mut findings: Vec<(&Finding, Option<String>, Change)> = Vec::new();
    for finding in &verdict.findings {
        let known = earlier.iter().any(|other| same(other, finding));
        findings.push((finding, place(finding), if known { Change::StillThere } else { Change::New }));
    }
    findings.sort_by_key(|(finding, ..)| finding.severity != Grave::Blocking);
    // A verdict that could not be read says nothing about what is gone.
    if verdict.decision != Decision::Unknown {
        let gone = earlier.iter().filter(|other| !verdict.findings.iter().any(|finding| same(other, finding)));
        findings.extend(gone.map(|finding| (finding, place(finding), Change::Gone)));
    }
    Some(Block {
        iteration: iteration.number,
        mark: decision_mark(verdict.decision),
        judged: true,
        word: verdict.decision.word().to_owned(),
        confidence: verdict.confidence,
        when,
        summary: verdict.summary.clone(),
        findings,
    })
}

/// Whether two verdicts mean the same point: by the critic's id, or by what it says about which file.
fn same(one: &Finding, other: &Finding) -> bool {
    one.id == other.id || (one.file == other.file && one.text == other.text)
}
