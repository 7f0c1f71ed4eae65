//! The actor's prompt: what to reach, what came of the last attempt, and how to end.
//!
//! [`actor`] cuts, in this order, the last context files, tails of gates that passed, tails of those that failed, the
//! failure's text, and findings; objective, criteria and the operator's notes stay whole.

use super::budget::{Block, Keep};
use super::fence::{LineEnds, code, fence, one_line, visible};
use super::{
    Check, Draft, GateTail, OperatorNote, Prompt, PromptError, TestBrief, body, criteria_block, findings_block,
    gate_blocks, gates_text, notes_block, objective_block, test_values,
};
use crate::loops::core::spec::{ASK_TOKEN, CLAIM_TOKEN};
use crate::loops::core::verdict::Verdict;
use minijinja::value::Value;
use std::collections::BTreeMap;

/// Bytes that a context file keeps while gates can give way.
const FILE_FLOOR: usize = 2 * 1024;
/// Bytes that a failure's text keeps while others can give way.
const FAILURE_FLOOR: usize = 1024;
/// Bytes that the findings keep while others can give way.
const FINDINGS_FLOOR: usize = 16 * 1024;

/// What the actor is told.
#[derive(Clone, Copy, Debug)]
pub struct ActorPrompt<'a> {
    /// What the loop is to reach.
    pub objective: &'a str,
    /// The test to work on; `None` when the objective is the only one.
    pub test: Option<TestBrief<'a>>,
    /// The iteration's number, from 1.
    pub iteration: u32,
    /// Which attempt at the test this is, from 1, and how many it has.
    pub attempt: (u32, u32),
    /// What the work is measured against: a commit.
    pub base: Option<&'a str>,
    /// Whether it works in the operator's own checkout.
    pub in_place: bool,
    /// Whether a critic judges the work.
    pub critic: bool,
    /// Gates that will be run.
    pub checks: &'a [Check],
    /// Files whose text it is given: path and text.
    pub context: &'a [(String, String)],
    /// Results of the last iteration on this test.
    pub gates: &'a [GateTail<'a>],
    /// The verdict of the last iteration on this test.
    pub verdict: Option<&'a Verdict>,
    /// Why the last iteration did not meet the test.
    pub failure: Option<&'a str>,
    /// Notes and answers that it has not been told.
    pub notes: &'a [OperatorNote<'a>],
    /// Bytes that the prompt may have.
    pub budget: usize,
}

/// Builds the actor's prompt.
///
/// # Errors
/// [`PromptError`] if the built-in template and this code do not fit; no input leads to it.
pub fn actor(facts: &ActorPrompt<'_>) -> Result<Prompt, PromptError> {
    let summary = facts.verdict.map(|verdict| quote(&verdict.summary)).unwrap_or_default();
    let findings = facts.verdict.map_or(&[][..], |verdict| verdict.findings.as_slice());
    let failure = facts.failure.map(quote).unwrap_or_default();
    let mut blocks = vec![
        objective_block(facts.objective),
        criteria_block(facts.test),
        notes_block(facts.notes),
        Block::new("failure", failure, Keep::Head, FAILURE_FLOOR),
        Block::new("summary", summary, Keep::Head, FAILURE_FLOOR),
        findings_block(findings, FINDINGS_FLOOR),
    ];
    let gates_at = blocks.len();
    blocks.extend(gate_blocks(facts.gates));
    let files_at = blocks.len();
    blocks.extend(facts.context.iter().map(|(path, text)| {
        Block::new(format!("file {}", one_line(path)), visible(text, LineEnds::Plain), Keep::Head, FILE_FLOOR)
    }));
    let gates = || facts.gates.iter().enumerate();
    let mut first: Vec<usize> = (files_at..blocks.len()).rev().collect();
    first.extend(gates().filter(|(_, gate)| gate.passed).map(|(nth, _)| gates_at + nth));
    // What is told first explains the rest, and is cut last.
    first.extend(gates().rev().filter(|(_, gate)| !gate.passed).map(|(nth, _)| gates_at + nth));
    first.extend([3, 4, 5]);

    let attempt = match facts.attempt {
        (attempt, of) if of > 1 => format!(", attempt {attempt} of {of}"),
        _ => String::new(),
    };
    let checks: Vec<String> = facts.checks.iter().map(Check::line).collect();
    let mut values = BTreeMap::from([
        ("iteration", Value::from(facts.iteration)),
        ("attempt", Value::from(attempt)),
        ("base", Value::from(facts.base.unwrap_or_default())),
        ("in_place", Value::from(facts.in_place)),
        ("critic", Value::from(facts.critic)),
        ("checks", Value::from(checks.join("\n"))),
        ("claim", Value::from(CLAIM_TOKEN)),
        ("ask", Value::from(ASK_TOKEN)),
    ]);
    values.extend(test_values(facts.test));
    let template = include_str!("../prompts/actor.md");
    Draft { name: "actor", template, values, blocks, first, limit: facts.budget }.finish(|blocks| {
        let mut placed: BTreeMap<&'static str, Value> =
            ["objective", "criteria", "notes", "failure", "summary", "findings"]
                .into_iter()
                .map(|name| (name, Value::from(body(blocks, name))))
                .collect();
        let (gates, files) = blocks.split_at(files_at);
        let gates = gates_text(facts.gates, gates.get(gates_at..).unwrap_or_default());
        placed.insert("gates", Value::from(gates));
        let files = facts.context.iter().zip(files);
        let files: Vec<String> =
            files.map(|((path, _), block)| format!("{}:\n\n{}", code(path), fence("", &block.body))).collect();
        placed.insert("context", Value::from(files.join("\n\n")));
        placed
    })
}

/// Another's words, each line marked as such.
fn quote(text: &str) -> String {
    let text = visible(text.trim(), LineEnds::Plain);
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}
