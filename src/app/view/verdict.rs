//! The Verdict pane: what the critic said in each iteration, and what changed since it last spoke.
//!
//! An iteration that never reached the critic says what kept it from there.

use super::diff::{place, severity};
use super::story::decision_mark;
use super::{Out, Scene, find};
use crate::app::history::{Told, told};
use crate::loops::core::ids::Millis;
use crate::loops::core::state::{Iteration, RunState};
use crate::loops::core::watch::Standing;
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
    at: Millis,
    summary: String,
    findings: Vec<(Told<'a>, Option<String>)>,
}

/// The blocks, the latest first.
fn blocks(state: &RunState) -> impl Iterator<Item = Block<'_>> {
    state.iterations.iter().rev().filter_map(|iteration| block(state, iteration))
}

/// What is seen and can be searched: each verdict by itself, followed by its findings, in the order of the screen.
pub fn lines(state: &RunState) -> Vec<String> {
    let mut lines = Vec::new();
    for block in blocks(state) {
        lines.push(format!("i{}\n{}\n{}", block.iteration, block.word, block.summary));
        let finding = |(told, place): &(Told<'_>, Option<String>)| {
            let number = told.number.map(|number| format!("#{number}")).unwrap_or_default();
            let head = severity(told.finding.severity).word();
            let place = place.as_deref().unwrap_or_default();
            [head, &number, place, &told.facts.join(", "), &told.finding.text].join("\n")
        };
        lines.extend(block.findings.iter().map(finding));
    }
    lines
}

/// The file and line of a finding, by its verdict's iteration and its place among those shown with it.
pub fn place_of(state: &RunState, (iteration, index): (u32, usize)) -> Option<(&str, Option<u32>)> {
    let block = blocks(state).find(|block| block.iteration == iteration)?;
    let finding = block.findings.get(index)?.0.finding;
    Some((finding.file.as_deref()?, finding.line))
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    find::want(scene, state, state.seq, None, out);
    let spec = state.spec.as_deref();
    let critic = spec.and_then(|spec| spec.critic.as_ref()).map_or("no critic", |critic| critic.name.as_str());
    let blocks: Vec<(Block<'_>, String)> = blocks(state)
        .map(|block| {
            let when = scene.clock.when(block.at);
            (block, when)
        })
        .collect();
    let current = find::current(scene);
    // Lines are counted as `lines` has them: each block's own, then its findings'.
    let firsts = blocks.iter().scan(0, |next, (block, _)| {
        let first = *next;
        *next += 1 + block.findings.len();
        Some(first)
    });
    let firsts: Vec<usize> = firsts.collect();
    let rows: Vec<Vec<FindingRow<'_>>> =
        blocks.iter().zip(&firsts).map(|((block, _), first)| finding_rows(block, first + 1, current)).collect();
    let props: Vec<VerdictBlock<'_>> = blocks
        .iter()
        .zip(rows.iter().zip(&firsts))
        .map(|((block, when), (findings, first))| VerdictBlock {
            iteration: block.iteration,
            mark: block.mark,
            word: &block.word,
            confidence: block.confidence,
            critic: if block.judged { critic } else { "" },
            when,
            summary: &block.summary,
            findings,
            selected: current == Some(*first),
        })
        .collect();
    let view = VerdictView {
        theme: scene.theme,
        blocks: &props,
        scroll: 0,
        empty: "no verdict yet: the critic speaks after the gates",
    };
    let height = usize::from(area.height);
    let last = view.height(area.width).saturating_sub(height);
    let hit = view.selected_rows(area.width);
    let mut scroll = scene.ui.tops.verdict.min(last);
    if find::reveal(scene).is_some() {
        out.seen.revealed = true;
        if hit.start < scroll || hit.end > scroll + height {
            scroll = hit.start.saturating_sub(height / 3).min(last);
        }
    }
    out.seen.tops.verdict = scroll;
    out.seen.page = height.max(1);
    let stands = view.finding_at(scroll, area.width);
    out.seen.finding = stands.and_then(|(at, index)| Some((blocks.get(at)?.0.iteration, index)));
    VerdictView { scroll, ..view }.render(area, buf);
    let place = |y: u16| {
        let row = scroll + usize::from(y);
        (Rect { y: area.y + y, height: 1, width: area.width.saturating_sub(1), ..area }, hit.contains(&row))
    };
    let places: Vec<find::Place> = (0..area.height).map(place).collect();
    find::mark(scene, &places, buf);
}

/// The rows of a block's findings, the first of which is line `first`.
fn finding_rows<'b>(block: &'b Block<'_>, first: usize, current: Option<usize>) -> Vec<FindingRow<'b>> {
    let row = |(line, (told, place)): (usize, &'b (Told<'_>, Option<String>))| FindingRow {
        severity: severity(told.finding.severity),
        number: told.number,
        place: place.as_deref(),
        text: &told.finding.text,
        change: match told.standing {
            Standing::New => Change::New,
            Standing::StillThere => Change::StillThere,
            Standing::Back => Change::Back,
            Standing::Gone => Change::Gone,
        },
        facts: &told.facts,
        selected: current == Some(line),
    };
    (first..).zip(&block.findings).map(row).collect()
}

/// The block of an iteration; `None` while nothing has judged it.
fn block<'a>(state: &'a RunState, iteration: &'a Iteration) -> Option<Block<'a>> {
    let at = iteration.ended.unwrap_or(iteration.started);
    let Some(verdict) = &iteration.verdict else {
        let result = iteration.result.as_ref()?;
        let failed: Vec<&str> = iteration.failed_gates().map(|gate| gate.name.as_str()).collect();
        let (mark, word) = match (failed.is_empty(), iteration.passed) {
            (false, _) => (Mark::Failed, format!("gates failed: {}", failed.join(", "))),
            (true, true) => (Mark::Passed, "done by its gates".to_owned()),
            (true, false) => (Mark::Skipped, "not judged".to_owned()),
        };
        let word = standing(iteration, word);
        let findings = Vec::new();
        let summary = if result == "asked" { "its actor asked a question".to_owned() } else { result.clone() };
        let judged = false;
        return Some(Block {
            iteration: iteration.number,
            mark,
            judged,
            word,
            confidence: None,
            at,
            summary,
            findings,
        });
    };
    let findings = told(state, iteration).into_iter().map(|told| {
        let place = place(told.finding);
        (told, place)
    });
    Some(Block {
        iteration: iteration.number,
        mark: decision_mark(verdict.decision),
        judged: true,
        word: standing(iteration, verdict.decision.word().to_owned()),
        confidence: verdict.confidence,
        at,
        summary: verdict.summary.clone(),
        findings: findings.collect(),
    })
}

/// The word, with whether a rewind went back behind it.
fn standing(iteration: &Iteration, word: String) -> String {
    if iteration.aside { format!("{word}, set aside") } else { word }
}
