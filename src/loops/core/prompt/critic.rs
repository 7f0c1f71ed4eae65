//! The critic's prompt: what was asked, what changed, what the harness measured, and the one object to return.
//!
//! [`critic`] cuts, in this order, tails of gates that passed, tails of those that failed, earlier findings, and the
//! diff; objective, criteria and the operator's notes stay whole.

use super::budget::{Block, Keep};
use super::fence::{LineEnds, code, fence, one_line, visible};
use super::{
    Draft, GateTail, OperatorNote, Prompt, PromptError, TestBrief, body, criteria_block, findings_block, gate_blocks,
    gates_text, notes_block, objective_block, test_values,
};
use crate::loops::core::verdict::{Finding, MIN_CONFIDENCE};
use crate::loops::core::weigh::TestChange;
use minijinja::value::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Bytes that earlier findings keep while the diff can give way.
const FINDINGS_FLOOR: usize = 8 * 1024;
/// Bytes that the diff keeps while others can give way.
const DIFF_FLOOR: usize = 32 * 1024;

/// What the critic is told.
#[derive(Clone, Copy, Debug)]
pub struct CriticPrompt<'a> {
    /// What the loop is to reach.
    pub objective: &'a str,
    /// The test under review; `None` when the objective is the only one.
    pub test: Option<TestBrief<'a>>,
    /// What the work is measured against: a commit.
    pub base: Option<&'a str>,
    /// The change since then, as a unified diff; empty if there is none.
    pub diff: &'a str,
    /// What the gates of this iteration came to.
    pub gates: &'a [GateTail<'a>],
    /// The ways in which the change weakens tests and checks, as loopdash saw them.
    pub weakened: &'a [TestChange],
    /// Findings of the last verdict on this test.
    pub findings: &'a [Finding],
    /// Everything that the operator told the actor in this run.
    pub notes: &'a [OperatorNote<'a>],
    /// Whether the actor claimed completion.
    pub claimed: bool,
    /// Whether the work is in the operator's own checkout.
    pub in_place: bool,
    /// The one-time key that the answer has to repeat; held by no other prompt.
    pub key: &'a str,
    /// When asked again: what was wrong with the last answer, a fragment as [`super::super::verdict::read`] gives it.
    pub remind: Option<&'a str>,
    /// Bytes that the prompt may have.
    pub budget: usize,
}

/// Builds the critic's prompt. The object that it shows is no verdict itself, so that an agent that echoes its prompt
/// has not answered.
///
/// # Errors
/// [`PromptError`] if the built-in template and this code do not fit; no input leads to it.
pub fn critic(facts: &CriticPrompt<'_>) -> Result<Prompt, PromptError> {
    let diff = visible(facts.diff, LineEnds::Shown);
    let mut blocks = vec![
        objective_block(facts.objective),
        criteria_block(facts.test),
        notes_block(facts.notes),
        findings_block(facts.findings, FINDINGS_FLOOR),
        Block::new("diff", diff, Keep::Ends, DIFF_FLOOR),
    ];
    let gates_at = blocks.len();
    blocks.extend(gate_blocks(facts.gates));
    let gates = || facts.gates.iter().enumerate();
    let mut first: Vec<usize> = Vec::with_capacity(blocks.len());
    first.extend(gates().filter(|(_, gate)| gate.passed).map(|(nth, _)| gates_at + nth));
    // What is told first explains the rest, and is cut last.
    first.extend(gates().rev().filter(|(_, gate)| !gate.passed).map(|(nth, _)| gates_at + nth));
    first.extend([3, 4]);

    let mut values = BTreeMap::from([
        ("base", Value::from(facts.base.unwrap_or_default())),
        ("claimed", Value::from(facts.claimed)),
        ("weakened", Value::from(weakened(facts.weakened))),
        ("in_place", Value::from(facts.in_place)),
        ("min_confidence", Value::from(MIN_CONFIDENCE)),
        ("remind", Value::from(facts.remind.map(one_line).unwrap_or_default())),
        ("example", Value::from(fence("json", &example(facts.key)))),
    ]);
    values.extend(test_values(facts.test));
    let template = include_str!("../prompts/critic.md");
    Draft { name: "critic", template, values, blocks, first, limit: facts.budget }.finish(|blocks| {
        let mut placed: BTreeMap<&'static str, Value> = ["objective", "criteria", "notes", "findings"]
            .into_iter()
            .map(|name| (name, Value::from(body(blocks, name))))
            .collect();
        let diff = body(blocks, "diff");
        placed.insert("diff", Value::from(if diff.is_empty() { String::new() } else { fence("diff", diff) }));
        let gates = gates_text(facts.gates, blocks.get(gates_at..).unwrap_or_default());
        placed.insert("gates", Value::from(gates));
        placed
    })
}

/// What is weakened, as a list: the first of many, each on a line of its own that is not too long.
fn weakened(changes: &[TestChange]) -> String {
    const MOST: usize = 20;
    const LONGEST: usize = 240;
    let line = |change: &TestChange| {
        let words: String = change.words().chars().take(LONGEST).collect();
        format!("- {}\n", code(&words))
    };
    let mut text: String = changes.iter().take(MOST).map(line).collect();
    if changes.len() > MOST {
        let _ = writeln!(text, "- and {} more", changes.len() - MOST);
    }
    text.trim_end().to_owned()
}

/// The object to return, with words in the place of a decision that no reader takes for one.
fn example(key: &str) -> String {
    let key = serde_json::Value::from(key);
    format!(
        "{{\"key\":{key},\"verdict\":\"done, continue or needs_human\",\"confidence\":0.0,\"summary\":\"one or two \
         sentences\",\"findings\":[{{\"id\":\"f1\",\"severity\":\"blocking or nit\",\"file\":\"src/a.rs\",\"line\":12,\
         \"text\":\"what is wrong, and what would settle it\"}}]}}"
    )
}
